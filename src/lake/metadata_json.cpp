#include "lake/metadata_json.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "lake/json_read_internal.h"

namespace tarn::lake {
namespace {

namespace json = boost::json;

constexpr int kFormatVersion = 2;
constexpr size_t kJsonDepthMax = 256;

// What we read and write ourselves; every other top-level field goes to TableMetadata::others.
constexpr std::string_view kKnown[] = {
    "format-version",
    "table-uuid",
    "location",
    "last-sequence-number",
    "last-updated-ms",
    "last-column-id",
    "schemas",
    "current-schema-id",
    "partition-specs",
    "default-spec-id",
    "last-partition-id",
    "properties",
    "current-snapshot-id",
    "snapshots",
    "snapshot-log",
    "metadata-log",
    "refs",
};

int64_t milliseconds(Timestamp t) {
  return t.us >= 0 ? t.us / 1000 : (t.us - 999) / 1000;
}

// Iceberg counts milliseconds; far beyond any calendar is damage.
Result<Timestamp> time_member(const json::object& object, std::string_view key) {
  TARN_ASSIGN(int64_t ms, int64_member(object, key));
  if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000) return wrong_member(key, "time in milliseconds");
  return Timestamp{ms * 1000};
}

json::object texts_to_json(const std::map<std::string, std::string>& texts) {
  json::object out;
  for (auto& [key, value] : texts) out[key] = value;
  return out;
}

Result<std::map<std::string, std::string>> texts_from_json(const json::object& object, std::string_view key) {
  std::map<std::string, std::string> out;
  if (!has_member(object, key)) return out;
  TARN_ASSIGN(const json::object* texts, object_item(object.at(key), key));
  for (auto& [name, value] : *texts) {
    if (!value.is_string()) return wrong_member(std::string(name), "string");
    out[std::string(name)] = std::string(value.get_string());
  }
  return out;
}

Result<Snapshot> snapshot_from_json(const json::object& object) {
  Snapshot out;
  TARN_ASSIGN(out.id, int64_member(object, "snapshot-id"));
  if (has_member(object, "parent-snapshot-id")) {
    TARN_ASSIGN(out.parent, int64_member(object, "parent-snapshot-id"));
  }
  if (has_member(object, "sequence-number")) {
    TARN_ASSIGN(out.sequence_number, int64_member(object, "sequence-number"));
  }
  TARN_ASSIGN(out.at, time_member(object, "timestamp-ms"));
  TARN_ASSIGN(out.manifest_list, text_member(object, "manifest-list"));
  if (has_member(object, "schema-id")) {
    TARN_ASSIGN(out.schema_id, int_member(object, "schema-id"));
  }
  TARN_ASSIGN(out.summary, texts_from_json(object, "summary"));
  if (auto operation = out.summary.extract("operation")) out.operation = operation.mapped();
  return out;
}

// JSON text with the depth that a table may have; null for no JSON at all, which only a caller of ours could
// hold.
json::value parse_kept(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  return error ? json::value() : value;
}

json::object refs_to_json(const TableMetadata& table) {
  std::map<std::string, json::value> refs;
  for (auto& [name, text] : table.refs) refs[name] = parse_kept(text);
  refs.erase("main");
  if (table.current_snapshot) {
    // "main" may carry retention settings of other engines beside the snapshot.
    auto old = table.refs.find("main");
    json::value main = old == table.refs.end() ? json::value() : parse_kept(old->second);
    if (!main.is_object()) main = json::object{{"snapshot-id", 0}, {"type", "branch"}};
    main.as_object()["snapshot-id"] = *table.current_snapshot;
    refs["main"] = std::move(main);
  }
  json::object out;
  for (auto& [name, value] : refs) out[name] = std::move(value);
  return out;
}

void put_history(const TableMetadata& table, json::object& out) {
  json::array snapshots, snapshot_log, metadata_log;
  for (const Snapshot& s : table.snapshots) snapshots.push_back(snapshot_to_json(s));
  for (auto& entry : table.snapshot_log)
    snapshot_log.push_back(
        json::object{{"timestamp-ms", milliseconds(entry.at)}, {"snapshot-id", entry.snapshot}});
  for (auto& entry : table.metadata_log)
    metadata_log.push_back(
        json::object{{"timestamp-ms", milliseconds(entry.at)}, {"metadata-file", entry.file}});
  // Readers of the first versions want -1 and not null for "none"; all of today's take either.
  out["current-snapshot-id"] = table.current_snapshot.value_or(-1);
  out["refs"] = refs_to_json(table);
  out["snapshots"] = std::move(snapshots);
  out["snapshot-log"] = std::move(snapshot_log);
  out["metadata-log"] = std::move(metadata_log);
}

std::unexpected<Error> twice(std::string_view key, int64_t id) {
  return fail(Code::kCorrupt, "\"" + std::string(key) + "\" " + std::to_string(id) + " is there twice");
}

Status read_schemas(const json::object& object, TableMetadata& out) {
  TARN_ASSIGN(out.last_column_id, int_member(object, "last-column-id"));
  TARN_ASSIGN(out.current_schema, int_member(object, "current-schema-id"));
  TARN_ASSIGN(const json::array* schemas, array_member(object, "schemas"));
  for (const json::value& value : *schemas) {
    TARN_ASSIGN(const json::object* item, object_item(value, "schema"));
    TARN_ASSIGN(columns::Schema schema, schema_from_json(*item));
    if (out.schema(schema.id)) return twice("schema-id", schema.id);
    if (has_member(*item, "identifier-field-ids")) {
      TARN_ASSIGN(const json::array* ids, array_member(*item, "identifier-field-ids"));
      for (const json::value& id : *ids)
        if (id.is_int64()) out.identifier_fields[schema.id].push_back(static_cast<int>(id.get_int64()));
    }
    out.schemas.push_back(std::move(schema));
  }
  if (!out.schema(out.current_schema)) return wrong_member("current-schema-id", "schema of the table");
  TARN_ASSIGN(out.default_spec, int_member(object, "default-spec-id"));
  TARN_ASSIGN(const json::array* specs, array_member(object, "partition-specs"));
  for (const json::value& value : *specs) {
    TARN_ASSIGN(const json::object* item, object_item(value, "partition spec"));
    TARN_ASSIGN(PartitionSpec spec, spec_from_json(*item));
    if (out.spec(spec.id)) return twice("spec-id", spec.id);
    out.specs.push_back(std::move(spec));
  }
  if (!out.spec(out.default_spec)) return wrong_member("default-spec-id", "partition spec of the table");
  TARN_ASSIGN(out.last_partition_id, int_member(object, "last-partition-id"));
  return {};
}

Status read_history(const json::object& object, TableMetadata& out) {
  if (has_member(object, "snapshots")) {
    TARN_ASSIGN(const json::array* snapshots, array_member(object, "snapshots"));
    for (const json::value& value : *snapshots) {
      TARN_ASSIGN(const json::object* item, object_item(value, "snapshot"));
      TARN_ASSIGN(Snapshot snapshot, snapshot_from_json(*item));
      out.snapshots.push_back(std::move(snapshot));
    }
  }
  if (has_member(object, "current-snapshot-id")) {
    TARN_ASSIGN(int64_t id, int64_member(object, "current-snapshot-id"));
    if (id != -1) out.current_snapshot = id;
  }
  if (out.current_snapshot && !out.snapshot())
    return wrong_member("current-snapshot-id", "snapshot of the table");
  if (has_member(object, "snapshot-log")) {
    TARN_ASSIGN(const json::array* log, array_member(object, "snapshot-log"));
    for (const json::value& value : *log) {
      TARN_ASSIGN(const json::object* item, object_item(value, "entry of snapshot-log"));
      TARN_ASSIGN(Timestamp at, time_member(*item, "timestamp-ms"));
      TARN_ASSIGN(int64_t id, int64_member(*item, "snapshot-id"));
      out.snapshot_log.push_back({at, id});
    }
  }
  if (has_member(object, "metadata-log")) {
    TARN_ASSIGN(const json::array* log, array_member(object, "metadata-log"));
    for (const json::value& value : *log) {
      TARN_ASSIGN(const json::object* item, object_item(value, "entry of metadata-log"));
      TARN_ASSIGN(Timestamp at, time_member(*item, "timestamp-ms"));
      TARN_ASSIGN(std::string file, text_member(*item, "metadata-file"));
      out.metadata_log.push_back({at, std::move(file)});
    }
  }
  if (has_member(object, "refs")) {
    TARN_ASSIGN(const json::object* refs, object_item(object.at("refs"), "refs"));
    for (auto& [name, value] : *refs) out.refs[std::string(name)] = json::serialize(value);
  }
  return {};
}

Result<TableMetadata> read_metadata(const json::object& object) {
  TARN_ASSIGN(int version, int_member(object, "format-version"));
  if (version != kFormatVersion)
    return fail(Code::kUnsupported,
                "the table has format version " + std::to_string(version) + "; only 2 can be read");
  TableMetadata out;
  TARN_ASSIGN(out.uuid, text_member(object, "table-uuid"));
  TARN_ASSIGN(out.location, text_member(object, "location"));
  while (out.location.ends_with('/')) out.location.pop_back();
  TARN_ASSIGN(out.last_sequence_number, int64_member(object, "last-sequence-number"));
  TARN_ASSIGN(out.updated, time_member(object, "last-updated-ms"));
  TARN_TRY(read_schemas(object, out));
  TARN_ASSIGN(out.properties, texts_from_json(object, "properties"));
  TARN_TRY(read_history(object, out));
  for (auto& [name, value] : object)
    if (std::ranges::find(kKnown, std::string_view(name)) == std::end(kKnown))
      out.others[std::string(name)] = json::serialize(value);
  return out;
}

}  // namespace

json::object snapshot_to_json(const Snapshot& snapshot) {
  json::object out{{"sequence-number", snapshot.sequence_number}, {"snapshot-id", snapshot.id}};
  if (snapshot.parent) out["parent-snapshot-id"] = *snapshot.parent;
  out["timestamp-ms"] = milliseconds(snapshot.at);
  json::object summary{{"operation", snapshot.operation}};
  for (auto& [key, value] : snapshot.summary) summary[key] = value;
  out["summary"] = std::move(summary);
  out["manifest-list"] = snapshot.manifest_list;
  out["schema-id"] = snapshot.schema_id;
  return out;
}

std::string metadata_to_json(const TableMetadata& table) {
  json::object out{{"format-version", kFormatVersion},
                   {"table-uuid", table.uuid},
                   {"location", table.location},
                   {"last-sequence-number", table.last_sequence_number},
                   {"last-updated-ms", milliseconds(table.updated)},
                   {"last-column-id", table.last_column_id},
                   {"current-schema-id", table.current_schema}};
  json::array schemas, specs;
  for (const columns::Schema& s : table.schemas) {
    auto ids = table.identifier_fields.find(s.id);
    schemas.push_back(
        schema_to_json(s, ids == table.identifier_fields.end() ? std::vector<int>() : ids->second));
  }
  for (const PartitionSpec& s : table.specs) specs.push_back(spec_to_json(s));
  out["schemas"] = std::move(schemas);
  out["default-spec-id"] = table.default_spec;
  out["partition-specs"] = std::move(specs);
  out["last-partition-id"] = table.last_partition_id;
  out["default-sort-order-id"] = 0;
  out["sort-orders"] = json::array{json::object{{"order-id", 0}, {"fields", json::array()}}};
  out["properties"] = texts_to_json(table.properties);
  put_history(table, out);
  for (auto& [name, text] : table.others) out[name] = parse_kept(text);
  return json::serialize(out);
}

Result<TableMetadata> metadata_from_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Code::kCorrupt, "table metadata is no JSON: " + error.message());
  if (!value.is_object()) return fail(Code::kCorrupt, "table metadata is no JSON object");
  auto table = read_metadata(value.get_object());
  if (!table) return fail(std::move(table).error().in("table metadata"));
  return table;
}

}  // namespace tarn::lake
