"""`torch.utils.tensorboard`: numbers over the steps of a training, for TensorBoard to show.

A file of events is a row of records: the length of the data (uint64), its checksum, the data, its
checksum, all little-endian; the data are messages of Protocol Buffers.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from naivegrad.missing import explain as _explain
from naivegrad.missing import lookup as _lookup

__all__ = ["SummaryWriter"]

_files = itertools.count()


class SummaryWriter:
    """Writes scalars to a file that TensorBoard reads.

    Parameters
    ----------
    log_dir
        The folder, made if it is not there; by default runs/<date>_<host><comment>.
    comment
        What to put behind the default folder's name.
    purge_step, max_queue, flush_secs
        Accepted for PyTorch's sake: every event is handed to the system at once.
    filename_suffix
        What to put behind the file's name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
    ...     for step in range(3):
    ...         writer.add_scalar("loss", 1 / (step + 1), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        host = socket.gethostname()
        if not log_dir:
            log_dir = Path("runs", time.strftime("%b%d_%H-%M-%S_") + host + comment)
        self.log_dir = os.fspath(log_dir)
        self._suffix = filename_suffix
        self._others: dict[str, SummaryWriter] = {}
        folder = Path(log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{int(time.time()):010d}.{host}.{os.getpid()}.{next(_files)}{filename_suffix}"
        self._file = folder.joinpath(f"events.out.tfevents.{name}").open("ab", buffering=0)
        self._write(_field(3, b"brain.Event:2"), 0, None)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Write a number under a name.

        The last two arguments choose another encoding of the same number in PyTorch, and nothing
        here.
        """
        value = _field(1, tag.encode()) + b"\x15" + struct.pack("<f", float(scalar_value))
        self._write(_field(5, _field(1, value)), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Write several numbers that belong into one chart, each to a folder of its own below."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if folder not in self._others:
                self._others[folder] = SummaryWriter(folder, filename_suffix=self._suffix)
            self._others[folder].add_scalar(main_tag, value, global_step, walltime)

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def flush(self) -> None:
        """Does nothing: every event is handed to the system at once."""

    def close(self) -> None:
        """Close the files."""
        for writer in (self, *self._others.values()):
            writer._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("add_"):
            raise NotImplementedError(
                f"SummaryWriter.{name}: only scalars are written (add_scalar, add_scalars)"
            )
        raise _explain("SummaryWriter", name, dir(self))

    def _write(self, what: bytes, step: int | None, walltime: float | None) -> None:
        """Append an event: the time, the step, and what happened."""
        when = time.time() if walltime is None else walltime
        number = b"" if step is None else b"\x10" + _varint(int(step) % 2**64)
        event = b"\x09" + struct.pack("<d", when) + number + what
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _varint(number: int) -> bytes:
    """7 bits a byte, the lowest first; the top bit says that more follow."""
    pieces = bytearray()
    while number > 127:
        pieces.append(number & 127 | 128)
        number >>= 7
    pieces.append(number)
    return bytes(pieces)


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes, text or a message: its number and kind (2), its length, the data."""
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _crc32c(data: bytes) -> int:
    """Castagnoli's cyclic redundancy check (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_TABLE = [_remainder(byte) for byte in range(256)]


def _checksum(data: bytes) -> bytes:
    """The check as records hold it: turned by 15 bits, plus a constant."""
    crc = _crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


__getattr__ = _lookup(__name__)
