"""What a profile has recorded: events, their averages as a table, and a trace to look at."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Callable, Iterable
from typing import Any

# Programs name these in `sort_by`; there is no other device than the CPU.
_ABSENT = ("cuda", "device", "xpu", "privateuse1")


class Event:
    """One call of an operation, of its backward, or one block that the user has marked.

    Attributes
    ----------
    name : the operation: "Mul", "MulBackward"; or the user's name
    kind : "forward", "backward" or "user"
    start, end : in nanoseconds, of a clock that only differences mean something of
    children : nanoseconds spent in other events inside this one
    memory, self_memory : bytes of the results, with and without those of the events inside
    thread : which one ran it
    input_shapes, source : if they were asked for
    """

    __slots__ = (
        *("name", "kind", "start", "end", "children", "memory", "self_memory"),
        *("thread", "input_shapes", "source"),
    )

    def __init__(self, name: str, kind: str, start: int, thread: int) -> None:
        self.name = name
        self.kind = kind
        self.start = self.end = start
        self.children = self.memory = self.self_memory = 0
        self.thread = thread
        self.input_shapes: list[Any] = []
        self.source = ""

    @property
    def cpu_time_total(self) -> float:
        """Microseconds from its beginning to its end."""
        return (self.end - self.start) / 1e3

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, less those of the events inside."""
        return (self.end - self.start - self.children) / 1e3

    def __repr__(self) -> str:
        return f"<Event {self.name} {_time(self.cpu_time_total)}>"


class Average:
    """All events of one name taken together.

    Attributes
    ----------
    key : their name
    count : how many
    cpu_time_total, self_cpu_time_total, cpu_time : microseconds: in all, without what is inside
        them, and on average
    cpu_memory_usage, self_cpu_memory_usage : bytes of the results
    input_shapes, source : of the first of them
    """

    def __init__(self, first: Event) -> None:
        self.key = first.name
        self.kind = first.kind
        self.input_shapes = first.input_shapes
        self.source = first.source
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0

    def add(self, event: Event) -> None:
        """Take one more event in."""
        self.count += 1
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.memory
        self.self_cpu_memory_usage += event.self_memory

    @property
    def cpu_time(self) -> float:
        """Microseconds of one of them, on average."""
        return self.cpu_time_total / self.count

    def __repr__(self) -> str:
        return f"<Average {self.key}: {self.count} times {_time(self.cpu_time)}>"


class EventList(list[Any]):
    """Events, or averages of them; `print` shows a table.

    memory, shapes, sources : whether the table has these columns
    """

    def __init__(
        self,
        events: Iterable[Any] = (),
        *,
        memory: bool = False,
        shapes: bool = False,
        sources: bool = False,
    ) -> None:
        super().__init__(events)
        self.columns = {"memory": memory, "shapes": shapes, "sources": sources}

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds spent in all of them."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Events of one name as one line (and of one shape, and from one place in the program)."""
        groups: dict[Any, Average] = {}
        for event in self:
            shape = repr(event.input_shapes) if group_by_input_shape else ""
            key = event.name, event.kind, shape, event.source if group_by_stack_n else ""
            groups.setdefault(key, Average(event)).add(event)
        columns = self.columns | {"shapes": group_by_input_shape, "sources": bool(group_by_stack_n)}
        return EventList(groups.values(), **columns)

    def total_average(self) -> Average:
        """All events as one line."""
        total = Average(Event("Total", "user", 0, 0))
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The averages as text.

        Parameters
        ----------
        sort_by : "cpu_time_total", "self_cpu_time_total", "cpu_time", "cpu_memory_usage",
            "self_cpu_memory_usage" or "count": the largest first. By default, as they came.
        row_limit : how many lines, -1: all
        max_name_column_width, max_src_column_width, max_shapes_column_width : what is longer is cut
        header : a line above
        time_unit : "s", "ms" or "us"; by default, what suits each
        """
        if top_level_events_only:
            raise ValueError("table: top_level_events_only is not possible: ask events() instead")
        if time_unit not in (None, *_UNITS):
            raise ValueError(f"table: time_unit must be one of {list(_UNITS)}, got {time_unit!r}")
        rows = self.key_averages(**_grouping(self.columns)) if _are_events(self) else list(self)
        if sort_by is not None:
            rows = sorted(rows, key=_sorting(sort_by), reverse=True)
        total = sum(row.self_cpu_time_total for row in rows)
        percent = 100 / total if total else 0.0
        lines = []
        for row in rows if row_limit < 0 else rows[:row_limit]:
            cells = {
                "Name": _cut(row.key, max_name_column_width),
                "Self CPU %": f"{percent * row.self_cpu_time_total:.2f}%",
                "Self CPU": _time(row.self_cpu_time_total, time_unit),
                "CPU total %": f"{percent * row.cpu_time_total:.2f}%",
                "CPU total": _time(row.cpu_time_total, time_unit),
                "CPU time avg": _time(row.cpu_time, time_unit),
            }
            if self.columns["memory"]:
                cells["CPU Mem"] = _bytes(row.cpu_memory_usage)
                cells["Self CPU Mem"] = _bytes(row.self_cpu_memory_usage)
            cells["# of Calls"] = str(row.count)
            if self.columns["shapes"]:
                cells["Input Shapes"] = _cut(str(row.input_shapes), max_shapes_column_width)
            if self.columns["sources"]:
                cells["Source Location"] = _cut(row.source, max_src_column_width)
            lines.append(cells)
        text = _aligned(lines) if lines else "nothing was recorded"
        end = f"Self CPU time total: {_time(total, time_unit)}"
        return "\n".join([*([header] if header else []), text, end, ""])

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a file for chrome://tracing, Perfetto and their like; gzip if it ends in .gz."""
        begin = min((event.start for event in self), default=0)
        trace = [
            {
                "ph": "X",
                "cat": "user_annotation" if event.kind == "user" else "cpu_op",
                "name": event.name,
                "pid": os.getpid(),
                "tid": event.thread,
                "ts": (event.start - begin) / 1e3,
                "dur": event.cpu_time_total,
                "args": {
                    "Input Dims": event.input_shapes,
                    "Bytes": event.memory,
                    "Call stack": event.source,
                },
            }
            for event in self
        ]
        text = json.dumps({"displayTimeUnit": "ms", "traceEvents": trace})
        data = text.encode()
        with open(path, "wb") as file:
            file.write(gzip.compress(data) if str(path).endswith(".gz") else data)


_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}


def _are_events(items: EventList) -> bool:
    return bool(items) and isinstance(items[0], Event)


def _grouping(columns: dict[str, bool]) -> dict[str, Any]:
    shapes, sources = columns["shapes"], int(columns["sources"])
    return {"group_by_input_shape": shapes, "group_by_stack_n": sources}


def _sorting(name: str) -> Callable[[Average], float]:
    """What to sort by: under PyTorch's names, those of other devices too."""
    known = ("cpu_time_total", "self_cpu_time_total", "cpu_time", "cpu_memory_usage",
             "self_cpu_memory_usage", "count")  # fmt: skip
    if name in known:
        return lambda row: getattr(row, name)
    for device in _ABSENT:
        if name.replace(device, "cpu") in known:
            return lambda row: 0.0
    raise ValueError(f"table: sort_by must be one of {list(known)}, got {name!r}")


def _time(us: float, unit: str | None = None) -> str:
    if unit is None:
        unit = next((unit for unit, size in _UNITS.items() if us >= size), "us")
    return f"{us / _UNITS[unit]:.3f}{unit}"


def _bytes(n: int) -> str:
    if n < 1024:
        return f"{n} B"
    power = min(int(math.log(n, 1024)), 3)
    return f"{n / 1024**power:.2f} {('B', 'KB', 'MB', 'GB')[power]}"


def _cut(text: str, width: int) -> str:
    return text if width is None or len(text) <= width else text[: width - 3] + "..."


def _aligned(rows: list[dict[str, str]]) -> str:
    """Rows under their titles: the first column to the left, numbers to the right."""
    widths = {title: max(len(title), *(len(row[title]) for row in rows)) for title in rows[0]}
    rule = "  ".join("-" * width for width in widths.values())
    lines = [
        "  ".join(
            row[title].ljust(width) if title == "Name" else row[title].rjust(width)
            for title, width in widths.items()
        ).rstrip()
        for row in [{title: title for title in widths}, *rows]
    ]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])
