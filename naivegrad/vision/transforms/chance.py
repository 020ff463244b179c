"""Transforms that draw: from the default generator, as everything else does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad import ops
from naivegrad.nn import Module
from naivegrad.tensor import Tensor
from naivegrad.vision.transforms import functional as F

__all__ = [
    "ColorJitter",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
]


def uniform(low: float, high: float) -> float:
    """A number between two."""
    return low + (high - low) * float(ops.rand(()).item())


def below(n: int) -> int:
    """A whole number from 0 to n - 1."""
    return int(ops.randint(n, ()).item())


def happens(p: float) -> bool:
    """True with probability p."""
    return float(ops.rand(()).item()) < p


class _WithProbability(Module):
    """Does something with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be from 0 to 1, got {p}")
        self.p = p

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomHorizontalFlip(_WithProbability):
    """Exchange left and right with probability p."""

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if happens(self.p) else img


class RandomVerticalFlip(_WithProbability):
    """Exchange top and bottom with probability p."""

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if happens(self.p) else img


class RandomGrayscale(_WithProbability):
    """Take away the colours with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, 3) if happens(self.p) else img


class RandomApply(_WithProbability):
    """Apply all of the transforms with probability p, or none."""

    def __init__(self, transforms: Sequence[Any], p: float = 0.5) -> None:
        super().__init__(p)
        self.transforms = transforms

    def forward(self, img: Any) -> Any:
        if happens(self.p):
            for transform in self.transforms:
                img = transform(img)
        return img


class RandomChoice(Module):
    """Apply one of the transforms."""

    def __init__(self, transforms: Sequence[Any], p: Sequence[float] | None = None) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p or [1 / len(transforms)] * len(transforms)

    def forward(self, img: Any) -> Any:
        return self.transforms[int(ops.multinomial(ops.tensor(self.p), 1).item())](img)


class RandomCrop(Module):
    """A rectangle somewhere in the picture.

    Parameters
    ----------
    size : the rectangle: (height, width), or one number for a square
    padding, fill, padding_mode : as for `Pad`, before the crop
    pad_if_needed : pad a picture that is smaller than the rectangle, instead of an error
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = F.pair(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        height, width = self.size
        h, w = F.get_size(img)
        if self.pad_if_needed and (h < height or w < width):
            sides = max(width - w, 0), max(height - h, 0)
            img = F.pad(img, sides, self.fill, self.padding_mode)
            h, w = F.get_size(img)
        if h < height or w < width:
            raise ValueError(f"RandomCrop: no {height} x {width} in a picture of {h} x {w}")
        return F.crop(img, below(h - height + 1), below(w - width + 1), height, width)

    def extra_repr(self) -> str:
        return f"size={self.size}, padding={self.padding}"


class RandomResizedCrop(Module):
    """A rectangle of any size and shape, somewhere in the picture, resized.

    Parameters
    ----------
    size : of the result
    scale : the limits of its area, as shares of the picture's
    ratio : the limits of width / height
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = F.InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = F.pair(size)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        box = self._box(*F.get_size(img))
        return F.resized_crop(img, *box, self.size, self.interpolation, self.antialias)

    def _box(self, h: int, w: int) -> tuple[int, int, int, int]:
        """(top, left, height, width): the first of ten tries that fits, else the middle."""
        for _ in range(10):
            area = h * w * uniform(*self.scale)
            ratio = math.exp(uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < width <= w and 0 < height <= h:
                return below(h - height + 1), below(w - width + 1), height, width
        ratio = min(max(w / h, self.ratio[0]), self.ratio[1])
        height, width = (round(w / ratio), w) if w / h < ratio else (h, round(h * ratio))
        height, width = min(height, h), min(width, w)
        return (h - height) // 2, (w - width) // 2, height, width


class RandomRotation(Module):
    """Turn the picture by some angle.

    Parameters
    ----------
    degrees : the limits, (low, high), or one number for (-degrees, degrees)
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Any = F.InterpolationMode.NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: float = 0,
    ) -> None:
        super().__init__()
        if expand or center is not None:
            raise NotImplementedError("RandomRotation: expand and center are not here")
        low, high = degrees if isinstance(degrees, Sequence) else (-degrees, degrees)
        self.degrees = (low, high)
        self.interpolation = interpolation
        self.fill = fill

    def forward(self, img: Any) -> Any:
        return F.rotate(img, uniform(*self.degrees), self.interpolation, fill=self.fill)


class RandomErasing(_WithProbability):
    """Overwrite a rectangle of a tensor with probability p.

    Parameters
    ----------
    scale, ratio : the limits of its area, and of height / width
    value : what to write: a number, or "random" for normally distributed ones
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__(p)
        self.scale, self.ratio, self.value, self.inplace = scale, ratio, value, inplace

    def forward(self, img: Tensor) -> Tensor:
        if not isinstance(img, Tensor):
            raise TypeError(f"RandomErasing: expects a tensor, got {type(img).__name__}")
        if not happens(self.p):
            return img
        h, w = img.shape[-2:]
        for _ in range(10):
            area = h * w * uniform(*self.scale)
            ratio = math.exp(uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            height, width = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < height < h and 0 < width < w:
                top, left = below(h - height + 1), below(w - width + 1)
                result = img if self.inplace else img.clone()
                region = result[..., top : top + height, left : left + width]
                if self.value == "random":
                    region.normal_()
                else:
                    region.fill_(self.value)
                return result
        return img


class ColorJitter(Module):
    """Change brightness, contrast and saturation by chance.

    Parameters
    ----------
    brightness, contrast, saturation : x for a factor from max(0, 1 - x) to 1 + x, or the limits
    hue : 0; anything else is refused
    """

    def __init__(
        self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0
    ) -> None:
        super().__init__()
        if hue:
            raise NotImplementedError("ColorJitter: hue is not here")
        self.limits = [
            tuple(x) if isinstance(x, Sequence) else (max(0.0, 1 - x), 1.0 + x)
            for x in (brightness, contrast, saturation)
        ]

    def forward(self, img: Any) -> Any:
        for i in ops.randperm(3).tolist():
            if self.limits[i] != (1.0, 1.0):
                img = F.blend(img, ("nothing", "mean", "grey")[i], uniform(*self.limits[i]))
        return img
