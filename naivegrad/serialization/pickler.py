"""The writer of pickles that PyTorch reads, and `unpickle.py`."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np

from naivegrad.device import device
from naivegrad.dtype import ALL, dtype, from_numpy
from naivegrad.layout import layout
from naivegrad.nn.parameter import Parameter
from naivegrad.serialization.objects import STORAGES
from naivegrad.size import Size
from naivegrad.storage import bytes_of, owner_of
from naivegrad.tensor import Tensor

PROTOCOL = 2  # PyTorch's


class Name:
    """A name of PyTorch's, to be written as it is: there need be no such module here."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *arguments: Any) -> None:
        """`pickle` wants what it writes a call of to be callable."""
        raise TypeError(f"{self.module}.{self.name} is only a name")


TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
PARAMETER_WITH_STATE = Name("torch._utils", "_rebuild_parameter_with_state")
FROM_TYPE = Name("torch._tensor", "_rebuild_from_type_v2")
DEVICE = Name("torch", "device")
SIZE = Name("torch", "Size")
LAYOUT = Name("torch.serialization", "_get_layout")
DTYPES = {kind: Name("torch", kind.name) for kind in ALL}
STORAGE_NAMES = {kind: Name("torch", name) for name, kind in STORAGES.items()}
CLASSES = {Tensor: Name("torch", "Tensor"), Parameter: Name("torch.nn.parameter", "Parameter")}


class Storage:
    """Memory that goes beside the pickle; one object for one stretch of memory."""

    def __init__(self, array: np.ndarray, kind: dtype, key: str, place: str) -> None:
        self.array = array
        self.kind = kind
        self.key = key
        self.place = place


class Pickler(pickle._Pickler):  # the one written in Python: its `save_global` can be replaced
    """Writes a value, and gathers the memory of its tensors in `storages`."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, PROTOCOL)
        self.storages: dict[int, Storage] = {}  # by the id of the owner
        self.owners: list[np.ndarray] = []  # which keeps these ids true

    def persistent_id(self, obj: Any) -> Any:
        """What stands for memory in the pickle."""
        if type(obj) is not Storage:
            return None
        count = obj.array.size // obj.kind.itemsize
        return "storage", STORAGE_NAMES[obj.kind], obj.key, obj.place, count

    def reducer_override(self, obj: Any) -> Any:
        """How our types are written: (function, arguments)."""
        if isinstance(obj, Tensor):
            return self._tensor(obj)
        if isinstance(obj, device):
            return DEVICE, (obj.type,) if obj.index is None else (obj.type, obj.index)
        if isinstance(obj, Size):
            return SIZE, (tuple(obj),)
        if isinstance(obj, layout):
            return LAYOUT, (f"torch.{repr(obj).rpartition('.')[2]}",)
        if isinstance(obj, (Name, dtype)) or (isinstance(obj, type) and obj in CLASSES):
            return ""  # a name: see save_global
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """A name; PyTorch's are not looked up."""
        if isinstance(obj, dtype):
            obj = DTYPES[obj]
        elif isinstance(obj, type) and obj in CLASSES:
            obj = CLASSES[obj]
        if type(obj) is not Name:
            super().save_global(obj, name)
        elif id(obj) in self.memo:
            self.write(self.get(self.memo[id(obj)][0]))
        else:
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            self.memoize(obj)

    def _tensor(self, x: Tensor) -> tuple[Name, tuple[Any, ...]]:
        state = {k: v for k, v in vars(x).items() if k != "tangent"}
        if type(x) is Parameter:
            parts = x.data, x.requires_grad, OrderedDict()
            return (PARAMETER_WITH_STATE, (*parts, state)) if state else (PARAMETER, parts)
        if not x.is_leaf:
            raise RuntimeError(
                f"save: a tensor of shape {x.array.shape} is the result of an operation, whose "
                "history cannot be saved; save its detach()"
            )
        array = x.backend.to_numpy(x.array)
        if not _fits(array):
            array = np.array(array, order="C")
        storage = self._storage(array, str(x.device))
        begin = (array.ctypes.data - storage.array.ctypes.data) // array.itemsize
        strides = tuple([n // array.itemsize for n in array.strides])
        parts = (storage, begin if array.size else 0, array.shape, strides, x.requires_grad,
                 OrderedDict())  # fmt: skip
        if type(x) is Tensor and not state:
            return TENSOR, parts
        return FROM_TYPE, (TENSOR, type(x), parts, state)

    def _storage(self, array: np.ndarray, place: str) -> Storage:
        """The memory that an array lies in: one for all that lie in it."""
        owner, kind = owner_of(array), from_numpy(array.dtype)
        storage = self.storages.get(id(owner))
        if storage is None:
            memory = bytes_of(owner)
            whole = memory[: memory.size // array.itemsize * array.itemsize]
            storage = Storage(whole, kind, str(len(self.storages)), place)
            self.storages[id(owner)] = storage
            self.owners.append(owner)
        elif storage.kind is not kind:
            raise ValueError(
                f"save: two tensors share memory, of type {storage.kind} and {kind}; PyTorch's "
                "files cannot hold that: save a clone() of one of them"
            )
        return storage


def _fits(array: np.ndarray) -> bool:
    """Whether PyTorch knows such an order: whole steps forward, from a whole step on."""
    memory = bytes_of(array)
    begin = array.ctypes.data - memory.ctypes.data if array.size else 0
    return begin % array.itemsize == 0 and all(
        n >= 0 and n % array.itemsize == 0 for n in array.strides
    )
