"""Pooling layers."""

from __future__ import annotations

from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn.module import Module
from naivegrad.ops._args import several
from naivegrad.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]

# The layers of a kind differ in the number of dimensions and in the function that they call.


class _MaxPool(Module):
    function: Any

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self.function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest value in each window: `functional.max_pool1d`.

    Shapes: (N, C, L) -> (N, C, OL)
    """

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest value in each window: `functional.max_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, OH, OW)
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest value in each window: `functional.max_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, OD, OH, OW)
    """

    function = staticmethod(F.max_pool3d)


class _AvgPool(Module):
    function: Any

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        y: Tensor = self.function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )
        return y

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window: `functional.avg_pool1d`.

    Shapes: (N, C, L) -> (N, C, OL)
    """

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] | None = None,
        padding: int | tuple[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(
            several(kernel_size, 1, "AvgPool1d", "kernel_size"),
            None if stride is None else several(stride, 1, "AvgPool1d", "stride"),
            several(padding, 1, "AvgPool1d", "padding"),
            ceil_mode,
            count_include_pad,
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class AvgPool2d(_AvgPool):
    """The mean of each window: `functional.avg_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, OH, OW)
    """

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window: `functional.avg_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, OD, OH, OW)
    """

    function = staticmethod(F.avg_pool3d)


class _LPPool(Module):
    function: Any

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        y: Tensor = self.function(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )
        return y

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The norm of each window: `functional.lp_pool1d`.

    Shapes: (N, C, L) -> (N, C, OL)
    """

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The norm of each window: `functional.lp_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, OH, OW)
    """

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The norm of each window: `functional.lp_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, OD, OH, OW)
    """

    function = staticmethod(F.lp_pool3d)


class _AdaptiveAvgPool(Module):
    function: Any

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        y: Tensor = self.function(input, self.output_size)
        return y

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean of each of output_size equal parts: `functional.adaptive_avg_pool1d`.

    Shapes: (N, C, L) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of each of output_size equal parts: `functional.adaptive_avg_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of each of output_size equal parts: `functional.adaptive_avg_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPool(Module):
    function: Any

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self.function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest value of each of output_size equal parts: `functional.adaptive_max_pool1d`.

    Shapes: (N, C, L) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest value of each of output_size equal parts: `functional.adaptive_max_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest value of each of output_size equal parts: `functional.adaptive_max_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, *output_size)
    """

    function = staticmethod(F.adaptive_max_pool3d)


class _MaxUnpool(Module):
    dims: int
    function: Any

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.kernel_size = several(kernel_size, self.dims, who, "kernel_size")
        self.stride = (
            self.kernel_size if stride is None else several(stride, self.dims, who, "stride")
        )
        self.padding = several(padding, self.dims, who, "padding")

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        y: Tensor = self.function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )
        return y

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Put maxima back where MaxPool1d found them: `functional.max_unpool1d`.

    Shapes: (N, C, L) -> (N, C, OL)
    """

    dims = 1
    function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Put maxima back where MaxPool2d found them: `functional.max_unpool2d`.

    Shapes: (N, C, H, W) -> (N, C, OH, OW)
    """

    dims = 2
    function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Put maxima back where MaxPool3d found them: `functional.max_unpool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, OD, OH, OW)
    """

    dims = 3
    function = staticmethod(F.max_unpool3d)


class _FractionalMaxPool(Module):
    function: Any

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__}: one of output_size and output_ratio must be given"
            )
        self.kernel_size = kernel_size
        self.output_size = output_size
        self.output_ratio = output_ratio
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return self.function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest value of each of windows at random distances: `functional.fractional_max_pool2d`.

    Shapes: (N, C, H, W) -> (N, C, OH, OW)
    """

    function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest value of each of windows at random distances: `functional.fractional_max_pool3d`.

    Shapes: (N, C, D, H, W) -> (N, C, OD, OH, OW)
    """

    function = staticmethod(F.fractional_max_pool3d)
