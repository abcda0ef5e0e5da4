// The JSON Schema of a lake file, made from the table of keys; editors complete and check with it.

#include <boost/json.hpp>

#include "app/json_text.h"
#include "app/lake_keys.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kBytesPattern = "^[0-9]+(\\.[0-9]+)? ?([KMGT]i?)?B?$";
constexpr std::string_view kDurationPattern = "^([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d))+$";

json::object schema_of(const KeyNode& node);

// A map in YAML may be left empty, which is null.
json::object map_schema(const KeyNode& node) {
  json::object out;
  out["type"] = json::array{"object", "null"};
  if (node.any) {
    out["additionalProperties"] = schema_of(*node.any);
    return out;
  }
  json::object properties;
  for (const auto& [name, child] : node.children) {
    if (child.key != nullptr && child.key->shape == Shape::kLater) continue;
    properties[name] = schema_of(child);
  }
  out["properties"] = std::move(properties);
  out["additionalProperties"] = false;
  return out;
}

json::object scalar_schema(const Key& key) {
  switch (key.shape) {
    case Shape::kTextOrTexts:
      return {{"type", json::array{"string", "array"}}, {"items", json::object{{"type", "string"}}}};
    case Shape::kInteger:
      return {{"type", "integer"}, {"minimum", key.min}, {"maximum", key.max}};
    case Shape::kBoolean:
      return {{"type", "boolean"}};
    case Shape::kBytes:
      return {{"type", json::array{"string", "integer"}}, {"pattern", kBytesPattern}};
    case Shape::kDuration:
      return {{"type", "string"}, {"pattern", kDurationPattern}};
    case Shape::kTexts:
      return {{"type", "array"}, {"items", json::object{{"type", "string"}}}};
    case Shape::kChoice: {
      json::array choices;
      for (const std::string& choice : key.choices) choices.emplace_back(choice);
      return {{"enum", std::move(choices)}};
    }
    default:
      return {{"type", "string"}};
  }
}

json::object schema_of(const KeyNode& node) {
  json::object out;
  const Key* key = node.key;
  if (key == nullptr || key->shape == Shape::kMap || key->shape == Shape::kNames) {
    out = map_schema(node);
  } else if (key->shape == Shape::kList) {
    json::object map = map_schema(node);
    map["type"] = "object";
    out["type"] = json::array{"array", "null"};
    out["items"] = std::move(map);
  } else if (key->shape == Shape::kColumn) {
    json::object map = map_schema(node);
    map["type"] = "object";
    map["required"] = json::array{"type"};
    out["anyOf"] = json::array{json::object{{"type", "string"}}, std::move(map)};
  } else {
    out = scalar_schema(*key);
  }
  if (key != nullptr) {
    std::string help = key->help;
    if (!key->default_value.empty()) help += " Default: " + key->default_value + ".";
    out["description"] = help;
    if (!key->example.empty() && key->shape != Shape::kTexts && key->shape != Shape::kList)
      out["examples"] = json::array{key->example};
  }
  return out;
}

}  // namespace

std::string lake_json_schema() {
  json::object schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "Tarn lake file"},
      {"description", "Everything a lake has: lake.yaml of Tarn. Made by `tarn schema`."},
  };
  for (auto& member : map_schema(key_tree())) schema[member.key()] = std::move(member.value());
  return pretty_json(schema) + "\n";
}

}  // namespace tarn::app
