#include "base/id.h"

#include <array>

#include <fmt/core.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/time.h"

namespace tarn {
namespace {

std::string format_uuid(uint64_t high, uint64_t low, uint64_t version) {
  high = (high & ~0xF000ULL) | (version << 12);
  low = (low & 0x3FFF'FFFF'FFFF'FFFFULL) | 0x8000'0000'0000'0000ULL;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                     low >> 48, low & 0xFFFF'FFFF'FFFFULL);
}

}  // namespace

uint64_t random_u64() {
  uint64_t value = 0;
  TARN_CHECK(::getrandom(&value, sizeof(value), 0) == static_cast<ssize_t>(sizeof(value)));
  return value;
}

int64_t random_positive_i64() {
  auto value = static_cast<int64_t>(random_u64() & 0x7FFF'FFFF'FFFF'FFFFULL);
  return value == 0 ? 1 : value;
}

std::string uuid_v4() {
  return format_uuid(random_u64(), random_u64(), 4);
}

std::string uuid_v7() {
  auto ms = static_cast<uint64_t>(Clock::system().now().us / 1000);
  return format_uuid((ms << 16) | (random_u64() & 0xFFFF), random_u64(), 7);
}

}  // namespace tarn
