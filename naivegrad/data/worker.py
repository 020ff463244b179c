"""What a worker process does: gets tasks, sends batches.

Each task is answered by exactly one message: a batch, the end of its stream, or a failure.
"""

import contextlib
import os
import pickle
import random
import select
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from naivegrad.data.channel import Channel
from naivegrad.data.recipe import Recipe
from naivegrad.random import manual_seed
from naivegrad.threads import set_num_threads


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process is told about itself.

    Attributes
    ----------
    id : int
        Its number, from 0.
    num_workers : int
        How many there are.
    seed : int
        What naivegrad's and Python's random numbers were seeded with here: another number in each
        worker and each epoch.
    dataset : Dataset
        The copy of the data set in this process.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a DataLoader this process is; None in the main process.

    An `IterableDataset` asks in `__iter__`, to give only its share of the samples: every worker
    has a copy of the data set.

    Examples
    --------
    >>> import naivegrad as ng
    >>> class Numbers(ng.data.IterableDataset):
    ...     def __iter__(self):
    ...         info = ng.data.get_worker_info()
    ...         return iter(range(10) if info is None else range(info.id, 10, info.num_workers))
    >>> sorted(n.item() for n in ng.data.DataLoader(Numbers(), num_workers=2))
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    return _info


@dataclass(frozen=True)
class Begin:
    """To a worker: a new epoch, in which a stream starts over."""

    epoch: int


@dataclass(frozen=True)
class Task:
    """To a worker: indices, or one index, to read; of a stream, None."""

    what: Any


@dataclass(frozen=True)
class Answer:
    """From a worker, for one task: a batch."""

    epoch: int
    batch: Any


@dataclass(frozen=True)
class End:
    """From a worker, for one task: its stream has nothing more."""

    epoch: int


@dataclass(frozen=True)
class Failure:
    """From a worker, for one task: what was raised instead."""

    epoch: int
    exception: BaseException

    @classmethod
    def of(cls, epoch: int, exception: Exception) -> "Failure":
        """The exception, ready to travel, with a note of where it was raised."""
        place = f"in DataLoader worker {_info.id} (pid {os.getpid()})" if _info else ""
        trace = "".join(traceback.format_exception(exception))
        try:
            copy = pickle.loads(pickle.dumps(exception))
            if type(copy) is not type(exception):
                raise TypeError("its pickle holds another type")
        except Exception:  # a class of a function, an __init__ with arguments of its own, ...
            copy = RuntimeError(f"{type(exception).__name__} {place}: {exception}")
        copy.add_note(f"raised {place}:\n{trace}")
        return cls(epoch, copy)


def main(
    channel: Channel,
    recipe: Recipe,
    worker: int,
    num_workers: int,
    base_seed: int,
    init: Callable[[int], Any] | None,
) -> None:
    """The life of a worker process."""
    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the main process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # after a fork there may be a handler of its
    threading.Thread(target=_leave_with, args=(channel,), daemon=True).start()
    set_num_threads(1)
    _info = WorkerInfo(worker, num_workers, base_seed + worker, recipe.dataset)
    _seed(base_seed, worker)
    failed = None
    if init is not None:
        try:
            init(worker)
        except Exception as exception:
            failed = exception
    with contextlib.suppress(EOFError, ConnectionError):  # nobody wants more
        _serve(channel, recipe, failed)


def _leave_with(channel: Channel) -> None:
    """End this process when the other end of the channel is closed: the main process is gone."""
    hung_up = select.poll()
    hung_up.register(channel, 0)
    hung_up.poll()
    os._exit(1)


def _seed(base_seed: int, worker: int) -> None:
    """Random numbers of this worker's own, in all three places."""
    manual_seed(base_seed + worker)
    random.seed(base_seed + worker)
    np.random.seed(numpy_seed(base_seed, worker))  # noqa: NPY002


def numpy_seed(base_seed: int, worker: int) -> np.ndarray:
    """What PyTorch seeds NumPy with: far from the seed of Python, which has the same generator."""
    words = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return np.random.SeedSequence(words).generate_state(4)


def _serve(channel: Channel, recipe: Recipe, failed: Exception | None) -> None:
    epoch, stream = 0, iter(())
    while (message := channel.receive()) is not None:
        if isinstance(message, Begin):
            epoch = message.epoch
            stream = recipe.stream() if recipe.streams else iter(())
            continue
        answer: Answer | End | Failure
        try:
            if failed is not None:
                raise failed
            if recipe.streams:
                batch = next(stream, end := End(epoch))
                answer = end if batch is end else Answer(epoch, batch)
            else:
                answer = Answer(epoch, recipe.read(message.what))
        except Exception as exception:
            answer = Failure.of(epoch, exception)
        try:
            channel.send(answer)
        except ConnectionError:
            raise
        except Exception as exception:  # the batch cannot be pickled
            channel.send(Failure.of(epoch, exception))
