// How a table's schema may change, and which changes of others it can be joined with.
#include <algorithm>
#include <set>

#include "lake/snapshot_builder_internal.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Schema;
using columns::Type;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

Status check_fields(const std::vector<Field>& fields, std::set<int>& ids) {
  std::set<std::string> names;
  for (const Field& f : fields) {
    if (f.name.empty()) return fail(Code::kInvalid, "a column has no name");
    if (!names.insert(lower(f.name)).second)
      return fail(Code::kInvalid, "column " + f.name + " is there twice (names differ by more than case)");
    if (f.id <= 0 || !ids.insert(f.id).second)
      return fail(Code::kInvalid, "column " + f.name + " has the field id " + std::to_string(f.id) +
                                      ", which is not its own");
    TARN_TRY(check_fields(f.type.fields, ids));
  }
  return {};
}

Error went_another_way(const Field& field, std::string_view why) {
  return {Code::kConflict,
          "column " + field.name + " " + std::string(why) + ": load the table and evolve its schema again",
          0};
}

bool known_id(const TableMetadata& table, int id) {
  return std::ranges::any_of(table.schemas, [&](const Schema& s) { return s.find(id) != nullptr; });
}

Status check_evolution(const TableMetadata& table, const std::vector<Field>& now,
                       const std::vector<Field>& wanted) {
  for (const Field& old : now) {
    auto same = std::ranges::find(wanted, old.id, &Field::id);
    if (same == wanted.end()) return fail(went_another_way(old, "was added meanwhile, or is to be dropped"));
    if (same->name != old.name) return fail(went_another_way(old, "has another name"));
    if (same->required && !old.required)
      return fail(Code::kInvalid, "column " + old.name + " may be null, and can't become required");
    if (same->type.kind == old.type.kind && old.type.nested())
      TARN_TRY(check_evolution(table, old.type.fields, same->type.fields));
    else if (!can_widen(old.type, same->type))
      return fail(went_another_way(
          old, "can't become " + columns::sql_type(same->type) + " from " + columns::sql_type(old.type)));
  }
  for (const Field& f : wanted) {
    bool old = std::ranges::any_of(now, [&](const Field& o) { return o.id == f.id; });
    if (!old && (f.id <= table.last_column_id || known_id(table, f.id)))
      return fail(went_another_way(f, "has a field id that another column got meanwhile"));
    if (!old && f.required)
      return fail(Code::kInvalid,
                  "column " + f.name + " is new and can't be required: older rows don't have it");
  }
  return {};
}

}  // namespace

bool can_widen(const Type& from, const Type& to) {
  if (from == to) return true;
  if (from.kind == Kind::kInt) return to.kind == Kind::kLong;
  if (from.kind == Kind::kFloat) return to.kind == Kind::kDouble;
  return from.kind == Kind::kDecimal && to.kind == Kind::kDecimal && from.scale == to.scale &&
         from.precision <= to.precision;
}

Status check_schema(const Schema& schema) {
  std::set<int> ids;
  return check_fields(schema.fields, ids);
}

void use_schema(TableMetadata& table, Schema schema) {
  int highest = -1;
  for (const Schema& s : table.schemas) {
    if (s.fields == schema.fields) {
      table.current_schema = s.id;
      return;
    }
    highest = std::max(highest, s.id);
  }
  int before = table.current_schema;
  schema.id = highest + 1;
  table.last_column_id = std::max(table.last_column_id, schema.highest_id());
  table.current_schema = schema.id;
  if (auto ids = table.identifier_fields.find(before); ids != table.identifier_fields.end()) {
    std::vector<int> kept = ids->second;
    std::erase_if(kept, [&](int id) { return schema.find(id) == nullptr; });
    table.identifier_fields[schema.id] = std::move(kept);
  }
  table.schemas.push_back(std::move(schema));
}

Result<bool> evolve_schema(TableMetadata& table, const Schema& wanted) {
  if (wanted.fields == table.schema().fields) return false;
  TARN_TRY(check_schema(wanted));
  TARN_TRY(check_evolution(table, table.schema().fields, wanted.fields));
  use_schema(table, wanted);
  return true;
}

}  // namespace tarn::lake
