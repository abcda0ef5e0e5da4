// Errors of the AWS services but S3 (s3/errors.h): code, status and message, in the form of each protocol; and
// what refused signatures and the errors of the parts below become.
//
// Threads: values.
// Fails: never. The texts of our own faults stay in the log.
// Shapes: query: <ErrorResponse><Error><Type/><Code/><Message/></Error><RequestId/></ErrorResponse>; JSON:
// {"__type":…,"message":…}; REST with JSON: the same, and the code in the header x-amzn-ErrorType.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "doors/aws/auth.h"
#include "doors/http/server.h"

namespace tarn::aws {

enum class Protocol { kQuery, kJson10, kJson11, kRestJson };

struct ServiceError {
  std::string code;
  int status = 400;
  std::string message;

  ServiceError() = default;
  ServiceError(std::string code_, int status_, std::string message_)
      : code(std::move(code_)), status(status_), message(std::move(message_)) {}
  // What a part below failed with, in the words of the query services (STS, IAM).
  ServiceError(Error error);  // NOLINT(google-explicit-constructor): TARN_TRY in an operation
};

template <typename T>
using Answer = std::expected<T, ServiceError>;

inline std::unexpected<ServiceError> refuse(std::string code, int status, std::string message) {
  return std::unexpected(ServiceError(std::move(code), status, std::move(message)));
}

// One of those codes that the services share: of_error(kBusy, kJson11) is a ThrottlingException.
ServiceError of_error(Error error, Protocol protocol);
ServiceError of_refusal(const Refusal& refusal, Protocol protocol);
ServiceError of_payload(const Payload& payload, Error error, Protocol protocol);  // a failed read of it

// `xmlns`: of query errors; empty: none.
Status send_error(http::Responder& responder, const ServiceError& error, Protocol protocol,
                  std::string_view request_id, std::string_view xmlns = {},
                  std::vector<http::Header> headers = {});
std::string_view content_type(Protocol protocol);

}  // namespace tarn::aws
