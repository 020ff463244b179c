"""What all distributions share: shapes, checks, and what follows from the density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from naivegrad import ops
from naivegrad.autograd import no_grad
from naivegrad.distributions.constraints import Constraint, dependent
from naivegrad.dtype import get_default_dtype
from naivegrad.random import default_generator
from naivegrad.size import Size
from naivegrad.tensor import Tensor


class Distribution:
    """A probability distribution, or a batch of them.

    Parameters
    ----------
    batch_shape : the shape of the batch: one distribution for each element
    event_shape : the shape of what one of them gives: () for numbers
    validate_args : check the parameters, and every value that is asked about (default: True)

    A subclass sets its parameters as attributes, lists what they must be in `arg_constraints`,
    and calls this constructor.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    _validate_args = True

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self._given():
                value = getattr(self, name)
                if constraint is not dependent and not constraint.check(value).all().item():
                    raise ValueError(
                        f"{type(self).__name__}: parameter {name} of shape {tuple(value.shape)} "
                        f"must satisfy {constraint!r}, got\n{value}"
                    )

    def _given(self) -> list[tuple[str, Constraint]]:
        """The parameters that are there: not the probs of a distribution made from logits."""
        return [(n, c) for n, c in self.arg_constraints.items() if n in self.__dict__]

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Switch the checks of all distributions made from now on."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expects True or False, got {value!r}")
        Distribution._validate_args = value

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution for a larger batch; the parameters are expanded, not copied."""
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(self.__dict__)
        new._batch_shape = Size(batch_shape)
        for name, constraint in self._given():
            value = self.__dict__[name]
            own = value.shape[value.ndim - constraint.event_dim :]
            new.__dict__[name] = value.expand((*batch_shape, *own))
        return new

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of what one distribution gives."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """The values that are possible."""
        raise self._not_there("support")

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise self._not_there("mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise self._not_there("mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise self._not_there("variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw values: of shape `sample_shape + batch_shape + event_shape`, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw values as a function of the parameters, through which gradients flow to them."""
        raise self._not_there("rsample")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at `value`."""
        raise self._not_there("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most `value`."""
        raise self._not_there("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The number that is not exceeded with probability `value`."""
        raise self._not_there("icdf")

    def entropy(self) -> Tensor:
        """The expected value of `-log_prob`."""
        raise self._not_there("entropy")

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along dimension 0.

        `expand=False` leaves the batch dimensions at length 1.
        """
        raise self._not_there("enumerate_support")

    def _not_there(self, name: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {name}")

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        if not isinstance(sample_shape, Sequence) or isinstance(sample_shape, str):
            who = type(self).__name__
            raise TypeError(
                f"{who}: sample_shape must be a tuple of integers, got {sample_shape!r}"
            )
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        values = values.reshape((-1, *[1] * len(self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _validate_sample(self, value: Tensor) -> None:
        """Check that `value` is a possible one, if checks are on."""
        if not self._validate_args:
            return
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: a value must be a tensor, got {type(value).__name__}")
        n, shape = len(self._event_shape), self._extended_shape()
        event = value.shape[max(0, value.ndim - n) :] if n else ()
        if tuple(event) != tuple(self._event_shape) or not _fits(value.shape, shape):
            raise ValueError(
                f"{name}: a value of shape {tuple(value.shape)} does not fit batch shape "
                f"{tuple(self._batch_shape)} and event shape {tuple(self._event_shape)}"
            )
        if not self.support.check(value).all().item():
            raise ValueError(f"{name}: values must satisfy {self.support!r}, got\n{value}")

    def __repr__(self) -> str:
        values = ((name, self.__dict__[name]) for name, _ in self._given())
        text = (f"{n}: {v.item() if v.ndim == 0 else tuple(v.shape)}" for n, v in values)
        return f"{type(self).__name__}({', '.join(text)})"


def _fits(shape: Sequence[int], other: Sequence[int]) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(shape), reversed(other)))


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the type of the tensors."""
    given = [value for value in values if isinstance(value, Tensor)]
    dtype = given[0].dtype if given else get_default_dtype()
    device = given[0].device if given else "cpu"
    tensors = [
        value if isinstance(value, Tensor) else ops.tensor(value, dtype=dtype, device=device)
        for value in values
    ]
    return ops.broadcast_tensors(*tensors)


def numpy_random() -> np.random.Generator:
    """NumPy's generator, seeded from ours: for what only NumPy draws. Each call is a new stream."""
    return np.random.Generator(np.random.Philox(key=default_generator.fork().initial_seed()))
