/* The inner tile of a matrix product, and the packing that feeds it.
 *
 * Included once for each element type, with REAL, INT (a signed integer of its size) and NAME(x).
 *
 * multiply     ROWS rows of A x VECTORS vectors of columns of B, the sums in registers from the first k
 *              to the last; per k VECTORS loads of B and ROWS broadcasts of A feed ROWS * VECTORS
 *              multiply-adds
 * pack_*       k values of WIDTH neighbouring columns of B, one row of WIDTH after the other, zeros
 *              beyond the last column: so that B is read in order, and the tile needs no masks
 */
#ifndef MATMUL_TILE_H
#define MATMUL_TILE_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#if defined(__AVX512F__) || defined(__aarch64__) /* 32 vector registers: 24 sums, 3 of B, 1 of A */
enum { ROWS = 8 };
#else /* 16: 12 sums, 3 of B, 1 of A */
enum { ROWS = 4 };
#endif
enum { VECTORS = 3, DEPTH = 192 }; /* DEPTH x WIDTH values of B fit the first-level cache */

#define TILE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define VEC NAME(vec)
#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
#define WIDTH (VECTORS * LANES)

typedef REAL VEC __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL NAME(unaligned) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef INT NAME(lanes) __attribute__((vector_size(VECTOR_BYTES)));

TILE VEC NAME(load)(const REAL *p) { return *(const NAME(unaligned) *)p; }
TILE void NAME(store)(REAL *p, VEC v) { *(NAME(unaligned) *)p = v; }
TILE VEC NAME(splat)(REAL s) { return s - (VEC){0}; }

/* c[i][.] = start + sum_k a[i][k] * b[k][.] for i < rows; start is c itself (add), bias, or 0. */
TILE void NAME(multiply_rows)(const int rows, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row,
                              ptrdiff_t a_step, const REAL *b, REAL *c, ptrdiff_t c_row, int add,
                              const REAL *bias) {
    VEC sum[ROWS][VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < VECTORS; v++) {
            sum[i][v] = add    ? NAME(load)(c + i * c_row + v * LANES)
                        : bias ? NAME(load)(bias + v * LANES)
                               : NAME(splat)(0);
        }
    }
    for (ptrdiff_t k = 0; k < depth; k++) {
        const VEC b0 = NAME(load)(b), b1 = NAME(load)(b + LANES), b2 = NAME(load)(b + 2 * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            const VEC s = NAME(splat)(a[i * a_row]);
            sum[i][0] += s * b0;
            sum[i][1] += s * b1;
            sum[i][2] += s * b2;
        }
        a += a_step;
        b += WIDTH;
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < VECTORS; v++) NAME(store)(c + i * c_row + v * LANES, sum[i][v]);
    }
}

/* The number of rows must be a constant, for the sums to live in registers. */
static void NAME(multiply)(int rows, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_step,
                           const REAL *b, REAL *c, ptrdiff_t c_row, int add, const REAL *bias) {
#define CASE(n) \
    case n: NAME(multiply_rows)(n, depth, a, a_row, a_step, b, c, c_row, add, bias); break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4)
#if defined(__AVX512F__) || defined(__aarch64__)
        CASE(5) CASE(6) CASE(7) CASE(8)
#endif
    }
#undef CASE
}

/* The transpose of a square of LANES vectors, by exchanging blocks of half, a quarter, ... of it. */
TILE void NAME(transpose)(VEC r[]) {
    UNROLL for (int s = LANES / 2; s > 0; s /= 2) {
        NAME(lanes) low, high;
        UNROLL for (int l = 0; l < LANES; l++) {
            low[l] = l & s ? LANES + l - s : l;
            high[l] = l & s ? LANES + l : l + s;
        }
        UNROLL for (int i = 0; i < LANES; i++) {
            if (i & s) continue;
            const VEC x = r[i], y = r[i + s];
            r[i] = __builtin_shuffle(x, y, low);
            r[i + s] = __builtin_shuffle(x, y, high);
        }
    }
}

/* panel[k][j] = b[k * b_row + j * b_column] for j < columns, 0 up to WIDTH. */
static void NAME(pack)(ptrdiff_t depth, int columns, const REAL *b, ptrdiff_t b_row, ptrdiff_t b_column,
                       REAL *panel) {
    if (b_column == 1 && columns == WIDTH) {
        for (ptrdiff_t k = 0; k < depth; k++) {
            UNROLL for (int v = 0; v < VECTORS; v++) {
                NAME(store)(panel + k * WIDTH + v * LANES, NAME(load)(b + k * b_row + v * LANES));
            }
        }
        return;
    }
    if (columns < WIDTH) memset(panel, 0, depth * WIDTH * sizeof(REAL));
    int j = 0;
    if (b_row == 1) {
        for (; j + LANES <= columns; j += LANES) {
            ptrdiff_t k = 0;
            for (; k + LANES <= depth; k += LANES) {
                VEC r[VECTOR_BYTES / sizeof(REAL)];
                UNROLL for (int l = 0; l < LANES; l++) r[l] = NAME(load)(b + (j + l) * b_column + k);
                NAME(transpose)(r);
                UNROLL for (int l = 0; l < LANES; l++) NAME(store)(panel + (k + l) * WIDTH + j, r[l]);
            }
            for (; k < depth; k++) {
                for (int l = 0; l < LANES; l++) panel[k * WIDTH + j + l] = b[(j + l) * b_column + k];
            }
        }
    }
    for (ptrdiff_t k = 0; k < depth; k++) {
        for (int l = j; l < columns; l++) panel[k * WIDTH + l] = b[k * b_row + l * b_column];
    }
}

/* C = A B (+ bias along the rows), or C += A B; the rows of C are contiguous.
 *
 * B is packed panel by panel, DEPTH x WIDTH at a time, and each panel meets all rows of A while it
 * is in the first-level cache. */
static void NAME(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row,
                          ptrdiff_t a_column, const REAL *b, ptrdiff_t b_row, ptrdiff_t b_column, REAL *c,
                          ptrdiff_t c_row, int add, const REAL *bias) {
    REAL panel[DEPTH * WIDTH] __attribute__((aligned(VECTOR_BYTES)));
    const ptrdiff_t blocks = depth > DEPTH ? (depth + DEPTH - 1) / DEPTH : 1;
    for (ptrdiff_t block = 0; block < blocks; block++) {
        const ptrdiff_t k = depth * block / blocks, length = depth * (block + 1) / blocks - k;
        for (ptrdiff_t j = 0; j < n; j += WIDTH) {
            const int columns = n - j < WIDTH ? (int)(n - j) : WIDTH;
            REAL start[WIDTH] = {0};
            if (bias) memcpy(start, bias + j, columns * sizeof(REAL));
            NAME(pack)(length, columns, b + k * b_row + j * b_column, b_row, b_column, panel);
            for (ptrdiff_t i = 0; i < m; i += ROWS) {
                const int rows = m - i < ROWS ? (int)(m - i) : ROWS;
                const REAL *ai = a + i * a_row + k * a_column;
                REAL *ci = c + i * c_row + j;
                const int resume = add || block > 0;
                if (columns == WIDTH) {
                    NAME(multiply)(rows, length, ai, a_row, a_column, panel, ci, c_row, resume, start);
                    continue;
                }
                REAL edge[ROWS * WIDTH];
                for (int r = 0; resume && r < rows; r++) {
                    memcpy(edge + r * WIDTH, ci + r * c_row, columns * sizeof(REAL));
                }
                NAME(multiply)(rows, length, ai, a_row, a_column, panel, edge, WIDTH, resume, start);
                for (int r = 0; r < rows; r++) {
                    memcpy(ci + r * c_row, edge + r * WIDTH, columns * sizeof(REAL));
                }
            }
        }
    }
}

#undef VEC
#undef LANES
#undef WIDTH
