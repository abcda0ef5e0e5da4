// Any bytes as a lake file: an answer or an error, never a crash, and the same one twice.

#include <cstdint>
#include <cstdlib>

#include "app/lake_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto first = tarn::app::parse_lake_file(text, "lake.yaml");
  auto second = tarn::app::parse_lake_file(text, "lake.yaml");
  if (first.has_value() != second.has_value()) std::abort();
  if (!first && first.error().message != second.error().message) std::abort();
  if (!first && first.error().message.empty()) std::abort();
  return 0;
}
