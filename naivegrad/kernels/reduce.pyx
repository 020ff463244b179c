# Reductions of dense float32 and float64 arrays.
#
# Design:
#   - backend/cpu brings every reduction to one shape: x is (outer, n, inner), C-contiguous, and n
#     goes. inner == 1 is a reduction along rows; otherwise whole rows of `inner` values are
#     combined.
#   - n is cut into blocks of BLOCK. Inside a block (kernels/reduce_tile.h) LANES independent
#     partial results let the compiler use vector registers without reordering anything; block
#     results are combined in float64, in order. Blocks, not threads, fix the order of operations:
#     the same bits for any number of threads.
#   - max and min let NaN win, as PyTorch does; arg reductions return the first index, which in long
#     rows is looked for only where the value is known to be.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

ctypedef fused whole:
    uint8_t
    int8_t
    int16_t
    int32_t
    int64_t

cdef enum:
    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    SQUARES = 4          # sum of (x - center)^2
    BLOCK = 4096         # values of a row, or rows, per partial result
    SHORT = 128          # values of a row in which one loop finds an extreme value faster than two
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
    enum:
        COLUMNS          # columns that are accumulated together

    float fold_op_f32(int op, const float* x, Py_ssize_t n, float center) noexcept
    double fold_op_f64(int op, const double* x, Py_ssize_t n, double center) noexcept
    void fold_columns_op_f32(int op, const float* x, float* acc, const float* center, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept
    void fold_columns_op_f64(int op, const double* x, double* acc, const double* center,
                             Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width) noexcept
    void arg_columns_max_f32(const float* x, float* best, int32_t* at, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept
    void arg_columns_min_f32(const float* x, float* best, int32_t* at, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept
    void arg_columns_max_f64(const double* x, double* best, int64_t* at, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept
    void arg_columns_min_f64(const double* x, double* best, int64_t* at, Py_ssize_t n,
                             Py_ssize_t inner, Py_ssize_t width) noexcept


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


cdef cnp.ndarray lines(cnp.ndarray x, int first, int last, bint keepdims, int t,
                       Py_ssize_t* outer, Py_ssize_t* n, Py_ssize_t* inner):
    """An empty array for the reduction of x over the axes first to last, and the lengths."""
    cdef cnp.npy_intp[64] shape
    cdef int i, left = 0
    outer[0] = n[0] = inner[0] = 1
    for i in range(cnp.PyArray_NDIM(x)):
        if i < first:
            outer[0] *= cnp.PyArray_DIM(x, i)
        elif i > last:
            inner[0] *= cnp.PyArray_DIM(x, i)
        else:
            n[0] *= cnp.PyArray_DIM(x, i)
            if not keepdims:
                continue
        shape[left] = 1 if first <= i <= last else cnp.PyArray_DIM(x, i)
        left += 1
    return cnp.PyArray_EMPTY(left, shape, t, 0)


def reduce(int op, cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
           double scale=1.0, center=None):
    """out[o, i] = scale * op over k of x[o, k, i]. All C-contiguous, of one float type."""
    cdef cnp.ndarray c = center
    cdef void* pc = NULL if center is None else cnp.PyArray_DATA(c)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
    if cnp.PyArray_SIZE(x) <= BLOCK:  # it would take longer to let other Python threads run
        if single:
            reduce_real[float](op, <float*>px, <float*>po, <float*>pc, outer, n, inner, scale)
        else:
            reduce_real[double](op, <double*>px, <double*>po, <double*>pc, outer, n, inner, scale)
    elif single:
        with nogil:
            reduce_real[float](op, <float*>px, <float*>po, <float*>pc, outer, n, inner, scale)
    else:
        with nogil:
            reduce_real[double](op, <double*>px, <double*>po, <double*>pc, outer, n, inner, scale)


cdef void sum_rows(const whole* x, int64_t* out, Py_ssize_t begin, Py_ssize_t end,
                   Py_ssize_t n) noexcept nogil:
    """Integers of any width, added as int64."""
    cdef Py_ssize_t r, i
    cdef int64_t total
    for r in range(begin, end):
        total = 0
        for i in range(n):
            total += x[r * n + i]
        out[r] = total


cdef void sum_columns(const whole* x, int64_t* out, Py_ssize_t o, Py_ssize_t n,
                      Py_ssize_t inner) noexcept nogil:
    cdef Py_ssize_t i, j
    x += o * n * inner
    out += o * inner
    for j in range(inner):
        out[j] = 0
    for i in range(n):  # no-cython-lint (i only counts)
        for j in range(inner):
            out[j] += x[j]
        x += inner


cdef int sum_whole(const whole* x, int64_t* out, Py_ssize_t outer, Py_ssize_t n,
                   Py_ssize_t inner) except -1 nogil:
    cdef Py_ssize_t size = outer * n * inner, i, count
    cdef int threads = num_threads() if size >= GRAIN else 1
    cdef int64_t[64] part
    threads = min(threads, 64)
    if inner != 1 or outer == 0:
        for i in prange(outer, num_threads=threads if outer > 1 else 1, schedule="static"):
            sum_columns(x, out, i, n, inner)
    elif outer > 1 or threads == 1:
        for i in prange(threads, num_threads=threads, schedule="static"):
            sum_rows(x, out, outer * i // threads, outer * (i + 1) // threads, n)
    else:
        count = n // threads
        for i in prange(threads, num_threads=threads, schedule="static"):
            sum_rows(x + i * count, &part[i], 0, 1, n - i * count if i == threads - 1 else count)
        out[0] = 0
        for i in range(threads):
            out[0] += part[i]
    return 0


cdef cnp.ndarray sum_integers(cnp.ndarray x, int first, int last, bint keepdims):
    """The sum over the axes first to last of integers or truth values, as int64; or None."""
    cdef int t = cnp.PyArray_TYPE(x), size = cnp.PyArray_ITEMSIZE(x)
    cdef Py_ssize_t outer, n, inner
    cdef void* px = cnp.PyArray_DATA(x)
    cdef cnp.ndarray out
    cdef int64_t* po
    if not (
        t == cnp.NPY_BOOL or t == cnp.NPY_UINT8
        or cnp.PyTypeNum_ISSIGNED(t) and cnp.PyTypeNum_ISINTEGER(t)
    ):
        return None
    out = lines(x, first, last, keepdims, cnp.NPY_INT64, &outer, &n, &inner)
    po = <int64_t*>cnp.PyArray_DATA(out)
    with nogil:
        if t == cnp.NPY_BOOL or t == cnp.NPY_UINT8:
            sum_whole(<uint8_t*>px, po, outer, n, inner)
        elif size == 1:
            sum_whole(<int8_t*>px, po, outer, n, inner)
        elif size == 2:
            sum_whole(<int16_t*>px, po, outer, n, inner)
        elif size == 4:
            sum_whole(<int32_t*>px, po, outer, n, inner)
        else:
            sum_whole(<int64_t*>px, po, outer, n, inner)
    return out


cdef void find(uint8_t sought, const uint8_t* x, uint8_t* out, Py_ssize_t n,
               Py_ssize_t inner) noexcept nogil:
    """out[j] = 1 where x[:, j] has a value that is sought: true ones (1) or false ones (0)."""
    cdef Py_ssize_t i, j, begin = 0, end
    cdef uint8_t found = 0
    if inner == 1:
        while begin < n and not found:
            end = min(begin + <Py_ssize_t>BLOCK, n)
            for i in range(begin, end):
                found |= (x[i] != 0) == sought
            begin = end
        out[0] = found
        return
    for j in range(inner):
        out[j] = 0
    for i in range(n):  # no-cython-lint (i only counts)
        for j in range(inner):
            out[j] |= (x[j] != 0) == sought
        x += inner


cdef cnp.ndarray truth(bint every, cnp.ndarray x, int first, int last, bint keepdims):
    """Whether every value, or any, over the axes first to last is true."""
    cdef Py_ssize_t outer, n, inner, i
    cdef cnp.ndarray out = lines(x, first, last, keepdims, cnp.NPY_BOOL, &outer, &n, &inner)
    cdef const uint8_t* px = <const uint8_t*>cnp.PyArray_DATA(x)
    cdef uint8_t* po = <uint8_t*>cnp.PyArray_DATA(out)
    with nogil:
        for i in range(outer):
            find(not every, px + i * n * inner, po + i * inner, n, inner)
        if every:
            for i in range(outer * inner):
                po[i] = not po[i]
    return out


def reduce_dense(str op, cnp.ndarray x, tuple axes, bint keepdims, double scale=1.0):
    """scale * op over `axes` (sorted, from 0; None: all) of a C-contiguous array.

    None where there is no loop: for other arrays, axes that are not neighbours, other types than
    float32 and float64, but for the sum of integers and of truth values, and any and all of those.
    """
    cdef int t = cnp.PyArray_TYPE(x), first = 0, last = cnp.PyArray_NDIM(x) - 1
    cdef Py_ssize_t outer, n, inner
    cdef cnp.ndarray out
    if not cnp.PyArray_ISCARRAY_RO(x):
        return None
    if axes is not None:
        if len(axes) == 0:
            return None
        first, last = axes[0], axes[len(axes) - 1]
        if last - first != len(axes) - 1:
            return None
    if t == cnp.NPY_FLOAT32 or t == cnp.NPY_FLOAT64:
        code = CODES.get(op)
        if code is None:
            return None
        out = lines(x, first, last, keepdims, t, &outer, &n, &inner)
        reduce(code, x, out, outer, n, inner, scale)
        return out
    if op == "sum":
        return sum_integers(x, first, last, keepdims)
    if t == cnp.NPY_BOOL and (op == "any" or op == "all"):
        return truth(op == "all", x, first, last, keepdims)
    return None


cdef inline int64_t position(const real* x, Py_ssize_t begin, Py_ssize_t n,
                             real value) noexcept nogil:
    """The first index from `begin` on that holds a value; NaN is looked for as NaN."""
    cdef Py_ssize_t k
    for k in range(begin, n):
        if x[k] == value or (value != value and x[k] != x[k]):
            return k
    return begin


cdef void arg_rows(int op, const real* x, int64_t* out, Py_ssize_t begin, Py_ssize_t end,
                   Py_ssize_t n) noexcept nogil:
    """out[r] = where the extreme value of row r stands. Of a long row the value first, then where.
    """
    cdef Py_ssize_t r, i, block
    cdef const real* p
    cdef real m, v
    for r in range(begin, end):
        p = x + r * n
        block = 0
        if n <= SHORT:
            m = p[0]
            for i in range(1, n):
                v = p[i]
                if ((v > m) if op == MAX else (v < m)) or (v != v and m == m):
                    m = v
                    block = i
            out[r] = block
            continue
        m = fold_op(op, p, min(<Py_ssize_t>BLOCK, n), <real>0)
        i = BLOCK
        while i < n and m == m:
            v = fold_op(op, p + i, min(<Py_ssize_t>BLOCK, n - i), <real>0)
            if v != v or ((v > m) if op == MAX else (v < m)):
                m = v
                block = i
            i += BLOCK
        out[r] = position(p, block, n, m)


cdef void arg_columns(int op, const real* x, int64_t* out, Py_ssize_t piece, Py_ssize_t n,
                      Py_ssize_t inner) noexcept nogil:
    """The piece-th group of COLUMNS columns of (outer, n, inner)."""
    cdef real best[COLUMNS]
    cdef int32_t narrow[COLUMNS]
    cdef int64_t wide[COLUMNS]
    cdef Py_ssize_t groups = (inner + COLUMNS - 1) // COLUMNS
    cdef Py_ssize_t o = piece // groups
    cdef Py_ssize_t first = (piece % groups) * COLUMNS
    cdef Py_ssize_t width = min(<Py_ssize_t>COLUMNS, inner - first), j
    x += o * n * inner + first
    out += o * inner + first
    if real is float:
        if op == MAX:
            arg_columns_max_f32(x, best, narrow, n, inner, width)
        else:
            arg_columns_min_f32(x, best, narrow, n, inner, width)
        for j in range(width):
            out[j] = narrow[j]
    else:
        if op == MAX:
            arg_columns_max_f64(x, best, wide, n, inner, width)
        else:
            arg_columns_min_f64(x, best, wide, n, inner, width)
        for j in range(width):
            out[j] = wide[j]


cdef int arg_one(int op, const real* x, int64_t* out, Py_ssize_t n, int threads) except -1 nogil:
    """The same for one long row: the threads share out its blocks."""
    cdef Py_ssize_t count = (n + BLOCK - 1) // BLOCK, i, best = 0
    cdef double* partial = <double*>malloc(count * sizeof(double))
    if partial == NULL:
        with gil:
            raise MemoryError("arg_reduce: no memory for partial results")
    for i in prange(threads, num_threads=threads, schedule="static"):
        blocks(op, x, partial, <real>0, count * i // threads, count * (i + 1) // threads, n)
    for i in range(count):
        if partial[i] != partial[i]:
            best = i
            break
        if (partial[i] > partial[best]) if op == MAX else (partial[i] < partial[best]):
            best = i
    out[0] = position(x, best * BLOCK, n, <real>partial[best])
    free(partial)
    return 0


cdef int arg_all(int op, const real* x, int64_t* out, Py_ssize_t outer, Py_ssize_t n,
                 Py_ssize_t inner) except -1 nogil:
    cdef int threads = num_threads() if outer * n * inner >= GRAIN else 1
    cdef Py_ssize_t pieces = outer * ((inner + COLUMNS - 1) // COLUMNS), i
    if inner != 1:
        if threads == 1 or pieces == 1:
            for i in range(pieces):
                arg_columns(op, x, out, i, n, inner)
        else:
            for i in prange(pieces, num_threads=threads, schedule="static"):
                arg_columns(op, x, out, i, n, inner)
    elif threads == 1:
        arg_rows(op, x, out, 0, outer, n)
    elif outer == 1:
        arg_one(op, x, out, n, threads)
    else:
        for i in prange(threads, num_threads=threads, schedule="static"):
            arg_rows(op, x, out, outer * i // threads, outer * (i + 1) // threads, n)
    return 0


def arg_reduce(bint largest, cnp.ndarray x, int axis, bint keepdims):
    """The first index of the largest (or smallest) value along an axis of 1 to 2**31 - 1 values.

    x is C-contiguous, of a float type.
    """
    cdef Py_ssize_t outer, n, inner
    cdef cnp.ndarray out = lines(x, axis, axis, keepdims, cnp.NPY_INT64, &outer, &n, &inner)
    cdef void* px = cnp.PyArray_DATA(x)
    cdef int64_t* po = <int64_t*>cnp.PyArray_DATA(out)
    cdef int op = MAX if largest else MIN
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            arg_all[float](op, <float*>px, po, outer, n, inner)
    else:
        with nogil:
            arg_all[double](op, <double*>px, po, outer, n, inner)
    return out
