"""Profiles over the steps of a program, under the names of `torch.profiler`."""

from __future__ import annotations

import enum
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from naivegrad.autograd import profiler as _recording
from naivegrad.autograd.profiler import record_function
from naivegrad.methods import operators
from naivegrad.missing import lookup as _lookup
from naivegrad.ops import extreme
from naivegrad.tensor import Tensor

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]

_recording.Tensor = Tensor
_recording.shortcuts += [
    (operators, "_compute", lambda op, *_: op.capitalize()),
    (extreme, "_plain", lambda *_: "Extremum"),
]


class ProfilerActivity(enum.Enum):
    """What a program may ask to be timed; there is the CPU."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What a profile does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3
    DEVICE_STOPPED = 4  # never here


RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be timed."""
    return {ProfilerActivity.CPU}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """When to record: cycles of `wait` idle steps, `warmup` steps thrown away, `active` recorded.

    Parameters
    ----------
    repeat : how many cycles; 0: without end
    skip_first : idle steps before the first cycle
    skip_first_wait : not 0: the first cycle does not wait

    Examples
    --------
    >>> import naivegrad as ng
    >>> when = ng.profiler.schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [when(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ValueError(
            f"schedule: expects wait, warmup, repeat, skip_first >= 0 and active >= 1, got "
            f"{wait}, {warmup}, {repeat}, {skip_first} and {active}"
        )
    if warmup == 0:
        warnings.warn("schedule: without a warmup the first steps look slow", stacklevel=2)
    length = wait + warmup + active

    def when(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        step += (wait if skip_first_wait else 0) - skip_first
        if repeat and step >= repeat * length:
            return ProfilerAction.NONE
        at = step % length
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return when


def _always(step: int) -> ProfilerAction:
    return ProfilerAction.RECORD


class profile(_recording.profile):
    """Time what happens inside a `with` block, or in chosen steps of it.

    Parameters
    ----------
    activities : what to time: nothing but ProfilerActivity.CPU is here
    schedule : from the number of the step to a ProfilerAction: see `schedule`. Without one,
        everything is recorded
    on_trace_ready : called with the profile at the end of every recording
    record_shapes, profile_memory, with_stack : see `autograd.profiler.profile`
    with_modules, experimental_config, execution_trace_observer, acc_events, use_cuda,
        custom_trace_id_callback, post_processing_timeout_s : accepted, no effect

    Examples
    --------
    >>> import naivegrad as ng
    >>> with ng.profile() as p:
    ...     x = ng.ones(3).exp()
    >>> print(p.key_averages().table(sort_by="self_cpu_time_total", row_limit=10))  # doctest: +SKIP
    >>> p.key_averages()[0].key, p.key_averages()[0].count
    ('Exp', 1)
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Any = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        kinds = {ProfilerActivity.CPU} if activities is None else set(activities)
        if not kinds <= set(ProfilerActivity):
            raise TypeError(f"profile: activities must be ProfilerActivity.CPU, ..., got {kinds}")
        super().__init__(
            ProfilerActivity.CPU in kinds,
            record_shapes=record_shapes,
            profile_memory=profile_memory,
            with_stack=with_stack,
            with_flops=with_flops,
        )
        self.schedule = schedule or _always
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self.action = ProfilerAction.NONE
        self._step: record_function | None = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with step `step_num`."""
        self.action = self.schedule(self.step_num)
        if self.action in RECORDING:
            self.recorded = []
            self._begin()
        self._name_step()

    def step(self) -> None:
        """The step is over: record the next one, or not, as the schedule says."""
        self._end_step()
        before, self.step_num = self.action, self.step_num + 1
        self.action = self.schedule(self.step_num)
        if before in RECORDING and (
            before is ProfilerAction.RECORD_AND_SAVE or self.action not in RECORDING
        ):
            self._save()
            before = ProfilerAction.NONE
        if self.action in RECORDING and before not in RECORDING:
            self.recorded = []
            self._begin()
        self._name_step()

    def stop(self) -> None:
        """Record no more."""
        self._end_step()
        if self.action in RECORDING:
            self._save()
        self.action = ProfilerAction.NONE

    def _save(self) -> None:
        self._end()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _name_step(self) -> None:
        """With a schedule, a step is an event."""
        if self.schedule is not _always and self.action in RECORDING:
            self._step = record_function(f"ProfilerStep#{self.step_num}").__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__()
            self._step = None


def tensorboard_trace_handler(
    dir_name: str | os.PathLike[str], worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For `on_trace_ready`: write each recording to a folder, as TensorBoard reads it."""
    worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"

    def write(recorded: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        end = ".pt.trace.json.gz" if use_gzip else ".pt.trace.json"
        recorded.export_chrome_trace(folder / f"{worker}.{time.time_ns()}{end}")

    return write


__getattr__ = _lookup(__name__)
