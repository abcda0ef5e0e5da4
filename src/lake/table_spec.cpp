#include "lake/table_spec.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/nearest.h"
#include "lake/json_read_internal.h"
#include "lake/snapshot_builder_internal.h"
#include "lake/table_properties.h"

namespace tarn::lake {
namespace {

namespace json = boost::json;
using columns::Field;
using columns::Schema;

Error wrong(std::string_view key, std::string why) {
  return {Code::kInvalid, std::string(key) + ": " + std::move(why), 0};
}

Status check_keys(const json::object& object, std::string_view where, const std::vector<std::string>& known) {
  for (auto& [key, value] : object) {
    std::string name(key);
    if (std::ranges::find(known, name) == known.end())
      return fail(wrong(std::string(where) + name, "there is no such key" + did_you_mean(name, known)));
  }
  return {};
}

Result<const json::object*> object_at(const json::value& value, std::string_view key) {
  if (!value.is_object()) return fail(wrong(key, "must be a mapping of keys to values"));
  return &value.get_object();
}

// Numbers and texts alike, as people write them in YAML.
Result<std::string> scalar_text(const json::value& value, std::string_view key) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_int64() || value.is_bool() || value.is_double()) return json::serialize(value);
  return fail(wrong(key, "must be a single value"));
}

Result<uint64_t> count_at(const json::value& value, std::string_view key) {
  if (value.is_int64() && value.get_int64() >= 1) return static_cast<uint64_t>(value.get_int64());
  return fail(wrong(key, "must be a number of 1 or more"));
}

Result<Field> column_from_json(const std::string& name, const json::value& value) {
  std::string key = "columns." + name;
  std::string type;
  Field out;
  bool required = false;
  std::string doc;
  if (value.is_string()) {
    type = std::string(value.get_string());
  } else {
    if (!value.is_object()) return fail(wrong(key, "must be a type, or {type: …, required: true}"));
    const json::object& object = value.get_object();
    TARN_TRY(check_keys(object, key + ".", {"type", "required", "doc"}));
    const json::value* t = object.if_contains("type");
    if (!t || !t->is_string()) return fail(wrong(key + ".type", "must be a type such as BIGINT or VARCHAR"));
    type = std::string(t->get_string());
    if (const json::value* r = object.if_contains("required")) {
      if (!r->is_bool()) return fail(wrong(key + ".required", "must be true or false"));
      required = r->get_bool();
    }
    if (const json::value* d = object.if_contains("doc")) {
      if (!d->is_string()) return fail(wrong(key + ".doc", "must be a text"));
      doc = std::string(d->get_string());
    }
  }
  auto field = columns::parse_field_type(name, type);
  if (!field) return fail(std::move(field).error().in(key));
  out = std::move(*field);
  out.required = required;
  if (!doc.empty()) out.doc = doc;
  return out;
}

Status read_columns(const json::value& value, TableSpec& out) {
  TARN_ASSIGN(const json::object* columns, object_at(value, "columns"));
  for (auto& [name, type] : *columns) {
    TARN_ASSIGN(Field field, column_from_json(std::string(name), type));
    out.schema.fields.push_back(std::move(field));
  }
  columns::assign_ids(out.schema, 0);
  Status valid = check_schema(out.schema);
  if (!valid) return fail(std::move(valid).error().in("columns"));
  return {};
}

Status read_keep(const json::value& value, TableSpec& out) {
  TARN_ASSIGN(const json::object* keep, object_at(value, "keep"));
  TARN_TRY(check_keys(*keep, "keep.", {"snapshots", "age"}));
  if (const json::value* v = keep->if_contains("snapshots")) {
    TARN_ASSIGN(uint64_t count, count_at(*v, "keep.snapshots"));
    out.properties[std::string(kKeepSnapshots)] = std::to_string(count);
  }
  if (const json::value* v = keep->if_contains("age")) {
    TARN_ASSIGN(std::string text, scalar_text(*v, "keep.age"));
    auto age = parse_duration(text);
    if (!age) return fail(std::move(age).error().in("keep.age"));
    out.properties[std::string(kKeepAge)] = to_string(*age);
  }
  return {};
}

Status read_compact(const json::value& value, TableSpec& out) {
  TARN_ASSIGN(const json::object* compact, object_at(value, "compact"));
  TARN_TRY(check_keys(*compact, "compact.", {"small", "files"}));
  if (const json::value* v = compact->if_contains("small")) {
    TARN_ASSIGN(std::string text, scalar_text(*v, "compact.small"));
    auto bytes = parse_bytes(text);
    if (!bytes) return fail(std::move(bytes).error().in("compact.small"));
    out.properties[std::string(kCompactSmallBytes)] = format_bytes(*bytes);
  }
  if (const json::value* v = compact->if_contains("files")) {
    TARN_ASSIGN(uint64_t count, count_at(*v, "compact.files"));
    out.properties[std::string(kCompactMinFiles)] = std::to_string(count);
  }
  return {};
}

Status read_partition_texts(const json::value& value, TableSpec& out) {
  if (!value.is_array()) return fail(wrong("partition", "must be a list, for example [ day(time) ]"));
  for (const json::value& field : value.get_array()) {
    if (!field.is_string())
      return fail(wrong("partition", "must be a list of texts, for example [ day(time) ]"));
    out.partition.emplace_back(field.get_string());
  }
  out.partition = join_partition(std::move(out.partition));
  return {};
}

// The properties that have names of their own in a spec.
constexpr std::string_view kNamed[] = {kKeepSnapshots, kKeepAge, kCompactSmallBytes, kCompactMinFiles};

// `now` as `wanted` has it: fields by name, ids as they are, 0 for new ones.
Result<std::vector<Field>> merge_fields(const std::vector<Field>& now, const std::vector<Field>& wanted,
                                        const std::string& prefix);

Result<Field> merge_field(const Field& now, const Field& wanted, const std::string& path) {
  Field out = now;
  if (!wanted.doc.empty()) out.doc = wanted.doc;
  if (wanted.required && !now.required)
    return fail(wrong("columns." + path, "may be null in the table, and can't become required"));
  out.required = wanted.required;
  if (now.type.nested() && now.type.kind == wanted.type.kind) {
    TARN_ASSIGN(out.type.fields, merge_fields(now.type.fields, wanted.type.fields, path + "."));
    return out;
  }
  if (!can_widen(now.type, wanted.type))
    return fail(wrong("columns." + path,
                      "is " + columns::field_sql_type(now) + " in the table, which can't become " +
                          columns::field_sql_type(wanted) + "; add a column of another name instead"));
  out.type = wanted.type;
  return out;
}

const Field* find_name(const std::vector<Field>& fields, std::string_view name) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const Field& f : fields)
    if (std::ranges::equal(f.name, name, {}, lower, lower)) return &f;
  return nullptr;
}

void clear_ids(Field& field) {
  field.id = 0;
  for (Field& f : field.type.fields) clear_ids(f);
}

Result<std::vector<Field>> merge_fields(const std::vector<Field>& now, const std::vector<Field>& wanted,
                                        const std::string& prefix) {
  std::vector<Field> out;
  for (const Field& f : now) {
    const Field* same = find_name(wanted, f.name);
    if (!same && prefix.empty() && f.name == columns::kRescuedColumn) {
      out.push_back(f);  // a stream's own, which nobody declares
      continue;
    }
    if (!same)
      return fail(wrong("columns",
                        "column " + prefix + f.name +
                            " of the table is missing; a column is dropped or renamed by its own command"));
    TARN_ASSIGN(Field merged, merge_field(f, *same, prefix + f.name));
    out.push_back(std::move(merged));
  }
  for (const Field& f : wanted) {
    if (find_name(now, f.name)) continue;
    if (f.required)
      return fail(wrong("columns." + prefix + f.name,
                        "is new and can't be required: the rows that are there lack it"));
    out.push_back(f);
    clear_ids(out.back());
  }
  return out;
}

std::vector<std::string> partition_texts(const PartitionSpec& spec, const Schema& schema) {
  std::vector<std::string> out;
  for (const PartitionField& f : spec.fields)
    if (f.transform != Transform::kVoid) out.push_back(partition_text(f, schema));
  return out;
}

}  // namespace

Result<TableSpec> table_spec_from_json(const json::object& object) {
  TARN_TRY(check_keys(object, "", {"columns", "partition", "keep", "compact", "properties"}));
  TableSpec out;
  if (const json::value* v = object.if_contains("properties")) {
    TARN_ASSIGN(const json::object* properties, object_at(*v, "properties"));
    for (auto& [key, value] : *properties) {
      TARN_ASSIGN(out.properties[std::string(key)], scalar_text(value, "properties." + std::string(key)));
    }
  }
  if (const json::value* v = object.if_contains("columns")) TARN_TRY(read_columns(*v, out));
  if (const json::value* v = object.if_contains("partition")) TARN_TRY(read_partition_texts(*v, out));
  if (const json::value* v = object.if_contains("keep")) TARN_TRY(read_keep(*v, out));
  if (const json::value* v = object.if_contains("compact")) TARN_TRY(read_compact(*v, out));
  if (!out.schema.fields.empty()) {
    auto spec = parse_partition(out.partition, out.schema);
    if (!spec) return fail(std::move(spec).error().in("partition"));
  }
  return out;
}

json::object to_json(const TableMetadata& table) {
  json::object columns;
  for (const Field& f : table.schema().fields) {
    bool plain = f.doc.empty() || f.doc == columns::kJsonDoc;
    if (plain && !f.required) {
      columns[f.name] = columns::field_sql_type(f);
      continue;
    }
    json::object column{{"type", columns::field_sql_type(f)}};
    if (f.required) column["required"] = true;
    if (!plain) column["doc"] = f.doc;
    columns[f.name] = std::move(column);
  }
  json::object out{{"columns", std::move(columns)}};
  out["partition"] = json::value_from(partition_texts(table.spec(), table.schema()));

  auto property = [&](std::string_view key) -> const std::string* {
    auto found = table.properties.find(std::string(key));
    return found == table.properties.end() ? nullptr : &found->second;
  };
  auto number = [](const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return !error && value.is_int64() ? value : json::value(text);
  };
  json::object keep, compact, properties;
  if (auto* v = property(kKeepSnapshots)) keep["snapshots"] = number(*v);
  if (auto* v = property(kKeepAge)) keep["age"] = *v;
  if (auto* v = property(kCompactSmallBytes)) compact["small"] = *v;
  if (auto* v = property(kCompactMinFiles)) compact["files"] = number(*v);
  for (auto& [key, value] : table.properties)
    if (std::ranges::find(kNamed, std::string_view(key)) == std::end(kNamed)) properties[key] = value;
  if (!keep.empty()) out["keep"] = std::move(keep);
  if (!compact.empty()) out["compact"] = std::move(compact);
  if (!properties.empty()) out["properties"] = std::move(properties);
  return out;
}

Result<Table> alter_to(Catalog& catalog, const TableName& name, const TableSpec& spec) {
  TARN_ASSIGN(Table table, catalog.load(name));
  Change change;
  change.keep_snapshot = true;
  Schema schema = table->schema();
  if (!spec.schema.fields.empty()) {  // no columns declared: they are what the records have
    auto merged = merge_fields(schema.fields, spec.schema.fields, "");
    if (!merged) return fail(std::move(merged).error().in("table " + name.str()));
    schema.fields = std::move(*merged);
    columns::assign_ids(schema, table->last_column_id);
    change.schema = schema;
  }
  auto wanted = parse_partition(spec.partition, schema);
  if (!wanted) return fail(std::move(wanted).error().in("table " + name.str()));
  bool repartition = partition_texts(*wanted, schema) != partition_texts(table->spec(), schema);
  change.set_properties = spec.properties;
  for (std::string_view key : kNamed)
    if (!spec.properties.contains(std::string(key))) change.remove_properties.emplace_back(key);
  TARN_ASSIGN(table, catalog.commit(name, change));
  if (!repartition) return table;
  return catalog.set_partition(name, spec.partition);
}

}  // namespace tarn::lake
