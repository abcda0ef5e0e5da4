// Avro's lengths and counts, read from bytes that nobody vouches for: nothing is taken that isn't there.
//
// Owns: nothing; the bytes outlive it.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tarn::lake {

class AvroCursor {
 public:
  explicit AvroCursor(std::string_view rest) : rest_(rest) {}
  bool done() const { return rest_.empty(); }

  // A zigzag number of at most ten bytes.
  std::optional<int64_t> number() {
    uint64_t n = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return std::nullopt;
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      n |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return static_cast<int64_t>(n >> 1) ^ -static_cast<int64_t>(n & 1);
    }
    return std::nullopt;
  }

  // How many items a block of an array or map has; 0 is the end. A negative count is followed by the block's
  // bytes.
  std::optional<int64_t> block_count() {
    auto count = number();
    if (!count || *count >= 0) return count;
    if (*count == INT64_MIN || !number()) return std::nullopt;
    return -*count;
  }

  std::optional<std::string_view> take(size_t count) {
    if (rest_.size() < count) return std::nullopt;
    std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }

  // Bytes behind their length.
  std::optional<std::string_view> bytes() {
    auto length = number();
    if (!length || *length < 0) return std::nullopt;
    return take(static_cast<size_t>(*length));
  }

 private:
  std::string_view rest_;
};

}  // namespace tarn::lake
