"""The main process's side of the workers: starting them, one epoch of batches, ending them.

Each worker has a channel of its own and no lock is shared, so nothing that happens to one of them
can hold up the others or the main process: a worker that dies is a channel that has ended.
"""

import contextlib
import multiprocessing
import os
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import connection
from typing import Any

from naivegrad.data import worker
from naivegrad.data.channel import Channel
from naivegrad.data.recipe import Recipe
from naivegrad.data.worker import Answer, Begin, End, Failure, Task

GRACE = 5.0  # seconds that a worker has to finish what it is doing before it is killed
LOOK = 5.0  # seconds after which a silent worker is looked after: it may have died unheard


class Worker:
    """One worker process, as the main process sees it."""

    def __init__(self, context: Any, number: int, arguments: Sequence[Any]) -> None:
        self.number = number
        self._backlog: deque[Any] = deque()  # messages that the channel had no room for
        self.channel, there = Channel.pair()
        try:
            self.process = context.Process(
                target=worker.main, args=(there, *arguments), daemon=True
            )  # fmt: skip
            self.process.start()
        except BaseException:
            self.channel.close()
            raise
        finally:
            there.close()
        self.name = f"DataLoader worker {number} (pid {self.process.pid})"

    def send(self, message: Any) -> None:
        """Send it now or, if the worker has too much to read, after one of its answers."""
        self._backlog.append(message)
        self._catch_up()

    def _catch_up(self) -> None:
        # Waiting here while the worker waits to be read would be waiting for ever.
        with contextlib.suppress(BlockingIOError, ConnectionError):  # a death is seen in receive
            while self._backlog:
                self.channel.send(self._backlog[0], wait=False)
                self._backlog.popleft()

    def receive(self) -> Any:
        """Its next answer; a RuntimeError if it has died."""
        try:
            answer = self.channel.receive()
        except EOFError:
            raise RuntimeError(self.epitaph()) from None
        self._catch_up()
        return answer

    def epitaph(self) -> str:
        """What became of it."""
        self.process.join(GRACE)
        code = self.process.exitcode
        if code is None:
            return f"{self.name} hung up, but is still running"
        if code < 0:
            return f"{self.name} was ended by signal {-code} ({signal.strsignal(-code)})"
        return f"{self.name} ended with exit code {code} before it gave its batch"


class Pool:
    """Workers that make the batches of one data set.

    Parameters
    ----------
    recipe : Recipe
        What they make.
    num_workers : int
        How many processes.
    context : multiprocessing context, or None for Python's default
    base_seed : int
        Worker w is seeded with `base_seed + w`.
    init : callable, optional
        Called with its number in each worker, before the first batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        num_workers: int,
        context: Any,
        base_seed: int,
        init: Callable[[int], Any] | None,
    ) -> None:
        if multiprocessing.current_process().daemon:
            raise RuntimeError(
                "DataLoader: a worker process cannot have workers of its own; use num_workers=0"
            )
        context = context or multiprocessing.get_context()
        self._epoch = 0
        self._workers: list[Worker] = []
        self.close = weakref.finalize(self, _end, self._workers, os.getpid())
        try:
            for number in range(num_workers):
                arguments = (recipe, number, num_workers, base_seed, init)
                self._workers.append(Worker(context, number, arguments))
        except BaseException:
            self.kill()
            raise

    @property
    def usable(self) -> bool:
        """Whether the workers are there, and this process's."""
        return self.close.alive and all(w.channel.fileno() >= 0 for w in self._workers)

    def kill(self) -> None:
        """End the workers at once."""
        if self.usable:
            for one in self._workers:
                one.process.kill()
        self.close()

    def start(
        self, tasks: Iterator[Any], ahead: int, in_order: bool, timeout: float, keep: bool
    ) -> Iterator[Any]:
        """Begin an epoch, and give its batches.

        Each worker has `ahead` tasks at a time, and gets another when it has answered one. Answers
        are taken in the order in which the tasks were given, so batches come in the order of the
        tasks, unless `in_order` is False. `keep` lets the workers live on for another epoch.
        """
        self._epoch += 1
        turns: deque[Worker] = deque()  # whose answers are awaited, in the order of the tasks
        for one in self._workers:
            one.send(Begin(self._epoch))
        for _ in range(ahead):
            for one in self._workers:
                _give(one, tasks, turns)
        return self._batches(self._epoch, tasks, turns, in_order, timeout, keep)

    def _batches(
        self,
        epoch: int,
        tasks: Iterator[Any],
        turns: deque[Worker],
        in_order: bool,
        timeout: float,
        keep: bool,
    ) -> Iterator[Any]:
        while turns:
            if epoch != self._epoch:
                raise RuntimeError(
                    "DataLoader: its persistent workers have begun another epoch; this one is over"
                )
            try:
                one = _first([turns[0]] if in_order else turns, timeout)
                answer = one.receive()
            except BaseException:  # a worker that is no more, or Ctrl-C
                self.kill()
                raise
            if answer.epoch != epoch:
                continue  # of an epoch that was left early
            turns.remove(one)
            if isinstance(answer, End):
                continue
            if isinstance(answer, Failure):
                if not keep:
                    self.close()
                raise answer.exception
            assert isinstance(answer, Answer)
            _give(one, tasks, turns)
            yield answer.batch
        if not keep:
            self.close()


def _give(one: Worker, tasks: Iterator[Any], turns: deque[Worker]) -> None:
    """One more task for a worker, if there is one."""
    for task in tasks:
        one.send(Task(task))
        turns.append(one)
        return


def _first(awaited: Iterable[Worker], timeout: float) -> Worker:
    """The first of these workers that has something to say, if only by its death."""
    of = {one.channel: one for one in awaited}
    end = time.monotonic() + timeout if timeout else float("inf")
    while True:
        left = max(0.0, end - time.monotonic())
        dead = [one for one in of.values() if not one.process.is_alive()]
        ready = connection.wait(list(of), 0 if dead else min(LOOK, left))
        if ready:
            return of[ready[0]]
        if dead:  # and somebody else holds its end of the channel open
            raise RuntimeError(dead[0].epitaph())
        if left == 0:
            names = ", ".join(one.name for one in of.values())
            raise RuntimeError(f"{names} gave no batch in {timeout} seconds")


def _end(workers: list[Worker], owner: int) -> None:
    """Let the workers finish what they are doing, then make sure that they are gone."""
    if os.getpid() != owner:
        return  # a child made by fork: these are not its processes
    for one in workers:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            one.channel.send(None, wait=False)
        one.channel.refuse()
    end = time.monotonic() + GRACE
    try:
        for one in workers:
            one.process.join(max(0.0, end - time.monotonic()))
    finally:
        for one in workers:
            one.process.kill()
            one.process.join()
            one.channel.close()
            one.process.close()
