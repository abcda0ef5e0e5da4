// Files that nobody else may read: keys.
//
// Apart from base/file.h, because the mode must be right before the first byte is written, and is checked
// before the first one is read.
// Threads: any.
// Fails: kNotFound; kDenied when group or others can read the file, kTooLarge over kPrivateFileBytesMax, kIo.
// Durable: written when it returns; after a crash the file has its old content or the new one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::access {

inline constexpr size_t kPrivateFileBytesMax = 64 * 1024;  // some hundred keys

// With mode 0600 from the first moment, whatever the umask and the old file's mode.
Status write_private_file(const std::filesystem::path& path, std::string_view text);
Result<std::string> read_private_file(const std::filesystem::path& path);

}  // namespace tarn::access
