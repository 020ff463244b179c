"""Convolution layers, and the cutting of images into patches."""

from __future__ import annotations

import math
from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import empty
from naivegrad.ops._args import check_counts, several
from naivegrad.tensor import Tensor

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Fold",
    "Unfold",
]

_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What the convolutions share: options, weights, what they start from, and the borders."""

    dims: int
    transposed: bool = False
    function: Any  # functional.conv1d, ...
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_counts(who, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if groups == 0:
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
        self.output_padding = (0,) * self.dims
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
        return several(value, self.dims, type(self).__name__, name)

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

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self._pad(input)
        y: Tensor = self.function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )
        return y

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != (0,) * self.dims:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            text += f", dilation={self.dilation}"
        if any(self.output_padding):
            text += f", output_padding={self.output_padding}"
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

    dims = 2
    function = staticmethod(F.conv2d)


class Conv1d(_Conv):
    """Cross-correlate sequences with learned filters: `functional.conv1d`. Parameters as Conv2d's.

    Shapes: (N, C, L) -> (N, F, OL)
    """

    dims = 1
    function = staticmethod(F.conv1d)


class Conv3d(_Conv):
    """Cross-correlate volumes with learned filters: `functional.conv3d`. Parameters as Conv2d's.

    Shapes: (N, C, D, H, W) -> (N, F, OD, OH, OW)
    """

    dims = 3
    function = staticmethod(F.conv3d)


class _ConvTranspose(_Conv):
    """What the transposed convolutions share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.output_padding = self._each(output_padding, "output_padding")

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        extra = self.output_padding
        if output_size is not None:
            extra = self._extra(input.shape[input.ndim - self.dims :], tuple(output_size))
        y: Tensor = self.function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )
        return y

    def _extra(self, size: Any, wish: tuple[int, ...]) -> tuple[int, ...]:
        """The output_padding that gives a result of the size wished for."""
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                size, self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        ]
        extra = tuple([n - m for n, m in zip(wish[-self.dims :], least, strict=False)])
        if len(wish) not in (self.dims, self.dims + 1, self.dims + 2) or any(
            not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)
        ):
            raise ValueError(
                f"{type(self).__name__}: output_size must be {tuple(least)} and less than a stride "
                f"{self.stride} more, got {wish}"
            )
        return extra


class ConvTranspose2d(_ConvTranspose):
    """The transpose of Conv2d, which makes images larger: `functional.conv_transpose2d`.

    weight is (in_channels, out_channels / groups, KH, KW).

    Parameters
    ----------
    output_padding : int or (int, int)      rows and columns added at the end of the result, to
                                            choose among the sizes that Conv2d maps to this one

    The others as Conv2d's, without "same", "valid" and padding modes. A call may name the size
    instead: layer(x, output_size=(OH, OW)).

    Shapes: (N, C, H, W) -> (N, F, OH, OW)

        OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1
    """

    dims = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose1d(_ConvTranspose):
    """The transpose of Conv1d: `functional.conv_transpose1d`. Parameters as ConvTranspose2d's.

    Shapes: (N, C, L) -> (N, F, OL)
    """

    dims = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose3d(_ConvTranspose):
    """The transpose of Conv3d: `functional.conv_transpose3d`. Parameters as ConvTranspose2d's.

    Shapes: (N, C, D, H, W) -> (N, F, OD, OH, OW)
    """

    dims = 3
    function = staticmethod(F.conv_transpose3d)


class _Patches(Module):
    """What Unfold and Fold share: where the patches lie."""

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Unfold(_Patches):
    """Cut images into patches, each a column: `functional.unfold`.

    Shapes: (N, C, H, W) -> (N, C * KH * KW, OH * OW)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Patches):
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

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
