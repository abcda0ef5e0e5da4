#include "lake/bucket_hash.h"

#include <bit>
#include <cstring>

namespace tarn::lake {
namespace {

uint32_t mix(uint32_t k) {
  k *= 0xcc9e2d51u;
  k = std::rotl(k, 15);
  return k * 0x1b873593u;
}

}  // namespace

int32_t bucket_hash(std::string_view bytes) {
  uint32_t h = 0;
  size_t blocks = bytes.size() / 4;
  for (size_t i = 0; i < blocks; ++i) {
    uint32_t k;
    std::memcpy(&k, bytes.data() + i * 4, 4);
    h ^= mix(k);
    h = std::rotl(h, 13) * 5 + 0xe6546b64u;
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i > blocks * 4; --i) {
    tail = (tail << 8) | static_cast<unsigned char>(bytes[i - 1]);
  }
  if (bytes.size() % 4 != 0) h ^= mix(tail);
  h ^= static_cast<uint32_t>(bytes.size());
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  h ^= h >> 16;
  return static_cast<int32_t>(h);
}

int32_t bucket_hash(int64_t value) {
  char bytes[8];
  std::memcpy(bytes, &value, 8);  // little-endian, as the specification wants it and the CPU has it
  return bucket_hash(std::string_view(bytes, 8));
}

int32_t bucket_hash_decimal(Int128 unscaled) {
  return bucket_hash(std::string_view(encode_unscaled(unscaled)));
}

int32_t bucket_of(int32_t hash, int32_t buckets) {
  return (hash & 0x7fffffff) % buckets;
}

}  // namespace tarn::lake
