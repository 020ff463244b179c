# Connectionist temporal classification: how likely a sequence of labels is, whatever its timing.
#
# Design (Graves et al. 2006): the S labels with a blank before, between and after them are 2 S + 1
# states. alpha[t, s] is the log-probability of all paths that reach state s at time t, beta[t, s]
# that of all that go on from there, both with what is emitted at t. A path stays, moves on by one
# state, or skips a blank between two different labels.
#   - Sums of probabilities are taken in logarithms and in double: nothing underflows.
#   - Forward keeps alpha. Backward makes beta row by row, and of the two the probability of each
#     state at each time: those of one label add up to minus the gradient of its log-probability.
#   - Samples are independent, and shared among threads.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY, exp, log1p
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from naivegrad.kernels.dense cimport is_dense, is_dense_float
from naivegrad.kernels.rows cimport real
from naivegrad.kernels.threads cimport num_threads

cnp.import_array()

cdef enum:
    GRAIN = 4096           # states x times below which a parallel region costs more than it saves


cdef inline double add_logs(double a, double b) noexcept nogil:
    # log(exp(a) + exp(b))
    if a < b:
        a, b = b, a
    return a if b == -INFINITY else a + log1p(exp(b - a))


cdef inline int64_t label(const int64_t* target, Py_ssize_t s, int64_t blank) noexcept nogil:
    return target[s // 2] if s % 2 else blank


cdef inline bint may_skip(const int64_t* target, Py_ssize_t s, int64_t blank) noexcept nogil:
    """Whether state s can be entered from s - 2."""
    return s % 2 and s >= 2 and target[s // 2] != target[s // 2 - 1]


cdef double forward_one(
    const real* x, Py_ssize_t step, Py_ssize_t length, const int64_t* target, Py_ssize_t labels,
    int64_t blank, double* alpha, Py_ssize_t width,
) noexcept nogil:
    """Minus the log-likelihood. x[t * step + c]: log-probabilities; alpha[t * width + s]."""
    cdef Py_ssize_t states = 2 * labels + 1, t, s
    cdef double total
    cdef const double* before
    if length == 0:
        return 0.0 if labels == 0 else INFINITY
    for s in range(states):
        alpha[s] = <double> x[label(target, s, blank)] if s < 2 else -INFINITY
    for t in range(1, length):
        before = alpha + (t - 1) * width
        for s in range(states):
            total = before[s]
            if s >= 1:
                total = add_logs(total, before[s - 1])
            if may_skip(target, s, blank):
                total = add_logs(total, before[s - 2])
            alpha[t * width + s] = total + x[t * step + label(target, s, blank)]
    total = alpha[(length - 1) * width + states - 1]
    if states > 1:
        total = add_logs(total, alpha[(length - 1) * width + states - 2])
    return -total


cdef void backward_one(
    const real* x, Py_ssize_t step, Py_ssize_t length, Py_ssize_t classes, const int64_t* target,
    Py_ssize_t labels, int64_t blank, const double* alpha, Py_ssize_t width, double loss,
    double scale, real* out, double* beta,
) noexcept nogil:
    """out[t * step + c] = scale * (exp(x) - the probability that c is emitted at t).

    beta: room for one row. out holds zeros.
    """
    cdef Py_ssize_t states = 2 * labels + 1, t, s, c
    cdef double total, emitted
    cdef int64_t l
    for s in range(states):
        beta[s] = -INFINITY
    for t in range(length - 1, -1, -1):
        for s in range(states):          # in place: beta[s + 1] and beta[s + 2] are still the old
            l = label(target, s, blank)
            if t == length - 1:
                total = 0.0 if s >= states - 2 else -INFINITY
            else:
                total = beta[s]
                if s + 1 < states:
                    total = add_logs(total, beta[s + 1])
                if s + 2 < states and may_skip(target, s + 2, blank):
                    total = add_logs(total, beta[s + 2])
            emitted = x[t * step + l]
            beta[s] = total + emitted
            total += alpha[t * width + s]              # which has what is emitted already
            if total != -INFINITY:
                out[t * step + l] -= <real> exp(total + loss)
        for c in range(classes):
            out[t * step + c] = <real> (
                scale * (exp(<double> x[t * step + c]) + out[t * step + c]))


cdef void forward_all(
    const real* x, const int64_t* target, const int64_t* begin, const int64_t* lengths,
    const int64_t* labels, int64_t blank, real* loss, double* alpha, Py_ssize_t times,
    Py_ssize_t batch, Py_ssize_t classes, Py_ssize_t width,
) noexcept nogil:
    cdef Py_ssize_t n
    cdef int threads = num_threads()
    if threads > 1 and batch > 1 and times * width * batch >= GRAIN:
        for n in prange(batch, schedule="dynamic", num_threads=threads):
            loss[n] = <real> forward_one(x + n * classes, batch * classes, lengths[n],
                                         target + begin[n], labels[n], blank,
                                         alpha + n * times * width, width)
    else:
        for n in range(batch):
            loss[n] = <real> forward_one(x + n * classes, batch * classes, lengths[n],
                                         target + begin[n], labels[n], blank,
                                         alpha + n * times * width, width)


cdef inline void backward_sample(
    const real* grad, const real* x, const int64_t* target, const int64_t* begin,
    const int64_t* lengths, const int64_t* labels, int64_t blank, const real* loss,
    const double* alpha, bint zero_infinity, real* out, double* beta, Py_ssize_t n,
    Py_ssize_t times, Py_ssize_t batch, Py_ssize_t classes, Py_ssize_t width,
) noexcept nogil:
    if not (zero_infinity and loss[n] == INFINITY):
        backward_one(x + n * classes, batch * classes, lengths[n], classes, target + begin[n],
                     labels[n], blank, alpha + n * times * width, width, loss[n], grad[n],
                     out + n * classes, beta + n * width)


cdef void backward_all(
    const real* grad, const real* x, const int64_t* target, const int64_t* begin,
    const int64_t* lengths, const int64_t* labels, int64_t blank, const real* loss,
    const double* alpha, bint zero_infinity, real* out, double* beta, Py_ssize_t times,
    Py_ssize_t batch, Py_ssize_t classes, Py_ssize_t width,
) noexcept nogil:
    cdef Py_ssize_t n
    cdef int threads = num_threads()
    if threads > 1 and batch > 1 and times * width * batch >= GRAIN:
        for n in prange(batch, schedule="dynamic", num_threads=threads):
            backward_sample(grad, x, target, begin, lengths, labels, blank, loss, alpha,
                            zero_infinity, out, beta, n, times, batch, classes, width)
    else:
        for n in range(batch):
            backward_sample(grad, x, target, begin, lengths, labels, blank, loss, alpha,
                            zero_infinity, out, beta, n, times, batch, classes, width)


def ctc_loss(cnp.ndarray x, cnp.ndarray target, cnp.ndarray begin, cnp.ndarray lengths,
             cnp.ndarray labels, int64_t blank, Py_ssize_t width):
    """(loss (N,), alpha (N, T, width)) for dense x (T, N, C), width = 2 * most labels + 1.

    Sample n has labels[n] labels from target[begin[n]] on, and lengths[n] times. backend/cpu has
    checked all numbers.
    """
    cdef cnp.npy_intp shape[3]
    if not (is_dense_float(x) and is_dense(target, cnp.NPY_INT64) and is_dense(begin, cnp.NPY_INT64)
            and is_dense(lengths, cnp.NPY_INT64) and is_dense(labels, cnp.NPY_INT64)):
        return None
    shape[0] = cnp.PyArray_DIM(x, 1)
    shape[1] = cnp.PyArray_DIM(x, 0)
    shape[2] = width
    cdef cnp.ndarray loss = cnp.PyArray_EMPTY(1, shape, cnp.PyArray_TYPE(x), 0)
    cdef cnp.ndarray alpha = cnp.PyArray_EMPTY(3, shape, cnp.NPY_FLOAT64, 0)
    cdef Py_ssize_t classes = cnp.PyArray_DIM(x, 2)
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef const int64_t* b = <const int64_t*> cnp.PyArray_DATA(begin)
    cdef const int64_t* n = <const int64_t*> cnp.PyArray_DATA(lengths)
    cdef const int64_t* s = <const int64_t*> cnp.PyArray_DATA(labels)
    cdef double* a = <double*> cnp.PyArray_DATA(alpha)
    cdef void* p = cnp.PyArray_DATA(x)
    cdef void* o = cnp.PyArray_DATA(loss)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            forward_all(<const float*> p, t, b, n, s, blank, <float*> o, a, shape[1], shape[0],
                        classes, width)
    else:
        with nogil:
            forward_all(<const double*> p, t, b, n, s, blank, <double*> o, a, shape[1], shape[0],
                        classes, width)
    return loss, alpha


def ctc_loss_grad(cnp.ndarray grad, cnp.ndarray x, cnp.ndarray target, cnp.ndarray begin,
                  cnp.ndarray lengths, cnp.ndarray labels, int64_t blank, cnp.ndarray loss,
                  cnp.ndarray alpha, bint zero_infinity):
    """The gradient of x, from what ctc_loss gave and the gradient (N,) of its losses."""
    cdef int kind = cnp.PyArray_TYPE(x)
    if not (is_dense_float(x) and is_dense(grad, kind) and is_dense(loss, kind)
            and is_dense(alpha, cnp.NPY_FLOAT64) and is_dense(target, cnp.NPY_INT64)
            and is_dense(begin, cnp.NPY_INT64) and is_dense(lengths, cnp.NPY_INT64)
            and is_dense(labels, cnp.NPY_INT64)):
        return None
    cdef cnp.ndarray out = cnp.PyArray_ZEROS(3, cnp.PyArray_DIMS(x), kind, 0)
    cdef Py_ssize_t times = cnp.PyArray_DIM(x, 0), batch = cnp.PyArray_DIM(x, 1)
    cdef Py_ssize_t classes = cnp.PyArray_DIM(x, 2), width = cnp.PyArray_DIM(alpha, 2)
    cdef double* beta = <double*> malloc((batch * width + 1) * sizeof(double))
    cdef const int64_t* t = <const int64_t*> cnp.PyArray_DATA(target)
    cdef const int64_t* b = <const int64_t*> cnp.PyArray_DATA(begin)
    cdef const int64_t* n = <const int64_t*> cnp.PyArray_DATA(lengths)
    cdef const int64_t* s = <const int64_t*> cnp.PyArray_DATA(labels)
    cdef const double* a = <const double*> cnp.PyArray_DATA(alpha)
    cdef void* g = cnp.PyArray_DATA(grad)
    cdef void* p = cnp.PyArray_DATA(x)
    cdef void* v = cnp.PyArray_DATA(loss)
    cdef void* o = cnp.PyArray_DATA(out)
    if beta is NULL:
        raise MemoryError("ctc_loss: no memory for one row of states per sample")
    if kind == cnp.NPY_FLOAT32:
        with nogil:
            backward_all(<const float*> g, <const float*> p, t, b, n, s, blank, <const float*> v, a,
                         zero_infinity, <float*> o, beta, times, batch, classes, width)
    else:
        with nogil:
            backward_all(<const double*> g, <const double*> p, t, b, n, s, blank,
                         <const double*> v, a, zero_infinity, <double*> o, beta, times, batch,
                         classes, width)
    free(beta)
    return out
