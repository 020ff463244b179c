"""Sums, means or maxima of rows of a table by bags of numbers, without making the rows.

The three Functions are each linear in both of their float inputs, and each one's gradients are the
other two, as with convolution.
"""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_floating, require_integers, require_tensor
from naivegrad.ops.creation import arange, full
from naivegrad.ops.embedding import limit_rows, padding_row, scaled_by_frequency
from naivegrad.ops.joining import cat
from naivegrad.ops.scatter import gather
from naivegrad.ops.select import where
from naivegrad.tensor import Tensor, wrap


class EmbeddingBag(Function):
    """y[b] = sum of s[k] table[index[k]] over the positions k of bag b, or the mean of as many.

    grad_table = EmbeddingBagGrad,    grad_s = EmbeddingBagDot.
    """

    @staticmethod
    def forward(ctx: Any, table: Any, s: Any, index: Any, start: Any, *options: Any) -> Any:
        ctx.save_for_backward(table, s, index, start)
        ctx.rows, ctx.options = table.shape[0], options
        return ctx.backend.embedding_bag(table, s, index, start, *options)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        table, s, index, start = ctx.saved_tensors
        need_table, need_s = ctx.needs_input_grad[:2]
        padding, mean = ctx.options
        grad_table = grad_s = None
        if need_table:
            grad_table = EmbeddingBagGrad.apply(grad, s, index, start, ctx.rows, padding, mean)
        if need_s:
            grad_s = EmbeddingBagDot.apply(grad, table, index, start, padding)
        return grad_table, grad_s


class EmbeddingBagGrad(Function):
    """y[v] = sum of s[k] grad[b(k)] where index[k] = v.    grad_grad = EmbeddingBag of u."""

    @staticmethod
    def forward(
        ctx: Any, grad: Any, s: Any, index: Any, start: Any, rows: int, padding: int, mean: bool
    ) -> Any:
        ctx.save_for_backward(grad, s, index, start)
        ctx.options = padding, mean
        return ctx.backend.embedding_bag_grad(grad, s, index, start, rows, padding, mean)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, s, index, start = ctx.saved_tensors
        need_grad, need_s = ctx.needs_input_grad[:2]
        grad_grad = EmbeddingBag.apply(u, s, index, start, *ctx.options) if need_grad else None
        padding = ctx.options[0]
        grad_s = EmbeddingBagDot.apply(grad, u, index, start, padding) if need_s else None
        return grad_grad, grad_s


class EmbeddingBagDot(Function):
    """y[k] = grad[b(k)] . table[index[k]].    Its gradients are the other two, with u for s."""

    @staticmethod
    def forward(ctx: Any, grad: Any, table: Any, index: Any, start: Any, padding: int) -> Any:
        ctx.save_for_backward(grad, table, index, start)
        ctx.padding = padding
        return ctx.backend.embedding_bag_dot(grad, table, index, start, padding)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        grad, table, index, start = ctx.saved_tensors
        bags = index, start
        rows = table.array.shape[0]
        return (
            EmbeddingBag.apply(table, u, *bags, ctx.padding, False),
            EmbeddingBagGrad.apply(grad, u, *bags, rows, ctx.padding, False),
        )


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of rows of a table, by bags of numbers.

        y[b] = reduce(weight[input[k]] for the positions k of bag b)

    Parameters
    ----------
    input : Tensor of integers: (B, N), bags of one length, or (n,), cut at `offsets`
    weight : Tensor, (V, D)
    offsets : Tensor of integers, (B,): where each bag begins, the first at 0
    max_norm, norm_type, scale_grad_by_freq, sparse : as for `embedding`
    mode : "mean", "sum" or "max"
    per_sample_weights : Tensor of the input's shape, optional, for mode "sum": factors of the rows
    include_last_offset : offsets has one more entry, where the last bag ends
    padding_idx : a number that counts for nothing, in the mean either

    Returns
    -------
    Tensor, (B, D); an empty bag gives 0

    Raises
    ------
    IndexError
        A number outside [0, V); offsets that go back or begin elsewhere.
    ValueError
        Shapes that do not fit, an unknown mode, weights with another mode than "sum".
    TypeError
        Numbers that are not integers.

    Notes
    -----
    Differentiable in weight and per_sample_weights, to any order. The rows are never copied.

    Examples
    --------
    >>> import naivegrad as ng
    >>> table = ng.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> ng.nn.functional.embedding_bag(ng.tensor([0, 2, 1]), table, ng.tensor([0, 2]), mode="sum")
    tensor([[6., 8.],
            [3., 4.]])
    """
    op = "embedding_bag"
    index, start = _bags(op, input, offsets, include_last_offset)
    if require_tensor(weight, op, "weight").array.ndim != 2:
        raise ValueError(f"{op}: weight must be (V, D), got {weight.array.shape}")
    require_floating(weight, op)
    if mode not in ("mean", "sum", "max"):
        raise ValueError(f'{op}: mode must be "mean", "sum" or "max", got {mode!r}')
    s = per_sample_weights
    if s is not None:
        if mode != "sum":
            raise ValueError(f'{op}: per_sample_weights are for mode "sum", not {mode!r}')
        if require_tensor(s, op, "per_sample_weights").array.shape != input.array.shape:
            raise ValueError(
                f"{op}: per_sample_weights must have the input's shape {input.array.shape}, "
                f"got {s.array.shape}"
            )
        if s.array.dtype != weight.array.dtype:
            raise TypeError(f"{op}: per_sample_weights is {s.dtype}, but weight is {weight.dtype}")
        s = s.reshape(-1)
    padding = padding_row(op, padding_idx, weight)
    if max_norm is not None:
        limit_rows(index, weight, max_norm, norm_type)
    if scale_grad_by_freq:
        weight = scaled_by_frequency(weight, index)
    if mode != "max":
        return EmbeddingBag.apply(weight, s, index, start, padding, mode == "mean")
    picks = wrap(
        weight.backend.embedding_bag_argmax(weight.array, index.array, start.array, padding),
        weight.backend,
    )
    return where(picks >= 0, gather(weight, 0, picks.clamp(min=0)), 0.0)


def _bags(op: str, input: Any, offsets: Any, include_last_offset: bool) -> tuple[Tensor, Tensor]:
    """The numbers in a row, and where each bag begins, with the end of the last."""
    shape = require_integers(input, op).array.shape
    if len(shape) == 2:
        if offsets is not None:
            raise ValueError(f"{op}: an input (B, N), {shape}, is in bags already: no offsets")
        start = arange(shape[0] + 1, device=input.device) * shape[1]
        return input.reshape(-1), start
    if len(shape) != 1:
        raise ValueError(f"{op}: input must be (B, N) or (n,), got {shape}")
    if offsets is None:
        raise ValueError(f"{op}: offsets are needed for an input (n,), {shape}")
    given = require_integers(offsets, op, "offsets").array
    if given.ndim != 1 or (include_last_offset and not given.size):
        raise ValueError(f"{op}: offsets must be (B,), got {given.shape}")
    if given.size and offsets[0].item() != 0:
        raise IndexError(f"{op}: offsets must begin with 0, got {offsets[0].item()}")
    if include_last_offset:
        return input, offsets
    end = full((1,), shape[0], dtype=offsets.dtype, device=input.device)
    return input, cat((offsets, end))
