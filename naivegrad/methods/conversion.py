"""Other types, devices and memory; overwriting."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from naivegrad import dtype as dtypes
from naivegrad.autograd.inplace import assign
from naivegrad.backend.promotion import holds
from naivegrad.device import backend_of, device
from naivegrad.layout import strided
from naivegrad.size import library

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor


class ConversionMethods:
    """Other types, devices and memory; overwriting."""

    __slots__ = ()

    array: Any
    backend: Any

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

    def type(self, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
        """The name of the type, such as naivegrad.FloatTensor; or the tensor in another type.

        type(ng.float64), type("naivegrad.DoubleTensor"), type("torch.DoubleTensor"),
        type(ng.DoubleTensor).
        """
        if dtype is None:
            name = next(n for n, t in dtypes.TENSOR_NAMES.items() if t == self.dtype)
            return f"{library.name}.{name}"
        if isinstance(dtype, dtypes.dtype):
            return self.to(dtype)
        return self.to(dtypes.of_tensor_type(dtype, "type"))

    def pin_memory(self, device: Any = None) -> Tensor:
        """The tensor itself: memory is pinned for the way to a GPU, and there is none."""
        return self  # type: ignore[return-value]

    def is_pinned(self, device: Any = None) -> builtins.bool:
        """False."""
        return False

    def to_sparse(self, *args: Any, **kwargs: Any) -> Tensor:
        """The tensor itself: there are no sparse tensors, and a dense one gives equal results."""
        return self  # type: ignore[return-value]

    def to_dense(self, dtype: Any = None) -> Tensor:
        """The tensor itself, in another type if one is given."""
        return self.to(dtype)

    def coalesce(self) -> Tensor:
        """The tensor itself."""
        return self  # type: ignore[return-value]

    is_sparse = is_quantized = is_mps = is_meta = is_xpu = False

    @property
    def is_cpu(self) -> builtins.bool:
        """Whether the values are on the CPU."""
        return self.device.type == "cpu"

    @property
    def layout(self) -> Any:
        """How the elements are kept: strided."""
        return strided

    def get_device(self) -> builtins.int:
        """The number of its GPU; -1 on the CPU."""
        return -1

    def is_nonzero(self) -> builtins.bool:
        """Whether the one element is not 0."""
        return ops.is_nonzero(self)

    def is_same_size(self, other: Tensor) -> builtins.bool:
        """Whether the other tensor has the same shape."""
        return ops.is_same_size(self, other)

    def cast(self, dtype: Any) -> Tensor:
        """In another NumPy type; itself if it is of that type."""
        return ops.copying.cast(self, dtype)

    def clone(self, *, memory_format: Any = None) -> Tensor:
        """A copy; the gradient passes through. memory_format changes nothing: there is one."""
        return ops.clone(self)

    def float(self) -> Tensor:
        """As float32."""
        return ops.copying.cast(self, dtypes.float32.numpy)

    def double(self) -> Tensor:
        """As float64."""
        return ops.copying.cast(self, dtypes.float64.numpy)

    def half(self) -> Tensor:
        """As float16."""
        return ops.copying.cast(self, dtypes.float16.numpy)

    def bfloat16(self) -> Tensor:
        """As bfloat16: the upper half of a float32."""
        return ops.copying.cast(self, dtypes.bfloat16.numpy)

    def cfloat(self) -> Tensor:
        """As complex64."""
        return ops.copying.cast(self, dtypes.complex64.numpy)

    def cdouble(self) -> Tensor:
        """As complex128."""
        return ops.copying.cast(self, dtypes.complex128.numpy)

    def byte(self) -> Tensor:
        """As uint8."""
        return ops.copying.cast(self, dtypes.uint8.numpy)

    def char(self) -> Tensor:
        """As int8."""
        return ops.copying.cast(self, dtypes.int8.numpy)

    def short(self) -> Tensor:
        """As int16."""
        return ops.copying.cast(self, dtypes.int16.numpy)

    def int(self) -> Tensor:
        """As int32."""
        return ops.copying.cast(self, dtypes.int32.numpy)

    def long(self) -> Tensor:
        """As int64."""
        return ops.copying.cast(self, dtypes.int64.numpy)

    def bool(self) -> Tensor:
        """As bool: whether it is not zero."""
        return ops.copying.cast(self, dtypes.bool_.numpy)

    def type_as(self, other: Any) -> Tensor:
        """In the type of another tensor."""
        return ops.copying.cast(self, other.array.dtype)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """The tensor itself if its elements lie in C order, else a copy where they do.

        memory_format is accepted and changes nothing: there is one.
        """
        return self if self.backend.is_contiguous(self.array) else self.clone()

    def sum_to_size(self, *size: Any) -> Tensor:
        """Summed down to a shape that broadcasts to this one."""
        return ops.reduce.SumTo.apply(self, ops._args.sizes(size, "sum_to_size"))

    def resize_(self, *sizes: Any) -> Tensor:
        """Another shape for the same memory, or, where that is too small, more memory.

        New elements have any content. Not for tensors that require gradients.
        """
        return ops.memory.resize_(self, sizes)

    def resize_as_(self, the_template: Tensor) -> Tensor:
        """resize_ to the shape of another tensor."""
        return ops.memory.resize_(self, the_template.array.shape)

    def set_(self, source: Tensor) -> Tensor:
        """Let this tensor have the memory of another."""
        return ops.memory.set_(self, source)

    def apply_(self, callable: Any) -> Tensor:
        """callable(element) for each element, in place; slow."""
        return ops.memory.apply_("apply_", self, callable)

    def map_(self, tensor: Tensor, callable: Any) -> Tensor:
        """callable(element, element of the other tensor), in place; slow."""
        return ops.memory.apply_("map_", self, callable, tensor)

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Overwrite with src, broadcast and cast; non_blocking means nothing on the CPU."""
        if not isinstance(src, Tensor):
            raise TypeError(f"copy_: src must be a Tensor, got {type(src).__name__}")
        return assign(self, ops.copying.copy, src)

    def zero_(self) -> Tensor:
        """Overwrite with zeros."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Tensor:
        """Overwrite with one value."""
        if isinstance(value, int) and not holds(self.array.dtype, value):
            raise ValueError(f"fill_: the number {value} does not fit into {self.dtype}")
        number = value if isinstance(value, Tensor) else self._new((), value, None)
        if number.array.ndim:
            raise ValueError(f"fill_: the value must be 0-d, got shape {number.array.shape}")
        return assign(self, ops.copying.copy, number)
