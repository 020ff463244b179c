"""Normalisation layers."""

from __future__ import annotations

import numbers
from typing import Any

from naivegrad.nn import functional as F
from naivegrad.nn import init
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import empty, ones, tensor, zeros
from naivegrad.ops._args import check_counts
from naivegrad.tensor import Tensor

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "CrossMapLRN2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
    "SyncBatchNorm",
]


class _NormBase(Module):
    """What batch and instance norms share: weight, bias and the statistics seen in training."""

    _version = 2  # num_batches_tracked came with it
    dims: tuple[int, ...] = ()
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_counts(type(self).__name__, num_features=num_features)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        where = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(ones(num_features, **where)) if affine else None
        )
        has_bias = affine and bias
        self.register_parameter(
            "bias", Parameter(zeros(num_features, **where)) if has_bias else None
        )
        track = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **where) if track else None)
        self.register_buffer("running_var", ones(num_features, **where) if track else None)
        self.register_buffer("num_batches_tracked", tensor(0, device=device) if track else None)

    def reset_running_stats(self) -> None:
        """Forget the statistics."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Forget the statistics, weight and bias."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _bring_up_to_date(
        self, state_dict: dict[str, Any], prefix: str, version: int | None
    ) -> None:
        if (version or 1) < 2 and self.num_batches_tracked is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)

    def _check_dims(self, x: Tensor) -> None:
        if x.ndim not in self.dims:
            expected = " or ".join(f"{n}D" for n in self.dims)
            raise ValueError(
                f"{type(self).__name__}: expected {expected} input, got {x.ndim}D {tuple(x.shape)}"
            )

    def _channel_dim(self, x: Tensor) -> int:
        return 1

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """What the batch norms share; they differ in the shapes they take."""

    def forward(self, input: Tensor) -> Tensor:
        self._check_dims(input)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            if momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked)
        # Without tracking, the statistics are neither used nor changed in training.
        use_running = self.track_running_stats or not self.training
        return F.batch_norm(
            input,
            running_mean=self.running_mean if use_running else None,
            running_var=self.running_var if use_running else None,
            weight=self.weight,
            bias=self.bias,
            training=self.training or self.running_mean is None,
            momentum=0.0 if momentum is None else momentum,
            eps=self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Normalise each channel of (N, C) or (N, C, L) over the batch; see `BatchNorm2d`."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalise each channel over the batch; at evaluation by the statistics seen in training.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    num_features : int              C, the size of dimension 1
    eps : float
    momentum : float or None        running = (1 - momentum) * running + momentum * batch;
                                    None: the plain average of all batches
    affine : bool                   learn weight (from 1) and bias (from 0), each (C,)
    track_running_stats : bool      otherwise the batch's own statistics serve evaluation too
    bias : bool                     without it only weight is learned

    Shapes: (N, C, H, W) -> the same
    """

    dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalise each channel of (N, C, D, H, W) over the batch; see `BatchNorm2d`."""

    dims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch norm over the batches of all processes: here there is one, so it is `BatchNorm2d`.

    process_group is kept and not used. Shapes: (N, C, *) -> the same
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_dims(self, x: Tensor) -> None:
        if x.ndim < 2:
            raise ValueError(f"SyncBatchNorm: expected at least 2D input, got {tuple(x.shape)}")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module, each batch norm in it replaced by one of this class with its tensors."""
        if isinstance(module, _BatchNorm):
            options = (module.eps, module.momentum, module.affine, module.track_running_stats)
            result = cls(module.num_features, *options, process_group, bias=module.bias is not None)
            result._parameters.update(module._parameters)
            result._buffers.update(module._buffers)
            result.training = module.training
            return result
        for name, child in module.named_children():
            module._modules[name] = cls.convert_sync_batchnorm(child, process_group)
        return module


class _InstanceNorm(_NormBase):
    """What the three share; they differ in the shapes they take: the first is without a batch."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _channel_dim(self, x: Tensor) -> int:
        return 0 if x.ndim == self.dims[0] else 1

    def forward(self, input: Tensor) -> Tensor:
        self._check_dims(input)
        single = self._channel_dim(input) == 0
        y = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Normalise each channel of each sample of (N, C, L) or (C, L); see `InstanceNorm2d`."""

    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalise each channel of each sample.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    num_features : int              C, the number of channels
    eps : float
    momentum : float                running = (1 - momentum) * running + momentum * new
    affine : bool                   learn weight (from 1) and bias (from 0), each (C,)
    track_running_stats : bool      use the statistics seen in training at evaluation
    bias : bool                     without it only weight is learned

    Shapes: (N, C, H, W) or (C, H, W) -> the same

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky 2016, "Instance normalization".
    """

    dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Normalise each channel of each sample of (N, C, D, H, W) or (C, D, H, W)."""

    dims = (4, 5)


class _ResponseNorm(Module):
    """What `LocalResponseNorm` and its older name share."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_ResponseNorm):
    """y = x / (k + alpha * mean of x^2 over `size` neighbouring channels) ** beta."""


class CrossMapLRN2d(_ResponseNorm):
    """`LocalResponseNorm` of (N, C, H, W), under an older name."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: expected 4D input, got {tuple(input.shape)}")
        return super().forward(input)


class LayerNorm(Module):
    """Normalise each sample over its last dimensions.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    normalized_shape : int or tuple of int      the sizes of those dimensions
    eps : float
    elementwise_affine : bool                   learn weight (from 1) and bias (from 0)
    bias : bool                                 without it only weight is learned

    Shapes: (*, *normalized_shape) -> the same
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        where = {"device": device, "dtype": dtype}
        shape = self.normalized_shape
        self.register_parameter(
            "weight", Parameter(empty(shape, **where)) if elementwise_affine else None
        )
        has_bias = elementwise_affine and bias
        self.register_parameter("bias", Parameter(empty(shape, **where)) if has_bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide each sample by its root mean square over its last dimensions.

        y = x / sqrt(mean(x^2) + eps) * weight

    Parameters
    ----------
    normalized_shape : int or tuple of int      the sizes of those dimensions
    eps : float, optional                       by default the smallest step of the dtype at 1
    elementwise_affine : bool                   learn weight (from 1)

    Shapes: (*, *normalized_shape) -> the same

    References
    ----------
    Zhang & Sennrich 2019, "Root mean square layer normalization".
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = None
        if elementwise_affine:
            weight = Parameter(ones(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", weight)

    def reset_parameters(self) -> None:
        """Set weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Normalise groups of channels of each sample.

        y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    num_groups : int            num_channels is split in so many groups of neighbours
    num_channels : int
    eps : float
    affine : bool               learn weight (from 1) and bias (from 0), each (num_channels,)
    bias : bool                 without it only weight is learned

    Shapes: (N, num_channels, *) -> the same

    References
    ----------
    Wu & He 2018, "Group normalization".
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels={num_channels} cannot be split in num_groups={num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        where = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(ones(num_channels, **where)) if affine else None
        )
        has_bias = affine and bias
        self.register_parameter(
            "bias", Parameter(zeros(num_channels, **where)) if has_bias else None
        )

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


def _shape(normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(normalized_shape, numbers.Integral):
        return (int(normalized_shape),)
    return tuple(normalized_shape)  # type: ignore[arg-type]
