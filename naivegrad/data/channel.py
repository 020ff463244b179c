"""A connection between two processes in which arrays travel through shared memory.

A message is pickled with its arrays left out (pickle protocol 5). Pickle and arrays are laid one
after the other into a block:

    number of parts | size of each part | the pickle | array 0 | array 1 | ...

A small block is sent as it is. A large one is written into an anonymous file in memory, and what
is sent is the right to open it: the receiver maps the file, and the arrays of the message lie in
the mapping, without a copy. The file never has a name, so nothing is left behind whoever dies.
"""

import array
import contextlib
import ctypes
import io
import mmap
import os
import pickle
import socket
import struct
import weakref
from collections.abc import Sequence
from typing import Any, BinaryIO

from naivegrad.tensor import Tensor

SMALL = 1 << 15  # bytes: sent as they are
ALIGN = 64  # where an array may begin: a cache line

_HERE: "weakref.WeakSet[Channel]" = weakref.WeakSet()  # the ends that this process keeps


class Channel:
    """One end of a connection; messages arrive whole, or not at all."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @classmethod
    def pair(cls) -> "tuple[Channel, Channel]":
        """The end that this process keeps, and the one for another process."""
        here, there = map(cls, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        _HERE.add(here)
        return here, there

    def send(self, message: Any, wait: bool = True) -> None:
        """Send any object that can be pickled.

        Raises BlockingIOError if `wait` is False and the other side has too much to read, and a
        ConnectionError if the other side does not listen any more.
        """
        flags = 0 if wait else socket.MSG_DONTWAIT
        parts = _pack(message)
        if _starts([part.nbytes for part in parts])[-1] + parts[-1].nbytes <= SMALL:
            block = io.BytesIO()
            _write(block, parts)
            self._socket.send(block.getbuffer(), flags)
            return
        with open(os.memfd_create("naivegrad"), "wb") as file:
            _write(file, parts)
            file.flush()
            rights = array.array("i", [file.fileno()])
            self._socket.sendmsg(
                [b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], flags
            )  # fmt: skip

    def receive(self) -> Any:
        """The next message; an EOFError when all is read and the other side is gone."""
        data, ancillary = self._receive()
        if ancillary:
            file = array.array("i", ancillary[0][2])[0]
            try:
                return _unpack(_map(file))
            finally:
                os.close(file)
        if not data:
            raise EOFError("the other side is gone")
        return _unpack(memoryview(bytearray(data)))

    def _receive(self) -> Any:
        space, flags = socket.CMSG_SPACE(struct.calcsize("i")), socket.MSG_CMSG_CLOEXEC
        try:
            return self._socket.recvmsg(SMALL, space, flags)[:2]
        except ConnectionResetError:
            # The other side died with unread messages; what it had sent before is still to be read.
            return self._socket.recvmsg(SMALL, space, flags)[:2]

    def refuse(self) -> None:
        """Read nothing more: the other side gets a BrokenPipeError when it sends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def fileno(self) -> int:
        """The number of the file, to wait for several channels."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _hang_up() -> None:
    """After a fork: the child must not hold the parent's ends, or they would outlive the parent."""
    for channel in list(_HERE):
        channel.close()
    _HERE.clear()


os.register_at_fork(after_in_child=_hang_up)


class _Pickler(pickle.Pickler):
    """Pickles of a tensor its own values, not all of the memory that it is a view of."""

    def reducer_override(self, thing: Any) -> Any:
        if not isinstance(thing, Tensor):
            return NotImplemented
        rebuild, (cls, owner, place, version, where, requires_grad), rest = thing.__reduce_ex__(5)
        if owner.nbytes > thing.nbytes:
            owner = thing.numpy(force=True).copy(order="C")
            place = owner.dtype, owner.shape, owner.strides, 0
        return rebuild, (cls, owner, place, version, where, requires_grad), rest


def _pack(message: Any) -> list[memoryview]:
    """The pickle, and the arrays that were left out of it."""
    arrays: list[pickle.PickleBuffer] = []
    text = io.BytesIO()
    _Pickler(text, 5, buffer_callback=arrays.append).dump(message)
    return [text.getbuffer(), *(part.raw() for part in arrays)]


def _starts(sizes: Sequence[int]) -> list[int]:
    """Where each part begins in a block."""
    starts, end = [], 8 * (1 + len(sizes))
    for size in sizes:
        starts.append(-(-end // ALIGN) * ALIGN)
        end = starts[-1] + size
    return starts


def _write(file: BinaryIO, parts: Sequence[memoryview]) -> None:
    sizes = [part.nbytes for part in parts]
    file.write(struct.pack(f"{1 + len(sizes)}Q", len(sizes), *sizes))
    for part, start in zip(parts, _starts(sizes), strict=True):
        file.seek(start)
        file.write(part)


def _unpack(block: memoryview) -> Any:
    (n,) = struct.unpack_from("Q", block)
    sizes = struct.unpack_from(f"{n}Q", block, 8)
    parts = [block[start : start + size] for start, size in zip(_starts(sizes), sizes, strict=True)]
    return pickle.loads(parts[0], buffers=parts[1:])


_mmap = ctypes.CDLL(None, use_errno=True).mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
MAP_FIXED = 0x10  # in the place of what is mapped there; the module mmap has no name for it


def _map(file: int) -> memoryview:
    """The bytes of a file in memory, until nothing refers to them any more.

    `mmap.mmap` of the file would keep it open: whoever keeps a thousand batches would run out. So
    it makes room without a file, the file is mapped into that room, and the room is freed with its
    last user, in C: in a finalizer written in Python a Ctrl-C would be lost, as what it raises is.
    """
    size = os.fstat(file).st_size
    flags = mmap.MAP_SHARED | mmap.MAP_POPULATE | MAP_FIXED
    try:
        room = mmap.mmap(-1, size)
        address = ctypes.addressof(ctypes.c_char.from_buffer(room))
        if _mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, file, 0) == address:
            return memoryview(room)
    except OSError:
        pass  # too many mappings, for instance: then a copy
    block = bytearray(size)
    with open(file, "rb", closefd=False) as source:
        source.seek(0)
        source.readinto(block)
    return memoryview(block)
