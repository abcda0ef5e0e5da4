#include "store/bucket_spec.h"

#include <algorithm>
#include <array>
#include <span>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/bytes.h"
#include "base/nearest.h"

namespace tarn::store {

namespace json = boost::json;

namespace {

constexpr std::string_view kLifecycle = "lifecycle";  // the bucket's document
constexpr Duration kDay = std::chrono::hours(24);
constexpr std::array<std::string_view, 3> kVersioningNames = {"off", "enabled", "suspended"};

std::unexpected<Error> wrong(std::string_view key, std::string_view what) {
  return fail(Code::kInvalid, fmt::format("{}: {}", key, what));
}

Status check_keys(const json::object& object, std::string_view where, std::span<const std::string> keys) {
  for (const auto& member : object) {
    std::string key(member.key());
    if (std::ranges::find(keys, key) == keys.end())
      return wrong(fmt::format("{}{}{}", where, where.empty() ? "" : ".", key),
                   "there is no such key" + did_you_mean(key, keys));
  }
  return {};
}

Result<std::optional<std::string>> text_of(const json::object& object, const std::string& where,
                                           std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<std::string>();
  if (!value->is_string()) return wrong(fmt::format("{}.{}", where, key), "text is expected");
  return std::optional<std::string>(std::string(value->get_string()));
}

// "7d": whole days, as S3 counts them.
Result<std::optional<int>> days_of(const json::object& object, const std::string& where,
                                   std::string_view key) {
  TARN_ASSIGN(std::optional<std::string> text, text_of(object, where, key));
  if (!text) return std::optional<int>();
  auto duration = parse_duration(*text);
  if (!duration) return wrong(fmt::format("{}.{}", where, key), duration.error().message);
  if (*duration < kDay || *duration % kDay != Duration(0))
    return wrong(fmt::format("{}.{}", where, key), "whole days are expected, such as 7d");
  return std::optional<int>(static_cast<int>(*duration / kDay));
}

Result<std::optional<uint64_t>> bytes_of(const json::object& object, const std::string& where,
                                         std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::optional<uint64_t>();
  std::string text = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
  auto bytes = parse_bytes(text);
  if (!bytes) return wrong(fmt::format("{}.{}", where, key), bytes.error().message);
  return std::optional<uint64_t>(*bytes);
}

Result<LifecycleRule> rule_from_json(const json::value& value, size_t index) {
  std::string where = fmt::format("lifecycle[{}]", index);
  if (!value.is_object()) return wrong(where, "a map is expected, such as { prefix: tmp/, expire: 7d }");
  const json::object& object = value.get_object();
  const std::vector<std::string> keys = {"id",          "enabled",      "prefix",          "tags",
                                         "expire",      "noncurrent",   "noncurrent_keep", "abort_uploads",
                                         "larger_than", "smaller_than", "lonely_markers"};
  TARN_TRY(check_keys(object, where, keys));
  LifecycleRule rule;
  TARN_ASSIGN(std::optional<std::string> id, text_of(object, where, "id"));
  rule.id = id.value_or(fmt::format("rule-{}", index + 1));
  TARN_ASSIGN(std::optional<std::string> prefix, text_of(object, where, "prefix"));
  rule.prefix = prefix.value_or("");
  for (auto [key, flag] : {std::pair<std::string_view, bool*>{"enabled", &rule.enabled},
                           {"lonely_markers", &rule.expire_lonely_markers}}) {
    const json::value* given = object.if_contains(key);
    if (given == nullptr) continue;
    if (!given->is_bool()) return wrong(fmt::format("{}.{}", where, key), "true or false is expected");
    *flag = given->get_bool();
  }
  if (const json::value* tags = object.if_contains("tags")) {
    if (!tags->is_object()) return wrong(where + ".tags", "a map of text is expected");
    for (const auto& tag : tags->get_object()) {
      if (!tag.value().is_string()) return wrong(where + ".tags", "a map of text is expected");
      rule.tags[std::string(tag.key())] = std::string(tag.value().get_string());
    }
  }
  TARN_ASSIGN(rule.expire_days, days_of(object, where, "expire"));
  TARN_ASSIGN(rule.noncurrent_days, days_of(object, where, "noncurrent"));
  TARN_ASSIGN(rule.abort_upload_days, days_of(object, where, "abort_uploads"));
  TARN_ASSIGN(rule.bytes_over, bytes_of(object, where, "larger_than"));
  TARN_ASSIGN(rule.bytes_under, bytes_of(object, where, "smaller_than"));
  if (const json::value* keep = object.if_contains("noncurrent_keep")) {
    json::error_code error;
    int number = keep->to_number<int>(error);
    if (error || number < 1 || number > 100)
      return wrong(where + ".noncurrent_keep", "a number from 1 to 100 is expected");
    rule.noncurrent_keep = number;
  }
  if (!rule.expire_days && !rule.noncurrent_days && !rule.abort_upload_days && !rule.expire_lonely_markers)
    return wrong(where, "it does nothing: give it expire, noncurrent, abort_uploads or lonely_markers");
  return rule;
}

json::object rule_to_json(const LifecycleRule& rule) {
  json::object out{{"id", rule.id}};
  if (!rule.enabled) out["enabled"] = false;
  if (!rule.prefix.empty()) out["prefix"] = rule.prefix;
  if (!rule.tags.empty()) {
    json::object tags;
    for (const auto& [key, value] : rule.tags) tags[key] = value;
    out["tags"] = std::move(tags);
  }
  auto days = [&](const char* key, const std::optional<int>& value) {
    if (value) out[key] = fmt::format("{}d", *value);
  };
  days("expire", rule.expire_days);
  if (rule.expire_at) out["expire_at"] = to_string(*rule.expire_at);
  days("noncurrent", rule.noncurrent_days);
  if (rule.noncurrent_keep) out["noncurrent_keep"] = *rule.noncurrent_keep;
  days("abort_uploads", rule.abort_upload_days);
  if (rule.bytes_over) out["larger_than"] = format_bytes(*rule.bytes_over);
  if (rule.bytes_under) out["smaller_than"] = format_bytes(*rule.bytes_under);
  if (rule.expire_lonely_markers) out["lonely_markers"] = true;
  return out;
}

}  // namespace

Result<BucketSpec> bucket_spec_from_json(const std::string& name, const json::object& object) {
  TARN_TRY(check_bucket_name(name));
  const std::vector<std::string> keys = {"versioning", "events", "lifecycle"};
  TARN_TRY(check_keys(object, "", keys));
  BucketSpec spec;
  if (const json::value* value = object.if_contains("versioning")) {
    auto found = value->is_string()
                     ? std::ranges::find(kVersioningNames, std::string_view(value->get_string()))
                     : kVersioningNames.end();
    if (found == kVersioningNames.end())
      return wrong("versioning", "one of off, enabled, suspended is expected");
    spec.versioning = static_cast<Versioning>(found - kVersioningNames.begin());
  }
  if (const json::value* value = object.if_contains("events")) {
    if (!value->is_bool()) return wrong("events", "true or false is expected");
    spec.events = value->get_bool();
  }
  if (const json::value* value = object.if_contains("lifecycle")) {
    if (!value->is_array()) return wrong("lifecycle", "a list of rules is expected");
    spec.lifecycle.emplace();
    for (const json::value& item : value->get_array()) {
      TARN_ASSIGN(LifecycleRule rule, rule_from_json(item, spec.lifecycle->size()));
      spec.lifecycle->push_back(std::move(rule));
    }
  }
  return spec;
}

json::object to_json(const BucketSpec& spec) {
  json::object out;
  if (spec.versioning) out["versioning"] = kVersioningNames[static_cast<size_t>(*spec.versioning)];
  if (spec.events) out["events"] = *spec.events;
  if (!spec.lifecycle) return out;
  json::array rules;
  for (const LifecycleRule& rule : *spec.lifecycle) rules.push_back(rule_to_json(rule));
  out["lifecycle"] = std::move(rules);
  return out;
}

Result<BucketSpec> read_bucket_spec(const Objects& objects, const std::string& name) {
  TARN_ASSIGN(Bucket bucket, objects.bucket(name));
  BucketSpec spec{bucket.versioning, bucket.events, std::vector<LifecycleRule>()};
  TARN_ASSIGN(std::optional<std::string> document, objects.document(name, kLifecycle));
  if (document) {
    TARN_ASSIGN(*spec.lifecycle, lifecycle_from_json(*document));
  }
  return spec;
}

Status put_bucket_spec(Objects& objects, const std::string& name, const BucketSpec& spec,
                       const std::string& owner, const std::string& region, Timestamp now) {
  auto have = objects.bucket(name);
  if (!have && have.error().code != Code::kNotFound) return fail(std::move(have).error());
  if (!have) {
    Bucket bucket{.name = name,
                  .created = now,
                  .region = region,
                  .owner = owner,
                  .versioning = spec.versioning.value_or(Versioning::kNever),
                  .events = spec.events.value_or(true)};
    TARN_TRY(objects.create_bucket(bucket));
  } else {
    if (have->versioning != Versioning::kNever && spec.versioning == Versioning::kNever)
      return fail(Code::kConflict,
                  fmt::format("bucket {}: versioning was on and can't be taken away: say `versioning: "
                              "suspended`, or nothing to leave it as it is",
                              name));
    TARN_TRY(objects.change_bucket(name, [&](Bucket& bucket) {
      bucket.versioning = spec.versioning.value_or(bucket.versioning);
      bucket.events = spec.events.value_or(bucket.events);
    }));
  }
  if (!spec.lifecycle) return {};
  std::optional<std::string> document;
  if (!spec.lifecycle->empty()) document = lifecycle_to_json(*spec.lifecycle);
  return objects.set_document(name, kLifecycle, std::move(document));
}

}  // namespace tarn::store
