"""Module: the base class of layers and networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from naivegrad.autograd import no_grad
from naivegrad.device import device as Device
from naivegrad.dtype import bfloat16, float16, float32, float64
from naivegrad.dtype import dtype as DType
from naivegrad.nn.hooks import Hooks, as_registered
from naivegrad.nn.parameter import Buffer, Parameter
from naivegrad.nn.state import Stateful
from naivegrad.ops import empty_like
from naivegrad.tensor import Tensor

__all__ = ["Module"]

T = TypeVar("T", bound="Module")


class Module(Stateful):
    """A part of a network: parameters, buffers, other modules, and `forward`, which uses them.

    Assigning a `Parameter`, a `Buffer` or a `Module` to an attribute registers it: it is then found
    by `parameters()`, saved by `state_dict()`, moved by `to()`. Other attributes are plain.

    Examples
    --------
    >>> import naivegrad as ng
    >>> from naivegrad import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(4, 8)
    ...         self.out = nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).relu())
    >>> net = Net()
    >>> net(ng.zeros(3, 4)).shape
    (3, 2)
    >>> [name for name, _ in net.named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    call_super_init: bool = False  # whether the next class in line wants the arguments

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Past our own __setattr__, which looks into these.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)
        elif args or kwargs:
            given = [*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())]
            raise TypeError(
                f"{type(self).__name__}: Module.__init__ takes no arguments, got {', '.join(given)}"
            )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result for these inputs; each module writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`forward`, with the registered hooks around it."""
        if self._hooks is None and Hooks.everywhere is None:
            return self.forward(*args, **kwargs)
        hooks = Hooks.of(self)
        return self.forward(*args, **kwargs) if hooks is None else hooks.call(self, args, kwargs)

    # ---------------------------------------------------------------------------- attributes

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not a plain attribute. Reads past itself: copying and unpickling
        # ask for attributes of a module that is still empty.
        state = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in state and name in state[kind]:
                return state[kind][name]
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        if "_parameters" not in state:
            message += "; its __init__ has not called super().__init__()"
        raise AttributeError(message)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._forget(name, "parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, "modules")
            self.register_module(name, value)
        elif isinstance(value, Buffer):
            self._forget(name, "buffers")
            self.register_buffer(name, value, value.persistent)
        else:
            self._set_other(name, value)

    def _set_other(self, name: str, value: Any) -> None:
        state = self.__dict__
        who = f"{type(self).__name__}.{name}"
        if name in state.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"{who} is a parameter: expected a Parameter or None, got {_type_name(value)}"
                )
            self.register_parameter(name, None)
        elif name in state.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"{who} is a module: expected a Module or None, got {_type_name(value)}"
                )
            self.register_module(name, None)
        elif name in state.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"{who} is a buffer: expected a Tensor or None, got {_type_name(value)}"
                )
            self._buffers[name] = as_registered(self, "buffer", name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for kind in (self._parameters, self._buffers, self._modules):
            if name in kind:
                del kind[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(names)

    def _forget(self, name: str, kind: str) -> None:
        """A name means one thing: drop what it was before it becomes something else."""
        state = self.__dict__
        if "_parameters" not in state:
            raise AttributeError(
                f"{type(self).__name__}: {name!r} is assigned before super().__init__() was called"
            )
        state.pop(name, None)
        for other in ("_parameters", "_buffers", "_modules"):
            if other != f"_{kind}":
                state[other].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _check_name(self, name: str, kind: str, registered: Mapping[str, Any]) -> None:
        who = type(self).__name__
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{who}: register a {kind} after super().__init__()")
        if not isinstance(name, str):
            raise TypeError(f"{who}: the name of a {kind} must be a string, got {_type_name(name)}")
        if name == "" or "." in name:
            raise KeyError(
                f"{who}: the name of a {kind} can't be empty or contain '.', got {name!r}"
            )
        if hasattr(self, name) and name not in registered:
            raise KeyError(f"{who}: attribute {name!r} exists already")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, a leaf, under a name; None keeps the name for one that is absent."""
        self._check_name(
            name, "parameter", self._parameters if "_parameters" in self.__dict__ else {}
        )
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"{type(self).__name__}.{name}: expected a Parameter or None, "
                f"got {_type_name(param)}"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"{type(self).__name__}.{name}: a parameter must be a leaf; this one was computed. "
                "Compute it in forward instead"
            )
        self._parameters[name] = as_registered(self, "parameter", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not trained; not persistent: not in `state_dict`."""
        self._check_name(name, "buffer", self.__dict__.get("_buffers", {}))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"{type(self).__name__}.{name}: expected a Tensor or None, got {_type_name(tensor)}"
            )
        self._buffers[name] = as_registered(self, "buffer", name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name."""
        self._check_name(name, "module", self.__dict__.get("_modules", {}))
        if module is not None and not isinstance(module, Module):
            raise TypeError(
                f"{type(self).__name__}.{name}: expected a Module or None, got {_type_name(module)}"
            )
        self._modules[name] = as_registered(self, "module", name, module)

    add_module = register_module

    # ------------------------------------------------------------------------------ walking

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with dotted names."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, below, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, each once, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Iterable[tuple[str, Any]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """What get_members_fn(module) lists for this module and those below, with dotted names."""
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen = set()
        for path, module in modules if recurse else [(prefix, self)]:
            for name, value in get_members_fn(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names; one that is shared comes once, under its first name."""
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer is given."""
        return (param for _, param in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with dotted names."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module with this dotted name; the empty name is this module."""
        module = self
        for name in target.split(".") if target else ():
            child = module._modules.get(name)
            if child is None:
                raise AttributeError(
                    f"{type(module).__name__} has no module {name!r} (in {target!r})"
                )
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place with this dotted name; if `strict`, only where one is."""
        who = f"{type(self).__name__}.set_submodule"
        if not target:
            raise ValueError(f"{who}: the name of the place is empty")
        if not isinstance(module, Module):
            raise ValueError(f"{who}: expected a Module, got {_type_name(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no module {name!r} (in {target!r})")
        if not isinstance(getattr(parent, name, module), Module):
            raise AttributeError(f"{type(parent).__name__}.{name} is no module (in {target!r})")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with this dotted name."""
        return self._get(target, "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with this dotted name."""
        return self._get(target, "buffer")

    def _get(self, target: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        value = module.__dict__[f"_{kind}s"].get(name)
        if value is None:
            raise AttributeError(f"{type(module).__name__} has no {kind} {name!r} (in {target!r})")
        return value

    # --------------------------------------------------------------------- changing all of it

    def train(self: T, mode: bool = True) -> T:
        """Training mode, for this module and all below it: dropout drops, batch norm learns."""
        if not isinstance(mode, bool):
            raise ValueError(f"{type(self).__name__}.train: mode must be a bool, got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: T) -> T:
        """Evaluation mode, for this module and all below it."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Let all parameters be trained, or none."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for param in self.parameters():
            if param.grad is not None:
                if set_to_none:
                    param.grad = None
                else:
                    param.grad = param.grad.detach()
                    param.grad.zero_()

    def apply(self: T, fn: Callable[[Module], Any]) -> T:
        """Call `fn` with every module, children first: the way to initialise a network."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self: T, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> T:
        """Replace the data of every parameter (and gradient) and every buffer by fn(data)."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    # The Parameter stays the same object: optimizers and ties hold on to it.
                    grad = param.grad
                    param.grad = None
                    param.data = fn(param.data)
                    param.grad = None if grad is None else fn(grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Move to a device or cast: ``to(device)``, ``to(dtype)``, ``to(device, dtype)``.

        In place; the module is returned. Integer parameters and buffers keep their dtype.
        `non_blocking` and `memory_format` are accepted and mean nothing.
        """
        device, dtype = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"{type(self).__name__}.to: expected a floating or complex dtype, got {dtype}"
            )

        def move(t: Tensor) -> Tensor:
            return t.to(device, dtype if t.is_floating_point() or t.is_complex() else None)

        return self._apply(move)

    def to_empty(self: T, *, device: Any, recurse: bool = True) -> T:
        """Move to a device without the values, which are then still to be written."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def type(self: T, dst_type: Any) -> T:
        """Cast all parameters and buffers, whatever they are, to one dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def _cast(self: T, dtype: DType) -> T:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self: T) -> T:
        """Cast floating parameters and buffers to float32."""
        return self._cast(float32)

    def double(self: T) -> T:
        """Cast floating parameters and buffers to float64."""
        return self._cast(float64)

    def half(self: T) -> T:
        """Cast floating parameters and buffers to float16."""
        return self._cast(float16)

    def bfloat16(self: T) -> T:
        """Cast floating parameters and buffers to bfloat16."""
        return self._cast(bfloat16)

    def cpu(self: T) -> T:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self: T, device: Any = None) -> T:
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is no compiler, and the module runs as it is."""

    # --------------------------------------------------------------------------------- repr

    def extra_repr(self) -> str:
        """What stands between the parentheses of this module's repr; each module writes its own."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def _child_lines(self) -> list[str]:
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = self._child_lines()
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        lines = [*(extra.split("\n") if extra else []), *children]
        body = "\n".join(lines).replace("\n", "\n  ")
        return f"{self._get_name()}(\n  {body}\n)"


def _type_name(value: Any) -> str:
    return type(value).__name__


def _parse_to(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> tuple[Any, Any]:
    """(device, dtype) of the forms to(device), to(dtype), to(device, dtype), to(tensor)."""
    for arg in args[:2]:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, DType):
            dtype = arg
        elif arg is None or isinstance(arg, bool):  # non_blocking
            continue
        elif isinstance(arg, (str, int, Device)):
            device = arg
        else:
            raise TypeError(f"Module.to: expected a device, a dtype or a Tensor, got {arg!r}")
    if dtype is not None and not isinstance(dtype, DType):
        raise TypeError(f"Module.to: dtype must be a dtype, got {dtype!r}")
    return device, dtype
