// Request targets taken apart: path, query, percent-encoding.
//
// Threads: pure functions.
// Fails: kInvalid for a percent sign that two hexadecimal digits don't follow.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tarn::http {

struct Target {
  std::string_view path;   // still encoded; "/" at least
  std::string_view query;  // without the question mark
};

// Takes the origin form ("/a?b") and the absolute form ("http://host/a?b").
Target split_target(std::string_view target);

Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// The first parameter of that name, decoded; one that is badly encoded is given as it came.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

// The segments of a path, each decoded: "/v1/streams/a%2Fb" gives v1, streams, a/b. A slash at the end adds
// none.
Result<std::vector<std::string>> path_segments(std::string_view path);

// "127.0.0.1" of "127.0.0.1:51234", as Request::remote() gives it.
std::string_view host_of(std::string_view remote);

}  // namespace tarn::http
