# Element by element along an axis (gather, scatter), and sums of what meets at one position.
#
# Design:
#   - As in index.pyx: (outer, n, inner) arrays, C-contiguous, a dense int64 index; False, and
#     nothing done, where a position is out of range.
#   - What meets is combined in the order of the index. Threads own lines or positions that do not
#     meet, so the bits do not depend on how many there are.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint64_t

from naivegrad.kernels.dense cimport is_dense
from naivegrad.kernels.positions cimport apart, before, behind, outside, stray
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused word:
    int8_t
    int16_t
    int32_t
    int64_t
    double complex

ctypedef fused number:
    float
    double
    uint8_t
    int8_t
    int16_t
    int32_t
    int64_t

cdef enum:
    GRAIN = 32768        # values below which a parallel region costs more than it saves
    STRETCH = 512        # positions that are checked at once: they stay in the first cache
    USER_TYPES = 256     # from here on NumPy's numbers of types that others registered

cdef enum:
    ADD = 0
    MUL = 1
    MAX = 2
    MIN = 3


cdef uint64_t gather_lines(const word* x, const int64_t* index, word* out, Py_ssize_t n,
                           Py_ssize_t m, Py_ssize_t inner, Py_ssize_t first,
                           Py_ssize_t last) noexcept nogil:
    """out[o, k, i] = x[o, index[o, k, i], i] for the lines o * m + k in [first, last).

    Each stretch of the index is checked just before it is used; a result with the sign bit set
    means that a position was out of range, and the rest was left alone.
    """
    cdef Py_ssize_t o = first // m, k = first % m, line = first, i, at, stop
    cdef uint64_t bits
    cdef const word* row
    if inner == 1:
        while line < last:
            stop = min(last, line + STRETCH)
            bits = stray(index, line, stop, 0, <uint64_t>(n - 1))
            if bits >> 63:
                return bits
            if m == 1:
                for i in range(line, stop):
                    out[i] = x[i * n + index[i]]
                line = stop
            while line < stop:
                at = min(stop, (o + 1) * m)
                row = x + o * n
                for i in range(line, at):
                    out[i] = row[index[i]]
                line = at
                if line == (o + 1) * m:
                    o += 1
        return 0
    for line in range(first, last):
        at = line * inner
        bits = stray(index, at, at + inner, 0, <uint64_t>(n - 1))
        if bits >> 63:
            return bits
        for i in range(inner):
            out[at + i] = x[(o * n + index[at + i]) * inner + i]
        k += 1
        if k == m:
            k = 0
            o += 1
    return 0


cdef uint64_t gather_all(const word* x, const int64_t* index, word* out, Py_ssize_t outer,
                         Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    cdef Py_ssize_t lines = outer * m
    cdef uint64_t bits = 0
    if threads > 1 and lines * inner >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            bits |= gather_lines(x, index, out, n, m, inner, lines * part // threads,
                                 lines * (part + 1) // threads)
    else:
        bits = gather_lines(x, index, out, n, m, inner, 0, lines)
    return bits


def gather(cnp.ndarray x, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
           Py_ssize_t m, Py_ssize_t inner) -> bool:
    """out[o, k, i] = x[o, index[o, k, i], i]: x (outer, n, inner), index and out (outer, m, inner).

    None of these is 0, but perhaps n.
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef int item = cnp.PyArray_ITEMSIZE(x)
    cdef uint64_t bits
    if n == 0:
        return False
    with nogil:
        if item == 4:
            bits = gather_all(<const int32_t*>px, at, <int32_t*>po, outer, n, m, inner)
        elif item == 8:
            bits = gather_all(<const int64_t*>px, at, <int64_t*>po, outer, n, m, inner)
        elif item == 1:
            bits = gather_all(<const int8_t*>px, at, <int8_t*>po, outer, n, m, inner)
        elif item == 2:
            bits = gather_all(<const int16_t*>px, at, <int16_t*>po, outer, n, m, inner)
        else:
            bits = gather_all(<const double complex*>px, at, <double complex*>po, outer, n, m,
                              inner)
    return bits >> 63 == 0


cdef void set_lines(const word* source, const int64_t* index, word* out, Py_ssize_t first,
                    Py_ssize_t last, Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner,
                    Py_ssize_t step) noexcept nogil:
    """out[o, index[o, k, i], i] = source[o, k, i] for o in [first, last); one value if step is 0.
    """
    cdef Py_ssize_t o, k, i, at
    cdef word* row
    cdef word value
    if inner == 1:
        for o in range(first, last):
            row = out + o * n
            if step:
                for k in range(o * m, (o + 1) * m):
                    row[index[k]] = source[k]
            else:
                value = source[0]
                for k in range(o * m, (o + 1) * m):
                    row[index[k]] = value
        return
    for o in range(first, last):
        for k in range(m):
            at = (o * m + k) * inner
            for i in range(inner):
                out[(o * n + index[at + i]) * inner + i] = source[(at + i) * step]


cdef void set_all(const word* source, const int64_t* index, word* out, Py_ssize_t outer,
                  Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner, Py_ssize_t step) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and outer >= threads and outer * m * inner >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            set_lines(source, index, out, outer * part // threads, outer * (part + 1) // threads, n,
                      m, inner, step)
    else:
        set_lines(source, index, out, 0, outer, n, m, inner, step)


def scatter(cnp.ndarray source, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
            Py_ssize_t m, Py_ssize_t inner) -> bool:
    """out[o, index[o, k, i], i] = source[o, k, i]; a 0-d source is one value for all."""
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* ps = cnp.PyArray_DATA(source)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef int item = cnp.PyArray_ITEMSIZE(out)
    cdef Py_ssize_t step = 1 if cnp.PyArray_NDIM(source) else 0
    if outside(at, cnp.PyArray_SIZE(index), 0, n):
        return False
    with nogil:
        if item == 4:
            set_all(<const int32_t*>ps, at, <int32_t*>po, outer, n, m, inner, step)
        elif item == 8:
            set_all(<const int64_t*>ps, at, <int64_t*>po, outer, n, m, inner, step)
        elif item == 1:
            set_all(<const int8_t*>ps, at, <int8_t*>po, outer, n, m, inner, step)
        elif item == 2:
            set_all(<const int16_t*>ps, at, <int16_t*>po, outer, n, m, inner, step)
        else:
            set_all(<const double complex*>ps, at, <double complex*>po, outer, n, m, inner, step)
    return True


cdef inline number combine(int op, number a, number b) noexcept nogil:
    if op == ADD:
        return a + b
    if op == MUL:
        return a * b
    if number is float or number is double:          # a NaN wins, and stays
        if b != b:
            return b
    if op == MAX:
        return b if b > a else a
    return b if b < a else a


cdef uint64_t add_stretches(const number* source, const int64_t* index, number* out, Py_ssize_t n,
                            Py_ssize_t m, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """out[o, index[o, k]] += source[o, k] for the lines in [first, last), checked as they come."""
    cdef Py_ssize_t o = first // m, line = first, i, at, stop
    cdef uint64_t bits
    cdef number* row
    while line < last:
        stop = min(last, line + STRETCH)
        bits = stray(index, line, stop, 0, <uint64_t>(n - 1))
        if bits >> 63:
            return bits
        if m == 1:
            for i in range(line, stop):
                out[i * n + index[i]] += source[i]
            line = stop
        while line < stop:
            at = min(stop, (o + 1) * m)
            row = out + o * n
            for i in range(line, at):
                row[index[i]] += source[i]
            line = at
            if line == (o + 1) * m:
                o += 1
    return 0


cdef uint64_t add_all(const number* source, const int64_t* index, number* out, Py_ssize_t outer,
                      Py_ssize_t n, Py_ssize_t m) noexcept nogil:
    cdef int part, threads = num_threads()
    cdef uint64_t bits = 0
    if threads > 1 and outer >= threads and outer * m >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            bits |= add_stretches(source, index, out, n, m, outer * part // threads * m,
                                  outer * (part + 1) // threads * m)
    else:
        bits = add_stretches(source, index, out, n, m, 0, outer * m)
    return bits


def add_lines(cnp.ndarray source, cnp.ndarray index, cnp.ndarray out, Py_ssize_t outer,
              Py_ssize_t n, Py_ssize_t m) -> bool:
    """out[o, index[o, k]] += source[o, k], float32 or float64.

    Where a position is out of range, those before it may have been added to: a pass over the index
    in advance would cost as much as the sum.
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* s = cnp.PyArray_DATA(source)
    cdef void* y = cnp.PyArray_DATA(out)
    cdef uint64_t bits
    if n == 0 or m == 0:
        return m == 0
    with nogil:
        if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
            bits = add_all(<const float*>s, at, <float*>y, outer, n, m)
        else:
            bits = add_all(<const double*>s, at, <double*>y, outer, n, m)
    return bits >> 63 == 0


cdef void reduce_lines(int op, const number* source, const int64_t* index, number* out,
                       Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner, Py_ssize_t first,
                       Py_ssize_t last, Py_ssize_t left, Py_ssize_t right) noexcept nogil:
    """out[o, index[o, k, i], i] op= source[o, k, i] for o in [first, last), i in [left, right)."""
    cdef Py_ssize_t o, k, i, at, to
    for o in range(first, last):
        if op == ADD and inner == 1:
            for k in range(o * m, (o + 1) * m):
                out[o * n + index[k]] += source[k]
            continue
        for k in range(m):
            at = (o * m + k) * inner
            for i in range(left, right):
                to = (o * n + index[at + i]) * inner + i
                out[to] = combine(op, out[to], source[at + i])


cdef void reduce_blocks(int op, const number* source, const int64_t* index, number* out,
                        Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner, Py_ssize_t first,
                        Py_ssize_t last, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    """out[o, index[k], :] op= source[o, k, :] for o in [first, last), index[k] in [low, high)."""
    cdef Py_ssize_t o, k, i, to
    cdef number* row
    cdef const number* line
    if op == ADD and inner == 1 and low == 0 and high == n:
        for o in range(first, last):
            for k in range(m):
                to = index[k]
                out[o * n + to + (n & (to >> 63))] += source[o * m + k]
        return
    for o in range(first, last):
        for k in range(m):
            to = index[k]
            if to < 0:
                to += n
            if not low <= to < high:
                continue
            row = out + (o * n + to) * inner
            line = source + (o * m + k) * inner
            if op == ADD:
                for i in range(inner):
                    row[i] += line[i]
            else:
                for i in range(inner):
                    row[i] = combine(op, row[i], line[i])


cdef void reduce_all(int op, bint blocks, const number* source, const int64_t* index, number* out,
                     Py_ssize_t outer, Py_ssize_t n, Py_ssize_t m,
                     Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and outer * m * inner < GRAIN:
        threads = 1
    if threads > 1 and outer >= threads:             # lines apart
        for part in prange(threads, num_threads=threads, schedule="static"):
            if blocks:
                reduce_blocks(op, source, index, out, n, m, inner, outer * part // threads,
                              outer * (part + 1) // threads, 0, n)
            else:
                reduce_lines(op, source, index, out, n, m, inner, outer * part // threads,
                             outer * (part + 1) // threads, 0, inner)
    elif threads > 1 and blocks and inner >= 4:      # positions apart: each reads the whole index
        for part in prange(threads, num_threads=threads, schedule="static"):
            reduce_blocks(op, source, index, out, n, m, inner, 0, outer, n * part // threads,
                          n * (part + 1) // threads)
    elif threads > 1 and inner >= 16 * threads:      # columns apart
        for part in prange(threads, num_threads=threads, schedule="static"):
            reduce_lines(op, source, index, out, n, m, inner, 0, outer, inner * part // threads,
                         inner * (part + 1) // threads)
    elif blocks:
        reduce_blocks(op, source, index, out, n, m, inner, 0, outer, 0, n)
    else:
        reduce_lines(op, source, index, out, n, m, inner, 0, outer, 0, inner)


def scatter_reduce(int op, bint blocks, cnp.ndarray source, cnp.ndarray index, cnp.ndarray out,
                   Py_ssize_t outer, Py_ssize_t n, Py_ssize_t m, Py_ssize_t inner,
                   bint from_end) -> bool:
    """out[o, index[o, k, i], i] op= source[o, k, i]; op: 0 add, 1 multiply, 2 maximum, 3 minimum.

    With `blocks` the index is (m,) and says where whole blocks go: out[o, index[k], :].
    """
    cdef const int64_t* at = <const int64_t*>cnp.PyArray_DATA(index)
    cdef void* s = cnp.PyArray_DATA(source)
    cdef void* y = cnp.PyArray_DATA(out)
    cdef int kind = cnp.PyArray_TYPE(out)
    if kind == cnp.NPY_LONGLONG:                     # another name of int64, but another number
        kind = cnp.NPY_INT64
    if cnp.PyArray_TYPE(source) != cnp.PyArray_TYPE(out):
        raise TypeError(f"scatter_reduce: {source.dtype} into {out.dtype}")
    if outside(at, cnp.PyArray_SIZE(index), -n if from_end else 0, n):
        return False
    with nogil:
        if kind == cnp.NPY_FLOAT32:
            reduce_all(op, blocks, <const float*>s, at, <float*>y, outer, n, m, inner)
        elif kind == cnp.NPY_FLOAT64:
            reduce_all(op, blocks, <const double*>s, at, <double*>y, outer, n, m, inner)
        elif kind == cnp.NPY_INT64:
            reduce_all(op, blocks, <const int64_t*>s, at, <int64_t*>y, outer, n, m, inner)
        elif kind == cnp.NPY_INT32:
            reduce_all(op, blocks, <const int32_t*>s, at, <int32_t*>y, outer, n, m, inner)
        elif kind == cnp.NPY_INT16:
            reduce_all(op, blocks, <const int16_t*>s, at, <int16_t*>y, outer, n, m, inner)
        elif kind == cnp.NPY_INT8:
            reduce_all(op, blocks, <const int8_t*>s, at, <int8_t*>y, outer, n, m, inner)
        else:
            reduce_all(op, blocks, <const uint8_t*>s, at, <uint8_t*>y, outer, n, m, inner)
    return True


# ---- arrays as they come: None or False, nothing done, where not dense or not matching ----------


cdef bint beside(cnp.ndarray x, cnp.ndarray y, Py_ssize_t axis) noexcept:
    """Whether two arrays have the same dimensions, but for one axis."""
    cdef Py_ssize_t i, ndim = cnp.PyArray_NDIM(x)
    if ndim != cnp.PyArray_NDIM(y) or axis >= ndim:
        return False
    for i in range(ndim):
        if i != axis and cnp.PyArray_DIM(x, <int>i) != cnp.PyArray_DIM(y, <int>i):
            return False
    return True


def gather_along(cnp.ndarray x, Py_ssize_t axis, cnp.ndarray index):
    """x gathered on an axis, or None."""
    if (not cnp.PyArray_ISCARRAY_RO(x) or not is_dense(index, cnp.NPY_INT64)
            or cnp.PyArray_TYPE(x) >= USER_TYPES or not beside(x, index, axis)):
        return None
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(index), cnp.PyArray_DIMS(index),
                                             cnp.PyArray_TYPE(x), 0)
    if cnp.PyArray_SIZE(out) and not gather(
            x, index, out, before(x, axis), cnp.PyArray_DIM(x, <int>axis),
            cnp.PyArray_DIM(index, <int>axis), behind(x, axis)):
        return None
    return out


cdef bint ready(cnp.ndarray out, cnp.ndarray index, cnp.ndarray source) noexcept:
    """Whether a source can be written to out."""
    cdef int kind = cnp.PyArray_TYPE(out)
    return (cnp.PyArray_ISCARRAY(out) and is_dense(index, cnp.NPY_INT64)
            and is_dense(source, kind) and apart(out, source) and apart(out, index)
            and (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 or kind == cnp.NPY_INT64
                 or kind == cnp.NPY_INT32))


def scatter_along(int op, cnp.ndarray out, Py_ssize_t axis, cnp.ndarray index,
                  cnp.ndarray source) -> bool:
    """What scatter_reduce does, or scatter if op is -1, on an axis."""
    cdef Py_ssize_t n, m, outer, inner
    if (not ready(out, index, source) or not beside(out, index, axis)
            or not beside(index, source, axis)
            or cnp.PyArray_SIZE(index) != cnp.PyArray_SIZE(source)):
        return False
    n, m = cnp.PyArray_DIM(out, <int>axis), cnp.PyArray_DIM(index, <int>axis)
    outer, inner = before(out, axis), behind(out, axis)
    if op == ADD and inner == 1 and cnp.PyArray_ISFLOAT(out):
        return add_lines(source, index, out, outer, n, m)
    if op < 0:
        return scatter(source, index, out, outer, n, m, inner)
    return scatter_reduce(op, False, source, index, out, outer, n, m, inner, False)


def add_along(cnp.ndarray out, Py_ssize_t axis, cnp.ndarray index, cnp.ndarray source) -> bool:
    """out[.., index, ..] += source of the shape that this has."""
    cdef Py_ssize_t outer = before(out, axis), inner = behind(out, axis)
    if (not ready(out, index, source)
            or cnp.PyArray_SIZE(source) != outer * inner * cnp.PyArray_SIZE(index)
            or cnp.PyArray_NDIM(source) != cnp.PyArray_NDIM(out) + cnp.PyArray_NDIM(index) - 1):
        return False
    return scatter_reduce(ADD, True, source, index, out, outer, cnp.PyArray_DIM(out, <int>axis),
                          cnp.PyArray_SIZE(index), inner, True)
