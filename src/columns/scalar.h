// Dates, times and numbers as JSON holds them: how they are recognised, and what they are worth.
//
// Inference asks text_shape() what a text could be; the shredder parses it. Both stand on the same functions,
// so that a column inferred as timestamptz takes exactly the texts that made it one.
//   date        2026-11-21
//   timestamp   2026-11-21T03:22:56.123456Z, 2026-11-21 03:22:56+05:30 (RFC 3339: T or a space, seconds, a
//   zone)
// Years 0001 to 9999, in UTC too; a second of 60 is refused; up to 9 digits of a fraction, those past the
// sixth cut.
// Threads: pure functions; no allocation, no locale.
// Fails: nothing when the text is anything else, in any detail.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tarn::columns {

enum class TextShape { kText, kDate, kTimestamp };

// kTimestamp only with a zone: a text without one says no instant, and stays text unless a column is
// declared.
TextShape text_shape(std::string_view text);

// Days since 1970-01-01 of "YYYY-MM-DD".
std::optional<int32_t> parse_date_days(std::string_view text);

// Microseconds since 1970-01-01T00:00:00Z; the zone, Z or ±hh:mm, must be there.
std::optional<int64_t> parse_timestamp_us(std::string_view text);

// The same for text without a zone, for columns declared TIMESTAMP: what a clock on the wall showed.
std::optional<int64_t> parse_local_timestamp_us(std::string_view text);

// Microseconds since midnight of "hh:mm:ss" with an optional fraction, for columns declared TIME.
std::optional<int64_t> parse_time_us(std::string_view text);

// Is it a number as JSON writes it: no leading zeros, no plus sign, digits on both sides of a point.
bool is_json_number(std::string_view text);

}  // namespace tarn::columns
