/* float32 exp, log, tanh, erf and friends as straight-line code, so that the compiler vectorises
 * any loop around them. float64 goes to the C library, but for sigmoid and tanh.
 *
 * Design:
 *   - No branches: every special case is a select on values, which vectorises at each ISA level.
 *   - Argument reduction with constants split in two (Cody & Waite 1980): n * LN2_HI is exact,
 *     because LN2_HI ends in zero bits; LN2_LO mends what it cut off. True with and without fused
 *     multiply-add.
 *   - NaN passes through: comparisons with NaN are false, so the selects keep x.
 * Errors against float64 are measured in tests/test_vector_math.py: exp, exp2, expm1, log, log2,
 * log1p, erf, sigmoid, tanh, asin, tan within 2.5 units in the last place over their whole range
 * (sigmoid is 0 below -88.7), log10, sin, cos, atan, atan2, acos within 2, sinh and cosh within 3,
 * asinh, acosh and atanh within 3.5, erfc within 5.5; in float64 sigmoid and tanh within 2.5.
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
#define NG_LN2_F 0.693147181f
#define NG_LOG2_E 1.44269504f
#define NG_PI_2_HI 1.57079637f     /* pi / 2 as a float */
#define NG_PI_2_LO -4.37113883e-8f /* and what it lacks */
#define NG_ROUND 12582912.0f       /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
#define NG_ROUND_F64 6755399441055744.0 /* 1.5 * 2^52 */

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
    return copysignf(size < 0.625f ? small : large, x); /* of -0, too */
}

/* erf on |x| <= 1: x P(x^2), relative error 1.4e-9: interpolation at Chebyshev nodes, done in 50
 * digits. */
NG_INLINE float ng_erf_below_one(float x) {
    const float z = x * x;
    float y = 7.875875063e-5f;
    y = y * z - 8.016864287e-4f;
    y = y * z + 5.189087423e-3f;
    y = y * z - 2.685421201e-2f;
    y = y * z + 1.128359472e-1f;
    y = y * z - 3.761262667e-1f;
    return (y * z + 1.28379166e-1f) * x + x; /* 1.128379... in two parts: one rounding less */
}

/* erf beyond 1: 1 - exp(Q(|x|)) below 4 (absolute error 5e-10), Q fitted to log(erfc(x)) as the
 * polynomial above, and 1 from there on. */
NG_INLINE float ng_erff(float x) {
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
    return size <= 1.0f ? ng_erf_below_one(x) : (x < 0.0f ? -large : (x != x ? x : large));
}

/* exp of a double, as of a float: the Taylor polynomial of degree 13 is off by less than 5e-18.
 * Half of n comes by rounding, since AVX2 has no arithmetic shift of 64 bits. */
NG_INLINE double ng_exp(double x) {
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    const double shifted = x * 1.4426950408889634 + NG_ROUND_F64;
    const double whole = shifted - NG_ROUND_F64;
    const double halved = whole * 0.5 + NG_ROUND_F64;
    int64_t n, half;
    memcpy(&n, &shifted, sizeof n);
    memcpy(&half, &halved, sizeof half);
    n -= half; /* the other half: the bits of NG_ROUND_F64 go */
    half -= 0x4338000000000000;
    const double r = (x - whole * 0.693145751953125) - whole * 1.4286068203094173e-6;
    double y = 1.6059043836821613e-10; /* 1 / 13! */
    y = y * r + 2.08767569878681e-09;
    y = y * r + 2.505210838544172e-08;
    y = y * r + 2.755731922398589e-07;
    y = y * r + 2.7557319223985893e-06;
    y = y * r + 2.48015873015873e-05;
    y = y * r + 0.0001984126984126984;
    y = y * r + 0.001388888888888889;
    y = y * r + 0.008333333333333333;
    y = y * r + 0.041666666666666664;
    y = y * r + 0.16666666666666666;
    y = y * r + 0.5;
    y = (y * r) * r + r + 1.0;
    double power, other;
    half = (half + 1023) << 52;
    n = (n + 1023) << 52;
    memcpy(&power, &half, sizeof power);
    memcpy(&other, &n, sizeof other);
    return y * power * other;
}

NG_INLINE double ng_sigmoid(double x) {
    return 1.0 / (1.0 + ng_exp(-x));
}

/* tanh as of a float; the rational function below 0.625 is that of Cephes' tanh. */
NG_INLINE double ng_tanh(double x) {
    const double z = x * x;
    const double p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z
                   - 1.61468768441708447952e3;
    const double q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z
                   + 4.84406305325125486048e3;
    const double small = p / q * z * x + x;
    const double size = x < 0.0 ? -x : x;
    const double large = 1.0 - 2.0 / (ng_exp(2.0 * size) + 1.0);
    return copysign(size < 0.625 ? small : large, x); /* of -0, too */
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

/* log10(x) = e log10(2) + log(1 + f) / ln 10, reduced as log is. The leading term f - f^2 / 2 is
 * cut to 12 bits, hi, so that its product with the 12 bits of 1 / ln 10 is exact (the way and the
 * constants of FreeBSD's e_log10f): powers of ten come out whole. */
NG_INLINE float ng_log10f(float x) {
    const float scaled = x < 1.17549435e-38f ? x * 33554432.0f : x;
    const float bias = x < 1.17549435e-38f ? 25.0f : 0.0f;
    const int32_t bits = ng_to_bits(scaled);
    const int32_t e = (bits - 0x3f3504f3) >> 23;
    const float f = ng_from_bits(bits - (e << 23)) - 1.0f;
    const float k = (float)e - bias;
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float w = z * z;
    const float r = z * (0.66666662693f + w * 0.28498786688f)
                  + w * (0.40000972152f + w * 0.24279078841f);
    const float half_square = 0.5f * f * f;
    const float hi = ng_from_bits(ng_to_bits(f - half_square) & (int32_t)0xfffff000);
    const float lo = ((f - hi) - half_square) + s * (half_square + r);
    float y = k * 7.9034151668e-07f;                        /* log10(2), the low part */
    y = y + (lo + hi) * -3.1689971365e-05f;                 /* 1 / ln 10, the low part */
    y = y + lo * 4.3432617188e-01f + hi * 4.3432617188e-01f;
    y = y + k * 3.0102920532e-01f;
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x == INFINITY || x != x ? x : y;
}

/* atan(t) for 0 <= t <= 1 as t + t^3 P(t^2), degree 8 (relative error 2e-9): weighted least squares
 * at Chebyshev nodes, reweighted towards the minimax. */
NG_INLINE float ng_atan_below_one(float t) {
    const float z = t * t;
    float y = -1.827184644e-3f;
    y = y * z + 1.106431500e-2f;
    y = y * z - 3.145546906e-2f;
    y = y * z + 5.823432003e-2f;
    y = y * z - 8.419445964e-2f;
    y = y * z + 1.095757185e-1f;
    y = y * z - 1.426524460e-1f;
    y = y * z + 1.999863855e-1f;
    y = y * z - 3.333330186e-1f;
    return y * z * t + t;
}

/* atan(x) = pi / 2 - atan(1 / x) above 1. */
NG_INLINE float ng_atanf(float x) {
    const float size = fabsf(x);
    const float y = ng_atan_below_one(size > 1.0f ? 1.0f / size : size);
    return copysignf(size > 1.0f ? NG_PI_2_HI - (y - NG_PI_2_LO) : y, x);
}

/* The angle of the point (x, y): the smaller over the larger of |x| and |y|, then by octant. */
NG_INLINE float ng_atan2f(float y, float x) {
    const float a = fabsf(x), b = fabsf(y);
    const float small = a < b ? a : b, large = a < b ? b : a;
    float t = small / large;
    t = large == 0.0f ? 0.0f : (small == INFINITY ? 1.0f : t);
    t = ng_atan_below_one(t);
    t = a < b ? NG_PI_2_HI - (t - NG_PI_2_LO) : t;
    t = ng_to_bits(x) < 0 ? 2.0f * NG_PI_2_HI - (t - 2.0f * NG_PI_2_LO) : t;
    return x != x || y != y ? x + y : copysignf(t, y);
}

/* asin(s) for 0 <= s <= 1/2, z = s^2, as s + s z P(z), degree 4 (relative error 1.3e-9), fitted as
 * the polynomial of atan. */
NG_INLINE float ng_asin_below_half(float s, float z) {
    float y = 4.221854614e-2f;
    y = y * z + 2.414761186e-2f;
    y = y * z + 4.547709712e-2f;
    y = y * z + 7.495241777e-2f;
    y = y * z + 1.666675393e-1f;
    return y * z * s + s;
}

/* asin and acos above 1/2 by asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)). Beyond 1 the square root
 * is NaN. */
NG_INLINE float ng_asinf(float x) {
    const float size = fabsf(x);
    const float z = size > 0.5f ? 0.5f * (1.0f - size) : size * size;
    const float y = ng_asin_below_half(size > 0.5f ? sqrtf(z) : size, z);
    return copysignf(size > 0.5f ? NG_PI_2_HI - (2.0f * y - NG_PI_2_LO) : y, x);
}

NG_INLINE float ng_acosf(float x) {
    const float size = fabsf(x);
    const float z = size > 0.5f ? 0.5f * (1.0f - size) : size * size;
    const float y = ng_asin_below_half(size > 0.5f ? sqrtf(z) : size, z);
    const float outer = x < 0.0f ? 2.0f * NG_PI_2_HI - (2.0f * y - 2.0f * NG_PI_2_LO) : 2.0f * y;
    const float inner = NG_PI_2_HI - ((x < 0.0f ? -y : y) - NG_PI_2_LO);
    return size > 0.5f ? outer : inner;
}

/* erfc(x) = 1 - erf(x) on |x| < 1/2, exp(-x^2) P(t) / (1 + 2x), t = (x - 3) / (x + 3), above, and
 * 2 - erfc(-x) below. P of degree 10 (relative error 2e-9) is fitted as the polynomial of atan.
 * x^2 is the exact square of the leading 12 bits and a rest: exp would magnify the rounding of a
 * single number. */
NG_INLINE float ng_erfcf(float x) {
    const float size = fabsf(x) > 10.3f ? 10.3f : fabsf(x);
    const float t = (size - 3.0f) / (size + 3.0f);
    float y = -2.66235242e-4f;
    y = y * t - 7.72677531e-4f;
    y = y * t + 2.00484625e-3f;
    y = y * t + 2.56571682e-3f;
    y = y * t - 2.37995391e-2f;
    y = y * t + 6.82957454e-2f;
    y = y * t - 1.19270614e-1f;
    y = y * t + 1.29646452e-1f;
    y = y * t - 4.75624201e-2f;
    y = y * t - 1.35621141e-1f;
    y = y * t + 1.25300806f;
    const float hi = ng_from_bits(ng_to_bits(size) & (int32_t)0xfffff000);
    const float rest = ng_expf(-(size - hi) * (size + hi));
    y = ng_expf(-hi * hi) * (rest * y / (1.0f + 2.0f * size));
    y = x < 0.0f ? 2.0f - y : y;
    return size < 0.5f ? 1.0f - ng_erf_below_one(x) : (x != x ? x : y);
}

/* asinh, acosh and atanh by log1p; where x^2 would overflow, asinh(x) and acosh(x) are log(2x). */
NG_INLINE float ng_asinhf(float x) {
    const float size = fabsf(x), square = size * size;
    const float u = size + square / (1.0f + sqrtf(square + 1.0f));
    const float y = ng_log1pf(size > 1e10f ? size : u);
    return copysignf(size > 1e10f ? y + NG_LN2_F : y, x);
}

NG_INLINE float ng_acoshf(float x) {
    const float d = x - 1.0f;
    const float y = ng_log1pf(x > 1e10f ? x : d + sqrtf(d * (x + 1.0f)));
    return x < 1.0f ? NAN : (x > 1e10f ? y + NG_LN2_F : y);
}

NG_INLINE float ng_atanhf(float x) {
    const float size = fabsf(x);
    return copysignf(0.5f * ng_log1pf(2.0f * size / (1.0f - size)), x);
}

/* The bits of 2 / pi in windows of 32, one every 8. */
static const uint32_t ng_four_over_pi[24] = {
    0x000000a2, 0x0000a2f9, 0x00a2f983, 0xa2f9836e, 0xf9836e4e, 0x836e4e44, 0x6e4e4415, 0x4e441529,
    0x441529fc, 0x1529fc27, 0x29fc2757, 0xfc2757d1, 0x2757d1f5, 0x57d1f534, 0xd1f534dd, 0xf534ddc0,
    0x34ddc0db, 0xddc0db62, 0xc0db6295, 0xdb629599, 0x6295993c, 0x95993c43, 0x993c4390, 0x3c439041};

/* x = n pi / 2 + r for x >= 0, |r| <= pi / 4; n counts modulo 4. Up to 2^19 with pi / 2 in two
 * doubles, of which the first has 33 bits; above by a product of integers that keeps the bits of
 * x 2 / pi from 2 to 2^-62 (Payne & Hanek 1983, as in the Arm Optimized Routines' sinf). */
NG_INLINE float ng_quarter_turns(float x, int32_t *n) {
    const double whole = (double)x * 0.63661977236758134 + 6755399441055744.0; /* 1.5 * 2^52 */
    const double k = whole - 6755399441055744.0;
    const double near = (x - k * 1.5707963267341256) - k * 6.0771005065061922e-11;
    const uint32_t bits = (uint32_t)ng_to_bits(x);
    const uint32_t at = (bits >> 26) & 15;
    const uint32_t m = ((bits & 0x7fffff) | 0x800000) << ((bits >> 23) & 7);
    uint64_t turns = (uint64_t)(m * ng_four_over_pi[at]) << 32;
    turns |= ((uint64_t)m * ng_four_over_pi[at + 8]) >> 32;
    turns += (uint64_t)m * ng_four_over_pi[at + 4];
    const uint32_t quarter = (uint32_t)((turns + ((uint64_t)1 << 61)) >> 62);
    turns -= (uint64_t)quarter << 62;
    const double part = (int32_t)(uint32_t)(turns >> 32) * 4294967296.0
                      + (int32_t)((uint32_t)turns >> 1) * 2.0;
    const float far = (float)(part * 3.4061215800865545e-19); /* pi / 2^63 */
    const int32_t is_near = -(bits < 0x49000000);             /* the bits of 2^19 */
    int64_t near_bits;
    memcpy(&near_bits, &whole, sizeof near_bits);
    *n = ((int32_t)near_bits & is_near) | ((int32_t)quarter & ~is_near);
    const float r = is_near ? (float)near : far;
    return bits >= 0x7f800000 ? NAN : r;
}

/* sin(r + n pi / 2): polynomials of Cephes' sinf and cosf. */
NG_INLINE float ng_sin_of(float r, int32_t n) {
    const float z = r * r;
    const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
    const float p = (2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f;
    const float c = p * z * z - 0.5f * z + 1.0f;
    const float y = n & 1 ? c : s;
    return n & 2 ? -y : y;
}

NG_INLINE float ng_sinf(float x) {
    int32_t n;
    const float r = ng_quarter_turns(fabsf(x), &n);
    const float y = ng_sin_of(r, n);
    return ng_from_bits(ng_to_bits(y) ^ (ng_to_bits(x) & INT32_MIN));
}

NG_INLINE float ng_cosf(float x) {
    int32_t n;
    const float r = ng_quarter_turns(fabsf(x), &n);
    return ng_sin_of(r, n + 1);
}

/* tan(r) by a polynomial of degree 6 in r^2 (relative error 1e-9), fitted as that of atan; -1 /
 * tan(r) in the odd quarters. */
NG_INLINE float ng_tanf(float x) {
    int32_t n;
    const float r = ng_quarter_turns(fabsf(x), &n);
    const float z = r * r;
    float y = 4.413776919e-3f;
    y = y * z + 9.746446639e-6f;
    y = y * z + 1.090216685e-2f;
    y = y * z + 2.125505529e-2f;
    y = y * z + 5.406552235e-2f;
    y = y * z + 1.333261012e-1f;
    y = y * z + 3.333335144e-1f;
    y = y * z * r + r;
    y = n & 1 ? -1.0f / y : y;
    return ng_from_bits(ng_to_bits(y) ^ (ng_to_bits(x) & INT32_MIN));
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
#ifdef __AVX2__ /* it looks up a table for all lanes at once; else the C library is faster */
#define NG_GATHERED(f) ng_##f
#else
#define NG_GATHERED(f) f
#endif
#define EXP(x) _Generic((x), float: ng_expf, default: exp)(x)
#define LOG(x) _Generic((x), float: ng_logf, default: log)(x)
#define LOG1P(x) _Generic((x), float: ng_log1pf, default: log1p)(x)
#define SIGMOID(x) _Generic((x), float: ng_sigmoidf, default: ng_sigmoid)(x)
#define TANH(x) _Generic((x), float: ng_tanhf, default: ng_tanh)(x)
#define ERF(x) _Generic((x), float: ng_erff, default: erf)(x)
#define SQRT(x) _Generic((x), float: sqrtf, default: sqrt)(x)
#define SIN(x) _Generic((x), float: NG_GATHERED(sinf), default: sin)(x)
#define COS(x) _Generic((x), float: NG_GATHERED(cosf), default: cos)(x)
#define POW(x, y) _Generic((x), float: powf, default: pow)(x, y)
#define FMOD(x, y) _Generic((x), float: fmodf, default: fmod)(x, y)
#define FABS(x) _Generic((x), float: fabsf, default: fabs)(x)
#define FLOOR(x) _Generic((x), float: floorf, default: floor)(x)
#define CEIL(x) _Generic((x), float: ceilf, default: ceil)(x)
#define RINT(x) _Generic((x), float: rintf, default: rint)(x)
#define LOG10(x) _Generic((x), float: ng_log10f, default: log10)(x)
#define TAN(x) _Generic((x), float: NG_GATHERED(tanf), default: tan)(x)
#define ASIN(x) _Generic((x), float: ng_asinf, default: asin)(x)
#define ACOS(x) _Generic((x), float: ng_acosf, default: acos)(x)
#define ATAN(x) _Generic((x), float: ng_atanf, default: atan)(x)
#define SINH(x) _Generic((x), float: ng_sinhf, default: sinh)(x)
#define COSH(x) _Generic((x), float: ng_coshf, default: cosh)(x)
#define ASINH(x) _Generic((x), float: ng_asinhf, default: asinh)(x)
#define ACOSH(x) _Generic((x), float: ng_acoshf, default: acosh)(x)
#define ATANH(x) _Generic((x), float: ng_atanhf, default: atanh)(x)
#define ERFC(x) _Generic((x), float: ng_erfcf, default: erfc)(x)
#define TRUNC(x) _Generic((x), float: truncf, default: trunc)(x)
#define ATAN2(x, y) _Generic((x), float: ng_atan2f, default: atan2)(x, y)
#define HYPOT(x, y) _Generic((x), float: hypotf, default: hypot)(x, y)
#define COPYSIGN(x, y) _Generic((x), float: copysignf, default: copysign)(x, y)
#define NEXTAFTER(x, y) _Generic((x), float: nextafterf, default: nextafter)(x, y)
#define EXP2(x) _Generic((x), float: ng_exp2f, default: exp2)(x)
#define EXPM1(x) _Generic((x), float: ng_expm1f, default: expm1)(x)
#define LOG2(x) _Generic((x), float: ng_log2f, default: log2)(x)
#define LGAMMA(x) _Generic((x), float: ng_lgammaf, default: ng_lgamma)(x)
#define SIGNBIT(x) (signbit(x) != 0)

#endif
