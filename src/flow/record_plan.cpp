#include "flow/record_plan.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>
#include <fmt/format.h>

#include "columns/duck_json.h"
#include "lake/reshape.h"
#include "query/statement.h"

namespace tarn::flow {

namespace json = boost::json;
using columns::Field;
using columns::Kind;
using columns::quote_name;
using columns::Schema;
using columns::Type;

namespace {

constexpr std::string_view kRecordsMark = "{records}";

Type string_type() {
  return Type{Kind::kString, 0, 0, {}};
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
           return lower(x) == lower(y);
         });
}

// --- the shape of records, from the table's history
// ---------------------------------------------------------------

// The name under which a field with this id first appeared.
const std::string& first_name(const lake::TableMetadata& table, const Field& field) {
  for (const Schema& schema : table.schemas) {
    if (const Field* first = schema.find(field.id)) return first->name;
  }
  return field.name;
}

void restore_names(const lake::TableMetadata& table, std::vector<Field>& fields) {
  for (Field& field : fields) {
    field.name = first_name(table, field);
    // The parts of lists and maps have fixed names.
    if (field.type.kind == Kind::kStruct)
      restore_names(table, field.type.fields);
    else
      for (Field& part : field.type.fields) {
        if (part.type.nested()) restore_names(table, part.type.fields);
      }
  }
}

Schema table_records(const lake::TableMetadata& table) {
  Schema records = table.schema();
  std::erase_if(records.fields, [](const Field& f) { return f.name == columns::kRescuedColumn; });
  restore_names(table, records.fields);
  return records;
}

// Fields whose column a user dropped: they don't come back by being seen again.
bool was_dropped(const lake::TableMetadata& table, std::string_view name) {
  for (const Schema& schema : table.schemas) {
    const Field* field = schema.find(name);
    if (field != nullptr && table.schema().find(field->id) == nullptr) return true;
  }
  return false;
}

// --- the property of transformed streams
// ----------------------------------------------------------------------------

std::string records_text(const Schema& schema) {
  json::array fields;
  for (const Field& field : schema.fields)
    fields.push_back(json::object{{"name", field.name}, {"type", columns::field_sql_type(field)}});
  return json::serialize(fields);
}

Result<Schema> records_from_text(const std::string& text) {
  Schema schema;
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_array())
    return fail(Code::kCorrupt,
                fmt::format("the table's property {} is no JSON list", kRecordsSchemaProperty));
  for (const json::value& entry : value.get_array()) {
    const json::object& object = entry.as_object();
    TARN_ASSIGN(Field field, columns::parse_field_type(std::string(object.at("name").as_string()),
                                                       std::string(object.at("type").as_string())));
    schema.fields.push_back(std::move(field));
  }
  columns::assign_ids(schema, 0);
  return schema;
}

// --- the table's schema
// -----------------------------------------------------------------------------------------------

bool widens(const Type& from, const Type& to) {
  if (from.kind == Kind::kInt && to.kind == Kind::kLong) return true;
  if (from.kind == Kind::kFloat && to.kind == Kind::kDouble) return true;
  return from.kind == Kind::kDecimal && to.kind == Kind::kDecimal && from.scale == to.scale &&
         from.precision < to.precision;
}

void forget_ids(Field& field) {
  field.id = 0;
  for (Field& part : field.type.fields) forget_ids(part);
}

// Brings `to` up to `from`: wider numbers, further struct fields; names and ids of `to` stay. `by_id`: fields
// are paired by id, and new ones keep theirs; otherwise by name, and new ones have id 0.
void grow(Field& to, const Field& from, bool by_id) {
  if (widens(to.type, from.type)) {
    to.type.kind = from.type.kind;
    to.type.precision = from.type.precision;
    return;
  }
  if (to.type.kind != from.type.kind || !to.type.nested()) return;
  if (to.type.kind != Kind::kStruct) {
    for (size_t i = 0; i < to.type.fields.size() && i < from.type.fields.size(); ++i)
      grow(to.type.fields[i], from.type.fields[i], by_id);
    return;
  }
  for (const Field& wanted : from.type.fields) {
    auto have = std::find_if(to.type.fields.begin(), to.type.fields.end(), [&](const Field& field) {
      return by_id && wanted.id != 0 ? field.id == wanted.id : same_name(field.name, wanted.name);
    });
    if (have != to.type.fields.end()) {
      grow(*have, wanted, by_id);
    } else {
      Field added = wanted;
      if (!by_id) forget_ids(added);
      to.type.fields.push_back(std::move(added));
    }
  }
}

// New columns go before _rescued, which stays last.
void add_column(Schema& table, Field field) {
  auto at = std::find_if(table.fields.begin(), table.fields.end(),
                         [](const Field& f) { return f.name == columns::kRescuedColumn; });
  table.fields.insert(at, std::move(field));
}

void add_rescued(Schema& table) {
  if (table.find(columns::kRescuedColumn) == nullptr)
    table.fields.push_back(
        Field{0, std::string(columns::kRescuedColumn), string_type(), false, std::string(columns::kJsonDoc)});
}

// The table's columns from the record's, which carry the table's ids where they have a column already.
std::string direct_select(const Schema& records, const Schema& table, bool rescue) {
  std::string select;
  for (const Field& column : table.fields) {
    if (!select.empty()) select += ", ";
    auto source = std::find_if(records.fields.begin(), records.fields.end(),
                               [&](const Field& field) { return field.id == column.id; });
    if (column.name == columns::kRescuedColumn && rescue) {
      select += quote_name(columns::kRescuedColumn);
    } else if (source != records.fields.end()) {
      select += fmt::format(
          "{} AS {}", lake::reshape_sql(quote_name(source->name), source->type, column, lake::MatchBy::kId),
          quote_name(column.name));
    } else {
      select += fmt::format("NULL::{} AS {}", columns::duckdb_sql_type(column.type), quote_name(column.name));
    }
  }
  return fmt::format("SELECT {} FROM {}", select, kRecordsMark);
}

// What a query gives, as fields without ids.
Result<std::vector<Field>> describe(duck::Connection& connection, const std::string& sql) {
  TARN_ASSIGN(duck::Rows rows, connection.stream("SELECT * FROM (" + sql + ") LIMIT 0"));
  std::vector<Field> fields;
  for (size_t i = 0; i < rows.columns(); ++i) {
    duck::LogicalType type(rows.logical_type(i));
    Field field{0, rows.name(i), duck::column_type(type.get()), false, ""};
    if (duck::type_text(type.get()) == "JSON") field.doc = columns::kJsonDoc;
    fields.push_back(std::move(field));
  }
  return fields;
}

// A SELECT that describes like the records would, without any.
std::string typed_nothing(const columns::ScanSpec& scan) {
  std::string select;
  for (const Field& field : scan.schema.fields)
    select += fmt::format("NULL::{} AS {}, ", columns::duckdb_sql_type(field.type), quote_name(field.name));
  if (scan.rescue) select += "NULL::VARCHAR AS _rescued, ";
  return "SELECT " + select +
         "NULL::BIGINT AS _seq, NULL::TIMESTAMPTZ AS _arrived, NULL::VARCHAR AS _key WHERE false";
}

Status plan_transform(const StreamSpec& spec, duck::Connection& connection, RecordPlan& plan) {
  TARN_ASSIGN(std::string shape, query::transform_sql(connection, spec.transform, typed_nothing(plan.scan)));
  auto fields = describe(connection, shape);
  if (!fields) return fail(std::move(fields).error().in("the transform of stream " + spec.name));
  for (const Field& field : *fields) {
    auto have = std::find_if(plan.table.fields.begin(), plan.table.fields.end(),
                             [&](const Field& column) { return same_name(column.name, field.name); });
    if (have != plan.table.fields.end())
      grow(*have, field, false);
    else if (field.name == columns::kRescuedColumn)
      add_rescued(plan.table);
    else
      add_column(plan.table, field);
  }
  std::string select;
  for (const Field& column : plan.table.fields) {
    if (!select.empty()) select += ", ";
    auto source = std::find_if(fields->begin(), fields->end(),
                               [&](const Field& field) { return same_name(field.name, column.name); });
    std::string value = source == fields->end() ? "NULL::" + columns::duckdb_sql_type(column.type)
                                                : lake::reshape_sql(quote_name(source->name), source->type,
                                                                    column, lake::MatchBy::kName);
    select += fmt::format("{} AS {}", value, quote_name(column.name));
  }
  TARN_ASSIGN(std::string sql, query::transform_sql(connection, spec.transform,
                                                    fmt::format("SELECT * FROM {}", kRecordsMark)));
  plan.select = fmt::format("SELECT {} FROM ({})", select, sql);
  return {};
}

// Declared columns take the ids of the table's columns of the same (first) name.
Schema declared_records(const StreamSpec& spec, const lake::TableMetadata& table) {
  Schema have = table_records(table);
  Schema records;
  for (Field field : spec.columns) {
    if (const Field* column = have.find(field.name)) {
      Field merged = *column;
      grow(merged, field, false);
      merged.name = field.name;
      merged.required = field.required;
      merged.doc = field.doc;
      if (merged.type.kind != field.type.kind) {  // the table has another type: the writer casts
        merged.type = field.type;
      }
      records.fields.push_back(std::move(merged));
    } else {
      records.fields.push_back(std::move(field));
    }
  }
  return records;
}

// The record's fields, with the table's schema grown to hold them. Direct streams share ids with the table.
void plan_direct(const lake::TableMetadata& table, RecordPlan& plan) {
  Schema& records = plan.scan.schema;
  // A field that is new to the records may be a column already: added by the table's owner.
  for (Field& field : records.fields) {
    if (field.id != 0 && field.id <= table.last_column_id) continue;
    const Field* column = plan.table.find(field.name);
    bool taken = column != nullptr && std::any_of(records.fields.begin(), records.fields.end(),
                                                  [&](const Field& other) { return other.id == column->id; });
    if (column != nullptr && !taken) {
      Field merged = *column;
      merged.name = field.name;
      merged.required = field.required;
      field = std::move(merged);
    }
  }
  columns::assign_ids(records, table.last_column_id);
  for (const Field& field : records.fields) {
    auto have = std::find_if(plan.table.fields.begin(), plan.table.fields.end(),
                             [&](const Field& column) { return column.id == field.id; });
    if (have != plan.table.fields.end()) {
      grow(*have, field, true);
      continue;
    }
    Field column = field;
    column.required = false;  // a table's column stays readable whatever later streams leave out
    if (plan.table.find(column.name) != nullptr) column.name = fmt::format("{}_{}", column.name, column.id);
    add_column(plan.table, std::move(column));
  }
}

}  // namespace

bool has_rescued_column(const StreamSpec& spec) {
  return spec.columns.empty() || spec.infer || spec.on_violation == columns::OnViolation::kRescue;
}

Schema initial_schema(const StreamSpec& spec) {
  Schema schema;
  if (spec.transform.empty()) {
    schema.fields = spec.columns;
    for (Field& field : schema.fields) field.required = false;
    if (has_rescued_column(spec)) add_rescued(schema);
  }
  columns::assign_ids(schema, 0);
  return schema;
}

Schema error_schema() {
  auto field = [](const char* name, Kind kind) { return Field{0, name, Type{kind, 0, 0, {}}, false, ""}; };
  Schema schema{0,
                {field("seq", Kind::kLong), field("arrived", Kind::kTimestampTz), field("key", Kind::kString),
                 field("reason", Kind::kString), field("record", Kind::kBinary)}};
  columns::assign_ids(schema, 0);
  return schema;
}

Result<RecordPlan> plan_records(const StreamSpec& spec, const lake::TableMetadata& table,
                                const columns::Inference* seen, const columns::RecordLimits& limits,
                                duck::Connection& connection) {
  RecordPlan plan;
  plan.table = table.schema();
  plan.scan.rescue = has_rescued_column(spec);
  plan.scan.declared = !spec.columns.empty();
  plan.scan.on_violation = spec.on_violation;
  plan.scan.watch_drift = spec.infer;
  plan.scan.limits = limits;
  bool transformed = !spec.transform.empty();

  int last_id = table.last_column_id;
  if (transformed) {
    last_id = 0;
    auto property = table.properties.find(std::string(kRecordsSchemaProperty));
    if (!spec.columns.empty()) plan.scan.schema.fields = spec.columns;
    if (spec.infer && property != table.properties.end()) {
      TARN_ASSIGN(Schema known, records_from_text(property->second));
      for (Field& field : known.fields) {
        if (plan.scan.schema.find(field.name) == nullptr) plan.scan.schema.fields.push_back(std::move(field));
      }
    }
    for (Field& field : plan.scan.schema.fields) forget_ids(field);
    last_id = columns::assign_ids(plan.scan.schema, 0);
  } else if (spec.columns.empty()) {
    plan.scan.schema = table_records(table);
  } else {
    plan.scan.schema = declared_records(spec, table);
    if (spec.infer) {
      for (Field& field : table_records(table).fields) {
        if (plan.scan.schema.find(field.name) == nullptr && plan.scan.schema.find(field.id) == nullptr)
          plan.scan.schema.fields.push_back(std::move(field));
      }
    }
    last_id = columns::assign_ids(plan.scan.schema, last_id);
  }

  if (spec.infer && seen != nullptr) {
    size_t known = plan.scan.schema.fields.size();
    plan.scan.schema = columns::evolve(plan.scan.schema, *seen, limits, last_id);
    if (!transformed) {
      auto& fields = plan.scan.schema.fields;
      fields.erase(std::remove_if(fields.begin() + static_cast<ptrdiff_t>(known), fields.end(),
                                  [&](const Field& field) { return was_dropped(table, field.name); }),
                   fields.end());
    }
  }

  if (transformed) {
    if (spec.infer) plan.records = records_text(plan.scan.schema);
    TARN_TRY(plan_transform(spec, connection, plan));
    columns::assign_ids(plan.table, table.last_column_id);
  } else {
    plan_direct(table, plan);
    if (plan.scan.rescue) add_rescued(plan.table);
    int last = std::max(table.last_column_id, plan.scan.schema.highest_id());
    columns::assign_ids(plan.table, last);
    plan.select = direct_select(plan.scan.schema, plan.table, plan.scan.rescue);
  }
  return plan;
}

std::string select_of(const RecordPlan& plan, uint64_t scan, std::span<const int64_t> excluded) {
  std::string records = fmt::format("tarn_records({})", scan);
  if (!excluded.empty()) records += fmt::format(" WHERE _seq NOT IN ({})", fmt::join(excluded, ", "));
  std::string sql = plan.select;
  size_t at = sql.find(kRecordsMark);
  TARN_CHECK(at != std::string::npos);
  return sql.replace(at, kRecordsMark.size(), records);
}

}  // namespace tarn::flow
