"""Dropout for `selu`: what is dropped becomes its lowest value, and mean and variance stay.

Behind it stand PyTorch's dropouts whose switch is called `train`, and those in place.
"""

from __future__ import annotations

import math
from typing import Any

from naivegrad.autograd.inplace import assign
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.random import check_probability, dropout, dropout2d
from naivegrad.ops.random_in_place import bernoulli_
from naivegrad.ops.rectifier import SELU_ALPHA, SELU_SCALE
from naivegrad.tensor import Tensor

LOWEST = -SELU_SCALE * SELU_ALPHA  # which selu comes near to, and never reaches


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
