"""Function: one operation, its gradient, and the record of one use of it.

A subclass is an operation; an instance of it is a node of the graph: what `backward` needs to know
of one call. Nodes point to the nodes of their inputs (`edges`), never to their outputs, so that a
graph is freed, without a reference cycle, as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from naivegrad.autograd import forward
from naivegrad.autograd.mode import grad_mode
from naivegrad.autograd.view import View

# The class Tensor and its bare constructor, put here by naivegrad.tensor, which stands above us.
Tensor: Any = None
wrap: Any = None

FREED: Any = object()  # what `saved` becomes when backward has used it up
_next_sequence = itertools.count().__next__


class Function:
    """Base class of every operation: static `forward` and `backward`, run by `apply`.

    forward(ctx, *inputs)
        Computes the result from arrays; whatever is not a Tensor arrives as it was given. Arrays
        that `backward` reads go to ``ctx.save_for_backward``; small facts become attributes of ctx.
        ``ctx.needs_input_grad`` tells which inputs will be asked for a gradient.
    backward(ctx, *grads)
        Receives the gradient of each output, as Tensors (None for an output that has none), and
        returns that of each input (None where there is none; trailing Nones may be left out). It is
        written in Tensor operations, so that it can be differentiated again, and reads only inputs,
        outputs and constants.
    kind
        How the Jacobian J acts forward, given that `backward` is g -> transpose(J) g:
        "linear" (apply the operation to the tangents), "bilinear" (linear in each of the first two
        inputs), "elementwise" (J is diagonal, J t is backward(t)), "general" (by two backward
        passes, unless the class has a static `jvp(ctx, *tangents)`).
    view
        Whether the result shares memory with the first input.
    """

    kind: ClassVar[str] = "general"
    view: bool = False

    backend: Any
    needs_input_grad: list[bool]
    saved: tuple[Any, ...] = ()
    edges: list[Any]  # per input: the node that made it, the leaf itself, or None
    counters: list[Any]  # per input: its version counter
    sequence: int  # a node is younger than all it depends on
    shape: tuple[int, ...]  # of the output
    dtype: Any
    outputs: int = 0  # how many, of a forward that returns a tuple; 0 for one that does not
    recorded: bool = False  # whether the outputs point to this node
    non_differentiable: tuple[Any, ...] = ()
    hooks: Any = None  # run on the gradient of the output, before backward
    retained: Any = None  # a weak reference to the tensor that keeps its gradient
    tangents: Any = None  # forward mode: the tangent of each input and output, by id of its array

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        """The result, from arrays."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients of the inputs, from those of the outputs."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads)")

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep inputs, outputs, or constants (masks, indices) until backward has run."""
        self.saved = arrays

    def mark_non_differentiable(self, *arrays: Any) -> None:
        """Say which outputs (indices, masks) never have a gradient."""
        self.non_differentiable = arrays

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Compute the result and, where an input requires it, record how to differentiate it."""
        ctx = cls()
        backend = None
        arrays = []
        needs = []
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x.array)
                needs.append(x.requires_grad)
                if backend is None:
                    backend = x.backend
                elif x.backend is not backend:
                    raise _devices_differ(cls, inputs)
            else:
                arrays.append(x)
                needs.append(False)
        ctx.backend = backend
        ctx.needs_input_grad = needs
        recording = True in needs
        if recording and not grad_mode.enabled:
            recording = False
            ctx.needs_input_grad = [False] * len(needs)
        if forward.active:
            ctx.needs_input_grad = forward.needs(inputs, ctx.needs_input_grad)
        if recording or forward.active:
            ctx.recorded = recording
            ctx.record_inputs(inputs)

        result = cls.forward(ctx, *arrays)

        if type(result) is tuple:
            output = tuple([wrap(array, backend) for array in result])
            if recording or forward.active:
                ctx.record_saved(arrays, result, None)
                if recording:
                    ctx.record_outputs(output)
        else:
            output = wrap(result, backend)
            if recording or forward.active:
                ctx.shape = result.shape
                ctx.dtype = result.dtype
                if ctx.saved:
                    ctx.record_saved(arrays, (result,), output.version)
                if recording:
                    output.node = ctx
                    output.requires_grad = True
            if ctx.view:
                View.track(cls, inputs, output)
        if forward.active:
            forward.push(ctx, inputs, output)
        return output

    def record_inputs(self, inputs: tuple[Any, ...]) -> None:
        """Note where each input came from."""
        self.sequence = _next_sequence()
        edges: list[Any] = []
        counters: list[Any] = []
        for x in inputs:
            if isinstance(x, Tensor):
                counters.append(x.version)
                if x.requires_grad:
                    if x.view_of is not None:
                        x.view_of.refresh(x)
                    edges.append(x.node or x)
                    continue
            else:
                counters.append(None)
            edges.append(None)
        self.edges = edges
        self.counters = counters

    def record_saved(self, arrays: list[Any], results: tuple[Any, ...], counter: Any) -> None:
        """Turn each saved array into (array, its source, its version counter, the count now).

        The source is an edge, the index of an output, or None for a constant.
        """
        saved = []
        for array in self.saved:
            for i, candidate in enumerate(arrays):
                if candidate is array:
                    count = self.counters[i]
                    saved.append((array, self.edges[i], count, count[0] if count else 0))
                    break
            else:
                for i, result in enumerate(results):
                    if result is array:
                        saved.append((array, i, counter, 0))
                        break
                else:
                    saved.append((array, None, None, 0))
        self.saved = tuple(saved)

    def record_outputs(self, outputs: tuple[Any, ...]) -> None:
        """Give each of several outputs a node of its own, through which this one is reached."""
        self.outputs = len(outputs)
        for i, output in enumerate(outputs):
            if not any(output.array is array for array in self.non_differentiable):
                output.node = Output(self, i, output.array)
                output.requires_grad = True

    @property
    def saved_tensors(self) -> list[Any]:
        """What was saved, as Tensors: connected to the graph if backward itself is being recorded."""
        if self.saved is FREED:
            raise RuntimeError(
                f"{type(self).__name__}: backward through this graph a second time, but what it saved "
                "was freed by the first; pass retain_graph=True to the first backward"
            )
        tensors = []
        connect = grad_mode.enabled or self.tangents is not None
        for array, source, counter, count in self.saved:
            if counter is not None and counter[0] != count:
                raise RuntimeError(
                    f"{type(self).__name__}: a tensor of shape {array.shape} that backward needs was "
                    f"changed in place: it was saved at version {count} and is at {counter[0]} now; "
                    "change a clone of it, or change it after backward"
                )
            if not hasattr(array, "shape"):  # a number, or None
                tensors.append(array)
            elif connect:
                tensors.append(self._connected(array, source, counter))
            else:
                tensors.append(wrap(array, self.backend))
        return tensors

    def _connected(self, array: Any, source: Any, counter: Any) -> Any:
        """A saved array as the Tensor that it was: with its place in the graph, and its tangent."""
        if isinstance(source, Tensor) and source.array is array:
            return source
        tensor = wrap(array, self.backend)
        if counter is not None:
            tensor.version = counter
        if source is not None:
            if source.__class__ is not int:
                tensor.node = source if isinstance(source, Function) else Reached(source)
            elif self.recorded:
                tensor.node = self if self.outputs == 0 else Output(self, source, array)
            tensor.requires_grad = tensor.node is not None
        if self.tangents is not None:
            tensor.tangent = self.tangents.get(id(array))
        return tensor


class Output(Function):
    """One output of an operation that has several: hands its gradient to the operation's node."""

    def __init__(self, node: Function, index: int, array: Any) -> None:
        self.sequence = _next_sequence()
        self.edges = [node]
        self.index = index
        self.shape = array.shape
        self.dtype = array.dtype
        self.backend = node.backend


class Reached(Function):
    """Stands before a leaf whose array was replaced since it was saved."""

    def __init__(self, leaf: Any) -> None:
        self.sequence = _next_sequence()
        self.edges = [leaf]
        self.shape = leaf.array.shape
        self.dtype = leaf.array.dtype
        self.backend = leaf.backend

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad


def _devices_differ(cls: type, inputs: tuple[Any, ...]) -> ValueError:
    devices = [str(x.device) for x in inputs if isinstance(x, Tensor)]
    return ValueError(
        f"{cls.__name__}: all tensors must be on one device, got {', '.join(devices)}; move them with .to()"
    )
