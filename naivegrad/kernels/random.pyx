# Random numbers from a counter: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random
# numbers: as easy as 1, 2, 3").
#
# Design: the generator has no state to advance. Block b of the stream of key (two words: the seed)
# is a fixed scrambling of the counter (b low, b high, 0, 0) into four 32-bit words, so that any
# part of the stream can be made by any thread, or device, in any order. Word i % 4 of block offset
# + i // 4 makes element i of a float32 array; a float64, or a 64-bit integer, takes two words (low,
# high). BATCH blocks are scrambled side by side: ten rounds over arrays of BATCH words, which the
# compiler vectorises.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport cos, log, sin, sqrt
from libc.stdint cimport int64_t, uint32_t, uint64_t

from naivegrad.kernels.dense cimport is_dense_float
from naivegrad.kernels.philox cimport BATCH, WORDS, philox, threshold
from naivegrad.kernels.rows cimport log_, real
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef extern from "math.h" nogil:
    float sqrtf(float x) noexcept

cdef enum:
    GRAIN = 32768          # elements below which a parallel region costs more than it saves

# What a word becomes.
UNIFORM, NORMAL, BERNOULLI = 0, 1, 2


cdef inline void batch(uint64_t seed, uint64_t block, uint32_t* words) noexcept nogil:
    """The words of blocks block to block + BATCH - 1, in the stream's order."""
    cdef uint32_t c0[BATCH]
    cdef uint32_t c1[BATCH]
    cdef uint32_t c2[BATCH]
    cdef uint32_t c3[BATCH]
    cdef int j
    for j in range(BATCH):
        c0[j] = <uint32_t> (block + j)
        c1[j] = <uint32_t> ((block + j) >> 32)
        c2[j] = c3[j] = 0
    philox(c0, c1, c2, c3, <uint32_t> seed, <uint32_t> (seed >> 32))
    for j in range(BATCH):
        words[4 * j] = c0[j]
        words[4 * j + 1] = c1[j]
        words[4 * j + 2] = c2[j]
        words[4 * j + 3] = c3[j]


# ---- what words become: WORDS of them at a time -------------------------------------------------

cdef inline double unit(const uint32_t* words) noexcept nogil:
    """53 bits of two words, in [0, 1)."""
    return ((words[1] >> 5) * 67108864.0 + (words[0] >> 6)) * (1.0 / 9007199254740992.0)


cdef inline void uniforms(
    const uint32_t* words, real* out, double low, double width
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real a = <real> low, b = <real> width
    if real is float:
        for i in range(WORDS):           # 24 bits: every value is exact, and 1 is out of reach
            out[i] = a + b * (<float> (<int> (words[i] >> 8)) * <float> (1.0 / 16777216.0))
    else:
        for i in range(WORDS // 2):
            out[i] = a + b * unit(words + 2 * i)


cdef inline void normals(const uint32_t* words, real* out, double mean, double std) noexcept nogil:
    """Box & Muller 1958: sqrt(-2 log u) times the cosine and the sine of 2 pi v."""
    cdef Py_ssize_t i
    cdef int quarter
    cdef double r, v
    cdef float size, t, z, sine, cosine, swap, a = <float> mean, b = <float> std
    if real is float:
        for i in range(WORDS // 2):
            # u = (k + 1/2) / 2^31, never 0
            t = (<float> (<int> (words[2 * i] >> 1)) + <float> 0.5) * <float> (1.0 / 2147483648.0)
            size = b * sqrtf(-2 * log_(t))
            # v = quarter / 4 + t, |t| <= 1/8; then Taylor polynomials of sin and cos at 2 pi t
            t = <float> (<int> (words[2 * i + 1] >> 8)) * <float> (1.0 / 16777216.0)
            quarter = <int> (t * 4 + <float> 0.5)
            t = (t - <float> quarter * <float> 0.25) * <float> 6.283185307179586
            z = t * t
            sine = <float> (1.0 / 362880)
            sine = sine * z - <float> (1.0 / 5040)
            sine = sine * z + <float> (1.0 / 120)
            sine = sine * z - <float> (1.0 / 6)
            sine = sine * z * t + t
            cosine = <float> (1.0 / 40320)
            cosine = cosine * z - <float> (1.0 / 720)
            cosine = cosine * z + <float> (1.0 / 24)
            cosine = (cosine * z - <float> 0.5) * z + 1
            # a quarter turn takes (cos, sin) to (-sin, cos)
            swap = sine
            sine = cosine if quarter & 1 else sine
            cosine = -swap if quarter & 1 else cosine
            sine = -sine if quarter & 2 else sine
            cosine = -cosine if quarter & 2 else cosine
            out[2 * i] = a + size * cosine
            out[2 * i + 1] = a + size * sine
    else:
        for i in range(0, WORDS // 2, 2):
            r = std * sqrt(-2 * log(1 - unit(words + 2 * i)))
            v = 6.283185307179586 * unit(words + 2 * i + 2)
            out[i] = mean + r * cos(v)
            out[i + 1] = mean + r * sin(v)


cdef inline void bernoullis(const uint32_t* words, real* out, double p) noexcept nogil:
    cdef Py_ssize_t i, step = sizeof(real) // 4
    cdef uint64_t below = threshold(p)
    for i in range(WORDS // step):
        out[i] = 1 if words[step * i] < below else 0


cdef inline void fill_batch(
    uint64_t seed, uint64_t block, real* out, Py_ssize_t count, int kind, double a, double b
) noexcept nogil:
    """The first count elements that BATCH blocks give."""
    cdef uint32_t words[WORDS]
    cdef real part[WORDS]
    cdef real* to = out
    cdef Py_ssize_t i
    if count < <Py_ssize_t> (4 * WORDS // sizeof(real)):
        to = part
    batch(seed, block, words)
    if kind == 0:
        uniforms(words, to, a, b)
    elif kind == 1:
        normals(words, to, a, b)
    else:
        bernoullis(words, to, a)
    if to == part:
        for i in range(count):
            out[i] = part[i]


cdef void fill_all(
    uint64_t seed, uint64_t offset, real* out, Py_ssize_t n, int kind, double a, double b
) noexcept nogil:
    cdef Py_ssize_t size = 4 * WORDS // sizeof(real)
    cdef Py_ssize_t k, batches = (n + size - 1) // size
    cdef int threads = num_threads()
    if threads > 1 and n >= GRAIN:
        for k in prange(batches, schedule="static", num_threads=threads):
            fill_batch(
                seed, offset + k * BATCH, out + k * size, min(size, n - k * size), kind, a, b)
    else:
        for k in range(batches):
            fill_batch(
                seed, offset + k * BATCH, out + k * size, min(size, n - k * size), kind, a, b)


def fill(cnp.ndarray out, uint64_t seed, uint64_t offset, int kind, double a, double b):
    """Fill a contiguous float32 or float64 array: UNIFORM in [a, a + b), NORMAL of mean a and
    standard deviation b, or BERNOULLI of probability a."""
    cdef void* o = cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out)
    if cnp.PyArray_TYPE(out) == cnp.NPY_FLOAT32:
        with nogil:
            fill_all(seed, offset, <float*> o, n, kind, a, b)
    else:
        with nogil:
            fill_all(seed, offset, <double*> o, n, kind, a, b)


# ---- dropout ------------------------------------------------------------------------------------

cdef inline void dropout_batch(
    uint64_t seed, uint64_t block, const real* x, real* out, Py_ssize_t count, uint64_t below,
    real scale,
) noexcept nogil:
    cdef uint32_t words[WORDS]
    cdef Py_ssize_t i
    batch(seed, block, words)
    for i in range(count):
        out[i] = x[i] * scale if words[i] >= below else 0


cdef void dropout_all(
    uint64_t seed, uint64_t offset, const real* x, real* out, Py_ssize_t n, double p
) noexcept nogil:
    cdef Py_ssize_t k, batches = (n + WORDS - 1) // WORDS
    cdef uint64_t below = threshold(p)
    cdef real scale = <real> (1 / (1 - p))
    cdef int threads = num_threads()
    if threads > 1 and n >= GRAIN:
        for k in prange(batches, schedule="static", num_threads=threads):
            dropout_batch(seed, offset + k * BATCH, x + k * WORDS, out + k * WORDS,
                          min(<Py_ssize_t> WORDS, n - k * WORDS), below, scale)
    else:
        for k in range(batches):
            dropout_batch(seed, offset + k * BATCH, x + k * WORDS, out + k * WORDS,
                          min(<Py_ssize_t> WORDS, n - k * WORDS), below, scale)


def dropout(cnp.ndarray x, double p, uint64_t seed, uint64_t offset):
    """x / (1 - p) where the stream says keep, 0 elsewhere; one word an element. 0 <= p < 1."""
    if not is_dense_float(x):
        return None
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(
        cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* o = cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            dropout_all(seed, offset, <const float*> a, <float*> o, n, p)
    else:
        with nogil:
            dropout_all(seed, offset, <const double*> a, <double*> o, n, p)
    return out


# ---- integers -----------------------------------------------------------------------------------

cdef inline uint64_t scaled(const uint32_t* words, uint64_t bound) noexcept nogil:
    """floor(word * bound / 2^64) of a 64-bit word: in [0, bound), each value within one part in
    2^64 / bound as likely as the next (Lemire 2019, without the rejection)."""
    cdef uint64_t low = words[0], high = words[1]
    cdef uint64_t b0 = bound & 0xFFFFFFFFU, b1 = bound >> 32
    cdef uint64_t middle = high * b0 + ((low * b0) >> 32)
    return high * b1 + (middle >> 32) + ((low * b1 + (middle & 0xFFFFFFFFU)) >> 32)


cdef inline void integers_batch(
    uint64_t seed, uint64_t block, int64_t* out, Py_ssize_t count, int64_t low, uint64_t bound
) noexcept nogil:
    cdef uint32_t words[WORDS]
    cdef Py_ssize_t i
    batch(seed, block, words)
    for i in range(count):
        out[i] = <int64_t> (<uint64_t> low + scaled(words + 2 * i, bound))


def integers(cnp.ndarray out, uint64_t seed, uint64_t offset, int64_t low, uint64_t bound):
    """Fill a contiguous int64 array with integers in [low, low + bound); two words an element."""
    cdef int64_t* o = <int64_t*> cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), half = WORDS // 2
    cdef Py_ssize_t k, batches = (n + half - 1) // half
    cdef int threads = num_threads()
    with nogil:
        if threads > 1 and n >= GRAIN:
            for k in prange(batches, schedule="static", num_threads=threads):
                integers_batch(seed, offset + k * BATCH, o + k * half, min(half, n - k * half), low,
                               bound)
        else:
            for k in range(batches):
                integers_batch(seed, offset + k * BATCH, o + k * half, min(half, n - k * half), low,
                               bound)


def permutation(cnp.ndarray out, uint64_t seed, uint64_t offset):
    """Fill a contiguous int64 vector with 0 ... n - 1 in random order (Fisher & Yates)."""
    cdef int64_t* o = <int64_t*> cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(out), i, j
    cdef uint32_t words[WORDS]
    with nogil:
        for i in range(n):
            if i % (WORDS // 2) == 0:
                batch(seed, offset + i // 2, words)
            j = <Py_ssize_t> scaled(words + 2 * (i % (WORDS // 2)), i + 1)
            o[i] = o[j] if j < i else i  # the inside-out form: no first pass to write 0 ... n - 1
            o[j] = i


def words(uint64_t seed, uint64_t offset, Py_ssize_t n):
    """The first n words of the stream from block offset on, as a list (for tests)."""
    cdef uint32_t some[WORDS]
    cdef Py_ssize_t i
    result = []
    for i in range(n):
        if i % WORDS == 0:
            batch(seed, offset + i // 4, some)
        result.append(some[i % WORDS])
    return result


def philox4x32(counter, key):
    """Philox4x32-10 of one counter (four words) and key (two words): the published function."""
    cdef uint32_t c[4][BATCH]
    cdef int i, j
    for i in range(4):
        for j in range(BATCH):
            c[i][j] = counter[i]
    philox(c[0], c[1], c[2], c[3], key[0], key[1])
    return c[0][0], c[1][0], c[2][0], c[3][0]
