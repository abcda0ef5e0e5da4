#include "columns/type.h"

#include <algorithm>

#include "columns/name.h"

namespace tarn::columns {
namespace {

const Field* find_in(const std::vector<Field>& fields, int id) {
  for (const Field& field : fields) {
    if (field.id == id) return &field;
    if (const Field* found = find_in(field.type.fields, id)) return found;
  }
  return nullptr;
}

int highest_in(const std::vector<Field>& fields) {
  int highest = 0;
  for (const Field& field : fields) highest = std::max({highest, field.id, highest_in(field.type.fields)});
  return highest;
}

void assign_in(std::vector<Field>& fields, int& last_id) {
  for (Field& field : fields) {
    if (field.id == 0) field.id = ++last_id;
    assign_in(field.type.fields, last_id);
  }
}

std::string quoted(std::string_view text, char quote) {
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  for (char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

}  // namespace

bool Type::operator==(const Type& other) const {
  return kind == other.kind && precision == other.precision && scale == other.scale && fields == other.fields;
}

const Field* Schema::find(std::string_view name) const {
  for (const Field& field : fields)
    if (same_name(field.name, name)) return &field;
  return nullptr;
}

const Field* Schema::find(int id) const {
  return find_in(fields, id);
}

int Schema::highest_id() const {
  return highest_in(fields);
}

int assign_ids(Schema& schema, int last_id) {
  last_id = std::max(last_id, schema.highest_id());
  assign_in(schema.fields, last_id);
  return last_id;
}

std::string quote_name(std::string_view name) {
  return quoted(name, '"');
}

std::string quote_text(std::string_view text) {
  return quoted(text, '\'');
}

}  // namespace tarn::columns
