#include "lake/table_properties.h"

#include <charconv>

namespace tarn::lake {
namespace {

const std::string* find(const TableMetadata& table, std::string_view name) {
  auto property = table.properties.find(std::string(name));
  return property == table.properties.end() ? nullptr : &property->second;
}

Error named(Error error, std::string_view name) {
  return std::move(error).in("table property " + std::string(name));
}

Status read_bytes(const TableMetadata& table, std::string_view name, uint64_t& out) {
  const std::string* text = find(table, name);
  if (text == nullptr) return {};
  auto bytes = parse_bytes(*text);
  if (!bytes) return fail(named(std::move(bytes).error(), name));
  out = *bytes;
  return {};
}

Status read_duration(const TableMetadata& table, std::string_view name, Duration& out) {
  const std::string* text = find(table, name);
  if (text == nullptr) return {};
  auto duration = parse_duration(*text);
  if (!duration) return fail(named(std::move(duration).error(), name));
  out = *duration;
  return {};
}

Status read_count(const TableMetadata& table, std::string_view name, uint64_t& out) {
  const std::string* text = find(table, name);
  if (text == nullptr) return {};
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value == 0)
    return fail(named({Code::kInvalid, "\"" + *text + "\" is not a number of 1 or more", 0}, name));
  out = value;
  return {};
}

}  // namespace

Result<MaintenanceRules> maintenance_rules(const TableMetadata& table) {
  MaintenanceRules rules;
  TARN_TRY(read_bytes(table, kCompactSmallBytes, rules.small_bytes));
  TARN_TRY(read_bytes(table, kCompactTargetBytes, rules.target_bytes));
  TARN_TRY(read_count(table, kCompactMinFiles, rules.min_files));
  TARN_TRY(read_count(table, kKeepSnapshots, rules.keep_snapshots));
  TARN_TRY(read_duration(table, kKeepAge, rules.keep_age));
  TARN_TRY(read_duration(table, kOrphanAge, rules.orphan_age));
  return rules;
}

}  // namespace tarn::lake
