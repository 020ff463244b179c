"""Data sets: anything with a length and samples by index."""

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar

import numpy as np

from naivegrad.data.collate import default_collate
from naivegrad.ops import from_numpy, randperm
from naivegrad.random import Generator
from naivegrad.tensor import Tensor

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """A data set that gives sample `i` for an index `i`.

    A subclass defines `__getitem__` and `__len__`. It may define two more:

    `__getitems__(indices)`
        several samples at once, as a list: where reading them together is cheaper.
    `__getbatch__(indices)`
        the finished batch, what `default_collate` would make of these samples: where slicing whole
        arrays replaces work on each sample. A `DataLoader` without a `collate_fn` of its own calls
        this one.
    """

    def __getitem__(self, index: int) -> T:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        return default_collate(fetch(self, indices))

    def __add__(self, other: "Dataset[Any]") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """A data set that is a stream: a subclass defines `__iter__`, and there are no indices.

    Each worker of a `DataLoader` has a copy and goes through all of it, unless `__iter__` asks
    `get_worker_info` for its share.
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __add__(self, other: Any) -> "ChainDataset":
        return ChainDataset([self, other])


def fetch(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The samples at `indices`, through `__getitems__` where the data set has it."""
    together = getattr(dataset, "__getitems__", None)
    return together(indices) if together else [dataset[index] for index in indices]


def fetch_batch(dataset: Any, indices: Sequence[int]) -> Any:
    """The samples at `indices` as one batch; `dataset` may be any sequence, a list for instance."""
    batched = getattr(dataset, "__getbatch__", None)
    return batched(indices) if batched else default_collate(fetch(dataset, indices))


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample `i` is row `i` of every tensor; a batch is one `index_select` of each.

    Parameters
    ----------
    *tensors : Tensor
        All with the same size in dimension 0.

    Examples
    --------
    >>> import naivegrad as ng
    >>> data = TensorDataset(ng.arange(6).reshape(3, 2), ng.tensor([0, 1, 0]))
    >>> len(data), data[1][0].tolist()
    (3, [2, 3])
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: needs at least one tensor")
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset: expects tensors, got {type(tensor).__name__}")
        sizes = [tensor.shape[0] if tensor.ndim else None for tensor in tensors]
        if sizes[0] is None or any(size != sizes[0] for size in sizes):
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
            raise ValueError(f"TensorDataset: dimension 0 must be the same in all, got {shapes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: Sequence[int]) -> list[Tensor]:
        rows = from_numpy(np.asarray(indices, dtype=np.int64))
        return [tensor.index_select(0, rows.to(tensor.device)) for tensor in self.tensors]

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class StackDataset(Dataset[Any]):
    """Sample `i` is sample `i` of every data set: a tuple, or a dict if they are given by name.

    Parameters
    ----------
    *args, **kwargs : Dataset
        Either the one or the other, all of the same length.

    Examples
    --------
    >>> StackDataset(image=["a", "b"], label=[0, 1])[1]
    {'image': 'b', 'label': 1}
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: needs data sets, either all by name or none")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in self._each()]
        if len(set(lengths)) != 1:
            raise ValueError(f"StackDataset: the data sets must have one length, got {lengths}")

    def __getitem__(self, index: int) -> Any:
        return self._put_together([dataset[index] for dataset in self._each()])

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = [fetch(dataset, indices) for dataset in self._each()]
        for dataset, column in zip(self._each(), columns, strict=True):
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset: {type(dataset).__name__}.__getitems__ gave {len(column)} "
                    f"samples for {len(indices)} indices"
                )
        return [self._put_together(row) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(self._each()[0])

    def _each(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _put_together(self, row: Sequence[Any]) -> Any:
        if isinstance(self.datasets, dict):
            return dict(zip(self.datasets, row, strict=True))
        return tuple(row)


class ConcatDataset(Dataset[Any]):
    """Several data sets, one after the other.

    Attributes
    ----------
    datasets : list
        The data sets.
    cumulative_sizes : list of int
        How many samples there are up to the end of each.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: needs at least one data set")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError("ConcatDataset: an IterableDataset has no indices; use ChainDataset")
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __getitem__(self, index: int) -> Any:
        place = check_index(index, len(self), "ConcatDataset")
        which = bisect_right(self.cumulative_sizes, place)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][place - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Several streams, one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset: expects IterableDatasets, got {type(dataset).__name__}"
                )

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class Subset(Dataset[T]):
    """The samples of `dataset` at `indices`, in that order.

    Parameters
    ----------
    dataset : Dataset
        Where the samples are.
    indices : sequence of int
        Which of them, in which order.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return fetch(self.dataset, [self.indices[index] for index in indices])

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        return fetch_batch(self.dataset, [self.indices[index] for index in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[Any]]:
    """Cut a data set at random into parts that share no sample.

    Parameters
    ----------
    dataset : Dataset
        What to cut.
    lengths : sequence of int or float
        Sizes that add up to `len(dataset)`, or fractions that add up to 1. What rounding down
        leaves over of fractions goes, one sample each, to the first parts.
    generator : Generator, optional
        Where the random order comes from.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        If the lengths do not add up, or one is negative.

    Examples
    --------
    >>> train, valid = random_split(range(10), [0.8, 0.2])
    >>> len(train), len(valid), sorted(train.indices + valid.indices) == list(range(10))
    (8, 2, True)
    """
    total = len(dataset)
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths must not be negative, got {list(lengths)}")
    if math.isclose(sum(lengths), 1) and any(isinstance(length, float) for length in lengths):
        sizes = [int(total * length) for length in lengths]
        for place in range(total - sum(sizes)):
            sizes[place % len(sizes)] += 1
        if 0 in sizes:
            warnings.warn(
                f"random_split: part {sizes.index(0)} of {list(lengths)} has no samples",
                stacklevel=2,
            )
    else:
        sizes = [int(length) for length in lengths]
        if sizes != list(lengths) or sum(sizes) != total:
            raise ValueError(
                f"random_split: lengths {list(lengths)} do not add up to {total} samples, or to 1.0"
            )
    order = randperm(total, generator=generator).tolist()
    parts: list[Subset[Any]] = []
    start = 0
    for size in sizes:
        parts.append(Subset(dataset, order[start : start + size]))
        start += size
    return parts


def check_index(index: int, length: int, name: str) -> int:
    """The index counted from the front, or an IndexError that names the data set."""
    place = index + length if index < 0 else index
    if not 0 <= place < length:
        raise IndexError(f"{name}: index {index} is out of range for {length} samples")
    return place
