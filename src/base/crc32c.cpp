#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace tarn {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

#if defined(__SSE4_2__)
// The instruction takes three cycles and a new one may start each cycle: three streams run side by side, and
// are joined by shifting a checksum over the bytes that came after it.
constexpr size_t kLane = 1024;

using Shift = std::array<std::array<uint32_t, 256>, 4>;

constexpr uint32_t append_zeros(uint32_t crc, size_t zeros) {
  for (size_t i = 0; i < zeros; ++i) crc = (crc >> 8) ^ kTable[crc & 0xFF];
  return crc;
}

Shift make_shift(size_t zeros) {
  Shift shift{};
  for (uint32_t byte = 0; byte < 4; ++byte) {
    for (uint32_t i = 0; i < 256; ++i) shift[byte][i] = append_zeros(i << (8 * byte), zeros);
  }
  return shift;
}

uint32_t shifted(const Shift& shift, uint32_t crc) {
  return shift[0][crc & 0xFF] ^ shift[1][(crc >> 8) & 0xFF] ^ shift[2][(crc >> 16) & 0xFF] ^
         shift[3][crc >> 24];
}

uint64_t load(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}
#endif

}  // namespace

uint32_t crc32c_portable(const void* data, size_t size, uint32_t seed) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint32_t crc = ~seed;
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable[(crc ^ p[i]) & 0xFF];
  return ~crc;
}

uint32_t crc32c(const void* data, size_t size, uint32_t seed) {
#if defined(__SSE4_2__)
  static const Shift one_lane = make_shift(kLane);
  const char* p = static_cast<const char*>(data);
  uint64_t crc = ~seed;
  while (size >= 3 * kLane) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      a = _mm_crc32_u64(a, load(p + i));
      b = _mm_crc32_u64(b, load(p + kLane + i));
      c = _mm_crc32_u64(c, load(p + 2 * kLane + i));
    }
    auto joined = shifted(one_lane, static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b);
    crc = shifted(one_lane, joined) ^ static_cast<uint32_t>(c);
    p += 3 * kLane;
    size -= 3 * kLane;
  }
  for (; size >= 8; p += 8, size -= 8) crc = _mm_crc32_u64(crc, load(p));
  for (; size > 0; ++p, --size)
    crc = _mm_crc32_u8(static_cast<uint32_t>(crc), static_cast<unsigned char>(*p));
  return ~static_cast<uint32_t>(crc);
#else
  return crc32c_portable(data, size, seed);
#endif
}

}  // namespace tarn
