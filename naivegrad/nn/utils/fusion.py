"""A batch norm folded into the layer before it, for evaluation."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.tensor import Tensor

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

M = TypeVar("M", bound=Module)


def fuse_conv_bn_eval(conv: M, bn: Any, transpose: bool = False) -> M:
    """One convolution that computes bn(conv(x)).

    Parameters
    ----------
    conv : a convolution, in evaluation mode
    bn : a batch norm, in evaluation mode, with running statistics
    transpose : bool    whether conv is a transposed one

    Returns
    -------
    a copy of conv with other weights, and a bias

    Raises
    ------
    ValueError
        In training mode, or if the batch norm has no statistics.
    """
    return _fused("fuse_conv_bn_eval", conv, bn, transpose)


def fuse_linear_bn_eval(linear: M, bn: Any) -> M:
    """One linear layer that computes bn(linear(x)); as `fuse_conv_bn_eval`."""
    out_features: Any = linear.out_features
    if bn.num_features not in (1, out_features):
        raise ValueError(
            f"fuse_linear_bn_eval: the layer has out_features={out_features}, the batch norm "
            f"num_features={bn.num_features}"
        )
    return _fused("fuse_linear_bn_eval", linear, bn, False)


def _fused(who: str, layer: M, bn: Any, transpose: bool) -> M:
    if layer.training or bn.training:
        raise ValueError(f"{who}: layer and batch norm must be in evaluation mode; call eval()")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError(f"{who}: the batch norm has no running statistics")
    fused: Any = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose,
    )  # fmt: skip
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution with a batch norm after it.

        weight = conv_w s,    bias = (conv_b - mean) s + bn_b,    s = bn_w / sqrt(var + eps)

    What is None counts as 0, as 1 for bn_w. The channels are dimension 0 of conv_w, dimension 1 if
    it is of a transposed convolution.
    """
    scale = (bn_rv + bn_eps).rsqrt()
    scale = scale if bn_w is None else scale * bn_w
    bias = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale
    bias = bias if bn_b is None else bias + bn_b
    channels = [1] * conv_w.ndim
    channels[1 if transpose else 0] = -1
    weight = conv_w * scale.reshape(channels)
    trained = conv_w.requires_grad, conv_b is not None and conv_b.requires_grad
    dtypes = conv_w.dtype, conv_w.dtype if conv_b is None else conv_b.dtype
    return Parameter(weight.to(dtypes[0]), trained[0]), Parameter(bias.to(dtypes[1]), trained[1])


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer with a batch norm after it: as `fuse_conv_bn_weights`."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
