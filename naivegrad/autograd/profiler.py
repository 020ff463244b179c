"""Where the time goes: every operation and its backward, timed while a profile is running.

Nothing is asked on the way of an operation whether it is to be timed. A profile that begins puts
timed functions in the place of `apply` and of every `backward`; the last one that ends puts the
old ones back.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns
from types import TracebackType
from typing import Any

from naivegrad.autograd.custom import Context
from naivegrad.autograd.events import Average, Event, EventList
from naivegrad.autograd.function import Function

__all__ = ["EventList", "emit_itt", "emit_nvtx", "profile", "record_function"]

# Put here by naivegrad.profiler, which stands above us: the class Tensor, and the functions that
# compute without `apply`, as (module, name, from the arguments to the operation's name).
Tensor: Any = None
shortcuts: list[tuple[Any, str, Callable[..., str]]] = []


class _Local(threading.local):
    def __init__(self) -> None:
        self.open: list[Event] = []  # the events that have begun in this thread


_local = _Local()
_lock = threading.Lock()
_running: list[profile] = []
_replaced: list[tuple[Any, str, Any]] = []  # class or module, name, what stood there


class profile:
    """Time what happens inside a `with` block, in all threads.

    Parameters
    ----------
    enabled : False records nothing
    record_shapes : keep the shapes of the inputs, for `key_averages(group_by_input_shape=True)`
    profile_memory : show the bytes of the results
    with_stack : keep the line of the program that called, for `group_by_stack_n`
    use_cuda, use_device, use_kineto, use_cpu, with_modules, experimental_config, acc_events,
        custom_trace_id_callback, post_processing_timeout_s, activity_filters : accepted, no effect

    Raises
    ------
    ValueError
        with_flops=True: operations are timed, not counted.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.ones(3, requires_grad=True)
    >>> with ng.autograd.profiler.profile() as profile:
    ...     (x * x).sum().backward()
    >>> [(event.name, event.kind) for event in profile.events()][:3]
    [('Mul', 'forward'), ('Sum', 'forward'), ('SumBackward', 'backward')]
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
        custom_trace_id_callback: Any = None,
        post_processing_timeout_s: float | None = None,
        activity_filters: Any = None,
    ) -> None:
        if with_flops:
            raise ValueError("profile: with_flops is not possible: operations are only timed")
        self.enabled = enabled
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_stack = with_stack
        self.recorded: list[Event] = []

    def __enter__(self) -> Any:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _begin(self) -> None:
        """Record from now on."""
        if not self.enabled:
            return
        with _lock:
            if self in _running:
                raise RuntimeError("profile: it is running already")
            if not _running:
                _install()
            _running.append(self)

    def _end(self) -> None:
        """Record no more."""
        with _lock:
            if self in _running:
                _running.remove(self)
                if not _running:
                    _restore()

    # ---- what was recorded ----

    def events(self) -> EventList:
        """Every event, in the order of their beginnings."""
        return EventList(
            sorted(self.recorded, key=lambda event: event.start),
            memory=self.profile_memory,
            shapes=self.record_shapes,
            sources=self.with_stack,
        )

    @property
    def function_events(self) -> EventList:
        """`events`, under another name."""
        return self.events()

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One line for each operation; see `EventList.table`."""
        if group_by_input_shape and not self.record_shapes:
            raise ValueError("key_averages: no shapes were recorded: profile(record_shapes=True)")
        if group_by_stack_n and not self.with_stack:
            raise ValueError("key_averages: no lines were recorded: profile(with_stack=True)")
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> Average:
        """All events as one line."""
        return self.events().total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The averages as text: see `EventList.table`."""
        return self.key_averages().table(sort_by, row_limit, **options)

    def export_chrome_trace(self, path: Any) -> None:
        """Write a file for chrome://tracing, Perfetto and their like."""
        self.events().export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds spent in all events."""
        return self.events().self_cpu_time_total

    def __repr__(self) -> str:
        return self.table() if self.recorded else f"<{type(self).__name__}, nothing recorded>"


class record_function:
    """Name a part of the program: a context manager, or a decorator.

    Examples
    --------
    >>> import naivegrad as ng
    >>> with ng.autograd.profiler.profile() as profile:
    ...     with ng.autograd.profiler.record_function("my part"):
    ...         x = ng.ones(3) * 2
    >>> profile.events()[0].name
    'my part'
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self.opened: list[Event | None] = []  # a stack: it may be entered inside itself

    def __enter__(self) -> record_function:
        event = _open(self.name, "user") if _running else None
        if event is not None and self.args is not None:
            event.input_shapes = [self.args]
        self.opened.append(event)
        return self

    def __exit__(self, *exception: object) -> None:
        event = self.opened.pop()
        if event is not None:
            _close(event)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return recorded


class emit_nvtx:
    """Marks for NVIDIA's profiler: there is no GPU here, so entering it is an error."""

    tool = "NVTX"

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled = enabled

    def __enter__(self) -> Any:
        if self.enabled:
            raise RuntimeError(f"{type(self).__name__}: no {self.tool} here; use profile")
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class emit_itt(emit_nvtx):
    """Marks for Intel's profiler, which is not here either."""

    tool = "ITT"


# ---- timing ----


def _open(name: str, kind: str, inputs: tuple[Any, ...] = ()) -> Event:
    """Begin an event in this thread."""
    event = Event(name, kind, 0, threading.get_ident())
    if any(p.record_shapes for p in _running):
        event.input_shapes = [list(x.array.shape) for x in inputs if isinstance(x, Tensor)]
    if any(p.with_stack for p in _running):
        event.source = _caller()
    _local.open.append(event)
    event.start = perf_counter_ns()
    return event


def _close(event: Event, memory: int = 0) -> None:
    """End it, and all that was left open inside it; hand it to every profile that is running."""
    event.end = perf_counter_ns()
    inside = _local.open
    while inside and inside.pop() is not event:
        pass
    event.self_memory = memory
    event.memory += memory
    if inside:
        inside[-1].children += event.end - event.start
        inside[-1].memory += event.memory
    for running in tuple(_running):
        running.recorded.append(event)


def _caller() -> str:
    """The line of the program that led here: the nearest that is not the library's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("naivegrad"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}({frame.f_lineno}): {frame.f_code.co_name}"


def _bytes_of(results: Any) -> int:
    """Bytes of the tensors that an operation has made."""
    results = results if isinstance(results, tuple) else (results,)
    return sum(y.array.nbytes for y in results if isinstance(y, Tensor) and y.view_of is None)


def _timed_apply(apply: Any) -> classmethod[Any, Any, Any]:
    """`apply`, as an event of the operation's name."""

    def timed(cls: type[Function], *inputs: Any, **keywords: Any) -> Any:
        return _timed_forward(cls.__name__, inputs, apply, cls, *inputs, **keywords)

    return classmethod(timed)


def _timed_shortcut(function: Any, name_of: Callable[..., str]) -> Callable[..., Any]:
    """A function that computes without `apply`, as an event of its operation's name."""

    def timed(*inputs: Any) -> Any:
        return _timed_forward(name_of(*inputs), inputs, function, *inputs)

    return timed


def _timed_forward(
    name: str, inputs: tuple[Any, ...], function: Any, *arguments: Any, **keywords: Any
) -> Any:
    event = _open(name, "forward", inputs)
    memory = 0
    try:
        results = function(*arguments, **keywords)
        memory = _bytes_of(results)
        return results
    finally:
        _close(event, memory)


def _timed_backward(backward: Any) -> staticmethod[Any, Any]:
    """`backward`, as an event of the node's name."""

    @functools.wraps(backward)
    def timed(ctx: Any, *grads: Any) -> Any:
        name = type(ctx).__name__.removesuffix("Backward")
        event = _open("AccumulateGrad" if name == "Leaf" else f"{name}Backward", "backward", grads)
        try:
            return backward(ctx, *grads)
        finally:
            _close(event)

    return staticmethod(timed)


def _classes(cls: type) -> list[type]:
    """A class and all that derive from it."""
    derived: list[type] = cls.__subclasses__()
    return list(dict.fromkeys([cls, *(c for sub in derived for c in _classes(sub))]))


def _install() -> None:
    """Put the timed functions in place."""
    for cls in _classes(Function):
        own = vars(cls)
        if "apply" in own:
            _replace(cls, "apply", _timed_apply(own["apply"].__func__))
        # The backward of a user's class is run by its node, which is timed.
        node = cls.__module__.startswith("naivegrad.") or issubclass(cls, Context)
        if "backward" in own and cls is not Function and node:
            _replace(cls, "backward", _timed_backward(own["backward"].__func__))
    for module, name, name_of in shortcuts:
        _replace(module, name, _timed_shortcut(vars(module)[name], name_of))


def _replace(owner: Any, name: str, new: Any) -> None:
    _replaced.append((owner, name, vars(owner)[name]))
    setattr(owner, name, new)


def _restore() -> None:
    """Put back what was there."""
    while _replaced:
        owner, name, old = _replaced.pop()
        setattr(owner, name, old)
