"""Data types, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:
    """The type of a tensor's elements.

    Attributes
    ----------
    name : str, such as "float32"
    numpy : numpy.dtype
    itemsize : int, bytes of an element
    is_floating_point : bool
    """

    __slots__ = ("is_floating_point", "is_signed", "itemsize", "name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"
        self.is_signed = self.numpy.kind in "if"

    def __repr__(self) -> str:
        return f"naivegrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name if self.name != "bool" else "bool_"


float16 = half = dtype("float16")
float32 = float = dtype("float32")
float64 = double = dtype("float64")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = int = dtype("int32")
int64 = long = dtype("int64")
uint8 = dtype("uint8")
bool_ = dtype("bool")

_ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)
_FROM_NUMPY = {t.numpy: t for t in _ALL}
_default = float32


def from_numpy(numpy_dtype: Any) -> dtype:
    """Our name for a NumPy dtype; TypeError if there is none (complex, uint16, ...)."""
    try:
        return _FROM_NUMPY[numpy_dtype]
    except KeyError:
        native = _FROM_NUMPY.get(np.dtype(numpy_dtype).newbyteorder("="))
        if native is None:
            raise TypeError(f"no tensor can hold the NumPy type {numpy_dtype}") from None
        return native


def to_numpy(wish: Any) -> np.dtype[Any]:
    """The NumPy dtype of one of ours, of NumPy's, or of Python's float (float64), int, bool."""
    if isinstance(wish, dtype):
        return wish.numpy
    return from_numpy(np.dtype(wish)).numpy


def get_default_dtype() -> dtype:
    """The type of tensors made from Python floats: float32, unless set otherwise."""
    return _default


def set_default_dtype(wish: dtype) -> None:
    """Make tensors from Python floats of this type."""
    global _default
    wish = from_numpy(to_numpy(wish))
    if not wish.is_floating_point:
        raise TypeError(f"set_default_dtype: a floating-point type is needed, got {wish}")
    _default = wish


class finfo:
    """Numerical limits of a floating-point type: bits, eps, max, min, tiny, smallest_normal."""

    def __init__(self, wish: Any = None) -> None:
        info = np.finfo(_default.numpy if wish is None else to_numpy(wish))
        self.bits = info.bits
        self.eps = info.eps.item()
        self.max = info.max.item()
        self.min = info.min.item()
        self.tiny = self.smallest_normal = info.tiny.item()
        self.resolution = info.resolution.item()


class iinfo:
    """Limits of an integer type: bits, max, min."""

    def __init__(self, wish: Any) -> None:
        info = np.iinfo(to_numpy(wish))
        self.bits, self.max, self.min = info.bits, info.max, info.min
