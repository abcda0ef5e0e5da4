#include <algorithm>

#include <fmt/format.h>

#include "access/identities_check.h"
#include "access/identities_store.h"
#include "access/scram.h"

namespace tarn::access {
namespace {

Status check_free(const State& state, std::string_view name) {
  bool taken =
      std::ranges::any_of(state.users, [&](const auto& item) { return same_without_case(item.first, name); });
  if (!taken) return {};
  return fail(Code::kExists, fmt::format("User with name {} already exists.", name));
}

bool has_keys(const State& state, std::string_view user) {
  return std::ranges::any_of(state.keys, [&](const auto& item) { return item.second->key.user == user; });
}

Status check_removable(const State& state, const User& user) {
  std::string_view first;
  if (has_keys(state, user.name)) first = "delete access keys";
  if (state.passwords.contains(user.name)) first = "delete login profile";
  if (!user.attached.empty()) first = "detach all policies";
  if (!user.inline_policies.empty()) first = "delete policies";
  if (first.empty()) return {};
  return fail(Code::kConflict, fmt::format("Cannot delete entity, must {} first: user {}", first, user.name));
}

User told(const State& state, const UserEntry& entry) {
  User user = entry.user;
  user.has_password = state.passwords.contains(user.name);
  return user;
}

}  // namespace

Status StoredIdentities::add_user(State& next, Rows& rows, User user) const {
  TARN_TRY(check_free(next, user.name));
  if (next.users.size() >= kUsersMax)
    return fail(Code::kTooLarge, fmt::format("Cannot exceed quota for UsersPerAccount: {}", kUsersMax));
  user.id = new_unique_id("AIDA");
  user.created = clock_.now();
  TARN_ASSIGN(UserEntry entry, make_user_entry(next, std::move(user), /*strict=*/true));
  TARN_TRY(rows.put(entry.user));
  set_user(next, std::move(entry));
  return {};
}

Status StoredIdentities::create_user(User user) {
  return change([&](State& next, Rows& rows) { return add_user(next, rows, user); });
}

Result<User> StoredIdentities::user(std::string_view name) const {
  StatePointer state = this->state();
  const UserEntry* entry = find(state->users, name);
  if (entry == nullptr) return fail(no_such_user(*state, name));
  return told(*state, *entry);
}

std::vector<User> StoredIdentities::users() const {
  StatePointer state = this->state();
  std::vector<User> out;
  out.reserve(state->users.size());
  for (const auto& [name, entry] : state->users) out.push_back(told(*state, *entry));
  return out;
}

Status StoredIdentities::remove_user(std::string_view name, bool with_keys) {
  return change([&](State& next, Rows& rows) -> Status {
    const UserEntry* entry = find(next.users, name);
    if (entry == nullptr) return fail(no_such_user(next, name));
    if (!with_keys) TARN_TRY(check_removable(next, entry->user));
    for (auto key = next.keys.begin(); key != next.keys.end();) {
      bool own = key->second->key.user == name;
      if (own) TARN_TRY(rows.remove_key(key->first));
      key = own ? next.keys.erase(key) : std::next(key);
    }
    TARN_TRY(rows.remove_password(name));
    TARN_TRY(rows.remove_user(name));
    if (auto password = next.passwords.find(name); password != next.passwords.end())
      next.passwords.erase(password);
    next.users.erase(next.users.find(name));
    return {};
  });
}

Status StoredIdentities::set_password(std::string_view user, std::optional<std::string> password) {
  std::optional<ScramVerifier> verifier;
  if (password) {
    TARN_TRY(check_password(*password));
    verifier = make_verifier(*password);
  }
  return change([&](State& next, Rows& rows) -> Status {
    if (user != kRoot && find(next.users, user) == nullptr) return fail(no_such_user(next, user));
    if (user == kAnonymous)
      return fail(Code::kInvalid, "anonymous is who comes without credentials: it can't have a password");
    if (verifier) {
      TARN_TRY(rows.put_password(user, *verifier));
      next.passwords[std::string(user)] = std::make_shared<const ScramVerifier>(*verifier);
      return {};
    }
    TARN_TRY(rows.remove_password(user));
    if (auto found = next.passwords.find(user); found != next.passwords.end()) next.passwords.erase(found);
    return {};
  });
}

// Keys and password go along; the new row is written by the caller.
Status StoredIdentities::rename_user(State& next, Rows& rows, const std::string& from,
                                     const std::string& to) const {
  if (!same_without_case(from, to)) TARN_TRY(check_free(next, to));
  if (from == kAnonymous) return fail(Code::kInvalid, "the user anonymous can't be renamed");
  TARN_TRY(rows.remove_user(from));
  next.users.erase(from);
  for (auto& [id, pointer] : next.keys) {
    if (pointer->key.user != from) continue;
    TARN_TRY(rows.set_key_user(id, to));
    KeyEntry entry = *pointer;
    entry.key.user = to;
    pointer = std::make_shared<const KeyEntry>(entry);
  }
  auto password = next.passwords.find(from);
  if (password == next.passwords.end()) return {};
  TARN_TRY(rows.remove_password(from));
  TARN_TRY(rows.put_password(to, *password->second));
  next.passwords[to] = password->second;
  next.passwords.erase(from);
  return {};
}

Status StoredIdentities::change_user(std::string_view name, const std::function<Status(User&)>& change) {
  return this->change([&](State& next, Rows& rows) -> Status {
    const UserEntry* have = find(next.users, name);
    if (have == nullptr) return fail(no_such_user(next, name));
    const User before = have->user;
    User changed = before;
    changed.has_password = next.passwords.contains(name);
    TARN_TRY(change(changed));
    changed.id = before.id;
    changed.created = before.created;
    TARN_ASSIGN(UserEntry entry, make_user_entry(next, std::move(changed), /*strict=*/true));
    if (entry.user.name != before.name) TARN_TRY(rename_user(next, rows, before.name, entry.user.name));
    TARN_TRY(rows.put(entry.user));
    set_user(next, std::move(entry));
    return {};
  });
}

}  // namespace tarn::access
