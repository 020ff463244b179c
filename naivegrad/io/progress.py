"""A live progress line: rich where it is installed, a plain line otherwise, silence in a file."""

import shutil
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

PERIOD = 0.1  # seconds between two redraws


class Progress:
    """Shows how far a piece of work is, while it runs, on standard error.

    On a terminal this is one live line: title, bar, whatever numbers `advance` was told, the speed
    and the time left; it vanishes at the end. Nothing is printed to a file or a pipe.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        Units of work; None where that is not known.
    unit : str
        Name of a unit, for the speed: "samples" gives "samples/s". "B" counts in MB.
    start : int
        Units done before, by an earlier run.
    file : text stream, optional
        Standard error by default.

    Examples
    --------
    >>> with Progress("counting", total=3) as progress:
    ...     for _ in range(3):
    ...         progress.advance(1, loss=0.5)
    """

    def __init__(
        self,
        title: str,
        total: int | None,
        unit: str = "samples",
        start: int = 0,
        file: TextIO | None = None,
    ) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = self._start = start
        self._file = sys.stderr if file is None else file
        self._notes: dict[str, float] = {}
        self._began = self._drawn = time.perf_counter()
        self._view: Any = None

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self._drawn = 0.0
        if self._file.isatty():
            self._view = _rich_view(self) or _PlainView(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._view is not None:
            self._view.draw(self)
            self._view.close()

    def advance(self, units: int, **notes: float) -> None:
        """Count `units` more as done, and show the numbers in `notes`."""
        self.done += units
        self._notes.update(notes)
        now = time.perf_counter()
        if self._view is not None and now - self._drawn >= PERIOD:
            self._drawn = now
            self._view.draw(self)

    @property
    def speed(self) -> float:
        """Units a second, over this run."""
        return (self.done - self._start) / max(time.perf_counter() - self._began, 1e-9)

    def summary(self) -> str:
        """The numbers beside the bar: `loss 0.1  accuracy 96.10%  8,000 samples/s  0:12 left`."""
        parts = [note(name, value) for name, value in self._notes.items()]
        speed = self.speed
        if self.unit == "B":
            parts.append(f"{self.done / 1e6:.1f} MB  {speed / 1e6:.1f} MB/s")
        else:
            parts.append(f"{speed:,.0f} {self.unit}/s")
        if self.total is not None and speed > 0:
            parts.append(f"{clock((self.total - self.done) / speed)} left")
        return "  ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as 0:07 or 1:02:03.

    >>> clock(7), clock(3723)
    ('0:07', '1:02:03')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def note(name: str, value: float) -> str:
    """A figure as text: `loss 0.1234`, `accuracy 96.10%`."""
    return f"{name} {value:.2%}" if name == "accuracy" else f"{name} {value:.4f}"


class _PlainView:
    """One line, redrawn by a carriage return."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def draw(self, progress: Progress) -> None:
        bar = ""
        if progress.total:
            filled = 20 * progress.done // progress.total
            bar = f"[{'#' * filled}{'.' * (20 - filled)}] {progress.done / progress.total:4.0%}  "
        width = shutil.get_terminal_size().columns - 1
        line = f"{progress.title}  {bar}{progress.summary()}"
        self._file.write("\r" + line[:width].ljust(width))
        self._file.flush()

    def close(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._file.write("\r" + " " * width + "\r")
        self._file.flush()


class _RichView:
    """The same content, drawn by rich."""

    def __init__(self, progress: Progress, rich_progress: Any, console: Any) -> None:
        columns = (
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(bar_width=30),
            rich_progress.TaskProgressColumn(),
            rich_progress.TextColumn("{task.fields[summary]}"),
        )
        self._progress = rich_progress.Progress(
            *columns, console=console, auto_refresh=False, transient=True
        )
        self._progress.start()
        self._task = self._progress.add_task(progress.title, total=progress.total, summary="")

    def draw(self, progress: Progress) -> None:
        self._progress.update(
            self._task, completed=progress.done, summary=progress.summary(), refresh=True
        )

    def close(self) -> None:
        self._progress.stop()


def _rich_view(progress: Progress) -> _RichView | None:
    try:
        from rich import progress as rich_progress
        from rich.console import Console
    except ImportError:
        return None
    return _RichView(progress, rich_progress, Console(file=progress._file))
