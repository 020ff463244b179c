"""`save` and `load`: safetensors files, and PyTorch's, by a reader that runs no code."""

from naivegrad.missing import lookup as _lookup
from naivegrad.serialization.allowed import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from naivegrad.serialization.files import load, save
from naivegrad.serialization.unpickle import UnsafeFileError

__all__ = [
    "UnsafeFileError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]

__getattr__ = _lookup(__name__)
