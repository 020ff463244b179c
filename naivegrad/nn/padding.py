"""Layers that put a border around their input: `functional.pad` as modules."""

from __future__ import annotations

from naivegrad.nn import functional as F
from naivegrad.nn.module import Module
from naivegrad.ops._args import several
from naivegrad.tensor import Tensor

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """What the borders share: how wide they are, two widths for each of `dims` dimensions."""

    dims: int
    mode: str

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = several(padding, 2 * self.dims, type(self).__name__, "padding")

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input, "
                f"got {input.ndim}D {tuple(input.shape)}"
            )
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """What the borders of one value share; the input may have any number of dimensions."""

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPad(_Pad):
    mode = "circular"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


class ConstantPad1d(_ConstantPad):
    """One value around (..., L). padding is an int, or (left, right); negative widths crop."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """One value around (..., H, W). padding is an int, or (left, right, top, bottom)."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """One value around (..., D, H, W). padding is an int, or (left, ..., bottom, front, back)."""

    dims = 3


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros around (..., L): `ConstantPad1d` of 0."""


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros around (..., H, W): `ConstantPad2d` of 0."""


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros around (..., D, H, W): `ConstantPad3d` of 0."""


class ReflectionPad1d(_ReflectionPad):
    """The input (N, C, L) or (C, L) mirrored at its border, which is not repeated."""

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """The input (N, C, H, W) or (C, H, W) mirrored at its border, which is not repeated."""

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """The input (N, C, D, H, W) or (C, D, H, W) mirrored at its border, which is not repeated."""

    dims = 3


class ReplicationPad1d(_ReplicationPad):
    """The border of the input (N, C, L) or (C, L), repeated."""

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """The border of the input (N, C, H, W) or (C, H, W), repeated."""

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """The border of the input (N, C, D, H, W) or (C, D, H, W), repeated."""

    dims = 3


class CircularPad1d(_CircularPad):
    """The other end of the input (N, C, L) or (C, L), as if it were a ring."""

    dims = 1


class CircularPad2d(_CircularPad):
    """The other end of the input (N, C, H, W) or (C, H, W), as if it were a ring."""

    dims = 2


class CircularPad3d(_CircularPad):
    """The other end of the input (N, C, D, H, W) or (C, D, H, W), as if it were a ring."""

    dims = 3
