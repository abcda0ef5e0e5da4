#include "doors/aws/s3/errors.h"

#include <algorithm>
#include <array>

#include "base/logging.h"
#include "doors/aws/xml.h"

namespace tarn::aws::s3 {

namespace {

struct Row {
  std::string_view code;
  int status;
  std::string_view message;
};
constexpr auto kCodes = std::to_array<Row>({
    {"AccessDenied", 403, "Access Denied"},
    {"AccessForbidden", 403, "CORSResponse: This CORS request is not allowed."},
    {"AccessControlListNotSupported", 400, "The bucket does not allow ACLs"},
    {"AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid."},
    {"AuthorizationQueryParametersError", 400,
     "The authorization query parameters that you provided are not valid."},
    {"BadDigest", 400, "The Content-MD5 you specified did not match what we received."},
    {"BadRequest", 400, "Bad Request"},
    {"BucketAlreadyExists", 409,
     "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
     "Please select a different name and try again."},
    {"BucketAlreadyOwnedByYou", 409,
     "Your previous request to create the named bucket succeeded and you already own it."},
    {"BucketNotEmpty", 409, "The bucket you tried to delete is not empty"},
    {"ConditionalRequestConflict", 409,
     "The conditional request cannot succeed due to a conflicting operation against this resource."},
    {"EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"},
    {"EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size"},
    {"ExpiredToken", 400, "The provided token has expired."},
    {"IllegalLocationConstraintException", 400,
     "The unspecified location constraint is incompatible for the region specific endpoint this request was "
     "sent to."},
    {"IncompleteBody", 400,
     "You did not provide the number of bytes specified by the Content-Length HTTP header"},
    {"InsufficientStorage", 507, "There is no space left on the lake's disk: nothing was stored"},
    {"InternalError", 500, "We encountered an internal error. Please try again."},
    {"InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."},
    {"InvalidArgument", 400, "Invalid Argument"},
    {"InvalidBucketName", 400, "The specified bucket is not valid."},
    {"InvalidBucketState", 409, "The request is not valid with the current state of the bucket."},
    {"InvalidDigest", 400, "The Content-MD5 you specified was invalid."},
    {"InvalidLocationConstraint", 400, "The specified location-constraint is not valid"},
    {"InvalidObjectState", 403, "The operation is not valid for the object's storage class"},
    {"InvalidPart", 400,
     "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
     "specified entity tag may not match the part's entity tag."},
    {"InvalidPartNumber", 416, "The requested partnumber is not satisfiable"},
    {"InvalidPartOrder", 400,
     "The list of parts was not in ascending order. Parts must be ordered by part number."},
    {"InvalidPolicyDocument", 400, "The content of the form does not meet the conditions of the policy."},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid Request"},
    {"InvalidTag", 400, "The tag provided was not a valid tag."},
    {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
    {"InvalidURI", 400, "Couldn't parse the specified URI."},
    {"KeyTooLongError", 400, "Your key is too long"},
    {"MalformedACLError", 400,
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {"MalformedPolicy", 400, "This policy contains invalid Json"},
    {"MalformedTrailerError", 400,
     "The request contained trailing data that was not well-formed or did not conform to our published "
     "schema."},
    {"MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {"MaxMessageLengthExceeded", 400, "Your request was too big."},
    {"MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size"},
    {"MethodNotAllowed", 405, "The specified method is not allowed against this resource."},
    {"MissingSecurityHeader", 400, "Your request was missing a required header"},
    {"MissingContentLength", 411, "You must provide the Content-Length HTTP header."},
    {"NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchBucketPolicy", 404, "The bucket policy does not exist"},
    {"NoSuchCORSConfiguration", 404, "The CORS configuration does not exist"},
    {"NoSuchKey", 404, "The specified key does not exist."},
    {"NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist"},
    {"NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found"},
    {"NoSuchTagSet", 404, "The TagSet does not exist"},
    {"NoSuchUpload", 404,
     "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
     "or completed."},
    {"NoSuchVersion", 404, "The specified version does not exist."},
    {"NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration"},
    {"NotImplemented", 501, "A header you provided implies functionality that is not implemented"},
    {"ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket"},
    {"OperationAborted", 409,
     "A conflicting conditional operation is currently in progress against this resource. Please try again."},
    {"OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found"},
    {"PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
    {"ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found"},
    {"RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {"RequestTimeout", 400,
     "Your socket connection to the server was not read from or written to within the timeout period. Idle "
     "connections will be closed."},
    {"ServerSideEncryptionConfigurationNotFoundError", 404,
     "The server side encryption configuration was not found"},
    {"ServiceUnavailable", 503, "Service is unable to handle request."},
    {"SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. Check your key and "
     "signing method."},
    {"SlowDown", 503, "Please reduce your request rate."},
    {"XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
});

S3Error internal(const Error& error) {
  TARN_LOG(warn, "s3: {}: {}", code_name(error.code), error.message);
  return s3_error("InternalError");
}

S3Error slow_down(const Error& error) {
  S3Error out("SlowDown", 503, error.message);
  int seconds = std::max(1, (error.retry_after_ms + 999) / 1000);
  out.headers.push_back({"Retry-After", std::to_string(seconds)});
  return out;
}

S3Error translate(const Error& error) {
  switch (error.code) {
    case Code::kInvalid:
      return {"InvalidRequest", 400, error.message};
    case Code::kNotFound:
      return {"NoSuchKey", 404, error.message};
    case Code::kExists:
    case Code::kConflict:
      return {"OperationAborted", 409, error.message};
    case Code::kDenied:
      return {"AccessDenied", 403, error.message};
    case Code::kTooLarge:
      return {"EntityTooLarge", 400, error.message};
    case Code::kBusy:
      return slow_down(error);
    case Code::kFull:
      TARN_LOG(warn, "s3: {}", error.message);
      return s3_error("InsufficientStorage");
    case Code::kUnavailable:
      return s3_error("ServiceUnavailable");
    case Code::kTimeout:
    case Code::kCancelled:
      return s3_error("RequestTimeout");
    case Code::kUnsupported:
      return {"NotImplemented", 501, error.message};
    case Code::kCorrupt:
    case Code::kUnknownOutcome:
    case Code::kIo:
    case Code::kInternal:
      break;
  }
  return internal(error);
}

std::string_view code_of(Problem problem) {
  switch (problem) {
    case Problem::kUnknownKey:
      return "InvalidAccessKeyId";
    case Problem::kSignature:
      return "SignatureDoesNotMatch";
    case Problem::kSkewed:
      return "RequestTimeTooSkewed";
    case Problem::kMalformedHeader:
      return "AuthorizationHeaderMalformed";
    case Problem::kMalformedQuery:
      return "AuthorizationQueryParametersError";
    case Problem::kToken:
      return "InvalidToken";
    case Problem::kExpiredToken:
      return "ExpiredToken";
    case Problem::kTwoWays:
      return "InvalidArgument";
    case Problem::kPayloadHash:
    case Problem::kUnsupported:
      return "InvalidRequest";
    case Problem::kNoCredentials:
    case Problem::kExpiredUrl:
    case Problem::kHeadersNotSigned:
    case Problem::kPassword:
    case Problem::kInsecure:
      break;
  }
  return "AccessDenied";
}

}  // namespace

S3Error::S3Error(const Error& error) : S3Error(translate(error)) {}

S3Error s3_error(std::string_view code) {
  auto row = std::ranges::find(kCodes, code, &Row::code);
  if (row == kCodes.end()) return {std::string(code), 400, std::string(code)};
  return {std::string(code), row->status, std::string(row->message)};
}

std::unexpected<S3Error> refuse(std::string_view code) {
  return refuse(s3_error(code));
}

std::unexpected<S3Error> refuse(std::string_view code, std::string message,
                                std::vector<std::pair<std::string, std::string>> fields) {
  S3Error error = s3_error(code);
  error.message = std::move(message);
  error.fields = std::move(fields);
  return refuse(std::move(error));
}

S3Error of_refusal(const Refusal& refusal, const http::Request& request) {
  // A hash that is no hash, and none at all, have different codes.
  bool bad_hash =
      refusal.problem == Problem::kPayloadHash && request.header("x-amz-content-sha256").has_value();
  bool bad_argument = bad_hash || std::ranges::any_of(refusal.fields, [](const auto& f) {
                        return f.first == "ArgumentName";
                      });
  S3Error error = s3_error(bad_argument ? "InvalidArgument" : code_of(refusal.problem));
  if (!refusal.message.empty()) error.message = refusal.message;
  error.fields = refusal.fields;
  return error;
}

S3Error of_payload(const Payload& payload, const Error& error) {
  switch (payload.problem()) {
    case Payload::Problem::kHash: {
      S3Error out = s3_error("XAmzContentSHA256Mismatch");
      out.fields = {{"ClientComputedContentSHA256", payload.expected()},
                    {"S3ComputedContentSHA256", payload.actual()}};
      return out;
    }
    case Payload::Problem::kChunkSignature:
      return s3_error("SignatureDoesNotMatch");
    case Payload::Problem::kFraming:
      return {"InvalidRequest", 400, error.message};
    case Payload::Problem::kShort:
      return s3_error("IncompleteBody");
    case Payload::Problem::kTrailer:
      return s3_error("MalformedTrailerError");
    case Payload::Problem::kNone:
    case Payload::Problem::kClient:
      break;
  }
  if (error.code == Code::kInvalid || error.code == Code::kUnavailable) return s3_error("IncompleteBody");
  return S3Error(error);
}

std::string error_xml(const S3Error& error, std::string_view request_id, std::string_view host_id) {
  XmlWriter xml;
  xml.open("Error").text("Code", error.code).words("Message", error.message);
  for (const auto& [name, value] : error.fields) xml.words(name, value);
  xml.text("RequestId", request_id).text("HostId", host_id);
  return xml.take();
}

}  // namespace tarn::aws::s3
