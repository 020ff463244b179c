# cimported by every kernel that has a prange: how many threads it may use.
cdef int num_threads() noexcept nogil
