#include "query/system_tables.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/nearest.h"
#include "columns/type.h"

namespace tarn::query {
namespace {

using columns::quote_name;
using columns::quote_text;
using lake::TableMetadata;
using lake::TableName;

struct Column {
  std::string_view name;
  std::string_view type;
};

// Rows as text; NULL is the bare word.
struct Relation {
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;

  std::string sql() const {
    std::string select;
    for (const Column& column : columns) {
      if (!select.empty()) select += ", ";
      select += fmt::format("{0}::{1} AS {0}", quote_name(column.name), column.type);
    }
    std::string names;
    for (const Column& column : columns) names += (names.empty() ? "" : ", ") + quote_name(column.name);
    std::string values;
    for (const auto& row : rows) {
      values += values.empty() ? "(" : ", (";
      for (size_t i = 0; i < row.size(); ++i) values += (i == 0 ? "" : ", ") + row[i];
      values += ")";
    }
    if (!rows.empty()) return fmt::format("SELECT {} FROM (VALUES {}) AS v({})", select, values, names);
    std::string nulls;
    for (size_t i = 0; i < columns.size(); ++i) nulls += i == 0 ? "NULL" : ", NULL";
    return fmt::format("SELECT {} FROM (VALUES ({})) AS v({}) WHERE false", select, nulls, names);
  }
};

std::string summary_number(const TableMetadata& table, const char* key) {
  const lake::Snapshot* snapshot = table.snapshot();
  if (snapshot == nullptr) return quote_text("0");
  auto value = snapshot->summary.find(key);
  if (value == snapshot->summary.end()) return "NULL";
  return quote_text(value->second);
}

std::string time_literal(Timestamp t) {
  return fmt::format("make_timestamptz({})", t.us);
}

void add_table(Relation& relation, const TableName& name, const TableMetadata& table) {
  relation.rows.push_back({quote_text(name.database), quote_text(name.name),
                           summary_number(table, "total-records"), summary_number(table, "total-data-files"),
                           summary_number(table, "total-files-size"), std::to_string(table.snapshots.size()),
                           time_literal(table.updated), quote_text(table.location)});
}

void add_columns(Relation& relation, const TableName& name, const TableMetadata& table) {
  int position = 0;
  for (const columns::Field& field : table.schema().fields)
    relation.rows.push_back({quote_text(name.database), quote_text(name.name), quote_text(field.name),
                             std::to_string(++position), quote_text(columns::sql_type(field.type)),
                             std::to_string(field.id), field.required ? "true" : "false"});
}

void add_snapshots(Relation& relation, const TableName& name, const TableMetadata& table) {
  for (const lake::Snapshot& snapshot : table.snapshots) {
    std::string summary;
    for (const auto& [key, value] : snapshot.summary)
      summary += (summary.empty() ? "" : ", ") + quote_text(key) + ": " + quote_text(value);
    auto records = snapshot.summary.find("total-records");
    bool current = table.current_snapshot == snapshot.id;
    relation.rows.push_back({quote_text(name.database), quote_text(name.name), std::to_string(snapshot.id),
                             snapshot.parent ? std::to_string(*snapshot.parent) : "NULL",
                             time_literal(snapshot.at), quote_text(snapshot.operation),
                             records == snapshot.summary.end() ? "NULL" : quote_text(records->second),
                             current ? "true" : "false", "MAP {" + summary + "}"});
  }
}

void add_information_table(Relation& relation, const TableName& name, const TableMetadata&) {
  relation.rows.push_back({"'lake'", quote_text(name.database), quote_text(name.name), "'BASE TABLE'"});
}

void add_information_columns(Relation& relation, const TableName& name, const TableMetadata& table) {
  int position = 0;
  for (const columns::Field& field : table.schema().fields)
    relation.rows.push_back({"'lake'", quote_text(name.database), quote_text(name.name),
                             quote_text(field.name), std::to_string(++position),
                             quote_text(columns::sql_type(field.type)), field.required ? "'NO'" : "'YES'"});
}

struct Definition {
  std::string name;  // schema.table
  std::vector<Column> columns;
  void (*add)(Relation&, const TableName&, const TableMetadata&);
};

const std::vector<Definition>& definitions() {
  static const std::vector<Definition> all = {
      {"system.tables",
       {{"database", "VARCHAR"},
        {"name", "VARCHAR"},
        {"records", "BIGINT"},
        {"files", "BIGINT"},
        {"bytes", "BIGINT"},
        {"snapshots", "BIGINT"},
        {"updated", "TIMESTAMPTZ"},
        {"location", "VARCHAR"}},
       add_table},
      {"system.columns",
       {{"database", "VARCHAR"},
        {"table", "VARCHAR"},
        {"name", "VARCHAR"},
        {"position", "INTEGER"},
        {"type", "VARCHAR"},
        {"field_id", "INTEGER"},
        {"required", "BOOLEAN"}},
       add_columns},
      {"system.snapshots",
       {{"database", "VARCHAR"},
        {"table", "VARCHAR"},
        {"snapshot_id", "BIGINT"},
        {"parent_id", "BIGINT"},
        {"committed_at", "TIMESTAMPTZ"},
        {"operation", "VARCHAR"},
        {"records", "BIGINT"},
        {"current", "BOOLEAN"},
        {"summary", "MAP(VARCHAR, VARCHAR)"}},
       add_snapshots},
      {"information_schema.tables",
       {{"table_catalog", "VARCHAR"},
        {"table_schema", "VARCHAR"},
        {"table_name", "VARCHAR"},
        {"table_type", "VARCHAR"}},
       add_information_table},
      {"information_schema.columns",
       {{"table_catalog", "VARCHAR"},
        {"table_schema", "VARCHAR"},
        {"table_name", "VARCHAR"},
        {"column_name", "VARCHAR"},
        {"ordinal_position", "INTEGER"},
        {"data_type", "VARCHAR"},
        {"is_nullable", "VARCHAR"}},
       add_information_columns},
  };
  return all;
}

}  // namespace

bool is_system_table(const std::string& schema, const std::string& table) {
  if (schema == "information_schema") return true;
  return std::ranges::find(definitions(), schema + "." + table, &Definition::name) != definitions().end();
}

Result<std::string> system_table_sql(const lake::Catalog& catalog, const std::string& schema,
                                     const std::string& table,
                                     const std::function<bool(const lake::TableName&)>& visible) {
  std::vector<std::string> names;
  for (const Definition& definition : definitions()) {
    names.push_back(definition.name);
    if (definition.name != schema + "." + table) continue;
    Relation relation{definition.columns, {}};
    TARN_ASSIGN(std::vector<TableName> tables, catalog.tables());
    for (const TableName& name : tables) {
      if (!visible(name)) continue;
      auto loaded = catalog.load(name);
      if (!loaded && loaded.error().code == Code::kNotFound) continue;  // dropped meanwhile
      if (!loaded) return std::unexpected(std::move(loaded).error());
      definition.add(relation, name, **loaded);
    }
    return relation.sql();
  }
  return fail(Code::kNotFound, fmt::format("there is no table '{}.{}'{}", schema, table,
                                           did_you_mean(schema + "." + table, names)));
}

}  // namespace tarn::query
