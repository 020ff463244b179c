"""`torch.multiprocessing`: Python's own module, and `spawn`.

A tensor that goes to another process is copied.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from typing import Any

__all__ = [*multiprocessing.__all__, "ProcessContext", "ProcessRaisedException", "spawn"]


class ProcessRaisedException(Exception):
    """A process that `spawn` started raised an exception: this one tells its traceback."""


class ProcessContext:
    """The processes that `spawn` started.

    Attributes
    ----------
    processes : list of multiprocessing.Process
    """

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self.errors = errors

    def pids(self) -> list[int]:
        """Their ids."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait until one has ended; True when all have. If one failed, the others are stopped."""
        running = [process for process in self.processes if process.exitcode is None]
        multiprocessing.connection.wait([process.sentinel for process in running], timeout)
        for i, process in enumerate(self.processes):
            if process.exitcode not in (None, 0):
                for other in self.processes:
                    other.terminate()
                    other.join()
                text = self.errors[i].get() if not self.errors[i].empty() else ""
                raise ProcessRaisedException(
                    f"spawn: process {i} ended with exit code {process.exitcode}\n{text}"
                )
        return all(process.exitcode == 0 for process in self.processes)


def _run(fn: Callable[..., Any], i: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        errors.put(traceback.format_exc())
        raise SystemExit(1) from None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Call fn(i, *args) in nprocs new processes, i from 0.

    Parameters
    ----------
    fn : a function of a module, so that it can be sent to another process
    join : wait for all; False gives the ProcessContext

    Raises
    ------
    ProcessRaisedException
        If one of them fails, with its traceback; the others are stopped.
    """
    context = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        errors.append(context.SimpleQueue())
        process = context.Process(target=_run, args=(fn, i, args, errors[i]), daemon=daemon)
        process.start()
        processes.append(process)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def get_all_sharing_strategies() -> set[str]:
    """How tensors get to another process: by a copy."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How tensors get to another process."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Does nothing: tensors are copied."""
