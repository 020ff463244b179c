# Which arrays the loops take. A kernel that gets another returns None, before it has read anything,
# and backend/cpu then converts, or says what is wrong.

cimport numpy as cnp


cdef inline bint is_dense(cnp.ndarray x, int kind) noexcept:
    """Whether x is contiguous, aligned, in native byte order, and of that type."""
    return cnp.PyArray_TYPE(x) == kind and cnp.PyArray_ISCARRAY_RO(x)


cdef inline bint is_dense_float(cnp.ndarray x) noexcept:
    return cnp.PyArray_ISCARRAY_RO(x) and (
        cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32 or cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64)


cdef inline bint is_like(cnp.ndarray x, cnp.ndarray model) noexcept:
    """Whether x is dense, of model's type and shape."""
    cdef int i
    if not is_dense(x, cnp.PyArray_TYPE(model)) or cnp.PyArray_NDIM(x) != cnp.PyArray_NDIM(model):
        return False
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIM(x, i) != cnp.PyArray_DIM(model, i):
            return False
    return True


cdef inline bint is_vector(object x, Py_ssize_t n, int kind) noexcept:
    """Whether x is None, or dense, of n elements and that type."""
    return x is None or (is_dense(x, kind) and cnp.PyArray_SIZE(x) == n)


cdef inline void* data_or_null(object x) noexcept:
    return NULL if x is None else cnp.PyArray_DATA(x)
