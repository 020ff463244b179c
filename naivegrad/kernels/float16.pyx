# float16 widened to float32 and narrowed from it: NumPy casts them one by one.
#
# Design:
#   - The loops are in float16_loops.h, over dense values: an array with gaps is copied first. The
#     result's axes lie in memory in the order of the input's, as those of NumPy's casts do.

cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from cython.parallel cimport prange
from libc.stdint cimport uint16_t, uint32_t

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 65536


cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_NewLikeArray(cnp.ndarray x, cnp.NPY_ORDER order, cnp.dtype descr, int sub)


cdef extern from "float16_loops.h" nogil:
    void widen_f16(const uint16_t* x, uint32_t* out, Py_ssize_t n) noexcept
    void narrow_f16(const uint32_t* x, uint16_t* out, Py_ssize_t n) noexcept


cdef inline Py_ssize_t cut(Py_ssize_t n, int i, int threads) noexcept nogil:
    """Where the i-th of the threads begins: at a whole vector."""
    return n if i == threads else n * i / threads / 16 * 16


cdef cnp.ndarray dense(cnp.ndarray x):
    """x itself, or a copy of it without gaps, its axes in the same order."""
    return x if cnp.PyArray_ISCARRAY_RO(x) else cnp.PyArray_NewCopy(x, cnp.NPY_KEEPORDER)


cdef cnp.ndarray empty_like(cnp.ndarray x, int dtype):
    """An array for the elements of a dense one, in the order in which those lie."""
    cdef cnp.dtype descr = cnp.PyArray_DescrFromType(dtype)
    Py_INCREF(descr)  # which is given away
    return PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, descr, 0)


def widen(cnp.ndarray x):
    """A float16 array as float32."""
    if cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT16:
        raise TypeError(f"widen: float16 is needed, got {x.dtype}")
    x = dense(x)
    cdef cnp.ndarray out = empty_like(x, cnp.NPY_FLOAT32)
    cdef const uint16_t* px = <const uint16_t*>cnp.PyArray_DATA(x)
    cdef uint32_t* po = <uint32_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), a
    cdef int threads = num_threads() if n >= GRAIN else 1, i
    if threads == 1:
        with nogil:
            widen_f16(px, po, n)
        return out
    for i in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        a = cut(n, i, threads)
        widen_f16(px + a, po + a, cut(n, i + 1, threads) - a)
    return out


def narrow(cnp.ndarray x):
    """A float32 array as float16, rounded to the nearest, ties to the even one."""
    if cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT32:
        raise TypeError(f"narrow: float32 is needed, got {x.dtype}")
    x = dense(x)
    cdef cnp.ndarray out = empty_like(x, cnp.NPY_FLOAT16)
    cdef const uint32_t* px = <const uint32_t*>cnp.PyArray_DATA(x)
    cdef uint16_t* po = <uint16_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), a
    cdef int threads = num_threads() if n >= GRAIN else 1, i
    if threads == 1:
        with nogil:
            narrow_f16(px, po, n)
        return out
    for i in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        a = cut(n, i, threads)
        narrow_f16(px + a, po + a, cut(n, i + 1, threads) - a)
    return out
