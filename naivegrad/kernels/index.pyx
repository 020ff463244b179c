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
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from naivegrad.kernels.dense cimport is_dense
from naivegrad.kernels.positions cimport apart, before, behind, outside
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
    USER_TYPES = 256     # from here on NumPy's numbers of types that others registered


cdef inline int64_t wrapped(int64_t k, Py_ssize_t n) noexcept nogil:
    return k + (n & (k >> 63))                       # + n if negative, without a branch


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
    cdef Py_ssize_t o = first // m, k = first % m, stop, line = first
    cdef const word* row
    while line < last:
        row = x + o * n
        stop = min(m, k + last - line)
        for k in range(k, stop):
            out[o * m + k] = row[wrapped(index[k], n)]
        o += 1
        line = o * m
        k = 0


cdef void take_rows(const word* x, const int32_t* index, word* out, Py_ssize_t n, Py_ssize_t m,
                    Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """out[o, k] = x[o, index[k]] for o in [first, last): positions made short for many rows."""
    cdef Py_ssize_t o, k
    for o in range(first, last):
        for k in range(m):
            out[o * m + k] = x[o * n + index[k]]


cdef bint take_many(const char* x, const int64_t* index, char* out, Py_ssize_t outer, Py_ssize_t n,
                    Py_ssize_t m, Py_ssize_t size) noexcept nogil:
    """The same for all rows; False where there is no memory for the short index."""
    cdef int part, threads = num_threads()
    cdef Py_ssize_t k
    cdef int32_t* short = <int32_t*>malloc(m * sizeof(int32_t))
    if short is NULL:
        return False
    for k in range(m):
        short[k] = <int32_t>wrapped(index[k], n)
    if outer * m < GRAIN:
        threads = 1
    for part in prange(threads, num_threads=threads, schedule="static"):
        if size == 4:
            take_rows(<const int32_t*>x, short, <int32_t*>out, n, m, outer * part // threads,
                      outer * (part + 1) // threads)
        else:
            take_rows(<const int64_t*>x, short, <int64_t*>out, n, m, outer * part // threads,
                      outer * (part + 1) // threads)
    free(short)
    return True


cdef void take_blocks(const char* x, const int64_t* index, char* out, Py_ssize_t n, Py_ssize_t m,
                      Py_ssize_t size, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The same for blocks of `size` bytes."""
    cdef Py_ssize_t o = first // m, k = first % m, line, i
    cdef const int64_t* source
    cdef int64_t* target
    cdef bint short = size % 8 == 0 and size <= 256  # then a loop is faster than a call
    for line in range(first, last):
        if short:
            source = <const int64_t*>(x + (o * n + wrapped(index[k], n)) * size)
            target = <int64_t*>(out + line * size)
            for i in range(size // 8):
                target[i] = source[i]
        else:
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
        if (size == 4 or size == 8) and outer >= 8 and n < 2147483647 and take_many(
                px, at, po, outer, n, m, size):
            pass
        elif threads > 1 and lines * inner >= GRAIN:
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


# ---- arrays as they come: None or False, nothing done, where not dense or not matching ----------


def take_along(cnp.ndarray x, Py_ssize_t axis, cnp.ndarray index):
    """x[.., index, ..], positions counting also from the end; or None."""
    cdef cnp.npy_intp shape[64]
    cdef Py_ssize_t i, lead = cnp.PyArray_NDIM(index), ndim = cnp.PyArray_NDIM(x)
    if (not cnp.PyArray_ISCARRAY_RO(x) or not is_dense(index, cnp.NPY_INT64) or axis >= ndim
            or cnp.PyArray_TYPE(x) >= USER_TYPES or lead + ndim > 64):
        return None
    for i in range(axis):
        shape[i] = cnp.PyArray_DIM(x, <int>i)
    for i in range(lead):
        shape[axis + i] = cnp.PyArray_DIM(index, <int>i)
    for i in range(axis + 1, ndim):
        shape[lead + i - 1] = cnp.PyArray_DIM(x, <int>i)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(<int>(lead + ndim - 1), shape, cnp.PyArray_TYPE(x), 0)
    if not take(x, index, out, before(x, axis), cnp.PyArray_DIM(x, <int>axis), behind(x, axis),
                True):
        return None
    return out


def put_along(cnp.ndarray out, Py_ssize_t axis, cnp.ndarray index, cnp.ndarray value) -> bool:
    """out[.., index, ..] = value of the shape that this has, or 0-d."""
    cdef Py_ssize_t outer = before(out, axis), inner = behind(out, axis)
    cdef Py_ssize_t ndim = cnp.PyArray_NDIM(value)
    if (not cnp.PyArray_ISCARRAY(out) or not is_dense(index, cnp.NPY_INT64)
            or not is_dense(value, cnp.PyArray_TYPE(out)) or not apart(out, value)
            or not apart(out, index) or axis >= cnp.PyArray_NDIM(out)):
        return False
    if ndim == 0:
        if cnp.PyArray_ITEMSIZE(out) > 8:
            return False
    elif (cnp.PyArray_SIZE(value) != outer * inner * cnp.PyArray_SIZE(index)
            or ndim != cnp.PyArray_NDIM(out) + cnp.PyArray_NDIM(index) - 1):
        return False
    return put(value, index, out, outer, cnp.PyArray_DIM(out, <int>axis), inner, True)


cdef void extremes(const int64_t* x, Py_ssize_t size, int64_t* low,
                   int64_t* high) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t a = x[0], b = x[0]
    for i in range(size):
        a = x[i] if x[i] < a else a
        b = x[i] if x[i] > b else b
    low[0], high[0] = a, b


def bounds(cnp.ndarray index):
    """The smallest and the largest value of a dense int64 array that is not empty; or None."""
    cdef int64_t low = 0, high = -1
    if not is_dense(index, cnp.NPY_INT64) or not cnp.PyArray_SIZE(index):
        return None
    with nogil:
        extremes(<const int64_t*>cnp.PyArray_DATA(index), cnp.PyArray_SIZE(index), &low, &high)
    return low, high


def true_positions(cnp.ndarray mask):
    """The flat positions where a dense bool array is true, as int64."""
    cdef const unsigned char* m = <const unsigned char*>cnp.PyArray_DATA(mask)
    cdef Py_ssize_t i, size = cnp.PyArray_SIZE(mask), count = 0
    cdef cnp.npy_intp length[1]
    cdef int64_t* at
    with nogil:
        for i in range(size):
            count += m[i]
    length[0] = count + 1                            # room for the last, perhaps vain, writing
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(1, length, cnp.NPY_INT64, 0)
    at = <int64_t*>cnp.PyArray_DATA(out)
    count = 0
    with nogil:
        for i in range(size):                        # without a branch, which would be mispredicted
            at[count] = i
            count += m[i]
    return out[:count]


def split(cnp.ndarray flat, Py_ssize_t n):
    """Ascending positions as (position // n, position % n)."""
    cdef cnp.ndarray rows = cnp.PyArray_EMPTY(1, cnp.PyArray_DIMS(flat), cnp.NPY_INT64, 0)
    cdef cnp.ndarray columns = cnp.PyArray_EMPTY(1, cnp.PyArray_DIMS(flat), cnp.NPY_INT64, 0)
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(flat)
    cdef int64_t* r = <int64_t*>cnp.PyArray_DATA(rows)
    cdef int64_t* c = <int64_t*>cnp.PyArray_DATA(columns)
    cdef Py_ssize_t i, row = 0, start = 0
    with nogil:
        for i in range(cnp.PyArray_SIZE(flat)):
            if at[i] - start >= n:                   # a division for each row, not for each element
                row = at[i] // n
                start = row * n
            r[i] = row
            c[i] = at[i] - start
    return rows, columns


cdef void fill_chosen(word* out, const unsigned char* mask, const word* value, Py_ssize_t first,
                      Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t i
    cdef word v = value[0]
    for i in range(first, last):
        out[i] = v if mask[i] else out[i]


cdef void fill_all(word* out, const unsigned char* mask, const word* value,
                   Py_ssize_t size) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and size >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            fill_chosen(out, mask, value, size * part // threads, size * (part + 1) // threads)
    else:
        fill_chosen(out, mask, value, 0, size)


def fill_where(cnp.ndarray out, cnp.ndarray mask, cnp.ndarray value) -> bool:
    """out[i] = value where mask[i]: of one shape, value 0-d; False where they are not dense."""
    cdef void* y = cnp.PyArray_DATA(out)
    cdef void* v = cnp.PyArray_DATA(value)
    cdef const unsigned char* m = <const unsigned char*>cnp.PyArray_DATA(mask)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(out)
    cdef int item = cnp.PyArray_ITEMSIZE(out)
    if (not cnp.PyArray_ISCARRAY(out) or not is_dense(mask, cnp.NPY_BOOL) or item > 8
            or cnp.PyArray_SIZE(mask) != size or cnp.PyArray_SIZE(value) != 1
            or not is_dense(value, cnp.PyArray_TYPE(out)) or not apart(out, mask)
            or not apart(out, value)):
        return False
    with nogil:
        if item == 4:
            fill_all(<int32_t*>y, m, <const int32_t*>v, size)
        elif item == 8:
            fill_all(<int64_t*>y, m, <const int64_t*>v, size)
        elif item == 2:
            fill_all(<int16_t*>y, m, <const int16_t*>v, size)
        else:
            fill_all(<int8_t*>y, m, <const int8_t*>v, size)
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
