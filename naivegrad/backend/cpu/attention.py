"""Attention: arrays of any leading axes, seen as a list of matrices that begin somewhere."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from naivegrad.backend.cpu.dense import dense
from naivegrad.backend.cpu.elementwise import cast
from naivegrad.backend.heads import Shape, attention_lead
from naivegrad.kernels import attention as kernel

Layout = tuple[Shape, Shape, int]  # shape, strides and item size of the leading axes


def attention(
    q: ndarray,
    k: ndarray,
    v: ndarray,
    mask: ndarray | None,
    causal: bool,
    scale: float,
    p: float,
    seed: int,
    offset: int,
) -> tuple[ndarray, ndarray]:
    """softmax(scale * q @ k.T + mask) @ v, and the log-sum-exp of each row of scores."""
    lead, work = attention_lead(q.shape, k.shape, v.shape), _working_type(q)
    mask = _mask(mask, q.shape[-2], k.shape[-2], work)
    rq, rk, rv = _rows(q, work), _rows(k, work), _rows(v, work)
    out = np.empty((*lead, q.shape[-2], v.shape[-1]), work)
    lse = np.empty((*lead, q.shape[-2]), work)
    starts = _starts(lead, rq, rk, rv, mask)
    kernel.attention(rq, rk, rv, mask, starts, out, lse, causal, scale, p, seed, offset)
    return cast(out, q.dtype), lse


def attention_grad(
    grad: ndarray,
    q: ndarray,
    k: ndarray,
    v: ndarray,
    mask: ndarray | None,
    out: ndarray,
    lse: ndarray,
    causal: bool,
    scale: float,
    p: float,
    seed: int,
    offset: int,
    needs: tuple[bool, ...],
) -> tuple[ndarray | None, ...]:
    """The gradients of q, k, v (their leading axes broadcast) and mask; None where not needed."""
    lead, work = attention_lead(q.shape, k.shape, v.shape), _working_type(q)
    rq, rk, rv = _rows(q, work), _rows(k, work), _rows(v, work)
    grad, out = dense("attention_grad", grad, None, work), dense("attention_grad", out, None, work)
    grad_q, grad_k, grad_v = (
        np.empty((*lead, *x.shape[-2:]), work) if need else None
        for x, need in zip((q, k, v), needs, strict=False)
    )
    wide, grad_mask = None, None
    if mask is not None:
        wide = dense("attention_grad", mask, None, work) if needs[3] else mask
        grad_mask = np.zeros_like(wide) if needs[3] else None  # of the same strides
        wide = _mask(wide, q.shape[-2], k.shape[-2], work)
    starts = _starts(lead, rq, rk, rv, wide)
    kernel.attention_grad(
        grad, rq, rk, rv, wide, starts, out, lse, grad_q, grad_k, grad_v, grad_mask,
        causal, scale, p, seed, offset,
    )  # fmt: skip
    return (
        None if grad_q is None else cast(grad_q, q.dtype),
        None if grad_k is None else cast(_sum_groups(grad_k, k.shape), k.dtype),
        None if grad_v is None else cast(_sum_groups(grad_v, v.shape), v.dtype),
        None if grad_mask is None or mask is None else cast(grad_mask, mask.dtype),
    )


def _working_type(x: ndarray) -> np.dtype[Any]:
    return np.dtype(np.float64 if x.dtype == np.float64 else np.float32)


def _rows(x: ndarray, dtype: np.dtype[Any]) -> ndarray:
    """x of a type, its rows contiguous, all strides whole elements."""
    item = dtype.itemsize
    if (
        x.dtype == dtype
        and x.flags.aligned
        and x.strides[-1] == item
        and not any(step % item for step in x.strides)
    ):
        return x
    return np.require(x, dtype, ["C", "A"])


def _mask(mask: ndarray | None, queries: int, keys: int, dtype: np.dtype[Any]) -> ndarray | None:
    """The mask (..., L, S) as the loops take it: of bool or the type, strides whole elements."""
    if mask is None:
        return None
    if mask.dtype != np.bool_:
        mask = mask.astype(dtype, copy=False)
    if not mask.flags.aligned or any(step % mask.itemsize for step in mask.strides):
        mask = mask.copy()
    return np.broadcast_to(mask, (*mask.shape[:-2], queries, keys))


def _starts(lead: Shape, q: ndarray, k: ndarray, v: ndarray, mask: ndarray | None) -> ndarray:
    """At which element of q, k, v and mask each matrix begins, (4, matrices)."""
    return _begins(lead, *[((), (), 1) if x is None else _leading(x) for x in (q, k, v, mask)])


def _leading(x: ndarray) -> Layout:
    return x.shape[:-2], x.strides[:-2], x.itemsize


@lru_cache(64)  # the same for every step of a training
def _begins(lead: Shape, *layouts: Layout) -> ndarray:
    starts = np.zeros((4, *lead), np.int64)
    for i, (shape, strides, itemsize) in enumerate(layouts):
        here = np.zeros((), np.int64)
        for n, step in zip(shape, strides, strict=True):
            here = here[..., None] + np.arange(n, dtype=np.int64) * (step // itemsize)
        if shape and shape[-1] not in (1, lead[-1]):  # a head for several of the query
            here = np.repeat(here, lead[-1] // shape[-1], -1)
        starts[i, ...] = here
    starts.flags.writeable = False
    return starts.reshape(4, math.prod(lead))


def _sum_groups(grad: ndarray, shape: Shape) -> ndarray:
    """The gradient of a head that served several: their sum."""
    if len(shape) < 3 or shape[-3] in (1, grad.shape[-3]):
        return grad
    group = grad.shape[-3] // shape[-3]
    grouped = (*grad.shape[:-3], shape[-3], group, *grad.shape[-2:])
    return grad.reshape(grouped).sum(-3)
