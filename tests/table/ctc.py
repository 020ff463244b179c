"""Rows: ctc_loss, against the sum over all paths."""

import itertools

import numpy as np

from .row import Op, case, error, fixed, index
from .softmax import log_softmax


def spelled(path, blank):
    """The labels of a path: repeated classes once, without blanks."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def one_loss(x, labels, blank):
    """-log of the sum of the probabilities of all paths that spell the labels."""
    paths = itertools.product(range(x.shape[1]), repeat=len(x))
    total = sum(
        np.exp(sum(x[t, c] for t, c in enumerate(path)))
        for path in paths
        if spelled(path, blank) == list(labels)
    )
    return np.inf if total == 0 else -np.log(total)


def ctc_loss(x, targets, times, counts, blank=0, reduction="mean", zero_infinity=False):
    single = x.ndim == 2
    logp = log_softmax(x[:, None] if single else x, 2)
    if targets.ndim == 2:
        lines = [line[:n] for line, n in zip(targets, counts, strict=True)]
    else:
        lines = np.split(targets, np.cumsum(counts)[:-1])
    loss = np.array(
        [
            one_loss(logp[:t, n], line, blank)
            for n, (t, line) in enumerate(zip(times, lines, strict=True))
        ]
    )
    if zero_infinity:
        loss[np.isinf(loss)] = 0
    if reduction == "mean":
        return (loss / np.maximum(counts, 1)).mean()
    return loss.sum() if reduction == "sum" else loss[0] if single else loss


def call(lib, x, targets, times, counts, **o):
    return lib.nn.functional.ctc_loss(
        x.log_softmax(-1), targets, lib.tensor(times), lib.tensor(counts), **o
    )


PADDED = fixed([[1, 2], [2, 2], [1, 0]])
BATCH = dict(times=[4, 3, 4], counts=[2, 2, 1])

OPS = [
    Op(
        "ctc_loss",
        call,
        ctc_loss,
        (
            case((4, 3, 3), PADDED, **BATCH),
            case((4, 3, 3), PADDED, **BATCH, reduction="sum"),
            case((4, 3, 3), PADDED, **BATCH, reduction="none"),
            case((4, 3, 3), fixed([1, 2, 2, 2, 1]), **BATCH),
            case((4, 3, 3), fixed([[0, 1], [1, 1], [0, 2]]), **BATCH, blank=2),
            case((4, 3), fixed([1, 2]), times=[4], counts=[2]),
            case((4, 3), fixed([1, 2]), times=[4], counts=[2], reduction="none"),
            case((3, 2, 3), fixed([[1], [2]]), times=[3, 2], counts=[0, 1]),
            case(
                (2, 2, 3), fixed([[1, 1], [1, 2]]), times=[2, 2], counts=[2, 2], zero_infinity=True
            ),
            case((1, 1, 2), fixed([[1]]), times=[1], counts=[1]),
        ),
        ("CTCLoss", "CTCLossGrad"),
        order=1,
        errors=(
            error(ValueError, "sideways", (4, 3, 3), PADDED, **BATCH, reduction="sideways"),
            error((ValueError, RuntimeError), "input_lengths", (2, 3, 3), PADDED, **BATCH),
            error(
                (ValueError, RuntimeError),
                "target_lengths",
                (4, 3, 3),
                PADDED,
                times=[4, 4, 4],
                counts=[3, 1, 1],
            ),
            error((IndexError, RuntimeError), "blank", (4, 3, 3), PADDED, **BATCH, blank=3),
            error(IndexError, "3", (4, 1, 3), fixed([[3]]), times=[4], counts=[1], torch=False),
            error(
                (ValueError, RuntimeError), r"\(2, 2\)|batch", (4, 3, 3), index((2, 2), 2), **BATCH
            ),
        ),
    ),
]
