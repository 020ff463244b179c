# The tile of matmul_tile.h for float32 and float64, and its form without vector types: for kernels
# that multiply panels which they keep themselves. A panel is `depth` rows of WIDTH columns.

from naivegrad.kernels.rows cimport real

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define NAME(x) x##_f32
    #define REAL float
    #define INT int32_t
    #include "matmul_tile.h"
    #undef NAME
    #undef REAL
    #undef INT
    #define NAME(x) x##_f64
    #define REAL double
    #define INT int64_t
    #include "matmul_tile.h"
    #undef NAME
    #undef REAL
    #undef INT
    #else /* the same without vector types: slow, but right */
    enum { ROWS = 8, VECTORS = 1, VECTOR_BYTES = 64, DEPTH = 192 };
    #define PLAIN(REAL, NAME)                                                                     \\
    static void multiply_##NAME(int rows, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row,        \\
                                ptrdiff_t a_step, const REAL *b, REAL *c, ptrdiff_t c_row,        \\
                                int add, const REAL *bias) {                                      \\
        const int width = VECTOR_BYTES / sizeof(REAL);                                            \\
        for (int i = 0; i < rows; i++)                                                            \\
            for (int j = 0; j < width; j++) {                                                     \\
                REAL sum = add ? c[i * c_row + j] : bias ? bias[j] : 0;                           \\
                for (ptrdiff_t k = 0; k < depth; k++)                                             \\
                    sum += a[i * a_row + k * a_step] * b[k * width + j];                          \\
                c[i * c_row + j] = sum;                                                           \\
            }                                                                                     \\
    }                                                                                             \\
    static void pack_##NAME(ptrdiff_t depth, int columns, const REAL *b, ptrdiff_t b_row,         \\
                            ptrdiff_t b_column, REAL *panel) {                                    \\
        const int width = VECTOR_BYTES / sizeof(REAL);                                            \\
        for (ptrdiff_t k = 0; k < depth; k++)                                                     \\
            for (int j = 0; j < width; j++)                                                       \\
                panel[k * width + j] = j < columns ? b[k * b_row + j * b_column] : 0;             \\
    }
    PLAIN(float, f32)
    PLAIN(double, f64)
    #endif
    enum {
        tile_rows = ROWS,
        width_f32 = VECTORS * VECTOR_BYTES / 4,
        width_f64 = VECTORS * VECTOR_BYTES / 8
    };
    """
    enum:
        DEPTH              # rows of a panel that fit the first-level cache
        tile_rows
        width_f32
        width_f64
    void multiply_f32(int, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, const float*, float*,
                      Py_ssize_t, int, const float*) noexcept nogil
    void multiply_f64(int, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, const double*,
                      double*, Py_ssize_t, int, const double*) noexcept nogil
    void pack_f32(Py_ssize_t, int, const float*, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
    void pack_f64(Py_ssize_t, int, const double*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil

cdef inline Py_ssize_t width_of(const real* _x) noexcept nogil:
    """WIDTH: how many numbers of one row a tile has."""
    if real is float:
        return width_f32
    else:
        return width_f64


cdef inline void product(
    Py_ssize_t m, Py_ssize_t depth, const real* a, Py_ssize_t a_row, Py_ssize_t a_step,
    const real* panel, real* c, Py_ssize_t c_row, bint add, const real* bias=NULL,
) noexcept nogil:
    """C (m, WIDTH) = A panel (+ bias), or C += A panel; the panel has `depth` rows of WIDTH."""
    cdef Py_ssize_t i = 0
    while i < m:
        if real is float:
            multiply_f32(<int> min(<Py_ssize_t> tile_rows, m - i), depth, a + i * a_row, a_row,
                         a_step, panel, c + i * c_row, c_row, add, bias)
        else:
            multiply_f64(<int> min(<Py_ssize_t> tile_rows, m - i), depth, a + i * a_row, a_row,
                         a_step, panel, c + i * c_row, c_row, add, bias)
        i += tile_rows


cdef inline void pack(
    Py_ssize_t depth, Py_ssize_t columns, const real* b, Py_ssize_t b_row, Py_ssize_t b_column,
    real* panel,
) noexcept nogil:
    """panel[k][j] = b[k * b_row + j * b_column] for j < columns, 0 up to WIDTH."""
    if real is float:
        pack_f32(depth, <int> columns, b, b_row, b_column, panel)
    else:
        pack_f64(depth, <int> columns, b, b_row, b_column, panel)
