// Compiled for AVX-512VL (src/CMakeLists.txt); called only where the CPU has it. It rotates, and takes any function
// of three bits, in one instruction each.
#include "store/md5_kernel.h"

namespace tarn::store::md5 {

namespace {

struct Avx512 {
  static __m256i f(__m256i b, __m256i c, __m256i d) { return _mm256_ternarylogic_epi32(b, c, d, 0xCA); }
  static __m256i g(__m256i b, __m256i c, __m256i d) { return _mm256_ternarylogic_epi32(b, c, d, 0xE4); }
  static __m256i h(__m256i b, __m256i c, __m256i d) { return _mm256_ternarylogic_epi32(b, c, d, 0x96); }
  static __m256i i(__m256i b, __m256i c, __m256i d) { return _mm256_ternarylogic_epi32(b, c, d, 0x39); }
  template <int kBits>
  static __m256i rotate(__m256i v) {
    return _mm256_rol_epi32(v, kBits);
  }
};

}  // namespace

void run_avx512(States& states, const uint8_t* const data[kLanes], size_t blocks) {
  run<Avx512>(states, data, blocks);
}

}  // namespace tarn::store::md5
