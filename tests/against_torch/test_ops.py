"""Every row of the table against PyTorch: the same expression, run in both libraries."""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    CASES,
    DIFFERENTIABLE,
    OPS,
    TWICE,
    as_list,
    assert_close,
    call,
    cast,
    cotangents,
    directions,
    dtype_name,
    floats,
    is_float,
    rows,
    tensor,
    tensors,
    value,
)
from table import case, draw

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

TOLERANCE = {"float64": 1e-11, "float32": 5e-6}
SECOND_TOLERANCE = 1e-7
GRADIENT_TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def shared(parameters):
    """The rows that PyTorch has too."""
    return [p for p in parameters if p.values[0].torch is not False]


def theirs(arrays, dtype=None):
    """PyTorch's tensors over copies of the arrays; floats require gradients."""
    out = []
    for a in arrays:
        a = np.ascontiguousarray(a).reshape(a.shape)
        t = torch.tensor(a if dtype is None else cast(a, dtype))
        out.append(t.requires_grad_() if t.is_floating_point() else t)
    return out


def run(op, one, xs):
    f = op.torch if callable(op.torch) else op.f
    return as_list(f(torch, *xs, **one.options))


def as_array(t):
    return t.numpy(force=True)  # zeros that PyTorch has not made yet, too


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "one"), shared(CASES))
def test_forward_as_in_torch(op, one, dtype):
    arrays = draw(op, one)
    ours, wanted = call(op, tensors(arrays, dtype), one), run(op, one, theirs(arrays, dtype))
    assert len(ours) == len(wanted)
    for got, want in zip(ours, wanted, strict=True):
        assert tuple(got.shape) == tuple(want.shape)
        assert dtype_name(got.dtype) == dtype_name(want.dtype)
        assert got.requires_grad == want.requires_grad or op.order == 0
        if want.is_floating_point():
            assert_close(value(got), as_array(want), TOLERANCE[dtype])
        else:
            np.testing.assert_array_equal(value(got), as_array(want))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "one"), shared(DIFFERENTIABLE))
def test_gradients_as_in_torch(op, one, dtype):
    arrays = draw(op, one)
    xs, ts = tensors(arrays, dtype), theirs(arrays, dtype)
    ours, wanted = call(op, xs, one), run(op, one, ts)
    us = [u.astype(y.array.dtype) for u, y in zip(cotangents(ours), ours, strict=True)]
    got = ng.autograd.grad(ours, floats(arrays, xs), [tensor(u) for u in us], allow_unused=True)
    want = torch.autograd.grad(
        wanted, floats(arrays, ts), [torch.tensor(u) for u in us], allow_unused=True
    )
    for g, w, a in zip(got, want, floats(arrays, arrays), strict=True):
        g, w = (
            np.zeros(a.shape) if v is None else v
            for v in (None if g is None else value(g), None if w is None else as_array(w))
        )
        assert_close(g, w, GRADIENT_TOLERANCE[dtype])


def twice(lib, results, inputs, us, vs):
    """The gradient of <v, gradient of <u, results>>; None where there is no such thing."""
    pairs = [(y, u) for y, u in zip(results, us, strict=True) if y.requires_grad]
    first = lib.autograd.grad(
        [y for y, _ in pairs],
        inputs,
        [u for _, u in pairs],
        create_graph=True,
        allow_unused=True,
    )
    total = [(g * v).sum() for g, v in zip(first, vs, strict=True) if g is not None]
    if not any(t.requires_grad for t in total):
        return None
    return lib.autograd.grad(sum(total), inputs, materialize_grads=True)


@pytest.mark.parametrize(("op", "one"), shared(TWICE))
def test_second_order_as_in_torch(op, one):
    arrays = draw(op, one)
    xs, ts = tensors(arrays), theirs(arrays)
    ours, wanted = call(op, xs, one), run(op, one, ts)
    us, vs = cotangents(ours), [v for v, a in zip(directions(arrays), arrays) if is_float(a)]
    try:
        want = twice(
            torch, wanted, floats(arrays, ts), [torch.tensor(u) for u in us], map(torch.tensor, vs)
        )
    except (RuntimeError, NotImplementedError):
        return  # PyTorch has no second order there; the main suite has finite differences
    got = twice(ng, ours, floats(arrays, xs), map(tensor, us), map(tensor, vs))
    for i, v in enumerate(vs):
        g, w = (np.zeros(v.shape) if hs is None else as_array(hs[i]) for hs in (got, want))
        assert_close(g, w, SECOND_TOLERANCE)


# Gradients that differ on purpose (docs/differences.md): where to compare.
OTHERWISE = {
    "nanmedian_dim": lambda x: np.broadcast_to(~np.isnan(x).all(1, keepdims=True), x.shape),
    "cumprod": lambda x: np.broadcast_to(np.isfinite(x).all(1, keepdims=True), x.shape),
    "logcumsumexp": lambda x: np.broadcast_to((x > -np.inf).any(1, keepdims=True), x.shape),
    "logsumexp": lambda x: np.broadcast_to((x > -np.inf).any(1, keepdims=True), x.shape),
    **dict.fromkeys(("amax", "amin"), lambda x: ~np.isnan(x + 0 * x.sum(1, keepdims=True))),
    "maximum": lambda x, y: ~np.isnan(x + y) | (x == -y),
    "minimum": lambda x, y: ~np.isnan(x + y) | (x == -y),
}


@pytest.mark.parametrize(("op", "inputs"), shared(rows("special")))
def test_special_values_as_in_torch(op, inputs):
    """Values and gradients at inf, nan, signed zeros and extremes; zeros have its sign."""
    arrays, one = [np.asarray(i) for i in inputs], case(**op.special_options)
    xs, ts = tensors(arrays), theirs(arrays)
    (y,), (t,) = call(op, xs, one), run(op, one, ts)
    if not is_float(y.array):
        np.testing.assert_array_equal(value(y), as_array(t))
        return
    np.testing.assert_allclose(value(y), as_array(t), rtol=1e-12, atol=1e-300)
    if y.shape == xs[0].shape and op.order:  # of several zeros a reduction may return any
        zero = as_array(t) == 0
        np.testing.assert_array_equal(np.signbit(value(y))[zero], np.signbit(as_array(t))[zero])
    if y.requires_grad:
        got = ng.autograd.grad(y, floats(arrays, xs), ng.ones_like(y), materialize_grads=True)
        want = torch.autograd.grad(
            t, floats(arrays, ts), torch.ones_like(t), materialize_grads=True
        )
        for g, w in zip(got, want, strict=True):
            g, w = value(g), as_array(w)
            if op.name in OTHERWISE:
                same = OTHERWISE[op.name](*arrays)
                g, w = g[same], w[same]
            np.testing.assert_allclose(g, w, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("op", "one"), shared(rows("pins")))
def test_subgradients_are_those_of_torch(op, one):
    """The table's pinned choices are PyTorch's."""
    arrays = [np.asarray(i) for i in one.inputs]
    ts = theirs(arrays)
    results = run(op, case(**one.options), ts)
    if not any(r.requires_grad for r in results):
        return
    grads = torch.autograd.grad(
        results, floats(arrays, ts), [torch.ones_like(r) for r in results], materialize_grads=True
    )
    for g, want in zip(grads, one.grads, strict=True):
        np.testing.assert_allclose(as_array(g), np.asarray(want), rtol=1e-6)


DTYPES = [
    pytest.param(op, dtypes, want, id=f"{op.name}-{'-'.join(dtypes)}")
    for op in OPS
    for dtypes, want in op.dtypes.items()
    if op.torch is not False
]


@pytest.mark.parametrize(("op", "dtypes", "want"), DTYPES)
def test_dtypes_are_those_of_torch(op, dtypes, want):
    """The table's expected result dtypes, and refusals, are PyTorch's."""
    one = next(c for c in op.cases if len(c.inputs) == len(dtypes))
    ts = [torch.tensor(a).to(getattr(torch, d)) for a, d in zip(draw(op, one), dtypes, strict=True)]
    if isinstance(want, str):
        assert dtype_name(run(op, one, ts)[0].dtype) == want
    else:
        with pytest.raises((RuntimeError, TypeError)):
            run(op, one, ts)


@pytest.mark.parametrize(("op", "bad"), shared(rows("errors")))
def test_torch_refuses_what_we_refuse(op, bad):
    if not bad.torch:
        pytest.skip("a refusal of ours alone")
    ts = theirs(draw(op, bad.case), "float32")
    for i, dtype in enumerate(bad.dtypes):
        ts[i] = ts[i].detach().to(getattr(torch, dtype))
    with pytest.raises(Exception):  # noqa: B017
        (bad.call or op.f)(torch, *ts, **bad.case.options)
