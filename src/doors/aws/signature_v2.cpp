// Version 2, which SDKs still use for signed URLs of S3 in some regions.
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
    {"attributes", "encryption", "intelligent-tiering", "legal-hold", "metadataConfiguration",
     "metadataTable", "ownershipControls", "policyStatus", "publicAccessBlock", "renameObject", "retention",
     "session"});

bool is_signed(std::string_view name) {
  return name.starts_with("response-") || std::ranges::find(kSigned, name) != kSigned.end();
}

// What comes in a header and in the query, with two values, has none that could be signed for both.
void add(CanonicalHeaders& to, std::string_view name, const std::string& value) {
  auto [at, is_new] = to.try_emplace(std::string(name), value);
  if (!is_new && at->second != value) at->second += "," + value;
}

}  // namespace

std::string v2_to_sign(const http::Request& request, std::string_view expires, std::string_view host_bucket) {
  http::Target target = http::split_target(request.target());
  CanonicalHeaders amz;
  CanonicalHeaders plain;
  auto take = [&](std::string_view name, const std::string& value) {
    if (name.starts_with("x-amz-")) add(amz, name, value);
    if (name == "content-md5" || name == "content-type") add(plain, name, value);
  };
  for (const auto& [name, value] : canonical_headers(request)) take(name, value);
  std::vector<std::pair<std::string, std::string>> resources;  // name, as it is signed
  for (const Parameter& p : query_parameters(target.query)) {
    take(lower_case(p.name), p.value);
    if (is_signed(p.name)) resources.emplace_back(p.name, p.bare ? p.name : p.name + "=" + p.value);
  }
  std::ranges::sort(resources);
  std::string out =
      fmt::format("{}\n{}\n{}\n{}\n", request.method(), plain["content-md5"], plain["content-type"], expires);
  for (const auto& [name, value] : amz) out += name + ":" + value + "\n";
  if (!host_bucket.empty()) out += fmt::format("/{}", host_bucket);
  out += target.path;
  char separator = '?';
  for (const auto& [name, text] : resources) {
    out += separator;
    out += text;
    separator = '&';
  }
  return out;
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
