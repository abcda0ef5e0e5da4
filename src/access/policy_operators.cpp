#include "access/policy_operators.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <fmt/core.h>

#include "access/policy_pattern.h"
#include "base/nearest.h"

namespace tarn::access {

namespace {

struct Row {
  Operator op;
  std::string_view name;
  Comparison comparison;
  bool negated;
};

constexpr auto kRows = std::to_array<Row>({
    {Operator::kStringEquals, "StringEquals", Comparison::kString, false},
    {Operator::kStringNotEquals, "StringNotEquals", Comparison::kString, true},
    {Operator::kStringEqualsIgnoreCase, "StringEqualsIgnoreCase", Comparison::kStringIgnoreCase, false},
    {Operator::kStringNotEqualsIgnoreCase, "StringNotEqualsIgnoreCase", Comparison::kStringIgnoreCase, true},
    {Operator::kStringLike, "StringLike", Comparison::kStringLike, false},
    {Operator::kStringNotLike, "StringNotLike", Comparison::kStringLike, true},
    {Operator::kNumericEquals, "NumericEquals", Comparison::kNumericEquals, false},
    {Operator::kNumericNotEquals, "NumericNotEquals", Comparison::kNumericEquals, true},
    {Operator::kNumericLessThan, "NumericLessThan", Comparison::kNumericLess, false},
    {Operator::kNumericLessThanEquals, "NumericLessThanEquals", Comparison::kNumericLessEquals, false},
    {Operator::kNumericGreaterThan, "NumericGreaterThan", Comparison::kNumericGreater, false},
    {Operator::kNumericGreaterThanEquals, "NumericGreaterThanEquals", Comparison::kNumericGreaterEquals,
     false},
    {Operator::kDateEquals, "DateEquals", Comparison::kDateEquals, false},
    {Operator::kDateNotEquals, "DateNotEquals", Comparison::kDateEquals, true},
    {Operator::kDateLessThan, "DateLessThan", Comparison::kDateLess, false},
    {Operator::kDateLessThanEquals, "DateLessThanEquals", Comparison::kDateLessEquals, false},
    {Operator::kDateGreaterThan, "DateGreaterThan", Comparison::kDateGreater, false},
    {Operator::kDateGreaterThanEquals, "DateGreaterThanEquals", Comparison::kDateGreaterEquals, false},
    {Operator::kBool, "Bool", Comparison::kBool, false},
    {Operator::kBinaryEquals, "BinaryEquals", Comparison::kBinary, false},
    {Operator::kIpAddress, "IpAddress", Comparison::kIpAddress, false},
    {Operator::kNotIpAddress, "NotIpAddress", Comparison::kIpAddress, true},
    {Operator::kArnEquals, "ArnEquals", Comparison::kArn, false},
    {Operator::kArnLike, "ArnLike", Comparison::kArn, false},
    {Operator::kArnNotEquals, "ArnNotEquals", Comparison::kArn, true},
    {Operator::kArnNotLike, "ArnNotLike", Comparison::kArn, true},
    {Operator::kNull, "Null", Comparison::kNull, false},
});

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].op) != i) return false;
  return true;
}
static_assert(in_order() && kRows.size() == static_cast<size_t>(Operator::kNull) + 1);

const Row& row(Operator op) {
  return kRows[static_cast<size_t>(op)];
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value != value) return std::nullopt;
  return value;
}

// An address in IPv6's 16 bytes; IPv4 as ::ffff:a.b.c.d, so that both forms of one address are the same.
using Address = std::array<uint8_t, 16>;
constexpr int kMappedBits = 96;

struct Network {
  Address address{};
  int bits = 128;
};

std::optional<Network> network_of(std::string_view text, bool with_length) {
  Network network;
  std::optional<int> length;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    int value = 0;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!with_length || error != std::errc() || end != digits.data() + digits.size() || value < 0)
      return std::nullopt;
    length = value;
    text = text.substr(0, slash);
  }
  const std::string host(text);
  if (std::array<uint8_t, 4> four{}; inet_pton(AF_INET, host.c_str(), four.data()) == 1) {
    network.address[10] = network.address[11] = 0xff;
    std::ranges::copy(four, network.address.begin() + 12);
    if (length.value_or(0) > 32) return std::nullopt;
    network.bits = kMappedBits + length.value_or(32);
    return network;
  }
  if (inet_pton(AF_INET6, host.c_str(), network.address.data()) != 1) return std::nullopt;
  if (length.value_or(0) > 128) return std::nullopt;
  network.bits = length.value_or(128);
  return network;
}

bool contains(const Network& network, const Address& address) {
  const int whole = network.bits / 8;
  if (std::memcmp(network.address.data(), address.data(), whole) != 0) return false;
  const int rest = network.bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return (network.address[whole] & mask) == (address[whole] & mask);
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

bool is_boolean(std::string_view text) {
  return equal_ignoring_case(text, "true") || equal_ignoring_case(text, "false");
}

template <typename T>
bool holds(Comparison comparison, const T& request, const T& policy) {
  switch (comparison) {
    case Comparison::kNumericEquals:
    case Comparison::kDateEquals:
      return request == policy;
    case Comparison::kNumericLess:
    case Comparison::kDateLess:
      return request < policy;
    case Comparison::kNumericLessEquals:
    case Comparison::kDateLessEquals:
      return request <= policy;
    case Comparison::kNumericGreater:
    case Comparison::kDateGreater:
      return request > policy;
    case Comparison::kNumericGreaterEquals:
    case Comparison::kDateGreaterEquals:
      return request >= policy;
    default:
      return false;
  }
}

template <typename T>
bool both_hold(Comparison comparison, const std::optional<T>& request, const std::optional<T>& policy) {
  return request && policy && holds(comparison, *request, *policy);
}

bool is_number(Comparison comparison) {
  return comparison >= Comparison::kNumericEquals && comparison <= Comparison::kNumericGreaterEquals;
}
bool is_date(Comparison comparison) {
  return comparison >= Comparison::kDateEquals && comparison <= Comparison::kDateGreaterEquals;
}

}  // namespace

std::optional<Operator> operator_of(std::string_view name) {
  for (const Row& row : kRows)
    if (equal_ignoring_case(row.name, name)) return row.op;
  return std::nullopt;
}

std::string_view operator_name(Operator op) {
  return row(op).name;
}

std::string operator_hint(std::string_view name) {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return did_you_mean(name, names);
}

Comparison comparison_of(Operator op) {
  return row(op).comparison;
}

bool is_negated(Operator op) {
  return row(op).negated;
}

bool takes_variables(Comparison comparison) {
  return comparison <= Comparison::kArn;
}

std::optional<Timestamp> policy_date(std::string_view text) {
  constexpr int64_t kSecondsMax = 253'402'300'800;  // the year 10000
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (seconds < -kSecondsMax || seconds > kSecondsMax) return std::nullopt;
    return Timestamp{seconds * 1'000'000};
  }
  constexpr size_t kDay = 10;     // 2026-11-21
  constexpr size_t kMinute = 16;  // 2026-11-21T07:00
  std::string full(text);
  if (text.size() == kDay) {
    full += "T00:00:00Z";
  } else if (text.size() > kMinute && text[kMinute] != ':') {
    full.insert(kMinute, ":00");
  }
  auto time = parse_timestamp(full);
  if (!time) return std::nullopt;
  return *time;
}

Status check_value(Operator op, std::string_view value) {
  const auto refuse = [&](std::string_view what) {
    return fail(Code::kInvalid, fmt::format("{} takes {}, not '{}'", operator_name(op), what, value));
  };
  const Comparison comparison = comparison_of(op);
  if (is_number(comparison) && !number_of(value)) return refuse("numbers");
  if (is_date(comparison) && !policy_date(value))
    return refuse("times such as 2026-11-21T07:00:00Z, or seconds since 1970");
  if ((comparison == Comparison::kBool || comparison == Comparison::kNull) && !is_boolean(value))
    return refuse("true or false");
  if (comparison == Comparison::kBinary && !is_base64(value)) return refuse("base64");
  if (comparison == Comparison::kIpAddress && !network_of(value, true))
    return refuse("addresses such as 203.0.113.0/24 or 2001:db8::/32");
  return {};
}

bool compare(Comparison comparison, std::string_view policy_value, std::string_view request_value) {
  if (is_number(comparison)) return both_hold(comparison, number_of(request_value), number_of(policy_value));
  if (is_date(comparison))
    return both_hold(comparison, policy_date(request_value), policy_date(policy_value));
  switch (comparison) {
    case Comparison::kBool:
      return is_boolean(request_value) && equal_ignoring_case(policy_value, request_value);
    case Comparison::kBinary:
      return policy_value == request_value;
    case Comparison::kIpAddress: {
      const auto address = network_of(request_value, false);
      const auto network = network_of(policy_value, true);
      return address && network && contains(*network, address->address);
    }
    default:
      return false;
  }
}

}  // namespace tarn::access
