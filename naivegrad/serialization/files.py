"""`save` and `load`: any state, in safetensors files or in PyTorch's."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from naivegrad.device import backend_of, device
from naivegrad.dtype import bool_
from naivegrad.io.atomic import atomic_write
from naivegrad.io.checkpoint import read_state, save_checkpoint
from naivegrad.io.safetensors import DamagedFileError
from naivegrad.serialization.allowed import allowed
from naivegrad.serialization.archive import Archive, write_archive
from naivegrad.serialization.legacy import is_legacy, load_legacy
from naivegrad.serialization.objects import Memory, check_truth, finder, storage_id
from naivegrad.serialization.pickler import Pickler
from naivegrad.serialization.unpickle import Unpickler
from naivegrad.storage import UntypedStorage

File = str | os.PathLike[str] | IO[bytes]
NATIVE = ".safetensors"


def save(
    obj: Any,
    f: File,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write state to a file that `load` reads, all or nothing.

    A name that ends in .safetensors makes a safetensors file: values, in nested dicts, lists and
    tuples (`io.save_checkpoint`). Every other name (.pt, .pth ...) and a file object make a file in
    PyTorch's format, which `torch.load` reads: it keeps also which tensors share memory, strides,
    requires_grad and Parameters, dtypes and devices, and objects of your classes.

    Parameters
    ----------
    obj : nested dicts, lists, tuples, tensors, numbers, text ...
        Usually what `state_dict()` of modules and optimizers gives. A whole module can be saved
        too; to load it, its classes have to be allowed by name (`serialization.safe_globals`).
    f : path or binary file object
        What is at a path stays until the new file is complete. A file object is written as it is.
    pickle_module, pickle_protocol, _disable_byteorder_record : accepted, without effect

    Raises
    ------
    TypeError
        If something in obj cannot be saved: a function without a name, an open file ...
    RuntimeError
        If a tensor in it is the result of an operation, and records how it was made.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import io
    >>> import naivegrad as ng
    >>> file = io.BytesIO()
    >>> ng.save({"w": ng.ones(2), "epoch": 3}, file)
    >>> ng.load(io.BytesIO(file.getvalue()))
    {'w': tensor([1., 1.]), 'epoch': 3}
    """
    if pickle_module is not pickle:
        raise ValueError("save: a pickle_module of your own is not possible")
    if not _use_new_zipfile_serialization:
        raise ValueError("save: the format older than PyTorch 1.6 is read, but not written")
    if not _is_file(f):
        path = _path(f, "save")
        if path.suffix == NATIVE:
            save_checkpoint(path, obj)
            return
        head, storages = _pickled(obj)
        with atomic_write(path) as file:
            write_archive(file, path.stem, head, storages)
    else:
        write_archive(f, "archive", *_pickled(obj))  # type: ignore[arg-type]


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Read what `save` or `torch.save` wrote. No code of the file is run.

    The format is told by the content: safetensors, PyTorch's zip archives (.pt, .pth ...), and its
    older files.

    Parameters
    ----------
    f : path or binary file object
    map_location : None, str, device, dict or function
        Where the tensors go. A dict maps the places that the file names to others; a function of
        (storage, place) returns the storage, which leaves it on the CPU, or None.
    weights_only : bool
        True and False do the same: tensors, numbers, text and containers of them are read, with the
        classes that `serialization.safe_globals` allows; everything else is refused by name.
    mmap : bool
        Map a file of PyTorch's into memory, and read its tensors when they are used.
    encoding : str
        Of the text in files that Python 2 wrote; "bytes" leaves it as bytes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnsafeFileError
        If the file names what only running code could give. The message names it.
    DamagedFileError
        If it is cut short, changed, or none of these formats; the message names the entry.
    RuntimeError
        If a tensor belongs on a device that is not here: give map_location="cpu".
    """
    if pickle_module is not None and pickle_module is not pickle:
        raise ValueError("load: a pickle_module of your own is not possible; no code is run")
    if _is_file(f):
        if mmap:
            raise ValueError("load: mmap needs the name of a file, not a file object")
        return _load(f, getattr(f, "name", "the file object"), map_location, None, encoding)  # type: ignore[arg-type]
    path = _path(f, "load")
    with open(path, "rb") as file:
        return _load(file, path, map_location, path if mmap else None, encoding)


def _load(file: IO[bytes], name: Any, map_location: Any, mapped: Path | None, encoding: str) -> Any:
    """`_read`; what is wrong with the file is said with its name."""
    try:
        return _read(file, name, map_location, mapped, encoding)
    except DamagedFileError as error:
        if str(error).startswith(str(name)):
            raise
        raise type(error)(f"{name}: {error}") from error.__cause__  # one traceback


def _read(file: IO[bytes], name: Any, map_location: Any, mapped: Path | None, encoding: str) -> Any:
    """The value in an open file of any of the formats."""
    locate = _locator(map_location)
    classes = allowed()

    def reader(data: bytes, load_storage: Any, position: int = 0) -> Unpickler:
        kinds = tuple([c for c in classes.values() if isinstance(c, type)])
        return Unpickler(data, finder(classes), load_storage, kinds, encoding, position)

    start = file.tell()
    head = file.read(32)
    file.seek(start)
    if not head:
        raise DamagedFileError("there is nothing to read; after writing to a file object, seek(0)")
    if head.startswith(b"PK"):
        return _load_archive(Archive(file, mapped), reader, locate)
    if mapped is not None:
        raise ValueError("load: mmap is for PyTorch's zip archives")
    if is_legacy(head):
        return load_legacy(file.read(), reader, locate)
    if head[8:9] == b"{":
        return read_state(file, name, locate(None, "cpu"))
    raise DamagedFileError("neither a safetensors file nor one of PyTorch's")


def _load_archive(archive: Archive, reader: Any, locate: Any) -> Any:
    memories: dict[str, Memory] = {}

    def load_storage(key: tuple[Any, ...]) -> Memory:
        kind, name, place, count = storage_id(key, 5)
        entry = f"data/{name}"
        if entry not in memories:
            array = archive.array(entry)
            if archive.swapped and kind is not None and kind is not bool_:
                array = _swap(array, kind.itemsize // (1 + kind.is_complex))
            memories[entry] = Memory(array, kind, [0], locate(array, place), entry)
            check_truth(memories[entry])
        memory = memories[entry]
        if memory.dtype is not kind or memory.array.size != count * (kind.itemsize if kind else 1):
            raise DamagedFileError(
                f"its entry {entry!r} has {memory.array.size} bytes, not {count} elements of "
                f"{kind.name if kind else 'one byte'}"
            )
        return memory

    return reader(archive.read("data.pkl"), load_storage).load()


def _swap(array: Any, width: int) -> Any:
    """Bytes of the other byte order."""
    if array.size % width:
        raise DamagedFileError(f"{array.size} bytes hold no whole numbers of {width} bytes")
    return array.view(f"u{width}").byteswap().view("u1")


def _locator(map_location: Any) -> Callable[[Any, Any], Any]:
    """The function from (memory, its place in the file) to a device; None: the CPU."""

    def locate(memory: Any, place: Any) -> Any:
        if isinstance(map_location, dict):
            wish = map_location.get(place, place)
        elif callable(map_location):
            try:
                moved = map_location(UntypedStorage(memory), place)
            except Exception as error:  # not the file's fault
                raise RuntimeError(f"load: map_location failed for {place!r:.40}") from error
            if moved is not None and not isinstance(moved, UntypedStorage):
                raise RuntimeError(f"load: map_location returned a {type(moved).__name__}")
            wish = place if moved is None else moved.device
        else:
            wish = place if map_location is None else map_location
        try:
            target = device(wish)
        except ValueError:
            raise DamagedFileError(f"a tensor belongs on {wish!r:.40}, no device") from None
        if target.type == "cpu":
            return None
        try:
            backend_of(target)
        except RuntimeError as error:
            raise RuntimeError(
                f"load: a tensor belongs on {str(target)!r}, but {error}; map_location='cpu' reads "
                "it to the CPU"
            ) from None
        return target

    if map_location is not None and not callable(map_location):
        for wish in map_location.values() if isinstance(map_location, dict) else [map_location]:
            device(wish)  # a mistake in the argument is the caller's, not the file's
    return locate


def _pickled(obj: Any) -> tuple[bytes, dict[str, Any]]:
    """A value as a pickle, and the memory of its tensors by key."""
    buffer = io.BytesIO()
    pickler = Pickler(buffer)
    try:
        pickler.dump(obj)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"save: {error}") from error
    except RecursionError:
        raise ValueError("save: the values are nested too deeply") from None
    return buffer.getvalue(), {s.key: s.array for s in pickler.storages.values()}


def _is_file(f: Any) -> bool:
    return hasattr(f, "read") or hasattr(f, "write")


def _path(f: Any, op: str) -> Path:
    if not isinstance(f, str | os.PathLike):
        raise TypeError(f"{op}: expects a path or a binary file object, got {type(f).__name__}")
    return Path(f)
