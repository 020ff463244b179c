"""The files that PyTorch wrote before 1.6: pickles and memory, one after the other.

three pickles       a number that marks the format, its version, facts of the machine
one pickle          the value; its storages are ("storage", type, key, location, number of
                    elements, None)
one pickle          the keys of the storages, in the order in which they follow
each storage        its number of elements in 8 bytes, then its memory
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from naivegrad.io.safetensors import DamagedFileError
from naivegrad.serialization.objects import Memory, check_truth, require, storage_id
from naivegrad.serialization.unpickle import Unpickler

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


def is_legacy(data: bytes) -> bool:
    """Whether it begins as such a file does."""
    return MAGIC.to_bytes(10, "little") in data[:20]


def load_legacy(data: bytes, reader: Callable[..., Unpickler], locate: Any) -> Any:
    """The value in such a file.

    Parameters
    ----------
    data : bytes            the whole file
    reader : function       an Unpickler of (data, load_storage, position)
    locate : function       from memory and its location in the file to a device
    """
    position = claimed = 0
    memories: dict[str, Memory] = {}

    def no_storage(key: tuple[Any, ...]) -> Any:
        raise DamagedFileError("the head of the file refers to a storage")

    def value(load_storage: Callable[[tuple[Any, ...]], Any] = no_storage) -> Any:
        nonlocal position
        unpickler = reader(data, load_storage, position)
        result = unpickler.load()
        position = unpickler.position
        return result

    def load_storage(key: tuple[Any, ...]) -> Memory:
        """Room for a storage, which stands behind the pickle."""
        nonlocal claimed
        kind, name, location, count = storage_id(key, 6)
        if key[5] is not None or kind is None:
            raise DamagedFileError("it has views of storages, which only older versions wrote")
        if name not in memories:
            nbytes = count * kind.itemsize
            claimed += nbytes
            if nbytes < 0 or claimed > len(data):
                raise DamagedFileError(f"the storage {name!r} claims {nbytes} bytes")
            array = np.zeros(nbytes, np.uint8)
            memories[name] = Memory(array, kind, [0], locate(array, location), name)
            if memories[name].device is not None:
                raise DamagedFileError("files older than PyTorch 1.6 are read to the CPU only")
        return memories[name]

    if value() != MAGIC or value() != VERSION:
        raise DamagedFileError("it is of a version of PyTorch that is not known here")
    if not require(value(), dict).get("little_endian", True):
        raise DamagedFileError("it was written on a big-endian machine")
    result = value(load_storage)
    keys = [require(key, str) for key in require(value(), list)]
    if sorted(keys) != sorted(memories):
        raise DamagedFileError("the storages that it lists are not those of its tensors")
    for name in keys:
        memory = memories[name]
        end = position + 8 + memory.array.size
        if end > len(data):
            raise DamagedFileError(f"the storage {name!r} is cut short")
        count = int.from_bytes(data[position : position + 8], "little")
        if count * memory.dtype.itemsize != memory.array.size:
            raise DamagedFileError(f"the storage {name!r} has {count} elements, not as many as its "
                                   f"tensors say")  # fmt: skip
        memory.array[:] = np.frombuffer(data, np.uint8, memory.array.size, position + 8)
        check_truth(memory)
        position = end
    return result
