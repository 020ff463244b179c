# Design: a convolution without a column matrix.
#
# The textbook way (im2col) copies each pixel KH*KW times into a matrix and multiplies. Here a
# block of images is copied KW times only, once per column of the filter, so that
#
#     plane[c, v][i][j] = x[c, row(i), j * stride + v * dilation - padding]      (0 outside)
#
# Now tap (c, u, v) of output pixel (i, j) is plane[c, v][i + shift(u)][j]: for a fixed tap, the
# pixels of the output lie in a row in memory, all the way from one output row to the next. So a
# tap is one offset into the planes, stride, padding and dilation are gone, and what is left is
#
#     y[f][p] = sum_t w[f][t] * planes[tap[t] + p]            `correlate` in conv_tile.h
#     grad_w[f][t] = sum_p grad[f][p] * planes[tap[t] + p]    `dot` in conv_tile.h
#
# - A stride in the rows splits the planes by remainder ("phases"): input rows stride*i + r for
#   each r that some tap needs, so that rows of one tap are neighbours again.
# - The gradient of the input is a convolution of grad with the filters turned round. With a
#   stride it falls apart into stride * stride convolutions of stride 1, one for each remainder
#   of the input's row and column, each with the taps that reach it.
# - The planes of a block stay in the L2 cache: a block is some rows of one image, or several
#   small images side by side; with many channels, the channels are summed block after block.
# - Threads share out blocks of the output (correlate) or of the filters (dot). Each result is
#   summed by one thread in an order that depends on the shapes alone: the same bits for every
#   number of threads.

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.string cimport memcpy, memset

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef extern from *:
    """
    #define REAL float
    #define INT int32_t
    #define NAME(x) x##_f32
    #include "conv_tile.h"
    #undef REAL
    #undef INT
    #undef NAME
    #define REAL double
    #define INT int64_t
    #define NAME(x) x##_f64
    #include "conv_tile.h"
    #undef REAL
    #undef INT
    #undef NAME
    """
    enum:
        VECTOR_BYTES
        ROWS
        DOT_ROWS
        DOT_TAPS
    void copy_rows_f32(float* to, Py_ssize_t to_row, float* from_, Py_ssize_t from_row,
                       Py_ssize_t rows, Py_ssize_t low, Py_ssize_t high,
                       Py_ssize_t width) noexcept nogil
    void copy_rows_f64(double* to, Py_ssize_t to_row, double* from_, Py_ssize_t from_row,
                       Py_ssize_t rows, Py_ssize_t low, Py_ssize_t high,
                       Py_ssize_t width) noexcept nogil
    void correlate_f32(int rows, float* w, Py_ssize_t* tap, Py_ssize_t taps, float* x0, float* x1,
                       float* x2, float* bias, bint add, float* y0, float* y1, float* y2,
                       Py_ssize_t y_stride) noexcept nogil
    void correlate_f64(int rows, double* w, Py_ssize_t* tap, Py_ssize_t taps, double* x0,
                       double* x1, double* x2, double* bias, bint add, double* y0, double* y1,
                       double* y2, Py_ssize_t y_stride) noexcept nogil
    void dot_f32(int rows, int taps, float* grad, Py_ssize_t grad_row, Py_ssize_t grad_image,
                 float* x, Py_ssize_t x_image, Py_ssize_t* tap, Py_ssize_t* place,
                 Py_ssize_t images, Py_ssize_t pixels, float* out,
                 Py_ssize_t out_row) noexcept nogil
    void dot_f64(int rows, int taps, double* grad, Py_ssize_t grad_row, Py_ssize_t grad_image,
                 double* x, Py_ssize_t x_image, Py_ssize_t* tap, Py_ssize_t* place,
                 Py_ssize_t images, Py_ssize_t pixels, double* out,
                 Py_ssize_t out_row) noexcept nogil

ctypedef fused real:
    float
    double

cdef enum:
    GRAIN = 1 << 18                 # multiply-adds below which a second thread does not pay


cdef inline void copy_rows(real* to, Py_ssize_t to_row, real* from_, Py_ssize_t from_row,
                           Py_ssize_t rows, Py_ssize_t low, Py_ssize_t high,
                           Py_ssize_t width) noexcept nogil:
    """to[i][j] = from[i][j] for low <= j < high, 0 for the other j < width."""
    if real is float:
        copy_rows_f32(to, to_row, from_, from_row, rows, low, high, width)
    else:
        copy_rows_f64(to, to_row, from_, from_row, rows, low, high, width)


include "conv_planes.pxi"


cdef cnp.ndarray empty(Py_ssize_t size, int dtype):
    """Working memory: an array, so that it is freed whatever happens."""
    cdef cnp.npy_intp n = size
    return cnp.PyArray_EMPTY(1, &n, dtype, 0)


cdef inline int dtype_of(real* pointer) noexcept:
    return cnp.NPY_FLOAT if real is float else cnp.NPY_DOUBLE


# ------------------------------------------------------------------ correlate: y and grad_x

cdef struct Correlation:
    Window window
    Blocks blocks
    Py_ssize_t* tap
    Py_ssize_t* place
    Py_ssize_t images, groups
    Py_ssize_t filters                      # output channels of one group
    # Output pixel (i, j) is written to row row0 + i * row_step, column0 + j * column_step of an
    # image of height x width.
    Py_ssize_t height, width, row0, column0, row_step, column_step
    bint dense                              # the steps are 1 and the image is exactly the output
    Py_ssize_t scratch                      # elements for one thread: planes, then the output


cdef void pack(real* packed, real* w, Correlation* job, Py_ssize_t panel, Py_ssize_t* us,
               Py_ssize_t* vs, Py_ssize_t filter_stride, Py_ssize_t channel_stride,
               Py_ssize_t width) noexcept nogil:
    """packed[c][v][u][i] = w[panel * ROWS + i, c, us[u], vs[v]]: the order `correlate` reads."""
    cdef Py_ssize_t i, u, v, _, rows = clip(job.filters - panel * ROWS, 0, ROWS)
    w += panel * ROWS * filter_stride
    for _ in range(job.window.channels):
        for v in range(job.window.kw):
            for u in range(job.window.kh):
                for i in range(rows):
                    packed[i] = w[i * filter_stride + us[u] * width + vs[v]]
                packed += ROWS
        w += channel_stride


cdef void correlate_block(real* source, real* packed, real* bias, real* out, Correlation* job,
                          Py_ssize_t block, real* planes) noexcept nogil:
    """One block of images or rows of one group, all its filters."""
    cdef Window* window = &job.window
    cdef Blocks* blocks = &job.blocks
    cdef Py_ssize_t row_blocks = ceil_div(window.out_height, blocks.rows)
    cdef Py_ssize_t image_blocks = ceil_div(job.images, blocks.images)
    cdef Py_ssize_t row = block % row_blocks * blocks.rows
    cdef Py_ssize_t image = block // row_blocks % image_blocks * blocks.images
    cdef Py_ssize_t group = block // row_blocks // image_blocks
    cdef Py_ssize_t rows = clip(window.out_height - row, 0, blocks.rows)
    cdef Py_ssize_t images = clip(job.images - image, 0, blocks.images)
    cdef Py_ssize_t channels_in = job.groups * window.channels
    cdef Py_ssize_t channels_out = job.groups * job.filters
    cdef Py_ssize_t area = window.height * window.width, out_area = job.height * job.width
    cdef Py_ssize_t per_channel = window.kh * window.kw
    cdef Py_ssize_t c = 0, channels, m, f, y_row
    cdef bint direct = job.dense and blocks.images == 1
    cdef real* y
    source += (image * channels_in + group * window.channels) * area
    out += (image * channels_out + group * job.filters) * out_area
    packed += ceil_div(job.filters, ROWS) * ROWS * group * window.channels * per_channel
    if bias != NULL:
        bias += group * job.filters
    if direct:
        y_row = out_area
        y = out + row * job.width
    else:
        y_row = blocks.rows * blocks.pitch
        y = planes + blocks.size + VECTOR_BYTES // sizeof(real)

    while c < window.channels:
        channels = clip(window.channels - c, 0, blocks.channels)
        for m in range(images):
            fill_planes(planes + m * window.out_width, source + (m * channels_in + c) * area,
                        window, blocks, channels, row, rows)
        correlate_tiles(planes, packed + c * ROWS * per_channel, window.channels * per_channel,
                        bias, job, channels * per_channel, rows * blocks.pitch, c > 0, y, y_row)
        c += channels

    if not direct:
        for m in range(images):
            for f in range(job.filters):
                spread(out + (m * channels_out + f) * out_area,
                       y + f * y_row + m * window.out_width, job, row, rows)


cdef void correlate_tiles(real* planes, real* packed, Py_ssize_t all_taps, real* bias,
                          Correlation* job, Py_ssize_t taps, Py_ssize_t pixels, bint add, real* y,
                          Py_ssize_t y_row) noexcept nogil:
    """y[f][p] = (y or bias)[f] + sum_t w[f][t] * planes[tap[t] + p], tile by tile."""
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t vectors = ceil_div(pixels, lanes)
    cdef Py_ssize_t q, k, panel, f, first, to_row
    cdef Py_ssize_t p[3]
    cdef Py_ssize_t skip[3]
    cdef Py_ssize_t length[3]
    cdef real part[8 * 3 * 16]                              # ROWS x 3 vectors
    cdef real* to[3]
    cdef real* b
    cdef int rows
    cdef bint whole
    for q in range(0, vectors, 3):
        # Three vectors of pixels, the last ones repeated if there are less. The last vector ends
        # at the last pixel, and only the lanes that no other vector has are kept.
        whole = True
        for k in range(3):
            first = clip(q + k, 0, vectors - 1) * lanes
            p[k] = clip(pixels - lanes, 0, first)
            skip[k] = first - p[k]
            length[k] = clip(pixels - first, 0, lanes)
            whole = whole and length[k] == lanes
        for panel in range(ceil_div(job.filters, ROWS)):
            f = panel * ROWS
            rows = <int>clip(job.filters - f, 0, ROWS)
            b = NULL if bias == NULL else bias + f
            to_row = y_row if whole else 3 * lanes
            for k in range(3):
                if whole:
                    to[k] = y + f * y_row + p[k]
                else:
                    to[k] = part + k * lanes
                    if add:
                        move_rows(to[k] + skip[k], to_row, y + f * y_row + p[k] + skip[k], y_row,
                                  rows, length[k])
            if real is float:
                correlate_f32(rows, packed + f * all_taps, job.tap, taps, planes + p[0],
                              planes + p[1], planes + p[2], b, add, to[0], to[1], to[2], to_row)
            else:
                correlate_f64(rows, packed + f * all_taps, job.tap, taps, planes + p[0],
                              planes + p[1], planes + p[2], b, add, to[0], to[1], to[2], to_row)
            if not whole:
                for k in range(3):
                    move_rows(y + f * y_row + p[k] + skip[k], y_row, to[k] + skip[k], to_row,
                              rows, length[k])


cdef inline void move_rows(real* to, Py_ssize_t to_stride, real* from_, Py_ssize_t from_stride,
                           Py_ssize_t rows, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(to + i * to_stride, from_ + i * from_stride, length * sizeof(real))


cdef void spread(real* out, real* y, Correlation* job, Py_ssize_t row,
                 Py_ssize_t rows) noexcept nogil:
    """Write rows of a result to their places in an image."""
    cdef Py_ssize_t i, j, width = job.window.out_width
    cdef real* line
    if job.dense:
        copy_rows(out + row * job.width, job.width, y, job.blocks.pitch, rows, 0, width, width)
        return
    for i in range(rows):
        line = out + (job.row0 + (row + i) * job.row_step) * job.width + job.column0
        for j in range(width):
            line[j * job.column_step] = y[j]
        y += job.blocks.pitch


cdef int run_correlation(real* source, real* w, real* bias, real* out, Correlation* job,
                         Py_ssize_t* us, Py_ssize_t* vs, Py_ssize_t filter_stride,
                         Py_ssize_t channel_stride, Py_ssize_t group_stride,
                         Py_ssize_t width) except -1:
    """Pack the filters, cut the work into blocks and do them all."""
    cdef Window* window = &job.window
    cdef Py_ssize_t taps = window.channels * window.kh * window.kw
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t panels = ceil_div(job.filters, ROWS), panel, block, blocks, size
    cdef Py_ssize_t packed_size = job.groups * panels * ROWS * taps
    cdef cnp.ndarray memory, tap
    cdef real* packed
    cdef real* scratch
    cdef int threads = num_threads()
    if <double>job.images * job.groups * job.filters * taps * window.out_height \
            * window.out_width < GRAIN:
        threads = 1
    find_phases(window)
    job.blocks = cut_correlation(window, job.images, job.groups, lanes, threads)
    blocks = (ceil_div(window.out_height, job.blocks.rows) * job.groups
              * ceil_div(job.images, job.blocks.images))
    # a vector of slack after the planes: where there are few pixels, a vector reads past them
    size = job.blocks.size + lanes
    if job.blocks.images > 1 or not job.dense:
        size += job.filters * job.blocks.rows * job.blocks.pitch
    memory = empty(packed_size + size * threads, dtype_of(source))
    tap = empty(2 * job.blocks.channels * window.kh * window.kw, cnp.NPY_INTP)
    packed = <real*>cnp.PyArray_DATA(memory)
    scratch = packed + packed_size
    job.tap = <Py_ssize_t*>cnp.PyArray_DATA(tap)
    job.place = job.tap + job.blocks.channels * window.kh * window.kw
    list_taps(window, &job.blocks, job.tap, job.place)
    with nogil:
        if threads > 1:
            for panel in prange(job.groups * panels, num_threads=threads, schedule="static"):
                pack(packed + panel * ROWS * taps, w + panel // panels * group_stride, job,
                     panel % panels, us, vs, filter_stride, channel_stride, width)
            for block in prange(blocks, num_threads=threads, schedule="dynamic"):
                correlate_block(source, packed, bias, out, job, block,
                                scratch + threadid() * size)
        else:
            for panel in range(job.groups * panels):
                pack(packed + panel * ROWS * taps, w + panel // panels * group_stride, job,
                     panel % panels, us, vs, filter_stride, channel_stride, width)
            for block in range(blocks):
                correlate_block(source, packed, bias, out, job, block, scratch)
    return 0


cdef int forward(real* x, real* w, real* bias, real* y, Geometry* g) except -1:
    cdef Correlation job
    cdef cnp.ndarray tables = empty(5 * g.kh + 2 * g.kw, cnp.NPY_INTP)
    cdef Py_ssize_t* us = <Py_ssize_t*>cnp.PyArray_DATA(tables)
    cdef Py_ssize_t* vs = us + g.kh
    cdef Py_ssize_t k
    for k in range(g.kh):
        us[k] = k
    for k in range(g.kw):
        vs[k] = k
    window_of(&job.window, g, vs + g.kw)
    job.images = g.images
    job.groups = g.groups
    job.filters = g.filters
    job.height = g.out_height
    job.width = g.out_width
    job.dense = True
    run_correlation(x, w, bias, y, &job, us, vs, g.channels * g.kh * g.kw, g.kh * g.kw,
                    g.filters * g.channels * g.kh * g.kw, g.kw)
    return 0


cdef int backward_input(real* grad, real* w, real* grad_x, Geometry* g) except -1:
    cdef Correlation job
    cdef Window* window = &job.window
    cdef cnp.ndarray tables = empty(5 * g.kh + 2 * g.kw, cnp.NPY_INTP)
    cdef Py_ssize_t* us = <Py_ssize_t*>cnp.PyArray_DATA(tables)
    cdef Py_ssize_t* vs = us + g.kh
    cdef Py_ssize_t r, s
    job.images = g.images
    job.groups = g.groups
    job.filters = g.channels
    job.height = g.height
    job.width = g.width
    job.row_step = g.stride_h
    job.column_step = g.stride_w
    job.dense = g.stride_h == 1 and g.stride_w == 1
    window.channels = g.filters
    window.height = g.out_height
    window.width = g.out_width
    window.step_h = window.step_w = 1
    # Input rows h = r + stride * i for one remainder r: h + top = oh * stride + u * dilation, so
    # tap u takes part if stride divides r + top - u * dilation, and the quotient is oh - i.
    for r in range(clip(g.stride_h, 0, g.height)):
        for s in range(clip(g.stride_w, 0, g.width)):
            window.kh = g.kh
            place_tables(window, vs + g.kw)
            window.kh = reaching_taps(window.first_h, us, r + g.top, g.kh, g.dilation_h,
                                      g.stride_h)
            window.kw = reaching_taps(window.first_w, vs, s + g.left, g.kw, g.dilation_w,
                                      g.stride_w)
            window.out_height = ceil_div(g.height - r, g.stride_h)
            window.out_width = ceil_div(g.width - s, g.stride_w)
            job.row0 = r
            job.column0 = s
            run_correlation(grad, w, <real*>NULL, grad_x, &job, us, vs, g.kh * g.kw,
                            g.channels * g.kh * g.kw, g.filters * g.channels * g.kh * g.kw, g.kw)
    return 0


cdef Py_ssize_t reaching_taps(Py_ssize_t* first, Py_ssize_t* index, Py_ssize_t start,
                              Py_ssize_t taps, Py_ssize_t dilation, Py_ssize_t stride) noexcept:
    """The taps whose distance start - tap * dilation is a multiple of the stride."""
    cdef Py_ssize_t k, distance, count = 0
    for k in range(taps):
        distance = start - k * dilation
        if distance % stride == 0:
            first[count] = floor_div(distance, stride)
            index[count] = k
            count += 1
    return count


# ------------------------------------------------------------------------------- dot: grad_w

cdef struct Weights:
    Window window
    Blocks blocks
    bint apart                              # images apart, or side by side
    Py_ssize_t* tap
    Py_ssize_t* place
    Py_ssize_t images, groups
    Py_ssize_t filters, filter_block
    Py_ssize_t grads                        # where gradients are laid side by side, in the scratch


cdef void weight_block(real* grad, real* x, real* grad_w, Weights* job, Py_ssize_t block,
                       real* planes) noexcept nogil:
    """Some filters, some channels of one group: summed over all images."""
    cdef Window* window = &job.window
    cdef Blocks* blocks = &job.blocks
    cdef Py_ssize_t filter_blocks = ceil_div(job.filters, job.filter_block)
    cdef Py_ssize_t channel_blocks = ceil_div(window.channels, blocks.channels)
    cdef Py_ssize_t f0 = block % filter_blocks * job.filter_block
    cdef Py_ssize_t c0 = block // filter_blocks % channel_blocks * blocks.channels
    cdef Py_ssize_t group = block // filter_blocks // channel_blocks
    cdef Py_ssize_t filters = clip(job.filters - f0, 0, job.filter_block)
    cdef Py_ssize_t channels = clip(window.channels - c0, 0, blocks.channels)
    cdef Py_ssize_t per_channel = window.kh * window.kw
    cdef Py_ssize_t taps = channels * per_channel
    cdef Py_ssize_t out_row = window.channels * per_channel
    cdef Py_ssize_t area = window.height * window.width
    cdef Py_ssize_t out_area = window.out_height * window.out_width
    cdef Py_ssize_t x_image = job.groups * window.channels * area
    cdef Py_ssize_t g_image = job.groups * job.filters * out_area
    cdef Py_ssize_t slot = blocks.size if job.apart else window.out_width
    cdef Py_ssize_t image_block, row_block, images, row, rows, m, f
    cdef real* g
    grad_w += (group * job.filters + f0) * out_row + c0 * per_channel
    grad += (group * job.filters + f0) * out_area
    x += (group * window.channels + c0) * area
    for f in range(filters):
        memset(grad_w + f * out_row, 0, taps * sizeof(real))
    for image_block in range(ceil_div(job.images, blocks.images)):
        images = clip(job.images - image_block * blocks.images, 0, blocks.images)
        for row_block in range(ceil_div(window.out_height, blocks.rows)):
            row = row_block * blocks.rows
            rows = clip(window.out_height - row, 0, blocks.rows)
            if images < blocks.images and not job.apart:
                memset(planes, 0, blocks.size * sizeof(real))       # the missing images
            for m in range(images):
                fill_planes(planes + m * slot, x + m * x_image, window, blocks, channels, row, rows)
            g = grad + row * window.out_width
            if job.apart:
                dot_tiles(g, out_area, g_image, filters, planes, job, images,
                          rows * window.out_width, taps, grad_w, out_row)
            else:
                gather_grads(planes + job.grads, g, g_image, filters, window, blocks, images, rows)
                dot_tiles(planes + job.grads, blocks.rows * blocks.pitch, 0, filters, planes, job,
                          1, rows * blocks.pitch, taps, grad_w, out_row)
        x += images * x_image
        grad += images * g_image


cdef void gather_grads(real* to, real* grad, Py_ssize_t g_image, Py_ssize_t filters,
                       Window* window, Blocks* blocks, Py_ssize_t images,
                       Py_ssize_t rows) noexcept nogil:
    """Gradients of several images side by side, as the planes are; 0 for missing images."""
    cdef Py_ssize_t f, m, i, width = window.out_width, area = window.out_height * width
    for f in range(filters):
        for m in range(blocks.images):
            if m < images:
                copy_rows(to + m * width, blocks.pitch, grad + m * g_image + f * area, width, rows,
                          0, width, width)
            else:
                for i in range(rows):
                    memset(to + i * blocks.pitch + m * width, 0, width * sizeof(real))
        to += blocks.rows * blocks.pitch


cdef void dot_tiles(real* grad, Py_ssize_t grad_row, Py_ssize_t grad_image, Py_ssize_t filters,
                    real* planes, Weights* job, Py_ssize_t images, Py_ssize_t pixels,
                    Py_ssize_t taps, real* grad_w, Py_ssize_t out_row) noexcept nogil:
    """grad_w[f][t] += sum_p grad[f][p] * planes[tap[t] + p], tile by tile."""
    cdef Py_ssize_t f = 0, t
    cdef int rows, columns
    while f < filters:
        rows = <int>clip(filters - f, 0, DOT_ROWS)
        t = 0
        while t < taps:
            columns = <int>clip(taps - t, 0, DOT_TAPS)
            if real is float:
                dot_f32(rows, columns, grad + f * grad_row, grad_row, grad_image, planes,
                        job.blocks.size, job.tap + t, job.place + t, images, pixels,
                        grad_w + f * out_row, out_row)
            else:
                dot_f64(rows, columns, grad + f * grad_row, grad_row, grad_image, planes,
                        job.blocks.size, job.tap + t, job.place + t, images, pixels,
                        grad_w + f * out_row, out_row)
            t += DOT_TAPS
        f += DOT_ROWS


cdef int backward_weight(real* grad, real* x, real* grad_w, Geometry* g) except -1:
    cdef Weights job
    cdef Window* window = &job.window
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t block, blocks, size
    cdef cnp.ndarray memory, tap, tables = empty(4 * g.kh + g.kw, cnp.NPY_INTP)
    cdef real* scratch
    cdef int threads = num_threads()
    if <double>g.images * g.groups * g.filters * g.channels * g.kh * g.kw * g.out_height \
            * g.out_width < GRAIN:
        threads = 1
    window_of(window, g, <Py_ssize_t*>cnp.PyArray_DATA(tables))
    find_phases(window)
    job.images = g.images
    job.groups = g.groups
    job.filters = g.filters
    job.blocks = cut_dot(window, g.images, g.groups, lanes, threads, &job.apart)
    job.filter_block = g.filters
    blocks = g.groups * ceil_div(g.channels, job.blocks.channels)
    if threads > 1 and blocks < 2 * threads:
        # too few to share out: cut the filters too (each block then fills its planes again)
        job.filter_block = ceil_div(ceil_div(g.filters, ceil_div(2 * threads, blocks)),
                                    DOT_ROWS) * DOT_ROWS
        blocks *= ceil_div(g.filters, job.filter_block)
    job.grads = job.blocks.size * (job.blocks.images if job.apart else 1) + lanes
    size = job.grads
    if not job.apart:
        size += job.filter_block * job.blocks.rows * job.blocks.pitch + lanes
    memory = empty(size * threads, dtype_of(grad))
    tap = empty(2 * job.blocks.channels * g.kh * g.kw, cnp.NPY_INTP)
    scratch = <real*>cnp.PyArray_DATA(memory)
    job.tap = <Py_ssize_t*>cnp.PyArray_DATA(tap)
    job.place = job.tap + job.blocks.channels * window.kh * window.kw
    list_taps(window, &job.blocks, job.tap, job.place)
    with nogil:
        if threads > 1:
            for block in prange(blocks, num_threads=threads, schedule="dynamic"):
                weight_block(grad, x, grad_w, &job, block, scratch + threadid() * size)
        else:
            for block in range(blocks):
                weight_block(grad, x, grad_w, &job, block, scratch)
    return 0


# ------------------------------------------------------------------------ what Python calls
#
# All arrays are C-contiguous, of one type (float32 or float64), with the shapes that belong
# together and no dimension of size 0: naivegrad/backend/cpu/conv.py sees to that.

cdef Geometry geometry(cnp.ndarray x, cnp.ndarray w, cnp.ndarray y, stride, padding, dilation,
                       Py_ssize_t groups):
    cdef Geometry g
    g.images, g.channels, g.height, g.width = x.shape[0], w.shape[1], x.shape[2], x.shape[3]
    g.groups, g.filters, g.kh, g.kw = groups, w.shape[0] // groups, w.shape[2], w.shape[3]
    g.out_height, g.out_width = y.shape[2], y.shape[3]
    g.stride_h, g.stride_w = stride
    g.top, g.left = padding
    g.dilation_h, g.dilation_w = dilation
    return g


def conv2d(cnp.ndarray x, cnp.ndarray w, cnp.ndarray bias, cnp.ndarray y, stride, padding,
           dilation, groups):
    """y = conv2d(x, w) + bias; `padding` is (top, left), the rest follows from y's shape."""
    cdef Geometry g = geometry(x, w, y, stride, padding, dilation, groups)
    cdef void* b = NULL if bias is None else cnp.PyArray_DATA(bias)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        forward(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(w), <float*>b,
                <float*>cnp.PyArray_DATA(y), &g)
    else:
        forward(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(w), <double*>b,
                <double*>cnp.PyArray_DATA(y), &g)


def conv2d_grad_input(cnp.ndarray grad, cnp.ndarray w, cnp.ndarray grad_x, stride, padding,
                      dilation, groups):
    """grad_x = the transpose of x -> conv2d(x, w), applied to grad."""
    cdef Geometry g = geometry(grad_x, w, grad, stride, padding, dilation, groups)
    if cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT:
        backward_input(<float*>cnp.PyArray_DATA(grad), <float*>cnp.PyArray_DATA(w),
                       <float*>cnp.PyArray_DATA(grad_x), &g)
    else:
        backward_input(<double*>cnp.PyArray_DATA(grad), <double*>cnp.PyArray_DATA(w),
                       <double*>cnp.PyArray_DATA(grad_x), &g)


def conv2d_grad_weight(cnp.ndarray grad, cnp.ndarray x, cnp.ndarray grad_w, stride, padding,
                       dilation, groups):
    """grad_w = the transpose of w -> conv2d(x, w), applied to grad."""
    cdef Geometry g = geometry(x, grad_w, grad, stride, padding, dilation, groups)
    if cnp.PyArray_TYPE(grad) == cnp.NPY_FLOAT:
        backward_weight(<float*>cnp.PyArray_DATA(grad), <float*>cnp.PyArray_DATA(x),
                        <float*>cnp.PyArray_DATA(grad_w), &g)
    else:
        backward_weight(<double*>cnp.PyArray_DATA(grad), <double*>cnp.PyArray_DATA(x),
                        <double*>cnp.PyArray_DATA(grad_w), &g)
