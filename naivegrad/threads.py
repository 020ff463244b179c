"""How many threads the kernels and the BLAS may use: one setting for the process."""

from __future__ import annotations

import os

from naivegrad.kernels import cpu_features, threads


def get_num_threads() -> int:
    """How many threads an operation may use."""
    return threads.get()


def set_num_threads(n: int) -> None:
    """Let every operation use up to n threads. Results are the same bits for every n."""
    if n < 1:
        raise ValueError(f"set_num_threads: at least 1 thread is needed, got {n}")
    threads.set(n if cpu_features.has_openmp() else 1)


def _initial() -> int:
    """OMP_NUM_THREADS, if it is a number; else the processors that this process may use."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


set_num_threads(_initial())
