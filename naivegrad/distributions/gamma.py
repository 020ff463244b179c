"""Gamma, Beta and Dirichlet: drawn by NumPy, without gradients through the draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from naivegrad import ops
from naivegrad.distributions import constraints
from naivegrad.distributions.distribution import Distribution, broadcast_all, numpy_random
from naivegrad.dtype import finfo
from naivegrad.tensor import Tensor


def _drawn(concentration: Tensor, shape: Sequence[int]) -> Tensor:
    """Standard gamma numbers, never 0."""
    drawn = numpy_random().standard_gamma(concentration.numpy(force=True), shape)
    tensor = ops.tensor(drawn, dtype=concentration.dtype, device=concentration.device)
    return tensor.clamp(min=finfo(concentration.dtype).tiny)


class Gamma(Distribution):
    """rate^c · x^(c - 1) · exp(-rate · x) / Γ(c).

    Parameters
    ----------
    concentration, rate : c and rate; tensors that broadcast, or numbers
    validate_args : see Distribution
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.square()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return _drawn(self.concentration, self._extended_shape(sample_shape)) / self.rate.detach()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        c, rate = self.concentration, self.rate
        return ops.xlogy(c, rate) + ops.xlogy(c - 1, value) - rate * value - c.lgamma()

    def entropy(self) -> Tensor:
        c = self.concentration
        return c - self.rate.log() + c.lgamma() + (1 - c) * c.digamma()


class Dirichlet(Distribution):
    """Vectors of positive numbers that add up to 1; the product of x_k^(c_k - 1) up to a factor.

    Parameters
    ----------
    concentration : c, along the last dimension
    validate_args : see Distribution
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("Dirichlet: concentration needs one dimension or more")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0)
        corner = ops.one_hot(self.concentration.argmax(-1), self.event_shape[0])
        flat = (self.concentration < 1).all(-1, True)
        return ops.where(flat, corner.to(above.dtype), above / above.sum(-1, True))

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.square() * (total + 1))

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        drawn = _drawn(self.concentration, self._extended_shape(sample_shape))
        return drawn / drawn.sum(-1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return ops.xlogy(self.concentration - 1, value).sum(-1) - self._log_integral()

    def entropy(self) -> Tensor:
        c, total = self.concentration, self.concentration.sum(-1)
        spread = (total - self.event_shape[0]) * total.digamma()
        return self._log_integral() + spread - ((c - 1) * c.digamma()).sum(-1)

    def _log_integral(self) -> Tensor:
        return self.concentration.lgamma().sum(-1) - self.concentration.sum(-1).lgamma()


class Beta(Distribution):
    """x^(a - 1) · (1 - x)^(b - 1) up to a factor, for x from 0 to 1.

    Parameters
    ----------
    concentration1, concentration0 : a and b; tensors that broadcast, or numbers
    validate_args : see Distribution
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def _dirichlet(self) -> Dirichlet:
        """The distribution of (x, 1 - x)."""
        both = ops.stack([self.concentration1, self.concentration0], -1)
        return Dirichlet(both, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self._dirichlet.mean[..., 0]

    @property
    def mode(self) -> Tensor:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        return self._dirichlet.variance[..., 0]

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._dirichlet.sample(sample_shape)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._dirichlet.log_prob(ops.stack([value, 1 - value], -1))

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()
