// Whom a credential belongs to. On the path of every request: reads the state in memory, never the metastore.
#include <algorithm>

#include <fmt/format.h>

#include "access/identities_check.h"
#include "access/identities_store.h"
#include "access/scram.h"

namespace tarn::access {
namespace {

constexpr std::string_view kSessionPrefix = "ASIA";

std::unexpected<Error> refused(CredentialProblem& problem, CredentialProblem why) {
  problem = why;
  switch (why) {
    case CredentialProblem::kInactive:
      return fail(Code::kDenied, "the access key is switched off");
    case CredentialProblem::kWrongToken:
      return fail(Code::kDenied, "the session token is not this access key's, or was changed");
    case CredentialProblem::kExpired:
      return fail(Code::kDenied, "the session has expired");
    case CredentialProblem::kWrongPassword:
      return fail(Code::kDenied, "wrong user name or password");
    case CredentialProblem::kUnknownKey:
    case CredentialProblem::kNone:
      break;
  }
  return fail(Code::kDenied, "the access key does not exist");
}

// The user whom a session is of, whatever the name is by now. `name` is the one it had: looked at first.
std::optional<Principal> user_with_id(const State& state, std::string_view name, std::string_view id) {
  std::optional<Principal> found = principal_of(state, name);
  if (found && found->id == id) return found;
  auto renamed = std::ranges::find_if(
      state.users, [&](const auto& item) { return !id.empty() && item.second->user.id == id; });
  if (renamed == state.users.end()) return std::nullopt;
  return principal_of(state, renamed->first);
}

}  // namespace

Result<Credential> StoredIdentities::credential(std::string_view key_id, std::string_view token,
                                                CredentialProblem& problem) const {
  problem = CredentialProblem::kNone;
  StatePointer state = this->state();
  if (key_id.starts_with(kSessionPrefix)) return session_credential(*state, key_id, token, problem);
  const KeyEntry* key = find(state->keys, key_id);
  if (key == nullptr || !key->usable) return refused(problem, CredentialProblem::kUnknownKey);
  if (!token.empty()) return refused(problem, CredentialProblem::kWrongToken);
  if (!key->key.active) return refused(problem, CredentialProblem::kInactive);
  std::optional<Principal> principal = principal_of(*state, key->key.user);
  if (!principal) return refused(problem, CredentialProblem::kUnknownKey);
  principal->key_id = key->key.id;
  return Credential{key->secret, *std::move(principal)};
}

void StoredIdentities::used(std::string_view key_id) const {
  StatePointer state = this->state();
  if (const KeyEntry* key = find(state->keys, key_id)) touch(*key);
}

Result<std::shared_ptr<const OpenedToken>> StoredIdentities::opened(std::string_view key_id,
                                                                    std::string_view token) const {
  if (auto cached = tokens_.find(key_id); cached && equal_in_constant_time((*cached)->text, token)) {
    // A token under an older key is only good while the sealer has that key.
    if (sealer_.current(token)) return *std::move(cached);
    Result<SessionToken> again = open_token(sealer_, key_id, token);
    if (again) return *std::move(cached);
    tokens_.remove(key_id);
    return fail(std::move(again).error());
  }
  auto fresh = std::make_shared<OpenedToken>();
  TARN_ASSIGN(fresh->token, open_token(sealer_, key_id, token));
  fresh->text = token;
  for (const std::string& document : fresh->token.policies) {
    TARN_ASSIGN(PolicyPointer policy, Policy::parse(document, PolicyKind::kIdentity, "session policy"));
    fresh->policies.push_back(std::move(policy));
  }
  if (fresh->token.expires > clock_.now()) tokens_.put(key_id, fresh);
  return fresh;
}

Result<Credential> StoredIdentities::session_credential(const State& state, std::string_view key_id,
                                                        std::string_view token,
                                                        CredentialProblem& problem) const {
  if (token.empty()) return refused(problem, CredentialProblem::kUnknownKey);
  Result<std::shared_ptr<const OpenedToken>> found = opened(key_id, token);
  if (!found) return refused(problem, CredentialProblem::kWrongToken);
  const OpenedToken& session = **found;
  const SessionToken& said = session.token;
  if (said.expires <= clock_.now()) {
    tokens_.remove(key_id);
    return refused(problem, CredentialProblem::kExpired);
  }
  Credential credential;
  Principal& principal = credential.principal;
  if (said.of_role) {
    const RoleEntry* role = find(state.roles, said.owner);
    if (role == nullptr || role->role.id != said.owner_id)
      return refused(problem, CredentialProblem::kUnknownKey);
    principal = role->principal;
    principal.session = said.session;
    principal.id = fmt::format("{}:{}", said.owner_id, said.session);
    principal.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", kAccount, said.owner, said.session);
  } else {
    std::optional<Principal> user = user_with_id(state, said.owner, said.owner_id);
    if (!user) return refused(problem, CredentialProblem::kUnknownKey);
    principal = *std::move(user);
  }
  for (const auto& [key, value] : said.tags) principal.tags[key] = value;
  principal.key_id = key_id;
  principal.expires = said.expires;
  principal.session_policies = session.policies;
  credential.secret = said.secret;
  return credential;
}

Result<Principal> StoredIdentities::log_in_by_key(const State& state, std::string_view key_id,
                                                  std::string_view secret, CredentialProblem& problem) const {
  const KeyEntry* key = find(state.keys, key_id);
  if (key == nullptr || !key->usable || !equal_in_constant_time(key->secret, secret))
    return refused(problem, CredentialProblem::kWrongPassword);
  if (!key->key.active) return refused(problem, CredentialProblem::kInactive);
  std::optional<Principal> principal = principal_of(state, key->key.user);
  if (!principal) return refused(problem, CredentialProblem::kUnknownKey);
  principal->key_id = key->key.id;
  touch(*key);
  return *std::move(principal);
}

Result<Principal> StoredIdentities::log_in(std::string_view name, std::string_view secret,
                                           CredentialProblem& problem) const {
  problem = CredentialProblem::kNone;
  StatePointer state = this->state();
  if (state->keys.contains(name)) return log_in_by_key(*state, name, secret, problem);
  if (secret.size() > kPasswordBytesMax) return refused(problem, CredentialProblem::kWrongPassword);
  const ScramVerifier* known = find(state->passwords, name);
  // Whether there is such a user must not show in how long the answer takes.
  const ScramVerifier& verifier = known != nullptr ? *known : nobody_;
  std::string recent =
      hmac_sha256(process_key_, fmt::format("{} {}{}{}", name.size(), name, verifier.stored_key, secret));
  bool right = known != nullptr && log_ins_.find(recent).has_value();
  if (!right) {
    right = verifies(verifier, secret) && known != nullptr;
    if (right) log_ins_.put(recent, true);
  }
  std::optional<Principal> principal = right ? principal_of(*state, name) : std::nullopt;
  if (!principal) return refused(problem, CredentialProblem::kWrongPassword);
  principal->password = true;
  return *std::move(principal);
}

Result<ScramVerifier> StoredIdentities::verifier(std::string_view user) const {
  StatePointer state = this->state();
  if (const ScramVerifier* found = find(state->passwords, user)) return *found;
  // The same words whether or not there is such a user: who asks has shown nothing yet.
  return fail(Code::kNotFound, fmt::format("user {} has no password", user));
}

Result<Principal> StoredIdentities::principal(std::string_view user) const {
  StatePointer state = this->state();
  std::optional<Principal> found = principal_of(*state, user);
  if (!found) return fail(no_such_user(*state, user));
  return *std::move(found);
}

Result<Principal> StoredIdentities::anonymous() const {
  StatePointer state = this->state();
  if (const UserEntry* entry = find(state->users, kAnonymous)) return entry->principal;
  return fail(Code::kNotFound, "the lake file declares no principal 'anonymous'");
}

}  // namespace tarn::access
