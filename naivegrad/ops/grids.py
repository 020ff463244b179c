"""Grids and combinations of vectors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from naivegrad.ops._args import require_tensor
from naivegrad.ops.joining import stack
from naivegrad.ops.movement import expand, reshape, transpose
from naivegrad.tensor import Tensor, wrap


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid: for each vector, its values spread over all the others.

    Parameters
    ----------
    tensors : vectors (0-d tensors count as vectors of one), of one type
    indexing : "ij" (the default: result dimension k belongs to vector k) or "xy" (the first two
        dimensions exchanged, as in plots)

    Examples
    --------
    >>> import naivegrad as ng
    >>> x, y = ng.meshgrid(ng.tensor([1, 2]), ng.tensor([3, 4, 5]), indexing="ij")
    >>> x.shape, y.tolist()
    ((2, 3), [[3, 4, 5], [3, 4, 5]])
    """
    op = "meshgrid"
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if not tensors:
        raise ValueError(f"{op}: expects at least one tensor")
    if indexing not in (None, "ij", "xy"):
        raise ValueError(f'{op}: indexing must be "ij" or "xy", got {indexing!r}')
    for x in tensors:
        if require_tensor(x, op, "each of tensors").array.ndim > 1:
            raise ValueError(f"{op}: expects vectors, got shape {x.array.shape}")
        if x.array.dtype != tensors[0].array.dtype:
            raise TypeError(f"{op}: expects one type, got {tensors[0].dtype} and {x.dtype}")
    shape = tuple([x.array.size for x in tensors])
    ndim = len(shape)
    grids = []
    for i, x in enumerate(tensors):
        alone = (1,) * i + (shape[i],) + (1,) * (ndim - i - 1)
        grids.append(expand(reshape(x, alone), shape))
    if indexing == "xy" and ndim > 1:
        return tuple([transpose(grid, 0, 1) for grid in grids])
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every choice of one element from each vector, a row each, the last varying fastest."""
    for x in tensors:
        if require_tensor(x, "cartesian_prod", "each of tensors").array.ndim != 1:
            raise ValueError(f"cartesian_prod: expects vectors, got shape {x.array.shape}")
    if len(tensors) == 1:
        return tensors[0].clone()
    return stack([reshape(grid, (-1,)) for grid in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of r elements of a vector, a row each, in the order of their places."""
    if require_tensor(input, "combinations").array.ndim != 1:
        raise ValueError(f"combinations: expects a vector, got shape {input.array.shape}")
    if r < 0:
        raise ValueError(f"combinations: r must not be negative, got {r}")
    if r == 0:
        return input[:0].clone()
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.array.size), r))
    index = np.array(rows, np.int64).reshape(-1)
    chosen = input.index_select(0, wrap(input.backend.from_numpy(index), input.backend))
    return reshape(chosen, (len(rows), r))
