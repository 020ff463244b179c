"""New tensors like this one, and random contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from naivegrad import dtype as dtypes
from naivegrad.device import backend_of

if TYPE_CHECKING:
    from naivegrad import ops
    from naivegrad.tensor import Tensor, wrap


class CreationMethods:
    """New tensors like this one, and random contents."""

    __slots__ = ()

    array: Any
    backend: Any
    dtype: dtypes.dtype
    device: Any

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """A tensor of data, of this type and on this device."""
        return ops.tensor(
            data,
            dtype=dtype or self.dtype,
            device=device or self.device,
            requires_grad=requires_grad,
        )

    def new(self, *data: Any) -> Tensor:
        """A tensor of data, or of a shape and any content, of this type: an old name."""
        return ops.creation.legacy(data, self.dtype)

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
        ops._args.check_fits("new_full", value, numpy_dtype)
        tensor = wrap(backend.full(tuple(size), value, numpy_dtype), backend)
        return tensor.requires_grad_() if requires_grad else tensor

    def uniform_(self, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with random numbers, uniform in [from_, to)."""
        return ops.random_in_place.uniform_(self, from_, to, generator=generator)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with normally distributed random numbers."""
        return ops.random_in_place.normal_(self, mean, std, generator=generator)

    def log_normal_(self, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
        """Fill with e to the power of normally distributed numbers."""
        return ops.random_in_place.log_normal_(self, mean, std, generator=generator)

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with 1 (with probability p) and 0."""
        return ops.random_in_place.bernoulli_(self, p, generator=generator)

    def bernoulli(self, p: Any = None, *, generator: Any = None) -> Tensor:
        """1 with the probability that each element gives, else 0."""
        return ops.bernoulli(self, p, generator=generator)

    def multinomial(
        self, num_samples: int, replacement: bool = False, *, generator: Any = None
    ) -> Tensor:
        """Indices drawn with probabilities proportional to the elements, row by row."""
        return ops.multinomial(self, num_samples, replacement, generator=generator)

    def random_(self, from_: Any = None, to: Any = None, *, generator: Any = None) -> Tensor:
        """Fill with integers: in [0, from_), [from_, to), or all that the type holds."""
        return ops.random_in_place.random_(self, from_, to, generator=generator)

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with exponentially distributed numbers of mean 1 / lambd."""
        return ops.random_in_place.exponential_(self, lambd, generator=generator)

    def geometric_(self, p: float, *, generator: Any = None) -> Tensor:
        """Fill with the number of tries until a success of probability p."""
        return ops.random_in_place.geometric_(self, p, generator=generator)

    def cauchy_(self, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with Cauchy distributed numbers."""
        return ops.random_in_place.cauchy_(self, median, sigma, generator=generator)
