"""Kinds of pictures, and how they become arrays and come back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from naivegrad.ops import from_numpy
from naivegrad.tensor import Tensor


@functools.cache
def _pillow() -> Any:
    """Pillow's module of images, or None where it is not installed."""
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


def is_pil(picture: Any) -> bool:
    """Whether it is a PIL image."""
    pillow = _pillow()
    return pillow is not None and isinstance(picture, pillow.Image)


def require_pillow(op: str) -> Any:
    """Pillow's module of images; an ImportError that says who needs it."""
    pillow = _pillow()
    if pillow is None:
        raise ImportError(f"{op}: needs Pillow: pip install pillow")
    return pillow


def picture_of(pixels: np.ndarray) -> Any:
    """What a data set gives for pixels (H, W) or (H, W, 3): a PIL image, or the array."""
    pillow = _pillow()
    return pixels if pillow is None else pillow.fromarray(pixels)


def open_picture(path: Any) -> Any:
    """The picture in a file, in colour."""
    with require_pillow("open_picture").open(path) as image:
        return image.convert("RGB")


def planes(picture: Any, op: str) -> tuple[np.ndarray, Callable[[np.ndarray], Any]]:
    """An array (..., H, W) of the picture, and what makes such an array a picture of its kind."""
    if isinstance(picture, Tensor):
        return picture.detach().numpy(), _tensor
    if is_pil(picture):
        return _channels_first(np.asarray(picture)), _pil
    if isinstance(picture, np.ndarray) and picture.ndim in (2, 3):
        return _channels_first(picture), _array
    raise TypeError(
        f"{op}: expects a PIL image, an array (H, W) or (H, W, C), or a tensor (..., H, W), "
        f"got {describe(picture)}"
    )


def describe(thing: Any) -> str:
    """Its type, and its shape if it has one."""
    shape = f" of shape {tuple(thing.shape)}" if hasattr(thing, "shape") else ""
    return f"{type(thing).__name__}{shape}"


def _channels_first(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def _array(result: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(result if result.ndim == 2 else np.moveaxis(result, 0, 2))


def _pil(result: np.ndarray) -> Any:
    return require_pillow("picture").fromarray(_array(result))


def _tensor(result: np.ndarray) -> Tensor:
    return from_numpy(np.ascontiguousarray(result))
