# Design: one image plane at a time, one output row at a time, whole rows in the inner loops.
#
# - Maximum: for each tap of the window in turn, the row of results is compared with the (strided)
#   row of pixels that this tap sees. The first of equal values wins, since only a greater one
#   replaces it; a nan replaces everything and is never replaced but by a later nan. The position
#   of the winner inside its plane is kept as int32, so that value and position have lanes of one
#   width and select together; the backward pass needs no comparison again.
# - Mean: windows are intervals [start, end) of rows and columns with their counts, one table per
#   axis, which serves plain and adaptive pooling alike. The rows of a window are added up first
#   (long contiguous loops), then the columns of that sum. The transpose goes the same way back.
# - Threads share out planes. Each plane is done by one thread: the same bits for every number.

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.string cimport memset

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    GRAIN = 1 << 16                 # pixels read below which a second thread does not pay


cdef struct Geometry:
    Py_ssize_t planes, height, width, out_height, out_width
    Py_ssize_t kh, kw, stride_h, stride_w, top, left, dilation_h, dilation_w


cdef inline Py_ssize_t clip(Py_ssize_t a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    return low if a < low else high if a > high else a


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b if a > 0 else -(-a // b)


cdef inline int threads_for(Py_ssize_t work) noexcept nogil:
    return num_threads() if work >= GRAIN else 1


# -------------------------------------------------------------------------------- maximum

cdef inline void take_greater(real* best, int32_t* index, real* line, int32_t at, Py_ssize_t low,
                              Py_ssize_t high, Py_ssize_t stride) noexcept nogil:
    """Let pixel line[j * stride], whose position is at + j * stride, challenge best[j]."""
    cdef Py_ssize_t j
    cdef real value
    cdef bint greater
    for j in range(low, high):
        value = line[j * stride]
        greater = (value > best[j]) | (value != value)
        best[j] = value if greater else best[j]
        index[j] = at + <int32_t>(j * stride) if greater else index[j]


cdef inline void greatest_of_four(real* best, int32_t* index, real* line, int32_t at,
                                  Py_ssize_t width, Py_ssize_t count) noexcept nogil:
    """The 2 x 2 window with stride 2, the one that almost every network uses, in one pass."""
    cdef Py_ssize_t j
    cdef int32_t where, w = <int32_t>width
    cdef real top, value
    cdef bint greater
    for j in range(count):
        top = line[2 * j]
        where = 0
        value = line[2 * j + 1]
        greater = (value > top) | (value != value)
        top = value if greater else top
        where = 1 if greater else where
        value = line[width + 2 * j]
        greater = (value > top) | (value != value)
        top = value if greater else top
        where = w if greater else where
        value = line[width + 2 * j + 1]
        greater = (value > top) | (value != value)
        top = value if greater else top
        where = w + 1 if greater else where
        best[j] = top
        index[j] = at + <int32_t>(2 * j) + where


cdef void max_plane(real* x, real* y, int32_t* index, Geometry* g, int32_t* first) noexcept nogil:
    """One plane. `first` holds the first column inside the image of each window, or -1."""
    cdef Py_ssize_t i, j, u, v, h, low, high, offset
    cdef Py_ssize_t width = g.out_width
    cdef bint plain = (g.kh == 2 and g.kw == 2 and g.stride_w == 2 and g.dilation_h == 1
                       and g.dilation_w == 1 and g.top == 0 and g.left == 0
                       and (g.out_height - 1) * g.stride_h + 2 <= g.height
                       and (g.out_width - 1) * 2 + 2 <= g.width)
    for i in range(g.out_height):
        h = i * g.stride_h - g.top
        if plain:
            greatest_of_four(y, index, x + h * g.width, <int32_t>(h * g.width), g.width, width)
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
                    if g.stride_w == 1:
                        take_greater(y, index, x + offset * g.width + v * g.dilation_w - g.left,
                                     <int32_t>(offset * g.width + v * g.dilation_w - g.left),
                                     low, high, 1)
                    elif g.stride_w == 2:
                        take_greater(y, index, x + offset * g.width + v * g.dilation_w - g.left,
                                     <int32_t>(offset * g.width + v * g.dilation_w - g.left),
                                     low, high, 2)
                    else:
                        take_greater(y, index, x + offset * g.width + v * g.dilation_w - g.left,
                                     <int32_t>(offset * g.width + v * g.dilation_w - g.left),
                                     low, high, g.stride_w)
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


cdef void mean_plane(real* x, real* y, Axis* rows, Axis* columns, double divisor,
                     real* line) noexcept nogil:
    cdef Py_ssize_t i, j, h, w, width = columns.size
    cdef real total
    for i in range(rows.out):
        for w in range(width):
            line[w] = 0
        for h in range(rows.start[i], rows.end[i]):
            for w in range(width):
                line[w] += x[h * width + w]
        for j in range(columns.out):
            total = 0
            for w in range(columns.start[j], columns.end[j]):
                total += line[w]
            y[j] = total / <real>(divisor if divisor != 0 else rows.count[i] * columns.count[j])
        y += columns.out


cdef void spread_plane(real* grad, real* grad_x, Axis* rows, Axis* columns, double divisor,
                       real* line) noexcept nogil:
    cdef Py_ssize_t i, j, h, w, width = columns.size
    cdef real share
    memset(grad_x, 0, rows.size * width * sizeof(real))
    for i in range(rows.out):
        for w in range(width):
            line[w] = 0
        for j in range(columns.out):
            share = grad[j] / <real>(divisor if divisor != 0 else rows.count[i] * columns.count[j])
            for w in range(columns.start[j], columns.end[j]):
                line[w] += share
        for h in range(rows.start[i], rows.end[i]):
            for w in range(width):
                grad_x[h * width + w] += line[w]
        grad += columns.out


cdef void mean_planes(real* x, real* y, Py_ssize_t planes, Axis* rows, Axis* columns,
                      double divisor, real* lines, int threads, bint spread) noexcept nogil:
    cdef Py_ssize_t p, size = rows.size * columns.size, out = rows.out * columns.out
    if spread:
        if threads > 1:
            for p in prange(planes, num_threads=threads, schedule="static"):
                spread_plane(y + p * out, x + p * size, rows, columns, divisor,
                             lines + threadid() * columns.size)
        else:
            for p in range(planes):
                spread_plane(y + p * out, x + p * size, rows, columns, divisor, lines)
    elif threads > 1:
        for p in prange(planes, num_threads=threads, schedule="static"):
            mean_plane(x + p * size, y + p * out, rows, columns, divisor,
                       lines + threadid() * columns.size)
    else:
        for p in range(planes):
            mean_plane(x + p * size, y + p * out, rows, columns, divisor, lines)


# ------------------------------------------------------------------------ what Python calls
#
# All arrays are C-contiguous and of one type (float32 or float64), shaped (N, C, H, W) and
# (N, C, OH, OW); positions are int32. naivegrad/backend/cpu/pool.py sees to that.

def max_pool2d(cnp.ndarray x, cnp.ndarray y, cnp.ndarray index, kernel, stride, padding, dilation):
    """y, index = the greatest value of each window and its position in its plane (-1: none)."""
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


def plane_scatter(cnp.ndarray grad, cnp.ndarray index, cnp.ndarray grad_x):
    """grad_x[plane][index[plane][p]] += grad[plane][p], from 0."""
    cdef Py_ssize_t planes = grad.shape[0] * grad.shape[1]
    cdef Py_ssize_t size = grad_x.shape[2] * grad_x.shape[3]
    cdef Py_ssize_t out = grad.shape[2] * grad.shape[3]
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
    cdef Py_ssize_t size = x.shape[2] * x.shape[3]
    cdef Py_ssize_t out = y.shape[2] * y.shape[3]
    cdef int32_t* at = <int32_t*>cnp.PyArray_DATA(index)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        gather_planes(<float*>cnp.PyArray_DATA(x), at, <float*>cnp.PyArray_DATA(y), planes, size,
                      out)
    else:
        gather_planes(<double*>cnp.PyArray_DATA(x), at, <double*>cnp.PyArray_DATA(y), planes, size,
                      out)


def mean_windows(cnp.ndarray x, cnp.ndarray y, cnp.ndarray rows, cnp.ndarray columns,
                 double divisor, bint spread):
    """y = the mean of each window of x; spread: x = its transpose, applied to y.

    rows and columns are intp arrays (3, OH) and (3, OW): start, end and count of each window.
    The divisor is the product of the two counts, unless `divisor` is given (not 0).
    """
    cdef Axis height, width
    cdef Py_ssize_t planes = x.shape[0] * x.shape[1]
    cdef int threads = threads_for(planes * x.shape[2] * x.shape[3])
    cdef cnp.npy_intp count = threads * x.shape[3]
    cdef cnp.ndarray lines = cnp.PyArray_EMPTY(1, &count, cnp.PyArray_TYPE(x), 0)
    height.size, height.out = x.shape[2], rows.shape[1]
    height.start = <Py_ssize_t*>cnp.PyArray_DATA(rows)
    height.end = height.start + height.out
    height.count = height.end + height.out
    width.size, width.out = x.shape[3], columns.shape[1]
    width.start = <Py_ssize_t*>cnp.PyArray_DATA(columns)
    width.end = width.start + width.out
    width.count = width.end + width.out
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        mean_planes(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(y), planes, &height,
                    &width, divisor, <float*>cnp.PyArray_DATA(lines), threads, spread)
    else:
        mean_planes(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(y), planes, &height,
                    &width, divisor, <double*>cnp.PyArray_DATA(lines), threads, spread)
