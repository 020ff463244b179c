/* The inner loops of kernels/reduce.pyx for one type: REAL, named with SUFFIX (f32, f64).
 *
 * Included once per type, after LANES and COLUMNS. In C because the compiler has to see, for each
 * operation, one plain loop with constant bounds: only then do the partial results stay in
 * registers.
 *
 *   fold_<op>_<suffix>          n neighbouring values to one
 *   fold_columns_<op>_<suffix>  n rows to one, `width` columns side by side
 *   arg_columns_<op>_<suffix>   the row of the extreme value, `width` columns side by side
 *
 * STEP takes a value into a partial result, JOIN two partial results into one. The order of both is
 * fixed by n alone. max and min let NaN win: `v != v` takes it, and no comparison with it is true
 * afterwards.
 */

#define NG_JOIN(a, b) a##_##b
#define NG_NAME(a, b) NG_JOIN(a, b)

#define NG_FOLD(OP, START, STEP, JOIN)                                                             \
    static REAL NG_NAME(fold_##OP, SUFFIX)(const REAL *x, Py_ssize_t n, REAL center) {             \
        REAL lane[LANES], total = START;                                                           \
        Py_ssize_t i = 0;                                                                          \
        int j;                                                                                     \
        (void)center;                                                                              \
        if (n < LANES / 2) {                                                                       \
            for (; i < n; i++) {                                                                   \
                const REAL a = total, v = x[i];                                                    \
                total = STEP(a, v, center);                                                        \
            }                                                                                      \
            return total;                                                                          \
        }                                                                                          \
        for (j = 0; j < LANES; j++) lane[j] = START;                                               \
        for (; i + LANES <= n; i += LANES)                                                         \
            for (j = 0; j < LANES; j++) {                                                          \
                const REAL a = lane[j], v = x[i + j];                                              \
                lane[j] = STEP(a, v, center);                                                      \
            }                                                                                      \
        for (j = 0; j < n - i; j++) {                                                              \
            const REAL a = lane[j], v = x[i + j];                                                  \
            lane[j] = STEP(a, v, center);                                                          \
        }                                                                                          \
        /* Pairwise; a loop each, of constant length, so that each becomes one instruction. */     \
        for (j = 0; j < 16; j++) lane[j] = JOIN(lane[j], lane[j + 16]);                            \
        for (j = 0; j < 8; j++) lane[j] = JOIN(lane[j], lane[j + 8]);                              \
        for (j = 0; j < 4; j++) lane[j] = JOIN(lane[j], lane[j + 4]);                              \
        for (j = 0; j < 2; j++) lane[j] = JOIN(lane[j], lane[j + 2]);                              \
        return JOIN(lane[0], lane[1]);                                                             \
    }                                                                                              \
    /* Four rows at a time, so that a partial result is fetched and stored once for four values. */\
    static void NG_NAME(fold_columns_##OP, SUFFIX)(                                                \
        const REAL *restrict x, REAL *restrict acc, const REAL *restrict center, Py_ssize_t n,     \
        Py_ssize_t inner, Py_ssize_t width) {                                                      \
        Py_ssize_t i = 0, j;                                                                       \
        for (j = 0; j < width; j++) acc[j] = START;                                                \
        for (; i + 4 <= n; i += 4, x += 4 * inner)                                                 \
            for (j = 0; j < width; j++) {                                                          \
                REAL a = acc[j], v = x[j];                                                         \
                a = STEP(a, v, center[j]);                                                         \
                v = x[j + inner];                                                                  \
                a = STEP(a, v, center[j]);                                                         \
                v = x[j + 2 * inner];                                                              \
                a = STEP(a, v, center[j]);                                                         \
                v = x[j + 3 * inner];                                                              \
                acc[j] = STEP(a, v, center[j]);                                                    \
            }                                                                                      \
        for (; i < n; i++, x += inner)                                                             \
            for (j = 0; j < width; j++) {                                                          \
                const REAL a = acc[j], v = x[j];                                                   \
                acc[j] = STEP(a, v, center[j]);                                                    \
            }                                                                                      \
    }

#define NG_ADD(a, v, c) ((a) + (v))
#define NG_ADD2(a, b) ((a) + (b))
#define NG_MUL(a, v, c) ((a) * (v))
#define NG_MUL2(a, b) ((a) * (b))
#define NG_SQUARE(a, v, c) ((a) + ((v) - (c)) * ((v) - (c)))
#define NG_MAX(a, v, c) (((v) > (a)) | ((v) != (v)) ? (v) : (a))
#define NG_MAX2(a, b) NG_MAX(a, b, 0)
#define NG_MIN(a, v, c) (((v) < (a)) | ((v) != (v)) ? (v) : (a))
#define NG_MIN2(a, b) NG_MIN(a, b, 0)

NG_FOLD(sum, 0, NG_ADD, NG_ADD2)
NG_FOLD(prod, 1, NG_MUL, NG_MUL2)
NG_FOLD(squares, 0, NG_SQUARE, NG_ADD2)
NG_FOLD(short_max, -INFINITY, NG_MAX, NG_MAX2)
NG_FOLD(short_min, INFINITY, NG_MIN, NG_MIN2)

/* The comparison alone, and beside it whether there was a NaN, in W partial results (32 or 64):
 * more of them for longer lines. Lines below LIMIT, which is not below W, are left to SHORTER. */
#define NG_EXTREME(NAME, LESS, W, LIMIT, SHORTER)                                                  \
    static REAL NG_NAME(NAME, SUFFIX)(const REAL *x, Py_ssize_t n, REAL center) {                  \
        REAL lane[W];                                                                              \
        FLAG nan[W], any = 0;                                                                      \
        Py_ssize_t i = W;                                                                          \
        int j;                                                                                     \
        if (n < LIMIT) return NG_NAME(SHORTER, SUFFIX)(x, n, center);                              \
        for (j = 0; j < (W); j++) lane[j] = x[j], nan[j] = x[j] != x[j];                           \
        for (; i + (W) <= n; i += (W))                                                             \
            for (j = 0; j < (W); j++) {                                                            \
                const REAL v = x[i + j];                                                           \
                lane[j] = lane[j] LESS v ? v : lane[j];                                            \
                nan[j] |= v != v;                                                                  \
            }                                                                                      \
        for (j = 0; j < n - i; j++) {                                                              \
            const REAL v = x[i + j];                                                               \
            lane[j] = lane[j] LESS v ? v : lane[j];                                                \
            nan[j] |= v != v;                                                                      \
        }                                                                                          \
        for (j = 0; j < (W); j++) any |= nan[j];                                                   \
        if (any) return (REAL)NAN;                                                                 \
        for (j = 0; j < (W) / 2; j++)                                                              \
            lane[j] = lane[j] LESS lane[j + (W) / 2] ? lane[j + (W) / 2] : lane[j];                \
        for (j = 0; (W) > 32 && j < 16; j++)                                                       \
            lane[j] = lane[j] LESS lane[j + 16] ? lane[j + 16] : lane[j];                          \
        for (j = 0; j < 8; j++) lane[j] = lane[j] LESS lane[j + 8] ? lane[j + 8] : lane[j];        \
        for (j = 0; j < 4; j++) lane[j] = lane[j] LESS lane[j + 4] ? lane[j + 4] : lane[j];        \
        for (j = 0; j < 2; j++) lane[j] = lane[j] LESS lane[j + 2] ? lane[j + 2] : lane[j];        \
        return lane[0] LESS lane[1] ? lane[1] : lane[0];                                           \
    }

#define NG_EXTREME_COLUMNS(OP, START, LESS)                                                        \
    /* At most COLUMNS wide. Four rows are compared with one another first: one comparison alone   \
     * waits for the step before. */                                                               \
    static void NG_NAME(fold_columns_##OP, SUFFIX)(const REAL *restrict x, REAL *restrict acc,     \
                                                   Py_ssize_t n, Py_ssize_t inner,                 \
                                                   Py_ssize_t width) {                             \
        FLAG nan[COLUMNS];                                                                         \
        Py_ssize_t i = 0, j;                                                                       \
        for (j = 0; j < width; j++) acc[j] = START, nan[j] = 0;                                    \
        for (; i + 4 <= n; i += 4, x += 4 * inner)                                                 \
            for (j = 0; j < width; j++) {                                                          \
                const REAL a = x[j], b = x[j + inner], c = x[j + 2 * inner], d = x[j + 3 * inner]; \
                const REAL ab = a LESS b ? b : a, cd = c LESS d ? d : c, v = ab LESS cd ? cd : ab; \
                nan[j] |= (a != a) | (b != b) | (c != c) | (d != d);                               \
                acc[j] = acc[j] LESS v ? v : acc[j];                                               \
            }                                                                                      \
        for (; i < n; i++, x += inner)                                                             \
            for (j = 0; j < width; j++) {                                                          \
                const REAL v = x[j];                                                               \
                nan[j] |= v != v;                                                                  \
                acc[j] = acc[j] LESS v ? v : acc[j];                                               \
            }                                                                                      \
        for (j = 0; j < width; j++) acc[j] = nan[j] ? (REAL)NAN : acc[j];                          \
    }

NG_EXTREME(fold_middle_max, <, LANES, 2 * LANES, fold_short_max)
NG_EXTREME(fold_middle_min, >, LANES, 2 * LANES, fold_short_min)
NG_EXTREME(fold_max, <, 2 * LANES, 4 * LANES, fold_middle_max)
NG_EXTREME(fold_min, >, 2 * LANES, 4 * LANES, fold_middle_min)
NG_EXTREME_COLUMNS(max, -INFINITY, <)
NG_EXTREME_COLUMNS(min, INFINITY, >)

/* Where the extreme value of each of `width` columns of n rows stands: the first, or a NaN's. */
#define NG_ARG(OP, BEATS)                                                                          \
    static void NG_NAME(arg_columns_##OP, SUFFIX)(const REAL *restrict x, REAL *restrict best,     \
                                                  FLAG *restrict at, Py_ssize_t n,                 \
                                                  Py_ssize_t inner, Py_ssize_t width) {            \
        Py_ssize_t i, j;                                                                           \
        for (j = 0; j < width; j++) best[j] = x[j], at[j] = 0;                                     \
        for (i = 1; i < n; i++) {                                                                  \
            x += inner;                                                                            \
            for (j = 0; j < width; j++) {                                                          \
                const REAL a = best[j], v = x[j];                                                  \
                const int take = (v BEATS a) | ((v != v) & (a == a));                              \
                best[j] = take ? v : a;                                                            \
                at[j] = take ? (FLAG)i : at[j];                                                    \
            }                                                                                      \
        }                                                                                          \
    }

NG_ARG(max, >)
NG_ARG(min, <)

/* By number, as the kernels name the operations. */
static REAL NG_NAME(fold_op, SUFFIX)(int op, const REAL *x, Py_ssize_t n, REAL center) {
    switch (op) {
    case 0: return NG_NAME(fold_sum, SUFFIX)(x, n, center);
    case 1: return NG_NAME(fold_prod, SUFFIX)(x, n, center);
    case 2: return NG_NAME(fold_max, SUFFIX)(x, n, center);
    case 3: return NG_NAME(fold_min, SUFFIX)(x, n, center);
    default: return NG_NAME(fold_squares, SUFFIX)(x, n, center);
    }
}

static void NG_NAME(fold_columns_op, SUFFIX)(int op, const REAL *x, REAL *acc, const REAL *center,
                                             Py_ssize_t n, Py_ssize_t inner, Py_ssize_t width) {
    /* Where there are no centers, any memory that may be read stands for them. */
    if (center == NULL) center = x;
    switch (op) {
    case 0: NG_NAME(fold_columns_sum, SUFFIX)(x, acc, center, n, inner, width); break;
    case 1: NG_NAME(fold_columns_prod, SUFFIX)(x, acc, center, n, inner, width); break;
    case 2: NG_NAME(fold_columns_max, SUFFIX)(x, acc, n, inner, width); break;
    case 3: NG_NAME(fold_columns_min, SUFFIX)(x, acc, n, inner, width); break;
    default: NG_NAME(fold_columns_squares, SUFFIX)(x, acc, center, n, inner, width);
    }
}

#undef NG_FOLD
#undef NG_EXTREME
#undef NG_EXTREME_COLUMNS
#undef NG_ARG
#undef NG_ADD
#undef NG_ADD2
#undef NG_MUL
#undef NG_MUL2
#undef NG_SQUARE
#undef NG_MAX
#undef NG_MAX2
#undef NG_MIN
#undef NG_MIN2
#undef NG_JOIN
#undef NG_NAME
