# Sorting keys, and binary search.
#
# Design:
#   - Numbers become unsigned integers of the same order (NaN last, -0 beside 0), and a 32-bit key
#     is packed above its position in the line: NumPy's sort of uint64, which uses the vector unit,
#     then sorts values and positions at once, and stably.
#   - Descending order turns the keys over, not the result, so that equal values keep their order.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused narrow:
    float
    int32_t

ctypedef fused wide:
    double
    int64_t

ctypedef fused number:
    float
    double
    int32_t
    int64_t

ctypedef fused place:
    int32_t
    int64_t

cdef enum:
    GRAIN = 32768        # values below which a parallel region costs more than it saves


cdef inline uint64_t narrow_key(narrow v) noexcept nogil:
    cdef uint32_t bits
    if narrow is float:
        if v != v:
            return 0xFFFFFFFF
        v = v + <float>0                             # -0 becomes 0
        memcpy(&bits, &v, 4)
        return bits ^ (<uint32_t>0xFFFFFFFF if bits >> 31 else <uint32_t>0x80000000)
    else:
        return <uint32_t>v ^ <uint32_t>0x80000000


cdef inline uint64_t wide_key(wide v) noexcept nogil:
    cdef uint64_t bits, top = (<uint64_t>1) << 63
    if wide is double:
        if v != v:
            return ~<uint64_t>0
        v = v + <double>0
        memcpy(&bits, &v, 8)
        return ~bits if bits >> 63 else bits ^ top
    else:
        return <uint64_t>v ^ top


cdef void pack_lines(const narrow* x, uint64_t* keys, Py_ssize_t n, Py_ssize_t first,
                     Py_ssize_t last, uint64_t turn) noexcept nogil:
    cdef Py_ssize_t line, i
    for line in range(first, last):
        for i in range(n):
            keys[line * n + i] = (narrow_key(x[line * n + i]) ^ turn) << 32 | <uint64_t>i


def pack(cnp.ndarray x, cnp.ndarray keys, Py_ssize_t n, bint descending):
    """keys[line, i] = the key of x[line, i] and i; x is float32 or int32, n < 2**32."""
    cdef void* px = cnp.PyArray_DATA(x)
    cdef uint64_t* pk = <uint64_t*>cnp.PyArray_DATA(keys)
    cdef Py_ssize_t lines = cnp.PyArray_SIZE(x) // max(n, 1)
    cdef uint64_t turn = 0xFFFFFFFF if descending else 0
    with nogil:
        if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
            pack_lines(<const float*>px, pk, n, 0, lines, turn)
        else:
            pack_lines(<const int32_t*>px, pk, n, 0, lines, turn)


cdef void key_all(const wide* x, uint64_t* keys, Py_ssize_t size, uint64_t turn) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        keys[i] = wide_key(x[i]) ^ turn


def wide_keys(cnp.ndarray x, cnp.ndarray keys, bint descending):
    """keys[i] = the 64-bit key of x[i], float64 or int64."""
    cdef void* px = cnp.PyArray_DATA(x)
    cdef uint64_t* pk = <uint64_t*>cnp.PyArray_DATA(keys)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(x)
    cdef uint64_t turn = ~<uint64_t>0 if descending else 0
    with nogil:
        if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
            key_all(<const double*>px, pk, size, turn)
        else:
            key_all(<const int64_t*>px, pk, size, turn)


def positions(cnp.ndarray keys, cnp.ndarray out):
    """The positions that `pack` put into the keys, as int64."""
    cdef const uint64_t* pk = <const uint64_t*>cnp.PyArray_DATA(keys)
    cdef int64_t* po = <int64_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t i, size = cnp.PyArray_SIZE(keys)
    with nogil:
        for i in range(size):
            po[i] = <int64_t><uint32_t>pk[i]     # the lower half


cdef inline Py_ssize_t search(const number* line, const int64_t* order, Py_ssize_t n, number v,
                              bint right) noexcept nogil:
    """How many of n sorted values stand before v; read through `order` unless that is NULL.

    A comparison with a NaN is false, and false means "before".
    """
    cdef Py_ssize_t low = 0, high = n, middle
    cdef number at
    while low < high:
        middle = (low + high) >> 1
        at = line[middle] if order is NULL else line[order[middle]]
        if (at > v) if right else (at >= v):
            high = middle
        else:
            low = middle + 1
    return low


cdef void search_part(const number* lines, const int64_t* order, const number* v, place* out,
                      Py_ssize_t n, Py_ssize_t m, bint shared, bint right, Py_ssize_t first,
                      Py_ssize_t last) noexcept nogil:
    cdef const int64_t* by
    cdef Py_ssize_t i, start
    for i in range(first, last):
        start = 0 if shared else i // m * n
        by = order
        if order is not NULL:
            by += start
        out[i] = <place>search(lines + start, by, n, v[i], right)


cdef void search_all(const number* lines, const int64_t* order, const number* v, place* out,
                     Py_ssize_t n, Py_ssize_t m, Py_ssize_t size, bint shared,
                     bint right) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and size >= GRAIN // 8:
        for part in prange(threads, num_threads=threads, schedule="static"):
            search_part(lines, order, v, out, n, m, shared, right, size * part // threads,
                        size * (part + 1) // threads)
    else:
        search_part(lines, order, v, out, n, m, shared, right, 0, size)


def searchsorted(cnp.ndarray sequence, object order, cnp.ndarray values, cnp.ndarray out,
                 Py_ssize_t n, Py_ssize_t m, bint shared, bint right):
    """out[line, i] = the place of values[line, i] in sequence[line] (n long), or in the one line.

    Sequence and values are of one type: float32, float64, int32 or int64; out is int32 or int64.
    `order` is None, or int64 positions in [0, n) that sort each line.
    """
    cdef void* s = cnp.PyArray_DATA(sequence)
    cdef void* v = cnp.PyArray_DATA(values)
    cdef void* y = cnp.PyArray_DATA(out)
    cdef const int64_t* by = NULL
    cdef Py_ssize_t size = cnp.PyArray_SIZE(values)
    cdef int kind = cnp.PyArray_TYPE(sequence)
    cdef bint short = cnp.PyArray_ITEMSIZE(out) == 4
    if order is not None:
        by = <const int64_t*>cnp.PyArray_DATA(order)
    with nogil:
        if kind == cnp.NPY_FLOAT32 and short:
            search_all(<const float*>s, by, <const float*>v, <int32_t*>y, n, m, size, shared, right)
        elif kind == cnp.NPY_FLOAT32:
            search_all(<const float*>s, by, <const float*>v, <int64_t*>y, n, m, size, shared, right)
        elif kind == cnp.NPY_FLOAT64 and short:
            search_all(<const double*>s, by, <const double*>v, <int32_t*>y, n, m, size, shared,
                       right)
        elif kind == cnp.NPY_FLOAT64:
            search_all(<const double*>s, by, <const double*>v, <int64_t*>y, n, m, size, shared,
                       right)
        elif kind == cnp.NPY_INT32 and short:
            search_all(<const int32_t*>s, by, <const int32_t*>v, <int32_t*>y, n, m, size, shared,
                       right)
        elif kind == cnp.NPY_INT32:
            search_all(<const int32_t*>s, by, <const int32_t*>v, <int64_t*>y, n, m, size, shared,
                       right)
        elif short:
            search_all(<const int64_t*>s, by, <const int64_t*>v, <int32_t*>y, n, m, size, shared,
                       right)
        else:
            search_all(<const int64_t*>s, by, <const int64_t*>v, <int64_t*>y, n, m, size, shared,
                       right)
