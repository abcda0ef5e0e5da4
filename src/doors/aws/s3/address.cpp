#include "doors/aws/s3/address.h"

#include <algorithm>

#include "doors/aws/s3/text.h"
#include "doors/http/url.h"

namespace tarn::aws::s3 {

namespace {

std::unexpected<S3Error> bad_uri(std::string_view target) {
  return refuse("InvalidURI", "Couldn't parse the specified URI.", {{"URI", std::string(target)}});
}

// In lower case, without port and the dot of a full name.
std::string host_name(std::string_view host) {
  size_t colon = host.rfind(':');
  bool is_v6 = host.starts_with('[');
  if (colon != std::string_view::npos && !is_v6) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower(host);
}

// The bucket in a virtual host; empty: the path has it. The longest domain that fits is meant, and a domain by
// itself is no bucket of a shorter one.
std::string bucket_of_host(const std::string& host, std::span<const std::string> domains) {
  std::string_view best;
  for (const std::string& domain : domains) {
    if (host == domain) return {};
    bool fits = host.size() > domain.size() + 1 && host.ends_with(domain) &&
                host[host.size() - domain.size() - 1] == '.';
    if (fits && domain.size() > best.size()) best = domain;
  }
  if (best.empty()) return {};
  return host.substr(0, host.size() - best.size() - 1);
}

S3Result<Query> parse_query(std::string_view text, std::string_view target) {
  Query out;
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    auto name = http::percent_decode(pair.substr(0, equals), true);
    auto value = http::percent_decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return bad_uri(target);
    out.emplace_back(*std::move(name), *std::move(value));
  }
  return out;
}

}  // namespace

S3Result<Address> parse_address(std::string_view host, std::string_view target,
                                std::span<const std::string> domains) {
  http::Target split = http::split_target(target);
  std::string_view path = split.path;
  if (!path.starts_with('/')) return bad_uri(target);
  path.remove_prefix(1);
  Address out;
  TARN_ASSIGN(out.query, parse_query(split.query, target));
  out.bucket = bucket_of_host(host_name(host), domains);
  out.in_host = !out.bucket.empty();
  if (!out.in_host && !path.empty()) {
    size_t slash = path.find('/');
    auto bucket = http::percent_decode(path.substr(0, slash));
    if (!bucket || bucket->empty()) return bad_uri(target);
    out.bucket = *std::move(bucket);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  auto key = http::percent_decode(path);
  if (!key) return bad_uri(target);
  out.key = *std::move(key);
  return out;
}

}  // namespace tarn::aws::s3
