#include "doors/http/caller_check.h"

#include <algorithm>
#include <cctype>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace tarn::http {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Without the port, and without the brackets of an IPv6 address.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') - 1));
  return lower(host.substr(0, host.find(':')));
}

bool is_address(const std::string& name) {
  in6_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

}  // namespace

Status check_caller(const Request& request, std::span<const std::string> host_names, bool any_host) {
  auto host = request.header("Host");
  if (!any_host && host && !host->empty()) {
    std::string name = host_name(*host);
    bool known = name == "localhost" || name.ends_with(".localhost") || is_address(name) ||
                 std::ranges::any_of(host_names, [&](const std::string& n) { return lower(n) == name; });
    if (!known)
      return fail(Code::kDenied,
                  fmt::format("the Host header says '{}': this lake answers to localhost and to IP "
                              "addresses only",
                              name));
  }
  auto origin = request.header("Origin");
  if (!origin) return {};
  size_t scheme = origin->find("://");
  if (scheme == std::string_view::npos || !host || lower(origin->substr(scheme + 3)) != lower(*host))
    return fail(Code::kDenied, fmt::format("requests of web pages of '{}' are not taken", *origin));
  return {};
}

}  // namespace tarn::http
