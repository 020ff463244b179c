"""Forward mode: tangents travel with the values, by the rules that reverse mode already has.

A Tensor carries its tangent in `tensor.tangent` while a `jvp` is running. After each operation
`push` derives the tangent of the result from those of the inputs, as the operation's `kind` says.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from naivegrad.autograd.mode import enable_grad
from naivegrad.backend.promotion import is_differentiable

active = 0  # how many jvp calls are running, in all threads: while 0, operations skip this module
_lock = threading.Lock()


class _Paused(threading.local):
    """True while a tangent is being computed: tangents themselves carry none."""

    value = False


_paused = _Paused()


@contextlib.contextmanager
def pause() -> Iterator[None]:
    """A block whose operations compute no tangents."""
    before, _paused.value = _paused.value, True
    try:
        yield
    finally:
        _paused.value = before


def jvp(
    function: Callable[..., Any], inputs: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The value of a function and its directional derivative.

        y = f(x_1, ..., x_n),    y_dot = sum_i (df/dx_i) x_i_dot

    Parameters
    ----------
    function : callable of n Tensors, returning a Tensor or a tuple of them
    inputs, tangents : n Tensors each, of equal shapes (a tangent may be None: zero)

    Returns
    -------
    (y, y_dot)      of one shape; tuples where the function returns a tuple

    The tangent is differentiable with respect to inputs and tangents that require gradients.
    """
    global active
    from naivegrad.autograd.function import Tensor

    if len(inputs) != len(tangents):
        raise ValueError(f"jvp: {len(inputs)} inputs, but {len(tangents)} tangents")
    duals = []
    for x, x_dot in zip(inputs, tangents, strict=True):
        if x_dot is not None and x_dot.array.shape != x.array.shape:
            raise ValueError(
                f"jvp: a tangent of shape {x_dot.array.shape} for an input of shape {x.array.shape}"
            )
        dual = x.view_as(x) if x.node is not None else x.detach()
        dual.tangent = x_dot
        duals.append(dual)
    with _lock:
        active += 1
    try:
        result = function(*duals)
    finally:
        with _lock:
            active -= 1
    if isinstance(result, Tensor):
        return _split(result)
    pairs = [_split(y) for y in result]
    return tuple(y for y, _ in pairs), tuple(y_dot for _, y_dot in pairs)


def _split(y: Any) -> tuple[Any, Any]:
    """A dual as (value, tangent)."""
    (y_dot,) = _tangents([y])
    if y_dot is None:
        y_dot = y.detach().new_zeros(y.array.shape)
    y = y.alias()
    return y, y_dot


def _tangents(inputs: Sequence[Any]) -> list[Any]:
    for x in inputs:
        view = getattr(x, "view_of", None)
        if view is not None:
            view.refresh_tangent(x)
    return [getattr(x, "tangent", None) for x in inputs]


def begin(ctx: Any, inputs: Sequence[Any]) -> None:
    """Before an operation: note which inputs have tangents, so that it saves what they need."""
    if not _paused.value:
        ctx.dual = [t is not None for t in _tangents(inputs)]


def push(ctx: Any, inputs: tuple[Any, ...], arrays: list[Any], output: Any) -> None:
    """Give the output of an operation the tangent that follows from those of its inputs."""
    tangents = _tangents(inputs)
    if _paused.value or all(t is None for t in tangents):
        return
    outputs = output if type(output) is tuple else (output,)
    if not ctx.recorded:
        ctx.shape, ctx.dtype = outputs[0].array.shape, outputs[0].array.dtype
        ctx.outputs = len(outputs) if type(output) is tuple else 0
        if ctx.saved is not None:
            ctx._record_saved(inputs, arrays, tuple(y.array for y in outputs), None)
    with pause():
        if hasattr(ctx, "jvp"):
            results = ctx.jvp(ctx, *tangents)
        else:
            results = _RULES[ctx.kind](ctx, inputs, tangents, outputs)
    if type(results) is not tuple:
        results = (results,)
    for y, y_dot in zip(outputs, results, strict=True):
        y.tangent = y_dot
    ctx.tangents = {
        id(x.array): x.tangent
        for x in (*inputs, *outputs)
        if getattr(x, "tangent", None) is not None
    }


def _linear(ctx: Any, inputs: Any, tangents: Any, outputs: Any) -> Any:
    """J t = f(t): the operation applied to the tangents; zero where an input has none."""
    from naivegrad.autograd.function import Tensor

    arguments = []
    for x, t in zip(inputs, tangents, strict=True):
        if t is None and isinstance(x, Tensor) and is_differentiable(x.array.dtype):
            t = x.detach().new_zeros(x.array.shape)
        arguments.append(x if t is None else t)
    return type(ctx).apply(*arguments)


def _bilinear(ctx: Any, inputs: Any, tangents: Any, outputs: Any) -> Any:
    """J t = f(x_dot, y) + f(x, y_dot)."""
    x, y, *rest = inputs
    x_dot, y_dot = tangents[:2]
    left = None if x_dot is None else type(ctx).apply(x_dot, y, *rest)
    right = None if y_dot is None else type(ctx).apply(x, y_dot, *rest)
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _elementwise(ctx: Any, inputs: Any, tangents: Any, outputs: Any) -> Any:
    """J is diagonal, so J t = transpose(J) t = backward(t), for each input by itself."""
    from naivegrad.autograd.engine import in_type

    total = None
    for i, t in enumerate(tangents):
        if t is not None:
            grads = type(ctx).backward(ctx, t.expand(outputs[0].array.shape))
            term = grads[i] if type(grads) is tuple else grads
            total = term if total is None else total + term
    return None if total is None else in_type(total, outputs[0].array.dtype)


def _general(ctx: Any, inputs: Any, tangents: Any, outputs: Any) -> Any:
    """backward(u) is linear in u; its own vector-Jacobian product with t is J t."""
    from naivegrad.autograd.engine import conjugate, grad

    recording = any(getattr(x, "node", None) is not None for x in (*inputs, *tangents))
    with enable_grad():
        us = []
        for y in outputs:
            differentiable = is_differentiable(y.array.dtype)
            u = y.detach().new_zeros(y.array.shape)
            us.append(u.requires_grad_() if differentiable else None)
        grads: Any = type(ctx).backward(ctx, *us)
        if type(grads) is not tuple:
            grads = (grads,)
        total = None
        for x, g, t in zip(inputs, grads, tangents, strict=False):
            if t is not None and g is not None:
                term = (g.sum_to(x.array.shape) * t).sum()
                term = term.real  # the tensor itself, if it is not complex
                total = term if total is None else total + term
        asked = [u for u in us if u is not None]
        if total is None or total.node is None:
            results: Any = [u.detach() for u in asked]
        else:
            results = grad(
                total, asked, create_graph=recording, allow_unused=True, materialize_grads=True
            )
        given = map(conjugate, results)
        return tuple(None if u is None else next(given) for u in us)


_RULES = {
    "linear": _linear,
    "bilinear": _bilinear,
    "elementwise": _elementwise,
    "general": _general,
}
