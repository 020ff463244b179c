"""Layers that learn the size of their input from the first batch.

Until then their parameters are `UninitializedParameter`s. The first call gives them a shape and
values, and the module becomes one of the ordinary class: a LazyLinear becomes a Linear.
"""

from __future__ import annotations

from typing import Any

from naivegrad.nn.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from naivegrad.nn.linear import Linear
from naivegrad.nn.module import Module
from naivegrad.nn.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _BatchNorm,
    _InstanceNorm,
)
from naivegrad.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from naivegrad.ops import tensor
from naivegrad.tensor import Tensor

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "LazyModuleMixin",
]


class LazyModuleMixin:
    """Stands before a Module among the bases of a class, and delays its parameters.

    The class makes `UninitializedParameter`s and defines `initialize_parameters(*args)`, which
    gives them a shape; it gets the arguments of the first call. The optimizer is made after that
    call. What is loaded from a state dict brings its shape with it.

    Attributes
    ----------
    cls_to_become : class, optional     what the module becomes with the first call

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad import nn
    >>> net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1))
    >>> net(ng.ones(5, 2)).shape
    (5, 1)
    >>> net
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    cls_to_become: type[Module] | None = None
    _waits: bool = True  # for the first call

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._waits:
            self._infer_parameters(self, args, kwargs)
        return Module.__call__(self, *args, **kwargs)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter a shape, and values if it had none; each class writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no initialize_parameters method")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether a parameter or buffer is without a shape still."""
        return any(is_lazy(t) for t in [*self._parameters.values(), *self._buffers.values()])

    def _infer_parameters(
        self: Any, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"{type(module).__name__}: initialize_parameters has left parameters without a "
                "shape"
            )
        if module.cls_to_become is None:
            module._waits = False
        else:
            module.__class__ = module.cls_to_become

    def reset_parameters(self) -> None:
        """Nothing: the weights are drawn with the first call."""


def _materialize(module: Any, **shapes: tuple[int, ...]) -> None:
    """Give tensors without a shape theirs, and then all of them values."""
    if module.has_uninitialized_params():
        for name, shape in shapes.items():
            if is_lazy(getattr(module, name)):
                getattr(module, name).materialize(shape)
        super(LazyModuleMixin, module).reset_parameters()  # type: ignore[misc]


class LazyLinear(LazyModuleMixin, Linear):
    """`Linear` whose in_features come from the first batch."""

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input: Tensor) -> None:
        """Take in_features from the last dimension of the batch."""
        if input.ndim == 0:
            raise ValueError("LazyLinear: expected at least 1D input, got 0D ()")
        self.in_features = input.shape[-1]
        _materialize(self, weight=(self.out_features, self.in_features), bias=(self.out_features,))


class _LazyConv(LazyModuleMixin):
    """What the lazy convolutions share."""

    def __init__(
        self: Any,
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
        super().__init__(  # type: ignore[call-arg]
            0,
            0,
            kernel_size,
            stride,
            padding,
            dilation=dilation,
            groups=groups,
            bias=False,
            padding_mode=padding_mode,
        )
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self: Any, input: Tensor, *args: Any) -> None:
        """Take in_channels from the batch, or from one sample."""
        who = type(self).__name__
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{who}: expected {self.dims + 1}D or {self.dims + 2}D input, got "
                f"{input.ndim}D {tuple(input.shape)}"
            )
        channels = input.shape[-self.dims - 1]
        if channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"{who}: in_channels={channels} and out_channels={self.out_channels} must be "
                f"multiples of groups={self.groups}"
            )
        self.in_channels = channels
        rows, columns = self.out_channels, channels
        if self.transposed:
            rows, columns = columns, rows
        shape = (rows, columns // self.groups, *self.kernel_size)
        _materialize(self, weight=shape, bias=(self.out_channels,))


class _LazyConvTranspose(_LazyConv):
    """What the lazy transposed convolutions share."""

    def __init__(
        self: Any,
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
        _LazyConv.__init__(
            self, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip
        self.output_padding = self._each(output_padding, "output_padding")


class _LazyNorm(LazyModuleMixin):
    """What the lazy batch and instance norms share."""

    def __init__(
        self: Any,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, bias=False)  # type: ignore[call-arg]
        self.affine = affine
        self.track_running_stats = track_running_stats
        where = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**where)
        if affine and bias:
            self.bias = UninitializedParameter(**where)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**where)
            self.running_var = UninitializedBuffer(**where)
            self.num_batches_tracked = tensor(0, device=device)

    def initialize_parameters(self: Any, input: Tensor) -> None:
        """Take num_features from the channels of the batch."""
        self._check_dims(input)
        self.num_features = input.shape[self._channel_dim(input)]
        names = ("weight", "bias", "running_mean", "running_var")
        _materialize(self, **dict.fromkeys(names, (self.num_features,)))


class LazyConv1d(_LazyConv, Conv1d):
    """`Conv1d` whose in_channels come from the first batch."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """`Conv2d` whose in_channels come from the first batch."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """`Conv3d` whose in_channels come from the first batch."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """`ConvTranspose1d` whose in_channels come from the first batch."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """`ConvTranspose2d` whose in_channels come from the first batch."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """`ConvTranspose3d` whose in_channels come from the first batch."""

    cls_to_become = ConvTranspose3d


class LazyBatchNorm1d(_LazyNorm, _BatchNorm):
    """`BatchNorm1d` whose num_features come from the first batch."""

    cls_to_become = BatchNorm1d
    dims = BatchNorm1d.dims


class LazyBatchNorm2d(_LazyNorm, _BatchNorm):
    """`BatchNorm2d` whose num_features come from the first batch."""

    cls_to_become = BatchNorm2d
    dims = BatchNorm2d.dims


class LazyBatchNorm3d(_LazyNorm, _BatchNorm):
    """`BatchNorm3d` whose num_features come from the first batch."""

    cls_to_become = BatchNorm3d
    dims = BatchNorm3d.dims


class LazyInstanceNorm1d(_LazyNorm, _InstanceNorm):
    """`InstanceNorm1d` whose num_features come from the first batch."""

    cls_to_become = InstanceNorm1d
    dims = InstanceNorm1d.dims


class LazyInstanceNorm2d(_LazyNorm, _InstanceNorm):
    """`InstanceNorm2d` whose num_features come from the first batch."""

    cls_to_become = InstanceNorm2d
    dims = InstanceNorm2d.dims


class LazyInstanceNorm3d(_LazyNorm, _InstanceNorm):
    """`InstanceNorm3d` whose num_features come from the first batch."""

    cls_to_become = InstanceNorm3d
    dims = InstanceNorm3d.dims
