#include <algorithm>

#include <fmt/format.h>

#include "access/identities_check.h"
#include "access/identities_store.h"

namespace tarn::access {
namespace {

Status check_removable(const State& state, const Role& role, bool with_policies) {
  for (const auto& [name, user] : state.users) {
    if (std::ranges::find(user->user.roles, role.name) == user->user.roles.end()) continue;
    return fail(Code::kConflict, fmt::format("Cannot delete entity, user {} has role {}: take it away first",
                                             name, role.name));
  }
  std::string_view first;
  if (!role.attached.empty()) first = "detach all policies";
  if (!role.inline_policies.empty()) first = "delete policies";
  if (first.empty() || with_policies) return {};
  return fail(Code::kConflict, fmt::format("Cannot delete entity, must {} first: role {}", first, role.name));
}

}  // namespace

Status StoredIdentities::add_role(State& next, Rows& rows, Role role) const {
  bool taken = std::ranges::any_of(
      next.roles, [&](const auto& item) { return same_without_case(item.first, role.name); });
  if (taken) return fail(Code::kExists, fmt::format("Role with name {} already exists.", role.name));
  if (next.roles.size() >= kRolesMax)
    return fail(Code::kTooLarge, fmt::format("Cannot exceed quota for RolesPerAccount: {}", kRolesMax));
  role.id = new_unique_id("AROA");
  role.created = clock_.now();
  TARN_ASSIGN(RoleEntry entry, make_role_entry(next, std::move(role), /*strict=*/true));
  TARN_TRY(rows.put(entry.role));
  set_role(next, std::move(entry));
  return {};
}

Status StoredIdentities::create_role(Role role) {
  return change([&](State& next, Rows& rows) { return add_role(next, rows, role); });
}

Result<Role> StoredIdentities::role(std::string_view name) const {
  StatePointer state = this->state();
  if (const RoleEntry* entry = find(state->roles, name)) return entry->role;
  return fail(no_such_role(*state, name));
}

std::vector<Role> StoredIdentities::roles() const {
  StatePointer state = this->state();
  std::vector<Role> out;
  out.reserve(state->roles.size());
  for (const auto& [name, entry] : state->roles) out.push_back(entry->role);
  return out;
}

Status StoredIdentities::remove_role(std::string_view name, bool with_policies) {
  return change([&](State& next, Rows& rows) -> Status {
    auto found = next.roles.find(name);
    if (found == next.roles.end()) return fail(no_such_role(next, name));
    TARN_TRY(check_removable(next, found->second->role, with_policies));
    TARN_TRY(rows.remove_role(name));
    next.roles.erase(found);
    return {};
  });
}

Status StoredIdentities::change_role(std::string_view name, const std::function<Status(Role&)>& change) {
  return this->change([&](State& next, Rows& rows) -> Status {
    const RoleEntry* have = find(next.roles, name);
    if (have == nullptr) return fail(no_such_role(next, name));
    Role changed = have->role;
    TARN_TRY(change(changed));
    if (changed.name != have->role.name)
      return fail(Code::kInvalid, fmt::format("role {}: a role can't be renamed", name));
    changed.id = have->role.id;
    changed.path = have->role.path;
    changed.created = have->role.created;
    TARN_ASSIGN(RoleEntry entry, make_role_entry(next, std::move(changed), /*strict=*/true));
    TARN_TRY(rows.put(entry.role));
    set_role(next, std::move(entry));
    return {};
  });
}

}  // namespace tarn::access
