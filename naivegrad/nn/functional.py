"""The functions behind the layers, under the names of `torch.nn.functional`."""

from naivegrad.ops import (
    gelu,
    leaky_relu,
    linear,
    pad,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)

__all__ = [
    "gelu",
    "leaky_relu",
    "linear",
    "pad",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]
