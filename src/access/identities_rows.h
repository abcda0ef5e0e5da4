// How identities and secrets lie in the metastore.
//
// Shapes: users, roles, managed_policies: a name (or ARN) and a definition in JSON; passwords: RFC 5803 text;
// access_keys: columns, the secret sealed for "access key <id>"; secrets, secret_versions: see secrets.cpp.
// Times are microseconds. `untold` is 1 while nobody was told the root key.
// Threads: within the transaction's own.
// Fails: kCorrupt for a definition that can't be read; what the metastore fails with.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "access/identities_state.h"
#include "access/sealed.h"
#include "base/error.h"
#include "meta/metastore.h"

namespace tarn::access {

std::span<const meta::Migration> access_migrations();

std::string key_purpose(std::string_view key_id);

class Rows {
 public:
  explicit Rows(meta::Transaction& transaction) : transaction_(transaction) {}

  Status put(const User& user);
  Status put(const Role& role);
  Status put(const PolicyEntry& policy);
  Status remove_user(std::string_view name);
  Status remove_role(std::string_view name);
  Status remove_policy(std::string_view arn);
  Status put_password(std::string_view user, const ScramVerifier& verifier);
  Status remove_password(std::string_view user);

  Status add_key(const AccessKey& key, std::string_view sealed, bool untold);
  Status set_key_active(std::string_view id, bool active);
  Status set_key_user(std::string_view id, std::string_view user);
  Status set_key_used(std::string_view id, Timestamp used);
  Status set_key_sealed(std::string_view id, std::string_view sealed);
  Status set_told(std::string_view id);
  Status remove_key(std::string_view id);
  struct SealedKey {
    std::string id;
    std::string sealed;
  };
  Result<std::vector<SealedKey>> sealed_keys();
  Result<std::set<std::string>> untold_keys();

  // Everything; keys whose secret can't be opened are there, but of no use.
  Result<State> load(const Sealer& sealer);

 private:
  Status load_users(State& state);
  Status load_roles(State& state);
  Status load_policies(State& state);
  Status load_passwords(State& state);
  Status load_keys(State& state, const Sealer& sealer);

  meta::Transaction& transaction_;
};

}  // namespace tarn::access
