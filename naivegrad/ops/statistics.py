"""Spread and frequency: variances, covariances, counts of values and of bins."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import (
    into,
    into_each,
    normalize_axes,
    require_floating,
    require_integers,
    require_tensor,
)
from naivegrad.ops._axes import Dims, restore
from naivegrad.ops._results import Histogram
from naivegrad.ops.complex import imag, real
from naivegrad.ops.reduce import StdRoot, mean
from naivegrad.tensor import Tensor, wrap


class Var(Function):
    """y = sum((x - mean)^2) / (n - correction).

    grad_x = grad * 2 * (x - mean) / (n - correction).
    """

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], correction: float, keepdim: bool) -> Any:
        ctx.axes, ctx.keepdim = axes, keepdim
        ctx.count = math.prod(x.shape[i] for i in axes) - correction
        ctx.save_for_backward(x)
        return ctx.backend.var(x, axes, correction, keepdim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        factor = 2.0 / ctx.count if ctx.count > 0 else math.inf
        grad = restore(grad, x.array.shape, ctx.axes, ctx.keepdim)
        return grad * factor * (x - mean(x, ctx.axes, True))


def _var_arguments(
    op: str, x: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any
) -> tuple[Any, ...]:
    """What Var takes: the tensor, the axes, the correction, keepdim."""
    if require_tensor(x, op).array.dtype.kind != "c":
        require_floating(x, op)
    if isinstance(dim, bool):  # PyTorch also takes var(x, False)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{op}: give unbiased or correction, not both")
    if correction is None:
        correction = 1.0 if unbiased is None or unbiased else 0.0
    return x, normalize_axes(dim, x.array.ndim, op), correction, keepdim


def _variance(x: Any) -> Any:
    """What computes the variance of a tensor: of complex numbers, by their two parts."""
    if x.array.dtype.kind != "c":
        return Var.apply
    return lambda x, *rest: Var.apply(real(x), *rest) + Var.apply(imag(x), *rest)


def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The variance over dim (all, if left out), which may be several.

        sum((x - mean)^2) / (n - correction)

    Parameters
    ----------
    input : Tensor, floating point or complex (then the result is real)
    dim : int or several, or None
    unbiased : True is correction=1 (the default), False is correction=0
    keepdim : keep the dimensions, with length 1
    correction : number taken from n; the result is NaN or infinite where it leaves nothing

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.var(ng.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.25)
    """
    arguments = _var_arguments("var", input, dim, unbiased, keepdim, correction)
    return into(out, _variance(input)(*arguments), "var")


def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The standard deviation, the square root of `var`. Where it is 0 the gradient is 0."""
    arguments = _var_arguments("std", input, dim, unbiased, keepdim, correction)
    return into(out, StdRoot.apply(_variance(input)(*arguments)), "std")


def var_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over dim: (var, mean), arguments as for `var`."""
    x, axes, *rest = _var_arguments("var_mean", input, dim, unbiased, keepdim, correction)
    results = _variance(x)(x, axes, *rest), mean(x, axes, keepdim)
    return into_each(out, results, "var_mean")


def std_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over dim: (std, mean), arguments as for `var`."""
    x, axes, *rest = _var_arguments("std_mean", input, dim, unbiased, keepdim, correction)
    results = StdRoot.apply(_variance(x)(x, axes, *rest)), mean(x, axes, keepdim)
    return into_each(out, results, "std_mean")


def cov(
    input: Tensor,
    *,
    correction: float = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of variables, a row each; a column is an observation.

        c_ij = sum over k of w_k (x_ik - mean_i) (x_jk - mean_j) / (sum(w) - correction)

    Parameters
    ----------
    input : Tensor (variables, observations), or (observations,)
    correction : number, 1 for the unbiased estimate
    fweights : integers (observations,), how often each was observed
    aweights : floating point (observations,), how much each counts

    Returns
    -------
    Tensor (variables, variables); () for one variable

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.cov(ng.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x = require_tensor(input, "cov")
    if x.array.ndim > 2:
        raise ValueError(f"cov: expects one or two dimensions, got shape {x.array.shape}")
    if x.array.dtype.kind == "b":
        raise TypeError("cov: expects numbers, got naivegrad.bool")
    x = x if x.array.ndim == 2 else x.reshape(1, -1)
    n = x.array.shape[1]
    w = total = None
    for name, kinds, v in (("fweights", "iu", fweights), ("aweights", "fV", aweights)):
        if v is None:
            continue
        if require_tensor(v, "cov", name).array.shape != (n,):
            raise ValueError(f"cov: {name} must have shape ({n},), got {v.array.shape}")
        if v.array.dtype.kind not in kinds:
            expected = "integers" if kinds == "iu" else "floating point"
            raise TypeError(f"cov: {name} must be {expected}, got {v.dtype}")
        if v.backend.bounds(v.backend.compare("lt", v.array, 0))[1] == 1:
            raise ValueError(f"cov: {name} must not be negative")
        w = v if w is None else w * v
    total = n if w is None else w.sum()
    x = x - ((x if w is None else x * w).sum(1, True) / total)
    if aweights is not None and w is not None and correction != 0:
        count = total - correction * (w * aweights).sum() / total
    else:
        count = total - correction
    count = count.clamp(min=0) if isinstance(count, Tensor) else max(count, 0)
    c = x @ (x if w is None else x * w).mH
    return (c / count).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlation matrix of variables, a row each: c_ij / sqrt(c_ii c_jj), c of `cov`."""
    c = cov(require_tensor(input, "corrcoef"))
    if c.array.ndim == 0:
        return c / c
    scale = c.diagonal().sqrt()
    return (c / scale.unsqueeze(1) / scale).clamp(-1, 1)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs, or the sum of the weights of its occurrences.

    Parameters
    ----------
    input : Tensor (n,) of integers, none negative
    weights : Tensor (n,)
    minlength : int, the least length of the result

    Returns
    -------
    Tensor (max(input) + 1,), int64; of weights, float32 if they are, else float64. No gradient.
    """
    x = require_integers(input, "bincount")
    if x.array.ndim != 1:
        raise ValueError(f"bincount: expects one dimension, got shape {x.array.shape}")
    if minlength < 0:
        raise ValueError(f"bincount: minlength must not be negative, got {minlength}")
    w = None if weights is None else require_tensor(weights, "bincount", "weights").array
    if w is not None and w.dtype.kind == "c":
        raise TypeError(f"bincount: weights are real numbers, got {w.dtype}")
    if w is not None and w.shape != x.array.shape:
        raise ValueError(f"bincount: weights {w.shape} for an input of shape {x.array.shape}")
    if x.backend.bounds(x.array)[0] < 0:
        raise ValueError(
            f"bincount: expects no negative values, got {x.backend.bounds(x.array)[0]}"
        )
    return wrap(x.backend.bincount(x.array, w, minlength), x.backend)


def _range(low: float, high: float, op: str) -> tuple[float, float]:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{op}: the range [{low}, {high}] is not finite")
    if low > high:
        raise ValueError(f"{op}: the range [{low}, {high}] ends before it begins")
    return float(low), float(high)


def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many elements fall into each of `bins` equal bins from min to max.

    Others are not counted; min = max stands for the range of the input. The result has the type of
    the input, and no gradient.
    """
    require_floating(input, "histc")
    if bins <= 0:
        raise ValueError(f"histc: bins must be above 0, got {bins}")
    limits = None if min == max else _range(min, max, "histc")
    counts = input.backend.histogram("histc", input.array, bins, limits, None)[0]
    return into(out, wrap(counts, input.backend), "histc")


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Histogram:
    """How much falls into each bin: (hist, bin_edges). No gradient.

    Parameters
    ----------
    input : Tensor of any shape, floating point
    bins : int, so many bins of equal width; or a Tensor of rising edges, of the input's type
    range : (low, high) of equal bins; that of the input, if left out
    weight : Tensor of the input's shape, what each element counts
    density : divide by the total and the widths, so that the integral is 1

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.histogram(ng.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 4.0)).hist
    tensor([2., 1.])
    """
    x = require_floating(input, "histogram")
    w = None if weight is None else require_tensor(weight, "histogram", "weight").array
    if w is not None and w.shape != x.array.shape:
        raise ValueError(f"histogram: weight {w.shape} for an input of shape {x.array.shape}")
    limits: Any = None if range is None else _range(range[0], range[1], "histogram")
    if isinstance(bins, Tensor):
        if bins.array.dtype != x.array.dtype:
            raise TypeError(f"histogram: bins {bins.dtype} for an input of type {x.dtype}")
        if bins.array.ndim != 1 or not bins.array.size:
            raise ValueError(f"histogram: bins must be one line, got shape {bins.array.shape}")
        if limits is not None:
            raise TypeError("histogram: give the edges of the bins or their range, not both")
    elif bins <= 0:
        raise ValueError(f"histogram: bins must be above 0, got {bins}")
    given = bins.array if isinstance(bins, Tensor) else bins
    hist, edges = (
        wrap(a, x.backend) for a in x.backend.histogram("histogram", x.array, given, limits, w)
    )
    if density:
        hist = hist / hist.sum() / (edges[1:] - edges[:-1])
    return into_each(out, Histogram(hist, edges), "histogram")
