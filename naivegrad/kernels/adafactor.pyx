# One step of Adafactor of one parameter.
#
# Design:
# - It looks at whole rows and columns, and at the size of the whole update: that takes three
#   passes, for the mean squares, the size, the update itself. No array of the parameter's size is
#   made: what a pass needs of the update is computed again.
# - Sums are doubles, in eight parts that the compiler keeps in one vector.

cimport numpy as cnp
from libc.math cimport sqrt
from libc.stdlib cimport free, malloc

cnp.import_array()

ctypedef fused real:
    float
    double

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISCARRAY(cnp.ndarray) nogil
    bint PyArray_ISCARRAY_RO(cnp.ndarray) nogil

cdef extern from "<math.h>" nogil:
    float sqrtf(float)


cdef inline real root(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)


cdef struct Factored:       # (planes, rows, columns); a vector is one row
    Py_ssize_t planes
    Py_ssize_t rows
    Py_ssize_t columns
    double sign
    double keep             # of the parameter, 1 without weight decay
    double fresh            # the weight of the new squares
    double rate
    double eps1
    double eps2
    double limit            # of the update's root mean square


cdef double sum_of_squares(const real* x, Py_ssize_t n) noexcept nogil:
    cdef double[8] parts
    cdef double total = 0
    cdef Py_ssize_t i, k
    for k in range(8):
        parts[k] = 0
    for i in range(n // 8):
        for k in range(8):
            parts[k] += <double> x[8 * i + k] * x[8 * i + k]
    for k in range(8):
        total += parts[k]
    for i in range(n // 8 * 8, n):
        total += <double> x[i] * x[i]
    return total


cdef void update_means(Factored* f, const real* grad, real* row, real* column, double* sums,
                       double* factors) noexcept nogil:
    """Mix the mean squares of rows and columns into the old ones; factors: 1 / mean(row)."""
    cdef Py_ssize_t plane, r, c
    cdef real fresh = <real> f.fresh
    cdef double mean
    for plane in range(f.planes):
        for c in range(f.columns):
            sums[c] = 0
        mean = 0
        for r in range(f.rows):
            for c in range(f.columns):
                sums[c] += grad[c] * grad[c]
            if row != NULL:
                row[r] += fresh * (<real> (sum_of_squares(grad, f.columns) / f.columns) - row[r])
                mean += row[r]
            grad += f.columns
        for c in range(f.columns):
            column[c] += fresh * (<real> (sums[c] / f.rows) - column[c])
        if row != NULL:
            mean /= f.rows
            factors[plane] = 1 / (f.eps1 if mean < f.eps1 else mean)
            row += f.rows
        column += f.columns


cdef double size_of_update(Factored* f, const real* grad, const real* row, const real* column,
                           const double* factors) noexcept nogil:
    """The sum of the squares of grad / sqrt(v)."""
    cdef Py_ssize_t plane, r, c, k, n = f.columns
    cdef real factor, v, least = <real> (f.eps1 * f.eps1)
    cdef real[8] parts
    cdef double total = 0
    for plane in range(f.planes):
        for r in range(f.rows):
            factor = 1 if row == NULL else <real> (row[plane * f.rows + r] * factors[plane])
            for k in range(8):
                parts[k] = 0
            for c in range(n // 8):
                for k in range(8):
                    v = factor * column[8 * c + k]
                    v = least if v < least else v
                    parts[k] += grad[8 * c + k] * grad[8 * c + k] / v
            for k in range(8):
                total += parts[k]
            for c in range(n // 8 * 8, n):
                v = factor * column[c]
                v = least if v < least else v
                total += grad[c] * grad[c] / v
            grad += n
        column += n
    return total


cdef void take_update(Factored* f, real* param, const real* grad, const real* row,
                      const real* column, const double* factors, double rate) noexcept nogil:
    """param = keep param - rate grad / sqrt(v)."""
    cdef Py_ssize_t plane, r, c
    cdef real factor, v, least = <real> (f.eps1 * f.eps1)
    cdef real keep = <real> f.keep, size = <real> (f.sign * rate)
    for plane in range(f.planes):
        for r in range(f.rows):
            factor = 1 if row == NULL else <real> (row[plane * f.rows + r] * factors[plane])
            for c in range(f.columns):
                v = factor * column[c]
                v = least if v < least else v
                param[c] = param[c] * keep - size * grad[c] / root(v)
            param += f.columns
            grad += f.columns
        column += f.columns


cdef void factored(Factored* f, real* param, const real* grad, real* row, real* column,
                   double* sums, double* factors) noexcept nogil:
    cdef Py_ssize_t n = f.planes * f.rows * f.columns
    cdef double rate = f.rate * max(f.eps2, sqrt(sum_of_squares(param, n) / n))
    update_means(f, grad, row, column, sums, factors)
    rate /= max(1.0, sqrt(size_of_update(f, grad, row, column, factors) / n) / f.limit)
    take_update(f, param, grad, row, column, factors, rate)


def step(cnp.ndarray param, cnp.ndarray grad, cnp.ndarray row, cnp.ndarray column, double sign,
         double keep, double fresh, double rate, double eps1, double eps2, double limit):
    """One step in place; row is None for a vector. False if the arrays are not dense and alike."""
    cdef Factored f
    cdef int kind = cnp.PyArray_TYPE(param)
    cdef int ndim = cnp.PyArray_NDIM(param)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(param)
    cdef void* row_data = NULL
    cdef double* sums
    cdef double* factors
    if not (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64):
        return False
    if not (PyArray_ISCARRAY(param) and PyArray_ISCARRAY_RO(grad) and PyArray_ISCARRAY(column)
            and cnp.PyArray_TYPE(grad) == kind and cnp.PyArray_TYPE(column) == kind):
        return False
    if size == 0:
        return True
    f.columns = size if row is None else cnp.PyArray_DIM(param, ndim - 1)
    f.rows = 1 if row is None else cnp.PyArray_DIM(param, ndim - 2)
    f.planes = size // (f.rows * f.columns)
    if row is not None:
        if not (PyArray_ISCARRAY(row) and cnp.PyArray_TYPE(row) == kind):
            return False
        row_data = cnp.PyArray_DATA(row)
    f.sign, f.keep, f.fresh, f.rate = sign, keep, fresh, rate
    f.eps1, f.eps2, f.limit = eps1, eps2, limit
    sums = <double*> malloc(f.columns * sizeof(double))
    factors = <double*> malloc(f.planes * sizeof(double))
    try:
        if sums == NULL or factors == NULL:
            raise MemoryError
        with nogil:
            if kind == cnp.NPY_FLOAT32:
                factored(&f, <float*> cnp.PyArray_DATA(param),
                         <const float*> cnp.PyArray_DATA(grad), <float*> row_data,
                         <float*> cnp.PyArray_DATA(column), sums, factors)
            else:
                factored(&f, <double*> cnp.PyArray_DATA(param),
                         <const double*> cnp.PyArray_DATA(grad), <double*> row_data,
                         <double*> cnp.PyArray_DATA(column), sums, factors)
    finally:
        free(sums)
        free(factors)
    return True
