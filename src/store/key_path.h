// How one key is spelled as file names: the pieces that the store and its listing share.
//
// A key's last component names a file (a leaf), the others folders; a component that is too long for a file
// name is a chain of folders that end in "%+". The three kinds never share a name, so "a" and "a/b" can both
// exist. The whole mapping is in docs/formats/store.md.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::store {

inline constexpr size_t kKeyBytesMax = 1024;   // as S3
inline constexpr size_t kPieceBytesMax = 200;  // of one file name before its mark; file systems allow 255

// kInvalid for what S3 wouldn't take as a key: empty, too long, not UTF-8.
Status check_key(std::string_view key);
// kInvalid for what isn't the name of a bucket: 3 to 63 of a-z, 0-9, '-' and '.'.
Status check_bucket(std::string_view bucket);

enum class NameKind {
  kLeaf,    // the file of an object
  kFolder,  // a component that goes on with '/'
  kChain,   // the beginning of a component that goes on in the folder
};

struct Name {
  NameKind kind = NameKind::kLeaf;
  std::string text;  // the piece of the key
};

// Reads one file name. Nothing for a name that key_to_path never makes; some others pass, so that a path that
// was put together from such names is to be compared with key_to_path() of its key.
std::optional<Name> decode_name(std::string_view name);

// The relative folder of every key that starts with `prefix`; `prefix` is empty or ends with '/'.
std::string folder_of(std::string_view prefix);

}  // namespace tarn::store
