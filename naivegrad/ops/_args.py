"""Arguments as PyTorch takes them, brought to one form."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from naivegrad import dtype as dtypes
from naivegrad.autograd.mode import grad_mode
from naivegrad.backend.promotion import can_cast, holds, is_floating, result_dtype
from naivegrad.tensor import Tensor, wrap

Number = complex  # which float, int and bool are, to a type checker


def normalize_axis(dim: Any, ndim: int, op: str) -> int:
    """A dimension counted from the front. A 0-d tensor has the dimensions 0 and -1."""
    try:
        axis = operator.index(dim)
    except TypeError:
        raise TypeError(f"{op}: dim must be an integer, got {dim!r}") from None
    limit = max(ndim, 1)
    if not -limit <= axis < limit:
        raise IndexError(
            f"{op}: Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], "
            f"but got {axis})"
        )
    return axis + limit if axis < 0 else axis


def normalize_axes(dim: Any, ndim: int, op: str) -> tuple[int, ...]:
    """Sorted dimensions counted from the front: all of them for None or an empty sequence."""
    if dim.__class__ is int and -ndim <= dim < ndim:  # nearly always
        return (dim % ndim,)
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    if not isinstance(dim, tuple | list):
        return (normalize_axis(dim, ndim, op),) if ndim else (normalize_axis(dim, 0, op),)[:0]
    axes = sorted(normalize_axis(d, ndim, op) for d in dim)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{op}: a dimension appears twice in dim={tuple(dim)}")
    return tuple(axes) if ndim else ()


def pair(value: Any, op: str, name: str) -> tuple[int, int]:
    """An integer, or two of them, as two."""
    first, second = several(value, 2, op, name)
    return first, second


def several(value: Any, count: int, op: str, name: str) -> tuple[int, ...]:
    """An integer, or so many of them, as so many."""
    if not isinstance(value, tuple | list):
        value = (value,) * count
    elif len(value) == 1:
        value = (*value,) * count
    try:
        if len(value) == count:
            return tuple([operator.index(n) for n in value])
        kind: type[Exception] = ValueError
    except TypeError:
        kind = TypeError
    many = ("", " or two", " or three")[count - 1] if count < 4 else f" or {count} of them"
    raise kind(f"{op}: {name} must be an integer{many}, got {value!r}")


def sizes(shape: Any, op: str) -> tuple[int, ...]:
    """A shape (or dims) given as f(2, 3), which arrives as (2, 3), or as f((2, 3)): ((2, 3),)."""
    if not isinstance(shape, tuple | list):
        shape = (shape,)
    elif len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = shape[0]
    try:
        return tuple([operator.index(n) for n in shape])
    except TypeError:
        raise TypeError(f"{op}: sizes must be integers, got {tuple(shape)!r}") from None


def new_shape(shape: Any, op: str) -> tuple[int, ...]:
    """The same for a tensor to be made: ValueError for a negative size."""
    result = sizes(shape, op)
    if any(n < 0 for n in result):
        raise ValueError(f"{op}: sizes must not be negative, got {result}")
    return result


def check_counts(op: str, **counts: Any) -> None:
    """Numbers of features, channels and the like: integers that are not negative."""
    for name, n in counts.items():
        try:
            negative = operator.index(n) < 0
        except TypeError:
            raise TypeError(f"{op}: {name} must be an integer, got {n!r}") from None
        if negative:
            raise ValueError(f"{op}: {name} must not be negative, got {n}")


def new_tensor(
    array: Any, backend: Any, requires_grad: bool, out: Tensor | None = None, op: str = ""
) -> Tensor:
    """A leaf around a fresh array; with `out`, its values there."""
    tensor = into(out, wrap(array, backend), op)
    return tensor.requires_grad_() if requires_grad else tensor


def as_tensor_like(value: Any, like: Tensor) -> Tensor:
    """A number as a 0-d tensor of the type and device of another; a Tensor as it is."""
    if isinstance(value, Tensor):
        return value
    return wrap(like.backend.full((), value, like.array.dtype), like.backend)


def check_fits(op: str, value: Any, dtype: Any) -> None:
    """ValueError for an integer that a type cannot hold."""
    if isinstance(value, int) and not holds(dtype, value):
        raise ValueError(f"{op}: the number {value} does not fit into {dtype}")


def as_operand(value: Any, like: Tensor, op: str) -> Tensor:
    """A number as a 0-d tensor of the type of its sum with another; a Tensor as it is."""
    if isinstance(value, Tensor):
        return value
    dtype = result_dtype(like.array, value)
    check_fits(op, value, dtype)
    return wrap(like.backend.full((), value, dtype), like.backend)


def require_tensor(x: Any, op: str, name: str = "input") -> Tensor:
    """x, if it is a Tensor; TypeError otherwise."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{op}: {name} must be a Tensor, got {type(x).__name__}")
    return x


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two shapes broadcast: counted from the end, each two lengths are equal, or one is 1.

    A loop, not a generator: `matmul` asks at every call.
    """
    for m, n in zip(a[::-1], b[::-1], strict=False):  # noqa: SIM110
        if m != n and m != 1 and n != 1:
            return False
    return True


def check_shapes(x: Tensor, y: Tensor, op: str) -> None:
    """ValueError, in the name of a composed operation, if the shapes do not broadcast."""
    a, b = x.array.shape, y.array.shape
    if not broadcast(a, b):
        raise ValueError(f"{op}: shapes {a} and {b} do not broadcast")


def check_batches(x: Tensor, y: Tensor, op: str) -> None:
    """ValueError unless the axes before the last two of matrices broadcast."""
    a, b = x.array.shape, y.array.shape
    if not broadcast(a[:-2], b[:-2]):
        raise ValueError(f"{op}: leading axes of shapes {a} and {b} do not broadcast")


def require_floating(x: Any, op: str, name: str = "input") -> Tensor:
    """x, if it is a Tensor of a floating-point type; TypeError otherwise."""
    if not is_floating(require_tensor(x, op, name).array.dtype):
        raise TypeError(f"{op}: a floating-point tensor is needed, got {x.dtype}")
    return x


def require_integers(x: Any, op: str, name: str = "input") -> Tensor:
    """x, if it is a Tensor of integers; TypeError otherwise."""
    if require_tensor(x, op, name).array.dtype.kind not in "iu":
        raise TypeError(f"{op}: {name} must be of integers, got {x.dtype}")
    return x


def integer_index(index: Any, op: str, size: int, axis: int) -> Any:
    """The array of an index tensor, checked to be of integers in [0, size)."""
    array = require_integers(index, op, "index").array
    check_bounds(index.backend.bounds(array), op, size, axis, least=0)
    return array


def apply_named(op: str, function: Any, *arguments: Any) -> Any:
    """function.apply(*arguments), with the name of the op in an IndexError of the backend."""
    try:
        return function.apply(*arguments)
    except IndexError as error:
        raise IndexError(f"{op}: {error}") from None


def check_bounds(bounds: tuple[int, int], op: str, size: int, axis: int, least: int) -> None:
    """IndexError unless an index with these bounds is in [least, size): the loops trust it."""
    low, high = bounds
    if low < least or high >= size:
        bad = low if low < least else high
        raise IndexError(
            f"{op}: index {bad} is out of bounds for dimension {axis} with size {size}"
        )


def numpy_dtype(
    wish: Any, default: np.dtype[Any] | None = None, out: Tensor | None = None
) -> np.dtype[Any]:
    """The NumPy dtype of a `dtype=` argument; that of out, `default`, or the default for None."""
    if wish is None and out is not None:
        return out.array.dtype
    if wish is None:
        return dtypes.get_default_dtype().numpy if default is None else default
    return dtypes.to_numpy(wish)


def into(out: Tensor | None, result: Tensor, op: str) -> Tensor:
    """What an `out=` argument asks for: the result, written to `out` unless that is None.

    `out` gets the shape of the result (with a warning where it had elements of its own) and keeps
    its type, which must be of the same category or a higher one.
    """
    if out is None:
        return result
    require_tensor(out, op, "out")
    if result.node is not None or (out.node is not None and grad_mode.enabled):
        raise RuntimeError(
            f"{op}: out= does not support differentiation, but an argument requires grad; "
            "use no_grad(), or leave out= away"
        )
    if not can_cast(result.array.dtype, out.array.dtype):
        raise TypeError(
            f"{op}: a result of type {result.dtype} cannot be stored in out of type {out.dtype}"
        )
    if out.backend is not result.backend:
        raise ValueError(f"{op}: the result is on {result.device}, out on {out.device}")
    if out.array.shape != result.array.shape:
        if out.array.size:
            warnings.warn(
                f"{op}: out of shape {out.array.shape} was resized to the shape of the result, "
                f"{result.array.shape}; make it empty, or of that shape",
                stacklevel=3,
            )
        out.array = out.backend.empty(result.array.shape, out.array.dtype)
    out.backend.copy_into(out.array, result.array)
    out.version[0] += 1
    return out


def into_each(out: Any, results: Any, op: str) -> Any:
    """The same for several results: a tuple of tensors, or None. Keeps named tuples named."""
    if out is None:
        return results
    if not isinstance(out, tuple | list) or len(out) != len(results):
        raise TypeError(f"{op}: out must be a tuple of {len(results)} tensors, got {out!r}")
    written = [into(o, r, op) for o, r in zip(out, results, strict=True)]
    return type(results)(*written) if hasattr(results, "_fields") else tuple(written)
