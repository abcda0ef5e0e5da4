#include "flow/system_streams.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <boost/json/parse.hpp>

namespace tarn::flow {

namespace {

constexpr std::string_view kPrefix = "system.";
constexpr Duration kBusyPause = std::chrono::milliseconds(20);

// The columns are a contract, so that an empty lake has the tables' shape too.
constexpr std::string_view kAuditSpec = R"json({
  "columns": {"time": "TIMESTAMP WITH TIME ZONE", "principal": "VARCHAR", "kind": "VARCHAR", "key_id": "VARCHAR",
              "action": "VARCHAR", "resource": "VARCHAR", "allowed": "BOOLEAN", "reason": "VARCHAR",
              "source_ip": "VARCHAR", "request_id": "VARCHAR"},
  "deliver": {"table": "system.audit", "partition": ["day(time)"], "every": {"age": "60s"}}
})json";
constexpr std::string_view kEventSpec = R"json({
  "columns": {"version": "VARCHAR", "id": "VARCHAR", "time": "TIMESTAMP WITH TIME ZONE", "source": "VARCHAR", "detail-type": "VARCHAR",
              "account": "VARCHAR", "region": "VARCHAR", "resources": "VARCHAR[]", "detail": "JSON"},
  "deliver": {"table": "system.events", "partition": ["day(time)"], "every": {"age": "60s"}}
})json";

Status put(Streams& streams, std::string_view name, std::string_view text) {
  TARN_ASSIGN(StreamSpec spec,
              stream_spec_from_json(std::string(name), boost::json::parse(text).get_object()));
  auto have = streams.find(name);
  if (have && (*have)->spec() == spec) return {};
  return streams.put(spec);
}

}  // namespace

bool is_system_stream(std::string_view name) {
  return name.starts_with(kPrefix);
}

bool is_system_table(const lake::TableName& table) {
  return table.database == "system";
}

Status put_system_streams(Streams& streams) {
  TARN_TRY(put(streams, kAuditStream, kAuditSpec));
  return put(streams, kEventStream, kEventSpec);
}

Status append_lines(Stream& stream, std::span<const std::string> lines, Deadline deadline) {
  std::vector<log::Record> records;
  records.reserve(lines.size());
  for (const std::string& line : lines) records.push_back({line, {}});
  for (;;) {
    auto accepted = stream.append(records, std::nullopt);
    if (accepted) return {};
    if (accepted.error().code == Code::kTooLarge && lines.size() > 1) {
      size_t half = lines.size() / 2;
      TARN_TRY(append_lines(stream, lines.first(half), deadline));
      return append_lines(stream, lines.subspan(half), deadline);
    }
    if (accepted.error().code != Code::kBusy || deadline.passed()) return fail(std::move(accepted).error());
    std::this_thread::sleep_for(kBusyPause);
  }
}

}  // namespace tarn::flow
