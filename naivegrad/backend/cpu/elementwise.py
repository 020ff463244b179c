"""Elementwise operations: float32 and float64 through the Cython loops, the rest through NumPy.

float16 and bfloat16 are computed in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.promotion import (
    can_cast,
    floating,
    holds,
    is_floating,
    result_dtype,
)
from naivegrad.kernels import bfloat16 as bfloat16_kernel
from naivegrad.kernels import elementwise as kernel
from naivegrad.kernels import float16 as float16_kernel
from naivegrad.kernels import index as index_kernel

_FLOAT16, _FLOAT32, _FLOAT64 = (np.dtype(name) for name in ("float16", "float32", "float64"))
Operand = ndarray | complex  # which float, int and bool are, to a type checker

# What NumPy computes for integers and truth values. An operation that is not here has a
# floating-point result whatever comes in.
_UNARY: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "square": np.square,
    "floor": np.positive,
    "ceil": np.positive,
    "round": np.positive,
    "trunc": np.positive,
    "relu": lambda x: np.maximum(x, 0).astype(x.dtype),
    "leaky_relu": lambda x: x,
}
_BINARY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "pow": lambda x, y: np.where(y < 0, _inverse_power(x, y), np.power(x, np.maximum(y, 0))),
    "remainder": np.remainder,
    "fmod": np.fmod,
    "floor_divide": np.floor_divide,
    "trunc_divide": lambda x, y: x // y + ((x % y != 0) & ((x < 0) != (y < 0))),
    "maximum": np.maximum,
    "minimum": np.minimum,
}
_DIVISIONS = ("remainder", "fmod", "floor_divide", "trunc_divide")
# What NumPy computes for complex numbers. Other operations are defined for real ones only.
_COMPLEX_UNARY: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh")},
    **{name: getattr(np, name) for name in ("sinh", "cosh", "square", "reciprocal", "abs")},
    **{name: getattr(np, name) for name in ("exp2", "expm1", "log2", "log10", "log1p")},
    **{name: getattr(np, f"arc{name[1:]}") for name in ("asin", "acos", "atan")},
    **{name: getattr(np, f"arc{name[1:]}") for name in ("asinh", "acosh", "atanh")},
    "neg": np.negative,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
_COMPLEX_BINARY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "tanh_grad": lambda g, y: g * (1 - y * y),
    "sigmoid_grad": lambda g, y: g * y * (1 - y),
}
_COMPARE: dict[str, Callable[..., Any]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "signbit": np.less,  # than the 0 given with it
}


# Rare ones, of floats and integers alike.
_BY_UFUNC: dict[str, Callable[..., Any]] = {
    "copysign": np.copysign,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "gcd": np.gcd,
    "hypot": np.hypot,
    "lcm": np.lcm,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "nextafter": np.nextafter,
}
_STAY_INTEGERS = ("fmax", "fmin", "gcd", "lcm")


def unary(
    op: str, x: ndarray, p: float = 0.0, q: float = 0.0, out: ndarray | None = None
) -> ndarray:
    """out[i] = op(x[i]; p, q). Integers give the default float type where op has no other."""
    result = kernel.unary(op, x, p, q, out)
    return _unary_by_numpy(op, x, p, q, out) if result is None else result


def _unary_by_numpy(op: str, x: ndarray, p: float, q: float, out: ndarray | None) -> ndarray:
    kind = x.dtype.kind
    if kind == "c":
        if op not in _COMPLEX_UNARY:
            raise _no_complex(op)
        with np.errstate(all="ignore"):
            result = np.asarray(_COMPLEX_UNARY[op](x))
    elif kind in "fV" or op not in _UNARY:
        dtype = floating(x.dtype)
        work = _FLOAT64 if dtype == _FLOAT64 else _FLOAT32
        result = cast(kernel.unary(op, _aligned(x, work), p, q), dtype)
    elif kind == "b" and op in ("neg", "sign", "relu"):
        if op == "neg":
            raise TypeError("neg: a bool tensor has no negative; use logical_not")
        result = x.copy()
    elif kind == "b" and _UNARY[op] is np.positive:
        raise TypeError(f"{op}: is not defined for bool tensors")
    else:
        result = np.asarray(_UNARY[op](x), dtype=x.dtype)
        if result is x:
            result = x.copy()
    return result if out is None else _into(op, out, result)


def binary(
    op: str, x: Operand, y: Operand, p: float = 0.0, q: float = 0.0, out: ndarray | None = None
) -> ndarray:
    """out[i] = op(x[i], y[i]; p, q), broadcasting; one of the two may be a Python number."""
    if out is not None and not _apart(out, x, y):
        return _into(op, out, binary(op, x, y, p, q))
    result = kernel.binary(op, x, y, p, q, out)
    return _binary_by_numpy(op, x, y, p, q, out) if result is None else result


def _binary_by_numpy(
    op: str, x: Operand, y: Operand, p: float, q: float, out: ndarray | None
) -> ndarray:
    if op in _BY_UFUNC:
        result = _by_ufunc(op, x, y)
        return result if out is None else _into(op, out, result)
    dtype = result_dtype(x, y)
    if dtype.kind == "c":
        result = _complex_binary(op, x, y, dtype, p)
        return result if out is None else _into(op, out, result)
    if op == "sub" and any(isinstance(t, ndarray) and t.dtype.kind == "b" for t in (x, y)):
        raise TypeError("sub: bool tensors cannot be subtracted; use ^ or logical_xor")
    if op == "add_scaled" and not is_floating(dtype):
        if p != int(p):
            raise TypeError(f"add: alpha must be an integer for integer tensors, got {p}")
        op, y = "add", np.asarray(binary("mul", _as(y, dtype), int(p)))
    if is_floating(dtype) or op not in _BINARY:
        dtype = floating(dtype)
        work = np.dtype("float64") if dtype == np.float64 else np.dtype("float32")
        result = kernel.binary(op, _aligned(x, work), _aligned(y, work), p, q)
        result = cast(result, dtype)
    else:
        if op == "pow" and not isinstance(y, ndarray) and np.less(y, 0):
            raise ValueError(
                "pow: integers to negative integer powers are not integers; use floats"
            )
        x, y = _integers(op, x, dtype), _integers(op, y, dtype)
        if op in _DIVISIONS:
            if dtype.kind == "b":
                raise TypeError(f"{op}: bool tensors cannot be divided")
            if x.size and np.any(np.equal(y, 0)):
                raise ZeroDivisionError(f"{op}: an integer is divided by 0")
        try:
            with np.errstate(over="ignore"):  # integers wrap around
                result = np.asarray(_BINARY[op](x, y), dtype=dtype)
        except ValueError:
            raise ValueError(f"{op}: shapes {_shape(x)} and {_shape(y)} do not broadcast") from None
    return result if out is None else _into(op, out, result)


def _complex_binary(
    op: str, x: Operand, y: Operand, dtype: np.dtype[Any], alpha: complex
) -> ndarray:
    a, b = _as(x, dtype), _as(y, dtype)
    if op == "add_scaled":
        with np.errstate(all="ignore"):
            op, b = "add", b * dtype.type(alpha)
    if op not in _COMPLEX_BINARY:
        raise _no_complex(op)
    try:
        with np.errstate(all="ignore"):
            return np.asarray(_COMPLEX_BINARY[op](a, b), dtype)
    except ValueError:
        raise ValueError(f"{op}: shapes {a.shape} and {b.shape} do not broadcast") from None


def _no_complex(op: str) -> TypeError:
    return TypeError(f"{op}: is not defined for complex tensors")


def _by_ufunc(op: str, x: Operand, y: Operand) -> ndarray:
    dtype = result_dtype(x, y)
    if dtype.kind == "c":
        raise _no_complex(op)
    work = dtype if op in _STAY_INTEGERS else floating(dtype)
    with np.errstate(all="ignore"):
        try:
            result = np.asarray(_BY_UFUNC[op](_as(x, work), _as(y, work)), order="C")
        except ValueError:
            raise ValueError(f"{op}: shapes {_shape(x)} and {_shape(y)} do not broadcast") from None
    return result


def _integers(op: str, x: Operand, dtype: np.dtype[Any]) -> ndarray:
    """x in a type of integers, wrapped around where it is a number too large for it."""
    if isinstance(x, int) and not holds(np.dtype("int64"), x):
        raise OverflowError(f"{op}: the number {x} does not fit into {dtype}")
    return _as(x, dtype)


def _inverse_power(x: ndarray, y: ndarray) -> ndarray:
    """x ** y for y below 0, cut to an integer: 0 unless x is 1 or -1."""
    return np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (y % 2), 0))


def compare(op: str, x: Operand, y: Operand) -> ndarray:
    """out[i] = op(x[i], y[i]) as bool, broadcasting; one of the two may be a Python number."""
    result = kernel.compare(op, x, y)
    if result is None:
        dtype = result_dtype(x, y)
        if dtype.kind == "c" and op not in ("eq", "ne"):
            raise _no_complex(op)
        if dtype.kind in "iu":
            x, y = _integers(op, x, dtype), _integers(op, y, dtype)
        else:
            x, y = _as(x, dtype), _as(y, dtype)
            if is_floating(dtype) and dtype.itemsize == 2:  # which NumPy compares one by one
                return compare(op, cast(x, _FLOAT32), cast(y, _FLOAT32))
        try:
            with np.errstate(invalid="ignore"):  # NaN of a bfloat16
                result = np.asarray(_COMPARE[op](x, y))
        except ValueError:
            raise ValueError(f"{op}: shapes {_shape(x)} and {_shape(y)} do not broadcast") from None
    return result


def where(condition: ndarray, x: Operand, y: Operand) -> ndarray:
    """out[i] = x[i] where condition[i], else y[i]; broadcasting all three."""
    dtype = result_dtype(x, y)
    a, b = _as(x, dtype), _as(y, dtype)
    try:
        shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"where: shapes {condition.shape}, {a.shape} and {b.shape} do not broadcast"
        ) from None
    if dtype not in (np.float32, np.float64):
        return np.asarray(np.where(condition, a, b))
    out = np.empty(shape, dtype)
    index_kernel.where(_dense(condition, shape), _dense(a, shape), _dense(b, shape), out)
    return out


def _dense(x: ndarray, shape: tuple[int, ...]) -> ndarray:
    """x broadcast to a shape, C-contiguous; a 0-d value as it is, if the shape is not."""
    if x.shape != shape and (x.ndim or x.dtype.kind == "b"):
        x = np.broadcast_to(x, shape)
    return x if x.flags.c_contiguous and x.flags.aligned else x.copy("C")


_LOGICAL: dict[str, tuple[str, Callable[..., Any]]] = {
    "and": ("bitwise_and", np.bitwise_and),
    "or": ("bitwise_or", np.bitwise_or),
    "xor": ("bitwise_xor", np.bitwise_xor),
    "shl": ("bitwise_left_shift", np.left_shift),
    "shr": ("bitwise_right_shift", np.right_shift),
}


def logical(op: str, x: Operand, y: Operand | None = None) -> ndarray:
    """and, or, xor, not, shl, shr: bit by bit for integers, of truth values for bool."""
    name, ufunc = _LOGICAL.get(op, ("bitwise_not", np.invert))
    dtype = result_dtype(x) if y is None else result_dtype(x, y)
    if dtype.kind not in "biu" or (dtype.kind == "b" and op in ("shl", "shr")):
        wanted = "integer" if op in ("shl", "shr") else "integer or bool"
        raise TypeError(f"{name}: {wanted} tensors are needed, got {dtype}")
    if y is None:
        return np.asarray(ufunc(x))
    try:
        return np.asarray(ufunc(_as(x, dtype), _as(y, dtype)))
    except ValueError:
        raise ValueError(f"{name}: shapes {_shape(x)} and {_shape(y)} do not broadcast") from None


def frexp(x: ndarray) -> tuple[ndarray, ndarray]:
    """m and the int32 e with x = m * 2^e, 1/2 <= |m| < 1."""
    wide = x if x.dtype in (np.float32, np.float64) else cast(x, np.dtype("float32"))
    m, e = np.frexp(wide)
    e = np.where(np.isfinite(wide), e, 0).astype(np.int32)
    return cast(np.asarray(m), x.dtype), np.asarray(e)


def accumulate(target: ndarray, source: ndarray) -> None:
    """target += source, of one shape and type, in different memory."""
    if kernel.binary("add", target, source, 0.0, 0.0, target) is None:
        np.add(target, source, out=target)


def cast(x: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """x in another type; x itself if it is of that type. Complex to real is no cast: see real."""
    if x.dtype == dtype:
        return x
    if x.dtype == _FLOAT16:  # from and to which NumPy casts one by one
        wide = float16_kernel.widen(x)
        return wide if dtype == _FLOAT32 else cast(wide, dtype)
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        raise TypeError(f"complex numbers have no value in {dtype}: take the real part, or abs")
    if x.dtype.kind == "V" and dtype == _FLOAT32:  # ml_dtypes casts them one by one
        return _widened(x)
    if dtype.kind == "V" and x.dtype == _FLOAT32:
        return _narrowed(x, dtype)
    if dtype == _FLOAT16 and x.dtype not in (_FLOAT64, np.bool_):
        return float16_kernel.narrow(cast(x, _FLOAT32))
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and too large numbers, as C casts them
        return x.astype(dtype)


def _widened(x: ndarray) -> ndarray:
    """bfloat16 as float32."""
    out = np.empty(x.shape, np.float32)
    bfloat16_kernel.widen(np.require(x, None, ["C", "A"]).view(np.uint16), out.view(np.uint32))
    return out


def _narrowed(x: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """float32 as bfloat16."""
    out = np.empty(x.shape, dtype)
    bfloat16_kernel.narrow(np.require(x, None, ["C", "A"]).view(np.uint32), out.view(np.uint16))
    return out


def _as(x: Operand, dtype: np.dtype[Any]) -> ndarray:
    return cast(x if isinstance(x, ndarray) else np.asarray(x), dtype)


def _aligned(x: Operand, dtype: np.dtype[Any]) -> ndarray:
    x = _as(x, dtype)
    return x if x.flags.aligned else x.copy()


def _shape(x: Operand) -> tuple[int, ...]:
    return x.shape if isinstance(x, ndarray) else ()


def _apart(out: ndarray, x: Operand, y: Operand) -> bool:
    """Whether no input overlaps `out` other than by being it, element for element."""
    for operand in (x, y):
        if operand is out or not isinstance(operand, ndarray):
            continue
        if np.may_share_memory(operand, out):
            return False
    return True


def _into(op: str, out: ndarray, result: ndarray) -> ndarray:
    """Copy a result into `out`, which must be of its shape and of a type that can hold it."""
    if result.shape != out.shape:
        raise ValueError(
            f"{op}: in place, the result of shape {result.shape} does not fit a tensor of shape "
            f"{out.shape}"
        )
    if not can_cast(result.dtype, out.dtype):
        raise TypeError(f"{op}: a result of type {result.dtype} cannot be stored in {out.dtype}")
    np.copyto(out, result, casting="unsafe")
    return out
