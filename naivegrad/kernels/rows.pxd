# Sums, dot products and maxima over contiguous numbers, shared by softmax, loss and norm.
#
# Design: a compiler may not reorder floating-point additions, so `s += x[i]` stays scalar. LANES
# partial sums kept side by side may be added as one vector, and also err less. Each block of BLOCK
# numbers is summed so, and the blocks' sums are added in double: a float32 row of any length keeps
# about seven correct digits. The order depends on the length alone, never on the number of threads.

from libc.math cimport exp as exp_f64, log as log_f64

cdef extern from "vector_math.h" nogil:
    float ng_expf(float x) noexcept
    float ng_logf(float x) noexcept

ctypedef fused real:
    float
    double

cdef enum:
    LANES = 16
    BLOCK = 2048


cdef inline real exp_(real x) noexcept nogil:
    if real is float:
        return ng_expf(x)
    else:
        return exp_f64(x)


cdef inline real log_(real x) noexcept nogil:
    if real is float:
        return ng_logf(x)
    else:
        return log_f64(x)


cdef inline real block_sum(const real* x, Py_ssize_t n) noexcept nogil:
    cdef real lane[LANES]
    cdef real total = 0
    cdef Py_ssize_t i, j, body = n - n % LANES
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += x[i * LANES + j]
    for i in range(body, n):
        total += x[i]
    if body:
        for j in range(LANES):
            total += lane[j]
    return total


cdef inline real block_dot(const real* x, const real* y, Py_ssize_t n) noexcept nogil:
    cdef real lane[LANES]
    cdef real total = 0
    cdef Py_ssize_t i, j, body = n - n % LANES
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += x[i * LANES + j] * y[i * LANES + j]
    for i in range(body, n):
        total += x[i] * y[i]
    if body:
        for j in range(LANES):
            total += lane[j]
    return total


cdef inline real block_squares(const real* x, real mean, Py_ssize_t n) noexcept nogil:
    # sum of (x - mean)^2
    cdef real lane[LANES]
    cdef real d, total = 0
    cdef Py_ssize_t i, j, body = n - n % LANES
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            d = x[i * LANES + j] - mean
            lane[j] += d * d
    for i in range(body, n):
        d = x[i] - mean
        total += d * d
    if body:
        for j in range(LANES):
            total += lane[j]
    return total


cdef inline real block_centred_dot(
    const real* x, const real* y, real mean, Py_ssize_t n
) noexcept nogil:
    # sum of x * (y - mean)
    cdef real lane[LANES]
    cdef real total = 0
    cdef Py_ssize_t i, j, body = n - n % LANES
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += x[i * LANES + j] * (y[i * LANES + j] - mean)
    for i in range(body, n):
        total += x[i] * (y[i] - mean)
    if body:
        for j in range(LANES):
            total += lane[j]
    return total


cdef inline real block_shifted(const real* x, real shift, Py_ssize_t n) noexcept nogil:
    # sum of (x - shift)
    cdef real lane[LANES]
    cdef real total = 0
    cdef Py_ssize_t i, j, body = n - n % LANES
    for j in range(LANES):
        lane[j] = 0
    for i in range(n // LANES):
        for j in range(LANES):
            lane[j] += x[i * LANES + j] - shift
    for i in range(body, n):
        total += x[i] - shift
    if body:
        for j in range(LANES):
            total += lane[j]
    return total


cdef inline double row_sum(const real* x, Py_ssize_t n) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i = 0
    while i < n:
        total += block_sum(x + i, min(<Py_ssize_t> BLOCK, n - i))
        i += BLOCK
    return total


cdef inline double row_dot(const real* x, const real* y, Py_ssize_t n) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i = 0
    while i < n:
        total += block_dot(x + i, y + i, min(<Py_ssize_t> BLOCK, n - i))
        i += BLOCK
    return total


cdef inline double row_centred_dot(
    const real* x, const real* y, real mean, Py_ssize_t n
) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i = 0
    while i < n:
        total += block_centred_dot(x + i, y + i, mean, min(<Py_ssize_t> BLOCK, n - i))
        i += BLOCK
    return total


cdef inline double row_squares(const real* x, real mean, Py_ssize_t n) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i = 0
    while i < n:
        total += block_squares(x + i, mean, min(<Py_ssize_t> BLOCK, n - i))
        i += BLOCK
    return total


cdef inline double row_shifted(const real* x, real shift, Py_ssize_t n) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t i = 0
    while i < n:
        total += block_shifted(x + i, shift, min(<Py_ssize_t> BLOCK, n - i))
        i += BLOCK
    return total


cdef inline real row_max(const real* x, Py_ssize_t n) noexcept nogil:
    # A NaN may be lost here: whoever needs it meets it again in exp(x - max). n is at least 1.
    cdef real lane[LANES]
    cdef real top = x[0]
    cdef Py_ssize_t i, j, body = n - n % LANES
    if body:
        for j in range(LANES):
            lane[j] = x[j]
        for i in range(n // LANES):
            for j in range(LANES):
                lane[j] = x[i * LANES + j] if x[i * LANES + j] > lane[j] else lane[j]
        for j in range(LANES):
            top = lane[j] if lane[j] > top else top
    for i in range(body, n):
        top = x[i] if x[i] > top else top
    return top


cdef inline double row_sum_exp(const real* x, real top, Py_ssize_t n) noexcept nogil:
    # sum of exp(x - top), nothing stored
    cdef real part[256]
    cdef double total = 0
    cdef Py_ssize_t i, j, width
    for i in range(0, n, 256):
        width = min(<Py_ssize_t> 256, n - i)
        for j in range(width):
            part[j] = exp_(x[i + j] - top)
        total += block_sum(part, width)
    return total
