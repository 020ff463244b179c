"""sin(x) by a polynomial of degree 3, in every style of the tutorials, from tensors to a module."""

import math
import random

import torch
from journal import Journal


def points():
    x = torch.linspace(-math.pi, math.pi, 2000)
    return x, torch.sin(x)


def by_hand(journal):
    """Gradients worked out on paper."""
    x, y = points()
    a, b, c, d = (torch.full((), v) for v in (0.1, -0.2, 0.3, -0.1))
    learning_rate = 1e-6
    for _ in journal.steps():
        y_pred = a + b * x + c * x**2 + d * x**3
        journal.note((y_pred - y).pow(2).sum().item())
        grad_y_pred = 2.0 * (y_pred - y)
        a -= learning_rate * grad_y_pred.sum()
        b -= learning_rate * (grad_y_pred * x).sum()
        c -= learning_rate * (grad_y_pred * x**2).sum()
        d -= learning_rate * (grad_y_pred * x**3).sum()
    print(f"y = {a.item()} + {b.item()} x + {c.item()} x^2 + {d.item()} x^3")


def by_autograd(journal):
    torch.set_default_device("cpu")
    x, y = points()
    a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.1, -0.2, 0.3, -0.1))
    learning_rate = 1e-6
    for _ in journal.steps():
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        journal.note(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (a, b, c, d):
                w -= learning_rate * w.grad
                w.grad = None


class LegendrePolynomial3(torch.autograd.Function):
    """P3(x) = (5 x^3 - 3 x) / 2."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_x = grad_output.clone()
        grad_x[x < 0] = 0
        return grad_x


def by_function(journal):
    x, y = points()
    a = torch.full((), 0.0, requires_grad=True)
    b = torch.full((), -1.0, requires_grad=True)
    c = torch.full((), 0.0, requires_grad=True)
    d = torch.full((), 0.3, requires_grad=True)
    for _ in journal.steps():
        p3 = LegendrePolynomial3.apply
        y_pred = a + b * p3(c + d * x) + 0 * MyReLU.apply(x * a)
        loss = (y_pred - y).pow(2).sum()
        journal.note(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (a, b, c, d):
                w -= 5e-6 * w.grad
                w.grad = None


def features():
    x, y = points()
    return x.unsqueeze(-1).pow(torch.tensor([1, 2, 3])), y


def by_nn(journal):
    xx, y = features()
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    journal.begin(model)
    loss_fn = torch.nn.MSELoss(reduction="sum")
    for _ in journal.steps():
        loss = loss_fn(model(xx), y)
        journal.note(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= 1e-6 * param.grad
    linear_layer = model[0]
    print(f"y = {linear_layer.bias.item()} + {linear_layer.weight[:, 0].item()} x + ...")


def by_optim(journal):
    xx, y = features()
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    journal.begin(model)
    loss_fn = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in journal.steps():
        loss = loss_fn(model(xx), y)
        journal.note(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class DynamicNet(torch.nn.Module):
    """Degree 3, and in each forward up to two more terms with one shared coefficient."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))
        self.c = torch.nn.Parameter(torch.randn(()))
        self.d = torch.nn.Parameter(torch.randn(()))
        self.e = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for exp in range(4, random.randint(4, 6)):
            y = y + self.e * x**exp
        return y

    def string(self):
        return f"y = {self.a.item()} + {self.b.item()} x + {self.e.item()} x^4 ?"


def by_module(journal):
    x, y = points()
    random.seed(0)
    model = DynamicNet()
    journal.begin(model)
    criterion = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
    for _ in journal.steps():
        loss = criterion(model(x), y)
        journal.note(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"Result: {model.string()}")


def main():
    journal = Journal(__doc__, steps=100, style="autograd")
    torch.manual_seed(0)
    globals()[f"by_{journal.options.style}"](journal)
    journal.end()


if __name__ == "__main__":
    main()
