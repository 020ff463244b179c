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


def draw_curves(path: Path, title: str, history: list[dict[str, float]], held_out: str) -> None:
    """Each figure by epoch: in training, and on the data that were held out."""
    names = [name.removeprefix("train_") for name in history[0] if name.startswith("train_")]
    panels = {
        name: tuple([row[f"{part}_{name}"] for row in history] for part in ("train", held_out))
        for name in names
    }
    save_curves(path, panels, title, held_out)


def draw_mistakes(
    path: Path, title: str, test: ImageDataset, losses: np.ndarray, scores: np.ndarray
) -> None:
    """The misread images with the largest losses, and how sure the model was."""
    guesses = scores.argmax(1)
    wrong = np.flatnonzero(guesses != test.labels)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:SHOWN]
    if len(worst) == 0:
        print("no mistakes to draw: every test image was read right")
        return
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    captions = [
        f"{test.classes[test.labels[i]]}, read as {test.classes[guesses[i]]}\n"
        f"({shares[i, guesses[i]]:.0%} sure)"
        for i in worst
    ]
    title = f"{title}: the worst {len(worst)} of {len(wrong)} mistakes"
    save_grid(path, test.images[worst], captions, title=title)
