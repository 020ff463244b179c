"""`torch.multiprocessing`: Python's own module, and `spawn`.

Tensors are pickled with their values: unlike PyTorch's, one that is sent to another process is a
copy. Only the batches of a `DataLoader`'s workers travel in shared memory.
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from multiprocessing import __all__ as _all
from multiprocessing import connection
from typing import Any

__all__ = [
    *_all,
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]


class ProcessException(Exception):
    """A process did not do its work.

    Attributes
    ----------
    error_index : int
        Which one.
    pid : int
        Its process number.
    """

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.pid = pid


class ProcessRaisedException(ProcessException):
    """The function raised an exception; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """The process ended: by `exit_code`, or by the signal `signal_name`."""

    def __init__(
        self,
        msg: str,
        error_index: int,
        error_pid: int,
        exit_code: int,
        signal_name: str | None = None,
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name


class ProcessContext:
    """Processes that `spawn` started."""

    def __init__(self, processes: list[Any], tracebacks: list[Any]) -> None:
        self.processes = processes
        self._tracebacks = tracebacks  # for each the end of a pipe: empty if all went well

    def pids(self) -> list[int]:
        """Their numbers."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait until one ends; True if all have ended well.

        One that did not ends the others, and is raised as a ProcessException.
        """
        running = {process.sentinel: process for process in self.processes if process.is_alive()}
        if any(process.exitcode for process in self.processes):
            timeout = 0  # one has failed already
        for sentinel in connection.wait(list(running), timeout) if running else ():
            running.pop(sentinel).join()
        for index, process in enumerate(self.processes):
            if process.exitcode:
                self._stop()
                raise self._failure(index)
        return not running

    def _stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join()

    def _failure(self, index: int) -> ProcessException:
        process, code = self.processes[index], self.processes[index].exitcode
        try:
            text = f"spawn: process {index} raised\n\n{self._tracebacks[index].recv()}"
            return ProcessRaisedException(text, index, process.pid)
        except EOFError:
            pass
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = f"spawn: process {index} ended with {how}"
        return ProcessExitedException(text, index, process.pid, code, how if code < 0 else None)


def _run(function: Callable[..., Any], index: int, args: tuple[Any, ...], writer: Any) -> None:
    try:
        function(index, *args)
    except Exception:
        writer.send(traceback.format_exc())
        raise SystemExit(1) from None


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run `fn(i, *args)` in `nprocs` processes, i from 0.

    Parameters
    ----------
    fn, args : what to run; with "spawn", a function of a module
    nprocs : how many processes
    join : wait for all; otherwise a ProcessContext to wait for them with is returned
    daemon : whether they end with this process
    start_method : "spawn", "fork" or "forkserver"

    Raises
    ------
    ProcessRaisedException, ProcessExitedException
        If one raises, or ends in another way; the others are ended.
    """
    context = _multiprocessing.get_context(start_method)
    processes, tracebacks = [], []
    for index in range(nprocs):
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, index, args, writer), daemon=daemon)
        process.start()
        writer.close()
        processes.append(process)
        tracebacks.append(reader)
    started = ProcessContext(processes, tracebacks)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """`start_processes`, under the name that is used most."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """How tensors get to another process: by a copy."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How tensors get to another process."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Does nothing: tensors are copied."""
