# The number of threads of every kernel. One process-wide setting, as in PyTorch.
# It lives in this module alone: other kernels cimport the function, so all read one variable.

cdef int _threads = 1


cdef int num_threads() noexcept nogil:
    return _threads


def get() -> int:
    """Threads that a kernel may use."""
    return _threads


def set(int n) -> None:
    """Let every kernel use up to n threads."""
    global _threads
    _threads = n if n > 1 else 1
