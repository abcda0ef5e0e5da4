// The operators of a policy's conditions: their names, what values they take, and how one value compares.
//
// A table of operators; sets, absent keys and IfExists are policy_evaluate.cpp's business. Strings and ARNs are
// compared in policy_pattern.h, as they may have variables and wildcards.
// Threads: pure functions.
// Fails: check_value: kInvalid says what the operator takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace tarn::access {

// The positive operators; a negated one is the same with `negated`.
enum class Comparison {
  kString,
  kStringIgnoreCase,
  kStringLike,
  kArn,
  kNumericEquals,
  kNumericLess,
  kNumericLessEquals,
  kNumericGreater,
  kNumericGreaterEquals,
  kDateEquals,
  kDateLess,
  kDateLessEquals,
  kDateGreater,
  kDateGreaterEquals,
  kBool,
  kBinary,
  kIpAddress,
  kNull,
};

enum class Operator {
  kStringEquals,
  kStringNotEquals,
  kStringEqualsIgnoreCase,
  kStringNotEqualsIgnoreCase,
  kStringLike,
  kStringNotLike,
  kNumericEquals,
  kNumericNotEquals,
  kNumericLessThan,
  kNumericLessThanEquals,
  kNumericGreaterThan,
  kNumericGreaterThanEquals,
  kDateEquals,
  kDateNotEquals,
  kDateLessThan,
  kDateLessThanEquals,
  kDateGreaterThan,
  kDateGreaterThanEquals,
  kBool,
  kBinaryEquals,
  kIpAddress,
  kNotIpAddress,
  kArnEquals,
  kArnLike,
  kArnNotEquals,
  kArnNotLike,
  kNull,
};

// Case doesn't matter. The names are IAM's, without set prefix and IfExists.
std::optional<Operator> operator_of(std::string_view name);
std::string_view operator_name(Operator op);
std::string operator_hint(std::string_view name);  // "; did you mean 'StringLike'?" or empty
Comparison comparison_of(Operator op);
bool is_negated(Operator op);
// Strings and ARNs: variables mean something.
bool takes_variables(Comparison comparison);

// Whether a policy may compare with this value; strings and ARNs take any.
Status check_value(Operator op, std::string_view value);
// Whether a request's value is what the policy's says. REQUIRES: !takes_variables(comparison), and not kNull. A
// value that isn't of the operator's type compares with nothing.
bool compare(Comparison comparison, std::string_view policy_value, std::string_view request_value);

// "2026-11-21T07:00:00Z", also without seconds or time of day; seconds since 1970.
std::optional<Timestamp> policy_date(std::string_view text);

}  // namespace tarn::access
