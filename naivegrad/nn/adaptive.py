"""Softmax over many classes of which few are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from naivegrad.nn import functional as F
from naivegrad.nn.container import ModuleList, Sequential
from naivegrad.nn.linear import Linear
from naivegrad.nn.module import Module
from naivegrad.ops import bucketize, cat
from naivegrad.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class Likelihood(NamedTuple):
    """What the classes are given as log-probabilities, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of classes sorted by frequency, the rare ones in clusters.

        log p(y) = log softmax(head(x))_y                         for y < cutoffs[0]
                 = log softmax(head(x))_c + log softmax(tail_c(x))_y    for y in cluster c

    Each cluster has a narrower layer than the one before it, and is only computed for the samples
    that fall into it.

    Parameters
    ----------
    in_features : features of a sample
    n_classes : the most frequent one is class 0
    cutoffs : ascending: where clusters begin
    div_value : cluster i has in_features // div_value^(i + 1) features
    head_bias : let the layer of the frequent classes have a bias

    Shapes: input (N, in_features), target (N,) -> output (N,), loss (); or without N.
    `log_prob` gives those of all classes, (N, n_classes), `predict` the most likely class, (N,).

    Examples
    --------
    >>> import naivegrad as ng
    >>> softmax = ng.nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> output, loss = softmax(ng.randn(4, 16), ng.tensor([3, 999, 17, 0]))
    >>> output.shape, loss.shape
    ((4,), ())

    References
    ----------
    Grave, Joulin, Cissé, Grangier & Jégou 2017, "Efficient softmax approximation for GPUs".
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        bounds = [0, *cutoffs, n_classes]
        if len(bounds) < 3 or any(a >= b or a != int(a) for a, b in pairwise(bounds)):
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs must be ascending integers between 1 and "
                f"n_classes - 1 = {n_classes - 1}, got {list(cutoffs)}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = bounds[1:]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        where = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **where)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            width = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, width, bias=False, **where),
                    Linear(width, high - low, bias=False, **where),
                )
            )

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Likelihood:
        if target_.ndim > 1 or input_.shape != (*target_.shape, self.in_features):
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: expected input (N, {self.in_features}) and target "
                f"(N,), or without N; got {tuple(input_.shape)} and {tuple(target_.shape)}"
            )
        if target_.numel() and not 0 <= int(target_.min()) <= int(target_.max()) < self.n_classes:
            raise IndexError(
                f"AdaptiveLogSoftmaxWithLoss: target must be in [0, {self.n_classes}), got values "
                f"from {int(target_.min())} to {int(target_.max())}"
            )
        x, y = input_.reshape(-1, self.in_features), target_.reshape(-1)
        cluster = bucketize(y, y.new_tensor(self.cutoffs), right=True)  # 0: the frequent classes
        column = y.where(cluster == 0, self.shortlist_size + cluster - 1)
        output = F.log_softmax(self.head(x), 1).gather(1, column.unsqueeze(1)).squeeze(1)
        for i, tail in enumerate(self.tail):
            rows = (cluster == i + 1).nonzero().squeeze(1)
            if rows.numel():
                place = y[rows] - self.cutoffs[i]
                inside = F.log_softmax(tail(x[rows]), 1).gather(1, place.unsqueeze(1))
                output = output.index_add(0, rows, inside.squeeze(1))
        return Likelihood(output.reshape(target_.shape), -output.mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) -> (N, n_classes)."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            cluster = self.shortlist_size + i
            parts.append(head[:, cluster : cluster + 1] + F.log_softmax(tail(input), 1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most likely class of each sample: (N, in_features) -> (N,).

        Where a frequent class comes before all clusters in the head, no cluster is computed.
        """
        best = self.head(input).argmax(1)
        rows = (best >= self.shortlist_size).nonzero().squeeze(1)
        if not rows.numel():
            return best
        return best.index_copy(0, rows, self.log_prob(input[rows]).argmax(1))
