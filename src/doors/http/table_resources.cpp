// Tables as resources: declared, shown, maintained; their columns renamed and dropped.
#include <charconv>
#include <string>
#include <variant>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "access/grants.h"
#include "base/nearest.h"
#include "columns/type.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "flow/system_streams.h"
#include "lake/maintenance.h"
#include "lake/single_value.h"
#include "lake/table_spec.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

// How long a request waits for maintenance of its table that is under way already.
constexpr auto kTurnWait = std::chrono::seconds(60);

constexpr size_t kPieceBytes = 64 * 1024;

Result<lake::Table> load_table(Api& api, const Call& call, const lake::TableName& name) {
  auto table = api.parts.catalog.load(name);
  if (table || table.error().code != Code::kNotFound) return table;
  TARN_ASSIGN(auto all, api.parts.catalog.tables());
  std::vector<std::string> names;
  for (const lake::TableName& n : all) {
    if (may_see(api, call, access::table_arn(n.database, n.name))) names.push_back(n.str());
  }
  return fail(Code::kNotFound,
              fmt::format("there is no table '{}'{}", name.str(), did_you_mean(name.str(), names)));
}

struct Totals {
  int64_t records = 0;
  int64_t bytes = 0;
  int64_t files = 0;
};

std::optional<int64_t> summary_number(const lake::Snapshot& snapshot, const std::string& key) {
  auto found = snapshot.summary.find(key);
  if (found == snapshot.summary.end()) return std::nullopt;
  int64_t value = 0;
  const std::string& text = found->second;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

// From the snapshot's summary; from its manifests when another engine left the totals out.
Result<Totals> totals_of(Api& api, const lake::TableMetadata& table) {
  const lake::Snapshot* snapshot = table.snapshot();
  if (snapshot == nullptr) return Totals{};
  auto records = summary_number(*snapshot, "total-records");
  auto bytes = summary_number(*snapshot, "total-files-size");
  auto files = summary_number(*snapshot, "total-data-files");
  if (records && bytes && files) return Totals{*records, *bytes, *files};
  TARN_ASSIGN(auto list, api.parts.catalog.files(table, *snapshot));
  Totals out;
  for (const lake::DataFile& file : list) {
    if (file.content != lake::FileContent::kData) continue;
    out.records += file.records;
    out.bytes += file.bytes;
    ++out.files;
  }
  return out;
}

Result<json::object> table_json(Api& api, const lake::TableName& name, const lake::TableMetadata& table) {
  TARN_ASSIGN(Totals totals, totals_of(api, table));
  json::array fields;
  for (const columns::Field& field : table.schema().fields)
    fields.push_back(json::object{{"id", field.id},
                                  {"name", field.name},
                                  {"type", columns::sql_type(field.type)},
                                  {"required", field.required}});
  json::object out{{"name", name.str()}};
  for (auto& [key, value] : lake::to_json(table)) out[key] = value;
  out["uuid"] = table.uuid;
  out["location"] = table.location;
  out["fields"] = std::move(fields);
  out["snapshot"] = nullptr;
  if (table.current_snapshot) out["snapshot"] = std::to_string(*table.current_snapshot);
  out["snapshots"] = table.snapshots.size();
  out["records"] = totals.records;
  out["bytes"] = totals.bytes;
  out["files"] = totals.files;
  return out;
}

Status send_table(Api& api, Call& call, int status, const lake::TableName& name,
                  const lake::TableMetadata& table) {
  TARN_ASSIGN(json::object out, table_json(api, name, table));
  return send_json(call.responder, status, std::move(out));
}

// A file's partition values, as Iceberg's JSON has them: binary as hexadecimal digits, times as text.
Result<json::array> partition_json(const lake::TableMetadata& table, const lake::DataFile& file) {
  json::array out;
  const lake::PartitionSpec* spec = table.spec(file.spec_id);
  if (spec == nullptr || spec->fields.size() != file.partition.size())
    return fail(Code::kCorrupt,
                fmt::format("{} is of a partition spec that its table doesn't have", file.path));
  for (size_t i = 0; i < file.partition.size(); ++i) {
    TARN_ASSIGN(json::value value,
                lake::single_to_json(table.partition_type(spec->fields[i]), file.partition[i]));
    out.push_back(std::move(value));
  }
  return out;
}

json::object maintained_json(const lake::Maintained& done) {
  return {{"files_before", done.files_before},
          {"files_after", done.files_after},
          {"snapshots_expired", done.snapshots_expired},
          {"files_removed", done.files_removed},
          {"bytes_removed", done.bytes_removed}};
}

Result<lake::TableName> name_of(const Call& call) {
  return lake::TableName::parse(call.parameter("table"));
}

}  // namespace

Status list_tables(Api& api, Call& call) {
  json::array out;
  TARN_ASSIGN(auto names, api.parts.catalog.tables());
  for (const lake::TableName& name : names) {
    bool shown = !flow::is_system_table(name) || call.request.query("system") == "true";
    if (!shown || !may_see(api, call, access::table_arn(name.database, name.name))) continue;
    auto table = api.parts.catalog.load(name);
    if (!table && table.error().code == Code::kNotFound) continue;  // dropped meanwhile
    if (!table) return fail(std::move(table).error());
    TARN_ASSIGN(Totals totals, totals_of(api, **table));
    json::array partition;
    for (const lake::PartitionField& field : (*table)->spec().fields)
      partition.push_back(json::string(lake::partition_text(field, (*table)->schema())));
    out.push_back(json::object{{"name", name.str()},
                               {"columns", (*table)->schema().fields.size()},
                               {"partition", std::move(partition)},
                               {"snapshots", (*table)->snapshots.size()},
                               {"records", totals.records},
                               {"bytes", totals.bytes},
                               {"files", totals.files}});
  }
  return send_json(call.responder, 200, json::object{{"tables", std::move(out)}});
}

Status get_table(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table table, load_table(api, call, name));
  return send_table(api, call, 200, name, *table);
}

Status put_table(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(json::object body, read_object(call.request, api.parts.limits.statement_bytes_max,
                                             fmt::format("the definition of table '{}'", name.str())));
  // What GET adds to a definition, so that its answer can be changed and sent back.
  for (std::string_view key :
       {"name", "uuid", "location", "fields", "snapshot", "snapshots", "records", "bytes", "files"})
    body.erase(key);
  TARN_ASSIGN(lake::TableSpec spec, lake::table_spec_from_json(body));
  auto created = api.parts.catalog.create(name, spec);
  if (created) return send_table(api, call, 201, name, **created);
  if (created.error().code != Code::kExists) return fail(std::move(created).error());
  TARN_ASSIGN(lake::Table altered, lake::alter_to(api.parts.catalog, name, spec));
  return send_table(api, call, 200, name, *altered);
}

Status delete_table(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table table, load_table(api, call, name));
  for (const flow::StreamSpec& stream : api.parts.streams.list())
    if (stream.deliver.table == name || flow::error_table(stream.deliver.table) == name)
      return fail(Code::kConflict, fmt::format("stream '{}' delivers into {}: remove the stream first",
                                               stream.name, name.str()));
  TARN_TRY(api.parts.catalog.drop(name));
  return send_empty(call.responder);
}

Status list_snapshots(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table table, load_table(api, call, name));
  json::array out;
  for (const lake::Snapshot& s : table->snapshots) {
    json::object summary;
    for (const auto& [key, value] : s.summary) summary[key] = value;
    out.push_back(
        json::object{{"id", std::to_string(s.id)},
                     {"parent", s.parent ? json::value(std::to_string(*s.parent)) : json::value(nullptr)},
                     {"at", to_string(s.at)},
                     {"operation", s.operation},
                     {"summary", std::move(summary)}});
  }
  return send_json(call.responder, 200, json::object{{"snapshots", std::move(out)}});
}

Status list_files(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table table, load_table(api, call, name));
  const lake::Snapshot* snapshot = table->snapshot();
  if (auto wanted = call.request.query("snapshot")) {
    int64_t id = 0;
    auto [end, error] = std::from_chars(wanted->data(), wanted->data() + wanted->size(), id);
    snapshot = error == std::errc() && end == wanted->data() + wanted->size() ? table->snapshot(id) : nullptr;
    if (snapshot == nullptr)
      return fail(Code::kNotFound,
                  fmt::format("{} has no snapshot {}: GET /v1/tables/{}/snapshots lists them", name.str(),
                              *wanted, name.str()));
  }
  std::vector<lake::DataFile> files;
  if (snapshot != nullptr) {
    TARN_ASSIGN(files, api.parts.catalog.files(*table, *snapshot));
  }
  std::string out = R"({"files":[)";
  for (size_t i = 0; i < files.size(); ++i) {
    TARN_ASSIGN(json::array partition, partition_json(*table, files[i]));
    if (i > 0) out += ',';
    out += json::serialize(json::object{{"path", files[i].path},
                                        {"records", files[i].records},
                                        {"bytes", files[i].bytes},
                                        {"partition", std::move(partition)}});
    if (out.size() < kPieceBytes) continue;
    if (!call.responder.begun())
      TARN_TRY(call.responder.begin(200, {{"Content-Type", std::string(kJsonType)}}));
    TARN_TRY(call.responder.write(out));
    out.clear();
  }
  if (!call.responder.begun())
    TARN_TRY(call.responder.begin(200, {{"Content-Type", std::string(kJsonType)}}));
  TARN_TRY(call.responder.write(out + "]}\n"));
  return call.responder.end();
}

Status maintain_table(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table table, load_table(api, call, name));
  auto turn = api.parts.catalog.turns().wait(name, Deadline::after(kTurnWait));
  if (!turn) return fail(Error{Code::kBusy, fmt::format("{} is being maintained already", name.str()), 1000});
  TARN_ASSIGN(duck::Connection connection, api.parts.database.connect());
  TARN_ASSIGN(lake::Maintained compacted, lake::compact(api.parts.catalog, name, connection));
  TARN_ASSIGN(lake::Maintained expired, lake::expire(api.parts.catalog, name));
  TARN_ASSIGN(lake::Maintained swept, lake::sweep_orphans(api.parts.catalog, name));
  return send_json(call.responder, 200,
                   json::object{{"compact", maintained_json(compacted)},
                                {"expire", maintained_json(expired)},
                                {"sweep", maintained_json(swept)}});
}

Status change_column(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(json::object body,
              read_object(call.request, api.parts.limits.statement_bytes_max, "the change of a column"));
  const json::value* to = body.if_contains("rename");
  if (to == nullptr || !to->is_string() || body.size() != 1)
    return fail(Code::kInvalid, R"(the change of a column is {"rename": "its new name"})");
  TARN_ASSIGN(lake::Table before, load_table(api, call, name));
  TARN_ASSIGN(lake::Table table, api.parts.catalog.rename_column(name, call.parameter("column"),
                                                                 std::string_view(to->get_string())));
  return send_table(api, call, 200, name, *table);
}

Status delete_column(Api& api, Call& call) {
  TARN_ASSIGN(lake::TableName name, name_of(call));
  TARN_ASSIGN(lake::Table before, load_table(api, call, name));
  TARN_ASSIGN(lake::Table table, api.parts.catalog.drop_column(name, call.parameter("column")));
  return send_table(api, call, 200, name, *table);
}

}  // namespace tarn::http
