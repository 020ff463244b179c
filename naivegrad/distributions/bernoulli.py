"""Trials with two outcomes: one of them, how many succeed, and how many fail before one does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad import ops
from naivegrad.distributions import constraints
from naivegrad.distributions.constraints import Constraint
from naivegrad.distributions.distribution import broadcast_all, numpy_random
from naivegrad.distributions.likelihood import Binary
from naivegrad.dtype import finfo
from naivegrad.tensor import Tensor


class Bernoulli(Binary):
    """1 with probability p, else 0.

    Parameters
    ----------
    probs, logits : p, or log(p / (1 - p)): the one or the other
    validate_args : see Distribution

    Examples
    --------
    >>> import naivegrad as ng
    >>> Bernoulli(ng.tensor([0.25, 0.5])).log_prob(ng.tensor([1.0, 0.0])).exp()
    tensor([0.25, 0.5 ])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (param,) = broadcast_all(self._choose(probs, logits))
        self._keep(param)
        super().__init__(param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        likely = (self.probs >= 0.5).to(self.probs.dtype)
        return likely.masked_fill(self.probs == 0.5, math.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return ops.bernoulli(self.probs.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return -self._cross_entropy(value)

    def entropy(self) -> Tensor:
        return self._cross_entropy(self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(ops.arange(2, dtype=self._param.dtype), expand)


class Geometric(Binary):
    """How often a trial fails before it succeeds: p (1 - p)^x.

    Parameters
    ----------
    probs, logits : p, above 0, or log(p / (1 - p)): the one or the other
    validate_args : see Distribution
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (param,) = broadcast_all(self._choose(probs, logits))
        self._keep(param)
        super().__init__(param.shape, validate_args=validate_args)
        if self._validate_args and not (self.probs > 0).all().item():
            raise ValueError(f"Geometric: probs must be above 0, got\n{self.probs}")

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        probs = self.probs.detach()
        uniform = ops.rand(self._extended_shape(sample_shape), dtype=probs.dtype)
        uniform = uniform.clamp(min=finfo(probs.dtype).tiny)
        return (uniform.log() / (-probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return ops.xlog1py(value, -self.probs) + self.probs.log()

    def entropy(self) -> Tensor:
        return self._cross_entropy(self.probs) / self.probs


class Binomial(Binary):
    """How many of n trials succeed: n over x · p^x (1 - p)^(n - x).

    Parameters
    ----------
    total_count : n, a tensor or an int
    probs, logits : p, or log(p / (1 - p)): the one or the other
    validate_args : see Distribution
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        param, count = broadcast_all(self._choose(probs, logits), total_count)
        self.total_count = count.to(param.dtype)
        self._keep(param)
        super().__init__(param.shape, validate_args=validate_args)

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ops.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        count, probs = self.total_count.long().numpy(), self.probs.numpy(force=True)
        drawn = numpy_random().binomial(count, probs, self._extended_shape(sample_shape))
        return ops.tensor(drawn, dtype=self._param.dtype, device=self._param.device)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # log(1 + exp(logits)) without an overflow
        return ways + value * logits - n * (logits.clamp(min=0) + (-logits.abs()).exp().log1p())

    def entropy(self) -> Tensor:
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = int(self.total_count.max().item())
        if (self.total_count != n).any().item():
            raise NotImplementedError("Binomial: values are listed for one total_count only")
        return self._enumerated(ops.arange(n + 1, dtype=self._param.dtype), expand)
