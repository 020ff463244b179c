"""Every row of the table, forward: values, shapes and dtypes against NumPy in float64."""

import numpy as np
import pytest

import naivegrad as ng
from harness import (
    CASES,
    OPS,
    TOLERANCE,
    assert_close,
    call,
    cast,
    dtype_name,
    expected_dtype,
    is_float,
    lay_out,
    reference,
    rows,
    tensor,
    tensors,
    value,
)
from table import LAYOUTS, case, draw


def check(op, results, wanted, dtype, what):
    assert len(results) == len(wanted)
    for got, want in zip(results, wanted, strict=True):
        assert isinstance(got, ng.Tensor), f"{what}: {type(got)}"
        assert isinstance(got.array, np.ndarray), f"{what}: the array is a {type(got.array)}"
        assert tuple(got.shape) == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
        assert dtype_name(got.dtype) == expected_dtype(op, want, dtype), what
        if is_float(want):
            assert_close(value(got), want, TOLERANCE[dtype], what)
        else:
            np.testing.assert_array_equal(value(got), want, err_msg=what)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "one"), CASES)
def test_forward(op, one, dtype):
    """The same values from every memory layout, twice the same bits, inputs as they were."""
    arrays = [cast(a, dtype) for a in draw(op, one)]
    wanted = reference(
        op, [a.astype(np.float64) if is_float(a) else a for a in arrays], one.options
    )
    for layout in LAYOUTS:
        laid = [lay_out(a, layout) for a in arrays]
        results = call(op, [tensor(a) for a in laid], one)
        check(op, results, wanted, dtype, layout)
        for before, after in zip(arrays, laid, strict=True):
            np.testing.assert_array_equal(after, before, err_msg=f"{layout}: an input was changed")
        again = call(op, [tensor(a) for a in laid], one)
        for first, second in zip(results, again, strict=True):
            assert value(first).tobytes() == value(second).tobytes(), f"{layout}: not repeatable"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "inputs"), rows("special"))
def test_special_values(op, inputs, dtype):
    """inf, nan, signed zeros and extremes; dense and strided take different loops."""
    arrays = [cast(np.asarray(i), dtype) for i in inputs]
    one = case(**op.special_options)
    wanted = reference(
        op, [a.astype(np.float64) if is_float(a) else a for a in arrays], one.options
    )
    for layout in ("contiguous", "strided"):
        for repeats in (1, 7):  # long enough for the vectorised part of a loop and its tail
            wide = [lay_out(np.concatenate([a] * repeats), layout) for a in arrays]
            for got, want in zip(call(op, [tensor(a) for a in wide], one), wanted, strict=True):
                if want.ndim:  # else a reduction to one number, which repetition does not change
                    want = np.concatenate([want] * repeats)
                if not is_float(want):
                    np.testing.assert_array_equal(value(got), want)
                    continue
                with np.errstate(over="ignore"):
                    want = want.astype(dtype)
                tiny = np.finfo(dtype).tiny
                np.testing.assert_allclose(value(got), want, rtol=TOLERANCE[dtype], atol=tiny)


@pytest.mark.parametrize("op", [op for op in OPS if op.cases], ids=lambda op: op.name)
def test_results_do_not_share_memory_by_accident(op):
    """Writing into a result changes an input only where the result is a view of it."""
    one = op.cases[0]
    inputs = tensors(draw(op, one), grad=False)
    for result in call(op, inputs, one):
        for x in inputs:
            if np.shares_memory(result.array, x.array) and result is not x:
                assert result.view_of is not None, "shares memory without being a view"
