"""How many threads the kernels and the BLAS may use: one setting for the process."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np

from naivegrad.kernels import cpu_features, threads


def get_num_threads() -> int:
    """How many threads an operation may use."""
    return threads.get()


def set_num_threads(n: int) -> None:
    """Let every operation use up to n threads, NumPy's BLAS too.

    The kernels give the same bits for every n. The BLAS, which multiplies narrow matrices, cuts a
    product differently for another number of threads: the last bits are the same for the same n.
    In a process made by fork, the kernels always use 1.
    """
    if n < 1:
        raise ValueError(f"set_num_threads: at least 1 thread is needed, got {n}")
    threads.set(n if cpu_features.has_openmp() and not _forked else 1)
    if _set_blas is not None:
        _set_blas(n)


def get_blas_threads() -> int | None:
    """How many threads NumPy's BLAS uses; None if it is not an OpenBLAS."""
    return None if _get_blas is None else int(_get_blas())


def _blas_function(name: str) -> Any:
    """The function `name` of the OpenBLAS that NumPy is linked with, under any of its prefixes."""
    try:
        # Looked up in NumPy's own module, which also searches the libraries that it is linked with.
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
        function = getattr(library, f"{prefix}openblas_{name}{suffix}", None)
        if function is not None:
            return function
    return None


def _initial() -> int:
    """OMP_NUM_THREADS, if it is a number; else the processors that this process may use."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _after_fork() -> None:
    """GCC's OpenMP would wait for ever for the threads that it had before the fork."""
    global _forked
    _forked = True
    threads.set(1)


_forked = False
os.register_at_fork(after_in_child=_after_fork)

# At the start the BLAS follows the environment: OPENBLAS_NUM_THREADS, for instance.
_set_blas = None
set_num_threads(_initial())
_set_blas = _blas_function("set_num_threads")
_get_blas = _blas_function("get_num_threads")
