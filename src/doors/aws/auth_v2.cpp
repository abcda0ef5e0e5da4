// Version 2 in the header and in the query, and the signatures of HTML forms, V4 and V2.
#include <algorithm>
#include <charconv>
#include <functional>

#include <fmt/format.h>

#include "access/sealed.h"
#include "doors/aws/auth_parts.h"
#include "doors/aws/auth_time.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999

struct V2Claim {
  std::string key_id;
  std::string signature;
  std::string token;
};

std::expected<V2Claim, Refusal> claim_of_word(const http::Request& request, std::string_view word) {
  size_t colon = word.find(':');
  bool whole = colon != std::string_view::npos && colon > 0 && colon + 1 < word.size();
  if (!whole)
    return refuse_auth(Problem::kMalformedHeader,
                       "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
                       {{"ArgumentName", "Authorization"}, {"ArgumentValue", fmt::format("AWS {}", word)}});
  return V2Claim{.key_id = std::string(word.substr(0, colon)),
                 .signature = std::string(word.substr(colon + 1)),
                 .token = std::string(request.header("x-amz-security-token").value_or(""))};
}

// Gives what stands in the Date line that is signed.
std::expected<std::string_view, Refusal> signed_date(const http::Request& request,
                                                     const AuthOptions& options) {
  auto amz = request.header("x-amz-date");
  std::string_view text = amz ? *amz : request.header("date").value_or("");
  auto at = parse_date_header(text);
  if (!at || at->us < 0)
    return refuse_auth(Problem::kNoCredentials,
                       "AWS authentication requires a valid Date or x-amz-date header");
  Timestamp now = options.clock.now();
  if (*at > now + options.skew_max || now > *at + options.skew_max) return refuse_skewed(text, options);
  return amz ? std::string_view() : text;
}

struct V2Url {
  V2Claim claim;
  std::string expires;
};

std::expected<V2Url, Refusal> claim_of_url(const http::Request& request) {
  V2Url url;
  V2Claim& claim = url.claim;
  int key_ids = 0;
  int signatures = 0;
  int times = 0;
  for (Parameter& p : query_parameters(http::split_target(request.target()).query)) {
    if (p.name == "AWSAccessKeyId") {
      claim.key_id = std::move(p.value);
      ++key_ids;
    } else if (p.name == "Signature") {
      claim.signature = std::move(p.value);
      ++signatures;
    } else if (p.name == "Expires") {
      url.expires = std::move(p.value);
      ++times;
    } else if (lower_case(p.name) == "x-amz-security-token") {
      claim.token = std::move(p.value);
    }
  }
  bool whole = key_ids == 1 && signatures == 1 && times == 1 && !claim.key_id.empty() &&
               !claim.signature.empty() && !url.expires.empty();
  if (!whole)
    return refuse_auth(
        Problem::kNoCredentials,
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
  if (claim.token.empty()) claim.token = request.header("x-amz-security-token").value_or("");
  return url;
}

std::expected<void, Refusal> check_expires(const std::string& text, const AuthOptions& options) {
  int64_t at = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), at);
  if (error != std::errc() || end != text.data() + text.size() || at < 0 || at > kLastSecond)
    return refuse_auth(Problem::kNoCredentials,
                       fmt::format("Invalid date (should be seconds since epoch): {}", text));
  Timestamp expires{at * 1'000'000};
  Timestamp now = options.clock.now();
  if (now > expires) return refuse_expired_url(expires, now, {});
  return {};
}

// What is signed; of a bucket's own path, with or without a slash at its end.
using ToSign = std::function<std::string(bool bucket_slash)>;

// From the claim to a verified head, and the payload that goes with it.
Verdict verified(http::Request& request, const V2Claim& claim, const ToSign& to_sign, Scheme scheme,
                 const AuthOptions& options) {
  std::string_view query = http::split_target(request.target()).query;
  if (std::string name = unsigned_by_v2(query); !name.empty())
    return refuse_auth(
        Problem::kUnsupported,
        fmt::format("version 2 of the signature leaves '{}' unsigned, so that anybody could add it to "
                    "the URL. Please use AWS4-HMAC-SHA256.",
                    name));
  auto credential = find_credential(options, claim.key_id, claim.token);
  if (!credential) return std::unexpected(std::move(credential).error());
  auto is_right = [&](std::string_view text) {
    return access::equal_in_constant_time(signature_v2(credential->secret, text), claim.signature);
  };
  // botocore signs the slash and doesn't send it.
  std::string text = to_sign(false);
  if (!is_right(text) && !is_right(to_sign(true)))
    return refuse_signature(claim.key_id, claim.signature, text, {});
  options.identities.used(claim.key_id);
  Authenticated out;
  auto payload = s3_payload(request, nullptr, "", out.aws_chunked);
  if (!payload) return std::unexpected(std::move(payload).error());
  out.payload = *std::move(payload);
  out.principal = std::move(credential->principal);
  out.scheme = scheme;
  out.service = "s3";
  return out;
}

// A field of a form by its lower-case name; empty: it isn't there.
std::string_view field(const std::vector<std::pair<std::string, std::string>>& fields,
                       std::string_view name) {
  auto found = std::ranges::find(fields, name, [](const auto& f) { return std::string_view(f.first); });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

std::expected<access::Principal, Refusal> form_v4(
    const std::vector<std::pair<std::string, std::string>>& fields, const AuthOptions& options) {
  auto bad = [](std::string message) { return refuse_auth(Problem::kMalformedQuery, std::move(message)); };
  std::string_view algorithm = field(fields, "x-amz-algorithm");
  if (algorithm.starts_with("AWS4-ECDSA"))
    return refuse_auth(Problem::kUnsupported, "SigV4a is not supported. Please use AWS4-HMAC-SHA256.");
  if (algorithm != kV4Algorithm) return bad("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  auto scope = parse_scope(field(fields, "x-amz-credential"));
  if (!scope) return bad(fmt::format("Error parsing the X-Amz-Credential parameter; {}", scope.error()));
  std::string_view time = field(fields, "x-amz-date");
  if (!parse_amz_time(time))
    return bad("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (!time.starts_with(scope->date))
    return bad(fmt::format("Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                           scope->date, time.substr(0, 8)));
  auto fits = check_scope(*scope, true, false, options);
  if (!fits) return std::unexpected(std::move(fits).error());
  auto credential = find_credential(options, scope->key_id, field(fields, "x-amz-security-token"));
  if (!credential) return std::unexpected(std::move(credential).error());
  std::string_view policy = field(fields, "policy");
  std::string_view given = field(fields, "x-amz-signature");
  if (!access::equal_in_constant_time(signature_v4(signing_key(credential->secret, *scope), policy), given))
    return refuse_signature(scope->key_id, given, policy, {});
  options.identities.used(scope->key_id);
  return std::move(credential->principal);
}

}  // namespace

Verdict authenticate_v2_header(http::Request& request, std::string_view word, const AuthOptions& options) {
  auto claim = claim_of_word(request, word);
  if (!claim) return std::unexpected(std::move(claim).error());
  auto date = signed_date(request, options);
  if (!date) return std::unexpected(std::move(date).error());
  auto to_sign = [&](bool bucket_slash) {
    return v2_header_to_sign(request, *date, options.host_bucket, bucket_slash);
  };
  return verified(request, *claim, to_sign, Scheme::kSigV2, options);
}

Verdict authenticate_v2_query(http::Request& request, const AuthOptions& options) {
  auto url = claim_of_url(request);
  if (!url) return std::unexpected(std::move(url).error());
  auto time = check_expires(url->expires, options);
  if (!time) return std::unexpected(std::move(time).error());
  auto to_sign = [&](bool bucket_slash) {
    return v2_to_sign(request, url->expires, options.host_bucket, bucket_slash);
  };
  return verified(request, url->claim, to_sign, Scheme::kPresignedV2, options);
}

std::expected<access::Principal, Refusal> authenticate_form(
    const std::vector<std::pair<std::string, std::string>>& fields, const AuthOptions& options) {
  bool v4 = !field(fields, "x-amz-signature").empty() || !field(fields, "x-amz-credential").empty();
  bool v2 = !field(fields, "signature").empty() || !field(fields, "awsaccesskeyid").empty();
  if (v4 && v2) return refuse_auth(Problem::kTwoWays, "Only one auth mechanism allowed");
  if (field(fields, "policy").empty()) return refuse_auth(Problem::kNoCredentials, "Access Denied");
  if (v4) return form_v4(fields, options);
  std::string_view key_id = field(fields, "awsaccesskeyid");
  std::string_view given = field(fields, "signature");
  if (key_id.empty() || given.empty()) return refuse_auth(Problem::kNoCredentials, "Access Denied");
  auto credential = find_credential(options, key_id, field(fields, "x-amz-security-token"));
  if (!credential) return std::unexpected(std::move(credential).error());
  std::string_view policy = field(fields, "policy");
  if (!access::equal_in_constant_time(signature_v2(credential->secret, policy), given))
    return refuse_signature(key_id, given, policy, {});
  options.identities.used(key_id);
  return std::move(credential->principal);
}

}  // namespace tarn::aws
