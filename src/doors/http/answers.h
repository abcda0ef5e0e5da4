// How the native API reads requests and writes answers: JSON bodies, and errors in their one form.
//
// This is the one place that gives an Error its HTTP form (status, body, Retry-After).
// Threads: pure functions.
// Fails: read_*: kTooLarge past the limit, kInvalid, what the request fails with.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "base/error.h"
#include "doors/http/server.h"

namespace tarn::http {

inline constexpr std::string_view kJsonType = "application/json";

Status send_json(Responder& responder, int status, const boost::json::value& body);
Status send_empty(Responder& responder);  // 204

// {"error":{"code","message"}}, with Retry-After where waiting helps. `more` is added beside "error".
// `status`: another one than http_status() gives; 0 for that.
Status send_error(Responder& responder, const Error& error, int status = 0, boost::json::object more = {});
boost::json::object error_json(const Error& error);

// The whole body, as text. `what` names it in messages.
Result<std::string> read_text(Request& request, uint64_t bytes_max, std::string_view what);
// The whole body as a JSON object.
Result<boost::json::object> read_object(Request& request, uint64_t bytes_max, std::string_view what);
Result<boost::json::object> parse_object(std::string_view text, std::string_view what);

// "text/csv" of "Text/CSV; charset=utf-8"; empty when there is no such header.
std::string media_type(const Request& request);

// The query parameter `timeout`, as a duration.
Result<Duration> timeout_parameter(const Request& request, Duration otherwise);

}  // namespace tarn::http
