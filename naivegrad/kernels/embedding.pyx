# Rows of a table by number, and the sum of rows back into a table.
#
# Design: the gradient adds rows that share a number. Each thread owns a range of the table's rows
# and walks through all numbers, taking those in its range: no two threads write to one row, and the
# order of additions is that of the numbers, whatever the number of threads.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from naivegrad.kernels.dense cimport is_dense, is_dense_float
from naivegrad.kernels.rows cimport real
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 65536          # bytes below which a parallel region costs more than it saves


cdef Py_ssize_t first_bad(const int64_t* index, Py_ssize_t count, Py_ssize_t rows) noexcept nogil:
    cdef Py_ssize_t i
    cdef bint bad = False
    for i in range(count):               # no early exit: this loop vectorises
        bad |= index[i] < 0 or index[i] >= rows
    if not bad:
        return -1
    for i in range(count):
        if index[i] < 0 or index[i] >= rows:
            return i
    return -1


cdef int check_index(cnp.ndarray index, Py_ssize_t rows) except -1:
    cdef const int64_t* i = <const int64_t*> cnp.PyArray_DATA(index)
    cdef Py_ssize_t bad = first_bad(i, cnp.PyArray_SIZE(index), rows)
    if bad >= 0:
        raise IndexError(
            f"embedding: index {i[bad]} is out of range for a table of {rows} rows: expected a "
            f"value in [0, {rows - 1}]"
        )
    return 0


def embedding(cnp.ndarray index, cnp.ndarray weight):
    """Rows of weight (V, ...), of any type, by a dense int64 index of any shape."""
    if not is_dense(index, cnp.NPY_INT64) or not cnp.PyArray_ISCARRAY_RO(weight):
        return None
    cdef int ndim = cnp.PyArray_NDIM(index), i
    cdef cnp.npy_intp shape[65]
    cdef Py_ssize_t k, count = cnp.PyArray_SIZE(index), rows = cnp.PyArray_DIM(weight, 0)
    cdef Py_ssize_t size = cnp.PyArray_DIM(weight, 1) * cnp.PyArray_ITEMSIZE(weight)
    cdef int threads = num_threads()
    check_index(index, rows)
    for i in range(ndim):
        shape[i] = cnp.PyArray_DIM(index, i)
    shape[ndim] = cnp.PyArray_DIM(weight, 1)
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(ndim + 1, shape, cnp.PyArray_TYPE(weight), 0)
    cdef const int64_t* at = <const int64_t*> cnp.PyArray_DATA(index)
    cdef const char* w = <const char*> cnp.PyArray_DATA(weight)
    cdef char* o = <char*> cnp.PyArray_DATA(out)
    with nogil:
        if threads > 1 and count * size >= GRAIN:
            for k in prange(count, schedule="static", num_threads=threads):
                memcpy(o + k * size, w + at[k] * size, size)
        else:
            for k in range(count):
                memcpy(o + k * size, w + at[k] * size, size)
    return out


cdef inline void add_rows(
    const real* grad, const int64_t* index, real* out, Py_ssize_t count, Py_ssize_t n,
    int64_t first, int64_t last, int64_t skip,
) noexcept nogil:
    # the rows first to last - 1
    cdef Py_ssize_t k, j
    cdef real* row
    for k in range(count):
        if first <= index[k] < last and index[k] != skip:
            row = out + index[k] * n
            for j in range(n):
                row[j] += grad[k * n + j]


cdef void add_all(
    const real* grad, const int64_t* index, real* out, Py_ssize_t count, Py_ssize_t n,
    Py_ssize_t rows, int64_t skip,
) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and count * n * <Py_ssize_t> sizeof(real) >= GRAIN:
        for part in prange(threads, schedule="static", num_threads=threads):
            add_rows(grad, index, out, count, n, rows * part // threads,
                     rows * (part + 1) // threads, skip)
    else:
        add_rows(grad, index, out, count, n, 0, rows, skip)


def embedding_grad(cnp.ndarray grad, cnp.ndarray index, Py_ssize_t rows, int64_t skip):
    """The table of `rows` rows in which row v is the sum of the rows of grad whose index is v; the
    row `skip` stays zero. grad has the index's shape and one axis more."""
    if not is_dense(index, cnp.NPY_INT64) or not is_dense_float(grad):
        return None
    cdef int ndim = cnp.PyArray_NDIM(grad)
    cdef cnp.npy_intp shape[2]
    cdef Py_ssize_t count = cnp.PyArray_SIZE(index)
    shape[0] = rows
    shape[1] = cnp.PyArray_DIM(grad, ndim - 1)
    if cnp.PyArray_SIZE(grad) != count * shape[1]:
        return None
    check_index(index, rows)
    cdef cnp.ndarray out = cnp.PyArray_ZEROS(2, shape, cnp.PyArray_TYPE(grad), 0)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* o = cnp.PyArray_DATA(out)
    cdef const int64_t* at = <const int64_t*> cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT32:
        with nogil:
            add_all(<const float*> g, at, <float*> o, count, shape[1], rows, skip)
    else:
        with nogil:
            add_all(<const double*> g, at, <double*> o, count, shape[1], rows, skip)
    return out
