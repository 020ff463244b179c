"""In-place changes: new values in the memory of a tensor, and a graph that stays true to it.

The tensor takes over the history of the new value. If it is a view, its base gets a new history
too: "the old base, with the region of the view replaced" (ViewScatter).
"""

from __future__ import annotations

import gc
from typing import Any

from naivegrad.autograd import forward
from naivegrad.autograd.engine import conjugate
from naivegrad.autograd.function import Function, Leaf, next_sequence
from naivegrad.autograd.mode import grad_mode
from naivegrad.autograd.view import View
from naivegrad.backend.promotion import can_cast


class ViewScatter(Function):
    """base with the region that a view covers replaced by a value.

    grad_base = grad with that region zeroed,    grad_value = that region of grad.
    """

    path: View

    @staticmethod
    def forward(ctx: Any, base: Any, value: Any, steps: tuple[Any, ...]) -> Any:
        ctx.path = View(None, steps, 0, True)  # without the base: it will hold this node
        return base  # the value was written through the view already

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        grad_base = None
        grad = conjugate(grad)  # of which parts of complex numbers are views, as of the numbers
        if ctx.needs_input_grad[0]:
            grad_base = grad.clone()
            ctx.path.retrace(grad_base).zero_()
        return conjugate(grad_base), conjugate(ctx.path.retrace(grad))

    @staticmethod
    def jvp(ctx: Any, base_dot: Any, value_dot: Any, _: Any) -> Any:
        base_dot = value_dot.new_zeros(ctx.shape) if base_dot is None else base_dot.clone()
        region = ctx.path.retrace(base_dot)
        if value_dot is None:
            region.zero_()
        else:
            region.copy_(value_dot)
        return base_dot


def assign(tensor: Any, operation: Any, *arguments: Any, **keywords: Any) -> Any:
    """tensor = operation(tensor, *arguments), in the memory of the tensor.

    Raises RuntimeError for a leaf that requires a gradient (its history would have to begin before
    itself), ValueError where the result has another shape and TypeError where it has a type of a
    higher category.
    """
    name = operation.__name__.strip("_") + "_"
    if grad_mode.enabled:
        refuse_leaf(tensor, name)
    if tensor.view_of is not None:
        tensor.view_of.refresh(tensor)
    before = tensor.alias()
    start = next_sequence()
    result = operation(before, *arguments, **keywords)
    array = result.array
    if array.shape != tensor.array.shape:
        raise ValueError(
            f"{name}: in place, the result of shape {array.shape} does not fit a tensor of shape "
            f"{tensor.array.shape}"
        )
    if not can_cast(array.dtype, tensor.array.dtype):
        raise TypeError(
            f"{name}: in place, a result of type {result.dtype} cannot be stored in a tensor of "
            f"type {tensor.dtype}"
        )
    if result.node is not None:
        _keep_old_values(result.node, start, tensor.array)
    if array is not tensor.array:  # else the operation wrote there itself
        tensor.backend.copy_into(tensor.array, array)
    adopt(tensor, result)
    return tensor


def update(tensor: Any, op: str, operation: Any, *arguments: Any, **keywords: Any) -> Any:
    """The same for an elementwise kernel: straight into the memory where nothing is recorded."""
    recording = grad_mode.enabled and (
        tensor.node is not None or any(getattr(x, "node", None) for x in arguments)
    )
    if recording or tensor.tangent is not None or not tensor.array.flags.writeable:
        return assign(tensor, operation, *arguments, **keywords)
    arrays = [getattr(x, "array", x) for x in arguments]
    run = tensor.backend.binary if arrays else tensor.backend.unary
    run(op, tensor.array, *arrays, *keywords.values(), out=tensor.array)
    tensor.version[0] += 1
    return tensor


def _keep_old_values(node: Any, start: int, array: Any) -> None:
    """Of a tensor about to be overwritten, let what the operation saved of it be a copy.

    The nodes that the operation made are those younger than `start`: their numbers are smaller.
    """
    copy = None
    waiting, seen = [node], set()
    while waiting:
        node = waiting.pop()
        if node is None or node.sequence >= start or id(node) in seen:
            continue
        seen.add(id(node))
        waiting += node.edges
        if not isinstance(node.saved, list):
            continue
        for i, entry in enumerate(node.saved):
            if entry.__class__ is tuple and entry[0] is array:
                if copy is None:
                    copy = node.backend.copy(array)
                node.saved[i] = (copy, entry[1], None, 0)


def restride(tensor: Any, operation: Any, *arguments: Any) -> Any:
    """tensor = operation(tensor, *arguments), a view operation, as another look at its memory.

    Views of the tensor as it was become views of a stand-in of that look, and so does the tensor.
    """
    name = operation.__name__.strip("_") + "_"
    if grad_mode.enabled:
        refuse_leaf(tensor, name)
    if tensor.view_of is None:
        before = tensor.alias()
        for view in _views(tensor):
            view.view_of.base = before
    else:
        tensor.view_of.refresh(tensor)
        before = tensor.alias()
        before.view_of = tensor.view_of
    result = operation(before, *arguments)
    tensor.array = result.array
    tensor.node = result.node
    tensor.view_of = result.view_of
    tensor.version[0] += 1
    if tensor.view_of is not None:
        tensor.view_of.count = tensor.version[0]
    return tensor


def refuse_leaf(tensor: Any, name: str) -> None:
    """Raise if an in-place change of the tensor cannot be recorded."""
    if isinstance(tensor.node, Leaf):
        raise RuntimeError(
            f"{name}: a leaf tensor that requires grad cannot be changed in place; "
            "use no_grad(), or change a clone"
        )
    if tensor.view_of is not None and isinstance(tensor.view_of.base.node, Leaf):
        raise RuntimeError(
            f"{name}: a view of a leaf tensor that requires grad cannot be changed in place; "
            "use no_grad(), or change a view of a clone"
        )


def adopt(tensor: Any, result: Any) -> None:
    """Give a tensor just overwritten the history of `result`, which it now equals."""
    tensor.version[0] += 1
    if forward.active:
        _adopt_tangent(tensor, result.tangent)
    if not grad_mode.enabled or (result.node is None and tensor.node is None):
        return
    view = tensor.view_of
    if view is None:
        tensor.node = result.node
        return
    if not view.recorded:
        raise RuntimeError(
            "a view made under no_grad was changed in place with recording on: the change cannot "
            "be traced to the tensor that it is a view of; make the view with recording on"
        )
    base = view.base
    fresh = base.node is None
    base.node = ViewScatter.apply(base.alias(), result, view.steps).node
    view.count = -1
    view.refresh(tensor)
    if fresh:
        _tell_views(base)


def _adopt_tangent(tensor: Any, value_dot: Any) -> None:
    """The same for forward mode: the tangent of the base changes where the view lies."""
    view = tensor.view_of
    if view is not None and not (view.base.tangent is None and value_dot is None):
        ctx = ViewScatter()
        ctx.path, ctx.shape = View(None, view.steps, 0, True), view.base.array.shape
        view.base.tangent = ViewScatter.jvp(ctx, view.base.tangent, value_dot, None)
        view.dot_count = tensor.version[0]
    tensor.tangent = value_dot


def _tell_views(base: Any) -> None:
    """Give every live view of a base that began to require a gradient a node."""
    for other in _views(base):
        if other.view_of.recorded:
            other.view_of.count = -1
            other.view_of.refresh(other)


def _views(base: Any) -> list[Any]:
    """The live views of a base.

    Rarely asked for (a plain buffer written through a view), so they are found by who holds the
    counter instead of being listed at each slicing.
    """
    holders = gc.get_referrers(base.version)
    views = [(x, getattr(x, "view_of", None)) for x in holders]
    return [x for x, view in views if isinstance(view, View) and view.base is base]
