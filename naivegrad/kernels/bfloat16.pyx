# bfloat16, the upper half of a float32, widened and narrowed.
#
# Design:
#   - Arrays come as uint16 and uint32: NumPy has no bfloat16 of its own, and the bits are all that
#     matters. Dense arrays only: backend/cpu checks.
#   - Narrowing rounds to the nearest, ties to the even one: adding just under half of the last bit
#     that stays (plus that bit) carries into it. NaN would carry into infinity: it is kept apart.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.stdint cimport uint16_t, uint32_t

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 65536


cdef void widen_part(const uint16_t* x, uint32_t* out, Py_ssize_t begin,
                     Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(begin, end):
        out[i] = <uint32_t>x[i] << 16


cdef void narrow_part(const uint32_t* x, uint16_t* out, Py_ssize_t begin,
                      Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t rounded, kept
    for i in range(begin, end):
        rounded = x[i] + 0x7FFFu + ((x[i] >> 16) & 1u)
        kept = x[i] | 0x400000u
        out[i] = <uint16_t>((kept if (x[i] & 0x7FFFFFFFu) > 0x7F800000u else rounded) >> 16)


def widen(cnp.ndarray x, cnp.ndarray out):
    """out (uint32, float32 bits) = x (uint16, bfloat16 bits); of one size, both dense."""
    cdef const uint16_t* px = <const uint16_t*>cnp.PyArray_DATA(x)
    cdef uint32_t* po = <uint32_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), i
    cdef int threads = num_threads() if n >= GRAIN else 1
    if n != cnp.PyArray_SIZE(out):
        raise ValueError("widen: arrays of two sizes")
    if threads == 1:
        with nogil:
            widen_part(px, po, 0, n)
        return
    for i in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        widen_part(px, po, n * i / threads, n * (i + 1) / threads)


def narrow(cnp.ndarray x, cnp.ndarray out):
    """out (uint16) = x (uint32), rounded to the nearest bfloat16; of one size, both dense."""
    cdef const uint32_t* px = <const uint32_t*>cnp.PyArray_DATA(x)
    cdef uint16_t* po = <uint16_t*>cnp.PyArray_DATA(out)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), i
    cdef int threads = num_threads() if n >= GRAIN else 1
    if n != cnp.PyArray_SIZE(out):
        raise ValueError("narrow: arrays of two sizes")
    if threads == 1:
        with nogil:
            narrow_part(px, po, 0, n)
        return
    for i in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        narrow_part(px, po, n * i / threads, n * (i + 1) / threads)
