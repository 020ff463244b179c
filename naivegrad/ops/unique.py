"""Different values: of all elements or of the slices along a dimension."""

from __future__ import annotations

from typing import Any

from naivegrad.ops._args import normalize_axis
from naivegrad.ops._axes import ordered
from naivegrad.tensor import Tensor, wrap


def _unique(
    op: str, x: Any, dim: Any, consecutive: bool, return_inverse: bool, return_counts: bool
) -> Any:
    ordered(x, op)
    axis = None
    if dim is not None:
        if not x.array.ndim:
            raise IndexError(f"{op}: dim={dim}, but the input is 0-d")
        axis = normalize_axis(dim, x.array.ndim, op)
        if x.array.shape[axis] and not x.array.size:
            raise ValueError(f"{op}: the slices along dim={dim} have no elements: {x.array.shape}")
    results = x.backend.unique(x.array, axis, consecutive, return_inverse)
    wished = (True, return_inverse, return_counts)
    chosen = [wrap(r, x.backend) for r, wish in zip(results, wished, strict=True) if wish]
    return tuple(chosen) if len(chosen) > 1 else chosen[0]


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different values, or the different slices along dim, in rising order.

    Parameters
    ----------
    input : Tensor
    sorted : for PyTorch's sake; the result is sorted in any case
    return_inverse : also give where in the result each element (each slice) stands
    return_counts : also give how often each occurs
    dim : int, to compare the slices along it; without it, all elements

    Returns
    -------
    Tensor, or a tuple (values, inverse, counts) of what is wished for. No gradient; each NaN is a
    value of its own.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.unique(ng.tensor([3, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 3]), tensor([2, 1, 1]))
    """
    return _unique("unique", input, dim, False, return_inverse, return_counts)


def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The values, or the slices along dim, without those equal to the one before; as `unique`.

    Examples
    --------
    >>> import naivegrad as ng
    >>> ng.unique_consecutive(ng.tensor([1, 1, 2, 2, 1]))
    tensor([1, 2, 1])
    """
    return _unique("unique_consecutive", input, dim, True, return_inverse, return_counts)
