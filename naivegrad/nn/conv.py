"""Convolution layers, and the cutting of images into patches."""

from __future__ import annotations

import math
import operator
from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import empty
from naivegrad.ops._args import pair
from naivegrad.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "ConvTranspose2d", "Fold", "Unfold"]

_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What the convolutions share: options, weights, what they start from, and the borders."""

    dims: int = 2
    transposed: bool = False
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if groups <= 0:
            raise ValueError(f"{who}: groups must be positive, got {groups}")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{who}: in_channels={in_channels} and out_channels={out_channels} must be "
                f"multiples of groups={groups}"
            )
        modes = ("zeros",) if self.transposed else _MODES
        if padding_mode not in modes:
            raise ValueError(f"{who}: padding_mode must be one of {modes}, got {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = self._each(kernel_size, "kernel_size")
        self.stride = self._each(stride, "stride")
        self.padding = padding if isinstance(padding, str) else self._each(padding, "padding")
        self.dilation = self._each(dilation, "dilation")
        self.groups = groups
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            if self.transposed or padding not in ("same", "valid"):
                strings = "" if self.transposed else ", 'same' or 'valid'"
                raise ValueError(f"{who}: padding must be numbers{strings}, got {padding!r}")
            if padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError(f"{who}: padding='same' needs stride 1, got {self.stride}")
        rows, columns = out_channels, in_channels
        if self.transposed:
            rows, columns = columns, rows
        shape = (rows, columns // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _each(self, value: Any, name: str) -> tuple[int, ...]:
        """One integer per dimension."""
        if self.dims == 2:
            return pair(value, type(self).__name__, name)
        if not isinstance(value, (tuple, list)):
            value = (value,)
        if len(value) != 1:
            raise ValueError(f"{type(self).__name__}: {name} must be an integer, got {value!r}")
        return (operator.index(value[0]),)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        init._uniform_bias_(self.bias, self.weight)

    def _pad(self, x: Tensor) -> tuple[Tensor, Any]:
        """The input, and the zeros that are still to be put around it."""
        if self.padding_mode == "zeros":
            return x, self.padding
        borders: list[int] = []  # as `functional.pad` takes them: last dimension first
        for i in reversed(range(self.dims)):
            if not isinstance(self.padding, str):
                borders += [self.padding[i]] * 2
            elif self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                borders += [total // 2, total - total // 2]
            else:
                borders += [0, 0]
        return F.pad(x, borders, mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != (0,) * self.dims:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            text += f", dilation={self.dilation}"
        output_padding = getattr(self, "output_padding", (0, 0))
        if output_padding != (0, 0):
            text += f", output_padding={output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv2d(_Conv):
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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x, padding = self._pad(x)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Cross-correlate sequences with learned filters: `functional.conv1d`. Parameters as Conv2d's.

    Shapes: (N, C, L) -> (N, F, OL)
    """

    dims = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: str | int | tuple[int] = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x, padding = self._pad(x)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvTranspose2d(_Conv):
    """The transpose of Conv2d, which makes images larger: `functional.conv_transpose2d`.

    weight is (in_channels, out_channels / groups, KH, KW).

    Parameters
    ----------
    output_padding : int or (int, int)      rows and columns added at the end of the result, to
                                            choose among the sizes that Conv2d maps to this one

    The others as Conv2d's, without "same", "valid" and padding modes.

    Shapes: (N, C, H, W) -> (N, F, OH, OW)

        OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.output_padding = self._each(output_padding, "output_padding")

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


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
