#include "store/md5_kernel.h"

namespace tarn::store::md5 {

namespace {

struct Avx2 {
  static __m256i f(__m256i b, __m256i c, __m256i d) {
    return _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)));
  }
  static __m256i g(__m256i b, __m256i c, __m256i d) { return f(d, b, c); }
  static __m256i h(__m256i b, __m256i c, __m256i d) { return _mm256_xor_si256(_mm256_xor_si256(b, c), d); }
  static __m256i i(__m256i b, __m256i c, __m256i d) {
    return _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, _mm256_set1_epi32(-1))));
  }
  template <int kBits>
  static __m256i rotate(__m256i v) {
    return _mm256_or_si256(_mm256_slli_epi32(v, kBits), _mm256_srli_epi32(v, 32 - kBits));
  }
};

}  // namespace

void run_avx2(States& states, const uint8_t* const data[kLanes], size_t blocks) {
  run<Avx2>(states, data, blocks);
}

}  // namespace tarn::store::md5
