#include "doors/aws/s3/bucket_policy.h"

#include <algorithm>
#include <array>

#include "access/grants.h"

namespace tarn::aws::s3 {

namespace {

// Conditions on these say who may come, if their values are fixed ones.
constexpr auto kNarrowing = std::to_array<std::string_view>(
    {"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:userid", "aws:username",
     "aws:sourcearn", "aws:sourceaccount", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce",
     "aws:sourceowner", "s3:dataaccesspointaccount", "s3:dataaccesspointarn"});

bool is_fixed(std::string_view value) {
  return value.find_first_of("*?") == std::string_view::npos && !value.contains("${") &&
         !value.ends_with("/0");
}

bool narrows(const access::Condition& condition) {
  bool positive = !access::is_negated(condition.op) && !condition.if_exists &&
                  condition.set != access::Condition::Set::kForAllValues &&
                  condition.op != access::Operator::kNull;
  return positive && std::ranges::find(kNarrowing, condition.key) != kNarrowing.end() &&
         std::ranges::all_of(condition.values, is_fixed);
}

bool is_public_statement(const access::Statement& statement) {
  if (statement.effect != access::Effect::kAllow) return false;
  bool anybody =
      statement.not_principals || std::ranges::any_of(statement.principals, [](const auto& principal) {
        return principal.kind == access::PrincipalPattern::Kind::kAny;
      });
  return anybody && std::ranges::none_of(statement.conditions, narrows);
}

bool is_in_bucket(std::string_view resource, const std::string& arn) {
  if (!resource.starts_with(arn)) return false;
  resource.remove_prefix(arn.size());
  return resource.empty() || resource[0] == '/' || resource[0] == '*' || resource[0] == '?';
}

bool is_s3_action(std::string_view action) {
  if (action == "*") return true;
  return action.size() > 3 && (action[0] | 0x20) == 's' && action[1] == '3' && action[2] == ':';
}

}  // namespace

S3Result<std::shared_ptr<const access::Policy>> parse_bucket_policy(std::string_view text,
                                                                    std::string_view bucket) {
  if (text.size() > access::kPolicyBytesMax) {
    return refuse("MalformedPolicy", "Policy exceeds the maximum allowed document size.");
  }
  if (!text.starts_with('{')) {
    return refuse("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'");
  }
  auto policy = access::Policy::parse(text, access::PolicyKind::kResource,
                                      "the policy of bucket " + std::string(bucket));
  if (!policy) return refuse("MalformedPolicy", std::move(policy).error().message);
  std::string arn = access::bucket_arn(bucket);
  for (const access::Statement& statement : (*policy)->statements()) {
    if (!std::ranges::all_of(statement.actions, is_s3_action)) {
      return refuse("MalformedPolicy", "Policy has invalid action");
    }
    // It would give everybody but those named what is meant for nobody.
    if (statement.effect == access::Effect::kAllow && statement.not_principals) {
      return refuse("MalformedPolicy", "Allow with NotPrincipal is not allowed.");
    }
    for (const std::string& resource : statement.resources) {
      if (!is_in_bucket(resource, arn)) {
        return refuse("MalformedPolicy", "Policy has invalid resource", {{"Detail", resource}});
      }
    }
  }
  return *std::move(policy);
}

bool is_public_policy(const access::Policy& policy) {
  return std::ranges::any_of(policy.statements(), is_public_statement);
}

}  // namespace tarn::aws::s3
