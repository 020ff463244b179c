"""Views that numbers of steps describe: overlapping windows, any shape over a flat memory."""

from __future__ import annotations

import operator
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import normalize_axis, require_tensor
from naivegrad.ops._args import sizes as shape_of
from naivegrad.tensor import Tensor


class Windows(Function):
    """y[..., i, ..., k] = x[..., i * step + k, ...]: windows of an axis, their places last.

    A view.    grad_x = the gradients of all windows that an element is in, added up.
    """

    kind = "linear"
    view = True

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, size: int, step: int) -> Any:
        ctx.options = x.shape, axis, size, step
        return ctx.backend.windows(x, axis, size, step)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return WindowsAdd.apply(grad, *ctx.options)


class WindowsAdd(Function):
    """y = zeros, each window of x added at its place.    grad_x = the windows of grad."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], axis: int, size: int, step: int) -> Any:
        ctx.options = axis, size, step
        return ctx.backend.windows_add(x, shape, axis, size, step)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Windows.apply(grad, *ctx.options)


class AsStrided(Function):
    """y[i, j, ...] = flat x[offset + i * strides[0] + j * strides[1] + ...].    A view.

    grad_x = grad, added up at those places.
    """

    kind = "linear"
    view = True

    @staticmethod
    def forward(
        ctx: Any, x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ) -> Any:
        ctx.options = x.shape, strides, offset
        return ctx.backend.as_strided(x, shape, strides, offset)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return StridedAdd.apply(grad, *ctx.options)


class StridedAdd(Function):
    """y = zeros of a shape, x added at flat y[offset + i * strides[0] + ...].

    The transpose of AsStrided:    grad_x = grad at those places.
    """

    kind = "linear"

    @staticmethod
    def forward(
        ctx: Any, x: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ) -> Any:
        ctx.options = x.shape, strides, offset
        return ctx.backend.strided_add(x, shape, strides, offset)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return AsStrided.apply(grad, *ctx.options)


def windows(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """What `Tensor.unfold` does: all windows of `size` slices, each `step` after the last.

    A view; the windows' elements are a new last axis.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    shape = require_tensor(input, "unfold").array.shape
    axis = normalize_axis(dimension, len(shape), "unfold")
    n = shape[axis] if shape else 1
    size, step = operator.index(size), operator.index(step)
    if not 0 <= size <= n:
        raise ValueError(
            f"unfold: windows of size {size} do not fit into the length {n} of dim {axis}"
        )
    if step < 1:
        raise ValueError(f"unfold: step must be positive, got {step}")
    if not shape:  # its one element is the window
        return Windows.apply(input.reshape(1), axis, size, step).select(0, 0)
    return Windows.apply(input, axis, size, step)


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of any shape and steps over the memory that input lies in.

    Parameters
    ----------
    size, stride : lengths, and steps in elements
    storage_offset : where to begin, in elements from the beginning of the memory; by default where
        input begins

    Raises
    ------
    ValueError
        A place outside the memory, a negative step, or a memory that is not contiguous.
    """
    op = "as_strided"
    require_tensor(input, op)
    shape, strides = shape_of(size, op), shape_of(stride, op)
    if len(shape) != len(strides) or any(n < 0 for n in (*shape, *strides)):
        raise ValueError(f"{op}: size {shape} and stride {strides} do not describe a tensor")
    begin = input.storage_offset()
    offset = begin if storage_offset is None else operator.index(storage_offset)
    length = 1 + sum([(n - 1) * step for n, step in zip(shape, strides, strict=True)])
    length = 0 if 0 in shape else length
    if input.is_contiguous() and begin <= offset <= begin + input.array.size - length:
        return AsStrided.apply(input, shape, strides, offset - begin)
    base = input if input.view_of is None else input.view_of.base
    if not base.is_contiguous():
        raise ValueError(f"{op}: the memory of {base.shape} is not contiguous; clone it first")
    begin = base.storage_offset()
    if not begin <= offset <= begin + base.array.size - length:
        raise ValueError(
            f"{op}: size {shape}, stride {strides} and offset {offset} reach element "
            f"{offset + length - 1} of a memory that ends at {begin + base.array.size}"
        )
    return AsStrided.apply(base, shape, strides, offset - begin)


def fill_diagonal_(x: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """One value on the main diagonal of a matrix, or where all indices of a cube agree, in place.

    wrap: of a tall matrix, the diagonal begins again one row below its end.
    """
    op = "fill_diagonal_"
    shape = x.array.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ValueError(f"{op}: expects a matrix, or equal lengths, got shape {shape}")
    if len(shape) == 2 and not wrap:
        x.diagonal().fill_(fill_value)
        return x
    if len(shape) == 2:
        rows, columns = shape
        for top in range(0, rows, columns + 1):
            x[top : top + columns].diagonal().fill_(fill_value)
        return x
    steps = sum(x.stride())
    as_strided(x, (shape[0],), (steps,)).fill_(fill_value)
    return x
