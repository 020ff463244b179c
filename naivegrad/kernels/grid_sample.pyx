# Sampling of images (N, C, H, W) and volumes (N, C, D, H, W) at any points, and its gradients.
#
# Design: an image is a volume of depth 1. BLOCK points at a time, the positions that each point
# reads (1, 2 or 4 along each axis) and their weights are written down once; then each channel is a
# pass over them. The gradient of the input adds at the same positions with the same weights; that
# of the points needs the derivatives of the weights. Threads share out blocks (forward) or samples
# (backward), so that no two of them add to one place.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport fabs, floor, fmod, rint
from libc.string cimport memset

from naivegrad.kernels.rows cimport real
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    BLOCK = 32
    TAPS = 16              # the most positions that a point reads: 4 x 4, or 2 x 2 x 2
    GRAIN = 8192           # sampled values below which a parallel region costs more than it saves

# Modes, and what lies outside.
BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2

cdef struct Problem:
    Py_ssize_t samples, channels, plane, points  # plane: the pixels of one channel
    Py_ssize_t size[3]                   # D, H, W
    int dims                             # 2 or 3: coordinates of a point, the one along W first
    int mode, outside
    bint align


# ---- coordinates --------------------------------------------------------------------------------

cdef inline real clip(real x, Py_ssize_t size, real* slope) noexcept nogil:
    """x in [0, size - 1]; its derivative is 0 at the ends too."""
    if not x > 0:
        slope[0] = 0
        return 0
    if x >= size - 1:
        slope[0] = 0
        return <real> (size - 1)
    return x


cdef inline real reflect(real x, Py_ssize_t size, bint align, real* slope) noexcept nogil:
    """x mirrored at the centres of the edge pixels (align), or at their outer borders."""
    cdef real low = 0 if align else <real> -0.5
    cdef real span = <real> (size - 1 if align else size)
    cdef real turns, rest
    if span <= 0:
        slope[0] = 0
        return 0
    x -= low
    if x < 0:
        slope[0] = -slope[0]
        x = -x
    rest = <real> fmod(x, span)
    turns = <real> floor(x / span)
    if fmod(turns, 2) != 0:
        slope[0] = -slope[0]
        rest = span - rest
    return rest + low


cdef inline real inside(
    real x, Py_ssize_t size, int outside, bint align, real* slope
) noexcept nogil:
    """Where a coordinate is read that may lie outside."""
    if outside == 0:
        return x
    if outside == 2:
        x = reflect(x, size, align, slope)
    return clip(x, size, slope)


cdef inline Py_ssize_t pixel(real x, Py_ssize_t size) noexcept nogil:
    """The index of a whole coordinate; -1 where there is none."""
    return <Py_ssize_t> x if 0 <= x < size else -1


cdef inline real cubic(real t, int k, real* slope) noexcept nogil:
    """Keys 1981, with a = -3/4: the weight, for a point at t, of the pixel at k - 1."""
    cdef double a = -0.75, x = fabs(t + 1 - k), d
    cdef double near = ((a + 2) * x - (a + 3)) * x * x + 1
    cdef double far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    if k == 1 or k == 2:
        d = (3 * (a + 2) * x - 2 * (a + 3)) * x
    else:
        d = (3 * a * x - 10 * a) * x + 8 * a
    slope[0] = <real> (-d if k > 1 else d)  # where the pixel is ahead, x falls as t grows
    return <real> (near if k == 1 or k == 2 else far)


cdef inline int place(
    const Problem* p, Py_ssize_t size, const real* grid, Py_ssize_t n, Py_ssize_t[4][BLOCK] at,
    real[4][BLOCK] weight, real[4][BLOCK] slope, int mode, int outside,
) noexcept nogil:
    """The pixels that n coordinates, in [-1, 1] from end to end, read along an axis.

    at is -1 where a pixel is outside; slope is the derivative of the weight by the coordinate.
    """
    cdef real g, rate, x, base, t, change, _unused = 0
    cdef Py_ssize_t i
    cdef int k
    for i in range(n):
        g = grid[i * p.dims]
        rate = <real> (size - 1 if p.align else size) / 2
        if g != g:                       # NaN stands for -1
            g = -1
            rate = 0
        x = (g + 1) / 2 * (size - 1) if p.align else ((g + 1) * size - 1) / 2
        if mode != 2:
            x = inside(x, size, outside, p.align, &rate)
        if mode == 1:
            at[0][i] = pixel(<real> rint(x), size)
            weight[0][i] = 1
            slope[0][i] = 0
            continue
        base = <real> floor(x)
        t = x - base
        t = t if t >= 0 else 0           # of an infinite x: the pixels are outside, and read 0
        if mode == 0:
            at[0][i] = pixel(base, size)
            at[1][i] = pixel(base + 1, size)
            weight[0][i] = 1 - t
            weight[1][i] = t
            slope[0][i] = -rate
            slope[1][i] = rate
            continue
        for k in range(4):
            x = inside(base - 1 + k, size, outside, p.align, &_unused)
            at[k][i] = pixel(<real> rint(x), size)
            weight[k][i] = cubic(t, k, &change)
            slope[k][i] = change * rate
    return 2 if mode == 0 else 1 if mode == 1 else 4


cdef inline int along_axis(
    const Problem* p, Py_ssize_t size, const real* grid, Py_ssize_t n, Py_ssize_t[4][BLOCK] at,
    real[4][BLOCK] weight, real[4][BLOCK] slope,
) noexcept nogil:
    """The same; the usual case is compiled apart, as a loop without branches."""
    if p.mode == 0 and p.outside == 0:
        return place(p, size, grid, n, at, weight, slope, 0, 0)
    return place(p, size, grid, n, at, weight, slope, p.mode, p.outside)


cdef inline int list_taps(
    const Problem* p, const real* grid, Py_ssize_t n, Py_ssize_t[TAPS][BLOCK] at,
    real[TAPS][BLOCK] weight, real[3][TAPS][BLOCK] slope, bint slopes,
) noexcept nogil:
    """The positions and weights of n points, and how the weights change along W, H, D."""
    cdef Py_ssize_t x[4][BLOCK]
    cdef Py_ssize_t y[4][BLOCK]
    cdef Py_ssize_t z[4][BLOCK]
    cdef real wx[4][BLOCK]
    cdef real wy[4][BLOCK]
    cdef real wz[4][BLOCK]
    cdef real sx[4][BLOCK]
    cdef real sy[4][BLOCK]
    cdef real sz[4][BLOCK]
    cdef Py_ssize_t i
    cdef int nx, ny, nz = 1, kx, ky, kz, k = 0
    nx = along_axis(p, p.size[2], grid, n, x, wx, sx)
    ny = along_axis(p, p.size[1], grid + 1, n, y, wy, sy)
    if p.dims == 3:
        nz = along_axis(p, p.size[0], grid + 2, n, z, wz, sz)
    else:
        for i in range(n):
            z[0][i] = 0
            wz[0][i] = 1
            sz[0][i] = 0
    for kz in range(nz):
        for ky in range(ny):
            for kx in range(nx):
                for i in range(n):
                    at[k][i] = (z[kz][i] * p.size[1] + y[ky][i]) * p.size[2] + x[kx][i]
                    at[k][i] = -1 if (x[kx][i] | y[ky][i] | z[kz][i]) < 0 else at[k][i]
                    weight[k][i] = wx[kx][i] * wy[ky][i] * wz[kz][i]
                if slopes:
                    for i in range(n):
                        slope[0][k][i] = sx[kx][i] * wy[ky][i] * wz[kz][i]
                        slope[1][k][i] = wx[kx][i] * sy[ky][i] * wz[kz][i]
                        slope[2][k][i] = wx[kx][i] * wy[ky][i] * sz[kz][i]
                k += 1
    return k


cdef inline real read(const real* plane, Py_ssize_t at) noexcept nogil:
    """A pixel, or 0 outside: loaded in any case, so that a loop of these needs no branch."""
    cdef real value = plane[at if at >= 0 else 0]
    return value if at >= 0 else 0


# ---- forward ------------------------------------------------------------------------------------

cdef void sample_block(
    const Problem* p, const real* x, const real* grid, real* out, Py_ssize_t block
) noexcept nogil:
    """Points block * BLOCK and so on of all samples: no block has points of two samples."""
    cdef Py_ssize_t at[TAPS][BLOCK]
    cdef real weight[TAPS][BLOCK]
    cdef real slope[3][TAPS][BLOCK]
    cdef real total[BLOCK]
    cdef Py_ssize_t blocks = (p.points + BLOCK - 1) // BLOCK
    cdef Py_ssize_t sample = block // blocks, first = block % blocks * BLOCK
    cdef Py_ssize_t i, c, n = min(<Py_ssize_t> BLOCK, p.points - first)
    cdef int k, taps
    taps = list_taps(p, grid + (sample * p.points + first) * p.dims, n, at, weight, slope, False)
    for c in range(sample * p.channels, (sample + 1) * p.channels):
        for i in range(n):
            total[i] = 0
        for k in range(taps):
            for i in range(n):
                total[i] += weight[k][i] * read(x + c * p.plane, at[k][i])
        for i in range(n):
            out[c * p.points + first + i] = total[i]


cdef void sample_all(
    const Problem* p, const real* x, const real* grid, real* out
) noexcept nogil:
    cdef Py_ssize_t i, blocks = p.samples * ((p.points + BLOCK - 1) // BLOCK)
    cdef int threads = num_threads() if p.samples * p.channels * p.points >= GRAIN else 1
    if threads > 1:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            sample_block(p, x, grid, out, i)
    else:
        for i in range(blocks):
            sample_block(p, x, grid, out, i)


# ---- backward -----------------------------------------------------------------------------------

cdef void spread_sample(
    const Problem* p, const real* grad, const real* x, const real* grid, real* grad_x,
    real* grad_grid, Py_ssize_t sample,
) noexcept nogil:
    """The gradients of one sample; NULL for one that is not wanted."""
    cdef Py_ssize_t at[TAPS][BLOCK]
    cdef real weight[TAPS][BLOCK]
    cdef real slope[3][TAPS][BLOCK]
    cdef real total[3][BLOCK]
    cdef real value[BLOCK]
    cdef real product[BLOCK]
    cdef Py_ssize_t i, c, n, first = 0
    cdef int k, a, taps
    if grad_x != NULL:
        memset(grad_x + sample * p.channels * p.plane, 0, p.channels * p.plane * sizeof(real))
    while first < p.points:
        n = min(<Py_ssize_t> BLOCK, p.points - first)
        taps = list_taps(p, grid + (sample * p.points + first) * p.dims, n, at, weight, slope,
                         grad_grid != NULL)
        for a in range(3):
            for i in range(n):
                total[a][i] = 0
        for c in range(sample * p.channels, (sample + 1) * p.channels):
            for i in range(n):
                value[i] = grad[c * p.points + first + i]
            for k in range(taps):
                if grad_x != NULL:
                    for i in range(n):
                        if at[k][i] >= 0:
                            grad_x[c * p.plane + at[k][i]] += weight[k][i] * value[i]
                if grad_grid != NULL:
                    for i in range(n):
                        product[i] = value[i] * read(x + c * p.plane, at[k][i])
                    for a in range(p.dims):
                        for i in range(n):
                            total[a][i] += slope[a][k][i] * product[i]
        if grad_grid != NULL:
            for i in range(n):
                for a in range(p.dims):
                    grad_grid[(sample * p.points + first + i) * p.dims + a] = total[a][i]
        first += BLOCK


cdef void spread_all(
    const Problem* p, const real* grad, const real* x, const real* grid, real* grad_x,
    real* grad_grid,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int threads = num_threads() if p.samples * p.channels * p.points >= GRAIN else 1
    if threads > 1 and p.samples > 1:
        for i in prange(p.samples, num_threads=threads, schedule="static"):
            spread_sample(p, grad, x, grid, grad_x, grad_grid, i)
    else:
        for i in range(p.samples):
            spread_sample(p, grad, x, grid, grad_x, grad_grid, i)


# ---- from Python --------------------------------------------------------------------------------

cdef void describe(
    Problem* p, cnp.ndarray x, cnp.ndarray grid, int mode, int outside, bint align
) noexcept:
    cdef int i
    p.dims = cnp.PyArray_NDIM(x) - 2
    p.samples, p.channels = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1)
    p.size[0] = 1
    p.points = p.plane = 1
    for i in range(p.dims):
        p.size[3 - p.dims + i] = cnp.PyArray_DIM(x, 2 + i)
        p.plane *= cnp.PyArray_DIM(x, 2 + i)
        p.points *= cnp.PyArray_DIM(grid, 1 + i)
    p.mode, p.outside, p.align = mode, outside, align


def grid_sample(
    cnp.ndarray x, cnp.ndarray grid, cnp.ndarray out, int mode, int outside, bint align
):
    """Fill out (N, C, ...) with x (N, C, [D,] H, W) at the points of grid (N, ..., 2 or 3).

    All are contiguous and of one type, and x is not empty along D, H, W.
    """
    cdef Problem p
    cdef void* xd = cnp.PyArray_DATA(x)
    cdef void* gd = cnp.PyArray_DATA(grid)
    cdef void* od = cnp.PyArray_DATA(out)
    describe(&p, x, grid, mode, outside, align)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            sample_all(&p, <const float*> xd, <const float*> gd, <float*> od)
    else:
        with nogil:
            sample_all(&p, <const double*> xd, <const double*> gd, <double*> od)


def grid_sample_grad(
    cnp.ndarray grad, cnp.ndarray x, cnp.ndarray grid, cnp.ndarray grad_x, cnp.ndarray grad_grid,
    int mode, int outside, bint align,
):
    """Fill grad_x and grad_grid, of the shapes of x and grid; None for one that is not wanted."""
    cdef Problem p
    cdef void* ud = cnp.PyArray_DATA(grad)
    cdef void* xd = cnp.PyArray_DATA(x)
    cdef void* gd = cnp.PyArray_DATA(grid)
    cdef void* gx = NULL if grad_x is None else cnp.PyArray_DATA(grad_x)
    cdef void* gg = NULL if grad_grid is None else cnp.PyArray_DATA(grad_grid)
    describe(&p, x, grid, mode, outside, align)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            spread_all(&p, <const float*> ud, <const float*> xd, <const float*> gd, <float*> gx,
                       <float*> gg)
    else:
        with nogil:
            spread_all(&p, <const double*> ud, <const double*> xd, <const double*> gd,
                       <double*> gx, <double*> gg)
