"""Function: one operation, its gradient, and the record of one use of it.

A subclass is an operation; an instance of it is a node of the graph: what `backward` needs to know
of one call. Nodes point to the nodes of their inputs (`edges`), never to their outputs, so that a
graph is freed, without a reference cycle, as soon as the last tensor made by it is gone.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from typing import Any, ClassVar

from naivegrad.autograd import forward
from naivegrad.autograd.mode import grad_mode
from naivegrad.autograd.view import View

# The class Tensor and its bare constructor, put here by naivegrad.tensor, which stands above us.
Tensor: Any = None
wrap: Any = None
new = object.__new__
# What makes a user's class of a subclass, put here by custom.py.
take: Any = None
once_differentiable: Any = None  # where PyTorch programs look for it

FREED: Any = object()  # what `saved` becomes when backward has used it up
next_sequence = itertools.count(0, -1).__next__


class Function:
    """Base class of every operation: static `forward` and `backward`, run by `apply`.

    The `forward` of a class outside this package gets and returns Tensors, and may have a
    `setup_context`, as in PyTorch: see custom.py. That of the library's own works on arrays:

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

    # What every call sets is in slots; the rest has defaults here, and an operation adds its own.
    __slots__ = (
        "__dict__",
        "backend",
        "dtype",
        "edges",
        "hooks",
        "recorded",
        "saved",
        "sequence",
        "shape",
    )

    kind: ClassVar[str] = "general"
    view: bool = False

    backend: Any
    edges: list[Any]  # per input: the node that its gradient flows to, or None
    saved: Any
    hooks: Any  # run on the gradient of the output, before backward
    sequence: int  # counts down: smaller than those of all nodes that it depends on
    shape: tuple[int, ...]  # of the output
    dtype: Any
    outputs: int = 0  # how many, of a forward that returns a tuple; 0 for one that does not
    recorded: bool  # whether the output points to this node
    dual: list[bool] | None = None  # forward mode: which inputs have tangents
    tangents: Any = None  # forward mode: the tangent of each input and output, by id of its array
    non_differentiable: tuple[Any, ...] = ()
    retained: Any = None  # a weak reference to the tensor that keeps its gradient

    def __init_subclass__(cls, tensors: bool | None = None, **keywords: Any) -> None:
        """Whether `forward` works on tensors: a user's class does, one of the library does not."""
        super().__init_subclass__(**keywords)
        if tensors or (tensors is None and not cls.__module__.startswith("naivegrad.")):
            take(cls)

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

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """For each input, (the node that its gradient flows to, which output of that one)."""
        pairs = [(e.edges[0], e.index) if isinstance(e, Output) else (e, 0) for e in self.edges]
        return tuple(pairs)

    def name(self) -> str:
        """The name of the operation."""
        return type(self).__name__

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """The other style of a user's class: forward(*inputs) computes, and this one saves."""

    @property
    def needs_input_grad(self) -> Any:
        """For each input, whether its gradient will be asked for."""
        if self.dual is None:
            return [edge is not None for edge in self.edges]
        return [d or e is not None for d, e in zip(self.dual, self.edges, strict=True)]

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Compute the result and, where an input requires it, record how to differentiate it."""
        ctx = cls()
        ctx.saved = None
        ctx.recorded = False
        ctx.edges = edges = []
        arrays = []
        backend = None
        enabled = grad_mode.enabled
        recording = False
        for x in inputs:
            if isinstance(x, Tensor):
                arrays.append(x.array)
                if x.backend is not backend:
                    if backend is not None:
                        raise _devices_differ(cls, inputs)
                    backend = x.backend
                node = x.node
                if node is not None and enabled:
                    recording = True
                    edges.append(node if x.view_of is None else x.view_of.refresh(x))
                    continue
            else:
                arrays.append(x)
            edges.append(None)
        ctx.backend = backend
        if forward.active:
            forward.begin(ctx, inputs)

        try:
            result = cls.forward(ctx, *arrays)
        except AttributeError as error:
            if backend is None and error.obj is None:  # ctx.backend.something
                raise _no_tensor(cls, inputs) from None
            raise

        if result.__class__ is tuple:
            return ctx._several(inputs, arrays, result, recording)
        output = new(Tensor)  # `wrap`, in place: a call less for every operation
        output.array = result
        output.backend = backend
        output._grad = output.node = output.view_of = None
        output.version = [0]
        if recording:
            ctx.sequence = next_sequence()
            ctx.shape = result.shape
            ctx.dtype = result.dtype
            ctx.hooks = None
            if ctx.saved is not None:
                ctx._record_saved(inputs, arrays, (result,), output.version)
            ctx.recorded = True
            output.node = ctx
        if ctx.view:
            View.track(cls, inputs, output, enabled)
        if forward.active:
            forward.push(ctx, inputs, arrays, output)
        return output

    def _several(
        self, inputs: tuple[Any, ...], arrays: list[Any], results: tuple[Any, ...], recording: bool
    ) -> tuple[Any, ...]:
        """The rest of `apply` for several outputs: each gets a node that hands on to this one."""
        outputs = tuple([wrap(array, self.backend) for array in results])
        if recording:
            self.sequence = next_sequence()
            self.hooks = None
            self.outputs = len(results)
            self.recorded = True
            if self.saved is not None:
                self._record_saved(inputs, arrays, results, None)
            for i, output in enumerate(outputs):
                if not any(output.array is array for array in self.non_differentiable):
                    output.node = Output(self, i, output.array)
        if forward.active:
            forward.push(self, inputs, arrays, outputs)
        return outputs

    def _record_saved(
        self, inputs: Any, arrays: list[Any], results: tuple[Any, ...], counter: Any
    ) -> None:
        """Turn each saved array into (array, its node or index of output, version counter, count).

        What is no array (a number, None) stays as it is. Of a bilinear operation, an input is kept
        only for the gradient of the other.
        """
        saved: list[Any] = []
        edges = self.edges
        bilinear = self.kind == "bilinear"
        for array in self.saved:
            i = 0
            for candidate in arrays:
                if candidate is array:
                    break
                i += 1
            else:
                saved.append(_output_or_constant(array, results, counter))
                continue
            x = inputs[i]
            if bilinear and i < 2 and edges[1 - i] is None and self.dual is None:
                saved.append(None)
            elif isinstance(x, Tensor):
                version = x.version
                saved.append((array, edges[i], version, version[0]))
            else:
                saved.append(_output_or_constant(array, (), None))
        self.saved = saved

    @property
    def saved_tensors(self) -> list[Any]:
        """What was saved, as Tensors; connected to the graph if backward is being recorded."""
        if self.saved is FREED:
            raise RuntimeError(
                f"{type(self).__name__}: backward through this graph a second time, but what it "
                "saved was freed by the first; pass retain_graph=True to the first backward"
            )
        tensors = []
        backend = self.backend
        connect = grad_mode.enabled or self.tangents is not None
        for entry in self.saved:
            if entry.__class__ is not tuple:
                tensors.append(entry)
                continue
            array, source, counter, count = entry
            if counter is not None and counter[0] != count:
                raise RuntimeError(
                    f"{type(self).__name__}: a tensor of shape {array.shape} that backward needs "
                    f"was changed in place: it was saved at version {count} and is at {counter[0]} "
                    "now; change a clone of it, or change it after backward"
                )
            tensor = wrap(array, backend)
            if connect:
                self._connect(tensor, source, counter)
            tensors.append(tensor)
        return tensors

    def _connect(self, tensor: Any, source: Any, counter: Any) -> None:
        """Give a saved array back its place in the graph, its version counter and its tangent."""
        if counter is not None:
            tensor.version = counter
        if source.__class__ is not int:
            tensor.node = source
        elif self.recorded:
            tensor.node = self if self.outputs == 0 else Output(self, source, tensor.array)
        if self.tangents is not None:
            tangent = self.tangents.get(id(tensor.array))
            if tangent is not None:
                tensor.tangent = tangent


def _output_or_constant(array: Any, results: tuple[Any, ...], counter: Any) -> Any:
    """The record of a saved array that is not an input; numbers and None as they are."""
    for i, result in enumerate(results):
        if result is array:
            return (array, i, counter, 0)
    return (array, None, None, 0) if hasattr(array, "shape") else array


class Output(Function):
    """One output of an operation that has several: hands its gradient to the operation's node."""

    def __init__(self, node: Function, index: int, array: Any) -> None:
        self.sequence = next_sequence()
        self.hooks = None
        self.edges = [node]
        self.saved = None
        self.index = index
        self.shape = array.shape
        self.dtype = array.dtype
        self.backend = node.backend


class Leaf(Function):
    """Where gradients end: the node of a tensor that requires them and was made by no operation."""

    def __init__(self, tensor: Any) -> None:
        self.sequence = next_sequence()
        self.hooks = None
        self.edges = []
        self.saved = None
        self.describe(tensor)
        self.tensor = weakref.ref(tensor)  # weak: the tensor owns this node

    @property
    def variable(self) -> Any:
        """The tensor, or None if it is gone."""
        return self.tensor()

    def describe(self, tensor: Any) -> None:
        """Note the kind of gradient that is due: again when the tensor is given other data."""
        self.shape = tensor.array.shape
        self.dtype = tensor.array.dtype
        self.complex = self.dtype.kind == "c"
        self.backend = tensor.backend

    @staticmethod
    def backward(ctx: Any, grad: Any) -> None:
        """tensor.grad += grad: in its memory, unless it is part of a graph."""
        tensor = ctx.tensor()
        if tensor is None:
            return
        if ctx.complex:  # as the world outside sees it (see engine.py)
            grad = grad.conj()
        old = tensor._grad
        if old is None:
            if not (grad_mode.enabled or _is_ours(grad)):
                grad = wrap(ctx.backend.copy(grad.array), ctx.backend)
            tensor._grad = grad
        elif grad_mode.enabled or old.node is not None:
            tensor._grad = old + grad
        else:
            ctx.backend.accumulate(old.array, grad.array)
            old.version[0] += 1


# References to a gradient that nobody else has: `grad` in the engine, in Leaf.backward and in
# _is_ours, the argument on the stack, and the argument of getrefcount itself; for its array, the
# tensor's own and that of getrefcount. tests/test_leaves.py measures that these are the counts of
# an unshared gradient.
GRAD_REFERENCES, ARRAY_REFERENCES = 4, 2


def _is_ours(grad: Any) -> bool:
    """Whether nothing else holds this gradient or its memory, so that it may become a `.grad`."""
    return (
        sys.getrefcount(grad) <= GRAD_REFERENCES
        and sys.getrefcount(grad.array) <= ARRAY_REFERENCES
        and bool(grad.backend.owns_memory(grad.array))
    )


def _no_tensor(cls: type, inputs: tuple[Any, ...]) -> TypeError:
    got = type(inputs[0]).__name__ if inputs else "nothing"
    return TypeError(f"{cls.__name__}: a tensor is needed, got {got}")


def _devices_differ(cls: type, inputs: tuple[Any, ...]) -> ValueError:
    devices = [str(x.device) for x in inputs if isinstance(x, Tensor)]
    return ValueError(
        f"{cls.__name__}: all tensors must be on one device, got {', '.join(devices)}; use .to()"
    )
