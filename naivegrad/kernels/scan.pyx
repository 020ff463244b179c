# Scans of dense float32 and float64 arrays: what has been met so far, at every place of a line.
#
# Design:
#   - backend/cpu brings every scan to x (outer, n, inner), C-contiguous, along n. inner == 1
#     is a scan along rows; otherwise the rows of a block of columns are combined one after another.
#   - Running values are kept in float64. A line is run through in one order by one thread, so the
#     bits do not depend on how many threads there are.
#   - A step either adds, multiplies, or does both (`recur`): the derivatives of the products and of
#     the log-sum-exp are such recurrences, run the other way.
#   - cummax and cummin give the index; equal values the later one, NaN wins, as in PyTorch.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY, exp, log
from libc.stdint cimport int64_t

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

ctypedef fused number:
    float
    double
    int64_t

cdef enum:
    SUM = 0
    PROD = 1
    LOGSUMEXP = 2
    FEW = 4              # rows that are run through together
    LANES = 8            # products of a line that are made independently
    COLUMNS = 256        # columns that are run through together
    GRAIN = 32768        # values below which a parallel region costs more than it saves

CODES = {"sum": SUM, "prod": PROD, "logsumexp": LOGSUMEXP}


cdef inline void scan_row(int op, const real* x, real* out, Py_ssize_t n, Py_ssize_t step,
                          Py_ssize_t first) noexcept nogil:
    """One line whose neighbours lie `step` apart (below 0: from the end), beginning at `first`."""
    cdef Py_ssize_t k
    cdef double total = 1.0 if op == PROD else 0.0
    x += first
    out += first
    for k in range(n):
        if op == PROD:
            total = total * x[k * step]
        else:
            total = total + x[k * step]
        out[k * step] = <real>total


cdef inline void scan_rows(int op, const real* x, real* out, Py_ssize_t n, Py_ssize_t step,
                           Py_ssize_t first, Py_ssize_t length) noexcept nogil:
    """FEW lines side by side, `length` apart: an addition does not wait for the one before it."""
    cdef Py_ssize_t j, k
    cdef double total[FEW]
    x += first
    out += first
    for j in range(FEW):
        total[j] = 1.0 if op == PROD else 0.0
    for k in range(n):
        for j in range(FEW):
            if op == PROD:
                total[j] = total[j] * x[j * length + k * step]
            else:
                total[j] = total[j] + x[j * length + k * step]
            out[j * length + k * step] = <real>total[j]


cdef inline void log_row(const real* x, real* out, Py_ssize_t n, Py_ssize_t step,
                         Py_ssize_t first) noexcept nogil:
    """log(sum(exp(x))) so far, as peak + log(total): total holds exp(x - peak)."""
    cdef Py_ssize_t k
    cdef double peak = -INFINITY, total = 0.0, v
    x += first
    out += first
    for k in range(n):
        v = x[k * step]
        if v > peak:
            total = total * exp(peak - v) + 1.0 if total else 1.0
            peak = v
        elif v != v:
            total = v
        elif v == INFINITY or v == -INFINITY:        # of two infinities: inf - inf would be NaN
            pass
        else:
            total += exp(v - peak)
        out[k * step] = <real>(peak + log(total)) if total != 0 else <real>peak


cdef inline void scan_columns(int op, const real* x, real* out, Py_ssize_t n, Py_ssize_t step,
                              Py_ssize_t width) noexcept nogil:
    """`width` neighbouring columns of n rows that lie `step` apart."""
    cdef double total[COLUMNS]
    cdef Py_ssize_t j, k
    for j in range(width):
        total[j] = 1.0 if op == PROD else 0.0
    for k in range(n):  # no-cython-lint (k only counts)
        for j in range(width):
            if op == PROD:
                total[j] = total[j] * x[j]
            else:
                total[j] = total[j] + x[j]
            out[j] = <real>total[j]
        x += step
        out += step


cdef void scan_piece(int op, bint backward, const real* x, real* out, Py_ssize_t piece,
                     Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    """The piece-th group of columns of (outer, n, inner)."""
    cdef Py_ssize_t groups = (inner + COLUMNS - 1) // COLUMNS
    cdef Py_ssize_t first = (piece % groups) * COLUMNS, j
    cdef Py_ssize_t width = min(<Py_ssize_t>COLUMNS, inner - first)
    cdef Py_ssize_t step = -inner if backward else inner
    cdef Py_ssize_t at = (piece // groups) * n * inner + first
    if backward:
        at += (n - 1) * inner
    if op == LOGSUMEXP:
        for j in range(width):
            log_row(x, out, n, step, at + j)
    elif op == PROD:
        scan_columns(PROD, x + at, out + at, n, step, width)
    else:
        scan_columns(SUM, x + at, out + at, n, step, width)


cdef void scan_few(int op, bint backward, const real* x, real* out, Py_ssize_t piece,
                   Py_ssize_t outer, Py_ssize_t n) noexcept nogil:
    """The piece-th FEW of the rows of (outer, n)."""
    cdef Py_ssize_t step = -1 if backward else 1, row
    cdef Py_ssize_t first = piece * FEW * n + (n - 1 if backward else 0)
    if (piece + 1) * FEW > outer:
        for row in range(outer - piece * FEW):
            if op == PROD:
                scan_row(PROD, x, out, n, step, first + row * n)
            else:
                scan_row(SUM, x, out, n, step, first + row * n)
    elif op == PROD:
        scan_rows(PROD, x, out, n, step, first, n)
    else:
        scan_rows(SUM, x, out, n, step, first, n)


cdef void scan_part(int op, bint backward, const real* x, real* out, Py_ssize_t piece,
                    Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    if inner == 1 and op != LOGSUMEXP:
        scan_few(op, backward, x, out, piece, outer, n)
    else:
        scan_piece(op, backward, x, out, piece, n, inner)


cdef void scan_real(int op, bint backward, const real* x, real* out, Py_ssize_t outer, Py_ssize_t n,
                    Py_ssize_t inner) noexcept nogil:
    cdef Py_ssize_t pieces = outer * ((inner + COLUMNS - 1) // COLUMNS), i
    cdef int threads = num_threads()
    if inner == 1 and op != LOGSUMEXP:
        pieces = (outer + FEW - 1) // FEW
    if threads > 1 and pieces > 1 and outer * n * inner >= GRAIN:
        for i in prange(pieces, num_threads=threads, schedule="static"):
            scan_part(op, backward, x, out, i, outer, n, inner)
    else:
        for i in range(pieces):
            scan_part(op, backward, x, out, i, outer, n, inner)


def scan(int op, bint backward, cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
         Py_ssize_t inner):
    """out[o, k, i] = op over x[o, :k + 1, i]; over x[o, k:, i] if `backward`. Size at least 1."""
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            scan_real[float](op, backward, <float*>px, <float*>po, outer, n, inner)
    else:
        with nogil:
            scan_real[double](op, backward, <double*>px, <double*>po, outer, n, inner)


cdef inline bint divides(double total) noexcept nogil:
    """Whether a product is neither 0, nor infinite, nor near the end of its digits."""
    return 1e-290 < (total if total > 0 else -total) < 1e290


cdef void others_row(const real* x, real* out, Py_ssize_t n) noexcept nogil:
    """out[i] = the product of all x but x[i], of one line: by division if the product allows it."""
    cdef double lane[LANES]
    cdef double total = 1.0
    cdef Py_ssize_t k, j
    for j in range(LANES):
        lane[j] = 1.0
    for k in range(n // LANES):
        for j in range(LANES):
            lane[j] = lane[j] * x[k * LANES + j]
    for k in range(n - n % LANES, n):
        total = total * x[k]
    for j in range(LANES):
        total = total * lane[j]
    if divides(total):
        for k in range(n):
            out[k] = <real>(total / x[k])
        return
    total = 1.0
    for k in range(n):                               # what comes before, times what comes after
        out[k] = <real>total
        total = total * x[k]
    total = 1.0
    for k in range(n - 1, -1, -1):
        out[k] = <real>(out[k] * total)
        total = total * x[k]


cdef void others_columns(const real* x, real* out, Py_ssize_t piece, Py_ssize_t n,
                         Py_ssize_t inner) noexcept nogil:
    """The same for the piece-th group of columns of (outer, n, inner)."""
    cdef double total[COLUMNS]
    cdef Py_ssize_t groups = (inner + COLUMNS - 1) // COLUMNS
    cdef Py_ssize_t first = (piece % groups) * COLUMNS, j, k
    cdef Py_ssize_t width = min(<Py_ssize_t>COLUMNS, inner - first)
    cdef bint all_divide = True
    x += (piece // groups) * n * inner + first
    out += (piece // groups) * n * inner + first
    for j in range(width):
        total[j] = 1.0
    for k in range(n):
        for j in range(width):
            total[j] = total[j] * x[k * inner + j]
    for j in range(width):
        all_divide = all_divide and divides(total[j])
    if all_divide:
        for k in range(n):
            for j in range(width):
                out[k * inner + j] = <real>(total[j] / x[k * inner + j])
        return
    for j in range(width):
        total[j] = 1.0
    for k in range(n):
        for j in range(width):
            out[k * inner + j] = <real>total[j]
            total[j] = total[j] * x[k * inner + j]
    for j in range(width):
        total[j] = 1.0
    for k in range(n - 1, -1, -1):
        for j in range(width):
            out[k * inner + j] = <real>(out[k * inner + j] * total[j])
            total[j] = total[j] * x[k * inner + j]


cdef void others_real(const real* x, real* out, Py_ssize_t outer, Py_ssize_t n,
                      Py_ssize_t inner) noexcept nogil:
    cdef Py_ssize_t pieces = outer * ((inner + COLUMNS - 1) // COLUMNS), i
    cdef int threads = num_threads() if outer * n * inner >= GRAIN and pieces > 1 else 1
    for i in prange(pieces, num_threads=threads, schedule="static"):
        if inner == 1:
            others_row(x + i * n, out + i * n, n)
        else:
            others_columns(x, out, i, n, inner)


def others(cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner):
    """out[o, k, i] = the product of x[o, j, i] over all j but k. Size at least 1."""
    cdef void* px = cnp.PyArray_DATA(x)
    cdef void* po = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            others_real[float](<float*>px, <float*>po, outer, n, inner)
    else:
        with nogil:
            others_real[double](<double*>px, <double*>po, outer, n, inner)


cdef void recur_lines(bint backward, const real* b, const real* a, real* out, Py_ssize_t begin,
                      Py_ssize_t end, Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    """The lines in [begin, end) of (outer, n, inner)."""
    cdef Py_ssize_t line, k, at
    cdef double y
    for line in range(begin, end):
        at = (line // inner) * n * inner + line % inner
        if backward:
            at += (n - 1) * inner
            y = b[at]
            out[at] = <real>y
            for k in range(1, n):  # no-cython-lint (k only counts)
                y = b[at - inner] + a[at] * y
                at = at - inner
                out[at] = <real>y
        else:
            y = b[at]
            out[at] = <real>y
            for k in range(1, n):  # no-cython-lint (k only counts)
                at = at + inner
                y = b[at] + a[at] * y
                out[at] = <real>y


cdef void recur_real(bint backward, const real* b, const real* a, real* out, Py_ssize_t lines,
                     Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and lines > 1 and lines * n >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            recur_lines(backward, b, a, out, lines * part // threads, lines * (part + 1) // threads,
                        n, inner)
    else:
        recur_lines(backward, b, a, out, 0, lines, n, inner)


def recur(bint backward, cnp.ndarray b, cnp.ndarray a, cnp.ndarray out, Py_ssize_t outer,
          Py_ssize_t n, Py_ssize_t inner):
    """out[k] = b[k] + a[k] * out[k - 1] along n; b[k] + a[k + 1] * out[k + 1] if `backward`."""
    cdef void* pb = cnp.PyArray_DATA(b)
    cdef void* pa = cnp.PyArray_DATA(a)
    cdef void* po = cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(b) == cnp.NPY_FLOAT32:
        with nogil:
            recur_real[float](backward, <float*>pb, <float*>pa, <float*>po, outer * inner, n, inner)
    else:
        with nogil:
            recur_real[double](backward, <double*>pb, <double*>pa, <double*>po, outer * inner, n,
                               inner)


cdef void extreme_lines(bint largest, const number* x, int64_t* out, Py_ssize_t begin,
                        Py_ssize_t end, Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    """out[k] = where the extreme value of x[:k + 1] stands, of the lines in [begin, end)."""
    cdef Py_ssize_t line, k, at
    cdef int64_t best
    cdef number m, v
    cdef bint nan = False
    for line in range(begin, end):
        at = (line // inner) * n * inner + line % inner
        m = x[at]
        best = 0
        for k in range(n):
            v = x[at]
            if number is not int64_t:
                nan = v != v
            if nan or (v >= m if largest else v <= m):
                m = v
                best = k
            out[at] = best
            at = at + inner


cdef void extreme_number(bint largest, const number* x, int64_t* out, Py_ssize_t lines,
                         Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    cdef int part, threads = num_threads()
    if threads > 1 and lines > 1 and lines * n >= GRAIN:
        for part in prange(threads, num_threads=threads, schedule="static"):
            extreme_lines(largest, x, out, lines * part // threads, lines * (part + 1) // threads,
                          n, inner)
    else:
        extreme_lines(largest, x, out, 0, lines, n, inner)


def arg_scan(bint largest, cnp.ndarray x, cnp.ndarray out, Py_ssize_t outer, Py_ssize_t n,
             Py_ssize_t inner):
    """out[o, k, i] = the last index of the largest (smallest) of x[o, :k + 1, i]; int64 or floats.
    """
    cdef void* px = cnp.PyArray_DATA(x)
    cdef int64_t* po = <int64_t*>cnp.PyArray_DATA(out)
    cdef int t = cnp.PyArray_TYPE(x)
    with nogil:
        if t == cnp.NPY_FLOAT32:
            extreme_number[float](largest, <float*>px, po, outer * inner, n, inner)
        elif t == cnp.NPY_FLOAT64:
            extreme_number[double](largest, <double*>px, po, outer * inner, n, inner)
        else:
            extreme_number[int64_t](largest, <int64_t*>px, po, outer * inner, n, inner)
