"""Tensor: an array, and how it came about.

The operations are classes in naivegrad/ops; a method here or in tensor_methods.py is one line that
applies one of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from naivegrad import dtype as dtypes
from naivegrad.autograd import engine, forward, function
from naivegrad.autograd.inplace import assign, refuse_leaf
from naivegrad.autograd.mode import grad_mode
from naivegrad.backend import cpu
from naivegrad.device import backend_of, device
from naivegrad.tensor_methods import TensorMethods, connect


class Tensor(TensorMethods):
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
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.array.shape

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

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        if dim is None:
            return self.array.shape
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

    def is_contiguous(self) -> bool:
        """Whether the elements follow one another in C order."""
        return self.backend.is_contiguous(self.array)

    def is_floating_point(self) -> bool:
        """Whether the type is floating point."""
        return self.array.dtype.kind == "f"

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
    ) -> None:
        """Add the gradient of this tensor with respect to every leaf to the leaf's `.grad`.

        Parameters
        ----------
        gradient : what flows in, of this tensor's shape; may be left out for one element (then 1)
        retain_graph : keep what the graph saved, for another backward (default: create_graph)
        create_graph : record the pass, so that the gradients can be differentiated again

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
        engine.run(
            [engine.start(self, gradient, "backward")],
            create_graph if retain_graph is None else retain_graph,
            create_graph,
        )

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this leaf (or no more); returns the tensor itself."""
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(
                f"only floating-point tensors can require gradients, got {self.dtype}"
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
        return bool(compare.eq(self, value).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        prefix = "tensor("
        text = np.array2string(
            self.backend.to_numpy(self.array), separator=", ", precision=4, prefix=prefix
        )
        notes = []
        if not (
            self.array.dtype.kind == "b" or self.dtype in (dtypes.get_default_dtype(), dtypes.int64)
        ):
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
        if not self.is_leaf:
            raise RuntimeError("deepcopy: only leaf tensors can be deep-copied; use detach() first")
        result = object.__new__(type(self))
        memo[id(self)] = result
        result.array = self.backend.copy(self.array)
        result.backend = self.backend
        result.node = None if self.node is None else function.Leaf(result)
        result._grad = None if self._grad is None else self._grad.detach().clone()
        result.version = [0]
        result.view_of = None
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError("pickle: only leaf tensors can be pickled; use detach() first")
        array = np.ascontiguousarray(self.backend.to_numpy(self.array))
        array = array.reshape(self.array.shape)
        return _rebuild, (type(self), array, str(self.device), self.requires_grad)

    # Conversions

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """The tensor in another type, on another device, like another; itself if nothing changes.

        to(dtype), to(device), to(device, dtype), to(other); copy=True always copies.
        """
        wish = kwargs.pop("dtype", None)
        place = kwargs.pop("device", None)
        copy = kwargs.pop("copy", False)
        kwargs.pop("non_blocking", None)
        kwargs.pop("memory_format", None)
        if kwargs:
            raise TypeError(f"to: unknown arguments {', '.join(kwargs)}")
        for argument in args:
            if isinstance(argument, Tensor):
                wish, place = argument.dtype, argument.device
            elif isinstance(argument, str | device):
                place = argument
            elif isinstance(argument, bool):  # non_blocking
                continue
            elif argument is not None:
                wish = argument
        if place is not None and backend_of(place) is not self.backend:
            raise RuntimeError(f"to: cannot move to {place}")
        result = self if wish is None else self.cast(dtypes.to_numpy(wish))
        return result.clone() if copy and result is self else result

    def cpu(self) -> Tensor:
        """The tensor on the CPU: itself if it is there."""
        return self.to("cpu")

    def cuda(self, index: Any = None) -> Tensor:
        """The tensor on a GPU."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    def type(self, wish: Any = None) -> Any:
        """The name of the type, or the tensor in another type."""
        return f"naivegrad.{self.dtype.name}" if wish is None else self.to(wish)

    def contiguous(self) -> Tensor:
        """The tensor itself if its elements lie in C order, else a copy where they do."""
        return self if self.backend.is_contiguous(self.array) else self.clone()

    # New tensors of this type, on this device

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor of data, of this type and on this device."""
        return creation.tensor(
            data,
            dtype=dtype or self.dtype,
            device=device or self.device,
            requires_grad=requires_grad,
        )

    def new_zeros(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Zeros of this type, on this device."""
        return self._new(size, 0, dtype, device, requires_grad)

    def new_ones(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Ones of this type, on this device."""
        return self._new(size, 1, dtype, device, requires_grad)

    def new_full(
        self,
        size: Sequence[int],
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        """One value, of this type and on this device."""
        return self._new(size, fill_value, dtype, device, requires_grad)

    def new_empty(
        self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor of any content, of this type and on this device."""
        return self._new(size, 0, dtype, device, requires_grad)

    def _new(
        self, size: Any, value: Any, wish: Any, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        if len(size) == 1 and isinstance(size[0], tuple | list):
            size = size[0]
        backend = self.backend if device is None else backend_of(device)
        numpy_dtype = self.array.dtype if wish is None else dtypes.to_numpy(wish)
        tensor = wrap(backend.full(tuple(size), value, numpy_dtype), backend)
        return tensor.requires_grad_() if requires_grad else tensor

    # In place

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Overwrite with src, broadcast and cast; non_blocking means nothing on the CPU."""
        if not isinstance(src, Tensor):
            raise TypeError(f"copy_: src must be a Tensor, got {type(src).__name__}")
        return assign(self, copying.CopyInto, src)

    def zero_(self) -> Tensor:
        """Overwrite with zeros."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Tensor:
        """Overwrite with one value."""
        number = value if isinstance(value, Tensor) else self._new((), value, None)
        return assign(self, copying.CopyInto, number)

    def _in_place(self, op: str, function_class: Any, *arguments: Any) -> Tensor:
        """self = op(self, *arguments): straight into the memory where nothing is to be recorded."""
        recording = grad_mode.enabled and (
            self.node is not None or any(isinstance(x, Tensor) and x.node for x in arguments)
        )
        if recording or self.tangent is not None:
            return assign(self, function_class, *arguments)
        arrays = [x.array if isinstance(x, Tensor) else x for x in arguments]
        if not self.array.flags.writeable:
            refuse_leaf(self, op)
            return assign(self, function_class, *arguments)
        run = self.backend.binary if arrays else self.backend.unary
        run(op, self.array, *arrays, out=self.array)
        self.version[0] += 1
        return self

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self += alpha * other."""
        if alpha == 1:
            return self._in_place("add", elementwise.Add, other)
        return self._in_place("add_scaled", elementwise.Add, other, alpha)

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self -= alpha * other."""
        if alpha == 1:
            return self._in_place("sub", elementwise.Sub, other)
        return self.add_(other, alpha=-alpha)

    def mul_(self, other: Any) -> Tensor:
        """self *= other."""
        return self._in_place("mul", elementwise.Mul, other)

    def div_(self, other: Any) -> Tensor:
        """self /= other."""
        return self._in_place("div", elementwise.Div, other)

    def pow_(self, exponent: Any) -> Tensor:
        """self **= exponent."""
        return assign(self, elementwise.Pow, exponent)

    def relu_(self) -> Tensor:
        """self = max(self, 0)."""
        return self._in_place("relu", activation.ReLU)

    def exp_(self) -> Tensor:
        """self = e ** self."""
        return self._in_place("exp", elementwise.Exp)

    def log_(self) -> Tensor:
        """self = ln self."""
        return self._in_place("log", elementwise.Log)

    def sqrt_(self) -> Tensor:
        """self = sqrt(self)."""
        return self._in_place("sqrt", elementwise.Sqrt)

    def rsqrt_(self) -> Tensor:
        """self = 1 / sqrt(self)."""
        return self._in_place("rsqrt", elementwise.Rsqrt)

    def reciprocal_(self) -> Tensor:
        """self = 1 / self."""
        return self._in_place("reciprocal", elementwise.Reciprocal)

    def square_(self) -> Tensor:
        """self *= self."""
        return self._in_place("square", elementwise.Square)

    def abs_(self) -> Tensor:
        """self = |self|."""
        return self._in_place("abs", elementwise.Abs)

    def sin_(self) -> Tensor:
        """self = sin self."""
        return self._in_place("sin", elementwise.Sin)

    def cos_(self) -> Tensor:
        """self = cos self."""
        return self._in_place("cos", elementwise.Cos)

    def neg_(self) -> Tensor:
        """self = -self."""
        return self._in_place("neg", elementwise.Neg)

    def tanh_(self) -> Tensor:
        """self = tanh(self)."""
        return self._in_place("tanh", activation.Tanh)

    def sigmoid_(self) -> Tensor:
        """self = sigmoid(self)."""
        return self._in_place("sigmoid", activation.Sigmoid)

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """self = clamp(self, min, max)."""
        return assign(self, _Composed("clamp_", lambda x: elementwise.clamp(x, min, max)))

    clip_ = clamp_

    def masked_fill_(self, mask: Tensor, value: Any) -> Tensor:
        """self = value where mask."""
        return assign(
            self, _Composed("masked_fill_", lambda x: indexing.masked_fill(x, mask, value))
        )

    def scatter_add_(self, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """self[index[i, j], j] += src[i, j] (dim 0), and so on."""
        return assign(
            self, _Composed("scatter_add_", lambda x: indexing.scatter_add(x, dim, index, src))
        )

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with random numbers, uniform in [a, b)."""
        return random.uniform_(self, a, b, generator=generator)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with normally distributed random numbers."""
        return random.normal_(self, mean, std, generator=generator)

    def bernoulli_(self, p: float = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with 1 (with probability p) and 0."""
        return random.bernoulli_(self, p, generator=generator)

    # Operators

    def __add__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Add.apply(self, other)
        return _compute("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return elementwise.Add.apply(self, other)

    def __sub__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Sub.apply(self, other)
        return _compute("sub", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.Sub.apply(other, self)

    def __mul__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Mul.apply(self, other)
        return _compute("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return elementwise.Mul.apply(self, other)

    def __truediv__(self, other: Any) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Div.apply(self, other)
        return _compute("div", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.Div.apply(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return elementwise.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return elementwise.remainder(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return elementwise.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return elementwise.Pow.apply(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return linalg.matmul(self, other)

    def __neg__(self) -> Tensor:
        if grad_mode.enabled or forward.active:
            return elementwise.Neg.apply(self)
        return wrap(self.backend.unary("neg", self.array), self.backend)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return elementwise.Abs.apply(self)

    def __iadd__(self, other: Any) -> Tensor:
        return self.add_(other)

    def __isub__(self, other: Any) -> Tensor:
        return self.sub_(other)

    def __imul__(self, other: Any) -> Tensor:
        return self.mul_(other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self.div_(other)

    def __ipow__(self, other: Any) -> Tensor:
        return self.pow_(other)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None else compare.eq(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if other is None else compare.ne(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return compare.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return compare.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return compare.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return compare.ge(self, other)

    def __and__(self, other: Any) -> Tensor:
        return compare.bitwise_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return compare.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Tensor:
        return compare.bitwise_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Tensor:
        return compare.bitwise_not(self)

    def __getitem__(self, key: Any) -> Tensor:
        return indexing.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.setitem(self, key, value)


class _Composed:
    """A function of tensors in the place of an operation, for `assign`."""

    def __init__(self, name: str, apply: Callable[..., Tensor]) -> None:
        self.__name__ = name
        self.apply = apply


class RemovableHandle:
    """Takes a hook away again."""

    _count = 0

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        RemovableHandle._count += 1
        self._hooks, self._key = hooks, RemovableHandle._count
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


_new = Tensor.__new__


def wrap(array: Any, backend: Any) -> Tensor:
    """A Tensor around a backend's array: no copy, no history."""
    tensor = _new(Tensor)
    tensor.array = array
    tensor.backend = backend
    tensor._grad = tensor.node = tensor.view_of = None
    tensor.version = [0]
    return tensor


def _compute(op: str, x: Tensor, y: Any) -> Tensor:
    """An operator where nothing is recorded, as in most of backward: the kernel at once."""
    backend = x.backend
    if isinstance(y, Tensor):
        if y.backend is not backend:
            raise ValueError(f"{op}: tensors on two devices, {x.device} and {y.device}; use .to()")
        y = y.array
    tensor = _new(Tensor)  # as `wrap` does, a call less
    tensor.array = backend.binary(op, x.array, y)
    tensor.backend = backend
    tensor._grad = tensor.node = tensor.view_of = None
    tensor.version = [0]
    return tensor


def _rebuild(cls: Any, array: np.ndarray, place: str, requires_grad: bool) -> Tensor:
    """A tensor out of a pickle."""
    tensor = _new(cls)
    backend = backend_of(place)
    tensor.array = backend.from_numpy(array)
    tensor.backend = backend
    tensor.node = function.Leaf(tensor) if requires_grad else None
    tensor._grad = None
    tensor.version = [0]
    tensor.view_of = None
    return tensor


# Function.apply, below this module, makes Tensors: this is where it learns how.
function.Tensor = Tensor
function.wrap = wrap

# The operations stand above this module and need Tensor; its methods need them: so they come last.
from naivegrad.ops import (  # noqa: E402
    activation,
    compare,
    copying,
    creation,
    elementwise,
    linalg,
    movement,
    random,
    reduce,
)
from naivegrad.ops import index as indexing  # noqa: E402
from naivegrad.ops.softmax import log_softmax, softmax  # noqa: E402

connect(
    activation=activation,
    compare=compare,
    copying=copying,
    elementwise=elementwise,
    indexing=indexing,
    linalg=linalg,
    log_softmax=log_softmax,
    movement=movement,
    reduce=reduce,
    softmax=softmax,
)
