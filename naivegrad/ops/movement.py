"""Moving data: views, joins and rearrangements. Each class stands beside its transpose."""

from __future__ import annotations

import math
import operator
from typing import Any

from naivegrad.autograd import Function, forward
from naivegrad.autograd.mode import grad_mode
from naivegrad.ops._args import normalize_axes, normalize_axis, require_tensor
from naivegrad.ops._args import sizes as shape_of
from naivegrad.tensor import Tensor, wrap


class Reshape(Function):
    """y = x with another shape, a view where strides allow.    grad_x = grad, reshaped back."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...]) -> Any:
        ctx.x_shape = x.shape
        y, ctx.view = ctx.backend.reshape(x, shape)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Reshape.apply(grad, ctx.x_shape)


class Permute(Function):
    """y = x with its axes in another order.    grad_x = grad in the order before."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ctx.axes = axes
        return ctx.backend.permute(x, axes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        back = [0] * len(ctx.axes)
        for i, axis in enumerate(ctx.axes):
            back[axis] = i
        return Permute.apply(grad, tuple(back))


class Expand(Function):
    """y = x repeated along axes of length 1, without copying.    grad_x = grad summed over them."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...]) -> Any:
        return ctx.backend.expand(x, shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad  # the engine sums it down to the shape of x


def spread(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`Expand`, without a node where nothing is recorded: how the backward of every sum ends."""
    if grad_mode.enabled or forward.active:
        return Expand.apply(x, shape)
    return wrap(x.backend.expand(x.array, shape), x.backend)


class Slice(Function):
    """y = x[index] of integers, slices, None, Ellipsis.    grad_x = zeros, grad at that place."""

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, index: tuple[Any, ...]) -> Any:
        ctx.x_shape, ctx.index = x.shape, index
        return ctx.backend.slice(x, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return SlicePut.apply(grad, ctx.x_shape, ctx.index)


class SlicePut(Function):
    """y = zeros of a shape, with x at y[index].    grad_x = grad[index]."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
        ctx.index = index
        y = ctx.backend.full(shape, 0.0, x.dtype)
        ctx.backend.copy_into(ctx.backend.slice(y, index), x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Slice.apply(grad, ctx.index)


def _infer(shape: tuple[int, ...], count: int, op: str) -> tuple[int, ...]:
    """The shape with its one -1 worked out."""
    if -1 not in shape:
        if math.prod(shape) != count or any(n < 0 for n in shape):
            raise ValueError(f"{op}: shape {shape} is invalid for {count} elements")
        return shape
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1 or any(n < -1 for n in shape):
        raise ValueError(f"{op}: only one dimension can be -1, got {shape}")
    if known == 0 or count % known:
        raise ValueError(f"{op}: shape {shape} is invalid for {count} elements")
    return tuple(count // known if n == -1 else n for n in shape)


def reshape(input: Tensor, shape: Any) -> Tensor:
    """The elements in another shape; one length may be -1. A view where possible, else a copy."""
    return Reshape.apply(
        input,
        _infer(shape_of(shape, "reshape"), require_tensor(input, "reshape").array.size, "reshape"),
    )


def view(input: Tensor, size: Any) -> Tensor:
    """The elements in another shape, sharing memory; an error where that is impossible."""
    result = Reshape.apply(
        input, _infer(shape_of(size, "view"), require_tensor(input, "view").array.size, "view")
    )
    if result.view_of is None and input.array.size:
        raise ValueError(
            f"view: a tensor of shape {input.array.shape} that is not contiguous cannot be seen as "
            f"{result.array.shape}; use reshape"
        )
    return result


def permute(input: Tensor, dims: Any) -> Tensor:
    """The axes in another order."""
    ndim = require_tensor(input, "permute").array.ndim
    axes = tuple([normalize_axis(d, ndim, "permute") for d in shape_of(dims, "permute")])
    if sorted(axes) != list(range(ndim)):
        raise ValueError(f"permute: {axes} is not an order of the {ndim} dimensions")
    return Permute.apply(input, axes)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    ndim = require_tensor(input, "transpose").array.ndim
    i, j = normalize_axis(dim0, ndim, "transpose"), normalize_axis(dim1, ndim, "transpose")
    axes = list(range(ndim))
    if ndim:
        axes[i], axes[j] = j, i
    return Permute.apply(input, tuple(axes))


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and 0-d tensors as they are."""
    if require_tensor(input, "t").array.ndim > 2:
        raise ValueError(f"t: expects at most 2 dimensions, got shape {input.array.shape}")
    return Permute.apply(input, tuple(range(input.array.ndim))[::-1])


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to new places; the others keep their order."""
    ndim = require_tensor(input, "movedim").array.ndim
    source = source if isinstance(source, tuple | list) else (source,)
    destination = destination if isinstance(destination, tuple | list) else (destination,)
    come = [normalize_axis(d, ndim, "movedim") for d in source]
    go = [normalize_axis(d, ndim, "movedim") for d in destination]
    if len(come) != len(go) or len(set(come)) != len(come) or len(set(go)) != len(go):
        raise ValueError(f"movedim: source {source} and destination {destination} do not pair up")
    rest = iter([i for i in range(ndim) if i not in come])
    axes = [come[go.index(i)] if i in go else next(rest) for i in range(ndim)]
    return Permute.apply(input, tuple(axes))


moveaxis = movedim


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without its axes of length 1: all of them, or those of dim."""
    shape = require_tensor(input, "squeeze").array.shape
    axes = normalize_axes(dim, len(shape), "squeeze")
    return Reshape.apply(input, tuple([n for i, n in enumerate(shape) if n != 1 or i not in axes]))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length 1 at dim."""
    shape = require_tensor(input, "unsqueeze").array.shape
    axis = normalize_axis(dim, len(shape) + 1, "unsqueeze")
    return Reshape.apply(input, (*shape[:axis], 1, *shape[axis:]))


def expand(input: Tensor, size: Any) -> Tensor:
    """Axes of length 1 repeated without copying; -1 keeps a length."""
    old = require_tensor(input, "expand").array.shape
    new = shape_of(size, "expand")
    lead = len(new) - len(old)
    if lead < 0 or -1 in new[:lead]:
        raise ValueError(f"expand: shape {old} cannot be expanded to {new}")
    target = new[:lead] + tuple(m if n == -1 else n for m, n in zip(old, new[lead:], strict=True))
    if any(m not in (1, n) for m, n in zip(old, target[lead:], strict=True)) or any(
        n < 0 for n in target
    ):
        raise ValueError(f"expand: shape {old} cannot be expanded to {new}")
    return Expand.apply(input, target)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`expand`."""
    return expand(input, size)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    given = [shape_of(shape, "broadcast_shapes") for shape in shapes]
    ndim = max((len(shape) for shape in given), default=0)
    result = [1] * ndim
    for shape in given:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n < 0 or (n != 1 and result[i] not in (1, n)):
                raise ValueError(f"broadcast_shapes: shapes {given} do not broadcast")
            result[i] = n if n != 1 else result[i]
    return tuple(result)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors, each expanded to the shape that they have together."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    for x in tensors:
        require_tensor(x, "broadcast_tensors", "each of tensors")
    shape = broadcast_shapes(*[x.array.shape for x in tensors])
    return tuple([expand(x, shape) for x in tensors])


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim as one."""
    shape = require_tensor(input, "flatten").array.shape
    start = normalize_axis(start_dim, len(shape), "flatten")
    end = normalize_axis(end_dim, len(shape), "flatten")
    if not shape:
        return Reshape.apply(input, (1,))
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return Reshape.apply(
        input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    )


def ravel(input: Tensor) -> Tensor:
    """All axes as one: a view where possible, else a copy."""
    return Reshape.apply(input, (require_tensor(input, "ravel").array.size,))


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One axis as several, of the given lengths (one may be -1)."""
    shape = require_tensor(input, "unflatten").array.shape
    axis = normalize_axis(dim, len(shape), "unflatten")
    if not shape:
        raise ValueError("unflatten: a 0-d tensor has no dimension to split")
    lengths = shape_of(sizes, "unflatten")
    if not lengths:
        raise ValueError("unflatten: sizes must not be empty")
    new = _infer(lengths, shape[axis], "unflatten")
    return Reshape.apply(input, (*shape[:axis], *new, *shape[axis + 1 :]))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at one index of dim, without it."""
    axis = normalize_axis(dim, require_tensor(input, "select").array.ndim, "select")
    n = input.array.shape[axis] if input.array.ndim else 0
    if not -n <= operator.index(index) < n:
        raise IndexError(
            f"select: index {index} is out of bounds for dimension {axis} with size {n}"
        )
    return input[(slice(None),) * axis + (operator.index(index),)]


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` slices of dim from `start` on."""
    axis = normalize_axis(dim, require_tensor(input, "narrow").array.ndim, "narrow")
    if not input.array.ndim:
        raise ValueError("narrow: a 0-d tensor cannot be narrowed")
    n = input.array.shape[axis]
    begin = start + n if start < 0 else start
    if not 0 <= begin <= n or length < 0 or begin + length > n:
        raise IndexError(
            f"narrow: start {start} and length {length} exceed the length {n} of dim {axis}"
        )
    return Slice.apply(input, (slice(None),) * axis + (slice(begin, begin + length),))
