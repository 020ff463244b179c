"""What an expression of a program is known to be, and what follows from it."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from naivegrad.compat.refuse import Refusal
from naivegrad.missing import nearest
from naivegrad.nn import Module, ModuleDict, ModuleList, Sequential
from naivegrad.optim import Optimizer
from naivegrad.run.hook import place_of
from naivegrad.tensor import Tensor

MODULES = ("torch", "torchvision")
CONTAINERS = (ModuleDict, ModuleList, Sequential)  # whose attributes are what was put in


@dataclass(frozen=True)
class Thing:
    """A module, class or function of ours, under PyTorch's name."""

    name: str
    value: Any
    bound: bool = False  # a method of an instance: its first parameter is given


@dataclass(frozen=True)
class Instance:
    """An object of a class of ours: a tensor, a module, an optimizer."""

    cls: type


class Missing(Exception):
    """There is no such name; the message says which one, and the nearest there is."""


def is_ours(module: str) -> bool:
    """Whether a module's name is PyTorch's or torchvision's."""
    return module.partition(".")[0] in MODULES


def module_of(name: str) -> Thing:
    """A module by PyTorch's name."""
    place = place_of(name)
    try:
        there = find_spec(place) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        raise Missing(f"there is no module {name}")
    return Thing(name, importlib.import_module(place))


def attribute(owner: Thing | Instance, name: str, is_call: bool = False) -> Any:
    """What owner.name is: a Thing, an Instance, or None if that cannot be told; or Missing."""
    if isinstance(owner, Instance):
        return _of_instance(owner.cls, name, is_call)
    full = f"{owner.name}.{name}"
    if hasattr(owner.value, name):
        return Thing(full, getattr(owner.value, name))
    if isinstance(owner.value, ModuleType):
        try:
            return module_of(full)
        except Missing:
            raise Missing(f"{full} is missing" + _hint(name, vars(owner.value))) from None
    if isinstance(owner.value, type):
        raise Missing(f"{full} is missing" + _hint(name, dir(owner.value)))
    return None


def _of_instance(cls: type, name: str, is_call: bool) -> Any:
    if hasattr(cls, name):
        value = inspect.getattr_static(cls, name)
        if isinstance(value, property):
            return result_of(Thing(name, value.fget), cls)
        return Thing(f"{cls.__name__}.{name}", getattr(cls, name), bound=callable(value))
    # Modules and optimizers have attributes that their __init__ makes: methods only are known.
    if name.startswith("__") or issubclass(cls, CONTAINERS) or not (cls is Tensor or is_call):
        return None
    raise Missing(f"{cls.__name__} has no {name!r}" + _hint(name, dir(cls)))


def result_of(called: Any, cls: type | None = None) -> Instance | None:
    """What a call gives, as far as our annotations say: a Tensor, or an object of a class."""
    value = called.value
    if isinstance(value, type):
        return Instance(value) if issubclass(value, Tensor | Module | Optimizer) else None
    annotation = getattr(value, "__annotations__", {}).get("return")
    if annotation in ("Tensor", Tensor):
        return Instance(Tensor)
    return Instance(cls) if annotation == "T" and cls is not None else None


def complaint(called: Thing, positional: int | None, keywords: list[str]) -> str | None:
    """What is wrong with the arguments of a call; positional is None if it cannot be counted."""
    try:
        parameters = list(inspect.signature(called.value).parameters.values())
    except (TypeError, ValueError):
        return None
    parameters = parameters[called.bound :]
    kinds = {p.kind for p in parameters}
    by_name = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for name in keywords:
        if inspect.Parameter.VAR_KEYWORD not in kinds and name not in by_name:
            return f"{called.name} takes no argument {name!r}" + _hint(name, by_name)
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    room = inspect.Parameter.VAR_POSITIONAL in kinds or len(places) >= (positional or 0)
    return None if room else f"{called.name} takes {len(places)} arguments, not {positional}"


def refusal(called: Thing) -> str | None:
    """Why a call would be refused, if it would."""
    return called.value.message if isinstance(called.value, Refusal) else None


def _hint(name: str, known: Any) -> str:
    near = nearest(name, known)
    return f"; the nearest is {near!r}" if near else ""
