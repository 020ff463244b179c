"""Modules whose first values do not matter."""

from __future__ import annotations

import inspect
from typing import Any

from naivegrad.nn.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module of this class whose values are still to be written: do not rely on them.

    Here it is the module with its usual first values: drawing them takes little time on a CPU.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise TypeError(f"skip_init: expected a Module class, got {module_cls!r}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise ValueError(f"skip_init: {module_cls.__name__} takes no device")
    return module_cls(*args, **kwargs)
