#include "doors/aws/signature.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "access/sealed.h"

namespace tarn::aws {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string squeezed(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (char c : value) {
    if (!is_blank(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// As the SDKs do it: only a slash at the very end leaves one at the end.
std::string tidied(std::string_view path) {
  std::vector<std::string_view> kept;
  for (size_t at = 0; at <= path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string_view segment = path.substr(at, end - at);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  std::string out;
  for (std::string_view segment : kept) {
    out += '/';
    out += segment;
  }
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
             nullptr);
  return to_hex({digest.data(), digest.size()});
}

std::string uri_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '%' && i + 2 < text.size();
    int high = escape ? hex_value(text[i + 1]) : -1;
    int low = escape ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

// A plus is a blank, as whoever acts on the query takes it: what is signed and what is done must not differ.
std::string query_decode(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return uri_decode(plain);
}

std::vector<Parameter> query_parameters(std::string_view raw_query) {
  std::vector<Parameter> out;
  while (!raw_query.empty()) {
    std::string_view item = raw_query.substr(0, raw_query.find('&'));
    raw_query.remove_prefix(std::min(item.size() + 1, raw_query.size()));
    if (item.empty()) continue;
    size_t equals = item.find('=');
    bool bare = equals == std::string_view::npos;
    out.push_back({.name = query_decode(item.substr(0, equals)),
                   .value = bare ? std::string() : query_decode(item.substr(equals + 1)),
                   .bare = bare});
  }
  return out;
}

std::string canonical_path(std::string_view raw_path, bool s3) {
  if (raw_path.empty()) return "/";
  return s3 ? uri_encode(uri_decode(raw_path), true) : uri_encode(tidied(raw_path), true);
}

std::string canonical_query(std::string_view raw_query, std::span<const std::string_view> without) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const Parameter& p : query_parameters(raw_query)) {
    if (std::ranges::find(without, p.name) != without.end()) continue;
    encoded.emplace_back(uri_encode(p.name, false), uri_encode(p.value, false));
  }
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

CanonicalHeaders canonical_headers(const http::Request& request) {
  CanonicalHeaders out;
  for (auto [name, value] : request.headers()) {
    auto [at, is_new] = out.try_emplace(lower_case(name));
    if (!is_new) at->second += ',';
    at->second += squeezed(value);
  }
  return out;
}

std::string Scope::text() const {
  return fmt::format("{}/{}/{}/{}", date, region, service, kScopeEnd);
}

Signing sign_v4(const SignedParts& parts, const CanonicalHeaders& headers, const Scope& scope) {
  std::string lines;
  std::string names;
  for (const std::string& name : parts.signed_headers) {
    auto found = headers.find(name);
    lines += name;
    lines += ':';
    if (found != headers.end()) lines += found->second;
    lines += '\n';
    if (!names.empty()) names += ';';
    names += name;
  }
  Signing out;
  out.canonical_request = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", parts.method, parts.path, parts.query, lines,
                                      names, parts.payload_hash);
  out.string_to_sign = fmt::format("{}\n{}\n{}\n{}", kV4Algorithm, parts.time, scope.text(),
                                   sha256_hex(out.canonical_request));
  return out;
}

std::string signing_key(std::string_view secret, const Scope& scope) {
  std::string key = hmac_sha256(fmt::format("AWS4{}", secret), scope.date);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  return hmac_sha256(key, kScopeEnd);
}

std::string signature_v4(std::string_view signing_key, std::string_view string_to_sign) {
  return to_hex(hmac_sha256(signing_key, string_to_sign));
}

std::string chunk_to_sign(std::string_view time, const Scope& scope, std::string_view previous,
                          std::string_view chunk_hash) {
  return fmt::format("{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}", kV4Algorithm, time, scope.text(), previous,
                     kEmptySha256, chunk_hash);
}

std::string trailer_to_sign(std::string_view time, const Scope& scope, std::string_view previous,
                            std::string_view trailer_hash) {
  return fmt::format("{}-TRAILER\n{}\n{}\n{}\n{}", kV4Algorithm, time, scope.text(), previous, trailer_hash);
}

std::string SigningKeys::get(std::string_view secret, const Scope& scope) {
  const std::string name = scope.key_id + "/" + scope.text();
  // A key id that was made again has another secret.
  if (auto kept = kept_.find(name); kept && access::equal_in_constant_time(kept->secret, secret))
    return std::move(kept->key);
  std::string key = signing_key(secret, scope);
  kept_.put(name, Kept{std::string(secret), key});
  return key;
}

}  // namespace tarn::aws
