#include "doors/aws/door.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/id.h"
#include "doors/aws/auth.h"
#include "doors/aws/iam.h"
#include "doors/aws/query_protocol.h"
#include "doors/aws/service_errors.h"
#include "doors/aws/sts.h"

namespace tarn::aws {

namespace {

// What clients may ask a lake for one day. Each says so in its own protocol, so that SDKs show the message.
struct Absent {
  std::string_view scope;  // of the credential
  std::string_view title;
  Protocol protocol;             // unless the request shows another one
  std::string_view target = {};  // how X-Amz-Target begins
  std::string_view xmlns = {};
};
constexpr std::array kAbsent = std::to_array<Absent>({
    {"kinesis", "Kinesis", Protocol::kJson11, "Kinesis_20131202."},
    {"firehose", "Firehose", Protocol::kJson11, "Firehose_20150804."},
    {"events", "EventBridge", Protocol::kJson11, "AWSEvents."},
    {"scheduler", "EventBridge Scheduler", Protocol::kRestJson},
    {"glue", "Glue", Protocol::kJson11, "AWSGlue."},
    {"athena", "Athena", Protocol::kJson11, "AmazonAthena."},
    {"lakeformation", "Lake Formation", Protocol::kRestJson},
    {"sqs", "SQS", Protocol::kJson10, "AmazonSQS.", "http://queue.amazonaws.com/doc/2012-11-05/"},
    {"sns", "SNS", Protocol::kQuery, {}, "http://sns.amazonaws.com/doc/2010-03-31/"},
    {"secretsmanager", "Secrets Manager", Protocol::kJson11, "secretsmanager."},
    {"logs", "CloudWatch Logs", Protocol::kJson11, "Logs_20140328."},
    {"monitoring", "CloudWatch", Protocol::kJson10, "GraniteServiceVersion20100801.",
     "http://monitoring.amazonaws.com/doc/2010-08-01/"},
    {"lambda", "Lambda", Protocol::kRestJson},
    {"xray", "X-Ray", Protocol::kRestJson},
});
constexpr std::string_view kOther = "other";

Protocol protocol_of(const http::Request& request, Protocol otherwise) {
  const std::string_view type = request.header("content-type").value_or("");
  if (request.header("x-amz-target"))
    return type.find("json-1.0") == std::string_view::npos ? Protocol::kJson11 : Protocol::kJson10;
  if (type.starts_with("application/x-www-form-urlencoded") || request.query("Action"))
    return Protocol::kQuery;
  return otherwise;
}

ServiceError not_there(std::string_view title, std::string_view operation, Protocol protocol) {
  const std::string what = operation.empty() ? std::string(title) : fmt::format("{} ({})", title, operation);
  std::string message = fmt::format("{} is not there yet: this lake answers S3, STS and IAM", what);
  switch (protocol) {
    case Protocol::kQuery:
      return {"InvalidAction", 400, std::move(message)};
    case Protocol::kRestJson:
      return {"NotImplemented", 501, std::move(message)};
    case Protocol::kJson10:
    case Protocol::kJson11:
      break;
  }
  return {"UnknownOperationException", 400, std::move(message)};
}

// Where no signature names the service: Basic, Bearer, nobody. What looks like no other service's is S3's.
constexpr std::string_view kQueryService = "query";
std::string service_by_looks(const http::Request& request) {
  if (const auto target = request.header("x-amz-target"))
    for (const Absent& absent : kAbsent)
      if (!absent.target.empty() && target->starts_with(absent.target)) return std::string(absent.scope);
  if (request.path() != "/") return "s3";
  const std::string_view type = request.header("content-type").value_or("");
  const bool form = request.method() == "POST" && type.starts_with("application/x-www-form-urlencoded");
  if (form || (request.query("Action") && request.query("Version"))) return std::string(kQueryService);
  return "s3";
}

// What the operation is called, as far as the head says it.
std::string operation_of(const http::Request& request) {
  if (const auto target = request.header("x-amz-target")) {
    const size_t dot = target->rfind('.');
    return std::string(dot == std::string_view::npos ? *target : target->substr(dot + 1));
  }
  return request.query("Action").value_or("");
}

class Door {
 public:
  Door(const Parts& parts, http::Handler s3) : parts_(parts), s3_(std::move(s3)) {
    auto count = [this](std::string_view service) {
      counters_[std::string(service)] = &parts_.metrics.counter(
          "tarn_aws_requests_total", "Requests to the AWS doors.", {{"service", std::string(service)}});
    };
    for (std::string_view service :
         {std::string_view("s3"), sts_service().name, iam_service().name, kQueryService, kOther})
      count(service);
    for (const Absent& absent : kAbsent) count(absent.scope);
  }

  void operator()(http::Request& request, http::Responder& responder) const {
    std::string service = service_of(request);
    if (service.empty()) service = service_by_looks(request);
    const auto counter = counters_.find(service);
    (counter == counters_.end() ? counters_.at(std::string(kOther)) : counter->second)->add();
    if (service == "s3") return s3_(request, responder);
    if (service == sts_service().name) return answer(std::array{&sts_service()}, request, responder);
    if (service == iam_service().name) return answer(std::array{&iam_service()}, request, responder);
    if (service == kQueryService)
      return answer(std::array{&sts_service(), &iam_service()}, request, responder);
    refuse_absent(service, request, responder);
  }

 private:
  void answer(std::span<const QueryService* const> services, http::Request& request,
              http::Responder& responder) const {
    const auto authenticator = [this](http::Request& r) {
      return authenticate(r, false,
                          AuthOptions{.identities = parts_.identities,
                                      .clock = parts_.clock,
                                      .region = parts_.strict_region ? parts_.region : std::string(),
                                      .payload_bytes_max = kQueryBytesMax});
    };
    answer_query(services, parts_, authenticator, request, responder);
  }

  static void refuse_absent(std::string_view service, http::Request& request, http::Responder& responder) {
    const auto at = std::ranges::find(kAbsent, service, &Absent::scope);
    const bool known = at != kAbsent.end();
    const Protocol protocol = protocol_of(request, known ? at->protocol : Protocol::kRestJson);
    const std::string title = known ? std::string(at->title) : fmt::format("The service {}", service);
    const ServiceError error = not_there(title, operation_of(request), protocol);
    std::vector<http::Header> headers;
    // Services that spoke the query protocol once: boto takes the error's code from here then.
    if (request.header("x-amzn-query-mode"))
      headers.push_back({"x-amzn-query-error", "InvalidAction;Sender"});
    // A client that is gone gets nothing; there is nobody to tell.
    (void)send_error(responder, error, protocol, uuid_v4(), known ? at->xmlns : std::string_view(),
                     std::move(headers));
  }

  Parts parts_;
  http::Handler s3_;
  std::map<std::string, Counter*, std::less<>> counters_;
};

}  // namespace

http::Handler make_door(const Parts& parts, http::Handler s3) {
  return Door(parts, std::move(s3));
}

}  // namespace tarn::aws
