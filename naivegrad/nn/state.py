"""State dicts: a module's parameters and buffers by name, to be saved and loaded."""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from naivegrad.autograd import no_grad
from naivegrad.nn.hooks import Hookable
from naivegrad.nn.parameter import Parameter, is_lazy
from naivegrad.ops import as_tensor
from naivegrad.tensor import RemovableHandle, Tensor

if TYPE_CHECKING:
    from naivegrad.nn.module import Module

__all__ = ["IncompatibleKeys", "Stateful"]

T = TypeVar("T", bound="Stateful")

_EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found missing in the state, and what the module has no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )

    __str__ = __repr__


class Stateful(Hookable):
    """The part of Module that gives its state away and takes it back."""

    _version: int = 1  # of the layout of this class's state; goes with the state dict

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    # ------------------------------------------------------------------------- giving it away

    def state_dict(
        self,
        *args: Any,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by name, detached, sharing the module's memory.

        An OrderedDict whose attribute `_metadata` has the `_version` of every module.
        """
        if args:
            warnings.warn(
                f"{type(self).__name__}.state_dict: name its arguments; by position they go away",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            return self.state_dict(
                **{"destination": destination, "prefix": prefix, "keep_vars": keep_vars, **given}
            )
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for pre_hook in self._hooks_of("state_dict_pre"):
            pre_hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._hooks_of("state_dict"):
            changed = hook(self, destination, prefix, local_metadata)
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Put the state of this module, without the modules below, into `destination`."""
        for name, value in self._own_state():
            whole = keep_vars or is_lazy(value)
            destination[prefix + name] = value if whole else value.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and persistent buffers of this module, without the modules below."""
        for name, value in [*self._parameters.items(), *self._buffers.items()]:
            if value is not None and name not in self._non_persistent_buffers_set:
                yield name, value

    def get_extra_state(self) -> Any:
        """What else `state_dict` saves of this module; override with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    # ------------------------------------------------------------------------- taking it back

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of a state dict, by name, into this module.

        Nothing is changed unless everything fits, but where a class or a hook loads in a way of its
        own: then what fits is loaded before the error.

        Parameters
        ----------
        state_dict : mapping from dotted names to Tensors (or NumPy arrays)
        strict : bool       refuse missing and unexpected names; otherwise they are only returned
        assign : bool       take the given tensors themselves, with their dtype and device

        Returns
        -------
        IncompatibleKeys    (missing_keys, unexpected_keys)

        Raises
        ------
        RuntimeError        naming every missing, unexpected and mis-shaped entry
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"{type(self).__name__}.load_state_dict: expected a dict, "
                f"got {type(state_dict).__name__}"
            )
        for key in state_dict:
            if not isinstance(key, str):
                raise TypeError(
                    f"{type(self).__name__}.load_state_dict: names must be strings, got {key!r}"
                )
        modules: Any = self.modules()  # type: ignore[attr-defined]
        if not any(module._loads_in_its_own_way() for module in modules):
            _Loading(self, state_dict, assign).run("_compare").refuse(strict)
        loading = _Loading(self, state_dict, assign).run("_load_from_state_dict")
        return loading.refuse(strict)

    def _loads_in_its_own_way(self) -> bool:
        return (
            type(self)._load_from_state_dict is not Stateful._load_from_state_dict
            or bool(self._hooks_of("load_pre"))
            or bool(self._hooks_of("load_post"))
        )

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module, without the modules below; note what is wrong in the three lists.

        `state_dict` is a copy that may be changed; names in it begin with `prefix`.
        """
        arguments = (
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs,
        )  # fmt: skip
        for hook in self._hooks_of("load_pre"):
            hook(*arguments)
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, new in self._compare(*arguments):
            try:
                self._load(name, new, assign)
            except Exception as error:
                error_msgs.append(f"{prefix + name!r}: {error}")

    def _compare(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> list[tuple[str, Any]]:
        """The entries that fit into this module, without the modules below, by their names here."""
        self._bring_up_to_date(state_dict, prefix, local_metadata.get("version"))
        own = dict(self._own_state())
        wanted = dict.fromkeys(prefix + name for name in own)  # a set, in order
        fitting = []
        for name, old in own.items():
            if prefix + name in state_dict:
                new = state_dict[prefix + name]
                problem = _problem(old, new)
                if problem:
                    error_msgs.append(f"{prefix + name!r}: {problem}")
                else:
                    fitting.append((name, new))
        if type(self).set_extra_state is not Stateful.set_extra_state:
            wanted[prefix + _EXTRA] = None
            if prefix + _EXTRA in state_dict:
                fitting.append((_EXTRA, state_dict[prefix + _EXTRA]))
        if strict:
            missing_keys += [key for key in wanted if key not in state_dict]
            for key in state_dict:
                child, below, _ = key.removeprefix(prefix).partition(".")
                if key.startswith(prefix) and (
                    child not in self._modules if below else key not in wanted
                ):
                    unexpected_keys.append(key)
        return fitting

    def _bring_up_to_date(
        self, state_dict: dict[str, Any], prefix: str, version: int | None
    ) -> None:
        """Add to a state of an earlier version of the class what it did not have."""

    def _load(self, name: str, new: Any, assign: bool) -> None:
        """Take one entry that fits."""
        if name == _EXTRA:
            self.set_extra_state(new)
            return
        old: Any = getattr(self, name)
        if is_lazy(new):
            return
        new = new if isinstance(new, Tensor) else as_tensor(new)
        if is_lazy(old):
            old.materialize(new.shape)
        if new.shape != old.shape:  # (1,) for a number, as files of early PyTorch have it
            new = new.reshape(old.shape)
        if not assign:
            with no_grad():
                old.copy_(new)
        elif isinstance(old, Parameter):
            wish = old.requires_grad
            new = new.requires_grad_(wish) if isinstance(new, Parameter) else Parameter(new, wish)
            self._parameters[name] = new
        else:
            self._buffers[name] = new

    def init_from_torch(self: T, module: Any) -> T:
        """Copy the parameters and buffers of a PyTorch module of the same structure.

        The names, shapes and layouts of both state dicts are the same, so the two modules then
        compute the same. Values are cast to the types that this module has. The other way goes
        `theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in state.items()})`.

        Returns
        -------
        this module

        Raises
        ------
        TypeError           for what is no PyTorch module, and for entries that are no dense tensors
        RuntimeError        naming every missing, unexpected and mis-shaped entry
        """
        who = f"{type(self).__name__}.init_from_torch"
        if not callable(getattr(module, "state_dict", None)):
            raise TypeError(f"{who}: expected a PyTorch module, got {type(module).__name__}")
        state = OrderedDict(
            (key, value if key.endswith(_EXTRA) else _array(who, key, value))
            for key, value in module.state_dict().items()
        )
        self.load_state_dict(state)
        return self

    # ----------------------------------------------------------------------------------- hooks

    def _hooks_of(self, kind: str) -> list[Callable[..., Any]]:
        return [] if self._hooks is None else list(getattr(self._hooks, kind).values())

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, prefix, keep_vars) before `state_dict` collects the state."""
        return self._own_hooks().add("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, state_dict, prefix, local_metadata) after `state_dict`.

        It may change the dict, and must return None.
        """
        return self._own_hooks().add("state_dict", partial(_call_for_nothing, hook))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As `register_state_dict_post_hook`, but what it returns, if not None, is the result."""
        return self._own_hooks().add("state_dict", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before this module is loaded.

        hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs) may change its arguments.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """As `register_load_state_dict_pre_hook`; the hook gets the module only if asked to."""
        return self._own_hooks().add("load_pre", partial(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(module, incompatible_keys) after this module and those below are loaded.

        It may change the two lists, and must return None.
        """
        return self._own_hooks().add("load_post", hook)


class _Loading:
    """One walk of load_state_dict over a network, and what it found wrong."""

    def __init__(self, module: Stateful, state_dict: Mapping[str, Any], assign: bool) -> None:
        self.module = module
        self.metadata = getattr(state_dict, "_metadata", None) or {}
        self.state = OrderedDict(state_dict)
        self.state._metadata = self.metadata  # type: ignore[attr-defined]
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []

    def run(self, method: str) -> _Loading:
        """Call a method of every module, parents first."""
        self._visit(method, self.module, self.state, "")
        return self

    def _visit(self, method: str, module: Any, state: dict[str, Any], prefix: str) -> None:
        metadata = self.metadata.get(prefix[:-1], {})
        if self.assign:
            metadata = {**metadata, "assign_to_params_buffers": True}
        getattr(module, method)(
            state, prefix, metadata, True, self.missing, self.unexpected, self.errors
        )
        below: defaultdict[str, dict[str, Any]] = defaultdict(OrderedDict)
        for key, value in state.items():
            below[key.removeprefix(prefix).partition(".")[0]][key] = value
        for name, child in module._modules.items():
            if child is not None:
                self._visit(method, child, below[name], f"{prefix}{name}.")
        if method == "_load_from_state_dict":
            for hook in module._hooks_of("load_post"):
                _call_for_nothing(hook, module, IncompatibleKeys(self.missing, self.unexpected))

    def refuse(self, strict: bool) -> IncompatibleKeys:
        """Raise an error that lists what is wrong, if something is."""
        problems = []
        if strict and self.missing:
            problems.append(f"missing: {_quoted(self.missing)}")
        if strict and self.unexpected:
            problems.append(f"unexpected: {_quoted(self.unexpected)}")
        problems += self.errors
        if problems:
            raise RuntimeError(
                f"{type(self.module).__name__}.load_state_dict: the state dict does not fit:\n    "
                + "\n    ".join(problems)
            )
        return IncompatibleKeys(self.missing, self.unexpected)


def _problem(old: Tensor, new: Any) -> str | None:
    """Why an entry of a state dict does not fit a parameter or buffer, if it does not."""
    if is_lazy(new):
        return None if is_lazy(old) else "without a shape yet in the state dict"
    if not hasattr(new, "shape"):
        return f"expected a Tensor, got {type(new).__name__}"
    try:
        as_tensor(new)
    except TypeError as error:
        return str(error)
    if is_lazy(old):
        return None
    shapes = tuple(new.shape), tuple(old.shape)
    if shapes[0] == shapes[1] or shapes == ((1,), ()):
        return None
    return f"shape {shapes[0]} in the state dict, {shapes[1]} in the module"


def _array(who: str, key: str, value: Any) -> np.ndarray:
    """The values of a PyTorch tensor."""
    try:
        value = value.detach().cpu()
        # NumPy has no bfloat16; every one of its numbers is a float32.
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    except (AttributeError, TypeError, RuntimeError) as error:
        raise TypeError(f"{who}: {key!r} cannot be read: {error}") from None


def _call_for_nothing(hook: Callable[..., Any], module: Stateful, *args: Any) -> None:
    """Call a hook that has nothing to return."""
    if hook(module, *args) is not None:
        raise RuntimeError(
            f"{type(module).__name__}: a hook of a state dict must return None; it may change what "
            "it gets"
        )


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
