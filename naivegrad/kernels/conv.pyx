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
# - The planes of a block stay in the L2 cache (PLANE_BYTES): a block is some images, or some
#   rows of one image; with many channels, the channels are summed block after block.
# - Threads share out blocks of the output (correlate) or of the filters (dot). Each result is
#   summed by one thread in an order that depends on the shapes alone: the same bits for every
#   number of threads.
#
# unfold and fold (im2col and col2im) are here as operations of their own.

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
    void copy_row_f32(float* to, float* from_, Py_ssize_t low, Py_ssize_t high,
                      Py_ssize_t width) noexcept nogil
    void copy_row_f64(double* to, double* from_, Py_ssize_t low, Py_ssize_t high,
                      Py_ssize_t width) noexcept nogil
    void correlate_f32(int rows, float* w, Py_ssize_t* tap, Py_ssize_t taps, float* x0, float* x1,
                       float* x2, float* bias, bint add, float* y0, float* y1, float* y2,
                       Py_ssize_t y_stride) noexcept nogil
    void correlate_f64(int rows, double* w, Py_ssize_t* tap, Py_ssize_t taps, double* x0,
                       double* x1, double* x2, double* bias, bint add, double* y0, double* y1,
                       double* y2, Py_ssize_t y_stride) noexcept nogil
    void dot_f32(int rows, int taps, float* grad, Py_ssize_t grad_row, Py_ssize_t grad_image,
                 float* x, Py_ssize_t x_image, Py_ssize_t* tap, Py_ssize_t* place,
                 Py_ssize_t images, Py_ssize_t pixels, float* out, Py_ssize_t out_row) noexcept nogil
    void dot_f64(int rows, int taps, double* grad, Py_ssize_t grad_row, Py_ssize_t grad_image,
                 double* x, Py_ssize_t x_image, Py_ssize_t* tap, Py_ssize_t* place,
                 Py_ssize_t images, Py_ssize_t pixels, double* out, Py_ssize_t out_row) noexcept nogil

ctypedef fused real:
    float
    double

cdef enum:
    PLANE_BYTES = 256 * 1024        # planes of one block; the packed filters want some cache too
    DOT_BYTES = 1024 * 1024
    CORRELATE_PIXELS = 1024          # output pixels of a block: enough for the tail not to show
    DOT_PIXELS = 4096               # ... for the sums across lanes at the end not to show
    GRAIN = 1 << 18                 # multiply-adds below which a second thread does not pay


cdef struct Geometry:
    # The sizes of a convolution; channels and filters are those of one group.
    Py_ssize_t images, groups, channels, filters
    Py_ssize_t height, width, kh, kw, out_height, out_width
    Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w


cdef struct Window:
    # Which source pixel each tap of a channel reads: tap (u, v) of output pixel (i, j) reads
    # row i * step_h + first_h[u], column j * step_w + first_w[v]; outside the source it is 0.
    Py_ssize_t channels, kh, kw
    Py_ssize_t height, width                # of the source
    Py_ssize_t out_height, out_width
    Py_ssize_t step_h, step_w
    Py_ssize_t* first_h                     # [kh]
    Py_ssize_t* first_w                     # [kw]
    # first_h[u] = (lowest + shift[u]) * step_h + rest[phase[u]]
    Py_ssize_t phases, lowest, span         # 0 <= shift[u] <= span
    Py_ssize_t* phase                       # [kh]
    Py_ssize_t* shift                       # [kh]
    Py_ssize_t* rest                        # [phases]


cdef struct Blocks:
    # How the work is cut.
    Py_ssize_t images, rows, channels       # of the planes of one block
    Py_ssize_t plane, image                 # elements of one plane, of one image's planes


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t floor_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a // b if a >= 0 else -((b - 1 - a) // b)


cdef inline Py_ssize_t clip(Py_ssize_t a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    return low if a < low else high if a > high else a


cdef cnp.ndarray empty(Py_ssize_t size, int dtype):
    """Working memory: an array, so that it is freed whatever happens."""
    cdef cnp.npy_intp n = size
    return cnp.PyArray_EMPTY(1, &n, dtype, 0)


cdef inline int dtype_of(real* pointer) noexcept:
    return cnp.NPY_FLOAT if real is float else cnp.NPY_DOUBLE


cdef void place_tables(Window* window, Py_ssize_t* table) noexcept nogil:
    """Lay the five tables into 4 * kh + kw integers."""
    window.first_h = table
    window.phase = table + window.kh
    window.shift = table + 2 * window.kh
    window.rest = table + 3 * window.kh
    window.first_w = table + 4 * window.kh


cdef void find_phases(Window* window) noexcept nogil:
    """Fill in phases, lowest, span, phase, shift and rest from first_h."""
    cdef Py_ssize_t u, r, q, rest, low = 0, high = 0
    window.phases = 0
    for u in range(window.kh):
        q = floor_div(window.first_h[u], window.step_h)
        rest = window.first_h[u] - q * window.step_h
        window.shift[u] = q
        low = q if u == 0 or q < low else low
        high = q if u == 0 or q > high else high
        r = 0
        while r < window.phases and window.rest[r] != rest:
            r += 1
        if r == window.phases:
            window.rest[r] = rest
            window.phases += 1
        window.phase[u] = r
    for u in range(window.kh):
        window.shift[u] -= low
    window.lowest = low
    window.span = high - low


cdef Blocks cut(Window* window, Py_ssize_t images, Py_ssize_t pixels, Py_ssize_t bytes,
                Py_ssize_t item) noexcept nogil:
    """Blocks of about so many output pixels, whose planes fit PLANE_BYTES."""
    cdef Blocks blocks
    cdef Py_ssize_t chunks = ceil_div(
        window.out_height, clip(ceil_div(pixels, window.out_width), 1, window.out_height))
    blocks.rows = ceil_div(window.out_height, chunks)
    blocks.images = 1
    if chunks == 1:
        blocks.images = clip(pixels // (window.out_height * window.out_width), 1, images)
    blocks.plane = (blocks.rows + window.span) * window.out_width
    chunks = ceil_div(item * blocks.images * window.channels * window.kw * window.phases
                      * blocks.plane, bytes)
    blocks.channels = ceil_div(window.channels, clip(chunks, 1, window.channels))
    blocks.image = blocks.channels * window.kw * window.phases * blocks.plane
    return blocks


cdef void list_taps(Window* window, Blocks* blocks, Py_ssize_t* tap,
                    Py_ssize_t* place) noexcept nogil:
    """Offset of each tap of a block's channels into the planes, and of its weight in a filter.

    Taps go by (c, v, u): those of one plane, which share most of their pixels, follow one another.
    """
    cdef Py_ssize_t c, u, v, t = 0
    for c in range(blocks.channels):
        for v in range(window.kw):
            for u in range(window.kh):
                tap[t] = (((c * window.kw + v) * window.phases + window.phase[u]) * blocks.plane
                          + window.shift[u] * window.out_width)
                place[t] = (c * window.kh + u) * window.kw + v
                t += 1


cdef void fill_planes(real* planes, real* source, Window* window, Py_ssize_t plane,
                      Py_ssize_t channels, Py_ssize_t row, Py_ssize_t rows) noexcept nogil:
    """Copy some channels of one image into planes, for output rows row, ..., row + rows - 1."""
    cdef Py_ssize_t c, v, r, i, j, h, low, high, first, width = window.out_width
    cdef Py_ssize_t step = window.step_w
    cdef real* line
    cdef real* to
    for c in range(channels):
        for v in range(window.kw):
            # columns low <= j < high read the source, the others lie in the padding
            first = window.first_w[v]
            low = clip(-floor_div(first, step), 0, width)
            high = clip(-floor_div(first - window.width, step), low, width)
            for r in range(window.phases):
                to = planes + ((c * window.kw + v) * window.phases + r) * plane
                for i in range(rows + window.span):
                    h = (row + i + window.lowest) * window.step_h + window.rest[r]
                    line = source + (c * window.height + h) * window.width + first
                    if h < 0 or h >= window.height:
                        memset(to, 0, width * sizeof(real))
                    elif step == 1:
                        if real is float:
                            copy_row_f32(to, line, low, high, width)
                        else:
                            copy_row_f64(to, line, low, high, width)
                    else:
                        for j in range(low):
                            to[j] = 0
                        for j in range(low, high):
                            to[j] = line[j * step]
                        for j in range(high, width):
                            to[j] = 0
                    to += width


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


cdef void pack(real* packed, real* w, Py_ssize_t filters, Py_ssize_t channels, Py_ssize_t kh,
               Py_ssize_t kw, Py_ssize_t* us, Py_ssize_t* vs, Py_ssize_t filter_stride,
               Py_ssize_t channel_stride, Py_ssize_t width) noexcept nogil:
    """packed[panel][c][v][u][ROWS] = w[filter, c, us[u], vs[v]]: the order `correlate` reads."""
    cdef Py_ssize_t panel, i, c, u, v, rows
    for panel in range(ceil_div(filters, ROWS)):
        rows = clip(filters - panel * ROWS, 0, ROWS)
        for c in range(channels):
            for v in range(kw):
                for u in range(kh):
                    for i in range(rows):
                        packed[i] = w[(panel * ROWS + i) * filter_stride + c * channel_stride
                                      + us[u] * width + vs[v]]
                    packed += ROWS


cdef void correlate_block(real* source, real* packed, real* bias, real* out, Correlation* job,
                          Py_ssize_t block, real* planes) noexcept nogil:
    """One block of images or rows of one group, all its filters."""
    cdef Window* window = &job.window
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t row_blocks = ceil_div(window.out_height, job.blocks.rows)
    cdef Py_ssize_t image_blocks = ceil_div(job.images, job.blocks.images)
    cdef Py_ssize_t row = block % row_blocks * job.blocks.rows
    cdef Py_ssize_t image = block // row_blocks % image_blocks * job.blocks.images
    cdef Py_ssize_t group = block // row_blocks // image_blocks
    cdef Py_ssize_t rows = clip(window.out_height - row, 0, job.blocks.rows)
    cdef Py_ssize_t images = clip(job.images - image, 0, job.blocks.images)
    cdef Py_ssize_t channels_in = job.groups * window.channels
    cdef Py_ssize_t channels_out = job.groups * job.filters
    cdef Py_ssize_t per_channel = window.kh * window.kw
    cdef Py_ssize_t pixels = rows * window.out_width
    cdef Py_ssize_t vectors = ceil_div(pixels, lanes)       # of one image
    cdef Py_ssize_t piece, c, channels, m, q, k, p, panel, f, i, first, taps
    cdef Py_ssize_t y_image, y_filter
    cdef real* y = out
    cdef real* w
    cdef real* from_[3]
    cdef real* to[3]
    cdef Py_ssize_t at[3]
    cdef Py_ssize_t skip[3]
    cdef Py_ssize_t length[3]
    cdef real part[8 * 3 * 16]                              # ROWS x 3 vectors, for incomplete ones
    cdef bint whole
    source += (image * channels_in + group * window.channels) * window.height * window.width
    packed += ceil_div(job.filters, ROWS) * ROWS * group * window.channels * per_channel
    if bias != NULL:
        bias += group * job.filters

    if job.dense:
        y_filter = job.height * job.width
        y_image = channels_out * y_filter
        y += image * y_image + group * job.filters * y_filter + row * job.width
    else:
        y_filter = job.blocks.rows * window.out_width
        y_image = job.filters * y_filter
        y = planes + job.blocks.images * job.blocks.image + lanes

    for piece in range(ceil_div(window.channels, job.blocks.channels)):
        c = piece * job.blocks.channels
        channels = clip(window.channels - c, 0, job.blocks.channels)
        taps = channels * per_channel
        for m in range(images):
            fill_planes(planes + m * job.blocks.image,
                        source + (m * channels_in + c) * window.height * window.width,
                        window, job.blocks.plane, channels, row, rows)
        for q in range(0, images * vectors, 3):
            # Three vectors of pixels. The last vector of an image ends at its last pixel, and
            # only the lanes that no other vector has are kept.
            whole = True
            for k in range(3):
                m = clip(q + k, 0, images * vectors - 1)
                first = m % vectors * lanes
                m = m // vectors
                p = clip(pixels - lanes, 0, first)
                skip[k] = first - p
                length[k] = clip(pixels - first, 0, lanes)
                whole = whole and length[k] == lanes
                from_[k] = planes + m * job.blocks.image + p
                at[k] = m * y_image + p
            for panel in range(ceil_div(job.filters, ROWS)):
                f = panel * ROWS
                i = clip(job.filters - f, 0, ROWS)
                w = packed + (f * window.channels + c * ROWS) * per_channel
                if whole:
                    for k in range(3):
                        to[k] = y + at[k] + f * y_filter
                else:
                    for k in range(3):
                        to[k] = part + k * lanes
                        if c > 0:
                            move_rows(to[k] + skip[k], 3 * lanes,
                                      y + at[k] + skip[k] + f * y_filter, y_filter, i, length[k])
                if real is float:
                    correlate_f32(<int>i, w, job.tap, taps, from_[0], from_[1], from_[2],
                                  NULL if bias == NULL else bias + f, c > 0,
                                  to[0], to[1], to[2], y_filter if whole else 3 * lanes)
                else:
                    correlate_f64(<int>i, w, job.tap, taps, from_[0], from_[1], from_[2],
                                  NULL if bias == NULL else bias + f, c > 0,
                                  to[0], to[1], to[2], y_filter if whole else 3 * lanes)
                if not whole:
                    for k in range(3):
                        move_rows(y + at[k] + skip[k] + f * y_filter, y_filter,
                                  to[k] + skip[k], 3 * lanes, i, length[k])

    if not job.dense:
        for m in range(images):
            for f in range(job.filters):
                spread(out + ((image + m) * channels_out + group * job.filters + f)
                       * job.height * job.width, y + m * y_image + f * y_filter, job, row, rows)


cdef inline void move_rows(real* to, Py_ssize_t to_stride, real* from_, Py_ssize_t from_stride,
                           Py_ssize_t rows, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(to + i * to_stride, from_ + i * from_stride, length * sizeof(real))


cdef void spread(real* out, real* y, Correlation* job, Py_ssize_t row,
                 Py_ssize_t rows) noexcept nogil:
    """Write rows of a dense result to their places in an image."""
    cdef Py_ssize_t i, j
    cdef real* line
    for i in range(rows):
        line = out + (job.row0 + (row + i) * job.row_step) * job.width + job.column0
        for j in range(job.window.out_width):
            line[j * job.column_step] = y[j]
        y += job.window.out_width


cdef int run_correlation(real* source, real* w, real* bias, real* out, Correlation* job,
                         Py_ssize_t* us, Py_ssize_t* vs, Py_ssize_t filter_stride,
                         Py_ssize_t channel_stride, Py_ssize_t group_stride,
                         Py_ssize_t width) except -1:
    """Pack the filters, cut the work into blocks and do them all."""
    cdef Window* window = &job.window
    cdef Py_ssize_t taps = window.channels * window.kh * window.kw
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t packed_size = ceil_div(job.filters, ROWS) * ROWS * taps
    cdef Py_ssize_t group, block, blocks, size
    cdef cnp.ndarray memory, tap
    cdef real* packed
    cdef real* scratch
    cdef int threads = num_threads()
    if <double>job.images * job.groups * job.filters * taps * window.out_height \
            * window.out_width < GRAIN:
        threads = 1
    find_phases(window)
    job.blocks = cut(window, job.images, CORRELATE_PIXELS, PLANE_BYTES, sizeof(real))
    blocks = (ceil_div(window.out_height, job.blocks.rows) * job.groups
              * ceil_div(job.images, job.blocks.images))
    # a vector of slack after the planes: the last vector of a small image reads past it
    size = job.blocks.images * job.blocks.image + lanes
    if not job.dense:
        size += job.blocks.images * job.filters * job.blocks.rows * window.out_width
    memory = empty(packed_size * job.groups + size * threads, dtype_of(source))
    tap = empty(2 * job.blocks.channels * window.kh * window.kw, cnp.NPY_INTP)
    packed = <real*>cnp.PyArray_DATA(memory)
    scratch = packed + packed_size * job.groups
    job.tap = <Py_ssize_t*>cnp.PyArray_DATA(tap)
    job.place = job.tap + job.blocks.channels * window.kh * window.kw
    list_taps(window, &job.blocks, job.tap, job.place)
    with nogil:
        for group in range(job.groups):
            pack(packed + group * packed_size, w + group * group_stride, job.filters,
                 window.channels, window.kh, window.kw, us, vs, filter_stride, channel_stride,
                 width)
        if threads > 1:
            for block in prange(blocks, num_threads=threads, schedule="dynamic"):
                correlate_block(source, packed, bias, out, job, block,
                                scratch + threadid() * size)
        else:
            for block in range(blocks):
                correlate_block(source, packed, bias, out, job, block, scratch)
    return 0


cdef void window_of(Window* window, Geometry* g, Py_ssize_t* table) noexcept:
    """The window of conv2d: tap u of output row i reads row i * stride + u * dilation - top."""
    cdef Py_ssize_t k
    window.channels = g.channels
    window.kh = g.kh
    window.kw = g.kw
    window.height = g.height
    window.width = g.width
    window.out_height = g.out_height
    window.out_width = g.out_width
    window.step_h = g.stride_h
    window.step_w = g.stride_w
    place_tables(window, table)
    for k in range(g.kh):
        window.first_h[k] = k * g.dilation_h - g.top
    for k in range(g.kw):
        window.first_w[k] = k * g.dilation_w - g.left


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
    Py_ssize_t* tap
    Py_ssize_t* place
    Py_ssize_t images, groups
    Py_ssize_t filters, filter_block
    Py_ssize_t grads                        # where short gradients are copied, in the scratch


cdef void weight_block(real* grad, real* x, real* grad_w, Weights* job, Py_ssize_t block,
                       real* planes) noexcept nogil:
    """Some filters, some channels of one group: summed over all images."""
    cdef Window* window = &job.window
    cdef Py_ssize_t lanes = VECTOR_BYTES // sizeof(real)
    cdef Py_ssize_t filter_blocks = ceil_div(job.filters, job.filter_block)
    cdef Py_ssize_t channel_blocks = ceil_div(window.channels, job.blocks.channels)
    cdef Py_ssize_t f0 = block % filter_blocks * job.filter_block
    cdef Py_ssize_t c0 = block // filter_blocks % channel_blocks * job.blocks.channels
    cdef Py_ssize_t group = block // filter_blocks // channel_blocks
    cdef Py_ssize_t f1 = clip(f0 + job.filter_block, 0, job.filters)
    cdef Py_ssize_t channels = clip(window.channels - c0, 0, job.blocks.channels)
    cdef Py_ssize_t per_channel = window.kh * window.kw
    cdef Py_ssize_t taps = channels * per_channel
    cdef Py_ssize_t out_row = window.channels * per_channel
    cdef Py_ssize_t area = window.out_height * window.out_width
    cdef Py_ssize_t channels_in = job.groups * window.channels
    cdef Py_ssize_t filters_all = job.groups * job.filters
    cdef Py_ssize_t image_block, row_block, image, images, row, rows, pixels, m, f
    cdef real* g
    grad_w += (group * job.filters * window.channels + c0) * per_channel
    grad += group * job.filters * area
    x += (group * window.channels + c0) * window.height * window.width
    for f in range(f0, f1):
        memset(grad_w + f * out_row, 0, taps * sizeof(real))
    for image_block in range(ceil_div(job.images, job.blocks.images)):
        image = image_block * job.blocks.images
        images = clip(job.images - image, 0, job.blocks.images)
        for row_block in range(ceil_div(window.out_height, job.blocks.rows)):
            row = row_block * job.blocks.rows
            rows = clip(window.out_height - row, 0, job.blocks.rows)
            pixels = rows * window.out_width
            for m in range(images):
                fill_planes(planes + m * job.blocks.image,
                            x + (image + m) * channels_in * window.height * window.width,
                            window, job.blocks.plane, channels, row, rows)
            g = grad + image * filters_all * area + row * window.out_width
            if pixels >= lanes:
                dot_tiles(g, area, filters_all * area, planes, job, images, pixels, f0, f1, taps,
                          grad_w, out_row)
            else:
                # `dot` reads whole vectors: give it room
                for m in range(images):
                    move_rows(planes + job.grads + m * job.filters * lanes, lanes,
                              g + m * filters_all * area, area, job.filters, pixels)
                dot_tiles(planes + job.grads, lanes, job.filters * lanes, planes, job, images,
                          pixels, f0, f1, taps, grad_w, out_row)


cdef void dot_tiles(real* grad, Py_ssize_t grad_row, Py_ssize_t grad_image, real* planes,
                    Weights* job, Py_ssize_t images, Py_ssize_t pixels, Py_ssize_t f0,
                    Py_ssize_t f1, Py_ssize_t taps, real* grad_w,
                    Py_ssize_t out_row) noexcept nogil:
    """grad_w[f][t] += sum_p grad[f][p] * planes[tap[t] + p], tile by tile."""
    cdef Py_ssize_t f = f0, t
    cdef int rows, columns
    while f < f1:
        rows = <int>clip(f1 - f, 0, DOT_ROWS)
        t = 0
        while t < taps:
            columns = <int>clip(taps - t, 0, DOT_TAPS)
            if real is float:
                dot_f32(rows, columns, grad + f * grad_row, grad_row, grad_image, planes,
                        job.blocks.image, job.tap + t, job.place + t, images, pixels,
                        grad_w + f * out_row, out_row)
            else:
                dot_f64(rows, columns, grad + f * grad_row, grad_row, grad_image, planes,
                        job.blocks.image, job.tap + t, job.place + t, images, pixels,
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
    job.blocks = cut(window, g.images, DOT_PIXELS, DOT_BYTES, sizeof(real))
    job.filter_block = g.filters
    blocks = g.groups * ceil_div(g.channels, job.blocks.channels)
    if blocks < 2 * threads:
        # too few to share out: cut the filters too (each block then fills its planes again)
        job.filter_block = ceil_div(ceil_div(g.filters, ceil_div(2 * threads, blocks)),
                                    DOT_ROWS) * DOT_ROWS
        blocks *= ceil_div(g.filters, job.filter_block)
    job.grads = job.blocks.images * job.blocks.image + lanes
    size = job.grads + job.blocks.images * g.filters * lanes
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


# ---------------------------------------------------------------------- unfold and fold

cdef void copy_columns(real* x, real* columns, Geometry* g, Py_ssize_t plane,
                       bint add) noexcept nogil:
    """One channel of one image to its KH*KW rows of columns, or (add) those summed back into x."""
    cdef Py_ssize_t u, v, i, j, h, first, low, high, step = g.stride_w, width = g.out_width
    cdef real* line
    cdef real* column = columns + plane * g.kh * g.kw * g.out_height * width
    x += plane * g.height * g.width
    for u in range(g.kh):
        for v in range(g.kw):
            first = v * g.dilation_w - g.left
            low = clip(-floor_div(first, step), 0, width)
            high = clip(-floor_div(first - g.width, step), low, width)
            for i in range(g.out_height):
                h = i * g.stride_h + u * g.dilation_h - g.top
                line = x + h * g.width + first
                if h < 0 or h >= g.height:
                    if not add:
                        memset(column, 0, width * sizeof(real))
                elif add:
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


cdef void all_columns(real* x, real* columns, Geometry* g, bint add) noexcept:
    cdef Py_ssize_t plane, planes = g.images * g.channels
    cdef int threads = num_threads()
    if planes * g.kh * g.kw * g.out_height * g.out_width < GRAIN:
        threads = 1
    with nogil:
        if threads > 1:
            for plane in prange(planes, num_threads=threads, schedule="static"):
                copy_columns(x, columns, g, plane, add)
        else:
            for plane in range(planes):
                copy_columns(x, columns, g, plane, add)


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


def columns(cnp.ndarray x, cnp.ndarray columns, kernel, output, stride, padding, dilation,
            bint add):
    """columns (N, C*KH*KW, OH*OW) = the windows of x (N, C, H, W); add: x += them summed back."""
    cdef Geometry g
    g.images, g.channels, g.height, g.width = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    g.kh, g.kw = kernel
    g.out_height, g.out_width = output
    g.stride_h, g.stride_w = stride
    g.top, g.left = padding
    g.dilation_h, g.dilation_w = dilation
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        all_columns(<float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(columns), &g, add)
    else:
        all_columns(<double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(columns), &g, add)
