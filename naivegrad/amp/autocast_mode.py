"""autocast: which precision operations were asked to run in."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from naivegrad.dtype import bfloat16, dtype, float16, float64
from naivegrad.tensor import Tensor

__all__ = [
    "autocast",
    "autocast_decrement_nesting",
    "autocast_increment_nesting",
    "clear_autocast_cache",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
    "set_autocast_gpu_dtype",
]


class _Mode(threading.local):
    """The switches of one thread, by type of device."""

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtypes = {"cpu": bfloat16, "cuda": float16}
        self.caches = True
        self.depth = 0


_mode = _Mode()


def is_autocast_available(device_type: str) -> bool:
    """Whether there is an `autocast` for a type of device."""
    return device_type in _mode.dtypes


def _known(op: str, device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise TypeError(f"{op}: device_type must be a str, got {type(device_type).__name__}")
    if not is_autocast_available(device_type):
        raise ValueError(f"{op}: device_type must be one of {[*_mode.dtypes]}, got {device_type!r}")
    return device_type


class autocast:
    """A block, or a function (as a decorator), that may compute in half the precision.

    Here it does not: float32 is the fastest type of this CPU backend, and so float32 is what
    operations go on computing in. Types, results and gradients are those without autocast. What it
    was asked for can be read: `is_autocast_enabled`, `get_autocast_dtype`.

    Parameters
    ----------
    device_type : "cpu" or "cuda"       "cuda" warns and is off where there is no GPU
    dtype : bfloat16 (the CPU's default) or float16 (the GPU's); any other warns and is off
    enabled : bool
    cache_enabled : bool                would keep what was cast; by default as it is outside

    Examples
    --------
    >>> import naivegrad as ng
    >>> with ng.autocast("cpu", dtype=ng.bfloat16):
    ...     y = ng.ones(2, 3) @ ng.ones(3, 2)
    ...     print(ng.is_autocast_enabled("cpu"), y.dtype)
    True naivegrad.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device = _known("autocast", device_type)
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = _mode.caches if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda":
            warnings.warn("autocast: there is no GPU; it is off", stacklevel=2)
            enabled = False
        elif enabled and self.fast_dtype not in (bfloat16, float16):
            warnings.warn(
                f"autocast: dtype must be bfloat16 or float16, got {self.fast_dtype}; it is off",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._before: list[tuple[bool, Any, bool]] = []  # a stack: a block may enter itself again

    def __enter__(self) -> autocast:
        device = self.device
        before = (is_autocast_enabled(device), get_autocast_dtype(device), _mode.caches)
        self._before.append(before)
        _mode.enabled[device], _mode.dtypes[device] = self._enabled, self.fast_dtype
        _mode.caches = self._cache_enabled
        autocast_increment_nesting()
        return self

    def __exit__(self, *exception: object) -> None:
        autocast_decrement_nesting()
        device = self.device
        _mode.enabled[device], _mode.dtypes[device], _mode.caches = self._before.pop()

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(func):
            raise TypeError(
                f"autocast: expected a function to decorate, got {type(func).__name__}; "
                "as a block it is `with autocast(device_type):`"
            )

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return wrapper


# -------------------------------------------------------------------------------- the switches


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether autocast is on in this thread."""
    return _mode.enabled.get(_known("is_autocast_enabled", device_type), False)


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Turn autocast on or off: (device_type, enabled), or (enabled) for "cuda"."""
    if enabled is None:
        device_type, enabled = "cuda", bool(device_type)
    _mode.enabled[_known("set_autocast_enabled", device_type)] = enabled


def get_autocast_dtype(device_type: str) -> dtype:
    """The type that autocast was asked for."""
    return _mode.dtypes[_known("get_autocast_dtype", device_type)]


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Set the type that autocast is asked for."""
    _mode.dtypes[_known("set_autocast_dtype", device_type)] = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether autocast was asked to keep what it casts."""
    return _mode.caches


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Ask autocast to keep what it casts, or not."""
    _mode.caches = enabled


def clear_autocast_cache() -> None:
    """Does nothing: nothing is cast."""


def autocast_increment_nesting() -> int:
    """Count one more block; how many there are."""
    _mode.depth += 1
    return _mode.depth


def autocast_decrement_nesting() -> int:
    """Count one block less; how many there are."""
    _mode.depth -= 1
    return _mode.depth


# The older names.
is_autocast_cpu_enabled = functools.partial(is_autocast_enabled, "cpu")
set_autocast_cpu_enabled = functools.partial(set_autocast_enabled, "cpu")
get_autocast_cpu_dtype = functools.partial(get_autocast_dtype, "cpu")
set_autocast_cpu_dtype = functools.partial(set_autocast_dtype, "cpu")
get_autocast_gpu_dtype = functools.partial(get_autocast_dtype, "cuda")
set_autocast_gpu_dtype = functools.partial(set_autocast_dtype, "cuda")

# ------------------------------------------------------------------------- one's own Functions


def custom_fwd(
    fwd: Callable[..., Any] | None = None,
    *,
    device_type: str,
    cast_inputs: dtype | None = None,
) -> Callable[..., Any]:
    """Decorate the `forward` of a Function of one's own.

    With cast_inputs, where autocast is on: floating-point inputs come in that type (float64 stays),
    and autocast is off inside. What was on is noted for `custom_bwd`.
    """
    _known("custom_fwd", device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        enabled = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if not enabled or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, cast_inputs), **_cast(kwargs, cast_inputs))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorate the `backward` of a Function: it runs with autocast as the forward did."""
    _known("custom_bwd", device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return backward


def _cast(value: Any, wish: dtype) -> Any:
    """Tensors of floating point, wherever they are in value, in another type."""
    if isinstance(value, Tensor):
        return value.to(wish) if value.is_floating_point() and value.dtype is not float64 else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, wish): _cast(v, wish) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_cast(v, wish) for v in value])
    return value
