"""Hooks of a module: functions called around its forward and backward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from naivegrad.autograd import Function
from naivegrad.autograd.engine import conjugate
from naivegrad.tensor import RemovableHandle, Tensor

if TYPE_CHECKING:
    from naivegrad.nn.module import Module

__all__ = ["Hookable", "Hooks"]


class Hooks:
    """The hooks of one module, by kind. A module without hooks has no such object."""

    def __init__(self) -> None:
        self.forward_pre: dict[int, tuple[Callable[..., Any], bool]] = {}
        self.forward: dict[int, tuple[Callable[..., Any], bool, bool]] = {}
        self.backward_pre: dict[int, Callable[..., Any]] = {}
        self.backward: dict[int, Callable[..., Any]] = {}

    @staticmethod
    def add(hooks: dict[int, Any], hook: Any, prepend: bool) -> RemovableHandle:
        """Register `hook`, last or first of its kind."""
        others = dict(hooks)
        handle = RemovableHandle(hooks, hook)
        if prepend:
            for key in others:
                hooks[key] = hooks.pop(key)
        return handle

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """module.forward(*args, **kwargs), with the hooks around it."""
        args, kwargs = self._before(module, args, kwargs)
        watch = _Watch(self, module) if self.backward or self.backward_pre else None
        waiting = dict(self.forward)
        try:
            if watch:
                args = watch.inputs(args)
            result = module.forward(*args, **kwargs)
            for key, (hook, with_kwargs, _) in self.forward.copy().items():
                waiting.pop(key, None)
                changed = (
                    hook(module, args, kwargs, result)
                    if with_kwargs
                    else hook(module, args, result)
                )
                if changed is not None:
                    result = changed
        except Exception:
            for hook, with_kwargs, always in waiting.values():
                if always and with_kwargs:
                    hook(module, args, kwargs, None)
                elif always:
                    hook(module, args, None)
            raise
        return watch.outputs(result) if watch else result

    def _before(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hook, with_kwargs in list(self.forward_pre.values()):
            if not with_kwargs:
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


class Hookable:
    """The part of Module that registers hooks."""

    _hooks: Hooks | None = None

    def _hook_dict(self, kind: str) -> dict[int, Any]:
        if self._hooks is None:
            self._hooks = Hooks()
        return getattr(self._hooks, kind)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call hook(module, args) before forward; what it returns, if not None, replaces args.

        With `with_kwargs`: hook(module, args, kwargs) -> None or (args, kwargs).
        """
        return Hooks.add(self._hook_dict("forward_pre"), (hook, with_kwargs), prepend)

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
        exception, with output None.
        """
        entry = (hook, with_kwargs, always_call)
        return Hooks.add(self._hook_dict("forward"), entry, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(module, grad_output) before the module's backward; it may return others."""
        return Hooks.add(self._hook_dict("backward_pre"), hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call hook(module, grad_input, grad_output) after the module's backward.

        Both are tuples with None for what has no gradient. A returned tuple replaces grad_input.
        """
        return Hooks.add(self._hook_dict("backward"), hook, prepend)


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
        self.hooks = hooks
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
        for pre_hook in list(self.hooks.backward_pre.values()):
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
        for hook in list(self.hooks.backward.values()):
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
