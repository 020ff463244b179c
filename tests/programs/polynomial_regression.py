#!/usr/bin/env python
"""One linear layer fits a polynomial of degree 4, its parameters changed by hand."""

from itertools import count

import torch
import torch.nn.functional as F
from journal import Journal

POLY_DEGREE = 4
W_TARGET = torch.tensor([[2.0], [-1.0], [0.5], [0.25]])
b_target = torch.tensor([3.0])


def make_features(x):
    """Builds features i.e. a matrix with columns [x, x^2, x^3, x^4]."""
    x = x.unsqueeze(1)
    return torch.cat([x**i for i in range(1, POLY_DEGREE + 1)], 1)


def f(x):
    return x.mm(W_TARGET) + b_target.item()


def poly_desc(W, b):
    result = "y = "
    for i, w in enumerate(W):
        result += "{:+.2f} x^{} ".format(w, i + 1)
    result += "{:+.2f}".format(b[0])
    return result


def main():
    journal = Journal(__doc__, steps=150)
    torch.manual_seed(0)
    fc = torch.nn.Linear(W_TARGET.size(0), 1)
    journal.begin(fc)
    for batch_idx in count(1):
        # The same points in each library: a grid, shifted a little in each step.
        x = make_features(torch.linspace(-1.5, 1.5, 32) + 0.01 * (batch_idx % 7))
        y = f(x)
        fc.zero_grad()
        output = F.smooth_l1_loss(fc(x), y)
        loss = output.item()
        output.backward()
        for param in fc.parameters():
            param.data.add_(-0.1 * param.grad)
        journal.note(loss)
        if journal.full() or loss < 1e-3:
            break
    print("Loss: {:.6f} after {} batches".format(loss, batch_idx))
    print("==> Learned function:\t" + poly_desc(fc.weight.view(-1), fc.bias))
    print("==> Actual function:\t" + poly_desc(W_TARGET.view(-1), b_target))
    journal.end()


if __name__ == "__main__":
    main()
