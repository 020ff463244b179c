"""Parameter and Buffer: tensors that a module trains, or keeps; and such without a shape yet."""

from __future__ import annotations

from typing import Any

from naivegrad.ops import empty
from naivegrad.tensor import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module whose attribute it is set to.

    Parameters
    ----------
    data : Tensor           its memory is shared, its history is left behind
    requires_grad : bool

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.Parameter(ng.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        _share(self, data)
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that becomes a buffer of the module whose attribute it is set to.

    Parameters
    ----------
    data : Tensor           its memory is shared, its history is left behind
    persistent : bool       whether `state_dict` holds it

    Examples
    --------
    >>> import naivegrad as ng
    >>> net = ng.nn.Module()
    >>> net.mask = ng.nn.Buffer(ng.ones(2))
    >>> net.state_dict()["mask"]
    tensor([1., 1.])
    """

    __slots__ = ()

    persistent: bool = True

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        _share(self, data)
        self.persistent = persistent


def _share(new: Tensor, data: Any) -> None:
    """Make `new` a tensor over the memory of `data`, or an empty one."""
    if data is None:
        Tensor.__init__(new)
        return
    if not isinstance(data, Tensor):
        raise TypeError(f"{type(new).__name__}: expected a Tensor, got {type(data).__name__}")
    Tensor.__init__(new, data)
    new.version = data.version


class UninitializedTensorMixin:
    """A tensor whose shape is not known yet: of a type, on a device, without values.

    It can be moved and cast by `to`, and `materialize` makes a tensor of it. Whatever looks at its
    values or its shape gets an error.
    """

    __slots__ = ()

    cls_to_become: type[Tensor]
    _like: Tensor  # without elements; it has the type and the device
    _requires_grad: bool
    node = None

    def __init__(self, requires_grad: bool, device: Any = None, dtype: Any = None) -> None:
        self._like = empty(0, device=device, dtype=dtype)
        self._requires_grad = requires_grad
        self.backend = self._like.backend
        self.version = [0]
        self.grad = self.view_of = None

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of this shape, whose values are still to be written."""
        device = self.device if device is None else device
        values = empty(shape, device=device, dtype=self.dtype if dtype is None else dtype)
        requires_grad = self.__dict__.pop("_requires_grad")
        del self.__dict__["_like"]
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.node = None
        self.data = values
        self.requires_grad_(requires_grad)

    @property
    def array(self) -> Any:
        raise ValueError(
            f"{type(self).__name__}: there are no values yet, and no shape; call the lazy module "
            "with a batch before its parameters are used"
        )

    @property
    def data(self) -> Any:
        return self

    @data.setter
    def data(self, value: Any) -> None:
        self._like = value._like
        self.backend = value.backend

    @property
    def dtype(self) -> Any:
        return self._like.dtype

    @property
    def device(self) -> Any:
        return self._like.device

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Whether the tensor that it becomes is trained."""
        self._requires_grad = requires_grad
        return self

    def is_floating_point(self) -> bool:
        """Whether the type is floating point."""
        return self._like.is_floating_point()

    def is_complex(self) -> bool:
        """Whether the type is complex."""
        return self._like.is_complex()

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Another one, of another type or on another device; arguments as `Tensor.to`'s."""
        like = self._like.to(*args, **kwargs)
        return type(self)(self._requires_grad, like.device, like.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        memo[id(self)] = new = self.to()
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._requires_grad, str(self.device), self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known yet: what a lazy module has before its first call.

    Examples
    --------
    >>> from naivegrad import nn
    >>> weight = nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape
    ('Parameter', (2, 3))
    """

    __slots__ = ()

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A Buffer whose shape is not known yet."""

    __slots__ = ()

    cls_to_become = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        super().__init__(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Whether it is an `UninitializedParameter` or `UninitializedBuffer`."""
    return isinstance(param, UninitializedTensorMixin)
