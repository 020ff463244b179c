"""Rows: losses."""

import numpy as np

from .row import Op, case, error, fixed, index, probabilities, uniform
from .softmax import log_softmax


def F(lib):
    return lib.nn.functional


def constant(lib, values, like):
    """Numbers that are no input of the row: nothing is differentiated by them."""
    return lib.tensor(values, dtype=like.dtype)


def ramp(n):
    """Class weights that all differ."""
    return tuple((0.5 + np.arange(n) / n).tolist())


def reduce(values, reduction, weight=None):
    if reduction == "none":
        return values
    total = values.sum()
    return total if reduction == "sum" else total / (values.size if weight is None else weight)


def nll_loss(logp, target, weight=None, ignore_index=-100, reduction="mean"):
    one = logp.ndim == 1
    logp, target = (logp[None], target[None]) if one else (logp, target)
    w = np.ones(logp.shape[1]) if weight is None else np.array(weight)
    keep = target != ignore_index
    safe = np.where(keep, target, 0)
    each = np.where(keep, w[safe], 0.0)
    values = -np.take_along_axis(logp, np.expand_dims(safe, 1), 1).squeeze(1) * each
    out = reduce(values, reduction, each.sum())
    return out[0] if one and reduction == "none" else out


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    one = x.ndim == 1
    x, target = (x[None], target[None]) if one else (x, target)
    logp, C = log_softmax(x, 1), x.shape[1]
    w = np.ones(C) if weight is None else np.array(weight)
    wide = w.reshape(1, C, *[1] * (x.ndim - 2))
    if target.dtype.kind == "f":
        p = target * (1 - label_smoothing) + label_smoothing / C
        values = -(p * logp * wide).sum(1)
        out = reduce(values, reduction, values.size)
    else:
        keep = target != ignore_index
        safe = np.where(keep, target, 0)
        each = np.where(keep, w[safe], 0.0)
        hard = -np.take_along_axis(logp, np.expand_dims(safe, 1), 1).squeeze(1) * each
        soft = -np.where(keep, (logp * wide).sum(1), 0.0)
        values = (1 - label_smoothing) * hard + label_smoothing / C * soft
        out = reduce(values, reduction, each.sum())
    return out[0] if one and reduction == "none" else out


HUGE = fixed([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 500.0]])
LABELLED = [
    ((4, 5), index((4,), 5)),
    ((5,), index((), 5)),
    ((2, 5, 3), index((2, 3), 5)),
    ((2, 3, 2, 4), index((2, 2, 4), 3)),
    ((4, 5), fixed([0, -100, 2, -100])),
    ((1, 1), index((1,), 1)),
    ((2, 67), index((2,), 67)),
]
REDUCTIONS = [{}, dict(reduction="sum"), dict(reduction="none")]


def label_errors(name):
    return (
        error(IndexError, r"5", (2, 5), fixed([0, 5])),
        error(IndexError, r"-1", (2, 5), fixed([0, -1])),
        error(ValueError, r"\(3,\)|3.*2|2.*3", (2, 5), index((3,), 5)),
        error(ValueError, r"sideways", (2, 5), index((2,), 5), reduction="sideways"),
    )


def paired(name, f, reference, functions, **more):
    return Op(
        name,
        f,
        reference,
        tuple(case((3, 4), (3, 4), **o) for o in REDUCTIONS)
        + (case((), ()), case((2, 3, 4), (2, 3, 4)), case((67,), (67,))),
        functions,
        **more,
    )


ERRORS = (ValueError, RuntimeError)
OPS = [
    Op(
        "cross_entropy",
        lambda lib, x, t, **o: F(lib).cross_entropy(x, t, **o),
        cross_entropy,
        (
            *[case(x, t, **o) for x, t in LABELLED for o in REDUCTIONS],
            case(HUGE, fixed([1, 0])),
            case(HUGE, fixed([0, 1]), reduction="none"),
            case((4, 5), index((4,), 5), label_smoothing=0.1),
            case((2, 5, 3), index((2, 3), 5), label_smoothing=0.3, reduction="none"),
            case((4, 5), fixed([0, 1, 2, 1]), ignore_index=1),
            case((4, 5), fixed([0, 1, 2, 1]), ignore_index=1, label_smoothing=0.2),
            case((4, 5), fixed([0, -1, 2, -1]), ignore_index=-1, reduction="sum"),
            case((0, 5), index((0,), 5), reduction="sum"),
            case((0, 5), index((0,), 5), reduction="none"),
        ),
        ("CrossEntropy", "CrossEntropyGrad"),
        errors=label_errors("cross_entropy"),
    ),
    Op(
        "cross_entropy_weight",
        lambda lib, x, t, weight, **o: F(lib).cross_entropy(x, t, constant(lib, weight, x), **o),
        cross_entropy,
        tuple(
            case(x, t, weight=ramp(x[0] if len(x) == 1 else x[1]), **o)
            for x, t in LABELLED
            for o in (
                *REDUCTIONS,
                dict(label_smoothing=0.2),
                dict(label_smoothing=0.2, reduction="none"),
            )
        ),
        error_name="cross_entropy",
        errors=(error(ValueError, r"weight", (2, 5), index((2,), 5), weight=ramp(4)),),
    ),
    Op(
        "cross_entropy_probabilities",
        lambda lib, x, t, **o: F(lib).cross_entropy(x, t, **o),
        cross_entropy,
        (
            *[case((4, 5), probabilities((4, 5)), **o) for o in REDUCTIONS],
            case((2, 5, 3), probabilities((2, 5, 3))),
            case((5,), probabilities((5,), 0)),
            case((4, 5), probabilities((4, 5)), label_smoothing=0.1),
        ),
        error_name="cross_entropy",
        errors=(error(ValueError, r"\(2, 4\)", (2, 5), (2, 4)),),
    ),
    Op(
        "cross_entropy_probabilities_weight",
        lambda lib, x, t, weight, **o: F(lib).cross_entropy(x, t, constant(lib, weight, x), **o),
        cross_entropy,
        tuple(
            case((4, 3), probabilities((4, 3)), weight=(0.5, 1.0, 2.0), **o)
            for o in (*REDUCTIONS, dict(label_smoothing=0.1))
        ),
        error_name="cross_entropy",
    ),
    Op(
        "linear_cross_entropy",
        lambda lib, x, w, b, t, **o: F(lib).linear_cross_entropy(x, w, t, linear_bias=b, **o),
        lambda x, w, b, t, **o: cross_entropy(np.tensordot(x, w, [-1, -1]) + b, t, **o),
        (
            case((4, 3), (5, 3), (5,), index((4,), 5)),
            case((3,), (5, 3), (5,), index((), 5), reduction="none"),
            case((4, 3), (5, 2, 3), (5, 2), index((4, 2), 5), reduction="sum"),
            case((4, 3), (5, 3), (5,), fixed([0, 1, 2, 1]), ignore_index=1, label_smoothing=0.2),
            case((4, 3), (5, 3), (5,), probabilities((4, 5))),
        ),
        errors=(
            error(ERRORS, r"\(4, 2\).*\(5, 3\)", (4, 2), (5, 3), (5,), index((4,), 5)),
            error(ERRORS, r"linear_bias.*\(5,\)", (4, 3), (5, 3), (4,), index((4,), 5)),
            error(
                ERRORS, r"ignore_index", (4, 3), (5, 3), (5,), probabilities((4, 5)), ignore_index=0
            ),
        ),
    ),
    Op(
        "nll_loss",
        lambda lib, x, t, **o: F(lib).nll_loss(x, t, **o),
        nll_loss,
        (
            *[case(x, t, **o) for x, t in LABELLED for o in REDUCTIONS],
            case((4, 5), fixed([0, 1, 2, 1]), ignore_index=1),
        ),
        functions=("NLLLoss", "NLLLossGrad"),
        errors=label_errors("nll_loss"),
    ),
    Op(
        "nll_loss_weight",
        lambda lib, x, t, weight, **o: F(lib).nll_loss(x, t, constant(lib, weight, x), **o),
        nll_loss,
        tuple(
            case(x, t, weight=ramp(x[0] if len(x) == 1 else x[1]), **o)
            for x, t in LABELLED
            for o in REDUCTIONS
        ),
        error_name="nll_loss",
    ),
    paired(
        "mse_loss",
        lambda lib, x, y, **o: F(lib).mse_loss(x, y, **o),
        lambda x, y, reduction="mean": reduce((x - y) ** 2, reduction),
        ("MSELoss", "MSELossGrad"),
        errors=(error(ValueError, r"sideways", (3,), (3,), reduction="sideways"),),
    ),
    Op(
        "l1_loss",
        lambda lib, x, y, **o: F(lib).l1_loss(x, y, **o),
        lambda x, y, reduction="mean": reduce(np.abs(x - y), reduction),
        tuple(case((3, 4), (3, 4), **o) for o in REDUCTIONS),
        distinct=True,
    ),
    Op(
        "binary_cross_entropy_with_logits",
        lambda lib, x, y, **o: F(lib).binary_cross_entropy_with_logits(x, y, **o),
        lambda x, y, reduction="mean": reduce(
            np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))), reduction
        ),
        tuple(case((3, 4), uniform((3, 4), 0.0, 1.0), **o) for o in REDUCTIONS)
        + (case(fixed([1000.0, -1000.0]), fixed([0.0, 1.0])),),
    ),
    Op(
        "binary_cross_entropy",
        lambda lib, x, y, **o: F(lib).binary_cross_entropy(x, y, **o),
        lambda x, y, reduction="mean": reduce(
            -(y * np.log(x) + (1 - y) * np.log(1 - x)), reduction
        ),
        tuple(case(uniform((3, 4), 0.1, 0.9), uniform((3, 4), 0.1, 0.9), **o) for o in REDUCTIONS),
        ("BinaryCrossEntropy",),
    ),
    Op(
        "smooth_l1_loss",
        lambda lib, x, y, **o: F(lib).smooth_l1_loss(x, y, **o),
        lambda x, y, reduction="mean", beta=1.0: reduce(
            np.where(np.abs(x - y) < beta, 0.5 * (x - y) ** 2 / beta, np.abs(x - y) - 0.5 * beta),
            reduction,
        ),
        tuple(case((3, 4), (3, 4), **o) for o in REDUCTIONS) + (case((3, 4), (3, 4), beta=0.5),),
        order=1,
    ),
]
