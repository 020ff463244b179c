"""Switches of PyTorch that choose between ways of computing, of which there is one here."""

from __future__ import annotations

from typing import Any

from naivegrad.storage import UntypedStorage

_PRECISIONS = ("highest", "high", "medium")
_chosen = {"precision": "highest", "deterministic": False, "warn_only": False}


def set_float32_matmul_precision(precision: str) -> None:
    """Remembered; a float32 product is always computed in float32."""
    if precision not in _PRECISIONS:
        raise ValueError(
            f"set_float32_matmul_precision: must be one of {_PRECISIONS}, got {precision!r}"
        )
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told."""
    return str(_chosen["precision"])


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered; all algorithms are deterministic."""
    _chosen.update(deterministic=bool(mode), warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told."""
    return bool(_chosen["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` was told of warnings."""
    return bool(_chosen["warn_only"])


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by levels: 0 "default", 1 "warn", 2 "error"."""
    level = {"default": 0, "warn": 1, "error": 2}.get(debug_mode, debug_mode)  # type: ignore[arg-type]
    if level not in (0, 1, 2):
        raise ValueError(f"set_deterministic_debug_mode: 0, 1 or 2 is needed, got {debug_mode!r}")
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def set_flush_denormal(mode: bool) -> bool:
    """False: tiny numbers are kept as they are, and that cannot be changed."""
    return False


def set_warn_always(b: bool) -> None:
    """Does nothing: Python's own filters say how often a warning is shown."""


def set_num_interop_threads(n: int) -> None:
    """Does nothing: operations run one after the other."""


def get_num_interop_threads() -> int:
    """1: operations run one after the other."""
    return 1


def is_storage(obj: Any) -> bool:
    """Whether it is the memory of a tensor."""
    return isinstance(obj, UntypedStorage)
