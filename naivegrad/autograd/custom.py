"""Operations that users write: their `forward` works on tensors, as PyTorch's does.

The library's operations are nodes of the graph themselves and work on arrays (function.py). Of a
user's class only `apply` is used; the node is a `Context`, which is the `ctx` that the user sees.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from naivegrad.autograd import forward, function
from naivegrad.autograd.engine import conjugate
from naivegrad.autograd.function import Function, Output, next_sequence
from naivegrad.autograd.inplace import adopt, refuse_leaf
from naivegrad.autograd.mode import grad_mode, no_grad
from naivegrad.backend.promotion import is_differentiable


class Context(Function):
    """The node of one use of a user's Function, given to its `forward` and `backward` as `ctx`."""

    function: ClassVar[type[Function]]  # the user's class
    tangents: Any = MappingProxyType({})  # not None: what was saved always has its history

    kept: tuple[Any, ...] = ()  # the tensors to save
    dirty: tuple[Any, ...] = ()
    materialize: bool = True
    kinds: list[Any]  # of each output (shape, dtype, backend), or None if it is no tensor

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) until backward has run."""
        for x in tensors:
            if not (x is None or isinstance(x, function.Tensor)):
                raise TypeError(
                    f"save_for_backward: expects tensors or None, got {type(x).__name__}; other "
                    "things can be attributes of ctx"
                )
        self.kept = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for `jvp`; save_for_backward, where it is called too, says which."""
        if not self.kept:
            self.save_for_backward(*tensors)

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs were changed in place; `forward` must return them."""
        self.dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (else None) for an output that has no gradient."""
        self.materialize = value

    @property
    def needs_input_grad(self) -> Any:
        """For each input, whether its gradient will be asked for."""
        return tuple(super().needs_input_grad)

    @property
    def saved_tensors(self) -> Any:
        """What was saved."""
        return () if self.saved is None else tuple(super().saved_tensors)

    def _record_saved(self, *_: Any) -> None:
        """`apply` has done it."""

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The user's backward, with zeros for what is missing, and a look at what it returns.

        Complex gradients are conjugated before and after: to a user's class they are PyTorch's.
        """
        cls = ctx.function
        given = [conjugate(g) for g in grads]
        if ctx.materialize:
            given = _with_zeros(given, ctx.kinds)
        own = cls.backward is not Function.backward or not hasattr(cls, "vjp")
        result = (cls.backward if own else cls.vjp)(ctx, *given)
        results = result if isinstance(result, tuple) else (result,)
        n = len(ctx.edges)
        if len(results) < n or any(g is not None for g in results[n:]):
            raise RuntimeError(
                f"{cls.__name__}.backward returned {len(results)} gradients for {n} inputs"
            )
        for i, (g, is_tensor) in enumerate(zip(results, ctx.tensor_inputs, strict=False)):
            if g is None:
                continue
            if not is_tensor:
                raise RuntimeError(
                    f"{cls.__name__}.backward returned a gradient for input {i}, which is no tensor"
                )
            if not isinstance(g, function.Tensor):
                raise TypeError(
                    f"{cls.__name__}.backward must return Tensors or None, "
                    f"it returned {type(g).__name__}"
                )
        return tuple([conjugate(g) for g in results[:n]])


def take(cls: Any) -> None:
    """Make a subclass of Function one whose `forward` works on tensors."""
    members = {"function": cls, "__module__": cls.__module__, "__doc__": cls.__doc__}
    if hasattr(cls, "jvp"):
        members["jvp"] = staticmethod(_jvp)
    cls.node_class = type(f"{cls.__name__}Backward", (Context,), members, tensors=False)
    if inspect.getattr_static(cls, "apply") is vars(Function)["apply"]:
        cls.apply = classmethod(_apply)


function.take = take


def _apply(cls: Any, *inputs: Any, **keywords: Any) -> Any:
    """Run the user's forward and, where an input requires it, record how to differentiate it."""
    ctx = cls.node_class()
    combined = cls.setup_context is Function.setup_context  # forward saves, too
    first = (ctx,) if combined else ()
    if keywords:  # one order for inputs, edges and gradients
        bound = inspect.signature(cls.forward).bind(*first, *inputs, **keywords)
        inputs = bound.args[len(first) :]
    recording = _begin(ctx, inputs)
    with no_grad(), forward.pause():
        result = cls.forward(*first, *inputs)
        if not combined:
            cls.setup_context(ctx, inputs, result)
    if isinstance(result, np.ndarray):
        raise TypeError(f"{cls.__name__}.forward gets tensors and must return them, not arrays")
    raw = result if isinstance(result, tuple) else (result,)
    for x in ctx.dirty:
        if not _among(x, raw):
            raise RuntimeError(f"{cls.__name__}: an input marked as dirty was not returned")

    several = isinstance(result, tuple)
    ctx.outputs = len(raw) if several else 0
    ctx.kinds = [_kind(y) for y in raw]
    ctx.constant = [
        kind is None or not is_differentiable(kind[1]) or _among(y, ctx.non_differentiable)
        for y, kind in zip(raw, ctx.kinds, strict=True)
    ]
    if recording:
        ctx.sequence = next_sequence()
        ctx.hooks = None
        ctx.recorded = True
        if not several and ctx.kinds[0] is not None:
            ctx.shape, ctx.dtype, _ = ctx.kinds[0]
    outputs = tuple([_output(ctx, inputs, i, y, recording) for i, y in enumerate(raw)])
    if ctx.kept and (recording or forward.active):
        ctx.saved = [_record(ctx, inputs, raw, x) for x in ctx.kept]
    ctx.kept = ctx.dirty = ()
    if forward.active:
        if None in ctx.kinds:
            raise TypeError(f"{cls.__name__}: in forward mode every output must be a tensor")
        arrays = [getattr(x, "array", x) for x in inputs]
        forward.push(ctx, inputs, arrays, outputs if several else outputs[0])
    ctx.non_differentiable = ()
    return outputs if several else outputs[0]


def _begin(ctx: Any, inputs: tuple[Any, ...]) -> bool:
    """The edges of a new node; returns whether the operation is to be recorded."""
    ctx.saved = None
    ctx.recorded = False
    ctx.backend = None
    ctx.tensor_inputs = [isinstance(x, function.Tensor) for x in inputs]
    ctx.edges = [None] * len(inputs)
    for i, x in enumerate(inputs):
        if ctx.tensor_inputs[i]:
            ctx.backend = ctx.backend or x.backend
            if grad_mode.enabled and x.node is not None:
                ctx.edges[i] = _node(x)
    if forward.active:
        ctx.input_kinds = [_kind(x) for x in inputs]
        forward.begin(ctx, inputs)
    return any(edge is not None for edge in ctx.edges)


def _output(ctx: Any, inputs: tuple[Any, ...], i: int, y: Any, recording: bool) -> Any:
    """Output i, with its place in the graph."""
    if ctx.kinds[i] is None:
        return y
    if _among(y, ctx.dirty):
        if not recording:
            y.version[0] += 1
            return y
        refuse_leaf(y, ctx.function.__name__)
        changed = y.detach()
        changed.node = _place(ctx, i, y)
        adopt(y, changed)
        return y
    if _among(y, inputs):
        with no_grad():
            y = y.view_as(y)
    if recording:
        y.node = None if ctx.constant[i] else _place(ctx, i, y)
    return y


def _place(ctx: Any, i: int, y: Any) -> Any:
    """The node of output i."""
    return Output(ctx, i, y.array) if ctx.outputs else ctx


def _record(ctx: Any, inputs: tuple[Any, ...], raw: tuple[Any, ...], x: Any) -> Any:
    """What `saved_tensors` needs to know of a saved tensor: see Function._record_saved."""
    if x is None:
        return None
    if _among(x, raw) and (_among(x, ctx.dirty) or not _among(x, inputs)):
        i = next(i for i, y in enumerate(raw) if y is x)
        source = None if ctx.constant[i] else i
    else:
        source = next((e for e, y in zip(ctx.edges, inputs, strict=True) if y is x), _node(x))
    return x.array, source, x.version, x.version[0]


def _among(x: Any, things: tuple[Any, ...]) -> bool:
    return any(x is y for y in things)


def _node(x: Any) -> Any:
    return x.node if x.view_of is None else x.view_of.refresh(x)


def _kind(x: Any) -> Any:
    """(shape, dtype, backend) of a tensor; None for anything else."""
    tensor = isinstance(x, function.Tensor)
    return (x.array.shape, x.array.dtype, x.backend) if tensor else None


def _with_zeros(tensors: list[Any], kinds: list[Any]) -> list[Any]:
    """The tensors, with zeros where there is None for a tensor."""
    return [
        function.wrap(kind[2].full(kind[0], 0, kind[1]), kind[2]) if x is None and kind else x
        for x, kind in zip(tensors, kinds, strict=True)
    ]


def _jvp(ctx: Any, *tangents: Any) -> Any:
    """The user's jvp, with zeros for tensors that have no tangent."""
    given = list(tangents)
    return ctx.function.jvp(
        ctx, *(_with_zeros(given, ctx.input_kinds) if ctx.materialize else given)
    )


class Once(Function, tensors=True):
    """y_i = x_i, of which the gradient is an error: what cannot be differentiated again."""

    @staticmethod
    def forward(ctx: Any, name: str, *grads: Any) -> Any:
        ctx.name = name
        return tuple([g if g is None else g.detach() for g in grads])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(f"{ctx.name}: backward is marked once_differentiable: no second time")


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` that works on values only: differentiating it again is an error.

    ::

        @staticmethod
        @once_differentiable
        def backward(ctx, grad): ...
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = backward(ctx, *grads)
        if not grad_mode.enabled:
            return result
        results = result if isinstance(result, tuple) else (result,)
        name = ctx.function.__name__
        # A stand-in for all that the gradients depend on, so that they have a history.
        ticket = function.wrap(ctx.backend.full((), 0, np.dtype(np.float32)), ctx.backend)
        return Once.apply(name, *results, ticket.requires_grad_())[:-1]

    return once


function.once_differentiable = once_differentiable
