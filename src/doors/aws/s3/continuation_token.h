// Where a listing goes on, for clients that needn't understand it.
//
// Threads: pure functions.
// Fails: nothing for a text that isn't one of ours.
// Shapes: URL-safe base64 of a CRC32C of the key (4 bytes, little-endian) and the key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarn::aws::s3 {

std::string make_token(std::string_view key);
std::optional<std::string> read_token(std::string_view token);

}  // namespace tarn::aws::s3
