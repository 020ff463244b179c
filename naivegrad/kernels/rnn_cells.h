/* One step of one sequence through a recurrent cell, and back.
 *
 * Included once for each element type, with REAL and NAME(x). `n` is the number of features. Of each
 * gate, x holds what comes from the input and s what comes from the state, n numbers after another.
 * Pointers are `restrict`, or the compiler would not vectorise loops over so many of them; h and c
 * come in as the state before and go out as the state after. In the gradients, dh comes in as the
 * gradient of the new state and goes out as the part of it that reaches the old one directly, not
 * through the gates.
 */
#include "vector_math.h"

#define EACH for (ptrdiff_t j = 0; j < n; j++)

/* h = tanh(x + s) */
static void NAME(tanh_step)(ptrdiff_t n, const REAL *restrict x, const REAL *restrict s,
                            REAL *restrict h) {
    EACH h[j] = TANH(x[j] + s[j]);
}

static void NAME(tanh_step_grad)(ptrdiff_t n, const REAL *restrict h, REAL *restrict dh,
                                 REAL *restrict dx) {
    EACH {
        dx[j] = dh[j] * (1 - h[j] * h[j]);
        dh[j] = 0;
    }
}

/* h = max(x + s, 0) */
static void NAME(relu_step)(ptrdiff_t n, const REAL *restrict x, const REAL *restrict s,
                            REAL *restrict h) {
    EACH {
        const REAL a = x[j] + s[j];
        h[j] = a < 0 ? 0 : a; /* NaN stays */
    }
}

static void NAME(relu_step_grad)(ptrdiff_t n, const REAL *restrict h, REAL *restrict dh,
                                 REAL *restrict dx) {
    EACH {
        dx[j] = h[j] > 0 ? dh[j] : 0;
        dh[j] = 0;
    }
}

/* c = f c + i g,  h = o tanh(c);  i, f, o = sigmoid(x + s), g = tanh(x + s).  gates: i, f, g, o */
static void NAME(lstm_step)(ptrdiff_t n, const REAL *restrict x, const REAL *restrict s,
                            REAL *restrict gates, REAL *restrict c, REAL *restrict cell,
                            REAL *restrict h) {
    EACH {
        const REAL i = SIGMOID(x[j] + s[j]);
        const REAL f = SIGMOID(x[n + j] + s[n + j]);
        const REAL g = TANH(x[2 * n + j] + s[2 * n + j]);
        const REAL o = SIGMOID(x[3 * n + j] + s[3 * n + j]);
        gates[j] = i;
        gates[n + j] = f;
        gates[2 * n + j] = g;
        gates[3 * n + j] = o;
        c[j] = cell[j] = f * c[j] + i * g;
        h[j] = o * TANH(c[j]);
    }
}

/* `before` is the cell before this step; dc comes in as the gradient of the cell after it. */
static void NAME(lstm_step_grad)(ptrdiff_t n, const REAL *restrict gates, const REAL *restrict cell,
                                 const REAL *restrict before, REAL *restrict dh, REAL *restrict dc,
                                 REAL *restrict dx) {
    EACH {
        const REAL i = gates[j], f = gates[n + j], g = gates[2 * n + j], o = gates[3 * n + j];
        const REAL t = TANH(cell[j]);
        const REAL d = dc[j] + dh[j] * o * (1 - t * t);
        dx[j] = d * g * i * (1 - i);
        dx[n + j] = d * before[j] * f * (1 - f);
        dx[2 * n + j] = d * i * (1 - g * g);
        dx[3 * n + j] = dh[j] * t * o * (1 - o);
        dc[j] = d * f;
        dh[j] = 0;
    }
}

/* h = m + z (h - m),  m = tanh(x + r s);  r, z = sigmoid(x + s).  gates: r, z, m, and s of m */
static void NAME(gru_step)(ptrdiff_t n, const REAL *restrict x, const REAL *restrict s,
                           REAL *restrict gates, REAL *restrict h) {
    EACH {
        const REAL r = SIGMOID(x[j] + s[j]);
        const REAL z = SIGMOID(x[n + j] + s[n + j]);
        const REAL m = TANH(x[2 * n + j] + r * s[2 * n + j]);
        gates[j] = r;
        gates[n + j] = z;
        gates[2 * n + j] = m;
        gates[3 * n + j] = s[2 * n + j];
        h[j] = m + z * (h[j] - m);
    }
}

/* `before` is the state before this step. */
static void NAME(gru_step_grad)(ptrdiff_t n, const REAL *restrict gates, const REAL *restrict before,
                                REAL *restrict dh, REAL *restrict dx, REAL *restrict ds) {
    EACH {
        const REAL r = gates[j], z = gates[n + j], m = gates[2 * n + j], s = gates[3 * n + j];
        const REAL dm = dh[j] * (1 - z) * (1 - m * m);
        const REAL dr = dm * s * r * (1 - r);
        const REAL dz = dh[j] * (before[j] - m) * z * (1 - z);
        dx[j] = ds[j] = dr;
        dx[n + j] = ds[n + j] = dz;
        dx[2 * n + j] = dm;
        ds[2 * n + j] = dm * r;
        dh[j] *= z;
    }
}

#undef EACH
