"""Questions about types."""

from __future__ import annotations

from typing import Any

from naivegrad import dtype as dtypes
from naivegrad.backend import promotion
from naivegrad.ops._args import Number, require_tensor
from naivegrad.tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


def typename(obj: Any) -> str:
    """The name of a tensor's type, naivegrad.FloatTensor, or of the class of anything else."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = type(obj)
    home = kind.__module__
    return kind.__qualname__ if home == "builtins" else f"{home}.{kind.__qualname__}"


def is_floating_point(input: Tensor) -> bool:
    """Whether the type is floating point: float16, bfloat16, float32 or float64."""
    return require_tensor(input, "is_floating_point").is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the type is complex."""
    return require_tensor(input, "is_complex").is_complex()


def numel(input: Tensor) -> int:
    """The number of elements."""
    return require_tensor(input, "numel").numel()


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not 0; ValueError for more or fewer."""
    size = require_tensor(input, "is_nonzero").array.size
    if size != 1:
        raise ValueError(f"is_nonzero: one element is needed, got shape {input.array.shape}")
    return bool(input.item())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape."""
    shapes = [require_tensor(x, "is_same_size").array.shape for x in (input, other)]
    return bool(shapes[0] == shapes[1])


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype`, by an old name: FloatTensor, "torch.DoubleTensor", ..."""
    dtypes.set_default_dtype(dtypes.of_tensor_type(t, "set_default_tensor_type"))


def result_type(tensor1: Tensor | Number, tensor2: Tensor | Number) -> dtypes.dtype:
    """The type of an elementwise operation on two tensors or numbers.

    Tensors with dimensions decide; 0-d tensors, then numbers, count only if they bring a higher
    category of bool < integer < floating point < complex.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.result_type(ng.ones(2, dtype=ng.int32), 1.0)
    naivegrad.float32
    >>> ng.result_type(ng.ones(2, dtype=ng.float16), ng.tensor(1.0, dtype=ng.float64))
    naivegrad.float16
    """
    operands = [x.array if isinstance(x, Tensor) else x for x in (tensor1, tensor2)]
    return dtypes.from_numpy(promotion.result_dtype(*operands))


def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest type of the higher category that holds both.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.promote_types(ng.float16, ng.bfloat16)
    naivegrad.float32
    """
    a, b = (_dtype(t, "promote_types") for t in (type1, type2))
    return dtypes.from_numpy(promotion.promote(a.numpy, b.numpy))


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether a result of one type may be stored in the other: not in one of a lower category."""
    a, b = (_dtype(t, "can_cast") for t in (from_, to))
    return promotion.can_cast(a.numpy, b.numpy)


def _dtype(wish: Any, op: str) -> dtypes.dtype:
    if isinstance(wish, dtypes.dtype):
        return wish
    raise TypeError(f"{op}: a naivegrad dtype is needed, got {type(wish).__name__}: {wish!r}")
