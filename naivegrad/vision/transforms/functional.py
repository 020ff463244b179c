"""`torchvision.transforms.functional`: what the transforms compute, without their chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from naivegrad import ops
from naivegrad.dtype import dtype as DType
from naivegrad.dtype import float32, get_default_dtype, uint8
from naivegrad.missing import lookup as _lookup
from naivegrad.tensor import Tensor
from naivegrad.vision.picture import describe, is_pil, planes, require_pillow

GREY = (0.2989, 0.587, 0.114)  # of red, green, blue (ITU-R 601-2)
PADDINGS = ("constant", "edge", "reflect", "symmetric")


class InterpolationMode(Enum):
    """How values between pixels are found."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


_BY_NUMBER = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # Pillow's


def to_tensor(pic: Any) -> Tensor:
    """A picture (H, W) or (H, W, C) as a tensor (C, H, W); uint8 becomes float, 0 to 1.

    Raises TypeError for anything that is no PIL image and no array, tensors among them.
    """
    if isinstance(pic, Tensor) or not (is_pil(pic) or isinstance(pic, np.ndarray)):
        raise TypeError(f"to_tensor: expects a PIL image or an array, got {describe(pic)}")
    array = pil_to_array(pic)
    if array.dtype == np.uint8:
        dtype = get_default_dtype().numpy
        work = np.float64 if dtype == np.float64 else np.float32
        array = np.divide(array, 255, dtype=work).astype(dtype, copy=False)
    return ops.from_numpy(np.array(array, order="C", copy=None))


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image or array as a tensor (C, H, W) of the same type."""
    if isinstance(pic, Tensor):
        raise TypeError(f"pil_to_tensor: expects a PIL image or an array, got {describe(pic)}")
    return ops.from_numpy(np.array(pil_to_array(pic), order="C"))


def pil_to_array(pic: Any) -> np.ndarray:
    """The values of a picture, channels first, one for grey ones: a view where possible."""
    if is_pil(pic) and pic.mode == "1":
        pic = pic.convert("L")
    array, _ = planes(pic, "to_tensor")
    return array[None] if array.ndim == 2 else array


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or (H, W), or an array, as a PIL image; floats 0 to 1 become 0 to 255."""
    image = require_pillow("to_pil_image")
    pixels = pic
    if isinstance(pic, Tensor):
        if pic.ndim not in (2, 3):
            raise ValueError(f"to_pil_image: expects 2 or 3 dimensions, got {describe(pic)}")
        scaled = pic.detach().mul(255).to(uint8) if pic.is_floating_point() else pic.detach()
        pixels = scaled.numpy() if pic.ndim == 2 else np.moveaxis(scaled.numpy(), 0, 2)
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"to_pil_image: expects a tensor or an array, got {describe(pic)}")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    made = image.fromarray(np.ascontiguousarray(pixels))
    return made if mode is None else made.convert(mode)


def convert_image_dtype(image: Tensor, dtype: DType = float32) -> Tensor:
    """The values in another type, scaled so that the largest number of an integer type is 1.0."""
    if image.dtype == dtype:
        return image
    if dtype.is_floating_point:
        limit = 1 if image.is_floating_point() else np.iinfo(image.dtype.numpy).max
        return image.to(dtype) / limit
    top = np.iinfo(dtype.numpy).max
    if image.is_floating_point():
        return (image * (top + 1.0 - 1e-3)).to(dtype)
    factor = (top + 1) / (np.iinfo(image.dtype.numpy).max + 1)
    return (image.double() * factor).floor().to(dtype)


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(x - mean) / std, by channels of a tensor (..., C, H, W)."""
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise TypeError(
            f"normalize: expects a floating-point tensor, got {describe(tensor)}; ToTensor first"
        )
    if tensor.ndim < 3:
        raise ValueError(f"normalize: expects (..., C, H, W), got shape {tensor.shape}")
    shift, scale = (
        ops.tensor(np.array(numbers, ndmin=1), dtype=tensor.dtype).view(-1, 1, 1)
        for numbers in (mean, std)
    )
    if not scale.all():
        raise ValueError(f"normalize: a std of 0 divides by 0, got {std}")
    result = tensor if inplace else tensor.clone()
    return result.sub_(shift).div_(scale)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A rectangle of a picture; what lies outside is 0."""
    array, back = planes(img, "crop")
    h, w = array.shape[-2:]
    before = max(-top, 0), max(-left, 0)
    after = max(top + height - h, 0), max(left + width - w, 0)
    if any(before + after):
        array = _padded(array, (before[1], before[0], after[1], after[0]), 0, "constant")
    top, left = top + before[0], left + before[1]
    return back(array[..., top : top + height, left : left + width])


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """A rectangle in the middle of a picture."""
    height, width = pair(output_size)
    h, w = get_size(img)
    return crop(img, round((h - height) / 2.0), round((w - width) / 2.0), height, width)


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    array, back = planes(img, "hflip")
    return back(array[..., ::-1])


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    array, back = planes(img, "vflip")
    return back(array[..., ::-1, :])


def pad(
    img: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant"
) -> Any:
    """More pixels around a picture.

    Parameters
    ----------
    padding : one number, (left and right, top and bottom), or (left, top, right, bottom)
    padding_mode : "constant" (fill), "edge", "reflect", "symmetric"
    """
    if padding_mode not in PADDINGS:
        raise ValueError(f"pad: padding_mode must be one of {PADDINGS}, got {padding_mode!r}")
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(f"pad: padding has 1, 2 or 4 numbers, got {padding}")
    array, back = planes(img, "pad")
    return back(_padded(array, (sides * 4)[:4], fill, padding_mode))


def _padded(array: np.ndarray, sides: Sequence[int], fill: Any, mode: str) -> np.ndarray:
    left, top, right, bottom = sides
    widths = [(0, 0)] * (array.ndim - 2) + [(top, bottom), (left, right)]
    if mode != "constant":
        return np.pad(array, widths, mode=mode)  # type: ignore[call-overload]
    shape = [n + a + b for n, (a, b) in zip(array.shape, widths, strict=True)]
    result = np.empty(shape, array.dtype)
    result[...] = np.reshape(fill, (-1, 1, 1)) if np.ndim(fill) else fill
    h, w = array.shape[-2:]
    result[..., top : top + h, left : left + w] = array
    return result


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """A picture of another size.

    Parameters
    ----------
    size : (height, width), or the length of the shorter side
    max_size : the most that the longer side may be, where `size` is one number
    """
    mode = _mode(interpolation)
    if mode == "nearest" and not isinstance(img, Tensor):
        mode = "nearest-exact"  # as Pillow does it
    array, back = planes(img, "resize")
    h, w = array.shape[-2:]
    wish = new_size(h, w, size, max_size)
    if wish == (h, w):
        return img
    smooth = mode in ("bilinear", "bicubic")
    options = {"align_corners": False, "antialias": bool(antialias)} if smooth else {}
    flat = ops.from_numpy(np.ascontiguousarray(array).reshape(1, -1, h, w))
    result = ops.interpolate(flat, wish, mode=mode, **options)
    return back(result.numpy().reshape(*array.shape[:-2], *wish))


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A rectangle of a picture, resized."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def rotate(
    img: Any, angle: float, interpolation: Any = InterpolationMode.NEAREST, fill: float = 0
) -> Any:
    """A picture turned around its middle, in degrees against the clock, in the same size."""
    mode = _mode(interpolation)
    array, back = planes(img, "rotate")
    h, w = array.shape[-2:]
    flat = ops.from_numpy(np.array(array, np.float32).reshape(1, -1, h, w))
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    theta = ops.tensor([[[c, -s * h / w, 0.0], [s * w / h, c, 0.0]]])
    grid = ops.affine_grid(theta, list(flat.shape), align_corners=False)
    result = ops.grid_sample(flat - fill, grid, mode=mode, align_corners=False) + fill
    values = result.numpy().reshape(array.shape)
    return back((values.round() if array.dtype.kind in "iu" else values).astype(array.dtype))


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Brightness, in one channel or in three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"rgb_to_grayscale: 1 or 3 channels, got {num_output_channels}")
    array, back = planes(img, "rgb_to_grayscale")
    grey = array if array.ndim == 2 else array[..., 0, :, :]
    if array.ndim > 2 and array.shape[-3] == 3:
        weights = np.array(GREY, np.float32 if array.dtype.kind in "iu" else array.dtype)
        grey = np.tensordot(weights, np.moveaxis(array, -3, 0), 1).astype(array.dtype)
    if isinstance(img, Tensor) or num_output_channels == 3:
        grey = np.stack([grey] * num_output_channels, -3)
    return back(grey)


def blend(img: Any, other: str, factor: float) -> Any:
    """factor * picture + (1 - factor) * other, kept to the values that a picture can have.

    other : "nothing" (black), "mean" (of the grey picture) or "grey" (the grey picture)
    """
    array, back = planes(img, "blend")
    values = array.astype(np.float32)
    grey = values
    if array.ndim > 2 and array.shape[-3] == 3:
        weights = np.array(GREY, np.float32)[:, None, None]
        grey = (values * weights).sum(-3, keepdims=True)
    against = {"nothing": np.float32(0), "mean": grey.mean(), "grey": grey}[other]
    whole = array.dtype.kind in "iu"
    result = np.clip(factor * values + (1 - factor) * against, 0, 255 if whole else 1)
    return back(result.astype(array.dtype))


def get_size(img: Any) -> tuple[int, int]:
    """(height, width)."""
    h, w = planes(img, "get_size")[0].shape[-2:]
    return h, w


get_image_size = get_size


def pair(size: int | Sequence[int]) -> tuple[int, int]:
    """(height, width) from one number or two."""
    numbers = [size] if isinstance(size, int) else list(size)
    if len(numbers) not in (1, 2):
        raise ValueError(f"a size is one number or (height, width), got {size}")
    return int(numbers[0]), int(numbers[-1])


def new_size(h: int, w: int, size: Any, max_size: int | None) -> tuple[int, int]:
    """(height, width) that `resize` is asked for."""
    if not isinstance(size, int) and len(size) == 2:
        return pair(size)
    short = pair(size)[0]
    low, high = min(h, w), max(h, w)
    long = int(short * high / low)
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (short, long) if h <= w else (long, short)


def _mode(interpolation: Any) -> str:
    name = interpolation
    if isinstance(interpolation, InterpolationMode):
        name = interpolation.value
    name = _BY_NUMBER.get(name, name)
    if name not in [mode.value for mode in InterpolationMode]:
        raise ValueError(f"interpolation must be an InterpolationMode, got {interpolation!r}")
    return str(name)


__getattr__ = _lookup(__name__)
