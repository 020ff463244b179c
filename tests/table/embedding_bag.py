"""Rows: embedding_bag."""

import itertools

import numpy as np

from .row import Op, case, error, fixed, index


def bag(i, w, s=None, offsets=None, mode="mean", padding_idx=None, include_last_offset=False):
    """Bag by bag, row by row."""
    if i.ndim == 2:
        groups = [[(k, i[b, k], (b, k)) for k in range(i.shape[1])] for b in range(len(i))]
    else:
        ends = [*offsets, len(i)] if not include_last_offset else list(offsets)
        pairs = itertools.pairwise(ends)
        groups = [[(k, i[k], (k,)) for k in range(a, b)] for a, b in pairs]
    skip = None if padding_idx is None else padding_idx % len(w)
    out = np.zeros((len(groups), w.shape[1]))
    for b, group in enumerate(groups):
        rows = [w[v] * (1 if s is None else s[at]) for _, v, at in group if v != skip]
        if rows:
            out[b] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, 0)
    return out


def call(lib, i, w, s=None, offsets=None, **o):
    offsets = None if offsets is None else lib.tensor(offsets)
    return lib.nn.functional.embedding_bag(i, w, offsets, per_sample_weights=s, **o)


CUT = [
    case(index((3, 4), 5), (5, 2)),
    case(index((7,), 5), (5, 3), offsets=[0, 2, 5]),
    case(index((7,), 5), (5, 3), offsets=[0, 3, 3, 7]),
    case(index((7,), 5), (5, 3), offsets=[0, 3, 7], include_last_offset=True),
    case(index((3, 4), 3), (3, 2), padding_idx=1),
    case(fixed([[1, 1], [0, 1]]), (3, 2), padding_idx=-2),
    case(index((0,), 5), (5, 2), offsets=[0]),
]
ERRORS = (
    error((IndexError, RuntimeError), "5", fixed([[0, 5]]), (5, 2)),
    error((IndexError, RuntimeError), "-1", fixed([[0, -1]]), (5, 2)),
    error((TypeError, ValueError), "offsets", index((4,), 5), (5, 2)),
    error((IndexError, RuntimeError, ValueError), "begin", index((4,), 5), (5, 2), offsets=[1, 2]),
    error((IndexError, RuntimeError, ValueError), "9", index((4,), 5), (5, 2), offsets=[0, 9]),
    error(ValueError, "median", index((2, 2), 5), (5, 2), mode="median"),
)

OPS = [
    Op(
        f"embedding_bag_{mode}",
        lambda lib, i, w, **o: call(lib, i, w, **o),
        bag,
        tuple(case(*c.inputs, **c.options, mode=mode) for c in CUT),
        () if mode == "max" else ("EmbeddingBag", "EmbeddingBagGrad"),
        distinct=True,
        error_name="embedding_bag",
        errors=ERRORS if mode == "mean" else (),
    )
    for mode in ("sum", "mean", "max")
] + [
    Op(
        "embedding_bag_weighted",
        lambda lib, i, w, s, **o: call(lib, i, w, s, mode="sum", **o),
        lambda i, w, s, **o: bag(i, w, s, mode="sum", **o),
        (
            case(index((3, 4), 5), (5, 2), (3, 4)),
            case(index((7,), 5), (5, 3), (7,), offsets=[0, 3, 3]),
            case(index((3, 4), 3), (3, 2), (3, 4), padding_idx=1),
        ),
        ("EmbeddingBag", "EmbeddingBagGrad", "EmbeddingBagDot"),
        error_name="embedding_bag",
        errors=(
            error((ValueError, RuntimeError), r"\(3,\)", index((2, 2), 5), (5, 2), (3,)),
            error(
                (ValueError, NotImplementedError),
                "mean",
                index((2, 2), 5),
                (5, 2),
                (2, 2),
                call=lambda lib, i, w, s: call(lib, i, w, s, mode="mean"),
            ),
        ),
    ),
]
