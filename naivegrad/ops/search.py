"""Finding: classes as vectors, positions in sorted sequences, members of a set."""

from __future__ import annotations

import numpy as np

from naivegrad.ops._args import require_tensor
from naivegrad.tensor import Tensor, wrap


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the class, 0 elsewhere, along a new last axis, as int64."""
    require_tensor(tensor, "one_hot", "tensor")
    array = tensor.array
    if array.dtype.kind not in "iu":
        raise TypeError(f"one_hot: classes must be integers, got {tensor.dtype}")
    low, high = tensor.backend.bounds(array)
    classes = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= classes:
        raise IndexError(
            f"one_hot: class {low if low < 0 else high} is out of range [0, {classes})"
        )
    k = tensor.backend.arange(0, classes, 1, np.dtype("int64"))
    hits = tensor.backend.compare("eq", array.reshape(*array.shape, 1), k)
    return wrap(tensor.backend.cast(hits, np.dtype("int64")), tensor.backend)
