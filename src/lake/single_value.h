// Iceberg's single values as bytes (bounds of columns), as JSON (defaults, REST) and as text (messages,
// folders).
//
// Bytes: little-endian numbers, UTF-8, raw uuid/fixed/binary, big-endian two's complement decimals of the
// fewest bytes.
// Source: https://iceberg.apache.org/spec/ (Appendix D: Single-value serialization)
// Threads: pure functions.
// Fails: kInvalid when the value isn't one of the type; kCorrupt when bytes can't be read as the type.
// Shapes: which alternative of Single a type uses is told in table.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "columns/type.h"
#include "lake/table.h"

namespace tarn::lake {

__extension__ typedef __int128 Int128;  // an unscaled decimal has at most 38 digits

// REQUIRES: not a null; Iceberg has no bytes for it.
Result<std::string> encode_single(const columns::Type& type, const Single& value);
// Takes int and float bytes for a column that was widened to long and double since.
Result<Single> decode_single(const columns::Type& type, std::string_view bytes);

// What stands in a manifest as a column's bounds: text and binary cut to 16 characters or bytes; an upper
// bound that was cut is raised so that it is still one, or left out when it can't be.
inline constexpr size_t kBoundCharacters = 16;
Result<std::string> lower_bound(const columns::Type& type, const Single& value);
Result<std::optional<std::string>> upper_bound(const columns::Type& type, const Single& value);

// A null Single is JSON null.
Result<boost::json::value> single_to_json(const columns::Type& type, const Single& value);
Result<Single> single_from_json(const columns::Type& type, const boost::json::value& json);

// For people: "2026-11-21", "14.20", "null".
std::string single_to_text(const columns::Type& type, const Single& value);

// Decimals: the number itself to the fewest bytes, and back (kCorrupt: longer than 16 bytes).
std::string encode_unscaled(Int128 value);
Result<Int128> decode_unscaled(std::string_view bytes);
std::string decimal_text(Int128 unscaled, int scale);
Result<Int128> parse_decimal(std::string_view text, int scale);

}  // namespace tarn::lake
