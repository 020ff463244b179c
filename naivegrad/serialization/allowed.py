"""Which classes and functions of yours a file may name.

A file may always hold tensors, numbers, text and containers of them (objects.py). Everything else
has to be allowed, by you and by name: an object of a class of yours is made without its `__init__`
and filled with the attributes that the file gives, or by its `__setstate__`; a function may be
called with any arguments that the file gives. Allow only what can do no harm then, and only for
files that you trust.
"""

from __future__ import annotations

import builtins
import types
from typing import Any

BLOCKED = ("importlib", "nt", "os", "posix", "runpy", "shutil", "subprocess", "sys")

_allowed: list[Any] = []


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let files name these classes and functions from now on.

    Parameters
    ----------
    safe_globals : list of classes and functions
        Or of pairs (class, "module.name"), for one that the file knows under another name.

    Raises
    ------
    TypeError
        For what is neither a class nor a function.
    ValueError
        For what could run code of the file's: functions of Python itself, `os`, `subprocess` ...
    """
    checked = [entry for entry in safe_globals if _named(entry)]
    _allowed.extend(checked)


def get_safe_globals() -> list[Any]:
    """What files may name, beyond tensors and plain values."""
    return list(_allowed)


def clear_safe_globals() -> None:
    """Allow no more than tensors and plain values again."""
    _allowed.clear()


class safe_globals:
    """Let files name these classes and functions inside a `with` block: see `add_safe_globals`.

    Examples
    --------
    >>> import io
    >>> import naivegrad as ng
    >>> file = io.BytesIO()
    >>> ng.save(ng.nn.Identity(), file)
    >>> with ng.serialization.safe_globals([ng.nn.Identity]):
    ...     ng.load(io.BytesIO(file.getvalue()))
    Identity()
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = list(safe_globals)

    def __enter__(self) -> safe_globals:
        self.before = get_safe_globals()
        add_safe_globals(self.safe_globals)
        return self

    def __exit__(self, *exception: object) -> None:
        _allowed[:] = self.before


def allowed() -> dict[str, Any]:
    """What is allowed, by its name in a file."""
    return dict(map(_named, _allowed))


def _named(entry: Any) -> tuple[str, Any]:
    """(its name in a file, the class or function); an error if it may not be allowed."""
    op = "safe_globals"
    name = None
    if isinstance(entry, tuple):
        if len(entry) != 2 or not isinstance(entry[1], str):
            raise TypeError(f'{op}: expects a class, or (class, "module.name"), got {entry!r}')
        entry, name = entry
    module, own_name = getattr(entry, "__module__", None), getattr(entry, "__qualname__", None)
    if not callable(entry) or not isinstance(module, str) or not isinstance(own_name, str):
        raise TypeError(f"{op}: expects classes and functions, got {entry!r}")
    built_in = module == builtins.__name__ and not isinstance(entry, type)
    bound = isinstance(entry, types.MethodType)
    if built_in or bound or module.partition(".")[0] in BLOCKED:
        raise ValueError(f"{op}: {module}.{own_name} can run code, and is never allowed in a file")
    return name or f"{module}.{own_name}", entry
