"""Logic of truth values and of bits, which has no derivative."""

from __future__ import annotations

from typing import Any

from naivegrad.ops._args import Number, into, require_tensor
from naivegrad.tensor import Tensor, wrap


def _logical(op: str, name: str, x: Any, y: Any = None) -> Tensor:
    tensor = x if isinstance(x, Tensor) else require_tensor(y, name)
    a = x.array if isinstance(x, Tensor) else x
    b = y.array if isinstance(y, Tensor) else y
    return wrap(tensor.backend.logical(op, a, b), tensor.backend)


def _truth(x: Any, op: str, name: str = "input") -> Tensor:
    if require_tensor(x, op, name).array.dtype.kind == "b":
        return x
    return wrap(x.backend.compare("ne", x.array, 0), x.backend)


def bitwise_and(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Bits set in both; truth values: both true."""
    return into(out, _logical("and", "bitwise_and", input, other), "bitwise_and")


def bitwise_or(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Bits set in either; truth values: either true."""
    return into(out, _logical("or", "bitwise_or", input, other), "bitwise_or")


def bitwise_xor(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Bits set in one of the two; truth values: one true."""
    return into(out, _logical("xor", "bitwise_xor", input, other), "bitwise_xor")


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Every bit turned; truth values: not."""
    return into(out, _logical("not", "bitwise_not", input), "bitwise_not")


def bitwise_left_shift(
    input: Tensor, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The bits of integers moved up: input * 2 ** other."""
    return into(out, _logical("shl", "bitwise_left_shift", input, other), "bitwise_left_shift")


def bitwise_right_shift(
    input: Tensor, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The bits of integers moved down: floor(input / 2 ** other)."""
    return into(out, _logical("shr", "bitwise_right_shift", input, other), "bitwise_right_shift")


def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both are not zero."""
    op = "logical_and"
    return into(out, _logical("and", op, _truth(input, op), _truth(other, op, "other")), op)


def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether either is not zero."""
    op = "logical_or"
    return into(out, _logical("or", op, _truth(input, op), _truth(other, op, "other")), op)


def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one is not zero."""
    op = "logical_xor"
    return into(out, _logical("xor", op, _truth(input, op), _truth(other, op, "other")), op)


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether it is zero."""
    return into(out, _logical("not", "logical_not", _truth(input, "logical_not")), "logical_not")
