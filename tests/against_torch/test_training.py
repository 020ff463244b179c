"""A training run compared with PyTorch's, and clipping of gradients."""

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn, optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def integers(high, *shape):
    return np.random.default_rng(0).integers(0, high, shape)


def grads(tensors):
    return [None if t.grad is None else t.grad.numpy() for t in tensors]


def twins(shapes=((3, 5), (7,), ())):
    arrays = [RNG.standard_normal(shape).astype(np.float32) for shape in shapes]
    return (
        [ng.tensor(a, requires_grad=True) for a in arrays],
        [torch.tensor(a, requires_grad=True) for a in arrays],
    )


@pytest.mark.parametrize("norm_type", [2, 1, 3.0, float("inf"), 0.5])
@pytest.mark.parametrize("max_norm", [0.3, 100])
def test_clip_grad_norm(norm_type, max_norm):
    ps, qs = twins()
    for p, q in zip(ps, qs):
        grad = RNG.standard_normal(p.shape).astype(np.float32)
        p.grad, q.grad = ng.tensor(grad), torch.tensor(grad)
    ours = nn.utils.clip_grad_norm_(ps, max_norm, norm_type)
    theirs = torch.nn.utils.clip_grad_norm_(qs, max_norm, norm_type)
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-5)
    for a, b in zip(grads(ps), grads(qs)):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def networks():
    def build(m):
        return m.Sequential(
            # No bias before a norm that takes it away: Adam would step by its rounding errors.
            m.Conv2d(1, 4, 3, padding=1, bias=False), m.BatchNorm2d(4), m.ReLU(), m.MaxPool2d(2),
            m.Flatten(), m.Linear(4 * 4 * 4, 16), m.LayerNorm(16), m.GELU(), m.Linear(16, 10),
        )  # fmt: skip

    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def test_training_runs_alike():
    ours, theirs = networks()
    a, b = optim.AdamW(ours.parameters(), lr=1e-3), torch.optim.AdamW(theirs.parameters(), lr=1e-3)
    for i in range(10):
        x, y = normal(8, 1, 8, 8) + i / 10, integers(10, 8)
        losses = []
        for net, o, lib, loss in [
            (ours, a, ng, nn.CrossEntropyLoss()),
            (theirs, b, torch, torch.nn.CrossEntropyLoss()),
        ]:
            o.zero_grad()
            value = loss(net(lib.tensor(x)), lib.tensor(y))
            value.backward()
            (nn if lib is ng else torch.nn).utils.clip_grad_norm_(net.parameters(), 1.0)
            o.step()
            losses.append(value.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    for key, value in ours.state_dict().items():
        expected = theirs.state_dict()[key].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=5e-3, atol=5e-4, err_msg=key)
