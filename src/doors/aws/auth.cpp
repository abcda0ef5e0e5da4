#include "doors/aws/auth.h"

#include <algorithm>

#include <fmt/format.h>

#include "doors/aws/auth_parts.h"
#include "doors/aws/payload.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

struct InQuery {
  bool v4 = false;
  bool v2 = false;
};
InQuery signs_in_query(const http::Request& request) {
  InQuery out;
  bool has_signature = false;
  bool has_expires = false;
  for (const Parameter& p : query_parameters(http::split_target(request.target()).query)) {
    out.v4 |= p.name == "X-Amz-Algorithm" || p.name == "X-Amz-Credential" || p.name == "X-Amz-Signature";
    out.v2 |= p.name == "AWSAccessKeyId";
    has_signature |= p.name == "Signature";
    has_expires |= p.name == "Expires";
  }
  out.v2 |= has_signature && has_expires;
  return out;
}

Verdict nobody(http::Request& request, bool s3, const AuthOptions& options) {
  Authenticated out;
  auto anonymous = options.identities.anonymous();
  out.principal = anonymous ? *std::move(anonymous) : access::Principal::anonymous();
  if (!s3) {
    out.payload = plain_payload(request, "");
    return out;
  }
  auto payload = s3_payload(request, nullptr, "", out.aws_chunked);
  if (!payload) return std::unexpected(std::move(payload).error());
  out.payload = *std::move(payload);
  return out;
}

Verdict by_header(http::Request& request, std::string_view authorization, bool s3,
                  const AuthOptions& options) {
  if (authorization.size() > kAuthorizationBytesMax)
    return refuse_auth(Problem::kMalformedHeader,
                       fmt::format("The authorization header is malformed; it has more than {} bytes.",
                                   kAuthorizationBytesMax));
  authorization = trimmed(authorization);
  if (authorization.empty()) return refuse_auth(Problem::kNoCredentials, "Access Denied");
  std::string_view scheme = authorization.substr(0, authorization.find_first_of(" \t"));
  std::string_view word = trimmed(authorization.substr(scheme.size()));
  if (scheme == kV4Algorithm) {
    auto claim = claim_of_header(request, authorization, s3);
    if (!claim) return std::unexpected(std::move(claim).error());
    return authenticate_v4(request, *claim, s3, options);
  }
  if (scheme.starts_with("AWS4-ECDSA"))
    return refuse_auth(Problem::kUnsupported, "SigV4a is not supported. Please use AWS4-HMAC-SHA256.");
  if (scheme == "AWS" && s3) return authenticate_v2_header(request, word, options);
  if (scheme == "AWS" || scheme.starts_with("AWS3"))
    return refuse_auth(
        Problem::kUnsupported,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
  std::string name = lower_case(scheme);
  if (name == "basic") return authenticate_secret(request, Scheme::kBasic, word, s3, options);
  if (name == "bearer") return authenticate_secret(request, Scheme::kBearer, word, s3, options);
  if (name.starts_with("aws4"))
    return refuse_auth(
        Problem::kMalformedHeader,
        "The authorization header is malformed; it must begin with AWS4-HMAC-SHA256 and a space.");
  return refuse_auth(Problem::kUnsupported, "Unsupported Authorization Type");
}

}  // namespace

Verdict authenticate(http::Request& request, bool s3, const AuthOptions& options) {
  std::optional<std::string_view> authorization;
  for (auto [name, value] : request.headers()) {
    if (lower_case(name) != "authorization") continue;
    if (authorization)
      return refuse_auth(Problem::kTwoWays, "Only one Authorization header allowed",
                         {{"ArgumentName", "Authorization"}});
    authorization = value;
  }
  InQuery query = signs_in_query(request);
  if ((authorization ? 1 : 0) + (query.v4 ? 1 : 0) + (query.v2 ? 1 : 0) > 1)
    return refuse_auth(
        Problem::kTwoWays,
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
        "string parameter or the Authorization header should be specified",
        {{"ArgumentName", "Authorization"}});
  if (authorization) return by_header(request, *authorization, s3, options);
  if (query.v4) {
    auto claim = claim_of_query(request);
    if (!claim) return std::unexpected(std::move(claim).error());
    return authenticate_v4(request, *claim, s3, options);
  }
  if (query.v2 && !s3)
    return refuse_auth(Problem::kUnsupported,
                       "version 2 of the signature is only taken by S3. Please use "
                       "AWS4-HMAC-SHA256.");
  if (query.v2) return authenticate_v2_query(request, options);
  return nobody(request, s3, options);
}

std::string service_of(const http::Request& request) {
  std::string credential;
  if (auto header = request.header("authorization"); header && header->starts_with("AWS4-")) {
    constexpr std::string_view kName = "Credential=";
    size_t at = header->find(kName);
    if (at != std::string_view::npos) {
      std::string_view rest = header->substr(at + kName.size());
      credential = rest.substr(0, rest.find_first_of(", \t"));
    }
  } else {
    credential = signed_parameter(request, "X-Amz-Credential").value_or("");
  }
  // The last part but one; a key id can't be mistaken for it.
  size_t end = credential.rfind('/');
  if (end != std::string::npos && std::ranges::count(credential, '/') == 4) {
    size_t begin = credential.rfind('/', end - 1) + 1;
    if (begin < end) return credential.substr(begin, end - begin);
  }
  return {};
}

}  // namespace tarn::aws
