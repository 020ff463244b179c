"""Parametrizations: a weight that is computed from others whenever it is read.

`register_parametrization(layer, "weight", f)` moves the weight to
`layer.parametrizations.weight.original` and makes `layer.weight` a property that gives
f(original). The optimizer trains the original, the gradient passes through f, and the state dict
holds the original. Assigning to `layer.weight` sets the original to `f.right_inverse(value)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from naivegrad.autograd import no_grad
from naivegrad.nn.container import ModuleDict, ModuleList
from naivegrad.nn.module import Module
from naivegrad.nn.parameter import Parameter
from naivegrad.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

M = TypeVar("M", bound=Module)

_depth = 0  # of `cached` blocks
_cache: dict[ParametrizationList, Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """A block in which each parametrized tensor is computed once, however often it is read.

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad import nn
    >>> from naivegrad.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and what they start from.

    Parameters
    ----------
    modules : sequence of Module    called one after another
    original : Tensor               the tensor before; a Parameter or a buffer
    unsafe : bool                   let the result have another shape or dtype

    Attributes
    ----------
    original : Tensor                       what the first module gets, or
    original0, original1, ... : Tensor      if its right_inverse gives several
    is_tensor : bool                        whether it is one
    ntensors : int                          how many there are
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not len(modules):
            raise ValueError("ParametrizationList: one or more modules are needed")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        start = self._invert(original, partly=True)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        if self.is_tensor:
            _require_dtype(start, dtype, "right_inverse")
            with no_grad():
                original.data = start  # the same object: an optimizer may hold it
            _register(self, "original", original)
        else:
            for i, tensor in enumerate(start):
                if isinstance(original, Parameter):
                    tensor = Parameter(tensor, original.requires_grad)
                _register(self, f"original{i}", tensor)
        if not unsafe:
            _require_like(self(), shape, dtype)

    def _invert(self, value: Tensor, partly: bool) -> Any:
        """What the modules give `value` for; those that cannot tell are passed over, if partly."""
        result: Any = value
        with no_grad():
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                if inverse is None and not partly:
                    raise RuntimeError(
                        f"parametrize: {type(module).__name__} has no right_inverse, so the tensor "
                        "cannot be assigned to"
                    )
                try:
                    result = result if inverse is None else inverse(result)
                except NotImplementedError:
                    if not partly:
                        raise
        several = isinstance(result, Sequence) and all(isinstance(t, Tensor) for t in result)
        if not several and not isinstance(result, Tensor):
            raise ValueError(
                "parametrize: right_inverse must return a Tensor or a sequence of Tensors, got "
                f"{result!r}"
            )
        return result

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor is `value`."""
        start = self._invert(value, partly=False)
        if isinstance(start, Tensor) != self.is_tensor or (
            not self.is_tensor and len(start) != self.ntensors
        ):
            raise ValueError(f"parametrize: right_inverse must return {self.ntensors} Tensors")
        starts = [start] if self.is_tensor else start
        with no_grad():
            for old, new in zip(self._originals(), starts, strict=True):
                _require_dtype(new, old.dtype, "right_inverse")
                old.data = new

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def register_parametrization(
    module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> M:
    """Compute a parameter or buffer of `module` by `parametrization`, or by one more.

    Parameters
    ----------
    module : Module
    tensor_name : str
    parametrization : Module
        Its forward gives the tensor from the original ones. `right_inverse(tensor)`, if it has one,
        gives the original, or several, from the tensor: they are what is trained. It takes over the
        training mode of `module`.
    unsafe : bool
        Do not check that shape and dtype stay as they are.

    Returns
    -------
    the module; it is now of a class made from its own, such as ParametrizedLinear

    Raises
    ------
    ValueError
        If the module has no such tensor, or if shape or dtype would change.

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad import nn
    >>> from naivegrad.nn.utils import parametrize
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original']
    """
    for name, value in (("module", module), ("parametrization", parametrization)):
        if not isinstance(value, Module):
            raise TypeError(
                f"register_parametrization: {name} must be a Module, got {type(value).__name__}"
            )
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        entries = module.parametrizations[tensor_name]
        if not unsafe:
            value = getattr(module, tensor_name)
            _require_like(parametrization(value), value.shape, value.dtype)
            inverse = getattr(parametrization, "right_inverse", None)
            try:
                back = value if inverse is None else inverse(value)
            except NotImplementedError:
                back = value
            _require_like(back, value.shape, value.dtype, "right_inverse")
        entries.append(parametrization)
        entries.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer "
            f"{tensor_name!r}"
        )
    entries = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
    delattr(module, tensor_name)
    base = type_before_parametrizations(module)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = entries
    module.__class__ = _parametrized(base, tuple(module.parametrizations))
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether this tensor of the module is parametrized, or any."""
    entries = getattr(module, "parametrizations", None)
    if not isinstance(entries, ModuleDict):
        return False
    return len(entries) > 0 if tensor_name is None else tensor_name in entries


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a parametrized tensor an ordinary parameter or buffer again.

    Parameters
    ----------
    leave_parametrized : bool   keep its present value; otherwise that of the original

    Raises
    ------
    ValueError
        If it is not parametrized, or if there are several originals and the value is not kept.
    """
    who = "remove_parametrizations"
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{who}: {tensor_name!r} of {type(module).__name__} is not parametrized")
    entries = module.parametrizations[tensor_name]
    if entries.is_tensor:
        original = entries.original
        if leave_parametrized:
            with no_grad():
                original.data = getattr(module, tensor_name)
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(f"{who}: {tensor_name!r} has several originals; its value must be kept")
    base = type_before_parametrizations(module)
    del module.parametrizations[tensor_name]
    names = tuple(module.parametrizations)
    module.__class__ = _parametrized(base, names) if names else base
    if not names:
        del module.parametrizations
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before a tensor of it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: M, tensor_name: str | None = None
) -> M:
    """Parametrize the tensors of one module as those of another, by the same modules and originals.

    All that are parametrized, or one.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        entries = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in entries:
            register_parametrization(to_module, name, parametrization)
        places = (
            ["original"] if entries.is_tensor else map("original{}".format, range(entries.ntensors))
        )
        for place in places:
            setattr(to_module.parametrizations[name], place, getattr(entries, place))
    return to_module


@cache
def _parametrized(base: type, names: tuple[str, ...]) -> type:
    """A subclass in which reading these attributes computes them."""
    body: dict[str, Any] = {name: _computed(name) for name in names}
    # Copying and pickling cannot find the class by its name: it is made again.
    body["__reduce_ex__"] = lambda module, protocol: (_empty, (base, names), module.__dict__)
    return type(f"Parametrized{base.__name__}", (base,), body)


def _empty(base: type, names: tuple[str, ...]) -> Module:
    """A parametrized module without anything in it, to be filled from a copy or a pickle."""
    cls = _parametrized(base, names)
    return cls.__new__(cls)


def _computed(name: str) -> property:
    def read(module: Any) -> Tensor:
        entries = module.parametrizations[name]
        if not _depth:
            return entries()
        if entries not in _cache:
            _cache[entries] = entries()
        return _cache[entries]

    def write(module: Any, value: Tensor) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(read, write)


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _require_dtype(value: Tensor, dtype: Any, what: str) -> None:
    if value.dtype != dtype:
        raise ValueError(f"parametrize: {what} must return {dtype}, got {value.dtype}")


def _require_like(value: Any, shape: Any, dtype: Any, what: str = "a parametrization") -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"parametrize: {what} must return a Tensor, got {type(value).__name__}")
    _require_dtype(value, dtype, what)
    if value.shape != shape:
        raise ValueError(
            f"parametrize: {what} must keep the shape {tuple(shape)}, got {tuple(value.shape)}; "
            "with unsafe=True it may change"
        )
