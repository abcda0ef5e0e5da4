#include "doors/aws/auth_claim.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "doors/aws/auth_time.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

constexpr std::string_view kMalformed = "The authorization header is malformed; ";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool is_header_name(std::string_view name) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
}

// Sorted, in lower case; nothing: no list of names.
std::optional<std::vector<std::string>> parse_signed_headers(std::string_view text) {
  std::vector<std::string> names;
  for (std::string_view name : split(text, ';')) {
    std::string low = lower_case(name);
    if (!is_header_name(low)) return std::nullopt;
    names.push_back(std::move(low));
  }
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end()) return std::nullopt;
  return names;
}

std::string other_day(const Scope& scope, std::string_view time) {
  return fmt::format("Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                     scope.date, time.substr(0, 8));
}

std::unexpected<Refusal> malformed(std::string_view what) {
  return refuse_auth(Problem::kMalformedHeader, fmt::format("{}{}", kMalformed, what));
}
std::unexpected<Refusal> bad_query(std::string what) {
  return refuse_auth(Problem::kMalformedQuery, std::move(what));
}

// Credential=…, SignedHeaders=…, Signature=…, each once, in any order.
std::expected<std::map<std::string_view, std::string_view>, Refusal> components(std::string_view text) {
  constexpr std::string_view kThree =
      "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
  std::map<std::string_view, std::string_view> out;
  for (std::string_view item : split(text, ',')) {
    item = trimmed(item);
    size_t equals = item.find('=');
    if (equals == std::string_view::npos) return malformed(kThree);
    std::string_view name = item.substr(0, equals);
    bool known = name == "Credential" || name == "SignedHeaders" || name == "Signature";
    if (!known || !out.emplace(name, item.substr(equals + 1)).second) return malformed(kThree);
  }
  bool whole = out.size() == 3 && std::ranges::none_of(out, [](const auto& c) { return c.second.empty(); });
  if (!whole) return malformed(kThree);
  return out;
}

// X-Amz-Date, else Date.
std::optional<Timestamp> time_of(const http::Request& request, bool& given) {
  auto amz = request.header("x-amz-date");
  auto text = amz ? amz : request.header("date");
  given = text && !text->empty();
  return given ? parse_date_header(*text) : std::nullopt;
}

std::expected<int64_t, Refusal> parse_expires(std::string_view text) {
  int64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size())
    return bad_query("X-Amz-Expires should be a number");
  if (seconds < 0) return bad_query("X-Amz-Expires must be non-negative");
  if (seconds > kExpiresSecondsMax)
    return bad_query(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
        "than "
        "604800 seconds");
  return seconds;
}

}  // namespace

std::unexpected<Refusal> refuse_auth(Problem problem, std::string message, RefusalFields fields) {
  return std::unexpected(
      Refusal{.problem = problem, .message = std::move(message), .fields = std::move(fields)});
}

std::optional<std::string> signed_parameter(const http::Request& request, std::string_view name) {
  for (Parameter& p : query_parameters(http::split_target(request.target()).query)) {
    if (p.name == name) return std::move(p.value);
  }
  return std::nullopt;
}

std::expected<Scope, std::string> parse_scope(std::string_view credential) {
  constexpr std::string_view kForm =
      "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
  std::vector<std::string_view> parts = split(credential, '/');
  if (parts.size() != 5) return std::unexpected(std::string(kForm));
  if (parts[0].empty())
    return std::unexpected("a non-empty Access Key (AKID) must be provided in the credential.");
  bool is_date = parts[1].size() == 8 && parse_amz_time(std::string(parts[1]) + "T000000Z").has_value();
  if (!is_date)
    return std::unexpected(fmt::format(
        "incorrect date format \"{}\". This date in the credential must be in the format \"yyyyMMdd\".",
        parts[1]));
  if (parts[2].empty() || parts[3].empty()) return std::unexpected(std::string(kForm));
  if (parts[4] != kScopeEnd)
    return std::unexpected(
        fmt::format("incorrect terminal \"{}\". This endpoint uses \"{}\".", parts[4], kScopeEnd));
  return Scope{.key_id = std::string(parts[0]),
               .date = std::string(parts[1]),
               .region = std::string(parts[2]),
               .service = std::string(parts[3])};
}

std::expected<Claim, Refusal> claim_of_header(const http::Request& request, std::string_view authorization,
                                              bool s3) {
  std::string_view rest = authorization;
  rest.remove_prefix(std::min(kV4Algorithm.size(), rest.size()));
  auto parts = components(rest);
  if (!parts) return std::unexpected(std::move(parts).error());
  Claim claim;
  auto scope = parse_scope((*parts)["Credential"]);
  if (!scope) return malformed(scope.error());
  claim.scope = *std::move(scope);
  auto names = parse_signed_headers((*parts)["SignedHeaders"]);
  if (!names) return malformed("SignedHeaders must be names of headers, each once, separated by semicolons.");
  claim.signed_headers = *std::move(names);
  claim.signature = (*parts)["Signature"];
  bool given = false;
  auto at = time_of(request, given);
  if (!at && s3)
    return refuse_auth(Problem::kNoCredentials,
                       "AWS authentication requires a valid Date or x-amz-date header");
  if (!at && !given)
    return malformed("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  if (!at) return malformed("Date must be in ISO-8601 'basic format', like 20260131T120000Z.");
  claim.at = *at;
  claim.time = amz_time(*at);
  if (!claim.time.starts_with(claim.scope.date)) return malformed(other_day(claim.scope, claim.time));
  claim.token = request.header("x-amz-security-token").value_or("");
  if (claim.token.empty()) claim.token = signed_parameter(request, "X-Amz-Security-Token").value_or("");
  return claim;
}

std::expected<Claim, Refusal> claim_of_query(const http::Request& request) {
  constexpr std::array<std::string_view, 7> kNames = {
      "X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Signature",     "X-Amz-Date",
      "X-Amz-SignedHeaders", "X-Amz-Expires",    "X-Amz-Security-Token"};
  std::map<std::string_view, std::string> given;
  for (Parameter& p : query_parameters(http::split_target(request.target()).query)) {
    auto name = std::ranges::find(kNames, p.name);
    if (name == kNames.end()) continue;
    if (!given.emplace(*name, std::move(p.value)).second)
      return bad_query(
          fmt::format("Query-string authentication takes one {} parameter, not several.", *name));
  }
  for (std::string_view name : kNames) {
    if (given[name].empty() && name != kNames.back())
      return bad_query(
          "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
          "X-Amz-Signature, "
          "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  if (given["X-Amz-Algorithm"].starts_with("AWS4-ECDSA"))
    return refuse_auth(Problem::kUnsupported, "SigV4a is not supported. Please use AWS4-HMAC-SHA256.");
  if (given["X-Amz-Algorithm"] != kV4Algorithm)
    return bad_query("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  Claim claim;
  claim.presigned = true;
  auto scope = parse_scope(given["X-Amz-Credential"]);
  if (!scope)
    return bad_query(fmt::format("Error parsing the X-Amz-Credential parameter; {}", scope.error()));
  claim.scope = *std::move(scope);
  auto names = parse_signed_headers(given["X-Amz-SignedHeaders"]);
  if (!names)
    return bad_query("X-Amz-SignedHeaders must be names of headers, each once, separated by semicolons.");
  claim.signed_headers = *std::move(names);
  claim.signature = given["X-Amz-Signature"];
  claim.time = given["X-Amz-Date"];
  auto at = parse_amz_time(claim.time);
  if (!at) return bad_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  claim.at = *at;
  if (!claim.time.starts_with(claim.scope.date)) return bad_query(other_day(claim.scope, claim.time));
  auto expires = parse_expires(given["X-Amz-Expires"]);
  if (!expires) return std::unexpected(std::move(expires).error());
  claim.expires_seconds = *expires;
  claim.token = given["X-Amz-Security-Token"];
  if (claim.token.empty()) claim.token = request.header("x-amz-security-token").value_or("");
  return claim;
}

}  // namespace tarn::aws
