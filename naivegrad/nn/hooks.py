"""Hooks of a module: functions called around its forward and backward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from naivegrad.autograd import Function
from naivegrad.autograd.engine import conjugate
from naivegrad.tensor import RemovableHandle, Tensor

if TYPE_CHECKING:
    from naivegrad.nn.module import Module

__all__ = [
    "Hookable",
    "Hooks",
    "as_registered",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


class Hooks:
    """The hooks of one module, or of all, by kind. A module without hooks has no such object."""

    everywhere: Hooks | None = None  # those of all modules; they come before a module's own

    def __init__(self) -> None:
        self.forward_pre: dict[int, Callable[..., Any]] = {}
        self.forward: dict[int, Callable[..., Any]] = {}
        self.backward_pre: dict[int, Callable[..., Any]] = {}
        self.backward: dict[int, Callable[..., Any]] = {}
        self.state_dict_pre: dict[int, Callable[..., Any]] = {}
        self.state_dict: dict[int, Callable[..., Any]] = {}
        self.load_pre: dict[int, Callable[..., Any]] = {}
        self.load_post: dict[int, Callable[..., Any]] = {}
        self.marks: dict[int, frozenset[str]] = {}  # which hooks want more, by their number

    def add(
        self, kind: str, hook: Callable[..., Any], prepend: bool = False, *marks: str
    ) -> RemovableHandle:
        """Register `hook`, last or first of its kind."""
        hooks: dict[int, Any] = getattr(self, kind)
        handle = RemovableHandle(hooks, hook, prepend)
        if marks:
            self.marks[handle.id] = frozenset(marks)
        return handle

    @classmethod
    def add_everywhere(cls, kind: str, hook: Callable[..., Any], *marks: str) -> RemovableHandle:
        """Register `hook` for all modules."""
        if cls.everywhere is None:
            cls.everywhere = cls()
        return cls.everywhere.add(kind, hook, False, *marks)

    @classmethod
    def of(cls, module: Hookable) -> Hooks | None:
        """The hooks of all modules and the module's own, if there are any."""
        everywhere = cls.everywhere
        if everywhere is None:
            return module._hooks
        if not any(hooks for kind, hooks in vars(everywhere).items() if kind != "marks"):
            cls.everywhere = None  # all were removed: calls are fast again
            return module._hooks
        return everywhere | module._hooks

    def __or__(self, other: Hooks | None) -> Hooks:
        if other is None:
            return self
        both = Hooks()
        for kind, hooks in vars(self).items():
            setattr(both, kind, hooks | getattr(other, kind))
        return both

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for hooks in state.values():
            RemovableHandle.start_after(max(hooks, default=0))

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """module.forward(*args, **kwargs), with the hooks around it."""
        args, kwargs = self._before(module, args, kwargs)
        watch = _Watch(self, module) if self.backward or self.backward_pre else None
        waiting = dict(self.forward)
        result = None
        try:
            if watch:
                args = watch.inputs(args)
            result = module.forward(*args, **kwargs)
            for key, hook in self.forward.copy().items():
                waiting.pop(key, None)
                changed = self._after(key, hook, module, args, kwargs, result)
                if changed is not None:
                    result = changed
        except Exception:
            for key, hook in waiting.items():
                if "always" in self.marks.get(key, ()):
                    self._after(key, hook, module, args, kwargs, result)
            raise
        return watch.outputs(result) if watch else result

    def _before(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for key, hook in self.forward_pre.copy().items():
            if "kwargs" not in self.marks.get(key, ()):
                changed = hook(module, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
                continue
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"{type(module).__name__}: a forward pre-hook with kwargs must return None or "
                    f"(args, kwargs), got {changed!r}"
                )
            args, kwargs = changed
        return args, kwargs

    def _after(
        self,
        key: int,
        hook: Callable[..., Any],
        module: Module,
        args: Any,
        kwargs: Any,
        result: Any,
    ) -> Any:
        if "kwargs" in self.marks.get(key, ()):
            return hook(module, args, kwargs, result)
        return hook(module, args, result)


def _named(kind: str) -> Any:
    """The hooks of one kind under PyTorch's name for them, for programs that look there."""
    return property(lambda module: getattr(module._own_hooks(), kind), doc=f"The hooks `{kind}`.")


class Hookable:
    """The part of Module that registers hooks."""

    _hooks: Hooks | None = None

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    _forward_pre_hooks = _named("forward_pre")
    _forward_hooks = _named("forward")
    _backward_pre_hooks = _named("backward_pre")
    _backward_hooks = _named("backward")
    _state_dict_pre_hooks = _named("state_dict_pre")
    _state_dict_hooks = _named("state_dict")
    _load_state_dict_pre_hooks = _named("load_pre")
    _load_state_dict_post_hooks = _named("load_post")

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call hook(module, args) before forward; what it returns, if not None, replaces args.

        With `with_kwargs`: hook(module, args, kwargs) -> None or (args, kwargs).
        """
        marks = ["kwargs"] * with_kwargs
        return self._own_hooks().add("forward_pre", hook, prepend, *marks)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call hook(module, args, output) after forward; what it returns, if not None, replaces it.

        With `with_kwargs`: hook(module, args, kwargs, output). With `always_call` also after an
        exception, with output None if there is none yet.
        """
        marks = ["kwargs"] * with_kwargs + ["always"] * always_call
        return self._own_hooks().add("forward", hook, prepend, *marks)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(module, grad_output) before the module's backward; it may return others."""
        return self._own_hooks().add("backward_pre", hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(module, grad_input, grad_output) after the module's backward.

        Both are tuples with None for what has no gradient. A returned tuple replaces grad_input.
        """
        return self._own_hooks().add("backward", hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`register_full_backward_hook` under its older name."""
        return self.register_full_backward_hook(hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, args) before the forward of every module, before its own hooks."""
    return Hooks.add_everywhere("forward_pre", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call hook(module, args, output) after the forward of every module, before its own hooks."""
    marks = ["kwargs"] * with_kwargs + ["always"] * always_call
    return Hooks.add_everywhere("forward", hook, *marks)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, grad_output) before the backward of every module."""
    return Hooks.add_everywhere("backward_pre", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, grad_input, grad_output) after the backward of every module."""
    return Hooks.add_everywhere("backward", hook)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`register_module_full_backward_hook` under its older name."""
    return register_module_full_backward_hook(hook)


# What is registered in a module is first shown to these: hook(module, name, value).
registration: dict[str, dict[int, Callable[..., Any]]] = {
    "buffer": {},
    "module": {},
    "parameter": {},
}


def as_registered(module: Module, kind: str, name: str, value: Any) -> Any:
    """The value, or what the hooks put in its place."""
    for hook in list(registration[kind].values()):
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, name, buffer) for every buffer; what it returns, if not None, is taken."""
    return RemovableHandle(registration["buffer"], hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, name, child) for every child; what it returns, if not None, is taken."""
    return RemovableHandle(registration["module"], hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call hook(module, name, param) for every parameter; what it returns, if any, is taken."""
    return RemovableHandle(registration["parameter"], hook)


class _PassBy(Function):
    """y_i = x_i.    grad_x = see(grad): all gradients at once are shown to `see`, and replaced."""

    @staticmethod
    def forward(ctx: Any, see: Callable[..., Any], *xs: Any) -> tuple[Any, ...]:
        ctx.see = see
        return xs

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        seen = ctx.see(tuple(map(conjugate, grads)))  # complex ones as PyTorch shows them
        return (None, *map(conjugate, seen))


class _Watch:
    """One call of a module whose backward pass has hooks.

    Inputs and outputs pass by an identity. The outputs' gradients come first and are kept; with
    the inputs' gradients the module's backward is complete and the hooks are called.
    """

    def __init__(self, hooks: Hooks, module: Module) -> None:
        self.pre_hooks = list(hooks.backward_pre.values())
        self.hooks = list(hooks.backward.values())
        self.module = module
        self.watched: list[int] = []  # positions among the arguments
        self.n_inputs = 0
        self.positions: list[int] = []  # positions among the outputs
        self.n_outputs = 0
        self.grad_output: tuple[Any, ...] = ()

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        args, self.watched = _pass_by(self.see_grad_input, args)
        return args

    def outputs(self, result: Any) -> Any:
        several = isinstance(result, (tuple, list))
        values = tuple(result) if several else (result,)
        self.n_outputs = len(values)
        values, self.positions = _pass_by(self.see_grad_output, values)
        if not several:
            return values[0]
        if hasattr(result, "_fields"):
            return type(result)(*values)
        return type(result)(values)

    def see_grad_output(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output = _spread(grads, self.positions, self.n_outputs)
        for pre_hook in self.pre_hooks:
            changed = pre_hook(self.module, grad_output)
            if changed is not None:
                grad_output = self._replacement("pre-hook", changed, grad_output)
        self.grad_output = grad_output
        if not self.watched:  # no input has a gradient to wait for
            self._call((None,) * self.n_inputs)
        return tuple(grad_output[i] for i in self.positions)

    def see_grad_input(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_input = self._call(_spread(grads, self.watched, self.n_inputs))
        return tuple(grad_input[i] for i in self.watched)

    def _call(self, grad_input: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.hooks:
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = self._replacement("hook", changed, grad_input)
        return grad_input

    def _replacement(self, kind: str, changed: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        changed = changed if isinstance(changed, tuple) else (changed,)
        if len(changed) != len(grads):
            raise RuntimeError(
                f"{type(self.module).__name__}: a backward {kind} must return {len(grads)} "
                f"gradients, got {len(changed)}"
            )
        return changed


def _pass_by(see: Callable[..., Any], values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int]]:
    """The values, those with a gradient replaced by watched ones; and where these are."""
    positions = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not positions:
        return values, positions
    watched = _PassBy.apply(see, *[values[i] for i in positions])
    result = list(values)
    for i, value in zip(positions, watched, strict=True):
        value.version = result[i].version  # the memory is the same: a change of one changes both
        result[i] = value
    return tuple(result), positions


def _spread(grads: tuple[Any, ...], positions: list[int], n: int) -> tuple[Any, ...]:
    """The gradients at their positions among n values, None elsewhere."""
    result: list[Any] = [None] * n
    for i, grad in zip(positions, grads, strict=True):
        result[i] = grad
    return tuple(result)
