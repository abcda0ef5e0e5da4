// Users, roles, their keys, passwords and policies; and who a credential belongs to.
//
// Secret access keys are sealed (sealed.h), as signatures need them in clear; passwords are kept as
// SCRAM-SHA-256 verifiers and never in clear. A session of a role has no row: its token is sealed text that
// carries role, expiry, secret and policies. What a lake file declares (origin kFile) and what clients create
// (kApi) are the same resources.
// Owns: a snapshot of everything in memory, replaced after each change. Borrows the metastore and the sealer.
// Threads: any.
// Fails: kNotFound with the nearest name, kExists, kInvalid (which rule), kTooLarge (which of the limits below),
// kConflict (still in use: IAM's DeleteConflict), kDenied for credentials (see CredentialProblem).
// Durable: changes when they return; when a key was used last, to about a minute, with the next change or
// flush_used().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/grants.h"
#include "access/principal.h"
#include "access/sealed.h"
#include "base/error.h"
#include "base/time.h"
#include "meta/metastore.h"

namespace tarn::access {

// The limits, IAM's where it has one.
inline constexpr size_t kUsersMax = 5000;
inline constexpr size_t kRolesMax = 1000;
inline constexpr size_t kPoliciesMax = 1500;
inline constexpr size_t kKeysOfUserMax = 20;
inline constexpr size_t kRolesOfUserMax = 100;
inline constexpr size_t kAttachedMax = 10;                   // managed policies, of a user or a role
inline constexpr size_t kInlineCharactersOfUserMax = 2048;   // all inline policies together, without blanks
inline constexpr size_t kInlineCharactersOfRoleMax = 10240;  // likewise
inline constexpr size_t kPolicyCharactersMax = 6144;         // one managed policy, without blanks
inline constexpr size_t kTrustCharactersMax = 2048;
inline constexpr size_t kPolicyVersionsMax = 5;
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kDescriptionBytesMax = 1000;
inline constexpr size_t kSessionPolicyBytesMax = 6144;  // all of a session together: its token carries them
inline constexpr Duration kSessionMin = std::chrono::minutes(15);
inline constexpr Duration kSessionMax = std::chrono::hours(12);  // of a role; its own session_max may be less
inline constexpr Duration kUserSessionMax = std::chrono::hours(36);  // GetSessionToken
inline constexpr Duration kShortSession = std::chrono::hours(1);  // the longest by chaining, and of the root

enum class Origin { kFile, kApi };

struct NamedPolicy {
  std::string name;
  std::string document;  // JSON
};

struct User {
  std::string name;  // 1 to 64 of letters, digits, + = , . @ _ -
  std::string path = "/";
  std::string id;  // AIDA…
  Origin origin = Origin::kApi;
  Timestamp created;
  std::map<std::string, std::string> tags;
  std::vector<std::string> roles;  // whose grants it has, and which it may assume (lake file)
  std::vector<NamedPolicy> inline_policies;
  std::vector<std::string> attached;  // ARNs of managed policies
  std::string boundary;               // ARN of a managed policy; empty: none
  bool has_password = false;
};

struct Role {
  std::string name;
  std::string path = "/";
  std::string id;  // AROA…
  Origin origin = Origin::kApi;
  Timestamp created;
  std::string description;
  std::map<std::string, std::string> tags;
  std::vector<Grant> grants;  // of the lake file
  // JSON; empty: those users that name it in `roles`, and who is allowed sts:AssumeRole on it (grant `assume`).
  std::string trust;
  Duration session_max = std::chrono::hours(1);
  std::vector<NamedPolicy> inline_policies;
  std::vector<std::string> attached;
  std::string boundary;
};

struct ManagedPolicy {
  std::string name;
  std::string path = "/";
  std::string id;  // ANPA…
  std::string arn;
  std::string description;
  Timestamp created;
  Timestamp updated;
  std::map<std::string, std::string> tags;
  struct Version {
    std::string id;  // "v1"; change_policy() gives one that has none the next number, never used before
    std::string document;
    Timestamp created;
  };
  std::vector<Version> versions;
  std::string default_version;
};

struct AccessKey {
  std::string id;    // AKIA…
  std::string user;  // "root" for the root's
  bool active = true;
  Timestamp created;
  std::optional<Timestamp> used;  // to about a minute
  std::string description;
};
struct NewAccessKey {
  AccessKey key;
  std::string secret;  // told once
};

struct Session {
  std::string key_id;  // ASIA…
  std::string secret;
  std::string token;
  Timestamp expires;
  std::string id;  // AROA…:session
  std::string arn;
};

struct SessionRequest {
  std::string role;     // name; empty: GetSessionToken, for the user itself
  std::string session;  // name
  Duration duration = std::chrono::hours(1);
  std::vector<std::string> policies;  // JSON: the session can do no more than these
  std::map<std::string, std::string> tags;
};

// What signing needs of an access key.
struct Credential {
  std::string secret;
  Principal principal;
};
enum class CredentialProblem { kNone, kUnknownKey, kInactive, kWrongToken, kExpired, kWrongPassword };

struct ScramVerifier {  // RFC 5803
  int iterations = 4096;
  std::string salt;        // raw
  std::string stored_key;  // raw, SHA-256
  std::string server_key;
};

class Identities {
 public:
  static Result<std::unique_ptr<Identities>> open(meta::Metastore& metastore, Sealer& sealer,
                                                  const Clock& clock);
  virtual ~Identities() = default;

  // Credentials. `token` is the session token that came with the key; empty: none. On failure `problem` says
  // why. Whoever has checked a signature with the secret then tells it to used().
  virtual Result<Credential> credential(std::string_view key_id, std::string_view token,
                                        CredentialProblem& problem) const = 0;
  // The access key was used just now: what was signed with it is right. Sessions' keys are left alone.
  virtual void used(std::string_view /*key_id*/) const {}
  // A user's name and password, or an access key's id and secret, which is then used().
  virtual Result<Principal> log_in(std::string_view name, std::string_view secret,
                                   CredentialProblem& problem) const = 0;
  virtual Result<ScramVerifier> verifier(
      std::string_view user) const = 0;                                  // for SCRAM; kNotFound: no password
  virtual Result<Principal> principal(std::string_view user) const = 0;  // after SCRAM; also "root"
  // The anonymous principal, if the lake file declares `principals: anonymous`; else kNotFound.
  virtual Result<Principal> anonymous() const = 0;
  // Makes the credentials. Of a role: after may_assume(), which this does not ask. The session ends at its
  // time, or when the role (or user) is removed; what it may do is what the role may at that moment.
  virtual Result<Session> start_session(const Principal& caller, const SessionRequest& request) = 0;
  // May this principal become that role: the role's trust, asked by the guard's rules. Nothing when it may;
  // else kDenied, whether or not there is such a role.
  virtual Status may_assume(const Principal& caller, std::string_view role, const Context& context) const = 0;

  // The root key: made at first open, told here once.
  virtual std::optional<NewAccessKey> take_new_root_key() = 0;
  // The same for who writes it into a file: told again at the next start unless `keep` succeeded, so that a
  // crash between the two loses no key. False: there was no new one.
  virtual Result<bool> keep_new_root_key(const std::function<Status(const NewAccessKey&)>& keep) = 0;

  // Users and their keys. A role's policies are its users' too, unless the role has a boundary: that one has
  // to be assumed. "root" and "system" can't be users; "anonymous" only as the lake file's, without credentials.
  virtual Status create_user(User user) = 0;  // kExists
  virtual Result<User> user(std::string_view name) const = 0;
  virtual std::vector<User> users() const = 0;  // by name
  // kConflict: has keys, a password or policies; they go too when `with_keys`.
  virtual Status remove_user(std::string_view name, bool with_keys) = 0;
  virtual Status set_password(std::string_view user, std::optional<std::string> password) = 0;
  virtual Result<NewAccessKey> create_key(std::string_view user,
                                          std::string description) = 0;     // at most 2 by IAM, 20 here
  virtual Status set_key_active(std::string_view key_id, bool active) = 0;  // kConflict: the root's last one
  virtual Status remove_key(std::string_view key_id) = 0;                   // likewise
  virtual std::vector<AccessKey> keys(std::optional<std::string_view> user = std::nullopt) const = 0;

  // Roles and policies.
  virtual Status create_role(Role role) = 0;
  virtual Result<Role> role(std::string_view name) const = 0;
  virtual std::vector<Role> roles() const = 0;
  // kConflict: a user has it, or it has policies, which go too when `with_policies`.
  virtual Status remove_role(std::string_view name, bool with_policies) = 0;
  virtual Result<ManagedPolicy> create_policy(ManagedPolicy policy, std::string document) = 0;
  virtual Result<ManagedPolicy> policy(std::string_view arn) const = 0;
  virtual std::vector<ManagedPolicy> policies() const = 0;
  // Edits one policy (versions, default, tags, description), user (also its name and path) or role (not its
  // name) in a transaction. `change` must not call anything here that changes.
  virtual Result<ManagedPolicy> change_policy(std::string_view arn,
                                              const std::function<Status(ManagedPolicy&)>& change) = 0;
  virtual Status change_user(std::string_view name, const std::function<Status(User&)>& change) = 0;
  virtual Status change_role(std::string_view name, const std::function<Status(Role&)>& change) = 0;
  virtual Status remove_policy(
      std::string_view arn) = 0;  // kConflict: attached somewhere, or has more than its default version
  // Seals every secret again with the sealer's newest key.
  virtual Status reseal() = 0;
  // Writes when keys were used last.
  virtual Status flush_used() = 0;
};

// RFC 5802's keys of a password, with a random salt; and whether a password is the verifier's.
ScramVerifier make_verifier(std::string_view password);
bool verifies(const ScramVerifier& verifier, std::string_view password);

// Writes `key` where only this user can read it, for `tarn env` and the commands: DATA/root.key.
// Shapes: "access_key_id = …\nsecret_access_key = …\n".
Status write_key_file(const std::filesystem::path& file, const NewAccessKey& key);
struct KeyPair {
  std::string id;
  std::string secret;
};
Result<KeyPair> read_key_file(const std::filesystem::path& file);

}  // namespace tarn::access
