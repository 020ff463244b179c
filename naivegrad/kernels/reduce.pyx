# Reductions of dense float32 and float64 arrays.
#
# Design:
#   - backend/cpu brings every reduction to one shape: x is (outer, n, inner), C-contiguous, and n
#     goes. inner == 1 is a reduction along rows; otherwise whole rows of `inner` values are
#     combined.
#   - n is cut into blocks of BLOCK. Inside a block (kernels/reduce_tile.h) LANES independent partial
#     results let the compiler use vector registers without reordering anything; block results are
#     combined in float64, in order. Blocks, not threads, fix the order of operations: the same bits
#     for any number of threads.
#   - max and min let NaN win, as PyTorch does; arg reductions return the first index.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    SQUARES = 4          # sum of (x - center)^2
    BLOCK = 4096         # values of a row, or rows, per partial result
    COLUMNS = 256        # columns that are accumulated together
    GRAIN = 65536

CODES = {"sum": SUM, "prod": PROD, "max": MAX, "min": MIN, "squares": SQUARES}


cdef inline real combine(int op, real a, real b) noexcept nogil:
    if op == SUM or op == SQUARES:
        return a + b
    if op == PROD:
        return a * b
    if op == MAX:
        return b if (b > a) | (b != b) else a
    return b if (b < a) | (b != b) else a


cdef inline double start(int op) noexcept nogil:
    if op == PROD:
        return 1.0
    if op == MAX:
        return -INFINITY
    if op == MIN:
        return INFINITY
    return 0.0


cdef extern from "reduce_loops.h" nogil:
    float fold_op_f32(int op, const float* x, Py_ssize_t n, float center) noexcept
    double fold_op_f64(int op, const double* x, Py_ssize_t n, double center) noexcept
    void fold_columns_op_f32(int op, const float* x, float* acc, const float* center, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept
    void fold_columns_op_f64(int op, const double* x, double* acc, const double* center,
                             Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width) noexcept


cdef inline real fold_op(int op, const real* x, Py_ssize_t n, real center) noexcept nogil:
    """n values to one."""
    if real is float:
        return fold_op_f32(op, x, n, center)
    else:
        return fold_op_f64(op, x, n, center)


cdef inline void fold_columns_op(int op, const real* x, real* acc, const real* center, Py_ssize_t n,
                                 Py_ssize_t inner, Py_ssize_t width) noexcept nogil:
    """acc[j] = reduction over n rows of x[:, j], for `width` neighbouring columns."""
    if real is float:
        fold_columns_op_f32(op, x, acc, center, n, inner, width)
    else:
        fold_columns_op_f64(op, x, acc, center, n, inner, width)


cdef void rows(int op, const real* x, real* out, const real* center, Py_ssize_t begin,
               Py_ssize_t end, Py_ssize_t n, double scale) noexcept nogil:
    """out[o] = scale * reduction of row o, for o in [begin, end)."""
    cdef Py_ssize_t o, i
    cdef double total, part
    cdef real c
    for o in range(begin, end):
        c = center[o] if center != NULL else 0
        if n <= BLOCK:
            out[o] = <real>(fold_op(op, x + o * n, n, c) * scale)
            continue
        total = start(op)
        i = 0
        while i < n:
            part = fold_op(op, x + o * n + i, min(<Py_ssize_t>BLOCK, n - i), c)
            total = combine[double](op, total, part)
            i += BLOCK
        out[o] = <real>(total * scale)


cdef void blocks(int op, const real* x, double* partial, real center, Py_ssize_t begin,
                 Py_ssize_t end, Py_ssize_t n) noexcept nogil:
    """partial[b] = reduction of the b-th block of one long row, for b in [begin, end)."""
    cdef Py_ssize_t b
    for b in range(begin, end):
        partial[b] = fold_op(op, x + b * BLOCK, min(<Py_ssize_t>BLOCK, n - b * BLOCK), center)


cdef void columns(int op, const real* x, real* out, const real* center, Py_ssize_t piece,
                  Py_ssize_t n, Py_ssize_t inner, double scale) noexcept nogil:
    """The piece-th group of COLUMNS columns of (outer, n, inner): all its n rows, block by block.
    """
    cdef real acc[COLUMNS]
    cdef double total[COLUMNS]
    cdef Py_ssize_t groups = (inner + COLUMNS - 1) // COLUMNS
    cdef Py_ssize_t o = piece // groups
    cdef Py_ssize_t first = (piece % groups) * COLUMNS
    cdef Py_ssize_t width = min(<Py_ssize_t>COLUMNS, inner - first), i, j
    cdef const real* c = center + o * inner + first if center != NULL else NULL
    x += o * n * inner + first
    out += o * inner + first
    for j in range(width):
        total[j] = start(op)
    i = 0
    while i < n:
        fold_columns_op(op, x + i * inner, acc, c, min(<Py_ssize_t>128, n - i), inner, width)
        for j in range(width):
            total[j] = combine[double](op, total[j], acc[j])
        i += 128
    for j in range(width):
        out[j] = <real>(total[j] * scale)


cdef int reduce_real(int op, const real* x, real* out, const real* center, Py_ssize_t outer,
                     Py_ssize_t n, Py_ssize_t inner, double scale) except -1 nogil:
    cdef Py_ssize_t size = outer * n * inner, pieces, i, count
    cdef int threads = num_threads() if size >= GRAIN else 1
    cdef double* partial
    cdef double total
    if outer == 0 or inner == 0:                     # no results; n may be anything
        return 0
    if inner > 1:
        pieces = outer * ((inner + COLUMNS - 1) // COLUMNS)
        if threads == 1 or pieces == 1:
            for i in range(pieces):
                columns(op, x, out, center, i, n, inner, scale)
        else:
            for i in prange(pieces, num_threads=threads, schedule="static"):
                columns(op, x, out, center, i, n, inner, scale)
    elif outer > 1 or n <= BLOCK:
        if threads == 1:
            rows(op, x, out, center, 0, outer, n, scale)
        else:
            for i in prange(threads, num_threads=threads, schedule="static"):
                rows(op, x, out, center, outer * i // threads, outer * (i + 1) // threads, n, scale)
    else:
        count = (n + BLOCK - 1) // BLOCK
        partial = <double*>malloc(count * sizeof(double))
        if partial == NULL:
            with gil:
                raise MemoryError("reduce: no memory for partial results")
        if threads == 1:
            blocks(op, x, partial, center[0] if center != NULL else <real>0, 0, count, n)
        else:
            for i in prange(threads, num_threads=threads, schedule="static"):
                blocks(op, x, partial, center[0] if center != NULL else <real>0,
                       count * i // threads, count * (i + 1) // threads, n)
        total = start(op)
        for i in range(count):
            total = combine[double](op, total, partial[i])
        out[0] = <real>(total * scale)
        free(partial)
    return 0


def reduce_all(int op, cnp.ndarray x, double scale=1.0):
    """scale * op over all of a C-contiguous float array, as a 0-d array; None for other arrays."""
    cdef int t = cnp.PyArray_TYPE(x)
    cdef cnp.ndarray out
    if not cnp.PyArray_ISCARRAY_RO(x) or (t != cnp.NPY_FLOAT32 and t != cnp.NPY_FLOAT64):
        return None
    out = cnp.PyArray_EMPTY(0, NULL, t, 0)
    if cnp.PyArray_SIZE(x) <= BLOCK:
        if t == cnp.NPY_FLOAT32:
            rows(op, <float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(out), <float*>NULL, 0, 1,
                 cnp.PyArray_SIZE(x), scale)
        else:
            rows(op, <double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(out), <double*>NULL, 0,
                 1, cnp.PyArray_SIZE(x), scale)
    else:
        reduce(op, x, out, 1, cnp.PyArray_SIZE(x), 1, scale)
    return out


def reduce_run(int op, cnp.ndarray x, int first, int last, bint keepdims, double scale=1.0):
    """scale * op over the axes first to last of a C-contiguous float array; None for other arrays.
    """
    cdef int t = cnp.PyArray_TYPE(x), ndim = cnp.PyArray_NDIM(x), i, left = 0
    cdef Py_ssize_t outer = 1, n = 1, inner = 1
    cdef cnp.npy_intp[64] shape
    cdef cnp.ndarray out
    if not cnp.PyArray_ISCARRAY_RO(x) or (t != cnp.NPY_FLOAT32 and t != cnp.NPY_FLOAT64):
        return None
    for i in range(ndim):
        if i < first:
            outer *= cnp.PyArray_DIM(x, i)
        elif i > last:
            inner *= cnp.PyArray_DIM(x, i)
        else:
            n *= cnp.PyArray_DIM(x, i)
            if not keepdims:
                continue
        shape[left] = 1 if first <= i <= last else cnp.PyArray_DIM(x, i)
        left += 1
    out = cnp.PyArray_EMPTY(left, shape, t, 0)
    reduce(op, x, out, outer, n, inner, scale)
    return out


def reduce(int op, cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
           double scale=1.0, center=None):
    """out[o, i] = scale * op over k of x[o, k, i]. All C-contiguous, of one float type."""
    cdef cnp.ndarray c = center
    cdef void* pc = NULL if center is None else cnp.PyArray_DATA(c)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            reduce_real[float](op, <float*>px, <float*>po, <float*>pc, outer, n, inner, scale)
    else:
        with nogil:
            reduce_real[double](op, <double*>px, <double*>po, <double*>pc, outer, n, inner, scale)


cdef void arg_real(bint largest, const real* x, cnp.int64_t* out, Py_ssize_t begin, Py_ssize_t end,
                   Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    """out[r] = first index of the extreme value (or of the first NaN) of the r-th line."""
    cdef Py_ssize_t r, k, best
    cdef const real* p
    cdef real v, m
    for r in range(begin, end):
        p = x + (r // inner) * n * inner + r % inner
        best = 0
        m = p[0]
        if m == m:
            for k in range(1, n):
                v = p[k * inner]
                if v != v:
                    best = k
                    break
                if (v > m) if largest else (v < m):
                    m = v
                    best = k
        out[r] = best


def arg_reduce(bint largest, cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
               Py_ssize_t inner):
    """out[o, i] = first k at which x[o, k, i] is largest (or smallest); n is at least 1."""
    cdef void* px = cnp.PyArray_DATA(x)
    cdef cnp.int64_t* po = <cnp.int64_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t lines = outer * inner, i
    cdef int threads = num_threads() if lines * n >= GRAIN else 1
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
    with nogil:
        for i in prange(threads, num_threads=threads, schedule="static"):
            if single:
                arg_real[float](largest, <float*>px, po, lines * i // threads,
                                lines * (i + 1) // threads, n, inner)
            else:
                arg_real[double](largest, <double*>px, po, lines * i // threads,
                                 lines * (i + 1) // threads, n, inner)
