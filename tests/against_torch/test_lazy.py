"""Lazy modules against PyTorch's: what they become, their state before and after, and loading."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn, optim

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Lazy modules are a new")]

CASES = [
    ("LazyLinear", (3,), {}, (4, 2)),
    ("LazyLinear", (3, False), {}, (4, 5, 2)),
    ("LazyConv1d", (4, 3), {"groups": 2, "padding": 1}, (2, 6, 9)),
    ("LazyConv2d", (4, (3, 2), 2, 1), {"padding_mode": "reflect"}, (2, 3, 7, 6)),
    ("LazyConv2d", (4, 3), {"bias": False}, (3, 7, 6)),
    ("LazyConv3d", (4, 2), {"dilation": 2}, (1, 2, 5, 4, 6)),
    ("LazyConvTranspose1d", (4, 3), {"groups": 2, "output_padding": 1, "stride": 2}, (2, 6, 5)),
    ("LazyConvTranspose2d", (4, 3, 2, 1, 1), {}, (2, 3, 4, 5)),
    ("LazyConvTranspose3d", (3, 2), {"bias": False}, (1, 2, 3, 4, 2)),
    ("LazyBatchNorm1d", (), {}, (6, 3)),
    ("LazyBatchNorm1d", (), {"bias": False}, (6, 3, 4)),
    ("LazyBatchNorm2d", (0.1, 0.3), {}, (4, 3, 5, 2)),
    ("LazyBatchNorm2d", (), {"affine": False}, (4, 3, 5, 2)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False}, (4, 3, 2, 1, 2)),
    ("LazyInstanceNorm1d", (), {}, (4, 3, 6)),
    ("LazyInstanceNorm2d", (), {"track_running_stats": False}, (4, 3, 5, 2)),
    ("LazyInstanceNorm3d", (), {}, (4, 3, 2, 3, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options", "shape"), CASES)
def test_first_call(name, args, options, shape):
    ours = getattr(nn, name)(*args, **options, dtype=ng.float64)
    theirs = getattr(torch.nn, name)(*args, **options, dtype=torch.float64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert type(a).__name__ == type(b).__name__
    x = np.random.default_rng(0).standard_normal(shape)
    # Both draw weights of their own; PyTorch's are copied, and the call is made again.
    ours(ng.tensor(x)), theirs(torch.tensor(x))
    assert type(ours).__name__ == type(theirs).__name__ and repr(ours) == repr(theirs)
    assert set(vars(ours)) <= set(vars(getattr(nn, type(ours).__name__)(*_sizes(ours))))
    ours.init_from_torch(theirs)
    got, want = ours(ng.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-9, atol=1e-9)


def _sizes(module):
    """Arguments for a module of the same class."""
    norm = hasattr(module, "num_features")
    return (4,) if norm else (4, 4) if hasattr(module, "in_features") else (4, 4, 1)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_arguments(name):
    ours, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (nn, torch.nn))
    assert [(p.name, p.default, p.kind) for p in ours.values()] == [
        (p.name, p.default, p.kind) for p in theirs.values()
    ]


def test_unbatched_instance_norm():
    norm = nn.LazyInstanceNorm1d()
    norm(ng.ones(3, 5))
    assert norm.num_features == 3  # PyTorch takes 5, and fails


def test_initial_values():
    norm = nn.LazyBatchNorm1d()
    norm.eval()(ng.ones(2, 3))
    assert (norm.weight == 1).all() and (norm.bias == 0).all() and (norm.running_var == 1).all()
    assert norm.weight.requires_grad and not norm.running_mean.requires_grad
    layer = nn.LazyLinear(200)
    layer(ng.ones(1, 100))
    assert 0.09 < layer.weight.abs().max().item() <= 0.1 and layer.bias.abs().max().item() <= 0.1


def test_state_dicts_both_ways():
    lazy, ready = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d()), nn.Sequential(
        nn.Linear(2, 3), nn.BatchNorm1d(3)
    )  # fmt: skip
    unready = lazy.state_dict()
    assert nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d()).load_state_dict(unready)
    with pytest.raises(RuntimeError, match=r"'0\.weight': without a shape yet in the state dict"):
        ready.load_state_dict(unready)
    lazy.load_state_dict(ready.state_dict())
    assert lazy[0].weight.shape == (3, 2) and not lazy[0].has_uninitialized_params()
    x = ng.ones(4, 2)
    assert (lazy.eval()(x) == ready.eval()(x)).all()
    assert type(lazy[0]) is nn.Linear and lazy[0].in_features == 2 and lazy[1].num_features == 3


def test_use_before_the_first_call():
    layer = nn.LazyLinear(3)
    for use in (
        lambda: layer.weight + 1,
        lambda: layer.weight.shape,
        lambda: layer.weight.sum(),
        lambda: nn.init.zeros_(layer.weight),
        lambda: nn.utils.parameters_to_vector(layer.parameters()),
    ):
        with pytest.raises(ValueError, match="UninitializedParameter: there are no values yet"):
            use()
    for make in (optim.SGD, optim.AdamW, optim.RMSprop):
        with pytest.raises(ValueError, match=f"{make.__name__}: .* has no shape yet"):
            make(layer.parameters(), lr=0.1)
    assert repr(layer.weight) == repr(torch.nn.LazyLinear(3).weight)
    with pytest.raises(ValueError, match="LazyConv2d: expected 3D or 4D input, got 2D"):
        nn.LazyConv2d(3, 2)(ng.ones(2, 2))


def test_casts_and_copies_before_the_first_call():
    net = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d()).double()
    net[0].weight.requires_grad_(False)
    for twin in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.to("cpu")):
        twin(ng.ones(4, 2).double())
        assert {v.dtype for v in twin.parameters()} == {ng.float64}
        assert [v.requires_grad for v in twin.parameters()] == [False, True, True, True]


def test_a_lazy_module_of_ones_own():
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.scale.materialize(x.shape[1:])
            with ng.no_grad():
                self.scale.fill_(3)

        def forward(self, x):
            return x * self.scale

    module = Scale()
    assert module(ng.ones(2, 2)).sum().item() == 12
    assert module(ng.ones(1, 2)).sum().item() == 6
    assert type(module) is Scale and isinstance(module.scale, nn.Parameter)

    class Forgetful(Scale):
        def initialize_parameters(self, x):
            pass

    with pytest.raises(RuntimeError, match="Forgetful: initialize_parameters has left parameters"):
        Forgetful()(ng.ones(1, 2))
