"""The IDX file format, in which MNIST and its relatives are distributed.

    2 bytes   0 0
    1 byte    item type: 0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32, 0x0D float32, 0x0E float64
    1 byte    number of dimensions
    4 bytes   size of each dimension, big-endian
    the rest  the items, big-endian, C order

Files may be compressed with gzip. A file from elsewhere is not believed: never more is read than
its header announces and the caller allows, however much a compressed file would unpack to.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from naivegrad.io.atomic import atomic_write
from naivegrad.io.safetensors import DamagedFileError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str], max_bytes: int = 1 << 28) -> np.ndarray:
    """Read one array from an IDX file, raw or compressed with gzip (told by its content).

    Parameters
    ----------
    path : path
        The file.
    max_bytes : int
        The largest array accepted.

    Returns
    -------
    ndarray
        In this machine's byte order, writable.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFileError
        If it is not an IDX file, shorter or longer than its header says, over `max_bytes`, or
        breaks off inside its compressed data. The message names the file.
    """
    path = Path(path)
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            if packed:
                with gzip.open(raw) as unpacked:
                    return _read(unpacked, path, max_bytes)
            return _read(raw, path, max_bytes)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedFileError(f"{path}: the compressed data is damaged: {error}") from None


def write_idx(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write one array as an IDX file, compressed if the name ends in .gz; all or nothing."""
    kinds = {dtype: kind for kind, dtype in DTYPES.items()}
    big = np.asarray(array, array.dtype.newbyteorder(">"), order="C")
    name = ">" + big.dtype.str[1:]
    if name not in kinds:
        raise TypeError(f"write_idx: dtype {array.dtype} has no place in an IDX file")
    head = bytes([0, 0, kinds[name], array.ndim])
    head += b"".join(size.to_bytes(4, "big") for size in array.shape)
    data = head + big.tobytes()
    if str(path).endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)  # no time of day: the same array, the same bytes
    with atomic_write(path) as file:
        file.write(data)


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, max_bytes: int) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in DTYPES or head[3] == 0:
        raise DamagedFileError(f"{path}: not an IDX file (it begins with {head.hex(' ')!r})")
    dtype, ndim = np.dtype(DTYPES[head[2]]), head[3]
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise DamagedFileError(f"{path}: cut short inside its header")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, 4 * ndim, 4))
    nbytes = math.prod(shape) * dtype.itemsize
    if ndim > 8 or nbytes > max_bytes:
        raise DamagedFileError(
            f"{path}: its header announces an array of shape {shape}, over {max_bytes} bytes"
        )
    data = bytearray()  # grows with what is really there: a lying header costs no memory
    while len(data) < nbytes:
        chunk = file.read(min(CHUNK, nbytes - len(data)))
        if not chunk:
            raise DamagedFileError(
                f"{path}: cut short: shape {shape} takes {nbytes} bytes, only {len(data)} are there"
            )
        data += chunk
    if file.read(1):  # for gzip this also compares the checksum at the end
        raise DamagedFileError(f"{path}: longer than the {nbytes} bytes its shape {shape} takes")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
