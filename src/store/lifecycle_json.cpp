#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/nearest.h"
#include "store/lifecycle.h"

namespace tarn::store {

namespace json = boost::json;

namespace {

template <typename T>
void put(json::object& out, std::string_view key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

json::object to_object(const LifecycleRule& rule) {
  json::object out;
  out["id"] = rule.id;
  out["enabled"] = rule.enabled;
  out["prefix"] = rule.prefix;
  if (!rule.tags.empty()) {
    json::object& tags = out["tags"].emplace_object();
    for (const auto& [key, value] : rule.tags) tags[key] = value;
  }
  put(out, "bytes_over", rule.bytes_over);
  put(out, "bytes_under", rule.bytes_under);
  put(out, "expire_days", rule.expire_days);
  if (rule.expire_at) out["expire_at"] = to_string(*rule.expire_at);
  if (rule.expire_lonely_markers) out["expire_lonely_markers"] = true;
  put(out, "noncurrent_days", rule.noncurrent_days);
  put(out, "noncurrent_keep", rule.noncurrent_keep);
  put(out, "abort_upload_days", rule.abort_upload_days);
  return out;
}

std::unexpected<Error> wrong(std::string_view key, std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("lifecycle: {}: {} is expected", key, expected));
}

Status take(std::string_view key, const json::value& value, std::string& out) {
  if (!value.is_string()) return wrong(key, "text");
  out = std::string_view(value.get_string());  // all of it, also past a NUL
  return {};
}

Status take(std::string_view key, const json::value& value, bool& out) {
  if (!value.is_bool()) return wrong(key, "true or false");
  out = value.get_bool();
  return {};
}

template <typename Number>
Status take(std::string_view key, const json::value& value, std::optional<Number>& out) {
  boost::system::error_code error;
  auto number = value.to_number<int64_t>(error);
  if (error || number < 0 || std::cmp_greater(number, std::numeric_limits<Number>::max()))
    return wrong(key, "a whole number that isn't negative");
  out = static_cast<Number>(number);
  return {};
}

Status take(std::string_view key, const json::value& value, std::optional<Timestamp>& out) {
  if (!value.is_string()) return wrong(key, "a time");
  TARN_ASSIGN(out, parse_timestamp(std::string_view(value.get_string())));
  return {};
}

Status take(std::string_view key, const json::value& value, std::map<std::string, std::string>& out) {
  if (!value.is_object()) return wrong(key, "a map");
  for (const auto& [name, text] : value.get_object()) TARN_TRY(take(name, text, out[std::string(name)]));
  return {};
}

// One row a key: how it is read.
struct Field {
  std::string_view key;
  Status (*read)(std::string_view key, const json::value& value, LifecycleRule& rule);
};

template <auto Member>
constexpr Field field(std::string_view key) {
  return {key, [](std::string_view name, const json::value& value, LifecycleRule& rule) {
            return take(name, value, rule.*Member);
          }};
}

constexpr std::array kFields{field<&LifecycleRule::id>("id"),
                             field<&LifecycleRule::enabled>("enabled"),
                             field<&LifecycleRule::prefix>("prefix"),
                             field<&LifecycleRule::tags>("tags"),
                             field<&LifecycleRule::bytes_over>("bytes_over"),
                             field<&LifecycleRule::bytes_under>("bytes_under"),
                             field<&LifecycleRule::expire_days>("expire_days"),
                             field<&LifecycleRule::expire_at>("expire_at"),
                             field<&LifecycleRule::expire_lonely_markers>("expire_lonely_markers"),
                             field<&LifecycleRule::noncurrent_days>("noncurrent_days"),
                             field<&LifecycleRule::noncurrent_keep>("noncurrent_keep"),
                             field<&LifecycleRule::abort_upload_days>("abort_upload_days")};

Result<LifecycleRule> rule_of(const json::value& value) {
  if (!value.is_object()) return wrong("rules", "a list of maps");
  LifecycleRule rule;
  for (const auto& member : value.get_object()) {
    std::string_view key = member.key();
    const auto* found = std::ranges::find(kFields, key, &Field::key);
    if (found == kFields.end()) {
      std::vector<std::string> keys;
      for (const Field& known : kFields) keys.emplace_back(known.key);
      return fail(Code::kInvalid,
                  fmt::format("lifecycle: there is no key '{}'{}", key, did_you_mean(key, keys)));
    }
    TARN_TRY(found->read(key, member.value(), rule));
  }
  return rule;
}

}  // namespace

std::string lifecycle_to_json(const std::vector<LifecycleRule>& rules) {
  json::array list;
  for (const LifecycleRule& rule : rules) list.push_back(to_object(rule));
  return json::serialize(json::object{{"rules", std::move(list)}});
}

Result<std::vector<LifecycleRule>> lifecycle_from_json(std::string_view text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  if (error) return fail(Code::kInvalid, fmt::format("lifecycle: no JSON: {}", error.message()));
  const json::value* list = document.is_object() ? document.get_object().if_contains("rules") : nullptr;
  if (list == nullptr || !list->is_array()) return wrong("rules", "a list");
  std::vector<LifecycleRule> rules;
  for (const json::value& value : list->get_array()) {
    TARN_ASSIGN(LifecycleRule rule, rule_of(value));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace tarn::store
