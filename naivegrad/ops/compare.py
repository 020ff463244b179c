"""Comparisons: truth values, which have no derivative."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.ops._args import Number, into, require_tensor
from naivegrad.ops.elementwise import abs
from naivegrad.ops.logic import bitwise_and, bitwise_or
from naivegrad.tensor import Tensor, wrap


def _compare(op: str, x: Any, y: Any) -> Tensor:
    tensor = x if isinstance(x, Tensor) else require_tensor(y, op)
    a = x.array if isinstance(x, Tensor) else x
    b = y.array if isinstance(y, Tensor) else y
    return wrap(tensor.backend.compare(op, a, b), tensor.backend)


def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input == other, as bool."""
    return into(out, _compare("eq", input, other), "eq")


def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input != other, as bool."""
    return into(out, _compare("ne", input, other), "ne")


def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input < other, as bool."""
    return into(out, _compare("lt", input, other), "lt")


def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input <= other, as bool."""
    return into(out, _compare("le", input, other), "le")


def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input > other, as bool."""
    return into(out, _compare("gt", input, other), "gt")


def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """input >= other, as bool."""
    return into(out, _compare("ge", input, other), "ge")


not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge


def isnan(input: Tensor) -> Tensor:
    """Where input is not a number."""
    return _compare("ne", require_tensor(input, "isnan"), input)


def isinf(input: Tensor) -> Tensor:
    """Where input is infinite."""
    return _compare("eq", abs(require_tensor(input, "isinf").detach()), math.inf)


def isfinite(input: Tensor) -> Tensor:
    """Where input is neither infinite nor NaN."""
    if require_tensor(input, "isfinite").is_complex():  # both parts: their size may overflow
        return isfinite(input.detach().real) & isfinite(input.detach().imag)
    return _compare("lt", abs(input.detach()), math.inf)


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Where input is +inf."""
    return into(out, _is(math.inf, input, "isposinf"), "isposinf")


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Where input is -inf."""
    return into(out, _is(-math.inf, input, "isneginf"), "isneginf")


def _is(infinity: float, x: Tensor, op: str) -> Tensor:
    if require_tensor(x, op).is_complex():
        raise TypeError(f"{op}: is not defined for complex tensors")
    exact = x.array.dtype.kind in "biu"  # no infinity is among them
    return _compare("ne", x, x) if exact else _compare("eq", x, infinity)


def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Where |input - other| <= atol + rtol * |other|; equal infinities are close.

    equal_nan : whether two NaNs are

    Raises
    ------
    TypeError
        Two types.
    ValueError
        A negative tolerance.
    """
    op = "isclose"
    x, y = require_tensor(input, op).detach(), require_tensor(other, op, "other").detach()
    if x.array.dtype != y.array.dtype:
        raise TypeError(f"{op}: expects tensors of one type, got {x.dtype} and {y.dtype}")
    if rtol < 0 or atol < 0:
        raise ValueError(f"{op}: tolerances must not be negative, got rtol={rtol}, atol={atol}")
    if x.array.dtype.kind == "b":
        return eq(x, y)
    if x.array.dtype.kind in "iu":
        x, y = x.double(), y.double()
    distance = abs(x - y)
    near = bitwise_and(isfinite(distance), le(distance, abs(y) * rtol + atol))
    close = bitwise_or(eq(x, y), near)
    return bitwise_or(close, bitwise_and(isnan(x), isnan(y))) if equal_nan else close


def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether `isclose` holds everywhere.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.allclose(ng.tensor([1.0, 2.0]), ng.tensor([1.0, 2.0 + 1e-6]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all().item())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    x, y = require_tensor(input, "equal"), require_tensor(other, "equal", "other")
    return x.array.shape == y.array.shape and bool(eq(x, y).all().item())


def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Where input is negative, -0.0 included."""
    return into(out, _compare("signbit", require_tensor(input, "signbit"), 0), "signbit")
