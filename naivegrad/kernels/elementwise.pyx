# Elementwise operations of dense float32 and float64 arrays, with broadcasting.
#
# Design:
#   - The formulas are rows of cuda/scalar_ops.h; elementwise_loops.h makes one C loop of each row
#     and type. This file chooses the loop, allocates, walks the strides and splits the work.
#   - `Walk` is the one description of a pass: axes of length 1 dropped, neighbouring axes merged
#     where both operands step evenly across them, so that contiguous arrays become one long row.
#   - A pass is cut into pieces of whole rows, or of one row into segments; which thread computes an
#     element does not touch its value.
#   - None says "not for me" (another dtype, a foreign byte order): backend/cpu then asks NumPy.

cimport numpy as cnp
from cpython.float cimport PyFloat_Check, PyFloat_AsDouble
from cpython.long cimport PyLong_Check
from cython.parallel cimport prange

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef extern from "elementwise_loops.h" nogil:
    ctypedef void (*ng_unary_loop)(const char*, char*, Py_ssize_t, Py_ssize_t, double,
                                   double) noexcept nogil
    ctypedef void (*ng_binary_loop)(const char*, const char*, char*, Py_ssize_t, Py_ssize_t,
                                    Py_ssize_t, double, double) noexcept nogil
    ctypedef struct ng_unary_row:
        const char* name
        ng_unary_loop loop[2]
    ctypedef struct ng_binary_row:
        const char* name
        ng_binary_loop loop[2]
    const ng_unary_row ng_unary_rows[]
    const ng_binary_row ng_binary_rows[]
    const ng_binary_row ng_compare_rows[]
    int ng_unary_count, ng_binary_count, ng_compare_count

# Below this many elements a parallel region costs more than it saves (1-3 us against the loop).
cdef enum:
    GRAIN = 32768
    MAX_DIMS = 64

# Rows by name. Their keys are the elementwise operations that this device knows.
cdef dict UNARY_ROW = {ng_unary_rows[i].name.decode(): i for i in range(ng_unary_count)}
cdef dict BINARY_ROW = {ng_binary_rows[i].name.decode(): i for i in range(ng_binary_count)}
cdef dict COMPARE_ROW = {ng_compare_rows[i].name.decode(): i for i in range(ng_compare_count)}
UNARY = frozenset(UNARY_ROW)
BINARY = frozenset(BINARY_ROW)
COMPARE = frozenset(COMPARE_ROW)


cdef struct Walk:
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t step_x[MAX_DIMS]      # bytes
    Py_ssize_t step_y[MAX_DIMS]
    Py_ssize_t rows                  # the product of all axes but the last
    Py_ssize_t length                # the last axis
    Py_ssize_t item_out              # bytes of one result


cdef inline int float_kind(cnp.ndarray x) noexcept:
    """0 for an aligned native float32 array, 1 for float64, -1 for anything else."""
    cdef int t = cnp.PyArray_TYPE(x)
    if not cnp.PyArray_ISBEHAVED_RO(x):
        return -1
    return 0 if t == cnp.NPY_FLOAT32 else 1 if t == cnp.NPY_FLOAT64 else -1


cdef inline bint is_scalar(object x) noexcept:
    return PyFloat_Check(x) or PyLong_Check(x)


cdef inline bint same_shape(cnp.ndarray x, cnp.ndarray y) noexcept:
    cdef int i, ndim = cnp.PyArray_NDIM(x)
    if ndim != cnp.PyArray_NDIM(y):
        return False
    for i in range(ndim):
        if cnp.PyArray_DIM(x, i) != cnp.PyArray_DIM(y, i):
            return False
    return True


cdef int flat_walk(Walk* w, Py_ssize_t n, Py_ssize_t step_x, Py_ssize_t step_y,
                   Py_ssize_t item_out) noexcept:
    w.ndim = 1
    w.shape[0] = n
    w.step_x[0] = step_x
    w.step_y[0] = step_y
    w.rows = 1
    w.length = n
    w.item_out = item_out
    return 0


cdef int make_walk(Walk* w, int ndim, const cnp.npy_intp* shape, cnp.ndarray x, cnp.ndarray y,
                   Py_ssize_t item_out) except -1:
    """Merge the axes of x and y (None: there is no y), broadcast to `shape`, into `w`."""
    cdef int axis, k = -1
    cdef int off_x = ndim - cnp.PyArray_NDIM(x)
    cdef int off_y = 0 if y is None else ndim - cnp.PyArray_NDIM(y)
    cdef Py_ssize_t n, sx, sy
    if ndim > MAX_DIMS:
        raise ValueError(f"arrays of more than {MAX_DIMS} dimensions are not supported, got {ndim}")
    for axis in range(ndim):
        n = shape[axis]
        if n == 1:
            continue
        sx = sy = 0
        if axis >= off_x and cnp.PyArray_DIM(x, axis - off_x) != 1:
            sx = cnp.PyArray_STRIDE(x, axis - off_x)
        if y is not None and axis >= off_y and cnp.PyArray_DIM(y, axis - off_y) != 1:
            sy = cnp.PyArray_STRIDE(y, axis - off_y)
        if k >= 0 and w.step_x[k] == sx * n and w.step_y[k] == sy * n:
            w.shape[k] *= n
            w.step_x[k] = sx
            w.step_y[k] = sy
        else:
            k += 1
            w.shape[k] = n
            w.step_x[k] = sx
            w.step_y[k] = sy
    if k < 0:
        return flat_walk(w, 1, 0, 0, item_out)
    w.ndim = k + 1
    w.length = w.shape[k]
    w.item_out = item_out
    w.rows = 1
    for axis in range(k):
        w.rows *= w.shape[axis]
    return 0


cdef void run(const Walk* w, ng_unary_loop unary, ng_binary_loop binary, const char* px,
              const char* py, char* po, double p, double q, Py_ssize_t row, Py_ssize_t row_end,
              Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Elements [begin, end) of the rows [row, row_end), by whichever of the two loops is given."""
    cdef Py_ssize_t index[MAX_DIMS]
    cdef int last = w.ndim - 1, axis
    cdef Py_ssize_t rest = row, step_x = w.step_x[last], step_y = w.step_y[last]
    px += begin * step_x
    py += begin * step_y
    po += (row * w.length + begin) * w.item_out
    for axis in range(last - 1, -1, -1):
        index[axis] = rest % w.shape[axis]
        rest = rest / w.shape[axis]
        px += index[axis] * w.step_x[axis]
        py += index[axis] * w.step_y[axis]
    while True:
        if unary != NULL:
            unary(px, po, end - begin, step_x, p, q)
        else:
            binary(px, py, po, end - begin, step_x, step_y, p, q)
        row += 1
        if row >= row_end:
            return
        po += w.length * w.item_out
        axis = last - 1
        while True:                                  # the next row, as an odometer counts
            index[axis] += 1
            px += w.step_x[axis]
            py += w.step_y[axis]
            if index[axis] < w.shape[axis]:
                break
            px -= w.step_x[axis] * w.shape[axis]
            py -= w.step_y[axis] * w.shape[axis]
            index[axis] = 0
            axis -= 1


cdef inline Py_ssize_t part_start(Py_ssize_t length, Py_ssize_t i, Py_ssize_t parts) noexcept nogil:
    """Where part i begins: at a multiple of 64, so that each element meets the same instructions
    (the vectorised body of the loop, or its scalar end) whatever the number of threads."""
    return length if i == parts else length * i / parts & ~<Py_ssize_t>63


cdef void run_all(const Walk* w, ng_unary_loop unary, ng_binary_loop binary, const char* px,
                  const char* py, char* po, double p, double q) noexcept nogil:
    cdef Py_ssize_t size = w.rows * w.length, parts, i
    cdef int threads = num_threads()
    if size == 0:
        return
    if size < GRAIN or threads == 1:
        run(w, unary, binary, px, py, po, p, q, 0, w.rows, 0, w.length)
    elif w.rows == 1:
        for i in prange(threads, num_threads=threads, schedule="static"):
            run(w, unary, binary, px, py, po, p, q, 0, 1,
                part_start(w.length, i, threads), part_start(w.length, i + 1, threads))
    else:
        parts = threads if w.rows > threads else w.rows
        for i in prange(parts, num_threads=threads, schedule="static"):
            run(w, unary, binary, px, py, po, p, q, w.rows * i / parts, w.rows * (i + 1) / parts,
                0, w.length)


cdef cnp.ndarray out_array(object out, int ndim, const cnp.npy_intp* shape, int typenum):
    """A fresh C-contiguous array, or `out` if it is one of that shape and type; None if it is not.
    """
    cdef cnp.ndarray o
    cdef int i
    if out is None:
        return cnp.PyArray_EMPTY(ndim, <cnp.npy_intp*>shape, typenum, 0)
    o = out
    if cnp.PyArray_TYPE(o) != typenum or cnp.PyArray_NDIM(o) != ndim or not cnp.PyArray_ISCARRAY(o):
        return None
    for i in range(ndim):
        if cnp.PyArray_DIM(o, i) != shape[i]:
            return None
    return o


def unary(str op, x, double p=0.0, double q=0.0, out=None):
    """out[i] = op(x[i]; p, q), or None where x is not a dense float array."""
    cdef cnp.ndarray a, o
    cdef int kind
    cdef Walk w
    cdef ng_unary_loop loop
    a = x
    kind = float_kind(a)
    if kind < 0:
        return None
    loop = ng_unary_rows[<Py_ssize_t>UNARY_ROW[op]].loop[kind]
    o = out_array(out, cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a))
    if o is None:
        return None
    if cnp.PyArray_IS_C_CONTIGUOUS(a):
        flat_walk(&w, cnp.PyArray_SIZE(a), cnp.PyArray_ITEMSIZE(a), 0, cnp.PyArray_ITEMSIZE(a))
    else:
        make_walk(&w, cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), a, None, cnp.PyArray_ITEMSIZE(a))
    if w.length < GRAIN and w.rows == 1:
        run_all(&w, loop, NULL, cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(o),
                p, q)
    else:
        with nogil:
            run_all(&w, loop, NULL, cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(a),
                    cnp.PyArray_BYTES(o), p, q)
    return o


cdef object pair(const ng_binary_row* row, bint truth, object x, object y, double p, double q,
                 object out):
    """Two operands through one row. A Python number stands for a 0-d array of the other's type."""
    cdef cnp.ndarray a = None, b = None, o
    cdef cnp.npy_intp shape[MAX_DIMS]
    cdef double number = 0
    cdef float number32
    cdef int kind, ndim, ndim_a, ndim_b, i, typenum
    cdef Py_ssize_t item, m, n
    cdef Walk w
    cdef const char* px
    cdef const char* py
    if is_scalar(y):
        number = PyFloat_AsDouble(y)
        a = x
        kind = float_kind(a)
    elif is_scalar(x):
        number = PyFloat_AsDouble(x)
        b = y
        kind = float_kind(b)
    elif cnp.PyArray_Check(x) and cnp.PyArray_Check(y):
        a = x
        b = y
        kind = float_kind(a)
        if kind != float_kind(b):
            return None
    else:                                            # a NumPy scalar
        return None
    if kind < 0:
        return None
    number32 = <float>number
    item = 8 if kind else 4
    typenum = cnp.NPY_BOOL if truth else cnp.NPY_FLOAT64 if kind else cnp.NPY_FLOAT32
    if a is None or b is None:
        o = a if b is None else b
        px = cnp.PyArray_BYTES(o)
        py = <const char*>&number if kind else <const char*>&number32
        ndim = cnp.PyArray_NDIM(o)
        for i in range(ndim):
            shape[i] = cnp.PyArray_DIM(o, i)
        if cnp.PyArray_IS_C_CONTIGUOUS(o):
            flat_walk(&w, cnp.PyArray_SIZE(o), item, 0, 0)
        else:
            make_walk(&w, ndim, shape, o, None, 0)
        if a is None:                                # the number is on the left
            px, py = py, px
            for i in range(w.ndim):
                w.step_x[i], w.step_y[i] = 0, w.step_x[i]
    else:
        px = cnp.PyArray_BYTES(a)
        py = cnp.PyArray_BYTES(b)
        if same_shape(a, b):
            ndim = cnp.PyArray_NDIM(a)
            for i in range(ndim):
                shape[i] = cnp.PyArray_DIM(a, i)
            if cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b):
                flat_walk(&w, cnp.PyArray_SIZE(a), item, item, 0)
            else:
                make_walk(&w, ndim, shape, a, b, 0)
        else:
            ndim_a = cnp.PyArray_NDIM(a)
            ndim_b = cnp.PyArray_NDIM(b)
            ndim = ndim_a if ndim_a > ndim_b else ndim_b
            for i in range(ndim):
                m = cnp.PyArray_DIM(a, i - ndim + ndim_a) if i >= ndim - ndim_a else 1
                n = cnp.PyArray_DIM(b, i - ndim + ndim_b) if i >= ndim - ndim_b else 1
                if m != n and m != 1 and n != 1:
                    raise ValueError(
                        f"{(<bytes>row.name).decode()}: shapes {(<object>a).shape} and "
                        f"{(<object>b).shape} do not broadcast ({m} against {n} in dimension {i})"
                    )
                shape[i] = m if n == 1 else n
            make_walk(&w, ndim, shape, a, b, 0)
    o = out_array(out, ndim, shape, typenum)
    if o is None:
        return None
    w.item_out = 1 if truth else item
    if w.rows * w.length < GRAIN:                    # short work: not worth letting go of the lock
        run_all(&w, NULL, row.loop[kind], px, py, cnp.PyArray_BYTES(o), p, q)
    else:
        with nogil:
            run_all(&w, NULL, row.loop[kind], px, py, cnp.PyArray_BYTES(o), p, q)
    return o


def binary(str op, x, y, double p=0.0, double q=0.0, out=None):
    """out[i] = op(x[i], y[i]; p, q), broadcasting; None where an array is not a dense float one.

    None too for an operation without a row.
    """
    cdef Py_ssize_t row
    try:
        row = BINARY_ROW[op]
    except KeyError:
        return None
    return pair(&ng_binary_rows[row], False, x, y, p, q, out)


def compare(str op, x, y):
    """out[i] = op(x[i], y[i]) as bool, with broadcasting; None as for `binary`."""
    return pair(&ng_compare_rows[<Py_ssize_t>COMPARE_ROW[op]], True, x, y, 0.0, 0.0, None)
