"""CIFAR-10 and CIFAR-100: 60,000 colour pictures of 32 x 32 in 10 or 100 classes.

The files are pickles. They are read by an unpickler that knows arrays of bytes and nothing else.

References
----------
A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from naivegrad.io.safetensors import DamagedFileError
from naivegrad.vision.collection import Collection
from naivegrad.vision.picture import picture_of


class _Type:
    """Stands for a NumPy type in a pickle: bytes."""

    def __init__(self, code: str, align: Any = False, copy: Any = False) -> None:
        if code != "u1":
            raise ValueError(f"it holds an array of type {code!r:.40}, not of bytes")

    def __setstate__(self, state: Any) -> None:
        """Nothing: bytes have no order."""


class _Pixels:
    """Stands for a NumPy array: NumPy's own could be given any address to read."""

    array: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, _, columns_first, content = state
        content = content if isinstance(content, bytes) else content.encode("latin1")
        order = "F" if columns_first else "C"
        self.array = np.frombuffer(content, np.uint8).reshape(shape, order=order)


def _reconstruct(cls: Any, shape: Any, code: Any) -> _Pixels:
    return _Pixels()


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"it holds bytes in the encoding {encoding!r:.40}")
    return text.encode("latin1")


_KNOWN = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    ("numpy", "ndarray"): _Pixels,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    """Reads numbers, text, lists, dicts and arrays of bytes; refuses everything else by name."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is refused") from None


class CIFAR10(Collection):
    """Colour pictures of 32 x 32 in ten classes, in the folder root/cifar-10-batches-py.

    Attributes
    ----------
    data : ndarray of uint8 (N, 32, 32, 3)
    targets : list of int
    classes : list of str

    Raises
    ------
    FileNotFoundError
        If the files are not there. They are not downloaded.
    DamagedFileError
        If a file is something else.
    """

    base_folder = "cifar-10-batches-py"
    train_files: ClassVar[list[str]] = [f"data_batch_{i}" for i in range(1, 6)]
    test_files: ClassVar[list[str]] = ["test_batch"]
    names_file, names_key, labels_key = "batches.meta", "label_names", "labels"

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform, target_transform)
        self.train = train
        folder = Path(self.root, self.base_folder)
        names = [*(self.train_files if train else self.test_files), self.names_file]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{type(self).__name__}: {', '.join(missing)} not in {folder}. Unpack the Python "
                "version of the set there (www.cs.toronto.edu/~kriz/cifar.html); it is not "
                "downloaded"
            )
        *parts, meta = (_read(folder / name) for name in names)
        try:
            self.classes = [str(name) for name in meta[self.names_key]]
            self.targets = [int(n) for part in parts for n in part[self.labels_key]]
            pixels = np.concatenate([part["data"].array for part in parts])
            self.data = pixels.reshape(len(self.targets), 3, 32, 32).transpose(0, 2, 3, 1)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise DamagedFileError(f"{folder}: not the files of {type(self).__name__}") from error
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def read(self, index: int) -> tuple[Any, Any]:
        """A picture and its class."""
        return picture_of(np.ascontiguousarray(self.data[index])), self.targets[index]

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"

    def __len__(self) -> int:
        return len(self.targets)


class CIFAR100(CIFAR10):
    """Colour pictures of 32 x 32 in a hundred classes, in the folder root/cifar-100-python."""

    base_folder = "cifar-100-python"
    train_files: ClassVar[list[str]] = ["train"]
    test_files: ClassVar[list[str]] = ["test"]
    names_file, names_key, labels_key = "meta", "fine_label_names", "fine_labels"


def _read(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError, TypeError) as error:
        raise DamagedFileError(f"{path}: no file of CIFAR: {error}") from error
