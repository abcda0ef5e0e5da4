#include "lake/field_ids.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;

// DuckDB names the parts of lists and maps itself.
std::string part_name(Kind parent, size_t i, const Field& field) {
  if (parent == Kind::kList) return "element";
  if (parent == Kind::kMap) return i == 0 ? "key" : "value";
  return field.name;
}

std::string ids_of(const std::vector<Field>& fields, Kind parent) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (!out.empty()) out += ", ";
    out += columns::quote_name(part_name(parent, i, field)) + ": ";
    if (!field.type.nested()) {
      out += std::to_string(field.id);
    } else {
      out += "{__duckdb_field_id: " + std::to_string(field.id) + ", " +
             ids_of(field.type.fields, field.type.kind) + "}";
    }
  }
  return out;
}

void collect(const std::vector<Field>& fields, std::map<int, const Field*>& out) {
  for (const Field& field : fields) {
    out[field.id] = &field;
    collect(field.type.fields, out);
  }
}

}  // namespace

std::string field_ids_sql(const columns::Schema& schema) {
  return "{" + ids_of(schema.fields, Kind::kStruct) + "}";
}

Leaf find_leaf(const columns::Schema& schema, const std::vector<std::string>& path) {
  Leaf leaf;
  const std::vector<Field>* fields = &schema.fields;
  Kind parent = Kind::kStruct;
  for (const std::string& part : path) {
    const Field* found = nullptr;
    for (size_t i = 0; i < fields->size(); ++i)
      if (part_name(parent, i, (*fields)[i]) == part) found = &(*fields)[i];
    if (found == nullptr) return {};
    leaf.nested = leaf.field != nullptr;
    leaf.field = found;
    parent = found->type.kind;
    leaf.repeated = leaf.repeated || parent == Kind::kList || parent == Kind::kMap;
    fields = &found->type.fields;
  }
  return leaf.field != nullptr && !leaf.field->type.nested() ? leaf : Leaf{};
}

std::map<int, const Field*> fields_by_id(const std::vector<Field>& fields) {
  std::map<int, const Field*> out;
  collect(fields, out);
  return out;
}

}  // namespace tarn::lake
