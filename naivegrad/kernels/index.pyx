# Reading and writing blocks by position, and choosing by a mask.
#
# Design:
#   - backend/cpu brings everything to (outer, n, inner), C-contiguous, with a dense int64 index.
#   - Before anything is read or written all positions are checked. Where one is out of range the
#     answer is False, and nothing was done.
#   - Values are only moved, so one loop by size in bytes serves every type; what adds up stands in
#     scatter.pyx.
#   - Of repeated positions the last one stays. Threads share out places that do not meet, so the
#     bits do not depend on how many there are.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t
from libc.string cimport memcpy

from naivegrad.kernels.positions cimport outside
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


cdef inline int64_t wrapped(int64_t k, Py_ssize_t n) noexcept nogil:
    return k + n if k < 0 else k


def join(cnp.ndarray first, cnp.ndarray second, Py_ssize_t n, Py_ssize_t m) -> bool:
    """first[i] = first[i] * m + second[i]: two indices, into n and m, as one; both int64, dense."""
    cdef int64_t* a = <int64_t*>cnp.PyArray_DATA(first)
    cdef const int64_t* b = <const int64_t*>cnp.PyArray_DATA(second)
    cdef Py_ssize_t i, size = cnp.PyArray_SIZE(first)
    if outside(a, size, -n, n) or outside(b, size, -m, m):
        return False
    with nogil:
        for i in range(size):
            a[i] = wrapped(a[i], n) * m + wrapped(b[i], m)
    return True


cdef void take_words(const word* x, const int64_t* index, word* out, Py_ssize_t n, Py_ssize_t m,
                     Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """out[o, k] = x[o, index[k]] for the lines o * m + k in [first, last)."""
    cdef Py_ssize_t o = first // m, k = first % m, line
    for line in range(first, last):
        out[line] = x[o * n + wrapped(index[k], n)]
        k += 1
        if k == m:
            k = 0
            o += 1


cdef void take_blocks(const char* x, const int64_t* index, char* out, Py_ssize_t n, Py_ssize_t m,
                      Py_ssize_t size, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The same for blocks of `size` bytes."""
    cdef Py_ssize_t o = first // m, k = first % m, line
    for line in range(first, last):
        memcpy(out + line * size, x + (o * n + wrapped(index[k], n)) * size, size)
        k += 1
        if k == m:
            k = 0
            o += 1


cdef void take_part(const char* x, const int64_t* index, char* out, Py_ssize_t n, Py_ssize_t m,
                    Py_ssize_t size, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    if size == 4:
        take_words(<const int32_t*>x, index, <int32_t*>out, n, m, first, last)
    elif size == 8:
        take_words(<const int64_t*>x, index, <int64_t*>out, n, m, first, last)
    elif size == 1:
        take_words(<const int8_t*>x, index, <int8_t*>out, n, m, first, last)
    elif size == 2:
        take_words(<const int16_t*>x, index, <int16_t*>out, n, m, first, last)
    else:
        take_blocks(x, index, out, n, m, size, first, last)


def take(cnp.ndarray x, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
         Py_ssize_t inner, bint from_end) -> bool:
    """out[o, k, :] = x[o, index[k], :]: x (outer, n, inner), out (outer, len(index), inner).

    Positions lie in [0, n), or in [-n, n) if they may count from the end.
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef const char* px = <const char*>cnp.PyArray_DATA(x)
    cdef char* po = <char*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t m = cnp.PyArray_SIZE(index), size = inner * cnp.PyArray_ITEMSIZE(x)
    cdef Py_ssize_t lines = outer * m
    cdef int part, threads = num_threads()
    if outside(at, m, -n if from_end else 0, n):
        return False
    if lines == 0 or size == 0:
        return True
    with nogil:
        if threads > 1 and lines * inner >= GRAIN:
            for part in prange(threads, num_threads=threads, schedule="static"):
                take_part(px, at, po, n, m, size, lines * part // threads,
                          lines * (part + 1) // threads)
        else:
            take_part(px, at, po, n, m, size, 0, lines)
    return True


cdef void put_words(const word* source, const int64_t* index, word* out, Py_ssize_t outer,
                    Py_ssize_t n, Py_ssize_t m) noexcept nogil:
    """out[o, index[k]] = source[o, k]."""
    cdef Py_ssize_t o, k
    for o in range(outer):
        for k in range(m):
            out[o * n + wrapped(index[k], n)] = source[o * m + k]


cdef void put_blocks(const char* source, const int64_t* index, char* out, Py_ssize_t outer,
                     Py_ssize_t n, Py_ssize_t m, Py_ssize_t size, Py_ssize_t first,
                     Py_ssize_t last) noexcept nogil:
    """out[o, index[k], :] = source[o, k, :] where index[k] lies in [first, last), by bytes."""
    cdef Py_ssize_t o, k, to
    for o in range(outer):
        for k in range(m):
            to = wrapped(index[k], n)
            if first <= to < last:
                memcpy(out + (o * n + to) * size, source + (o * m + k) * size, size)


cdef void fill_blocks(const word* value, const int64_t* index, word* out, Py_ssize_t outer,
                      Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner) noexcept nogil:
    """out[o, index[k], :] = value."""
    cdef Py_ssize_t o, k, i
    cdef word* row
    for o in range(outer):
        for k in range(m):
            row = out + (o * n + wrapped(index[k], n)) * inner
            for i in range(inner):
                row[i] = value[0]


def put(cnp.ndarray source, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
        Py_ssize_t inner, bint from_end) -> bool:
    """out[o, index[k], :] = source[o, k, :], or all of it one value where source is 0-d.

    A 0-d source is of 1, 2, 4 or 8 bytes.
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* ps = cnp.PyArray_DATA(source)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef Py_ssize_t m = cnp.PyArray_SIZE(index), item = cnp.PyArray_ITEMSIZE(out)
    cdef Py_ssize_t size = inner * item
    cdef int part, threads = num_threads()
    cdef bint single = cnp.PyArray_NDIM(source) == 0
    if outside(at, m, -n if from_end else 0, n):
        return False
    with nogil:
        if single:
            if item == 4:
                fill_blocks(<const int32_t*>ps, at, <int32_t*>po, outer, n, m, inner)
            elif item == 8:
                fill_blocks(<const int64_t*>ps, at, <int64_t*>po, outer, n, m, inner)
            elif item == 1:
                fill_blocks(<const int8_t*>ps, at, <int8_t*>po, outer, n, m, inner)
            else:
                fill_blocks(<const int16_t*>ps, at, <int16_t*>po, outer, n, m, inner)
        elif size == 4:
            put_words(<const int32_t*>ps, at, <int32_t*>po, outer, n, m)
        elif size == 8:
            put_words(<const int64_t*>ps, at, <int64_t*>po, outer, n, m)
        elif size == 1:
            put_words(<const int8_t*>ps, at, <int8_t*>po, outer, n, m)
        elif size == 2:
            put_words(<const int16_t*>ps, at, <int16_t*>po, outer, n, m)
        elif threads > 1 and outer * m * inner >= GRAIN and inner >= 8:
            for part in prange(threads, num_threads=threads, schedule="static"):
                put_blocks(<const char*>ps, at, <char*>po, outer, n, m, size, n * part // threads,
                           n * (part + 1) // threads)
        else:
            put_blocks(<const char*>ps, at, <char*>po, outer, n, m, size, 0, n)
    return True


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
