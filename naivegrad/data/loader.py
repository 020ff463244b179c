"""DataLoader: batches of a data set, in order or shuffled, resumable in the middle of an epoch."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from multiprocessing.context import BaseContext
from typing import Any

from naivegrad.data.collate import default_collate, default_convert
from naivegrad.data.dataset import IterableDataset
from naivegrad.data.pool import Pool
from naivegrad.data.recipe import Recipe
from naivegrad.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from naivegrad.random import Generator, default_generator

# What other attributes were made from.
_FIXED = {"batch_sampler", "batch_size", "dataset", "drop_last", "persistent_workers", "sampler"}


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
        How many processes make the batches; 0: the calling process does. Which samples come in
        which order does not depend on it.
    collate_fn : callable, optional
        Makes a batch from a list of samples. By default the data set's `__getbatch__`, or
        `default_collate`; of single samples, `default_convert`.
    pin_memory : bool
        Without effect on the CPU; so is `pin_memory_device`.
    drop_last : bool
        True leaves out a last batch that is not full; of a stream, each worker's.
    timeout : float
        Seconds to wait for a batch of a worker; 0 waits as long as it lives.
    worker_init_fn : callable, optional
        Called in each worker with its number, after it was seeded and before its first batch.
    multiprocessing_context : str or multiprocessing context, optional
        How workers are started: "fork", "spawn" or "forkserver"; Python's default if None. All but
        "fork" pickle the data set and the functions.
    generator : Generator, optional
        Where the random order and the workers' seeds come from. None forks the default generator
        at the start of each epoch, so that `manual_seed` decides all that follows.
    prefetch_factor : int, optional
        How many batches each worker makes ahead; 2 if None.
    persistent_workers : bool
        True keeps the workers for the next epoch, and with them what their data sets hold.
    in_order : bool
        False gives batches as they are ready, not in the order of the sampler.

    Raises
    ------
    RuntimeError
        While iterating, if a worker dies or gives nothing in `timeout` seconds; the message names
        it and its exit code. What the data set raises in a worker is raised here with its type,
        and a note with the worker's traceback. Either ends the epoch.

    Notes
    -----
    Each worker has a copy of the data set, computes with one thread, and gets random numbers of its
    own: naivegrad's, Python's and NumPy's. A stream (`IterableDataset`) is read whole by every
    worker unless it asks `get_worker_info` for its share. Batches of workers lie in shared memory
    and are used without a copy.

    `state_dict` says how far the current epoch is, and `load_state_dict` lets the next `iter()` go
    on from there: the same samples in the same order, whatever the number of workers, the first
    ones skipped without being read. Only random numbers that the data set draws are not the same.

    Examples
    --------
    >>> loader = DataLoader(list(range(5)), batch_size=2)
    >>> [batch.tolist() for batch in loader]
    [[0, 1], [2, 3], [4]]
    >>> [batch.tolist() for batch in DataLoader(list(range(5)), batch_size=2, num_workers=2)]
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
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(
                f"DataLoader: num_workers must be an int, not negative, got {num_workers!r}"
            )
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout must not be negative, got {timeout}")
        if num_workers == 0:
            for name, value in (("prefetch_factor", prefetch_factor is not None),
                                ("persistent_workers", persistent_workers),
                                ("multiprocessing_context", multiprocessing_context)):  # fmt: skip
                if value:
                    raise ValueError(f"DataLoader: {name} needs num_workers above 0")
        elif prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor < 1:
            raise ValueError(f"DataLoader: prefetch_factor must be positive, got {prefetch_factor}")
        if not (_is_read(dataset) or hasattr(dataset, "__getbatch__")):
            raise TypeError(
                f"DataLoader: dataset must be a Dataset or a sequence, got {type(dataset).__name__}"
            )
        for name, order in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if order is not None and not _is_read(order):
                raise TypeError(f"DataLoader: {name} must be iterable, got {order!r}")
        for name, function in (("collate_fn", collate_fn), ("worker_init_fn", worker_init_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"DataLoader: {name} must be a function, got {function!r}")
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

        if collate_fn is None:
            one_by_one = batch_size is None and batch_sampler is None
            collate_fn = default_convert if one_by_one else default_collate

        self.dataset = dataset
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = _context(multiprocessing_context)
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
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
        self._pool: Pool | None = None  # the workers, if they are persistent

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "_pool" in self.__dict__:
            raise ValueError(f"DataLoader: {name} cannot be changed any more; make another loader")
        super().__setattr__(name, value)

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
        elif self._seeds_itself:
            self.generator.set_state(default_generator.fork().get_state())
        self._epoch_start = self.generator.get_state()
        self._given = skip
        base_seed = self.generator.fork().initial_seed() >> 1  # drawn even if there are no workers
        recipe = Recipe(
            self.dataset,
            self.collate_fn,
            self.batch_size is not None or self.batch_sampler is not None,
            self.batch_size,
            self.drop_last,
        )
        if recipe.streams:  # what to skip has to be read
            return self._count(islice(self._batches(recipe, repeat(None), base_seed), skip, None))
        order: Any = self.sampler if self.batch_sampler is None else self.batch_sampler
        return self._count(self._batches(recipe, islice(iter(order), skip, None), base_seed))

    def _batches(self, recipe: Recipe, tasks: Iterator[Any], base_seed: int) -> Iterator[Any]:
        """The batch of each task, made here or by workers."""
        if self.num_workers == 0:
            return recipe.stream() if recipe.streams else (recipe.read(task) for task in tasks)
        pool = self._pool
        if pool is None or not pool.usable:
            pool = Pool(recipe, self.num_workers, self.multiprocessing_context, base_seed,
                        self.worker_init_fn)  # fmt: skip
        keep = self.persistent_workers
        self._pool = pool if keep else None
        return pool.start(tasks, self.prefetch_factor or 1, self.in_order, self.timeout, keep)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: the generator's state at the epoch's start, and the batches given.

        Between two epochs that is the state the next one will start with, and 0. Batches that
        workers have made ahead do not count.
        """
        if self._given and self.num_workers and not self.in_order:
            raise RuntimeError(
                "DataLoader.state_dict: with in_order=False the batches given are not the first "
                "ones, so the rest of the epoch cannot be told"
            )
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


def _is_read(thing: Any) -> bool:
    """Whether it can be read by index or one after the other."""
    return any(hasattr(thing, name) for name in ("__getitem__", "__getitems__", "__iter__"))


def _context(wish: Any) -> BaseContext | None:
    """A way to start processes, by name or as it is."""
    if isinstance(wish, str):
        if wish not in (methods := multiprocessing.get_all_start_methods()):
            raise ValueError(
                f"DataLoader: multiprocessing_context is one of {methods}, not {wish!r}"
            )
        return multiprocessing.get_context(wish)
    if wish is not None and not isinstance(wish, BaseContext):
        raise TypeError(
            "DataLoader: multiprocessing_context is a name or a multiprocessing context, got "
            f"{type(wish).__name__}"
        )
    return wish
