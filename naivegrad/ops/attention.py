"""Attention: softmax(scale * Q K^T + mask) V, in memory linear in the length of the sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from naivegrad.autograd import Function, formula_vjp
from naivegrad.backend.heads import attention_lead
from naivegrad.backend.promotion import is_floating
from naivegrad.ops._args import require_floating, require_tensor
from naivegrad.ops.dropout import Dropout
from naivegrad.ops.select import where
from naivegrad.random import default_generator
from naivegrad.tensor import Tensor, wrap


class ScaledDotProductAttention(Function):
    """y = P V,    P = softmax(scale * Q K^T + mask).

    With g the gradient of y and dP = g V^T:    dS = P * (dP - sum(dP * P)),    grad_q = scale dS K,
    grad_k = scale dS^T Q,    grad_v = P^T g,    grad_mask = dS. Neither P nor dS is ever whole: of
    the forward pass only y and the log-sum-exp of each row are kept.
    """

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, mask: Any, *options: Any) -> Any:
        y, lse = ctx.backend.attention(q, k, v, mask, *options)
        ctx.save_for_backward(q, k, v, mask, y, lse)
        ctx.options = options
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        needs = tuple(ctx.needs_input_grad[:4])
        grads = iter(AttentionGrad.apply(grad, *ctx.saved_tensors, needs, *ctx.options))
        return tuple([next(grads) if need else None for need in needs])


class AttentionGrad(Function):
    """(grad_q, grad_k, grad_v, grad_mask) of ScaledDotProductAttention, those that are needed.

    Its own gradient is that of the formula, with all weights in memory.
    """

    @staticmethod
    def forward(
        ctx: Any,
        grad: Any,
        q: Any,
        k: Any,
        v: Any,
        mask: Any,
        y: Any,
        lse: Any,
        needs: tuple[bool, ...],
        *options: Any,
    ) -> Any:
        ctx.save_for_backward(grad, q, k, v, mask)
        ctx.needs, ctx.options = needs, options
        grads = ctx.backend.attention_grad(grad, q, k, v, mask, y, lse, *options, needs)
        return tuple([g for g in grads if g is not None])

    @staticmethod
    def backward(ctx: Any, *us: Tensor | None) -> Any:
        def formula(grad: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Any:
            grads = _gradients(grad, q, k, v, mask, *ctx.options)
            needed = [g for g, need in zip(grads, ctx.needs, strict=True) if need]
            return tuple([g for g, u in zip(needed, us, strict=True) if u is not None])

        return formula_vjp(formula, ctx.saved_tensors, [u for u in us if u is not None])


def _gradients(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    causal: bool,
    scale: float,
    p: float,
    seed: int,
    offset: int,
) -> tuple[Tensor | None, ...]:
    """The gradients of q, k, v and mask as Tensor operations."""
    heads = grad.array.shape[-3] if grad.array.ndim > 2 else 1
    keys, values = _repeat_heads(k, heads), _repeat_heads(v, heads)
    weights = _weights(q, keys, mask, causal, scale, grad.array.shape[:-2])
    dropped = Dropout.apply(weights, p, seed, offset) if p > 0 else weights
    slope = grad @ values.mT
    if p > 0:
        slope = Dropout.apply(slope, p, seed, offset)
    slope = weights * (slope - (slope * weights).sum(-1, True))
    grad_k, grad_v = scale * (slope.mT @ q), dropped.mT @ grad
    return (
        scale * (slope @ keys),
        _sum_heads(grad_k, k),
        _sum_heads(grad_v, v),
        _sum_to(slope, mask),
    )


def _weights(
    q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float, lead: tuple[int, ...]
) -> Tensor:
    """softmax(scale * q @ k.T + mask), 0 in a row of nothing but -inf, for all of `lead`."""
    scores = (scale * q) @ k.mT
    queries, keys = scores.array.shape[-2:]
    scores = scores.expand((*lead, queries, keys))
    if causal:
        index = np.dtype(np.int64)
        row = wrap(q.backend.arange(0, queries, 1, index), q.backend).reshape(-1, 1)
        scores = where(row >= wrap(q.backend.arange(0, keys, 1, index), q.backend), scores, -np.inf)
    elif mask is not None and mask.array.dtype.kind == "b":
        scores = where(mask, scores, -np.inf)
    elif mask is not None:
        scores = scores + mask.to(q.dtype)
    dead = (scores == -np.inf).all(-1, True)
    return where(dead, 0.0, where(dead, 0.0, scores).softmax(-1))


def _repeat_heads(x: Tensor, heads: int) -> Tensor:
    """Each head of (..., H', S, D) several times, so that there are `heads`."""
    shape = x.array.shape
    if len(shape) < 3 or shape[-3] in (1, heads):
        return x
    repeated = x.unsqueeze(-3).expand((*shape[:-2], heads // shape[-3], *shape[-2:]))
    return repeated.reshape(*shape[:-3], heads, *shape[-2:])


def _sum_heads(grad: Tensor, x: Tensor) -> Tensor:
    """The transpose of _repeat_heads."""
    shape = grad.array.shape
    if len(shape) < 3 or x.array.ndim < 3 or x.array.shape[-3] in (1, shape[-3]):
        return grad
    few = x.array.shape[-3]
    return grad.reshape(*shape[:-3], few, shape[-3] // few, *shape[-2:]).sum(-3)


def _sum_to(grad: Tensor, mask: Tensor | None) -> Tensor | None:
    """The gradient of a mask that broadcast."""
    if mask is None or not is_floating(mask.array.dtype):
        return None
    shape = mask.array.shape
    extra = grad.array.ndim - len(shape)
    wide = [i + extra for i, n in enumerate(shape) if n == 1 and grad.array.shape[i + extra] != 1]
    axes = (*range(extra), *wide)
    total = grad.sum(axes, True) if axes else grad
    return total.reshape(shape).to(mask.dtype)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """For each query, the mean of the values, weighted by how well their keys match.

        y = softmax(scale * query @ key.T + mask) @ value

    Parameters
    ----------
    query : Tensor, (..., L, D), floating point
    key : Tensor, (..., S, D)
    value : Tensor, (..., S, E)
    attn_mask : Tensor that broadcasts to (..., L, S), optional
        bool: True where a query may look at a key. Floating point: added to the scores.
    dropout_p : float in [0, 1]: each weight is dropped with this probability, always
    is_causal : query l looks at the keys 0 to l; not together with attn_mask
    scale : 1 / sqrt(D) unless given
    enable_gqa : key and value, (..., H, S, D), may have fewer heads than query: each serves several
        neighbouring heads

    Returns
    -------
    Tensor, (..., L, E). A query that may look at no key gets 0.

    Raises
    ------
    ValueError
        Shapes that do not fit, dropout_p outside [0, 1], attn_mask together with is_causal.
    TypeError
        Integers, tensors of different types, a mask of integers.

    Notes
    -----
    The weights, L x S, are made a tile at a time and never kept: memory grows with L + S, forward
    and backward. Differentiable in query, key, value and a floating-point attn_mask to any order;
    from the second order on, the weights are in memory. No dropout mask is kept.

    Examples
    --------
    >>> import naivegrad as ng
    >>> q, k, v = ng.zeros(2, 4), ng.ones(2, 4), ng.tensor([[1.0], [3.0]])
    >>> ng.nn.functional.scaled_dot_product_attention(q, k, v)
    tensor([[2.],
            [2.]])
    >>> ng.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    tensor([[1.],
            [2.]])

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need". Dao, Fu, Ermon, Rudra & Re 2022,
    "FlashAttention: fast and memory-efficient exact attention with IO-awareness".
    """
    op = "scaled_dot_product_attention"
    lead = _check_inputs(op, query, key, value, enable_gqa)
    if attn_mask is not None:
        _check_mask(op, attn_mask, query, (*lead, query.array.shape[-2], key.array.shape[-2]))
        if is_causal:
            raise ValueError(f"{op}: give attn_mask or is_causal=True, not both")
    if not 0 <= dropout_p <= 1:
        raise ValueError(f"{op}: dropout_p must be in [0, 1], got {dropout_p}")
    if scale is None:
        scale = 1 / math.sqrt(max(query.array.shape[-1], 1))
    seed = offset = 0
    if dropout_p > 0:
        weights = math.prod(lead) * query.array.shape[-2] * key.array.shape[-2]
        seed, offset = default_generator.reserve(weights)
    return ScaledDotProductAttention.apply(
        query, key, value, attn_mask, bool(is_causal), float(scale), float(dropout_p), seed, offset
    )


def _check_inputs(op: str, q: Any, k: Any, v: Any, enable_gqa: bool) -> tuple[int, ...]:
    """The leading axes of the result."""
    for name, x in (("query", q), ("key", k), ("value", v)):
        require_floating(x, op, name)
    shapes = qs, ks, vs = q.array.shape, k.array.shape, v.array.shape
    told = f"(query {qs}, key {ks}, value {vs})"
    if not q.array.dtype == k.array.dtype == v.array.dtype:
        raise TypeError(
            f"{op}: query, key and value must be of one type, got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if min(map(len, shapes)) < 2:
        raise ValueError(f"{op}: query, key and value must have at least 2 dimensions {told}")
    if qs[-1] != ks[-1]:
        raise ValueError(f"{op}: key must have the D={qs[-1]} features of query {told}")
    if ks[-2] != vs[-2]:
        raise ValueError(f"{op}: value must have the S={ks[-2]} positions of key {told}")
    if enable_gqa:
        if min(map(len, shapes)) < 3:
            raise ValueError(f"{op}: enable_gqa needs tensors (..., H, L, D) {told}")
        if not ks[-3] or not vs[-3] or qs[-3] % ks[-3] or qs[-3] % vs[-3]:
            raise ValueError(
                f"{op}: the heads of key and value must divide the heads of query {told}"
            )
    else:
        _broadcast(op, told, qs[:-2], ks[:-2], vs[:-2])
    try:
        return attention_lead(qs, ks, vs)
    except ValueError:
        raise ValueError(f"{op}: the leading dimensions do not broadcast {told}") from None


def _broadcast(op: str, told: str, *shapes: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"{op}: the leading dimensions do not broadcast {told}") from None


def _check_mask(op: str, mask: Any, q: Tensor, shape: tuple[int, ...]) -> None:
    array = require_tensor(mask, op, "attn_mask").array
    if array.dtype.kind not in "bfV" or (
        array.dtype.itemsize == 8 and array.dtype != q.array.dtype
    ):
        raise TypeError(f"{op}: attn_mask must be of bool or of {q.dtype}, got {mask.dtype}")
    try:
        fits = np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{op}: attn_mask {array.shape} does not broadcast to {shape}")
