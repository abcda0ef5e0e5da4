// What a V4 signature says of itself, in the Authorization header or in the query: read and checked for form.
//
// Threads: pure functions.
// Fails: kMalformedHeader, kMalformedQuery in S3's words; kUnsupported for SigV4a.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "doors/aws/auth.h"
#include "doors/aws/signature.h"

namespace tarn::aws {

inline constexpr size_t kAuthorizationBytesMax = 16 * 1024;
inline constexpr int64_t kExpiresSecondsMax = 604'800;  // 7 days

struct Claim {
  Scope scope;
  std::vector<std::string> signed_headers;  // sorted
  std::string signature;
  std::string time;  // as it is signed: 20260131T120000Z
  Timestamp at;
  std::string token;  // of the session; empty: none
  bool presigned = false;
  int64_t expires_seconds = 0;  // of a signed URL
};

std::expected<Claim, Refusal> claim_of_header(const http::Request& request, std::string_view authorization,
                                              bool s3);
std::expected<Claim, Refusal> claim_of_query(const http::Request& request);

// <key id>/<date>/<region>/<service>/aws4_request; else what is wrong with it.
std::expected<Scope, std::string> parse_scope(std::string_view credential);

using RefusalFields = std::vector<std::pair<std::string, std::string>>;
std::unexpected<Refusal> refuse_auth(Problem problem, std::string message, RefusalFields fields = {});

// The query's parameter of this name as it was signed: '+' is a plus.
std::optional<std::string> signed_parameter(const http::Request& request, std::string_view name);

}  // namespace tarn::aws
