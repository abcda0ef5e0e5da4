// The rules for what identities consist of: names, paths, tags, ids, sizes.
//
// Threads: pure functions, but for random ids.
// Fails: kInvalid says which rule, kTooLarge which limit.
// Source: the IAM API reference (patterns and lengths), IAM and STS quotas.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "access/identities.h"
#include "base/error.h"

namespace tarn::access {

inline constexpr std::string_view kRoot = "root";
inline constexpr std::string_view kAnonymous = "anonymous";
inline constexpr std::string_view kSystem = "system";

inline constexpr size_t kUserNameMax = 64;  // also of roles and sessions
inline constexpr size_t kPolicyNameMax = 128;

// Letters, digits and + = , . @ _ - ; `what` is for the message: "user name".
Status check_name(std::string_view name, std::string_view what, size_t length_max, size_t length_min = 1);
Status check_path(std::string_view path);
Status check_tags(const std::map<std::string, std::string>& tags);
Status check_description(std::string_view text);

size_t characters_without_blanks(std::string_view text);
bool same_without_case(std::string_view a, std::string_view b);

std::string new_unique_id(std::string_view prefix);  // "AIDA": 21 characters
std::string new_key_id(std::string_view prefix);     // "AKIA": 20 characters
std::string new_secret_key();                        // 40 characters
std::string policy_arn(std::string_view name, std::string_view path);

}  // namespace tarn::access
