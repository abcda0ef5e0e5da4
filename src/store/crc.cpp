#include "store/crc.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#define TARN_CARRYLESS __attribute__((target("pclmul,sse4.1")))
#endif

namespace tarn::store {
namespace {

// Polynomials are reflected, as the CRCs are: the highest bit of a word is the coefficient of x^0.
constexpr uint32_t kCrc32 = 0xEDB88320;
constexpr uint32_t kCrc32c = 0x82F63B78;
constexpr uint64_t kCrc64nvme = 0x9A6C9329AC4BC9B5;

template <typename Word>
constexpr int kBits = std::numeric_limits<Word>::digits;

template <typename Word>
constexpr Word one() {
  return Word{1} << (kBits<Word> - 1);
}

template <typename Word>
constexpr Word times_x(Word a, Word polynomial) {
  return (a >> 1) ^ ((a & 1) != 0 ? polynomial : Word{0});
}

// a · b modulo the polynomial.
template <typename Word>
constexpr Word multiply(Word a, Word b, Word polynomial) {
  Word product = 0;
  for (int bit = 0; bit < kBits<Word>; ++bit) {
    if ((a & (one<Word>() >> bit)) != 0) product ^= b;
    b = times_x(b, polynomial);
  }
  return product;
}

// x^exponent modulo the polynomial.
template <typename Word>
constexpr Word power_of_x(unsigned exponent, Word polynomial) {
  Word power = one<Word>();
  for (unsigned i = 0; i < exponent; ++i) power = times_x(power, polynomial);
  return power;
}

// powers[i] is x^(8 · 2^i): what 2^i bytes multiply a CRC by.
template <typename Word>
using Powers = std::array<Word, 64>;

template <typename Word>
constexpr Powers<Word> make_powers(Word polynomial) {
  Powers<Word> powers{};
  powers[0] = power_of_x<Word>(8, polynomial);
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = multiply(powers[i - 1], powers[i - 1], polynomial);
  return powers;
}

constexpr Powers<uint32_t> kCrc32Powers = make_powers(kCrc32);
constexpr Powers<uint32_t> kCrc32cPowers = make_powers(kCrc32c);
constexpr Powers<uint64_t> kCrc64nvmePowers = make_powers(kCrc64nvme);

// The first piece's CRC is multiplied by x for each bit that follows it. The ones that CRCs begin and end
// with cancel out.
template <typename Word>
Word combined(Word first, Word second, uint64_t second_bytes, Word polynomial, const Powers<Word>& powers) {
  for (uint64_t left = second_bytes; left != 0; left &= left - 1)
    first = multiply(first, powers[static_cast<size_t>(std::countr_zero(left))], polynomial);
  return first ^ second;
}

// Eight bytes a step: tables[k][b] is byte b with k zero bytes behind it.
template <typename Word>
using Tables = std::array<std::array<Word, 256>, 8>;

template <typename Word>
constexpr Tables<Word> make_tables(Word polynomial) {
  Tables<Word> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    Word crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc, polynomial);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      Word crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xFF];
    }
  }
  return tables;
}

constexpr Tables<uint32_t> kCrc32Tables = make_tables(kCrc32);
constexpr Tables<uint64_t> kCrc64nvmeTables = make_tables(kCrc64nvme);

// On raw state: without the ones at both ends.
template <typename Word>
Word by_tables(const unsigned char* p, size_t size, Word state, const Tables<Word>& tables) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; size >= 8; p += 8, size -= 8) {
      uint64_t word = 0;
      std::memcpy(&word, p, sizeof(word));
      word ^= state;
      state = 0;
      for (unsigned i = 0; i < 8; ++i) state ^= tables[7 - i][(word >> (8 * i)) & 0xFF];
    }
  }
  for (; size > 0; ++p, --size) state = static_cast<Word>(state >> 8) ^ tables[0][(state ^ *p) & 0xFF];
  return state;
}

#if defined(__x86_64__)
constexpr size_t kFoldBytesMin = 128;

// What moves the two halves of a 128-bit piece `bits` further along: the product of two reflected words comes
// out multiplied by x, hence the 1 less.
struct Fold {
  uint64_t low = 0;
  uint64_t high = 0;
};

template <typename Word>
constexpr Fold make_fold(unsigned bits, Word polynomial) {
  constexpr int kShift = 64 - kBits<Word>;  // a residue of 32 bits is the upper half of a reflected word
  return {static_cast<uint64_t>(power_of_x<Word>(bits + 64 - 1, polynomial)) << kShift,
          static_cast<uint64_t>(power_of_x<Word>(bits - 1, polynomial)) << kShift};
}

struct Folds {
  Fold four;  // over four pieces
  Fold one;   // over one
};
constexpr Folds kCrc32Folds{make_fold(512, kCrc32), make_fold(128, kCrc32)};
constexpr Folds kCrc64nvmeFolds{make_fold(512, kCrc64nvme), make_fold(128, kCrc64nvme)};

TARN_CARRYLESS inline __m128i folded(__m128i piece, __m128i by, __m128i next) {
  __m128i low = _mm_clmulepi64_si128(piece, by, 0x00);
  __m128i high = _mm_clmulepi64_si128(piece, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

inline __m128i load(const unsigned char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline __m128i pair(const Fold& fold) {
  return _mm_set_epi64x(static_cast<int64_t>(fold.high), static_cast<int64_t>(fold.low));
}

// Folds all blocks of 64 bytes into 16 bytes that have the same remainder. REQUIRES: size >= 64.
TARN_CARRYLESS void fold_blocks(const unsigned char*& p, size_t& size, uint64_t state, const Folds& folds,
                                unsigned char (&out)[16]) {
  __m128i a = _mm_xor_si128(load(p), _mm_set_epi64x(0, static_cast<int64_t>(state)));
  __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
  const __m128i four = pair(folds.four);
  for (p += 64, size -= 64; size >= 64; p += 64, size -= 64) {
    a = folded(a, four, load(p));
    b = folded(b, four, load(p + 16));
    c = folded(c, four, load(p + 32));
    d = folded(d, four, load(p + 48));
  }
  const __m128i one = pair(folds.one);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), folded(folded(folded(a, one, b), one, c), one, d));
}

template <typename Word>
Word by_folding(const unsigned char* p, size_t size, Word state, const Folds& folds,
                const Tables<Word>& tables) {
  unsigned char rest[16];
  fold_blocks(p, size, state, folds, rest);
  return by_tables(p, size, by_tables(rest, sizeof(rest), Word{0}, tables), tables);
}

bool cpu_multiplies_carryless() {
  static const bool there = __builtin_cpu_supports("pclmul") != 0;
  return there;
}
#endif

}  // namespace

uint32_t crc32_portable(const void* data, size_t size, uint32_t seed) {
  return ~by_tables(static_cast<const unsigned char*>(data), size, ~seed, kCrc32Tables);
}

uint64_t crc64nvme_portable(const void* data, size_t size, uint64_t seed) {
  return ~by_tables(static_cast<const unsigned char*>(data), size, ~seed, kCrc64nvmeTables);
}

uint32_t crc32(const void* data, size_t size, uint32_t seed) {
#if defined(__x86_64__)
  if (size >= kFoldBytesMin && cpu_multiplies_carryless())
    return ~by_folding(static_cast<const unsigned char*>(data), size, ~seed, kCrc32Folds, kCrc32Tables);
#endif
  return crc32_portable(data, size, seed);
}

uint64_t crc64nvme(const void* data, size_t size, uint64_t seed) {
#if defined(__x86_64__)
  if (size >= kFoldBytesMin && cpu_multiplies_carryless())
    return ~by_folding(static_cast<const unsigned char*>(data), size, ~seed, kCrc64nvmeFolds,
                       kCrc64nvmeTables);
#endif
  return crc64nvme_portable(data, size, seed);
}

uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return combined(first, second, second_bytes, kCrc32, kCrc32Powers);
}
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return combined(first, second, second_bytes, kCrc32c, kCrc32cPowers);
}
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes) {
  return combined(first, second, second_bytes, kCrc64nvme, kCrc64nvmePowers);
}

}  // namespace tarn::store
