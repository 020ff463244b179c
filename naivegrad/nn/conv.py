"""Convolution layers, and the cutting of images into patches."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import empty
from naivegrad.ops._args import pair
from naivegrad.tensor import Tensor

__all__ = ["Conv2d", "Fold", "Unfold"]

_MODES = ("zeros", "reflect", "replicate", "circular")


class Conv2d(Module):
    """Cross-correlate images with learned filters: `functional.conv2d`.

    weight (out_channels, in_channels / groups, KH, KW) and bias (out_channels,) start uniform
    within 1/sqrt(in_channels / groups * KH * KW) of 0.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int), "valid" (none) or "same" (as large as the input; stride 1 only)
    groups : int        in_channels and out_channels are split in so many separate convolutions
    bias : bool
    padding_mode : "zeros", "reflect", "replicate" or "circular"

    Shapes: (N, C, H, W) -> (N, F, OH, OW)

        OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1
    """

    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError(f"Conv2d: groups must be positive, got {groups}")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: in_channels={in_channels} and out_channels={out_channels} must be "
                f"multiples of groups={groups}"
            )
        if padding_mode not in _MODES:
            raise ValueError(f"Conv2d: padding_mode must be one of {_MODES}, got {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size, "Conv2d", "kernel_size")
        self.stride = pair(stride, "Conv2d", "stride")
        self.padding = padding if isinstance(padding, str) else pair(padding, "Conv2d", "padding")
        self.dilation = pair(dilation, "Conv2d", "dilation")
        self.groups = groups
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    f"Conv2d: padding must be numbers, 'same' or 'valid', got {padding!r}"
                )
            if padding == "same" and self.stride != (1, 1):
                raise ValueError(f"Conv2d: padding='same' needs stride 1, got {self.stride}")
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        init._uniform_bias_(self.bias, self.weight)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            x = F.pad(x, self._borders(), mode=self.padding_mode)
            padding = 0
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _borders(self) -> tuple[int, ...]:
        """The padding as `functional.pad` takes it: last dimension first, (before, after) each."""
        borders = []
        for i in (1, 0):
            if isinstance(self.padding, str):
                total = (
                    self.dilation[i] * (self.kernel_size[i] - 1) if self.padding == "same" else 0
                )
                borders += [total // 2, total - total // 2]
            else:
                borders += [self.padding[i]] * 2
        return tuple(borders)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Unfold(Module):
    """Cut images into patches, each a column: `functional.unfold`.

    Shapes: (N, C, H, W) -> (N, C * KH * KW, OH * OW)
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Unfold):
    """Add patches up to images, where they overlap too: `functional.fold`, the transpose of Unfold.

    Shapes: (N, C * KH * KW, OH * OW) -> (N, C, *output_size)
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return F.fold(
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
