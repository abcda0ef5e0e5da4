#include "lake/nested_history.h"

#include <algorithm>

#include "columns/duck.h"
#include "columns/name.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Type;

const Field* by_id(const Type& type, int id) {
  for (const Field& field : type.fields)
    if (field.id == id) return &field;
  return nullptr;
}

bool moved(const Type& then, const Type& now) {
  if (!now.nested() || then.kind != now.kind) return false;
  if (now.kind != Kind::kStruct) {
    for (size_t i = 0; i < now.fields.size(); ++i)
      if (moved(then.fields[i].type, now.fields[i].type)) return true;
    return false;
  }
  size_t common = 0;
  for (const Field& field : now.fields) {
    const Field* old = by_id(then, field.id);
    if (old != nullptr) {
      if (old->name != field.name || moved(old->type, field.type)) return true;
      ++common;
      continue;
    }
    for (const Field& other : then.fields)
      if (columns::same_name(other.name, field.name)) return true;
  }
  return common == 0;
}

bool same_since(const std::vector<Field>& then, const std::vector<Field>& now) {
  for (const Field& field : now) {
    auto old = std::ranges::find(then, field.id, &Field::id);
    if (old == then.end()) {
      for (const Field& other : then)
        if (columns::same_name(other.name, field.name)) return false;
      continue;
    }
    const Type &a = old->type, &b = field.type;
    if (old->name != field.name || a.kind != b.kind || a.precision != b.precision || a.scale != b.scale)
      return false;
    if (!same_since(a.fields, b.fields)) return false;
  }
  return true;
}

std::optional<Type> physical_struct(const TableMetadata& table, const Field& column, const FileNames& names);

std::optional<Type> physical(const TableMetadata& table, const Field& column, const FileNames& names) {
  if (column.type.kind == Kind::kStruct) return physical_struct(table, column, names);
  Type type = column.type;
  for (Field& part : type.fields) {  // of a list or a map: its parts have no names of their own
    std::optional<Type> inner = physical(table, part, names);
    if (!inner) return std::nullopt;
    part.type = std::move(*inner);
  }
  return type;
}

bool add_field(const TableMetadata& table, const Field& field, const FileNames& names, Type& type) {
  auto name = names.find(field.id);
  if (name == names.end()) return false;
  std::optional<Type> inner = physical(table, field, names);
  if (!inner) return false;
  type.fields.push_back(Field{field.id, name->second, std::move(*inner), false, ""});
  return true;
}

std::optional<Type> physical_struct(const TableMetadata& table, const Field& column, const FileNames& names) {
  Type type{Kind::kStruct, 0, 0, {}};
  for (const Field& field : column.type.fields) add_field(table, field, names, type);
  if (!type.fields.empty()) return type;
  // No field of today is in the file. One of before tells which rows have the struct at all.
  for (const columns::Schema& schema : table.schemas) {
    const Field* then = schema.find(column.id);
    if (then == nullptr) continue;
    for (const Field& field : then->type.fields)
      if (add_field(table, field, names, type)) return type;
  }
  return std::nullopt;
}

}  // namespace

bool names_moved(const TableMetadata& table, const Field& column) {
  if (!column.type.nested()) return false;
  for (const columns::Schema& schema : table.schemas) {
    const Field* then = schema.find(column.id);
    if (then != nullptr && moved(then->type, column.type)) return true;
  }
  return false;
}

bool always_so_named(const TableMetadata& table, const columns::Schema& schema) {
  return std::ranges::all_of(
      table.schemas, [&](const columns::Schema& then) { return same_since(then.fields, schema.fields); });
}

Result<std::vector<FileNames>> read_file_names(const std::vector<std::string>& files) {
  TARN_ASSIGN(auto database, duck::Database::open({{"threads", "1"}}));
  TARN_ASSIGN(duck::Connection connection, database->connect());
  std::vector<FileNames> out(files.size());
  std::map<std::string, size_t> places;
  std::string list;
  for (size_t i = 0; i < files.size(); ++i) {
    places[files[i]] = i;
    list += (i == 0 ? "" : ", ") + columns::quote_text(files[i]);
  }
  if (files.empty()) return out;
  TARN_ASSIGN(auto rows, connection.text("SELECT file_name, field_id, name FROM parquet_schema([" + list +
                                         "]) WHERE field_id IS NOT NULL"));
  for (const auto& row : rows) {
    auto place = places.find(row[0].value_or(""));
    if (place == places.end() || !row[1] || !row[2])
      return fail(Code::kInternal, "DuckDB names a Parquet file that it wasn't asked for");
    out[place->second][std::stoi(*row[1])] = *row[2];
  }
  return out;
}

std::optional<Type> physical_type(const TableMetadata& table, const Field& column, const FileNames& names) {
  if (!names.contains(column.id)) return std::nullopt;
  return physical(table, column, names);
}

}  // namespace tarn::lake
