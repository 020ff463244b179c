"""What a file may name: our own functions under the names that PyTorch's pickles use."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from naivegrad.device import device
from naivegrad.dtype import (
    ALL,
    bfloat16,
    bool_,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from naivegrad.io.safetensors import DamagedFileError
from naivegrad.layout import strided
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import from_numpy
from naivegrad.serialization.allowed import allowed
from naivegrad.serialization.unpickle import UnsafeFileError, check_sizes, name_of
from naivegrad.size import Size
from naivegrad.storage import view_bytes
from naivegrad.tensor import Tensor, wrap

STORAGES = {
    "BoolStorage": bool_,
    "ByteStorage": uint8,
    "CharStorage": int8,
    "ShortStorage": int16,
    "IntStorage": int32,
    "LongStorage": int64,
    "HalfStorage": float16,
    "BFloat16Storage": bfloat16,
    "FloatStorage": float32,
    "DoubleStorage": float64,
    "ComplexFloatStorage": complex64,
    "ComplexDoubleStorage": complex128,
}
NO_TENSORS = {  # why a kind of tensor that PyTorch has cannot be read
    "_rebuild_sparse_tensor": "a sparse tensor; save its to_dense()",
    "_rebuild_sparse_csr_tensor": "a sparse tensor; save its to_dense()",
    "_rebuild_qtensor": "a quantized tensor; save its dequantize()",
    "_rebuild_nested_tensor": "a nested tensor; save a list of its parts",
    "_rebuild_meta_tensor_no_storage": "a tensor on the device meta, which has no values",
    "_rebuild_wrapper_subclass": "a tensor of a class that wraps others",
}


class StorageType(NamedTuple):
    """What a pickle says of a storage: the type of its elements, or none (bytes)."""

    dtype: dtype | None


class Memory(NamedTuple):
    """A storage that was read."""

    array: np.ndarray  # its bytes, flat
    dtype: dtype | None
    version: list[int]  # one counter for all tensors that share it
    device: Any  # where its tensors go
    name: str  # in the file, for errors


def finder(own: dict[str, Any]) -> Callable[[str], tuple[Any, bool]]:
    """The function that looks names up: in the table, then among what the user allowed (`own`).

    It gives what stands there and whether that may be called.
    """

    def find(name: str) -> tuple[Any, bool]:
        if name in TABLE:
            return TABLE[name], isinstance(TABLE[name], FunctionType)  # classes are only named
        if name in own:
            return own[name], True
        module, _, last = name.rpartition(".")
        if last in NO_TENSORS and module.startswith("torch"):
            raise DamagedFileError(f"it holds {NO_TENSORS[last]}")
        if module == "torch" and last.endswith("Storage"):
            raise DamagedFileError(f"it holds a tensor of {name}, a type that is not known here")
        raise UnsafeFileError(
            f"it names {name}; only tensors, plain values and containers of them are read, and no "
            "code is run. Save model.state_dict() instead of a model. If you trust the file, allow "
            f"{last} by naivegrad.serialization.safe_globals([{last}])"
        )

    return find


# ---- tensors ----


def storage_id(key: tuple[Any, ...], length: int) -> tuple[dtype | None, str, str, int]:
    """What a persistent id tells: type of the elements, name, location, number of elements."""
    if len(key) != length or key[0] != "storage" or not isinstance(key[1], StorageType):
        raise DamagedFileError("a persistent id is not that of a storage")
    return key[1].dtype, require(key[2], str), require(key[3], str), require(key[4], int)


def rebuild_tensor(
    memory: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
    kind: Any = None,
) -> Tensor:
    """A tensor over memory that was read: `_rebuild_tensor_v2`."""
    if not isinstance(memory, Memory):
        raise DamagedFileError(f"a tensor over a {type(memory).__name__}, which is no storage")
    kind = memory.dtype if kind is None else kind
    if not isinstance(kind, dtype):
        raise DamagedFileError(f"a {type(kind).__name__} as the type of a tensor")
    check_sizes(shape)
    check_sizes(strides)
    check_sizes((offset,))
    item = kind.itemsize
    try:
        array = view_bytes(
            memory.array, kind.numpy, shape, tuple([item * n for n in strides]), item * offset
        )
    except (ValueError, TypeError):
        raise DamagedFileError(
            f"{memory.name!r} has {memory.array.size // item} elements of {kind.name}, too few for "
            f"shape {shape}, strides {strides}, offset {offset}"
        ) from None
    if kind is bool_ and memory.dtype is not bool_:
        raise DamagedFileError("truth values over bytes, which were not looked at")
    tensor = from_numpy(array)
    tensor.version = memory.version
    if memory.device is not None:
        tensor = tensor.to(memory.device)
    if metadata and array.size * item > memory.array.size:
        raise DamagedFileError("a conjugated view that is larger than its memory")
    if isinstance(metadata, dict):  # PyTorch notes these; here they are carried out
        tensor = tensor.conj() if metadata.get("conj") else tensor
        tensor = -tensor if metadata.get("neg") else tensor
    if requires_grad and not (kind.is_floating_point or kind.is_complex):
        raise DamagedFileError(f"a tensor of {kind.name} that requires a gradient")
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_tensor_v3(
    memory: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    requires_grad: Any,
    hooks: Any,
    kind: Any,
    metadata: Any = None,
) -> Tensor:
    """A tensor over bytes, of a type that the old storages do not have."""
    return rebuild_tensor(memory, offset, shape, strides, requires_grad, hooks, metadata, kind)


def rebuild_parameter(
    data: Any, requires_grad: Any, hooks: Any = None, state: Any = None
) -> Parameter:
    """A parameter, and the attributes that it was given."""
    parameter = Parameter(require(data, Tensor), bool(requires_grad))
    return _with_attributes(parameter, state)


def rebuild_from_type(function: Any, cls: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes, or of a class of the user's."""
    if not any(function is f for f in REBUILD) or type(arguments) is not tuple:
        raise UnsafeFileError(f"it wants to make a tensor by {name_of(function)}")
    if not any(cls is c for c in (Tensor, Parameter, *allowed().values())):
        raise UnsafeFileError(f"it wants to make a {name_of(cls)}")
    made = function(*arguments)
    if type(made) is not cls:
        plain, made = made, wrap(made.array, made.backend, cls)
        made.version = plain.version
        made.requires_grad_(plain.requires_grad)
    return _with_attributes(made, state)


def _with_attributes(tensor: Any, state: Any) -> Any:
    if isinstance(state, tuple) and len(state) == 2:  # (attributes, slots)
        state = state[0]
    if state:
        tensor.__dict__.update(require(state, dict))
    return tensor


def check_truth(memory: Memory) -> None:
    """Refuse truth values that are neither 0 nor 1: a kernel may do anything with them."""
    if memory.dtype is bool_ and memory.array.max(initial=0) > 1:
        raise DamagedFileError(f"{memory.name!r} holds truth values that are neither 0 nor 1")


# ---- plain values ----


def require(value: Any, *kinds: type) -> Any:
    """The value, if it is of one of these types."""
    if not isinstance(value, kinds):
        raise DamagedFileError(f"a {kinds[0].__name__} made of a {type(value).__name__}")
    return value


def ordered_dict(items: Any = ()) -> OrderedDict[Any, Any]:
    """An OrderedDict; Python 2 handed it a list of pairs."""
    return OrderedDict([(require(key, str), item) for key, item in require(items, tuple, list)])


def counter(counts: Any = None) -> Counter[Any]:
    """A Counter."""
    return Counter(require({} if counts is None else counts, dict))


def set_of(items: Any = ()) -> set[Any]:
    """A set."""
    for item in require(items, list, tuple):
        if type(item) not in (type(None), bool, int, float, complex, str, bytes):
            raise DamagedFileError(f"a set holds a {type(item).__name__}")
    return set(items)


def bytes_of_text(text: Any, encoding: Any) -> bytes:
    """Bytes, which old protocols write as text."""
    if require(encoding, str) not in ("latin1", "latin-1"):
        raise DamagedFileError(f"bytes in the encoding {encoding!r:.40}")
    return require(text, str).encode("latin1")


def byte_array(content: Any = b"", encoding: Any = "latin1") -> bytearray:
    """A bytearray."""
    return bytearray(content if isinstance(content, bytes) else bytes_of_text(content, encoding))


def complex_of(real: Any, imag: Any) -> complex:
    """A complex number."""
    return complex(require(real, float, int), require(imag, float, int))


def size_of(sizes: Any = ()) -> Size:
    """The shape of a tensor."""
    check_sizes(tuple(require(sizes, tuple, list)))
    return Size(sizes)


def device_of(name: Any, index: Any = None) -> device:
    """A device."""
    if index is not None:
        require(index, int)
    return device(require(name, str), index)


def layout_of(name: Any) -> Any:
    """A layout."""
    if require(name, str) != "torch.strided":
        raise DamagedFileError(f"it names the layout {name!r:.40}, which is not known here")
    return strided


# ---- NumPy's ----


def numpy_type(code: Any, align: Any = False, copy: Any = True) -> np.dtype[Any]:
    """A NumPy type of numbers or text."""
    kind = np.dtype(code) if require(code, str).isalnum() else None
    if kind is None or kind.kind not in "biufcSU" or not kind.itemsize:
        raise DamagedFileError(f"it holds a NumPy array of type {code!r:.40}")
    return kind


def numpy_array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    """An array yet to be filled."""
    if cls is not NUMPY_ARRAY:
        raise DamagedFileError("a NumPy array of another class")
    return np.empty(0, np.uint8)


def numpy_scalar(kind: Any, content: Any) -> Any:
    """A NumPy number."""
    if len(require(content, bytes)) != require(kind, np.dtype).itemsize:
        raise DamagedFileError(f"a NumPy number of type {kind} has {len(content)} bytes")
    return np.frombuffer(content, kind)[0]


class _NumpyArray:
    """Stands for numpy.ndarray in a pickle; not to be called."""


NUMPY_ARRAY = _NumpyArray()
REBUILD = (rebuild_tensor, rebuild_tensor_v3, rebuild_parameter)

TABLE: dict[str, Any] = {
    "builtins.bytearray": byte_array,
    "builtins.complex": complex_of,
    "builtins.set": set_of,
    "_codecs.encode": bytes_of_text,
    "collections.Counter": counter,
    "collections.OrderedDict": ordered_dict,
    "torch.Size": size_of,
    "torch.Tensor": Tensor,
    "torch.device": device_of,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.serialization._get_layout": layout_of,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter,
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch.storage.UntypedStorage": StorageType(None),
    "torch.UntypedStorage": StorageType(None),
    "numpy.dtype": numpy_type,
    "numpy.ndarray": NUMPY_ARRAY,
}
for _name, _dtype in STORAGES.items():
    TABLE[f"torch.{_name}"] = StorageType(_dtype)
for _dtype in ALL:
    TABLE[f"torch.{_dtype.name}"] = _dtype
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    TABLE[f"{_module}._reconstruct"] = numpy_array
    TABLE[f"{_module}.scalar"] = numpy_scalar
