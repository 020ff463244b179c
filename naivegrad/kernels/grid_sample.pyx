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

cdef struct Taps:                        # along one axis, of one point
    Py_ssize_t at[4]                     # -1: outside, reads 0
    double weight[4]
    double slope[4]                      # the derivative of the weight by the coordinate


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


cdef inline real inside(real x, Py_ssize_t size, const Problem* p, real* slope) noexcept nogil:
    """Where a coordinate is read that may lie outside."""
    if p.outside == 0:
        return x
    if p.outside == 2:
        x = reflect(x, size, p.align, slope)
    return clip(x, size, slope)


cdef inline Py_ssize_t pixel(real x, Py_ssize_t size) noexcept nogil:
    """The index of a whole coordinate; -1 where there is none."""
    return <Py_ssize_t> x if 0 <= x < size else -1


cdef inline void cubic(double t, double* weight, double* slope) noexcept nogil:
    """Keys 1981, with a = -3/4: the weights of the pixels at -1, 0, 1, 2 for a point at t."""
    cdef double a = -0.75, x
    cdef int k
    for k in range(4):
        x = fabs(t + 1 - k)
        if k == 1 or k == 2:
            weight[k] = ((a + 2) * x - (a + 3)) * x * x + 1
            slope[k] = (3 * (a + 2) * x - 2 * (a + 3)) * x
        else:
            weight[k] = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
            slope[k] = (3 * a * x - 10 * a) * x + 8 * a
        if k > 1:                        # where the pixel is ahead, x falls as t grows
            slope[k] = -slope[k]


cdef inline int taps_of(const Problem* p, Py_ssize_t size, real g, Taps* taps) noexcept nogil:
    """The pixels that the coordinate g, in [-1, 1] from end to end, reads along an axis."""
    cdef real slope, x, base, t, _unused = 0
    cdef int k
    cdef bint missing = g != g           # it counts as -1
    g = -1 if missing else g
    if p.align:
        slope = <real> (size - 1) / 2
        x = (g + 1) / 2 * (size - 1)
    else:
        slope = <real> size / 2
        x = ((g + 1) * size - 1) / 2
    if missing:
        slope = 0
    if p.mode != 2:
        x = inside(x, size, p, &slope)
    if p.mode == 1:
        taps.at[0] = pixel(<real> rint(x), size)
        taps.weight[0] = 1
        taps.slope[0] = 0
        return 1
    base = <real> floor(x)
    t = x - base
    if p.mode == 0:
        if not t >= 0:                   # of an infinite x: the pixels are outside, and read 0
            t = 0
        for k in range(2):
            taps.at[k] = pixel(base + k, size)
        taps.weight[0] = 1 - t
        taps.weight[1] = t
        taps.slope[0] = -slope
        taps.slope[1] = slope
        return 2
    if not t >= 0:
        t = 0
    cubic(t, taps.weight, taps.slope)
    for k in range(4):
        taps.at[k] = pixel(<real> rint(inside(base - 1 + k, size, p, &_unused)), size)
        taps.slope[k] *= slope
    return 4


cdef inline int list_taps(
    const Problem* p, const real* grid, Py_ssize_t n, Py_ssize_t[TAPS][BLOCK] at,
    real[TAPS][BLOCK] weight, real[3][TAPS][BLOCK] slope, bint slopes,
) noexcept nogil:
    """The positions and weights of n points, and how the weights change along W, H, D."""
    cdef Taps x, y, z
    cdef Py_ssize_t i
    cdef int kx, ky, kz, nx = 0, ny = 0, nz = 1, k = 0
    z.at[0] = 0
    z.weight[0] = 1
    z.slope[0] = 0
    for i in range(n):
        nx = taps_of(p, p.size[2], grid[i * p.dims], &x)
        ny = taps_of(p, p.size[1], grid[i * p.dims + 1], &y)
        if p.dims == 3:
            nz = taps_of(p, p.size[0], grid[i * p.dims + 2], &z)
        k = 0
        for kz in range(nz):
            for ky in range(ny):
                for kx in range(nx):
                    if x.at[kx] < 0 or y.at[ky] < 0 or z.at[kz] < 0:
                        at[k][i] = -1
                    else:
                        at[k][i] = (z.at[kz] * p.size[1] + y.at[ky]) * p.size[2] + x.at[kx]
                    weight[k][i] = <real> (x.weight[kx] * y.weight[ky] * z.weight[kz])
                    if slopes:
                        slope[0][k][i] = <real> (x.slope[kx] * y.weight[ky] * z.weight[kz])
                        slope[1][k][i] = <real> (x.weight[kx] * y.slope[ky] * z.weight[kz])
                        slope[2][k][i] = <real> (x.weight[kx] * y.weight[ky] * z.slope[kz])
                    k += 1
    return k


# ---- forward ------------------------------------------------------------------------------------

cdef void sample_block(
    const Problem* p, const real* x, const real* grid, real* out, Py_ssize_t block
) noexcept nogil:
    """Points block * BLOCK and so on of all samples: no block has points of two samples."""
    cdef Py_ssize_t at[TAPS][BLOCK]
    cdef real weight[TAPS][BLOCK]
    cdef real slope[3][TAPS][BLOCK]
    cdef Py_ssize_t blocks = (p.points + BLOCK - 1) // BLOCK
    cdef Py_ssize_t sample = block // blocks, first = block % blocks * BLOCK
    cdef Py_ssize_t i, c, n = min(<Py_ssize_t> BLOCK, p.points - first)
    cdef int k, taps
    taps = list_taps(p, grid + (sample * p.points + first) * p.dims, n, at, weight, slope, False)
    for c in range(sample * p.channels, (sample + 1) * p.channels):
        for i in range(n):
            out[c * p.points + first + i] = 0
        for k in range(taps):
            for i in range(n):
                if at[k][i] >= 0:
                    out[c * p.points + first + i] += weight[k][i] * x[c * p.plane + at[k][i]]


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
    cdef real value
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
            for k in range(taps):
                for i in range(n):
                    if at[k][i] < 0:
                        continue
                    value = grad[c * p.points + first + i]
                    if grad_x != NULL:
                        grad_x[c * p.plane + at[k][i]] += weight[k][i] * value
                    if grad_grid != NULL:
                        value *= x[c * p.plane + at[k][i]]
                        for a in range(p.dims):
                            total[a][i] += slope[a][k][i] * value
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
