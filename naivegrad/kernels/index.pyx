# Reading and writing dense arrays by position: lines along an axis, blocks, masks.
#
# Design:
#   - backend/cpu brings everything to (outer, n, inner), C-contiguous, with an int64 index whose
#     values are known to lie in [0, n).
#   - What only moves values (gather, take) works on bytes and serves every type; what adds or
#     chooses is for float32 and float64.
#   - Repeated positions add up in the order of the index. Threads share out lines that do not meet,
#     so the bits do not depend on how many there are.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t
from libc.string cimport memcpy

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

ctypedef fused word:
    int8_t
    int16_t
    int32_t
    int64_t

cdef enum:
    GRAIN = 32768        # values below which a parallel region costs more than it saves


cdef void gather_lines(const word* x, const int64_t* index, word* out, Py_ssize_t first,
                       Py_ssize_t last, Py_ssize_t n, Py_ssize_t m,
                       Py_ssize_t inner) noexcept nogil:
    """out[o, k, i] = x[o, index[o, k, i], i] for o in [first, last)."""
    cdef Py_ssize_t o, k, i, at
    for o in range(first, last):
        for k in range(m):
            at = (o * m + k) * inner
            for i in range(inner):
                out[at + i] = x[(o * n + index[at + i]) * inner + i]


cdef void gather_all(const word* x, const int64_t* index, word* out, Py_ssize_t outer, Py_ssize_t n,
                     Py_ssize_t m, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and outer >= threads and outer * m * inner >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            gather_lines(x, index, out, outer * part // threads, outer * (part + 1) // threads, n,
                         m, inner)
    else:
        gather_lines(x, index, out, 0, outer, n, m, inner)


def gather(cnp.ndarray x, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
           Py_ssize_t m, Py_ssize_t inner):
    """out[o, k, i] = x[o, index[o, k, i], i]: x (outer, n, inner), index and out (outer, m, inner).
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef int item = cnp.PyArray_ITEMSIZE(x)
    with nogil:
        if item == 8:
            gather_all(<const int64_t*>px, at, <int64_t*>po, outer, n, m, inner)
        elif item == 4:
            gather_all(<const int32_t*>px, at, <int32_t*>po, outer, n, m, inner)
        elif item == 2:
            gather_all(<const int16_t*>px, at, <int16_t*>po, outer, n, m, inner)
        else:
            gather_all(<const int8_t*>px, at, <int8_t*>po, outer, n, m, inner)


cdef void scatter_lines(const real* source, const int64_t* index, real* out, Py_ssize_t first,
                        Py_ssize_t last, Py_ssize_t n, Py_ssize_t m,
                        Py_ssize_t inner) noexcept nogil:
    """out[o, index[o, k, i], i] += source[o, k, i] for o in [first, last)."""
    cdef Py_ssize_t o, k, i, at
    for o in range(first, last):
        for k in range(m):
            at = (o * m + k) * inner
            for i in range(inner):
                out[(o * n + index[at + i]) * inner + i] += source[at + i]


cdef void scatter_all(const real* source, const int64_t* index, real* out, Py_ssize_t outer,
                      Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and outer >= threads and outer * m * inner >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            scatter_lines(source, index, out, outer * part // threads,
                          outer * (part + 1) // threads, n, m, inner)
    else:
        scatter_lines(source, index, out, 0, outer, n, m, inner)


def scatter_add(cnp.ndarray source, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer,
                Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner):
    """out[o, index[o, k, i], i] += source[o, k, i], of one float type."""
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* ps = cnp.PyArray_DATA(source)
    cdef void* po = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
        with nogil:
            scatter_all(<const float*>ps, at, <float*>po, outer, n, m, inner)
    else:
        with nogil:
            scatter_all(<const double*>ps, at, <double*>po, outer, n, m, inner)


def take(cnp.ndarray x, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
         Py_ssize_t inner):
    """out[o, k, :] = x[o, index[k], :]: x (outer, n, inner), out (outer, len(index), inner)."""
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef const char* px = <const char*>cnp.PyArray_DATA(x)
    cdef char* po = <char*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t m = cnp.PyArray_SIZE(index), size = inner * cnp.PyArray_ITEMSIZE(x), line
    cdef int threads = num_threads()
    with nogil:
        if threads > 1 and outer * m * inner >= GRAIN:
            for line in prange(outer * m, num_threads=threads, schedule="static"):
                memcpy(po + line * size, px + (line // m * n + at[line % m]) * size, size)
        else:
            for line in range(outer * m):
                memcpy(po + line * size, px + (line // m * n + at[line % m]) * size, size)


cdef void add_blocks(const real* source, const int64_t* index, real* out, Py_ssize_t outer,
                     Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner, Py_ssize_t first,
                     Py_ssize_t last) noexcept nogil:
    """out[o, index[k], i] += source[o, k, i] where index[k] lies in [first, last)."""
    cdef Py_ssize_t o, k, i
    cdef real* row
    cdef const real* add
    for o in range(outer):
        for k in range(m):
            if first <= index[k] < last:
                row = out + (o * n + index[k]) * inner
                add = source + (o * m + k) * inner
                for i in range(inner):
                    row[i] += add[i]


cdef void add_all(const real* source, const int64_t* index, real* out, Py_ssize_t outer,
                  Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and outer * m * inner >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            add_blocks(source, index, out, outer, n, m, inner, n * part // threads,
                       n * (part + 1) // threads)
    else:
        add_blocks(source, index, out, outer, n, m, inner, 0, n)


def take_add(cnp.ndarray source, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
             Py_ssize_t inner):
    """out[o, index[k], :] += source[o, k, :], of one float type: the transpose of `take`."""
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* ps = cnp.PyArray_DATA(source)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef Py_ssize_t m = cnp.PyArray_SIZE(index)
    if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
        with nogil:
            add_all(<const float*>ps, at, <float*>po, outer, n, m, inner)
    else:
        with nogil:
            add_all(<const double*>ps, at, <double*>po, outer, n, m, inner)


cdef void choose(const unsigned char* condition, const real* x, const real* y, real* out,
                 Py_ssize_t step_x, Py_ssize_t step_y, Py_ssize_t first,
                 Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t i
    cdef real a, b
    if step_x == 1 and step_y == 1:
        for i in range(first, last):
            out[i] = x[i] if condition[i] else y[i]
    elif step_x == 1:
        b = y[0]
        for i in range(first, last):
            out[i] = x[i] if condition[i] else b
    elif step_y == 1:
        a = x[0]
        for i in range(first, last):
            out[i] = a if condition[i] else y[i]
    else:
        a, b = x[0], y[0]
        for i in range(first, last):
            out[i] = a if condition[i] else b


cdef void choose_all(const unsigned char* condition, const real* x, const real* y, real* out,
                     Py_ssize_t step_x, Py_ssize_t step_y, Py_ssize_t size) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and size >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            choose(condition, x, y, out, step_x, step_y, size * part // threads,
                   size * (part + 1) // threads)
    else:
        choose(condition, x, y, out, step_x, step_y, 0, size)


def where(cnp.ndarray condition, cnp.ndarray x, cnp.ndarray y, cnp.ndarray out):
    """out[i] = x[i] if condition[i] else y[i]; dense, of one float type; x and y may be 0-d."""
    cdef const unsigned char* c = <const unsigned char*>cnp.PyArray_DATA(condition)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* py = cnp.PyArray_DATA(y)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(out)
    cdef Py_ssize_t step_x = 1 if cnp.PyArray_NDIM(x) else 0
    cdef Py_ssize_t step_y = 1 if cnp.PyArray_NDIM(y) else 0
    if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
        with nogil:
            choose_all(c, <const float*>px, <const float*>py, <float*>po, step_x, step_y, size)
    else:
        with nogil:
            choose_all(c, <const double*>px, <const double*>py, <double*>po, step_x, step_y, size)
