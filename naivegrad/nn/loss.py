"""Losses as modules."""

from __future__ import annotations

from naivegrad.nn import functional as F
from naivegrad.nn.module import Module
from naivegrad.tensor import Tensor

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


def _reduction(name: str, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction asked for, by today's argument or the two it replaced."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    return reduction


class _Loss(Module):
    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = _reduction(type(self).__name__, size_average, reduce, reduction)


class MSELoss(_Loss):
    """(x - y)^2, its mean, or its sum."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(x, y, reduction=self.reduction)


class NLLLoss(_Loss):
    """-weight[y] x[y] for log-probabilities x (N, C, ...) and classes y (N, ...)."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.nll_loss(
            x, y, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class CrossEntropyLoss(_Loss):
    """-log softmax(x)[y] for logits x (N, C, ...), classes y (N, ...) or probabilities y like x.

    Parameters
    ----------
    weight : Tensor (C,), optional      how much each class counts
    ignore_index : int                  a class that does not count
    reduction : "mean", "sum" or "none"
    label_smoothing : float             this share of the probability is spread over all classes
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(
            x,
            y,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
