"""Figures against epochs: in training, and on data that were held out."""

import os
from collections.abc import Mapping, Sequence

from naivegrad.viz.figure import INK, TEST, TRAIN, new_figure, save_figure


def save_curves(
    path: str | os.PathLike[str],
    panels: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    title: str = "",
    held_out: str = "test",
) -> None:
    """Draw the course of a training run into a PNG file.

    Parameters
    ----------
    path : path
        The file.
    panels : dict of str to (sequence of float, sequence of float)
        Figures by name, "loss" for instance: one value for each epoch, in training and on the data
        held out. "accuracy" goes from 0 to 1 and is drawn in percent.
    title : str
        Written above.
    held_out : str
        What the data held out are called.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    figure = new_figure(4 * len(panels), 3.2)
    figure.suptitle(title, color=INK, fontsize=11)
    every_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, (train, test)) in zip(every_axes, panels.items(), strict=True):
        percent = name == "accuracy"
        if percent:
            train, test = [100 * x for x in train], [100 * x for x in test]
        epochs = range(1, len(train) + 1)
        axes.plot(epochs, train, "o-", color=TRAIN, label="training", markersize=4)
        axes.plot(epochs, test, "o-", color=TEST, label=held_out, markersize=4)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{name} (%)" if percent else name)
        axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.25)
        axes.margins(y=0.14)  # room for the number above the last point
        axes.spines[["top", "right"]].set_visible(False)
        lowest, highest = min(*train, *test), max(*train, *test)
        if 0 <= 2 * lowest < highest:
            axes.set_ylim(bottom=0)
        if len(test):
            axes.annotate(
                f"{test[-1]:.2f}%" if percent else f"{test[-1]:.4g}",
                (len(test), test[-1]),
                xytext=(0, 7),
                textcoords="offset points",
                ha="right",
                color=TEST,
            )
    every_axes[0].legend(frameon=False)
    save_figure(figure, path)
