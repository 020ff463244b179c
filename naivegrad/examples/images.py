"""Runs that learn from images: which images, what is measured, what is drawn."""

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import naivegrad as ng
from naivegrad.data import (
    MNIST,
    DataLoader,
    Digits,
    DownloadError,
    FashionMNIST,
    ImageDataset,
    TensorDataset,
)
from naivegrad.examples.options import UserError
from naivegrad.examples.report import draw_mistakes
from naivegrad.examples.training import Run
from naivegrad.nn import functional as F
from naivegrad.tensor import Tensor
from naivegrad.viz import save_grid

KINDS = ("auto", "mnist", "fashion", "digits")
TEST_BATCH = 1000
COLUMNS, ROWS = 12, 4  # of the images in samples.png


@dataclass(frozen=True)
class ImageData:
    """A data set chosen by `choose_images`."""

    kind: str  # "mnist", "fashion" or "digits"
    train: ImageDataset
    test: ImageDataset
    why: str  # where it was found, and why this one was taken

    @property
    def name(self) -> str:
        """What the set is called."""
        return self.train.name

    def fingerprint(self) -> int:
        """A number that differs for other training data."""
        return zlib.crc32(self.train.labels.tobytes(), zlib.crc32(self.train.images.tobytes()))


def choose_images(kind: str, folder: str | None) -> ImageData:
    """The data set that `kind` means on this machine, and why.

    Parameters
    ----------
    kind : {"auto", "mnist", "fashion", "digits"}
        As given to --data.
    folder : str or None
        As given to --data-dir: the only place to look in.
    """
    if folder is not None and kind == "digits":
        raise UserError("--data-dir has no use with --data digits, which come with the package")
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise UserError(f"--data-dir {folder}: there is no such folder")
    if kind == "digits":
        return _digits("as asked for")
    source = FashionMNIST if kind == "fashion" else MNIST
    found = source.find(folder, "train") is not None and source.find(folder, "t10k") is not None
    if found or folder is not None:
        try:
            return _idx(source, folder, download=False, why="found")
        except FileNotFoundError as error:
            raise UserError(f"--data-dir {folder}: {error}") from None
    try:
        return _idx(source, None, download=True, why="downloaded, kept")
    except (DownloadError, PermissionError) as error:
        if kind != "auto":
            raise UserError(str(error)) from None
        return _digits(
            "because MNIST is not on this machine and cannot be downloaded.\n"
            f"{error}\nTo train on MNIST, give --data-dir or set NAIVEGRAD_DATA"
        )


def _digits(why: str) -> ImageData:
    return ImageData("digits", Digits(train=True), Digits(train=False),
                     f"the small digits that come with the package, {why}")  # fmt: skip


def _idx(source: type[MNIST], folder: str | None, download: bool, why: str) -> ImageData:
    train = source(folder, train=True, download=download)
    test = source(folder, train=False, download=download)
    kind = "fashion" if source is FashionMNIST else "mnist"
    return ImageData(kind, train, test, f"{source.name}, {why} in {train.folder}")


class ImageRun(Run):
    """A run that learns from images (N, 1, H, W) with labels (N,)."""

    normalize = True  # pixels of mean 0 and standard deviation 1, or else between 0 and 1
    data: ImageData

    @staticmethod
    def add_data_options(parser: argparse.ArgumentParser) -> None:
        """--data and --data-dir."""
        parser.add_argument(
            "--data", choices=KINDS,
            help="auto (the default): MNIST if it is on this machine or can be downloaded, "
                 "else the 1,797 small digits that come with the package",
        )  # fmt: skip
        parser.add_argument("--data-dir", metavar="DIR", help="folder of the IDX files")

    @staticmethod
    def choose_data(options: dict[str, Any]) -> ImageData:
        """MNIST, Fashion-MNIST or the digits of the package."""
        return choose_images(options["data"], options.get("data_dir"))

    def load(self) -> None:
        """All images as tensors; an epoch takes each once."""
        train = TensorDataset(*self.data.train.tensors(self.normalize))
        self.loader = DataLoader(train, self.batch_size, shuffle=True)
        self.epoch_size = len(train)
        self.image_size = self.data.train.images.shape[1]
        self.test_images, self.test_labels = self.data.test.tensors(self.normalize)

    def describe_data(self) -> str:
        """How many images, and how large."""
        return (
            f"{len(self.data.train):,} images of {self.image_size}x{self.image_size} to train on, "
            f"{len(self.data.test):,} to test"
        )

    def test_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The test images with their labels, in order."""
        for start in range(0, len(self.test_images), TEST_BATCH):
            part = slice(start, start + TEST_BATCH)
            yield self.test_images[part].to(self.device), self.test_labels[part].to(self.device)


class ClassifierRun(ImageRun):
    """A run whose model gives scores (N, classes): measured is how many images it reads right.

    `draw` shows the images that it misread and was most sure of.
    """

    def record(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Note how a step went: the mean loss of its batch, and the scores (N, classes) it gave."""
        n = len(labels)
        right = (logits.detach().argmax(1) == labels).sum()
        self.count(n, loss=n * loss.item(), accuracy=int(right.item()))

    def test(self) -> dict[str, float]:
        """Mean loss, and the share of the images read right."""
        losses, scores = [], []
        for images, labels in self.test_batches():
            logits = self._model(images)
            losses.append(F.cross_entropy(logits, labels, reduction="none").cpu().numpy())
            scores.append(logits.cpu().numpy())
        self._losses, self._scores = np.concatenate(losses), np.concatenate(scores)
        right = self._scores.argmax(1) == self.data.test.labels
        return {"loss": float(self._losses.mean()), "accuracy": float(right.mean())}

    def conclude(self, figures: dict[str, float]) -> None:
        """The accuracy, and how many images that are."""
        right = int((self._scores.argmax(1) == self.data.test.labels).sum())
        print(f"test accuracy {figures['accuracy']:.2%} ({right:,} of {len(self._scores):,})")

    def draw(self) -> None:
        """mistakes.png."""
        path = self.out / "mistakes.png"
        draw_mistakes(path, self.title, self.data.test, self._losses, self._scores)


class GeneratorRun(ImageRun):
    """A run whose model learns to make images like those that it sees.

    The model has `losses(images)`, the two parts of its loss for these images; `forward(images)`,
    which gives back the images as it can rebuild them; and `generate(n)`, which makes new ones.
    """

    normalize = False

    def record(self, reconstruction: Tensor, divergence: Tensor, images: Tensor) -> None:
        """Note how a step went: the two parts of the loss, means over its batch."""
        self.count(len(images), **self._sums_of(reconstruction, divergence, len(images)))

    def test(self) -> dict[str, float]:
        """The loss and its two parts, for one image."""
        totals: dict[str, float] = {}
        for images, _ in self.test_batches():
            sums = self._sums_of(*self._model.losses(images), len(images))
            totals = {name: totals.get(name, 0) + value for name, value in sums.items()}
        return {name: total / len(self.test_images) for name, total in totals.items()}

    @staticmethod
    def _sums_of(reconstruction: Tensor, divergence: Tensor, n: int) -> dict[str, float]:
        parts = {"reconstruction": n * reconstruction.item(), "divergence": n * divergence.item()}
        return {"loss": sum(parts.values()), **parts}

    def conclude(self, figures: dict[str, float]) -> None:
        """The loss for one image."""
        print(f"test loss {figures['loss']:.2f} for one image")

    def draw(self) -> None:
        """samples.png: made of noise; reconstructions.png: test images, and what came back."""
        seen = self.test_images[:COLUMNS].to(self.device)
        with ng.no_grad():
            made, rebuilt = self._model.generate(COLUMNS * ROWS), self._model(seen)
        save_grid(
            self.out / "samples.png", made.cpu().numpy()[:, 0], columns=COLUMNS,
            title=f"{self.title}: images made of noise",
        )  # fmt: skip
        save_grid(
            self.out / "reconstructions.png", ng.cat([seen, rebuilt]).cpu().numpy()[:, 0],
            columns=COLUMNS, title=f"{self.title}: test images, and what came back of them",
        )  # fmt: skip
