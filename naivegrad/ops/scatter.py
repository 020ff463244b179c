"""Element by element along a dimension: gather, scatter, and scatter with a reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.autograd.mode import grad_mode
from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import (
    apply_named,
    as_tensor_like,
    into,
    normalize_axis,
    require_integers,
    require_tensor,
)
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class Gather(Function):
    """y[.., i, ..] = x[.., index[.., i, ..], ..].    grad_x = zeros, grad added at the index."""

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any) -> Any:
        ctx.x_shape, ctx.axis = x.shape, axis
        ctx.save_for_backward(index)
        return ctx.backend.gather(x, axis, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return GatherSum.apply(grad, ctx.x_shape, ctx.axis, *ctx.saved_tensors)


class GatherSum(Function):
    """y = zeros of a shape, then y[.., index[.., i, ..], ..] += x[.., i, ..].

    grad_x = grad gathered.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, shape: tuple[int, ...], axis: int, index: Any) -> Any:
        ctx.axis = axis
        ctx.save_for_backward(index)
        y = ctx.backend.full(shape, 0.0, x.dtype)
        ctx.backend.scatter_into("add", y, axis, index, x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Gather.apply(grad, ctx.axis, *ctx.saved_tensors)


class Scatter(Function):
    """y = x, with y[.., index[.., i, ..], ..] = source[.., i, ..]; the source may be 0-d.

    grad_x = grad, zeroed at the index,    grad_source = grad gathered: of every element, also of
    those that another one overwrote (PyTorch's choice).
    """

    kind = "linear"
    op = "set"

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any, source: Any, place: bool = False) -> Any:
        ctx.axis, ctx.source_shape = axis, source.shape
        ctx.save_for_backward(index)
        if place:  # in the memory of x, for `assign`
            ctx.backend.scatter_into(ctx.op, x, axis, index, source)
            return x
        return ctx.backend.scatter(ctx.op, x, axis, index, source)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        grad_x = grad
        if ctx.op == "set" and ctx.needs_input_grad[0]:
            grad_x = Scatter.apply(grad, ctx.axis, index, as_tensor_like(0.0, grad))
        grad_source = None
        if ctx.needs_input_grad[3]:
            grad_source = Gather.apply(grad, ctx.axis, index)
            if ctx.source_shape:
                grad_source = _padded(grad_source, ctx.source_shape)
        return grad_x, None, None, grad_source

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, _: Any, __: Any, source_dot: Any, *rest: Any) -> Any:
        (index,) = ctx.saved_tensors
        if x_dot is None:
            x_dot = source_dot.new_zeros(ctx.shape)
        if source_dot is None:
            source_dot = x_dot.new_zeros(ctx.source_shape)
        return type(ctx).apply(x_dot, ctx.axis, index, source_dot)


def _padded(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Zeros behind x up to a shape: the gradient of a source of which only a corner was read."""
    if x.array.shape == shape:
        return x
    if not x.array.ndim:  # of one element, as 0-d
        x = x.reshape(1)
    pairs = zip(shape, x.array.shape, strict=True)
    return x.pad([w for n, m in list(pairs)[::-1] for w in (0, n - m)])


class ScatterAdd(Scatter):
    """y = x, with y[.., index[.., i, ..], ..] += source[.., i, ..].

    grad_x = grad,    grad_source = grad gathered.
    """

    op = "add"


class ScatterProd(Function):
    """y = x, with y[.., index[.., i, ..], ..] *= source[.., i, ..].

    grad of a factor = grad * the product of the others that meet there.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any, source: Any) -> Any:
        ctx.axis = axis
        ctx.save_for_backward(x, index, source)
        return ctx.backend.scatter("mul", x, axis, index, source)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, index, source = ctx.saved_tensors
        by_x, by_source = _others(x, ctx.axis, index, source)
        grad_source = Gather.apply(grad, ctx.axis, index) * by_source
        return grad * by_x, None, None, _padded(grad_source, source.array.shape)

    @staticmethod
    def jvp(ctx: Any, x_dot: Any, _: Any, __: Any, source_dot: Any) -> Any:
        x, index, source = ctx.saved_tensors
        by_x, by_source = _others(x, ctx.axis, index, source)
        y_dot = by_x.new_zeros(by_x.array.shape) if x_dot is None else x_dot * by_x
        if source_dot is not None:
            corner = _corner(source_dot, index)
            y_dot = ScatterAdd.apply(y_dot, ctx.axis, index, corner * by_source)
        return y_dot


def _corner(source: Tensor, index: Tensor) -> Tensor:
    """What an index reads of a source."""
    shape = index.array.shape or (1,)
    return source if source.array.shape == shape else source[tuple(slice(n) for n in shape)]


def _others(x: Tensor, axis: int, index: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """For each element of x and source, the product of what it is multiplied with.

    Not y / element, which fails at 0: the product of the elements that are not 0, where no other
    one is 0.
    """
    dtype = x.array.dtype
    x_zero, source_zero = (x == 0).cast(dtype), (source == 0).cast(dtype)
    recorded = grad_mode.enabled and not (x.node is None and source.node is None)
    if recorded and (bool(x_zero.any()) or bool(source_zero.any())):
        raise RuntimeError(
            "scatter_reduce: the gradient of a product can be differentiated only where no factor "
            "is 0"
        )
    zeros = ScatterAdd.apply(x_zero, axis, index, source_zero)
    x_one, source_one = where(x == 0, 1.0, x), where(source == 0, 1.0, source)
    product = ScatterProd.apply(x_one, axis, index, source_one)
    by_x = product / x_one * (zeros - x_zero == 0)
    by_source = Gather.apply(product, axis, index) / _corner(source_one, index)
    return by_x, by_source * (Gather.apply(zeros, axis, index) - _corner(source_zero, index) == 0)


class ScatterExtremum(Function):
    """y = x, with y[.., index[.., i, ..], ..] = max (or min) of it and source[.., i, ..].

    Equal extreme values share the gradient evenly.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axis: int, index: Any, source: Any, op: str) -> Any:
        ctx.axis = axis
        y = ctx.backend.scatter(op, x, axis, index, source)
        ctx.save_for_backward(x, index, source, y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, index, source, y = (t.detach() for t in ctx.saved_tensors)
        axis, dtype = ctx.axis, grad.array.dtype
        x_share = (x == y).cast(dtype)
        corner = _corner(source, index)
        source_share = (corner == Gather.apply(y, axis, index)).cast(dtype)
        count = ScatterAdd.apply(x_share, axis, index, source_share)
        share = grad / count
        grad_source = source_share * Gather.apply(share, axis, index)
        return x_share * share, None, None, _padded(grad_source, source.array.shape)


def check_lines(x: Tensor, axis: int, index: Tensor, op: str, source: Tensor | None = None) -> None:
    """Errors unless an index, and a source, fit a tensor along an axis. Values: see the backend."""
    require_integers(index, op, "index")
    a, b = x.array.shape, index.array.shape
    fits = a[:axis] == b[:axis] and a[axis + 1 :] == b[axis + 1 :]
    if not fits or len(a) != len(b):
        fits = max(len(a), 1) == max(len(b), 1) and all(
            m <= n for i, (m, n) in enumerate(zip(b, a, strict=False)) if i != axis
        )
    if not fits and index.array.size:
        raise ValueError(f"{op}: an index of shape {b} does not fit shape {a} along dim {axis}")
    if source is None:
        return
    require_tensor(source, op, "src")
    if source.array.dtype != x.array.dtype:
        raise TypeError(f"{op}: src is {source.dtype}, but input is {x.dtype}")
    if source.array.shape == b:
        return
    c = source.array.shape or (1,)
    b = b or (1,)
    if index.array.size and (len(c) != len(b) or any(m > n for m, n in zip(b, c, strict=True))):
        raise ValueError(f"{op}: an index of shape {b} does not fit a source of shape {c}")


def gather(
    input: Tensor,
    dim: int,
    index: Tensor,
    *,
    sparse_grad: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Pick elements along a dimension.

        y[i, j] = x[index[i, j], j]    (dim 0)        y[i, j] = x[i, index[i, j]]    (dim 1)

    Parameters
    ----------
    index : Tensor of integers with as many dimensions as input, not longer in any but dim
    sparse_grad : taken as in PyTorch; the gradient is dense all the same

    Returns
    -------
    Tensor of the shape of index

    Raises
    ------
    IndexError
        A position outside [0, n).
    ValueError
        An index that does not fit.

    Notes
    -----
    Differentiable in input, to any order: repeated positions add up.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.gather(ng.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, ng.tensor([[0, 0], [1, 0]]))
    tensor([[1., 1.],
            [4., 3.]])
    """
    axis = normalize_axis(dim, require_tensor(input, "gather").array.ndim, "gather")
    check_lines(input, axis, index, "gather")
    try:
        y = Gather.apply(input, axis, index)
    except IndexError as error:
        raise IndexError(f"gather: {error}") from None
    return into(out, y, "gather")


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of input with src written where index says.

        y[index[i, j], j] = src[i, j]    (dim 0)        y[i, index[i, j]] = src[i, j]    (dim 1)

    Parameters
    ----------
    index : Tensor of integers with as many dimensions as input, not longer in any but dim
    src : Tensor of input's type, at least as long as index everywhere; or a number (also `value`)
    reduce : "add" or "multiply" what is there, instead of replacing it

    Raises
    ------
    IndexError
        A position outside [0, n).
    ValueError
        An index or src that does not fit, or another reduce.
    TypeError
        A src of another type than input.

    Notes
    -----
    Differentiable in input and src. Where an index repeats the last value stays, but each gets the
    gradient of that position, as in PyTorch.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.scatter(ng.zeros(2, 3), 1, ng.tensor([[2], [0]]), 5)
    tensor([[0., 0., 5.],
            [5., 0., 0.]])
    """
    return into(out, scattered(input, dim, index, src, value, reduce, False), "scatter")


def scattered(
    input: Tensor, dim: int, index: Tensor, src: Any, value: Any, reduce: str | None, place: bool
) -> Tensor:
    """scatter, out of place or in place."""
    op = "scatter"
    axis = normalize_axis(dim, require_tensor(input, op).array.ndim, op)
    if (src is None) == (value is None):
        raise TypeError(f"{op}: give src or value, one of them")
    if isinstance(src, Tensor):
        check_lines(input, axis, index, op, src)
        if src.array.ndim == 0:
            src = src.reshape(1)
    else:
        number = value if src is None else src
        check_lines(input, axis, index, op)
        if isinstance(number, Tensor):
            number = number.item()
        if not isinstance(number, int | float | complex | np.number | np.bool_):
            raise TypeError(f"{op}: value must be a number, got {type(number).__name__}")
        src = as_tensor_like(number, input)
    if reduce not in (None, "add", "multiply"):
        raise ValueError(f"{op}: reduce must be 'add' or 'multiply', got {reduce!r}")
    if reduce == "multiply":
        if not src.array.ndim:
            src = src.expand(index.array.shape or (1,))
        return apply_named(op, ScatterProd, input, axis, index, src)
    if reduce == "add" and not src.array.ndim:
        src = src.expand(index.array.shape or (1,))
    return apply_named(op, ScatterAdd if reduce else Scatter, input, axis, index, src, place)


def scatter_add(
    input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None
) -> Tensor:
    """A copy of input with src added where index says; what meets adds up, in order.

        y[index[i, j], j] += src[i, j]    (dim 0)        y[i, index[i, j]] += src[i, j]    (dim 1)

    Arguments, errors and gradients as `scatter`.
    """
    return into(out, scatter_added(input, dim, index, src, False), "scatter_add")


def scatter_added(input: Tensor, dim: int, index: Tensor, src: Tensor, place: bool) -> Tensor:
    """scatter_add, out of place or in place."""
    op = "scatter_add"
    axis = normalize_axis(dim, require_tensor(input, op).array.ndim, op)
    check_lines(input, axis, index, op, require_tensor(src, op, "src"))
    return apply_named(op, ScatterAdd, input, axis, index, _with_axis(src), place)


def _with_axis(x: Tensor) -> Tensor:
    return x if x.array.ndim else x.reshape(1)


REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of input with src combined into it where index says.

    Parameters
    ----------
    reduce : "sum", "prod", "mean", "amax" or "amin"
    include_self : whether the values of input count where something arrives; else only those of src

    Notes
    -----
    Other arguments and errors as `scatter`. Differentiable in input and src; equal maxima and
    minima share the gradient evenly. The mean of integers is rounded down.

    Examples
    --------
    >>> import naivegrad as ng
    >>> index, src = ng.tensor([0, 0, 1]), ng.tensor([1.0, 5.0, 3.0])
    >>> ng.scatter_reduce(ng.zeros(3), 0, index, src, "mean", include_self=False)
    tensor([3., 3., 0.])
    """
    op = "scatter_reduce"
    axis = normalize_axis(dim, require_tensor(input, op).array.ndim, op)
    if reduce not in REDUCTIONS:
        raise ValueError(f"{op}: reduce must be one of {', '.join(REDUCTIONS)}, got {reduce!r}")
    check_lines(input, axis, index, op, src)
    if input.is_complex() and reduce not in ("sum", "prod"):
        raise TypeError(f"{op}: {reduce} is not defined for complex tensors")
    return into(out, reduced(op, input, axis, index, _with_axis(src), reduce, include_self), op)


def reduced(
    op: str, x: Tensor, axis: int, index: Tensor, source: Tensor, reduce: str, include_self: bool
) -> Tensor:
    """What scatter_reduce and index_reduce share, the arguments checked."""
    start = x
    if not include_self:
        least, greatest = _limits(x) if reduce in ("amax", "amin") else (0, 0)
        neutral = {"prod": 1, "amax": least, "amin": greatest}.get(reduce, 0)
        start = apply_named(op, Scatter, x, axis, index, as_tensor_like(neutral, x))
    if reduce == "prod":
        return apply_named(op, ScatterProd, start, axis, index, source)
    if reduce in ("amax", "amin"):
        return apply_named(op, ScatterExtremum, start, axis, index, source, reduce[1:])
    total = apply_named(op, ScatterAdd, start, axis, index, source)
    if reduce == "sum":
        return total
    dtype = x.array.dtype if is_floating(x.array.dtype) else np.dtype("int64")
    begin = wrap(x.backend.full(x.array.shape, int(include_self), dtype), x.backend)
    ones = wrap(x.backend.full((), 1, dtype), x.backend).expand(source.array.shape)
    count = ScatterAdd.apply(begin, axis, index, ones).clamp(1)
    if is_floating(dtype):
        return total / count
    return (total // count).cast(total.array.dtype)


def _limits(x: Tensor) -> tuple[Any, Any]:
    """The least and the greatest value of a type."""
    dtype = x.array.dtype
    if is_floating(dtype):
        return -np.inf, np.inf
    if dtype.kind == "b":
        return False, True
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def take_along_dim(
    input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`gather`, broadcasting the dimensions but dim; without dim, of all elements in a row."""
    op = "take_along_dim"
    require_tensor(input, op)
    require_tensor(indices, op, "indices")
    if dim is None:
        return take_along_dim(input.ravel(), indices.ravel(), 0, out=out)
    axis = normalize_axis(dim, input.array.ndim, op)
    a, b = list(input.array.shape), list(indices.array.shape)
    if len(a) != len(b):
        raise ValueError(f"{op}: indices {tuple(b)} and input {tuple(a)} differ in ndim")
    if not a:
        return gather(input, 0, indices, out=out)
    n, m = a[axis], b[axis]
    a[axis] = b[axis] = 1
    try:
        shape = list(np.broadcast_shapes(tuple(a), tuple(b)))
    except ValueError:
        raise ValueError(
            f"{op}: indices {indices.array.shape} and input {input.array.shape} do not "
            f"broadcast apart from dimension {axis}"
        ) from None
    x = input.expand(*shape[:axis], n, *shape[axis + 1 :])
    index = indices.expand(*shape[:axis], m, *shape[axis + 1 :])
    check_lines(x, axis, index, op)
    return into(out, apply_named(op, Gather, x, axis, index), op)
