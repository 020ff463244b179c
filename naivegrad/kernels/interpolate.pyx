# Resampling of one axis: y[o, i, :] = sum_t weights[i, t] * x[o, first[i] + t, :].
#
# Design: every kind of interpolation, and the transpose of each, is such a banded product for each
# axis (backend/resampling.py makes the tables). An axis before the last runs along contiguous rows,
# which vectorise; on the last axis each output is a short dot product. Threads share out rows; the
# terms of an output are added in the order of the inputs.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.string cimport memset

from naivegrad.kernels.rows cimport real
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 16384          # outputs below which a parallel region costs more than it saves


cdef inline void blend_rows(
    const real* x, real* y, const real* weight, Py_ssize_t count, Py_ssize_t inner
) noexcept nogil:
    """y = a weighted sum of `count` contiguous rows."""
    cdef Py_ssize_t t, j
    cdef real w
    if count == 0:
        memset(y, 0, inner * sizeof(real))
        return
    w = weight[0]
    if count == 1:
        for j in range(inner):
            y[j] = w * x[j]
        return
    for j in range(inner):
        y[j] = w * x[j] + weight[1] * x[inner + j]
    for t in range(2, count):
        w = weight[t]
        for j in range(inner):
            y[j] += w * x[t * inner + j]


cdef inline void blend_row(
    const real* x, real* y, const Py_ssize_t* first, const Py_ssize_t* count, const real* weight,
    Py_ssize_t out, Py_ssize_t taps,
) noexcept nogil:
    """One row of the last axis."""
    cdef Py_ssize_t i, t
    cdef real total
    if taps == 1:                        # nearest: a choice, and 0 in an output of nothing
        for i in range(out):
            y[i] = weight[i] * x[first[i]] if count[i] else 0
        return
    for i in range(out):
        total = 0
        for t in range(count[i]):
            total += weight[i * taps + t] * x[first[i] + t]
        y[i] = total


cdef void run(
    const real* x, real* y, const Py_ssize_t* first, const Py_ssize_t* count, const real* weight,
    Py_ssize_t outer, Py_ssize_t size, Py_ssize_t out, Py_ssize_t inner, Py_ssize_t taps,
) noexcept nogil:
    cdef Py_ssize_t k, i
    cdef int threads = num_threads() if outer * out * inner >= GRAIN else 1
    if inner == 1 and threads > 1:
        for k in prange(outer, num_threads=threads, schedule="static"):
            blend_row(x + k * size, y + k * out, first, count, weight, out, taps)
    elif inner == 1:
        for k in range(outer):
            blend_row(x + k * size, y + k * out, first, count, weight, out, taps)
    elif threads > 1:
        for k in prange(outer * out, num_threads=threads, schedule="static"):
            i = k % out
            blend_rows(x + (k // out * size + first[i]) * inner, y + k * inner, weight + i * taps,
                       count[i], inner)
    else:
        for k in range(outer * out):
            i = k % out
            blend_rows(x + (k // out * size + first[i]) * inner, y + k * inner, weight + i * taps,
                       count[i], inner)


def resample(
    cnp.ndarray x, cnp.ndarray y, cnp.ndarray first, cnp.ndarray count, cnp.ndarray weights,
    int axis,
):
    """Fill y, of the shape of x but for one axis. All are contiguous; x, y, weights of one type."""
    cdef Py_ssize_t outer = 1, inner = 1
    cdef Py_ssize_t size = cnp.PyArray_DIM(x, axis), out = cnp.PyArray_DIM(y, axis)
    cdef Py_ssize_t taps = cnp.PyArray_DIM(weights, 1)
    cdef void* xd = cnp.PyArray_DATA(x)
    cdef void* yd = cnp.PyArray_DATA(y)
    cdef void* wd = cnp.PyArray_DATA(weights)
    cdef Py_ssize_t* fd = <Py_ssize_t*> cnp.PyArray_DATA(first)
    cdef Py_ssize_t* cd = <Py_ssize_t*> cnp.PyArray_DATA(count)
    cdef int i
    for i in range(axis):
        outer *= cnp.PyArray_DIM(x, i)
    for i in range(axis + 1, cnp.PyArray_NDIM(x)):
        inner *= cnp.PyArray_DIM(x, i)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            run(<const float*> xd, <float*> yd, fd, cd, <const float*> wd, outer, size, out, inner,
                taps)
    else:
        with nogil:
            run(<const double*> xd, <double*> yd, fd, cd, <const double*> wd, outer, size, out,
                inner, taps)
