"""Every form of index, in any mixture: what PyTorch reads, writes, refuses; its gradients."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naivegrad as ng

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
settings.register_profile("indexing", max_examples=400, deadline=None, derandomize=True)
settings.load_profile("indexing")

SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def positions(draw, n, common):
    """Integers that broadcast to a common shape: as a tensor, an array, a list, a range."""
    keep = draw(st.integers(0, len(common)))
    shape = [1 if draw(st.booleans()) else m for m in common[len(common) - keep :]]
    total = int(np.prod(shape))
    bad = draw(st.integers(0, 30)) == 0  # now and then out of range
    span = st.integers(-n - bad, n - 1 + bad)
    array = np.array(draw(st.lists(span, min_size=total, max_size=total)), np.int64).reshape(shape)
    kind = draw(st.sampled_from(["tensor", "tensor", "int32", "array", "list", "range"]))
    if kind == "list":
        return array.tolist()
    if kind == "range":
        return range(draw(st.integers(0, n)))
    if kind == "array":
        return array
    return ("tensor", array if kind == "tensor" else array.astype(np.int32))


@st.composite
def entry(draw, shape, common):
    """One entry of an index, and how many dimensions it takes."""
    n = shape[0] if shape else 0
    kinds = ["slice", "none"] + (["int", "positions", "positions", "mask"] if n else [])
    kind = draw(st.sampled_from(kinds + ["bool"] * (draw(st.integers(0, 8)) == 0)))
    if kind == "none":
        return None, 0
    if kind == "bool":
        truth = draw(st.booleans())
        return draw(st.sampled_from([truth, ("tensor", np.array(truth))])), 0
    if kind == "slice" or not shape:
        bound = st.one_of(st.none(), st.integers(-n - 2, n + 2))
        return slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, 3]))), 1
    if kind == "int":
        at = draw(st.integers(-n, n - 1))
        return draw(st.sampled_from([at, np.int64(at), ("tensor", np.array(at))])), 1
    if kind == "mask":
        rank = draw(st.integers(1, min(2, len(shape))))
        size = int(np.prod(shape[:rank]))
        truths = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        mask = np.array(truths, bool).reshape(shape[:rank])
        if rank == 2:  # behind an Ellipsis, PyTorch counts any array for one dimension
            return ("tensor", mask), rank
        return draw(st.sampled_from([("tensor", mask), mask, mask.tolist()])), rank
    return draw(positions(n, common)), 1


@st.composite
def keys(draw, shape):
    common = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    parts, axis = [], 0
    while axis < len(shape) and draw(st.integers(0, 5)):
        part, taken = draw(entry(shape[axis:], common))
        parts.append(part)
        axis += taken
    if draw(st.booleans()) and not any(part is Ellipsis for part in parts):
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    if len(parts) == 1 and draw(st.booleans()) and not isinstance(parts[0], list):
        return parts[0]
    return tuple(parts)


def given_to(lib, key):
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str):
        return lib.tensor(key[1])
    return tuple(given_to(lib, k) for k in key) if isinstance(key, tuple) else key


def outcome(f):
    """(result, None), or (None, the exception)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(), None
        except (IndexError, ValueError, RuntimeError, TypeError) as error:
            return None, error


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@given(st.data())
def test_reading(data):
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    a = numbers(shape)
    x, t = ng.tensor(a).requires_grad_(), torch.tensor(a, requires_grad=True)
    y, error = outcome(lambda: x[given_to(ng, key)])
    want, refused = outcome(lambda: t[given_to(torch, key)])
    if refused is not None or (error is not None and not a.size):  # docs/differences.md
        assert isinstance(error, (IndexError, ValueError)), (key, refused, y)
        return
    assert error is None, (key, error)
    assert y.shape == tuple(want.shape), key
    np.testing.assert_array_equal(y.detach().numpy(), want.detach().numpy())
    assert want.numel() == 0 or (y.view_of is not None) == want._is_view() or y is x, key
    u = numbers(y.shape, 1)
    (g,) = ng.autograd.grad(y, x, ng.tensor(u))
    (g_want,) = torch.autograd.grad(want, t, torch.tensor(u))
    np.testing.assert_allclose(g.numpy(), g_want.numpy(), rtol=1e-12)


@given(st.data())
def test_writing(data):
    """y[key] = v, of one number, or of values that fit where no position repeats."""
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    a = numbers(shape)
    x, t = ng.tensor(a).requires_grad_(), torch.tensor(a, requires_grad=True)
    y, want = x.clone(), t.clone()
    places, _ = outcome(lambda: torch.arange(a.size).reshape(shape)[given_to(torch, key)])
    v = numbers((), 2)
    if places is not None and places.unique().numel() == places.numel():
        v = numbers(tuple(places.shape), 2)
        if v.ndim and data.draw(st.booleans()):
            v = v[:1]
    w, w_want = ng.tensor(v).requires_grad_(), torch.tensor(v, requires_grad=True)

    def write(lib, to, value):
        to[given_to(lib, key)] = value
        return to

    _, error = outcome(lambda: write(ng, y, w))
    _, refused = outcome(lambda: write(torch, want, w_want))
    if refused is not None or (error is not None and not a.size):  # docs/differences.md
        assert isinstance(error, (IndexError, ValueError)), (key, refused, y)
        return
    assert error is None, (key, error)
    np.testing.assert_array_equal(y.detach().numpy(), want.detach().numpy())
    u = numbers(shape, 3)
    got = ng.autograd.grad(y, [x, w], ng.tensor(u), materialize_grads=True)
    wanted = torch.autograd.grad(want, [t, w_want], torch.tensor(u), materialize_grads=True)
    for g, g_want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g.numpy(), g_want.numpy(), rtol=1e-12)


@given(st.data())
def test_adding(data):
    """index_put with accumulate: repeated positions add up, and so do their gradients."""
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    key = key if isinstance(key, tuple) and not (key and isinstance(key[0], str)) else (key,)
    key = [k[1] if isinstance(k, tuple) else k for k in key]
    key = [np.asarray(k) for k in key if not isinstance(k, (slice, type(None), type(Ellipsis)))]
    key = [k for k in key if k.ndim or k.dtype.kind != "b"]
    if not key:
        return
    ours, theirs = (tuple(lib.tensor(k) for k in key) for lib in (ng, torch))
    a = numbers(shape)
    x, t = ng.tensor(a).requires_grad_(), torch.tensor(a, requires_grad=True)
    picked, _ = outcome(lambda: t[theirs])
    v = numbers(() if picked is None else tuple(picked.shape), 2)
    w, w_want = ng.tensor(v).requires_grad_(), torch.tensor(v, requires_grad=True)
    y, error = outcome(lambda: ng.index_put(x, ours, w, True))
    want, refused = outcome(lambda: torch.index_put(t, theirs, w_want, True))
    if refused is not None or (error is not None and not a.size):  # docs/differences.md
        assert isinstance(error, (IndexError, ValueError)), (key, refused, y)
        return
    assert error is None, (key, error)
    np.testing.assert_allclose(y.detach().numpy(), want.detach().numpy(), rtol=1e-12, atol=1e-12)
    u = numbers(shape, 3)
    got = ng.autograd.grad(y, [x, w], ng.tensor(u), materialize_grads=True)
    wanted = torch.autograd.grad(want, [t, w_want], torch.tensor(u), materialize_grads=True)
    for g, g_want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(g.numpy(), g_want.numpy(), rtol=1e-12)


NESTED = [
    [[0, 1], [1, 0]],
    [0, 1],
    [],
    [[]],
    [True, False],
    [slice(0, 1), 0],
    [None, 0],
    ((0, 1), (1, 0)),
    ([[0, 1], [1, 0]],),
    (range(2), [0, 2]),
    np.array([[0, 1]]),
    (Ellipsis, Ellipsis),
    (0, Ellipsis, 0, Ellipsis),
    (True, 0),
    (0, True),
    (None, True),
    ([0, 1], slice(None), True),
    ([0, 1], False),
]


@pytest.mark.parametrize("key", NESTED, ids=str)
def test_sequences_as_an_index(key):
    a = numbers((2, 3, 4))
    y, error = outcome(lambda: ng.tensor(a)[key])
    want, refused = outcome(lambda: torch.tensor(a)[key])
    assert (error is None) == (refused is None), (error, refused)
    if want is not None:
        np.testing.assert_array_equal(y.numpy(), want.numpy())


def test_a_uint8_mask_and_a_list_of_sequences_are_told_of():
    x = ng.arange(6.0).reshape(2, 3)
    with pytest.warns(UserWarning, match="uint8 .* is read as a mask"):
        assert x[ng.tensor([1, 0], dtype=ng.uint8)].tolist() == [[0, 1, 2]]
    with pytest.warns(UserWarning, match="is read as a tuple"):
        assert x[[[0, 1], [1, 0]]].tolist() == [1, 3]


def test_an_index_changed_before_backward_is_noticed():
    """Else a position that was never checked would be written to."""
    x = ng.ones(3).requires_grad_()
    for read in (
        lambda i: x[i],
        lambda i: ng.gather(x, 0, i),
        lambda i: ng.index_select(x, 0, i),
        lambda i: ng.scatter_add(ng.ones(3), 0, i, x),
    ):
        i = ng.tensor([0, 1, 2])
        y = read(i)
        i[0] = 1_000_000
        with pytest.raises(RuntimeError, match="changed in place"):
            y.sum().backward()


@pytest.mark.parametrize("bad", [-1, 3, 2**62, -(2**62), 2**63 - 1, -(2**63)])
def test_nothing_outside_is_touched(bad):
    """Each way to read and write refuses the position; a short target stays as it was."""
    x, i = ng.zeros(4, 3), ng.tensor([0, bad])
    two, wide = ng.ones(2, 3), ng.tensor([[0, 0, 0], [0, bad, 0]])
    calls = {
        "gather": lambda: ng.gather(x[:3], 0, wide),
        "scatter_": lambda: x[:3].scatter_(0, wide, two),
        "scatter_add_": lambda: x[:3].scatter_add_(0, wide, two),
        "scatter_reduce_": lambda: x[:3].scatter_reduce_(0, wide, two, "amax"),
        "index_select": lambda: ng.index_select(x[:3], 0, i),
        "index_add_": lambda: x[:3].index_add_(0, i, two),
        "index_copy_": lambda: x[:3].index_copy_(0, i, two),
    }
    if bad != -1:  # those count from the end
        calls |= {
            "getitem": lambda: x[:3][i],
            "setitem": lambda: x[:3].__setitem__(i, two),
            "index_put_": lambda: x[:3].index_put_((i,), two, True),
            "index_fill_": lambda: x[:3].index_fill_(0, i, 1.0),
            "two": lambda: x[:3][i, i],
            "apart": lambda: x[:3].view(3, 3, 1)[i, :, i],
        }
    for name, call in calls.items():
        with pytest.raises(IndexError, match=str(bad)):
            call()
        assert not x.any(), name
