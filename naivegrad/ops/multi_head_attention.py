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
    *,
    batch_first: bool = False,
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
    batch_first : query, key, value and the result are (N, L, E); PyTorch's function has no such
        argument, its module transposes

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
    Without need_weights, memory grows with L + S (see `scaled_dot_product_attention`). Where query,
    key and value, or key and value, are one tensor, they are projected in one product.

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", section 3.2.2.
    """
    batched = _check(
        query, key, value, embed_dim_to_check, num_heads, key_padding_mask, batch_first
    )
    if not batched:
        query, key, value = _with_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        batch_first = True
    if is_causal and attn_mask is None:
        raise ValueError(f"{OP}: is_causal is a hint about attn_mask, which must be given too")
    if (bias_k is None) != (bias_v is None):
        raise ValueError(f"{OP}: bias_k and bias_v go together")
    if bias_k is not None and (static_k is not None or static_v is not None):
        raise ValueError(f"{OP}: bias_k and bias_v cannot be added to static_k and static_v")

    weights: tuple[Any, ...] = (in_proj_weight,)
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    # (N, L, H, D), or (L, N, H, D): D = E / H features for each head
    q, k, v = _project((query, key, value), weights, in_proj_bias, num_heads)
    order = (0, 2, 1, 3) if batch_first else (1, 2, 0, 3)  # to (N, H, L, D), and back:
    back = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    q = q.permute(order)
    k = _static("static_k", static_k, q) if static_k is not None else k.permute(order)
    v = _static("static_v", static_v, q) if static_v is not None else v.permute(order)

    extra = (bias_k is not None) + bool(add_zero_attn)  # keys that nobody hides
    causal = is_causal and key_padding_mask is None and not need_weights and not extra
    mask = _masks(None if causal else attn_mask, key_padding_mask, q, k.array.shape[2], extra)
    if bias_k is not None and bias_v is not None:
        k, v = _append(k, bias_k), _append(v, bias_v)
    if add_zero_attn:
        k, v = pad(k, (0, 0, 0, 1)), pad(v, (0, 0, 0, 1))

    p = dropout_p if training else 0.0
    shown = None
    if need_weights:
        scores = (q * math.sqrt(1 / q.array.shape[-1])) @ k.mT
        attention = dropout((scores if mask is None else scores + mask).softmax(-1), p)
        y = attention @ v
        shown = attention.mean(1) if average_attn_weights else attention
    else:
        y = scaled_dot_product_attention(q, k, v, mask, p, causal)
    y = linear(y.permute(back).flatten(2), out_proj_weight, out_proj_bias)
    if not batched:
        y, shown = y.squeeze(0), None if shown is None else shown.squeeze(0)
    return y, shown


def _with_batch(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(L, E) as (1, L, E); what was one tensor stays one."""
    one_q = q.unsqueeze(0)
    one_k = one_q if k is q else k.unsqueeze(0)
    return one_q, one_k, one_k if v is k else v.unsqueeze(0)


def _check(q: Any, k: Any, v: Any, width: int, heads: int, hidden: Any, batch_first: bool) -> bool:
    """Whether there is a batch."""
    for name, x in (("query", q), ("key", k), ("value", v)):
        require_floating(x, OP, name)
    shapes = qs, ks, vs = q.array.shape, k.array.shape, v.array.shape
    told = f"(query {qs}, key {ks}, value {vs})"
    if len(qs) not in (2, 3) or len({len(s) for s in shapes}) > 1:
        expected = "(N, L, E)" if batch_first else "(L, N, E)"
        raise ValueError(f"{OP}: query, key and value must all be {expected}, or all (L, E) {told}")
    if qs[-1] != width:
        raise ValueError(f"{OP}: expected E={width} features in query {told}")
    if heads < 1 or width % heads:
        raise ValueError(f"{OP}: E={width} features are no multiple of num_heads={heads}")
    batch = slice(0, 1) if batch_first else slice(1, 2)
    if ks[:-1] != vs[:-1] or (len(qs) == 3 and ks[batch] != qs[batch]):
        raise ValueError(f"{OP}: key and value must be of one length, and N that of query {told}")
    if hidden is not None and require_tensor(hidden, OP, "key_padding_mask").ndim != len(qs) - 1:
        raise ValueError(
            f"{OP}: key_padding_mask must have {len(qs) - 1} dimensions, got {hidden.array.shape}"
        )
    return len(qs) == 3


def _project(
    sources: tuple[Tensor, ...], weights: tuple[Any, ...], bias: Tensor | None, heads: int
) -> list[Tensor]:
    """Query, key and value, each projected, its features as (H, D): views of common products."""
    q, k, v = sources
    width = q.array.shape[-1]
    parts: tuple[int, ...] = (1, 1, 1)  # how many of the three each product gives
    if len(weights) == 3:
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        for x, name, w in zip(sources, names, weights, strict=True):
            _check_shape(name, w, (width, x.array.shape[-1]))
    else:
        parts = (3,) if q is k is v else (1, 2) if k is v else parts
        _check_shape("in_proj_weight", weights[0], (3 * width, width))
        for name, x in (("key", k), ("value", v)):
            if x.array.shape[-1] != width:
                raise ValueError(f"{OP}: {name} must have E={width} features, got {x.array.shape}")
        if len(parts) > 1:
            weights = weights[0].split([n * width for n in parts])
    biases: Any = [None] * len(parts)
    if bias is not None:
        _check_shape("in_proj_bias", bias, (3 * width,))
        biases = bias.split([n * width for n in parts]) if len(parts) > 1 else [bias]
    results: list[Tensor] = []
    for x, w, b, n in zip(sources, weights, biases, parts, strict=False):
        product = linear(x, w, b)
        results += product.reshape(*x.array.shape[:-1], n, heads, width // heads).unbind(2)
    return results


def _check_shape(name: str, x: Tensor | None, shape: tuple[int, ...]) -> None:
    if x is None or x.array.shape != shape:
        raise ValueError(
            f"{OP}: {name} must be {shape}, got {None if x is None else x.array.shape}"
        )


def _append(x: Tensor, bias: Tensor) -> Tensor:
    """One more key, (1, 1, E), behind all of (N, H, S, D)."""
    batch, heads, _, features = x.array.shape
    _check_shape("bias_k and bias_v", bias, (1, 1, heads * features))
    return cat([x, bias.reshape(1, heads, 1, features).expand(batch, heads, 1, features)], 2)


def _static(name: str, x: Tensor, q: Tensor) -> Tensor:
    """(N H, S, E / H) as (N, H, S, E / H)."""
    batch, heads, _, features = q.array.shape
    shape = require_tensor(x, OP, name).array.shape
    if len(shape) != 3 or shape[0] != batch * heads or shape[2] != features:
        raise ValueError(f"{OP}: {name} must be {(batch * heads, 'S', features)}, got {shape}")
    return x.reshape(batch, heads, shape[1], features)


def _masks(
    mask: Tensor | None, hidden: Tensor | None, q: Tensor, keys: int, extra: int
) -> Tensor | None:
    """Both masks as one to be added to the scores of `keys` keys; `extra` ones are not hidden."""
    batch, heads, length, _ = q.array.shape
    total = None
    if mask is not None:
        total = _additive(mask, "attn_mask", q)
        shapes = (length, keys), (batch * heads, length, keys)
        if mask.array.shape not in shapes:
            raise ValueError(
                f"{OP}: attn_mask must be {shapes[0]} or {shapes[1]}, got {mask.array.shape}"
            )
        whole = mask.array.ndim == 3
        total = total.reshape(*((batch, heads) if whole else (1, 1)), length, keys)
    if hidden is not None:
        columns = _additive(hidden, "key_padding_mask", q)
        _check_shape("key_padding_mask", hidden, (batch, keys))
        columns = columns.reshape(batch, 1, 1, keys)
        total = columns if total is None else total + columns
    return pad(total, (0, extra)) if total is not None and extra else total


def _additive(mask: Tensor, name: str, like: Tensor) -> Tensor:
    """A mask to be added to the scores: -inf where one of bool is True."""
    kind = require_tensor(mask, OP, name).array.dtype.kind
    if kind == "b":
        zero = wrap(like.backend.full((), 0, like.array.dtype), like.backend)
        return where(mask, -np.inf, zero)
    if kind not in "fV":
        raise TypeError(f"{OP}: {name} must be of bool or floating point, got {mask.dtype}")
    return mask.to(like.dtype)
