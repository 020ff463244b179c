"""How samples become batches: what a loader and its workers share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from naivegrad.data.collate import default_collate
from naivegrad.data.dataset import IterableDataset, fetch, fetch_batch


@dataclass
class Recipe:
    """How to make the batches of a data set: all that a worker process needs to know."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool  # False: single samples
    batch_size: int | None  # of a stream; otherwise each task has its indices
    drop_last: bool

    @property
    def streams(self) -> bool:
        """Whether the data set is a stream, without indices."""
        return isinstance(self.dataset, IterableDataset)

    def read(self, task: Any) -> Any:
        """The batch of a list of indices; of one index, where samples are not batched."""
        if not self.batched:
            return self.collate_fn(self.dataset[task])
        if self.collate_fn is default_collate:
            return fetch_batch(self.dataset, task)
        return self.collate_fn(fetch(self.dataset, task))

    def stream(self) -> Iterator[Any]:
        """The batches of a stream."""
        samples = iter(self.dataset)
        if not self.batched:
            yield from map(self.collate_fn, samples)
            return
        while batch := list(islice(samples, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:  # type: ignore[operator]
                return
            yield self.collate_fn(batch)
