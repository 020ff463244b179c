"""MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28 x 28 pixels."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from naivegrad.data.download import RemoteFile, download
from naivegrad.data.folders import cache_folder, places
from naivegrad.data.image import ImageDataset
from naivegrad.io.idx import read_idx
from naivegrad.io.safetensors import DamagedFileError

SIDE = 28  # pixels
MAX_BYTES = 1 << 28
KINDS = ("images", "labels")


class MNIST(ImageDataset):
    """Handwritten digits (LeCun, Cortes and Burges).

    The four IDX files, raw or compressed with gzip, are looked for

    1. in `root`, if it is given, and nowhere else;
    2. in the folder that the environment variable NAIVEGRAD_DATA names;
    3. in the cache, $XDG_CACHE_HOME/naivegrad or ~/.cache/naivegrad;
    4. on the network, with `download=True`: the files go to `root` or to the cache.

    In each folder they may lie directly, in `mnist/`, or in `MNIST/raw/`, as torchvision has them.

    Parameters
    ----------
    root : path, optional
        The folder to look in.
    train : bool
        True for the 60,000 training images, False for the 10,000 of the test.
    transform, target_transform : callable, optional
        Applied to each image, a (28, 28) uint8 array, and to each label.
    download : bool
        Whether missing files may be fetched.

    Raises
    ------
    FileNotFoundError
        If the files are nowhere: the message lists the folders looked in.
    DownloadError
        If no mirror gave them.
    DamagedFileError
        If a file is damaged, cut short, too long or something else. The message names it.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86 (1998).
    """

    MEAN, STD = 0.1307, 0.3081
    name = "MNIST"
    classes = tuple("0123456789")

    folders: ClassVar[tuple[str, ...]] = ("mnist", "MNIST/raw", "MNIST", "raw", ".")
    mirrors: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    files: ClassVar[dict[str, RemoteFile]] = {
        "train-images": RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        "train-labels": RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        "t10k-images": RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        "t10k-labels": RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    }

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        part = "train" if train else "t10k"
        self.folder = self.find(root, part)
        if self.folder is None:
            self.folder = self._fetch_or_explain(root, part, download)
        images = _read_images(self._file(self.folder, f"{part}-images"))
        labels = _read_labels(self._file(self.folder, f"{part}-labels"), len(images))
        self._refuse_the_other_set(labels)
        super().__init__(images, labels, transform, target_transform)
        self.train = train

    @classmethod
    def find(cls, root: str | os.PathLike[str] | None = None, part: str = "train") -> Path | None:
        """The folder in which both files of `part` ("train" or "t10k") lie, or None."""
        for base in places(root):
            for folder in cls.folders:
                here = base / folder
                if all(cls._file(here, f"{part}-{kind}").is_file() for kind in KINDS):
                    return here
        return None

    @classmethod
    def _file(cls, folder: Path, key: str) -> Path:
        """The file of `key` in `folder`, under one of its names; the first if none is there."""
        packed = cls.files[key].name
        raw = packed.removesuffix(".gz")
        names = (packed, raw, raw.replace("-idx", ".idx"))
        return next((folder / name for name in names if (folder / name).is_file()), folder / packed)

    @classmethod
    def _fetch_or_explain(cls, root: Any, part: str, allowed: bool) -> Path:
        if not allowed:
            looked = "".join(f"\n  {base}" for base in places(root))
            raise FileNotFoundError(
                f"{cls.name}: {part}-images and {part}-labels are not in any of{looked}\n"
                "Pass download=True, or set NAIVEGRAD_DATA to the folder that has them."
            )
        folder = (cache_folder() if root is None else Path(root)) / cls.folders[0]
        for kind in KINDS:
            if not cls._file(folder, f"{part}-{kind}").is_file():
                download(cls.files[f"{part}-{kind}"], cls.mirrors, folder)
        return folder

    def _refuse_the_other_set(self, labels: np.ndarray) -> None:
        """Both sets have the same file names: tell them apart by how their labels begin."""
        for name, beginnings in FIRST_LABELS.items():
            if name != self.name and "".join(map(str, labels[:10])) in beginnings:
                raise DamagedFileError(f"{self.folder} holds {name}, not {self.name}")


class FashionMNIST(MNIST):
    """Articles of clothing by Zalando, in the format of MNIST and harder.

    Parameters, places and errors as for `MNIST`, with the folders `fashion/`, `fashion-mnist/` and
    `FashionMNIST/raw/`.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms", 2017, https://arxiv.org/abs/1708.07747, MIT licence.
    """

    MEAN, STD = 0.2860, 0.3530
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip

    name = "FashionMNIST"
    folders = ("fashion", "fashion-mnist", "FashionMNIST/raw", "FashionMNIST", "raw", ".")
    mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    files: ClassVar[dict[str, RemoteFile]] = {
        "train-images": RemoteFile(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        "train-labels": RemoteFile(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        "t10k-images": RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        "t10k-labels": RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    }


# How the labels of each set begin: training, test.
FIRST_LABELS = {
    "MNIST": ("5041921314", "7210414959"),
    "FashionMNIST": ("9003027255", "9211614657"),
}


def _read_images(path: Path) -> np.ndarray:
    images = read_idx(path, MAX_BYTES)
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        raise DamagedFileError(
            f"{path}: expected uint8 images of shape (N, {SIDE}, {SIDE}), "
            f"got {images.dtype} of shape {images.shape}"
        )
    return images


def _read_labels(path: Path, n: int) -> np.ndarray:
    labels = read_idx(path, MAX_BYTES)
    if labels.dtype != np.uint8 or labels.shape != (n,):
        raise DamagedFileError(
            f"{path}: expected {n} uint8 labels for as many images, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    if labels.max() > 9:
        raise DamagedFileError(f"{path}: label {labels.max()} is not one of 0 to 9")
    return labels
