"""Ways to fill a tensor before training. Each works in place, unrecorded, and returns it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from naivegrad.autograd import no_grad
from naivegrad.dtype import float64
from naivegrad.ops import as_tensor, empty
from naivegrad.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much weights must be larger for the variance to pass this nonlinearity unchanged.

    1 for linear and convolution, sigmoid; 5/3 tanh; sqrt(2) relu; sqrt(2 / (1 + slope^2))
    leaky_relu, with `param` the slope (0.01); 3/4 selu.
    """
    convolutions = [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]
    if nonlinearity in ("linear", "sigmoid", *convolutions):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(
                f"calculate_gain: the slope of leaky_relu must be a number, got {slope!r}"
            )
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}")


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output of this weight sums over, and how many outputs an input reaches."""
    if tensor.ndim < 2:
        raise ValueError(
            f"fan in and fan out need a weight of 2 or more dimensions, got {tuple(tensor.shape)}"
        )
    out_features, in_features, *kernel = tensor.shape
    field = math.prod(kernel)
    return in_features * field, out_features * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]


def _is_empty(tensor: Tensor) -> bool:
    """Whether there is nothing to fill, with a warning that it is so."""
    if tensor.numel() == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with this mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix: as many features pass unchanged as there is room for."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected 2 dimensions, got shape {tuple(tensor.shape)}")
    return _fill(tensor, np.eye(*tensor.shape))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution filters that pass as many channels unchanged as there is room for."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected 3 to 5 dimensions, got shape {tuple(tensor.shape)}")
    out_channels, in_channels, *kernel = tensor.shape
    if groups <= 0 or out_channels % groups:
        raise ValueError(
            f"dirac_: {out_channels} output channels cannot be split in {groups} groups"
        )
    values = np.zeros(tuple(tensor.shape))
    per_group = out_channels // groups
    centre = tuple(k // 2 for k in kernel)
    for g in range(groups):
        for c in range(min(per_group, in_channels)):
            values[(g * per_group + c, c, *centre)] = 1
    return _fill(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform within gain * sqrt(6 / (fan_in + fan_out)) of 0 (Glorot & Bengio 2010, eq. 16)."""
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Uniform within gain * sqrt(3 / fan) of 0 (He et al. 2015, eq. 10).

    `a` is the slope of leaky_relu; mode "fan_in" keeps the variance of the forward pass, "fan_out"
    that of the backward pass.
    """
    if _is_empty(tensor):
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _calculate_correct_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with standard deviation gain / sqrt(fan) (He et al. 2015, eq. 10)."""
    if _is_empty(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Normal, given that it falls in [a, b]: the quantiles of uniform numbers.

    A warning where the mean lies more than two standard deviations outside, as in PyTorch; the
    numbers are right there too.
    """
    if not std > 0 or not a <= b:
        raise ValueError(
            f"trunc_normal_: expected std > 0 and a <= b, got std={std}, a={a} and b={b}"
        )
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("trunc_normal_: mean is more than 2 std from [a, b]", stacklevel=2)
    # Below the mean the distribution function is small, and so exact: what lies above is mirrored.
    side = -1 if mean < a else 1
    low, high = sorted((side * (a - mean) / std, side * (b - mean) / std))
    p = empty(tensor.shape, dtype=float64)
    uniform_(p, _normal_below(low), _normal_below(high), generator)
    values = mean + side * std * _normal_quantile(p.numpy())
    return _fill(tensor, values).clamp_(a, b)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows, or columns if these are fewer, orthonormal, times gain (Saxe et al. 2014).

    More than two dimensions are taken as a matrix of shape (first, product of the others).
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected 2 or more dimensions, got {tuple(tensor.shape)}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    normal = normal_(tensor, generator=generator).detach().numpy().astype(np.float64)
    normal = normal.reshape(rows, -1)
    tall = normal.T if rows < normal.shape[1] else normal
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform (Mezzadri 2007, section 5)
    return _fill(tensor, gain * (q.T if rows < normal.shape[1] else q).reshape(tuple(tensor.shape)))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal, then a fraction `sparsity` of each column set to 0 (Martens 2010)."""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected 2 dimensions, got shape {tuple(tensor.shape)}")
    values = normal_(tensor, 0, std, generator).detach().numpy().copy()
    order = (
        tensor.new_empty(tensor.shape).uniform_(0, 1, generator=generator).numpy().argsort(axis=0)
    )
    np.put_along_axis(values, order[: math.ceil(sparsity * values.shape[0])], 0, axis=0)
    return _fill(tensor, values)


def _older(fill: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`fill` under the name without the underscore, with a warning that it is going away."""
    name = fill.__name__.removesuffix("_")

    def older(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"nn.init.{name} is going away; use nn.init.{name}_", FutureWarning, stacklevel=2
        )
        return fill(*args, **kwargs)

    older.__name__ = older.__qualname__ = name
    older.__doc__ = f"`{name}_` under its older name, with a FutureWarning."
    return older


uniform = _older(uniform_)
normal = _older(normal_)
constant = _older(constant_)
eye = _older(eye_)
dirac = _older(dirac_)
xavier_uniform = _older(xavier_uniform_)
xavier_normal = _older(xavier_normal_)
kaiming_uniform = _older(kaiming_uniform_)
kaiming_normal = _older(kaiming_normal_)
orthogonal = _older(orthogonal_)
sparse = _older(sparse_)


def _uniform_bias_(bias: Tensor | None, weight: Tensor) -> None:
    """The bias of linear and convolution layers: uniform within 1/sqrt(fan_in) of 0."""
    if bias is not None:
        fan_in, _ = _calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        uniform_(bias, -bound, bound)


def _fill(tensor: Tensor, values: np.ndarray) -> Tensor:
    return tensor.copy_(as_tensor(values))


def _normal_below(x: float) -> float:
    """How probable it is that a normal number is less than x."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _normal_quantile(p: np.ndarray) -> np.ndarray:
    """Where the normal distribution function is p (Wichura 1988, algorithm AS 241, PPND16)."""
    q = p - 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.sqrt(-np.log(np.where(q < 0, p, 1 - p)))
        centre = q * _ratio(0.180625 - q * q, _CENTRE)
        tail = np.where(r <= 5, _ratio(r - 1.6, _NEAR), _ratio(r - 5, _FAR))
    return np.where(np.abs(q) <= 0.425, centre, np.copysign(tail, q))


def _ratio(x: np.ndarray, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    above, below = coefficients
    return np.polyval(above, x) / np.polyval(below, x)


# Coefficients from the highest power down.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_NEAR = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
     1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip
