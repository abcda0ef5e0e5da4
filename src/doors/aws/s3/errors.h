// S3's errors: code, status, message and fields, and how other errors become them.
//
// Threads: values.
// Fails: never.
// Shapes: <Error><Code/><Message/>…fields…<RequestId/><HostId/></Error>; HEAD has no body.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "doors/aws/auth.h"
#include "doors/http/server.h"

namespace tarn::aws::s3 {

struct S3Error {
  std::string code;
  int status = 400;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<http::Header> headers;

  S3Error() = default;
  S3Error(std::string code_, int status_, std::string message_,
          std::vector<std::pair<std::string, std::string>> fields_ = {})
      : code(std::move(code_)), status(status_), message(std::move(message_)), fields(std::move(fields_)) {}
  // What a part below failed with: SlowDown, InternalError, … . The texts of our own faults stay in the log.
  S3Error(const Error& error);  // NOLINT(google-explicit-constructor): TARN_TRY in an operation
};

template <typename T>
using S3Result = std::expected<T, S3Error>;
using S3Status = S3Result<void>;

inline std::unexpected<S3Error> refuse(S3Error error) {
  return std::unexpected<S3Error>(std::move(error));
}
// One of S3's codes with its usual status and message: refuse("NoSuchUpload").
std::unexpected<S3Error> refuse(std::string_view code);
std::unexpected<S3Error> refuse(std::string_view code, std::string message,
                                std::vector<std::pair<std::string, std::string>> fields = {});
S3Error s3_error(std::string_view code);

S3Error of_refusal(const Refusal& refusal, const http::Request& request);
S3Error of_payload(const Payload& payload, const Error& error);  // a failed read of the payload

std::string error_xml(const S3Error& error, std::string_view request_id, std::string_view host_id);

}  // namespace tarn::aws::s3
