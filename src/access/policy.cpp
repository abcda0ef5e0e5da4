#include "access/policy.h"

#include <algorithm>
#include <utility>

#include "access/policy_pattern.h"

namespace tarn::access {

void Context::set(std::string_view key, std::string value) {
  auto& values = values_[to_lower(key)];
  values.clear();
  values.push_back(std::move(value));
}

void Context::add(std::string_view key, std::string value) {
  values_[to_lower(key)].push_back(std::move(value));
}

const std::vector<std::string>* Context::find(std::string_view key) const {
  return find_lower(to_lower(key));
}

const std::vector<std::string>* Context::find_lower(std::string_view lower_case_key) const {
  const auto place = values_.find(lower_case_key);
  return place == values_.end() ? nullptr : &place->second;
}

std::shared_ptr<const Policy> Policy::of(std::vector<Statement> statements, std::string name) {
  auto policy = std::make_shared<Policy>();
  policy->name_ = std::move(name);
  policy->statements_ = std::move(statements);
  for (Statement& statement : policy->statements_)
    for (Condition& condition : statement.conditions) condition.key = to_lower(condition.key);
  return policy;
}

}  // namespace tarn::access
