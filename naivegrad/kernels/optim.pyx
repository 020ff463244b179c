# One optimizer step of one parameter: SGD, Adam and AdamW, RMSprop.
#
# Design:
# - A step written in array operations reads and writes memory about ten times (Adam); here each
#   element is loaded once, and parameter and state are stored once. For large parameters that is
#   the whole cost.
# - A rule is a loop `rule(param, grad, state, c, start, stop)` over a span of elements; `c` holds
#   its numbers in double, narrowed to the parameter's type once per span. Tests of options come
#   out the same for every element: the compiler moves them out of the loop and vectorises the
#   rest (two such tests to a loop; with three GCC gives up, so RMSprop has two loops).
# - Elements do not depend on each other: any split over threads gives the same bits.
# - The entry points return False, with nothing changed, where the arrays are not all dense and of
#   one floating type; backend/cpu/optim.py then makes such copies and calls again.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport pow, sqrt

from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

ctypedef fused real:
    float
    double

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISCARRAY(cnp.ndarray) nogil
    bint PyArray_ISCARRAY_RO(cnp.ndarray) nogil
    bint PyArray_SAMESHAPE(cnp.ndarray, cnp.ndarray) nogil

cdef extern from "<math.h>" nogil:
    float sqrtf(float)

cdef enum:
    SGD, ADAM, RMSPROP

cdef enum:
    BLOCK = 8192            # elements: a span's five arrays fit the second-level cache
    GRAIN = 32768           # elements below which a parallel region costs more than it saves


cdef inline real root(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)


# ------------------------------------------------------------------------------------- the rules

cdef void sgd_span(real* param, const real* grad, void** state, const double* c,
                   Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """b = momentum b + (1 - dampening) g;  param -= lr (g + momentum b if nesterov else b)."""
    cdef real* buf = <real*> state[0]
    cdef real sign = <real> c[0], rate = <real> -c[1], momentum = <real> c[2]
    cdef real fresh = <real> (1.0 - c[3]), weight_decay = <real> c[4]
    cdef bint decays = c[4] != 0, nesterov = c[5] != 0, first = c[6] != 0
    cdef Py_ssize_t i
    cdef real g
    if buf == NULL:
        for i in range(start, stop):
            g = sign * grad[i]
            if decays:
                g = g + weight_decay * param[i]
            param[i] = param[i] + rate * g
    elif first:                                 # the buffer starts as the gradient, not damped
        for i in range(start, stop):
            g = sign * grad[i]
            if decays:
                g = g + weight_decay * param[i]
            buf[i] = g
            if nesterov:
                g = g + momentum * g
            param[i] = param[i] + rate * g
    else:
        for i in range(start, stop):
            g = sign * grad[i]
            if decays:
                g = g + weight_decay * param[i]
            buf[i] = momentum * buf[i] + fresh * g
            if nesterov:
                g = g + momentum * buf[i]
            else:
                g = buf[i]
            param[i] = param[i] + rate * g


cdef void adam_span(real* param, const real* grad, void** state, const double* c,
                    Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g^2;  p -= m / (sqrt(v) + eps)."""
    cdef real* m = <real*> state[0]
    cdef real* v = <real*> state[1]
    cdef real* v_max = <real*> state[2]
    cdef real sign = <real> c[0], size = <real> -c[1], fresh1 = <real> (1.0 - c[2])
    cdef real beta2 = <real> c[3], fresh2 = <real> (1.0 - c[3]), eps = <real> c[4]
    cdef real weight_decay = <real> c[5], keep = <real> c[6], scale = <real> c[7]
    cdef bint decays = c[5] != 0
    cdef Py_ssize_t i
    cdef real g, p, m_i, v_i
    for i in range(start, stop):
        g = sign * grad[i]
        p = param[i] * keep
        if decays:
            g = g + weight_decay * p
        m_i = m[i] + fresh1 * (g - m[i])
        v_i = beta2 * v[i] + fresh2 * (g * g)
        m[i] = m_i
        v[i] = v_i
        if v_max != NULL:
            # Written so that a NaN in v stays one.
            v_i = v_max[i] if v_max[i] > v_i else v_i
            v_max[i] = v_i
        param[i] = p + size * m_i / (root(v_i) * scale + eps)


cdef void rmsprop_span(real* param, const real* grad, void** state, const double* c,
                       Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """s = alpha s + (1 - alpha) g^2;  param -= lr g / (sqrt(s - mean(g)^2 if centered) + eps)."""
    cdef real* square = <real*> state[0]
    cdef real* mean = <real*> state[1]
    cdef real* buf = <real*> state[2]
    cdef real sign = <real> c[0], rate = <real> -c[1], alpha = <real> c[2]
    cdef real fresh = <real> (1.0 - c[2]), eps = <real> c[3]
    cdef real weight_decay = <real> c[4], momentum = <real> c[5]
    cdef bint decays = c[4] != 0
    cdef Py_ssize_t i
    cdef real g, s, mu
    if mean == NULL:
        for i in range(start, stop):
            g = sign * grad[i]
            if decays:
                g = g + weight_decay * param[i]
            s = alpha * square[i] + fresh * (g * g)
            square[i] = s
            g = g / (root(s) + eps)
            if buf != NULL:
                g = momentum * buf[i] + g
                buf[i] = g
            param[i] = param[i] + rate * g
    else:
        for i in range(start, stop):
            g = sign * grad[i]
            if decays:
                g = g + weight_decay * param[i]
            s = alpha * square[i] + fresh * (g * g)
            mu = mean[i] + fresh * (g - mean[i])
            square[i] = s
            mean[i] = mu
            s = s - mu * mu
            s = 0 if s < 0 else s               # a variance of 0 that rounding made negative
            g = g / (root(s) + eps)
            if buf != NULL:
                g = momentum * buf[i] + g
                buf[i] = g
            param[i] = param[i] + rate * g


# ------------------------------------------------------------------------------ spans and threads

cdef inline void span(int rule, real* param, const real* grad, void** state, const double* c,
                      Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    if rule == SGD:
        sgd_span(param, grad, state, c, start, stop)
    elif rule == ADAM:
        adam_span(param, grad, state, c, start, stop)
    else:
        rmsprop_span(param, grad, state, c, start, stop)


cdef void run(int rule, real* param, const real* grad, void** state, const double* c,
              Py_ssize_t n) noexcept nogil:
    cdef int threads = num_threads()
    cdef Py_ssize_t block, blocks = (n + BLOCK - 1) // BLOCK
    if threads == 1 or n < GRAIN:
        span(rule, param, grad, state, c, 0, n)
        return
    for block in prange(blocks, schedule="static", num_threads=threads):
        span(rule, param, grad, state, c, block * BLOCK,
             n if block == blocks - 1 else (block + 1) * BLOCK)


cdef bint fits(cnp.ndarray a, cnp.ndarray param) noexcept:
    """Whether a state array can be walked together with the parameter."""
    return (PyArray_ISCARRAY(a) and cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(param)
            and PyArray_SAMESHAPE(a, param))


cdef bint step(int rule, cnp.ndarray param, cnp.ndarray grad, cnp.ndarray s0, cnp.ndarray s1,
               cnp.ndarray s2, const double* c) noexcept:
    cdef void* state[3]
    cdef Py_ssize_t n = cnp.PyArray_SIZE(param)
    cdef int kind = cnp.PyArray_TYPE(param)
    if not (PyArray_ISCARRAY(param) and PyArray_ISCARRAY_RO(grad)
            and cnp.PyArray_TYPE(grad) == kind and PyArray_SAMESHAPE(grad, param)):
        return False
    state[0] = state[1] = state[2] = NULL
    if s0 is not None:
        if not fits(s0, param):
            return False
        state[0] = cnp.PyArray_DATA(s0)
    if s1 is not None:
        if not fits(s1, param):
            return False
        state[1] = cnp.PyArray_DATA(s1)
    if s2 is not None:
        if not fits(s2, param):
            return False
        state[2] = cnp.PyArray_DATA(s2)
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            run[float](rule, <float*> cnp.PyArray_DATA(param),
                       <const float*> cnp.PyArray_DATA(grad), state, c, n)
    elif kind == cnp.NPY_FLOAT64:
        with nogil:
            run[double](rule, <double*> cnp.PyArray_DATA(param),
                        <const double*> cnp.PyArray_DATA(grad), state, c, n)
    else:
        return False
    return True


# ---------------------------------------------------------------------------------- entry points

def sgd(cnp.ndarray param, cnp.ndarray grad, cnp.ndarray momentum_buffer, bint first, double lr,
        double momentum, double dampening, double weight_decay, bint nesterov, bint maximize):
    """One step in place; `first` fills momentum_buffer instead of reading it."""
    cdef double[7] c
    c[0] = -1.0 if maximize else 1.0
    c[1] = lr
    c[2] = momentum
    c[3] = dampening
    c[4] = weight_decay
    c[5] = nesterov
    c[6] = first
    return step(SGD, param, grad, momentum_buffer, None, None, c)


def adam(cnp.ndarray param, cnp.ndarray grad, cnp.ndarray exp_avg, cnp.ndarray exp_avg_sq,
         cnp.ndarray max_exp_avg_sq, double count, double lr, double beta1, double beta2,
         double eps, double weight_decay, bint decoupled, bint maximize):
    """Step number `count` (from 1) in place; max_exp_avg_sq is None without amsgrad."""
    cdef double[8] c
    c[0] = -1.0 if maximize else 1.0
    c[1] = lr / (1.0 - pow(beta1, count))
    c[2] = beta1
    c[3] = beta2
    c[4] = eps
    c[5] = 0.0 if decoupled else weight_decay
    c[6] = 1.0 - lr * weight_decay if decoupled else 1.0
    c[7] = 1.0 / sqrt(1.0 - pow(beta2, count))
    return step(ADAM, param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, c)


def rmsprop(cnp.ndarray param, cnp.ndarray grad, cnp.ndarray square_avg, cnp.ndarray grad_avg,
            cnp.ndarray momentum_buffer, double lr, double alpha, double eps, double weight_decay,
            double momentum, bint maximize):
    """One step in place; grad_avg is None unless centered, momentum_buffer without momentum."""
    cdef double[6] c
    c[0] = -1.0 if maximize else 1.0
    c[1] = lr
    c[2] = alpha
    c[3] = eps
    c[4] = weight_decay
    c[5] = momentum
    return step(RMSPROP, param, grad, square_avg, grad_avg, momentum_buffer, c)
