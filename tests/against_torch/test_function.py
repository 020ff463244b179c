"""A user's Function does in both libraries the same: outputs, gradients, what ctx says."""

import numpy as np
import pytest

import naivegrad

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def clamped(torch):
    """In place, with a mask saved, in the style with setup_context."""

    class Clamp(torch.autograd.Function):
        @staticmethod
        def forward(x, low):
            return x.clamp(min=low), x < low

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.low = inputs
            ctx.mark_non_differentiable(output[1])
            ctx.save_for_backward(x, output[1])

        @staticmethod
        def backward(ctx, grad, _):
            x, mask = ctx.saved_tensors
            return grad.masked_fill(mask, 0) * x / x, None

    x = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
    y, mask = Clamp.apply(x, 0.0)
    (y**3).sum().backward()
    return y.detach(), mask, x.grad, y.requires_grad, mask.requires_grad


def exponential(torch):
    """The output saved; differentiated twice."""

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad):
            (y,) = ctx.saved_tensors
            return grad * y

    x = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
    y = Exp.apply(Exp.apply(x) * 0.1)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = torch.autograd.grad((g * g).sum(), x)
    return y.detach(), g.detach(), h


def in_place(torch):
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            x.mul_(factor)
            ctx.mark_dirty(x)
            ctx.factor = factor
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.factor, None

    x = torch.tensor([[-2.0, 0.5], [3.0, 1.0]], dtype=torch.float64, requires_grad=True)
    y = x * x
    z = Scale.apply(y, 3.0)
    Scale.apply(y[0], -1.0)
    (y * z).sum().backward()
    return y.detach(), x.grad, z is y, y.is_leaf


def zeros(torch):
    seen = []

    class Three(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            seen.append(ctx.needs_input_grad)
            return x + y, x * 2, y.long()

        @staticmethod
        def backward(ctx, *grads):
            seen.extend(grads)
            return grads[0] + 2 * grads[1], grads[0]

    x = torch.tensor([-2.0, 0.5], dtype=torch.float64, requires_grad=True)
    a, b, c = Three.apply(x, torch.ones(1, dtype=torch.float64))
    b.sum().backward()
    return [x.grad, c, a.requires_grad, c.requires_grad, a.grad_fn is not None, *seen]


def checkpointed(torch):
    """Forward without a record, run again in backward."""

    class Checkpoint(torch.autograd.Function):
        @staticmethod
        def forward(ctx, run, x, w):
            ctx.run = run
            ctx.save_for_backward(x, w)
            return run(x, w)

        @staticmethod
        def backward(ctx, grad):
            inputs = [t.detach().requires_grad_(t.requires_grad) for t in ctx.saved_tensors]
            with torch.enable_grad():
                out = ctx.run(*inputs)
            torch.autograd.backward(out, grad)
            return (None, *[t.grad for t in inputs])

    x = torch.tensor([[-2.0, 0.5]], dtype=torch.float64)
    w = torch.tensor([[1.0, 0.5], [-1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    h = Checkpoint.apply(lambda x, w: (x @ w).tanh(), x, w)
    h = Checkpoint.apply(lambda x, w: (x @ w).tanh(), h, w)
    h.sum().backward()
    return h.detach(), w.grad


def mistakes(torch):
    def attempt(forward, backward):
        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        function = type("Mine", (torch.autograd.Function,), members)
        x = torch.ones(2, requires_grad=True)
        try:
            function.apply(x, 2).sum().backward()
        except (RuntimeError, TypeError, ValueError):
            return "error"
        return x.grad

    def double(ctx, x, n):
        return x * n

    return [
        attempt(double, lambda ctx, g: g),
        attempt(double, lambda ctx, g: (g, g)),
        attempt(double, lambda ctx, g: (g, None, None)),
        attempt(double, lambda ctx, g: (g, None, g)),
        attempt(double, lambda ctx, g: (torch.ones(2, 2), None)),
        attempt(double, lambda ctx, g: (torch.ones(3), None)),
        attempt(double, lambda ctx, g: (g.double(), None)),
        attempt(double, lambda ctx, g: (None, None)),
        attempt(lambda ctx, x, n: ctx.mark_dirty(x) or x * n, lambda ctx, g: (g, None)),
        attempt(lambda ctx, x, n: ctx.mark_dirty(x) or x.mul_(n), lambda ctx, g: (g, None)),
    ]


@pytest.mark.parametrize("program", [clamped, exponential, in_place, zeros, checkpointed, mistakes])
def test_same_in_both(program):
    ours, theirs = program(naivegrad), program(torch)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
            assert a.numpy().dtype == b.numpy().dtype
        else:
            assert a == b
