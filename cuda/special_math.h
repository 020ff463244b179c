/* Special functions that no C library has, in double: rows of scalar_ops.h round them to their type.
 *
 * Errors against SciPy are measured in tests/test_special.py: a few units in the last
 * place of float64 wherever the result is not near a zero of an alternating sum (digamma and
 * polygamma of even order at negative arguments).
 */
#ifndef NAIVEGRAD_SPECIAL_MATH_H
#define NAIVEGRAD_SPECIAL_MATH_H

#ifndef NG_FUNCTION
#define NG_FUNCTION static inline
#endif

#define NG_PI 3.14159265358979323846
#define NG_TWO_OVER_SQRT_PI 1.12837916709551257390

/* The inverse of erf: the approximation of M. Giles ("Approximating the erfinv function", GPU
 * Computing Gems 2, 2010) in single precision, mended by a step of Halley's method, which triples
 * the digits; far out, the leading term and three steps. In erfc where erf is near 1. */
NG_FUNCTION double ng_erfinv(double x) {
    const double size = fabs(x);
    if (!(size < 1)) return size == 1 ? x * INFINITY : NAN;
    double w = -log((1 - size) * (1 + size)), p;
    if (w < 5) {
        w -= 2.5;
        p = 2.81022636e-08;
        p = 3.43273939e-07 + p * w;
        p = -3.5233877e-06 + p * w;
        p = -4.39150654e-06 + p * w;
        p = 0.00021858087 + p * w;
        p = -0.00125372503 + p * w;
        p = -0.00417768164 + p * w;
        p = 0.246640727 + p * w;
        p = 1.50140941 + p * w;
    } else if (w < 16) {
        w = sqrt(w) - 3;
        p = -0.000200214257;
        p = 0.000100950558 + p * w;
        p = 0.00134934322 + p * w;
        p = -0.00367342844 + p * w;
        p = 0.00573950773 + p * w;
        p = -0.0076224613 + p * w;
        p = 0.00943887047 + p * w;
        p = 1.00167406 + p * w;
        p = 2.83297682 + p * w;
    } else {                                    /* erfc(y) = exp(-y^2) / (y sqrt(pi)), nearly */
        p = sqrt(-log((1 - size) * sqrt(NG_PI * -log(1 - size))));
    }
    double y = p * size;
    for (int step = w < 16 ? 1 : 3; step > 0; --step) {
        const double miss = size < 0.5 ? erf(y) - size : (1 - size) - erfc(y);
        const double newton = miss / (NG_TWO_OVER_SQRT_PI * exp(-y * y));
        y -= newton / (1 + y * newton);
    }
    return x < 0 ? -y : (x == 0 ? x : y);
}

/* psi(x) for x >= 1. From 10 on, the asymptotic series (Abramowitz & Stegun 6.3.18). Below, with
 * the positive zero r, psi(x) - psi(r) = sum over k of 1 / (k + r) - 1 / (k + x) = (x - r) / ((k +
 * r) (k + x)), ten terms and the difference of two asymptotic series, as factors of x - r: so the
 * result is accurate at r too. */
NG_FUNCTION double ng_digamma_positive(double x) {
    const double B[] = {-1.0 / 12, 1.0 / 120, -1.0 / 252, 1.0 / 240, -1.0 / 132, 691.0 / 32760,
                        -1.0 / 12};             /* -B_2k / 2k */
    if (x >= 10) {
        const double z = 1 / (x * x);
        double tail = 0;
        for (int k = 6; k >= 0; --k) tail = tail * z + B[k];
        return log(x) - 0.5 / x + tail * z;
    }
    const double r = 1.4616321449683622, r_rest = 9.549995429965697e-17;
    const double d = (x - r) - r_rest;
    double sum = 0;
    for (int k = 0; k < 10; ++k) sum += 1 / ((k + r) * (k + x));
    const double a = 10 + r, b = 10 + x, u = 1 / (a * a), v = 1 / (b * b);
    double value = 0, slope = 0;                /* of the series, between v and u */
    for (int k = 6; k >= 0; --k) {
        slope = slope * u + value;
        value = value * v + B[k];
    }
    slope = slope * u + value;                  /* of series times its argument */
    return d * sum + log1p(d / a) + d * (0.5 / (a * b) - slope * (a + b) * u * v);
}

NG_FUNCTION double ng_digamma(double x) {
    if (x == 0) return copysign(INFINITY, -x);
    if (x < 0) {
        const double part = x - rint(x);        /* psi(1 - x) - pi / tan(pi x) */
        if (!(part != 0)) return NAN;
        return ng_digamma_positive(1 - x) - NG_PI / tan(NG_PI * part);
    }
    return x < 1 ? ng_digamma_positive(1 + x) - 1 / x : ng_digamma_positive(x);
}

/* sum over k of (x + k)^-s, s > 1, x >= 0: ten terms and the Euler-Maclaurin formula for the rest
 * (NIST Handbook 25.11.5). */
NG_FUNCTION double ng_zeta_positive(double s, double x) {
    const double B[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160,
                        -691.0 / 1307674368000.0, 1.0 / 74724249600.0,
                        -3617.0 / 10670622842880000.0}; /* B_2k / (2k)! */
    if (x == INFINITY) return 0;
    double rest = 0, term;
    const double a = x + 10;
    term = pow(a, -s);
    if (term > 0) {
        double factor = s / a;
        rest = term * a / (s - 1) + 0.5 * term;
        for (int k = 0; k < 8; ++k) {
            rest += B[k] * factor * term;
            factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (a * a);
        }
    }
    for (int k = 9; k >= 0; --k) rest += pow(x + k, -s); /* small ones first */
    return rest;
}

/* The n-th derivative of psi, n >= 1: (-1)^(n+1) n! zeta(n + 1, x). Below 0 the sum is split where
 * its terms change sign, into sums over positive numbers. */
NG_FUNCTION double ng_polygamma(double n, double x) {
    if (n == 0) return ng_digamma(x);
    const double s = n + 1, odd = fmod(n, 2) == 1 ? 1 : -1; /* odd = (-1)^s too */
    double sum;
    if (x > 0 || x != x) {
        sum = x != x ? x : ng_zeta_positive(s, x);
    } else if (x == floor(x)) {
        sum = x == -INFINITY ? NAN : INFINITY;
    } else {
        const double whole = floor(-x);
        sum = ng_zeta_positive(s, x + whole + 1) +
              odd * (ng_zeta_positive(s, -x - whole) - ng_zeta_positive(s, 1 - x));
    }
    return odd * tgamma(s) * sum;
}

/* The modified Bessel functions of order 0 and 1, times exp(-|x|) if `scaled`: the power series
 * (all terms positive) up to 30, the asymptotic one (Abramowitz & Stegun 9.6.10, 9.7.1) beyond. */
NG_FUNCTION double ng_bessel_i(int order, int scaled, double x) {
    const double size = fabs(x);
    double y;
    if (x != x) return x;
    if (size <= 30) {
        const double z = size * size / 4;
        double term = order ? size / 2 : 1;
        y = term;
        for (int k = 1; k < 100 && term > y * 1e-17; ++k) {
            term *= z / ((double)k * (k + order));
            y += term;
        }
        if (scaled) y *= exp(-size);
    } else {
        double term = 1;
        y = 1;
        for (int k = 1; k < 30 && fabs(term) > 1e-17; ++k) {
            const double odd = 2 * k - 1;
            term *= (odd * odd - 4 * order) / (8 * k * size);
            y += term;
        }
        y /= sqrt(2 * NG_PI * size);
        if (!scaled) y = y * exp(size / 2) * exp(size / 2);   /* y exp(x) overflows late */
        if (size > 1e300) y = scaled ? y : INFINITY;
    }
    return order && x < 0 ? -y : y;
}

#endif
