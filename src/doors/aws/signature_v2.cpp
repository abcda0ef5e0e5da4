// Version 2, which SDKs still use for signed URLs of S3 in some regions, and old clients in the header.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "doors/aws/signature.h"
#include "doors/http/url.h"

namespace tarn::aws {

namespace {

// Sub-resources that V2 signs, besides response-….
constexpr auto kSigned = std::to_array<std::string_view>(
    {"accelerate",  "acl",         "analytics",    "cors",        "defaultObjectAcl", "delete",
     "inventory",   "lifecycle",   "location",     "logging",     "metrics",          "notification",
     "object-lock", "partNumber",  "policy",       "replication", "requestPayment",   "restore",
     "select",      "select-type", "storageClass", "tagging",     "torrent",          "uploadId",
     "uploads",     "versionId",   "versioning",   "versions",    "website"});

// Sub-resources that came after V2: it doesn't sign them.
constexpr auto kNotSigned = std::to_array<std::string_view>(
    {"abac", "attributes", "encryption", "intelligent-tiering", "legal-hold", "metadataConfiguration",
     "metadataInventoryTable", "metadataJournalTable", "metadataTable", "ownershipControls", "policyStatus",
     "publicAccessBlock", "renameObject", "retention", "session"});

bool is_signed(std::string_view name) {
  return name.starts_with("response-") || std::ranges::find(kSigned, name) != kSigned.end();
}

bool is_header_of_v2(std::string_view name) {
  return name.starts_with("x-amz-") || name == "content-md5" || name == "content-type";
}

std::string_view trimmed(std::string_view value) {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t begin = value.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(kBlanks) + 1 - begin);
}

// By lower-case name. V4 makes runs of blanks one; V2 leaves them.
CanonicalHeaders headers_of_v2(const http::Request& request) {
  CanonicalHeaders out;
  for (auto [name, value] : request.headers()) {
    std::string low = lower_case(name);
    if (!is_header_of_v2(low)) continue;
    auto [at, is_new] = out.try_emplace(std::move(low));
    if (!is_new) at->second += ',';
    at->second += trimmed(value);
  }
  return out;
}

// What comes in a header and in the query, with two values, has none that could be signed for both.
void add(CanonicalHeaders& to, const Parameter& parameter) {
  std::string name = lower_case(parameter.name);
  if (!is_header_of_v2(name)) return;
  std::string_view value = trimmed(parameter.value);
  auto [at, is_new] = to.try_emplace(std::move(name), value);
  if (!is_new && at->second != value) at->second += fmt::format(",{}", value);
}

std::string to_sign(const http::Request& request, const CanonicalHeaders& headers, std::string_view time,
                    std::string_view host_bucket, bool bucket_slash) {
  http::Target target = http::split_target(request.target());
  std::vector<std::pair<std::string, std::string>> resources;  // name, as it is signed
  for (const Parameter& p : query_parameters(target.query)) {
    if (is_signed(p.name))
      resources.emplace_back(p.name, p.bare ? p.name : fmt::format("{}={}", p.name, p.value));
  }
  std::ranges::sort(resources);
  auto plain = [&](std::string_view name) {
    auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  };
  std::string out =
      fmt::format("{}\n{}\n{}\n{}\n", request.method(), plain("content-md5"), plain("content-type"), time);
  for (const auto& [name, value] : headers)
    if (name.starts_with("x-amz-")) out += fmt::format("{}:{}\n", name, value);
  if (!host_bucket.empty()) out += fmt::format("/{}", host_bucket);
  out += target.path;
  bool is_bucket = host_bucket.empty() && target.path.size() > 1 && target.path.rfind('/') == 0;
  if (bucket_slash && is_bucket) out += '/';
  char separator = '?';
  for (const auto& [name, text] : resources) {
    out += separator;
    out += text;
    separator = '&';
  }
  return out;
}

}  // namespace

std::string v2_to_sign(const http::Request& request, std::string_view expires, std::string_view host_bucket,
                       bool bucket_slash) {
  CanonicalHeaders headers = headers_of_v2(request);
  for (const Parameter& p : query_parameters(http::split_target(request.target()).query)) add(headers, p);
  return to_sign(request, headers, expires, host_bucket, bucket_slash);
}

std::string v2_header_to_sign(const http::Request& request, std::string_view date,
                              std::string_view host_bucket, bool bucket_slash) {
  return to_sign(request, headers_of_v2(request), trimmed(date), host_bucket, bucket_slash);
}

std::string signature_v2(std::string_view secret, std::string_view string_to_sign) {
  std::array<unsigned char, 20> digest{};
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(string_to_sign.data()), string_to_sign.size(), digest.data(),
       &size);
  std::string out(29, '\0');  // with EVP_EncodeBlock's zero at the end
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest.data(),
                  static_cast<int>(digest.size()));
  out.resize(28);
  return out;
}

std::string unsigned_by_v2(std::string_view raw_query) {
  for (const Parameter& p : query_parameters(raw_query)) {
    if (std::ranges::find(kNotSigned, p.name) != kNotSigned.end()) return p.name;
  }
  return {};
}

}  // namespace tarn::aws
