"""Data types, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from naivegrad.size import library


class dtype:
    """The type of a tensor's elements.

    Attributes
    ----------
    name : str, such as "float32"
    numpy : numpy.dtype (bfloat16: that of ml_dtypes)
    itemsize : int, bytes of an element
    is_floating_point, is_complex, is_signed : bool
    """

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind in "fV"  # V: NumPy knows no kind for bfloat16
        self.is_complex = self.numpy.kind == "c"
        self.is_signed = self.numpy.kind in "ifVc"

    def to_real(self) -> dtype:
        """The type of the real part: float32 for complex64; a real type itself."""
        return _REAL.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts hold this one: complex64 for float32, float16, bfloat16."""
        if not (self.is_complex or self.is_floating_point):
            raise TypeError(f"to_complex: no complex type belongs to {self}")
        return complex128 if self in (float64, complex128) else complex64

    def __repr__(self) -> str:
        return f"{library.name}.{self.name}"

    def __reduce__(self) -> str:
        return self.name if self.name != "bool" else "bool_"


float16 = half = dtype("float16")
bfloat16 = dtype(np.dtype(ml_dtypes.bfloat16).name)
float32 = float = dtype("float32")
float64 = double = dtype("float64")
complex64 = cfloat = dtype("complex64")
complex128 = cdouble = dtype("complex128")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = int = dtype("int32")
int64 = long = dtype("int64")
uint8 = dtype("uint8")
bool_ = dtype("bool")

ALL = (
    *(bool_, uint8, int8, int16, int32, int64),
    *(float16, bfloat16, float32, float64, complex64, complex128),
)
_FROM_NUMPY = {t.numpy: t for t in ALL}
_REAL = {complex64: float32, complex128: float64}
_default = float32

# PyTorch's old names of types: torch.FloatTensor, `tensor.type()`.
TENSOR_NAMES = {
    "BoolTensor": bool_,
    "ByteTensor": uint8,
    "CharTensor": int8,
    "ShortTensor": int16,
    "IntTensor": int32,
    "LongTensor": int64,
    "HalfTensor": float16,
    "BFloat16Tensor": bfloat16,
    "FloatTensor": float32,
    "DoubleTensor": float64,
    "ComplexFloatTensor": complex64,
    "ComplexDoubleTensor": complex128,
}


def of_tensor_type(wish: Any, op: str) -> dtype:
    """The type behind "naivegrad.FloatTensor", "torch.FloatTensor" or the function FloatTensor."""
    library, _, name = wish.partition(".") if isinstance(wish, str) else ("naivegrad", "", "")
    name = name or getattr(wish, "__name__", "")
    if library not in ("naivegrad", "torch") or name not in TENSOR_NAMES:
        raise ValueError(f'{op}: expects a dtype or "naivegrad.FloatTensor", got {wish!r}')
    return TENSOR_NAMES[name]


def from_numpy(numpy_dtype: Any) -> dtype:
    """Our name for a NumPy dtype; TypeError if there is none (uint16, text, ...)."""
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


def set_default_dtype(d: dtype) -> None:
    """Make tensors from Python floats of this type, and from complex numbers of its `to_complex`.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.set_default_dtype(ng.float64)
    >>> ng.tensor([1.0, 2j]).dtype
    naivegrad.complex128
    >>> ng.set_default_dtype(ng.float32)
    """
    global _default
    wish = from_numpy(to_numpy(d))
    if not wish.is_floating_point:
        raise TypeError(f"set_default_dtype: a floating-point type is needed, got {wish}")
    _default = wish


class finfo:
    """Numerical limits of a floating-point type (of a complex one: of its parts).

    Attributes
    ----------
    bits : int
    eps : the distance from 1 to the next larger number
    max, min : the largest number, and its negative
    tiny, smallest_normal : the smallest positive number of full precision
    resolution : the decimal one
    dtype : the name of the type

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.finfo(ng.bfloat16).eps
    0.0078125
    """

    def __init__(self, type: Any = None) -> None:
        wish = _default if type is None else from_numpy(to_numpy(type)).to_real()
        if not wish.is_floating_point:
            raise TypeError(f"finfo: a floating-point type is needed, got {wish}; use iinfo")
        info: Any = ml_dtypes.finfo(wish.numpy)  # NumPy's own, except for bfloat16
        self.bits = wish.itemsize * 8
        self.eps = info.eps.item()
        self.max = info.max.item()
        self.min = info.min.item()
        self.tiny = self.smallest_normal = info.smallest_normal.item()
        self.resolution = 10.0**-info.precision
        self.dtype = wish.name

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({numbers}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer type: bits, min, max, and dtype, its name.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.iinfo(ng.uint8)
    iinfo(min=0, max=255, dtype=uint8)
    """

    def __init__(self, type: Any) -> None:
        wish = from_numpy(to_numpy(type))
        if wish.numpy.kind not in "iu":
            raise TypeError(f"iinfo: an integer type is needed, got {wish}; use finfo")
        info = np.iinfo(wish.numpy)
        self.bits, self.max, self.min, self.dtype = info.bits, info.max, info.min, wish.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
