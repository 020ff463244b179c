"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

from naivegrad.autograd import Function
from naivegrad.ops._args import require_floating, require_tensor
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

    Returns
    -------
    Tensor, (*input.shape, D)

    Raises
    ------
    IndexError
        A number outside [0, V).
    TypeError
        An input that is not of integers.
    NotImplementedError
        max_norm, scale_grad_by_freq and sparse.

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
    index = require_tensor(input, "embedding").array
    shape = require_tensor(weight, "embedding", "weight").array.shape
    if index.dtype.kind not in "iu":
        raise TypeError(f"embedding: input must be of integers, got {input.dtype}")
    if len(shape) != 2:
        raise ValueError(f"embedding: weight must be (V, D), got {shape}")
    require_floating(weight, "embedding")
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotImplementedError(
            "embedding: max_norm, scale_grad_by_freq and sparse do not exist here"
        )
    rows = shape[0]
    if padding_idx is None:
        padding_idx = -1
    elif -rows <= padding_idx < rows:
        padding_idx %= rows
    else:
        raise ValueError(f"embedding: padding_idx {padding_idx} is outside a table of {rows} rows")
    return Embedding.apply(input, weight, padding_idx)
