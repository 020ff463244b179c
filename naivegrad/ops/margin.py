"""Losses that ask for a margin between numbers, or between distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naivegrad.ops._args import (
    check_bounds,
    require_floating,
    require_integers,
    require_tensor,
)
from naivegrad.ops._reduction import check_reduction, reduced, reduction_of, same_kind
from naivegrad.ops.activation import relu
from naivegrad.ops.distance import pairwise_distance
from naivegrad.ops.scatter import gather, scatter_add
from naivegrad.ops.select import minimum, where
from naivegrad.ops.smooth import logsigmoid
from naivegrad.tensor import Tensor


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where target is 1, max(cos - margin, 0) where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor, (N, D) or (D,)
    target : Tensor, (N,) or (): 1 or -1
    margin : from -1 to 1
    reduction : "none", "mean" or "sum"

    Differentiable in both inputs, to any order.
    """
    op = "cosine_embedding_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, y = same_kind(op, input1, input2, "input2")
    t = require_tensor(target, op, "target")
    if x.array.shape != y.array.shape or x.array.ndim not in (1, 2):
        raise ValueError(
            f"{op}: inputs must both be (N, D) or (D,), got {x.array.shape} and {y.array.shape}"
        )
    if t.array.shape != x.array.shape[:-1]:
        raise ValueError(f"{op}: target must have shape {x.array.shape[:-1]}, got {t.array.shape}")
    eps = 1e-12
    squares = ((x * x).sum(-1) + eps) * ((y * y).sum(-1) + eps)
    cos = (x * y).sum(-1) / squares.sqrt()
    loss = where(t == 1, 1 - cos, where(t == -1, (cos - margin).clamp(min=0), 0.0))
    return reduced(loss, reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """input, a distance, where target is 1; max(margin - input, 0) where it is -1."""
    op = "hinge_embedding_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    require_floating(input, op)
    t = require_tensor(target, op, "target")
    far = where(t != 1, (margin - input).clamp(min=0), 0.0)
    return reduced(far + where(t != -1, input, 0.0), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(-target * (input1 - input2) + margin, 0): target 1 wants input1 above, -1 below."""
    op = "margin_ranking_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, y = same_kind(op, input1, input2, "input2")
    t = require_tensor(target, op, "target")
    if not x.array.ndim == y.array.ndim == t.array.ndim:
        raise ValueError(
            f"{op}: three tensors of as many dimensions are needed, got {x.array.shape}, "
            f"{y.array.shape} and target {t.array.shape}"
        )
    return reduced((-t * (x - y) + margin).clamp(min=0), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), d the `pairwise_distance`.

    swap : where positive and negative are closer, their distance stands for the second

    References
    ----------
    Balntas, Riba, Ponsa & Mikolajczyk 2016, "Learning local feature descriptors with triplets".
    """
    op = "triplet_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return _triplet(op, (anchor, positive, negative), distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own: f(x, y), `pairwise_distance` if None."""
    op = "triplet_margin_with_distance_loss"
    check_reduction(op, reduction)
    three = anchor, positive, negative
    return _triplet(op, three, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    op: str, three: Any, distance: Any, margin: float, swap: bool, reduction: str
) -> Tensor:
    for x, name in zip(three, ("anchor", "positive", "negative"), strict=True):
        require_tensor(x, op, name)
    if not margin > 0:
        raise ValueError(f"{op}: margin must be positive, got {margin}")
    if len({x.array.ndim for x in three}) > 1:
        shapes = ", ".join(str(x.array.shape) for x in three)
        raise ValueError(f"{op}: three tensors of as many dimensions are needed, got {shapes}")
    anchor, positive, negative = three
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum_j w_t max(margin - x_t + x_j, 0)^p / C over the classes j that are not the target t.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,): scores
    target : Tensor of integers, (N,) or (): classes
    p : 1 or 2
    weight : Tensor, (C,), optional
    reduction : "none", "mean" or "sum"

    Differentiable in input, to any order; IndexError for a target outside [0, C).
    """
    op = "multi_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    require_floating(input, op)
    shape, t = input.array.shape, require_tensor(target, op, "target")
    if p not in (1, 2):
        raise ValueError(f"{op}: p must be 1 or 2, got {p}")
    if len(shape) not in (1, 2) or not shape[-1]:
        raise ValueError(f"{op}: input must be (N, C) or (C,), got {shape}")
    if t.array.shape != shape[:-1] and not (len(shape) == 1 and t.array.shape == (1,)):
        raise ValueError(f"{op}: for input {shape} the target is {shape[:-1]}, got {t.array.shape}")
    _check_classes(op, t, shape, least=0)
    t = t.reshape(shape[:-1]).unsqueeze(-1)
    distance = relu(margin - gather(input, -1, t) + input)
    if p == 2:
        distance = distance * distance
    if weight is not None:
        if require_tensor(weight, op, "weight").array.shape != shape[-1:]:
            raise ValueError(f"{op}: weight must be {shape[-1:]}, got {weight.array.shape}")
        distance = distance * weight[t]
    others = scatter_add(input.new_ones(shape), -1, t, input.new_full(t.array.shape, -1.0))
    return reduced((distance * others).sum(-1) / shape[-1], reduction)


def _check_classes(op: str, target: Tensor, shape: tuple[int, ...], least: int) -> None:
    require_integers(target, op, "target")
    check_bounds(target.backend.bounds(target.array), op, shape[-1], len(shape) - 1, least)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """sum_tj max(1 - x_t + x_j, 0) / C over the targets t and the classes j that are none.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,): scores
    target : Tensor of integers of the same shape: the classes of a line, until a -1
    reduction : "none", "mean" or "sum"

    Differentiable in input, to any order. Takes memory for (N, C, C) numbers.
    """
    op = "multilabel_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    require_floating(input, op)
    shape, t = input.array.shape, require_tensor(target, op, "target")
    if len(shape) not in (1, 2) or not shape[-1]:
        raise ValueError(f"{op}: input must be (N, C) or (C,), got {shape}")
    if t.array.shape != shape:
        raise ValueError(f"{op}: target must have the input's shape {shape}, got {t.array.shape}")
    _check_classes(op, t, shape, least=-1)
    valid = ((t < 0).cumsum(-1) == 0).cast(input.array.dtype)
    t = t * (valid != 0)
    is_target = scatter_add(input.new_zeros(shape), -1, t, valid)
    others = (is_target == 0).cast(input.array.dtype)
    margins = relu(1 - gather(input, -1, t).unsqueeze(-1) + input.unsqueeze(-2))  # (N, C, C)
    pairs = valid.unsqueeze(-1) * others.unsqueeze(-2)
    return reduced((margins * pairs).sum((-2, -1)) / shape[-1], reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The binary cross-entropy of each class from scores (N, C), its mean over the classes.

    loss = -mean_c w_c (t_c log sigmoid(x_c) + (1 - t_c) log sigmoid(-x_c))
    """
    op = "multilabel_soft_margin_loss"
    reduction = reduction_of(op, reduction, size_average, reduce)
    x, t = same_kind(op, input, target)
    if not x.array.ndim:
        raise ValueError(f"{op}: input must have a dimension of classes, got a 0-d tensor")
    loss = -(t * logsigmoid(x) + (1 - t) * logsigmoid(-x))
    return reduced((loss if weight is None else loss * weight).mean(-1), reduction)
