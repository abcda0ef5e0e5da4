// POST /v1/streams/{stream}/records: bodies into the stream, frame by frame, as they arrive.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <thread>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/bytes.h"
#include "columns/csv.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "doors/http/body_decoder.h"
#include "doors/http/intake.h"
#include "doors/http/record_splitter.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

constexpr size_t kReadBytesMax = 256 * 1024;
constexpr size_t kKeyBytesMax = 64 * 1024;
constexpr size_t kProducerBytesMax = 256;

enum class Form { kLines, kJson, kCsv };

Result<Form> body_form(const Request& request) {
  std::string type = media_type(request);
  for (std::string_view lines :
       {"", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
        "text/plain", "application/x-www-form-urlencoded"})
    if (type == lines) return Form::kLines;
  if (type == "application/json") return Form::kJson;
  if (type == "text/csv") return Form::kCsv;
  return fail(Code::kUnsupported, fmt::format("records of the content type '{}' are not taken: send "
                                              "application/x-ndjson, application/json or text/csv",
                                              type));
}

Result<std::optional<log::Producer>> producer_of(const Request& request) {
  auto id = request.header("Tarn-Producer");
  auto batch = request.header("Tarn-Batch");
  if (!id && !batch) return std::nullopt;
  if (!id || !batch)
    return fail(Code::kInvalid, "Tarn-Producer and Tarn-Batch belong together: send both headers or neither");
  if (id->empty() || id->size() > kProducerBytesMax)
    return fail(Code::kInvalid, fmt::format("Tarn-Producer must have 1 to {} bytes", kProducerBytesMax));
  log::Producer out{*id, 0};
  auto [end, error] = std::from_chars(batch->data(), batch->data() + batch->size(), out.number);
  if (error != std::errc() || end != batch->data() + batch->size())
    return fail(Code::kInvalid, fmt::format("Tarn-Batch '{}' is no whole number from 0 to 2^64-1", *batch));
  return out;
}

// Everything that one request needs, taken from its head before its body is read.
struct Plan {
  Form form = Form::kLines;
  char separator = ',';
  std::string key;
  std::optional<log::Producer> producer;
  std::optional<uint64_t> plain_length;  // of the body, when it comes as it is
};

Result<Plan> plan_of(const Request& request, const ApiLimits& limits) {
  Plan plan;
  TARN_ASSIGN(plan.form, body_form(request));
  TARN_ASSIGN(plan.producer, producer_of(request));
  plan.key = request.query("key").value_or(std::string(request.header("Tarn-Key").value_or("")));
  if (plan.key.size() > kKeyBytesMax)
    return fail(Code::kInvalid, fmt::format("the partition key is over {}", format_bytes(kKeyBytesMax)));
  if (auto separator = request.query("separator")) {
    if (separator->size() != 1 || *separator == "\"" || *separator == "\n" || *separator == "\r")
      return fail(Code::kInvalid, "separator must be one character, and no quote or end of line");
    plan.separator = separator->front();
  }
  auto length = request.content_length();
  if (length && *length > limits.body_bytes_max)
    return fail(Code::kTooLarge,
                fmt::format("the body is over {}: send it in pieces", format_bytes(limits.body_bytes_max)));
  if (!request.header("Content-Encoding")) plan.plain_length = length;
  return plan;
}

// How much the splitter collects before a frame is appended. A producer's batch is never split, so its buffer
// takes all that it may be; one byte more than the body keeps the splitter from asking for room at the very
// end.
size_t buffer_bytes(const Plan& plan, const ApiLimits& limits) {
  uint64_t most = plan.producer ? limits.batch_bytes_max + 1 : limits.frame_bytes;
  if (plan.plain_length && plan.form == Form::kLines) most = std::min(most, *plan.plain_length + 1);
  return static_cast<size_t>(most);
}

Status take_lines(BodyDecoder& body, LineSplitter& lines) {
  for (;;) {
    std::span<char> space = lines.space();
    TARN_ASSIGN(size_t got, body.read(space.first(std::min(space.size(), kReadBytesMax))));
    if (got == 0) return lines.finish();
    TARN_TRY(lines.added(got));
  }
}

Status put(LineSplitter& lines, std::string_view bytes) {
  while (!bytes.empty()) {
    std::span<char> space = lines.space();
    size_t n = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), n);
    bytes.remove_prefix(n);
    TARN_TRY(lines.added(n));
  }
  return {};
}

// Each row becomes a line of JSON, and goes the way of NDJSON.
Status take_csv(BodyDecoder& body, const Plan& plan, const ApiLimits& limits, Intake& intake,
                LineSplitter& lines) {
  columns::CsvReader::Sink sink;
  sink.record = [&](std::string_view record) -> Status {
    TARN_TRY(put(lines, record));
    return put(lines, "\n");
  };
  sink.bad_row = [&](uint64_t line, std::string_view, std::string_view reason) -> Status {
    intake.refuse(Code::kInvalid, fmt::format("line {}: {}", line, reason));
    return {};
  };
  columns::CsvReader reader(std::move(sink), limits.record_bytes_max, plan.separator);
  std::vector<char> piece(std::min<uint64_t>(plan.plain_length.value_or(kReadBytesMax), kReadBytesMax) + 1);
  for (;;) {
    TARN_ASSIGN(size_t got, body.read(piece));
    if (got == 0) break;
    TARN_TRY(reader.feed({piece.data(), got}));
  }
  TARN_TRY(reader.finish());
  return lines.finish();
}

Status take_json(BodyDecoder& body, const Plan& plan, const ApiLimits& limits, Intake& intake) {
  auto too_large = [&] {
    return fail(Code::kTooLarge,
                fmt::format("a JSON body may have {}: send NDJSON, which is taken as it comes, or "
                            "several bodies",
                            format_bytes(limits.batch_bytes_max)));
  };
  if (plan.plain_length.value_or(0) > limits.batch_bytes_max) return too_large();
  std::vector<char> held(static_cast<size_t>(plan.plain_length.value_or(kReadBytesMax)) + 1 + kPaddingBytes);
  size_t size = 0;
  for (;;) {
    if (size + kPaddingBytes == held.size()) held.resize(held.size() * 2);
    TARN_ASSIGN(size_t got, body.read(std::span(held).subspan(size, held.size() - kPaddingBytes - size)));
    if (got == 0) break;
    size += got;
    if (size > limits.batch_bytes_max) return too_large();
  }
  TARN_ASSIGN(auto records, split_json({held.data(), size}));
  for (std::string_view record : records) {
    TARN_TRY(intake.record(record));
    if (!plan.producer && intake.pending_bytes() >= limits.frame_bytes) TARN_TRY(intake.flush());
  }
  return intake.finish();
}

Status take_body(Call& call, const Plan& plan, const ApiLimits& limits, Intake& intake) {
  DecodeLimits decode;
  decode.encoded_bytes_max = limits.body_bytes_max;
  decode.decoded_bytes_max = limits.decoded_bytes_max;
  TARN_ASSIGN(auto body, BodyDecoder::make(
                             call.request.header("Content-Encoding"),
                             [&](std::span<char> out) { return call.request.read(out); }, decode));
  if (plan.form == Form::kJson) return take_json(*body, plan, limits, intake);
  LineSplitter lines(intake, buffer_bytes(plan, limits), limits.record_bytes_max);
  if (plan.form == Form::kCsv) {
    TARN_TRY(take_csv(*body, plan, limits, intake, lines));
  } else {
    TARN_TRY(take_lines(*body, lines));
  }
  return intake.finish();
}

int status_of(const Error& error) {
  if (error.code == Code::kUnsupported) return 415;
  if (error.code == Code::kTimeout) return 408;  // the body didn't come; nothing else here waits with a limit
  return 0;
}

}  // namespace

Status post_records(Api& api, Call& call) {
  TARN_TRY(check_own_stream(call.parameter("stream")));
  TARN_ASSIGN(auto stream, find_stream(api, call, call.parameter("stream")));
  const ApiLimits& limits = api.parts.limits;
  auto plan = plan_of(call.request, limits);
  if (!plan) return send_error(call.responder, plan.error(), status_of(plan.error()));

  Intake intake(*stream, limits, plan->key, plan->producer);
  Status taken = take_body(call, *plan, limits, intake);
  json::object answer = intake.answer();
  if (!taken) return send_error(call.responder, taken.error(), status_of(taken.error()), std::move(answer));
  if (intake.seen() == 0)
    return send_error(call.responder,
                      {Code::kInvalid,
                       "an empty batch: the body has no record. Send one JSON object a "
                       "line, and with curl use --data-binary @file",
                       0},
                      0, std::move(answer));
  if (intake.accepted() == 0 && !intake.duplicate())
    return send_error(
        call.responder,
        {Code::kInvalid, fmt::format("none of the {} records was accepted: see errors", intake.seen()), 0}, 0,
        std::move(answer));
  return send_json(call.responder, 200, std::move(answer));
}

}  // namespace tarn::http
