"""The reverse pass: from the gradient of an output to those of everything it was made from.

Nodes are taken youngest first: sequence numbers count down, so that the youngest has the smallest.
A node is younger than all it depends on, so that when it is taken, all the gradient that will ever
reach it has arrived: one heap is a topological order, without recursion and without a first pass.

Complex gradients: between nodes flows g with dL = Re(g dz), so that every rule is that of real
numbers. Whoever stands outside (the caller, hooks, `.grad`) sees its conjugate, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import heappop, heappush
from typing import Any

from naivegrad.autograd import function
from naivegrad.autograd.anomaly import anomaly_mode, refuse_nan
from naivegrad.autograd.function import FREED, Function, Leaf, Output
from naivegrad.autograd.mode import enable_grad, grad_mode
from naivegrad.backend.promotion import is_differentiable


def run(
    starts: list[tuple[Function, Any]],
    retain_graph: bool,
    create_graph: bool,
    targets: Collection[Function] | None = None,
) -> dict[Function, Any]:
    """Propagate gradients from nodes: `starts` are pairs of both, and are used up.

    Without `targets`, what reaches a Leaf is added to the `.grad` of its tensor. With them, every
    `.grad` is left alone, and what reaches each target is returned (nothing where nothing does).
    """
    # The nodes that a gradient has reached, by sequence number; their gradients so far, and
    # leaves'.
    heap: list[tuple[int, Function]] = []
    pending: dict[Function, Any] = {}
    captured: dict[Function, Any] = {}
    wanted: set[Function] | None = None
    if targets is not None:
        targets = set(targets)
        wanted, through = _on_the_way([node for node, _ in starts], targets)
    before = grad_mode.enabled
    grad_mode.enabled = create_graph
    look_for_nan = anomaly_mode.check_nan
    try:
        while starts:
            node, grad = starts.pop()
            if node in pending:
                pending[node] = pending[node] + grad
            else:
                pending[node] = grad
                if node.__class__ is not Leaf:
                    heappush(heap, (node.sequence, node))
        while heap:
            node = heappop(heap)[1]
            grad = pending.pop(node)
            if node.hooks is not None:
                grad = _call_hooks(node, grad)
            if wanted is not None:
                if node in targets:  # type: ignore[operator]
                    captured[node] = grad
                if node not in through:  # nothing asked for lies beyond
                    continue
            if node.__class__ is Output:
                _gather(node, grad, pending, heap)
                continue
            if grad.__class__ is list:
                results = node.backward(node, *grad)
            else:
                results = node.backward(node, grad)
            if not retain_graph and node.saved is not None:
                node.saved = FREED
            if results.__class__ is not tuple:
                results = (results,)
            if look_for_nan:
                refuse_nan(node, results)
            if wanted is not None:
                results = _only(wanted, node.edges, results)
            for edge, g in zip(node.edges, results):
                if edge is None or g is None:
                    continue
                array = g.array
                if array.shape != edge.shape:
                    g = _fit(node, g, edge.shape)
                if array.dtype is not edge.dtype:
                    g = in_type(g, edge.dtype)
                if edge in pending:
                    pending[edge] = pending[edge] + g
                    continue
                pending[edge] = g
                if edge.__class__ is not Leaf:
                    heappush(heap, (edge.sequence, edge))
        grad = results = g = array = None  # no name of ours may make a gradient look shared
        while pending:  # what is left are leaves
            leaf, grad = pending.popitem()
            if leaf.hooks is not None:
                grad = _call_hooks(leaf, grad)
            if targets is None:
                leaf.backward(leaf, grad)
            elif leaf in targets:
                captured[leaf] = grad
    finally:
        grad_mode.enabled = before
    return captured


def _only(wanted: set[Function], edges: list[Any], results: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients that flow to a wanted node; None for the others."""
    pairs = zip(edges, results)
    return tuple([g if edge in wanted else None for edge, g in pairs])


def _gather(node: Output, grad: Any, pending: dict[Function, Any], heap: list[Any]) -> None:
    """Hand the gradient of one output to its operation, which waits for those of the others."""
    main = node.edges[0]
    gathered = pending.get(main)
    if gathered is None:
        gathered = pending[main] = [None] * main.outputs
        heappush(heap, (main.sequence, main))
    old = gathered[node.index]
    gathered[node.index] = grad if old is None else old + grad


def _fit(node: Function, grad: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting: sum the gradient down to the shape of the input."""
    try:
        return grad.sum_to(shape)
    except ValueError as error:
        raise ValueError(
            f"{type(node).__name__}.backward returned a gradient of shape {grad.array.shape} for "
            f"an input of shape {shape}"
        ) from error


def in_type(grad: Any, dtype: Any) -> Any:
    """The gradient in the type of its input; of a complex one for a real input, the real part."""
    if grad.array.dtype.kind == "c" and dtype.kind != "c":
        grad = grad.real
    return grad.cast(dtype)


def conjugate(grad: Any) -> Any:
    """A gradient from outside as it flows inside the graph, or back; None and real ones as is."""
    return grad.conj() if grad is not None and grad.array.dtype.kind == "c" else grad


def _call_hooks(node: Function, grad: Any) -> Any:
    """The gradient as the hooks leave it; then a tensor that retains its gradient gets it."""
    grad = conjugate(grad)
    for hook in tuple(node.hooks.values()):
        replaced = hook(grad)
        if replaced is not None:
            grad = replaced
    tensor = node.retained and node.retained()
    if tensor is not None:
        tensor._grad = grad if tensor._grad is None else tensor._grad + grad
    return conjugate(grad)


def _on_the_way(
    roots: Sequence[Function], targets: Collection[Function]
) -> tuple[set[Function], set[Function]]:
    """The nodes that are asked for or lead to one that is; and of these, those that lead to one."""
    seen: dict[int, Function] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.sequence not in seen:
            seen[node.sequence] = node
            stack.extend(edge for edge in node.edges if edge is not None)
    wanted, through = set(targets), set()
    # Oldest first: what a node depends on is decided before the node.
    for key in sorted(seen, reverse=True):
        node = seen[key]
        if any(edge in wanted for edge in node.edges):
            wanted.add(node)
            through.add(node)
    return wanted, through


def start(y: Any, g: Any, name: str) -> tuple[Function, Any]:
    """Where a pass begins, and with which gradient: 1, if none is given for one element."""
    node = y.node if y.view_of is None else y.view_of.refresh(y)
    array = y.array
    if node is None:
        raise RuntimeError(
            f"{name}: a tensor of shape {array.shape} does not require grad and has no history; "
            "was it made under no_grad, or detached?"
        )
    if g is None:
        if array.size != 1:
            raise RuntimeError(
                f"{name}: the gradient can be left out only for a tensor of one element, got shape "
                f"{array.shape}"
            )
        if array.dtype.kind == "c":
            raise RuntimeError(f"{name}: the gradient of a complex tensor must be given")
        return node, function.wrap(y.backend.full(array.shape, 1.0, array.dtype), y.backend)
    if g.array.shape != array.shape:
        raise RuntimeError(
            f"{name}: a gradient of shape {g.array.shape} for a tensor of shape {array.shape}"
        )
    if g.array.dtype == array.dtype:
        return node, conjugate(g)
    if "c" in (g.array.dtype.kind, array.dtype.kind):
        raise RuntimeError(f"{name}: a gradient of type {g.dtype} for a tensor of type {y.dtype}")
    return node, g.cast(array.dtype)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensors with respect to the leaves to the leaves' `.grad`.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensors
    grad_tensors : for each, the gradient that flows in; may be None for a tensor of one element
        (`grad_variables` is its old name)
    retain_graph : keep what the graph saved, for another backward (default: create_graph)
    create_graph : record the pass itself, so that the gradients can be differentiated again
    inputs : Tensor or sequence of Tensors whose `.grad` alone is added to; they need be no leaves

    Raises
    ------
    RuntimeError
        No history, no gradient for a tensor that needs one, a graph used up by an earlier backward,
        or a saved tensor that was changed in place since.
    """
    tensors = _sequence(tensors)
    grad_tensors = grad_variables if grad_tensors is None else grad_tensors
    grads = [None] * len(tensors) if grad_tensors is None else _sequence(grad_tensors)
    if len(grads) != len(tensors):
        raise RuntimeError(f"backward: {len(tensors)} tensors, but {len(grads)} grad_tensors")
    starts = [start(y, g, "backward") for y, g in zip(tensors, grads, strict=True)]
    retain_graph = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run(starts, retain_graph, create_graph)
    else:
        _run_for(_sequence(inputs), starts, retain_graph, create_graph)


def _run_for(inputs: list[Any], starts: list[Any], retain_graph: bool, create_graph: bool) -> None:
    """Add to the `.grad` of these tensors only."""
    if not inputs:
        raise RuntimeError("backward: inputs are given, but there are none")
    for i, x in enumerate(inputs):
        if x.node is None:
            raise RuntimeError(
                f"backward: input {i} of shape {x.array.shape} does not require grad"
            )
    targets = {x.node if x.view_of is None else x.view_of.refresh(x): x for x in inputs}
    for x in inputs:
        x.retain_grad()  # does nothing for a leaf; others keep theirs from now on, as in PyTorch
    for node, grad in run(starts, retain_graph, create_graph, targets).items():
        x = targets[node]
        if x.is_leaf:
            grad = conjugate(grad)
            x.grad = grad if x.grad is None else x.grad + grad


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
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
    only_inputs : True; taken because PyTorch takes it
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
    if not only_inputs:
        raise ValueError("grad: only_inputs=False is not possible; use backward")
    outputs = _sequence(outputs)
    inputs = _sequence(inputs)
    grads = [None] * len(outputs) if grad_outputs is None else _sequence(grad_outputs)
    if len(grads) != len(outputs):
        raise RuntimeError(f"grad: {len(outputs)} outputs, but {len(grads)} grad_outputs")
    for i, x in enumerate(inputs):
        if x.node is None:
            raise RuntimeError(f"grad: input {i} of shape {x.array.shape} does not require grad")
    starts = [start(y, g, "grad") for y, g in zip(outputs, grads, strict=True)]
    targets = [x.node if x.view_of is None else x.view_of.refresh(x) for x in inputs]
    retain_graph = create_graph if retain_graph is None else retain_graph
    captured = run(starts, retain_graph, create_graph, targets)
    found = [conjugate(captured.get(target)) for target in targets]
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

    For the `backward` of a fused gradient: `formula` computes from `inputs` what the fused
    operation computed, `grads` is the gradient of its result (a tuple if the result is one).
    Returns the gradient of each input (None for those not differentiable), connected to the inputs
    when backward is being recorded, so that it can be differentiated to any order.
    """
    create_graph = grad_mode.enabled
    with enable_grad():
        stops = []  # the walk back ends at these: each is the input, seen as if it were a leaf
        for x in inputs:
            if not isinstance(x, function.Tensor) or not is_differentiable(x.array.dtype):
                stops.append(x)
            elif create_graph and x.node is not None:
                stops.append(x.view_as(x))
            else:
                stops.append(x.detach().requires_grad_())
        outputs = formula(*stops)
        asked = [i for i, x in enumerate(stops) if getattr(x, "node", None) is not None]
        pairs = [
            (y, g)
            for y, g in zip(_sequence(outputs), _sequence(grads), strict=True)
            if g is not None and y.node is not None
        ]
        found = grad(
            [y for y, _ in pairs],
            [stops[i] for i in asked],
            [conjugate(g) for _, g in pairs],
            create_graph=create_graph,
            allow_unused=True,
        )
    results: list[Any] = [None] * len(stops)
    for i, g in zip(asked, found, strict=True):
        results[i] = conjugate(g)
    return tuple(results)


def _sequence(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, function.Tensor) else list(tensors)
