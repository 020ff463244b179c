"""Loss and accuracy against epochs."""

import os
from collections.abc import Sequence

from naivegrad.viz.figure import INK, TEST, TRAIN, new_figure, save_figure


def save_curves(
    path: str | os.PathLike[str],
    train_loss: Sequence[float],
    test_loss: Sequence[float],
    train_accuracy: Sequence[float],
    test_accuracy: Sequence[float],
    title: str = "",
) -> None:
    """Draw the course of a training run into a PNG file.

    Parameters
    ----------
    path : path
        The file.
    train_loss, test_loss, train_accuracy, test_accuracy : sequence of float
        One value for each epoch; accuracies from 0 to 1.
    title : str
        Written above.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    figure = new_figure(8, 3.2)
    figure.suptitle(title, color=INK, fontsize=11)
    epochs = range(1, len(train_loss) + 1)
    left, right = figure.subplots(1, 2)
    for axes, name, train, test in (
        (left, "loss", train_loss, test_loss),
        (right, "accuracy (%)", _percent(train_accuracy), _percent(test_accuracy)),
    ):
        axes.plot(epochs, train, "o-", color=TRAIN, label="training", markersize=4)
        axes.plot(epochs, test, "o-", color=TEST, label="test", markersize=4)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.25)
        axes.margins(y=0.14)  # room for the number above the last point
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylim(bottom=0)
    left.legend(frameon=False)
    if test_accuracy:
        right.annotate(
            f"{test_accuracy[-1]:.2%}",
            (len(test_accuracy), 100 * test_accuracy[-1]),
            xytext=(0, 7),
            textcoords="offset points",
            ha="right",
            color=TEST,
        )
    save_figure(figure, path)


def _percent(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]
