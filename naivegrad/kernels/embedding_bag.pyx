# Sums of rows of a table by bags of numbers, and what differentiates them.
#
# Design: with s the weight of a position (1, or 1 / length of its bag for the mean),
#     bag_sum:   out[b]    = sum of s[k] * table[index[k]]  over the positions k of bag b
#     bag_grad:  out[v]    = sum of s[k] * grad[b(k)]       over the positions k where index[k] = v
#     bag_dot:   out[k]    = grad[b(k)] . table[index[k]]
# Each of the three is linear in both of its float arguments, and the other two are its gradients.
# The copied rows (positions, D) are never built. Positions whose number is `skip` do not count.
# bag_grad: each thread owns a range of the table's rows, as in embedding.pyx.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int64_t

from naivegrad.kernels.dense cimport data_or_null, is_dense, is_dense_float
from naivegrad.kernels.rows cimport real, row_dot
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 16384          # elements below which a parallel region costs more than it saves


cdef struct Bags:
    const int64_t* index
    const int64_t* start   # of each bag, and the end of the last
    Py_ssize_t count       # bags
    Py_ssize_t n           # columns
    int64_t skip
    bint mean


cdef int fill(Bags* b, cnp.ndarray index, cnp.ndarray start, Py_ssize_t rows, Py_ssize_t n,
              int64_t skip, bint mean) except -1:
    """Describe the bags; IndexError for numbers outside the table, or starts that go back."""
    cdef Py_ssize_t k, total = cnp.PyArray_SIZE(index)
    b.index = <const int64_t*> cnp.PyArray_DATA(index)
    b.start = <const int64_t*> cnp.PyArray_DATA(start)
    b.count = cnp.PyArray_SIZE(start) - 1
    b.n = n
    b.skip = skip
    b.mean = mean
    for k in range(total):
        if b.index[k] < 0 or b.index[k] >= rows:
            raise IndexError(
                f"embedding_bag: index {b.index[k]} is out of range for a table of {rows} rows: "
                f"expected a value in [0, {rows - 1}]"
            )
    for k in range(b.count + 1):
        if b.start[k] < 0 or b.start[k] > total or (k and b.start[k] < b.start[k - 1]):
            raise IndexError(
                f"embedding_bag: offset {b.start[k]} is not between the one before it and the "
                f"number of indices, {total}"
            )
    return 0


cdef inline double share(const Bags* b, Py_ssize_t bag) noexcept nogil:
    """1, or for the mean 1 / the positions that count."""
    cdef Py_ssize_t k, used = 0
    if not b.mean:
        return 1
    for k in range(b.start[bag], b.start[bag + 1]):
        used += b.index[k] != b.skip
    return 1.0 / used if used else 0.0


cdef inline void sum_one(
    const Bags* b, Py_ssize_t bag, const real* table, const real* scale, real* out
) noexcept nogil:
    cdef real part = <real> share(b, bag), s
    cdef const real* row
    cdef Py_ssize_t k, j
    for j in range(b.n):
        out[j] = 0
    for k in range(b.start[bag], b.start[bag + 1]):
        if b.index[k] != b.skip:
            row = table + b.index[k] * b.n
            s = 1 if scale is NULL else scale[k]
            for j in range(b.n):
                out[j] += s * row[j]
    if b.mean:
        for j in range(b.n):
            out[j] *= part


cdef void sum_all(
    const Bags* b, const real* table, const real* scale, real* out, bint wide
) noexcept nogil:
    cdef Py_ssize_t bag
    cdef int threads = num_threads()
    if threads > 1 and wide:
        for bag in prange(b.count, schedule="static", num_threads=threads):
            sum_one(b, bag, table, scale, out + bag * b.n)
    else:
        for bag in range(b.count):
            sum_one(b, bag, table, scale, out + bag * b.n)


cdef inline void add_rows(
    const Bags* b, const real* grad, const real* scale, real* out, int64_t first, int64_t last
) noexcept nogil:
    # the rows first to last - 1
    cdef Py_ssize_t bag, k, j
    cdef real part, s
    cdef real* row
    for bag in range(b.count):
        part = <real> share(b, bag)
        for k in range(b.start[bag], b.start[bag + 1]):
            if first <= b.index[k] < last and b.index[k] != b.skip:
                row = out + b.index[k] * b.n
                s = part if scale is NULL else part * scale[k]
                for j in range(b.n):
                    row[j] += s * grad[bag * b.n + j]


cdef void add_all(
    const Bags* b, const real* grad, const real* scale, real* out, Py_ssize_t rows, bint wide
) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and wide:
        for part in prange(threads, schedule="static", num_threads=threads):
            add_rows(b, grad, scale, out, rows * part // threads, rows * (part + 1) // threads)
    else:
        add_rows(b, grad, scale, out, 0, rows)


cdef void dot_all(const Bags* b, const real* grad, const real* table, real* out) noexcept nogil:
    cdef Py_ssize_t bag, k
    for bag in range(b.count):
        for k in range(b.start[bag], b.start[bag + 1]):
            if b.index[k] != b.skip:
                out[k] = <real> row_dot(grad + bag * b.n, table + b.index[k] * b.n, b.n)


cdef void argmax_all(const Bags* b, const real* table, int64_t* out) noexcept nogil:
    cdef Py_ssize_t bag, k, j
    cdef int64_t* best
    cdef const real* row
    for bag in range(b.count):
        best = out + bag * b.n
        for j in range(b.n):
            best[j] = -1
        for k in range(b.start[bag], b.start[bag + 1]):
            if b.index[k] != b.skip:
                row = table + b.index[k] * b.n
                for j in range(b.n):
                    if best[j] < 0 or row[j] > table[best[j] * b.n + j]:
                        best[j] = b.index[k]


cdef bint fit(cnp.ndarray index, cnp.ndarray start, cnp.ndarray x, object scale) except -1:
    """Whether the loops take these arrays: int64 vectors, x (_, n), a scale for each position."""
    return (
        is_dense(index, cnp.NPY_INT64) and is_dense(start, cnp.NPY_INT64) and is_dense_float(x)
        and cnp.PyArray_NDIM(x) == 2 and cnp.PyArray_SIZE(start) > 0
        and (scale is None or (is_dense(scale, cnp.PyArray_TYPE(x))
                               and cnp.PyArray_SIZE(scale) == cnp.PyArray_SIZE(index)))
    )


def bag_sum(cnp.ndarray index, cnp.ndarray start, cnp.ndarray table, scale, int64_t skip,
            bint mean):
    """(bags, D): the sums, or means, of the rows of each bag, times `scale` by position."""
    if not fit(index, start, table, scale):
        return None
    cdef Bags b
    cdef cnp.npy_intp shape[2]
    fill(&b, index, start, cnp.PyArray_DIM(table, 0), cnp.PyArray_DIM(table, 1), skip, mean)
    shape[0] = b.count
    shape[1] = b.n
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, shape, cnp.PyArray_TYPE(table), 0)
    cdef void* t = cnp.PyArray_DATA(table)
    cdef void* s = data_or_null(scale)
    cdef void* o = cnp.PyArray_DATA(out)
    cdef bint wide = cnp.PyArray_SIZE(index) * b.n >= GRAIN
    if cnp.PyArray_TYPE(table) == cnp.NPY_FLOAT32:
        with nogil:
            sum_all(&b, <const float*> t, <const float*> s, <float*> o, wide)
    else:
        with nogil:
            sum_all(&b, <const double*> t, <const double*> s, <double*> o, wide)
    return out


def bag_grad(cnp.ndarray index, cnp.ndarray start, cnp.ndarray grad, scale, Py_ssize_t rows,
             int64_t skip, bint mean):
    """The table (rows, D) that bag_sum's gradient is; grad is (bags, D)."""
    if not fit(index, start, grad, scale):
        return None
    cdef Bags b
    cdef cnp.npy_intp shape[2]
    shape[0] = rows
    shape[1] = cnp.PyArray_DIM(grad, 1)
    fill(&b, index, start, rows, shape[1], skip, mean)
    if cnp.PyArray_DIM(grad, 0) != b.count:
        raise ValueError("embedding_bag: the gradient has another number of bags than there are")
    cdef cnp.ndarray out = cnp.PyArray_ZEROS(2, shape, cnp.PyArray_TYPE(grad), 0)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* s = data_or_null(scale)
    cdef void* o = cnp.PyArray_DATA(out)
    cdef bint wide = cnp.PyArray_SIZE(index) * b.n >= GRAIN
    if cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT32:
        with nogil:
            add_all(&b, <const float*> g, <const float*> s, <float*> o, rows, wide)
    else:
        with nogil:
            add_all(&b, <const double*> g, <const double*> s, <double*> o, rows, wide)
    return out


def bag_dot(cnp.ndarray index, cnp.ndarray start, cnp.ndarray grad, cnp.ndarray table,
            int64_t skip):
    """For each position, its bag's gradient times its row; 0 where it is skipped."""
    if not (fit(index, start, table, None) and fit(index, start, grad, None)
            and cnp.PyArray_TYPE(grad) == cnp.PyArray_TYPE(table)
            and cnp.PyArray_DIM(grad, 1) == cnp.PyArray_DIM(table, 1)):
        return None
    cdef Bags b
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(index)
    fill(&b, index, start, cnp.PyArray_DIM(table, 0), cnp.PyArray_DIM(table, 1), skip, False)
    if cnp.PyArray_DIM(grad, 0) != b.count:
        raise ValueError("embedding_bag: the gradient has another number of bags than there are")
    cdef cnp.ndarray out = cnp.PyArray_ZEROS(1, &size, cnp.PyArray_TYPE(table), 0)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* t = cnp.PyArray_DATA(table)
    cdef void* o = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(table) == cnp.NPY_FLOAT32:
        with nogil:
            dot_all(&b, <const float*> g, <const float*> t, <float*> o)
    else:
        with nogil:
            dot_all(&b, <const double*> g, <const double*> t, <double*> o)
    return out


def bag_argmax(cnp.ndarray index, cnp.ndarray start, cnp.ndarray table, int64_t skip):
    """(bags, D) int64: which row has the largest number of each column; -1 in an empty bag."""
    if not fit(index, start, table, None):
        return None
    cdef Bags b
    cdef cnp.npy_intp shape[2]
    fill(&b, index, start, cnp.PyArray_DIM(table, 0), cnp.PyArray_DIM(table, 1), skip, False)
    shape[0] = b.count
    shape[1] = b.n
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2, shape, cnp.NPY_INT64, 0)
    cdef void* t = cnp.PyArray_DATA(table)
    cdef int64_t* o = <int64_t*> cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(table) == cnp.NPY_FLOAT32:
        with nogil:
            argmax_all(&b, <const float*> t, o)
    else:
        with nogil:
            argmax_all(&b, <const double*> t, o)
    return out
