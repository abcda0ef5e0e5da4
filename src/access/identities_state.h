// What Identities knows, in memory: a State is what was true at one moment; a change makes the next one.
//
// A change copies the maps (pointers), replaces the entries that it is about, and links those that depend on
// them again: principals are ready-made, so that a request only copies one.
// Owns: the entries, which never change; the shared_ptr are held by successive states, and by calls and
// principals that still use one.
// Threads: a published State is read by any; linking is the changer's alone.
// Fails: make_*: kInvalid, kTooLarge, kNotFound as identities.h says.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/identities.h"
#include "access/policy.h"
#include "access/principal.h"

namespace tarn::access {

using PolicyPointer = std::shared_ptr<const Policy>;

struct PolicyEntry {
  ManagedPolicy policy;
  int versions_made = 1;  // numbers are never used again
  PolicyPointer parsed;   // the default version
};

struct RoleEntry {
  Role role;
  std::vector<PolicyPointer> own;  // grants and inline policies
  PolicyPointer trust;             // null: none
  Principal principal;             // of its sessions, without what is the session's own
};

struct UserEntry {
  User user;
  std::vector<PolicyPointer> own;  // inline policies
  Principal principal;
};

// When a key was used: shared by its entries in successive states.
struct LastUse {
  std::atomic<int64_t> us = 0;  // 0: never
};

struct KeyEntry {
  AccessKey key;  // without `used`
  std::string secret;
  bool usable = true;  // false: its secret couldn't be opened at the start
  std::shared_ptr<LastUse> last_use = std::make_shared<LastUse>();

  KeyEntry() = default;
  KeyEntry(const KeyEntry&) = default;
  KeyEntry& operator=(const KeyEntry&) = delete;
  ~KeyEntry();
};

template <typename T>
using ByName = std::map<std::string, std::shared_ptr<const T>, std::less<>>;

template <typename T>
const T* find(const ByName<T>& map, std::string_view name) {
  auto found = map.find(name);
  return found == map.end() ? nullptr : found->second.get();
}

struct State {
  ByName<UserEntry> users;
  ByName<RoleEntry> roles;
  ByName<PolicyEntry> policies;  // by ARN
  ByName<KeyEntry> keys;         // by id
  ByName<ScramVerifier> passwords;
};

// Entries of what clients give, checked against everything but what is there by the same name. With `strict`
// off, for what is stored: a document that can't be parsed any more becomes a policy that denies everything,
// so that a deny is never lost, and nothing else is checked.
Result<PolicyEntry> make_policy_entry(ManagedPolicy policy, int versions_made, bool strict);
Result<RoleEntry> make_role_entry(const State& state, Role role, bool strict);
Result<UserEntry> make_user_entry(const State& state, User user, bool strict);

// Put the entry in and make every principal right again that depends on it.
void set_policy(State& state, PolicyEntry entry);
void set_role(State& state, RoleEntry entry);
void set_user(State& state, UserEntry entry);
void set_key(State& state, const KeyEntry& entry);
void link_everything(State& state);

Principal root_principal();

// kNotFound in IAM's words, with the nearest name.
Error no_such_user(const State& state, std::string_view name);
Error no_such_role(const State& state, std::string_view name);
Error no_such_policy(const State& state, std::string_view arn);
Error no_such_key(std::string_view id);

}  // namespace tarn::access
