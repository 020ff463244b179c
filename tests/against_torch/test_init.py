"""nn.init against PyTorch's: names, arguments, fixed values, errors; chance by its quantiles."""

import inspect
import math

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NAMES = [name for name in torch.nn.init.__all__ if name.endswith("_")]


def test_every_name_is_here():
    assert set(torch.nn.init.__all__) <= set(nn.init.__all__)


@pytest.mark.parametrize("name", [*NAMES, "calculate_gain"])
def test_arguments(name):
    ours, theirs = (
        [
            (p.name, p.default)
            for p in inspect.signature(getattr(lib.init, name)).parameters.values()
        ]
        for lib in (nn, torch.nn)
    )
    assert ours == theirs


FIXED = [
    ("constant_", (3, 2), (0.25,)),
    ("ones_", (3, 2), ()),
    ("zeros_", (3, 2), ()),
    ("eye_", (3, 5), ()),
    ("eye_", (5, 3), ()),
    ("dirac_", (6, 3, 4), ()),
    ("dirac_", (6, 4, 3, 2), (3,)),
    ("dirac_", (2, 4, 3, 3, 1), (2,)),
]


@pytest.mark.parametrize(("name", "shape", "args"), FIXED)
def test_fixed_values(name, shape, args):
    for dtype in ("float32", "float64", "float16"):
        p = nn.Parameter(ng.full(shape, 7.0, dtype=getattr(ng, dtype)))
        assert getattr(nn.init, name)(p, *args) is p and p.is_leaf
        want = getattr(torch.nn.init, name)(torch.full(shape, 7.0), *args)
        np.testing.assert_array_equal(p.detach().double().numpy(), want.double().numpy())


@pytest.mark.parametrize("name", [n for n in torch.nn.init.__all__ if n + "_" in NAMES])
def test_older_names_warn(name):
    args = {"constant": (1.0,), "sparse": (0.5,)}.get(name, ())
    shape = (4, 2, 3) if name == "dirac" else (4, 2)
    for lib in (torch, ng):
        with pytest.warns(FutureWarning, match=rf"nn\.init\.{name}"):
            getattr(lib.nn.init, name)(lib.zeros(shape), *args)


RANDOM = [
    ("uniform_", (), {"a": -1.0, "b": 3.0}),
    ("normal_", (), {"mean": 2.0, "std": 3.0}),
    ("xavier_uniform_", (), {"gain": 2.0}),
    ("xavier_normal_", (), {}),
    ("kaiming_uniform_", (), {"a": 0.3, "mode": "fan_out"}),
    ("kaiming_uniform_", (), {"nonlinearity": "tanh"}),
    ("kaiming_normal_", (), {"nonlinearity": "selu"}),
    ("trunc_normal_", (), {}),
    ("trunc_normal_", (), {"mean": 1.0, "std": 2.0, "a": -0.5, "b": 5.0}),
    ("trunc_normal_", (), {"mean": 0.0, "std": 1.0, "a": 1.0, "b": 1.5}),
    ("sparse_", (0.25,), {"std": 0.5}),
]


@pytest.mark.parametrize(("name", "args", "options"), RANDOM)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_distribution(name, args, options, dtype):
    """Two samples of 30,000: the same quantiles, to within what chance explains."""
    shape = (100, 300) if name == "sparse_" else (20, 30, 5, 10)
    samples = [
        getattr(lib.nn.init, name)(
            lib.zeros(shape, dtype=getattr(lib, dtype)),
            *args,
            **options,
            generator=lib.Generator().manual_seed(0),
        )
        .double()
        .numpy()
        .ravel()
        for lib in (ng, torch)
    ]
    got, want = (np.quantile(s, [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) for s in samples)
    np.testing.assert_allclose(got, want, rtol=0, atol=0.05 * samples[1].std())
    if "uniform" in name or name == "trunc_normal_":
        got, want = (np.quantile(s, [0, 1]) for s in samples)
        np.testing.assert_allclose(got, want, rtol=0, atol=0.02 * np.ptp(samples[1]) + 1e-9)
    assert abs((samples[0] == 0).mean() - (samples[1] == 0).mean()) < 0.01


def test_far_tail_of_a_truncated_normal():
    """Ten deviations out, on either side: the density falls by e in a tenth."""
    for a, b, sign in ((10.0, 20.0, 1), (-20.0, -10.0, -1)):
        with pytest.warns(UserWarning, match="mean is more than 2 std"):
            x = sign * nn.init.trunc_normal_(ng.zeros(20000), 0, 1, a, b).double().numpy()
        assert x.min() >= 10 and abs((x - 10).mean() - 0.0981) < 0.002


@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (4, 3, 2, 5)])
def test_orthogonal(shape):
    w = nn.init.orthogonal_(ng.zeros(shape, dtype=ng.float64), gain=1.5).numpy()
    w = w.reshape(shape[0], -1)
    w = w if shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, 1.5**2 * np.eye(len(w)), atol=1e-12)


def test_generator():
    for name in ("uniform_", "normal_", "kaiming_normal_", "orthogonal_", "trunc_normal_"):
        draws = [
            getattr(nn.init, name)(ng.zeros(3, 4), generator=ng.Generator().manual_seed(5)).tolist()
            for _ in range(2)
        ]
        assert draws[0] == draws[1]


WRONG = [
    lambda lib: lib.nn.init.eye_(lib.ones(3)),
    lambda lib: lib.nn.init.dirac_(lib.ones(3, 3)),
    lambda lib: lib.nn.init.dirac_(lib.ones(5, 3, 3), groups=2),
    lambda lib: lib.nn.init.xavier_uniform_(lib.ones(3)),
    lambda lib: lib.nn.init.kaiming_normal_(lib.ones(3, 3), mode="fan"),
    lambda lib: lib.nn.init.kaiming_uniform_(lib.ones(3, 3), nonlinearity="what"),
    lambda lib: lib.nn.init.orthogonal_(lib.ones(3)),
    lambda lib: lib.nn.init.sparse_(lib.ones(3), 0.1),
    lambda lib: lib.nn.init.calculate_gain("leaky_relu", True),
    lambda lib: lib.nn.init.calculate_gain("conv_transpose4d"),
]


@pytest.mark.parametrize("call", WRONG)
def test_errors(call):
    for lib in (torch, ng):
        with pytest.raises(ValueError):
            call(lib)


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_nothing_to_fill(name):
    for lib in (torch, ng):
        with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
            getattr(lib.nn.init, name)(lib.zeros(0, 3))
    nn.init.orthogonal_(ng.zeros(0, 3))


@pytest.mark.parametrize("name", ["relu", "tanh", "selu", "linear", "conv_transpose2d", "sigmoid"])
def test_gain(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    leaky = [lib.init.calculate_gain("leaky_relu", 0.2) for lib in (nn, torch.nn)]
    assert leaky[0] == leaky[1] == math.sqrt(2 / 1.04)
