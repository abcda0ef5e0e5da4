// The lake as a whole: status, metrics, health, and the description of this API.
#include <boost/json/array.hpp>

#include "access/grants.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "flow/system_streams.h"

namespace tarn::http {

namespace json = boost::json;

Status get_status(Api& api, Call& call) {
  json::array streams;
  for (const flow::StreamSpec& spec : api.parts.streams.list()) {
    if (flow::is_system_stream(spec.name) || !may_see(api, call, access::stream_arn(spec.name))) continue;
    auto stream = api.parts.streams.find(spec.name);
    if (stream) streams.push_back(stream_json(**stream));
  }
  json::array tables;
  TARN_ASSIGN(auto names, api.parts.catalog.tables());
  for (const lake::TableName& name : names)
    if (!flow::is_system_table(name) && may_see(api, call, access::table_arn(name.database, name.name)))
      tables.push_back(json::string(name.str()));
  const ApiLimits& limits = api.parts.limits;
  auto up = std::chrono::steady_clock::now() - api.started;
  json::object out{{"version", api.parts.version},
                   {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(up).count()},
                   {"streams", std::move(streams)},
                   {"tables", std::move(tables)},
                   {"limits", json::object{{"record_bytes_max", limits.record_bytes_max},
                                           {"body_bytes_max", limits.body_bytes_max},
                                           {"decoded_bytes_max", limits.decoded_bytes_max},
                                           {"batch_bytes_max", limits.batch_bytes_max},
                                           {"statement_bytes_max", limits.statement_bytes_max}}}};
  return send_json(call.responder, 200, std::move(out));
}

Status get_metrics(Api& api, Call& call) {
  return call.responder.send(200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                             api.parts.metrics.text());
}

Status get_health(Api& api, Call& call) {
  if (api.parts.stopping != nullptr && *api.parts.stopping)
    return fail(Code::kUnavailable, "the server is stopping");
  return send_json(call.responder, 200, json::object{{"status", "ok"}});
}

Status get_openapi(Api& api, Call& call) {
  return send_json(call.responder, 200, openapi_document(api.parts.version));
}

}  // namespace tarn::http
