// Statements as anybody may send them: places that are found are in the text, and what is cut off stays off.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "query/sql_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::query;
  if (size < 1) return 0;
  std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (auto text = table_text(sql, data[0])) {
    bool ordered = text->begin == data[0] && text->begin < text->end && text->end <= text->at_begin &&
                   text->at_begin <= text->at_end && text->at_end <= sql.size();
    if (!ordered) std::abort();
  }
  std::string_view shorter = without_end(sql);
  if (shorter.size() > sql.size() || without_end(shorter) != shorter) std::abort();
  (void)has_words(sql, "not", "materialized");
  return 0;
}
