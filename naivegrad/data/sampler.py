"""Samplers: in which order a loader goes through a data set.

A sampler is any iterable of indices with a length. Everything random here is drawn from a
`Generator` when the iteration starts, or from a stream forked off then: the order depends on the
generator's state at that moment and on nothing that happens later.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, Generic, TypeVar

import numpy as np

from naivegrad.dtype import float64
from naivegrad.ops import rand, randint, randperm
from naivegrad.random import Generator, default_generator

T = TypeVar("T", covariant=True)

DRAWN = 1024  # indices that are drawn at once


class Sampler(Generic[T]):
    """Base of the samplers: a subclass defines `__iter__`, and `__len__` where it is known."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ..., in order."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Every index once in a random order; or independent draws.

    Parameters
    ----------
    data_source : sized
        The data set: only its length is used.
    replacement : bool
        True draws each index independently, so that some come twice and others never.
    num_samples : int, optional
        How many indices; the length of the data set by default. Without replacement, a larger
        number goes through the data set again, in a new order.
    generator : Generator, optional
        Where the order comes from: the default generator if None.
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None and (not isinstance(num_samples, int) or num_samples <= 0):
            raise ValueError(f"RandomSampler: num_samples must be positive, got {num_samples!r}")
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        """How many indices one iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        if n == 0:
            return iter(())
        if self.replacement:
            source = default_generator if self.generator is None else self.generator
            return _draws(n, self.num_samples, source.fork())
        order: list[int] = []
        while len(order) < self.num_samples:
            order += randperm(n, generator=self.generator).tolist()
        return iter(order[: self.num_samples])

    def __len__(self) -> int:
        return self.num_samples


def _draws(n: int, count: int, stream: Generator) -> Iterator[int]:
    """`count` numbers below n, drawn as they are asked for: there may be more than memory holds."""
    for start in range(0, count, DRAWN):
        yield from randint(0, n, (min(DRAWN, count - start),), generator=stream).tolist()


class SubsetRandomSampler(Sampler[int]):
    """The given indices, each once, in a random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = randperm(len(self.indices), generator=self.generator).tolist()
        return iter([self.indices[place] for place in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with probability in proportion to their weights.

    Parameters
    ----------
    weights : sequence of float
        One for each index; they need not add up to 1.
    num_samples : int
        How many to draw.
    replacement : bool
        False draws each index at most once.
    generator : Generator, optional
        Where the draws come from.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(num_samples, int) or num_samples <= 0:
            raise ValueError(
                f"WeightedRandomSampler: num_samples must be positive, got {num_samples!r}"
            )
        self.weights = np.array([float(weight) for weight in weights])
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator
        possible = int((self.weights > 0).sum())
        if not (np.isfinite(self.weights) & (self.weights >= 0)).all() or possible == 0:
            raise ValueError("WeightedRandomSampler: weights must be finite, not negative, and not "
                             "all zero")  # fmt: skip
        if not replacement and num_samples > possible:
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} different indices are asked for, but only "
                f"{possible} have a weight above 0"
            )

    def __iter__(self) -> Iterator[int]:
        n = self.num_samples if self.replacement else len(self.weights)
        uniform = rand(n, dtype=float64, generator=self.generator).numpy()
        if self.replacement:
            edges = np.cumsum(self.weights)
            return iter(np.searchsorted(edges, uniform * edges[-1], side="right").tolist())
        # The largest of u ** (1 / weight) win: Efraimidis and Spirakis, "Weighted random sampling
        # with a reservoir", 2006.
        with np.errstate(divide="ignore"):
            keys = np.log(uniform) / self.weights  # -inf for a weight of 0
        return iter(np.argsort(-keys, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Groups the indices of another sampler into lists of `batch_size`.

    Examples
    --------
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0:
            raise ValueError(f"BatchSampler: batch_size must be a positive int, got {batch_size!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return self._groups(iter(self.sampler))  # the order is drawn now, not at the first batch

    def _groups(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


class DistributedSampler(Sampler[int]):
    """The share of one of several processes that train together.

    All processes make the same order and take every `num_replicas`-th index of it. Where the number
    of samples is no multiple of `num_replicas`, the first ones come twice, or the last are left
    out.

    Parameters
    ----------
    dataset : sized
        The data set: only its length is used.
    num_replicas, rank : int, optional
        How many processes, and which of them this one is; 1 and 0 if not given.
    shuffle : bool
        True: a random order, another one after each `set_epoch`.
    seed : int
        Where the order comes from; the same in all processes.
    drop_last : bool
        True leaves out the last samples, so that none comes twice.

    Examples
    --------
    >>> [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.num_replicas = 1 if num_replicas is None else num_replicas
        self.rank = 0 if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(
                f"DistributedSampler: rank must be from 0 to {self.num_replicas - 1}, got {rank}"
            )
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0
        whole, rest = divmod(len(dataset), self.num_replicas)
        self.num_samples = whole + (rest > 0 and not drop_last)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(len(order), generator=generator).tolist()
        share = islice(cycle(order), self.rank, self.total_size, self.num_replicas)
        return iter(list(share))

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order: to be called before each epoch, in all processes with one number."""
        self.epoch = epoch
