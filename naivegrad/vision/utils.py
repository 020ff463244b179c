"""`torchvision.utils`: many pictures in one, and pictures in files."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import IO, Any

from naivegrad.autograd import no_grad
from naivegrad.dtype import uint8
from naivegrad.io.atomic import atomic_write
from naivegrad.missing import lookup as _lookup
from naivegrad.ops import cat, stack
from naivegrad.tensor import Tensor
from naivegrad.vision.picture import describe as _describe
from naivegrad.vision.picture import require_pillow as _require_pillow
from naivegrad.vision.png import encode_png as _encode_png


@no_grad()
def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Pictures side by side in one.

    Parameters
    ----------
    tensor : (N, C, H, W), a list of N of (C, H, W), or one picture (C, H, W) or (H, W); C = 1 or 3
    nrow : pictures in a row
    padding, pad_value : width and value of the frames between them
    normalize : shift and scale the values to 0 ... 1, from `value_range` or from the lowest and the
        highest, of all or (scale_each) of each picture

    Returns
    -------
    Tensor (3, rows * (H + padding) + padding, columns * (W + padding) + padding); of one picture,
    the picture.

    Examples
    --------
    >>> import naivegrad as ng
    >>> make_grid(ng.zeros(10, 1, 28, 28), nrow=5).shape
    (3, 62, 152)
    """
    if isinstance(tensor, list | tuple):
        tensor = stack(list(tensor))
    if not isinstance(tensor, Tensor) or not 2 <= tensor.ndim <= 4:
        raise TypeError(
            f"make_grid: expects a tensor (N, C, H, W) or a list, got {_describe(tensor)}"
        )
    pictures = tensor
    while pictures.ndim < 4:
        pictures = pictures.unsqueeze(0)
    if pictures.shape[1] == 1:
        pictures = cat([pictures] * 3, 1)
    if normalize:
        each = pictures.unbind(0) if scale_each else [pictures]
        pictures = cat([_scaled(part, value_range) for part in each]).reshape(pictures.shape)
    count, channels, height, width = pictures.shape
    if count == 1:
        return pictures[0]
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    step_y, step_x = height + padding, width + padding
    grid = pictures.new_full(
        (channels, step_y * rows + padding, step_x * columns + padding), pad_value
    )
    for k in range(count):
        y, x = k // columns * step_y + padding, k % columns * step_x + padding
        grid[:, y : y + height, x : x + width] = pictures[k]
    return grid


def _scaled(picture: Tensor, limits: tuple[float, float] | None) -> Tensor:
    low, high = limits or (picture.min().item(), picture.max().item())
    return (picture.clamp(low, high) - low) / max(high - low, 1e-5)


@no_grad()
def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | os.PathLike[str] | IO[bytes],
    format: str | None = None,
    **options: Any,
) -> None:
    """Write pictures with values 0 to 1 into one file, as `make_grid` arranges them.

    Parameters
    ----------
    fp : a path, or a file to write to; PNG is written here, other formats (by the name, or
        `format`) by Pillow
    options : of make_grid
    """
    grid = make_grid(tensor, **options)
    pixels = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to(uint8).contiguous().numpy()
    path = None if hasattr(fp, "write") else os.fspath(fp)
    kind = (format or os.path.splitext(path or ".png")[1][1:] or "png").lower()
    if kind != "png":
        image = _require_pillow(f"save_image: to write {kind}").fromarray(pixels)
        image.save(fp, format=format)
    elif path is None:
        fp.write(_encode_png(pixels))  # type: ignore[union-attr]
    else:
        with atomic_write(path) as file:
            file.write(_encode_png(pixels))


__getattr__ = _lookup(__name__)
