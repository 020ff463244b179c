"""A grid of small pictures, with or without a line of text under each."""

import os
from collections.abc import Sequence

import numpy as np

from naivegrad.viz.figure import INK, new_figure, save_figure


def save_grid(
    path: str | os.PathLike[str],
    images: np.ndarray,
    captions: Sequence[str] | None = None,
    columns: int = 8,
    title: str = "",
) -> None:
    """Draw grey images side by side into a PNG file.

    Parameters
    ----------
    path : path
        The file.
    images : ndarray, shape (N, H, W)
        Any range: each image is drawn from its lowest value (white) to its highest (black).
    captions : sequence of str, optional
        A text for each image; without, the images stand close to each other.
    columns : int
        Images in a row.
    title : str
        Written above.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    bare = captions is None
    captions = [""] * len(images) if captions is None else captions
    if len(images) != len(captions):
        raise ValueError(f"save_grid: {len(images)} images, but {len(captions)} captions")
    rows = max(1, -(-len(images) // columns))
    cell = 0.7 if bare else 1.05  # inches
    figure = new_figure(cell * columns, (cell if bare else 1.25) * rows + 0.4)
    figure.suptitle(title, color=INK, fontsize=11)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, image, caption in zip(cells, images, captions, strict=False):
        axes.imshow(image, cmap="gray_r", interpolation="nearest")
        axes.set_title(caption, fontsize=7, color=INK, y=-0.28)
    save_figure(figure, path)
