"""OpenMP: the threads of the kernels."""

from naivegrad.kernels import cpu_features


def is_available() -> bool:
    """Whether the kernels were built with it."""
    return bool(cpu_features.has_openmp())
