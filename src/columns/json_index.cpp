// simdjson's first stage behind JsonIndex: see json_index.h.
#include "columns/json_index.h"

#include <new>

#include <simdjson.h>

namespace tarn::columns {

struct JsonIndex::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;

  explicit Parser(size_t capacity) {
    // The depth is the second stage's, which is ours.
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stages))
      throw std::bad_alloc();
  }
};

JsonIndex::JsonIndex() : small_(std::make_unique<Parser>(kKeptBytes)) {}
JsonIndex::~JsonIndex() = default;

bool JsonIndex::run(const char* data, size_t bytes) {
  large_.reset();
  if (bytes > kKeptBytes) large_ = std::make_unique<Parser>(bytes);
  auto& stages = *(large_ ? large_ : small_)->stages;
  if (stages.stage1(reinterpret_cast<const uint8_t*>(data), bytes, simdjson::stage1_mode::regular))
    return false;
  // simdjson left room for three more entries.
  uint32_t* tokens = stages.structural_indexes.get();
  uint32_t count = stages.n_structural_indexes;
  tokens[count] = static_cast<uint32_t>(bytes);
  tokens[count + 1] = static_cast<uint32_t>(bytes);
  tokens_ = tokens;
  return true;
}

char* JsonIndex::unescape(const char* source, char* out) const {
  return reinterpret_cast<char*>(small_->stages->parse_string(reinterpret_cast<const uint8_t*>(source),
                                                              reinterpret_cast<uint8_t*>(out)));
}

size_t utf8_fault(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  size_t i = 0;
  while (i < text.size()) {
    uint8_t lead = byte(i);
    if (lead < 0x80) {
      ++i;
    } else if (lead >= 0xC2 && lead <= 0xDF && tail(i + 1)) {
      i += 2;
    } else if ((lead & 0xF0) == 0xE0 && tail(i + 1) && tail(i + 2)) {
      if (lead == 0xE0 && byte(i + 1) < 0xA0) return i;  // longer than need be
      if (lead == 0xED && byte(i + 1) > 0x9F) return i;  // a surrogate
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4 && tail(i + 1) && tail(i + 2) && tail(i + 3)) {
      if (lead == 0xF0 && byte(i + 1) < 0x90) return i;
      if (lead == 0xF4 && byte(i + 1) > 0x8F) return i;
      i += 4;
    } else {
      return i;
    }
  }
  return i;
}

std::string find_fault(std::string_view record) {
  if (record.find_first_not_of(" \t\r\n") == record.npos) return std::string(kEmptyRecord);
  if (size_t at = utf8_fault(record); at < record.size())
    return "invalid UTF-8 at byte " + std::to_string(at);
  bool in_string = false;
  size_t opened = 0;
  for (size_t i = 0; i < record.size(); ++i) {
    char c = record[i];
    if (c == '\\') {
      // As simdjson sees it, a backslash hides the next byte outside of strings too; a control character
      // inside a string stays one.
      bool control = i + 1 < record.size() && in_string && static_cast<uint8_t>(record[i + 1]) < 0x20;
      if (!control) ++i;
    } else if (c == '"') {
      in_string = !in_string;
      opened = i;
    } else if (in_string && static_cast<uint8_t>(c) < 0x20) {
      return "control character in a string at byte " + std::to_string(i);
    }
  }
  if (in_string) return "a string without end, opened at byte " + std::to_string(opened);
  return "not JSON";
}

}  // namespace tarn::columns
