/* The elementwise formulas, one line each, written once for every device.
 *
 * A row is X(name, expression). The expression sees x (and y), of element type T, and the two
 * parameters p and q, converted to T. The includer supplies the loops around the rows and the
 * functions in capitals for T: the C library or our own vector forms on the CPU
 * (kernels/vector_math.h), CUDA's overloads on the GPU. What no library has is in special_math.h.
 *
 * What stays true of every row:
 *   - NaN in, NaN out (but for sign and the gradient of clamp, which are 0, as in PyTorch). Hence
 *     `x < 0 ? 0 : x` and not `x > 0 ? x : 0`: a comparison with NaN is false.
 *   - No branch with side effects: compilers turn `?:` on values into selects and vectorise the
 *     loop.
 *   - *_grad rows take (x, y) = (incoming gradient, saved input or output) and return the product.
 */

#define NG_SQRT_HALF 0.70710678118654752440      /* sqrt(1/2)      */
#define NG_INV_SQRT_2PI 0.39894228040143267794   /* 1 / sqrt(2 pi) */
#define NG_SQRT_2_OVER_PI 0.79788456080286535588 /* sqrt(2 / pi)   */
#define NG_LN2 0.69314718055994530942            /* ln 2           */
#define NG_GELU_CUBIC 0.044715                   /* Hendrycks & Gimpel 2016, section 2 */

#define NG_GELU_TANH(x) TANH((T)NG_SQRT_2_OVER_PI * ((x) + (T)NG_GELU_CUBIC * (x) * (x) * (x)))

/* Klambauer et al. 2017: the fixed point of mean 0 and variance 1. */
#define NG_SELU_ALPHA 1.6732632423543772848
#define NG_SELU_SCALE 1.0507009873554804934

/* e^x - 1 for x <= 0, without the cancellation near 0: 2 t / (1 - t), t = tanh(x / 2). */
#define NG_EXPM1(x) (2 * TANH((T)0.5 * (x)) / (1 - TANH((T)0.5 * (x))))
#define NG_RAMP(x) ((x) < -3 ? 0 : (x) > 3 ? 6 : (x) + 3)
#define NG_MISH(x) TANH(LOG1P(EXP(x)))

/* Of the sign of y, as in Python: what fmod leaves of x has the sign of x. */
#define NG_SIGNS_DIFFER(x, y) (FMOD(x, y) != 0 && (FMOD(x, y) < 0) != (y < 0))
#define NG_REMAINDER(x, y) (NG_SIGNS_DIFFER(x, y) ? FMOD(x, y) + y : FMOD(x, y))

#define NG_UNARY_TABLE(X)                                                                          \
    X(neg, -x)                                                                                     \
    X(abs, FABS(x))                                                                                \
    X(sign, (T)((x > 0) - (x < 0)))                                                                \
    X(square, x * x)                                                                               \
    X(reciprocal, 1 / x)                                                                           \
    X(sqrt, SQRT(x))                                                                               \
    X(rsqrt, 1 / SQRT(x))                                                                          \
    X(exp, EXP(x))                                                                                 \
    X(log, LOG(x))                                                                                 \
    X(log1p, LOG1P(x))                                                                             \
    X(exp2, EXP2(x))                                                                               \
    X(expm1, EXPM1(x))                                                                             \
    X(log2, LOG2(x))                                                                               \
    X(log10, LOG10(x))                                                                             \
    X(sin, SIN(x))                                                                                 \
    X(cos, COS(x))                                                                                 \
    X(tan, TAN(x))                                                                                 \
    X(asin, ASIN(x))                                                                               \
    X(acos, ACOS(x))                                                                               \
    X(atan, ATAN(x))                                                                               \
    X(sinh, SINH(x))                                                                               \
    X(cosh, COSH(x))                                                                               \
    X(asinh, ASINH(x))                                                                             \
    X(acosh, ACOSH(x))                                                                             \
    X(atanh, ATANH(x))                                                                             \
    X(tanh, TANH(x))                                                                               \
    X(erf, ERF(x))                                                                                 \
    X(erfc, ERFC(x))                                                                               \
    X(erfinv, (T)ng_erfinv(x))                                                                     \
    X(lgamma, LGAMMA(x))                                                                           \
    X(digamma, (T)ng_digamma(x))                                                                   \
    X(polygamma, (T)ng_polygamma(p, x))                                                            \
    X(i0, (T)ng_bessel_i(0, 0, x))                                                                 \
    X(i0e, (T)ng_bessel_i(0, 1, x))                                                                \
    X(i1, (T)ng_bessel_i(1, 0, x))                                                                 \
    X(i1e, (T)ng_bessel_i(1, 1, x))                                                                \
    X(logit, LOG(x / (1 - x)))                                                                     \
    X(sinc, x == 0 ? 1 : SIN((T)NG_PI * x) / ((T)NG_PI * x))                                       \
    X(floor, FLOOR(x))                                                                             \
    X(ceil, CEIL(x))                                                                               \
    X(round, RINT(x))                                                                              \
    X(round_to, RINT(x * p) / p)                                                                   \
    X(round_off, RINT(x / p) * p)                                                                  \
    X(trunc, TRUNC(x))                                                                             \
    X(frac, x - TRUNC(x))                                                                          \
    X(sigmoid, SIGMOID(x))                                                                         \
    X(relu, x < 0 ? 0 : x)                                                                         \
    X(leaky_relu, x > 0 ? x : x * p)                                                               \
    X(silu, x * SIGMOID(x))                                                                        \
    X(softplus, x * p > q ? x : LOG1P(EXP(x * p)) / p)                                             \
    X(gelu, (T)0.5 * x * (1 + ERF(x * (T)NG_SQRT_HALF)))                                           \
    X(gelu_tanh, (T)0.5 * x * (1 + NG_GELU_TANH(x)))                                               \
    X(hardswish, x * NG_RAMP(x) / 6)                                                               \
    X(hardsigmoid, NG_RAMP(x) / 6)                                                                 \
    X(threshold, x <= p ? q : x)                                                                   \
    X(hardshrink, x >= -p && x <= p ? 0 : x)                                                       \
    X(softshrink, x > p ? x - p : x < -p ? x + p : x * 0)                                          \
    X(elu, x > 0 ? x : p * NG_EXPM1(x * q))                                                        \
    X(selu, (T)NG_SELU_SCALE * (x > 0 ? x : (T)NG_SELU_ALPHA * NG_EXPM1(x)))                       \
    X(mish, x * NG_MISH(x))                                                                        \
    X(softsign, x / (1 + FABS(x)))                                                                 \
    X(tanhshrink, x - TANH(x))                                                                     \
    X(logsigmoid, (x < 0 ? x : 0) - LOG1P(EXP(-FABS(x))))                                          \
    X(clamp, x < p ? (p < q ? p : q) : (x > q ? q : x))

#define NG_BINARY_TABLE(X)                                                                         \
    X(add, x + y)                                                                                  \
    X(add_scaled, x + p * y)                                                                       \
    X(sub, x - y)                                                                                  \
    X(mul, x * y)                                                                                  \
    X(div, x / y)                                                                                  \
    X(pow, POW(x, y))                                                                              \
    X(remainder, NG_REMAINDER(x, y))                                                               \
    X(floor_divide, y == 0 ? x / y : RINT((x - FMOD(x, y)) / y) - NG_SIGNS_DIFFER(x, y))           \
    X(maximum, x > y || x != x ? x : y)                                                            \
    X(minimum, x < y || x != x ? x : y)                                                            \
    X(xlogy, x == 0 && y == y ? 0 : x * LOG(y))                                                    \
    X(xlog1py, x == 0 && y == y ? 0 : x * LOG1P(y))                                                \
    X(fmod, FMOD(x, y))                                                                            \
    X(trunc_divide, TRUNC(x / y))                                                                  \
    X(fmax, x != x || y > x ? y : x)                                                               \
    X(fmin, x != x || y < x ? y : x)                                                               \
    X(atan2, ATAN2(x, y))                                                                          \
    X(hypot, HYPOT(x, y))                                                                          \
    X(copysign, COPYSIGN(x, y))                                                                    \
    X(nextafter, NEXTAFTER(x, y))                                                                  \
    X(logaddexp, x == y ? x + (T)NG_LN2 : (x > y ? x : y) + LOG1P(EXP(-FABS(x - y))))              \
    X(logaddexp2, x == y ? x + 1 : (x > y ? x : y) + LOG1P(EXP2(-FABS(x - y))) / (T)NG_LN2)        \
    X(relu_grad, y <= 0 ? 0 : x)                                                                   \
    X(leaky_relu_grad, y > 0 ? x : x * p)                                                          \
    X(sigmoid_grad, x * y * (1 - y))                                                               \
    X(tanh_grad, x * (1 - y * y))                                                                  \
    X(silu_grad, x * SIGMOID(y) * (1 + y * (1 - SIGMOID(y))))                                      \
    X(softplus_grad, y * p > q ? x : x * SIGMOID(y * p))                                           \
    X(gelu_grad, x * ((T)0.5 * (1 + ERF(y * (T)NG_SQRT_HALF)) +                                    \
                      y * (T)NG_INV_SQRT_2PI * EXP((T)-0.5 * y * y)))                              \
    X(gelu_tanh_grad, x * ((T)0.5 * (1 + NG_GELU_TANH(y)) +                                        \
                           (T)0.5 * y * (1 - NG_GELU_TANH(y) * NG_GELU_TANH(y)) *                  \
                               (T)NG_SQRT_2_OVER_PI * (1 + 3 * (T)NG_GELU_CUBIC * y * y)))         \
    X(prelu, x > 0 ? x : x * y)                                                                    \
    X(glu, x * SIGMOID(y))                                                                         \
    X(hardtanh_grad, y <= p || y >= q ? 0 : x)                                                     \
    X(threshold_grad, y <= p ? 0 : x)                                                              \
    X(shrink_grad, y >= -p && y <= p ? 0 : x)                                                      \
    X(hardsigmoid_grad, y > -3 && y < 3 ? x / 6 : 0)                                               \
    X(hardswish_grad, y <= -3 ? 0 : y < 3 ? x * (y / 3 + (T)0.5) : x)                              \
    X(elu_grad, y <= 0 ? x * p * q * EXP(y * q) : x)                                               \
    X(selu_grad, (T)NG_SELU_SCALE * (y <= 0 ? x * (T)NG_SELU_ALPHA * EXP(y) : x))                  \
    X(mish_grad, x * (NG_MISH(y) + y * SIGMOID(y) * (1 - NG_MISH(y) * NG_MISH(y))))                \
    X(softsign_grad, x / ((1 + FABS(y)) * (1 + FABS(y))))                                          \
    X(tanhshrink_grad, x * TANH(y) * TANH(y))                                                      \
    X(logsigmoid_grad, x * SIGMOID(-y))                                                            \
    X(clamp_grad, y >= p && y <= q ? x : 0)

/* Results are truth values, one byte each. */
#define NG_COMPARE_TABLE(X)                                                                        \
    X(eq, x == y)                                                                                  \
    X(ne, x != y)                                                                                  \
    X(lt, x < y)                                                                                   \
    X(le, x <= y)                                                                                  \
    X(gt, x > y)                                                                                   \
    X(ge, x >= y)                                                                                  \
    X(signbit, ((void)y, SIGNBIT(x)))
