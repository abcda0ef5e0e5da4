// tarn status: every stream and table in two tables.

#include <chrono>
#include <ostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/text_table.h"
#include "base/bytes.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr auto kRateSample = std::chrono::milliseconds(300);  // between the two looks that give the rate

// Records that were ever acknowledged, by stream.
std::map<std::string, int64_t> ends_of(const json::object& status) {
  std::map<std::string, int64_t> ends;
  const json::array* streams = array_at(status, "streams");
  if (streams == nullptr) return ends;
  for (const json::value& stream : *streams) {
    if (!stream.is_object()) continue;
    const json::object* told = object_at(stream.get_object(), "status");
    const json::array* shards = told == nullptr ? nullptr : array_at(*told, "shards");
    int64_t end = 0;
    if (shards != nullptr) {
      for (const json::value& shard : *shards)
        end += shard.is_object() ? integer_at(shard.get_object(), "end") : 0;
    }
    ends[text_at(stream.get_object(), "name")] = end;
  }
  return ends;
}

struct Look {
  json::object status;
  std::chrono::steady_clock::time_point at;
};

Result<Look> look(HttpClient& client) {
  TARN_ASSIGN(json::value answer, client.call({.target = "/v1/status"}));
  if (!answer.is_object()) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", client.url()));
  }
  return Look{std::move(answer.get_object()), std::chrono::steady_clock::now()};
}

std::string count(int64_t n) {
  return with_commas(static_cast<uint64_t>(std::max<int64_t>(n, 0)));
}

std::string stream_table(const json::object& status, const std::map<std::string, double>& rates,
                         const Terminal& terminal) {
  std::vector<TableColumn> columns = {{"stream", "VARCHAR"},     {"records", "BIGINT"},
                                      {"undelivered", "BIGINT"}, {"bytes", "BIGINT"},
                                      {"lag", "BIGINT"},         {"rate", "BIGINT"},
                                      {"rejected", "BIGINT"},    {"last delivery", "VARCHAR"},
                                      {"last error", "VARCHAR"}};
  std::vector<TableRow> rows;
  std::map<std::string, int64_t> ends = ends_of(status);
  for (const json::value& value : *array_at(status, "streams")) {
    const json::object& stream = value.get_object();
    const json::object* told = object_at(stream, "status");
    if (told == nullptr) continue;
    std::string name = text_at(stream, "name");
    auto rate = rates.find(name);
    rows.push_back({name, count(ends[name]), count(integer_at(*told, "undelivered_records")),
                    human_bytes(static_cast<uint64_t>(integer_at(*told, "undelivered_bytes"))),
                    human_seconds(static_cast<double>(integer_at(*told, "lag_ms")) / 1000),
                    rate == rates.end() ? "-" : human_number(rate->second) + "/s",
                    count(integer_at(*told, "rejected_total")), text_at(*told, "last_delivery", "-"),
                    text_at(*told, "last_error", "-")});
  }
  return rows.empty() ? "No streams. Declare one in lake.yaml and run `tarn apply`.\n"
                      : render_table(columns, rows, {terminal});
}

std::string tables_table(const json::array& tables, const Terminal& terminal) {
  std::vector<TableColumn> columns = {{"table", "VARCHAR"},    {"records", "BIGINT"},
                                      {"files", "BIGINT"},     {"bytes", "BIGINT"},
                                      {"snapshots", "BIGINT"}, {"partition", "VARCHAR"}};
  std::vector<TableRow> rows;
  for (const json::value& value : tables) {
    if (!value.is_object()) continue;
    const json::object& table = value.get_object();
    std::string partition;
    if (const json::array* fields = array_at(table, "partition")) {
      for (const json::value& field : *fields) {
        if (field.is_string()) partition += (partition.empty() ? "" : ", ") + std::string(field.get_string());
      }
    }
    rows.push_back({text_at(table, "name"), count(integer_at(table, "records")),
                    count(integer_at(table, "files")),
                    human_bytes(static_cast<uint64_t>(integer_at(table, "bytes"))),
                    count(integer_at(table, "snapshots")), partition});
  }
  return rows.empty() ? "No tables yet: a stream makes its own.\n" : render_table(columns, rows, {terminal});
}

}  // namespace

Result<int> command_status(Context& context) {
  HttpClient client(context.endpoint);
  TARN_ASSIGN(Look first, look(client));
  TARN_ASSIGN(json::value tables, client.call({.target = "/v1/tables"}));
  const json::array* list = tables.is_object() ? array_at(tables.get_object(), "tables") : nullptr;
  if (list == nullptr || array_at(first.status, "streams") == nullptr) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", client.url()));
  }
  std::map<std::string, double> rates;
  Look last = first;
  if (!array_at(first.status, "streams")->empty()) {
    std::this_thread::sleep_for(kRateSample);
    TARN_ASSIGN(last, look(client));
    std::map<std::string, int64_t> before = ends_of(first.status);
    double seconds = std::chrono::duration<double>(last.at - first.at).count();
    for (const auto& [name, end] : ends_of(last.status)) {
      if (before.contains(name)) rates[name] = static_cast<double>(end - before[name]) / seconds;
    }
  }
  if (context.json) {
    for (json::value& stream : last.status["streams"].get_array()) {
      auto rate = rates.find(text_at(stream.get_object(), "name"));
      if (rate != rates.end()) stream.get_object()["records_per_second"] = rate->second;
    }
    last.status["tables"] = *list;
    context.out << pretty_json(last.status) << "\n";
    return kDone;
  }
  context.out << stream_table(last.status, rates, context.out_terminal);
  context.out << tables_table(*list, context.out_terminal);
  return kDone;
}

}  // namespace tarn::app
