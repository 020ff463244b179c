"""The safetensors file format: named arrays behind a JSON header; reading executes nothing.

    8 bytes        length of the header, little-endian unsigned
    header         {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
                    "__metadata__": {"any": "text"}}
    the rest       the arrays, little-endian, C order, without gaps

A file comes from anywhere, so nothing in it is believed: every length is compared with the file's
real size before memory is asked for.

Reference: https://huggingface.co/docs/safetensors
"""

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import ml_dtypes
import numpy as np

from naivegrad.io.atomic import atomic_write

MAX_HEADER = 100_000_000  # bytes; the bound of the reference implementation
MAX_DIMS = 64  # NumPy's own bound
ALIGNMENT = 8  # the header is padded with spaces so that the arrays begin aligned

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "C64": np.dtype("<c8"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class DamagedFileError(ValueError):
    """A file is not what its name or its header says. The message is a sentence naming the file."""


def save_arrays(
    arrays: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write NumPy arrays under their names, all or nothing.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Bool, integer, floating and complex64 arrays of any shape; stored in C order, little-endian.
    path : path
        The file to make or to replace, in one step (`atomic_write`).
    metadata : mapping of str to str, optional
        Text kept beside the arrays.

    Raises
    ------
    TypeError
        If a name or a metadata entry is not text, or a dtype has no place in the format.
    OSError
        If the file cannot be written; what stood at `path` is still there.
    """
    header: dict[str, Any] = {}
    if metadata:
        for key, value in metadata.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError(f"save_arrays: metadata must be text, got {key!r}: {value!r}")
        header["__metadata__"] = dict(metadata)
    little: list[np.ndarray] = []
    end = 0
    # The widest items first, as the reference does: each array then begins at a multiple of its
    # item size, and the file can be mapped into memory.
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        if not isinstance(name, str) or name == "__metadata__":
            raise TypeError(f"save_arrays: {name!r} cannot be the name of an array")
        dtype = array.dtype.newbyteorder("<")
        if dtype not in NAMES:
            raise TypeError(
                f"save_arrays: {name!r} has dtype {array.dtype}, which has no place here"
            )
        # ascontiguousarray would turn a 0-d array into a 1-d one
        array = np.asarray(array, dtype=dtype, order="C")
        little.append(_little_bfloat16(array) if NAMES[dtype] == "BF16" else array)
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": NAMES[dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise ValueError(f"save_arrays: the header would take {len(text)} bytes, over {MAX_HEADER}")
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for array in little:
            file.write(array.reshape(-1).view(np.uint8).data)


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read every array of a file, and its metadata.

    Parameters
    ----------
    path : path
        A safetensors file, ours or another program's.

    Returns
    -------
    (dict of str to ndarray, dict of str to str)
        Fresh, writable arrays in the order of the file's header, and the metadata.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFileError
        If the file breaks the format in any way: the message names the file and the fault.
    """
    path = Path(path)
    with open(path, "rb") as file:
        return read_arrays(file, path)


def read_arrays(file: IO[bytes], path: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """`load_arrays` of an open file; `path` is its name in errors."""
    header, base, size = _read_header(file, path)
    metadata = _checked_metadata(header.pop("__metadata__", {}), path)
    entries = {name: _checked_entry(name, entry, path) for name, entry in header.items()}
    _check_layout(entries, size - base, path)
    arrays = {}
    start = file.tell() - base
    for name, (dtype_name, shape, begin, end) in entries.items():
        array = np.empty(shape, DTYPES[dtype_name])
        file.seek(start + base + begin)
        if file.readinto(array.reshape(-1).view(np.uint8).data) != end - begin:  # type: ignore[attr-defined]
            raise DamagedFileError(f"{path}: the file became shorter while it was read")
        arrays[name] = _native(array, dtype_name, name, path)
    return arrays, metadata


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the metadata alone: the arrays stay on the disk.

    Raises
    ------
    FileNotFoundError, DamagedFileError
        As `load_arrays`.
    """
    path = Path(path)
    with open(path, "rb") as file:
        header, _, _ = _read_header(file, path)
    return _checked_metadata(header.get("__metadata__", {}), path)


# ---- nothing below believes what it reads ----


def _read_header(file: IO[bytes], path: Path) -> tuple[dict[str, Any], int, int]:
    """The header, where the arrays begin, and the size of the file."""
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    if size < 8:
        raise DamagedFileError(f"{path}: {size} bytes are too few for a safetensors file")
    length = int.from_bytes(file.read(8), "little")
    if length > min(MAX_HEADER, size - 8):
        raise DamagedFileError(
            f"{path}: not a safetensors file, or cut short (it claims a header of {length} bytes, "
            f"the whole file has {size})"
        )
    text = file.read(length)
    if not text.startswith(b"{"):
        raise DamagedFileError(f"{path}: not a safetensors file (its header is not a JSON object)")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError too
        raise DamagedFileError(f"{path}: the header cannot be read: {error}") from None
    return header, 8 + length, size


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} appears twice")
    return result


def _checked_metadata(metadata: Any, path: Path) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise DamagedFileError(f"{path}: __metadata__ must map text to text")
    return metadata


def _checked_entry(name: str, entry: Any, path: Path) -> tuple[str, tuple[int, ...], int, int]:
    """One entry of the header as (dtype name, shape, start, end), with its sizes consistent."""

    def refuse(fault: str) -> DamagedFileError:
        return DamagedFileError(f"{path}: array {name!r}: {fault}")

    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise refuse("its entry must have dtype, shape and data_offsets, and nothing else")
    dtype_name, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype_name, str) or dtype_name not in DTYPES:
        raise refuse(f"dtype {dtype_name!r} is not known here")
    if not _are_sizes(shape) or len(shape) > MAX_DIMS:
        raise refuse("its shape is not a short list of sizes")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise refuse("its data_offsets are not two sizes")
    start, end = offsets
    nbytes = math.prod(shape) * DTYPES[dtype_name].itemsize
    if end - start != nbytes:
        raise refuse(
            f"shape {tuple(shape)} of {dtype_name} takes {nbytes} bytes, "
            f"its data_offsets span {end - start}"
        )
    # beside a size of 0 another one can be absurd at no cost in bytes
    if math.prod(size or 1 for size in shape) * DTYPES[dtype_name].itemsize > sys.maxsize:
        raise refuse(f"shape {tuple(shape)} is too large")
    return dtype_name, tuple(shape), start, end


def _are_sizes(value: Any) -> bool:
    """A list of integers >= 0; True and False are not integers here."""
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _check_layout(
    entries: dict[str, tuple[str, tuple[int, ...], int, int]], room: int, path: Path
) -> None:
    """The arrays fill the rest of the file exactly: no gap, no overlap, nothing behind the last."""
    end = 0
    for name, (_, _, start, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if start != end:
            kind = "overlaps the array before it" if start < end else "leaves a gap before it"
            raise DamagedFileError(
                f"{path}: array {name!r} {kind} (offset {start}, expected {end})"
            )
        end = stop
    if end != room:
        state = "cut short" if end > room else "followed by unknown bytes"
        raise DamagedFileError(f"{path}: {state}: the arrays take {end} bytes, {room} are there")


def _little_bfloat16(array: np.ndarray) -> np.ndarray:
    """From the machine's byte order, the only one that ml_dtypes has, to little-endian, or back."""
    return array if sys.byteorder == "little" else array.view("u2").byteswap().view(array.dtype)


def _native(array: np.ndarray, dtype_name: str, name: str, path: Path) -> np.ndarray:
    """The array in this machine's byte order; booleans that are 0 or 1."""
    if dtype_name == "BF16":
        return _little_bfloat16(array)
    if dtype_name == "BOOL" and array.size and array.reshape(-1).view(np.uint8).max() > 1:
        raise DamagedFileError(f"{path}: array {name!r}: a boolean is neither 0 nor 1")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
