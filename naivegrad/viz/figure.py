"""What every picture shares: a matplotlib figure without a window, saved all or nothing."""

import os
from typing import Any

from naivegrad.io.atomic import atomic_write

INK, TRAIN, TEST, WRONG = "#333333", "#9aa5b1", "#1f77b4", "#c0392b"


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of this size in inches; matplotlib's global state is not touched.

    Raises
    ------
    ImportError
        If matplotlib is not installed: the message says how to get it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "pictures need matplotlib: pip install 'naivegrad[train]', or pip install matplotlib"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write the figure as a PNG, the same bytes for the same figure."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
