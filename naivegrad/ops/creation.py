"""Making tensors: from data, of one value, in steps."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from naivegrad import dtype as dtypes
from naivegrad.backend.promotion import result_dtype
from naivegrad.device import backend_of
from naivegrad.ops._args import check_fits, new_shape, new_tensor, numpy_dtype, require_tensor
from naivegrad.ops.joining import stack
from naivegrad.size import Size, library
from naivegrad.storage import UntypedStorage
from naivegrad.tensor import Tensor, wrap


def _array_of(data: Any, dtype: Any) -> np.ndarray:
    """Python numbers, nested sequences or an array of any library as one of a type that we have."""
    array = np.asarray(data)
    typed = hasattr(data, "__array__")  # a type of its own, which it keeps
    if array.dtype.kind in "OSUmM":
        raise TypeError(
            f"tensor: cannot make numbers of {type(data).__name__} with entries of {array.dtype}"
        )
    if dtype is not None:
        if not typed:
            _check_fits(array, numpy_dtype(dtype))
        elif array.dtype.kind == "c" and numpy_dtype(dtype).kind != "c":
            raise TypeError(
                f"tensor: {array.dtype} numbers are not {numpy_dtype(dtype)}; use .real"
            )
        with np.errstate(invalid="ignore", over="ignore"):
            return array.astype(numpy_dtype(dtype))
    if not typed and not _holds_type(data, array.dtype):
        with np.errstate(over="ignore"):  # too large a number is infinite
            if array.dtype.kind == "f":
                return array.astype(numpy_dtype(None))
            if array.dtype.kind == "c":
                return array.astype(dtypes.get_default_dtype().to_complex().numpy)
        if array.size == 0:
            return array.astype(numpy_dtype(None))
    return array.astype(numpy_dtype(array.dtype.newbyteorder("=")))


def _holds_type(data: Any, dtype: np.dtype[Any]) -> bool:
    """Whether the first entry of nested sequences is NumPy's, and of this type of the whole."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic) and data.dtype == dtype


def _check_fits(array: np.ndarray, dtype: np.dtype[Any]) -> None:
    """ValueError for numbers that an integer type cannot hold; -1 may stand for 255, as in C."""
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"tensor: complex numbers do not fit into {dtypes.from_numpy(dtype)}")
    if dtype.kind not in "iu" or not array.size:
        return
    end = int(np.iinfo(dtype).max) + 1
    low = -end if dtype.kind == "i" else 1 - end
    inside = (array >= low) & (array < end)  # NaN is not
    if not inside.all():
        raise ValueError(f"tensor: {array[~inside].flat[0]} does not fit into {dtype}")


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of data: numbers, nested sequences, a NumPy array or a Tensor.

    Python floats give the default type (float32), integers int64, truth values bool; an array, of
    NumPy or another library, keeps its type. TypeError for what are not numbers, ValueError for
    ragged nesting.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.tensor([[1.0, 2.0], [3.0, 4.0]]).sum()
    tensor(10.)
    """
    backend = backend_of(device)
    if isinstance(data, Tensor):
        array = (
            data.detach().numpy()
            if dtype is None
            else data.detach().numpy().astype(numpy_dtype(dtype))
        )
        return new_tensor(backend.from_numpy(np.array(array, order="C")), backend, requires_grad)
    if isinstance(data, list | tuple) and _holds_tensor(data):
        rows = stack([x if isinstance(x, Tensor) else tensor(x) for x in data]).detach()
        return tensor(rows, dtype=dtype, device=device, requires_grad=requires_grad)
    try:
        array = _array_of(data, dtype)
    except ValueError as error:
        raise ValueError(f"tensor: {error}") from None
    return new_tensor(backend.from_numpy(np.array(array, order="C")), backend, requires_grad)


def _holds_tensor(data: Sequence[Any]) -> bool:
    return any(isinstance(x, Tensor) for x in data)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of data, without a copy where none is needed."""
    if isinstance(data, UntypedStorage):
        data = data.array
    if isinstance(data, Tensor):
        return data if dtype is None and device is None else data.to(dtype=dtype, device=device)
    if hasattr(data, "__array__"):
        data = np.asarray(data)
    shareable = isinstance(data, np.ndarray) and data.dtype.isnative and data.flags.aligned
    if shareable and (dtype is None or data.dtype == numpy_dtype(dtype)):
        return from_numpy(data).to(device) if device is not None else from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expects a NumPy array, got {type(ndarray).__name__}")
    native = numpy_dtype(ndarray.dtype)
    if native != ndarray.dtype or not ndarray.dtype.isnative:
        raise TypeError(f"from_numpy: byte order of {ndarray.dtype} is not the machine's")
    if not ndarray.flags.aligned:  # the loops read whole numbers, which must begin where they may
        raise ValueError(
            f"from_numpy: the array of {ndarray.dtype} is not aligned in memory; copy it first"
        )
    backend = backend_of(None)
    return wrap(backend.from_numpy(ndarray), backend)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor over the memory of any object that hands out its bytes.

    Parameters
    ----------
    buffer : bytearray, memoryview, mmap, array ...      bytes too: then do not write to the tensor
    dtype : what the bytes are numbers of
    count : how many numbers; -1: as many as there are
    offset : how many bytes to skip

    Raises
    ------
    TypeError
        The object hands out no bytes.
    ValueError
        There are not as many bytes, no whole number of elements, or none at all.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.frombuffer(bytearray(b"ab"), dtype=ng.uint8)
    tensor([97, 98], dtype=naivegrad.uint8)
    """
    op = "frombuffer"
    try:
        memory = np.frombuffer(memoryview(buffer).cast("B"), np.uint8)
    except TypeError as error:
        raise TypeError(f"{op}: expects an object with a buffer: {error}") from None
    item = numpy_dtype(dtype).itemsize
    if not memory.size:
        raise ValueError(f"{op}: the buffer has no bytes")
    if not 0 <= offset < memory.size:
        raise ValueError(f"{op}: offset {offset} is not within the {memory.size} bytes")
    room = memory.size - offset
    if count < 0 and room % item:
        raise ValueError(f"{op}: {room} bytes are no whole number of {item} bytes each")
    if count == 0 or count * item > room:
        raise ValueError(f"{op}: count {count} of {item} bytes each, but there are {room} bytes")
    if not memory.flags.writeable:
        warnings.warn(f"{op}: the buffer is not writable; do not write to the tensor", stacklevel=2)
    number = room // item if count < 0 else count
    array = memory[offset : offset + number * item].view(numpy_dtype(dtype))
    tensor = from_numpy(array)
    return tensor.requires_grad_() if requires_grad else tensor


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one value; its type follows the value."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if dtype is None and out is None:
        dtype = result_dtype(fill_value)
    return _filled("full", (size,), fill_value, dtype, device, requires_grad, out)


def _filled(
    op: str, size: Any, value: float, dtype: Any, device: Any, requires_grad: bool, out: Any
) -> Tensor:
    backend = backend_of(device)
    wish = numpy_dtype(dtype, out=out)
    check_fits(op, value, wish)
    array = backend.full(new_shape(size, op), value, wish)
    return new_tensor(array, backend, requires_grad, out, op)


def zeros(
    *lengths: Any,
    size: Sequence[int] = (),
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of zeros: zeros(2, 3), or zeros((2, 3))."""
    return _filled("zeros", lengths or size, 0, dtype, device, requires_grad, out)


def ones(
    *lengths: Any,
    size: Sequence[int] = (),
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of ones: ones(2, 3), or ones((2, 3))."""
    return _filled("ones", lengths or size, 1, dtype, device, requires_grad, out)


def empty(
    *lengths: Any,
    size: Sequence[int] = (),
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of any content, to be overwritten: empty(2, 3), or empty((2, 3))."""
    backend = backend_of(device)
    array = backend.empty(new_shape(lengths or size, "empty"), numpy_dtype(dtype, out=out))
    return new_tensor(array, backend, requires_grad, out, "empty")


def _like(op: str, x: Tensor, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    require_tensor(x, op)
    backend = x.backend if device is None else backend_of(device)
    wish = numpy_dtype(dtype, x.array.dtype)
    check_fits(op, value, wish)
    array = backend.full(x.array.shape, value, wish)
    return new_tensor(array, backend, requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros of the shape, type and device of input."""
    return _like("zeros_like", input, 0, dtype, device, requires_grad)


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones of the shape, type and device of input."""
    return _like("ones_like", input, 1, dtype, device, requires_grad)


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of any content, of the shape, type and device of input."""
    require_tensor(input, "empty_like")
    backend = input.backend if device is None else backend_of(device)
    array = backend.empty(input.array.shape, numpy_dtype(dtype, input.array.dtype))
    return new_tensor(array, backend, requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value, in the shape, type and device of input."""
    return _like("full_like", input, fill_value, dtype, device, requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below end; int64 if all are integers. arange(n) starts at 0."""
    if end is None:
        start, end = 0, start
    start, end, step = _numbers("arange", start, end, step)
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: no steps of {step} lead from {start} to {end}")
    whole = all(isinstance(v, int) for v in (start, end, step))
    wish = numpy_dtype(dtype, np.dtype(np.int64) if whole else None, out)
    backend = backend_of(device)
    return new_tensor(backend.arange(start, end, step, wish), backend, requires_grad, out, "arange")


def _numbers(op: str, *values: Any) -> list[Any]:
    """Python numbers, of numbers and tensors of one element."""
    numbers = [v.item() if isinstance(v, Tensor) else v for v in values]
    for v in numbers:
        if not isinstance(v, int | float):
            raise TypeError(f"{op}: numbers are needed, got {v!r}")
        if isinstance(v, float) and not math.isfinite(v):
            raise ValueError(f"{op}: finite numbers are needed, got {v}")
    return numbers


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` values at equal distances from start to end, both included."""
    start, end = _numbers("linspace", start, end)
    array = np.linspace(start, end, _steps(steps, "linspace"))
    backend = backend_of(device)
    array = backend.from_numpy(array.astype(numpy_dtype(dtype, out=out)))
    return new_tensor(array, backend, requires_grad, out, "linspace")


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Powers of base: `steps` of them, of exponents at equal distances from start to end."""
    start, end = _numbers("logspace", start, end)
    array = np.logspace(start, end, _steps(steps, "logspace"), base=base)
    backend = backend_of(device)
    array = backend.from_numpy(array.astype(numpy_dtype(dtype, out=out)))
    return new_tensor(array, backend, requires_grad, out, "logspace")


def _steps(steps: Any, op: str) -> int:
    steps = operator.index(steps)
    if steps < 0:
        raise ValueError(f"{op}: the number of steps must not be negative, got {steps}")
    return steps


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal of an (n, m) matrix, zeros elsewhere."""
    rows, columns = new_shape((n, n if m is None else m), "eye")
    backend = backend_of(device)
    array = backend.from_numpy(np.eye(rows, columns, dtype=numpy_dtype(dtype, out=out)))
    return new_tensor(array, backend, requires_grad, out, "eye")


def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of a number, of the default type whatever the number's."""
    return tensor(s, dtype=numpy_dtype(dtype), device=device, requires_grad=requires_grad).reshape(
        ()
    )


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of obj, sharing its memory where possible; copy=True copies, False never does."""
    made = as_tensor(obj, dtype, device).detach()
    memory = obj.array if isinstance(obj, Tensor | UntypedStorage) else obj
    shared = isinstance(memory, np.ndarray) and np.shares_memory(memory, made.array)
    if copy is False and not shared:
        raise ValueError("asarray: copy=False, but obj cannot be shared as it is")
    made = made.clone() if copy and shared else made
    return made.requires_grad_() if requires_grad else made


def legacy(data: tuple[Any, ...], dtype: dtypes.dtype, device: Any = None) -> Tensor:
    """A tensor as old constructors make it: of one argument that is data, or of a shape."""
    if len(data) == 1 and isinstance(data[0], Size):
        data = data[0]
    if len(data) == 1 and not isinstance(data[0], int):
        return tensor(data[0], dtype=dtype, device=device)
    return empty(data or (0,), dtype=dtype, device=device)


class TensorType:
    """The old constructors of tensors of one type: FloatTensor([1, 2]), LongTensor(2, 3).

    isinstance(x, FloatTensor) tells whether x is a tensor of the type.
    """

    def __init__(self, name: str, dtype: str) -> None:
        self.__name__ = name
        self.dtype = getattr(dtypes, dtype)

    def __call__(self, *data: Any, device: Any = None) -> Tensor:
        """A tensor of data, or, of whole numbers, of that shape and any content."""
        return legacy(data, self.dtype, device)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is self.dtype

    def __repr__(self) -> str:
        return f"{library.name}.{self.__name__}"


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
