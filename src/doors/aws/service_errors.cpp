#include "doors/aws/service_errors.h"

#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/logging.h"
#include "doors/aws/xml.h"

namespace tarn::aws {

namespace {

bool is_json(Protocol protocol) {
  return protocol != Protocol::kQuery;
}

struct Names {
  std::string_view query;
  int query_status;
  std::string_view json;
  int json_status;
  int rest_status;
};

ServiceError named(const Names& names, Protocol protocol, std::string message) {
  if (!is_json(protocol)) return {std::string(names.query), names.query_status, std::move(message)};
  const int status = protocol == Protocol::kRestJson ? names.rest_status : names.json_status;
  return {std::string(names.json), status, std::move(message)};
}

Names names_of(Code code) {
  switch (code) {
    case Code::kInvalid:
      return {"ValidationError", 400, "ValidationException", 400, 400};
    case Code::kUnsupported:
      return {"InvalidInput", 400, "ValidationException", 400, 400};
    case Code::kNotFound:
      return {"NoSuchEntity", 404, "ResourceNotFoundException", 400, 404};
    case Code::kExists:
      return {"EntityAlreadyExists", 409, "ResourceAlreadyExistsException", 400, 409};
    case Code::kConflict:
      return {"DeleteConflict", 409, "ConflictException", 400, 409};
    case Code::kDenied:
      return {"AccessDenied", 403, "AccessDeniedException", 400, 403};
    case Code::kTooLarge:
      return {"LimitExceeded", 409, "LimitExceededException", 400, 400};
    case Code::kBusy:
      return {"Throttling", 400, "ThrottlingException", 400, 429};
    case Code::kUnavailable:
    case Code::kCancelled:
      return {"ServiceUnavailable", 503, "ServiceUnavailableException", 503, 503};
    case Code::kTimeout:
      return {"RequestTimeout", 408, "RequestTimeoutException", 408, 408};
    default:
      return {"InternalFailure", 500, "InternalFailure", 500, 500};
  }
}

Names names_of(Problem problem) {
  switch (problem) {
    case Problem::kNoCredentials:
      return {"MissingAuthenticationToken", 403, "MissingAuthenticationTokenException", 400, 403};
    case Problem::kUnknownKey:
    case Problem::kToken:
    case Problem::kPassword:
      return {"InvalidClientTokenId", 403, "UnrecognizedClientException", 400, 403};
    case Problem::kSignature:
    case Problem::kSkewed:
    case Problem::kExpiredUrl:
    case Problem::kHeadersNotSigned:
      return {"SignatureDoesNotMatch", 403, "InvalidSignatureException", 400, 403};
    case Problem::kExpiredToken:
      return {"ExpiredToken", 403, "ExpiredTokenException", 400, 403};
    case Problem::kInsecure:
      return {"AccessDenied", 403, "AccessDeniedException", 400, 403};
    case Problem::kMalformedHeader:
    case Problem::kMalformedQuery:
    case Problem::kPayloadHash:
    case Problem::kUnsupported:
    case Problem::kTwoWays:
      break;
  }
  return {"IncompleteSignature", 400, "IncompleteSignatureException", 400, 400};
}

constexpr std::string_view kSignatureText =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access "
    "Key and signing method. Consult the service documentation for details.";

std::string_view field(const Refusal& refusal, std::string_view name) {
  for (const auto& [key, value] : refusal.fields)
    if (key == name) return value;
  return {};
}

std::string message_of(const Refusal& refusal) {
  switch (refusal.problem) {
    case Problem::kNoCredentials:
      return "Request is missing Authentication Token";
    case Problem::kUnknownKey:
    case Problem::kToken:
      return "The security token included in the request is invalid.";
    case Problem::kExpiredToken:
      return "The security token included in the request is expired";
    case Problem::kSkewed:
      return fmt::format("Signature expired: {} is more than 15 minutes away from the server's time {}",
                         field(refusal, "RequestTime"), field(refusal, "ServerTime"));
    case Problem::kExpiredUrl:
      return fmt::format("Signature expired: {} is earlier than {}", field(refusal, "Expires"),
                         field(refusal, "ServerTime"));
    case Problem::kSignature: {
      const std::string_view canonical = field(refusal, "CanonicalRequest");
      const std::string_view to_sign = field(refusal, "StringToSign");
      if (canonical.empty()) return std::string(kSignatureText);
      return fmt::format(
          "{}\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should "
          "have "
          "been\n'{}'\n",
          kSignatureText, canonical, to_sign);
    }
    default:
      return refusal.message;
  }
}

std::string json_body(const ServiceError& error) {
  boost::json::object out;
  out["__type"] = error.code;
  out["message"] = error.message;
  return boost::json::serialize(out);
}

std::string query_body(const ServiceError& error, std::string_view request_id, std::string_view xmlns) {
  XmlWriter out;
  out.open("ErrorResponse", xmlns).open("Error");
  out.text("Type", error.status >= 500 ? "Receiver" : "Sender");
  out.text("Code", error.code).words("Message", error.message).close();
  out.text("RequestId", request_id);
  return out.take();
}

}  // namespace

ServiceError::ServiceError(Error error) : ServiceError(of_error(std::move(error), Protocol::kQuery)) {}

ServiceError of_error(Error error, Protocol protocol) {
  ServiceError out = named(names_of(error.code), protocol, std::move(error.message));
  if (out.status != 500) return out;
  TARN_LOG(error, "an AWS request failed: {}: {}", code_name(error.code), out.message);
  out.message = error.code == Code::kFull ? "There is no space left on the lake's disk."
                                          : "An internal error occurred. The lake's log has its details.";
  return out;
}

ServiceError of_refusal(const Refusal& refusal, Protocol protocol) {
  return named(names_of(refusal.problem), protocol, message_of(refusal));
}

ServiceError of_payload(const Payload& payload, Error error, Protocol protocol) {
  switch (payload.problem()) {
    case Payload::Problem::kNone:
    case Payload::Problem::kClient:
      if (error.code == Code::kTooLarge)
        return named({"RequestEntityTooLarge", 413, "RequestEntityTooLargeException", 413, 413}, protocol,
                     std::move(error.message));
      return of_error(std::move(error), protocol);
    case Payload::Problem::kHash:
    case Payload::Problem::kChunkSignature:
      return named(names_of(Problem::kSignature), protocol, std::string(kSignatureText));
    case Payload::Problem::kFraming:
    case Payload::Problem::kShort:
    case Payload::Problem::kTrailer:
      break;
  }
  return named({"MalformedInput", 400, "SerializationException", 400, 400}, protocol,
               std::move(error.message));
}

std::string_view content_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::kQuery:
      return "text/xml";
    case Protocol::kJson10:
      return "application/x-amz-json-1.0";
    case Protocol::kJson11:
      return "application/x-amz-json-1.1";
    case Protocol::kRestJson:
      break;
  }
  return "application/json";
}

Status send_error(http::Responder& responder, const ServiceError& error, Protocol protocol,
                  std::string_view request_id, std::string_view xmlns, std::vector<http::Header> headers) {
  headers.push_back({"x-amzn-RequestId", std::string(request_id)});
  headers.push_back({"Content-Type", std::string(content_type(protocol))});
  if (protocol == Protocol::kRestJson) headers.push_back({"x-amzn-ErrorType", error.code});
  const std::string body =
      protocol == Protocol::kQuery ? query_body(error, request_id, xmlns) : json_body(error);
  return responder.send(error.status, std::move(headers), body);
}

}  // namespace tarn::aws
