"""The reverse pass: from the gradient of an output to those of everything it was made from.

Nodes are taken youngest first. A node is younger than all it depends on, so that when it is taken,
all the gradient that will ever reach it has arrived: one heap of sequence numbers is a topological
order, without recursion and without a first pass over the graph.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

from naivegrad.autograd import function
from naivegrad.autograd.function import FREED, Function, Output
from naivegrad.autograd.mode import enable_grad, grad_mode


def run(
    roots: Sequence[Any],
    grads: Sequence[Any],
    retain_graph: bool,
    create_graph: bool,
    targets: Sequence[Any] | None = None,
) -> list[Any]:
    """Propagate `grads` from `roots` (nodes or leaves).

    Without `targets`, add what reaches each leaf to its `.grad`. With them (nodes or leaves), leave
    every `.grad` alone, and return what reaches each target (None where nothing does).
    """
    heap: list[int] = []  # minus the sequence numbers of the nodes that a gradient has reached
    nodes: dict[int, Function] = {}
    pending: dict[int, Any] = {}  # by sequence number: the gradient so far
    leaves: dict[int, Any] = {}  # by id
    leaf_grads: dict[int, Any] = {}
    captured: dict[int, Any] = {}  # by id of the target node
    wanted = None if targets is None else _on_the_way(roots, targets)
    target_ids = () if targets is None else {id(target) for target in targets}

    def send(edge: Any, grad: Any) -> None:
        """Add a gradient to what is pending for a node or a leaf."""
        if isinstance(edge, Function):
            key = edge.sequence
            if key in pending:
                pending[key] = pending[key] + grad
            else:
                pending[key] = grad
                nodes[key] = edge
                heappush(heap, -key)
        else:
            key = id(edge)
            if key in leaf_grads:
                leaf_grads[key] = leaf_grads[key] + grad
            else:
                leaf_grads[key] = grad
                leaves[key] = edge

    before = grad_mode.enabled
    grad_mode.enabled = create_graph
    try:
        for root, grad in zip(roots, grads, strict=True):
            send(root, grad)
        del grad
        while heap:
            key = -heappop(heap)
            node = nodes.pop(key)
            grad = pending.pop(key)
            if node.hooks is not None:
                grad = _call_hooks(node.hooks, grad)
            if node.retained is not None:
                _retain(node.retained(), grad)
            if id(node) in target_ids:
                captured[id(node)] = grad
            if wanted is not None and node not in wanted:
                continue
            if (
                type(node) is Output
            ):  # hand over to the operation, which waits for its other outputs
                main = node.edges[0]
                key = main.sequence
                if key not in pending:
                    pending[key] = [None] * main.outputs
                    nodes[key] = main
                    heappush(heap, -key)
                gathered = pending[key]
                old = gathered[node.index]
                gathered[node.index] = grad if old is None else old + grad
                continue
            if node.outputs == 0:
                results = node.backward(node, grad)
            else:
                results = node.backward(node, *grad)
            if not retain_graph and node.saved:
                node.saved = FREED
            if type(results) is not tuple:
                results = (results,)
            for edge, g in zip(node.edges, results, strict=False):
                if edge is None or g is None:
                    continue
                if wanted is not None and edge not in wanted and id(edge) not in target_ids:
                    continue
                if isinstance(edge, Function):
                    if g.array.shape != edge.shape:
                        g = _fit(node, g, edge.shape)
                    if g.array.dtype is not edge.dtype:
                        g = g.cast(edge.dtype)
                else:
                    array = edge.array
                    if g.array.shape != array.shape:
                        g = _fit(node, g, array.shape)
                    if g.array.dtype is not array.dtype:
                        g = g.cast(array.dtype)
                send(edge, g)
            del grad, results
            g = None  # no reference of ours may make a gradient look shared
        if targets is not None:
            return _collect(targets, captured, leaves, leaf_grads)
        while leaves:
            key, leaf = leaves.popitem()
            grad = leaf_grads.pop(key)
            if leaf.hooks is not None:
                grad = _call_hooks(leaf.hooks, grad)
            if leaf.grad is not None:
                _accumulate(leaf, grad, create_graph)
            elif create_graph or (
                # Two names for a gradient: `grad` and the argument of getrefcount. More, or an array
                # that is a view, or is seen elsewhere: it is shared, and .grad must be the leaf's own.
                sys.getrefcount(grad) <= 2
                and sys.getrefcount(grad.array) <= 2
                and grad.backend.owns_memory(grad.array)
            ):
                leaf.grad = grad
            else:
                leaf.grad = grad.detach().clone()
    finally:
        grad_mode.enabled = before
    return []


def _accumulate(leaf: Any, grad: Any, create_graph: bool) -> None:
    """leaf.grad += grad: in its memory, unless that is part of a graph."""
    if create_graph or leaf.grad.requires_grad:
        leaf.grad = leaf.grad + grad
    else:
        leaf.grad.add_(grad)


def _fit(node: Function, grad: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting: sum the gradient down to the shape of the input."""
    try:
        return grad.sum_to(shape)
    except ValueError as error:
        raise ValueError(
            f"{type(node).__name__}.backward returned a gradient of shape {grad.array.shape} for an "
            f"input of shape {shape}"
        ) from error


def _call_hooks(hooks: dict[int, Any], grad: Any) -> Any:
    for hook in tuple(hooks.values()):
        replaced = hook(grad)
        if replaced is not None:
            grad = replaced
    return grad


def _retain(tensor: Any, grad: Any) -> None:
    if tensor is not None:
        tensor.grad = grad if tensor.grad is None else tensor.grad + grad


def _collect(targets: Any, captured: Any, leaves: Any, leaf_grads: Any) -> list[Any]:
    results = []
    for target in targets:
        if isinstance(target, Function):
            results.append(captured.get(id(target)))
            continue
        grad = leaf_grads.get(id(target))
        if grad is not None and target.hooks is not None:
            grad = _call_hooks(target.hooks, grad)
        results.append(grad)
    return results


def _on_the_way(roots: Sequence[Any], targets: Sequence[Any]) -> set[Any]:
    """The nodes through which a target is reached from a root."""
    seen: dict[int, Function] = {}
    stack = [root for root in roots if isinstance(root, Function)]
    while stack:
        node = stack.pop()
        if node.sequence in seen:
            continue
        seen[node.sequence] = node
        stack.extend(edge for edge in node.edges if isinstance(edge, Function))
    ends = {id(target) for target in targets}
    wanted: set[Any] = set()
    for key in sorted(seen):  # oldest first: what a node depends on is decided before the node
        node = seen[key]
        if any(edge is not None and (edge in wanted or id(edge) in ends) for edge in node.edges):
            wanted.add(node)
    return wanted


def _initial(
    outputs: Sequence[Any], grads: Sequence[Any], name: str
) -> tuple[list[Any], list[Any]]:
    """The roots of a pass and their gradients, checked; ones for a scalar that has none given."""
    roots, firsts = [], []
    for y, g in zip(outputs, grads, strict=True):
        if not y.requires_grad:
            raise RuntimeError(
                f"{name}: a tensor of shape {y.array.shape} does not require grad and has no history; "
                "was it made under no_grad, or detached?"
            )
        if g is None:
            if y.array.size != 1:
                raise RuntimeError(
                    f"{name}: the gradient can be left out only for a tensor of one element, got shape "
                    f"{y.array.shape}"
                )
            g = function.wrap(y.backend.full(y.array.shape, 1.0, y.array.dtype), y.backend)
        elif g.array.shape != y.array.shape:
            raise RuntimeError(
                f"{name}: a gradient of shape {g.array.shape} for a tensor of shape {y.array.shape}"
            )
        elif g.array.dtype != y.array.dtype:
            g = g.cast(y.array.dtype)
        roots.append(_source(y))
        firsts.append(g)
    return roots, firsts


def _source(tensor: Any) -> Any:
    """Where a tensor stands in the graph: its node, or the leaf itself."""
    if tensor.view_of is not None:
        tensor.view_of.refresh(tensor)
    return tensor.node or tensor


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradients of the tensors with respect to the leaves to the leaves' `.grad`.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensors
    grad_tensors : for each, the gradient that flows in; may be None for a tensor of one element
    retain_graph : keep what the graph saved, for another backward (default: create_graph)
    create_graph : record the pass itself, so that the gradients can be differentiated again

    Raises
    ------
    RuntimeError
        No history, no gradient for a tensor that needs one, a graph used up by an earlier backward,
        or a saved tensor that was changed in place since.
    """
    outputs = _sequence(tensors)
    grads = [None] * len(outputs) if grad_tensors is None else _sequence(grad_tensors)
    roots, firsts = _initial(outputs, grads, "backward")
    del grads, grad_tensors
    run(roots, firsts, create_graph if retain_graph is None else retain_graph, create_graph)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of outputs with respect to inputs, as a tuple; no `.grad` is touched.

        grad_x = sum_k transpose(dy_k / dx) grad_outputs_k

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensors; inputs may be leaves or not
    grad_outputs : for each output, the gradient that flows in (ones for one element, if left out)
    retain_graph, create_graph : as for `backward`
    allow_unused : give None for an input that the outputs do not depend on, instead of an error
    materialize_grads : give zeros for it

    Raises
    ------
    RuntimeError
        As for `backward`, and for an input that does not require grad or is unused.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.tensor(3.0, requires_grad=True)
    >>> (g,) = ng.autograd.grad(x ** 3, x, create_graph=True)
    >>> (g.item(), ng.autograd.grad(g, x)[0].item())
    (27.0, 18.0)
    """
    outputs = _sequence(outputs)
    inputs = _sequence(inputs)
    grads = [None] * len(outputs) if grad_outputs is None else _sequence(grad_outputs)
    if len(grads) != len(outputs):
        raise RuntimeError(f"grad: {len(outputs)} outputs, but {len(grads)} grad_outputs")
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            raise RuntimeError(f"grad: input {i} of shape {x.array.shape} does not require grad")
    roots, firsts = _initial(outputs, grads, "grad")
    targets = [_source(x) for x in inputs]
    found = run(
        roots, firsts, create_graph if retain_graph is None else retain_graph, create_graph, targets
    )
    for i, (x, g) in enumerate(zip(inputs, found, strict=True)):
        if g is None and materialize_grads:
            found[i] = x.detach().new_zeros(x.array.shape)
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"grad: input {i} of shape {x.array.shape} was not used to compute the outputs; "
                "pass allow_unused=True to get None for it"
            )
    return tuple(found)


def formula_vjp(formula: Any, inputs: Sequence[Any], grads: Any) -> tuple[Any, ...]:
    """The vector-Jacobian product of a formula written in Tensor operations.

    For the `backward` of a fused gradient: `formula` computes from `inputs` what the fused operation
    computed, `grads` is the gradient of its result (a tuple if the result is one). Returns the gradient
    of each input (None for those not differentiable), connected to the inputs when backward is being
    recorded, so that it can be differentiated to any order.
    """
    create_graph = grad_mode.enabled
    with enable_grad():
        stops = []  # the walk back ends at these: each is the input, seen as if it were a leaf
        for x in inputs:
            if not isinstance(x, function.Tensor) or x.array.dtype.kind != "f":
                stops.append(x)
            elif create_graph and x.requires_grad:
                stops.append(x.view_as(x))
            else:
                stops.append(x.detach().requires_grad_())
        outputs = formula(*stops)
        asked = [i for i, x in enumerate(stops) if getattr(x, "requires_grad", False)]
        pairs = [
            (y, g)
            for y, g in zip(_sequence(outputs), _sequence(grads), strict=True)
            if g is not None and y.requires_grad
        ]
        found = grad(
            [y for y, _ in pairs],
            [stops[i] for i in asked],
            [g for _, g in pairs],
            create_graph=create_graph,
            allow_unused=True,
        )
    results: list[Any] = [None] * len(stops)
    for i, g in zip(asked, found, strict=True):
        results[i] = g
    return tuple(results)


def _sequence(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, function.Tensor) else list(tensors)
