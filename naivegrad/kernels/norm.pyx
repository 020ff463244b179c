# Layer and batch normalisation of contiguous float32 and float64 arrays, and their gradients.
#
# Design:
#   - Statistics take two passes (the mean, then squares about it): sums of x^2 lose all digits
#     where the mean is large. Blocks are summed in several lanes and added in double (rows.pxd).
#   - Layer norm sees (rows, D). The gradients of weight and bias are sums over rows: STRIPES fixed
#     stripes of rows, each summed by one thread, then added in order, whatever the number of
#     threads.
#   - Batch norm sees (N, C, S). A channel is finished (all passes) before the next, so that it
#     stays in the cache; channels are shared among threads. Where S is short, that would be slow
#     steps through memory: then neighbouring channels are summed together, along contiguous memory.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.string cimport memset

from naivegrad.kernels.dense cimport data_or_null, is_dense_float, is_like, is_vector
from naivegrad.kernels.rows cimport real, row_centred_dot, row_squares, row_sum
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 32768          # elements below which a parallel region costs more than it saves
    STRIPES = 16
    ROWS = 16              # rows of which the sums are taken together, TILE columns at a time
    TILE = 64
    FLUSH = 64             # rows added in the array's own type before they go to double
    WIDTH = 256            # elements of neighbouring channels taken together
    SHORT = 64             # S below which they are


# ---- layer norm: x (rows, D) --------------------------------------------------------------------

cdef inline void layer_norm_row(
    const real* x, const real* weight, const real* bias, double eps, real* y, real* mean,
    real* rstd, Py_ssize_t n,
) noexcept nogil:
    cdef real m = <real> (row_sum(x, n) / n)
    cdef real r = <real> (1 / sqrt(row_squares(x, m, n) / n + eps))
    cdef Py_ssize_t j
    mean[0] = m
    rstd[0] = r
    if weight is NULL:
        for j in range(n):
            y[j] = (x[j] - m) * r
    else:
        for j in range(n):
            y[j] = (x[j] - m) * r * weight[j]
    if bias is not NULL:
        for j in range(n):
            y[j] += bias[j]


cdef void layer_norm_all(
    const real* x, const real* weight, const real* bias, double eps, real* y, real* stats,
    Py_ssize_t rows, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int threads = num_threads()
    if threads > 1 and rows > 1 and rows * n >= GRAIN:
        for i in prange(rows, schedule="static", num_threads=threads):
            layer_norm_row(x + i * n, weight, bias, eps, y + i * n, stats + i, stats + rows + i, n)
    else:
        for i in range(rows):
            layer_norm_row(x + i * n, weight, bias, eps, y + i * n, stats + i, stats + rows + i, n)


cdef inline void layer_norm_grad_row(
    const real* grad, const real* x, const real* weight, real mean, real rstd, real* out,
    Py_ssize_t n,
) noexcept nogil:
    # With xhat = (x - mean) * rstd and h = grad * weight:
    #     grad_x = rstd * (h - mean(h) - xhat * mean(h * xhat))
    cdef const real* h = grad
    cdef real a, b
    cdef Py_ssize_t j
    if weight is not NULL:
        for j in range(n):
            out[j] = grad[j] * weight[j]
        h = out
    a = <real> (row_sum(h, n) / n)
    b = <real> (row_centred_dot(h, x, mean, n) / n * rstd * rstd)
    for j in range(n):
        out[j] = rstd * (h[j] - a - (x[j] - mean) * b)


cdef inline void add_tile(
    const real* g, const real* x, const real* mean, const real* rstd, Py_ssize_t rows, Py_ssize_t n,
    Py_ssize_t width, double* sum_w, double* sum_b,
) noexcept nogil:
    """Add grad * xhat to sum_w, and grad to sum_b, over `rows` rows of `width` <= TILE columns."""
    cdef real tile_w[TILE]
    cdef real tile_b[TILE]
    cdef real m, r
    cdef Py_ssize_t i, j
    for j in range(TILE):
        tile_w[j] = tile_b[j] = 0
    for i in range(rows):
        m, r = mean[i], rstd[i]
        if width == TILE:                # a fixed count: the sums stay in registers
            for j in range(TILE):
                tile_w[j] += g[i * n + j] * ((x[i * n + j] - m) * r)
            for j in range(TILE):
                tile_b[j] += g[i * n + j]
        else:
            for j in range(width):
                tile_w[j] += g[i * n + j] * ((x[i * n + j] - m) * r)
                tile_b[j] += g[i * n + j]
    for j in range(width):
        sum_w[j] += tile_w[j]
        sum_b[j] += tile_b[j]


cdef inline void layer_norm_stripe(
    const real* grad, const real* x, const real* weight, const real* stats, real* out, double* sums,
    Py_ssize_t first, Py_ssize_t last, Py_ssize_t rows, Py_ssize_t n,
) noexcept nogil:
    """Rows first to last: grad_x, and in sums (2, n) their part of grad_weight and grad_bias."""
    cdef Py_ssize_t i = first, j, k, count
    while i < last:                      # a few rows at a time stay in the cache for both passes
        count = min(<Py_ssize_t> ROWS, last - i)
        if out is not NULL:
            for k in range(i, i + count):
                layer_norm_grad_row(grad + k * n, x + k * n, weight, stats[k], stats[rows + k],
                                    out + k * n, n)
        if sums is not NULL:
            j = 0
            while j < n:
                add_tile(grad + i * n + j, x + i * n + j, stats + i, stats + rows + i, count, n,
                         min(<Py_ssize_t> TILE, n - j), sums + j, sums + n + j)
                j += TILE
        i += count


cdef void layer_norm_grad_all(
    const real* grad, const real* x, const real* weight, const real* stats, real* out,
    real* grad_weight, real* grad_bias, double* sums, Py_ssize_t rows, Py_ssize_t n,
    Py_ssize_t stripes,
) noexcept nogil:
    cdef Py_ssize_t k, j
    cdef int threads = num_threads()
    if threads > 1 and stripes > 1 and rows * n >= GRAIN:
        for k in prange(stripes, schedule="static", num_threads=threads):
            layer_norm_stripe(
                grad, x, weight, stats, out, NULL if sums is NULL else sums + 2 * n * k,
                rows * k // stripes, rows * (k + 1) // stripes, rows, n)
    else:
        for k in range(stripes):
            layer_norm_stripe(
                grad, x, weight, stats, out, NULL if sums is NULL else sums + 2 * n * k,
                rows * k // stripes, rows * (k + 1) // stripes, rows, n)
    if sums is NULL:
        return
    for k in range(1, stripes):
        for j in range(2 * n):
            sums[j] += sums[2 * n * k + j]
    for j in range(n):
        grad_weight[j] = <real> sums[j]
        grad_bias[j] = <real> sums[n + j]


# ---- batch norm: x (N, C, S) --------------------------------------------------------------------
#
# A block is `width` neighbouring channels: 1 where S is long, up to WIDTH // S where it is short.

cdef inline void block_means(
    const real* x, double* mean, Py_ssize_t batch, Py_ssize_t step, Py_ssize_t width,
    Py_ssize_t size,
) noexcept nogil:
    """Sums of x over (N, S) per channel; step = C * S elements lead from one sample to the next."""
    cdef real part[WIDTH]
    cdef Py_ssize_t i, j, c
    for c in range(width):
        mean[c] = 0
    if size >= SHORT:                    # then width is 1
        for i in range(batch):
            mean[0] += row_sum(x + i * step, size)
        return
    memset(part, 0, sizeof(part))
    for i in range(batch):
        for j in range(width * size):
            part[j] += x[i * step + j]
        if i % FLUSH == FLUSH - 1 or i == batch - 1:
            for c in range(width):
                for j in range(size):
                    mean[c] += part[c * size + j]
                    part[c * size + j] = 0


cdef inline void block_variances(
    const real* x, const double* mean, double* squares, Py_ssize_t batch, Py_ssize_t step,
    Py_ssize_t width, Py_ssize_t size,
) noexcept nogil:
    """Sums of (x - mean)^2 over (N, S) per channel."""
    cdef real part[WIDTH]
    cdef real centre[WIDTH]
    cdef real d
    cdef Py_ssize_t i, j, c
    for c in range(width):
        squares[c] = 0
    if size >= SHORT:                    # then width is 1
        for i in range(batch):
            squares[0] += row_squares(x + i * step, <real> mean[0], size)
        return
    memset(part, 0, sizeof(part))
    for c in range(width):
        for j in range(size):
            centre[c * size + j] = <real> mean[c]
    for i in range(batch):
        for j in range(width * size):
            d = x[i * step + j] - centre[j]
            part[j] += d * d
        if i % FLUSH == FLUSH - 1 or i == batch - 1:
            for c in range(width):
                for j in range(size):
                    squares[c] += part[c * size + j]
                    part[c * size + j] = 0


cdef inline void block_dots(
    const real* grad, const real* x, const real* mean, double* sums, double* dots, Py_ssize_t batch,
    Py_ssize_t step, Py_ssize_t width, Py_ssize_t size,
) noexcept nogil:
    """Sums of grad and of grad * (x - mean) over (N, S) per channel."""
    cdef real part[WIDTH]
    cdef real part_dot[WIDTH]
    cdef real centre[WIDTH]
    cdef Py_ssize_t i, j, c
    for c in range(width):
        sums[c] = dots[c] = 0
    if size >= SHORT:                    # then width is 1
        for i in range(batch):
            sums[0] += row_sum(grad + i * step, size)
            dots[0] += row_centred_dot(grad + i * step, x + i * step, mean[0], size)
        return
    memset(part, 0, sizeof(part))
    memset(part_dot, 0, sizeof(part_dot))
    for c in range(width):
        for j in range(size):
            centre[c * size + j] = mean[c]
    for i in range(batch):
        for j in range(width * size):
            part[j] += grad[i * step + j]
            part_dot[j] += grad[i * step + j] * (x[i * step + j] - centre[j])
        if i % FLUSH == FLUSH - 1 or i == batch - 1:
            for c in range(width):
                for j in range(size):
                    sums[c] += part[c * size + j]
                    dots[c] += part_dot[c * size + j]
                    part[c * size + j] = part_dot[c * size + j] = 0


cdef inline void block_affine(
    const real* x, const real* centre, const double* scale, const double* shift, real* y,
    Py_ssize_t batch, Py_ssize_t step, Py_ssize_t width, Py_ssize_t size,
) noexcept nogil:
    """y = (x - centre) * scale + shift per channel."""
    cdef real m[WIDTH]
    cdef real a[WIDTH]
    cdef real b[WIDTH]
    cdef real mean, factor, plus
    cdef Py_ssize_t i, j, c
    if size >= SHORT:                    # then width is 1
        mean, factor, plus = centre[0], <real> scale[0], <real> shift[0]
        for i in range(batch):
            for j in range(size):
                y[i * step + j] = (x[i * step + j] - mean) * factor + plus
        return
    for c in range(width):
        for j in range(size):
            m[c * size + j] = centre[c]
            a[c * size + j] = <real> scale[c]
            b[c * size + j] = <real> shift[c]
    for i in range(batch):
        for j in range(width * size):
            y[i * step + j] = (x[i * step + j] - m[j]) * a[j] + b[j]


cdef struct Shape:
    Py_ssize_t batch
    Py_ssize_t channels
    Py_ssize_t size
    Py_ssize_t width       # channels in a block
    Py_ssize_t blocks


cdef Shape shape_of(cnp.ndarray x):
    """x is (N, C, ...)."""
    cdef Shape s
    cdef int i
    s.batch = cnp.PyArray_DIM(x, 0)
    s.channels = cnp.PyArray_DIM(x, 1)
    s.size = 1
    for i in range(2, cnp.PyArray_NDIM(x)):
        s.size *= cnp.PyArray_DIM(x, i)
    s.width = 1 if s.size >= SHORT else WIDTH // max(<Py_ssize_t> 1, s.size)
    s.blocks = (s.channels + s.width - 1) // s.width
    return s


cdef inline void move(real* running, double value, double momentum) noexcept nogil:
    running[0] = <real> ((1 - momentum) * running[0] + momentum * value)


cdef inline void batch_norm_block(
    const real* x, const real* weight, const real* bias, real* running_mean, real* running_var,
    bint training, double momentum, double eps, real* y, real* stats, Py_ssize_t k, const Shape* s,
) noexcept nogil:
    cdef double mean[WIDTH]
    cdef double scale[WIDTH]
    cdef double shift[WIDTH]
    cdef double v
    cdef Py_ssize_t c, at = k * s.width, width = min(s.width, s.channels - k * s.width)
    cdef Py_ssize_t step = s.channels * s.size
    cdef Py_ssize_t count = max(<Py_ssize_t> 1, s.batch * s.size)
    x += at * s.size
    y += at * s.size
    if training:
        block_means(x, mean, s.batch, step, width, s.size)
        for c in range(width):
            mean[c] /= count
        block_variances(x, mean, scale, s.batch, step, width, s.size)
        for c in range(width):
            v = scale[c] / count
            scale[c] = 1 / sqrt(v + eps)
            if running_mean is not NULL:
                move(running_mean + at + c, mean[c], momentum)
            if running_var is not NULL:  # towards the unbiased variance
                move(running_var + at + c, v * count / (count - 1), momentum)
    else:
        for c in range(width):
            mean[c] = running_mean[at + c]
            scale[c] = 1 / sqrt(running_var[at + c] + eps)
    for c in range(width):
        stats[at + c] = <real> mean[c]
        stats[s.channels + at + c] = <real> scale[c]
        if weight is not NULL:
            scale[c] *= weight[at + c]
        shift[c] = 0 if bias is NULL else bias[at + c]
    block_affine(x, stats + at, scale, shift, y, s.batch, step, width, s.size)


cdef inline void block_grad_affine(
    const real* grad, const real* x, const real* centre, const double* scale, const double* slope,
    const double* shift, real* out, Py_ssize_t batch, Py_ssize_t step, Py_ssize_t width,
    Py_ssize_t size,
) noexcept nogil:
    """out = grad * scale - (x - centre) * slope - shift per channel."""
    cdef real m[WIDTH]
    cdef real a[WIDTH]
    cdef real b[WIDTH]
    cdef real d[WIDTH]
    cdef real mean, factor, tilt, minus
    cdef Py_ssize_t i, j, c
    if size >= SHORT:                    # then width is 1
        mean, factor = centre[0], <real> scale[0]
        tilt, minus = <real> slope[0], <real> shift[0]
        for i in range(batch):
            for j in range(size):
                out[i * step + j] = (
                    grad[i * step + j] * factor - (x[i * step + j] - mean) * tilt - minus)
        return
    for c in range(width):
        for j in range(size):
            m[c * size + j] = centre[c]
            a[c * size + j] = <real> scale[c]
            b[c * size + j] = <real> slope[c]
            d[c * size + j] = <real> shift[c]
    for i in range(batch):
        for j in range(width * size):
            out[i * step + j] = grad[i * step + j] * a[j] - (x[i * step + j] - m[j]) * b[j] - d[j]


cdef inline void block_scale(
    const real* grad, const double* scale, real* out, Py_ssize_t batch, Py_ssize_t step,
    Py_ssize_t width, Py_ssize_t size,
) noexcept nogil:
    """out = grad * scale per channel; x is not read, so a NaN in it stays where it is."""
    cdef real a[WIDTH]
    cdef real factor
    cdef Py_ssize_t i, j, c
    if size >= SHORT:                    # then width is 1
        factor = <real> scale[0]
        for i in range(batch):
            for j in range(size):
                out[i * step + j] = grad[i * step + j] * factor
        return
    for c in range(width):
        for j in range(size):
            a[c * size + j] = <real> scale[c]
    for i in range(batch):
        for j in range(width * size):
            out[i * step + j] = grad[i * step + j] * a[j]


cdef inline void batch_norm_grad_block(
    const real* grad, const real* x, const real* weight, const real* stats, bint training,
    real* out, real* grad_weight, real* grad_bias, Py_ssize_t k, const Shape* s,
) noexcept nogil:
    # With xhat = (x - mean) * rstd:    grad_weight = sum(grad * xhat),    grad_bias = sum(grad),
    #     grad_x = weight * rstd * (grad - grad_bias / count - xhat * grad_weight / count)
    # and where the statistics were given, not taken from x, only weight * rstd * grad.
    cdef double sums[WIDTH]
    cdef double dots[WIDTH]
    cdef double scale[WIDTH]
    cdef double rstd
    cdef Py_ssize_t c, at = k * s.width, width = min(s.width, s.channels - k * s.width)
    cdef Py_ssize_t step = s.channels * s.size
    cdef Py_ssize_t count = max(<Py_ssize_t> 1, s.batch * s.size)
    grad += at * s.size
    x += at * s.size
    scale[0] = 0                         # the compiler does not see that width is at least 1
    block_dots(grad, x, stats + at, sums, dots, s.batch, step, width, s.size)
    for c in range(width):
        rstd = stats[s.channels + at + c]
        grad_weight[at + c] = <real> (dots[c] * rstd)
        grad_bias[at + c] = <real> sums[c]
        scale[c] = rstd if weight is NULL else rstd * weight[at + c]
        dots[c] = dots[c] * rstd * rstd * scale[c] / count if training else 0
        sums[c] = sums[c] * scale[c] / count if training else 0
    if out is not NULL:
        if training:
            block_grad_affine(grad, x, stats + at, scale, dots, sums, out + at * s.size, s.batch,
                              step, width, s.size)
        else:
            block_scale(grad, scale, out + at * s.size, s.batch, step, width, s.size)


cdef void batch_norm_all(
    const real* x, const real* weight, const real* bias, real* running_mean, real* running_var,
    bint training, double momentum, double eps, real* y, real* stats, const Shape* s,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef int threads = num_threads()
    if threads > 1 and s.blocks > 1 and s.batch * s.channels * s.size >= GRAIN:
        for k in prange(s.blocks, schedule="static", num_threads=threads):
            batch_norm_block(x, weight, bias, running_mean, running_var, training, momentum, eps, y,
                             stats, k, s)
    else:
        for k in range(s.blocks):
            batch_norm_block(x, weight, bias, running_mean, running_var, training, momentum, eps, y,
                             stats, k, s)


cdef void batch_norm_grad_all(
    const real* grad, const real* x, const real* weight, const real* stats, bint training,
    real* out, real* grad_weight, real* grad_bias, const Shape* s,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef int threads = num_threads()
    if threads > 1 and s.blocks > 1 and s.batch * s.channels * s.size >= GRAIN:
        for k in prange(s.blocks, schedule="static", num_threads=threads):
            batch_norm_grad_block(
                grad, x, weight, stats, training, out, grad_weight, grad_bias, k, s)
    else:
        for k in range(s.blocks):
            batch_norm_grad_block(
                grad, x, weight, stats, training, out, grad_weight, grad_bias, k, s)


# ---- what Python calls --------------------------------------------------------------------------

cdef inline cnp.ndarray vector(Py_ssize_t n, int kind):
    return cnp.PyArray_EMPTY(1, <cnp.npy_intp*> &n, kind, 0)


def layer_norm(cnp.ndarray x, int axes, weight, bias, double eps):
    """Normalise over the last `axes` axes; weight and bias have their shape or are None. All dense.

    Returns the result and the statistics: (2, rows), the means and 1 / sqrt(var + eps)."""
    cdef int i, ndim = cnp.PyArray_NDIM(x), kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t rows = 1, n = 1
    for i in range(ndim):
        if i < ndim - axes:
            rows *= cnp.PyArray_DIM(x, i)
        else:
            n *= cnp.PyArray_DIM(x, i)
    if not (is_dense_float(x) and is_vector(weight, n, kind) and is_vector(bias, n, kind)):
        return None
    cdef cnp.ndarray y = cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(x), kind, 0)
    cdef cnp.ndarray stats = vector(2 * rows, kind)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* b = data_or_null(bias)
    cdef void* o = cnp.PyArray_DATA(y)
    cdef void* s = cnp.PyArray_DATA(stats)
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            layer_norm_all(<const float*> a, <const float*> w, <const float*> b, eps, <float*> o,
                           <float*> s, rows, n)
    else:
        with nogil:
            layer_norm_all(<const double*> a, <const double*> w, <const double*> b, eps,
                           <double*> o, <double*> s, rows, n)
    return y, stats


def layer_norm_grad(
    cnp.ndarray grad, cnp.ndarray x, weight, cnp.ndarray stats, int axes, bint with_x,
    bint with_weight,
):
    """grad_x (None unless with_x), grad_weight and grad_bias (None unless with_weight)."""
    cdef int i, ndim = cnp.PyArray_NDIM(x), kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t n = 1, rows = cnp.PyArray_SIZE(stats) // 2, size
    for i in range(ndim - axes, ndim):
        n *= cnp.PyArray_DIM(x, i)
    if not (is_dense_float(x) and is_like(grad, x) and is_vector(weight, n, kind)
            and is_vector(stats, 2 * rows, kind) and rows * n == cnp.PyArray_SIZE(x)):
        return None
    cdef Py_ssize_t stripes = max(1, min(<Py_ssize_t> STRIPES, (rows + FLUSH - 1) // FLUSH))
    cdef cnp.ndarray out = None, grad_weight = None, grad_bias = None, sums = None
    if with_x:
        out = cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(x), kind, 0)
    if with_weight:
        grad_weight = cnp.PyArray_EMPTY(axes, cnp.PyArray_DIMS(x) + (ndim - axes), kind, 0)
        grad_bias = cnp.PyArray_EMPTY(axes, cnp.PyArray_DIMS(x) + (ndim - axes), kind, 0)
        size = 2 * n * stripes
        sums = cnp.PyArray_ZEROS(1, <cnp.npy_intp*> &size, cnp.NPY_FLOAT64, 0)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* s = cnp.PyArray_DATA(stats)
    cdef void* o = data_or_null(out)
    cdef void* gw = data_or_null(grad_weight)
    cdef void* gb = data_or_null(grad_bias)
    cdef double* d = <double*> data_or_null(sums)
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            layer_norm_grad_all(<const float*> g, <const float*> a, <const float*> w,
                                <const float*> s, <float*> o, <float*> gw, <float*> gb, d,
                                rows, n, stripes)
    else:
        with nogil:
            layer_norm_grad_all(<const double*> g, <const double*> a, <const double*> w,
                                <const double*> s, <double*> o, <double*> gw, <double*> gb, d,
                                rows, n, stripes)
    return out, grad_weight, grad_bias


def batch_norm(
    cnp.ndarray x, running_mean, running_var, weight, bias, bint training, double momentum,
    double eps,
):
    """Normalise x (N, C, ...) per channel; the others are (C,) or None; all dense, of one dtype.

    In training the running statistics are updated in place. Returns the result and the statistics
    used: (2, C), the means and 1 / sqrt(var + eps)."""
    cdef Shape shape = shape_of(x)
    cdef int kind = cnp.PyArray_TYPE(x)
    if not is_dense_float(x):
        return None
    for v in (running_mean, running_var, weight, bias):
        if not is_vector(v, shape.channels, kind):
            return None
    cdef cnp.ndarray y = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), kind, 0)
    cdef cnp.ndarray stats = vector(2 * shape.channels, kind)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* b = data_or_null(bias)
    cdef void* rm = data_or_null(running_mean)
    cdef void* rv = data_or_null(running_var)
    cdef void* o = cnp.PyArray_DATA(y)
    cdef void* s = cnp.PyArray_DATA(stats)
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            batch_norm_all(<const float*> a, <const float*> w, <const float*> b, <float*> rm,
                           <float*> rv, training, momentum, eps, <float*> o, <float*> s, &shape)
    else:
        with nogil:
            batch_norm_all(<const double*> a, <const double*> w, <const double*> b, <double*> rm,
                           <double*> rv, training, momentum, eps, <double*> o, <double*> s, &shape)
    return y, stats


def batch_norm_grad(
    cnp.ndarray grad, cnp.ndarray x, weight, cnp.ndarray stats, bint training, bint with_x
):
    """grad_x (None unless with_x), grad_weight and grad_bias."""
    cdef Shape shape = shape_of(x)
    cdef int kind = cnp.PyArray_TYPE(x)
    if not (is_dense_float(x) and is_like(grad, x) and is_vector(weight, shape.channels, kind)
            and is_vector(stats, 2 * shape.channels, kind)):
        return None
    cdef cnp.ndarray out = None
    cdef cnp.ndarray grad_weight = vector(shape.channels, kind)
    cdef cnp.ndarray grad_bias = vector(shape.channels, kind)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* w = data_or_null(weight)
    cdef void* s = cnp.PyArray_DATA(stats)
    cdef void* gw = cnp.PyArray_DATA(grad_weight)
    cdef void* gb = cnp.PyArray_DATA(grad_bias)
    cdef void* o
    if with_x:
        out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), kind, 0)
    o = data_or_null(out)
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            batch_norm_grad_all(<const float*> g, <const float*> a, <const float*> w,
                                <const float*> s, training, <float*> o, <float*> gw, <float*> gb,
                                &shape)
    else:
        with nogil:
            batch_norm_grad_all(<const double*> g, <const double*> a, <const double*> w,
                                <const double*> s, training, <double*> o, <double*> gw,
                                <double*> gb, &shape)
    return out, grad_weight, grad_bias
