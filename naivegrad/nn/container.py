"""Modules and parameters in lists, dicts and sequences."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

S = TypeVar("S", bound="_Numbered")


def _place(owner: Any, index: Any, length: int) -> int:
    """A valid index counted from the front."""
    i = operator.index(index)
    if not -length <= i < length:
        raise IndexError(f"{type(owner).__name__}: index {i} is out of range, length is {length}")
    return i % length


class _Numbered(Module):
    """Children in order. Their names are what they were given, or their positions."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def __contains__(self, module: object) -> bool:
        return any(module is child for child in self)

    def _name_at(self, index: Any) -> str:
        return list(self._modules)[_place(self, index, len(self))]

    @overload
    def __getitem__(self: S, index: slice) -> S: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._name_at(index)]

    def _part(self: S, items: list[tuple[str, Any]]) -> S:
        """A container of the same class of some of the children."""
        return type(self)([module for _, module in items])  # type: ignore[call-arg]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._name_at(index)]:
            del self._modules[name]
        self._renumber(self._modules.values())

    def _renumber(self, modules: Iterable[Any]) -> None:
        """Hold these children, named by their positions."""
        modules = list(modules)
        self._modules.clear()
        self._modules.update((str(i), module) for i, module in enumerate(modules))

    def append(self: S, module: Module) -> S:
        """Add a module at the end."""
        self.register_module(str(len(self)), module)
        return self

    def insert(self: S, index: int, module: Module) -> S:
        """Add a module before position `index`."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}.insert: expected a Module, got {module!r}")
        if not -len(self) <= index <= len(self):
            raise IndexError(
                f"{type(self).__name__}.insert: index {index} is out of range, "
                f"length is {len(self)}"
            )
        modules: list[Any] = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self: S, modules: Iterable[Module]) -> S:
        """Add modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def __iadd__(self: S, modules: Iterable[Module]) -> S:
        return self.extend(modules)

    def pop(self, key: int | slice) -> Any:
        """Take the module at a position out and return it; or those of a slice, in a container."""
        taken = self[key]
        del self[key]
        return taken


class Sequential(_Numbered):
    """Modules one after another: the output of each is the input of the next.

    Built from modules, or from one ordered dict of named modules.

    Examples
    --------
    >>> from naivegrad import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> net
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    >>> len(net[:2])
    2
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            for module in args:
                self.append(module)

    def _part(self, items: list[tuple[str, Any]]) -> Sequential:
        return type(self)(OrderedDict(items))

    def __add__(self, modules: Iterable[Module]) -> Sequential:
        return Sequential(*self, *modules)

    def __mul__(self, times: int) -> Sequential:
        """The same modules so many times over."""
        return Sequential(*[*self] * self._times(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential:
        return self.extend([*self] * (self._times(times) - 1))

    def _times(self, times: int) -> int:
        who = type(self).__name__
        if not isinstance(times, int):
            raise TypeError(f"{who}: expected a number of times, got {type(times).__name__}")
        if times <= 0:
            raise ValueError(f"{who}: the number of times must be positive, got {times}")
        return times

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input


class ModuleList(_Numbered):
    """A list of modules, each registered. It has no forward of its own."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *modules])

    def _child_lines(self) -> list[str]:
        """Neighbours that read alike stand on one line: ``(0-3): 4 x Linear(...)``."""
        runs: list[list[Any]] = []  # [first, last, text]
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        return [
            f"({first}): {text}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]


class ModuleDict(Module):
    """A dict of modules, each registered under its key. It has no forward of its own."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.register_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take everything out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take one module out and return it."""
        return self._modules.pop(key)  # type: ignore[return-value]

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def items(self) -> Any:
        """(name, module) pairs."""
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of (name, module) pairs."""
        for key, module in _pairs(self, modules):
            self[key] = module


class ParameterList(Module):
    """A list of parameters; a plain Tensor put in becomes a Parameter. Other things stay plain."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(_place(self, index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_place(self, index, len(self))), _as_parameter(value))

    def append(self, value: Any) -> ParameterList:
        """Add a parameter at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add parameters at the end."""
        if isinstance(values, Tensor) or not isinstance(values, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend: expected an iterable of Tensors, got "
                f"{type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def forward(self, *args: Any) -> None:
        """A list is not called; an error."""
        raise RuntimeError(f"{type(self).__name__}: a list of parameters cannot be called")

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({i}): {_text(value, str(getattr(value, 'dtype', '')))}"
            for i, value in enumerate(self)
        )


class ParameterDict(Module):
    """A dict of parameters; a plain Tensor put in becomes a Parameter. Other things stay plain."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: keys must be strings, got {type(key).__name__}")
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Any:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterator[Any]:
        """The parameters."""
        return (self[key] for key in self._keys)

    def items(self) -> Iterator[tuple[str, Any]]:
        """(name, parameter) pairs."""
        return ((key, self[key]) for key in self._keys)

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of this name, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The parameter of this name; `default` becomes it if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take one parameter out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last (name, parameter) out and return it."""
        if not self._keys:
            raise KeyError("ParameterDict.popitem: it is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self):
            del self[key]

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(list(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict with these names, each for `default`."""
        return ParameterDict([(key, default) for key in keys])

    def update(self, parameters: Any) -> None:
        """Add the parameters of a mapping, or of (name, parameter) pairs.

        Those of a plain dict come sorted by name, as in PyTorch.
        """
        pairs = _pairs(self, parameters)
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs = sorted(pairs, key=lambda pair: pair[0])
        for key, value in pairs:
            self[key] = value

    def __or__(self, other: Any) -> ParameterDict:
        new = self.copy()
        new.update(other)
        return new

    def __ror__(self, other: Any) -> Any:
        new = other.copy()
        new.update(self)
        return new

    def __ior__(self, other: Any) -> ParameterDict:
        self.update(other)
        return self

    def forward(self, *args: Any) -> None:
        """A dict is not called; an error."""
        raise RuntimeError(f"{type(self).__name__}: a dict of parameters cannot be called")

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({key}): {_text(value, value.type() if isinstance(value, Tensor) else '')}"
            for key, value in self.items()
        )


def _as_parameter(value: Any) -> Any:
    """A plain Tensor as a Parameter; anything else as it is."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


def _pairs(owner: Module, entries: Any) -> list[tuple[Any, Any]]:
    """(name, value) pairs of a mapping, or those that are given."""
    who = f"{type(owner).__name__}.update"
    if hasattr(entries, "items"):
        return list(entries.items())
    if not isinstance(entries, Iterable):
        raise TypeError(f"{who}: expected a dict or (name, value) pairs, got {entries!r}")
    pairs = list(entries)
    for i, pair in enumerate(pairs):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{who}: entry {i} must be a (name, value) pair, got {pair!r}")
        if len(tuple(pair)) != 2:
            raise ValueError(f"{who}: entry {i} must be a (name, value) pair, got {pair!r}")
    return pairs


def _text(value: Any, kind: str) -> str:
    """How an entry stands in the repr of its list or dict."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    name = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{name} containing: [{kind} of size {'x'.join(map(str, value.shape))}]"
