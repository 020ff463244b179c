"""Dropout: of elements, of whole channels, and so that mean and variance stay (alpha dropout).

Last stand PyTorch's forms whose switch is called `train`, and those in place.
"""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd import Function
from naivegrad.autograd.inplace import assign
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.random import check_probability, draw
from naivegrad.ops.random_in_place import bernoulli_
from naivegrad.ops.rectifier import SELU_ALPHA, SELU_SCALE
from naivegrad.random import default_generator
from naivegrad.tensor import Tensor, wrap

LOWEST = -SELU_SCALE * SELU_ALPHA  # which selu comes near to, and never reaches


class Dropout(Function):
    """y = x / (1 - p) where the stream says keep, else 0.    grad_x = the same of grad.

    The mask is not stored: the stream can be read again from (seed, offset). Making a number again
    costs less than fetching it from memory.
    """

    kind = "linear"

    @staticmethod
    def forward(ctx: Any, x: Any, p: float, seed: int, offset: int) -> Any:
        ctx.options = p, seed, offset
        return ctx.backend.dropout(x, p, seed, offset)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return Dropout.apply(grad, *ctx.options)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability p, and scale the others by 1 / (1 - p).

    Parameters
    ----------
    input : Tensor of floating point
    p : float in [0, 1]
    training : otherwise the input itself is returned
    inplace : write into the input

    Raises
    ------
    ValueError
        p outside [0, 1].
    TypeError
        Integers.

    Notes
    -----
    Differentiable to any order. One pass over memory each way; no mask is kept.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.ones(1000)
    >>> sorted(set(ng.nn.functional.dropout(x, 0.75).tolist()))
    [0.0, 4.0]

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout".
    """
    require_tensor(input, "dropout")
    check_probability("dropout", p)
    if not training or p == 0:
        return input
    require_floating(input, "dropout")
    seed, offset = default_generator.reserve(math.prod(input.array.shape))
    if inplace:
        return assign(input, _dropout, float(p), seed, offset)
    return _dropout(input, float(p), seed, offset)


def _dropout(input: Tensor, p: float, seed: int, offset: int) -> Tensor:
    return Dropout.apply(input, p, seed, offset)


def _dropout_channels(op: str, x: Any, p: float, training: bool, inplace: bool) -> Tensor:
    require_tensor(x, op)
    check_probability(op, p)
    if not training or p == 0:
        return x
    require_floating(x, op)
    shape = x.array.shape
    if len(shape) < 2:
        raise ValueError(f"{op}: input must be (N, C, ...), got {shape}")
    mask_shape = shape[:2] + (1,) * (len(shape) - 2)
    keep = draw("bernoulli", mask_shape, x.array.dtype, 1 - p, 0, None, x.backend)
    mask = wrap(keep, x.backend) * (1 / (1 - p) if p < 1 else 0.0)
    return x.mul_(mask) if inplace else x * mask


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L)."""
    if isinstance(input, Tensor) and input.array.ndim == 2:
        return dropout1d(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return _dropout_channels("dropout1d", input, p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, H, W).

    References
    ----------
    Tompson, Goroshin, Jain, LeCun & Bregler 2015, "Efficient object localization ...".
    """
    return _dropout_channels("dropout2d", input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    if isinstance(input, Tensor) and input.array.ndim == 4:
        return dropout3d(input.unsqueeze(0), p, training, inplace).squeeze(0)
    return _dropout_channels("dropout3d", input, p, training, inplace)


def _alpha_dropout(op: str, x: Any, p: float, training: bool, inplace: bool, whole: bool) -> Tensor:
    require_floating(x, op)
    check_probability(op, p)
    shape = x.array.shape
    if whole and len(shape) < 2:
        raise ValueError(f"{op}: input must be (N, C, ...), got {shape}")
    if not training or p == 0:
        return x
    if p == 1:
        scale, shift = x.new_zeros(()), x.new_zeros(())
    else:
        keep = x.new_empty(shape[:2] + (1,) * (len(shape) - 2) if whole else shape)
        bernoulli_(keep, 1 - p)
        a = 1 / math.sqrt((1 - p) * (1 + p * LOWEST * LOWEST))  # restores the variance
        scale, shift = keep * a, (1 - p - keep) * (a * LOWEST)
    return assign(x, _affine, scale, shift) if inplace else _affine(x, scale, shift)


def _affine(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return x * scale + shift


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1: what is dropped becomes the lowest value of selu.

        y = a (x, or -1.7581 with probability p) + b

    Parameters
    ----------
    input : Tensor of floating point
    p : float in [0, 1]
    training : otherwise the input itself is returned
    inplace : write into the input

    Differentiable to any order.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks".
    """
    return _alpha_dropout("alpha_dropout", input, p, training, inplace, whole=False)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...)."""
    return _alpha_dropout("feature_alpha_dropout", input, p, training, inplace, whole=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout of whole channels of (N, C, ...)."""
    require_tensor(input, "feature_dropout")
    return dropout2d(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """dropout, in place."""
    return dropout(input, p, train, inplace=True)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """feature_dropout, in place."""
    return dropout2d(input, p, train, inplace=True)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """alpha_dropout, in place."""
    return alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """feature_alpha_dropout, in place."""
    return feature_alpha_dropout(input, p, train, inplace=True)
