"""Tensor: an array, and how it came about.

The operations are classes in naivegrad/ops; the methods that apply them,
a line each, in naivegrad/methods.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from naivegrad import dtype as dtypes
from naivegrad.autograd import engine, function
from naivegrad.backend import cpu
from naivegrad.backend.promotion import is_differentiable, is_floating
from naivegrad.device import backend_of, device
from naivegrad.methods import (
    ActivationMethods,
    CompareMethods,
    ComplexMethods,
    ConversionMethods,
    CreationMethods,
    ElementwiseMethods,
    ExponentialMethods,
    IndexMethods,
    LinalgMethods,
    MovementMethods,
    OperatorMethods,
    PairMethods,
    ReduceMethods,
    RoundingMethods,
    ScanMethods,
    SpecialMethods,
    SpectralMethods,
    StatisticsMethods,
    TrigonometryMethods,
    connect,
)
from naivegrad.printing import text_of
from naivegrad.size import Size
from naivegrad.storage import UntypedStorage, bytes_of, owner_of, view_bytes

_size = tuple.__new__  # without the check that its numbers are whole


class Tensor(
    OperatorMethods,
    ElementwiseMethods,
    ExponentialMethods,
    TrigonometryMethods,
    RoundingMethods,
    SpecialMethods,
    PairMethods,
    CompareMethods,
    ActivationMethods,
    ReduceMethods,
    ScanMethods,
    StatisticsMethods,
    MovementMethods,
    IndexMethods,
    LinalgMethods,
    ComplexMethods,
    SpectralMethods,
    ConversionMethods,
    CreationMethods,
):
    """A multi-dimensional array that can be differentiated.

    Made by `naivegrad.tensor`, `zeros`, `randn`, ...; ``Tensor([1, 2])`` gives float32 values,
    ``Tensor(2, 3)`` a tensor of that shape and any content, as in PyTorch.

    Attributes
    ----------
    array : the backend's array of values (on the CPU, a numpy.ndarray)
    backend : the module that computes on it
    grad : the gradient that backward has added up, or None (a Tensor; leaves, and after
    retain_grad) node : where its gradient flows: the operation that made it, a Leaf, or None (no
    gradient) requires_grad : whether gradients flow to it, or through it
    view_of : the View through which it shares the memory of another tensor, or None
    version : the counter of in-place changes, one for all tensors that share the memory
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_grad",
        "array",
        "backend",
        "node",
        "version",
        "view_of",
    )

    tangent: Any = None  # forward mode; rare, so not a slot

    array: Any
    backend: Any
    _grad: Tensor | None
    node: function.Function | None
    version: list[int]
    view_of: Any

    def __init__(self, *data: Any) -> None:
        if len(data) == 1 and isinstance(data[0], Size):
            data = data[0]
        if data and all(isinstance(n, int) and not isinstance(n, bool) for n in data):
            array = np.empty(data, dtypes.get_default_dtype().numpy)
        elif not data:
            array = np.empty((0,), dtypes.get_default_dtype().numpy)
        elif isinstance(data[0], Tensor):
            array = data[0].array
        else:
            array = np.array(data[0], dtypes.get_default_dtype().numpy, order="C")
        self.array = array
        self.backend = data[0].backend if data and isinstance(data[0], Tensor) else cpu
        self.node = None
        self._grad = None
        self.version = [0]
        self.view_of = None

    # What it is

    @property
    def shape(self) -> Size:
        """The length of each axis."""
        return _size(Size, self.array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.from_numpy(self.array.dtype)

    @property
    def device(self) -> device:
        """Where the values are."""
        return device(self.backend.device_of(self.array))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    def dim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        if dim is None:
            return _size(Size, self.array.shape)
        if not -self.array.ndim <= dim < self.array.ndim:
            raise IndexError(f"size: Dimension out of range for shape {self.array.shape}: {dim}")
        return self.array.shape[dim]

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes of an element."""
        return self.array.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.size * self.array.dtype.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Steps between neighbours along each axis, in elements."""
        steps = tuple(step // self.array.dtype.itemsize for step in self.array.strides)
        return steps if dim is None else steps[dim]

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.backend.address(self.array)

    def storage_offset(self) -> int:
        """Where it begins, in elements from the beginning of the memory that it lies in."""
        begin = self.untyped_storage().data_ptr()
        return (self.data_ptr() - begin) // self.array.dtype.itemsize if begin else 0

    def untyped_storage(self) -> UntypedStorage:
        """The memory that it lies in, and that its views share."""
        return UntypedStorage(bytes_of(self.backend.to_numpy(self.array)))

    def is_contiguous(self) -> bool:
        """Whether the elements follow one another in C order."""
        return self.backend.is_contiguous(self.array)

    def is_floating_point(self) -> bool:
        """Whether the type is floating point."""
        return is_floating(self.array.dtype)

    def is_complex(self) -> bool:
        """Whether the type is complex."""
        return self.array.dtype.kind == "c"

    def is_signed(self) -> bool:
        """Whether the type has negative numbers."""
        return self.dtype.is_signed

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.array.dtype.itemsize

    @property
    def is_cuda(self) -> bool:
        """Whether the values are on a GPU."""
        return self.device.type == "cuda"

    @property
    def data(self) -> Tensor:
        """The same memory without history: changes through it are not seen by autograd."""
        return wrap(self._same_memory(), self.backend)

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = value.array
        self.backend = value.backend
        if isinstance(self.node, function.Leaf):
            self.node.describe(self)

    # Autograd

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has added up, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: a gradient is a Tensor or None, got {type(value).__name__}")
            if value.array.shape != self.array.shape:
                raise ValueError(
                    f"grad: a gradient of shape {value.array.shape} for a tensor of shape "
                    f"{self.array.shape}"
                )
            if value.array.dtype != self.array.dtype or value.backend is not self.backend:
                raise TypeError(
                    f"grad: a gradient of type {value.dtype} on {value.device} for a tensor of "
                    f"type {self.dtype} on {self.device}"
                )
        self._grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it, or through it. Setting it is `requires_grad_`."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.node is None or self.node.__class__ is function.Leaf

    @property
    def grad_fn(self) -> function.Function | None:
        """The recorded operation that made it; None for a leaf."""
        node = self.node if self.view_of is None else self.view_of.refresh(self)
        return None if node.__class__ is function.Leaf else node

    @property
    def _version(self) -> int:
        return self.version[0]

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor with respect to every leaf to the leaf's `.grad`.

        Parameters
        ----------
        gradient : what flows in, of this tensor's shape; may be left out for one element (then 1)
        retain_graph : keep what the graph saved, for another backward (default: create_graph)
        create_graph : record the pass, so that the gradients can be differentiated again
        inputs : tensors whose `.grad` alone is added to

        Raises
        ------
        RuntimeError
            No history, gradient missing or of another shape, a graph used up by an earlier
            backward, or a saved tensor that was changed in place.

        Examples
        --------
        >>> import naivegrad as ng
        >>> x = ng.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)
        """
        if inputs is not None:
            engine.backward(
                self,
                None if gradient is None else [gradient],
                retain_graph,
                create_graph,
                inputs=inputs,
            )
            return
        engine.run(
            [engine.start(self, gradient, "backward")],
            create_graph if retain_graph is None else retain_graph,
            create_graph,
        )

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this leaf (or no more); returns the tensor itself."""
        if requires_grad and not is_differentiable(self.array.dtype):
            raise RuntimeError(
                f"only floating-point and complex tensors can require gradients, got {self.dtype}"
            )
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "requires_grad can only be turned off for leaf tensors; use detach() for others"
            )
        if not requires_grad:
            self.node = None
        elif self.node is None:
            self.node = function.Leaf(self)
        return self

    def detach(self) -> Tensor:
        """The same memory, cut off from the graph. In-place changes of either are seen by both."""
        tensor = wrap(self._same_memory(), self.backend)
        tensor.version = self.version
        return tensor

    def _same_memory(self) -> Any:
        """Another array over the same memory: what a Function saves is told apart by the array."""
        return self.backend.reshape(self.array, self.array.shape)[0]

    def detach_(self) -> Tensor:
        """Cut this tensor off from the graph: it becomes a leaf."""
        if self.view_of is not None:
            raise RuntimeError("detach_: a view cannot be detached in place; use detach()")
        self.node = None
        return self

    def alias(self) -> Tensor:
        """Another name for the same tensor: memory, history and version."""
        tensor = wrap(self.array, self.backend)
        tensor.version = self.version
        tensor.node = self.node
        if self.tangent is not None:
            tensor.tangent = self.tangent
        return tensor

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `.grad` though it is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: the tensor does not require grad")
        if not self.is_leaf:
            self.node.retained = weakref.ref(self)
            self.node.hooks = self.node.hooks or {}

    @property
    def retains_grad(self) -> bool:
        """Whether it is not a leaf and keeps its gradient."""
        return self.node is not None and self.node.retained is not None

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call hook(gradient) when the gradient of this tensor is complete.

        What it returns, if not None, replaces the gradient. Hooks run in the order they were added.
        Returns a handle; `handle.remove()` takes the hook away.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: the tensor does not require grad")
        node = self.node if self.view_of is None else self.view_of.refresh(self)
        if node.hooks is None:
            node.hooks = {}
        return RemovableHandle(node.hooks, hook)

    # Values

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The values as a NumPy array that shares memory; an error if it requires grad."""
        if self.requires_grad and not force:
            raise RuntimeError("numpy: the tensor requires grad; use tensor.detach().numpy()")
        return self.backend.to_numpy(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_priority__ = 1000  # ndarray * tensor: our __rmul__, not element by element
    __array_ufunc__ = None

    def item(self) -> Any:
        """The one element as a Python number."""
        if self.array.size != 1:
            raise ValueError(
                f"item: only a tensor of one element is a number, got shape {self.array.shape}"
            )
        return self.backend.to_numpy(self.array).item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.backend.to_numpy(self.array).tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ValueError(
                f"the truth value of a tensor of shape {self.array.shape} is ambiguous; "
                f"use any() or all()"
            )
        return bool(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("only an integer tensor of one element can be an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool(ops.eq(self, value).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        prefix = "tensor("
        text = text_of(self.backend.to_numpy(self.array), prefix)
        notes = []
        default = dtypes.get_default_dtype()
        plain = (dtypes.bool_, dtypes.int64, default, default.to_complex())
        if self.dtype not in plain:
            notes.append(f"dtype={self.dtype}")
        if self.array.size == 0 and self.array.shape != (0,):
            notes.append(f"size={self.array.shape}")
        if self.device.type != "cpu":
            notes.append(f"device='{self.device}'")
        if not self.is_leaf:
            notes.append(f"grad_fn=<{type(self.node).__name__}>")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return prefix + ", ".join([text, *notes]) + ")"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 and spec else str(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if id(self) in memo:
            return memo[id(self)]
        rebuild, arguments, attributes = self._parts("deepcopy")
        result = memo[id(self)] = rebuild(*copy.deepcopy(arguments, memo))
        result.__dict__.update(copy.deepcopy(attributes, memo))
        result._grad = copy.deepcopy(self._grad, memo)
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._parts("pickle")

    def _parts(self, op: str) -> Any:
        """What it takes to make the tensor again: views of one memory become views of one again."""
        if not self.is_leaf:
            raise RuntimeError(f"{op}: only for leaf tensors; use detach() first")
        array = self.backend.to_numpy(self.array)
        owner = owner_of(array)
        if not (owner.flags.c_contiguous or owner.flags.f_contiguous):
            owner = array = np.array(array, order="C")  # what is copied must keep its order
        begin = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        place = array.dtype, array.shape, array.strides, begin
        attributes = {k: v for k, v in self.__dict__.items() if k != "tangent"}
        facts = type(self), owner, place, self.version, str(self.device), self.requires_grad
        return _rebuild, facts, attributes


class RemovableHandle:
    """Takes a hook away again. The hook is registered last of its kind, or first (prepend)."""

    _count = 0

    def __init__(self, hooks: dict[int, Any], hook: Any, prepend: bool = False) -> None:
        RemovableHandle._count += 1
        self._hooks, self.id = hooks, RemovableHandle._count
        others = list(hooks) if prepend else []
        hooks[self.id] = hook
        for key in others:
            hooks[key] = hooks.pop(key)

    @classmethod
    def start_after(cls, number: int) -> None:
        """Give later hooks higher numbers than this one, which came out of a pickle."""
        RemovableHandle._count = max(RemovableHandle._count, number)

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


_new = Tensor.__new__


def wrap(array: Any, backend: Any, cls: Any = Tensor) -> Tensor:
    """A Tensor around a backend's array: no copy, no history."""
    tensor = _new(cls)
    tensor.array = array
    tensor.backend = backend
    tensor._grad = tensor.node = tensor.view_of = None
    tensor.version = [0]
    return tensor


def _rebuild(
    cls: Any,
    owner: np.ndarray,
    place: tuple[Any, ...],
    version: list[int],
    where: str,
    requires_grad: bool,
) -> Tensor:
    """A tensor out of the parts of another."""
    backend = backend_of(where)
    tensor = wrap(backend.from_numpy(view_bytes(bytes_of(owner), *place)), backend, cls)
    tensor.version = version
    tensor.node = function.Leaf(tensor) if requires_grad else None
    return tensor


# Function.apply, below this module, makes Tensors: this is where it learns how.
function.Tensor = Tensor
function.wrap = wrap

# The operations stand above this module and need Tensor; its methods need them: so they come last.
from naivegrad import ops  # noqa: E402

connect(ops=ops, elementwise=ops.elementwise, Tensor=Tensor, wrap=wrap)
