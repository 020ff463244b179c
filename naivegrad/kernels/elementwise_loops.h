/* Loops around the rows of scalar_ops.h, for float32 and float64, and the tables that name them. */
#include "vector_math.h"
#include "special_math.h"
#include "scalar_ops.h"

#if defined(__GNUC__)
/* The output may be one of the inputs (x += y), element for element: nothing else is promised. */
#define NG_SAME_OR_APART _Pragma("GCC ivdep")
#else
#define NG_SAME_OR_APART
#endif

typedef void (*ng_unary_loop)(const char *px, char *po, ptrdiff_t n, ptrdiff_t sx, double p_, double q_);
typedef void (*ng_binary_loop)(const char *px, const char *py, char *po, ptrdiff_t n, ptrdiff_t sx,
                               ptrdiff_t sy, double p_, double q_);

/* Strides are in bytes, of the inputs only: the output of a loop is contiguous. */
#define NG_UNARY(NAME, TYPE, SUFFIX, EXPR)                                                         \
    static void ng_##NAME##_##SUFFIX(const char *px, char *po, ptrdiff_t n, ptrdiff_t sx,          \
                                     double p_, double q_) {                                       \
        typedef TYPE T;                                                                            \
        const T p = (T)p_, q = (T)q_;                                                              \
        (void)p, (void)q;                                                                          \
        T *o = (T *)po;                                                                            \
        if (sx == sizeof(T)) {                                                                     \
            const T *a = (const T *)px;                                                            \
            NG_SAME_OR_APART                                                                       \
            for (ptrdiff_t i = 0; i < n; ++i) { const T x = a[i]; o[i] = EXPR; }                   \
        } else {                                                                                   \
            for (ptrdiff_t i = 0; i < n; ++i) { const T x = *(const T *)(px + i * sx); o[i] = EXPR; } \
        }                                                                                          \
    }

#define NG_BINARY_AS(NAME, TYPE, SUFFIX, OUT, EXPR)                                                \
    static void ng_##NAME##_##SUFFIX(const char *px, const char *py, char *po, ptrdiff_t n,        \
                                     ptrdiff_t sx, ptrdiff_t sy, double p_, double q_) {           \
        typedef TYPE T;                                                                            \
        const T p = (T)p_, q = (T)q_;                                                              \
        (void)p, (void)q;                                                                          \
        OUT *o = (OUT *)po;                                                                        \
        const T *a = (const T *)px, *b = (const T *)py;                                            \
        if (sx == sizeof(T) && sy == sizeof(T)) {                                                  \
            NG_SAME_OR_APART                                                                       \
            for (ptrdiff_t i = 0; i < n; ++i) { const T x = a[i], y = b[i]; o[i] = EXPR; }         \
        } else if (sx == sizeof(T) && sy == 0) {                                                   \
            const T y = *b;                                                                        \
            NG_SAME_OR_APART                                                                       \
            for (ptrdiff_t i = 0; i < n; ++i) { const T x = a[i]; o[i] = EXPR; }                   \
        } else if (sx == 0 && sy == sizeof(T)) {                                                   \
            const T x = *a;                                                                        \
            NG_SAME_OR_APART                                                                       \
            for (ptrdiff_t i = 0; i < n; ++i) { const T y = b[i]; o[i] = EXPR; }                   \
        } else {                                                                                   \
            for (ptrdiff_t i = 0; i < n; ++i) {                                                    \
                const T x = *(const T *)(px + i * sx), y = *(const T *)(py + i * sy);              \
                o[i] = EXPR;                                                                       \
            }                                                                                      \
        }                                                                                          \
    }

#define NG_BINARY(NAME, TYPE, SUFFIX, EXPR) NG_BINARY_AS(NAME, TYPE, SUFFIX, TYPE, EXPR)
#define NG_COMPARE(NAME, TYPE, SUFFIX, EXPR) NG_BINARY_AS(NAME, TYPE, SUFFIX, unsigned char, EXPR)

#define NG_UNARY_BOTH(NAME, EXPR) NG_UNARY(NAME, float, f32, EXPR) NG_UNARY(NAME, double, f64, EXPR)
#define NG_BINARY_BOTH(NAME, EXPR) NG_BINARY(NAME, float, f32, EXPR) NG_BINARY(NAME, double, f64, EXPR)
#define NG_COMPARE_BOTH(NAME, EXPR) NG_COMPARE(NAME, float, f32, EXPR) NG_COMPARE(NAME, double, f64, EXPR)

NG_UNARY_TABLE(NG_UNARY_BOTH)
NG_BINARY_TABLE(NG_BINARY_BOTH)
NG_COMPARE_TABLE(NG_COMPARE_BOTH)

/* A row: the name and its loops, by element type: [0] float32, [1] float64. */
typedef struct { const char *name; ng_unary_loop loop[2]; } ng_unary_row;
typedef struct { const char *name; ng_binary_loop loop[2]; } ng_binary_row;
#define NG_ROW(NAME, EXPR) { #NAME, { ng_##NAME##_f32, ng_##NAME##_f64 } },

static const ng_unary_row ng_unary_rows[] = { NG_UNARY_TABLE(NG_ROW) };
static const ng_binary_row ng_binary_rows[] = { NG_BINARY_TABLE(NG_ROW) };
static const ng_binary_row ng_compare_rows[] = { NG_COMPARE_TABLE(NG_ROW) };
enum {
    ng_unary_count = sizeof ng_unary_rows / sizeof ng_unary_rows[0],
    ng_binary_count = sizeof ng_binary_rows / sizeof ng_binary_rows[0],
    ng_compare_count = sizeof ng_compare_rows / sizeof ng_compare_rows[0]
};
