# The stream of random words that random.pyx describes: BATCH blocks scrambled side by side.

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    BATCH = 64             # blocks scrambled side by side
    WORDS = 256            # 4 * BATCH


cdef inline void philox(
    uint32_t* c0, uint32_t* c1, uint32_t* c2, uint32_t* c3, uint32_t k0, uint32_t k1
) noexcept nogil:
    """Scramble BATCH counters in place."""
    cdef int _turn, j
    cdef uint64_t p, q
    for _turn in range(10):
        for j in range(BATCH):
            p = <uint64_t> 0xD2511F53U * c0[j]
            q = <uint64_t> 0xCD9E8D57U * c2[j]
            c0[j] = (<uint32_t> (q >> 32)) ^ c1[j] ^ k0
            c2[j] = (<uint32_t> (p >> 32)) ^ c3[j] ^ k1
            c1[j] = <uint32_t> q
            c3[j] = <uint32_t> p
        k0 += 0x9E3779B9U                # the golden ratio
        k1 += 0xBB67AE85U                # sqrt(3) - 1


cdef inline uint64_t threshold(double p) noexcept nogil:
    """A word is below it with probability p, rounded to 32 bits."""
    return <uint64_t> (p * 4294967296.0 + 0.5)
