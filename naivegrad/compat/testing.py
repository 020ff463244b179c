"""`torch.testing`: whether two results are equal, up to rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from naivegrad import ops
from naivegrad.missing import lookup as _lookup
from naivegrad.tensor import Tensor

# (rtol, atol) by type; what is not here must be equal. Of two types the larger of each.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless  |actual - expected| <= atol + rtol |expected|  everywhere.

    Parameters
    ----------
    actual, expected : tensors, arrays, numbers, and sequences and mappings of them
    rtol, atol : both or none; by default they follow from the type
    equal_nan : whether NaN equals NaN
    check_dtype, check_stride : whether types and strides must be equal, too
    msg : the message of the error, or a function of the message

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.testing.assert_close(ng.tensor([1.0, 2.0]), ng.tensor([1.0, 2.000001]))
    >>> ng.testing.assert_close(ng.tensor([1.0, 2.0]), ng.tensor([1.0, 2.1]))
    Traceback (most recent call last):
        ...
    AssertionError: 1 of 2 elements differ (50.0%), most of all at (1,): 2 and 2.0999999 ...
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: rtol and atol go together: give both or none")
    try:
        _compare(actual, expected, "", (rtol, atol, equal_nan, check_dtype, check_stride))
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _compare(actual: Any, expected: Any, where: str, options: Any) -> None:
    def fail(text: str) -> AssertionError:
        return AssertionError(text + (f" (item {where})" if where else ""))

    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            raise fail(f"the keys differ: {list(actual)} and {list(expected)}")
        for key in actual:
            _compare(actual[key], expected[key], f"{where}[{key!r}]", options)
        return
    lists = [isinstance(x, Sequence) and not isinstance(x, str) for x in (actual, expected)]
    if all(lists):
        if len(actual) != len(expected):
            raise fail(f"the lengths differ: {len(actual)} and {len(expected)}")
        for i, pair in enumerate(zip(actual, expected, strict=True)):
            _compare(*pair, f"{where}[{i}]", options)
        return
    if actual is None and expected is None:
        return
    if isinstance(actual, Tensor) != isinstance(expected, Tensor):
        raise fail(f"a {type(actual).__name__} and a {type(expected).__name__}")
    _compare_tensors(ops.as_tensor(actual), ops.as_tensor(expected), fail, options)


def _compare_tensors(x: Tensor, y: Tensor, fail: Any, options: Any) -> None:
    rtol, atol, equal_nan, check_dtype, check_stride = options
    if x.shape != y.shape:
        raise fail(f"the shapes differ: {x.shape} and {y.shape}")
    if check_dtype and x.dtype != y.dtype:
        raise fail(f"the types differ: {x.dtype} and {y.dtype}")
    if check_stride and x.stride() != y.stride():
        raise fail(f"the strides differ: {x.stride()} and {y.stride()}")
    if rtol is None:
        pairs = [_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (x, y)]
        rtol, atol = (max(both) for both in zip(*pairs, strict=True))
    a, b = x.detach(), y.detach()
    exact = not (a.dtype.is_floating_point or a.dtype.is_complex) and a.dtype == b.dtype
    if exact and rtol == atol == 0:
        bad = (a != b).numpy()
    else:
        wide = np.complex128 if a.is_complex() or b.is_complex() else np.float64
        p, q = (t.numpy().astype(wide) for t in (a, b))
        bad = ~np.isclose(p, q, rtol, atol, equal_nan)
    if not bad.any():
        return
    p, q = (t.numpy().astype(np.complex128) for t in (a, b))
    with np.errstate(invalid="ignore"):
        distance = np.where(bad, np.nan_to_num(abs(p - q), nan=np.inf), -1)
    worst = np.unravel_index(distance.argmax(), distance.shape)
    place = tuple(int(i) for i in worst)
    raise fail(
        f"{bad.sum()} of {bad.size} elements differ ({bad.mean():.1%}), most of all at {place}: "
        f"{a[place].item():.8g} and {b[place].item():.8g} "
        f"(up to {atol:g} + {rtol:g} |expected| is allowed)"
    )


__getattr__ = _lookup(__name__)
