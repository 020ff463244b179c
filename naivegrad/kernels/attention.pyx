# Attention, softmax(scale * Q K^T + mask) V, without the L x S matrix of weights: float32, float64.
#
# Design: the weights exist one tile at a time, WIDTH of one sequence in the lanes of vectors and a
# few dozen of the other down the rows; matmul_tile.h multiplies.
#   - forward: a panel of WIDTH queries meets all keys in blocks of KEYS. With the queries in the
#     lanes, the running maximum and sum of each query are plain vectors, and the tile S^T, as it
#     comes out of K Q^T, is already the packed panel that V^T S^T wants: nothing is moved between
#     the two products. Where a new maximum appears, what was summed so far is scaled down
#     (Milakov & Gimelshein 2018, "Online normalizer calculation for softmax").
#   - backward: weights are made anew from the saved log-sum-exp of each query (Dao et al. 2022,
#     "FlashAttention"), with WIDTH keys in the lanes, so that the tiles P and dS are the packed
#     panels for dV^T = dO^T P and dK^T = Q^T dS. Only for dQ^T = K^T dS^T a tile is transposed.
#   - a query that may look at no key has the output 0, and +inf as its log-sum-exp, which makes its
#     weights in backward 0.
#   - dropout keeps no mask: the weight of query l and key s of matrix i has word (i L + l) S + s of
#     the stream, and both passes read it there.
# Threads share out panels of queries (forward) and whole matrices (backward); of few matrices, the
# panels. Every sum has one order: the same bits for any number of threads.

cimport numpy as cnp
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from naivegrad.kernels.philox cimport BATCH, philox, threshold
from naivegrad.kernels.rows cimport exp_, log_, real
from naivegrad.kernels.threads cimport num_threads
from naivegrad.kernels.tile cimport pack, product, width_of

cnp.import_array()

cdef enum:
    KEYS = 64              # keys in a tile of the forward pass
    WIDEST = 48            # the greatest WIDTH
    GRAIN = 100000         # multiply-adds below which one thread is faster
    BOOLEAN = 1            # kinds of mask
    ADDITIVE = 2

cdef struct Problem:
    Py_ssize_t count, L, S, D, E         # matrices; queries, keys; features of q and k, of v
    Py_ssize_t q_row, k_row, v_row       # strides, in elements
    Py_ssize_t mask_row, mask_column
    int mask_kind
    bint causal
    double scale
    double p
    uint64_t seed, offset                # of the stream for dropout
    const int64_t* q_at                  # where each matrix begins, in elements
    const int64_t* k_at
    const int64_t* v_at
    const int64_t* mask_at


# ---- mask, and dropout, of one tile -------------------------------------------------------------
# A tile has `rows` x `lanes` weights. In the forward pass the lanes are queries, in the backward
# pass they are keys: row_step and lane_step are the steps in the mask, `ahead` says by how much the
# key of row 0, lane 0 is ahead of its query.

cdef inline void added(const uint8_t* look, Py_ssize_t n, real* out) noexcept nogil:
    """What a mask of bool adds to scores: 0 where it is true."""
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = 0 if look[i] else -INFINITY


cdef inline void apply_mask(
    const Problem* p, const void* mask, Py_ssize_t row_step, Py_ssize_t lane_step, real* tile,
    real* spare, Py_ssize_t rows, Py_ssize_t lanes,
) noexcept nogil:
    cdef Py_ssize_t i, l, W = width_of(tile)
    cdef const uint8_t* look = <const uint8_t*> mask
    cdef real lines[WIDEST * KEYS]
    if p.mask_kind == ADDITIVE:
        pack(rows, lanes, <const real*> mask, row_step, lane_step, spare)
    elif row_step == 1:
        for l in range(lanes):
            added(look + l * lane_step, rows, lines + l * KEYS)
        pack(rows, lanes, lines, 1, KEYS, spare)
    elif lane_step == 1:
        for i in range(rows):
            added(look + i * row_step, lanes, lines)
            pack(1, lanes, lines, 0, 1, spare + i * W)
    else:
        for i in range(rows):
            for l in range(lanes):
                lines[l] = 0 if look[i * row_step + l * lane_step] else -INFINITY
            pack(1, lanes, lines, 0, 1, spare + i * W)
    for i in range(rows * W):
        tile[i] += spare[i]


cdef inline void apply_causal(
    real* tile, Py_ssize_t rows, Py_ssize_t ahead, bint lanes_are_keys
) noexcept nogil:
    """-inf where the key comes after the query."""
    cdef Py_ssize_t i, l, W = width_of(tile)
    for i in range(rows):
        if lanes_are_keys:               # key l + ahead > query i
            for l in range(max(0, i - ahead + 1), W):
                tile[i * W + l] = -INFINITY
        else:                            # key i + ahead > query l
            for l in range(min(W, max(0, i + ahead))):
                tile[i * W + l] = -INFINITY


cdef void keep_factors(
    const Problem* p, Py_ssize_t matrix, Py_ssize_t query, Py_ssize_t queries, Py_ssize_t key,
    Py_ssize_t keys, Py_ssize_t query_step, Py_ssize_t key_step, real* factor,
) noexcept nogil:
    """0 for the weights of a tile that are dropped, 1 / (1 - p) for the others."""
    cdef uint32_t words[4][BATCH]
    cdef uint64_t below = threshold(p.p)
    cdef uint64_t block
    cdef real scale = <real> (1 / (1 - p.p))
    cdef Py_ssize_t blocks = (keys + 6) // 4  # that may hold the words of one query
    cdef Py_ssize_t i = 0, u, j, w, row, first, to
    cdef Py_ssize_t start = (matrix * p.L + query) * p.S + key
    while i < queries * blocks:
        for u in range(BATCH):
            row = (i + u) // blocks
            block = p.offset + ((start + row * p.S) // 4 + (i + u) % blocks)
            words[0][u] = <uint32_t> block
            words[1][u] = <uint32_t> (block >> 32)
            words[2][u] = words[3][u] = 0
        philox(words[0], words[1], words[2], words[3],
               <uint32_t> p.seed, <uint32_t> (p.seed >> 32))
        for u in range(min(<Py_ssize_t> BATCH, queries * blocks - i)):
            row = (i + u) // blocks
            first = (i + u) % blocks * 4 - (start + row * p.S) % 4
            to = row * query_step
            for w in range(4):
                j = first + w
                if 0 <= j < keys:
                    factor[to + j * key_step] = scale if words[w][u] >= below else 0
        i += BATCH


# ---- forward ------------------------------------------------------------------------------------

cdef inline void online_softmax(
    real* tile, Py_ssize_t n, real* top, real* total, real* sums, Py_ssize_t E
) noexcept nogil:
    """tile = exp(tile - top), top the greatest score so far; `total` and `sums` follow a new top.

    Where there is no score above -inf yet, exp is taken of -inf - 0.
    """
    cdef real high[WIDEST]
    cdef real factor[WIDEST]
    cdef real part[WIDEST]
    cdef Py_ssize_t j, l, W = width_of(tile)
    cdef bint moved = False
    for l in range(W):
        high[l] = top[l]
        part[l] = 0
    for j in range(n):
        for l in range(W):
            high[l] = tile[j * W + l] if tile[j * W + l] > high[l] else high[l]
    for l in range(W):
        moved |= high[l] != top[l]
        factor[l] = top[l]
        top[l] = high[l]
        high[l] = 0 if high[l] == -INFINITY else high[l]
    for j in range(n):
        for l in range(W):
            tile[j * W + l] = exp_(tile[j * W + l] - high[l])
            part[l] += tile[j * W + l]
    if moved:
        for l in range(W):
            factor[l] = exp_(factor[l] - high[l])
            total[l] *= factor[l]
        for j in range(E):
            for l in range(W):
                sums[j * W + l] *= factor[l]
    for l in range(W):
        total[l] += part[l]


cdef void forward_panel(
    const Problem* p, const real* q, const real* k, const real* v, const char* mask, real* out,
    real* lse, Py_ssize_t matrix, Py_ssize_t query, real* work,
) noexcept nogil:
    """WIDTH queries of one matrix, from `query` on."""
    cdef Py_ssize_t W = width_of(q), lanes = min(width_of(q), p.L - query)
    cdef Py_ssize_t j = 0, l, n, d, end = p.S
    cdef real top[WIDEST]
    cdef real total[WIDEST]
    cdef real* panel = work              # (D, WIDTH): scale * Q^T
    cdef real* sums = panel + p.D * W    # (E, WIDTH): V^T P^T
    cdef real* tile = sums + p.E * W     # (KEYS, WIDTH): scores, then weights
    cdef real* spare = tile + KEYS * W   # the same of mask or dropout
    cdef Py_ssize_t m, item = 1 if p.mask_kind == BOOLEAN else sizeof(real)
    q += p.q_at[matrix] + query * p.q_row
    k += p.k_at[matrix]
    v += p.v_at[matrix]
    pack(p.D, lanes, q, 1, p.q_row, panel)
    for d in range(p.D * W):
        panel[d] *= <real> p.scale
    memset(sums, 0, p.E * W * sizeof(real))
    for l in range(W):
        top[l] = -INFINITY
        total[l] = 0
    if p.causal:
        end = min(end, query + lanes)
    while j < end:
        n = min(<Py_ssize_t> KEYS, end - j)
        product(n, p.D, k + j * p.k_row, p.k_row, 1, panel, tile, W, False)
        if p.mask_kind:
            m = p.mask_at[matrix] + query * p.mask_row + j * p.mask_column
            apply_mask(p, mask + m * item, p.mask_column, p.mask_row, tile, spare, n, lanes)
        if p.causal and j + n > query:
            apply_causal(tile, n, j - query, False)
        online_softmax(tile, n, top, total, sums, p.E)
        if p.p > 0:
            keep_factors(p, matrix, query, lanes, j, n, 1, W, spare)
            for d in range(n):
                for l in range(lanes):
                    tile[d * W + l] *= spare[d * W + l]
        product(p.E, n, v + j * p.v_row, 1, p.v_row, tile, sums, W, True)
        j += KEYS
    lse += matrix * p.L + query
    out += (matrix * p.L + query) * p.E
    for l in range(lanes):
        if total[l] == 0:
            lse[l] = INFINITY
        else:
            lse[l] = top[l] + log_(total[l])
            total[l] = 1 / total[l]
        for d in range(p.E):
            out[l * p.E + d] = sums[d * W + l] * total[l]


cdef inline Py_ssize_t forward_work(const Problem* p, const real* x) noexcept nogil:
    return (p.D + p.E + 2 * KEYS) * width_of(x)


cdef void forward_all(
    const Problem* p, const real* q, const real* k, const real* v, const char* mask, real* out,
    real* lse, real* work, int threads,
) noexcept nogil:
    cdef Py_ssize_t i, W = width_of(q), size = forward_work(p, q)
    cdef Py_ssize_t panels = (p.L + W - 1) // W
    if threads > 1:
        for i in prange(p.count * panels, num_threads=threads, schedule="dynamic"):
            forward_panel(p, q, k, v, mask, out, lse, i // panels, i % panels * W,
                          work + threadid() * size)
    else:
        for i in range(p.count * panels):
            forward_panel(p, q, k, v, mask, out, lse, i // panels, i % panels * W, work)


# ---- backward -----------------------------------------------------------------------------------

cdef inline void add_to_mask(
    const Problem* p, const real* tile, real* grad, Py_ssize_t rows, Py_ssize_t lanes
) noexcept nogil:
    cdef Py_ssize_t i, l, W = width_of(tile)
    for i in range(rows):
        for l in range(lanes):
            grad[i * p.mask_row + l * p.mask_column] += tile[i * W + l]


cdef struct Backward:
    const void* grad                     # (count, L, E), as out
    const void* q
    const void* k
    const void* v
    const char* mask
    const void* out
    const void* lse                      # (count, L)
    void* delta                          # (count, L): sum(grad * out) of each query
    void* grad_q                         # those that are not wanted are NULL
    void* grad_k
    void* grad_v
    void* grad_mask


cdef inline void slope_of_scores(
    const Problem* p, const Backward* b, Py_ssize_t matrix, Py_ssize_t query, Py_ssize_t key,
    const real* kt, const real* vt, real* tile, real* slope, real* spare,
) noexcept nogil:
    """tile = the weights after dropout of WIDTH queries and keys, slope = dS, without the scale."""
    cdef Py_ssize_t W = width_of(kt), n = min(width_of(kt), p.L - query)
    cdef Py_ssize_t lanes = min(width_of(kt), p.S - key)
    cdef Py_ssize_t at, d, l, item = 1 if p.mask_kind == BOOLEAN else sizeof(real)
    cdef const real* q = <const real*> b.q + p.q_at[matrix] + query * p.q_row
    cdef const real* grad = <const real*> b.grad + (matrix * p.L + query) * p.E
    cdef const real* lse = <const real*> b.lse + matrix * p.L + query
    cdef const real* delta = <const real*> b.delta + matrix * p.L + query
    cdef real s
    product(n, p.D, q, p.q_row, 1, kt, tile, W, False)
    if p.mask_kind:
        at = p.mask_at[matrix] + query * p.mask_row + key * p.mask_column
        apply_mask(p, b.mask + at * item, p.mask_row, p.mask_column, tile, spare, n, lanes)
    if p.causal and query == key:
        apply_causal(tile, n, 0, True)
    for d in range(n):
        s = lse[d]
        for l in range(W):
            tile[d * W + l] = exp_(tile[d * W + l] - s)
    product(n, p.E, grad, p.E, 1, vt, slope, W, False)
    if p.p > 0:                          # slope: the gradient of a weight before dropout
        keep_factors(p, matrix, query, n, key, lanes, W, 1, spare)
        for d in range(n):
            for l in range(lanes):
                slope[d * W + l] *= spare[d * W + l]
    for d in range(n):
        s = delta[d]
        for l in range(W):
            slope[d * W + l] = tile[d * W + l] * (slope[d * W + l] - s)
    if p.p > 0:
        for d in range(n):
            for l in range(lanes):
                tile[d * W + l] *= spare[d * W + l]


cdef inline void pack_keys(
    const Problem* p, const Backward* b, Py_ssize_t matrix, Py_ssize_t key, real* kt, real* vt
) noexcept nogil:
    """kt = scale * K^T (D, WIDTH), vt = V^T (E, WIDTH) of WIDTH keys."""
    cdef Py_ssize_t d, W = width_of(kt), lanes = min(width_of(kt), p.S - key)
    pack(p.D, lanes, <const real*> b.k + p.k_at[matrix] + key * p.k_row, 1, p.k_row, kt)
    for d in range(p.D * W):
        kt[d] *= <real> p.scale
    pack(p.E, lanes, <const real*> b.v + p.v_at[matrix] + key * p.v_row, 1, p.v_row, vt)


cdef inline void add_to_queries(
    const Problem* p, const Backward* b, Py_ssize_t matrix, Py_ssize_t query, Py_ssize_t key,
    const real* slope, real* turned, real* dq,
) noexcept nogil:
    """dq (D, WIDTH) += K^T dS^T of one tile."""
    cdef Py_ssize_t W = width_of(slope), lanes = min(width_of(slope), p.S - key)
    cdef const real* k = <const real*> b.k + p.k_at[matrix] + key * p.k_row
    pack(lanes, min(W, p.L - query), slope, 1, W, turned)
    product(p.D, lanes, k, 1, p.k_row, turned, dq, W, True)


cdef inline void store(
    real* panel, real scale, Py_ssize_t lanes, Py_ssize_t n, real* out
) noexcept nogil:
    """out (lanes, n) = scale * panel^T."""
    cdef Py_ssize_t l, d, W = width_of(panel)
    for l in range(lanes):
        for d in range(n):
            out[l * n + d] = scale * panel[d * W + l]


cdef void backward_keys(
    const Problem* p, const Backward* b, Py_ssize_t matrix, Py_ssize_t key, real* dq, real* work
) noexcept nogil:
    """The gradients of WIDTH keys and values; if dq is not NULL, what they add to dQ^T too."""
    cdef Py_ssize_t W = width_of(work), lanes = min(width_of(work), p.S - key)
    cdef Py_ssize_t n, i = key if p.causal else 0
    cdef real* kt = work                 # (D, WIDTH): scale * K^T
    cdef real* vt = kt + p.D * W         # (E, WIDTH): V^T
    cdef real* dk = vt + p.E * W         # (D, WIDTH): dK^T
    cdef real* dv = dk + p.D * W         # (E, WIDTH): dV^T
    cdef real* tile = dv + p.E * W       # (WIDTH, WIDTH) four times
    cdef real* slope = tile + W * W
    cdef real* turned = slope + W * W
    cdef real* spare = turned + W * W
    cdef const real* q = <const real*> b.q + p.q_at[matrix]
    cdef const real* grad = <const real*> b.grad + matrix * p.L * p.E
    cdef real* grad_mask = <real*> b.grad_mask
    pack_keys(p, b, matrix, key, kt, vt)
    memset(dk, 0, (p.D + p.E) * W * sizeof(real))
    while i < p.L:
        n = min(W, p.L - i)
        slope_of_scores(p, b, matrix, i, key, kt, vt, tile, slope, spare)
        if grad_mask != NULL:
            add_to_mask(p, slope, grad_mask + p.mask_at[matrix] + i * p.mask_row
                        + key * p.mask_column, n, lanes)
        if b.grad_v != NULL:
            product(p.E, n, grad + i * p.E, 1, p.E, tile, dv, W, True)
        if b.grad_k != NULL:
            product(p.D, n, q + i * p.q_row, 1, p.q_row, slope, dk, W, True)
        if dq != NULL:
            add_to_queries(p, b, matrix, i, key, slope, turned, dq + i * p.D)
        i += W
    if b.grad_k != NULL:
        store(dk, <real> p.scale, lanes, p.D, <real*> b.grad_k + (matrix * p.S + key) * p.D)
    if b.grad_v != NULL:
        store(dv, <real> 1, lanes, p.E, <real*> b.grad_v + (matrix * p.S + key) * p.E)


cdef void backward_queries(
    const Problem* p, const Backward* b, Py_ssize_t matrix, Py_ssize_t query, real* work
) noexcept nogil:
    """The gradient of WIDTH queries by itself: sums in the order that backward_keys has."""
    cdef Py_ssize_t W = width_of(work), lanes = min(width_of(work), p.L - query)
    cdef Py_ssize_t j = 0, end = min(p.S, query + lanes) if p.causal else p.S
    cdef real* kt = work
    cdef real* vt = kt + p.D * W
    cdef real* dq = vt + p.E * W
    cdef real* tile = dq + p.D * W + p.E * W
    cdef real* slope = tile + W * W
    cdef real* turned = slope + W * W
    cdef real* spare = turned + W * W
    memset(dq, 0, p.D * W * sizeof(real))
    while j < end:
        pack_keys(p, b, matrix, j, kt, vt)
        slope_of_scores(p, b, matrix, query, j, kt, vt, tile, slope, spare)
        add_to_queries(p, b, matrix, query, j, slope, turned, dq)
        j += W
    store(dq, <real> p.scale, lanes, p.D, <real*> b.grad_q + (matrix * p.L + query) * p.D)


cdef void backward_matrix(
    const Problem* p, const Backward* b, Py_ssize_t matrix, real* work
) noexcept nogil:
    """All gradients of one matrix: each tile of weights is made once."""
    cdef Py_ssize_t i, W = width_of(work), panels = (p.L + width_of(work) - 1) // width_of(work)
    cdef real* dq = NULL if b.grad_q == NULL else work  # (panels, D, WIDTH): dQ^T
    cdef real* rest = work + panels * p.D * W
    if dq != NULL:
        memset(dq, 0, panels * p.D * W * sizeof(real))
    for i in range((p.S + W - 1) // W):
        backward_keys(p, b, matrix, i * W, dq, rest)
    if dq != NULL:
        for i in range(panels):
            store(dq + i * W * p.D, <real> p.scale, min(W, p.L - i * W), p.D,
                  <real*> b.grad_q + (matrix * p.L + i * W) * p.D)


cdef inline Py_ssize_t backward_work(const Problem* p, const real* x) noexcept nogil:
    cdef Py_ssize_t W = width_of(x)
    return ((p.L + W - 1) // W * p.D + 2 * (p.D + p.E) + 4 * W) * W


cdef void backward_all(
    const Problem* p, const Backward* b, const real* x, real* work, int threads
) noexcept nogil:
    cdef Py_ssize_t i, d, W = width_of(x), size = backward_work(p, x)
    cdef Py_ssize_t keys = (p.S + W - 1) // W, queries = (p.L + W - 1) // W
    cdef const real* grad = <const real*> b.grad
    cdef const real* out = <const real*> b.out
    cdef real* delta = <real*> b.delta
    cdef real s
    for i in range(p.count * p.L):
        s = 0
        for d in range(p.E):
            s += grad[i * p.E + d] * out[i * p.E + d]
        delta[i] = s
    if threads == 1:
        for i in range(p.count):
            backward_matrix(p, b, i, work)
    elif 5 * threads <= 7 * p.count:
        for i in prange(p.count, num_threads=threads, schedule="dynamic"):
            backward_matrix(p, b, i, work + threadid() * size)
    else:  # few matrices: seven products instead of five, but panels to share out
        for i in prange(p.count * keys, num_threads=threads, schedule="dynamic"):
            backward_keys(p, b, i // keys, i % keys * W, <real*> NULL, work + threadid() * size)
        queries = 0 if b.grad_q == NULL else queries
        for i in prange(p.count * queries, num_threads=threads, schedule="dynamic"):
            backward_queries(p, b, i // queries, i % queries * W, work + threadid() * size)


# ---- from Python --------------------------------------------------------------------------------

cdef int describe(
    Problem* p, cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, cnp.ndarray mask, cnp.ndarray starts,
    bint causal, double scale, double dropout, uint64_t seed, uint64_t offset,
) except -1:
    """Fill in a Problem; the number of threads it is worth."""
    cdef int last = cnp.PyArray_NDIM(q) - 1
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(q)
    cdef int64_t* at = <int64_t*> cnp.PyArray_DATA(starts)
    p.count = cnp.PyArray_DIM(starts, 1)
    p.q_at, p.k_at, p.v_at, p.mask_at = at, at + p.count, at + 2 * p.count, at + 3 * p.count
    p.L, p.D = cnp.PyArray_DIM(q, last - 1), cnp.PyArray_DIM(q, last)
    p.S = cnp.PyArray_DIM(k, cnp.PyArray_NDIM(k) - 2)
    p.E = cnp.PyArray_DIM(v, cnp.PyArray_NDIM(v) - 1)
    p.q_row = cnp.PyArray_STRIDE(q, last - 1) // item
    p.k_row = cnp.PyArray_STRIDE(k, cnp.PyArray_NDIM(k) - 2) // item
    p.v_row = cnp.PyArray_STRIDE(v, cnp.PyArray_NDIM(v) - 2) // item
    p.mask_kind = p.mask_row = p.mask_column = 0
    if mask is not None:
        p.mask_kind = BOOLEAN if cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL else ADDITIVE
        item = cnp.PyArray_ITEMSIZE(mask)
        p.mask_row = cnp.PyArray_STRIDE(mask, cnp.PyArray_NDIM(mask) - 2) // item
        p.mask_column = cnp.PyArray_STRIDE(mask, cnp.PyArray_NDIM(mask) - 1) // item
    p.causal, p.scale, p.p, p.seed, p.offset = causal, scale, dropout, seed, offset
    return 1 if p.count * p.L * p.S * (p.D + p.E) < GRAIN else num_threads()


cdef void* data(cnp.ndarray x) noexcept:
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef cnp.ndarray workspace(Py_ssize_t numbers, cnp.ndarray like):
    cdef cnp.npy_intp size = numbers
    return cnp.PyArray_EMPTY(1, &size, cnp.PyArray_TYPE(like), 0)


def attention(
    cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, cnp.ndarray mask, cnp.ndarray starts,
    cnp.ndarray out, cnp.ndarray lse, bint causal, double scale, double p, uint64_t seed,
    uint64_t offset,
):
    """Fill out (count, L, E) and lse (count, L), the log-sum-exp of each row of scores.

    q (.., L, D), k (.., S, D), v (.., S, E) are of one floating-point type, their rows contiguous;
    mask (.., L, S), of bool or of that type, has any strides. starts (4, count) says at which
    element of each of them (0 for no mask) a matrix begins.
    """
    cdef Problem a
    cdef int threads = describe(&a, q, k, v, mask, starts, causal, scale, p, seed, offset)
    cdef void* qd = data(q)
    cdef void* kd = data(k)
    cdef void* vd = data(v)
    cdef void* md = data(mask)
    cdef void* od = data(out)
    cdef void* ld = data(lse)
    cdef void* wd
    cdef cnp.ndarray work
    if cnp.PyArray_TYPE(q) == cnp.NPY_FLOAT32:
        work = workspace(threads * forward_work(&a, <float*> qd), q)
        wd = data(work)
        with nogil:
            forward_all(&a, <float*> qd, <float*> kd, <float*> vd, <char*> md, <float*> od,
                        <float*> ld, <float*> wd, threads)
    else:
        work = workspace(threads * forward_work(&a, <double*> qd), q)
        wd = data(work)
        with nogil:
            forward_all(&a, <double*> qd, <double*> kd, <double*> vd, <char*> md, <double*> od,
                        <double*> ld, <double*> wd, threads)


def attention_grad(
    cnp.ndarray grad, cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, cnp.ndarray mask,
    cnp.ndarray starts, cnp.ndarray out, cnp.ndarray lse, cnp.ndarray grad_q, cnp.ndarray grad_k,
    cnp.ndarray grad_v, cnp.ndarray grad_mask, bint causal, double scale, double p, uint64_t seed,
    uint64_t offset,
):
    """Fill grad_q (count, L, D), grad_k (count, S, D), grad_v (count, S, E), those not None.

    grad_mask, zeros with the strides of mask, is added to. grad, out and lse are contiguous.
    """
    cdef Problem a
    cdef Backward b
    cdef int threads = describe(&a, q, k, v, mask, starts, causal, scale, p, seed, offset)
    cdef cnp.ndarray delta = workspace(a.count * a.L, q)
    cdef cnp.ndarray work
    cdef void* wd
    b.grad, b.out, b.lse = data(grad), data(out), data(lse)
    b.q, b.k, b.v = data(q), data(k), data(v)
    b.mask = <const char*> data(mask)
    b.delta = data(delta)
    b.grad_q, b.grad_k, b.grad_v = data(grad_q), data(grad_k), data(grad_v)
    b.grad_mask = data(grad_mask)
    if grad_mask is not None:
        threads = 1                      # several matrices may share a mask
    if cnp.PyArray_TYPE(q) == cnp.NPY_FLOAT32:
        work = workspace(threads * backward_work(&a, <float*> b.q), q)
        wd = data(work)
        with nogil:
            backward_all(&a, &b, <const float*> b.q, <float*> wd, threads)
    else:
        work = workspace(threads * backward_work(&a, <double*> b.q), q)
        wd = data(work)
        with nogil:
            backward_all(&a, &b, <const double*> b.q, <double*> wd, threads)
