/* The two inner tiles of a convolution: everything that is multiplied is multiplied here.

   Included once for each element type, with REAL, INT (a signed integer of the same size) and
   NAME(x) defined. A tile keeps its sums in vector registers from the first tap to the last:

   correlate   ROWS filters x 3 vectors of output pixels; per tap 3 loads and ROWS broadcasts
               feed 3 * ROWS multiply-adds
   dot         DOT_ROWS gradients x DOT_TAPS taps, one vector of pixels at a time; per vector
               DOT_ROWS + DOT_TAPS loads feed DOT_ROWS * DOT_TAPS multiply-adds

   The sizes below fill the registers that the processor has, and no more: a spilled sum costs
   as much as the arithmetic. GCC's vector types say "so many lanes" without naming a processor. */

#ifndef CONV_TILE_H
#define CONV_TILE_H
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

#if defined(__AVX512F__) || defined(__aarch64__) /* 32 vector registers */
enum { ROWS = 8, DOT_ROWS = 4, DOT_TAPS = 6 };
#define UP_TO_ROWS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#define UP_TO_DOT_ROWS(CASE) CASE(1) CASE(2) CASE(3) CASE(4)
#elif defined(__FMA__) /* 16 */
enum { ROWS = 4, DOT_ROWS = 3, DOT_TAPS = 4 };
#define UP_TO_ROWS(CASE) CASE(1) CASE(2) CASE(3) CASE(4)
#define UP_TO_DOT_ROWS(CASE) CASE(1) CASE(2) CASE(3)
#else /* 16, of which a product wants one */
enum { ROWS = 3, DOT_ROWS = 3, DOT_TAPS = 3 };
#define UP_TO_ROWS(CASE) CASE(1) CASE(2) CASE(3)
#define UP_TO_DOT_ROWS(CASE) CASE(1) CASE(2) CASE(3)
#endif

#if defined(__GNUC__)
#define TILE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#else
#define TILE static __forceinline
#define UNROLL
#endif
#endif

#define VEC NAME(vec)
#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))

#if defined(__GNUC__)
typedef REAL VEC __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL NAME(unaligned) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef INT NAME(bits) __attribute__((vector_size(VECTOR_BYTES)));

TILE VEC NAME(load)(const REAL* p) { return *(const NAME(unaligned)*)p; }
TILE void NAME(store)(REAL* p, VEC v) { *(NAME(unaligned)*)p = v; }
TILE VEC NAME(splat)(REAL s) { return s - (VEC){0}; }
TILE VEC NAME(fma)(VEC a, VEC b, VEC c) { return a * b + c; }
/* Lanes outside [low, high) become 0, whatever they held (inf and nan too). */
TILE VEC NAME(keep)(VEC v, int low, int high) {
    NAME(bits) mask;
    for (int i = 0; i < LANES; i++) mask[i] = -(INT)(i >= low && i < high);
    return (VEC)((NAME(bits))v & mask);
}
#else
typedef struct { REAL lane[VECTOR_BYTES / sizeof(REAL)]; } VEC;

TILE VEC NAME(load)(const REAL* p) { VEC v; memcpy(&v, p, sizeof v); return v; }
TILE void NAME(store)(REAL* p, VEC v) { memcpy(p, &v, sizeof v); }
TILE VEC NAME(splat)(REAL s) { VEC v; for (int i = 0; i < LANES; i++) v.lane[i] = s; return v; }
TILE VEC NAME(fma)(VEC a, VEC b, VEC c) {
    for (int i = 0; i < LANES; i++) c.lane[i] += a.lane[i] * b.lane[i];
    return c;
}
TILE VEC NAME(keep)(VEC v, int low, int high) {
    for (int i = 0; i < LANES; i++) if (i < low || i >= high) v.lane[i] = 0;
    return v;
}
#endif

/* Copy n < LANES elements: two pieces of one size, which overlap where n is no power of two. A size
   that is known to the compiler makes memcpy one instruction instead of a call. */
TILE void NAME(copy_few)(REAL* to, const REAL* from, ptrdiff_t n) {
    const size_t size = n * sizeof(REAL);
    char* t = (char*)to;
    const char* f = (const char*)from;
    if (size >= 32) { memcpy(t, f, 32); memcpy(t + size - 32, f + size - 32, 32); }
    else if (size >= 16) { memcpy(t, f, 16); memcpy(t + size - 16, f + size - 16, 16); }
    else if (size >= 8) { memcpy(t, f, 8); memcpy(t + size - 8, f + size - 8, 8); }
    else if (n == 1) *to = *from;
}

/* to[i][j] = from[i][j] for low <= j < high, and 0 for the other j < width. Rows are short, and a
   call of memcpy costs as much as copying one: whole vectors, the last one ending where the row
   does. */
static void NAME(copy_rows)(REAL* to, ptrdiff_t to_row, const REAL* from, ptrdiff_t from_row,
                            ptrdiff_t rows, ptrdiff_t low, ptrdiff_t high, ptrdiff_t width) {
    static const REAL zeros[VECTOR_BYTES / sizeof(REAL)];
    const ptrdiff_t n = high - low;
    from += low;
    if (width < LANES) {
        for (; rows > 0; rows--, to += to_row, from += from_row) {
            if (n < width) NAME(copy_few)(to, zeros, width);
            NAME(copy_few)(to + low, from, n);
        }
    } else if (n < LANES || low > LANES || width - high > LANES) {
        for (; rows > 0; rows--, to += to_row, from += from_row) {
            memset(to, 0, width * sizeof(REAL));
            memcpy(to + low, from, n * sizeof(REAL));
        }
    } else {
        for (; rows > 0; rows--, to += to_row, from += from_row) {
            REAL* const middle = to + low;
            ptrdiff_t j = 0;
            if (low > 0) NAME(store)(to, NAME(splat)(0));
            if (high < width) NAME(store)(to + width - LANES, NAME(splat)(0));
            for (; j + LANES <= n; j += LANES) NAME(store)(middle + j, NAME(load)(from + j));
            if (j < n) NAME(store)(middle + n - LANES, NAME(load)(from + n - LANES));
        }
    }
}

/* y_j[i][.] = start + sum_t w[t][i] * x_j[tap[t] + .]   for i < rows and the 3 vectors j,
   where start is y itself (add), bias[i], or 0. */
TILE void NAME(correlate_rows)(const int rows, const REAL* w, const ptrdiff_t* tap, ptrdiff_t taps,
                               const REAL* x0, const REAL* x1, const REAL* x2, const REAL* bias,
                               int add, REAL* y0, REAL* y1, REAL* y2, ptrdiff_t y_stride) {
    VEC sum[ROWS][3];
    UNROLL for (int i = 0; i < rows; i++) {
        if (add) {
            sum[i][0] = NAME(load)(y0 + i * y_stride);
            sum[i][1] = NAME(load)(y1 + i * y_stride);
            sum[i][2] = NAME(load)(y2 + i * y_stride);
        } else {
            sum[i][0] = sum[i][1] = sum[i][2] = NAME(splat)(bias ? bias[i] : 0);
        }
    }
    for (ptrdiff_t t = 0; t < taps; t++) {
        const VEC a = NAME(load)(x0 + tap[t]);
        const VEC b = NAME(load)(x1 + tap[t]);
        const VEC c = NAME(load)(x2 + tap[t]);
        UNROLL for (int i = 0; i < rows; i++) {
            const VEC s = NAME(splat)(w[t * ROWS + i]);
            sum[i][0] = NAME(fma)(s, a, sum[i][0]);
            sum[i][1] = NAME(fma)(s, b, sum[i][1]);
            sum[i][2] = NAME(fma)(s, c, sum[i][2]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        NAME(store)(y0 + i * y_stride, sum[i][0]);
        NAME(store)(y1 + i * y_stride, sum[i][1]);
        NAME(store)(y2 + i * y_stride, sum[i][2]);
    }
}

/* A tile with fewer rows is its own code: the row count must be a constant to live in registers. */
static void NAME(correlate)(int rows, const REAL* w, const ptrdiff_t* tap, ptrdiff_t taps,
                            const REAL* x0, const REAL* x1, const REAL* x2, const REAL* bias,
                            int add, REAL* y0, REAL* y1, REAL* y2, ptrdiff_t y_stride) {
#define CASE(n) \
    case n: NAME(correlate_rows)(n, w, tap, taps, x0, x1, x2, bias, add, y0, y1, y2, y_stride); break;
    switch (rows) { UP_TO_ROWS(CASE) }
#undef CASE
}

/* The sum of all lanes, halves onto halves; spelled out, for a compiler to keep in registers. */
TILE REAL NAME(lane_sum)(VEC v) {
    REAL a[VECTOR_BYTES / sizeof(REAL)];
    memcpy(a, &v, sizeof v);
    if (LANES >= 16) UNROLL for (int i = 0; i < 8; i++) a[i] += a[i + 8];
    if (LANES >= 8) UNROLL for (int i = 0; i < 4; i++) a[i] += a[i + 4];
    if (LANES >= 4) UNROLL for (int i = 0; i < 2; i++) a[i] += a[i + 2];
    return a[0] + a[1];
}

/* out[i][place[t]] += sum_{image, p < pixels} grad[image][i][p] * x[image][tap[t] + p]
   for i < rows and t < taps. Where the pixels are no whole number of vectors the last vector
   ends at the last pixel and the lanes that were counted before are masked; with fewer pixels
   than lanes, both sides must be readable for one whole vector. */
TILE void NAME(dot_rows)(const int rows, int taps, const REAL* grad, ptrdiff_t grad_row,
                         ptrdiff_t grad_image, const REAL* x, ptrdiff_t x_image,
                         const ptrdiff_t* tap, const ptrdiff_t* place, ptrdiff_t images,
                         ptrdiff_t pixels, REAL* out, ptrdiff_t out_row) {
    VEC sum[DOT_ROWS][DOT_TAPS];
    ptrdiff_t offset[DOT_TAPS];
    const ptrdiff_t whole = pixels - pixels % LANES;
    const ptrdiff_t last = pixels > LANES ? pixels - LANES : 0;

    /* Missing taps repeat the first one; their sums are dropped. */
    UNROLL for (int t = 0; t < DOT_TAPS; t++) offset[t] = tap[t < taps ? t : 0];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int t = 0; t < DOT_TAPS; t++) sum[i][t] = NAME(splat)(0);

    for (ptrdiff_t image = 0; image < images; image++, grad += grad_image, x += x_image) {
        for (ptrdiff_t p = 0; p < whole; p += LANES) {
            VEC g[DOT_ROWS];
            UNROLL for (int i = 0; i < rows; i++) g[i] = NAME(load)(grad + i * grad_row + p);
            UNROLL for (int t = 0; t < DOT_TAPS; t++) {
                const VEC v = NAME(load)(x + offset[t] + p);
                UNROLL for (int i = 0; i < rows; i++) sum[i][t] = NAME(fma)(g[i], v, sum[i][t]);
            }
        }
        if (whole < pixels) {
            const int low = (int)(whole - last), high = (int)(pixels - last);
            VEC g[DOT_ROWS];
            UNROLL for (int i = 0; i < rows; i++)
                g[i] = NAME(keep)(NAME(load)(grad + i * grad_row + last), low, high);
            UNROLL for (int t = 0; t < DOT_TAPS; t++) {
                const VEC v = NAME(keep)(NAME(load)(x + offset[t] + last), low, high);
                UNROLL for (int i = 0; i < rows; i++) sum[i][t] = NAME(fma)(g[i], v, sum[i][t]);
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int t = 0; t < DOT_TAPS; t++)
            if (t < taps) out[i * out_row + place[t]] += NAME(lane_sum)(sum[i][t]);
}

static void NAME(dot)(int rows, int taps, const REAL* grad, ptrdiff_t grad_row,
                      ptrdiff_t grad_image, const REAL* x, ptrdiff_t x_image, const ptrdiff_t* tap,
                      const ptrdiff_t* place, ptrdiff_t images, ptrdiff_t pixels, REAL* out,
                      ptrdiff_t out_row) {
#define CASE(n)                                                                               \
    case n: NAME(dot_rows)(n, taps, grad, grad_row, grad_image, x, x_image, tap, place, images, \
                           pixels, out, out_row); break;
    switch (rows) { UP_TO_DOT_ROWS(CASE) }
#undef CASE
}

#undef VEC
#undef LANES
