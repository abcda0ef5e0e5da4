#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "access/identities_check.h"
#include "access/identities_store.h"

namespace tarn::access {
namespace {

// The N of "vN"; 0 when it is no such id.
int number_of(std::string_view version) {
  int number = 0;
  if (!version.starts_with('v')) return 0;
  auto [end, error] = std::from_chars(version.data() + 1, version.data() + version.size(), number);
  bool whole = error == std::errc() && end == version.data() + version.size() && number > 0;
  return whole && version == fmt::format("v{}", number) ? number : 0;
}

// Ids for new versions: numbers count up, and none comes twice.
Status number_versions(const PolicyEntry& before, ManagedPolicy& policy, int& made, Timestamp now) {
  for (ManagedPolicy::Version& version : policy.versions) {
    bool known =
        std::ranges::any_of(before.policy.versions, [&](const auto& old) { return old.id == version.id; });
    if (known) continue;
    if (version.id.empty()) version.id = fmt::format("v{}", made + 1);
    int number = number_of(version.id);
    if (number <= made)
      return fail(Code::kInvalid, fmt::format("policy {}: a new version can't be '{}', the next one is 'v{}'",
                                              policy.name, version.id, made + 1));
    made = number;
    if (version.created.us == 0) version.created = now;
  }
  return {};
}

Status check_removable(const State& state, const ManagedPolicy& policy) {
  auto uses = [&](const auto& owner) {
    return owner.boundary == policy.arn ||
           std::ranges::find(owner.attached, policy.arn) != owner.attached.end();
  };
  std::string user;
  for (const auto& [name, entry] : state.users)
    if (uses(entry->user)) user = "user " + name;
  for (const auto& [name, entry] : state.roles)
    if (uses(entry->role)) user = "role " + name;
  if (!user.empty())
    return fail(Code::kConflict,
                fmt::format("Cannot delete a policy attached to entities: {} has {}", user, policy.arn));
  if (policy.versions.size() <= 1) return {};
  return fail(Code::kConflict,
              fmt::format("This policy has more than one version: delete the others before {}", policy.arn));
}

}  // namespace

Result<ManagedPolicy> StoredIdentities::create_policy(ManagedPolicy policy, std::string document) {
  ManagedPolicy made;
  TARN_TRY(change([&](State& next, Rows& rows) -> Status {
    bool taken = std::ranges::any_of(next.policies, [&](const auto& item) {
      return same_without_case(item.second->policy.name, policy.name);
    });
    if (taken)
      return fail(
          Code::kExists,
          fmt::format("A policy called {} already exists. Duplicate names are not allowed.", policy.name));
    if (next.policies.size() >= kPoliciesMax)
      return fail(Code::kTooLarge,
                  fmt::format("Cannot exceed quota for PoliciesPerAccount: {}", kPoliciesMax));
    policy.id = new_unique_id("ANPA");
    policy.arn = policy_arn(policy.name, policy.path);
    policy.created = clock_.now();
    policy.updated = policy.created;
    policy.versions = {{"v1", document, policy.created}};
    policy.default_version = "v1";
    TARN_ASSIGN(PolicyEntry entry, make_policy_entry(policy, 1, /*strict=*/true));
    TARN_TRY(rows.put(entry));
    made = entry.policy;
    set_policy(next, std::move(entry));
    return {};
  }));
  return made;
}

Result<ManagedPolicy> StoredIdentities::policy(std::string_view arn) const {
  StatePointer state = this->state();
  if (const PolicyEntry* entry = find(state->policies, arn)) return entry->policy;
  return fail(no_such_policy(*state, arn));
}

std::vector<ManagedPolicy> StoredIdentities::policies() const {
  StatePointer state = this->state();
  std::vector<ManagedPolicy> out;
  out.reserve(state->policies.size());
  for (const auto& [arn, entry] : state->policies) out.push_back(entry->policy);
  return out;
}

Result<ManagedPolicy> StoredIdentities::change_policy(std::string_view arn,
                                                      const std::function<Status(ManagedPolicy&)>& change) {
  ManagedPolicy made;
  TARN_TRY(this->change([&](State& next, Rows& rows) -> Status {
    const PolicyEntry* have = find(next.policies, arn);
    if (have == nullptr) return fail(no_such_policy(next, arn));
    const ManagedPolicy& before = have->policy;
    ManagedPolicy changed = before;
    TARN_TRY(change(changed));
    changed.name = before.name;
    changed.path = before.path;
    changed.arn = before.arn;
    changed.id = before.id;
    changed.created = before.created;
    changed.updated = clock_.now();
    int versions_made = have->versions_made;
    TARN_TRY(number_versions(*have, changed, versions_made, changed.updated));
    TARN_ASSIGN(PolicyEntry entry, make_policy_entry(std::move(changed), versions_made, /*strict=*/true));
    TARN_TRY(rows.put(entry));
    made = entry.policy;
    set_policy(next, std::move(entry));
    return {};
  }));
  return made;
}

Status StoredIdentities::remove_policy(std::string_view arn) {
  return change([&](State& next, Rows& rows) -> Status {
    auto found = next.policies.find(arn);
    if (found == next.policies.end()) return fail(no_such_policy(next, arn));
    TARN_TRY(check_removable(next, found->second->policy));
    TARN_TRY(rows.remove_policy(arn));
    next.policies.erase(found);
    return {};
  });
}

}  // namespace tarn::access
