"""Rows: multi-head attention."""

import numpy as np

from .attention import weights as attention_weights
from .row import Op, case, error, fixed

NAME = "multi_head_attention_forward"


def F(lib):
    return lib.nn.functional


def heads(lib, q, k, v, w, b, wo, bo, *rest, num_heads=2, extra=(), **o):
    """`extra` names what the tensors after the seventh are."""
    named = dict(zip(extra, rest, strict=True))
    y, shown = F(lib).multi_head_attention_forward(
        q, k, v, wo.shape[0], num_heads, w, b, named.pop("bias_k", None), named.pop("bias_v", None),
        o.pop("add_zero_attn", False), 0.0, wo, bo, **named, **o,
    )  # fmt: skip
    return y if shown is None else (y, shown)


def alone(lib, x, w, b, wo, bo, **o):
    return heads(lib, x, x, x, w, b, wo, bo, **o)


def across(lib, q, kv, w, b, wo, bo, **o):
    return heads(lib, q, kv, kv, w, b, wo, bo, **o)


def separate(lib, q, k, v, b, wo, bo, wq, wk, wv, **o):
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    o = dict(o, extra=names, use_separate_proj_weight=True)
    return heads(lib, q, k, v, None, b, wo, bo, wq, wk, wv, **o)


def additive(m):
    return np.where(m, -np.inf, 0.0) if m.dtype == bool else m


def reference(
    q, k, v, w, b, wo, bo, *rest, num_heads=2, extra=(), add_zero_attn=False, need_weights=True,
    average_attn_weights=True, is_causal=False, training=True, use_separate_proj_weight=False,
):  # fmt: skip
    named = dict(zip(extra, rest, strict=not use_separate_proj_weight))
    batched = q.ndim == 3
    if not batched:
        q, k, v = q[:, None], k[:, None], v[:, None]
    L, N, E = q.shape
    H = num_heads
    ws = rest if use_separate_proj_weight else np.split(w, 3)
    q, k, v = (x @ u.T + c for x, u, c in zip((q, k, v), ws, np.split(b, 3)))
    S = k.shape[0]
    total = np.zeros((N, H, L, S))
    if "attn_mask" in named:
        m = additive(named["attn_mask"])
        total = total + (m.reshape(N, H, L, S) if m.ndim == 3 else m)
    if "key_padding_mask" in named:
        total = total + additive(named["key_padding_mask"]).reshape(N, 1, 1, S)
    if "bias_k" in named:
        k = np.concatenate([k, np.broadcast_to(named["bias_k"], (1, N, E))])
        v = np.concatenate([v, np.broadcast_to(named["bias_v"], (1, N, E))])
    q, k, v = (x.reshape(len(x), N, H, E // H).transpose(1, 2, 0, 3) for x in (q, k, v))
    if "static_k" in named:
        k = named["static_k"].reshape(N, H, -1, E // H)
    if "static_v" in named:
        v = named["static_v"].reshape(N, H, -1, E // H)
    if add_zero_attn:
        k, v = (np.concatenate([x, np.zeros_like(x[:, :, :1])], 2) for x in (k, v))
    total = np.pad(total, [(0, 0)] * 3 + [(0, k.shape[2] - S)])
    p = attention_weights(q, k, total, False, None)
    y = (p @ v).transpose(2, 0, 1, 3).reshape(L, N, E) @ wo.T + bo
    p = p.mean(1) if average_attn_weights else p
    y, p = (y, p) if batched else (y[:, 0], p[0])
    return (y, p) if need_weights else y


def alone_reference(x, w, b, wo, bo, **o):
    return reference(x, x, x, w, b, wo, bo, **o)


def separate_reference(q, k, v, b, wo, bo, wq, wk, wv, **o):
    return reference(q, k, v, None, b, wo, bo, wq, wk, wv, use_separate_proj_weight=True, **o)


E = 4
WEIGHTS = ((3 * E, E), (3 * E,), (E, E), (E,))
FLAT = ((3, E), (5, E), (5, E), *WEIGHTS)
BATCH = ((3, 2, E), (5, 2, E), (5, 2, E), *WEIGHTS)
LATER = fixed(np.triu(np.ones((3, 3), bool), 1))
PADDING = fixed([[False, False, True, False, True], [False] * 5])
MASK, HIDE, BIAS = ("attn_mask",), ("key_padding_mask",), ("bias_k", "bias_v")

OPS = [
    Op(
        NAME,
        heads,
        reference,
        (
            case(*BATCH),
            case(*BATCH, need_weights=False),
            case(*BATCH, average_attn_weights=False, num_heads=4),
            case(*FLAT),
            case(*FLAT, need_weights=False, num_heads=1),
            case(*FLAT, fixed([False, True, False, False, False]), extra=HIDE),
            case(*BATCH, PADDING, extra=HIDE),
            case(*BATCH, PADDING, extra=HIDE, need_weights=False),
            case(*BATCH, (2, 5), extra=HIDE, need_weights=False),
            case(*BATCH, (3, 5), extra=MASK),
            case(*BATCH, (3, 5), extra=MASK, need_weights=False),
            case(*BATCH, (4, 3, 5), extra=MASK, need_weights=False),
            case(*BATCH, (3, 5), PADDING, extra=MASK + HIDE),
            case(*BATCH, (1, 1, E), (1, 1, E), extra=BIAS),
            case(*BATCH, (1, 1, E), (1, 1, E), PADDING, extra=BIAS + HIDE, add_zero_attn=True),
            case(*BATCH, (3, 5), extra=MASK, add_zero_attn=True, need_weights=False),
            case(*BATCH, (4, 5, 2), (4, 5, 2), extra=("static_k", "static_v")),
        ),
        errors=(
            error((ValueError, AssertionError), r"E=4.*num_heads=3", *BATCH, num_heads=3),
            error((ValueError, AssertionError), r"\(3, 4\), key \(5, 2, 4\)", (3, E), *BATCH[1:]),
            error((ValueError, AssertionError), r"one length", *BATCH[:2], (4, 2, E), *WEIGHTS),
            error((ValueError, RuntimeError), r"attn_mask.*\(3, 4\)", *BATCH, (3, 4), extra=MASK),
            error((ValueError, AssertionError), r"padding.*\(2, 4\)", *BATCH, (2, 4), extra=HIDE),
            error((ValueError, RuntimeError), r"is_causal", *BATCH, is_causal=True),
            error(
                (TypeError, AssertionError),
                r"int64",
                *BATCH,
                (3, 5),
                extra=MASK,
                dtypes=("float32",) * 7 + ("int64",),
            ),
        ),
    ),
    Op(
        "multi_head_self_attention",
        alone,
        alone_reference,
        (case((3, 2, E), *WEIGHTS), case((3, 2, E), *WEIGHTS, need_weights=False)),
        error_name=NAME,
    ),
    Op(
        "multi_head_cross_attention",
        across,
        lambda q, kv, w, b, wo, bo, **o: reference(q, kv, kv, w, b, wo, bo, **o),
        (
            case((3, 2, E), (5, 2, E), *WEIGHTS),
            case((3, E), (5, E), *WEIGHTS, need_weights=False),
        ),
        error_name=NAME,
    ),
    Op(
        "multi_head_causal_attention",
        lambda lib, x, w, b, wo, bo, m, **o: heads(
            lib, x, x, x, w, b, wo, bo, m, extra=MASK, is_causal=True, **o
        ),
        lambda x, w, b, wo, bo, m, **o: reference(x, x, x, w, b, wo, bo, m, extra=MASK, **o),
        (
            case((3, 2, E), *WEIGHTS, LATER, need_weights=False),
            case((3, 2, E), *WEIGHTS, LATER),
        ),
        error_name=NAME,
    ),
    Op(
        "multi_head_separate_weights",
        separate,
        separate_reference,
        (
            case((3, 2, E), (5, 2, 3), (5, 2, 2), *WEIGHTS[1:], (E, E), (E, 3), (E, 2)),
            case((3, E), (5, 3), (5, 2), *WEIGHTS[1:], (E, E), (E, 3), (E, 2), need_weights=False),
        ),
        error_name=NAME,
    ),
]
