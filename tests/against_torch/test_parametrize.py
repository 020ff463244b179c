"""nn.utils that recompute weights, against PyTorch: training, state, names, removal."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn
from naivegrad.nn.utils import parametrizations, parametrize

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")  # not loaded with torch
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")]

SHAPES = {
    "Linear": ((5, 3), (4, 5)),
    "Conv1d": ((4, 6, 3), (2, 4, 7)),
    "Conv2d": ((4, 3, (3, 2)), (2, 4, 6, 5)),
    "ConvTranspose2d": ((4, 3, 2), (2, 4, 3, 4)),
}
WAYS = [
    ("parametrizations.weight_norm", {}),
    ("parametrizations.weight_norm", {"dim": 1}),
    ("parametrizations.weight_norm", {"dim": None}),
    ("parametrizations.weight_norm", {"dim": -1}),
    ("parametrizations.weight_norm", {"name": "bias"}),
    ("parametrizations.spectral_norm", {}),
    ("parametrizations.spectral_norm", {"n_power_iterations": 3, "dim": 1}),
    ("parametrizations.spectral_norm", {"name": "bias"}),
    ("weight_norm", {}),
    ("weight_norm", {"dim": None}),
    ("weight_norm", {"dim": 1}),
    ("spectral_norm", {}),
    ("spectral_norm", {"n_power_iterations": 2, "dim": 1}),
]


def find(lib, way):
    found = lib.nn.utils
    for name in way.split("."):
        found = getattr(found, name)
    return found


def pair(layer, way, options):
    """The same layer in both libraries, with the same weights and buffers."""
    args, shape = SHAPES[layer]
    ours, theirs = (
        find(lib, way)(getattr(lib.nn, layer)(*args, dtype=lib.float64), **options)
        for lib in (ng, torch)
    )
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.init_from_torch(theirs)
    return ours, theirs, shape


def same_state(ours, theirs, tolerance=1e-10):
    for key, value in theirs.state_dict().items():
        got = ours.state_dict()[key].numpy()
        np.testing.assert_allclose(got, value.numpy(), tolerance, tolerance, err_msg=key)


def train(ours, theirs, shape, steps=5):
    """Some steps of SGD in training mode, then a call in evaluation mode."""
    optimizers = (
        ng.optim.SGD(ours.parameters(), 0.1, 0.9),
        torch.optim.SGD(theirs.parameters(), 0.1, 0.9),
    )
    rng = np.random.default_rng(0)
    for step in range(steps + 1):
        x = rng.standard_normal(shape)
        if step == steps:
            ours.eval(), theirs.eval()
        results = []
        for lib, net, optimizer in zip((ng, torch), (ours, theirs), optimizers, strict=True):
            y = net(lib.tensor(x))
            optimizer.zero_grad()
            y.sin().sum().backward()
            optimizer.step()
            results.append(y.detach().numpy())
        np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-9)
        same_state(ours, theirs)


@pytest.mark.parametrize("layer", SHAPES)
@pytest.mark.parametrize(("way", "options"), WAYS)
def test_training(layer, way, options):
    if way.endswith("spectral_norm") and options.get("name") and layer == "ConvTranspose2d":
        options = {**options, "dim": 0}
    ours, theirs, shape = pair(layer, way, options)
    assert repr(ours) == repr(theirs)
    train(ours, theirs, shape)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(sizes, kind, trivial):
    ours, theirs = (
        lib.nn.utils.parametrizations.orthogonal(
            lib.nn.Linear(*sizes, dtype=lib.float64),
            orthogonal_map=kind,
            use_trivialization=trivial,
        )
        for lib in (ng, torch)
    )
    assert list(ours.state_dict()) == list(theirs.state_dict()) and repr(ours) == repr(theirs)
    ours.init_from_torch(theirs)
    train(ours, theirs, (2, sizes[0]), steps=3)
    w = ours.weight.detach().numpy()
    w = w if len(w) <= w.shape[1] else w.T
    np.testing.assert_allclose(w @ w.T, np.eye(len(w)), atol=1e-12)
    # What is orthogonal already can be assigned.
    rows, columns = sorted(sizes)
    q = np.linalg.qr(np.random.default_rng(1).standard_normal((columns, rows)))[0]
    q = np.ascontiguousarray(q if ours.weight.shape == q.shape else q.T)
    if not trivial and ours.parametrizations.weight[0].orthogonal_map != "householder":
        with pytest.raises(NotImplementedError, match="cannot be inverted"):
            ours.weight = ng.tensor(q)
    else:
        ours.weight = ng.tensor(q)
        np.testing.assert_allclose(ours.weight.detach().numpy(), q, atol=1e-12)


@pytest.mark.parametrize("way", ["weight_norm", "spectral_norm", "orthogonal"])
def test_gradient_of_a_gradient(way):
    """As a gradient penalty takes it."""
    ours, theirs, shape = pair("Linear", f"parametrizations.{way}", {})
    ours.eval(), theirs.eval()
    for lib, net in ((ng, ours), (torch, theirs)):
        x = lib.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
        (grad,) = lib.autograd.grad(net(x).sin().sum(), [x], create_graph=True)
        (grad**2).sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_orthogonal_batch():
    net = nn.Module()
    net.register_parameter("w", nn.Parameter(ng.randn(2, 5, 3, dtype=ng.float64)))
    parametrizations.orthogonal(net, "w")
    w = net.w.detach().numpy()
    np.testing.assert_allclose(
        np.swapaxes(w, 1, 2) @ w, np.eye(3) + np.zeros((2, 1, 1)), atol=1e-12
    )


@pytest.mark.parametrize("way", ["weight_norm", "spectral_norm"])
def test_the_older_way_and_back(way):
    ours, theirs, shape = pair("Conv2d", way, {})
    remove = f"remove_{way}"
    x = np.random.default_rng(0).standard_normal(shape)
    want = ours.eval()(ng.tensor(x)).detach().numpy()
    for lib, net in ((ng, ours), (torch, theirs)):
        with pytest.raises(RuntimeError):
            find(lib, way)(net)
        assert find(lib, remove)(net) is net
        with pytest.raises(ValueError):
            find(lib, remove)(net)
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict()) == ["bias", "weight"]
    assert not any((ours._forward_pre_hooks, ours._state_dict_hooks))
    got = ours(ng.tensor(x)).detach().numpy()
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    same_state(ours, theirs)


def test_older_weight_norm_warns_and_can_be_loaded_by_the_newer():
    with pytest.warns(FutureWarning, match="weight_norm is going away"):
        older = nn.utils.weight_norm(nn.Linear(3, 2))
    newer = parametrizations.weight_norm(nn.Linear(3, 2))
    newer.load_state_dict(older.state_dict())
    assert (newer.weight == older.weight).all() and (newer.bias == older.bias).all()


def test_version_of_spectral_norm():
    ours, theirs, _ = pair("Linear", "spectral_norm", {})
    assert ours.state_dict()._metadata == dict(theirs.state_dict()._metadata)


# -------------------------------------------------------------------------------- parametrize


def classes(lib):
    class Symmetric(lib.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

        def right_inverse(self, a):
            return a.triu()

    class Exp(lib.nn.Module):
        def forward(self, x):
            return x.exp()

    class RankOne(lib.nn.Module):
        def forward(self, x, y):
            return x.unsqueeze(-1) @ y.unsqueeze(-2)

        def right_inverse(self, z):
            u, s, v = lib.linalg.svd(z, full_matrices=False)
            root = s[0].sqrt()
            return u[:, 0] * root, v[0] * root

    class Wider(lib.nn.Module):
        def forward(self, x):
            return lib.cat([x, x])

    return Symmetric(), Exp(), RankOne(), Wider()


def run(program):
    """What a program gives in both libraries: tensors, words and numbers."""
    got, want = (
        [v.detach().numpy() if hasattr(v, "detach") else v for v in program(lib)]
        for lib in (ng, torch)
    )
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        if isinstance(b, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
        else:
            assert a == b


def square(lib):
    layer = lib.nn.Linear(3, 3, dtype=lib.float64)
    with lib.no_grad():
        layer.weight.copy_(lib.arange(9.0).reshape(3, 3) / 7 - 0.5)
    return layer


def test_two_parametrizations():
    def program(lib):
        p = lib.nn.utils.parametrize
        symmetric, exp, *_ = classes(lib)
        layer = square(lib)
        weight = layer.weight
        p.register_parametrization(layer, "weight", symmetric)
        kept = layer.parametrizations.weight.original is weight
        yield from (kept, layer.weight, weight, p.is_parametrized(layer), repr(layer))
        p.register_parametrization(layer, "weight", exp)
        layer.weight.sum().backward()
        yield from (layer.weight, weight.grad, len(layer.parametrizations.weight))
        yield from (layer.parametrizations.weight.ntensors, list(layer.state_dict()))
        yield from (p.type_before_parametrizations(layer).__name__, type(layer).__name__)
        with pytest.raises(RuntimeError):
            layer.weight = lib.ones(3, 3, dtype=lib.float64)
        p.remove_parametrizations(layer, "weight")
        yield from (layer.weight is weight, layer.weight, type(layer).__name__, repr(layer))

    run(program)


@pytest.mark.parametrize("leave", [True, False])
def test_removing(leave):
    def program(lib):
        p = lib.nn.utils.parametrize
        layer = p.register_parametrization(square(lib), "weight", classes(lib)[0])
        p.register_parametrization(layer, "bias", classes(lib)[1])
        p.remove_parametrizations(layer, "weight", leave_parametrized=leave)
        yield from (type(layer).__name__, layer.weight, list(layer.state_dict()))
        p.remove_parametrizations(layer, "bias", leave_parametrized=leave)
        yield from (type(layer).__name__, hasattr(layer, "parametrizations"))
        with pytest.raises(ValueError):
            p.remove_parametrizations(layer, "bias")

    run(program)


def test_several_originals():
    def program(lib):
        p = lib.nn.utils.parametrize
        layer = p.register_parametrization(square(lib), "weight", classes(lib)[2])
        yield from (layer.weight, list(layer.state_dict()), layer.parametrizations.weight.ntensors)
        layer.weight = lib.ones(3, 3, dtype=lib.float64)
        layer.weight.sum().backward()
        entries = layer.parametrizations.weight
        yield from (layer.weight, entries.original0.grad.abs(), entries.original1.grad.abs())
        with pytest.raises(ValueError):
            p.remove_parametrizations(layer, "weight", leave_parametrized=False)
        p.remove_parametrizations(layer, "weight")
        yield from (layer.weight, isinstance(layer.weight, lib.nn.Parameter))

    run(program)


def test_unsafe_and_buffers():
    def program(lib):
        p = lib.nn.utils.parametrize
        *_, wider = classes(lib)
        with pytest.raises(ValueError):
            p.register_parametrization(square(lib), "weight", wider)
        layer = p.register_parametrization(square(lib), "weight", wider, unsafe=True)
        yield layer.weight
        norm = p.register_parametrization(lib.nn.BatchNorm1d(2), "running_mean", classes(lib)[1])
        yield from (norm.running_mean, list(norm.state_dict()))
        p.remove_parametrizations(norm, "running_mean")
        yield from (norm.running_mean, [name for name, _ in norm.named_buffers()])
        with pytest.raises(ValueError):
            p.register_parametrization(norm, "nothing", wider)

    run(program)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="parametrization must be a Module, got int"):
        parametrize.register_parametrization(nn.Linear(1, 1), "weight", 3)
    with pytest.raises(ValueError, match="there are no values yet"):
        parametrize.register_parametrization(nn.LazyLinear(1), "weight", nn.Identity())


def test_a_recurrent_layer():
    ours, theirs = (
        lib.nn.utils.parametrizations.weight_norm(lib.nn.LSTM(3, 4).double(), "weight_hh_l0")
        for lib in (ng, torch)
    )
    ours.init_from_torch(theirs)
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    results = [net(lib.tensor(x))[0] for lib, net in ((ng, ours), (torch, theirs))]
    for y in results:
        y.sin().sum().backward()
    np.testing.assert_allclose(*(y.detach().numpy() for y in results), rtol=1e-12)
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-10, 1e-12, err_msg=key)


def test_transfer():
    def program(lib):
        p = lib.nn.utils.parametrize
        one = p.register_parametrization(square(lib), "weight", classes(lib)[0])
        two = p.transfer_parametrizations_and_params(one, square(lib))
        same = two.parametrizations.weight.original is one.parametrizations.weight.original
        yield from (two.weight, same, type(two).__name__)

    run(program)


def test_cached():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x * 2

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counted(), unsafe=True)
    with parametrize.cached(), parametrize.cached():
        layer(ng.ones(2)), layer(ng.ones(2))
    assert len(calls) == 1
    layer(ng.ones(2))
    assert len(calls) == 2 and not parametrize._cache


def test_copies_and_pickles():
    """Beyond PyTorch, whose parametrized modules cannot be pickled."""
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert type(twin) is type(layer) and (twin.weight == layer.weight).all()
        with ng.no_grad():
            twin.parametrizations.weight.original0.fill_(0)
        assert (twin.weight == 0).all() and not (layer.weight == 0).any()
        parametrize.remove_parametrizations(twin, "weight")
        assert type(twin) is nn.Linear and parametrize.is_parametrized(layer, "weight")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda u, m: u.parametrizations.orthogonal(m, "bias"), ValueError, "expected a matrix"),
        (
            lambda u, m: u.parametrizations.orthogonal(m, "odd"),
            ValueError,
            "no parameter or buffer",
        ),
        (
            lambda u, m: u.parametrizations.orthogonal(m, orthogonal_map="qr"),
            ValueError,
            "orthogonal_map must be one of",
        ),
        (
            lambda u, m: u.parametrizations.spectral_norm(m, dim=2),
            IndexError,
            "dim 2 is out of range",
        ),
        (
            lambda u, m: u.parametrizations.spectral_norm(m, n_power_iterations=0),
            ValueError,
            "must be positive",
        ),
        (lambda u, m: u.spectral_norm(m, n_power_iterations=0), ValueError, "must be positive"),
        (lambda u, m: u.remove_weight_norm(m), ValueError, "'weight' of Linear has none"),
        (lambda u, m: u.weight_norm(u.weight_norm(m)), RuntimeError, "has it already"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.utils, nn.Linear(3, 3))
    with pytest.raises(error):
        call(torch.nn.utils, torch.nn.Linear(3, 3))


# ------------------------------------------------------------------------- names and arguments

HERE = [
    "clip_grad",
    "convert_parameters",
    "memory_format",
    "parametrize",
    "parametrizations",
    "prune",
    "stateless",
    "fusion",
    "init",
]


@pytest.mark.parametrize("module", HERE)
def test_names_and_arguments(module):
    ours, theirs = (getattr(lib.nn.utils, module) for lib in (ng, torch))
    own = [n for n, f in vars(theirs).items() if getattr(f, "__module__", 0) == theirs.__name__]
    names = getattr(theirs, "__all__", own)
    for name in names:
        if not name.startswith("_") and inspect.isfunction(getattr(theirs, name)):
            signatures = [
                inspect.signature(getattr(lib, name)).parameters for lib in (ours, theirs)
            ]
            assert [(p.name, p.default) for p in signatures[0].values()] == [
                (p.name, p.default) for p in signatures[1].values()
            ], name
