"""The zip archive that PyTorch keeps tensors in.

    NAME/data.pkl       what the tensors are part of, as a pickle; where a tensor's memory belongs
                        stands ("storage", type, key, location, number of elements)
    NAME/data/KEY       that memory, to the byte
    NAME/byteorder      "little" or "big"
    NAME/version        "3"

Nothing in an archive is compressed, and what an entry holds begins at a multiple of 64 bytes, so
that the file can be mapped into memory.
"""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from naivegrad.io.safetensors import DamagedFileError

ALIGNMENT = 64
FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError,
          KeyError, IndexError, OverflowError, RuntimeError)  # fmt: skip  # all that zipfile raises


class Archive:
    """An archive to read: every size in it is compared with that of the file.

    Parameters
    ----------
    file : binary file      that can seek
    mapped : path           map this file into memory instead of reading; None: read
    """

    def __init__(self, file: IO[bytes], mapped: str | os.PathLike[str] | None = None) -> None:
        self.file = file
        size = file.seek(0, os.SEEK_END)
        try:
            self.zip = zipfile.ZipFile(file)
        except FAULTS as error:
            cut = not zipfile.is_zipfile(file)  # which looks for the list
            why = "it is cut short, the list of its entries is missing" if cut else error
            raise DamagedFileError(f"the archive cannot be read: {why}") from None
        self.entries = {info.filename: info for info in self.zip.infolist()}
        self.folder = self._folder()
        for info in self.entries.values():
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise DamagedFileError(f"its entry {info.filename!r} is compressed or encrypted")
        if sum(info.file_size for info in self.zip.infolist()) > size:
            raise DamagedFileError(f"its entries claim more than the {size} bytes of the file")
        self.mapped = mapped
        order = self.read("byteorder") if self.has("byteorder") else b"little"
        self.swapped = order.decode("latin1") != sys.byteorder

    def _folder(self) -> str:
        """The name before the slash; an error if the archive is another program's."""
        names = [name for name in self.entries if name.endswith("/data.pkl")]
        code = any("/code/" in name or name.endswith("/constants.pkl") for name in self.entries)
        if code:
            raise DamagedFileError("it is a TorchScript program, not weights; only PyTorch runs it")
        if len(names) != 1 or names[0].count("/") != 1:
            raise DamagedFileError("it is a zip archive, but not one of tensors: no data.pkl")
        return names[0].partition("/")[0]

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return f"{self.folder}/{name}" in self.entries

    def _info(self, name: str) -> zipfile.ZipInfo:
        if not self.has(name):
            raise DamagedFileError(f"its entry {name!r} is missing")
        return self.entries[f"{self.folder}/{name}"]

    def read(self, name: str) -> bytes:
        """What an entry holds; compared with its checksum."""
        return self._fill(self._info(name)).tobytes()

    def array(self, name: str) -> np.ndarray:
        """What an entry holds, as flat bytes to be changed at will."""
        info = self._info(name)
        if self.mapped is None or not info.file_size:
            return self._fill(info)
        return self._map(self.mapped, info)

    def _begin(self, info: zipfile.ZipInfo) -> int:
        """Where in the file an entry is. Its local header repeats the name, and pads."""
        if info.header_offset < 0:
            raise DamagedFileError(f"its entry {info.filename!r} begins before the file")
        self.file.seek(info.header_offset + 26)
        lengths = self.file.read(4).ljust(4, b"\0")
        return info.header_offset + 30 + sum(struct.unpack("<HH", lengths))

    def _fill(self, info: zipfile.ZipInfo) -> np.ndarray:
        """Read an entry into memory at one go, which `zipfile` does not."""
        array = np.empty(info.file_size, np.uint8)
        self.file.seek(self._begin(info))
        at = 0
        while at < len(array):
            n = self.file.readinto(array[at:].data)  # type: ignore[attr-defined]
            if not n:
                raise DamagedFileError(f"its entry {info.filename!r} is cut short")
            at += n
        if zlib.crc32(array.data) != info.CRC:
            raise DamagedFileError(f"its entry {info.filename!r} is damaged: wrong checksum")
        return array

    def _map(self, path: str | os.PathLike[str], info: zipfile.ZipInfo) -> np.ndarray:
        begin = self._begin(info)
        try:
            part = np.memmap(path, np.uint8, "c", begin, (info.file_size,))  # changes stay private
        except (ValueError, OSError) as error:
            raise DamagedFileError(f"its entry {info.filename!r} is cut short: {error}") from None
        # Only whole numbers that begin where they may can be computed with.
        return np.array(part) if begin % 16 else np.asarray(part)


def write_archive(
    file: IO[bytes], folder: str, head: bytes, storages: Mapping[str, np.ndarray]
) -> None:
    """Write an archive: the pickle `head`, and flat bytes by their key."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        records: list[tuple[str, Any]] = [
            ("data.pkl", head),
            ("byteorder", sys.byteorder.encode()),
            *((f"data/{key}", array.data) for key, array in storages.items()),
            ("version", b"3\n"),
        ]
        for name, content in records:
            info = zipfile.ZipInfo(f"{folder}/{name}")  # of no time: the same state, the same bytes
            info.file_size = len(content)
            large = info.file_size >= 1 << 30  # room for sizes of 8 bytes, well before they are due
            begin = file.tell() + 30 + len(info.filename.encode()) + 4 + 20 * large
            padding = -begin % ALIGNMENT
            info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
            with archive.open(info, "w", force_zip64=large) as entry:
                entry.write(content)
