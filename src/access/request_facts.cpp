#include "access/request_facts.h"

#include "access/policy_pattern.h"

namespace tarn::access {

namespace {

constexpr std::string_view kTag = "aws:principaltag/";
constexpr std::string_view kSourceIp = "aws:sourceip";

// The guard's own keys, which a door can't set.
bool is_own(std::string_view key) {
  return key.starts_with("aws:principal") || key == "aws:userid" || key == "aws:username" ||
         key == "aws:currenttime" || key == "aws:epochtime";
}

std::string_view type_of(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kRoot:
      return "Account";
    case PrincipalKind::kUser:
      return "User";
    case PrincipalKind::kSession:
      return "AssumedRole";
    case PrincipalKind::kAnonymous:
      return "Anonymous";
    case PrincipalKind::kSystem:
      return "Service";
  }
  return {};
}

}  // namespace

const std::vector<std::string>* RequestFacts::find_lower(std::string_view key) const {
  const bool own = is_own(key);
  if (!own && ask_.context != nullptr) {
    if (const auto* values = ask_.context->find_lower(key)) return values;
  }
  if (!own && key != kSourceIp) return nullptr;
  for (const auto& [made, values] : made_)
    if (made == key) return values.empty() ? nullptr : &values;
  std::vector<std::string> values;
  if (auto value = value_of(key)) values.push_back(*std::move(value));
  made_.emplace_front(std::string(key), std::move(values));
  const auto& kept = made_.front().second;
  return kept.empty() ? nullptr : &kept;
}

std::optional<std::string> RequestFacts::value_of(std::string_view key) const {
  if (key == kSourceIp) {
    if (ask_.source_ip.empty()) return std::nullopt;
    return std::string(ask_.source_ip);
  }
  if (key == "aws:currenttime") return to_string(now());
  if (key == "aws:epochtime") return std::to_string(now().us / 1'000'000);
  return of_principal(key);
}

std::optional<std::string> RequestFacts::of_principal(std::string_view key) const {
  const Principal& principal = ask_.principal;
  if (key == "aws:principaltype") return std::string(type_of(principal.kind));
  if (key == "aws:principalisawsservice") return principal.kind == PrincipalKind::kSystem ? "true" : "false";
  if (key == "aws:userid") return principal.id;
  if (principal.kind == PrincipalKind::kAnonymous) return std::nullopt;
  if (key == "aws:principalaccount") return std::string(kAccount);
  if (key == "aws:principalarn") return principal.role_arn.empty() ? principal.arn : principal.role_arn;
  if (key == "aws:username" && principal.kind == PrincipalKind::kUser) return principal.name;
  if (!key.starts_with(kTag)) return std::nullopt;
  for (const auto& [name, value] : principal.tags)
    if (equal_ignoring_case(name, key.substr(kTag.size()))) return value;
  return std::nullopt;
}

Timestamp RequestFacts::now() const {
  if (!now_) now_ = clock_.now();
  return *now_;
}

}  // namespace tarn::access
