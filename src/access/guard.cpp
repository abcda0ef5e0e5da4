#include "access/guard.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "access/request_facts.h"

namespace tarn::access {

namespace {

// What root may do to a bucket even when its policy denies everything, so that nobody is locked out for good.
constexpr auto kAlwaysRoots =
    std::to_array<std::string_view>({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"});

Decision allowed(std::string_view name) {
  return {true, false, fmt::format("{} allows it", name)};
}

Decision denied(std::string_view kind, const Policy& policy) {
  return {false, true, fmt::format("explicit deny in {}: {}", kind, policy.name())};
}

Decision not_allowed(std::string_view kind, std::string_view action) {
  return {false, false, fmt::format("no {} allows the {} action", kind, action)};
}

Finding ask_resource(const Ask& ask, const Facts& facts) {
  if (ask.resource_policy == nullptr) return {};
  const Principal& principal = ask.principal;
  const Asker asker{.arn = principal.arn,
                    .role_arn = principal.role_arn,
                    .account = std::string(kAccount),
                    .anonymous = principal.kind == PrincipalKind::kAnonymous,
                    .service = {}};
  return evaluate(*ask.resource_policy, ask.action, ask.resource, facts, &asker);
}

Decision decide_for_root(const Ask& ask, const Finding& resource) {
  if (resource.verdict == Verdict::kDeny && std::ranges::find(kAlwaysRoots, ask.action) == kAlwaysRoots.end())
    return denied("a resource-based policy", *ask.resource_policy);
  return allowed("root");
}

// The policies of one kind that were asked: what they say together.
struct Voices {
  const Policy* denies = nullptr;
  const Policy* allows = nullptr;  // the first that does
  bool all_allow = true;

  void ask(const Policy& policy, const Ask& ask, const Facts& facts) {
    const Verdict verdict = evaluate(policy, ask.action, ask.resource, facts).verdict;
    if (verdict == Verdict::kDeny && denies == nullptr) denies = &policy;
    if (verdict == Verdict::kAllow && allows == nullptr) allows = &policy;
    all_allow = all_allow && verdict == Verdict::kAllow;
  }
};

Decision decide_at(const Ask& ask, const Clock& clock) {
  const Principal& principal = ask.principal;
  if (principal.kind == PrincipalKind::kSystem) return allowed("the lake itself");
  const RequestFacts facts(ask, clock);
  const Finding resource = ask_resource(ask, facts);
  if (principal.kind == PrincipalKind::kRoot) return decide_for_root(ask, resource);

  // 1. A deny of any policy.
  Voices identity, boundary, session;
  for (const auto& policy : principal.policies) identity.ask(*policy, ask, facts);
  if (principal.boundary) boundary.ask(*principal.boundary, ask, facts);
  for (const auto& policy : principal.session_policies) session.ask(*policy, ask, facts);
  if (identity.denies != nullptr) return denied("an identity-based policy", *identity.denies);
  if (resource.verdict == Verdict::kDeny) return denied("a resource-based policy", *ask.resource_policy);
  if (boundary.denies != nullptr) return denied("a permissions boundary", *boundary.denies);
  if (session.denies != nullptr) return denied("a session policy", *session.denies);
  // 2. The resource's policy names the principal itself: nothing cuts that.
  const bool by_resource = resource.verdict == Verdict::kAllow && !resource.by_account_only;
  if (by_resource && resource.by_exact_principal) return allowed(ask.resource_policy->name());
  // 3. An identity policy allows, or the resource's policy allows the role.
  if (identity.allows == nullptr && !by_resource) return not_allowed("identity-based policy", ask.action);
  // 4. and 5. What cuts that.
  if (!boundary.all_allow) return not_allowed("permissions boundary", ask.action);
  if (!session.all_allow) return not_allowed("session policy", ask.action);
  return allowed((identity.allows != nullptr ? identity.allows : ask.resource_policy)->name());
}

std::string_view kind_name(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kRoot:
      return "root";
    case PrincipalKind::kUser:
      return "user";
    case PrincipalKind::kSession:
      return "session";
    case PrincipalKind::kAnonymous:
      return "anonymous";
    case PrincipalKind::kSystem:
      return "system";
  }
  return {};
}

}  // namespace

Decision decide(const Ask& ask) {
  return decide_at(ask, Clock::system());
}

Decision Guard::decide(const Ask& ask) const {
  return decide_at(ask, clock_);
}

Status Guard::check(const Ask& ask) const {
  Decision decision = decide(ask);
  Status recorded = audit_.record({.time = clock_.now(),
                                   .principal = ask.principal.arn,
                                   .kind = std::string(kind_name(ask.principal.kind)),
                                   .key_id = ask.principal.key_id,
                                   .action = std::string(ask.action),
                                   .resource = std::string(ask.resource),
                                   .allowed = decision.allowed,
                                   .reason = decision.reason,
                                   .source_ip = std::string(ask.source_ip),
                                   .request_id = std::string(ask.request_id)});
  // Nothing is done that the trail doesn't have. What isn't done needn't be there.
  if (decision.allowed) return recorded;
  return fail(Code::kDenied, fmt::format("User: {} is not authorized to perform: {} on resource: {} {} {}",
                                         ask.principal.arn, ask.action, ask.resource,
                                         decision.explicit_deny ? "with an" : "because", decision.reason));
}

}  // namespace tarn::access
