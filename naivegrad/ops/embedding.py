"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function, no_grad
from naivegrad.ops._args import require_floating, require_integers, require_tensor
from naivegrad.ops.select import where
from naivegrad.ops.unique import unique
from naivegrad.ops.vector_norm import norm
from naivegrad.tensor import Tensor


class Embedding(Function):
    """y[i] = weight[index[i]].    grad_weight[v] = sum of grad[i] where index[i] = v.

    The row `padding_idx` is read like any other, but receives no gradient (-1: there is none).
    """

    @staticmethod
    def forward(ctx: Any, index: Any, weight: Any, padding_idx: int) -> Any:
        ctx.save_for_backward(index)
        ctx.rows, ctx.padding_idx = weight.shape[0], padding_idx
        return ctx.backend.embedding(index, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return None, EmbeddingGrad.apply(grad, index, ctx.rows, ctx.padding_idx)


class EmbeddingGrad(Function):
    """The transpose of Embedding; so its gradient is Embedding, zero where the index is padding."""

    @staticmethod
    def forward(ctx: Any, grad: Any, index: Any, rows: int, padding_idx: int) -> Any:
        ctx.save_for_backward(index)
        ctx.padding_idx = padding_idx
        return ctx.backend.embedding_grad(grad, index, rows, padding_idx)

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        grad_grad = Embedding.apply(index, u, ctx.padding_idx)
        if ctx.padding_idx >= 0:
            grad_grad = grad_grad * (index != ctx.padding_idx).unsqueeze(-1)
        return grad_grad


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table by number.

        y[i, ...] = weight[input[i, ...]]

    Parameters
    ----------
    input : Tensor of integers, any shape
    weight : Tensor, (V, D)
    padding_idx : a row that receives no gradient; negative counts from the end
    max_norm, norm_type : rows that are read and have a larger norm are scaled down to max_norm
        first, in the table itself
    scale_grad_by_freq : divide the gradient of a row by how often it was read
    sparse : has no effect here: gradients are dense

    Returns
    -------
    Tensor, (*input.shape, D)

    Raises
    ------
    IndexError
        A number outside [0, V).
    TypeError
        An input that is not of integers; complex rows; max_norm for rows of integers.

    Notes
    -----
    Differentiable in weight, to any order; gradients of a row that was read twice add up.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.nn.functional.embedding(ng.tensor([1, 0, 1]), ng.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    require_integers(input, "embedding")
    shape = require_tensor(weight, "embedding", "weight").array.shape
    if len(shape) != 2:
        raise ValueError(f"embedding: weight must be (V, D), got {shape}")
    if max_norm is not None or weight.is_complex():
        require_floating(weight, "embedding")
    padding = padding_row("embedding", padding_idx, weight)
    if max_norm is not None:
        limit_rows(input, weight, max_norm, norm_type)
    if scale_grad_by_freq:
        weight = scaled_by_frequency(weight, input)
    return Embedding.apply(input, weight, padding)


def padding_row(op: str, padding_idx: int | None, weight: Tensor) -> int:
    """padding_idx counted from the front; -1 for None."""
    rows = weight.array.shape[0]
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{op}: padding_idx {padding_idx} is outside a table of {rows} rows")
    return padding_idx % rows


def limit_rows(index: Tensor, weight: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows of weight that index names down to norm max_norm, in place."""
    with no_grad():
        named = unique(index)
        rows = Embedding.apply(named, weight, -1)
        length = norm(rows, norm_type, 1, True)
        weight[named] = rows * where(length > max_norm, max_norm / (length + 1e-7), 1.0)


class ScaledByFrequency(Function):
    """y = weight.    grad_weight[v] = grad[v] / how often v occurs in the index: by request."""

    view = True

    @staticmethod
    def forward(ctx: Any, weight: Any, share: Any) -> Any:
        ctx.save_for_backward(share)
        return weight.view()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        (share,) = ctx.saved_tensors
        return grad * share, None

    @staticmethod
    def jvp(ctx: Any, weight_dot: Any, _: Any) -> Any:
        return weight_dot


def scaled_by_frequency(weight: Tensor, index: Tensor) -> Tensor:
    """weight, whose gradient will be divided by the frequency of each row."""
    with no_grad():
        rows = weight.array.shape[0]
        ones = weight.new_ones((*index.array.shape, 1))
        share = 1 / EmbeddingGrad.apply(ones, index, rows, -1).clamp(min=1)
    return ScaledByFrequency.apply(weight, share)
