// JSON numbers and texts to the values that DuckDB's vectors hold.
//
// Exact or not at all: a number that a type can't hold as it stands is refused, but for a double's usual
// rounding. Dates and times are in scalar.h.
// Threads: pure functions; no allocation but in base64, no locale.
// Fails: false, or nothing, when the value doesn't fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <duckdb.h>

namespace tarn::columns {

// These read a JSON number whose grammar was checked. REQUIRES: a byte that can't be in a number after it.
bool read_int64(const char* number, int64_t& out);  // only without fraction and exponent
bool read_double(const char* number, double& out);  // false when it is beyond a double's range
// As unscaled integer; false when there are more digits behind the point than `scale`, or more than
// `precision`.
bool read_decimal(const char* number, int precision, int scale, __int128& out);

// "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", in either case, as DuckDB keeps it.
std::optional<duckdb_hugeint> read_uuid(std::string_view text);

// RFC 4648 §4, with its padding. Appends the bytes to `out`.
bool read_base64(std::string_view text, std::string& out);

inline duckdb_hugeint to_hugeint(__int128 value) {
  return {static_cast<uint64_t>(value), static_cast<int64_t>(value >> 64)};
}

}  // namespace tarn::columns
