#include "doors/http/url.h"

#include <algorithm>

#include <fmt/format.h>

namespace tarn::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Target split_target(std::string_view target) {
  if (!target.starts_with('/')) {
    size_t scheme = target.find("://");
    size_t slash = scheme == std::string_view::npos ? scheme : target.find('/', scheme + 3);
    if (scheme != std::string_view::npos)
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  size_t question = target.find('?');
  Target out{target.substr(0, question), {}};
  if (question != std::string_view::npos) out.query = target.substr(question + 1);
  if (out.path.empty()) out.path = "/";
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(Code::kInvalid, fmt::format("'{}': after % there must be two hexadecimal digits", text));
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    size_t equals = pair.find('=');
    std::string_view raw_value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    auto key = percent_decode(pair.substr(0, equals), true);
    if (!key || *key != name) continue;
    auto value = percent_decode(raw_value, true);
    return value ? *std::move(value) : std::string(raw_value);
  }
  return std::nullopt;
}

Result<std::vector<std::string>> path_segments(std::string_view path) {
  std::vector<std::string> out;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    size_t slash = path.find('/');
    TARN_ASSIGN(std::string segment, percent_decode(path.substr(0, slash)));
    out.push_back(std::move(segment));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return out;
}

std::string_view host_of(std::string_view remote) {
  return remote.substr(0, std::min(remote.rfind(':'), remote.size()));
}

}  // namespace tarn::http
