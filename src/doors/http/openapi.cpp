// /v1/openapi.json, from the table of routes and the schemas below.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "doors/http/routes.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

// The schemas that routes name as "#Name".
constexpr std::string_view kSchemas = R"json({
"Error": {"type": "object", "required": ["error"], "properties": {
  "error": {"type": "object", "required": ["code", "message"], "properties": {
    "code": {"type": "string", "enum": ["invalid", "not_found", "exists", "conflict", "denied", "too_large", "busy", "full",
             "unavailable", "timeout", "cancelled", "corrupt", "unknown_outcome", "io", "unsupported", "internal"]},
    "message": {"type": "string"},
    "retry_after_ms": {"type": "integer", "description": "when to try again"}}},
  "accepted": {"type": "integer", "description": "of records: how many are in all the same"},
  "errors": {"type": "array", "items": {"$ref": "#/components/schemas/RecordError"}}}},
"RecordError": {"type": "object", "properties": {
  "index": {"type": "integer", "description": "of the record in the body, from 0"},
  "code": {"type": "string"}, "message": {"type": "string"}}},
"Accepted": {"type": "object", "required": ["accepted"], "properties": {
  "accepted": {"type": "integer"},
  "shard": {"type": "integer", "description": "of the first record"},
  "first_sequence": {"type": "integer", "description": "the first record's position in its shard"},
  "ranges": {"type": "array", "description": "where the records are, when that is more than one place; at most 1000",
    "items": {"type": "object", "properties": {
      "shard": {"type": "integer"}, "first": {"type": "integer"}, "count": {"type": "integer"}}}},
  "duplicate": {"type": "boolean", "description": "this producer's batch was here before; nothing was added"},
  "errors": {"type": "array", "description": "records that were refused; at most 1000",
    "items": {"$ref": "#/components/schemas/RecordError"}},
  "errors_total": {"type": "integer"}}},
"Query": {"type": "object", "required": ["sql"], "additionalProperties": false, "properties": {
  "sql": {"type": "string"},
  "timeout_ms": {"type": "integer", "minimum": 1},
  "format": {"type": "string", "enum": ["json", "ndjson", "csv", "parquet"], "default": "json"}}},
"Rows": {"type": "object", "properties": {
  "columns": {"type": "array", "items": {"type": "object", "properties": {
    "name": {"type": "string"}, "type": {"type": "string"}}}},
  "rows": {"type": "array", "items": {"type": "array"}}}},
"StreamSpec": {"type": "object", "description": "a stream's entry in a lake file", "properties": {
  "deliver": {"type": "object"}, "columns": {"type": "object"}, "transform": {"type": "string"},
  "shards": {"type": "integer", "minimum": 1, "maximum": 256}}},
"StreamStatus": {"type": "object", "properties": {
  "undelivered_records": {"type": "integer"}, "undelivered_bytes": {"type": "integer"},
  "lag_ms": {"type": "integer", "description": "age of the oldest undelivered record"},
  "rejected_total": {"type": "integer"}, "rescued_total": {"type": "integer"}, "damaged_records": {"type": "integer"},
  "last_error": {"type": ["string", "null"], "description": "of delivery; null when the last one went well"},
  "last_delivery": {"type": ["string", "null"], "format": "date-time"},
  "shards": {"type": "array", "items": {"type": "object", "properties": {
    "begin": {"type": "integer"}, "delivered": {"type": "integer"}, "end": {"type": "integer"},
    "log_bytes": {"type": "integer"}}}}}},
"Stream": {"allOf": [{"$ref": "#/components/schemas/StreamSpec"}, {"type": "object", "properties": {
  "name": {"type": "string"}, "status": {"$ref": "#/components/schemas/StreamStatus"}}}]},
"Streams": {"type": "object", "properties": {
  "streams": {"type": "array", "items": {"$ref": "#/components/schemas/Stream"}}}},
"Redriven": {"type": "object", "properties": {
  "records": {"type": "integer", "description": "sent again"},
  "remaining": {"type": "integer", "description": "still in the error table"}}},
"TableSpec": {"type": "object", "description": "a table's entry in a lake file", "properties": {
  "columns": {"type": "object"}, "partition": {"type": "array", "items": {"type": "string"}},
  "keep": {"type": "object"}, "compact": {"type": "object"},
  "properties": {"type": "object", "additionalProperties": {"type": "string"}}}},
"Table": {"allOf": [{"$ref": "#/components/schemas/TableSpec"}, {"type": "object", "properties": {
  "name": {"type": "string"}, "uuid": {"type": "string"}, "location": {"type": "string"},
  "fields": {"type": "array", "items": {"type": "object", "properties": {
    "id": {"type": "integer"}, "name": {"type": "string"}, "type": {"type": "string"}, "required": {"type": "boolean"}}}},
  "snapshot": {"type": ["string", "null"], "description": "the current one's id"},
  "snapshots": {"type": "integer"}, "records": {"type": "integer"}, "bytes": {"type": "integer"},
  "files": {"type": "integer"}}}]},
"Tables": {"type": "object", "properties": {"tables": {"type": "array", "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "columns": {"type": "integer"},
  "partition": {"type": "array", "items": {"type": "string"}}, "snapshots": {"type": "integer"},
  "records": {"type": "integer"}, "bytes": {"type": "integer"}, "files": {"type": "integer"}}}}}},
"Snapshots": {"type": "object", "properties": {"snapshots": {"type": "array", "items": {"type": "object", "properties": {
  "id": {"type": "string"}, "parent": {"type": ["string", "null"]}, "at": {"type": "string", "format": "date-time"},
  "operation": {"type": "string"}, "summary": {"type": "object", "additionalProperties": {"type": "string"}}}}}}},
"Files": {"type": "object", "properties": {"files": {"type": "array", "items": {"type": "object", "properties": {
  "path": {"type": "string"}, "records": {"type": "integer"}, "bytes": {"type": "integer"},
  "partition": {"type": "array"}}}}}},
"Maintained": {"type": "object", "properties": {
  "files_before": {"type": "integer"}, "files_after": {"type": "integer"}, "snapshots_expired": {"type": "integer"},
  "files_removed": {"type": "integer"}, "bytes_removed": {"type": "integer"}}},
"Maintenance": {"type": "object", "properties": {
  "compact": {"$ref": "#/components/schemas/Maintained"}, "expire": {"$ref": "#/components/schemas/Maintained"},
  "sweep": {"$ref": "#/components/schemas/Maintained"}}},
"BucketSpec": {"type": "object", "description": "a bucket's entry in a lake file", "properties": {
  "versioning": {"type": "string", "enum": ["off", "enabled", "suspended"]}, "events": {"type": "boolean"},
  "lifecycle": {"type": "array", "items": {"type": "object"}}}},
"Bucket": {"allOf": [{"$ref": "#/components/schemas/BucketSpec"}, {"type": "object", "properties": {
  "name": {"type": "string"}, "region": {"type": "string"}, "created": {"type": "string", "format": "date-time"}}}]},
"Buckets": {"type": "object", "properties": {
  "buckets": {"type": "array", "items": {"$ref": "#/components/schemas/Bucket"}}}},
"Caller": {"type": "object", "properties": {
  "name": {"type": "string"}, "arn": {"type": "string"}, "id": {"type": "string"}, "key": {"type": "string"}}},
"PrincipalSpec": {"type": "object", "description": "a principal's entry in a lake file", "properties": {
  "roles": {"type": "array", "items": {"type": "string"}},
  "tags": {"type": "object", "additionalProperties": {"type": "string"}}}},
"Principal": {"allOf": [{"$ref": "#/components/schemas/PrincipalSpec"}, {"type": "object", "properties": {
  "name": {"type": "string"}, "id": {"type": "string"}, "policies": {"type": "array", "items": {"type": "string"}},
  "keys": {"type": "integer"}, "password": {"type": "boolean"}, "origin": {"type": "string", "enum": ["file", "api"]},
  "created": {"type": "string", "format": "date-time"}}}]},
"Principals": {"type": "object", "properties": {
  "principals": {"type": "array", "items": {"$ref": "#/components/schemas/Principal"}}}},
"Password": {"type": "object", "required": ["password"], "properties": {"password": {"type": ["string", "null"]}}},
"RoleSpec": {"type": "object", "properties": {"grants": {"type": "array", "items": {"type": "object"}}}},
"Role": {"allOf": [{"$ref": "#/components/schemas/RoleSpec"}, {"type": "object", "properties": {
  "name": {"type": "string"}, "id": {"type": "string"}, "policies": {"type": "array", "items": {"type": "string"}},
  "origin": {"type": "string", "enum": ["file", "api"]}, "created": {"type": "string", "format": "date-time"}}}]},
"Roles": {"type": "object", "properties": {
  "roles": {"type": "array", "items": {"$ref": "#/components/schemas/Role"}}}},
"NewKey": {"type": "object", "properties": {
  "user": {"type": "string", "description": "whose; the caller's own if it is left out"},
  "description": {"type": "string"}}},
"KeyState": {"type": "object", "required": ["active"], "properties": {"active": {"type": "boolean"}}},
"Key": {"type": "object", "properties": {
  "id": {"type": "string"}, "user": {"type": "string"}, "active": {"type": "boolean"},
  "created": {"type": "string", "format": "date-time"}, "used": {"type": ["string", "null"], "format": "date-time"},
  "description": {"type": "string"}, "secret": {"type": "string", "description": "only when it is created"}}},
"Keys": {"type": "object", "properties": {"keys": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}}},
"SecretSpec": {"type": "object", "properties": {"description": {"type": "string"}}},
"Secret": {"type": "object", "properties": {
  "name": {"type": "string"}, "description": {"type": "string"}, "versions": {"type": "integer"},
  "created": {"type": "string", "format": "date-time"}, "changed": {"type": ["string", "null"], "format": "date-time"},
  "origin": {"type": "string", "enum": ["file", "api"]}}},
"Secrets": {"type": "object", "properties": {
  "secrets": {"type": "array", "items": {"$ref": "#/components/schemas/Secret"}}}},
"SecretValue": {"type": "object", "required": ["value"], "properties": {
  "name": {"type": "string"}, "value": {"type": "string"}}},
"Rotation": {"type": "object", "properties": {"length": {"type": "integer", "minimum": 8, "maximum": 4096}}},
"Status": {"type": "object", "properties": {
  "version": {"type": "string"}, "uptime_seconds": {"type": "integer"},
  "streams": {"type": "array", "items": {"$ref": "#/components/schemas/Stream"}},
  "tables": {"type": "array", "items": {"type": "string"}},
  "limits": {"type": "object", "additionalProperties": {"type": "integer"}}}}
})json";

json::value schema_json(std::string_view schema) {
  if (schema.starts_with('#'))
    return json::object{{"$ref", fmt::format("#/components/schemas/{}", schema.substr(1))}};
  return json::parse({schema.data(), schema.size()});
}

json::object content_json(const std::vector<Body>& bodies) {
  json::object out;
  for (const Body& body : bodies) {
    json::object entry{{"schema", schema_json(body.schema)}};
    if (!body.example.empty()) {
      json::error_code error;
      json::value parsed = json::parse({body.example.data(), body.example.size()}, error);
      bool as_text = error || body.type != "application/json";
      entry["example"] = as_text ? json::value(json::string_view(body.example)) : parsed;
    }
    out[body.type] = std::move(entry);
  }
  return out;
}

std::string_view path_parameter_text(std::string_view name) {
  if (name == "stream") return "The stream's name";
  if (name == "table") return "database.table";
  if (name == "column") return "The column's name";
  if (name == "key") return "The key's id";
  return "Its name";
}

json::array parameters_json(const Route& route) {
  json::array out;
  std::string_view rest = route.pattern;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    size_t close = rest.find('}');
    std::string_view name = rest.substr(open + 1, close - open - 1);
    out.push_back(json::object{{"name", name},
                               {"in", "path"},
                               {"required", true},
                               {"description", path_parameter_text(name)},
                               {"schema", json::object{{"type", "string"}}}});
    rest.remove_prefix(close + 1);
  }
  for (const Parameter& p : route.parameters)
    out.push_back(json::object{{"name", p.name},
                               {"in", p.in},
                               {"required", false},
                               {"description", p.description},
                               {"schema", schema_json(p.schema)}});
  return out;
}

std::string_view error_text(int status) {
  switch (status) {
    case 400:
      return "The request is wrong: the message says what to mend";
    case 401:
      return "Who asks isn't known: send an access key";
    case 403:
      return "It is not allowed";
    case 404:
      return "There is no such thing: the message has the nearest name";
    case 406:
      return "There is no such form of result";
    case 408:
      return "The body came too slowly";
    case 409:
      return "It conflicts with what is there";
    case 413:
      return "It is over a limit: split it";
    case 415:
      return "The content type or encoding is not known";
    case 429:
      return "A bound is reached: wait for Retry-After, then send again";
    case 499:
      return "The client closed its side before the answer";
    case 500:
      return "The server failed";
    case 503:
      return "The server is stopping or full: wait for Retry-After, then send again";
    case 504:
      return "The time limit passed";
    case 507:
      return "The disk is full";
    default:
      return "An error";
  }
}

json::object answers_json(const Route& route) {
  json::object out;
  for (const Answer& answer : route.answers) {
    json::object entry{{"description", answer.description}};
    if (!answer.bodies.empty()) entry["content"] = content_json(answer.bodies);
    out[std::to_string(answer.status)] = std::move(entry);
  }
  std::vector<int> errors = {400, 403};
  if (route.needs.of != Needs::Of::kNobody) errors.push_back(401);
  errors.insert(errors.end(), route.errors.begin(), route.errors.end());
  errors.push_back(500);
  for (int status : errors) {
    json::object entry{{"description", error_text(status)},
                       {"content", content_json({{"application/json", "#Error", ""}})}};
    if (status == 429 || status == 503)
      entry["headers"] =
          json::object{{"Retry-After", json::object{{"description", "seconds to wait"},
                                                    {"schema", json::object{{"type", "integer"}}}}}};
    out[std::to_string(status)] = std::move(entry);
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

json::object openapi_document(const std::string& version) {
  json::object paths;
  for (const Route& route : routes()) {
    json::object operation{{"operationId", route.operation},
                           {"tags", json::array{json::value(route.tag)}},
                           {"summary", route.summary}};
    if (route.needs.of == Needs::Of::kNobody) operation["security"] = json::array();
    if (!route.description.empty()) operation["description"] = route.description;
    if (json::array parameters = parameters_json(route); !parameters.empty())
      operation["parameters"] = std::move(parameters);
    if (!route.bodies.empty())
      operation["requestBody"] = json::object{{"required", true}, {"content", content_json(route.bodies)}};
    operation["responses"] = answers_json(route);
    json::value& path = paths[route.pattern];
    if (!path.is_object()) path.emplace_object();
    path.get_object()[lower(route.method)] = std::move(operation);
  }
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Tarn"},
                            {"version", version},
                            {"description", "A real-time data lake: records in, SQL out."},
                            {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", json::array{json::object{{"url", "http://127.0.0.1:9700"}}}},
      {"paths", std::move(paths)},
      {"security",
       json::array{json::object{{"basic", json::array()}}, json::object{{"bearer", json::array()}}}},
      {"components",
       json::object{{"schemas", json::parse({kSchemas.data(), kSchemas.size()})},
                    {"securitySchemes",
                     json::object{{"basic", json::object{{"type", "http"},
                                                         {"scheme", "basic"},
                                                         {"description",
                                                          "An access key's id and secret, or a "
                                                          "user's name and password; over TLS or "
                                                          "on the lake's own machine"}}},
                                  {"bearer", json::object{{"type", "http"},
                                                          {"scheme", "bearer"},
                                                          {"description", "<key id>.<secret>"}}}}}}}};
}

}  // namespace tarn::http
