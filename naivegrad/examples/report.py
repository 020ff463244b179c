"""The files that show how a run went: metrics.csv, curves.png, mistakes.png."""

import csv
from pathlib import Path

import numpy as np

from naivegrad.data import ImageDataset
from naivegrad.io import atomic_write
from naivegrad.viz import save_curves, save_grid

SHOWN = 32  # mistakes in the picture


def write_metrics(path: Path, history: list[dict[str, float]]) -> None:
    """One line for each epoch."""
    with atomic_write(path, "w") as file:
        table = csv.DictWriter(file, history[0])
        table.writeheader()
        table.writerows(history)


def write_pictures(
    folder: Path,
    title: str,
    history: list[dict[str, float]],
    test: ImageDataset,
    losses: np.ndarray,
    scores: np.ndarray,
) -> list[str]:
    """Draw curves.png and mistakes.png; returns what to tell the reader."""
    guesses = scores.argmax(1)
    wrong = np.flatnonzero(guesses != test.labels)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:SHOWN]
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    captions = [
        f"{test.classes[test.labels[i]]}, read as {test.classes[guesses[i]]}\n"
        f"({shares[i, guesses[i]]:.0%} sure)"
        for i in worst
    ]
    try:
        if history:
            save_curves(
                folder / "curves.png",
                [row["train_loss"] for row in history],
                [row["test_loss"] for row in history],
                [row["train_accuracy"] for row in history],
                [row["test_accuracy"] for row in history],
                title,
            )
        if len(worst) == 0:
            return ["no mistakes to draw: every test image was read right"]
        save_grid(
            folder / "mistakes.png",
            test.images[worst],
            captions,
            title=f"{title}: the worst {len(worst)} of {len(wrong)} mistakes",
        )
    except ImportError as error:
        return [f"no curves.png and mistakes.png: {error}"]
    return []
