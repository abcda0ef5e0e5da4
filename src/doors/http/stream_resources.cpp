// Streams as resources: declared, shown, flushed, redriven.
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "access/grants.h"
#include "base/nearest.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "flow/system_streams.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

constexpr Duration kFlushTimeout = std::chrono::seconds(60);

json::object status_json(const flow::StreamStatus& status) {
  json::array shards;
  for (const flow::ShardStatus& s : status.shards)
    shards.push_back(json::object{
        {"begin", s.begin}, {"delivered", s.delivered}, {"end", s.end}, {"log_bytes", s.log_bytes}});
  json::object out{{"undelivered_records", status.undelivered_records},
                   {"undelivered_bytes", status.undelivered_bytes},
                   {"lag_ms", std::chrono::duration_cast<std::chrono::milliseconds>(status.lag).count()},
                   {"rejected_total", status.rejected_total},
                   {"rescued_total", status.rescued_total},
                   {"damaged_records", status.damaged_records},
                   {"last_error", nullptr},
                   {"last_delivery", nullptr}};
  if (!status.last_error.empty()) out["last_error"] = status.last_error;
  if (status.last_delivery) out["last_delivery"] = to_string(*status.last_delivery);
  out["shards"] = std::move(shards);
  return out;
}

Error no_such_stream(Api& api, const Call& call, const std::string& name) {
  std::vector<std::string> names;
  for (const flow::StreamSpec& spec : api.parts.streams.list()) {
    if (may_see(api, call, access::stream_arn(spec.name))) names.push_back(spec.name);
  }
  std::string hint = did_you_mean(name, names);
  if (hint.empty()) hint = fmt::format("; create it with PUT /v1/streams/{}", name);
  return {Code::kNotFound, fmt::format("there is no stream '{}'{}", name, hint), 0};
}

// Delivering into a table writes to it, changes its columns, and keeps it from being removed.
Status allow_table(Api& api, const Call& call, const flow::StreamSpec& spec) {
  auto there = api.parts.streams.find(spec.name);
  if (there && (*there)->spec().deliver.table == spec.deliver.table) return {};
  for (const lake::TableName& name : {spec.deliver.table, flow::error_table(spec.deliver.table)}) {
    std::string arn = access::table_arn(name.database, name.name);
    TARN_TRY(api.parts.guard.check(call.ask(access::kManage, arn)));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<flow::Stream>> find_stream(Api& api, const Call& call, const std::string& name) {
  auto found = api.parts.streams.find(name);
  if (!found && found.error().code == Code::kNotFound) return fail(no_such_stream(api, call, name));
  return found;
}

Status check_own_stream(const std::string& name) {
  if (!flow::is_system_stream(name)) return {};
  return fail(Code::kDenied,
              fmt::format("'{}' is the lake's own stream: names of yours can't begin with system.", name));
}

json::object stream_json(const flow::Stream& stream) {
  flow::StreamSpec spec = stream.spec();
  json::object out{{"name", spec.name}};
  for (auto& [key, value] : flow::to_json(spec)) out[key] = value;
  out["status"] = status_json(stream.status());
  return out;
}

Status list_streams(Api& api, Call& call) {
  json::array out;
  for (const flow::StreamSpec& spec : api.parts.streams.list()) {
    bool shown = !flow::is_system_stream(spec.name) || call.request.query("system") == "true";
    if (!shown || !may_see(api, call, access::stream_arn(spec.name))) continue;
    auto stream = api.parts.streams.find(spec.name);
    if (stream) out.push_back(stream_json(**stream));  // else it was removed meanwhile
  }
  return send_json(call.responder, 200, json::object{{"streams", std::move(out)}});
}

Status get_stream(Api& api, Call& call) {
  TARN_ASSIGN(auto stream, find_stream(api, call, call.parameter("stream")));
  return send_json(call.responder, 200, stream_json(*stream));
}

Status put_stream(Api& api, Call& call) {
  const std::string& name = call.parameter("stream");
  TARN_TRY(check_own_stream(name));
  std::string what = fmt::format("the definition of stream '{}'", name);
  TARN_ASSIGN(std::string text, read_text(call.request, api.parts.limits.statement_bytes_max, what));
  json::object body;  // a stream needs no settings at all, so an empty body is one too
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
    TARN_ASSIGN(body, parse_object(text, what));
  }
  body.erase("status");  // so that the answer of GET can be changed and sent back
  if (auto* given = body.if_contains("name")) {
    if (!given->is_string() || given->get_string() != name)
      return fail(Code::kInvalid, fmt::format("the body's name must be the path's, '{}'", name));
    body.erase("name");
  }
  TARN_ASSIGN(flow::StreamSpec spec, flow::stream_spec_from_json(name, body));
  TARN_TRY(allow_table(api, call, spec));
  bool created = !api.parts.streams.find(name);
  TARN_TRY(api.parts.streams.put(spec));
  TARN_ASSIGN(auto stream, find_stream(api, call, name));
  return send_json(call.responder, created ? 201 : 200, stream_json(*stream));
}

Status delete_stream(Api& api, Call& call) {
  TARN_TRY(check_own_stream(call.parameter("stream")));
  TARN_ASSIGN(auto stream, find_stream(api, call, call.parameter("stream")));
  stream.reset();  // a removal may wait for those who still use it
  TARN_TRY(api.parts.streams.remove(call.parameter("stream")));
  return send_empty(call.responder);
}

Status flush_stream(Api& api, Call& call) {
  TARN_ASSIGN(auto stream, find_stream(api, call, call.parameter("stream")));
  TARN_ASSIGN(Duration timeout, timeout_parameter(call.request, kFlushTimeout));
  TARN_TRY(stream->flush(Deadline::after(timeout)));
  return send_json(call.responder, 200, stream_json(*stream));
}

Status redrive_stream(Api& api, Call& call) {
  TARN_ASSIGN(auto stream, find_stream(api, call, call.parameter("stream")));
  TARN_ASSIGN(flow::Redriven done, api.parts.streams.redrive(call.parameter("stream")));
  return send_json(call.responder, 200,
                   json::object{{"records", done.records}, {"remaining", done.remaining}});
}

}  // namespace tarn::http
