// Byte counts, as people write them: 512, 64KiB, 64MiB, 1GiB, 10MB.
//
// Shapes: KiB, MiB, GiB, TiB are powers of 1024; KB, MB, GB, TB powers of 1000; B and no unit are bytes.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

Result<uint64_t> parse_bytes(std::string_view text);  // kInvalid names the text and the units that exist
std::string format_bytes(uint64_t bytes);             // exact: the largest binary unit that divides it
std::string human_bytes(uint64_t bytes);              // for reading: "1.2 GiB"

// True when `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

}  // namespace tarn
