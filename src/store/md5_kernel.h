// MD5 of eight messages at once: one of each in a lane of 256-bit registers. Included by one .cpp an instruction set.
//
// MD5's steps wait for each other, so one message leaves most of a core idle; eight in lanes cost little more than
// one. Nothing here is a secret: MD5 is S3's ETag.
// Threads: pure.
// Shapes: states[word][lane]; each lane reads `blocks` blocks of 64 bytes at data[lane].
// Source: RFC 1321.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <immintrin.h>

namespace tarn::store::md5 {

inline constexpr size_t kLanes = 8;
inline constexpr size_t kBlockBytes = 64;
using States = uint32_t[4][kLanes];

inline constexpr std::array<uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
inline constexpr std::array<std::array<int, 4>, 4> kShifts = {
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

// Words 0 to 7 of eight messages, or 8 to 15: rows of messages become rows of words.
inline void transpose(const uint8_t* const data[kLanes], size_t offset, __m256i out[8]) {
  __m256i r[8];
  for (size_t i = 0; i < 8; ++i)
    r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[i] + offset));
  __m256i t[8], u[8];
  for (size_t i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (size_t i = 0; i < 8; i += 4) {
    u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (size_t i = 0; i < 4; ++i) {
    out[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    out[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

// Ops has the four functions of MD5 and a rotation by a constant.
template <typename Ops, int kStep>
inline void step(__m256i& a, __m256i b, __m256i c, __m256i d, const __m256i w[16]) {
  constexpr int kRound = kStep / 16;
  constexpr int kWord = kRound == 0   ? kStep
                        : kRound == 1 ? (5 * kStep + 1) % 16
                        : kRound == 2 ? (3 * kStep + 5) % 16
                                      : (7 * kStep) % 16;
  __m256i f = kRound == 0   ? Ops::f(b, c, d)
              : kRound == 1 ? Ops::g(b, c, d)
              : kRound == 2 ? Ops::h(b, c, d)
                            : Ops::i(b, c, d);
  __m256i known =
      _mm256_add_epi32(_mm256_add_epi32(a, w[kWord]), _mm256_set1_epi32(static_cast<int>(kSines[kStep])));
  a = _mm256_add_epi32(Ops::template rotate<kShifts[kRound][kStep % 4]>(_mm256_add_epi32(known, f)), b);
}

template <typename Ops, int kStep = 0>
inline void steps(__m256i& a, __m256i& b, __m256i& c, __m256i& d, const __m256i w[16]) {
  if constexpr (kStep < 64) {
    step<Ops, kStep>(a, b, c, d, w);
    step<Ops, kStep + 1>(d, a, b, c, w);
    step<Ops, kStep + 2>(c, d, a, b, w);
    step<Ops, kStep + 3>(b, c, d, a, w);
    steps<Ops, kStep + 4>(a, b, c, d, w);
  }
}

template <typename Ops>
inline void run(States& states, const uint8_t* const data[kLanes], size_t blocks) {
  __m256i s[4];
  for (int i = 0; i < 4; ++i) s[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(states[i]));
  for (size_t block = 0; block < blocks; ++block) {
    __m256i w[16];
    transpose(data, block * kBlockBytes, w);
    transpose(data, block * kBlockBytes + 32, w + 8);
    __m256i a = s[0], b = s[1], c = s[2], d = s[3];
    steps<Ops>(a, b, c, d, w);
    s[0] = _mm256_add_epi32(s[0], a);
    s[1] = _mm256_add_epi32(s[1], b);
    s[2] = _mm256_add_epi32(s[2], c);
    s[3] = _mm256_add_epi32(s[3], d);
  }
  for (int i = 0; i < 4; ++i) _mm256_storeu_si256(reinterpret_cast<__m256i*>(states[i]), s[i]);
}

void run_avx2(States& states, const uint8_t* const data[kLanes], size_t blocks);
void run_avx512(States& states, const uint8_t* const data[kLanes], size_t blocks);  // AVX-512VL

}  // namespace tarn::store::md5
