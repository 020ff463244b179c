"""State dicts: a module's parameters and buffers by name, to be saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from naivegrad.autograd import no_grad
from naivegrad.nn.parameter import Parameter
from naivegrad.ops import as_tensor
from naivegrad.tensor import Tensor

if TYPE_CHECKING:
    from naivegrad.nn.module import Module

__all__ = ["IncompatibleKeys", "Stateful"]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found missing in the state, and what the module has no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Stateful:
    """The part of Module that gives its state away and takes it back."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]

    def state_dict(
        self,
        *,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by name, detached, sharing the module's memory."""
        destination = {} if destination is None else destination
        for name, value in self._own_state().items():
            detached = value.detach() if isinstance(value, Tensor) and not keep_vars else value
            destination[prefix + name] = detached
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        return destination

    def _own_state(self) -> dict[str, Any]:
        members = {**self._parameters, **self._buffers}
        state: dict[str, Any] = {
            name: value
            for name, value in members.items()
            if value is not None and name not in self._non_persistent
        }
        if type(self).get_extra_state is not Stateful.get_extra_state:
            state["_extra_state"] = self.get_extra_state()
        return state

    def get_extra_state(self) -> Any:
        """What else `state_dict` saves of this module; override with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(f"{type(self).__name__} has no extra state")

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of a state dict, by name, into this module.

        Nothing is changed unless everything fits.

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
        places = {
            (f"{path}.{name}" if path else name): (module, name, value)
            for path, module in self.named_modules(remove_duplicate=False)
            for name, value in module._own_state().items()
        }
        missing = [key for key in places if key not in state_dict]
        unexpected = [key for key in state_dict if key not in places]
        problems = []
        if strict and missing:
            problems.append(f"missing: {_quoted(missing)}")
        if strict and unexpected:
            problems.append(f"unexpected: {_quoted(unexpected)}")
        for key, (_, name, old) in places.items():
            if key in state_dict and name != "_extra_state":
                new = state_dict[key]
                if not hasattr(new, "shape"):
                    problems.append(f"{key!r}: expected a Tensor, got {type(new).__name__}")
                elif tuple(new.shape) != tuple(old.shape):
                    problems.append(
                        f"{key!r}: shape {tuple(new.shape)} in the state dict, "
                        f"{tuple(old.shape)} in the module"
                    )
        if problems:
            raise RuntimeError(
                f"{type(self).__name__}.load_state_dict: the state dict does not fit:\n    "
                + "\n    ".join(problems)
            )
        with no_grad():
            for key, (module, name, old) in places.items():
                if key in state_dict:
                    module._load(name, old, state_dict[key], assign)
        return IncompatibleKeys(missing, unexpected)

    def _load(self, name: str, old: Any, new: Any, assign: bool) -> None:
        if name == "_extra_state":
            self.set_extra_state(new)
            return
        new = new if isinstance(new, Tensor) else as_tensor(new)
        if not assign:
            old.copy_(new)
        elif isinstance(old, Parameter):
            if not isinstance(new, Parameter):
                new = Parameter(new, requires_grad=old.requires_grad)
            self._parameters[name] = new
        else:
            self._buffers[name] = new


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
