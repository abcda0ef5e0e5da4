// The stored definitions of users, roles and managed policies.
//
// Shapes: JSON objects; unknown keys are left alone, missing ones mean the default. Without name (or ARN), which
// is the row's key.
// Threads: pure functions.
// Fails: kCorrupt, names what is damaged. A role whose grants can't be read has none, which is logged.
#pragma once

#include <string>
#include <string_view>

#include "access/identities_state.h"
#include "base/error.h"

namespace tarn::access {

std::string stored_form(const User& user);
std::string stored_form(const Role& role);
std::string stored_form(const PolicyEntry& policy);
Result<User> stored_user(std::string_view name, std::string_view text);
Result<Role> stored_role(std::string_view name, std::string_view text);
// Not parsed yet: only `policy` and `versions_made` are set.
Result<PolicyEntry> stored_policy(std::string_view arn, std::string_view text);

}  // namespace tarn::access
