/* float32 exp, log, tanh, erf and friends as straight-line code, so that the compiler vectorises
 * any loop around them. float64 goes to the C library.
 *
 * Design:
 *   - No branches: every special case is a select on values, which vectorises at each ISA level.
 *   - Argument reduction with constants split in two (Cody & Waite 1980): n * LN2_HI is exact,
 *     because LN2_HI ends in zero bits; LN2_LO mends what it cut off. True with and without fused
 *     multiply-add.
 *   - NaN passes through: comparisons with NaN are false, so the selects keep x.
 * Errors against float64 are measured in tests/test_vector_math.py: exp, exp2, expm1, log, log2,
 * log1p, erf, sigmoid, tanh within 2.5 units in the last place over their whole range (sigmoid is 0
 * below -88.7), sinh and cosh within 3.
 */
#ifndef NAIVEGRAD_VECTOR_MATH_H
#define NAIVEGRAD_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define NG_INLINE static inline __attribute__((always_inline))
#else
#define NG_INLINE static inline
#endif

#define NG_LN2_HI 0.693359375f     /* 355 / 512 */
#define NG_LN2_LO -2.12194440e-4f  /* ln 2 - 355 / 512 */
#define NG_LOG2_E 1.44269504f
#define NG_ROUND 12582912.0f       /* 1.5 * 2^23: adding it rounds to an integer in the low bits */

NG_INLINE float ng_from_bits(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

NG_INLINE int32_t ng_to_bits(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln2 / 2: the Taylor polynomial of degree 7 is
 * off by less than 6e-9 there. 2^n is applied in two halves, so that results may be denormal or
 * overflow to infinity on their own. */
NG_INLINE float ng_expf(float x) {
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    const float shifted = x * NG_LOG2_E + NG_ROUND;
    const int32_t n = ng_to_bits(shifted) - 0x4b400000; /* the bits of NG_ROUND */
    const float whole = shifted - NG_ROUND;
    const float r = (x - whole * NG_LN2_HI) - whole * NG_LN2_LO;
    float y = 1.98412698e-4f; /* 1 / 7! */
    y = y * r + 1.38888889e-3f;
    y = y * r + 8.33333333e-3f;
    y = y * r + 4.16666667e-2f;
    y = y * r + 1.66666667e-1f;
    y = y * r + 0.5f;
    y = (y * r) * r + r + 1.0f;
    const int32_t half = n >> 1;
    return y * ng_from_bits((half + 127) << 23) * ng_from_bits((n - half + 127) << 23);
}

/* log(x) = e ln 2 + log(1 + f), x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). With s = f / (2 +
 * f), log(1 + f) = 2 atanh(s) = 2s + s R(s^2); coefficients of R from the minimax fit published
 * with FreeBSD's k_logf. */
NG_INLINE float ng_logf(float x) {
    const float scaled = x < 1.17549435e-38f ? x * 33554432.0f : x; /* denormals: times 2^25 */
    const float bias = x < 1.17549435e-38f ? 25.0f : 0.0f;
    const int32_t bits = ng_to_bits(scaled);
    const int32_t e = (bits - 0x3f3504f3) >> 23; /* 0x3f3504f3: the bits of sqrt(1/2) */
    const float f = ng_from_bits(bits - (e << 23)) - 1.0f;
    const float k = (float)e - bias;
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float w = z * z;
    const float r = z * (0.66666662693f + w * 0.28498786688f)
                  + w * (0.40000972152f + w * 0.24279078841f);
    const float half_square = 0.5f * f * f;
    float y = k * NG_LN2_HI - ((half_square - (s * (half_square + r) + k * NG_LN2_LO)) - f);
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x == INFINITY || x != x ? x : y;
}

/* log(1 + x): the rounding of u = 1 + x is undone by the factor x / (u - 1) (Kahan). */
NG_INLINE float ng_log1pf(float x) {
    const float u = 1.0f + x;
    const float d = u - 1.0f;
    const float y = ng_logf(u) * (x / d);
    return d == 0.0f ? x : (u == INFINITY ? u : y);
}

NG_INLINE float ng_sigmoidf(float x) {
    return 1.0f / (1.0f + ng_expf(-x));
}

/* tanh: an odd polynomial below 0.625 (where 1 - 2 / (e^2x + 1) would cancel), the quotient above.
 * Coefficients from the minimax fit published with Cephes' tanhf. */
NG_INLINE float ng_tanhf(float x) {
    const float z = x * x;
    float small = -5.70498872745e-3f;
    small = small * z + 2.06390887954e-2f;
    small = small * z - 5.37397155531e-2f;
    small = small * z + 1.33314422036e-1f;
    small = small * z - 3.33332819422e-1f;
    small = small * z * x + x;
    const float size = x < 0.0f ? -x : x;
    const float large = 1.0f - 2.0f / (ng_expf(2.0f * size) + 1.0f);
    return size < 0.625f ? small : (x < 0.0f ? -large : large);
}

/* erf: x P(x^2) on |x| <= 1 (relative error 1.4e-9), 1 - exp(Q(|x|)) on 1 < |x| < 4 (absolute error
 * 5e-10), 1 beyond: interpolation at Chebyshev nodes of erf(x) / x and log(erfc(x)), done in 50
 * digits. */
NG_INLINE float ng_erff(float x) {
    const float z = x * x;
    float small = 7.875875063e-5f;
    small = small * z - 8.016864287e-4f;
    small = small * z + 5.189087423e-3f;
    small = small * z - 2.685421201e-2f;
    small = small * z + 1.128359472e-1f;
    small = small * z - 3.761262667e-1f;
    small = (small * z + 1.28379166e-1f) * x + x; /* 1.128379... in two parts: one rounding less */
    float size = x < 0.0f ? -x : x;
    const float a = size > 4.0f ? 4.0f : size;
    float large = 1.637151415e-6f;
    large = large * a - 4.605804269e-5f;
    large = large * a + 5.968056257e-4f;
    large = large * a - 4.759596293e-3f;
    large = large * a + 2.642113601e-2f;
    large = large * a - 1.100800829e-1f;
    large = large * a - 6.318260516e-1f;
    large = large * a - 1.130233435f;
    large = large * a + 3.201380497e-4f;
    large = 1.0f - ng_expf(large);
    return size <= 1.0f ? small : (x < 0.0f ? -large : (x != x ? x : large));
}

NG_INLINE double ng_sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

/* exp2(x) = 2^n exp(r ln 2), n = round(x): as exp, and the reduction is exact. */
NG_INLINE float ng_exp2f(float x) {
    x = x > 129.0f ? 129.0f : x;
    x = x < -151.0f ? -151.0f : x;
    const float shifted = x + NG_ROUND;
    const int32_t n = ng_to_bits(shifted) - 0x4b400000;
    const float r = x - (shifted - NG_ROUND);
    float y = 1.52527338e-5f; /* ln(2)^k / k! */
    y = y * r + 1.54035304e-4f;
    y = y * r + 1.33335581e-3f;
    y = y * r + 9.61812911e-3f;
    y = y * r + 5.55041087e-2f;
    y = y * r + 2.40226507e-1f;
    y = y * r + 6.93147181e-1f;
    y = y * r + 1.0f;
    const int32_t half = n >> 1;
    return y * ng_from_bits((half + 127) << 23) * ng_from_bits((n - half + 127) << 23);
}

/* expm1(x) = 2^n (exp(r) - 1) + (2^n - 1), with the reduction and the polynomial of exp. */
NG_INLINE float ng_expm1f(float x) {
    const float a = x > 89.0f ? 89.0f : (x < -18.0f ? -18.0f : x);
    const float shifted = a * NG_LOG2_E + NG_ROUND;
    const int32_t n = ng_to_bits(shifted) - 0x4b400000;
    const float whole = shifted - NG_ROUND;
    const float r = (a - whole * NG_LN2_HI) - whole * NG_LN2_LO;
    float y = 1.98412698e-4f;
    y = y * r + 1.38888889e-3f;
    y = y * r + 8.33333333e-3f;
    y = y * r + 4.16666667e-2f;
    y = y * r + 1.66666667e-1f;
    y = y * r + 0.5f;
    y = (y * r) * r + r;
    const float power = ng_from_bits((n - 1 + 127) << 23); /* half of 2^n, which may overflow */
    y = (y * power + (power - 0.5f)) * 2.0f;
    return x == 0.0f ? x : y;
}

/* sinh and cosh by e = expm1(|x|), or the square of exp(|x| / 2) where that overflows too early. */
NG_INLINE float ng_sinhf(float x) {
    const float size = x < 0.0f ? -x : x;
    const float e = ng_expm1f(size), half = ng_expf(0.5f * size);
    const float y = size > 88.0f ? 0.5f * half * half : 0.5f * (e + e / (e + 1.0f));
    return x != x || x == 0.0f ? x : (x < 0.0f ? -y : y);
}

NG_INLINE float ng_coshf(float x) {
    const float size = x < 0.0f ? -x : x;
    const float e = ng_expf(size), half = ng_expf(0.5f * size);
    return size > 88.0f ? 0.5f * half * half : 0.5f * e + 0.5f / e;
}

/* log2(x) = e + log(1 + f) / ln 2: exact for powers of two. */
NG_INLINE float ng_log2f(float x) {
    const float scaled = x < 1.17549435e-38f ? x * 33554432.0f : x;
    const float bias = x < 1.17549435e-38f ? 25.0f : 0.0f;
    const int32_t bits = ng_to_bits(scaled);
    const int32_t e = (bits - 0x3f3504f3) >> 23;
    const float rest = ng_logf(ng_from_bits(bits - (e << 23)));
    /* 1 / ln 2 in two parts */
    float y = ((float)e - bias) + (rest * 1.44269502f + rest * 1.92596299e-8f);
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x == INFINITY || x != x ? x : y;
}

/* lgamma without the global variable that the C library writes the sign to. */
NG_INLINE float ng_lgammaf(float x) {
#if defined(__GLIBC__) || defined(__APPLE__)
    int sign;
    return lgammaf_r(x, &sign);
#else
    return lgammaf(x);
#endif
}

NG_INLINE double ng_lgamma(double x) {
#if defined(__GLIBC__) || defined(__APPLE__)
    int sign;
    return lgamma_r(x, &sign);
#else
    return lgamma(x);
#endif
}

/* The names that scalar_ops.h uses, resolved by the type of the argument. */
#define EXP(x) _Generic((x), float: ng_expf, default: exp)(x)
#define LOG(x) _Generic((x), float: ng_logf, default: log)(x)
#define LOG1P(x) _Generic((x), float: ng_log1pf, default: log1p)(x)
#define SIGMOID(x) _Generic((x), float: ng_sigmoidf, default: ng_sigmoid)(x)
#define TANH(x) _Generic((x), float: ng_tanhf, default: tanh)(x)
#define ERF(x) _Generic((x), float: ng_erff, default: erf)(x)
#define SQRT(x) _Generic((x), float: sqrtf, default: sqrt)(x)
#define SIN(x) _Generic((x), float: sinf, default: sin)(x)
#define COS(x) _Generic((x), float: cosf, default: cos)(x)
#define POW(x, y) _Generic((x), float: powf, default: pow)(x, y)
#define FMOD(x, y) _Generic((x), float: fmodf, default: fmod)(x, y)
#define FABS(x) _Generic((x), float: fabsf, default: fabs)(x)
#define FLOOR(x) _Generic((x), float: floorf, default: floor)(x)
#define CEIL(x) _Generic((x), float: ceilf, default: ceil)(x)
#define RINT(x) _Generic((x), float: rintf, default: rint)(x)
#define LOG10(x) _Generic((x), float: log10f, default: log10)(x)
#define TAN(x) _Generic((x), float: tanf, default: tan)(x)
#define ASIN(x) _Generic((x), float: asinf, default: asin)(x)
#define ACOS(x) _Generic((x), float: acosf, default: acos)(x)
#define ATAN(x) _Generic((x), float: atanf, default: atan)(x)
#define SINH(x) _Generic((x), float: ng_sinhf, default: sinh)(x)
#define COSH(x) _Generic((x), float: ng_coshf, default: cosh)(x)
#define ASINH(x) _Generic((x), float: asinhf, default: asinh)(x)
#define ACOSH(x) _Generic((x), float: acoshf, default: acosh)(x)
#define ATANH(x) _Generic((x), float: atanhf, default: atanh)(x)
#define ERFC(x) _Generic((x), float: erfcf, default: erfc)(x)
#define TRUNC(x) _Generic((x), float: truncf, default: trunc)(x)
#define ATAN2(x, y) _Generic((x), float: atan2f, default: atan2)(x, y)
#define HYPOT(x, y) _Generic((x), float: hypotf, default: hypot)(x, y)
#define COPYSIGN(x, y) _Generic((x), float: copysignf, default: copysign)(x, y)
#define NEXTAFTER(x, y) _Generic((x), float: nextafterf, default: nextafter)(x, y)
#define EXP2(x) _Generic((x), float: ng_exp2f, default: exp2)(x)
#define EXPM1(x) _Generic((x), float: ng_expm1f, default: expm1)(x)
#define LOG2(x) _Generic((x), float: ng_log2f, default: log2)(x)
#define LGAMMA(x) _Generic((x), float: ng_lgammaf, default: ng_lgamma)(x)
#define SIGNBIT(x) (signbit(x) != 0)

#endif
