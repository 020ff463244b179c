"""Moving data: views, joins and rearrangements. Each class stands beside its transpose."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from naivegrad.autograd import Function, forward
from naivegrad.autograd.mode import grad_mode
from naivegrad.autograd.view import View
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


class Split(Function):
    """y_1, y_2, ... = consecutive pieces of x along an axis.    grad_x = the gradients, joined."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, lengths: tuple[int, ...], axis: int) -> Any:
        ctx.x_shape, ctx.lengths, ctx.axis = x.shape, lengths, axis
        pieces = []
        for index in _pieces(lengths, axis):
            pieces.append(ctx.backend.slice(x, index))  # noqa: PERF401 (one frame less)
        return tuple(pieces)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        some = next(g for g in grads if g is not None)
        parts = []
        for g, n in zip(grads, ctx.lengths, strict=True):
            shape = (*ctx.x_shape[: ctx.axis], n, *ctx.x_shape[ctx.axis + 1 :])
            parts.append(some.detach().new_zeros(shape) if g is None else g)
        return Cat.apply(ctx.axis, *parts)


def _pieces(lengths: Sequence[int], axis: int) -> list[tuple[slice, ...]]:
    ends = 0
    pieces = []
    for n in lengths:
        pieces.append((slice(None),) * axis + (slice(ends, ends + n),))
        ends += n
    return pieces


class Cat(Function):
    """y = the inputs one after the other along an axis.    grad_x_i = the i-th piece of grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, axis: int, *xs: Any) -> Any:
        ctx.axis = axis
        ctx.lengths = tuple(x.shape[axis] for x in xs)
        return ctx.backend.cat(list(xs), axis)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, *Split.apply(grad, ctx.lengths, ctx.axis)


class Flip(Function):
    """y = x with the order along some axes reversed.    grad_x = grad, reversed again."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ctx.axes = axes
        return ctx.backend.flip(x, axes)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Flip.apply(grad, ctx.axes)


class Pad(Function):
    """y = x with `widths` values before and after each axis.    grad_x = grad, cropped.

    Negative widths crop: crop and pad by 0 are each other's transposes.
    """

    kind = "elementwise"

    @staticmethod
    def forward(ctx: Any, x: Any, widths: tuple[tuple[int, int], ...], value: float) -> Any:
        ctx.widths = widths
        return ctx.backend.pad(x, widths, value)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Pad.apply(grad, tuple((-a, -b) for a, b in ctx.widths), 0.0)

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        return Pad.apply(x_dot, ctx.widths, 0.0)


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
    return Reshape.apply(input, _infer(shape_of(shape, "reshape"), input.array.size, "reshape"))


def view(input: Tensor, size: Any) -> Tensor:
    """The elements in another shape, sharing memory; an error where that is impossible."""
    result = Reshape.apply(input, _infer(shape_of(size, "view"), input.array.size, "view"))
    if result.view_of is None and input.array.size:
        raise ValueError(
            f"view: a tensor of shape {input.array.shape} that is not contiguous cannot be seen as "
            f"{result.array.shape}; use reshape"
        )
    return result


def permute(input: Tensor, dims: Any) -> Tensor:
    """The axes in another order."""
    ndim = input.array.ndim
    axes = tuple([normalize_axis(d, ndim, "permute") for d in shape_of(dims, "permute")])
    if sorted(axes) != list(range(ndim)):
        raise ValueError(f"permute: {axes} is not an order of the {ndim} dimensions")
    return Permute.apply(input, axes)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    ndim = input.array.ndim
    i, j = normalize_axis(dim0, ndim, "transpose"), normalize_axis(dim1, ndim, "transpose")
    axes = list(range(ndim))
    if ndim:
        axes[i], axes[j] = j, i
    return Permute.apply(input, tuple(axes))


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and 0-d tensors as they are."""
    if input.array.ndim > 2:
        raise ValueError(f"t: expects at most 2 dimensions, got shape {input.array.shape}")
    return Permute.apply(input, tuple(range(input.array.ndim))[::-1])


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to new places; the others keep their order."""
    ndim = input.array.ndim
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
    shape = input.array.shape
    axes = normalize_axes(dim, len(shape), "squeeze")
    return Reshape.apply(input, tuple([n for i, n in enumerate(shape) if n != 1 or i not in axes]))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length 1 at dim."""
    shape = input.array.shape
    axis = normalize_axis(dim, len(shape) + 1, "unsqueeze")
    return Reshape.apply(input, (*shape[:axis], 1, *shape[axis:]))


def expand(input: Tensor, size: Any) -> Tensor:
    """Axes of length 1 repeated without copying; -1 keeps a length."""
    old = input.array.shape
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


broadcast_to = expand


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim as one."""
    shape = input.array.shape
    if not shape:
        return Reshape.apply(input, (1,))
    start = normalize_axis(start_dim, len(shape), "flatten")
    end = normalize_axis(end_dim, len(shape), "flatten")
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return Reshape.apply(
        input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    )


def ravel(input: Tensor) -> Tensor:
    """All axes as one: a view where possible, else a copy."""
    return Reshape.apply(input, (input.array.size,))


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One axis as several, of the given lengths (one may be -1)."""
    shape = input.array.shape
    axis = normalize_axis(dim, len(shape), "unflatten")
    new = _infer(shape_of(sizes, "unflatten"), shape[axis], "unflatten")
    return Reshape.apply(input, (*shape[:axis], *new, *shape[axis + 1 :]))


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis; the other lengths must agree.

    Types promote. A 1-d tensor without elements is passed over, as in PyTorch.
    """
    tensors = list(tensors)
    if not tensors:
        raise ValueError("cat: expects at least one tensor")
    for x in tensors:
        require_tensor(x, "cat", "each of tensors")
    kept = [x for x in tensors if x.array.shape != (0,)] or tensors[:1]
    ndim = kept[0].array.ndim
    if ndim == 0:
        raise ValueError("cat: a 0-d tensor cannot be concatenated; use stack")
    axis = normalize_axis(dim, ndim, "cat")
    first = kept[0].array.shape
    for i, x in enumerate(kept):
        shape = x.array.shape
        if (
            len(shape) != ndim
            or shape[:axis] != first[:axis]
            or shape[axis + 1 :] != first[axis + 1 :]
        ):
            raise ValueError(
                f"cat: lengths must agree except in dimension {axis}: tensor 0 has shape {first}, "
                f"tensor {i} has {shape}"
            )
    return Cat.apply(axis, *kept)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    tensors = list(tensors)
    if not tensors:
        raise ValueError("stack: expects at least one tensor")
    shape = require_tensor(tensors[0], "stack", "each of tensors").array.shape
    axis = normalize_axis(dim, len(shape) + 1, "stack")
    for i, x in enumerate(tensors):
        if require_tensor(x, "stack", "each of tensors").array.shape != shape:
            raise ValueError(
                f"stack: shapes must be equal: tensor 0 has {shape}, tensor {i} has {x.array.shape}"
            )
    return Cat.apply(axis, *[unsqueeze(x, axis) for x in tensors])


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive pieces along dim: of one length (the last perhaps less), or of given lengths."""
    shape = tensor.array.shape
    axis = normalize_axis(dim, len(shape), "split")
    if not shape:
        raise ValueError("split: a 0-d tensor cannot be split")
    n = shape[axis]
    if isinstance(split_size_or_sections, tuple | list):
        lengths = shape_of(split_size_or_sections, "split")
        if sum(lengths) != n or any(length < 0 for length in lengths):
            raise ValueError(
                f"split: sections {lengths} do not add up to the length {n} of dim {axis}"
            )
    else:
        size = operator.index(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise ValueError(f"split: the piece length must be positive, got {size}")
        lengths = tuple(min(size, n - start) for start in range(0, n, size or 1)) or (0,)
    pieces = Split.apply(tensor, lengths, axis)
    for piece, index in zip(pieces, _pieces(lengths, axis), strict=True):
        View.track(Slice, (tensor, index), piece, grad_mode.enabled)
    return pieces


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal length along dim (the last may be shorter)."""
    if chunks < 1:
        raise ValueError(f"chunk: the number of chunks must be positive, got {chunks}")
    axis = normalize_axis(dim, input.array.ndim, "chunk")
    if not input.array.ndim:
        raise ValueError("chunk: a 0-d tensor cannot be split")
    n = input.array.shape[axis]
    if n == 0:
        return split(input, [0] * chunks, axis)
    return split(input, -(-n // chunks), axis)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along dim, without it."""
    axis = normalize_axis(dim, input.array.ndim, "unbind")
    if not input.array.ndim:
        raise ValueError("unbind: a 0-d tensor has no dimension to unbind")
    n = input.array.shape[axis]
    if n == 0:
        return ()
    return tuple(piece.squeeze(axis) for piece in split(input, 1, axis))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at one index of dim, without it."""
    axis = normalize_axis(dim, input.array.ndim, "select")
    n = input.array.shape[axis] if input.array.ndim else 0
    if not -n <= operator.index(index) < n:
        raise IndexError(
            f"select: index {index} is out of bounds for dimension {axis} with size {n}"
        )
    return input[(slice(None),) * axis + (operator.index(index),)]


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` slices of dim from `start` on."""
    axis = normalize_axis(dim, input.array.ndim, "narrow")
    n = input.array.shape[axis]
    begin = start + n if start < 0 else start
    if not 0 <= begin <= n or length < 0 or begin + length > n:
        raise IndexError(
            f"narrow: start {start} and length {length} exceed the length {n} of dim {axis}"
        )
    return Slice.apply(input, (slice(None),) * axis + (slice(begin, begin + length),))


def flip(input: Tensor, dims: Any) -> Tensor:
    """A copy with the order along dims reversed."""
    axes = shape_of(dims, "flip")
    ndim = input.array.ndim
    return Flip.apply(input, normalize_axes(axes, ndim, "flip") if axes and ndim else ())


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved along dims, those pushed out coming in at the other end."""
    if dims is None:
        return roll(input.reshape(-1), shifts, 0).reshape(input.array.shape)
    shifts = shifts if isinstance(shifts, tuple | list) else (shifts,)
    dims = dims if isinstance(dims, tuple | list) else (dims,)
    if len(shifts) != len(dims):
        raise ValueError(f"roll: {len(shifts)} shifts, but {len(dims)} dims")
    for shift, dim in zip(shifts, dims, strict=True):
        axis = normalize_axis(dim, input.array.ndim, "roll")
        n = input.array.shape[axis]
        k = shift % n if n else 0
        if k:
            input = cat([narrow(input, axis, n - k, k), narrow(input, axis, 0, n - k)], axis)
    return input


def repeat(input: Tensor, repeats: Any) -> Tensor:
    """input, repeated so often along each axis; more numbers than axes make new axes in front.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = shape_of(repeats, "repeat")
    shape = input.array.shape
    lead = len(times) - len(shape)
    if lead < 0 or any(n < 0 for n in times):
        raise ValueError(f"repeat: {times} does not fit a tensor of shape {shape}")
    shape = (1,) * lead + shape
    apart = [m for n in shape for m in (1, n)]  # (1, n) per axis: the 1 is what grows
    grown = [m for t, n in zip(times, shape, strict=True) for m in (t, n)]
    whole = [t * n for t, n in zip(times, shape, strict=True)]
    return input.reshape(apart).expand(grown).reshape(whole)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Values around axes, in pairs from the last axis on: (left, right, top, bottom, ...).

    Negative widths crop. Modes: "constant" (value, or 0), "reflect" (mirrored at the border,
    which is not repeated), "replicate" (the border), "circular" (the other end).
    """
    widths = list(shape_of(list(pad), "pad"))
    shape = input.array.shape
    if mode not in ("constant", *_BORDERS):
        raise ValueError(
            f'pad: mode must be "constant", "reflect", "replicate" or "circular", got {mode!r}'
        )
    if mode != "constant" and value:
        raise ValueError(f'pad: mode "{mode}" takes no value, got {value}')
    if len(widths) % 2 or len(widths) // 2 > len(shape):
        raise ValueError(
            f"pad: {tuple(widths)} are not pairs of widths for at most {len(shape)} dimensions"
        )
    pairs = [(0, 0)] * (len(shape) - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
    for n, (a, b) in zip(shape, pairs, strict=True):
        if n + a + b < 0:
            raise ValueError(f"pad: {tuple(widths)} cut more than there is from shape {shape}")
    if mode == "constant":
        return Pad.apply(input, tuple(pairs), 0.0 if value is None else value)
    for axis, (a, b) in enumerate(pairs):
        if a < 0 or b < 0:
            cut = max(-a, 0)
            input = narrow(input, axis, cut, input.array.shape[axis] - cut - max(-b, 0))
        if a > 0 or b > 0:
            input = _pad_from_inside(input, axis, max(a, 0), max(b, 0), mode)
    return input


_BORDERS = {"reflect": 1, "replicate": None, "circular": 0}  # mode: slices that cannot be used


def _pad_from_inside(x: Tensor, axis: int, a: int, b: int, mode: str) -> Tensor:
    """a slices before and b after one axis, made of its own slices."""
    n = x.array.shape[axis]
    unusable = _BORDERS[mode]
    most = n - unusable if unusable is not None else (a + b) * (n > 0)
    if max(a, b) > most:
        raise ValueError(
            f'pad: mode "{mode}" can add at most {max(most, 0)} to axis {axis} of shape '
            f"{x.array.shape}, got {max(a, b)}"
        )
    if mode == "reflect":
        before = flip(narrow(x, axis, 1, a), (axis,))
        after = flip(narrow(x, axis, n - 1 - b, b), (axis,))
    elif mode == "circular":
        before, after = narrow(x, axis, n - a, a), narrow(x, axis, 0, b)
    else:
        shape = list(x.array.shape)
        shape[axis] = a
        before = expand(narrow(x, axis, 0, 1), shape)
        shape[axis] = b
        after = expand(narrow(x, axis, n - 1, 1), shape)
    return cat([before, x, after], axis)
