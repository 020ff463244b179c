# Design: the distance of every row of one matrix to every row of another, without an array of the
# shape (M, N, K) between. Sums run in LANES partial sums, which the compiler turns into vectors;
# threads share out the rows of x, so that the bits do not depend on their number.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport fabs, pow, sqrt

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    LANES = 16
    GRAIN = 1 << 17             # terms below which a second thread does not pay

cdef double INFINITE = float("inf")


cdef inline double term(double d, double p) noexcept nogil:
    return d if p == 1 else d * d if p == 2 else (d != 0) if p == 0 else pow(d, p)


cdef real distance(const real* x, const real* y, Py_ssize_t k, double p) noexcept nogil:
    """(sum |x - y|^p)^(1/p); the number of places that differ for p = 0."""
    cdef real[LANES] sums
    cdef real d, total = 0
    cdef Py_ssize_t i, lane, whole = k - k % LANES
    for lane in range(LANES):
        sums[lane] = 0
    if p == 2:
        for i in range(k // LANES):
            for lane in range(LANES):
                d = x[i * LANES + lane] - y[i * LANES + lane]
                sums[lane] += d * d
    elif p == 1:
        for i in range(k // LANES):
            for lane in range(LANES):
                sums[lane] += <real>fabs(x[i * LANES + lane] - y[i * LANES + lane])
    elif p == INFINITE:
        for i in range(k):
            d = <real>fabs(x[i] - y[i])
            if not d <= total:  # so that NaN wins, and stays
                total = d
                if d != d:
                    break
        return total
    else:
        whole = 0
    for i in range(whole, k):
        sums[i % LANES] += <real>term(fabs(x[i] - y[i]), p)
    for lane in range(8):                       # in halves: a chain of 16 sums would cost more
        sums[lane] += sums[lane + 8]            # than the rows themselves
    for lane in range(4):
        sums[lane] += sums[lane + 4]
    total = (sums[0] + sums[2]) + (sums[1] + sums[3])
    return total if p == 1 or p == 0 else <real>sqrt(total) if p == 2 else <real>pow(total, 1 / p)


cdef void flow(real grad, const real* x, const real* y, real dist, real* grad_x, Py_ssize_t k,
               double p) noexcept nogil:
    """grad_x += grad * the gradient of the distance in x; nothing where x and y coincide."""
    cdef Py_ssize_t i
    cdef real d, factor
    if dist == 0 or p == 0:
        return
    if p == 2:
        factor = grad / dist
        for i in range(k):
            grad_x[i] += factor * (x[i] - y[i])
    elif p == 1 or p == INFINITE:
        for i in range(k):
            d = x[i] - y[i]
            if p == 1 or fabs(d) == dist:
                grad_x[i] += grad * ((d > 0) - (d < 0))
    else:
        for i in range(k):
            d = x[i] - y[i]
            if d != 0:
                factor = <real>pow(fabs(d) / dist, p - 1)
                grad_x[i] += grad * (factor if d > 0 else -factor)


cdef void rows(const real* x, const real* y, real* dist, const real* grad, real* grad_x,
               Py_ssize_t batch, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
               double p) noexcept nogil:
    """All distances, or (given their gradient) the gradient of x, row by row of x."""
    cdef Py_ssize_t row
    cdef int threads = num_threads() if batch * m * n * k >= GRAIN else 1
    for row in prange(batch * m, num_threads=threads, schedule="static"):
        one_row(x + row * k, y + row // m * n * k, dist + row * n,
                grad + row * n if grad != NULL else NULL, grad_x + row * k, n, k, p)


cdef void one_row(const real* x, const real* y, real* dist, const real* grad, real* grad_x,
                  Py_ssize_t n, Py_ssize_t k, double p) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        if grad == NULL:
            dist[j] = distance(x, y + j * k, k, p)
        else:
            flow(grad[j], x, y + j * k, dist[j], grad_x, k, p)


def cdist(cnp.ndarray x, cnp.ndarray y, cnp.ndarray dist, double p, cnp.ndarray grad=None,
          cnp.ndarray grad_x=None):
    """dist (B, M, N) of the rows of x (B, M, K) and y (B, N, K).

    Given grad (B, M, N), instead grad_x (B, M, K) += the gradient of x. All contiguous, of one
    type.
    """
    cdef Py_ssize_t batch = cnp.PyArray_DIM(x, 0), m = cnp.PyArray_DIM(x, 1)
    cdef Py_ssize_t n = cnp.PyArray_DIM(y, 1), k = cnp.PyArray_DIM(x, 2)
    cdef void* a = cnp.PyArray_DATA(x)
    cdef void* b = cnp.PyArray_DATA(y)
    cdef void* c = cnp.PyArray_DATA(dist)
    cdef void* g = NULL if grad is None else cnp.PyArray_DATA(grad)
    cdef void* out = NULL if grad_x is None else cnp.PyArray_DATA(grad_x)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
        with nogil:
            rows(<double*>a, <double*>b, <double*>c, <double*>g, <double*>out, batch, m, n, k, p)
    else:
        with nogil:
            rows(<float*>a, <float*>b, <float*>c, <float*>g, <float*>out, batch, m, n, k, p)
