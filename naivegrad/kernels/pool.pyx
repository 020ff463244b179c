# Design: one image plane at a time, one output row at a time, whole rows in the inner loops.
#
# - Maximum: for each tap of the window in turn, the row of results is compared with the (strided)
#   row of pixels that this tap sees. The first of equal values wins, since only a greater one
#   replaces it; a nan replaces everything and is never replaced but by a later nan. The position
#   of the winner inside its plane is kept as int32, so that value and position have lanes of one
#   width and select together; the backward pass needs no comparison again.
# - Mean: windows are intervals [start, end) of slices, rows and columns with their counts, a table
#   per axis, which serves plain and adaptive pooling alike. The rows of a window are added up first
#   (long contiguous loops), then the columns of that sum. The transpose goes the same way back.
# - Maximum of windows by table (adaptive, fractional): pixel by pixel, by the same rule.
# - Rows of pooled images are short: vectors of four or eight suit them better than wider ones.
# - Threads share out planes. Each plane is done by one thread: the same bits for every number.

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.string cimport memset

from naivegrad.kernels.threads cimport num_threads
from naivegrad.kernels.windows cimport ceil_div, clip

cnp.import_array()

cdef extern from *:
    """
    /* C, for the sake of `restrict` and of selections without branches: the compiler turns these
       loops into vectors, and data decide nothing but lanes. */
    #if defined(_MSC_VER)
    #define RESTRICT __restrict
    #else
    #define RESTRICT restrict
    #endif
    /* of equal values the first stays; a nan comes in and stays, until a later nan */
    #define CHALLENGE(value, where)                                     \
        do {                                                            \
            const int greater = ((value) > top) | ((value) != (value)); \
            top = greater ? (value) : top;                              \
            at = greater ? (where) : at;                                \
        } while (0)
    #define ROWS(REAL, NAME, STRIDE)                                                              \
        /* pixel line[j * STRIDE], at position start + j * STRIDE, challenges best[j] */          \
        static void NAME(REAL* RESTRICT best, int32_t* RESTRICT index, const REAL* RESTRICT line, \
                         int32_t start, ptrdiff_t low, ptrdiff_t high, ptrdiff_t stride) {        \
            for (ptrdiff_t j = low; j < high; j++) {                                              \
                REAL top = best[j];                                                               \
                int32_t at = index[j];                                                            \
                CHALLENGE(line[j * STRIDE], start + (int32_t)(j * STRIDE));                       \
                best[j] = top;                                                                    \
                index[j] = at;                                                                    \
            }                                                                                     \
        }
    #define FOUR(REAL, NAME)                                                                      \
        /* the 2 x 2 window with stride 2, which almost every network uses, in one pass */        \
        static void NAME(REAL* RESTRICT best, int32_t* RESTRICT index, const REAL* RESTRICT line, \
                         int32_t start, int32_t width, ptrdiff_t count) {                         \
            for (ptrdiff_t j = 0; j < count; j++) {                                               \
                REAL top = line[2 * j];                                                           \
                int32_t at = 0;                                                                   \
                CHALLENGE(line[2 * j + 1], 1);                                                    \
                CHALLENGE(line[width + 2 * j], width);                                            \
                CHALLENGE(line[width + 2 * j + 1], width + 1);                                    \
                best[j] = top;                                                                    \
                index[j] = start + (int32_t)(2 * j) + at;                                         \
            }                                                                                     \
        }
    ROWS(float, challenge_f32, stride)
    ROWS(float, challenge_dense_f32, 1)
    ROWS(float, challenge_twos_f32, 2)
    ROWS(double, challenge_f64, stride)
    ROWS(double, challenge_dense_f64, 1)
    ROWS(double, challenge_twos_f64, 2)
    FOUR(float, four_f32)
    FOUR(double, four_f64)
    """
    void challenge_f32(float*, int32_t*, float*, int32_t, Py_ssize_t, Py_ssize_t,
                       Py_ssize_t) noexcept nogil
    void challenge_dense_f32(float*, int32_t*, float*, int32_t, Py_ssize_t, Py_ssize_t,
                             Py_ssize_t) noexcept nogil
    void challenge_twos_f32(float*, int32_t*, float*, int32_t, Py_ssize_t, Py_ssize_t,
                            Py_ssize_t) noexcept nogil
    void challenge_f64(double*, int32_t*, double*, int32_t, Py_ssize_t, Py_ssize_t,
                       Py_ssize_t) noexcept nogil
    void challenge_dense_f64(double*, int32_t*, double*, int32_t, Py_ssize_t, Py_ssize_t,
                             Py_ssize_t) noexcept nogil
    void challenge_twos_f64(double*, int32_t*, double*, int32_t, Py_ssize_t, Py_ssize_t,
                            Py_ssize_t) noexcept nogil
    void four_f32(float*, int32_t*, float*, int32_t, int32_t, Py_ssize_t) noexcept nogil
    void four_f64(double*, int32_t*, double*, int32_t, int32_t, Py_ssize_t) noexcept nogil

ctypedef fused real:
    float
    double

cdef enum:
    GRAIN = 1 << 16                 # pixels read below which a second thread does not pay


cdef struct Geometry:
    Py_ssize_t planes, height, width, out_height, out_width
    Py_ssize_t kh, kw, stride_h, stride_w, top, left, dilation_h, dilation_w


cdef inline int threads_for(Py_ssize_t work) noexcept nogil:
    return num_threads() if work >= GRAIN else 1


# -------------------------------------------------------------------------------- maximum

cdef inline void challenge(real* best, int32_t* index, real* line, int32_t start, Py_ssize_t low,
                           Py_ssize_t high, Py_ssize_t stride) noexcept nogil:
    """Let pixel line[j * stride], at position start + j * stride, challenge best[j]."""
    if real is float:
        if stride == 1:
            challenge_dense_f32(best, index, line, start, low, high, 1)
        elif stride == 2:
            challenge_twos_f32(best, index, line, start, low, high, 2)
        else:
            challenge_f32(best, index, line, start, low, high, stride)
    else:
        if stride == 1:
            challenge_dense_f64(best, index, line, start, low, high, 1)
        elif stride == 2:
            challenge_twos_f64(best, index, line, start, low, high, 2)
        else:
            challenge_f64(best, index, line, start, low, high, stride)


cdef void max_plane(real* x, real* y, int32_t* index, Geometry* g, int32_t* first) noexcept nogil:
    """One plane. `first` holds the first column inside the image of each window, or -1."""
    cdef Py_ssize_t i, j, u, v, h, low, high, offset, at
    cdef Py_ssize_t width = g.out_width
    cdef bint plain = (g.kh == 2 and g.kw == 2 and g.stride_w == 2 and g.dilation_h == 1
                       and g.dilation_w == 1 and g.top == 0 and g.left == 0
                       and (g.out_height - 1) * g.stride_h + 2 <= g.height
                       and (g.out_width - 1) * 2 + 2 <= g.width)
    for i in range(g.out_height):
        h = i * g.stride_h - g.top
        if plain:
            if real is float:
                four_f32(y, index, x + h * g.width, <int32_t>(h * g.width), <int32_t>g.width, width)
            else:
                four_f64(y, index, x + h * g.width, <int32_t>(h * g.width), <int32_t>g.width, width)
        else:
            u = clip(ceil_div(-h, g.dilation_h), 0, g.kh)
            offset = h + u * g.dilation_h
            for j in range(width):
                y[j] = -INFINITY
                index[j] = -1
            if u < g.kh and offset < g.height:
                # A window of nothing but -inf still has a position: its first pixel.
                for j in range(width):
                    index[j] = <int32_t>(offset * g.width) + first[j] if first[j] >= 0 else -1
            for u in range(u, g.kh):
                offset = h + u * g.dilation_h
                if offset >= g.height:
                    break
                for v in range(g.kw):
                    low = clip(ceil_div(g.left - v * g.dilation_w, g.stride_w), 0, width)
                    high = clip(ceil_div(g.width + g.left - v * g.dilation_w, g.stride_w), low,
                                width)
                    at = offset * g.width + v * g.dilation_w - g.left
                    challenge(y, index, x + at, <int32_t>at, low, high, g.stride_w)
        y += width
        index += width


cdef void max_planes(real* x, real* y, int32_t* index, Geometry* g) noexcept:
    cdef Py_ssize_t j, u, plane, size = g.height * g.width, out = g.out_height * g.out_width
    cdef cnp.npy_intp count = g.out_width
    cdef cnp.ndarray table = cnp.PyArray_EMPTY(1, &count, cnp.NPY_INT32, 0)
    cdef int32_t* first = <int32_t*>cnp.PyArray_DATA(table)
    cdef int threads = threads_for(g.planes * out * g.kh * g.kw)
    for j in range(g.out_width):
        u = j * g.stride_w - g.left
        u += clip(ceil_div(-u, g.dilation_w), 0, g.kw) * g.dilation_w
        first[j] = <int32_t>(u if 0 <= u < g.width else -1)
    with nogil:
        if threads > 1:
            for plane in prange(g.planes, num_threads=threads, schedule="static"):
                max_plane(x + plane * size, y + plane * out, index + plane * out, g, first)
        else:
            for plane in range(g.planes):
                max_plane(x + plane * size, y + plane * out, index + plane * out, g, first)


cdef void scatter_plane(real* grad, int32_t* index, real* grad_x, Py_ssize_t size,
                        Py_ssize_t out) noexcept nogil:
    cdef Py_ssize_t p
    memset(grad_x, 0, size * sizeof(real))
    for p in range(out):
        if index[p] >= 0:
            grad_x[index[p]] += grad[p]


cdef void gather_plane(real* x, int32_t* index, real* y, Py_ssize_t out) noexcept nogil:
    cdef Py_ssize_t p
    for p in range(out):
        y[p] = x[index[p]] if index[p] >= 0 else 0


cdef void scatter_planes(real* grad, int32_t* index, real* grad_x, Py_ssize_t planes,
                         Py_ssize_t size, Py_ssize_t out) noexcept nogil:
    cdef Py_ssize_t p
    cdef int threads = threads_for(planes * size)
    if threads > 1:
        for p in prange(planes, num_threads=threads, schedule="static"):
            scatter_plane(grad + p * out, index + p * out, grad_x + p * size, size, out)
    else:
        for p in range(planes):
            scatter_plane(grad + p * out, index + p * out, grad_x + p * size, size, out)


cdef void gather_planes(real* x, int32_t* index, real* y, Py_ssize_t planes, Py_ssize_t size,
                        Py_ssize_t out) noexcept nogil:
    cdef Py_ssize_t p
    cdef int threads = threads_for(planes * out)
    if threads > 1:
        for p in prange(planes, num_threads=threads, schedule="static"):
            gather_plane(x + p * size, index + p * out, y + p * out, out)
    else:
        for p in range(planes):
            gather_plane(x + p * size, index + p * out, y + p * out, out)


# ----------------------------------------------------------------------------------- mean

cdef struct Axis:
    # windows [start[i], end[i]) whose sums are divided by count[i]
    Py_ssize_t size, out
    Py_ssize_t* start
    Py_ssize_t* end
    Py_ssize_t* count


cdef inline real run_sum(real* x, Py_ssize_t n) noexcept nogil:
    """The sum of a run of pixels, in 16 parts: they are independent, so they become vectors."""
    cdef real part[16]
    cdef Py_ssize_t i, k, blocks = n // 16
    cdef real total = 0
    for k in range(16):
        part[k] = 0
    for i in range(blocks):
        for k in range(16):
            part[k] += x[16 * i + k]
    for k in range(16):
        total += part[k]
    for i in range(16 * blocks, n):
        total += x[i]
    return total


cdef void mean_plane(real* x, real* y, Axis* depths, Axis* rows, Axis* columns, double divisor,
                     real* line) noexcept nogil:
    cdef Py_ssize_t o, i, j, d, h, w, width = columns.size, area = rows.size * width, count
    cdef real total
    cdef bint full = columns.out == 1 and columns.start[0] == 0 and columns.end[0] == width
    for o in range(depths.out):
        for i in range(rows.out):
            count = depths.count[o] * rows.count[i]
            if full:                    # whole rows, above all the mean of a whole image: one run
                total = 0
                for d in range(depths.start[o], depths.end[o]):
                    total += run_sum(x + d * area + rows.start[i] * width,
                                     (rows.end[i] - rows.start[i]) * width)
                y[0] = total / <real>(divisor if divisor != 0 else count * columns.count[0])
                y += 1
                continue
            for w in range(width):
                line[w] = 0
            for d in range(depths.start[o], depths.end[o]):
                for h in range(rows.start[i], rows.end[i]):
                    for w in range(width):
                        line[w] += x[d * area + h * width + w]
            for j in range(columns.out):
                total = 0
                for w in range(columns.start[j], columns.end[j]):
                    total += line[w]
                y[j] = total / <real>(divisor if divisor != 0 else count * columns.count[j])
            y += columns.out


cdef void spread_plane(real* grad, real* grad_x, Axis* depths, Axis* rows, Axis* columns,
                       double divisor, real* line) noexcept nogil:
    cdef Py_ssize_t o, i, j, d, h, w, width = columns.size, area = rows.size * width, count
    cdef real share
    memset(grad_x, 0, depths.size * area * sizeof(real))
    for o in range(depths.out):
        for i in range(rows.out):
            count = depths.count[o] * rows.count[i]
            for w in range(width):
                line[w] = 0
            for j in range(columns.out):
                share = grad[j] / <real>(divisor if divisor != 0 else count * columns.count[j])
                for w in range(columns.start[j], columns.end[j]):
                    line[w] += share
            for d in range(depths.start[o], depths.end[o]):
                for h in range(rows.start[i], rows.end[i]):
                    for w in range(width):
                        grad_x[d * area + h * width + w] += line[w]
            grad += columns.out


cdef void mean_planes(real* x, real* y, Py_ssize_t planes, Axis* depths, Axis* rows, Axis* columns,
                      double divisor, real* lines, int threads, bint spread) noexcept nogil:
    cdef Py_ssize_t p, size = depths.size * rows.size * columns.size
    cdef Py_ssize_t out = depths.out * rows.out * columns.out
    if spread:
        if threads > 1:
            for p in prange(planes, num_threads=threads, schedule="static"):
                spread_plane(y + p * out, x + p * size, depths, rows, columns, divisor,
                             lines + threadid() * columns.size)
        else:
            for p in range(planes):
                spread_plane(y + p * out, x + p * size, depths, rows, columns, divisor, lines)
    elif threads > 1:
        for p in prange(planes, num_threads=threads, schedule="static"):
            mean_plane(x + p * size, y + p * out, depths, rows, columns, divisor,
                       lines + threadid() * columns.size)
    else:
        for p in range(planes):
            mean_plane(x + p * size, y + p * out, depths, rows, columns, divisor, lines)


# ----------------------------------------------------------------- maximum, windows by table

cdef struct Spans:
    # windows [start[i], end[i]) of one axis; plane p has its own, `step` further, unless step is 0
    Py_ssize_t size, out, step
    Py_ssize_t* start


cdef void search_plane(real* x, real* y, int32_t* index, Spans* depths, Spans* rows, Spans* columns,
                       Py_ssize_t p) noexcept nogil:
    cdef Py_ssize_t o, i, j, d, h, w, base, at, width = columns.size, area = rows.size * width
    cdef Py_ssize_t* deep = depths.start + p * depths.step
    cdef Py_ssize_t* high = rows.start + p * rows.step
    cdef Py_ssize_t* wide = columns.start + p * columns.step
    cdef real value, top
    for o in range(depths.out):
        for i in range(rows.out):
            for j in range(columns.out):
                at = deep[o] * area + high[i] * width + wide[j]
                top = -INFINITY
                for d in range(deep[o], deep[depths.out + o]):
                    for h in range(high[i], high[rows.out + i]):
                        base = d * area + h * width
                        for w in range(wide[j], wide[columns.out + j]):
                            value = x[base + w]
                            if value > top or value != value:
                                top = value
                                at = base + w
                y[0] = top
                index[0] = <int32_t>at
                y += 1
                index += 1


cdef void search_planes(real* x, real* y, int32_t* index, Py_ssize_t planes, Spans* depths,
                        Spans* rows, Spans* columns) noexcept nogil:
    cdef Py_ssize_t p, size = depths.size * rows.size * columns.size
    cdef Py_ssize_t out = depths.out * rows.out * columns.out
    cdef int threads = threads_for(planes * size)
    if threads > 1:
        for p in prange(planes, num_threads=threads, schedule="static"):
            search_plane(x + p * size, y + p * out, index + p * out, depths, rows, columns, p)
    else:
        for p in range(planes):
            search_plane(x + p * size, y + p * out, index + p * out, depths, rows, columns, p)


# ------------------------------------------------------------------------ what Python calls
#
# All arrays are C-contiguous and of one type (float32 or float64), shaped (N, C, ...); positions
# are int32. naivegrad/backend/cpu/pool.py sees to that.

def max_pool2d(cnp.ndarray x, cnp.ndarray y, cnp.ndarray index, kernel, stride, padding, dilation):
    """y, index = the greatest value of each window and its position in its plane (-1: none).

    x is (N, C, H, W), y and index (N, C, OH, OW).
    """
    cdef Geometry g
    g.planes = x.shape[0] * x.shape[1]
    g.height, g.width = x.shape[2], x.shape[3]
    g.out_height, g.out_width = y.shape[2], y.shape[3]
    g.kh, g.kw = kernel
    g.stride_h, g.stride_w = stride
    g.top, g.left = padding
    g.dilation_h, g.dilation_w = dilation
    cdef int32_t* to = <int32_t*>cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        max_planes(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(y), to, &g)
    else:
        max_planes(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(y), to, &g)


cdef inline Py_ssize_t plane_size(cnp.ndarray x) noexcept:
    """Elements of one plane of (N, C, ...)."""
    cdef Py_ssize_t i, size = 1
    for i in range(2, x.ndim):
        size *= x.shape[i]
    return size


def plane_scatter(cnp.ndarray grad, cnp.ndarray index, cnp.ndarray grad_x):
    """grad_x[plane][index[plane][p]] += grad[plane][p], from 0."""
    cdef Py_ssize_t planes = grad.shape[0] * grad.shape[1]
    cdef Py_ssize_t size = plane_size(grad_x), out = plane_size(grad)
    cdef int32_t* at = <int32_t*>cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT:
        scatter_planes(<float*>cnp.PyArray_DATA(grad), at, <float*>cnp.PyArray_DATA(grad_x),
                       planes, size, out)
    else:
        scatter_planes(<double*>cnp.PyArray_DATA(grad), at, <double*>cnp.PyArray_DATA(grad_x),
                       planes, size, out)


def plane_gather(cnp.ndarray x, cnp.ndarray index, cnp.ndarray y):
    """y[plane][p] = x[plane][index[plane][p]], 0 where the index is -1."""
    cdef Py_ssize_t planes = x.shape[0] * x.shape[1]
    cdef Py_ssize_t size = plane_size(x), out = plane_size(y)
    cdef int32_t* at = <int32_t*>cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        gather_planes(<float*>cnp.PyArray_DATA(x), at, <float*>cnp.PyArray_DATA(y), planes, size,
                      out)
    else:
        gather_planes(<double*>cnp.PyArray_DATA(x), at, <double*>cnp.PyArray_DATA(y), planes, size,
                      out)


cdef Axis axis_of(cnp.ndarray table, Py_ssize_t size):
    cdef Axis axis
    axis.size, axis.out = size, table.shape[1]
    axis.start = <Py_ssize_t*>cnp.PyArray_DATA(table)
    axis.end = axis.start + axis.out
    axis.count = axis.end + axis.out
    return axis


def mean_windows(cnp.ndarray x, cnp.ndarray y, cnp.ndarray depths, cnp.ndarray rows,
                 cnp.ndarray columns, double divisor, bint spread):
    """y = the mean of each window of x; spread: x = its transpose, applied to y.

    x is (planes, D, H, W), y (planes, OD, OH, OW). depths, rows and columns, intp arrays (3, OD),
    (3, OH), (3, OW), hold start, end and count of each window. The divisor is the product of the
    counts, unless `divisor` is given (not 0).
    """
    cdef Axis depth = axis_of(depths, x.shape[1])
    cdef Axis height = axis_of(rows, x.shape[2])
    cdef Axis width = axis_of(columns, x.shape[3])
    cdef int threads = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef cnp.npy_intp count = threads * x.shape[3]
    cdef cnp.ndarray lines = cnp.PyArray_EMPTY(1, &count, cnp.PyArray_TYPE(x), 0)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        mean_planes(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(y), x.shape[0], &depth,
                    &height, &width, divisor, <float*>cnp.PyArray_DATA(lines), threads, spread)
    else:
        mean_planes(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(y), x.shape[0], &depth,
                    &height, &width, divisor, <double*>cnp.PyArray_DATA(lines), threads, spread)


cdef Spans spans_of(cnp.ndarray table, Py_ssize_t size):
    cdef Spans spans
    spans.size, spans.out = size, table.shape[2]
    spans.step = 2 * spans.out if table.shape[0] > 1 else 0
    spans.start = <Py_ssize_t*>cnp.PyArray_DATA(table)
    return spans


def max_windows(cnp.ndarray x, cnp.ndarray y, cnp.ndarray index, cnp.ndarray depths,
                cnp.ndarray rows, cnp.ndarray columns):
    """y, index = the greatest value of each window, none of them empty, and its position.

    x is (planes, D, H, W), y and index (planes, OD, OH, OW). depths, rows and columns are intp
    arrays (planes or 1, 2, OD), ..., of start and end of each window.
    """
    cdef Spans depth = spans_of(depths, x.shape[1])
    cdef Spans height = spans_of(rows, x.shape[2])
    cdef Spans width = spans_of(columns, x.shape[3])
    cdef int32_t* to = <int32_t*>cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        search_planes(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(y), to, x.shape[0],
                      &depth, &height, &width)
    else:
        search_planes(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(y), to, x.shape[0],
                      &depth, &height, &width)
