// Sessions: who may become a role, and the credentials that are made then.
#include <algorithm>

#include <fmt/format.h>

#include "access/grants.h"
#include "access/guard.h"
#include "access/identities_check.h"
#include "access/identities_store.h"
#include "access/request_facts.h"

namespace tarn::access {
namespace {

constexpr std::string_view kSessionPrefix = "ASIA";
constexpr size_t kSessionPoliciesMax = 11;  // one inline, ten by ARN
constexpr size_t kSessionNameMin = 2;

int64_t seconds(Duration duration) {
  return duration / std::chrono::seconds(1);
}

Status check_duration(Duration duration, Duration longest) {
  if (duration >= kSessionMin && duration <= longest) return {};
  return fail(Code::kInvalid, fmt::format("DurationSeconds {}: it must be {} to {}", seconds(duration),
                                          seconds(kSessionMin), seconds(longest)));
}

Status check_limits(const SessionRequest& request) {
  if (request.policies.size() > kSessionPoliciesMax)
    return fail(Code::kTooLarge, fmt::format("{} session policies: at most {} are taken",
                                             request.policies.size(), kSessionPoliciesMax));
  size_t bytes = 0;
  for (const std::string& document : request.policies) {
    bytes += document.size();
    if (bytes > kSessionPolicyBytesMax)
      return fail(Code::kTooLarge,
                  fmt::format("the session's policies have more than {} bytes", kSessionPolicyBytesMax));
    TARN_TRY(Policy::parse(document, PolicyKind::kIdentity, "session policy"));
  }
  return check_tags(request.tags);
}

Status check_role_session(const Principal& caller, const SessionRequest& request, const Role& role) {
  TARN_TRY(check_name(request.session, "role session name", kUserNameMax, kSessionNameMin));
  TARN_TRY(check_duration(request.duration, kSessionMax));
  if (request.duration > role.session_max)
    return fail(Code::kInvalid,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (caller.kind == PrincipalKind::kSession && request.duration > kShortSession)
    return fail(Code::kInvalid,
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                "chaining.");
  return {};
}

std::unexpected<Error> may_not_assume(const Principal& caller, std::string_view arn) {
  return fail(Code::kDenied, fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                                         caller.arn, kAssumeRole, arn));
}

// What the role's own side says.
enum class Trust { kNone, kDenies, kDelegates, kNames };

Trust trust_in(const RoleEntry& role, const Principal& caller, const Facts& facts, std::string_view arn) {
  if (!role.trust) return Trust::kDelegates;
  const Asker asker{caller.arn, caller.role_arn, std::string(kAccount), false, {}};
  const Finding finding = evaluate(*role.trust, kAssumeRole, arn, facts, &asker);
  if (finding.verdict == Verdict::kDeny) return Trust::kDenies;
  if (finding.verdict == Verdict::kNothing) return Trust::kNone;
  return finding.by_account_only ? Trust::kDelegates : Trust::kNames;
}

}  // namespace

Status StoredIdentities::may_assume(const Principal& caller, std::string_view role,
                                    const Context& context) const {
  StatePointer state = this->state();
  const RoleEntry* entry = find(state->roles, role);
  bool all_powerful = caller.kind == PrincipalKind::kRoot || caller.kind == PrincipalKind::kSystem;
  if (entry == nullptr)
    return all_powerful ? fail(no_such_role(*state, role)) : may_not_assume(caller, role_arn(role));
  if (caller.kind == PrincipalKind::kSystem) return {};
  const std::string& arn = entry->principal.role_arn;
  if (caller.kind == PrincipalKind::kAnonymous) return may_not_assume(caller, arn);

  const Ask ask{caller, kAssumeRole, arn, &context};
  const RequestFacts facts(ask, clock_);
  Decision own = decide(ask);
  if (caller.kind == PrincipalKind::kRoot) return own.allowed ? Status() : may_not_assume(caller, arn);
  Trust trust = trust_in(*entry, caller, facts, arn);
  const UserEntry* user = find(state->users, caller.name);
  bool listed = caller.kind == PrincipalKind::kUser && user != nullptr && user->user.id == caller.id &&
                std::ranges::find(user->user.roles, role) != user->user.roles.end();
  if (trust == Trust::kDenies || own.explicit_deny) return may_not_assume(caller, arn);
  if (own.allowed) return listed || trust != Trust::kNone ? Status() : may_not_assume(caller, arn);
  // Without the caller's own policies: the role must name it, and nothing that limits the caller may forbid it.
  if (!listed && trust != Trust::kNames) return may_not_assume(caller, arn);
  auto allows = [&](const PolicyPointer& policy) {
    return evaluate(*policy, kAssumeRole, arn, facts).verdict == Verdict::kAllow;
  };
  bool limited = (caller.boundary && caller.kind == PrincipalKind::kSession && !allows(caller.boundary)) ||
                 !std::ranges::all_of(caller.session_policies, allows);
  return limited ? may_not_assume(caller, arn) : Status();
}

Result<Session> StoredIdentities::start_session(const Principal& caller, const SessionRequest& request) {
  StatePointer state = this->state();
  if (caller.kind == PrincipalKind::kAnonymous)
    return fail(Code::kDenied, "a session can't be started without credentials");
  TARN_TRY(check_limits(request));
  SessionToken token;
  Session session;
  Duration duration = request.duration;
  token.of_role = !request.role.empty();
  if (token.of_role) {
    const RoleEntry* role = find(state->roles, request.role);
    if (role == nullptr) return fail(no_such_role(*state, request.role));
    TARN_TRY(check_role_session(caller, request, role->role));
    token.owner = role->role.name;
    token.owner_id = role->role.id;
    token.session = request.session;
    session.id = fmt::format("{}:{}", token.owner_id, token.session);
    session.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", kAccount, token.owner, token.session);
  } else {
    bool user = caller.kind == PrincipalKind::kUser || caller.kind == PrincipalKind::kRoot;
    if (!user || caller.expires)
      return fail(Code::kDenied, "Cannot call GetSessionToken with session credentials");
    TARN_TRY(check_duration(duration, kUserSessionMax));
    if (caller.kind == PrincipalKind::kRoot) duration = std::min(duration, kShortSession);
    std::optional<Principal> now = principal_of(*state, caller.name);
    if (!now || now->id != caller.id) return fail(no_such_user(*state, caller.name));
    token.owner = caller.name;
    token.owner_id = caller.id;
    session.id = caller.id;
    session.arn = caller.arn;
  }
  token.secret = new_secret_key();
  token.expires = clock_.now() + duration;
  token.expires.us -= token.expires.us % 1'000'000;  // STS tells whole seconds
  token.policies = request.policies;
  token.tags = request.tags;
  session.key_id = new_key_id(kSessionPrefix);
  session.secret = token.secret;
  session.expires = token.expires;
  TARN_ASSIGN(session.token, seal_token(sealer_, session.key_id, token));
  return session;
}

}  // namespace tarn::access
