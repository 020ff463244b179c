"""Multi-head attention: projections, attention of each head, and a projection of the result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.attention import scaled_dot_product_attention
from naivegrad.ops.dropout import dropout
from naivegrad.ops.joining import cat
from naivegrad.ops.linalg import linear
from naivegrad.ops.padding import pad
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap

OP = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project, attend with each head, join the heads, project.

        head_i = attention(query Wq_i^T, key Wk_i^T, value Wv_i^T),    y = [head_1 ...] Wo^T

    Parameters
    ----------
    query : Tensor, (L, N, E), or (L, E) without a batch
    key, value : Tensor, (S, N, E), or (S, E); of other widths where the weights are separate
    embed_dim_to_check : E
    num_heads : H, of E / H features each
    in_proj_weight : Tensor, (3 E, E): Wq, Wk, Wv one below the other
    in_proj_bias : Tensor, (3 E,), optional
    bias_k, bias_v : Tensor, (1, 1, E), optional: one more key and value for all
    add_zero_attn : one more key and value of zeros
    dropout_p : for the weights of the attention, while training
    out_proj_weight, out_proj_bias : Wo (E, E) and its bias (E,)
    key_padding_mask : Tensor, (N, S), optional; bool: True hides a key; floats are added to scores
    need_weights : also return the weights, which takes memory for L x S of them
    attn_mask : Tensor, (L, S) or (N H, L, S), optional; as key_padding_mask
    use_separate_proj_weight : take q_proj_weight (E, E), k_proj_weight (E, K), v_proj_weight (E, V)
        in place of in_proj_weight
    static_k, static_v : Tensor, (N H, S, E / H), in place of the projected keys and values
    average_attn_weights : the mean of the weights over the heads
    is_causal : says that attn_mask, which must be given, hides all later keys

    Returns
    -------
    (Tensor (L, N, E), weights (N, L, S), or (N, H, L, S) without averaging, or None)
        without the axis N where there is no batch

    Raises
    ------
    ValueError
        Shapes that do not fit, is_causal without attn_mask.
    TypeError
        Tensors of a type that does not fit.

    Notes
    -----
    Without need_weights, memory grows with L + S (see `scaled_dot_product_attention`).

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.
    """
    batched = _check(query, key, value, embed_dim_to_check, num_heads, key_padding_mask)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    if is_causal and attn_mask is None:
        raise ValueError(f"{OP}: is_causal is a hint about attn_mask, which must be given too")
    length, batch, width = query.array.shape
    heads, features = num_heads, width // num_heads

    weights: tuple[Tensor | None, ...]
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    else:
        weights = _three("in_proj_weight", in_proj_weight, width)
    q, k, v = _project(query, key, value, weights, _three("in_proj_bias", in_proj_bias, width))

    causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if causal else _additive(attn_mask, "attn_mask", q)
    hidden = _additive(key_padding_mask, "key_padding_mask", q)
    keys = k.array.shape[0] if static_k is None else static_k.array.shape[1]
    if mask is not None:
        mask = _check_mask(mask, batch, heads, length, keys)
    if hidden is not None:
        if hidden.array.shape != (batch, keys):
            raise ValueError(
                f"{OP}: key_padding_mask must be {(batch, keys)}, got {hidden.array.shape}"
            )
        hidden = hidden.reshape(batch, 1, 1, keys)
    extra = 0
    if (bias_k is None) != (bias_v is None):
        raise ValueError(f"{OP}: bias_k and bias_v go together")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise ValueError(f"{OP}: bias_k and bias_v cannot be added to static_k and static_v")
        k = cat([k, bias_k.expand(1, batch, width)])
        v = cat([v, bias_v.expand(1, batch, width)])
        extra += 1
    q = _split(q, heads)
    k = _split(k, heads) if static_k is None else _static("static_k", static_k, q)
    v = _split(v, heads) if static_v is None else _static("static_v", static_v, q)
    if add_zero_attn:
        k, v = pad(k, (0, 0, 0, 1)), pad(v, (0, 0, 0, 1))
        extra += 1
    if extra:  # nobody hides the keys that were added
        mask = None if mask is None else pad(mask, (0, extra))
        hidden = None if hidden is None else pad(hidden, (0, extra))
    if hidden is not None:
        mask = hidden if mask is None else mask + hidden

    p = dropout_p if training else 0.0
    if need_weights:
        scores = (q * math.sqrt(1 / features)) @ k.mT
        attention = dropout((scores if mask is None else scores + mask).softmax(-1), p)
        y = attention @ v
        shown = attention.mean(1) if average_attn_weights else attention
    else:
        y = scaled_dot_product_attention(q, k, v, mask, p, causal)
    y = y.permute(2, 0, 1, 3).reshape(length, batch, width)  # (L, N, E) of (N, H, L, E / H)
    y = linear(y, out_proj_weight, out_proj_bias)
    if not batched:
        y = y.squeeze(1)
        return y, shown.squeeze(0) if need_weights else None
    return y, shown if need_weights else None


def _check(q: Any, k: Any, v: Any, width: int, heads: int, hidden: Any) -> bool:
    """Whether there is a batch."""
    for name, x in (("query", q), ("key", k), ("value", v)):
        require_floating(x, OP, name)
    shapes = qs, ks, vs = q.array.shape, k.array.shape, v.array.shape
    told = f"(query {qs}, key {ks}, value {vs})"
    if len(qs) not in (2, 3) or len({len(s) for s in shapes}) > 1:
        raise ValueError(f"{OP}: query, key and value must all be (L, N, E), or all (L, E) {told}")
    if qs[-1] != width:
        raise ValueError(f"{OP}: expected E={width} features in query {told}")
    if heads < 1 or width % heads:
        raise ValueError(f"{OP}: E={width} features are no multiple of num_heads={heads}")
    if ks[:-1] != vs[:-1] or ks[1:-1] != qs[1:-1]:
        raise ValueError(f"{OP}: key and value must be of one length, and N that of query {told}")
    if hidden is not None and require_tensor(hidden, OP, "key_padding_mask").ndim != len(qs) - 1:
        raise ValueError(
            f"{OP}: key_padding_mask must have {len(qs) - 1} dimensions, got {hidden.array.shape}"
        )
    return len(qs) == 3


def _three(name: str, x: Tensor | None, width: int) -> tuple[Tensor | None, ...]:
    """The parts for query, key and value of a weight or bias."""
    if x is None:
        return None, None, None
    if x.array.shape[0] != 3 * width:
        raise ValueError(f"{OP}: {name} must have {3 * width} rows, got {x.array.shape}")
    return tuple(x.narrow(0, i * width, width) for i in range(3))


def _project(
    q: Tensor, k: Tensor, v: Tensor, weights: tuple[Any, ...], biases: tuple[Any, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    results = []
    for x, name, w, b in zip((q, k, v), names, weights, biases, strict=True):
        width = q.array.shape[-1]
        if w is None or w.array.shape != (width, x.array.shape[-1]):
            got = None if w is None else w.array.shape
            raise ValueError(f"{OP}: {name} must be {(width, x.array.shape[-1])}, got {got}")
        results.append(linear(x, w, b))
    return results[0], results[1], results[2]


def _split(x: Tensor, heads: int) -> Tensor:
    """(L, N, E) as (N, H, L, E / H): a view."""
    length, batch, width = x.array.shape
    return x.reshape(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _static(name: str, x: Tensor, q: Tensor) -> Tensor:
    """(N H, S, E / H) as (N, H, S, E / H)."""
    batch, heads, _, features = q.array.shape
    shape = require_tensor(x, OP, name).array.shape
    if len(shape) != 3 or shape[0] != batch * heads or shape[2] != features:
        raise ValueError(f"{OP}: {name} must be {(batch * heads, 'S', features)}, got {shape}")
    return x.reshape(batch, heads, shape[1], features)


def _additive(mask: Tensor | None, name: str, like: Tensor) -> Tensor | None:
    """A mask to be added to the scores: -inf where one of bool is True."""
    if mask is None:
        return None
    kind = require_tensor(mask, OP, name).array.dtype.kind
    if kind == "b":
        zero = wrap(like.backend.full((), 0, like.array.dtype), like.backend)
        return where(mask, -np.inf, zero)
    if kind not in "fV":
        raise TypeError(f"{OP}: {name} must be of bool or floating point, got {mask.dtype}")
    return mask.to(like.dtype)


def _check_mask(mask: Tensor, batch: int, heads: int, length: int, keys: int) -> Tensor:
    """(L, S) or (N H, L, S) as (1, 1, L, S) or (N, H, L, S)."""
    shape = mask.array.shape
    if shape == (length, keys):
        return mask.reshape(1, 1, length, keys)
    if shape == (batch * heads, length, keys):
        return mask.reshape(batch, heads, length, keys)
    raise ValueError(
        f"{OP}: attn_mask must be {(length, keys)} or {(batch * heads, length, keys)}, got {shape}"
    )
