"""Reductions: forms of a call that the table's rows do not have."""

import math

import numpy as np
import pytest

import naivegrad as ng


def test_dtype_is_the_type_of_the_result():
    x = ng.tensor([[1, 2], [3, 4]])
    for f in (ng.sum, ng.prod, ng.cumsum, ng.cumprod, ng.nansum):
        assert f(x, 0, dtype=ng.int32).dtype == ng.int32
        assert f(x, 0, dtype=ng.float64).dtype == ng.float64
    assert ng.mean(x, dtype=ng.float64).dtype == ng.float64


def test_max_of_two_tensors_in_every_spelling():
    x, y = ng.tensor([1.0, 5.0]), ng.tensor([2.0, 3.0])
    for z in (ng.max(x, y), ng.max(x, other=y), x.max(y), x.max(other=y)):
        assert z.tolist() == [2, 5]
    with pytest.raises(TypeError, match="max: other must be a Tensor, got int"):
        ng.max(x, other=3)


def test_out_of_a_reduction_with_indices():
    values, indices = ng.empty(0), ng.empty(0, dtype=ng.int64)
    result = ng.max(ng.tensor([[1.0, 5.0], [3.0, 2.0]]), 1, out=(values, indices))
    assert result.values is values and result.indices is indices
    assert values.tolist() == [5, 3] and indices.tolist() == [1, 0]
    ng.median(ng.tensor([[1.0, 5.0, 2.0]] * 2), 1, out=(values, indices))
    assert values.tolist() == [2, 2] and indices.tolist() == [2, 2]


def test_results_have_names():
    x = ng.tensor([[1.0, 5.0], [3.0, 2.0]])
    for f in (ng.max, ng.min, ng.median, ng.nanmedian, ng.mode, ng.cummax, ng.cummin):
        result = f(x, 0)
        assert result[0] is result.values and result[1] is result.indices
    assert ng.aminmax(x).min.item() == 1 and ng.aminmax(x).max.item() == 5
    hist = ng.histogram(x, 2)
    assert hist.hist.tolist() == [2, 2] and hist.bin_edges.tolist() == [1, 3, 5]


def test_any_and_all_over_no_dimension():
    """Element by element, where other reductions take them all."""
    x = ng.tensor([[0.0, 2.0]])
    assert x.any(dim=()).tolist() == x.all(()).tolist() == [[False, True]]
    assert x.sum(dim=()).item() == 2


def test_median_of_nothing():
    assert math.isnan(ng.empty(0).median().item())
    with pytest.raises(IndexError, match="median"):
        ng.empty(0, dtype=ng.int64).median()


def test_what_is_no_tensor_is_named():
    for f in (ng.sum, ng.mean, ng.prod, ng.amax, ng.max, ng.argmax, ng.any, ng.var, ng.median):
        with pytest.raises(TypeError, match=rf"{f.__name__}: input must be a Tensor, got list"):
            f([1.0, 2.0])


def test_long_scans_are_the_same_for_every_number_of_threads():
    x = ng.randn(300, 1000)
    threads = ng.get_num_threads()
    results = []
    for n in (1, 2):
        ng.set_num_threads(n)
        results.append(
            [f(x, d).numpy().tobytes() for d in (0, 1) for f in (ng.cumsum, ng.logcumsumexp)]
        )
    ng.set_num_threads(threads)
    assert results[0] == results[1]


def test_complex_numbers_have_a_mean_and_a_spread_but_no_order():
    x = ng.tensor([[1 + 2j, 3 - 2j], [0j, 4 + 0j]])
    assert x.mean().item() == 2 and x.mean(0).tolist() == [0.5 + 1j, 3.5 - 1j]
    assert x.cumsum(0).tolist() == [[1 + 2j, 3 - 2j], [1 + 2j, 7 - 2j]]
    a = x.numpy()
    np.testing.assert_allclose(x.var(0).numpy(), a.var(0, ddof=1), rtol=1e-6)
    np.testing.assert_allclose(x.std(correction=0).numpy(), a.std(), rtol=1e-6)
    for f in (ng.max, ng.argmin, ng.amax, ng.aminmax, ng.median, ng.mode, ng.unique, ng.nansum):
        with pytest.raises(TypeError, match=rf"{f.__name__}: complex numbers have no order"):
            f(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(70_000,), (3, 9000), (200, 7), (5, 700), (3, 131), (40, 3, 5), (4097, 2)]
)
def test_extreme_values_of_long_lines(shape, dtype):
    """Over the borders of blocks and groups of columns: values, first indices, NaN and ties."""
    rng = np.random.default_rng(len(shape))
    plain = np.round(rng.standard_normal(shape), 2).astype(dtype)  # rounded: with ties
    holes = np.where(rng.random(shape) < 3e-4, np.nan, plain).astype(dtype)
    threads = ng.get_num_threads()
    for a in (plain, holes):
        for n in (1, 2):
            ng.set_num_threads(n)
            x = ng.tensor(a)
            for dim in (None, *range(len(shape))):
                for name in ("max", "min"):
                    got = getattr(x, f"a{name}")(() if dim is None else dim).numpy()
                    np.testing.assert_array_equal(got, getattr(np, name)(a, axis=dim))
                    got = getattr(x, f"arg{name}")(dim).numpy()
                    np.testing.assert_array_equal(got, getattr(np, f"arg{name}")(a, axis=dim))
    ng.set_num_threads(threads)


@pytest.mark.parametrize("n", [1, 3, 15, 16, 31, 33, 64, 100, 127, 129, 4095, 4097, 9000])
def test_sums_of_every_length(n):
    x = np.random.default_rng(n).uniform(0.5, 1.5, (6, n)).astype(np.float32)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(ng.tensor(x).sum(1).numpy(), wide.sum(1), rtol=1e-6)
    np.testing.assert_allclose(ng.tensor(x.T.copy()).sum(0).numpy(), wide.sum(1), rtol=1e-6)
    np.testing.assert_allclose(ng.tensor(x).var(1, correction=0).numpy(), wide.var(1), rtol=1e-5)
    np.testing.assert_allclose(ng.tensor(x).cumsum(1).numpy(), wide.cumsum(1), rtol=1e-6)
    np.testing.assert_allclose(ng.tensor(x).cumsum(0).numpy(), wide.cumsum(0), rtol=1e-6)


def test_the_gradient_of_a_product_near_the_ends_of_the_numbers():
    """Where the product overflows or vanishes, the products of the others still may not."""
    for line in ([1e300, 1e300, 1e-300], [1e-200, 1e-200, 1e300], [0.0, 1e-300, 1e-300]):
        a = np.stack([line, [1.0, 2.0, 3.0]], 1)  # a column each
        x = ng.tensor(a, requires_grad=True)
        with np.errstate(over="ignore"):
            wanted = np.stack([np.prod(np.delete(a, i, 0), 0) for i in range(3)])
        for y, want in ((x.prod(0), wanted), (x[:, 0].prod(), wanted * [1, 0])):
            (g,) = ng.autograd.grad(y.sum(), x)
            np.testing.assert_allclose(g.numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_sums_of_integers(dtype):
    """In int64, from every layout, on any number of threads."""
    a = np.random.default_rng(3).integers(-120, 120, (40, 50, 60)).astype(dtype)
    threads = ng.get_num_threads()
    for n in (1, 2):
        ng.set_num_threads(n)
        for b in (a, a.transpose(2, 0, 1), a[::2, 1:], a[:0], a[:, :0]):
            for dim in (None, 0, 1, 2, (0, 1), (0, 2), (1, 2)):
                got = ng.from_numpy(b).sum(dim).numpy()
                np.testing.assert_array_equal(got, b.sum(dim, dtype=np.int64))
                assert got.dtype == np.int64
    ng.set_num_threads(threads)


@pytest.mark.parametrize("shape", [(9001,), (3, 5000), (5000, 3), (2, 4097, 2), (0, 3), (3, 0)])
def test_any_and_all_at_every_size(shape):
    """A single value decides, wherever it stands; nothing at all is any of nothing, all of it."""
    for op in ("any", "all"):
        rest = np.full(shape, op == "all")
        for at in (0, rest.size // 2, rest.size - 1):
            x = rest.copy()
            if x.size:
                x.reshape(-1)[at] = op == "any"
            for dim in (None, *range(x.ndim)):
                for keepdim in (False, True):
                    for value in (x, np.where(x, np.nan, 0.0), x.astype(np.int16) * 256):
                        got = getattr(ng, op)(ng.tensor(value), dim, keepdim).array
                        want = getattr(np, op)(x, axis=dim, keepdims=keepdim)
                        np.testing.assert_array_equal(got, want)
                        assert got.dtype == bool


@pytest.mark.parametrize("n", [1, 4, 15, 16, 31, 32, 33, 63, 64, 127, 128, 129, 4097])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_at_every_length_and_with_nan_anywhere(n, dtype):
    """Along rows and columns, each length meeting another loop; NaN wins wherever it stands."""
    x = np.random.default_rng(n).standard_normal((5, n)).astype(dtype)
    for at in (None, 0, n // 2, n - 1):
        if at is not None:
            x[1, at] = np.nan
            x[3, at] = np.inf
        for op in ("amax", "amin"):
            want = getattr(np, op)(x, axis=1)
            np.testing.assert_array_equal(getattr(ng, op)(ng.tensor(x), 1).array, want)
            np.testing.assert_array_equal(
                getattr(ng, op)(ng.tensor(np.ascontiguousarray(x.T)), 0).array, want
            )


@pytest.mark.parametrize("call", [lambda x: x.sum(1), lambda x: x.argmax(1), lambda x: x.any(1)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_lines_of_which_there_are_none(call, dtype):
    """A result without elements: nothing may be written."""
    assert call(ng.zeros(5, 3, 0, dtype=getattr(ng, dtype))).shape == (5, 0)
