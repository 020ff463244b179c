# One optimizer step of all parameters of a group, each in one pass over memory.
#
# Design:
# - A step written in array operations reads and writes memory about ten times (Adam); here each
#   element is loaded once, and parameter and state are stored once. For large parameters that is
#   the whole cost; for many small ones it is the calls, so one call takes a whole group.
# - A rule is a loop `rule(job, start, stop)` over a span of elements of one parameter. Its numbers
#   are doubles, narrowed to the parameter's type once per span; what does not depend on the element
#   (corrections of bias, decay of rates) is computed by the caller, in optim/. So rules are shared:
#   Adam's serves AdamW, NAdam and RAdam, RMSprop's serves Adagrad.
# - Tests of options come out the same for every element: the compiler moves them out of the loop
#   and vectorises the rest (two such tests to a loop; with three GCC gives up, so RMSprop has two
#   loops).
# - Elements do not depend on each other: any split over threads gives the same bits. Parameters
#   that share their memory are stepped one after the other, by one thread.
# - `step` leaves out, and names, parameters whose arrays are not all dense and of one floating
#   type; backend/cpu/optim.py then makes such copies and calls again.

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport fabs, sqrt
from libc.stdlib cimport free, malloc

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
    float fabsf(float)

cdef enum:
    SGD, ADAM, ADAMAX, RMSPROP, ADADELTA, RPROP, ASGD

cdef enum:
    BLOCK = 8192            # elements: a span's five arrays fit the second-level cache
    GRAIN = 65536           # elements below which threads save little and may wait for a core
    STATES = 3              # at most so many arrays of state
    NUMBERS = 9             # at most so many numbers

# rule: (its code, arrays of state, numbers). The first two numbers are always the sign of the
# gradient (-1: maximize) and the weight decay that is added to it.
RULES = {
    "sgd": (SGD, 1, 7),             # momentum_buffer | lr momentum fresh nesterov first
    "adam": (ADAM, 3, 9),           # m v v_max | keep beta1 beta2 size_g size_m scale eps
    "adamax": (ADAMAX, 2, 6),       # m u | beta1 beta2 size eps
    "rmsprop": (RMSPROP, 3, 7),     # square mean momentum_buffer | alpha fresh lr momentum eps
    "adadelta": (ADADELTA, 2, 5),   # square delta | rho lr eps
    "rprop": (RPROP, 2, 6),         # previous size | eta_minus eta_plus smallest largest
    "asgd": (ASGD, 1, 5),           # average | keep eta mu
}

cdef struct Job:            # one parameter
    void* param
    const void* grad
    void* state[STATES]     # NULL where the rule has, or is given, no such array
    double c[NUMBERS]
    Py_ssize_t size
    bint wide               # double, not float

cdef struct Span:           # a part of it, for one thread
    Job* job
    Py_ssize_t start
    Py_ssize_t stop


cdef inline real root(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)


cdef inline real magnitude(real x) noexcept nogil:
    if real is float:
        return fabsf(x)
    else:
        return fabs(x)


cdef inline real sum_with_decay(real g, real p, real sign, real decay) noexcept nogil:
    """The gradient to go by. Without decay the parameter is not read: it may be infinite."""
    return sign * g + decay * p if decay != 0 else sign * g


# ------------------------------------------------------------------------------------- the rules

cdef void sgd(Job* job, real* param, const real* grad, Py_ssize_t start,
              Py_ssize_t stop) noexcept nogil:
    """b = momentum b + fresh g;  param -= lr (g + momentum b if nesterov else b)."""
    cdef real* buf = <real*> job.state[0]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1], rate = <real> -job.c[2]
    cdef real momentum = <real> job.c[3], fresh = <real> job.c[4]
    cdef bint nesterov = job.c[5] != 0, first = job.c[6] != 0
    cdef Py_ssize_t i
    cdef real g
    if buf == NULL:
        for i in range(start, stop):
            param[i] += rate * sum_with_decay(grad[i], param[i], sign, decay)
    elif first:                                 # the buffer starts as the gradient, not damped
        for i in range(start, stop):
            g = sum_with_decay(grad[i], param[i], sign, decay)
            buf[i] = g
            param[i] += rate * (g + momentum * g if nesterov else g)
    else:
        for i in range(start, stop):
            g = sum_with_decay(grad[i], param[i], sign, decay)
            buf[i] = momentum * buf[i] + fresh * g
            param[i] += rate * (g + momentum * buf[i] if nesterov else buf[i])


cdef void adam(Job* job, real* param, const real* grad, Py_ssize_t start,
               Py_ssize_t stop) noexcept nogil:
    """m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g^2;
    param = keep param - (size_g g + size_m m) / (scale sqrt(v) + eps).
    """
    cdef real* m = <real*> job.state[0]
    cdef real* v = <real*> job.state[1]
    cdef real* v_max = <real*> job.state[2]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1], keep = <real> job.c[2]
    cdef real fresh1 = <real> (1.0 - job.c[3])
    cdef real beta2 = <real> job.c[4], fresh2 = <real> (1.0 - job.c[4])
    cdef real size_g = <real> job.c[5], size_m = <real> job.c[6]
    cdef real scale = <real> job.c[7], eps = <real> job.c[8]
    cdef Py_ssize_t i
    cdef real g, m_i, v_i
    for i in range(start, stop):
        g = sum_with_decay(grad[i], param[i], sign, decay)
        m_i = m[i] + fresh1 * (g - m[i])
        v_i = beta2 * v[i] + fresh2 * (g * g)
        m[i] = m_i
        v[i] = v_i
        if v_max != NULL:
            # Written so that a NaN in v stays one.
            v_i = v_max[i] if v_max[i] > v_i else v_i
            v_max[i] = v_i
        param[i] = param[i] * keep - (size_g * g + size_m * m_i) / (root(v_i) * scale + eps)


cdef void adamax(Job* job, real* param, const real* grad, Py_ssize_t start,
                 Py_ssize_t stop) noexcept nogil:
    """m += (1 - beta1)(g - m);  u = max(beta2 u, |g| + eps);  param -= size m / u."""
    cdef real* m = <real*> job.state[0]
    cdef real* u = <real*> job.state[1]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1], fresh1 = <real> (1.0 - job.c[2])
    cdef real beta2 = <real> job.c[3], size = <real> job.c[4], eps = <real> job.c[5]
    cdef Py_ssize_t i
    cdef real g, m_i, old, new
    for i in range(start, stop):
        g = sum_with_decay(grad[i], param[i], sign, decay)
        m_i = m[i] + fresh1 * (g - m[i])
        old = beta2 * u[i]
        new = magnitude(g) + eps
        new = old if old > new else new         # a NaN in g stays one,
        new = old if old != old else new        # and so does one in u
        m[i] = m_i
        u[i] = new
        param[i] -= size * m_i / new


cdef void rmsprop(Job* job, real* param, const real* grad, Py_ssize_t start,
                  Py_ssize_t stop) noexcept nogil:
    """s = alpha s + fresh g^2;  param -= lr g / (sqrt(s - mean(g)^2 if centered) + eps)."""
    cdef real* square = <real*> job.state[0]
    cdef real* mean = <real*> job.state[1]
    cdef real* buf = <real*> job.state[2]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1]
    cdef real alpha = <real> job.c[2], fresh = <real> job.c[3]
    cdef real rate = <real> -job.c[4], momentum = <real> job.c[5], eps = <real> job.c[6]
    cdef Py_ssize_t i
    cdef real g, s, mu
    if mean == NULL:
        for i in range(start, stop):
            g = sum_with_decay(grad[i], param[i], sign, decay)
            s = alpha * square[i] + fresh * (g * g)
            square[i] = s
            g = g / (root(s) + eps)
            if buf != NULL:
                g = momentum * buf[i] + g
                buf[i] = g
            param[i] += rate * g
    else:
        for i in range(start, stop):
            g = sum_with_decay(grad[i], param[i], sign, decay)
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
            param[i] += rate * g


cdef void adadelta(Job* job, real* param, const real* grad, Py_ssize_t start,
                   Py_ssize_t stop) noexcept nogil:
    """s = rho s + (1 - rho) g^2;  step = g sqrt(delta + eps) / sqrt(s + eps);
    delta = rho delta + (1 - rho) step^2;  param -= lr step.
    """
    cdef real* square = <real*> job.state[0]
    cdef real* delta = <real*> job.state[1]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1]
    cdef real rho = <real> job.c[2], fresh = <real> (1.0 - job.c[2])
    cdef real rate = <real> -job.c[3], eps = <real> job.c[4]
    cdef Py_ssize_t i
    cdef real g, s
    for i in range(start, stop):
        g = sum_with_decay(grad[i], param[i], sign, decay)
        s = rho * square[i] + fresh * (g * g)
        square[i] = s
        g = root(delta[i] + eps) / root(s + eps) * g
        delta[i] = rho * delta[i] + fresh * (g * g)
        param[i] += rate * g


cdef void rprop(Job* job, real* param, const real* grad, Py_ssize_t start,
                Py_ssize_t stop) noexcept nogil:
    """size *= eta_plus where the gradient kept its sign, eta_minus where it changed;
    param -= size sign(g), but not where it changed.
    """
    cdef real* previous = <real*> job.state[0]
    cdef real* size = <real*> job.state[1]
    cdef real sign = <real> job.c[0], eta_minus = <real> job.c[2], eta_plus = <real> job.c[3]
    cdef real smallest = <real> job.c[4], largest = <real> job.c[5]
    cdef Py_ssize_t i
    cdef real g, product, s
    for i in range(start, stop):
        g = sign * grad[i]
        product = g * previous[i]
        s = size[i] * (eta_plus if product > 0 else (eta_minus if product < 0 else 1))
        s = smallest if s < smallest else s
        s = largest if s > largest else s
        g = 0 if product < 0 else g
        size[i] = s
        previous[i] = g
        param[i] -= s if g > 0 else (-s if g < 0 else 0)


cdef void asgd(Job* job, real* param, const real* grad, Py_ssize_t start,
               Py_ssize_t stop) noexcept nogil:
    """param = keep param - eta g;  average += mu (param - average)."""
    cdef real* average = <real*> job.state[0]
    cdef real sign = <real> job.c[0], decay = <real> job.c[1], keep = <real> job.c[2]
    cdef real eta = <real> job.c[3], mu = <real> job.c[4]
    cdef bint copies = job.c[4] == 1            # exactly; the average may hold anything
    cdef Py_ssize_t i
    cdef real p
    for i in range(start, stop):
        p = param[i] * keep - eta * sum_with_decay(grad[i], param[i], sign, decay)
        param[i] = p
        average[i] = p if copies else average[i] + mu * (p - average[i])


# ------------------------------------------------------------------------------ spans and threads

cdef inline void apply(int rule, Job* job, real* param, const real* grad, Py_ssize_t start,
                       Py_ssize_t stop) noexcept nogil:
    if rule == SGD:
        sgd(job, param, grad, start, stop)
    elif rule == ADAM:
        adam(job, param, grad, start, stop)
    elif rule == ADAMAX:
        adamax(job, param, grad, start, stop)
    elif rule == RMSPROP:
        rmsprop(job, param, grad, start, stop)
    elif rule == ADADELTA:
        adadelta(job, param, grad, start, stop)
    elif rule == RPROP:
        rprop(job, param, grad, start, stop)
    else:
        asgd(job, param, grad, start, stop)


cdef inline void run(int rule, Job* job, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    if job.wide:
        apply(rule, job, <double*> job.param, <const double*> job.grad, start, stop)
    else:
        apply(rule, job, <float*> job.param, <const float*> job.grad, start, stop)


cdef bint share_memory(Job* jobs, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(count):
        for j in range(i):
            if jobs[i].param == jobs[j].param:
                return True
    return False


cdef void run_all(int rule, Job* jobs, Py_ssize_t count) noexcept nogil:
    cdef int threads = num_threads()
    cdef Py_ssize_t i, start, total = 0, blocks = 0
    cdef Span* spans = NULL
    for i in range(count):
        total += jobs[i].size
        blocks += (jobs[i].size + BLOCK - 1) // BLOCK
    if threads > 1 and total >= GRAIN and not share_memory(jobs, count):
        spans = <Span*> malloc(blocks * sizeof(Span))
    if spans == NULL:
        for i in range(count):
            run(rule, &jobs[i], 0, jobs[i].size)
        return
    blocks = 0
    for i in range(count):
        start = 0
        while start < jobs[i].size:
            spans[blocks].job = &jobs[i]
            spans[blocks].start = start
            start = min(start + BLOCK, jobs[i].size)
            spans[blocks].stop = start
            blocks += 1
    for i in prange(blocks, schedule="static", num_threads=threads):
        run(rule, spans[i].job, spans[i].start, spans[i].stop)
    free(spans)


# ----------------------------------------------------------------------------------- entry point

cdef bint fill(Job* job, cnp.ndarray param, cnp.ndarray grad, tuple states,
               tuple numbers) except -1:
    """Make a job of one parameter; False if its arrays cannot be walked together."""
    cdef int kind = cnp.PyArray_TYPE(param)
    cdef Py_ssize_t k
    cdef cnp.ndarray array
    if not (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64):
        return False
    if not (PyArray_ISCARRAY(param) and PyArray_ISCARRAY_RO(grad)
            and cnp.PyArray_TYPE(grad) == kind and PyArray_SAMESHAPE(grad, param)):
        return False
    for k in range(len(states)):
        array = states[k]
        job.state[k] = NULL
        if array is not None:
            if not (PyArray_ISCARRAY(array) and cnp.PyArray_TYPE(array) == kind
                    and PyArray_SAMESHAPE(array, param)):
                return False
            job.state[k] = cnp.PyArray_DATA(array)
    for k in range(len(numbers)):
        job.c[k] = numbers[k]
    job.param = cnp.PyArray_DATA(param)
    job.grad = cnp.PyArray_DATA(grad)
    job.size = cnp.PyArray_SIZE(param)
    job.wide = kind == cnp.NPY_FLOAT64
    return True


def step(str rule, list params, list grads, list states, list numbers):
    """One step in place of each parameter, by RULES[rule]; the positions of those left out."""
    code, arrays, values = RULES[rule]
    cdef Py_ssize_t i, count = 0, n = len(params)
    cdef int which = code
    cdef list left = []
    cdef Job* jobs = <Job*> malloc(max(n, 1) * sizeof(Job))
    if jobs == NULL:
        raise MemoryError
    try:
        for i in range(n):
            if len(states[i]) != arrays or len(numbers[i]) != values:
                raise ValueError(
                    f"{rule}: expected {arrays} arrays of state and {values} numbers, "
                    f"got {len(states[i])} and {len(numbers[i])}"
                )
            if fill(&jobs[count], params[i], grads[i], states[i], numbers[i]):
                count += 1
            else:
                left.append(i)
        with nogil:
            run_all(which, jobs, count)
    finally:
        free(jobs)
    return left
