"""Modules against PyTorch's: arguments, text, state both ways, results, gradients."""

import importlib
import inspect
import pkgutil
import warnings

import numpy as np
import pytest

import naivegrad as ng
from naivegrad import nn

from .module_table import ELSEWHERE, ROWS, Fixed, Made

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

NAMES = sorted({row.name for row in ROWS})


def for_library(value, t):
    """An argument of a row, as one of the libraries takes it."""
    if isinstance(value, Made):
        return value.make(t)
    return t.tensor(value) if isinstance(value, np.ndarray) else value


def build(row, t):
    args = [for_library(arg, t) for arg in row.args]
    options = {name: for_library(value, t) for name, value in row.options.items()}
    return getattr(t.nn, row.name)(*args, **options).to(getattr(t, row.dtype))


def draw_inputs(row, rng):
    """The arrays for a call, and whether they get a gradient."""
    for x in row.inputs:
        array = rng.standard_normal(x) if isinstance(x, tuple) else getattr(x, "array", x)
        floating = array.dtype.kind == "f"
        yield array.astype(row.dtype) if floating else array, floating and not isinstance(x, Fixed)


def call(module, row, inputs, t):
    """Results, gradients of the inputs and of the parameters, and the state after the call."""
    rng = np.random.default_rng(1)
    leaves = [t.tensor(array, requires_grad=needed) for array, needed in inputs]
    inputs = [x * 1 if x.requires_grad else x for x in leaves]  # an input may be changed in place
    options = {name: for_library(value, t) for name, value in row.call.items()}
    results = module(*inputs, **options)
    results = results if isinstance(results, tuple) else (results,)
    floating = [y for y in results if y is not None and y.requires_grad]
    if floating:
        sum((y * t.tensor(rng.standard_normal(tuple(y.shape)))).sum() for y in floating).backward()
    grads = [x.grad for x in [*leaves, *module.parameters()]]
    return [*results, *grads, *module.state_dict().values()]


def same(ours, theirs, what):
    assert (ours is None) == (theirs is None), what
    if ours is not None:
        a, b = ours.detach().numpy(), theirs.detach().numpy()
        assert a.shape == b.shape and a.dtype == b.dtype, what
        rtol = 1e-5 if a.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol / 100, err_msg=what)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_module(row):
    ours, theirs = build(row, ng), build(row, torch)
    assert repr(ours) == repr(theirs)
    rng = np.random.default_rng(0)
    with torch.no_grad():  # away from the ones and zeros that norms start with
        for value in theirs.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.tensor(rng.uniform(0, 0.5, tuple(value.shape))))
    ours.load_state_dict(theirs.state_dict())
    inputs = list(draw_inputs(row, rng))
    for training in row.modes:
        sides = []
        for module, t in ((ours, ng), (theirs, torch)):
            module.train(training)
            module.zero_grad()
            sides.append(call(module, row, inputs, t))
        for i, pair in enumerate(zip(*sides, strict=True)):
            same(*pair, f"number {i} of results, gradients and state, training={training}")
    theirs.load_state_dict({k: torch.tensor(v.numpy()) + 1 for k, v in ours.state_dict().items()})
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        same(a + 1, b, key)


# What torch.nn.modules names that is not here, or not yet.
ABSENT = {"Container", "register_module_backward_hook"}


def test_paths():
    """Every module stands where programs import it from: nn.modules.linear.Linear."""
    for found in pkgutil.iter_modules(torch.nn.modules.__path__):
        if found.name.startswith(("_", "linear_cross")):
            continue
        path = f"nn.modules.{found.name}"
        theirs, ours = (importlib.import_module(f"{lib}.{path}") for lib in ("torch", "naivegrad"))
        for name in set(getattr(theirs, "__all__", ())) - ABSENT:
            assert hasattr(ours, name), f"{path}.{name}"
    for path, name in (
        ("batchnorm", "_BatchNorm"),
        ("conv", "_ConvNd"),
        ("dropout", "_DropoutNd"),
        ("loss", "_WeightedLoss"),
        ("linear", "NonDynamicallyQuantizableLinear"),
    ):
        mine, other = (getattr(getattr(t.nn.modules, path), name) for t in (ng, torch))
        for kind in classes(torch) & classes(ng):
            sides = [issubclass(getattr(t.nn, kind), c) for t, c in ((ng, mine), (torch, other))]
            assert sides[0] == sides[1], (name, kind)


def plain(parameter):
    default = getattr(parameter.default, "__name__", parameter.default)
    return parameter.name, default, parameter.kind


def compare_arguments(ours, theirs):
    """The same names in the same order, with the same defaults."""
    sides = [inspect.signature(function).parameters.values() for function in (ours, theirs)]
    assert list(map(plain, sides[0])) == list(map(plain, sides[1]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "NLLLoss2d"])
def test_arguments(name):
    ours, theirs = getattr(nn, name), getattr(torch.nn, name)
    compare_arguments(ours, theirs)
    compare_arguments(ours.forward, theirs.forward)


def classes(t):
    return {n for n, value in vars(t.nn).items() if isinstance(value, type) and n[0] != "_"}


def test_every_module_is_compared():
    lazy = {name for name in classes(torch) if name.startswith("Lazy")}
    assert classes(torch) - lazy == set(NAMES) | set(ELSEWHERE)
    assert not set(NAMES) & set(ELSEWHERE)


def test_older_response_norm():
    """PyTorch's CrossMapLRN2d sums over other channels at the edges, unless there are few."""
    x = np.random.default_rng(0).standard_normal((2, 2, 3, 4))
    options = (3, 0.1, 0.5)
    ours, theirs = (t.nn.CrossMapLRN2d(*options) for t in (ng, torch))
    assert repr(ours) == repr(theirs)
    same(ours(ng.tensor(x)), theirs(torch.tensor(x)), "output")
    same(ours(ng.tensor(x)), torch.nn.LocalResponseNorm(*options)(torch.tensor(x)), "output")
    compare_arguments(nn.CrossMapLRN2d, torch.nn.CrossMapLRN2d)


def test_relations():
    """A class is a kind of another where it is one in PyTorch: programs ask with isinstance."""
    names = sorted(classes(torch) & classes(ng) - {"UninitializedBuffer"})  # a Buffer by a hook
    for a in names:
        kinds = [
            {b for b in names if issubclass(getattr(t.nn, a), getattr(t.nn, b))}
            for t in (ng, torch)
        ]
        assert kinds[0] == kinds[1], a


@pytest.mark.parametrize(
    "name", ["Linear", "Conv2d", "BatchNorm2d", "LayerNorm", "Embedding", "Bilinear"]
)
def test_initial_distribution(name):
    args = {"Linear": (70, 50), "Conv2d": (20, 30, 5), "BatchNorm2d": (9,), "LayerNorm": (9,)}
    args |= {"Embedding": (90, 50), "Bilinear": (20, 15, 30)}
    ng.manual_seed(0), torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(*args[name]), getattr(torch.nn, name)(*args[name])
    for (key, a), b in zip(ours.named_parameters(), theirs.parameters()):
        a, b = a.detach().numpy(), b.detach().numpy()
        assert a.shape == b.shape
        np.testing.assert_allclose(a.std(), b.std(), rtol=0.1 if a.size > 999 else 0.5, err_msg=key)
        if name in ("Linear", "Conv2d", "Bilinear"):
            np.testing.assert_allclose(abs(a).max(), abs(b).max(), rtol=0.1, err_msg=key)


# What torch.nn.functional holds and we do not: helpers that it imports, and products of a GPU.
NO_FUNCTIONS = {
    *("Callable", "DType", "Optional", "ScalingType", "SwizzleType", "Tensor"),
    *("assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function"),
    *("has_torch_function_unary", "has_torch_function_variadic"),
    *("grouped_mm", "scaled_mm", "scaled_grouped_mm"),
}
# Those whose arguments differ: docs/differences.md says how.
OTHER_ARGUMENTS = {"softmax", "log_softmax", "softmin", "multi_head_attention_forward"}


def functions():
    space = vars(torch.nn.functional)
    return sorted(n for n, f in space.items() if callable(f) and n[0] != "_")


def test_every_function_is_here():
    missing = {name for name in functions() if not hasattr(nn.functional, name)}
    assert missing == NO_FUNCTIONS


def test_arguments_of_functions():
    for name in sorted(set(functions()) - NO_FUNCTIONS - OTHER_ARGUMENTS):
        try:
            theirs = inspect.signature(getattr(torch.nn.functional, name)).parameters
        except ValueError:  # a builtin
            continue
        if list(theirs) == ["args", "kwargs"]:  # two functions behind one name
            continue
        ours = dict(inspect.signature(getattr(nn.functional, name)).parameters)
        if "out" not in theirs:
            ours.pop("out", None)
        assert list(map(plain, ours.values())) == list(map(plain, theirs.values())), name


def losses():
    """The functions of losses that take the arguments that `reduction` replaced."""
    functions = vars(torch.nn.functional)
    return sorted(
        name
        for name, value in functions.items()
        if name.endswith(("loss", "entropy", "_div", "logits"))
        and "size_average" in inspect.signature(value).parameters
    )


@pytest.mark.parametrize("name", losses())
def test_arguments_that_reduction_replaced(name):
    rng = np.random.default_rng(0)
    given = [rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(0.1, 0.9, (3, 4))]
    if name in ("nll_loss", "multi_margin_loss", "cross_entropy"):
        given[1] = np.array([3, 0, 1])
    elif name == "multilabel_margin_loss":
        given[1] = np.array([[1, 2, -1, 0]] * 3)
    elif name == "triplet_margin_loss":
        given.append(rng.uniform(0.1, 0.9, (3, 4)))
    elif name in ("cosine_embedding_loss", "margin_ranking_loss"):
        given.append(np.array([1.0, -1.0, 1.0]))
        given = [x[:, 0] for x in given[:2]] + given[2:] if name[0] == "m" else given
    for words in ({"size_average": False}, {"reduce": False}, {"size_average": True}):
        results = []
        for t in (ng, torch):
            function = getattr(t.nn.functional, name)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                results.append(function(*map(t.tensor, given), **words))
            assert any("reduction=" in str(w.message) for w in caught)
        same(*results, str(words))
