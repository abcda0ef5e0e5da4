// What a policy says of a request: evaluate() of policy.h.
//
// A statement applies when its principal, action, resource and every condition fit; of those that apply a deny wins.

#include <algorithm>

#include "access/policy.h"
#include "access/policy_pattern.h"

namespace tarn::access {

namespace {

// How a statement names the asker; more is stronger.
enum class Named { kNot, kByAccount, kByRole, kExactly };

Named names(const PrincipalPattern& pattern, const Asker& asker) {
  switch (pattern.kind) {
    case PrincipalPattern::Kind::kAny:
      return Named::kExactly;
    case PrincipalPattern::Kind::kService:
      return !asker.service.empty() && pattern.value == asker.service ? Named::kExactly : Named::kNot;
    case PrincipalPattern::Kind::kFederated:
    case PrincipalPattern::Kind::kCanonicalUser:
      return Named::kNot;
    case PrincipalPattern::Kind::kAws:
      break;
  }
  if (asker.anonymous || !asker.service.empty()) return Named::kNot;
  if (pattern.value == asker.arn) return Named::kExactly;
  if (!asker.role_arn.empty() && pattern.value == asker.role_arn) return Named::kByRole;
  // arn:aws:iam::ACCOUNT:root
  const std::string_view value = pattern.value;
  const size_t length = asker.account.size();
  constexpr std::string_view kHead = "arn:aws:iam::";
  const bool account = length > 0 && value.size() == kHead.size() + length + 5 && value.starts_with(kHead) &&
                       value.ends_with(":root") && value.substr(kHead.size(), length) == asker.account;
  return account ? Named::kByAccount : Named::kNot;
}

// An account in NotPrincipal is its root only, so that "all but this user and the account" is sayable.
Named names_asker(const Statement& statement, const Asker* asker) {
  if (statement.principals.empty()) return Named::kExactly;  // an identity policy's
  if (asker == nullptr) return Named::kNot;
  Named best = Named::kNot;
  for (const PrincipalPattern& pattern : statement.principals) best = std::max(best, names(pattern, *asker));
  if (!statement.not_principals) return best;
  return best >= Named::kByRole ? Named::kNot : Named::kExactly;
}

bool fits_action(const Statement& statement, std::string_view action) {
  const auto fits = [&](const std::string& pattern) { return match_action(pattern, action); };
  return std::ranges::any_of(statement.actions, fits) != statement.not_actions;
}

bool fits_resource(const Statement& statement, std::string_view resource, const Facts* variables) {
  if (statement.resources.empty()) return !statement.principals.empty();  // a trust policy's
  const auto fits = [&](const std::string& pattern) { return like(pattern, resource, variables); };
  return std::ranges::any_of(statement.resources, fits) != statement.not_resources;
}

bool same_text(Comparison comparison, const std::string& policy_value, const std::string& value,
               const Facts* variables) {
  switch (comparison) {
    case Comparison::kStringLike:
      return like(policy_value, value, variables);
    case Comparison::kArn:
      return like_arn(policy_value, value, variables);
    default:
      break;
  }
  const bool exact = comparison == Comparison::kString;
  const auto same = [&](std::string_view text) {
    return exact ? text == value : equal_ignoring_case(text, value);
  };
  if (variables == nullptr || policy_value.find("${") == std::string::npos) return same(policy_value);
  const auto filled = filled_in(policy_value, *variables);
  return filled && same(*filled);
}

// Does one value of the request fit, that is: any of the policy's, or none of them for a negated operator?
bool fits_value(const Condition& condition, const std::string& value, const Facts* variables) {
  const Comparison comparison = comparison_of(condition.op);
  const bool text = takes_variables(comparison);
  const auto same = [&](const std::string& policy_value) {
    return text ? same_text(comparison, policy_value, value, variables)
                : compare(comparison, policy_value, value);
  };
  return std::ranges::any_of(condition.values, same) != is_negated(condition.op);
}

bool holds(const Condition& condition, const Facts& facts, const Facts* variables) {
  const std::vector<std::string>* values = facts.find_lower(condition.key);
  const bool absent = values == nullptr || values->empty();
  if (condition.op == Operator::kNull) {
    const auto asks = [&](const std::string& value) { return equal_ignoring_case(value, "true") == absent; };
    return std::ranges::any_of(condition.values, asks);
  }
  if (absent) {
    if (condition.if_exists || condition.set == Condition::Set::kForAllValues) return true;
    return condition.set == Condition::Set::kNone && is_negated(condition.op);
  }
  const auto fits = [&](const std::string& value) { return fits_value(condition, value, variables); };
  // Without a set, a positive operator wants one value that fits and a negated one no value that is excluded.
  const bool all = condition.set == Condition::Set::kForAllValues ||
                   (condition.set == Condition::Set::kNone && is_negated(condition.op));
  return all ? std::ranges::all_of(*values, fits) : std::ranges::any_of(*values, fits);
}

}  // namespace

Finding evaluate(const Policy& policy, std::string_view action, std::string_view resource,
                 const Facts& context, const Asker* asker) {
  const Facts* variables = policy.variables() ? &context : nullptr;
  Named allowed = Named::kNot;
  for (const Statement& statement : policy.statements()) {
    const Named named = names_asker(statement, asker);
    const bool deny = statement.effect == Effect::kDeny;
    if (named == Named::kNot || (!deny && named <= allowed)) continue;
    if (!fits_action(statement, action) || !fits_resource(statement, resource, variables)) continue;
    const auto met = [&](const Condition& condition) { return holds(condition, context, variables); };
    if (!std::ranges::all_of(statement.conditions, met)) continue;
    if (deny) return {Verdict::kDeny, named == Named::kExactly, named == Named::kByAccount};
    allowed = named;
  }
  if (allowed == Named::kNot) return {};
  return {Verdict::kAllow, allowed == Named::kExactly, allowed == Named::kByAccount};
}

}  // namespace tarn::access
