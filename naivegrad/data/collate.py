"""From a list of samples to one batch."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from naivegrad.dtype import float64
from naivegrad.ops import from_numpy, stack, tensor
from naivegrad.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together, keeping their structure.

    ===================================  =========================================================
    samples                              batch
    ===================================  =========================================================
    tensors, all of shape S              a tensor of shape (N, *S)
    NumPy arrays or scalars              the same, with their dtype
    bool; int; float                     a bool, int64 or float64 tensor of shape (N,)
    str, bytes                           the list itself
    dicts                                a dict of batches, of the samples' type
    named tuples                         a named tuple of batches
    tuples, lists                        a list of batches
    ===================================  =========================================================

    Parameters
    ----------
    batch : sequence
        N samples of the same structure.

    Raises
    ------
    TypeError
        If a sample is of another kind.
    ValueError
        If the samples differ in shape or structure, or there are none.

    Examples
    --------
    >>> images, labels = default_collate([([1.0, 2.0], 3), ([4.0, 5.0], 6)])
    >>> labels.tolist()
    [3, 6]
    """
    if len(batch) == 0:
        raise ValueError("default_collate: a batch needs at least one sample")
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray | np.generic):
        try:
            return from_numpy(np.stack(batch))
        except ValueError:
            shapes = sorted({np.shape(sample) for sample in batch})
            raise ValueError(
                f"default_collate: arrays of one batch must have one shape, got {shapes}"
            ) from None
    if isinstance(first, float):
        return tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        if any(sample.keys() != first.keys() for sample in batch):
            raise ValueError("default_collate: dicts of one batch must have the same keys")
        return _like(first, {k: default_collate([sample[k] for sample in batch]) for k in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError("default_collate: sequences of one batch must have the same length")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        "default_collate: samples must be tensors, arrays, numbers, text, dicts or sequences, "
        f"got {type(first).__name__}; give the loader a collate_fn of your own"
    )


def default_convert(data: Any) -> Any:
    """Make NumPy arrays and scalars tensors, inside dicts, lists and tuples too.

    Everything else stays as it is. What a loader does with single samples (`batch_size=None`).

    Examples
    --------
    >>> default_convert({"x": np.arange(2), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
        return data if array.dtype.kind in "SUOMm" else from_numpy(array)
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence):
        items = [default_convert(item) for item in data]
        return type(data)(*items) if hasattr(data, "_fields") else items
    return data


def _like(first: Mapping[Any, Any], content: dict[Any, Any]) -> Any:
    """The content as a mapping of the type of `first`; as a dict if that type has its own ways."""
    try:
        if isinstance(first, MutableMapping):
            clone = copy.copy(first)
            clone.update(content)
            return clone
        return type(first)(content)  # type: ignore[call-arg]
    except TypeError:
        return content
