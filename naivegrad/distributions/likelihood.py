"""Probabilities and their logits: given as the one, asked for as the other."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from naivegrad import ops
from naivegrad.autograd import enable_grad
from naivegrad.distributions.distribution import Distribution
from naivegrad.dtype import finfo
from naivegrad.tensor import Tensor


def inner(probs: Tensor) -> Tensor:
    """Probabilities kept away from 0 and 1, whose logarithms are infinite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


class FromProbsOrLogits(Distribution):
    """Has `probs` and `logits`; whichever was not given is made from the other when asked for."""

    _logits_of: Any
    _probs_of: Any

    @cached_property
    def probs(self) -> Tensor:
        """The probabilities."""
        with enable_grad():  # it is kept, even if a sample asks for it
            return self._probs_of(self.logits)

    @cached_property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities; of two outcomes, of their quotient."""
        with enable_grad():
            return self._logits_of(self.probs)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs"] if self._by_probs else self.__dict__["logits"]

    @property
    def param_shape(self) -> Any:
        """The shape of `probs` and `logits`."""
        return self._param.shape

    def _choose(self, probs: Any, logits: Any) -> Any:
        """The one of the two that was given."""
        if (probs is None) == (logits is None):
            raise ValueError(f"{type(self).__name__}: needs either probs or logits, not both")
        self._by_probs = probs is not None
        return probs if self._by_probs else logits

    def _keep(self, param: Tensor) -> None:
        self.__dict__["probs" if self._by_probs else "logits"] = param


class Binary(FromProbsOrLogits):
    """Of two outcomes: logits are log(p / (1 - p))."""

    @staticmethod
    def _logits_of(probs: Tensor) -> Tensor:
        probs = inner(probs)
        return probs.log() - (-probs).log1p()

    @staticmethod
    def _probs_of(logits: Tensor) -> Tensor:
        return logits.sigmoid()

    def _cross_entropy(self, target: Tensor) -> Tensor:
        """-log of the probability of `target`, from 0 to 1, under these logits."""
        logits, target = ops.broadcast_tensors(self.logits, target)
        return ops.binary_cross_entropy_with_logits(logits, target, reduction="none")


class OneOfMany(FromProbsOrLogits):
    """Of several outcomes, along the last dimension, that add up to 1."""

    @staticmethod
    def _logits_of(probs: Tensor) -> Tensor:
        return inner(probs).log()

    @staticmethod
    def _probs_of(logits: Tensor) -> Tensor:
        return logits.softmax(-1)

    def _keep_normalized(self, probs: Tensor | None, logits: Tensor | None) -> Tensor:
        param = self._choose(probs, logits)
        if param.ndim < 1:
            raise ValueError(f"{type(self).__name__}: probs or logits need one dimension or more")
        if self._by_probs:
            param = param / param.sum(-1, keepdim=True)
        else:
            param = param - param.logsumexp(-1, keepdim=True)
        self._keep(param)
        return param
