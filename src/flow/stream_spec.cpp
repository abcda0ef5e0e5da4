#include "flow/stream_spec.h"

#include <array>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/nearest.h"

namespace tarn::flow {

namespace json = boost::json;
using columns::OnViolation;

namespace {

constexpr int kShardsMax = 256;
constexpr Duration kAgeMax = std::chrono::hours(24);

std::unexpected<Error> wrong(std::string_view key, std::string_view what) {
  return fail(Code::kInvalid, fmt::format("{}: {}", key, what));
}

// Every key of `object` is one of `known`; `path` stands before the key in messages ("deliver.").
Status check_keys(const json::object& object, std::string_view path, const std::vector<std::string>& known) {
  for (const auto& member : object) {
    std::string key(member.key());
    if (std::find(known.begin(), known.end(), key) == known.end())
      return wrong(fmt::format("{}{}", path, key), "there is no such key" + did_you_mean(key, known));
  }
  return {};
}

Result<std::string> text_of(const json::object& object, std::string_view key, std::string_view path) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return wrong(fmt::format("{}{}", path, key), "a text is wanted");
  return std::string(value->get_string());
}

Status read_int(const json::object& object, std::string_view key, int low, int high, int& out) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return {};
  if (!value->is_int64() || value->get_int64() < low || value->get_int64() > high)
    return wrong(key, fmt::format("a whole number from {} to {} is wanted", low, high));
  out = static_cast<int>(value->get_int64());
  return {};
}

Status read_duration(const json::object& object, std::string_view key, std::string_view path, Duration& out) {
  TARN_ASSIGN(std::string text, text_of(object, key, path));
  if (text.empty()) return {};
  auto parsed = parse_duration(text);
  if (!parsed) return wrong(fmt::format("{}{}", path, key), parsed.error().message);
  out = *parsed;
  return {};
}

// A size is a text with a unit or a bare number of bytes.
Status read_bytes(const json::object& object, std::string_view key, std::string_view path, uint64_t& out) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return {};
  if (value->is_int64() && value->get_int64() >= 0) {
    out = static_cast<uint64_t>(value->get_int64());
    return {};
  }
  TARN_ASSIGN(std::string text, text_of(object, key, path));
  auto parsed = parse_bytes(text);
  if (!parsed) return wrong(fmt::format("{}{}", path, key), parsed.error().message);
  out = *parsed;
  return {};
}

Result<const json::object*> object_of(const json::object& object, std::string_view key,
                                      std::string_view path) {
  static const json::object nothing;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return &nothing;
  if (!value->is_object()) return wrong(fmt::format("{}{}", path, key), "a map is wanted");
  return &value->get_object();
}

Result<columns::Field> read_column(const std::string& name, const json::value& value) {
  std::string key = "columns." + name;
  bool required = false;
  std::string type;
  if (value.is_string()) {
    type = std::string(value.get_string());
  } else if (value.is_object()) {
    TARN_TRY(check_keys(value.get_object(), key + ".", {"type", "required"}));
    TARN_ASSIGN(type, text_of(value.get_object(), "type", key + "."));
    if (const json::value* wanted = value.get_object().if_contains("required")) {
      if (!wanted->is_bool()) return wrong(key + ".required", "true or false is wanted");
      required = wanted->get_bool();
    }
  }
  if (type.empty()) return wrong(key, "a type is wanted, such as BIGINT or {type: BIGINT, required: true}");
  auto column = columns::parse_field_type(name, type);
  if (!column) return wrong(key, column.error().message);
  column->required = required;
  return column;
}

Status read_columns(const json::object& object, StreamSpec& spec) {
  TARN_ASSIGN(const json::object* columns, object_of(object, "columns", ""));
  for (const auto& member : *columns) {
    std::string name(member.key());
    if (name.empty() || name.starts_with('_'))
      return wrong("columns." + name, "a column's name is not empty and doesn't begin with _");
    TARN_ASSIGN(columns::Field column, read_column(name, member.value()));
    spec.columns.push_back(std::move(column));
  }
  spec.infer = spec.columns.empty();
  if (const json::value* infer = object.if_contains("infer")) {
    if (!infer->is_bool()) return wrong("infer", "true or false is wanted");
    spec.infer = infer->get_bool();
  }
  if (!spec.infer && spec.columns.empty())
    return wrong("infer", "a stream that infers nothing declares its columns");
  return {};
}

constexpr std::array<std::string_view, 3> kViolationNames = {"rescue", "reject", "strict"};

Status read_violation(const json::object& object, StreamSpec& spec) {
  TARN_ASSIGN(std::string name, text_of(object, "on_violation", ""));
  if (name.empty()) return {};
  for (size_t i = 0; i < kViolationNames.size(); ++i) {
    if (name == kViolationNames[i]) {
      spec.on_violation = static_cast<OnViolation>(i);
      return {};
    }
  }
  return wrong("on_violation", fmt::format("'{}' is none of rescue, reject, strict", name));
}

Status read_deliver(const json::object& object, StreamSpec& spec) {
  TARN_ASSIGN(const json::object* deliver, object_of(object, "deliver", ""));
  TARN_TRY(check_keys(*deliver, "deliver.", {"table", "partition", "every"}));
  TARN_ASSIGN(std::string table, text_of(*deliver, "table", "deliver."));
  if (table.empty()) {
    table = "raw." + spec.name;
    std::replace(table.begin() + 4, table.end(), '.', '_');
  }
  auto name = lake::TableName::parse(table);
  if (!name) return wrong("deliver.table", name.error().message);
  spec.deliver.table = *name;
  if (const json::value* partition = deliver->if_contains("partition")) {
    if (!partition->is_array()) return wrong("deliver.partition", "a list is wanted, such as [ day(time) ]");
    for (const json::value& field : partition->get_array()) {
      if (!field.is_string())
        return wrong("deliver.partition", "a list of texts is wanted, such as [ day(time) ]");
      spec.deliver.partition.emplace_back(field.get_string());
    }
    spec.deliver.partition = lake::join_partition(std::move(spec.deliver.partition));
  }
  TARN_ASSIGN(const json::object* every, object_of(*deliver, "every", "deliver."));
  TARN_TRY(check_keys(*every, "deliver.every.", {"age", "size"}));
  TARN_TRY(read_duration(*every, "age", "deliver.every.", spec.deliver.age));
  TARN_TRY(read_bytes(*every, "size", "deliver.every.", spec.deliver.bytes));
  if (spec.deliver.age > kAgeMax) return wrong("deliver.every.age", "at most 24h");
  if (spec.deliver.bytes == 0) return wrong("deliver.every.size", "more than 0 is wanted");
  return {};
}

Status check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= 128 && (std::isalnum(static_cast<unsigned char>(name[0])) != 0);
  for (char c : name)
    good = good && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-');
  if (good) return {};
  return fail(
      Code::kInvalid,
      fmt::format(
          "'{}' is no stream name: 1 to 128 ASCII letters, digits, _ . and -, a letter or digit first",
          name));
}

}  // namespace

bool StreamSpec::operator==(const StreamSpec& other) const {
  return to_json(*this) == to_json(other);
}

Result<StreamSpec> stream_spec_from_json(std::string name, const json::object& object) {
  StreamSpec spec;
  TARN_TRY(check_name(name));
  spec.name = std::move(name);
  TARN_TRY(check_keys(
      object, "",
      {"shards", "columns", "infer", "on_violation", "transform", "deliver", "keep", "undelivered_max"}));
  TARN_TRY(read_int(object, "shards", 1, kShardsMax, spec.shards));
  TARN_TRY(read_columns(object, spec));
  TARN_TRY(read_violation(object, spec));
  TARN_ASSIGN(spec.transform, text_of(object, "transform", ""));
  TARN_TRY(read_deliver(object, spec));
  TARN_ASSIGN(const json::object* keep, object_of(object, "keep", ""));
  TARN_TRY(check_keys(*keep, "keep.", {"age", "size"}));
  TARN_TRY(read_duration(*keep, "age", "keep.", spec.retention.keep));
  TARN_TRY(read_bytes(*keep, "size", "keep.", spec.retention.keep_bytes));
  TARN_TRY(read_bytes(object, "undelivered_max", "", spec.undelivered_bytes_max));
  return spec;
}

json::object to_json(const StreamSpec& spec) {
  json::object object;
  object["shards"] = spec.shards;
  if (!spec.columns.empty()) {
    json::object columns;
    for (const columns::Field& column : spec.columns) {
      std::string type = columns::field_sql_type(column);
      if (column.required)
        columns[column.name] = json::object{{"type", type}, {"required", true}};
      else
        columns[column.name] = type;
    }
    object["columns"] = std::move(columns);
  }
  object["infer"] = spec.infer;
  object["on_violation"] = kViolationNames.at(static_cast<size_t>(spec.on_violation));
  if (!spec.transform.empty()) object["transform"] = spec.transform;
  json::array partition(spec.deliver.partition.begin(), spec.deliver.partition.end());
  object["deliver"] = {
      {"table", spec.deliver.table.str()},
      {"partition", std::move(partition)},
      {"every", {{"age", to_string(spec.deliver.age)}, {"size", format_bytes(spec.deliver.bytes)}}}};
  if (spec.retention.keep.count() != 0 || spec.retention.keep_bytes != 0)
    object["keep"] = {{"age", to_string(spec.retention.keep)},
                      {"size", format_bytes(spec.retention.keep_bytes)}};
  object["undelivered_max"] = format_bytes(spec.undelivered_bytes_max);
  return object;
}

}  // namespace tarn::flow
