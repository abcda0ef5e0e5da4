#include "doors/http/answers.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>

#include "base/bytes.h"

namespace tarn::http {

namespace json = boost::json;

int http_status(Code code) {
  switch (code) {
    case Code::kInvalid:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kExists:
    case Code::kConflict:
      return 409;
    case Code::kDenied:
      return 403;
    case Code::kTooLarge:
      return 413;
    case Code::kBusy:
      return 429;
    case Code::kFull:
      return 507;
    case Code::kUnavailable:
      return 503;
    case Code::kTimeout:
      return 504;
    case Code::kCancelled:
      return 499;
    case Code::kUnsupported:
      return 501;
    case Code::kCorrupt:
    case Code::kUnknownOutcome:
    case Code::kIo:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

Status send_json(Responder& responder, int status, const json::value& body) {
  return responder.send(status, {{"Content-Type", std::string(kJsonType)}}, json::serialize(body) + "\n");
}

Status send_empty(Responder& responder) {
  return responder.send(204, {}, {});
}

json::object error_json(const Error& error) {
  json::object inner{{"code", code_name(error.code)}, {"message", error.message}};
  if (error.retry_after_ms > 0) inner["retry_after_ms"] = error.retry_after_ms;
  return {{"error", std::move(inner)}};
}

Status send_error(Responder& responder, const Error& error, int status, json::object more) {
  json::object body = error_json(error);
  for (auto& [key, value] : more) body[key] = std::move(value);
  std::vector<Header> headers = {{"Content-Type", std::string(kJsonType)}};
  if (error.code == Code::kBusy || error.code == Code::kUnavailable)
    headers.push_back({"Retry-After", std::to_string(std::max(1, (error.retry_after_ms + 999) / 1000))});
  return responder.send(status != 0 ? status : http_status(error.code), std::move(headers),
                        json::serialize(body) + "\n");
}

Result<std::string> read_text(Request& request, uint64_t bytes_max, std::string_view what) {
  auto too_large = [&] {
    return fail(Code::kTooLarge, fmt::format("{} is over {}", what, format_bytes(bytes_max)));
  };
  if (request.content_length().value_or(0) > bytes_max) return too_large();
  std::string out;
  char piece[16 * 1024];
  for (;;) {
    TARN_ASSIGN(size_t got, request.read(piece));
    if (got == 0) return out;
    out.append(piece, got);
    if (out.size() > bytes_max) return too_large();
  }
}

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  json::stream_parser parser;
  json::error_code error;
  size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && parser.done()) {
    size_t rest = text.find_first_not_of(" \t\r\n", used);
    if (rest != std::string_view::npos) {
      used = rest;
      error = json::error::extra_data;
    }
  }
  if (!error) parser.finish(error);
  if (error)
    return fail(Code::kInvalid, fmt::format("{} is not JSON: {} at byte {}", what, error.message(), used));
  json::value value = parser.release();
  if (!value.is_object()) return fail(Code::kInvalid, fmt::format("{} must be a JSON object", what));
  return std::move(value.get_object());
}

Result<json::object> read_object(Request& request, uint64_t bytes_max, std::string_view what) {
  TARN_ASSIGN(std::string text, read_text(request, bytes_max, what));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(Code::kInvalid, fmt::format("{} is missing: send it as a JSON object in the body", what));
  return parse_object(text, what);
}

std::string media_type(const Request& request) {
  std::string_view value = request.header("Content-Type").value_or("");
  value = value.substr(0, value.find(';'));
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  std::string out(value);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Result<Duration> timeout_parameter(const Request& request, Duration otherwise) {
  auto text = request.query("timeout");
  if (!text) return otherwise;
  auto parsed = parse_duration(*text);
  if (!parsed) return fail(std::move(parsed).error().in("timeout"));
  return *parsed;
}

}  // namespace tarn::http
