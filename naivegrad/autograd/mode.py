"""Whether operations are recorded: one switch per thread."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _GradMode(threading.local):
    """`enabled` starts as True in every thread."""

    enabled = True


grad_mode = _GradMode()


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require gradients are recorded in this thread."""
    return grad_mode.enabled


class _Switch:
    """Set the mode on entry, restore what was there on exit. Works as a decorator too."""

    def __init__(self, enabled: bool) -> None:
        self.target = enabled
        self.before: list[bool] = []  # a stack: one object may be entered again inside itself

    def __enter__(self) -> None:
        self.before.append(grad_mode.enabled)
        grad_mode.enabled = self.target

    def __exit__(self, *exception: object) -> None:
        grad_mode.enabled = self.before.pop()

    def __call__(self, function: F) -> F:
        target = self.target
        if inspect.isgeneratorfunction(function):
            return _wrap_generator(function, target)  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _Switch(target):
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


def _wrap_generator(function: Callable[..., Any], target: bool) -> Callable[..., Any]:
    """The mode holds while the generator runs, and not while it is suspended."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, value = generator.send, None
        while True:
            try:
                with _Switch(target):
                    item = resume(value)
            except StopIteration as stop:
                return stop.value
            try:
                resume, value = generator.send, (yield item)
            except GeneratorExit:
                with _Switch(target):
                    generator.close()
                raise
            except BaseException as error:
                resume, value = generator.throw, error

    return wrapped


class no_grad(_Switch):
    """Do not record: results inside do not require gradients.

    A context manager (``with no_grad():``) and a decorator (``@no_grad()`` or ``@no_grad``).
    The mode before is restored on exit, also after an exception; each thread has its own.

    Examples
    --------
    >>> import naivegrad as ng
    >>> x = ng.ones(2, requires_grad=True)
    >>> with ng.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    _enabled = False

    def __new__(cls, function: Any = None) -> Any:
        switch = object.__new__(cls)
        if function is None:
            return switch
        _Switch.__init__(switch, cls._enabled)
        return switch(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(self._enabled)


class enable_grad(no_grad):
    """Record, also inside `no_grad`. A context manager and a decorator."""

    _enabled = True


class set_grad_enabled(_Switch):
    """Set the mode at once; as a context manager, restore the mode before on exit."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self.before.append(grad_mode.enabled)
        grad_mode.enabled = self.target

    def __enter__(self) -> None:
        grad_mode.enabled = self.target

    def __call__(self, function: F) -> F:
        grad_mode.enabled = self.before.pop()
        return super().__call__(function)


class inference_mode(no_grad):
    """`no_grad` under the name for code that only predicts; mode=False is `enable_grad`.

    Tensors made inside are ordinary ones, and may be used in a graph later.
    """

    _enabled = False

    def __new__(cls, mode: Any = True) -> Any:
        return object.__new__(cls) if isinstance(mode, bool) else super().__new__(cls, mode)

    def __init__(self, mode: bool = True) -> None:
        _Switch.__init__(self, not mode)
