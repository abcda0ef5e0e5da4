// Version 4: from the claim to a verified head, and the payload that goes with it.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "access/sealed.h"
#include "doors/aws/auth_parts.h"
#include "doors/aws/auth_time.h"
#include "doors/aws/payload.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

constexpr std::string_view kContentHash = "x-amz-content-sha256";
constexpr std::string_view kToken = "x-amz-security-token";
constexpr size_t kHexBytesMax = 16 * 1024;  // a longer text isn't told as bytes too
constexpr size_t kReadBytes = 64 * 1024;

std::string spaced_hex(std::string_view text) {
  if (text.empty() || text.size() > kHexBytesMax) return {};
  std::string hex = to_hex(text);
  std::string out;
  out.reserve(text.size() * 3);
  for (size_t i = 0; i < hex.size(); i += 2) {
    if (i > 0) out += ' ';
    out.append(hex, i, 2);
  }
  return out;
}

std::expected<void, Refusal> check_time(const Claim& claim, const AuthOptions& options) {
  Timestamp now = options.clock.now();
  if (claim.presigned) {
    Timestamp end = claim.at + std::chrono::seconds(claim.expires_seconds);
    if (now > end || claim.expires_seconds == 0)
      return refuse_expired_url(end, now, std::to_string(claim.expires_seconds));
  }
  // A signed URL may be old, within its own time, but not of the future.
  bool early = claim.at > now + options.skew_max;
  bool late = !claim.presigned && now > claim.at + options.skew_max;
  if (!early && !late) return {};
  return refuse_skewed(claim.time, options);
}

// Host must be signed, and whatever AWS gives a meaning: else anybody on the way could change or add it.
// What needn't: the token, which its key has to fit; the time and the hash, which are signed besides.
std::expected<void, Refusal> check_headers_signed(const CanonicalHeaders& headers, const Claim& claim) {
  auto is_signed = [&](std::string_view name) {
    return std::ranges::binary_search(claim.signed_headers, name);
  };
  std::string missing = is_signed("host") ? "" : "host";
  for (const auto& [name, value] : headers) {
    if (!name.starts_with("x-amz-") || is_signed(name) || name == kToken) continue;
    if (name == "x-amz-date" && !claim.presigned) continue;
    // Of a signed URL a word that asks for signed chunks would be the sender's own.
    if (name == kContentHash && !(claim.presigned && value.starts_with(kSignedStreaming))) continue;
    missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return {};
  return refuse_auth(Problem::kHeadersNotSigned,
                     "There were headers present in the request which were not signed",
                     {{"HeadersNotSigned", missing}});
}

// The whole body of a service that signs its hash.
std::expected<std::string, Refusal> read_whole(http::Request& request, uint64_t bytes_max) {
  auto too_long = [&] {
    return refuse_auth(Problem::kPayloadHash,
                       fmt::format("the body of a signed request may have {} bytes here: it is hashed before "
                                   "anything is done. Send less, or sign it as {}",
                                   bytes_max, kUnsignedPayload));
  };
  std::optional<uint64_t> length = request.content_length();
  if (length && *length > bytes_max) return too_long();
  std::string out;
  size_t filled = 0;
  for (;;) {
    if (filled == out.size()) {
      // One byte more than announced, to see the end without growing.
      uint64_t wanted = filled > 0 ? 2 * filled : length ? *length + 1 : kReadBytes;
      out.resize(static_cast<size_t>(std::min(wanted, bytes_max + 1)));
    }
    auto got = request.read({out.data() + filled, out.size() - filled});
    if (!got)
      return refuse_auth(Problem::kPayloadHash, fmt::format("the body broke off: {}", got.error().message));
    if (*got == 0) break;
    filled += *got;
    if (filled > bytes_max) return too_long();
  }
  out.resize(filled);
  return out;
}

// What stands in the last line of the canonical request, for S3.
std::expected<std::string, Refusal> s3_payload_hash(const http::Request& request, const Claim& claim) {
  auto word = request.header(kContentHash);
  if (!claim.presigned) {
    if (!word || word->empty())
      return refuse_auth(Problem::kPayloadHash,
                         "Missing required header for this request: x-amz-content-sha256");
    return std::string(*word);
  }
  if (auto in_query = signed_parameter(request, "X-Amz-Content-Sha256")) {
    // It is signed; the header, if there is one, must say the same.
    if (word && *word != *in_query)
      return refuse_auth(Problem::kPayloadHash, "x-amz-content-sha256 is not what the URL was signed with");
    return *std::move(in_query);
  }
  bool is_signed = std::ranges::binary_search(claim.signed_headers, kContentHash);
  return std::string(word && is_signed ? *word : kUnsignedPayload);
}

std::expected<void, Refusal> check_signature(const http::Request& request, const Claim& claim,
                                             const CanonicalHeaders& headers, const std::string& payload_hash,
                                             const std::string& key) {
  http::Target target = http::split_target(request.target());
  constexpr std::array<std::string_view, 2> kLeftOut = {"X-Amz-Signature", "X-Amz-Security-Token"};
  std::span<const std::string_view> without;
  if (claim.presigned) without = std::span(kLeftOut).first(1);
  SignedParts parts{.method = request.method(),
                    // Who signs for S3 by its rules may ask the native API so too.
                    .path = canonical_path(target.path, claim.scope.service == "s3"),
                    .query = canonical_query(target.query, without),
                    .signed_headers = claim.signed_headers,
                    .payload_hash = payload_hash,
                    .time = claim.time};
  Signing signing = sign_v4(parts, headers, claim.scope);
  if (access::equal_in_constant_time(signature_v4(key, signing.string_to_sign), claim.signature)) return {};
  // Some services have the token put into the URL after signing.
  if (claim.presigned && !claim.token.empty()) {
    parts.query = canonical_query(target.query, kLeftOut);
    Signing other = sign_v4(parts, headers, claim.scope);
    if (access::equal_in_constant_time(signature_v4(key, other.string_to_sign), claim.signature)) return {};
  }
  return refuse_signature(claim.scope.key_id, claim.signature, signing.string_to_sign,
                          signing.canonical_request);
}

}  // namespace

std::expected<access::Credential, Refusal> find_credential(const AuthOptions& options,
                                                           std::string_view key_id, std::string_view token) {
  access::CredentialProblem problem = access::CredentialProblem::kNone;
  auto credential = options.identities.credential(key_id, token, problem);
  if (credential) return *std::move(credential);
  if (problem == access::CredentialProblem::kExpired)
    return refuse_auth(Problem::kExpiredToken, "The provided token has expired.");
  if (problem == access::CredentialProblem::kWrongToken)
    return refuse_auth(Problem::kToken, "The provided token is malformed or otherwise invalid.");
  return refuse_auth(Problem::kUnknownKey,
                     "The AWS Access Key Id you provided does not exist in our records.",
                     {{"AWSAccessKeyId", std::string(key_id)}});
}

std::expected<void, Refusal> check_scope(const Scope& scope, bool s3, bool in_header,
                                         const AuthOptions& options) {
  Problem problem = in_header ? Problem::kMalformedHeader : Problem::kMalformedQuery;
  std::string_view begin = in_header ? "The authorization header is malformed; "
                                     : "Error parsing the X-Amz-Credential parameter; ";
  if (s3 && scope.service != "s3")
    return refuse_auth(problem, fmt::format("{}incorrect service \"{}\". This endpoint belongs to \"s3\".",
                                            begin, scope.service));
  if (!options.region.empty() && scope.region != options.region)
    return refuse_auth(
        problem,
        fmt::format("{}the region '{}' is wrong; expecting '{}'", begin, scope.region, options.region),
        {{"Region", options.region}});
  return {};
}

std::unexpected<Refusal> refuse_signature(std::string_view key_id, std::string_view given,
                                          std::string_view string_to_sign,
                                          std::string_view canonical_request) {
  RefusalFields fields = {{"AWSAccessKeyId", std::string(key_id)},
                          {"StringToSign", std::string(string_to_sign)},
                          {"SignatureProvided", std::string(given)}};
  auto add = [&](std::string_view name, std::string text) {
    if (!text.empty()) fields.emplace_back(name, std::move(text));
  };
  add("StringToSignBytes", spaced_hex(string_to_sign));
  add("CanonicalRequest", std::string(canonical_request));
  add("CanonicalRequestBytes", spaced_hex(canonical_request));
  return refuse_auth(
      Problem::kSignature,
      "The request signature we calculated does not match the signature you provided. Check your "
      "key and signing method.",
      std::move(fields));
}

std::unexpected<Refusal> refuse_skewed(std::string_view request_time, const AuthOptions& options) {
  auto skew_max = std::chrono::duration_cast<std::chrono::milliseconds>(options.skew_max);
  return refuse_auth(Problem::kSkewed,
                     "The difference between the request time and the current time is too large.",
                     {{"RequestTime", std::string(request_time)},
                      {"ServerTime", to_string(whole_seconds(options.clock.now()))},
                      {"MaxAllowedSkewMilliseconds", std::to_string(skew_max.count())}});
}

std::unexpected<Refusal> refuse_expired_url(Timestamp expired, Timestamp now,
                                            std::string_view expires_seconds) {
  RefusalFields fields = {{"Expires", to_string(whole_seconds(expired))},
                          {"ServerTime", to_string(whole_seconds(now))}};
  if (!expires_seconds.empty())
    fields.insert(fields.begin(), {"X-Amz-Expires", std::string(expires_seconds)});
  return refuse_auth(Problem::kExpiredUrl, "Request has expired", std::move(fields));
}

Verdict authenticate_v4(http::Request& request, const Claim& claim, bool s3, const AuthOptions& options) {
  auto scope = check_scope(claim.scope, s3, !claim.presigned, options);
  if (!scope) return std::unexpected(std::move(scope).error());
  auto time = check_time(claim, options);
  if (!time) return std::unexpected(std::move(time).error());
  CanonicalHeaders headers = canonical_headers(request);
  auto all = check_headers_signed(headers, claim);
  if (!all) return std::unexpected(std::move(all).error());
  auto credential = find_credential(options, claim.scope.key_id, claim.token);
  if (!credential) return std::unexpected(std::move(credential).error());
  std::string key = options.keys != nullptr ? options.keys->get(credential->secret, claim.scope)
                                            : signing_key(credential->secret, claim.scope);
  bool unsigned_payload = request.header(kContentHash) == kUnsignedPayload;
  std::string body;
  std::string hash(kUnsignedPayload);
  if (s3) {
    auto word = s3_payload_hash(request, claim);
    if (!word) return std::unexpected(std::move(word).error());
    hash = *std::move(word);
  } else if (!unsigned_payload) {
    auto read = read_whole(request, options.payload_bytes_max);
    if (!read) return std::unexpected(std::move(read).error());
    body = *std::move(read);
    hash = sha256_hex(body);
  }
  auto right = check_signature(request, claim, headers, hash, key);
  if (!right) return std::unexpected(std::move(right).error());
  options.identities.used(claim.scope.key_id);

  Authenticated out;
  if (s3) {
    auto payload = s3_payload(request, &claim, key, out.aws_chunked);
    if (!payload) return std::unexpected(std::move(payload).error());
    out.payload = *std::move(payload);
  } else {
    out.payload = unsigned_payload ? plain_payload(request, "") : whole_payload(std::move(body));
  }
  out.principal = std::move(credential->principal);
  out.scheme = claim.presigned ? Scheme::kPresignedV4 : Scheme::kSigV4;
  out.service = claim.scope.service;
  out.region = claim.scope.region;
  return out;
}

}  // namespace tarn::aws
