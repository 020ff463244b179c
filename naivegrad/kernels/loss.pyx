# Losses of contiguous float32 and float64 arrays: cross-entropy and negative log-likelihood over
# class indices, squared error.
#
# Design: scores are seen as (outer, n, inner), n classes; a position is one (outer, inner) pair and
# has one target. Per position, with q_c = (1 - eps) w_t [c = t] + eps/n w_c the (smoothed,
# weighted) target:
#     loss = sum_c q_c (log sum exp x - x_c)        grad_c = sum(q) softmax(x)_c - q_c
# No one-hot is built and no softmax is kept: the forward pass leaves two numbers per position (the
# maximum, and the sum of exponentials), the backward pass rebuilds softmax from them in the
# gradient itself. The maximum and the sum stay apart because log(sum) + max would lose digits to a
# large max. Targets are checked before anything reads through them.
# The layout of the passes (short rows together, columns together) is that of softmax.pyx.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport int64_t

from naivegrad.kernels.dense cimport data_or_null, is_dense, is_dense_float, is_like, is_vector
from naivegrad.kernels.rows cimport (
    block_squares, exp_, log_, real, row_max, row_shifted, row_sum, row_sum_exp,
)
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 16384          # elements below which a parallel region costs more than it saves
    COLUMNS = 256
    SHORT = 64
    STRETCH = 2048

# How a loss over positions becomes the result.
NONE, MEAN, SUM = 0, 1, 2


cdef struct Plan:
    Py_ssize_t outer
    Py_ssize_t n
    Py_ssize_t inner
    Py_ssize_t pieces      # of work, each a group of rows or of columns
    Py_ssize_t group
    int64_t ignore
    double smoothing


cdef Plan plan(cnp.ndarray x, object ignore, double smoothing):
    """x is (C,) or (N, C, ...)."""
    cdef Plan p
    cdef int i, axis = 0 if cnp.PyArray_NDIM(x) == 1 else 1
    p.outer = p.inner = 1
    p.n = cnp.PyArray_DIM(x, axis)
    p.ignore = ignore
    p.smoothing = smoothing
    for i in range(axis):
        p.outer *= cnp.PyArray_DIM(x, i)
    for i in range(axis + 1, cnp.PyArray_NDIM(x)):
        p.inner *= cnp.PyArray_DIM(x, i)
    if p.inner != 1:
        p.group = (p.inner + COLUMNS - 1) // COLUMNS
        p.pieces = p.outer * p.group
    else:
        p.group = STRETCH // p.n if 0 < p.n < SHORT else 1
        p.pieces = (p.outer + p.group - 1) // p.group
    return p


cdef inline double weight_of(const real* weight, Py_ssize_t c) noexcept nogil:
    return 1.0 if weight is NULL else <double> weight[c]


cdef Py_ssize_t first_bad(const int64_t* target, Py_ssize_t count, const Plan* p) noexcept nogil:
    """The first position whose target is neither a class nor ignored; -1 where there is none."""
    cdef Py_ssize_t r
    cdef bint bad = False
    for r in range(count):               # no early exit: this loop vectorises
        bad |= (target[r] < 0 or target[r] >= p.n) and target[r] != p.ignore
    if not bad:
        return -1
    for r in range(count):
        if (target[r] < 0 or target[r] >= p.n) and target[r] != p.ignore:
            return r
    return -1


cdef double weight_sum(
    const int64_t* target, Py_ssize_t count, const real* weight, const Plan* p
) noexcept nogil:
    cdef Py_ssize_t r, used = 0
    cdef double total = 0
    if weight is NULL:
        for r in range(count):
            used += target[r] != p.ignore
        return <double> used
    for r in range(count):
        if target[r] != p.ignore:
            total += weight[target[r]]
    return total


# ---- cross-entropy, forward ---------------------------------------------------------------------

cdef inline real smooth_sum(
    const real* x, const real* weight, real top, const Plan* p
) noexcept nogil:
    # sum_c w_c (x_c - top) of one position: classes are p.inner apart
    cdef double total = 0
    cdef Py_ssize_t c
    if weight is NULL and p.inner == 1:
        return <real> row_shifted(x, top, p.n)
    for c in range(p.n):
        total += weight_of(weight, c) * (x[c * p.inner] - top)
    return <real> total


cdef inline void stats_short_rows(
    const real* x, real* top, real* total, Py_ssize_t rows, Py_ssize_t n
) noexcept nogil:
    cdef real power[STRETCH]
    cdef real most
    cdef Py_ssize_t i, j
    for i in range(rows):
        most = x[i * n]
        for j in range(1, n):
            most = x[i * n + j] if x[i * n + j] > most else most
        for j in range(n):
            power[i * n + j] = x[i * n + j] - most
        top[i] = most
    for i in range(rows * n):
        power[i] = exp_(power[i])
    for i in range(rows):
        most = 0
        for j in range(n):
            most += power[i * n + j]
        total[i] = most


cdef inline void stats_columns(
    const real* x, real* top, real* total, Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width
) noexcept nogil:
    cdef real most[COLUMNS]
    cdef real sums[COLUMNS]
    cdef const real* row
    cdef Py_ssize_t j, c
    for c in range(width):
        most[c] = x[c]
        sums[c] = 0
    for j in range(1, n):
        row = x + j * inner
        for c in range(width):
            most[c] = row[c] if row[c] > most[c] else most[c]
    for j in range(n):
        row = x + j * inner
        for c in range(width):
            sums[c] += exp_(row[c] - most[c])
    for c in range(width):
        top[c] = most[c]
        total[c] = sums[c]


cdef inline void forward_piece(
    const real* x, const int64_t* target, const real* weight, double weights, real* loss, real* top,
    real* total, Py_ssize_t k, const Plan* p,
) noexcept nogil:
    """Piece k: the maximum and the sum of exponentials of each position, then its loss.

    weights is the sum over all classes, for label smoothing."""
    cdef Py_ssize_t at, r, i, count
    cdef double log_total, value, w
    cdef int64_t t
    if p.inner != 1:
        at = (k // p.group) * p.n * p.inner + (k % p.group) * COLUMNS
        r = (k // p.group) * p.inner + (k % p.group) * COLUMNS
        count = min(<Py_ssize_t> COLUMNS, p.inner - (k % p.group) * COLUMNS)
        stats_columns(x + at, top + r, total + r, p.n, p.inner, count)
    elif p.n < SHORT:
        r = k * p.group
        at = r * p.n
        count = min(p.group, p.outer - r)
        stats_short_rows(x + at, top + r, total + r, count, p.n)
    else:
        r = k
        at = k * p.n
        count = 1
        top[r] = row_max(x + at, p.n)
        total[r] = <real> row_sum_exp(x + at, top[r], p.n)
    for i in range(count):
        loss[r + i] = log_(total[r + i])
    for i in range(count):
        t = target[r + i]
        if t == p.ignore:
            loss[r + i] = 0
            continue
        # the score of class t: the next position is one column, or one row, further on
        w = x[at + t * p.inner + (i if p.inner != 1 else i * p.n)] - top[r + i]
        log_total = loss[r + i]
        value = (1 - p.smoothing) * weight_of(weight, t) * (log_total - w)
        if p.smoothing > 0:
            w = smooth_sum(x + at + (i if p.inner != 1 else i * p.n), weight, top[r + i], p)
            value += p.smoothing / p.n * (weights * log_total - w)
        loss[r + i] = <real> value


# ---- cross-entropy, backward --------------------------------------------------------------------

cdef inline void backward_columns(
    const real* grad, bint each, double scale, const real* x, const int64_t* target,
    const real* weight, double weights, const real* top, const real* total, real* out,
    Py_ssize_t count, const Plan* p,
) noexcept nogil:
    cdef real factor[COLUMNS]            # of exp(x - ceiling)
    cdef real ceiling[COLUMNS]
    cdef real spread[COLUMNS]            # the share of label smoothing
    cdef double g, share = p.smoothing / p.n
    cdef Py_ssize_t i, c
    cdef int64_t t
    cdef real w
    cdef real* row
    cdef const real* scores
    for i in range(count):
        t = target[i]
        ceiling[i] = top[i]
        factor[i] = spread[i] = 0
        if t != p.ignore:
            g = scale * grad[i if each else 0]
            w = <real> weight_of(weight, t)
            factor[i] = <real> (g * ((1 - p.smoothing) * w + share * weights) / total[i])
            spread[i] = <real> (g * share)
    for c in range(p.n):
        row = out + c * p.inner
        scores = x + c * p.inner
        for i in range(count):
            row[i] = factor[i] * exp_(scores[i] - ceiling[i])
        if p.smoothing > 0:
            w = <real> weight_of(weight, c)
            for i in range(count):
                row[i] -= spread[i] * w
    for i in range(count):
        t = target[i]
        if t != p.ignore:
            g = scale * grad[i if each else 0]
            out[t * p.inner + i] -= <real> (g * (1 - p.smoothing) * weight_of(weight, t))


cdef inline void backward_piece(
    const real* grad, bint each, double scale, const real* x, const int64_t* target,
    const real* weight, double weights, const real* top, const real* total, real* out,
    Py_ssize_t k, const Plan* p,
) noexcept nogil:
    """Piece k of the gradient. grad is one number, or one for each position where `each` is set."""
    cdef double g, share = p.smoothing / p.n
    cdef Py_ssize_t at, r, i, c, count
    cdef int64_t t
    cdef real a, spread
    cdef real* row
    if p.inner != 1:
        r = (k // p.group) * p.inner + (k % p.group) * COLUMNS
        at = (k // p.group) * p.n * p.inner + (k % p.group) * COLUMNS
        count = min(<Py_ssize_t> COLUMNS, p.inner - (k % p.group) * COLUMNS)
        backward_columns(grad + (r if each else 0), each, scale, x + at, target + r, weight,
                         weights, top + r, total + r, out + at, count, p)
        return
    r = k * p.group
    at = r * p.n
    count = min(p.group, p.outer - r)
    for i in range(count):
        row = out + at + i * p.n
        a = top[r + i]
        for c in range(p.n):
            row[c] = x[at + i * p.n + c] - a
    for i in range(count * p.n):         # over short rows together
        out[at + i] = exp_(out[at + i])
    for i in range(count):
        t = target[r + i]
        row = out + at + i * p.n
        if t == p.ignore:
            for c in range(p.n):
                row[c] = 0
            continue
        g = scale * grad[r + i if each else 0]
        a = <real> (g * ((1 - p.smoothing) * weight_of(weight, t) + share * weights) / total[r + i])
        spread = <real> (g * share)
        if spread == 0:
            for c in range(p.n):
                row[c] *= a
        elif weight is NULL:
            for c in range(p.n):
                row[c] = a * row[c] - spread
        else:
            for c in range(p.n):
                row[c] = a * row[c] - spread * weight[c]
        row[t] -= <real> (g * (1 - p.smoothing) * weight_of(weight, t))


# ---- negative log-likelihood: -q . x, linear in x, and its transpose ----------------------------

cdef void nll_forward(
    const real* x, const int64_t* target, const real* weight, real* loss, const Plan* p
) noexcept nogil:
    cdef Py_ssize_t r
    cdef const real* score
    cdef int64_t t
    for r in range(p.outer * p.inner):
        t = target[r]
        if t == p.ignore:
            loss[r] = 0
            continue
        score = x + (r // p.inner) * p.n * p.inner + r % p.inner
        loss[r] = <real> (-(1 - p.smoothing) * weight_of(weight, t) * score[t * p.inner])
        if p.smoothing > 0:
            loss[r] -= <real> (p.smoothing / p.n * smooth_sum(score, weight, <real> 0, p))


cdef void nll_backward(
    const real* grad, bint each, double scale, const int64_t* target, const real* weight, real* out,
    const Plan* p,
) noexcept nogil:
    # out holds zeros
    cdef Py_ssize_t r, c
    cdef real* score
    cdef double g
    cdef int64_t t
    for r in range(p.outer * p.inner):
        t = target[r]
        if t == p.ignore:
            continue
        g = scale * grad[r if each else 0]
        score = out + (r // p.inner) * p.n * p.inner + r % p.inner
        if p.smoothing > 0:
            for c in range(p.n):
                score[c * p.inner] = <real> (-g * p.smoothing / p.n * weight_of(weight, c))
        score[t * p.inner] -= <real> (g * (1 - p.smoothing) * weight_of(weight, t))


# ---- squared error ------------------------------------------------------------------------------

cdef inline double squares_block(const real* x, const real* y, Py_ssize_t n) noexcept nogil:
    cdef real difference[256]
    cdef double total = 0
    cdef Py_ssize_t i = 0, j, width
    while i < n:
        width = min(<Py_ssize_t> 256, n - i)
        for j in range(width):
            difference[j] = x[i + j] - y[i + j]
        total += block_squares(difference, <real> 0, width)
        i += 256
    return total


cdef double squares(const real* x, const real* y, Py_ssize_t n, double* part) noexcept nogil:
    # part: one number per GRAIN elements, added up in order whatever thread made it
    cdef Py_ssize_t k, blocks = (n + GRAIN - 1) // GRAIN
    cdef double total = 0
    cdef int threads = num_threads()
    if threads > 1 and blocks > 1:
        for k in prange(blocks, schedule="static", num_threads=threads):
            part[k] = squares_block(
                x + k * GRAIN, y + k * GRAIN, min(<Py_ssize_t> GRAIN, n - k * GRAIN))
    else:
        for k in range(blocks):
            part[k] = squares_block(
                x + k * GRAIN, y + k * GRAIN, min(<Py_ssize_t> GRAIN, n - k * GRAIN))
    for k in range(blocks):
        total += part[k]
    return total


cdef inline void difference_block(
    const real* grad, bint each, double scale, const real* x, const real* y, real* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real a = <real> scale
    if grad is NULL:
        for i in range(n):
            out[i] = (x[i] - y[i]) * (x[i] - y[i])
    elif each:
        for i in range(n):
            out[i] = a * grad[i] * (x[i] - y[i])
    else:
        a = <real> (scale * grad[0])
        for i in range(n):
            out[i] = a * (x[i] - y[i])


cdef void differences(
    const real* grad, bint each, double scale, const real* x, const real* y, real* out, Py_ssize_t n
) noexcept nogil:
    """(x - y)^2 where there is no grad, scale * grad * (x - y) otherwise."""
    cdef Py_ssize_t k, blocks = (n + GRAIN - 1) // GRAIN
    cdef int threads = num_threads()
    if threads > 1 and blocks > 1:
        for k in prange(blocks, schedule="static", num_threads=threads):
            difference_block(
                grad + (k * GRAIN if each else 0), each, scale, x + k * GRAIN, y + k * GRAIN,
                out + k * GRAIN, min(<Py_ssize_t> GRAIN, n - k * GRAIN))
    else:
        difference_block(grad, each, scale, x, y, out, n)


# ---- what Python calls --------------------------------------------------------------------------

cdef int check_targets(str op, cnp.ndarray target, const Plan* p) except -1:
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef Py_ssize_t bad = first_bad(t, cnp.PyArray_SIZE(target), p)
    if bad >= 0:
        raise IndexError(
            f"{op}: target {t[bad]} is out of range: expected a class in [0, {p.n - 1}], "
            f"or ignore_index={p.ignore}"
        )
    return 0


cdef void cross_entropy_all(
    const real* x, const int64_t* target, const real* weight, real* loss, real* stats, const Plan* p
) noexcept nogil:
    cdef Py_ssize_t k, positions = p.outer * p.inner
    cdef double weights = p.n if weight is NULL else row_sum(weight, p.n)
    cdef int threads = num_threads()
    cdef real* top = stats
    cdef real* total = stats + positions
    if threads > 1 and p.pieces > 1 and positions * p.n >= GRAIN:
        for k in prange(p.pieces, schedule="static", num_threads=threads):
            forward_piece(x, target, weight, weights, loss, top, total, k, p)
    else:
        for k in range(p.pieces):
            forward_piece(x, target, weight, weights, loss, top, total, k, p)


cdef void cross_entropy_grad_all(
    const real* grad, bint each, double scale, const real* x, const int64_t* target,
    const real* weight, const real* stats, real* out, const Plan* p,
) noexcept nogil:
    cdef Py_ssize_t k, positions = p.outer * p.inner
    cdef double weights = p.n if weight is NULL else row_sum(weight, p.n)
    cdef int threads = num_threads()
    cdef const real* top = stats
    cdef const real* total = stats + positions
    if threads > 1 and p.pieces > 1 and positions * p.n >= GRAIN:
        for k in prange(p.pieces, schedule="static", num_threads=threads):
            backward_piece(grad, each, scale, x, target, weight, weights, top, total, out, k, p)
    else:
        for k in range(p.pieces):
            backward_piece(grad, each, scale, x, target, weight, weights, top, total, out, k, p)


cdef void reduce_loss(
    const real* loss, Py_ssize_t positions, double total_weight, int reduction, real* out
) noexcept nogil:
    cdef double total = row_sum(loss, positions)
    out[0] = <real> (total / total_weight if reduction == 1 else total)


cdef bint fits(cnp.ndarray x, cnp.ndarray target, object weight, const Plan* p):
    """Whether the loops may run: target (N, ...) for x (N, C, ...), or () for (C,)."""
    return (
        is_dense_float(x)
        and is_dense(target, cnp.NPY_INT64)
        and cnp.PyArray_SIZE(target) == p.outer * p.inner
        and is_vector(weight, p.n, cnp.PyArray_TYPE(x))
    )


cdef bint grad_fits(cnp.ndarray grad, cnp.ndarray x, int reduction, const Plan* p):
    return (
        is_dense(grad, cnp.PyArray_TYPE(x))
        and cnp.PyArray_SIZE(grad) == (1 if reduction else p.outer * p.inner)
    )


cdef cnp.ndarray empty(int ndim, Py_ssize_t* shape, cnp.ndarray like):
    return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp*> shape, cnp.PyArray_TYPE(like), 0)


cdef cnp.ndarray empty_as(cnp.ndarray shaped, cnp.ndarray typed):
    return empty(cnp.PyArray_NDIM(shaped), <Py_ssize_t*> cnp.PyArray_DIMS(shaped), typed)


def cross_entropy(
    cnp.ndarray x, cnp.ndarray target, weight, ignore_index, double smoothing, int reduction
):
    """Loss and statistics: x (C,) or (N, C, ...) float, target int64, weight None or (C,).

    The statistics are what cross_entropy_grad needs: per position the maximum and the sum of
    exponentials, and at the end the sum of the targets' weights."""
    cdef Plan p = plan(x, ignore_index, smoothing)
    if not fits(x, target, weight, &p):
        return None
    cdef Py_ssize_t positions = p.outer * p.inner, size = 2 * positions + 1
    cdef cnp.ndarray loss = empty_as(target, x)
    cdef cnp.ndarray stats = empty(1, &size, x)
    cdef cnp.ndarray out = loss if reduction == 0 else empty(0, NULL, x)
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* b = cnp.PyArray_DATA(loss)
    cdef void* s = cnp.PyArray_DATA(stats)
    cdef void* y = cnp.PyArray_DATA(out)
    cdef double total
    check_targets("cross_entropy", target, &p)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            cross_entropy_all(<const float*> a, t, <const float*> w, <float*> b, <float*> s, &p)
            total = weight_sum(t, positions, <const float*> w, &p)
            (<float*> s)[2 * positions] = <float> total
            if reduction:
                reduce_loss(<const float*> b, positions, total, reduction, <float*> y)
    else:
        with nogil:
            cross_entropy_all(<const double*> a, t, <const double*> w, <double*> b, <double*> s, &p)
            total = weight_sum(t, positions, <const double*> w, &p)
            (<double*> s)[2 * positions] = total
            if reduction:
                reduce_loss(<const double*> b, positions, total, reduction, <double*> y)
    return out, stats


def cross_entropy_grad(
    cnp.ndarray grad, cnp.ndarray x, cnp.ndarray target, weight, cnp.ndarray stats, ignore_index,
    double smoothing, int reduction,
):
    """The gradient of x; grad has the target's shape for reduction none, () otherwise."""
    cdef Plan p = plan(x, ignore_index, smoothing)
    if not (fits(x, target, weight, &p) and grad_fits(grad, x, reduction, &p)
            and is_vector(stats, 2 * p.outer * p.inner + 1, cnp.PyArray_TYPE(x))):
        return None
    cdef Py_ssize_t positions = p.outer * p.inner
    cdef cnp.ndarray out = empty_as(x, x)
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* s = cnp.PyArray_DATA(stats)
    cdef void* b = cnp.PyArray_DATA(out)
    cdef double scale = 1
    cdef bint each = reduction == 0
    check_targets("cross_entropy", target, &p)       # they may have been written to since
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        if reduction == 1:
            scale /= (<float*> s)[2 * positions]
        with nogil:
            cross_entropy_grad_all(<const float*> g, each, scale, <const float*> a, t,
                                   <const float*> w, <const float*> s, <float*> b, &p)
    else:
        if reduction == 1:
            scale /= (<double*> s)[2 * positions]
        with nogil:
            cross_entropy_grad_all(<const double*> g, each, scale, <const double*> a, t,
                                   <const double*> w, <const double*> s, <double*> b, &p)
    return out


def nll_loss(
    cnp.ndarray x, cnp.ndarray target, weight, ignore_index, double smoothing, int reduction
):
    """Loss of log-probabilities x, arguments as cross_entropy."""
    cdef Plan p = plan(x, ignore_index, smoothing)
    if not fits(x, target, weight, &p):
        return None
    cdef Py_ssize_t positions = p.outer * p.inner
    cdef cnp.ndarray loss = empty_as(target, x)
    cdef cnp.ndarray out = loss if reduction == 0 else empty(0, NULL, x)
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* b = cnp.PyArray_DATA(loss)
    cdef void* y = cnp.PyArray_DATA(out)
    cdef double total
    check_targets("nll_loss", target, &p)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            nll_forward(<const float*> a, t, <const float*> w, <float*> b, &p)
            if reduction:
                total = weight_sum(t, positions, <const float*> w, &p)
                reduce_loss(<const float*> b, positions, total, reduction, <float*> y)
    else:
        with nogil:
            nll_forward(<const double*> a, t, <const double*> w, <double*> b, &p)
            if reduction:
                total = weight_sum(t, positions, <const double*> w, &p)
                reduce_loss(<const double*> b, positions, total, reduction, <double*> y)
    return out


def nll_loss_grad(
    cnp.ndarray grad, cnp.ndarray out, cnp.ndarray target, weight, ignore_index, double smoothing,
    int reduction,
) -> bool:
    """Write the gradient into out, which has x's shape and holds zeros; False if not dense."""
    cdef Plan p = plan(out, ignore_index, smoothing)
    if not fits(out, target, weight, &p) or not grad_fits(grad, out, reduction, &p):
        return False
    cdef Py_ssize_t positions = p.outer * p.inner
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* w = data_or_null(weight)
    cdef void* b = cnp.PyArray_DATA(out)
    cdef double scale = 1
    cdef bint each = reduction == 0
    check_targets("nll_loss", target, &p)
    if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
        with nogil:
            if reduction == 1:
                scale /= weight_sum(t, positions, <const float*> w, &p)
            nll_backward(<const float*> g, each, scale, t, <const float*> w, <float*> b, &p)
    else:
        with nogil:
            if reduction == 1:
                scale /= weight_sum(t, positions, <const double*> w, &p)
            nll_backward(<const double*> g, each, scale, t, <const double*> w, <double*> b, &p)
    return True


def mse_loss(cnp.ndarray x, cnp.ndarray y, int reduction):
    """(x - y)^2 of two contiguous arrays of one shape and dtype: as it is, its mean or its sum."""
    if not is_dense_float(x) or not is_like(y, x):
        return None
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), blocks = (n + GRAIN - 1) // GRAIN
    cdef cnp.ndarray out, part
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* b = cnp.PyArray_DATA(y)
    cdef void* o
    cdef double total
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
    if reduction == 0:
        out = empty_as(x, x)
        o = cnp.PyArray_DATA(out)
        with nogil:
            if single:
                differences(<const float*> NULL, False, 0, <const float*> a, <const float*> b,
                            <float*> o, n)
            else:
                differences(<const double*> NULL, False, 0, <const double*> a, <const double*> b,
                            <double*> o, n)
        return out
    part = cnp.PyArray_EMPTY(1, <cnp.npy_intp*> &blocks, cnp.NPY_FLOAT64, 0)
    out = empty(0, NULL, x)
    o = cnp.PyArray_DATA(part)
    with nogil:
        if single:
            total = squares(<const float*> a, <const float*> b, n, <double*> o)
        else:
            total = squares(<const double*> a, <const double*> b, n, <double*> o)
    if reduction == 1:
        total /= n
    if single:
        (<float*> cnp.PyArray_DATA(out))[0] = <float> total
    else:
        (<double*> cnp.PyArray_DATA(out))[0] = total
    return out


def mse_loss_grad(cnp.ndarray grad, cnp.ndarray x, cnp.ndarray y, int reduction):
    """The gradient of x: 2 grad (x - y), divided by their number for the mean."""
    if not is_dense_float(x) or not is_like(y, x) or not is_dense(grad, cnp.PyArray_TYPE(x)):
        return None
    if cnp.PyArray_SIZE(grad) != (1 if reduction else cnp.PyArray_SIZE(x)):
        return None
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    cdef cnp.ndarray out = empty_as(x, x)
    cdef double scale = 2.0 / n if reduction == 1 else 2.0
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* b = cnp.PyArray_DATA(y)
    cdef void* o = cnp.PyArray_DATA(out)
    cdef bint each = reduction == 0
    if n == 0:
        return out
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            differences(<const float*> g, each, scale, <const float*> a, <const float*> b,
                        <float*> o, n)
    else:
        with nogil:
            differences(<const double*> g, each, scale, <const double*> a, <const double*> b,
                        <double*> o, n)
    return out
