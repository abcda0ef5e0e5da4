// Who sent this request, by AWS's signatures (SigV4, and for S3 SigV2, in headers and in the query), by Basic or
// Bearer; and the payload, verified while it is read.
//
// Owns: an Authenticated borrows the request.
// Threads: pure functions, but for reading identities; one thread a request.
// Fails: a Refusal says what is wrong; each protocol has its own words for it (errors.h, s3/errors.h).
// Source: the Signature Version 4 documentation of AWS; the cases and vectors in signature_test.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/identities.h"
#include "base/error.h"
#include "base/time.h"
#include "doors/http/server.h"

namespace tarn::aws {

enum class Problem {
  kNoCredentials,  // and nobody may come without
  kUnknownKey,     // also: switched off
  kSignature,  // fields has what we signed: CanonicalRequest, StringToSign, SignatureProvided, AWSAccessKeyId
  kSkewed,     // fields: RequestTime, ServerTime, MaxAllowedSkewMilliseconds
  kMalformedHeader,  // fields may have ArgumentName, ArgumentValue: then it is a wrong argument (V2)
  kMalformedQuery,
  kToken,  // the session token isn't the key's, or is damaged
  kExpiredToken,
  kExpiredUrl,        // fields: Expires, ServerTime, X-Amz-Expires
  kHeadersNotSigned,  // fields: HeadersNotSigned
  kPayloadHash,       // x-amz-content-sha256 is missing (S3), or no hash and no known word
  kUnsupported,       // SigV4a, SigV2 where it isn't S3's: the message says so
  kPassword,          // Basic, Bearer: wrong
  kInsecure,          // Basic, Bearer over a connection that others can read
  kTwoWays,           // signed in the header and in the query, or twice
};

struct Refusal {
  Problem problem = Problem::kNoCredentials;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

enum class Scheme { kNone, kSigV4, kSigV2, kPresignedV4, kPresignedV2, kBasic, kBearer };

// The payload of a request without its framing. At its end everything announced has been checked: length, hash,
// chunk signatures, trailer signature.
class Payload {
 public:
  enum class Problem {
    kNone,
    kHash,            // the bytes aren't those of x-amz-content-sha256; expected() and actual()
    kChunkSignature,  // of a chunk or of the trailer
    kFraming,         // no aws-chunked
    kShort,           // the body ended before what was announced, or the decoded length differs
    kTrailer,         // announced in x-amz-trailer and not there, or another one
    kClient,          // went away, timeout: the request's own error
  };
  virtual ~Payload() = default;
  // 0 at the end. Fails with kInvalid (problem() says which), or what the request fails with.
  virtual Result<size_t> read(std::span<char> out) = 0;
  virtual std::optional<uint64_t> length() const = 0;  // of what read() gives, if it was announced
  // Trailing headers (names in lower case), there after the end.
  virtual const std::vector<http::Header>& trailers() const = 0;
  virtual Problem problem() const = 0;
  virtual std::string expected() const = 0;
  virtual std::string actual() const = 0;
};

struct Authenticated {
  access::Principal principal;  // kAnonymous with Scheme::kNone
  Scheme scheme = Scheme::kNone;
  std::string service;  // of the credential's scope: "s3", "sts"; empty for schemes that have none
  std::string region;
  bool aws_chunked = false;
  std::unique_ptr<Payload> payload;
};

class SigningKeys;  // signature.h

struct AuthOptions {
  const access::Identities& identities;
  const Clock& clock;
  Duration skew_max = std::chrono::minutes(15);
  std::string region;                        // not empty: the scope's region must be this one
  uint64_t payload_bytes_max = 16ull << 20;  // of services that hash the whole body first (all but S3)
  std::string host_bucket = {};              // S3: the bucket that Host names; empty: the path has it
  SigningKeys* keys = nullptr;               // keeps derived keys; null: they are derived each time
};

// `s3`: the rules of S3 (path signed as it came, payload hash from the header) instead of the other services'.
// Without any credentials: the anonymous principal, when the lake has one; else Scheme::kNone with
// Principal::anonymous(), which every guard refuses, so that the door can say it in its own words.
std::expected<Authenticated, Refusal> authenticate(http::Request& request, bool s3,
                                                   const AuthOptions& options);

// The service that the credential's scope names, unchecked; empty: the request has none.
std::string service_of(const http::Request& request);

// A signature under a policy document, of an HTML form (POST Object): V4 and V2. `fields` by lower-case name.
std::expected<access::Principal, Refusal> authenticate_form(
    const std::vector<std::pair<std::string, std::string>>& fields, const AuthOptions& options);

}  // namespace tarn::aws
