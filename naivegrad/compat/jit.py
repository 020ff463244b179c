"""`torch.jit`: scripts are Python, and run as Python."""

from __future__ import annotations

from typing import Any

from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, class or module itself."""
    return obj


def export(fn: Any) -> Any:
    """The function itself."""
    return fn


unused = script_if_tracing = export


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself: @ignore and @ignore(drop=True)."""
    return drop if callable(drop) else export


def is_scripting() -> bool:
    """False."""
    return False


is_tracing = is_scripting


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


Final = Any
_WHY = "there is no compiled form of a program; use the module itself, and save its state_dict"
trace = _Refusal("jit.trace", _WHY)
trace_module = _Refusal("jit.trace_module", _WHY)
save = _Refusal("jit.save", _WHY)
load = _Refusal("jit.load", _WHY)
freeze = _Refusal("jit.freeze", _WHY)

__getattr__ = _lookup(__name__)
