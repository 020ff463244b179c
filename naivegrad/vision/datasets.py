"""`torchvision.datasets`: MNIST, FashionMNIST, CIFAR10, CIFAR100, pictures in folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

from naivegrad import data as _data
from naivegrad.missing import lookup as _lookup
from naivegrad.ops import from_numpy
from naivegrad.vision.cifar import CIFAR10 as CIFAR10
from naivegrad.vision.cifar import CIFAR100 as CIFAR100
from naivegrad.vision.collection import Collection
from naivegrad.vision.collection import VisionDataset as VisionDataset
from naivegrad.vision.folder import ImageFolder as ImageFolder
from naivegrad.vision.picture import picture_of

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class MNIST(Collection):
    """Handwritten digits: (picture of 28 x 28, digit).

    The files are looked for in `root`, then where `naivegrad.data.MNIST` looks without one (the
    folder that NAIVEGRAD_DATA names, the cache); with `download` they may be fetched, into `root`.

    Attributes
    ----------
    data : Tensor of uint8 (N, 28, 28)
    targets : Tensor of int64 (N,)
    classes : list of str

    Raises
    ------
    FileNotFoundError, DownloadError, DamagedFileError
        As `naivegrad.data.MNIST`.
    """

    source: ClassVar[type[_data.MNIST]] = _data.MNIST
    classes: ClassVar[list[str]] = [f"{i} - {name}" for i, name in enumerate(_DIGITS)]

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform, target_transform)
        part = "train" if train else "t10k"
        elsewhere = self.source.find(self.root, part) is None and self.source.find(None, part)
        files = self.source(None if elsewhere else self.root, train=train, download=download)
        self.train = train
        self.data = from_numpy(files.images)
        self.targets = from_numpy(files.labels)

    def read(self, index: int) -> tuple[Any, Any]:
        """A picture and its digit."""
        return picture_of(self.data.numpy()[index]), int(self.targets.numpy()[index])

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"

    def __len__(self) -> int:
        return len(self.data)


class FashionMNIST(MNIST):
    """Articles of clothing, in the form of MNIST."""

    source = _data.FashionMNIST
    classes: ClassVar[list[str]] = list(_data.FashionMNIST.classes)


__getattr__ = _lookup(__name__)
