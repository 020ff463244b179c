"""A reader of pickles that can build values, and can run nothing.

A pickle is a program for a small machine with a stack. Python's own reader lets the program import
any function and call it; this one has a table. GLOBAL looks a name up in it, and finds what stands
there or nothing; REDUCE and NEWOBJ call what GLOBAL found, and nothing else; BUILD fills what those
have made. So what a file can do is what the functions of the table do, and what the classes do that
the user has allowed by name (allowed.py).

The machine is a loop, so that no depth of nesting overflows; lengths are compared with what is left
of the file before memory is asked for.

Reference: Lib/pickletools.py of CPython, which describes every instruction.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from naivegrad.device import device
from naivegrad.dtype import dtype
from naivegrad.io.safetensors import MAX_DIMS, DamagedFileError

MAX_KEY = 1000  # parts of a tuple that is the key of a dict: hashing a deep one would overflow
MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # their names in Python 2
PLAIN = (type(None), bool, int, float, complex, str, bytes)
VALUES = (np.dtype, dtype, device)


class UnsafeFileError(DamagedFileError, pickle.UnpicklingError):
    """A file asks for something that only running code could give. Nothing of it was run."""


class Unpickler:
    """Reads one pickle.

    Parameters
    ----------
    data : bytes            the pickle begins at `position`; there may be more behind it
    find : function         from "module.name" to what the file gets for it, and whether the file
        may call that; an UnsafeFileError if it gets nothing
    load_storage : function     from a persistent id, a tuple, to the memory that it names
    allowed : tuple of classes      the user's, whose objects BUILD may fill
    encoding : str          of the text of Python 2; "bytes" leaves it as it is

    Attributes
    ----------
    position : where the next instruction is; after `load`, the end of the pickle
    """

    def __init__(
        self,
        data: bytes,
        find: Callable[[str], tuple[Any, bool]],
        load_storage: Callable[[tuple[Any, ...]], Any],
        allowed: tuple[type, ...] = (),
        encoding: str = "utf-8",
        position: int = 0,
    ) -> None:
        self.data = data
        self.position = position
        self.find = find
        self.load_storage = load_storage
        self.allowed = allowed
        self.encoding = encoding
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below a MARK
        self.memo: dict[int, Any] = {}
        self.granted: dict[int, Any] = {}  # what GLOBAL has found and may be called, by id

    def load(self) -> Any:
        """The value that the pickle describes.

        Raises
        ------
        UnsafeFileError
            If it names what is not in the table, or uses an instruction that runs code.
        DamagedFileError
            If it is no pickle, or breaks off.
        """
        while True:
            start = self.position
            code = self.take(1)
            if code == pickle.STOP:
                return self.pop()
            run = INSTRUCTIONS.get(code)
            if run is None:
                raise self.refusal(code, start)
            try:
                run(self)
            except RecursionError:
                raise DamagedFileError("the values are nested too deeply") from None
            except DamagedFileError as error:
                raise type(error)(f"{self.place()}{error}") from error.__cause__
            except RuntimeError:  # no such device here: not the file's fault
                raise
            except Exception as error:  # of a class that the user allowed it may be any
                raise DamagedFileError(
                    f"{self.place()}the pickle cannot be read at byte {start}: "
                    f"{type(error).__name__}: {error}"
                ) from error

    def place(self) -> str:
        """Which entry is being read, as far as the keys on the stacks tell: "at 'fc1.weight': "."""
        below = [frame[-2] for frame in self.marks if len(frame) > 1]  # a key, and what it is for
        keys = [key for key in (*below, *self.stack[-1:]) if isinstance(key, str)]
        return f"at {'.'.join(keys)!r:.200}: " if keys else ""

    def refusal(self, code: bytes, start: int) -> DamagedFileError:
        """Why an instruction is not carried out."""
        if code == pickle.INST:
            return UnsafeFileError(f"it wants to make a {self.line()}.{self.line()} (INST)")
        if code in REFUSED:
            return UnsafeFileError(f"it uses the instruction {REFUSED[code]}, which runs code")
        return DamagedFileError(f"the pickle cannot be read: {code!r} at byte {start}")

    # ---- reading ----

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        end = self.position + n
        if not self.position <= end <= len(self.data):
            raise DamagedFileError("the pickle is cut short")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, form: str) -> Any:
        """A number of a fixed form, as `struct` writes it."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def counted(self, form: str) -> bytes:
        """As many bytes as the number before them says."""
        return self.take(self.number(form))

    def line(self) -> str:
        """The text up to the end of the line."""
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise DamagedFileError("the pickle is cut short")
        text = self.take(end + 1 - self.position)[:-1]
        return text.decode("utf-8")

    # ---- the stack ----

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the top of the stack."""
        if not self.stack:
            raise DamagedFileError("the pickle takes a value from an empty stack")
        return self.stack.pop()

    def top(self) -> Any:
        """Look at the top of the stack."""
        if not self.stack:
            raise DamagedFileError("the pickle looks at an empty stack")
        return self.stack[-1]

    def pop_mark(self) -> list[Any]:
        """The values above the last MARK."""
        if not self.marks:
            raise DamagedFileError("the pickle looks for a mark that was never made")
        items, self.stack = self.stack, self.marks.pop()
        return items

    def mark(self) -> None:
        """Begin a new stack, above a MARK."""
        self.marks.append(self.stack)
        self.stack = []

    # ---- containers ----

    def tuple_of(self, n: int) -> None:
        """A tuple of the n values on top."""
        if len(self.stack) < n:
            raise DamagedFileError("the pickle takes a value from an empty stack")
        self.stack[-n:] = [tuple(self.stack[-n:])]

    def append(self, items: list[Any]) -> None:
        """Add to the list on top."""
        if not self.is_filled_here(list):
            raise DamagedFileError(f"the pickle appends to a {type(self.top()).__name__}")
        self.top().extend(items)

    def add(self, items: list[Any]) -> None:
        """Add to the set on top."""
        if type(self.top()) is not set:
            raise DamagedFileError(f"the pickle adds to a {type(self.top()).__name__}")
        for item in items:
            self.check_key(item)
        self.top().update(items)

    def set_items(self, items: list[Any]) -> None:
        """Set items of the dict on top: key, value, key, value."""
        target = self.top()
        if not self.is_filled_here(dict, OrderedDict, Counter):
            raise DamagedFileError(f"the pickle sets items of a {type(target).__name__}")
        if len(items) % 2:
            raise DamagedFileError("the pickle has a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.check_key(key)
            target[key] = value

    def is_filled_here(self, *kinds: type) -> bool:
        """Whether the value on top is of these types, or of one that the user allowed."""
        value = self.top()
        return type(value) in kinds or (
            type(value) in self.allowed and isinstance(value, (dict, list))
        )

    def check_key(self, key: Any) -> None:
        """Refuse a key whose hash would run code of others, or not come to an end."""
        parts = [key]
        for count in range(MAX_KEY):
            if count == len(parts):
                return
            part = parts[count]
            if type(part) is tuple:
                parts.extend(part[: MAX_KEY + 1])
            elif not isinstance(part, PLAIN) and type(part) not in (*VALUES, *self.allowed):
                raise DamagedFileError(f"a {type(part).__name__} cannot be the key of a dict")
        raise DamagedFileError(f"the key of a dict has more than {MAX_KEY} parts")

    # ---- what could run code ----

    def look_up(self, module: Any, name: Any) -> None:
        """GLOBAL: what the table has under a name."""
        if type(module) is not str or type(name) is not str:
            raise DamagedFileError("the pickle names something by what is not text")
        found, may_call = self.find(f"{MODULES.get(module, module)}.{name}")
        if may_call:
            self.granted[id(found)] = found
        self.push(found)

    def is_granted(self, value: Any) -> bool:
        """Whether GLOBAL found it: the value itself, whatever it says that it equals."""
        return id(value) in self.granted

    def call(self) -> None:
        """REDUCE: call what GLOBAL found."""
        arguments, function = self.pop(), self.pop()
        if not self.is_granted(function):
            raise UnsafeFileError(f"it wants to call {name_of(function)}")
        if type(arguments) is not tuple:
            raise DamagedFileError("the pickle calls a function without arguments")
        self.push(function(*arguments))

    def make(self, *, named: bool = False) -> None:
        """NEWOBJ: an object of a class that the user allowed, without its __init__."""
        keywords = self.pop() if named else {}
        arguments, cls = self.pop(), self.pop()
        if not (self.is_granted(cls) and cls in self.allowed):
            raise UnsafeFileError(f"it wants to make an object of {name_of(cls)}")
        self.push(cls.__new__(cls, *arguments, **keywords))

    def build(self) -> None:
        """BUILD: give an object its state."""
        state, target = self.pop(), self.top()
        if type(target) in self.allowed:
            restore(target, state)
        elif type(target) is OrderedDict and isinstance(state, dict):
            vars(target).update(state)  # what versions the modules of a state dict had
        elif type(target) is np.ndarray and isinstance(state, tuple):
            fill_array(target, state)
        elif not isinstance(target, np.dtype):
            raise UnsafeFileError(f"it wants to fill a {type(target).__name__}")
        elif not isinstance(state, tuple) or state[1:2] not in [("<",), ("|",), ("=",)]:
            raise DamagedFileError("a NumPy type that is not little-endian")

    def storage(self) -> None:
        """BINPERSID: the memory that the file keeps beside the pickle."""
        key = self.pop()
        if type(key) is not tuple:
            raise DamagedFileError(f"a persistent id is a {type(key).__name__}, not a tuple")
        self.push(self.load_storage(key))

    # ---- the memo ----

    def get(self, key: int) -> None:
        """Push what was kept under a number."""
        if key not in self.memo:
            raise DamagedFileError(f"the pickle refers to a value {key} that it has not made")
        self.push(self.memo[key])

    def put(self, key: int) -> None:
        """Keep what is on top under a number."""
        self.memo[key] = self.top()

    def old_text(self, text: bytes) -> None:
        """Text of Python 2, which knew no difference between text and bytes."""
        self.push(text if self.encoding == "bytes" else text.decode(self.encoding))


def restore(target: Any, state: Any) -> None:
    """What `pickle` does to give an object of an allowed class its attributes."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        vars(target).update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def fill_array(target: np.ndarray, state: tuple[Any, ...]) -> None:
    """Shape, type and content of a NumPy array."""
    version, shape, kind, _, content = state
    if version != 1 or type(content) is not bytes or not isinstance(kind, np.dtype):
        raise DamagedFileError("a NumPy array is not described as NumPy does, or holds objects")
    check_sizes(shape)
    if math.prod(shape) * kind.itemsize != len(content):
        raise DamagedFileError(
            f"a NumPy array of shape {shape} and type {kind} has {len(content)} bytes"
        )
    if kind.kind == "b" and content.strip(b"\0\1"):
        raise DamagedFileError("a truth value is neither 0 nor 1")
    target.__setstate__(state)


def check_sizes(sizes: Any, bound: int = 1 << 60) -> None:
    """Refuse what is no tuple of sizes, or of sizes whose product has no meaning."""
    if (
        type(sizes) is not tuple
        or len(sizes) > MAX_DIMS
        or not all(type(n) is int and 0 <= n < bound for n in sizes)
        or math.prod(n or 1 for n in sizes) >= bound
    ):
        raise DamagedFileError(f"a {type(sizes).__name__} that is no shape")


def name_of(value: Any) -> str:
    """A value, in an error: by its name if it has one, else by its type."""
    return getattr(value, "__qualname__", None) or f"a {type(value).__name__}"


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


# What each instruction does: m is the machine. Those that only protocol 0 has, which writes numbers
# as text, are not among them: PyTorch's files have protocol 2 or a later one.
INSTRUCTIONS: dict[bytes, Callable[[Unpickler], Any]] = {
    pickle.PROTO: lambda m: m.take(1),
    pickle.FRAME: lambda m: m.take(8),
    pickle.NONE: lambda m: m.push(None),
    pickle.NEWTRUE: lambda m: m.push(True),
    pickle.NEWFALSE: lambda m: m.push(False),
    pickle.BININT: lambda m: m.push(m.number("<i")),
    pickle.BININT1: lambda m: m.push(m.number("<B")),
    pickle.BININT2: lambda m: m.push(m.number("<H")),
    pickle.LONG1: lambda m: m.push(_long(m.counted("<B"))),
    pickle.LONG4: lambda m: m.push(_long(m.counted("<i"))),
    pickle.BINFLOAT: lambda m: m.push(m.number(">d")),
    pickle.SHORT_BINSTRING: lambda m: m.old_text(m.counted("<B")),
    pickle.BINSTRING: lambda m: m.old_text(m.counted("<i")),
    pickle.SHORT_BINUNICODE: lambda m: m.push(str(m.counted("<B"), "utf-8", "surrogatepass")),
    pickle.BINUNICODE: lambda m: m.push(str(m.counted("<I"), "utf-8", "surrogatepass")),
    pickle.BINUNICODE8: lambda m: m.push(str(m.counted("<Q"), "utf-8", "surrogatepass")),
    pickle.SHORT_BINBYTES: lambda m: m.push(m.counted("<B")),
    pickle.BINBYTES: lambda m: m.push(m.counted("<I")),
    pickle.BINBYTES8: lambda m: m.push(m.counted("<Q")),
    pickle.BYTEARRAY8: lambda m: m.push(bytearray(m.counted("<Q"))),
    pickle.MARK: lambda m: m.mark(),
    pickle.POP: lambda m: m.pop() if m.stack else m.pop_mark(),
    pickle.POP_MARK: lambda m: m.pop_mark(),
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.EMPTY_LIST: lambda m: m.push([]),
    pickle.EMPTY_DICT: lambda m: m.push({}),
    pickle.EMPTY_SET: lambda m: m.push(set()),
    pickle.TUPLE: lambda m: m.push(tuple(m.pop_mark())),
    pickle.TUPLE1: lambda m: m.tuple_of(1),
    pickle.TUPLE2: lambda m: m.tuple_of(2),
    pickle.TUPLE3: lambda m: m.tuple_of(3),
    pickle.APPEND: lambda m: m.append([m.pop()]),
    pickle.APPENDS: lambda m: m.append(m.pop_mark()),
    pickle.ADDITEMS: lambda m: m.add(m.pop_mark()),
    pickle.SETITEM: lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    pickle.SETITEMS: lambda m: m.set_items(m.pop_mark()),
    pickle.BINGET: lambda m: m.get(m.number("<B")),
    pickle.LONG_BINGET: lambda m: m.get(m.number("<I")),
    pickle.BINPUT: lambda m: m.put(m.number("<B")),
    pickle.LONG_BINPUT: lambda m: m.put(m.number("<I")),
    pickle.MEMOIZE: lambda m: m.put(len(m.memo)),
    pickle.GLOBAL: lambda m: m.look_up(m.line(), m.line()),
    pickle.STACK_GLOBAL: lambda m: m.look_up(*[m.pop(), m.pop()][::-1]),
    pickle.REDUCE: lambda m: m.call(),
    pickle.NEWOBJ: lambda m: m.make(),
    pickle.NEWOBJ_EX: lambda m: m.make(named=True),
    pickle.BUILD: lambda m: m.build(),
    pickle.BINPERSID: lambda m: m.storage(),
}
REFUSED = {pickle.OBJ: "OBJ", pickle.EXT1: "EXT1", pickle.EXT2: "EXT2", pickle.EXT4: "EXT4"}
