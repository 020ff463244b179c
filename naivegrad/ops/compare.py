"""Comparisons and logic: truth values, which have no derivative."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.ops._args import Number, require_tensor
from naivegrad.ops.elementwise import abs
from naivegrad.tensor import Tensor, wrap


def _compare(op: str, x: Any, y: Any) -> Tensor:
    tensor = x if isinstance(x, Tensor) else y
    a = x.array if isinstance(x, Tensor) else x
    b = y.array if isinstance(y, Tensor) else y
    return wrap(tensor.backend.compare(op, a, b), tensor.backend)


def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """input == other, as bool."""
    return _compare("eq", input, other)


def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """input != other, as bool."""
    return _compare("ne", input, other)


def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """input < other, as bool."""
    return _compare("lt", input, other)


def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """input <= other, as bool."""
    return _compare("le", input, other)


def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """input > other, as bool."""
    return _compare("gt", input, other)


def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """input >= other, as bool."""
    return _compare("ge", input, other)


def isnan(input: Tensor) -> Tensor:
    """Where input is not a number."""
    return _compare("ne", input, input)


def isinf(input: Tensor) -> Tensor:
    """Where input is infinite."""
    return _compare("eq", abs(input.detach()), math.inf)


def isfinite(input: Tensor) -> Tensor:
    """Where input is neither infinite nor NaN."""
    return _compare("lt", abs(input.detach()), math.inf)


def _logical(op: str, x: Tensor, y: Any = None) -> Tensor:
    require_tensor(x, op)
    other = y.array if isinstance(y, Tensor) else y
    return wrap(x.backend.logical(op, x.array, other), x.backend)


def _truth(x: Tensor) -> Tensor:
    return x if x.array.dtype.kind == "b" else _compare("ne", x, 0)


def bitwise_and(input: Tensor, other: Tensor | Number) -> Tensor:
    """Bits set in both; truth values: both true."""
    return _logical("and", input, other)


def bitwise_or(input: Tensor, other: Tensor | Number) -> Tensor:
    """Bits set in either; truth values: either true."""
    return _logical("or", input, other)


def bitwise_xor(input: Tensor, other: Tensor | Number) -> Tensor:
    """Bits set in one of the two; truth values: one true."""
    return _logical("xor", input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit turned; truth values: not."""
    return _logical("not", input)


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both are not zero."""
    return _logical("and", _truth(input), _truth(other))


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether either is not zero."""
    return _logical("or", _truth(input), _truth(other))


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one is not zero."""
    return _logical("xor", _truth(input), _truth(other))


def logical_not(input: Tensor) -> Tensor:
    """Whether it is zero."""
    return _logical("not", _truth(input))
