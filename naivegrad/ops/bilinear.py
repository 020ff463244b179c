"""A form that is linear in each of two inputs."""

from __future__ import annotations

import math

from naivegrad.ops._args import require_tensor
from naivegrad.ops.linalg import matmul
from naivegrad.tensor import Tensor


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = x1^T weight_o x2 + bias_o over the last dimension of both inputs.

    Parameters
    ----------
    input1 : Tensor, (..., I)
    input2 : Tensor, (..., J), with the same leading dimensions
    weight : Tensor, (O, I, J)
    bias : Tensor, (O,), optional

    Returns
    -------
    Tensor, (..., O)

    Raises
    ------
    ValueError
        Shapes that do not fit.

    Notes
    -----
    Differentiable in all, to any order. Two matrix products; (..., O, J) numbers between them.
    """
    op = "bilinear"
    x, y = require_tensor(input1, op, "input1"), require_tensor(input2, op, "input2")
    shape = require_tensor(weight, op, "weight").array.shape
    lead = x.array.shape[:-1]
    if (
        len(shape) != 3
        or not x.array.ndim
        or (*lead, shape[1]) != x.array.shape
        or (*lead, shape[2]) != y.array.shape
    ):
        raise ValueError(
            f"{op}: inputs (..., I) and (..., J) and a weight (O, I, J) are needed, got "
            f"{x.array.shape}, {y.array.shape} and {shape}"
        )
    if bias is not None and require_tensor(bias, op, "bias").array.shape != shape[:1]:
        raise ValueError(f"{op}: bias must be {shape[:1]}, got {bias.array.shape}")
    count, (features, first, second) = math.prod(lead), shape
    columns = weight.permute(1, 0, 2).reshape(first, features * second)
    rows = matmul(x.reshape(count, first), columns).reshape(count, features, second)
    result = matmul(rows, y.reshape(count, second, 1)).reshape(*lead, features)
    return result if bias is None else result + bias
