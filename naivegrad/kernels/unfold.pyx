# Design: im2col and col2im. Each output row of a column of the matrix is one run of pixels of an
# image row, with zeros where it leaves the image: a memcpy where the stride is 1. The transpose
# walks the same way and adds. Threads share out the channels of all images, so that no two of them
# add to one pixel.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from naivegrad.kernels.threads cimport num_threads
from naivegrad.kernels.windows cimport ceil_div, clip

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    GRAIN = 1 << 16                 # elements below which a second thread does not pay


cdef struct Geometry:
    Py_ssize_t planes, height, width, kh, kw, out_height, out_width
    Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w


cdef void move_plane(real* x, real* column, Geometry* g, bint add) noexcept nogil:
    """One channel of one image to its KH*KW columns, or (add) those summed back into it."""
    cdef Py_ssize_t u, v, i, j, h, first, low, high, step = g.stride_w, width = g.out_width
    cdef real* line
    for u in range(g.kh):
        for v in range(g.kw):
            # columns low <= j < high read the image, the others lie in the padding
            first = v * g.dilation_w - g.left
            low = clip(ceil_div(-first, step), 0, width)
            high = clip(ceil_div(g.width - first, step), low, width)
            for i in range(g.out_height):
                h = i * g.stride_h + u * g.dilation_h - g.top
                if h < 0 or h >= g.height:
                    if not add:
                        memset(column, 0, width * sizeof(real))
                else:
                    line = x + h * g.width + first
                    if add:
                        for j in range(low, high):
                            line[j * step] += column[j]
                    else:
                        memset(column, 0, low * sizeof(real))
                        if step == 1:
                            memcpy(column + low, line + low, (high - low) * sizeof(real))
                        else:
                            for j in range(low, high):
                                column[j] = line[j * step]
                        memset(column + high, 0, (width - high) * sizeof(real))
                column += width


cdef void move_planes(real* x, real* columns, Geometry* g, bint add) noexcept nogil:
    cdef Py_ssize_t p, size = g.height * g.width
    cdef Py_ssize_t column = g.kh * g.kw * g.out_height * g.out_width
    cdef int threads = num_threads() if g.planes * column >= GRAIN else 1
    if threads > 1:
        for p in prange(g.planes, num_threads=threads, schedule="static"):
            move_plane(x + p * size, columns + p * column, g, add)
    else:
        for p in range(g.planes):
            move_plane(x + p * size, columns + p * column, g, add)


def columns(cnp.ndarray x, cnp.ndarray columns, kernel, output, stride, padding, dilation,
            bint add):
    """columns (N, C*KH*KW, OH*OW) = the windows of x (N, C, H, W); add: x += them summed back.

    Both arrays C-contiguous, of one type (float32 or float64).
    """
    cdef Geometry g
    g.planes = x.shape[0] * x.shape[1]
    g.height, g.width = x.shape[2], x.shape[3]
    g.kh, g.kw = kernel
    g.out_height, g.out_width = output
    g.stride_h, g.stride_w = stride
    g.top, g.left = padding
    g.dilation_h, g.dilation_w = dilation
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        move_planes(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(columns), &g, add)
    else:
        move_planes(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(columns), &g, add)
