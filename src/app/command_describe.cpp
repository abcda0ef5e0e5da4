// tarn describe: everything about one stream or table.

#include <algorithm>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/text_table.h"
#include "base/bytes.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr size_t kSnapshotsShown = 10;  // the newest
constexpr size_t kFilesShown = 10;      // the largest

std::string shown(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : value.is_null() ? "-" : json::serialize(value);
}

void add_facts(const json::object& object, const std::string& path, std::vector<TableRow>& rows) {
  for (const auto& member : object) {
    std::string key = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
    if (member.value().is_object()) {
      add_facts(member.value().get_object(), key, rows);
    } else {
      rows.push_back({key, shown(member.value())});
    }
  }
}

std::string heading(const Context& context, const std::string& text) {
  return paint(context.out_terminal, Colour::kBold, text) + "\n";
}

void show_stream(Context& context, const json::object& stream) {
  std::vector<TableRow> rows;
  add_facts(stream, "", rows);
  context.out << heading(context, "stream " + text_at(stream, "name"))
              << render_table({{"key", "VARCHAR"}, {"value", "VARCHAR"}}, rows, {context.out_terminal});
}

std::string columns_table(const Context& context, const json::object& table) {
  std::vector<TableRow> rows;
  if (const json::array* fields = array_at(table, "fields")) {
    for (const json::value& value : *fields) {
      if (!value.is_object()) continue;
      const json::object& field = value.get_object();
      const json::value* required = field.if_contains("required");
      bool always = required != nullptr && required->is_bool() && required->get_bool();
      rows.push_back({fmt::format("{}", integer_at(field, "id")), text_at(field, "name"),
                      text_at(field, "type"), always ? "required" : ""});
    }
  }
  return render_table({{"id", "INTEGER"}, {"column", "VARCHAR"}, {"type", "VARCHAR"}, {"", "VARCHAR"}}, rows,
                      {context.out_terminal});
}

std::string snapshots_table(const Context& context, const json::array& snapshots) {
  std::vector<TableRow> rows;
  size_t from = snapshots.size() > kSnapshotsShown ? snapshots.size() - kSnapshotsShown : 0;
  for (size_t i = snapshots.size(); i > from; --i) {
    if (!snapshots[i - 1].is_object()) continue;
    const json::object& snapshot = snapshots[i - 1].get_object();
    const json::object* summary = object_at(snapshot, "summary");
    auto number = [&](std::string_view key) { return summary == nullptr ? "" : text_at(*summary, key); };
    std::string ranges;
    if (summary != nullptr) {
      for (const auto& member : *summary) {
        std::string_view key = member.key();
        if (!key.starts_with("tarn.range.")) continue;
        ranges += fmt::format("{}{}: {}", ranges.empty() ? "" : ", ", key.substr(11), shown(member.value()));
      }
    }
    rows.push_back({text_at(snapshot, "id"), text_at(snapshot, "at"), text_at(snapshot, "operation"),
                    number("added-records"), number("total-records"), ranges});
  }
  return render_table({{"snapshot", "BIGINT"},
                       {"at", "VARCHAR"},
                       {"operation", "VARCHAR"},
                       {"added", "BIGINT"},
                       {"total", "BIGINT"},
                       {"shard: records", "VARCHAR"}},
                      rows, {context.out_terminal});
}

std::string files_table(const Context& context, const json::array& files) {
  std::vector<const json::object*> sorted;
  for (const json::value& file : files) {
    if (file.is_object()) sorted.push_back(&file.get_object());
  }
  std::ranges::sort(sorted, [](const json::object* a, const json::object* b) {
    return std::pair(integer_at(*b, "bytes"), text_at(*a, "path")) <
           std::pair(integer_at(*a, "bytes"), text_at(*b, "path"));
  });
  if (sorted.size() > kFilesShown) sorted.resize(kFilesShown);
  std::vector<TableRow> rows;
  for (const json::object* file : sorted) {
    const json::value* partition = file->if_contains("partition");
    rows.push_back({with_commas(static_cast<uint64_t>(integer_at(*file, "records"))),
                    human_bytes(static_cast<uint64_t>(integer_at(*file, "bytes"))),
                    partition == nullptr ? "" : shown(*partition), text_at(*file, "path")});
  }
  return render_table(
      {{"records", "BIGINT"}, {"bytes", "BIGINT"}, {"partition", "VARCHAR"}, {"file", "VARCHAR"}}, rows,
      {context.out_terminal});
}

Status show_table(Context& context, HttpClient& client, json::object table) {
  std::string name = text_at(table, "name");
  std::string target = "/v1/tables/" + encode_url(name);
  TARN_ASSIGN(json::value snapshots, client.call({.target = target + "/snapshots"}));
  TARN_ASSIGN(json::value files, client.call({.target = target + "/files"}));
  const json::array* snapshot_list =
      snapshots.is_object() ? array_at(snapshots.get_object(), "snapshots") : nullptr;
  const json::array* file_list = files.is_object() ? array_at(files.get_object(), "files") : nullptr;
  if (snapshot_list == nullptr || file_list == nullptr) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", client.url()));
  }
  if (context.json) {
    table["snapshots"] = *snapshot_list;
    table["files"] = *file_list;
    context.out << pretty_json(table) << "\n";
    return {};
  }
  std::vector<TableRow> facts;
  json::object plain = table;
  for (const char* key : {"fields", "columns", "name"}) plain.erase(key);
  add_facts(plain, "", facts);
  context.out << heading(context, "table " + name)
              << render_table({{"key", "VARCHAR"}, {"value", "VARCHAR"}}, facts, {context.out_terminal})
              << heading(context, "columns") << columns_table(context, table)
              << heading(context, fmt::format("snapshots ({}, newest first)", snapshot_list->size()))
              << snapshots_table(context, *snapshot_list)
              << heading(context, fmt::format("files ({}, largest first)", file_list->size()))
              << files_table(context, *file_list);
  return {};
}

}  // namespace

Result<int> command_describe(Context& context, const std::string& name) {
  HttpClient client(context.endpoint);
  auto stream = client.call({.target = "/v1/streams/" + encode_url(name)});
  if (stream && stream->is_object()) {
    if (context.json) {
      context.out << pretty_json(*stream) << "\n";
    } else {
      show_stream(context, stream->get_object());
    }
    return kDone;
  }
  if (!stream && stream.error().code != Code::kNotFound) return fail(std::move(stream).error());
  // A name without a dot can only be a stream, and the lake has said which one is near.
  if (name.find('.') == std::string::npos) return fail(std::move(stream).error());
  TARN_ASSIGN(json::value table, client.call({.target = "/v1/tables/" + encode_url(name)}));
  if (!table.is_object()) return fail(Code::kInternal, "the lake's answer is no table");
  TARN_TRY(show_table(context, client, std::move(table.get_object())));
  return kDone;
}

}  // namespace tarn::app
