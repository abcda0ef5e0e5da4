// Identities over the metastore: the class behind identities.h, whose parts lie in identities_*.cpp.
//
// Owns: the newest State, the caches of opened tokens and recent log-ins. Borrows metastore, sealer and clock.
// Threads: any. change_mu_ (one change at a time) is taken before the metastore's lock, mu_ and touched_mu_ are
// innermost.
// Fails: as identities.h.
// Durable: likewise.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/bounded_cache.h"
#include "access/identities.h"
#include "access/identities_rows.h"
#include "access/identities_state.h"
#include "access/identities_token.h"
#include "base/thread.h"

namespace tarn::access {

inline constexpr size_t kOpenedTokensMax = 4096;  // at most about 10 KiB each
inline constexpr size_t kRecentLogInsMax = 4096;  // 32 bytes each
inline constexpr Duration kUsedEvery = std::chrono::minutes(1);

// A token that was opened, with what of its principal is the session's own.
struct OpenedToken {
  std::string text;
  SessionToken token;
  std::vector<PolicyPointer> policies;
  ~OpenedToken();
};

class StoredIdentities final : public Identities {
 public:
  StoredIdentities(meta::Metastore& metastore, Sealer& sealer, const Clock& clock);
  ~StoredIdentities() override;
  Status start();

  // identities_credentials.cpp
  Result<Credential> credential(std::string_view key_id, std::string_view token,
                                CredentialProblem& problem) const override;
  void used(std::string_view key_id) const override;
  Result<Principal> log_in(std::string_view name, std::string_view secret,
                           CredentialProblem& problem) const override;
  Result<ScramVerifier> verifier(std::string_view user) const override;
  Result<Principal> principal(std::string_view user) const override;
  Result<Principal> anonymous() const override;

  // identities_sessions.cpp
  Result<Session> start_session(const Principal& caller, const SessionRequest& request) override;
  Status may_assume(const Principal& caller, std::string_view role, const Context& context) const override;

  // identities_keys.cpp
  std::optional<NewAccessKey> take_new_root_key() override;
  Result<bool> keep_new_root_key(const std::function<Status(const NewAccessKey&)>& keep) override;
  Result<NewAccessKey> create_key(std::string_view user, std::string description) override;
  Status set_key_active(std::string_view key_id, bool active) override;
  Status remove_key(std::string_view key_id) override;
  std::vector<AccessKey> keys(std::optional<std::string_view> user) const override;
  Status reseal() override;
  Status flush_used() override;

  // identities_users.cpp
  Status create_user(User user) override;
  Result<User> user(std::string_view name) const override;
  std::vector<User> users() const override;
  Status remove_user(std::string_view name, bool with_keys) override;
  Status set_password(std::string_view user, std::optional<std::string> password) override;
  Status change_user(std::string_view name, const std::function<Status(User&)>& change) override;

  // identities_roles.cpp
  Status create_role(Role role) override;
  Result<Role> role(std::string_view name) const override;
  std::vector<Role> roles() const override;
  Status remove_role(std::string_view name, bool with_policies) override;
  Status change_role(std::string_view name, const std::function<Status(Role&)>& change) override;

  // identities_policies.cpp
  Result<ManagedPolicy> create_policy(ManagedPolicy policy, std::string document) override;
  Result<ManagedPolicy> policy(std::string_view arn) const override;
  std::vector<ManagedPolicy> policies() const override;
  Result<ManagedPolicy> change_policy(std::string_view arn,
                                      const std::function<Status(ManagedPolicy&)>& change) override;
  Status remove_policy(std::string_view arn) override;

 private:
  using StatePointer = std::shared_ptr<const State>;  // ours, and calls' that are reading it

  StatePointer state() const TARN_EXCLUDES(mu_);
  void publish(State next) TARN_EXCLUDES(mu_);
  // `body` changes a copy of the newest state and the rows alike; the copy counts once the rows are committed.
  Status change(const std::function<Status(State& next, Rows& rows)>& body) TARN_EXCLUDES(change_mu_, mu_);
  Status reload() TARN_REQUIRES(change_mu_) TARN_EXCLUDES(mu_);

  Status add_user(State& next, Rows& rows, User user) const;
  Status rename_user(State& next, Rows& rows, const std::string& from, const std::string& to) const;
  Status add_role(State& next, Rows& rows, Role role) const;
  Result<NewAccessKey> add_key(State& next, Rows& rows, std::string_view user, std::string description,
                               bool untold) const;
  Status make_root_key();
  void touch(const KeyEntry& key) const TARN_EXCLUDES(touched_mu_);

  Result<Credential> session_credential(const State& state, std::string_view key_id, std::string_view token,
                                        CredentialProblem& problem) const;
  Result<std::shared_ptr<const OpenedToken>> opened(std::string_view key_id, std::string_view token) const;
  Result<Principal> log_in_by_key(const State& state, std::string_view key_id, std::string_view secret,
                                  CredentialProblem& problem) const;

  meta::Metastore& metastore_;
  Sealer& sealer_;
  const Clock& clock_;
  const std::string process_key_;  // random: recent log-ins are known by an HMAC under it
  const ScramVerifier nobody_;     // what a password is held against when there is none
  // The cache's, and calls' that are using one.
  mutable BoundedCache<std::shared_ptr<const OpenedToken>> tokens_{kOpenedTokensMax};
  mutable BoundedCache<bool> log_ins_{kRecentLogInsMax};

  Mutex change_mu_;
  bool stale_ TARN_GUARDED_BY(change_mu_) = false;  // a commit failed: only the metastore knows what is
  mutable Mutex mu_;
  StatePointer state_ TARN_GUARDED_BY(mu_);
  mutable Mutex touched_mu_;
  mutable std::set<std::string> touched_ TARN_GUARDED_BY(touched_mu_);  // keys whose last use isn't written
};

// The user's principal, or the root's; null: no such user.
std::optional<Principal> principal_of(const State& state, std::string_view user);

}  // namespace tarn::access
