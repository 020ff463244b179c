# softmax and log_softmax over one axis, and their gradients, for contiguous float32 and float64.
#
# Design: an array is seen as (outer, n, inner), the softmax running over n.
#   - inner == 1, long rows: one row at a time, which stays in the cache through its three passes
#     (maximum; exp and sum; scale).
#   - inner == 1, short rows (10 classes): several rows at once, so that exp, the dear part, runs
#     over one long stretch and vectorises whatever n is.
#   - inner > 1: COLUMNS neighbouring columns at once. The loop over them is the innermost,
#     contiguous.
# Subtracting the maximum first keeps exp below 1: no overflow, and the largest term is exact.

cimport numpy as cnp
from cython.parallel cimport prange

from naivegrad.kernels.dense cimport data_or_null, is_dense_float, is_like
from naivegrad.kernels.rows cimport exp_, log_, real, row_dot, row_max, row_sum, row_sum_exp
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 16384          # elements below which a parallel region costs more than it saves
    COLUMNS = 256
    SHORT = 64             # rows below this length are taken several at once
    STRETCH = 2048         # elements of such a group


# ---- rows ---------------------------------------------------------------------------------------

cdef inline void softmax_row(const real* x, real* y, Py_ssize_t n, bint logarithm) noexcept nogil:
    cdef real top = row_max(x, n), shift
    cdef Py_ssize_t j
    if logarithm:
        shift = log_(<real> row_sum_exp(x, top, n))
        for j in range(n):
            y[j] = (x[j] - top) - shift
    else:
        for j in range(n):
            y[j] = exp_(x[j] - top)
        shift = <real> (1.0 / row_sum(y, n))
        for j in range(n):
            y[j] *= shift


cdef inline void softmax_short_rows(
    const real* x, real* y, Py_ssize_t rows, Py_ssize_t n, bint logarithm
) noexcept nogil:
    # y holds x - max, then exp of it. For the logarithm the exponentials go to `part` instead.
    cdef real part[STRETCH]
    cdef real* power = &part[0] if logarithm else y
    cdef real top, total
    cdef Py_ssize_t i, j
    for i in range(rows):
        top = x[i * n]
        for j in range(1, n):
            top = x[i * n + j] if x[i * n + j] > top else top
        for j in range(n):
            y[i * n + j] = x[i * n + j] - top
    for i in range(rows * n):
        power[i] = exp_(y[i])
    for i in range(rows):
        total = 0
        for j in range(n):
            total += power[i * n + j]
        if logarithm:
            total = log_(total)
            for j in range(n):
                y[i * n + j] -= total
        else:
            total = 1 / total
            for j in range(n):
                y[i * n + j] *= total


cdef inline void softmax_columns(
    const real* x, real* y, Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width, bint logarithm
) noexcept nogil:
    cdef real top[COLUMNS]
    cdef real total[COLUMNS]
    cdef Py_ssize_t j, c
    cdef const real* row
    cdef real* out
    for c in range(width):
        top[c] = x[c]
        total[c] = 0
    for j in range(1, n):
        row = x + j * inner
        for c in range(width):
            top[c] = row[c] if row[c] > top[c] else top[c]
    for j in range(n):
        row = x + j * inner
        out = y + j * inner
        if logarithm:
            for c in range(width):
                out[c] = row[c] - top[c]
                total[c] += exp_(out[c])
        else:
            for c in range(width):
                out[c] = exp_(row[c] - top[c])
                total[c] += out[c]
    if logarithm:
        for c in range(width):
            total[c] = log_(total[c])
        for j in range(n):
            out = y + j * inner
            for c in range(width):
                out[c] -= total[c]
    else:
        for c in range(width):
            total[c] = 1 / total[c]
        for j in range(n):
            out = y + j * inner
            for c in range(width):
                out[c] *= total[c]


# ---- gradients: y * (grad - sum(grad * y)), and grad - exp(y) * sum(grad) for the logarithm -----

cdef inline void grad_row(
    const real* grad, const real* y, real* out, Py_ssize_t n, bint logarithm
) noexcept nogil:
    cdef real total
    cdef Py_ssize_t j
    if logarithm:
        total = <real> row_sum(grad, n)
        for j in range(n):
            out[j] = grad[j] - exp_(y[j]) * total
    else:
        total = <real> row_dot(grad, y, n)
        for j in range(n):
            out[j] = y[j] * (grad[j] - total)


cdef inline void grad_short_rows(
    const real* grad, const real* y, real* out, Py_ssize_t rows, Py_ssize_t n, bint logarithm
) noexcept nogil:
    cdef real total
    cdef Py_ssize_t i, j
    if logarithm:
        for i in range(rows * n):
            out[i] = exp_(y[i])
    for i in range(rows):
        total = 0
        if logarithm:
            for j in range(n):
                total += grad[i * n + j]
            for j in range(n):
                out[i * n + j] = grad[i * n + j] - out[i * n + j] * total
        else:
            for j in range(n):
                total += grad[i * n + j] * y[i * n + j]
            for j in range(n):
                out[i * n + j] = y[i * n + j] * (grad[i * n + j] - total)


cdef inline void grad_columns(
    const real* grad, const real* y, real* out, Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width,
    bint logarithm,
) noexcept nogil:
    cdef real total[COLUMNS]
    cdef Py_ssize_t j, c, at
    for c in range(width):
        total[c] = 0
    for j in range(n):
        at = j * inner
        if logarithm:
            for c in range(width):
                total[c] += grad[at + c]
        else:
            for c in range(width):
                total[c] += grad[at + c] * y[at + c]
    for j in range(n):
        at = j * inner
        if logarithm:
            for c in range(width):
                out[at + c] = grad[at + c] - exp_(y[at + c]) * total[c]
        else:
            for c in range(width):
                out[at + c] = y[at + c] * (grad[at + c] - total[c])


# ---- whole arrays: piece k of `pieces`, in any order --------------------------------------------

cdef inline void piece(
    const real* grad, const real* x, real* out, Py_ssize_t k, Py_ssize_t outer, Py_ssize_t n,
    Py_ssize_t inner, Py_ssize_t group, bint logarithm,
) noexcept nogil:
    # group: rows in a piece where inner == 1; column blocks in one outer index otherwise.
    cdef Py_ssize_t at, width, rows
    if inner > 1:
        at = (k // group) * n * inner + (k % group) * COLUMNS
        width = min(<Py_ssize_t> COLUMNS, inner - (k % group) * COLUMNS)
        if grad is NULL:
            softmax_columns(x + at, out + at, n, inner, width, logarithm)
        else:
            grad_columns(grad + at, x + at, out + at, n, inner, width, logarithm)
    elif n < SHORT:
        at = k * group * n
        rows = min(group, outer - k * group)
        if grad is NULL:
            softmax_short_rows(x + at, out + at, rows, n, logarithm)
        else:
            grad_short_rows(grad + at, x + at, out + at, rows, n, logarithm)
    else:
        at = k * n
        if grad is NULL:
            softmax_row(x + at, out + at, n, logarithm)
        else:
            grad_row(grad + at, x + at, out + at, n, logarithm)


cdef void run(
    const real* grad, const real* x, real* out, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
    bint logarithm,
) noexcept nogil:
    cdef Py_ssize_t k, pieces, group = 1
    cdef int threads = num_threads()
    if inner > 1:
        group = (inner + COLUMNS - 1) // COLUMNS
        pieces = outer * group
    elif n < SHORT:
        group = STRETCH // n
        pieces = (outer + group - 1) // group
    else:
        pieces = outer
    if threads > 1 and pieces > 1 and outer * n * inner >= GRAIN:
        for k in prange(pieces, schedule="static", num_threads=threads):
            piece(grad, x, out, k, outer, n, inner, group, logarithm)
    else:
        for k in range(pieces):
            piece(grad, x, out, k, outer, n, inner, group, logarithm)


cdef over_axis(cnp.ndarray grad, cnp.ndarray x, int axis, bint logarithm):
    if not is_dense_float(x) or (grad is not None and not is_like(grad, x)):
        return None
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(
        cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef Py_ssize_t outer = 1, inner = 1, n = 1
    cdef void* g = data_or_null(grad)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* b = cnp.PyArray_DATA(out)
    cdef int i
    for i in range(cnp.PyArray_NDIM(x)):
        if i < axis:
            outer *= cnp.PyArray_DIM(x, i)
        elif i == axis:
            n = cnp.PyArray_DIM(x, i)
        else:
            inner *= cnp.PyArray_DIM(x, i)
    if outer * n * inner == 0:
        return out
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            run(<const float*> g, <const float*> a, <float*> b, outer, n, inner, logarithm)
    else:
        with nogil:
            run(<const double*> g, <const double*> a, <double*> b, outer, n, inner, logarithm)
    return out


def softmax(cnp.ndarray x, int axis, bint logarithm):
    """softmax, or its logarithm, over one axis of a dense float32 or float64 array."""
    return over_axis(None, x, axis, logarithm)


def softmax_grad(cnp.ndarray grad, cnp.ndarray y, int axis, bint logarithm):
    """The gradient of softmax's input; y is what softmax gave, grad has its shape and dtype."""
    return over_axis(grad, y, axis, logarithm)
