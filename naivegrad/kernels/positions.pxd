# What indexing loops ask before they read or write: whether positions are in range, whether arrays
# share memory, how much lies before and behind an axis.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int64_t, uint64_t

from naivegrad.kernels.threads cimport num_threads

cdef enum:
    MANY = 131072        # positions worth a parallel region


cdef inline uint64_t stray(const int64_t* index, Py_ssize_t first, Py_ssize_t last,
                           uint64_t low, uint64_t high) noexcept nogil:
    # The sign bit is set if index - low or high - index is negative for any; this vectorises.
    cdef uint64_t bits = 0
    cdef Py_ssize_t i
    for i in range(first, last):
        bits |= (<uint64_t>index[i] - low) | (high - <uint64_t>index[i])
    return bits


cdef inline bint outside(const int64_t* index, Py_ssize_t size, int64_t low,
                         int64_t stop) noexcept nogil:
    """Whether any position is not in [low, stop)."""
    cdef int part, threads = num_threads()
    cdef uint64_t bits = 0
    if size == 0:
        return False
    if stop <= low:
        return True
    if threads > 1 and size >= MANY:
        for part in prange(threads, num_threads=threads, schedule="static"):
            bits |= stray(index, size * part // threads, size * (part + 1) // threads,
                          <uint64_t>low, <uint64_t>(stop - 1))
    else:
        bits = stray(index, 0, size, <uint64_t>low, <uint64_t>(stop - 1))
    return bits >> 63 != 0


cdef inline bint apart(cnp.ndarray x, cnp.ndarray y) noexcept:
    """Whether two contiguous arrays share no memory."""
    cdef const char* a = <const char*>cnp.PyArray_DATA(x)
    cdef const char* b = <const char*>cnp.PyArray_DATA(y)
    return a + cnp.PyArray_NBYTES(x) <= b or b + cnp.PyArray_NBYTES(y) <= a


cdef inline Py_ssize_t before(cnp.ndarray x, Py_ssize_t axis) noexcept:
    """The product of the dimensions before an axis."""
    cdef Py_ssize_t i, outer = 1
    for i in range(axis):
        outer *= cnp.PyArray_DIM(x, <int>i)
    return outer


cdef inline Py_ssize_t behind(cnp.ndarray x, Py_ssize_t axis) noexcept:
    """The product of the dimensions behind it."""
    cdef Py_ssize_t i, inner = 1
    for i in range(axis + 1, cnp.PyArray_NDIM(x)):
        inner *= cnp.PyArray_DIM(x, <int>i)
    return inner
