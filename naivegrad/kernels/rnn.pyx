# Recurrent layers over time, and their gradients: contiguous float32 and float64.
#
# Design:
#   - What comes from the input, x W_ih^T + b of all steps, is one matrix product, made before. Here
#     a step is h W_hh^T and then the cell (rnn_cells.h), all gates of a row in one pass.
#   - The weights are packed into panels once, for all steps, and matmul_tile.h multiplies. Where
#     few rows will meet them, packing would cost more than it saves: each row of W_hh is dotted.
#   - Sequences do not depend on each other. A task takes up to ROWS of them through all steps, so
#     that threads meet only at the end, and a task's states and products stay in the cache. Each
#     number is summed in one order: the same bits for any number of threads.
#   - Step t has the first sizes[t] sequences, in rows offsets[t] and on: packed sequences, longest
#     first, or sizes all equal to N. Either way h and c hold the state of every sequence; one that
#     ended, or in reverse has not begun, is not touched, and needs no care.
#   - backward fills the gradient of x, row by row; weights have theirs by one product over all
#     steps, made afterwards, with `previous`, the states that the steps began with.
# D features; S in the hidden state, fewer where it is projected; G numbers of x a row, D per gate.

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from naivegrad.kernels.dense cimport data_or_null, is_dense, is_dense_float, is_vector
from naivegrad.kernels.rows cimport block_dot, real
from naivegrad.kernels.threads cimport num_threads
from naivegrad.kernels.tile cimport DEPTH, pack, product, width_of

cnp.import_array()

cdef extern from *:
    """
    #define NAME(x) x##_f32
    #define REAL float
    #include "rnn_cells.h"
    #undef NAME
    #undef REAL
    #define NAME(x) x##_f64
    #define REAL double
    #include "rnn_cells.h"
    #undef NAME
    #undef REAL
    """
    void tanh_step_f32(Py_ssize_t, const float*, const float*, float*) noexcept nogil
    void relu_step_f32(Py_ssize_t, const float*, const float*, float*) noexcept nogil
    void lstm_step_f32(Py_ssize_t, const float*, const float*, float*, float*, float*,
                       float*) noexcept nogil
    void gru_step_f32(Py_ssize_t, const float*, const float*, float*, float*) noexcept nogil
    void tanh_step_grad_f32(Py_ssize_t, const float*, float*, float*) noexcept nogil
    void relu_step_grad_f32(Py_ssize_t, const float*, float*, float*) noexcept nogil
    void lstm_step_grad_f32(Py_ssize_t, const float*, const float*, const float*, float*, float*,
                            float*) noexcept nogil
    void gru_step_grad_f32(Py_ssize_t, const float*, const float*, float*, float*,
                           float*) noexcept nogil
    void tanh_step_f64(Py_ssize_t, const double*, const double*, double*) noexcept nogil
    void relu_step_f64(Py_ssize_t, const double*, const double*, double*) noexcept nogil
    void lstm_step_f64(Py_ssize_t, const double*, const double*, double*, double*, double*,
                       double*) noexcept nogil
    void gru_step_f64(Py_ssize_t, const double*, const double*, double*, double*) noexcept nogil
    void tanh_step_grad_f64(Py_ssize_t, const double*, double*, double*) noexcept nogil
    void relu_step_grad_f64(Py_ssize_t, const double*, double*, double*) noexcept nogil
    void lstm_step_grad_f64(Py_ssize_t, const double*, const double*, const double*, double*,
                            double*, double*) noexcept nogil
    void gru_step_grad_f64(Py_ssize_t, const double*, const double*, double*, double*,
                           double*) noexcept nogil

cdef enum:
    TANH                   # the cells, as backend/cpu/rnn.py numbers them
    RELU
    LSTM
    GRU

cdef int[4] GATES = [1, 1, 4, 3]

cdef enum:
    ROWS = 32              # sequences of a task, at most
    UNEVEN = 8             # where lengths differ: small tasks are shared out more evenly
    FEW = 16               # rows in all, for which weights are not packed
    GRAIN = 200000         # multiply-adds below which one thread is faster

cdef struct Matrix:
    Py_ssize_t depth, columns
    Py_ssize_t stride                    # columns, filled up to whole panels
    const void* panels
    const void* rows                     # NULL, or (columns, depth), to be used in their place
    const void* bias                     # (stride,), or NULL

cdef struct Problem:
    int cell
    Py_ssize_t steps, total, N, D, S, G      # total: rows of all steps
    const int64_t* sizes
    const int64_t* offsets
    bint reverse
    Py_ssize_t rows                      # of a task
    int threads
    Matrix weight
    Matrix projection                    # its depth is 0 where there is none


# ---- products -----------------------------------------------------------------------------------

cdef void pack_all(
    const Matrix* m, const real* b, Py_ssize_t b_row, Py_ssize_t b_column, real* panels
) noexcept nogil:
    cdef Py_ssize_t j = 0, W = width_of(b)
    while j < m.columns:
        pack(m.depth, min(W, m.columns - j), b + j * b_column, b_row, b_column,
             panels + j * m.depth)
        j += W


cdef void times(
    const Matrix* m, Py_ssize_t n, const real* a, Py_ssize_t a_row, real* out
) noexcept nogil:
    """out (n, stride) = A (n, depth) times the matrix, + bias."""
    cdef Py_ssize_t i, j = 0, k, W = width_of(a)
    cdef const real* panel
    cdef const real* start = NULL
    cdef const real* bias = <const real*> m.bias
    if m.rows != NULL:
        for i in range(n):
            for j in range(m.columns):
                out[i * m.stride + j] = block_dot(
                    a + i * a_row, <const real*> m.rows + j * m.depth, m.depth
                ) + (0 if bias == NULL else bias[j])
        return
    while j < m.stride:
        panel = <const real*> m.panels + j * m.depth
        if bias != NULL:
            start = bias + j
        k = 0
        while k < m.depth:
            product(n, min(<Py_ssize_t> DEPTH, m.depth - k), a + k, a_row, 1, panel + k * W,
                    out + j, m.stride, k > 0, start)
            k += DEPTH
        j += W


# ---- forward ------------------------------------------------------------------------------------

cdef struct Forward:
    const void* x                        # (rows, G)
    void* h                              # (N, S): the first state, then the last
    void* c                              # (N, D), as h
    void* out                            # (rows, S)
    void* gates                          # (rows, 4 D), for backward, or NULL
    void* cells                          # (rows, D), or NULL


cdef inline void step(
    const Problem* p, const real* x, const real* s, real* gates, real* c, real* cell, real* h
) noexcept nogil:
    """The cell, for one row."""
    if real is float:
        if p.cell == LSTM:
            lstm_step_f32(p.D, x, s, gates, c, cell, h)
        elif p.cell == GRU:
            gru_step_f32(p.D, x, s, gates, h)
        elif p.cell == TANH:
            tanh_step_f32(p.D, x, s, h)
        else:
            relu_step_f32(p.D, x, s, h)
    else:
        if p.cell == LSTM:
            lstm_step_f64(p.D, x, s, gates, c, cell, h)
        elif p.cell == GRU:
            gru_step_f64(p.D, x, s, gates, h)
        elif p.cell == TANH:
            tanh_step_f64(p.D, x, s, h)
        else:
            relu_step_f64(p.D, x, s, h)


cdef inline Py_ssize_t forward_work(const Problem* p) noexcept nogil:
    return p.rows * (p.weight.stride + p.projection.stride + p.D) + 5 * p.D


cdef void forward_task(
    const Problem* p, const Forward* f, Py_ssize_t first, real* work
) noexcept nogil:
    """The sequences from `first` on, through all steps."""
    cdef Py_ssize_t turn, t, i, n, row
    cdef bint projected = p.projection.depth > 0
    cdef real* sums = work                                   # (n, stride): h W_hh^T + bias
    cdef real* whole = sums + p.rows * p.weight.stride       # (n, D): h before it is projected
    cdef real* less = whole + p.rows * p.D                   # (n, stride): and after
    cdef real* gates = less + p.rows * p.projection.stride   # where nobody keeps them
    cdef real* cell = gates + 4 * p.D
    cdef const real* x = <const real*> f.x
    cdef real* h = <real*> f.h + first * p.S
    cdef real* c = <real*> f.c + first * p.D
    cdef real* out = <real*> f.out
    for turn in range(p.steps):
        t = p.steps - 1 - turn if p.reverse else turn
        n = min(p.rows, p.sizes[t] - first)
        if n <= 0:
            continue
        times(&p.weight, n, h, p.S, sums)
        for i in range(n):
            row = p.offsets[t] + first + i
            if f.gates != NULL:
                gates = <real*> f.gates + row * 4 * p.D
            if f.cells != NULL:
                cell = <real*> f.cells + row * p.D
            step(p, x + row * p.G, sums + i * p.weight.stride, gates, c + i * p.D, cell,
                 whole + i * p.D if projected else h + i * p.S)
        if projected:
            times(&p.projection, n, whole, p.D, less)
            for i in range(n):
                memcpy(h + i * p.S, less + i * p.projection.stride, p.S * sizeof(real))
        memcpy(out + (p.offsets[t] + first) * p.S, h, n * p.S * sizeof(real))


cdef void forward_all(const Problem* p, const Forward* f, real* work) noexcept nogil:
    cdef Py_ssize_t i, tasks = (p.N + p.rows - 1) // p.rows, size = forward_work(p)
    if p.threads > 1:
        for i in prange(tasks, num_threads=p.threads, schedule="dynamic"):
            forward_task(p, f, i * p.rows, work + threadid() * size)
    else:
        for i in range(tasks):
            forward_task(p, f, i * p.rows, work)


# ---- backward -----------------------------------------------------------------------------------

cdef struct Backward:
    const void* grad                     # (rows, S), of the output, or NULL
    const void* out                      # what forward made
    const void* gates
    const void* cells
    const void* h0
    const void* c0
    void* grad_h                         # (N, S): of the last state, then of the first
    void* grad_c                         # (N, D), as grad_h
    void* grad_x                         # (rows, G)
    void* grad_s                         # (rows, G), of h W_hh^T + bias: for a GRU another
    void* previous                       # (rows, S): the state before each step
    void* grad_less                      # (rows, S), of the projected states, or NULL


cdef inline const real* before(
    const Problem* p, Py_ssize_t t, Py_ssize_t i, const real* states, const real* initial,
    Py_ssize_t n,
) noexcept nogil:
    """The state, n numbers, with which sequence i began step t."""
    t += 1 if p.reverse else -1
    if 0 <= t < p.steps and i < p.sizes[t]:
        return states + (p.offsets[t] + i) * n
    return initial + i * n


cdef inline void step_grad(
    const Problem* p, const Backward* b, Py_ssize_t row, const real* h, const real* c, real* dh,
    real* dc,
) noexcept nogil:
    """The gradient of `step`; h and c are the states before it."""
    cdef const real* out = <const real*> b.out + row * p.S
    cdef const real* gates = <const real*> b.gates + row * 4 * p.D
    cdef const real* cell = <const real*> b.cells + row * p.D
    cdef real* dx = <real*> b.grad_x + row * p.G
    cdef real* ds = <real*> b.grad_s + row * p.G
    if real is float:
        if p.cell == LSTM:
            lstm_step_grad_f32(p.D, gates, cell, c, dh, dc, dx)
        elif p.cell == GRU:
            gru_step_grad_f32(p.D, gates, h, dh, dx, ds)
        elif p.cell == TANH:
            tanh_step_grad_f32(p.D, out, dh, dx)
        else:
            relu_step_grad_f32(p.D, out, dh, dx)
    else:
        if p.cell == LSTM:
            lstm_step_grad_f64(p.D, gates, cell, c, dh, dc, dx)
        elif p.cell == GRU:
            gru_step_grad_f64(p.D, gates, h, dh, dx, ds)
        elif p.cell == TANH:
            tanh_step_grad_f64(p.D, out, dh, dx)
        else:
            relu_step_grad_f64(p.D, out, dh, dx)


cdef inline Py_ssize_t backward_work(const Problem* p) noexcept nogil:
    return p.rows * (p.weight.stride + p.projection.stride)


cdef void backward_task(
    const Problem* p, const Backward* b, Py_ssize_t first, real* work
) noexcept nogil:
    cdef Py_ssize_t turn, t, i, j, n, row, at
    cdef bint projected = p.projection.depth > 0
    cdef real* sums = work                                   # (n, stride)
    cdef real* whole = sums + p.rows * p.weight.stride       # (n, stride): of h before projection
    cdef real* dh = <real*> b.grad_h + first * p.S
    cdef real* dc = <real*> b.grad_c + first * p.D
    cdef const real* grad
    cdef const real* h
    cdef const real* c
    for turn in range(p.steps):
        t = turn if p.reverse else p.steps - 1 - turn
        n = min(p.rows, p.sizes[t] - first)
        if n <= 0:
            continue
        at = p.offsets[t] + first
        if b.grad != NULL:
            grad = <const real*> b.grad + at * p.S
            for j in range(n * p.S):
                dh[j] += grad[j]
        if projected:
            memcpy(<real*> b.grad_less + at * p.S, dh, n * p.S * sizeof(real))
            times(&p.projection, n, dh, p.S, whole)
            memset(dh, 0, n * p.S * sizeof(real))
        for i in range(n):
            row = at + i
            h = before(p, t, first + i, <const real*> b.out, <const real*> b.h0, p.S)
            memcpy(<real*> b.previous + row * p.S, h, p.S * sizeof(real))
            c = before(p, t, first + i, <const real*> b.cells, <const real*> b.c0, p.D)
            step_grad(p, b, row, h, c, whole + i * p.projection.stride if projected
                      else dh + i * p.S, dc + i * p.D)
        times(&p.weight, n, <const real*> b.grad_s + at * p.G, p.G, sums)
        for i in range(n):
            for j in range(p.S):
                dh[i * p.S + j] += sums[i * p.weight.stride + j]


cdef void backward_all(const Problem* p, const Backward* b, real* work) noexcept nogil:
    cdef Py_ssize_t i, tasks = (p.N + p.rows - 1) // p.rows, size = backward_work(p)
    if p.threads > 1:
        for i in prange(tasks, num_threads=p.threads, schedule="dynamic"):
            backward_task(p, b, i * p.rows, work + threadid() * size)
    else:
        for i in range(tasks):
            backward_task(p, b, i * p.rows, work)


# ---- from Python --------------------------------------------------------------------------------

cdef cnp.ndarray memory(Py_ssize_t n, cnp.ndarray like):
    cdef cnp.npy_intp size = n
    return cnp.PyArray_EMPTY(1, &size, cnp.PyArray_TYPE(like), 0)


cdef cnp.ndarray matrix(Py_ssize_t rows, Py_ssize_t columns, cnp.ndarray like):
    cdef cnp.npy_intp[2] shape = [rows, columns]
    return cnp.PyArray_EMPTY(2, shape, cnp.PyArray_TYPE(like), 0)


cdef bint is_matrix(object x, Py_ssize_t rows, Py_ssize_t columns, int kind):
    """Whether x is None, or dense, of that shape and type."""
    return x is None or (
        is_dense(x, kind) and cnp.PyArray_NDIM(x) == 2
        and cnp.PyArray_DIM(x, 0) == rows and cnp.PyArray_DIM(x, 1) == columns)


cdef cnp.ndarray describe_matrix(Matrix* m, cnp.ndarray b, bint transposed, bint few):
    """Note b, (depth, columns), or its transpose; returns the memory of its panels."""
    cdef Py_ssize_t height = cnp.PyArray_DIM(b, 0), width = cnp.PyArray_DIM(b, 1)
    cdef Py_ssize_t W
    cdef bint single = cnp.PyArray_TYPE(b) == cnp.NPY_FLOAT32
    cdef cnp.ndarray panels
    m.depth, m.columns = (width, height) if transposed else (height, width)
    m.bias = m.panels = m.rows = NULL
    if few and transposed:
        m.stride = m.columns
        m.rows = cnp.PyArray_DATA(b)
        return None
    W = width_of(<float*> NULL) if single else width_of(<double*> NULL)
    m.stride = (m.columns + W - 1) // W * W
    panels = memory(m.stride * m.depth, b)
    m.panels = cnp.PyArray_DATA(panels)
    if single:
        pack_all(m, <float*> cnp.PyArray_DATA(b), 1 if transposed else width,
                 width if transposed else 1, <float*> m.panels)
    else:
        pack_all(m, <double*> cnp.PyArray_DATA(b), 1 if transposed else width,
                 width if transposed else 1, <double*> m.panels)
    return panels


cdef bint describe(
    Problem* p, int cell, cnp.ndarray rows, Py_ssize_t width, cnp.ndarray h0, cnp.ndarray c0,
    cnp.ndarray weight, cnp.ndarray projection, cnp.ndarray spans, bint reverse,
):
    """Note everything but weights and results; False if an array is not as it must be.

    `rows` is an array with a row for each step of each sequence, `width` numbers wide (0: G).
    """
    cdef int kind = cnp.PyArray_TYPE(rows)
    if not is_dense_float(rows) or not is_dense(weight, kind) or cnp.PyArray_NDIM(weight) != 2:
        return False
    p.cell, p.reverse = cell, reverse
    p.G, p.S = cnp.PyArray_DIM(weight, 0), cnp.PyArray_DIM(weight, 1)
    p.D = p.G // GATES[cell]
    p.steps = cnp.PyArray_DIM(spans, 1)
    p.sizes = <const int64_t*> cnp.PyArray_DATA(spans)
    p.offsets = p.sizes + p.steps
    p.N = p.total = 0
    if p.steps:
        p.N, p.total = p.sizes[0], p.offsets[p.steps - 1] + p.sizes[p.steps - 1]
    p.threads = num_threads()
    if p.total * p.G * p.S < GRAIN:
        p.threads = 1
    p.rows = min(<Py_ssize_t> ROWS, max(<Py_ssize_t> 4, (p.N + p.threads - 1) // p.threads))
    if p.threads > 1 and p.sizes[p.steps - 1] != p.N:
        p.rows = min(p.rows, <Py_ssize_t> UNEVEN)
    p.projection.depth = p.projection.stride = 0
    return (
        p.G == p.D * GATES[cell] and (projection is not None or p.D == p.S)
        and is_matrix(rows, p.total, width or p.G, kind)
        and h0 is not None and is_matrix(h0, p.N, p.S, kind)
        and (c0 is None) == (cell != LSTM) and is_matrix(c0, p.N, p.D, kind)
        and is_matrix(projection, p.S, p.D, kind)
    )


def rnn(
    int cell, cnp.ndarray x, cnp.ndarray h0, cnp.ndarray c0, cnp.ndarray weight,
    cnp.ndarray bias, cnp.ndarray projection, cnp.ndarray spans, bint reverse, bint keep,
):
    """All steps: (out, h, c, gates, cells), or None where an array is not as it must be.

    x (rows, G), h0 (N, S), c0 (N, D), weight (G, S), bias (G,), projection (S, D); those that the
    cell does not have are None. spans (2, L) of int64 are sizes and offsets of the steps. The
    results are out (rows, S), the last h and c, and, to `keep` for backward, gates (rows, 4 D) and
    cells (rows, D).
    """
    cdef Problem p
    cdef Forward f
    cdef cnp.ndarray out, h, c = None, gates = None, cells = None, work, padded, _panels, _more
    if not describe(&p, cell, x, 0, h0, c0, weight, projection, spans, reverse) or (
            not is_vector(bias, p.G, cnp.PyArray_TYPE(x))):
        return None
    _panels = describe_matrix(&p.weight, weight, True, p.total < FEW)
    if projection is not None:
        _more = describe_matrix(&p.projection, projection, True, p.total < FEW)
    if bias is not None:
        padded = memory(p.weight.stride, bias)
        memset(cnp.PyArray_DATA(padded), 0, cnp.PyArray_NBYTES(padded))
        memcpy(cnp.PyArray_DATA(padded), cnp.PyArray_DATA(bias), cnp.PyArray_NBYTES(bias))
        p.weight.bias = cnp.PyArray_DATA(padded)
    out, h = matrix(p.total, p.S, x), cnp.PyArray_NewCopy(h0, cnp.NPY_CORDER)
    if cell == LSTM:
        c = cnp.PyArray_NewCopy(c0, cnp.NPY_CORDER)
        cells = matrix(p.total, p.D, x) if keep else None
    if keep and cell in (LSTM, GRU):
        gates = matrix(p.total, 4 * p.D, x)
    f.x, f.h, f.c = cnp.PyArray_DATA(x), cnp.PyArray_DATA(h), data_or_null(c)
    f.out, f.gates, f.cells = cnp.PyArray_DATA(out), data_or_null(gates), data_or_null(cells)
    work = memory(p.threads * forward_work(&p), x)
    cdef void* at = cnp.PyArray_DATA(work)
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
    with nogil:
        if single:
            forward_all(&p, &f, <float*> at)
        else:
            forward_all(&p, &f, <double*> at)
    return out, h, c, gates, cells


cdef cnp.ndarray start(cnp.ndarray grad, cnp.ndarray state):
    """The gradient of a last state, to be overwritten by that of the first."""
    if grad is not None:
        return cnp.PyArray_NewCopy(grad, cnp.NPY_CORDER)
    return cnp.PyArray_ZEROS(2, cnp.PyArray_DIMS(state), cnp.PyArray_TYPE(state), 0)


def rnn_grad(
    int cell, cnp.ndarray grad, cnp.ndarray grad_h, cnp.ndarray grad_c, cnp.ndarray h0,
    cnp.ndarray c0, cnp.ndarray weight, cnp.ndarray projection, cnp.ndarray out,
    cnp.ndarray gates, cnp.ndarray cells, cnp.ndarray spans, bint reverse,
):
    """All steps back, or None where an array is not as it must be.

    grad, grad_h and grad_c are the gradients of out, h and c, None for zero; out, gates and cells
    as `rnn` left them. Returns the gradients of x, h0 and c0; grad_s (rows, G), that of what the
    state gives to the gates; previous (rows, S), the states before the steps; and grad_less
    (rows, S), the gradient of the projected states, where there is a projection.
    """
    cdef Problem p
    cdef Backward b
    cdef int kind = cnp.PyArray_TYPE(out)
    cdef cnp.ndarray dh, dc = None, dx, ds, previous, dless = None, work, _panels, _more
    if not describe(&p, cell, out, cnp.PyArray_DIM(weight, 1), h0, c0, weight, projection, spans,
                    reverse) or not (
            is_matrix(grad, p.total, p.S, kind) and is_matrix(grad_h, p.N, p.S, kind)
            and is_matrix(grad_c, p.N, p.D, kind)
            and (gates is None) == (cell not in (LSTM, GRU)) and (cells is None) == (cell != LSTM)
            and is_matrix(gates, p.total, 4 * p.D, kind)
            and is_matrix(cells, p.total, p.D, kind)):
        return None
    _panels = describe_matrix(&p.weight, weight, False, False)
    previous, dx = matrix(p.total, p.S, out), matrix(p.total, p.G, out)
    ds = matrix(p.total, p.G, out) if cell == GRU else dx
    dh = start(grad_h, h0)
    if cell == LSTM:
        dc = start(grad_c, c0)
    if projection is not None:
        _more = describe_matrix(&p.projection, projection, False, False)
        dless = matrix(p.total, p.S, out)
    b.grad, b.out = data_or_null(grad), cnp.PyArray_DATA(out)
    b.gates, b.cells = data_or_null(gates), data_or_null(cells)
    b.h0, b.c0 = cnp.PyArray_DATA(h0), data_or_null(c0)
    b.grad_h, b.grad_c = cnp.PyArray_DATA(dh), data_or_null(dc)
    b.grad_x, b.grad_s = cnp.PyArray_DATA(dx), cnp.PyArray_DATA(ds)
    b.previous, b.grad_less = cnp.PyArray_DATA(previous), data_or_null(dless)
    work = memory(p.threads * backward_work(&p), out)
    cdef void* at = cnp.PyArray_DATA(work)
    cdef bint single = kind == cnp.NPY_FLOAT32
    with nogil:
        if single:
            backward_all(&p, &b, <float*> at)
        else:
            backward_all(&p, &b, <double*> at)
    return dx, dh, dc, ds, previous, dless
