"""Shapes, strides and indices drawn at random against NumPy: where combinations make the bugs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import naivegrad as ng
from harness import tensor, value

settings.register_profile("naivegrad", max_examples=150, deadline=None, derandomize=True)
settings.load_profile("naivegrad")

SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64])


def numbers(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return np.asarray(rng.normal(size=shape).astype(dtype))


@st.composite
def strided(draw, shape, dtype=np.float64, seed=0):
    """An array of this shape with any strides: permuted, stepped, reversed, offset, repeated."""
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2, 0])) for _ in shape]
    offsets = [draw(st.integers(0, 2)) for _ in shape]
    sizes = [
        off + (1 if s == 0 else max(n * abs(s), 1))
        for n, s, off in zip(shape, steps, offsets, strict=True)
    ]
    base = numbers(tuple(sizes[i] for i in order), dtype, seed)
    view = base.transpose(np.argsort(order)) if shape else base
    keys = []
    for n, s, off in zip(shape, steps, offsets, strict=True):
        if s == 0:
            keys.append(slice(off, off + 1))
        elif s > 0:
            keys.append(slice(off, off + n * s, s))
        else:
            last = off + n * -s - 1
            keys.append(slice(last, off - 1 if off else None, s) if n else slice(0, 0))
    view = view[tuple(keys)]
    if 0 in steps:
        view = np.broadcast_to(view, shape)
    assert view.shape == shape
    return np.asarray(view)


@st.composite
def broadcastable(draw):
    """Two or three shapes that broadcast, with dims of one and dims left out."""
    full = draw(SHAPES)
    shapes = []
    for _ in range(draw(st.integers(2, 3))):
        keep = draw(st.integers(0, len(full)))
        shapes.append(tuple(1 if draw(st.booleans()) else n for n in full[len(full) - keep :]))
    return shapes


@st.composite
def operands(draw):
    dtype = draw(DTYPES)
    return [draw(strided(shape, dtype, seed)) for seed, shape in enumerate(draw(broadcastable()))]


def sum_to(array, shape):
    """NumPy's way back from a broadcast."""
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


@given(operands())
def test_broadcasting(arrays):
    xs = [tensor(a, requires_grad=True) for a in arrays]
    rtol = 1e-5 if arrays[0].dtype == np.float32 else 1e-12
    for ours, numpys in (
        (lambda x, y: x * y, np.multiply),
        (lambda x, y: x - y, np.subtract),
        (ng.maximum, np.maximum),
    ):
        y = ours(xs[0], xs[1])
        want = numpys(arrays[0], arrays[1])
        assert y.shape == want.shape and y.array.dtype == want.dtype
        np.testing.assert_array_equal(value(y), want)
    if len(xs) == 3:
        y = ng.where(xs[0] > 0, xs[1], xs[2])
        np.testing.assert_array_equal(value(y), np.where(arrays[0] > 0, arrays[1], arrays[2]))
    y = xs[0]
    want = arrays[0]
    for x, a in zip(xs[1:], arrays[1:], strict=True):
        y, want = y * x, want * a
    u = numbers(want.shape, want.dtype, 77)
    grads = ng.autograd.grad(y, xs, tensor(u))
    for i, (g, a) in enumerate(zip(grads, arrays, strict=True)):
        rest = u.astype(np.float64)
        for j, other in enumerate(arrays):
            rest = rest * other if j != i else rest
        np.testing.assert_allclose(value(g), sum_to(rest, a.shape), rtol=rtol, atol=rtol * 10)


@given(st.data())
def test_unary_over_any_strides(data):
    a = data.draw(strided(data.draw(SHAPES), data.draw(DTYPES)))
    x = tensor(a, requires_grad=True)
    rtol = 2e-6 if a.dtype == np.float32 else 1e-13
    for ours, numpys in (
        (ng.exp, np.exp),
        (ng.abs, np.abs),
        (lambda t: t * 2 + 1, lambda t: t * 2 + 1),
    ):
        np.testing.assert_allclose(value(ours(x)), numpys(a), rtol=rtol)
    u = numbers(a.shape, a.dtype, 5)
    (g,) = ng.autograd.grad(ng.exp(x), x, tensor(u))
    np.testing.assert_allclose(value(g), u * np.exp(a), rtol=rtol * 10)


@given(st.data())
def test_reductions_over_random_axes(data):
    shape = data.draw(SHAPES)
    dtype = data.draw(DTYPES)
    a = data.draw(strided(shape, dtype))
    dims = data.draw(st.sets(st.integers(0, len(shape) - 1)) if shape else st.just(set()))
    dims = tuple(d - len(shape) if data.draw(st.booleans()) else d for d in sorted(dims))
    keepdim = data.draw(st.booleans())
    axis = dims or None
    x = tensor(a, requires_grad=True)
    tol = dict(rtol=1e-5, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-12)
    y = x.sum(dim=dims or None, keepdim=keepdim)
    want = a.astype(np.float64).sum(axis=axis, keepdims=keepdim)
    assert y.shape == want.shape
    np.testing.assert_allclose(value(y), want, **tol)
    u = numbers(want.shape, dtype, 3)
    (g,) = ng.autograd.grad(y, x, tensor(u))
    wide = a.astype(np.float64).sum(axis=axis, keepdims=True).shape
    np.testing.assert_allclose(value(g), np.broadcast_to(u.reshape(wide), shape))
    reduced = [shape[d] for d in (dims or range(len(shape)))]
    if all(reduced):
        np.testing.assert_array_equal(
            value(x.amax(dim=dims or tuple(range(len(shape))), keepdim=keepdim)),
            a.max(axis=axis, keepdims=keepdim),
        )
        np.testing.assert_allclose(
            value(x.mean(dim=dims or None, keepdim=keepdim)),
            a.astype(np.float64).mean(axis=axis, keepdims=keepdim),
            **tol,
        )
        for d in dims[:1]:
            got = x.max(dim=d, keepdim=keepdim)
            np.testing.assert_array_equal(value(got.values), a.max(axis=d, keepdims=keepdim))
            np.testing.assert_array_equal(value(got.indices), a.argmax(axis=d, keepdims=keepdim))
            np.testing.assert_array_equal(
                value(x.argmin(dim=d, keepdim=keepdim)), a.argmin(axis=d, keepdims=keepdim)
            )
            np.testing.assert_allclose(
                value(x.cumsum(d)), a.astype(np.float64).cumsum(axis=d), **tol
            )
            e = np.exp(a.astype(np.float64))
            np.testing.assert_allclose(
                value(ng.softmax(x, d)), e / e.sum(axis=d, keepdims=True), **tol
            )


@st.composite
def keys(draw, shape):
    """Indices as PyTorch and NumPy read alike: basic, or one integer array, or one mask."""
    parts, form = [], draw(st.sampled_from(["basic", "array", "mask"]))
    special = draw(st.integers(0, max(len(shape) - 1, 0)))
    for d, n in enumerate(shape):
        if form != "basic" and d == special and n:
            if form == "array":
                size = draw(st.lists(st.integers(0, 3), min_size=1, max_size=2))
                total = int(np.prod(size))
                flat = draw(st.lists(st.integers(-n, n - 1), min_size=total, max_size=total))
                parts.append(np.array(flat, np.int64).reshape(size))
            else:
                parts.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool))
            continue
        kinds = ["slice", "slice", "full", "none"] + (["int"] if n and form == "basic" else [])
        kind = draw(st.sampled_from(kinds))
        if kind == "none":
            parts.append(None)
            kind = "full"
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            bound = st.one_of(st.none(), st.integers(-n - 2, n + 2))
            parts.append(
                slice(draw(bound), draw(bound), draw(st.one_of(st.none(), st.integers(1, 3))))
            )
        else:
            parts.append(slice(None))
    if draw(st.booleans()) and parts and form == "basic":
        cut = draw(st.integers(0, len(parts)))
        parts = parts[:cut]
        if draw(st.booleans()):
            parts.append(Ellipsis)
    return tuple(parts)


def ours(key):
    return tuple(ng.tensor(k) if isinstance(k, np.ndarray) else k for k in key)


@given(st.data())
def test_reading_by_index(data):
    shape = data.draw(SHAPES)
    a = data.draw(strided(shape))
    key = data.draw(keys(shape))
    x = tensor(a, requires_grad=True)
    want = a[key]
    got = x[ours(key)]
    assert got.shape == want.shape
    np.testing.assert_array_equal(value(got), want)
    if not any(isinstance(k, np.ndarray) for k in key):
        assert want.size == 0 or np.shares_memory(got.array, a), "a basic index makes a view"
    u = numbers(want.shape, seed=4)
    (g,) = ng.autograd.grad(got, x, tensor(u))
    back = np.zeros(shape)
    np.add.at(back, key, u)
    np.testing.assert_allclose(value(g), back)


@given(st.data())
def test_writing_by_index(data):
    shape = data.draw(SHAPES)
    a = np.array(data.draw(strided(shape)))
    key = data.draw(keys(shape))
    # Which value stays where an index repeats is not defined: one index then.
    key = tuple(
        k.ravel()[:1] if isinstance(k, np.ndarray) and k.dtype.kind == "i" else k for k in key
    )
    want = a.copy()
    v = numbers(want[key].shape, seed=8)
    want[key] = v
    x, w = tensor(a, requires_grad=True), tensor(v, requires_grad=True)
    y = x.clone()
    y[ours(key)] = w
    np.testing.assert_array_equal(value(y), want)
    u = numbers(shape, seed=9)
    gx, gw = ng.autograd.grad(y, [x, w], tensor(u), materialize_grads=True)
    np.testing.assert_array_equal(value(gw), u[key])
    masked = u.copy()
    masked[key] = 0
    np.testing.assert_array_equal(value(gx), masked)


@given(st.data())
def test_movement(data):
    shape = data.draw(SHAPES)
    a = data.draw(strided(shape))
    x = tensor(a, requires_grad=True)
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    y = x.permute(order)
    np.testing.assert_array_equal(value(y), a.transpose(order))
    z = y.reshape(-1)
    np.testing.assert_array_equal(value(z), a.transpose(order).reshape(-1))
    u = numbers(z.shape, seed=2)
    (g,) = ng.autograd.grad(z, x, tensor(u))
    np.testing.assert_array_equal(
        value(g), u.reshape([shape[i] for i in order]).transpose(np.argsort(order))
    )
    dims = sorted(data.draw(st.sets(st.integers(0, len(shape) - 1)))) if shape else []
    np.testing.assert_array_equal(value(x.flip(dims)), np.flip(a, dims))
    if shape:
        d = data.draw(st.integers(-len(shape), len(shape) - 1))
        both = ng.cat([x, x * 2], d)
        np.testing.assert_array_equal(value(both), np.concatenate([a, a * 2], d))
        pieces = both.split(data.draw(st.integers(1, 4)), d)
        np.testing.assert_array_equal(value(ng.cat(pieces, d)), value(both))
        np.testing.assert_array_equal(value(ng.stack([x, x], d)), np.stack([a, a], d))


@given(st.data())
def test_matmul(data):
    batch = data.draw(st.lists(st.integers(0, 3), max_size=2))
    m, k, n = (data.draw(st.integers(0, 4)) for _ in range(3))
    left = tuple(
        1 if data.draw(st.booleans()) else b for b in batch[data.draw(st.integers(0, len(batch))) :]
    )
    right = tuple(
        1 if data.draw(st.booleans()) else b for b in batch[data.draw(st.integers(0, len(batch))) :]
    )
    dtype = data.draw(DTYPES)
    a = data.draw(strided((*left, m, k) if data.draw(st.booleans()) else (k,), dtype, 1))
    b = data.draw(strided((*right, k, n) if data.draw(st.booleans()) else (k,), dtype, 2))
    x, y = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    z = x @ y
    want = np.matmul(a.astype(np.float64), b.astype(np.float64))
    assert z.shape == want.shape
    tol = dict(rtol=1e-5, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value(z), want, **tol)
    u = numbers(want.shape, dtype, 3)
    gx, gy = ng.autograd.grad(z, [x, y], tensor(u))
    A = a.astype(np.float64)[None, :] if a.ndim == 1 else a.astype(np.float64)
    B = b.astype(np.float64)[:, None] if b.ndim == 1 else b.astype(np.float64)
    U = u.astype(np.float64).reshape(np.matmul(A, B).shape)
    np.testing.assert_allclose(
        value(gx), sum_to(U @ B.swapaxes(-1, -2), A.shape).reshape(a.shape), **tol
    )
    np.testing.assert_allclose(
        value(gy), sum_to(A.swapaxes(-1, -2) @ U, B.shape).reshape(b.shape), **tol
    )


@given(st.data())
def test_in_place_through_random_views(data):
    """y.view op= v, gradients to the base and to v, against the same done by NumPy on weights."""
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
    x = tensor(numbers(shape), requires_grad=True)
    y, a = x * 1, numbers(shape)
    scale = np.ones(shape)
    for step in range(data.draw(st.integers(1, 4))):
        view, array, factor = y, a, scale
        for _ in range(data.draw(st.integers(0, 2))):
            key = tuple(k for k in data.draw(keys(array.shape)) if not isinstance(k, np.ndarray))
            if Ellipsis not in key:
                key = (*key, Ellipsis)  # NumPy then gives a 0-d view, not a number
            view, array, factor = view[key], array[key], factor[key]
        if array.ndim > 1 and data.draw(st.booleans()):
            view, array, factor = (
                view.T if array.ndim == 2 else view.transpose(0, 1),
                array.swapaxes(0, 1),
                factor.swapaxes(0, 1),
            )
        if data.draw(st.booleans()):
            view.mul_(step + 2.0)
            array *= step + 2.0
            factor *= step + 2.0
        else:
            view.add_(1.0)
            array += 1.0
    np.testing.assert_allclose(value(y), a)
    u = numbers(shape, seed=6)
    (g,) = ng.autograd.grad(y, x, tensor(u))
    np.testing.assert_allclose(value(g), u * scale)
