"""`torch.compile` and `torch.compiler`: code runs as it is written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from naivegrad.missing import lookup as _lookup


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """The module or function itself; without one, a decorator that gives back what it gets.

    All options are about how to compile, and change no result.

    Examples
    --------
    >>> import naivegrad as ng
    >>> @ng.compile(mode="reduce-overhead")
    ... def double(x):
    ...     return x * 2
    >>> double(ng.ones(1)).item()
    2.0
    """
    if model is None:
        return functools.partial(compile, disable=disable)
    if not callable(model):
        raise TypeError(f"compile: a module or a function is needed, got {type(model).__name__}")
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself, or a decorator that gives back what it gets."""
    return _same if fn is None else fn


def reset() -> None:
    """Does nothing: nothing has been compiled."""


def is_compiling() -> bool:
    """False."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def cudagraph_mark_step_begin() -> None:
    """Does nothing."""


def _same(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


__getattr__ = _lookup(__name__)
