// Keys and file names: one key has one path, the path stays under its bucket, and no two keys share one.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto path = tarn::store::key_to_path(text)) {
    auto key = tarn::store::path_to_key(*path);
    TARN_CHECK(key.has_value());
    TARN_CHECK(*key == text);
    TARN_CHECK(path->is_relative());
    TARN_CHECK(path->lexically_normal() == *path);
    for (const auto& name : *path) {
      TARN_CHECK(name != "..");
      TARN_CHECK(!name.empty());
      TARN_CHECK(name.native().size() <= 255);
    }
  }
  if (text.find('\0') == std::string_view::npos) {
    if (auto key = tarn::store::path_to_key(std::filesystem::path(std::string(text)))) {
      auto path = tarn::store::key_to_path(*key);
      TARN_CHECK(path.has_value());
      TARN_CHECK(path->native() == text);
    }
  }
  return 0;
}
