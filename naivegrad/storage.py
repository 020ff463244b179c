"""Storage: the stretch of memory that tensors are views of."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from naivegrad.device import device


class _Stretch:
    """What NumPy needs to know to see any memory as bytes; keeps its owner alive.

    hidden : whether what is made of it seems to own its memory
    """

    def __init__(self, base: np.ndarray, low: int, high: int, *, hidden: bool = False) -> None:
        self.kept = base
        self.base = None if hidden else base
        self.__array_interface__ = {
            "data": (low, not base.flags.writeable),
            "shape": (high - low,),
            "typestr": "|u1",
            "version": 3,
        }


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array whose memory this one lies in: itself, or what it is, in the end, a view of."""
    while True:
        base = array.base
        if base is not None and not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # as_strided puts an object in between
        if not isinstance(base, np.ndarray):
            return array
        array = base


def bytes_of(array: np.ndarray) -> np.ndarray:
    """All bytes of an array's owner, as a flat array that shares its memory."""
    owner = owner_of(array)
    if not owner.nbytes:
        return np.empty(0, np.uint8)
    return np.asarray(_Stretch(owner, *np.lib.array_utils.byte_bounds(owner)))


def view_bytes(
    memory: np.ndarray,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
) -> np.ndarray:
    """An array over flat bytes; strides and offset in bytes. ValueError where it reaches beyond."""
    if 0 in shape:  # reads no memory: an offset beyond the end does no harm
        memory, offset = np.empty(0, np.uint8), 0
    return np.ndarray(shape, dtype, memory, offset, strides)


class UntypedStorage:
    """The bytes of the memory that a tensor lies in: `tensor.untyped_storage()`.

    Parameters
    ----------
    size : int      how many bytes, of any content

    Attributes
    ----------
    array : the bytes, as a flat NumPy array

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.zeros(6)
    >>> x[3:].untyped_storage().data_ptr() == x.data_ptr()
    True
    >>> x[3:].untyped_storage().nbytes()
    24
    """

    __slots__ = ("array",)

    def __init__(self, size: Any = 0) -> None:
        self.array = size if isinstance(size, np.ndarray) else np.empty(size, np.uint8)

    @staticmethod
    def from_file(
        filename: str | os.PathLike[str], shared: bool = False, nbytes: int = 0
    ) -> UntypedStorage:
        """The bytes of a file, read when they are used; shared: changes go to the file."""
        if not nbytes:
            return UntypedStorage(0)
        # np.memmap would leave its own class on every view
        memory = np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,))
        return UntypedStorage(np.asarray(memory))

    def data_ptr(self) -> int:
        """Where in memory it begins; 0 for none."""
        return int(self.array.__array_interface__["data"][0]) if self.array.size else 0

    def nbytes(self) -> int:
        """How many bytes it has."""
        return self.array.size

    size = nbytes

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def element_size(self) -> int:
        """1: a byte."""
        return 1

    def __len__(self) -> int:
        return self.array.size

    def __getitem__(self, index: Any) -> Any:
        """A byte, or a part that shares memory: another storage, as in PyTorch."""
        part = self.array[index]
        if not isinstance(part, np.ndarray):
            return int(part)
        bounds = np.lib.array_utils.byte_bounds(part)
        return UntypedStorage(np.asarray(_Stretch(part, *bounds, hidden=True)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype, copy=copy)

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self.array.tolist()

    @property
    def device(self) -> device:
        """Where the memory is: the CPU."""
        return device("cpu")

    def __repr__(self) -> str:
        return f"<UntypedStorage of {self.array.size} bytes>"
