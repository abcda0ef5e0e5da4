#include "lake/reshape.h"

#include "columns/name.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Type;

const Field* match(const Type& source, const Field& wanted, MatchBy by) {
  for (const Field& field : source.fields)
    if (by == MatchBy::kId ? field.id == wanted.id : field.name == wanted.name) return &field;
  if (by == MatchBy::kId) return nullptr;
  for (const Field& field : source.fields)
    if (columns::same_name(field.name, wanted.name)) return &field;
  return nullptr;
}

// A plain CAST does it: at every level some name agrees, and no name means another field.
bool cast_does(const Type& source, const Field& target, MatchBy by) {
  if (!target.type.nested()) return !(source.nested() && target.doc == columns::kJsonDoc);
  if (source.kind != target.type.kind) return true;  // text to struct and the like: DuckDB's own rules
  if (target.type.kind != Kind::kStruct) {
    for (size_t i = 0; i < target.type.fields.size(); ++i)
      if (!cast_does(source.fields[i].type, target.type.fields[i], by)) return false;
    return true;
  }
  size_t common = 0;
  for (const Field& wanted : target.type.fields) {
    const Field* found = match(source, wanted, by);
    if (found == nullptr) {
      for (const Field& other : source.fields)
        if (columns::same_name(other.name, wanted.name)) return false;  // by id: the name is another field's
      continue;
    }
    if (found->name != wanted.name || !cast_does(found->type, wanted, by)) return false;
    ++common;
  }
  return common > 0;
}

std::string reshape(const std::string& e, const Type& source, const Field& target, MatchBy by, int depth);

std::string reshape_struct(const std::string& e, const Type& source, const Type& target, MatchBy by,
                           int depth) {
  std::string fields;
  for (const Field& wanted : target.fields) {
    const Field* found = match(source, wanted, by);
    if (!fields.empty()) fields += ", ";
    fields += columns::quote_name(wanted.name) + " := ";
    fields += found == nullptr
                  ? "CAST(NULL AS " + columns::duckdb_sql_type(wanted.type) + ")"
                  : reshape("struct_extract(" + e + ", " + columns::quote_text(found->name) + ")",
                            found->type, wanted, by, depth);
  }
  return "CASE WHEN " + e + " IS NULL THEN NULL ELSE struct_pack(" + fields + ") END";
}

std::string reshape(const std::string& e, const Type& source, const Field& target, MatchBy by, int depth) {
  const std::string type = columns::duckdb_sql_type(target.type);
  if (cast_does(source, target, by)) return "CAST(" + e + " AS " + type + ")";
  if (!target.type.nested()) return "CAST(to_json(" + e + ") AS VARCHAR)";
  const std::string item = "x" + std::to_string(depth);
  switch (target.type.kind) {
    case Kind::kStruct:
      return reshape_struct(e, source, target.type, by, depth);
    case Kind::kList:
      return "list_transform(" + e + ", lambda " + item + ": " +
             reshape(item, source.fields[0].type, target.type.fields[0], by, depth + 1) + ")";
    default: {
      std::string key = reshape("struct_extract(" + item + ", 'key')", source.fields[0].type,
                                target.type.fields[0], by, depth + 1);
      std::string value = reshape("struct_extract(" + item + ", 'value')", source.fields[1].type,
                                  target.type.fields[1], by, depth + 1);
      return "map_from_entries(list_transform(map_entries(" + e + "), lambda " + item +
             ": struct_pack(\"key\" := " + key + ", \"value\" := " + value + ")))";
    }
  }
}

}  // namespace

std::string reshape_sql(const std::string& expression, const Type& source, const Field& target, MatchBy by) {
  std::string sql = reshape(expression, source, target, by, 0);
  // Where a null was left untyped, the whole cast settles it.
  return "CAST(" + sql + " AS " + columns::duckdb_sql_type(target.type) + ")";
}

}  // namespace tarn::lake
