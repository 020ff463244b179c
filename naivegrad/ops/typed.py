"""The old constructors of tensors of one type."""

from __future__ import annotations

from typing import Any

from naivegrad import dtype as dtypes
from naivegrad.ops.creation import empty, tensor
from naivegrad.tensor import Tensor


class TensorType:
    """The old constructors of tensors of one type: FloatTensor([1, 2]), LongTensor(2, 3).

    isinstance(x, FloatTensor) tells whether x is a tensor of the type.
    """

    def __init__(self, name: str, dtype: str) -> None:
        self.__name__ = name
        self.dtype = getattr(dtypes, dtype)

    def __call__(self, *data: Any) -> Tensor:
        """A tensor of data, or, of whole numbers, of that shape and any content."""
        if len(data) == 1 and not isinstance(data[0], int):
            return tensor(data[0], dtype=self.dtype)
        return empty(data or (0,), dtype=self.dtype)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is self.dtype

    def __repr__(self) -> str:
        return f"naivegrad.{self.__name__}"


FloatTensor = TensorType("FloatTensor", "float32")
DoubleTensor = TensorType("DoubleTensor", "float64")
HalfTensor = TensorType("HalfTensor", "float16")
BFloat16Tensor = TensorType("BFloat16Tensor", "bfloat16")
CharTensor = TensorType("CharTensor", "int8")
ShortTensor = TensorType("ShortTensor", "int16")
IntTensor = TensorType("IntTensor", "int32")
LongTensor = TensorType("LongTensor", "int64")
ByteTensor = TensorType("ByteTensor", "uint8")
BoolTensor = TensorType("BoolTensor", "bool_")
