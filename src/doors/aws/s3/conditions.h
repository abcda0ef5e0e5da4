// Conditions and ranges of reads: If-Match and its three sisters, Range.
//
// Threads: pure functions.
// Fails: never; what can't be understood is as if it were not there, as HTTP has it.
// Source: RFC 9110 §13 and §14, as S3 does it: If-Match that holds wins over If-Unmodified-Since, If-None-Match
// wins over If-Modified-Since; several ranges are answered with the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tarn::aws::s3 {

struct ReadConditions {
  std::string if_match;  // as they came; empty: absent
  std::string if_none_match;
  std::string if_modified_since;
  std::string if_unmodified_since;
};

struct ConditionOutcome {
  enum class Kind { kHolds, kNotModified, kFailed } kind = Kind::kHolds;
  std::string_view condition;  // the header that decided: "If-Match"
};
// `etag` without quotes.
ConditionOutcome check_conditions(const ReadConditions& conditions, std::string_view etag, Timestamp modified,
                                  Timestamp now);

// Is `etag` (without quotes) in a list like "a", W/"b", c; or is the list "*"?
bool etag_in_list(std::string_view list, std::string_view etag);

struct Range {
  enum class Kind { kWhole, kPart, kUnsatisfiable } kind = Kind::kWhole;
  uint64_t begin = 0;
  uint64_t length = 0;
};
// Of a Range header; `size` is the object's. Whatever is odd: kWhole.
Range parse_range(std::string_view text, uint64_t size);

// "bytes=a-b" with both ends, as UploadPartCopy takes it.
struct ClosedRange {
  uint64_t first = 0;
  uint64_t last = 0;
};
std::optional<ClosedRange> parse_closed_range(std::string_view text);

}  // namespace tarn::aws::s3
