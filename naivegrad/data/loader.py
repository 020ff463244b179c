"""DataLoader: batches of a data set, in order or shuffled, resumable in the middle of an epoch."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from naivegrad.data.collate import default_collate
from naivegrad.data.dataset import IterableDataset, fetch, fetch_batch
from naivegrad.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from naivegrad.random import Generator, default_generator


class DataLoader:
    """Goes through a data set in batches; each `iter()` is one epoch.

    Parameters
    ----------
    dataset : Dataset, IterableDataset or sequence
        Where the samples come from.
    batch_size : int or None
        Samples in a batch; None gives single samples, not collated.
    shuffle : bool
        True: a new random order in each epoch, every sample once.
    sampler : iterable of int, optional
        The order of the indices, in place of `shuffle`.
    batch_sampler : iterable of lists of int, optional
        The batches' indices, in place of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        Only 0 is there yet: batches are made by the calling process. A larger number warns and
        changes nothing else, as it will never change which batches come.
    collate_fn : callable, optional
        Makes a batch from a list of samples. By default the data set's `__getbatch__`, or
        `default_collate`.
    pin_memory : bool
        Without effect on the CPU.
    drop_last : bool
        True leaves out a last batch that is not full.
    generator : Generator, optional
        Where the random order comes from. None forks the default generator at the
        start of each epoch, so that `manual_seed` decides every order that follows.

    Notes
    -----
    `state_dict` says how far the current epoch is, and `load_state_dict` lets the next `iter()` go
    on from there: the same batches in the same order, the first ones skipped without being read.

    Examples
    --------
    >>> loader = DataLoader(list(range(5)), batch_size=2)
    >>> [batch.tolist() for batch in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        if num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must not be negative, got {num_workers}")
        if num_workers > 0:
            warnings.warn(
                f"DataLoader: num_workers={num_workers} has no effect yet: there are no worker "
                "processes, batches are made by the calling process",
                stacklevel=2,
            )
        streams = isinstance(dataset, IterableDataset)
        if streams and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset has an order of its own, so shuffle, "
                             "sampler and batch_sampler cannot be set")  # fmt: skip
        if sampler is not None and shuffle:
            raise ValueError(
                "DataLoader: a sampler has an order of its own, so shuffle cannot be set"
            )
        if batch_sampler is not None:
            if batch_size not in (1, None) or shuffle or sampler is not None or drop_last:
                raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler "
                                 "and drop_last")  # fmt: skip
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last needs a batch_size")
        elif batch_size is not None and (not isinstance(batch_size, int) or batch_size <= 0):
            raise ValueError(f"DataLoader: batch_size must be a positive int, got {batch_size!r}")

        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.num_workers = 0
        self.pin_memory = pin_memory
        self._seeds_itself = generator is None
        self.generator = Generator() if generator is None else generator
        if not streams and sampler is None:
            sampler = (
                RandomSampler(dataset, generator=self.generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler

        self._epoch_start: Any = None  # state of the generator when the current epoch began
        self._given = 0  # batches of the current epoch handed out
        self._resume: dict[str, Any] | None = None

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            n = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        order = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(order)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        # No generator function: the order is drawn when iter() is called, not at the first batch.
        resume, self._resume = self._resume or {"generator": None, "batch": 0}, None
        skip = resume["batch"]
        if resume["generator"] is not None:
            self.generator.set_state(resume["generator"])
        elif self._seeds_itself and isinstance(self.sampler, RandomSampler):
            self.generator.set_state(default_generator.fork().get_state())
        self._epoch_start = self.generator.get_state()
        self._given = skip
        if isinstance(self.dataset, IterableDataset):
            return self._count(islice(self._stream(), skip, None))
        if self.batch_sampler is not None:
            return self._count(map(self._batch, islice(iter(self.batch_sampler), skip, None)))
        order: Iterable[int] = () if self.sampler is None else self.sampler
        return self._count(map(self._sample, islice(iter(order), skip, None)))

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: the generator's state at the epoch's start, and the batches given.

        Between two epochs that is the state the next one will start with, and 0.
        """
        if self._resume is not None:
            return dict(self._resume)
        start = self._epoch_start
        if start is None and not self._seeds_itself:
            start = self.generator.get_state()
        return {"generator": start, "batch": self._given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next `iter()` go on where `state` was taken."""
        if set(state) != {"generator", "batch"}:
            raise ValueError(
                f"DataLoader.load_state_dict: expects generator and batch, got {sorted(state)}"
            )
        self._resume = dict(state)

    def _count(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self._given += 1
            yield batch
        self._epoch_start, self._given = None, 0

    def _sample(self, index: int) -> Any:
        sample = self.dataset[index]
        return sample if self.collate_fn is None else self.collate_fn(sample)

    def _batch(self, indices: list[int]) -> Any:
        if self.collate_fn is None:
            return fetch_batch(self.dataset, indices)
        return self.collate_fn(fetch(self.dataset, indices))

    def _stream(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        if self.batch_size is None:
            yield from samples if self.collate_fn is None else map(self.collate_fn, samples)
            return
        collate = default_collate if self.collate_fn is None else self.collate_fn
        while batch := list(islice(samples, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield collate(batch)
