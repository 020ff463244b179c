# Matrix products of float32 and float64, in any of the four transposed forms, alone or in batches.
#
# Design:
#   - matmul_tile.h multiplies; this file brings strides in and shares the work out.
#   - One pool of threads (OpenMP's) for everything: a BLAS brings its own, and two pools that spin
#     on the same cores cost ten times what either saves (measured).
#   - Threads share out batches, or panels of the larger side of one product. The order in which the
#     terms of an element are added does not depend on that: the same bits for any number of
#     threads.
#   - Without GCC's vector types (MSVC), `available` is false, and backend/cpu asks NumPy's BLAS.

cimport numpy as cnp
from cython.parallel cimport prange

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define NAME(x) x##_f32
    #define REAL float
    #define INT int32_t
    #include "matmul_tile.h"
    #undef NAME
    #undef REAL
    #undef INT
    #define NAME(x) x##_f64
    #define REAL double
    #define INT int64_t
    #include "matmul_tile.h"
    enum { has_tile_ = 1, panel_width_ = VECTORS * VECTOR_BYTES / 8, panel_rows_ = ROWS };
    #else
    #include <stddef.h>
    static void product_f32(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t ar,
        ptrdiff_t ac, const float *b, ptrdiff_t br, ptrdiff_t bc, float *c, ptrdiff_t cr, int add,
        const float *bias) {}
    static void product_f64(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a, ptrdiff_t ar,
        ptrdiff_t ac, const double *b, ptrdiff_t br, ptrdiff_t bc, double *c, ptrdiff_t cr, int add,
        const double *bias) {}
    enum { has_tile_ = 0, panel_width_ = 1, panel_rows_ = 1 };
    #endif
    """
    int has_tile_, panel_width_, panel_rows_
    void product_f32(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t,
                     const float*, Py_ssize_t, Py_ssize_t, float*, Py_ssize_t, int,
                     const float*) noexcept nogil
    void product_f64(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t,
                     const double*, Py_ssize_t, Py_ssize_t, double*, Py_ssize_t, int,
                     const double*) noexcept nogil

available = bool(has_tile_)

cdef enum:
    GRAIN = 1000000      # multiply-adds below which one thread is faster


cdef struct Product:
    Py_ssize_t m, n, k, batch
    Py_ssize_t a_row, a_column, a_batch
    Py_ssize_t b_row, b_column, b_batch
    Py_ssize_t item
    const char* a
    const char* b
    char* c
    const char* bias


cdef void part(const Product* p, Py_ssize_t batch, Py_ssize_t row, Py_ssize_t row_end,
               Py_ssize_t column, Py_ssize_t column_end) noexcept nogil:
    """Some rows and columns of one product of the batch. Strides are in elements."""
    cdef const char* a = p.a + (batch * p.a_batch + row * p.a_row) * p.item
    cdef const char* b = p.b + (batch * p.b_batch + column * p.b_column) * p.item
    cdef char* c = p.c + ((batch * p.m + row) * p.n + column) * p.item
    cdef const char* bias = p.bias + column * p.item if p.bias != NULL else NULL
    if p.item == 4:
        product_f32(row_end - row, column_end - column, p.k, <const float*>a, p.a_row, p.a_column,
                    <const float*>b, p.b_row, p.b_column, <float*>c, p.n, 0, <const float*>bias)
    else:
        product_f64(row_end - row, column_end - column, p.k, <const double*>a, p.a_row, p.a_column,
                    <const double*>b, p.b_row, p.b_column, <double*>c, p.n, 0, <const double*>bias)


cdef inline Py_ssize_t cut(Py_ssize_t n, Py_ssize_t unit, Py_ssize_t i,
                           Py_ssize_t pieces) noexcept nogil:
    """Where the i-th of `pieces` pieces of n begins, in whole units."""
    cdef Py_ssize_t at = (n + unit - 1) // unit * i // pieces * unit
    return at if at < n else n


cdef void run(const Product* p) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t width = panel_width_ * 8 // p.item
    cdef int threads = num_threads()
    if p.batch * p.m * p.n * p.k < GRAIN:
        threads = 1
    if threads == 1:
        for i in range(p.batch):
            part(p, i, 0, p.m, 0, p.n)
    elif p.batch >= 2 * threads:
        for i in prange(p.batch, num_threads=threads, schedule="static"):
            part(p, i, 0, p.m, 0, p.n)
    elif p.m * width >= p.n * panel_rows_ or p.n < 2 * width:
        for i in prange(p.batch * threads, num_threads=threads, schedule="static"):
            part(p, i // threads, cut(p.m, panel_rows_, i % threads, threads),
                 cut(p.m, panel_rows_, i % threads + 1, threads), 0, p.n)
    else:
        for i in prange(p.batch * threads, num_threads=threads, schedule="static"):
            part(p, i // threads, 0, p.m, cut(p.n, width, i % threads, threads),
                 cut(p.n, width, i % threads + 1, threads))


def matmul(cnp.ndarray a, cnp.ndarray b, cnp.ndarray bias=None):
    """a @ b (+ bias along the rows), of (M, K) and (K, N) or (B, M, K) and (B, K, N).

    float32 or float64, aligned, any strides that are multiples of the element size (0 along B
    repeats a matrix). The result is a fresh C-contiguous array; bias is (N,), contiguous.
    """
    cdef int ndim = cnp.PyArray_NDIM(a)
    cdef int typenum = cnp.PyArray_TYPE(a)
    cdef Product p
    cdef cnp.npy_intp shape[3]
    cdef cnp.ndarray c
    p.item = cnp.PyArray_ITEMSIZE(a)
    p.m = cnp.PyArray_DIM(a, ndim - 2)
    p.k = cnp.PyArray_DIM(a, ndim - 1)
    p.n = cnp.PyArray_DIM(b, ndim - 1)
    p.batch = cnp.PyArray_DIM(a, 0) if ndim == 3 else 1
    p.a_row = cnp.PyArray_STRIDE(a, ndim - 2) // p.item
    p.a_column = cnp.PyArray_STRIDE(a, ndim - 1) // p.item
    p.b_row = cnp.PyArray_STRIDE(b, ndim - 2) // p.item
    p.b_column = cnp.PyArray_STRIDE(b, ndim - 1) // p.item
    p.a_batch = cnp.PyArray_STRIDE(a, 0) // p.item if ndim == 3 else 0
    p.b_batch = cnp.PyArray_STRIDE(b, 0) // p.item if ndim == 3 else 0
    shape[0] = p.batch
    shape[ndim - 2] = p.m
    shape[ndim - 1] = p.n
    c = cnp.PyArray_EMPTY(ndim, shape, typenum, 0)
    p.a = cnp.PyArray_BYTES(a)
    p.b = cnp.PyArray_BYTES(b)
    p.c = cnp.PyArray_BYTES(c)
    p.bias = NULL if bias is None else cnp.PyArray_BYTES(bias)
    with nogil:
        run(&p)
    return c
