/* float16 <-> float32, n dense values.
 *
 * By the processor's own instructions where the level has them, else in integers and one float
 * addition, which rounds what is below the smallest normal value. Both give the same bits: to the
 * nearest, ties to the even one; NaN comes out quiet, with the upper bits that it came with.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__F16C__)
#include <immintrin.h>
#endif

static inline float as_float(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline int32_t as_bits(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Signed numbers, none of them negative: SSE2 has no comparison of unsigned ones. */

static inline uint32_t widen_one(uint16_t x) {
    const int32_t u = (x & 0x7FFF) << 13;  /* at a float's place, the exponent off by 112 */
    const int32_t normal = u + (112 << 23);
    const int32_t tiny = as_bits(as_float(u + (113 << 23)) - as_float(113 << 23));
    const int32_t huge = u + (224 << 23);
    const int32_t y = u < 0x00800000 ? tiny : u >= 0x0F800000 ? huge : normal;
    const int32_t quiet = u > 0x0F800000 ? 0x400000 : 0;
    return (uint32_t)(y | quiet) | (uint32_t)(x & 0x8000u) << 16;
}

static inline uint16_t narrow_one(uint32_t x) {
    const int32_t u = x & 0x7FFFFFFFu;
    const int32_t normal = (u - (112 << 23) + 0xFFF + (u >> 13 & 1)) >> 13;
    const int32_t tiny = as_bits(as_float(u) + 0.5f) - (126 << 23);
    const int32_t huge = u > 0x7F800000 ? 0x7E00 | (u >> 13 & 0x3FF) : 0x7C00;
    const int32_t y = u < (113 << 23) ? tiny : u >= 0x47800000 ? huge : normal;
    return (uint16_t)((uint32_t)y | (x >> 16 & 0x8000u));
}

static void widen_f16(const uint16_t *restrict x, uint32_t *restrict out, ptrdiff_t n) {
    ptrdiff_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(x + i))));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps((float *)(out + i),
                         _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
#endif
    for (; i < n; i++)
        out[i] = widen_one(x[i]);
}

static void narrow_f16(const uint32_t *restrict x, uint16_t *restrict out, ptrdiff_t n) {
    ptrdiff_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= n; i += 16)
        _mm256_storeu_si256((__m256i *)(out + i),
                            _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps((const float *)(x + i)),
                                         _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++)
        out[i] = narrow_one(x[i]);
}
