"""The loss of connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense, dense_float, working_type
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.kernels import ctc as kernel


def ctc_loss(
    x: ndarray, target: ndarray, lengths: ndarray, labels: ndarray, blank: int
) -> tuple[ndarray, ndarray]:
    """(loss (N,), statistics) of log-probabilities x (T, N, C).

    target : (N, S), padded, or (sum of labels,), one sample after the other
    lengths, labels : (N,): how many times and how many labels a sample has
    """
    begin, width = _layout(x, target, lengths, labels)
    loss, alpha = kernel.ctc_loss(
        dense_float("ctc_loss", x), _int(target), begin, _int(lengths), _int(labels), blank, width
    )
    return loss, alpha


def ctc_loss_grad(
    grad: ndarray,
    x: ndarray,
    target: ndarray,
    lengths: ndarray,
    labels: ndarray,
    blank: int,
    loss: ndarray,
    stats: ndarray,
    zero_infinity: bool,
) -> ndarray:
    """The gradient of x: exp(x) less the probability of each class at each time, times grad."""
    begin, _ = _layout(x, target, lengths, labels)
    work = working_type(x)
    out: Any = kernel.ctc_loss_grad(
        dense("ctc_loss", grad, loss.shape, work),
        dense("ctc_loss", x, None, work),
        _int(target),
        begin,
        _int(lengths),
        _int(labels),
        blank,
        loss,
        stats,
        zero_infinity,
    )
    return cast(out, x.dtype)


def _int(x: ndarray) -> ndarray:
    return dense("ctc_loss", x, None, np.dtype(np.int64))


def _layout(x: ndarray, target: ndarray, lengths: ndarray, labels: ndarray) -> tuple[ndarray, int]:
    """Where each sample's labels begin, and the most states; the loops trust what is checked."""
    op, (times, batch, classes) = "ctc_loss", x.shape
    for name, values, most in (
        ("input_lengths", lengths, times),
        ("target_lengths", labels, target.shape[-1]),
    ):
        if values.size and not 0 <= values.min() <= values.max() <= most:
            raise ValueError(f"{op}: {name} must be from 0 to {most}, got {values.tolist()}")
    if target.ndim == 2:
        begin = np.arange(batch) * target.shape[1]
        used = target[np.arange(target.shape[1]) < labels[:, None]]
    else:
        if labels.sum() != target.size:
            raise ValueError(
                f"{op}: target_lengths add up to {labels.sum()}, but targets has {target.size}"
            )
        begin = np.cumsum(labels) - labels
        used = target
    if used.size and not 0 <= used.min() <= used.max() < classes:
        bad = used[(used < 0) | (used >= classes)][0]
        raise IndexError(f"{op}: target {bad} is out of range: expected [0, {classes - 1}]")
    return _int(begin), 2 * int(labels.max(initial=0)) + 1
