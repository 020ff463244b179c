"""Rows: attention."""

import math

import numpy as np

from .random import dropout
from .row import Op, case, error, fixed, mask

INF = math.inf


def F(lib):
    return lib.nn.functional


def attend(lib, q, k, v, attn_mask=None, **o):
    return F(lib).scaled_dot_product_attention(q, k, v, attn_mask, **o)


def weights(q, k, attn_mask, is_causal, scale):
    scores = q @ np.swapaxes(k, -1, -2) * (max(q.shape[-1], 1) ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = np.tril(np.ones(scores.shape[-2:], bool))
    if attn_mask is not None:
        scores = (
            np.where(attn_mask, scores, -INF) if attn_mask.dtype == bool else scores + attn_mask
        )
    top = scores.max(-1, keepdims=True, initial=-1e300)
    e = np.exp(scores - top)
    total = e.sum(-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total != 0)


def attention(q, k, v, attn_mask=None, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa:
        k, v = (np.repeat(x, q.shape[-3] // x.shape[-3], -3) for x in (k, v))
    return weights(q, k, attn_mask, is_causal, scale) @ v


def drop(lib, q, k, v, attn_mask=None, **o):
    lib.manual_seed(7)
    return attend(lib, q, k, v, attn_mask, **o)


def drop_reference(q, k, v, attn_mask=None, dropout_p=0.5, is_causal=False):
    """The weights are dropped as `dropout` drops them from the same seed."""
    import naivegrad as ng

    w = weights(q, k, attn_mask, is_causal, None)
    w = np.broadcast_to(w, np.broadcast_shapes(w.shape[:-2], v.shape[:-2]) + w.shape[-2:])
    return w * dropout(ng, ng.ones(w.shape, dtype=ng.float64), p=dropout_p).numpy() @ v


ROWS = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]], bool)
ADDED = np.where(ROWS, np.linspace(-1, 1, 15).reshape(3, 5), -INF)

CASES = (
    case((2, 3, 4), (2, 5, 4), (2, 5, 6)),
    case((3, 4), (5, 4), (5, 2), scale=0.7),
    case((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)),
    case((2, 1, 3, 4), (1, 2, 5, 4), (5, 6)),
    case((2, 1, 2, 3, 2), (1, 2, 2, 5, 2), (2, 5, 3)),
    case((1, 1), (1, 1), (1, 1)),
    case((0, 4), (5, 4), (5, 3)),
    case((3, 4), (0, 4), (0, 3)),
    case((3, 0), (5, 0), (5, 3)),
    case((0, 3, 4), (0, 5, 4), (0, 5, 3)),
    case((3, 4), (5, 4), (5, 0)),
    case((7, 3), (7, 3), (7, 3), is_causal=True),
    case((3, 4), (6, 4), (6, 2), is_causal=True),
    case((6, 4), (3, 4), (3, 2), is_causal=True),
    case((53, 2), (70, 2), (70, 2)),
    case((70, 2), (53, 2), (53, 2), is_causal=True),
    case((2, 4, 3, 2), (2, 2, 5, 2), (2, 2, 5, 3), enable_gqa=True),
    case((4, 3, 2), (1, 5, 2), (2, 5, 3), enable_gqa=True),
    case((2, 4, 3, 2), (1, 2, 5, 2), (2, 5, 2), enable_gqa=True, is_causal=True),
)
BOOLEAN = (
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), mask((3, 5))),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), mask((2, 3, 5))),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), mask((2, 1, 5))),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), mask((3, 1))),
    case((3, 4), (5, 4), (5, 6), mask((5,))),
    case((3, 4), (5, 4), (5, 6), fixed(ROWS)),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), mask(())),
    case((2, 2, 50, 2), (2, 2, 100, 2), (2, 2, 100, 2), mask((2, 1, 50, 100))),
)
ADDITIVE = (
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), (3, 5)),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 3, 5)),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 1, 5)),
    case((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 6), (2, 1, 3, 5)),
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), (3, 1)),
    case((3, 4), (5, 4), (5, 6), (5,)),
    case((3, 4), (5, 4), (5, 6), ()),
    case((2, 3, 4), (1, 5, 4), (5, 6), (2, 3, 5)),
    case((2, 4, 3, 2), (2, 2, 5, 2), (2, 1, 5, 3), (4, 1, 5), enable_gqa=True),
    case((50, 2), (100, 2), (100, 2), (50, 100)),
)
DROPOUT = (
    case((2, 3, 4), (2, 5, 4), (2, 5, 6), dropout_p=0.5),
    case((3, 4), (7, 4), (7, 2), dropout_p=0.3, is_causal=True),
    case((2, 3, 4), (2, 5, 4), (2, 5, 2), mask((3, 5)), dropout_p=0.4),
    case((2, 3, 4), (5, 4), (2, 5, 2), (2, 3, 5), dropout_p=0.4),
    case((5, 4), (5, 4), (2, 5, 2), dropout_p=0.4),
    case((2, 50, 2), (2, 101, 2), (2, 101, 2), dropout_p=0.2),
    case((3, 4), (5, 4), (5, 2), dropout_p=1.0),
)
ERRORS = (
    error(ValueError, r"2 dimensions", (4,), (4,), (4,)),
    error(ValueError, r"D=4.*\(5, 6\)", (3, 4), (5, 6), (5, 4)),
    error(ValueError, r"S=5.*\(6, 4\)", (3, 4), (5, 4), (6, 4)),
    error(ValueError, r"leading.*\(4, 3, 4\)", (4, 3, 4), (2, 5, 4), (2, 5, 4)),
    error(ValueError, r"heads.*\(3, 5, 4\)", (4, 3, 4), (3, 5, 4), (3, 5, 4), enable_gqa=True),
    error((ValueError, IndexError), r"enable_gqa", (3, 4), (5, 4), (5, 4), enable_gqa=True),
    error(ValueError, r"attn_mask \(4, 5\)", (3, 4), (5, 4), (5, 4), (4, 5)),
    error(ValueError, r"attn_mask \(2, 3, 5\)", (3, 4), (5, 4), (5, 4), (2, 3, 5)),
    error(ValueError, r"not both", (3, 4), (5, 4), (5, 4), (3, 5), is_causal=True),
    error(ValueError, r"dropout_p.*1\.5", (3, 4), (5, 4), (5, 4), dropout_p=1.5),
    error(ValueError, r"dropout_p.*-0\.5", (3, 4), (5, 4), (5, 4), dropout_p=-0.5, torch=False),
    error(TypeError, r"int64", (3, 4), (5, 4), (5, 4), dtypes=("int64",) * 3),
    error(TypeError, r"float64", (3, 4), (5, 4), (5, 4), dtypes=("float64",)),
    error(TypeError, r"attn_mask.*int64", (3, 4), (5, 4), (5, 4), (3, 5),
          dtypes=("float32",) * 3 + ("int64",)),
)  # fmt: skip
NAME = "scaled_dot_product_attention"
FUNCTIONS = ("ScaledDotProductAttention", "AttentionGrad")

OPS = [
    Op(
        NAME,
        attend,
        attention,
        CASES,
        FUNCTIONS,
        errors=ERRORS,
        dtypes={("float16",) * 3: "float16", ("float64",) * 3: "float64"},
        special=(
            ([[1e30, 0.0]], [[1.0, 0.0], [-1.0, 0.0], [0.9, 0.0]], [[1.0], [2.0], [3.0]]),
            ([[0.0], [1.0]], [[math.nan], [1.0]], [[1.0], [2.0]]),
            ([[1.0], [-1.0]], [[INF], [1.0]], [[1.0], [2.0]]),
        ),
    ),
    Op(
        "attention_boolean",
        attend,
        attention,
        BOOLEAN,
        FUNCTIONS,
        error_name=NAME,
        dtypes={("float16",) * 3 + ("bool",): "float16"},
    ),
    Op(
        "attention_additive",
        attend,
        attention,
        ADDITIVE,
        FUNCTIONS,
        error_name=NAME,
        dtypes={
            ("float16",) * 4: "float16",
            ("float64",) * 3 + ("float32",): "float64",
            ("float32",) * 3 + ("float64",): TypeError,
        },
    ),
    Op(
        "attention_hidden",
        lambda lib, q, k, v: attend(lib, q, k, v, lib.tensor(ADDED.tolist(), dtype=q.dtype)),
        lambda q, k, v: attention(q, k, v, ADDED),
        (case((3, 4), (5, 4), (5, 6)),),
        FUNCTIONS,
        error_name=NAME,
    ),
    Op("attention_dropout", drop, drop_reference, DROPOUT, FUNCTIONS, torch=False, error_name=NAME),
]
