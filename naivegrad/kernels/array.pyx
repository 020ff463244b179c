# Views and copies of arrays that NumPy's own Python functions make slowly (broadcast_to: 3 us).

cimport numpy as cnp
from cpython.ref cimport Py_INCREF

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyTypeObject:
        pass
    PyTypeObject PyArray_Type
    object PyArray_NewFromDescr(PyTypeObject* subtype, cnp.dtype descr, int nd,
                                const cnp.npy_intp* dims,
                                const cnp.npy_intp* strides, void* data, int flags, object obj)
    int PyArray_SetBaseObject(cnp.ndarray arr, object base) except -1

cdef extern from *:
    """
    #if defined(__GLIBC__)
    #include <malloc.h>
    static int ng_keep_freed_memory(void) {
        return mallopt(M_MMAP_THRESHOLD, 32 << 20) && mallopt(M_TRIM_THRESHOLD, 256 << 20);
    }
    #else
    static int ng_keep_freed_memory(void) { return 0; }
    #endif
    """
    bint ng_keep_freed_memory() nogil

cdef enum:
    MAX_DIMS = 64


def keep_freed_memory() -> bool:
    """Have glibc keep up to 256 MB of freed memory for the next arrays; False for other libraries.

    Left alone it hands freed arrays from about 128 kB on back to the system, and each next one is
    filled with zeros again, page by page: more work than most operations. Applies to the process.
    """
    return ng_keep_freed_memory()


def expand(cnp.ndarray x, tuple shape):
    """A read-only view of x broadcast to `shape`: steps of 0 along the new axes.

    The caller has checked that x broadcasts to it.
    """
    cdef int ndim = len(shape), lead = ndim - cnp.PyArray_NDIM(x), i
    cdef cnp.npy_intp dims[MAX_DIMS]
    cdef cnp.npy_intp steps[MAX_DIMS]
    cdef cnp.dtype descr = x.descr
    if ndim > MAX_DIMS or lead < 0:
        raise ValueError(f"expand: cannot show {cnp.PyArray_NDIM(x)} dimensions as {ndim}")
    for i in range(ndim):
        dims[i] = shape[i]
        steps[i] = 0
        if i >= lead and cnp.PyArray_DIM(x, i - lead) != 1:
            if cnp.PyArray_DIM(x, i - lead) != dims[i]:
                raise ValueError(f"expand: shape {(<object>x).shape} does not broadcast to {shape}")
            steps[i] = cnp.PyArray_STRIDE(x, i - lead)
    Py_INCREF(descr)                                 # the call below takes this reference over
    view = PyArray_NewFromDescr(&PyArray_Type, descr, ndim, dims, steps,
                                cnp.PyArray_DATA(x), 0, None)
    Py_INCREF(x)                                     # and so does this one
    PyArray_SetBaseObject(view, x)
    return view


def same_start(cnp.ndarray x, cnp.ndarray y) -> bool:
    """Whether two arrays begin at one address: how a reshaped view is told from a copy."""
    return cnp.PyArray_DATA(x) == cnp.PyArray_DATA(y)
