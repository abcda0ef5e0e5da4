// Schemas and partition specs in Iceberg's JSON.
#include <charconv>

#include <boost/json.hpp>

#include "lake/json_read_internal.h"
#include "lake/metadata_json.h"

namespace tarn::lake {
namespace {

namespace json = boost::json;
using columns::Field;
using columns::Kind;
using columns::Schema;
using columns::Type;

constexpr int kTypeDepthMax = 50;

struct Primitive {
  std::string_view name;
  Kind kind;
};
constexpr Primitive kPrimitives[] = {
    {"boolean", Kind::kBoolean},
    {"int", Kind::kInt},
    {"long", Kind::kLong},
    {"float", Kind::kFloat},
    {"double", Kind::kDouble},
    {"date", Kind::kDate},
    {"time", Kind::kTime},
    {"timestamp", Kind::kTimestamp},
    {"timestamptz", Kind::kTimestampTz},
    {"string", Kind::kString},
    {"uuid", Kind::kUuid},
    {"binary", Kind::kBinary},
};

json::value type_to_json(const Type& type);

json::object field_to_json(const Field& field) {
  json::object out{{"id", field.id}, {"name", field.name}, {"required", field.required}};
  out["type"] = type_to_json(field.type);
  if (!field.doc.empty()) out["doc"] = field.doc;
  return out;
}

json::value type_to_json(const Type& type) {
  switch (type.kind) {
    case Kind::kDecimal:
      return json::value("decimal(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) +
                         ")");
    case Kind::kFixed:
      return json::value("fixed[" + std::to_string(type.precision) + "]");
    case Kind::kStruct: {
      json::array fields;
      for (const Field& f : type.fields) fields.push_back(field_to_json(f));
      return json::object{{"type", "struct"}, {"fields", std::move(fields)}};
    }
    case Kind::kList: {
      const Field& element = type.fields.at(0);
      return json::object{{"type", "list"},
                          {"element-id", element.id},
                          {"element-required", element.required},
                          {"element", type_to_json(element.type)}};
    }
    case Kind::kMap: {
      const Field& key = type.fields.at(0);
      const Field& value = type.fields.at(1);
      return json::object{{"type", "map"},
                          {"key-id", key.id},
                          {"key", type_to_json(key.type)},
                          {"value-id", value.id},
                          {"value-required", value.required},
                          {"value", type_to_json(value.type)}};
    }
    default:
      for (const Primitive& p : kPrimitives)
        if (p.kind == type.kind) return json::value(p.name);
      TARN_CHECK(false && "every kind is written");
      return {};
  }
}

// The numbers of "decimal(10, 2)" and "fixed[16]", between `open` and `close`.
bool numbers_of(std::string_view text, std::string_view open, char close, int& first, int* second) {
  if (!text.starts_with(open) || text.back() != close) return false;
  text = text.substr(open.size(), text.size() - open.size() - 1);
  auto read = [&](int& out) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    return error == std::errc();
  };
  if (!read(first)) return false;
  if (second) {
    if (!text.starts_with(',')) return false;
    text.remove_prefix(1);
    if (!read(*second)) return false;
  }
  return text.empty();
}

Result<Type> primitive_from(std::string_view name) {
  for (const Primitive& p : kPrimitives)
    if (p.name == name) return Type{p.kind, 0, 0, {}};
  Type type;
  if (numbers_of(name, "decimal(", ')', type.precision, &type.scale) && type.precision >= 1 &&
      type.precision <= 38 && type.scale >= 0 && type.scale <= type.precision) {
    type.kind = Kind::kDecimal;
    return type;
  }
  type = {};
  if (numbers_of(name, "fixed[", ']', type.precision, nullptr) && type.precision >= 1) {
    type.kind = Kind::kFixed;
    return type;
  }
  return fail(Code::kUnsupported,
              "the type \"" + std::string(name.substr(0, 200)) + "\" is not one of Iceberg v2");
}

Result<Type> type_from_json(const json::value& value, int depth);

Result<Field> part_from_json(const json::object& object, std::string_view part, bool required, int depth) {
  Field out;
  out.name = part;
  TARN_ASSIGN(out.id, int_member(object, std::string(part) + "-id"));
  const json::value* type = object.if_contains(part);
  if (!type) return wrong_member(part, "type");
  TARN_ASSIGN(out.type, type_from_json(*type, depth));
  out.required = required;
  if (!required)
    if (const json::value* r = object.if_contains(std::string(part) + "-required"); r && r->is_bool())
      out.required = r->get_bool();
  return out;
}

Result<std::vector<Field>> fields_from_json(const json::object& object, int depth) {
  std::vector<Field> out;
  TARN_ASSIGN(const json::array* fields, array_member(object, "fields"));
  for (const json::value& value : *fields) {
    TARN_ASSIGN(const json::object* field, object_item(value, "field of a schema"));
    Field f;
    TARN_ASSIGN(f.id, int_member(*field, "id"));
    TARN_ASSIGN(f.name, text_member(*field, "name"));
    const json::value* type = field->if_contains("type");
    if (!type) return wrong_member("type", "type");
    auto parsed = type_from_json(*type, depth);
    if (!parsed) return fail(std::move(parsed).error().in("field " + f.name));
    f.type = std::move(*parsed);
    if (const json::value* r = field->if_contains("required"); r && r->is_bool()) f.required = r->get_bool();
    if (const json::value* d = field->if_contains("doc"); d && d->is_string())
      f.doc = std::string(d->get_string());
    out.push_back(std::move(f));
  }
  return out;
}

Result<Type> type_from_json(const json::value& value, int depth) {
  if (depth > kTypeDepthMax) return fail(Code::kTooLarge, "a schema is nested too deeply");
  if (value.is_string()) return primitive_from(std::string_view(value.get_string()));
  TARN_ASSIGN(const json::object* object, object_item(value, "type"));
  TARN_ASSIGN(std::string name, text_member(*object, "type"));
  Type type;
  if (name == "struct") {
    type.kind = Kind::kStruct;
    TARN_ASSIGN(type.fields, fields_from_json(*object, depth + 1));
  } else if (name == "list") {
    type.kind = Kind::kList;
    TARN_ASSIGN(Field element, part_from_json(*object, "element", false, depth + 1));
    type.fields.push_back(std::move(element));
  } else if (name == "map") {
    type.kind = Kind::kMap;
    TARN_ASSIGN(Field key, part_from_json(*object, "key", true, depth + 1));
    TARN_ASSIGN(Field mapped, part_from_json(*object, "value", false, depth + 1));
    type.fields.push_back(std::move(key));
    type.fields.push_back(std::move(mapped));
  } else {
    return fail(Code::kUnsupported, "the type \"" + name.substr(0, 200) + "\" is not one of Iceberg v2");
  }
  return type;
}

}  // namespace

json::object schema_to_json(const Schema& schema, const std::vector<int>& identifier_fields) {
  json::object out{{"type", "struct"}, {"schema-id", schema.id}};
  json::array fields;
  for (const Field& f : schema.fields) fields.push_back(field_to_json(f));
  out["fields"] = std::move(fields);
  if (!identifier_fields.empty()) out["identifier-field-ids"] = json::value_from(identifier_fields);
  return out;
}

Result<Schema> schema_from_json(const json::object& object) {
  Schema out;
  if (has_member(object, "schema-id")) {
    TARN_ASSIGN(out.id, int_member(object, "schema-id"));
  }
  TARN_ASSIGN(out.fields, fields_from_json(object, 0));
  return out;
}

json::object spec_to_json(const PartitionSpec& spec) {
  json::array fields;
  for (const PartitionField& f : spec.fields)
    fields.push_back(json::object{{"source-id", f.source_id},
                                  {"field-id", f.field_id},
                                  {"name", f.name},
                                  {"transform", transform_name(f.transform, f.argument)}});
  return json::object{{"spec-id", spec.id}, {"fields", std::move(fields)}};
}

Result<PartitionSpec> spec_from_json(const json::object& object) {
  PartitionSpec out;
  TARN_ASSIGN(out.id, int_member(object, "spec-id"));
  TARN_ASSIGN(const json::array* fields, array_member(object, "fields"));
  for (const json::value& value : *fields) {
    TARN_ASSIGN(const json::object* field, object_item(value, "field of a partition spec"));
    TARN_ASSIGN(std::string transform, text_member(*field, "transform"));
    TARN_ASSIGN(PartitionField f, parse_transform(transform));
    TARN_ASSIGN(f.source_id, int_member(*field, "source-id"));
    TARN_ASSIGN(f.field_id, int_member(*field, "field-id"));
    TARN_ASSIGN(f.name, text_member(*field, "name"));
    out.fields.push_back(std::move(f));
  }
  return out;
}

}  // namespace tarn::lake
