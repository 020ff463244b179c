"""The largest and the smallest: of all, along dimensions, with their indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad.autograd import Function
from naivegrad.ops._args import into, into_each, normalize_axes, normalize_axis, require_tensor
from naivegrad.ops._axes import Dims, ordered, require_elements, restore
from naivegrad.ops._results import MinMax, ValuesIndices
from naivegrad.ops.movement import Reshape
from naivegrad.ops.scatter import Gather
from naivegrad.tensor import Tensor, wrap

_INT64 = np.dtype("int64")


class Extremum(Function):
    """y = max (or min) of x over some axes.    Equal extreme values share the gradient evenly."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], keepdim: bool, op: str) -> Any:
        backend = ctx.backend
        if True not in ctx.needs_input_grad:
            whole = len(axes) == len(x.shape) and not keepdim
            return backend.reduce(op, x, None if whole else axes, keepdim)
        ctx.axes, ctx.keepdim = axes, keepdim
        y = backend.reduce(op, x, axes, True)
        extreme = backend.compare("eq", x, y)
        nan = backend.compare("ne", x, x)  # where there is one, it is the extreme
        share = backend.cast(backend.logical("or", extreme, nan), x.dtype)
        share = backend.binary("div", share, backend.reduce("sum", share, axes, True))
        ctx.save_for_backward(share)
        if keepdim:
            return y
        return backend.reshape(y, tuple(n for i, n in enumerate(x.shape) if i not in axes))[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (share,) = ctx.saved_tensors
        return restore(grad, share.array.shape, ctx.axes, ctx.keepdim) * share

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Any:
        (share,) = ctx.saved_tensors
        return (x_dot * share).sum(ctx.axes, ctx.keepdim)


def _plain(x: Tensor, axes: tuple[int, ...], keepdim: bool, op: str) -> Tensor:
    """Extremum of a tensor without history: no gradient will ask who shares it."""
    whole = None if len(axes) == x.array.ndim else axes
    return wrap(x.backend.reduce(op, x.array, whole, keepdim), x.backend)


def _extremum(x: Tensor) -> Any:
    """What finds the extremes of x."""
    return _plain if x.node is None and x.tangent is None else Extremum.apply


def amax(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The largest value over dim (all, if left out). Equal ones share the gradient evenly."""
    axes = normalize_axes(dim, ordered(input, "amax").array.ndim, "amax")
    require_elements(input, axes, "amax")
    return into(out, _extremum(input)(input, axes, keepdim, "max"), "amax")


def amin(
    input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The smallest value over dim (all, if left out). Equal ones share the gradient evenly."""
    axes = normalize_axes(dim, ordered(input, "amin").array.ndim, "amin")
    require_elements(input, axes, "amin")
    return into(out, _extremum(input)(input, axes, keepdim, "min"), "amin")


def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None
) -> MinMax:
    """The smallest and the largest value along dim (of all, if left out), as `amin` and `amax`."""
    axes = normalize_axes(dim, ordered(input, "aminmax").array.ndim, "aminmax")
    require_elements(input, axes, "aminmax")
    ends = (_extremum(input)(input, axes, keepdim, op) for op in ("min", "max"))
    return into_each(out, MinMax(*ends), "aminmax")


def extreme(op: str, x: Any, dim: Any, keepdim: bool, other: Any = None) -> Any:
    """max and min in three forms: of all, along a dimension (with indices), of two tensors."""
    ordered(x, op)
    if other is not None or isinstance(dim, Tensor):
        other = dim if other is None else require_tensor(other, op, "other")
        return x.maximum(other) if op == "max" else x.minimum(other)
    if dim is None:
        axes = tuple(range(x.array.ndim))
        require_elements(x, axes, op)
        return _extremum(x)(x, axes, keepdim, op)
    axis = normalize_axis(dim, x.array.ndim, op)
    if x.array.ndim == 0:
        return ValuesIndices(x.clone(), wrap(x.backend.full((), 0, _INT64), x.backend))
    require_elements(x, (axis,), op)
    backend = x.backend
    if x.node is None and x.tangent is None:  # no gradient will ask for the index
        return ValuesIndices(
            wrap(backend.reduce(op, x.array, (axis,), keepdim), backend),
            wrap(backend.arg_reduce(op, x.array, axis, keepdim), backend),
        )
    indices = backend.arg_reduce(op, x.array, axis, True)
    values, where = Gather.apply(x, axis, indices), wrap(indices, x.backend)
    if not keepdim:
        shape = x.array.shape[:axis] + x.array.shape[axis + 1 :]
        values, where = Reshape.apply(values, shape), Reshape.apply(where, shape)
    return ValuesIndices(values, where)


def _write(out: Any, result: Any, op: str) -> Any:
    return (into if isinstance(result, Tensor) else into_each)(out, result, op)


def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The largest value of all; with dim, (values, indices) along it; with a tensor, `maximum`.

    Along a dimension the gradient goes to the index that is returned, the first of equal ones. Of
    all, equal ones share it evenly. NaN wins. IndexError where there is nothing to reduce.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor([[1.0, 5.0], [3.0, 2.0]])
    >>> ng.max(x)
    tensor(5.)
    >>> values, indices = ng.max(x, 1)
    >>> values, indices
    (tensor([5., 3.]), tensor([1, 0]))
    """
    return _write(out, extreme("max", input, dim, keepdim, other), "max")


def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None
) -> Any:
    """The smallest value of all; with dim, (values, indices) along it; with a tensor, `minimum`.

    Ties, NaN and errors as for `max`.
    """
    return _write(out, extreme("min", input, dim, keepdim, other), "min")


def _arg(op: str, x: Any, dim: int | None, keepdim: bool) -> Tensor:
    name = f"arg{op}"
    if ordered(x, name).array.dtype.kind == "b":
        raise TypeError(f"{name}: truth values have no order here; convert them to integers")
    if dim is None or x.array.ndim == 0:
        if dim is not None:
            normalize_axis(dim, 0, name)
        require_elements(x, tuple(range(x.array.ndim)), name)
        flat = x.backend.reshape(x.array, (-1,))[0]
        index = wrap(x.backend.arg_reduce(op, flat, 0, False), x.backend)
        return index.reshape([1] * x.array.ndim) if keepdim else index
    axis = normalize_axis(dim, x.array.ndim, name)
    require_elements(x, (axis,), name)
    return wrap(x.backend.arg_reduce(op, x.array, axis, keepdim), x.backend)


def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Where the largest value is (the first, if several): of all flattened, or along dim."""
    return into(out, _arg("max", input, dim, keepdim), "argmax")


def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Where the smallest value is (the first, if several): of all flattened, or along dim."""
    return into(out, _arg("min", input, dim, keepdim), "argmin")
