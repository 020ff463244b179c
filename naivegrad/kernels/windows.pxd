# Where windows begin and end, in whole numbers.


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b if a > 0 else -(-a // b)


cdef inline Py_ssize_t clip(Py_ssize_t a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    return low if a < low else high if a > high else a
