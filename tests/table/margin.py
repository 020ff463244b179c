"""Rows: losses that compare with numbers, and losses with a margin."""

import math

import numpy as np

from .distance import cosine, pairwise
from .loss import REDUCTIONS, F, reduce
from .row import Input, Op, case, error, fixed, index, pin, probabilities, uniform


def loss_row(name, reference, *inputs, options=({},), errors=(), f=None, more_cases=(), **more):
    """A loss: one case for each reduction and each set of options."""

    def whole(*arrays, reduction="mean", **o):
        return reduce(reference(*arrays, **o), reduction)

    return Op(
        name,
        f or (lambda lib, *xs, **o: getattr(F(lib), name)(*xs, **o)),
        whole,
        tuple(case(*inputs, **r, **o) for r in REDUCTIONS for o in options) + tuple(more_cases),
        errors=(
            error(
                (ValueError, RuntimeError), "sideways", *inputs, reduction="sideways", **options[0]
            ),
            *errors,
        ),
        **more,
    )


def signs(shape):
    """1 or -1."""
    return Input(shape, lambda rng, shape: rng.choice([-1, 1], shape), "sign")


def bits(shape):
    """Truth values in floating point, which nothing is differentiated by."""
    return Input(shape, lambda rng, shape: rng.integers(0, 2, shape), "bit")


def weighted_mean(name, power):
    def reference(x, y, w, reduction="mean"):
        each = np.abs(x - y) ** power * w
        return each.sum() / w.sum() if reduction == "mean" else reduce(each, reduction)

    return Op(
        f"{name}_weight",
        lambda lib, x, y, w, **o: getattr(F(lib), name)(x, y, weight=w, **o),
        reference,
        tuple(case((3, 4), (3, 4), uniform((3, 4), 0.5, 2.0), **r) for r in REDUCTIONS),
        distinct=True,
        error_name=name,
        errors=(error(ValueError, r"\(3,\)", (3, 4), (3, 4), (3,)),),
    )


def huber(x, y, delta=1.0):
    d = np.abs(x - y)
    return np.where(d < delta, d * d / 2, delta * (d - delta / 2))


def cosine_embedding(x, y, t, margin=0.0):
    cos = cosine(x, y, -1, 0.0)
    return np.where(t == 1, 1 - cos, np.maximum(cos - margin, 0))


def triplet(a, b, c, margin=1.0, swap=False, **o):
    far = pairwise(a, c, **o)
    if swap:
        far = np.minimum(far, pairwise(b, c, **o))
    return np.maximum(pairwise(a, b, **o) - far + margin, 0)


def multi_margin(x, t, p=1, margin=1.0):
    rows, targets = np.atleast_2d(x), np.atleast_1d(t)
    out = np.array(
        [
            sum(max(0.0, margin - row[y] + v) ** p for j, v in enumerate(row) if j != y) / len(row)
            for row, y in zip(rows, targets, strict=True)
        ]
    )
    return out if x.ndim > 1 else out[0]


def multilabel_margin(x, t):
    out = []
    for row, line in zip(np.atleast_2d(x), np.atleast_2d(t), strict=True):
        wanted = line[: list(line).index(-1)] if -1 in line else line
        others = [v for j, v in enumerate(row) if j not in wanted]
        out.append(sum(max(0.0, 1 - row[y] + v) for y in wanted for v in others) / len(row))
    return np.array(out) if x.ndim > 1 else out[0]


def multilabel_soft_margin(x, t):
    return np.mean(t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x), -1)


def gaussian(x, t, v, full=False, eps=1e-6):
    v = v[..., None] if v.ndim < x.ndim else v
    v = np.maximum(v, eps)
    return 0.5 * (np.log(v) + (x - t) ** 2 / v) + (0.5 * math.log(2 * math.pi) if full else 0)


def poisson(x, t, log_input=True, full=False, eps=1e-8):
    loss = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    many = np.where(t > 1, t, 1.0)
    stirling = t * np.log(many) - t + 0.5 * np.log(2 * math.pi * many)
    return loss + np.where(t > 1, stirling, 0) if full else loss


def kl_div(x, t, reduction="mean", log_target=False):
    each = np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)
    return each.sum() / len(x) if reduction == "batchmean" else reduce(each, reduction)


VECTORS = ((3, 4), (3, 4))

OPS = [
    weighted_mean("mse_loss", 2),
    weighted_mean("l1_loss", 1),
    Op(
        "huber_loss_weight",
        lambda lib, x, y, w, **o: F(lib).huber_loss(x, y, weight=w, **o),
        lambda x, y, w, reduction="mean": reduce(huber(x, y) * w, reduction),
        tuple(case((3, 4), (3, 4), uniform((3, 4), 0.5, 2.0), **r) for r in REDUCTIONS),
        order=1,
    ),
    loss_row(
        "huber_loss",
        huber,
        *VECTORS,
        options=({}, dict(delta=0.5)),
        order=1,
        more_cases=(case((), ()), case((0, 3), (0, 3), reduction="sum")),
    ),
    Op(
        "kl_div",
        lambda lib, x, t, **o: F(lib).kl_div(x, t, **o),
        kl_div,
        tuple(
            case((3, 4), probabilities((3, 4)), **r)
            for r in (*REDUCTIONS, dict(reduction="batchmean"))
        ),
    ),
    Op(
        "kl_div_log_target",
        lambda lib, x, t, **o: F(lib).kl_div(x, t, log_target=True, **o),
        lambda x, t, reduction="mean": kl_div(x, t, reduction, True),
        tuple(case((3, 4), (3, 4), **r) for r in (*REDUCTIONS, dict(reduction="batchmean"))),
    ),
    loss_row(
        "gaussian_nll_loss",
        gaussian,
        (3, 4),
        (3, 4),
        uniform((3, 4), 0.2, 2.0),
        options=({}, dict(full=True)),
        more_cases=(
            case((3, 4), (3, 4), uniform((3,), 0.2, 2.0)),
            case((3, 4), (3, 4), uniform((3, 1), 0.2, 2.0)),
        ),
        errors=(
            error(ValueError, "negative", (2,), (2,), fixed([1.0, -1.0])),
            error(ValueError, r"\(5,\)", (2, 3), (2, 3), uniform((5,), 0.2, 1.0)),
        ),
        domain=(0.2, 2.0),
        pins=(pin([0.0], [1.0], [0.01], grads=([-10.0], [10.0], [-45.0]), eps=0.1),),
    ),
    loss_row(
        "poisson_nll_loss",
        poisson,
        uniform((3, 4), 0.2, 2.0),
        uniform((3, 4), 1.1, 3.0),
        options=({}, dict(log_input=False), dict(full=True), dict(log_input=False, full=True)),
        more_cases=(case((2, 2), fixed([[0.2, 0.9], [2.0, 3.0]]), full=True),),
    ),
    loss_row(
        "soft_margin_loss",
        lambda x, t: np.logaddexp(0, -t * x),
        (3, 4),
        signs((3, 4)),
        more_cases=(case((), signs(())),),
    ),
    loss_row(
        "cosine_embedding_loss",
        cosine_embedding,
        *VECTORS,
        signs((3,)),
        options=({}, dict(margin=0.3)),
        more_cases=(case((4,), (4,), signs(())),),
        errors=(
            error(
                (ValueError, RuntimeError),
                r"\(3,\)|1D target",
                (2, 3),
                (2, 3),
                signs((3,)),
            ),
            error((ValueError, RuntimeError), r"\(2, 4\)|sizes", (2, 3), (2, 4), signs((2,))),
        ),
    ),
    loss_row(
        "hinge_embedding_loss",
        lambda x, t, margin=1.0: np.where(t == 1, x, np.maximum(margin - x, 0)),
        uniform((3, 4), 0.0, 2.0),
        signs((3, 4)),
        options=({}, dict(margin=0.5)),
    ),
    loss_row(
        "margin_ranking_loss",
        lambda x, y, t, margin=0.0: np.maximum(-t * (x - y) + margin, 0),
        (5,),
        (5,),
        signs((5,)),
        options=({}, dict(margin=0.5)),
        distinct=True,
        errors=(
            error((ValueError, RuntimeError), r"\(2, 3\)|dimension", (2, 3), (3,), signs((3,))),
        ),
    ),
    loss_row(
        "triplet_margin_loss",
        triplet,
        (3, 4),
        (3, 4),
        (3, 4),
        options=({}, dict(margin=0.5, p=1.0), dict(swap=True)),
        distinct=True,
        more_cases=(case((4,), (4,), (4,)),),
        errors=(
            error((ValueError, RuntimeError), r"\(3,\)|dimension", (2, 3), (2, 3), (3,)),
            error(ValueError, "margin", (2, 3), (2, 3), (2, 3), margin=-1.0),
        ),
    ),
    Op(
        "triplet_margin_with_distance_loss",
        lambda lib, a, p, n, **o: F(lib).triplet_margin_with_distance_loss(
            a, p, n, distance_function=lambda x, y: ((x - y) ** 2).sum(-1), **o
        ),
        lambda a, p, n, margin=1.0: np.maximum(
            ((a - p) ** 2).sum(-1) - ((a - n) ** 2).sum(-1) + margin, 0
        ).mean(),
        (case((3, 4), (3, 4), (3, 4)), case((3, 4), (3, 4), (3, 4), margin=0.5)),
    ),
    loss_row(
        "multi_margin_loss",
        multi_margin,
        (4, 5),
        index((4,), 5),
        options=({}, dict(p=2), dict(margin=0.3)),
        distinct=True,
        more_cases=(case((6,), index((), 6)),),
        errors=(
            error((IndexError, RuntimeError), "5", (2, 5), fixed([0, 5])),
            error((ValueError, RuntimeError), "3", (2, 5), index((2,), 5), p=3),
            error((ValueError, RuntimeError), r"\(3,\)|size", (2, 5), index((3,), 5)),
        ),
    ),
    Op(
        "multi_margin_loss_weight",
        lambda lib, x, t: F(lib).multi_margin_loss(
            x, t, weight=lib.tensor([0.5, 1.0, 2.0], dtype=x.dtype)
        ),
        lambda x, t: (multi_margin(x, t) * np.array([0.5, 1.0, 2.0])[t]).mean(),
        (case((4, 3), index((4,), 3)),),
        distinct=True,
    ),
    loss_row(
        "multilabel_margin_loss",
        multilabel_margin,
        (3, 4),
        fixed([[3, 0, -1, 1], [-1, 0, 1, 2], [0, 1, 2, 3]]),
        distinct=True,
        more_cases=(case((4,), fixed([1, -1, 0, 0])),),
        errors=(error((ValueError, RuntimeError), r"\(3,\)|size", (2, 3), index((3,), 3)),),
    ),
    loss_row(
        "multilabel_soft_margin_loss",
        multilabel_soft_margin,
        (3, 4),
        bits((3, 4)),
        f=lambda lib, x, t, **o: F(lib).multilabel_soft_margin_loss(x, t * x.new_ones(()), **o),
        more_cases=(case((4,), bits((4,))),),
    ),
    Op(
        "bilinear",
        lambda lib, x, y, w, b: F(lib).bilinear(x, y, w, b),
        lambda x, y, w, b: np.einsum("...i,oij,...j->...o", x, w, y) + b,
        (
            case((4, 3), (4, 2), (5, 3, 2), (5,)),
            case((3,), (2,), (5, 3, 2), (5,)),
            case((2, 4, 3), (2, 4, 2), (1, 3, 2), (1,)),
            case((0, 3), (0, 2), (5, 3, 2), (5,)),
        ),
        errors=(
            error((ValueError, RuntimeError), r"\(4, 2\)|2", (4, 2), (4, 2), (5, 3, 2), (5,)),
            error((ValueError, RuntimeError), r"\(3, 2\)|2", (4, 3), (3, 2), (5, 3, 2), (5,)),
        ),
    ),
]
