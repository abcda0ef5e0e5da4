#include "doors/aws/s3/conditions.h"

#include <algorithm>
#include <limits>

#include "doors/aws/s3/call.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr int64_t kSecond = 1'000'000;

// Digits as a number; too large a one is the largest.
std::optional<uint64_t> number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    uint64_t digit = static_cast<uint64_t>(c - '0');
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

}  // namespace

bool etag_in_list(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view one = trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() >= 2 && one.front() == '"' && one.back() == '"') one = one.substr(1, one.size() - 2);
    if (one == etag) return true;
  }
  return false;
}

ConditionOutcome check_conditions(const ReadConditions& conditions, std::string_view etag, Timestamp modified,
                                  Timestamp now) {
  using Kind = ConditionOutcome::Kind;
  // HTTP's dates have whole seconds.
  Timestamp seconds{modified.us - modified.us % kSecond};
  if (!conditions.if_match.empty()) {
    if (!etag_in_list(conditions.if_match, etag)) return {Kind::kFailed, "If-Match"};
  } else if (auto since = parse_http_date(conditions.if_unmodified_since); since && seconds > *since) {
    return {Kind::kFailed, "If-Unmodified-Since"};
  }
  if (!conditions.if_none_match.empty()) {
    if (etag_in_list(conditions.if_none_match, etag)) return {Kind::kNotModified, "If-None-Match"};
  } else if (auto since = parse_http_date(conditions.if_modified_since);
             since && seconds <= *since && *since <= now) {  // a date to come says nothing
    return {Kind::kNotModified, "If-Modified-Since"};
  }
  return {};
}

Range parse_range(std::string_view text, uint64_t size) {
  Range whole{Range::Kind::kWhole, 0, size};
  Range unsatisfiable{Range::Kind::kUnsatisfiable, 0, 0};
  constexpr std::string_view kUnit = "bytes=";
  if (!text.starts_with(kUnit)) return whole;
  text = trim(text.substr(kUnit.size()));
  size_t hyphen = text.find('-');
  if (hyphen == std::string_view::npos) return whole;
  std::string_view first_text = trim(text.substr(0, hyphen));
  std::string_view last_text = trim(text.substr(hyphen + 1));
  auto first = number(first_text);
  auto last = number(last_text);
  if ((!first && !first_text.empty()) || (!last && !last_text.empty())) return whole;  // also "0-1,3-4"
  if (!first) {
    if (!last) return whole;
    if (*last == 0 || size == 0) return unsatisfiable;
    uint64_t length = std::min(*last, size);
    return {Range::Kind::kPart, size - length, length};
  }
  if (last && *last < *first) return whole;
  if (*first >= size) return unsatisfiable;
  uint64_t end = std::min(last.value_or(size - 1), size - 1);
  return {Range::Kind::kPart, *first, end - *first + 1};
}

std::optional<ClosedRange> parse_closed_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes=";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  size_t hyphen = text.find('-');
  if (hyphen == std::string_view::npos) return std::nullopt;
  auto first = number(text.substr(0, hyphen));
  auto last = number(text.substr(hyphen + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ClosedRange{*first, *last};
}

}  // namespace tarn::aws::s3
