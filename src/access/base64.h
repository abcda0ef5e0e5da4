// Base64 as RFC 4648 has it: the ordinary alphabet with padding, and the one for URLs without.
//
// Threads: pure functions.
// Fails: nothing for text that isn't the one form that encoding gives (bits left over, blanks, wrong padding).
// Source: RFC 4648, sections 4 and 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarn::access {

std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
std::string base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace tarn::access
