# Triangular solves and LU factors, of which NumPy has none. All else comes from LAPACK by NumPy.
#
# Design:
#   - These loops do small blocks: backend/cpu/decomposition.py cuts larger matrices into them, and
#     leaves what lies between to the matrix product.
#   - Every inner loop runs along a row, the way the memory lies.

cimport numpy as cnp
from libc.math cimport fabs

cnp.import_array()

ctypedef fused real:
    float
    double


cdef void forward(const real* a, real* b, Py_ssize_t n, Py_ssize_t m,
                  bint unit) noexcept nogil:
    """b = a^-1 b of a lower triangle a (n, n) and b (n, m), from the first row to the last."""
    cdef Py_ssize_t i, j, k
    cdef real f
    for i in range(n):
        for k in range(i):
            f = a[i * n + k]
            for j in range(m):
                b[i * m + j] -= f * b[k * m + j]
        if not unit:
            f = a[i * n + i]
            for j in range(m):
                b[i * m + j] /= f


cdef void backward(const real* a, real* b, Py_ssize_t n, Py_ssize_t m,
                   bint unit) noexcept nogil:
    """The same of an upper triangle, from the last row to the first."""
    cdef Py_ssize_t i, j, k
    cdef real f
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            f = a[i * n + k]
            for j in range(m):
                b[i * m + j] -= f * b[k * m + j]
        if not unit:
            f = a[i * n + i]
            for j in range(m):
                b[i * m + j] /= f


cdef int factor(real* a, int* pivots, Py_ssize_t m, Py_ssize_t n, bint pivot) noexcept nogil:
    """a (m, n) = its factors L (below the diagonal) and U; row i was exchanged with pivots[i] - 1.

    The number, from 1, of the first zero on the diagonal of U, or 0. Golub & Van Loan 2013,
    "Matrix Computations", algorithm 3.4.1.
    """
    cdef Py_ssize_t i, j, k, best
    cdef real f
    cdef int info = 0
    for k in range(m if m < n else n):
        best = k
        if pivot:
            for i in range(k + 1, m):
                if fabs(a[i * n + k]) > fabs(a[best * n + k]):
                    best = i
        pivots[k] = <int>best + 1
        if best != k:
            for j in range(n):
                f = a[k * n + j]
                a[k * n + j] = a[best * n + j]
                a[best * n + j] = f
        if a[k * n + k] == 0:
            if info == 0:
                info = <int>k + 1
            continue
        for i in range(k + 1, m):
            f = a[i * n + k] / a[k * n + k]
            a[i * n + k] = f
            for j in range(k + 1, n):
                a[i * n + j] -= f * a[k * n + j]
    return info


def solve_triangular(cnp.ndarray a, cnp.ndarray b, bint upper, bint unit):
    """b = a^-1 b in place: a (B, N, N), of which one triangle is read, b (B, N, M), contiguous."""
    cdef Py_ssize_t i, batch = cnp.PyArray_DIM(a, 0)
    cdef Py_ssize_t n = cnp.PyArray_DIM(b, 1), m = cnp.PyArray_DIM(b, 2)
    cdef void* x = cnp.PyArray_DATA(a)
    cdef void* y = cnp.PyArray_DATA(b)
    cdef bint wide = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64
    with nogil:
        for i in range(batch):
            if wide and upper:
                backward[double](<double*>x + i * n * n, <double*>y + i * n * m, n, m, unit)
            elif wide:
                forward[double](<double*>x + i * n * n, <double*>y + i * n * m, n, m, unit)
            elif upper:
                backward[float](<float*>x + i * n * n, <float*>y + i * n * m, n, m, unit)
            else:
                forward[float](<float*>x + i * n * n, <float*>y + i * n * m, n, m, unit)


def lu(cnp.ndarray a, cnp.ndarray pivots, cnp.ndarray info, bint pivot):
    """The factors of a (B, M, N) in its place; pivots (B, min(M, N)) and info (B,), int32."""
    cdef Py_ssize_t i, batch = cnp.PyArray_DIM(a, 0)
    cdef Py_ssize_t m = cnp.PyArray_DIM(a, 1), n = cnp.PyArray_DIM(a, 2)
    cdef Py_ssize_t rank = m if m < n else n
    cdef void* x = cnp.PyArray_DATA(a)
    cdef int* p = <int*>cnp.PyArray_DATA(pivots)
    cdef int* status = <int*>cnp.PyArray_DATA(info)
    cdef bint wide = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64
    with nogil:
        for i in range(batch):
            if wide:
                status[i] = factor[double](<double*>x + i * m * n, p + i * rank, m, n, pivot)
            else:
                status[i] = factor[float](<float*>x + i * m * n, p + i * rank, m, n, pivot)
