"""Averaged models compared with PyTorch."""

import copy
import inspect

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.optim import swa_utils

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def network(t):
    nn = t.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    return net.double()


def networks():
    theirs = network(torch)
    ours = network(ng)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours, theirs


def same(a, b, tolerance=1e-12):
    a, b = a.state_dict(), b.state_dict()
    assert list(a) == list(b)
    for key, value in b.items():
        np.testing.assert_allclose(a[key].numpy(), value.numpy(), rtol=tolerance, err_msg=key)


def own(averaged, current, n):
    return averaged + (current - averaged) / (2 * n + 1)


AVERAGES = [
    lambda s: {},
    lambda s: {"avg_fn": s.get_ema_avg_fn(0.7)},
    lambda s: {"avg_fn": s.get_swa_avg_fn()},
    lambda s: {"avg_fn": own},
    lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.7)},
]
CASES = [(average, buffers, 1e-12) for average in AVERAGES for buffers in (False, True)]
# PyTorch's weight is of float32, and it cannot divide the number of batches, a buffer.
CASES.append((lambda s: {"multi_avg_fn": s.get_swa_multi_avg_fn()}, False, 1e-6))


@pytest.mark.parametrize(("options", "use_buffers", "tolerance"), CASES)
def test_averaged_model(options, use_buffers, tolerance):
    runs = []
    for t, net in zip((ng, torch), networks()):
        averaged = t.optim.swa_utils.AveragedModel(
            net, **options(t.optim.swa_utils), use_buffers=use_buffers
        )
        runs.append((t, net, averaged, t.optim.SGD(net.parameters(), lr=0.1)))
    rng = np.random.default_rng(0)
    for _ in range(6):
        x = rng.standard_normal((5, 3))
        for t, net, averaged, optimizer in runs:
            optimizer.zero_grad()
            (net(t.tensor(x)) ** 2).mean().backward()
            optimizer.step()
            averaged.update_parameters(net)
        same(runs[0][2], runs[1][2], tolerance)
    batches = [rng.standard_normal((7, 3)) for _ in range(3)]
    for t, _, averaged, _ in runs:
        averaged.eval()
        loader = [(t.tensor(x), 0) for x in batches] if use_buffers else map(t.tensor, batches)
        t.optim.swa_utils.update_bn(loader, averaged)
        assert not averaged.training and averaged.module[1].momentum == 0.1
    same(runs[0][2], runs[1][2], tolerance)
    x = rng.standard_normal((2, 3))
    np.testing.assert_allclose(
        *[averaged(t.tensor(x)).detach().numpy() for t, _, averaged, _ in runs], rtol=tolerance
    )
    fresh = swa_utils.AveragedModel(network(ng), use_buffers=use_buffers)
    fresh.load_state_dict({key: value.numpy() for key, value in runs[1][2].state_dict().items()})
    same(fresh, runs[1][2])


@pytest.mark.parametrize("before", [None, "ExponentialLR"])
@pytest.mark.parametrize(
    "options",
    [
        {"swa_lr": 0.05},
        {"swa_lr": [0.05, 0.5], "anneal_epochs": 25, "anneal_strategy": "linear"},
        {"swa_lr": 0.05, "anneal_epochs": 0},
    ],
)
def test_swalr(options, before):
    runs = []
    for t in (ng, torch):
        groups = [{"params": t.zeros(1, requires_grad=True), "lr": lr} for lr in (0.1, 0.3)]
        o = t.optim.SGD(groups)
        other = t.optim.lr_scheduler.ExponentialLR(o, 0.9) if before else None
        runs.append((o, t.optim.swa_utils.SWALR(o, **options), other))
    for k in range(100):
        for o, s, other in runs:
            o.step()
            if other and k < 30:
                other.step()
            s.step()
        np.testing.assert_allclose(*[s.get_last_lr() for _, s, _ in runs], rtol=1e-9)
        if k == 15:
            states = [copy.deepcopy(s.state_dict()) for _, s, _ in runs]
            assert states[0].keys() == states[1].keys()
            runs[0][1].load_state_dict(states[1])
            runs[1][1].load_state_dict(states[0])


@pytest.mark.parametrize("name", torch.optim.swa_utils.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(s, name)) for s in (swa_utils, torch.optim.swa_utils))
    assert list(ours.parameters) == list(theirs.parameters)
    for a, b in zip(ours.parameters.values(), theirs.parameters.values()):
        assert (a.kind, a.default) == (b.kind, b.default), a.name


def test_errors():
    net = network(ng)
    optimizer = ng.optim.SGD(net.parameters())
    with pytest.raises(ValueError, match="avg_fn or multi_avg_fn, not both"):
        swa_utils.AveragedModel(net, avg_fn=own, multi_avg_fn=swa_utils.get_swa_multi_avg_fn())
    with pytest.raises(ValueError, match=r"decay must be between 0 and 1, got 1\.5"):
        swa_utils.get_ema_avg_fn(1.5)
    with pytest.raises(ValueError, match="anneal_strategy must be"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="poly")
    with pytest.raises(ValueError, match="anneal_epochs must be an integer"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(TypeError, match="expected a Module, got int"):
        swa_utils.AveragedModel(3)
    swa_utils.update_bn(iter(()), ng.nn.Linear(2, 1))  # no batch norm: no data is read
