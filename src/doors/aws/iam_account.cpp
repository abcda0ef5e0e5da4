// The account as a whole, and what-if questions to the guard.
#include <fmt/format.h>

#include "doors/aws/iam_operations.h"
#include "doors/aws/iam_parts.h"

namespace tarn::aws::iam {

namespace {

using access::ManagedPolicy;
using access::Policy;
using access::PolicyKind;
using access::Principal;
using access::Role;

constexpr size_t kQuestionsMax = 1'000;  // of one simulation

Answer<void> add_policy(std::vector<std::shared_ptr<const Policy>>& to, std::string_view document,
                        std::string name) {
  auto policy = Policy::parse(document, PolicyKind::kIdentity, std::move(name));
  if (!policy) return refuse("InvalidInput", 400, std::move(policy).error().message);
  to.push_back(*std::move(policy));
  return {};
}

// What a session of the role could do, without becoming it.
Answer<Principal> principal_of(const QueryCall& call, const Role& role) {
  Principal out;
  out.kind = access::PrincipalKind::kSession;
  out.name = role.name;
  out.session = "simulated";
  out.id = role.id + ":simulated";
  out.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/simulated", access::kAccount, role.name);
  out.role_arn = arn_of(role);
  out.tags = role.tags;
  if (!role.grants.empty()) out.policies.push_back(access::grants_policy(role.grants, "role " + role.name));
  for (const access::NamedPolicy& policy : role.inline_policies)
    TARN_TRY(add_policy(out.policies, policy.document, policy.name));
  auto document_of = [&](const std::string& arn) -> Answer<std::string> {
    TARN_ASSIGN(const ManagedPolicy policy, find_policy(call, arn));
    const auto at = std::ranges::find(policy.versions, policy.default_version, &ManagedPolicy::Version::id);
    return at == policy.versions.end() ? std::string() : at->document;
  };
  for (const std::string& arn : role.attached) {
    TARN_ASSIGN(const std::string document, document_of(arn));
    TARN_TRY(add_policy(out.policies, document, policy_name_of(arn)));
  }
  if (!role.boundary.empty()) {
    TARN_ASSIGN(const std::string document, document_of(role.boundary));
    std::vector<std::shared_ptr<const Policy>> boundary;
    TARN_TRY(add_policy(boundary, document, policy_name_of(role.boundary)));
    out.boundary = boundary.front();
  }
  return out;
}

Answer<Principal> find_principal(const QueryCall& call, std::string_view arn) {
  const std::string name = policy_name_of(arn);
  const std::string account = fmt::format("arn:aws:iam::{}:", access::kAccount);
  if (arn.starts_with(account + "user/")) {
    auto user = call.parts.identities.principal(name);
    if (!user || user->arn != arn) return std::unexpected(no_such("user", name));
    return *std::move(user);
  }
  if (arn.starts_with(account + "role/")) {
    auto role = call.parts.identities.role(name);
    if (!role || arn_of(*role) != arn) return std::unexpected(no_such("role", name));
    return principal_of(call, *role);
  }
  return refuse("InvalidInput", 400, fmt::format("{} is the ARN of no user and no role", arn));
}

access::Context read_context(const QueryCall& call) {
  access::Context out;
  for (const std::string& entry : call.in.members("ContextEntries"))
    for (std::string& value : call.in.texts(entry + ".ContextKeyValues"))
      out.add(call.optional(entry + ".ContextKeyName"), std::move(value));
  return out;
}

void count(QueryCall& call, std::string_view key, size_t value) {
  call.out.open("entry").text("key", key).number("value", static_cast<int64_t>(value)).close();
}

}  // namespace

Answer<void> get_account_summary(QueryCall& call) {
  TARN_TRY(call.allow("*"));
  const access::Identities& identities = call.parts.identities;
  const std::vector<ManagedPolicy> policies = identities.policies();
  size_t versions = 0;
  for (const ManagedPolicy& policy : policies) versions += policy.versions.size();
  call.out.open("SummaryMap");
  count(call, "Users", identities.users().size());
  count(call, "Groups", 0);
  count(call, "Roles", identities.roles().size());
  count(call, "Policies", policies.size());
  count(call, "PolicyVersionsInUse", versions);
  count(call, "InstanceProfiles", 0);
  count(call, "AccountMFAEnabled", 0);
  count(call, "AccountAccessKeysPresent", identities.keys("root").empty() ? 0 : 1);
  count(call, "AccessKeysPerUserQuota", kKeysMax);
  count(call, "VersionsPerPolicyQuota", access::kPolicyVersionsMax);
  count(call, "PolicySizeQuota", access::kPolicyCharactersMax);
  count(call, "UserPolicySizeQuota", access::kInlineCharactersOfUserMax);
  count(call, "RolePolicySizeQuota", access::kInlineCharactersOfRoleMax);
  count(call, "AttachedPoliciesPerUserQuota", access::kAttachedMax);
  count(call, "AttachedPoliciesPerRoleQuota", access::kAttachedMax);
  call.out.close();
  return {};
}

Answer<void> list_account_aliases(QueryCall& call) {
  TARN_TRY(call.allow("*"));
  call.out.open("AccountAliases").close().flag("IsTruncated", false);
  return {};
}

Answer<void> simulate_principal_policy(QueryCall& call) {
  TARN_ASSIGN(const std::string source, call.required("PolicySourceArn"));
  TARN_TRY(check_length(source, "PolicySourceArn", 20, 2048));
  const std::vector<std::string> actions = call.in.texts("ActionNames");
  if (actions.empty()) TARN_TRY(call.required("ActionNames"));
  std::vector<std::string> resources = call.in.texts("ResourceArns");
  if (resources.empty()) resources.emplace_back("*");
  if (actions.size() * resources.size() > kQuestionsMax)
    return refuse("InvalidInput", 400,
                  fmt::format("One simulation asks at most {} questions", kQuestionsMax));
  TARN_TRY(call.allow(source));
  TARN_ASSIGN(Principal who, find_principal(call, source));
  for (const std::string& document : call.in.texts("PolicyInputList"))
    TARN_TRY(add_policy(who.policies, document, "PolicyInputList"));
  const access::Context context = read_context(call);
  call.out.open("EvaluationResults");
  for (const std::string& action : actions) {
    for (const std::string& resource : resources) {
      const access::Decision decision = access::decide(access::Ask{.principal = who,
                                                                   .action = action,
                                                                   .resource = resource,
                                                                   .context = &context,
                                                                   .resource_policy = nullptr,
                                                                   .source_ip = {},
                                                                   .request_id = {}});
      call.out.open("member").text("EvalActionName", action).text("EvalResourceName", resource);
      call.out.text("EvalDecision", decision.allowed         ? "allowed"
                                    : decision.explicit_deny ? "explicitDeny"
                                                             : "implicitDeny");
      call.out.open("MatchedStatements").close().open("MissingContextValues").close().close();
    }
  }
  call.out.close().flag("IsTruncated", false);
  return {};
}

}  // namespace tarn::aws::iam
