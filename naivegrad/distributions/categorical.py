"""Draws of one of several classes: its number, its indicator, and how often each came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from naivegrad import ops
from naivegrad.distributions import constraints
from naivegrad.distributions.bernoulli import Binomial
from naivegrad.distributions.constraints import Constraint
from naivegrad.distributions.distribution import Distribution
from naivegrad.distributions.likelihood import OneOfMany
from naivegrad.dtype import finfo, int64
from naivegrad.tensor import Tensor


class Categorical(OneOfMany):
    """The class k, from 0, with probability probs[..., k].

    Parameters
    ----------
    probs, logits : probabilities, or their logarithms, along the last dimension: the one or the
        other; they need not be normalized, and are kept normalized
    validate_args : see Distribution

    Examples
    --------
    >>> import naivegrad as ng
    >>> coin = Categorical(probs=ng.tensor([3.0, 1.0]))
    >>> coin.probs, coin.log_prob(ng.tensor(1)).exp()
    (tensor([0.75, 0.25]), tensor(0.25))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        param = self._keep_normalized(probs, logits)
        super().__init__(param.shape[:-1], validate_args=validate_args)

    @property
    def _num_events(self) -> int:
        return self._param.shape[-1]

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return ops.full(self._extended_shape(), math.nan, dtype=self._param.dtype)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        n = math.prod(sample_shape)
        rows = self.probs.detach().reshape((-1, self._num_events))
        if 0 in (n, rows.shape[0]):
            return ops.zeros(self._extended_shape(sample_shape), dtype=int64)
        drawn = ops.multinomial(rows, n, replacement=True)  # (rows, n)
        return drawn.T.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        index, logits = ops.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        # A class without probability adds 0, not -inf * 0.
        logits = self.logits.clamp(min=finfo(self._param.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(ops.arange(self._num_events), expand)


class _OverClasses(Distribution):
    """Vectors with an element for each class of a Categorical."""

    arg_constraints = Categorical.arg_constraints

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(
            self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args
        )

    @property
    def probs(self) -> Tensor:
        """The probabilities of the classes."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """The shape of `probs` and `logits`."""
        return self._categorical.param_shape

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    def __repr__(self) -> str:
        return repr(self._categorical).replace("Categorical", type(self).__name__)


class OneHotCategorical(_OverClasses):
    """The indicator of a class: 1 at its place, 0 elsewhere.

    Parameters
    ----------
    probs, logits : as of Categorical
    validate_args : see Distribution
    """

    support = constraints.one_hot
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._indicator(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._indicator(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._indicator(self._categorical.enumerate_support(expand))

    def _indicator(self, classes: Tensor) -> Tensor:
        return ops.one_hot(classes, self.event_shape[0]).to(self.probs.dtype)


class Multinomial(_OverClasses):
    """How often each class comes in n draws.

    Parameters
    ----------
    total_count : n
    probs, logits : as of Categorical
    validate_args : see Distribution
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise TypeError(f"Multinomial: total_count must be an int, got {total_count!r}")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    @property
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        classes = self._categorical.sample((self.total_count, *sample_shape))
        return ops.one_hot(classes, self.event_shape[0]).sum(0).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = ops.broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        ways = math.lgamma(self.total_count + 1) - (value + 1).lgamma().sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        """n H(class) - log n! + the sum over classes of E[log x!]."""
        n = self.total_count
        count = Binomial(n, self.probs, validate_args=False)
        values = count.enumerate_support(False)
        expected = (count.log_prob(values).exp() * (values + 1).lgamma()).sum(0).sum(-1)
        return n * self._categorical.entropy() - math.lgamma(n + 1) + expected
