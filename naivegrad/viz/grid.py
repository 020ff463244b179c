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
    if captions is not None and len(images) != len(captions):
        raise ValueError(f"save_grid: {len(images)} images, but {len(captions)} captions")
    rows = max(1, -(-len(images) // columns))
    width, height = (0.6, 0.6) if captions is None else (1.05, 1.25)  # inches
    figure = new_figure(width * columns, height * rows + 0.4)
    figure.suptitle(title, color=INK, fontsize=11)
    if captions is None:
        figure.get_layout_engine().set(w_pad=0, h_pad=0.03, hspace=0, wspace=0)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, image in zip(cells, images, strict=False):
        axes.imshow(image, cmap="gray_r", interpolation="nearest")
    for axes, caption in zip(cells, captions or (), strict=False):
        axes.set_title(caption, fontsize=7, color=INK, y=-0.28)
    save_figure(figure, path)
