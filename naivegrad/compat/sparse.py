"""`torch.sparse`: dense tensors stand in for sparse ones. Results are equal, memory is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from naivegrad import ops
from naivegrad.compat.refuse import Refusal as _Refusal
from naivegrad.missing import lookup as _lookup
from naivegrad.ops import log_softmax as log_softmax
from naivegrad.ops import mm as mm
from naivegrad.ops import softmax as softmax
from naivegrad.tensor import Tensor


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A dense tensor with values at some places, and zeros at all others.

        y[indices[:, i]] += values[i]

    Parameters
    ----------
    indices : integers, shape (M, n): for each of the n values, where it stands in the first M dims
    values : shape (n, ...)
    size : the shape; left out, the smallest that holds all

    Raises
    ------
    ValueError
        If indices are not of shape (M, n), or the shape does not fit.
    IndexError
        If an index lies outside.

    Differentiable in the values.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 4))
    tensor([[0., 0., 3., 0.],
            [4., 0., 5., 0.]])
    """
    places = ops.as_tensor(indices, device=device)
    numbers = ops.as_tensor(values, dtype=dtype, device=device)
    if places.ndim != 2 or numbers.ndim < 1 or places.shape[1] != numbers.shape[0]:
        raise ValueError(
            "sparse_coo_tensor: indices of shape (M, n) and values of shape (n, ...) are needed, "
            f"got {places.shape} and {numbers.shape}"
        )
    if size is None:
        last = np.asarray(places.numpy()).max(1) if places.numel() else []
        size = [int(n) + 1 for n in last] + list(numbers.shape[1:])
    if tuple(size)[places.shape[0] :] != numbers.shape[1:]:
        raise ValueError(
            f"sparse_coo_tensor: {places.shape[0]} rows of indices and values of shape "
            f"{numbers.shape} do not fit the size {tuple(size)}"
        )
    zeros = ops.zeros(size, dtype=numbers.dtype, device=device)
    result = zeros.index_put(tuple(places.long()), numbers, accumulate=True)
    return result.requires_grad_() if requires_grad else result


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """beta * mat + alpha * mat1 @ mat2."""
    return ops.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """The sum over all elements, or over some dims."""
    return ops.sum(input, dim, dtype=dtype)


_WHY = "there are no sparse tensors; sparse_coo_tensor makes a dense one"
spdiags = _Refusal("sparse.spdiags", _WHY)
sampled_addmm = _Refusal("sparse.sampled_addmm", _WHY)

__getattr__ = _lookup(__name__)
