#include "access/identities_state.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "access/identities_check.h"
#include "base/logging.h"
#include "base/nearest.h"

namespace tarn::access {
namespace {

// In place of a policy that isn't readable: it may have denied something.
PolicyPointer deny_everything(const std::string& name) {
  Statement statement;
  statement.effect = Effect::kDeny;
  statement.actions = {"*"};
  statement.resources = {"*"};
  return Policy::of({statement}, name + " (damaged)");
}

Result<PolicyPointer> parsed(std::string_view document, PolicyKind kind, std::string name, bool strict) {
  Result<PolicyPointer> policy = Policy::parse(document, kind, name);
  if (policy || strict) return policy;
  TARN_LOG(error, "{} can't be read and denies everything until it is replaced: {}", name,
           policy.error().message);
  return deny_everything(name);
}

Result<std::vector<PolicyPointer>> parsed_inline(const std::vector<NamedPolicy>& policies,
                                                 const std::string& owner, size_t characters_max,
                                                 bool strict) {
  std::vector<PolicyPointer> out;
  std::set<std::string_view> names;
  size_t size = 0;
  for (const NamedPolicy& policy : policies) {
    if (strict) {
      TARN_TRY(check_name(policy.name, "policy name", kPolicyNameMax));
      if (!names.insert(policy.name).second)
        return fail(Code::kInvalid, fmt::format("{} has two policies named '{}'", owner, policy.name));
      size += characters_without_blanks(policy.document);
      if (size > characters_max)
        return fail(Code::kTooLarge,
                    fmt::format("Maximum policy size of {} bytes exceeded for {}", characters_max, owner));
    }
    TARN_ASSIGN(PolicyPointer pointer,
                parsed(policy.document, PolicyKind::kIdentity, "policy " + policy.name, strict));
    out.push_back(std::move(pointer));
  }
  return out;
}

Status check_attached(const State& state, const std::vector<std::string>& attached,
                      const std::string& boundary) {
  if (attached.size() > kAttachedMax)
    return fail(Code::kTooLarge,
                fmt::format("Cannot exceed quota for PoliciesPerPrincipal: {}", kAttachedMax));
  std::set<std::string_view> seen;
  for (const std::string& arn : attached) {
    if (!seen.insert(arn).second) return fail(Code::kInvalid, fmt::format("policy {} is named twice", arn));
    if (find(state.policies, arn) == nullptr) return fail(no_such_policy(state, arn));
  }
  if (!boundary.empty() && find(state.policies, boundary) == nullptr)
    return fail(no_such_policy(state, boundary));
  return {};
}

Status check_user(const State& state, const User& user) {
  TARN_TRY(check_name(user.name, "user name", kUserNameMax));
  if (same_without_case(user.name, kRoot) || same_without_case(user.name, kSystem) ||
      (same_without_case(user.name, kAnonymous) && (user.origin != Origin::kFile || user.name != kAnonymous)))
    return fail(Code::kInvalid, fmt::format("user name '{}' is reserved", user.name));
  TARN_TRY(check_path(user.path));
  TARN_TRY(check_tags(user.tags));
  if (user.roles.size() > kRolesOfUserMax)
    return fail(Code::kTooLarge, fmt::format("user {}: {} roles, at most {} are taken", user.name,
                                             user.roles.size(), kRolesOfUserMax));
  for (const std::string& role : user.roles)
    if (find(state.roles, role) == nullptr)
      return fail(Error(no_such_role(state, role)).in("user " + user.name));
  return check_attached(state, user.attached, user.boundary);
}

Status check_role(const State& state, const Role& role) {
  TARN_TRY(check_name(role.name, "role name", kUserNameMax));
  TARN_TRY(check_path(role.path));
  TARN_TRY(check_tags(role.tags));
  TARN_TRY(check_description(role.description));
  if (role.session_max < kShortSession || role.session_max > kSessionMax)
    return fail(Code::kInvalid,
                fmt::format("role {}: the longest session must be {} to {} seconds", role.name,
                            kShortSession / std::chrono::seconds(1), kSessionMax / std::chrono::seconds(1)));
  if (characters_without_blanks(role.trust) > kTrustCharactersMax)
    return fail(Code::kTooLarge,
                fmt::format("Cannot exceed quota for ACLSizePerRole: {}", kTrustCharactersMax));
  return check_attached(state, role.attached, role.boundary);
}

PolicyPointer managed(const State& state, const std::string& arn) {
  const PolicyEntry* entry = find(state.policies, arn);
  return entry == nullptr ? deny_everything("policy " + arn) : entry->parsed;
}

std::vector<PolicyPointer> own_and_attached(const State& state, const std::vector<PolicyPointer>& own,
                                            const std::vector<std::string>& attached) {
  std::vector<PolicyPointer> policies = own;
  for (const std::string& arn : attached) policies.push_back(managed(state, arn));
  return policies;
}

void link(const State& state, RoleEntry& entry) {
  const Role& role = entry.role;
  Principal principal;
  principal.kind = PrincipalKind::kSession;
  principal.name = role.name;
  principal.id = role.id;
  principal.role_arn = role_arn(role.name, role.path);
  principal.tags = role.tags;
  principal.policies = own_and_attached(state, entry.own, role.attached);
  if (!role.boundary.empty()) principal.boundary = managed(state, role.boundary);
  entry.principal = std::move(principal);
}

void link(const State& state, UserEntry& entry) {
  const User& user = entry.user;
  Principal principal;
  if (user.name == kAnonymous) {
    principal = Principal::anonymous();
  } else {
    principal.kind = PrincipalKind::kUser;
    principal.name = user.name;
    principal.id = user.id;
    principal.arn = user_arn(user.name, user.path);
  }
  principal.tags = user.tags;
  principal.policies = own_and_attached(state, entry.own, user.attached);
  for (const std::string& name : user.roles) {
    const RoleEntry* role = find(state.roles, name);
    // A boundary cuts what a role may. A principal has one boundary, its own: so this role must be assumed.
    if (role == nullptr || role->principal.boundary) continue;
    const auto& more = role->principal.policies;
    principal.policies.insert(principal.policies.end(), more.begin(), more.end());
  }
  if (!user.boundary.empty()) principal.boundary = managed(state, user.boundary);
  entry.principal = std::move(principal);
}

template <typename Entry>
void relink(const State& state, std::shared_ptr<const Entry>& pointer) {
  Entry entry = *pointer;
  link(state, entry);
  pointer = std::make_shared<const Entry>(std::move(entry));
}

std::vector<std::string> names_of(const auto& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, entry] : map) names.push_back(name);
  return names;
}

}  // namespace

KeyEntry::~KeyEntry() {
  OPENSSL_cleanse(secret.data(), secret.size());
}

Result<PolicyEntry> make_policy_entry(ManagedPolicy policy, int versions_made, bool strict) {
  const std::string name = "policy " + policy.name;
  if (strict) {
    TARN_TRY(check_name(policy.name, "policy name", kPolicyNameMax));
    TARN_TRY(check_path(policy.path));
    TARN_TRY(check_tags(policy.tags));
    TARN_TRY(check_description(policy.description));
    if (policy.versions.size() > kPolicyVersionsMax)
      return fail(Code::kTooLarge,
                  fmt::format("A managed policy can have up to {} versions. Before you create a new version, "
                              "you must delete an existing version.",
                              kPolicyVersionsMax));
  }
  PolicyEntry entry{std::move(policy), versions_made, nullptr};
  std::set<std::string_view> ids;
  for (const ManagedPolicy::Version& version : entry.policy.versions) {
    if (strict && !ids.insert(version.id).second)
      return fail(Code::kInvalid, fmt::format("{} has two versions named '{}'", name, version.id));
    if (strict && characters_without_blanks(version.document) > kPolicyCharactersMax)
      return fail(Code::kTooLarge,
                  fmt::format("Cannot exceed quota for PolicySize: {}", kPolicyCharactersMax));
    TARN_ASSIGN(PolicyPointer pointer, parsed(version.document, PolicyKind::kIdentity, name, strict));
    if (version.id == entry.policy.default_version) entry.parsed = std::move(pointer);
  }
  if (!entry.parsed && strict)
    return fail(Code::kInvalid,
                fmt::format("{}: its default version '{}' isn't there", name, entry.policy.default_version));
  if (!entry.parsed) entry.parsed = deny_everything(name);
  return entry;
}

Result<RoleEntry> make_role_entry(const State& state, Role role, bool strict) {
  if (strict) TARN_TRY(check_role(state, role));
  RoleEntry entry;
  if (!role.grants.empty()) entry.own.push_back(grants_policy(role.grants, "role " + role.name));
  TARN_ASSIGN(std::vector<PolicyPointer> policies,
              parsed_inline(role.inline_policies, "role " + role.name, kInlineCharactersOfRoleMax, strict));
  entry.own.insert(entry.own.end(), policies.begin(), policies.end());
  if (!role.trust.empty()) {
    TARN_ASSIGN(entry.trust, parsed(role.trust, PolicyKind::kTrust, "trust of role " + role.name, strict));
  }
  entry.role = std::move(role);
  return entry;
}

Result<UserEntry> make_user_entry(const State& state, User user, bool strict) {
  if (strict) TARN_TRY(check_user(state, user));
  UserEntry entry;
  TARN_ASSIGN(entry.own,
              parsed_inline(user.inline_policies, "user " + user.name, kInlineCharactersOfUserMax, strict));
  user.has_password = false;  // told from the passwords
  entry.user = std::move(user);
  return entry;
}

void set_policy(State& state, PolicyEntry entry) {
  std::string arn = entry.policy.arn;
  state.policies[arn] = std::make_shared<const PolicyEntry>(std::move(entry));
  auto names = [&](const auto& owner) {
    return owner.boundary == arn || std::ranges::find(owner.attached, arn) != owner.attached.end();
  };
  std::set<std::string_view> roles;
  for (auto& [name, role] : state.roles) {
    if (!names(role->role)) continue;
    relink(state, role);
    roles.insert(name);
  }
  for (auto& [name, user] : state.users) {
    auto has = [&](const std::string& role) { return roles.contains(role); };
    if (names(user->user) || std::ranges::any_of(user->user.roles, has)) relink(state, user);
  }
}

void set_role(State& state, RoleEntry entry) {
  std::string role = entry.role.name;
  link(state, entry);
  state.roles[role] = std::make_shared<const RoleEntry>(std::move(entry));
  for (auto& [name, user] : state.users)
    if (std::ranges::find(user->user.roles, role) != user->user.roles.end()) relink(state, user);
}

void set_user(State& state, UserEntry entry) {
  link(state, entry);
  std::string name = entry.user.name;
  state.users[name] = std::make_shared<const UserEntry>(std::move(entry));
}

void set_key(State& state, const KeyEntry& entry) {
  state.keys[entry.key.id] = std::make_shared<const KeyEntry>(entry);
}

void link_everything(State& state) {
  for (auto& [name, role] : state.roles) relink(state, role);
  for (auto& [name, user] : state.users) relink(state, user);
}

Principal root_principal() {
  Principal root;
  root.kind = PrincipalKind::kRoot;
  root.name = kRoot;
  root.id = kAccount;
  root.arn = fmt::format("arn:aws:iam::{}:root", kAccount);
  return root;
}

Error no_such_user(const State& state, std::string_view name) {
  return {
      Code::kNotFound,
      fmt::format("The user with name {} cannot be found{}", name, did_you_mean(name, names_of(state.users))),
      0};
}
Error no_such_role(const State& state, std::string_view name) {
  return {
      Code::kNotFound,
      fmt::format("The role with name {} cannot be found{}", name, did_you_mean(name, names_of(state.roles))),
      0};
}
Error no_such_policy(const State& state, std::string_view arn) {
  return {Code::kNotFound,
          fmt::format("Policy {} does not exist or is not attachable{}", arn,
                      did_you_mean(arn, names_of(state.policies))),
          0};
}
Error no_such_key(std::string_view id) {
  return {Code::kNotFound, fmt::format("The Access Key with id {} cannot be found", id), 0};
}

}  // namespace tarn::access
