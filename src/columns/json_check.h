// Is a record one JSON object: the whole grammar over the tokens of a JsonIndex, and where its fields are.
//
// The verdict looks at every byte of the record and at nothing else, so it can't depend on which columns a
// query wants. Numbers of any size are legal here; whether they fit a column is for the shredder. Surrogates
// in \u escapes must be pairs, as the result could not be UTF-8 otherwise.
//
// Owns: the list of fields, reused from record to record.
// Threads: one thread.
// Fails: check() answers false, and fault() says what is wrong at which byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columns/json_index.h"

namespace tarn::columns {

// A field of an object, in place. Offsets count from JsonRecord::base.
struct JsonField {
  uint32_t key = 0;  // the first byte after the quote
  uint32_t key_bytes = 0;
  const uint32_t* value = nullptr;  // its first token
  const uint32_t* after = nullptr;  // the token after it: a comma or the closing brace
};

struct JsonRecord {
  const char* base = nullptr;
  uint32_t begin = 0;  // the record is [begin, end) from base
  uint32_t end = 0;
  bool escapes = false;  // there is a backslash in it
  std::vector<JsonField> fields;
};

class JsonChecker {
 public:
  // `index` is used for its unescape() alone.
  JsonChecker(const JsonIndex& index, int depth_max);

  // Begins a text of records that were indexed together.
  void open(const char* base, uint32_t bytes);

  // The next record of the text, in order. `tokens` are the index's from the record's first on.
  // REQUIRES: a byte that is no part of a number or word follows the record.
  bool check(const uint32_t* tokens, uint32_t begin, uint32_t end);

  const JsonRecord& record() const { return record_; }
  std::string fault() const;
  // The first token that wasn't looked at: the record's tokens end here or, after a fault, later.
  const uint32_t* stopped() const { return stopped_; }

 private:
  const uint32_t* value(const uint32_t* t);
  const uint32_t* nested(const uint32_t* t);
  bool key(const uint32_t* t, uint32_t& close);
  bool string(const uint32_t* t, uint32_t& close);
  bool escapes(uint32_t from, uint32_t to);
  bool fail(std::string_view reason, uint32_t at);
  const uint32_t* stop(std::string_view reason, uint32_t at);

  const JsonIndex& index_;
  int depth_max_;
  std::vector<char> closers_;  // of the objects and arrays that are open
  std::string scratch_;
  uint32_t bytes_ = 0;
  uint32_t next_backslash_ = 0;  // the first one that is not behind us; bytes_ when there is none
  JsonRecord record_;
  const uint32_t* stopped_ = nullptr;
  std::string_view reason_;
  uint32_t fault_at_ = 0;
};

// The end of a JSON number at `p`; null when it is malformed. REQUIRES: a byte that can't be in a number
// after it.
const char* number_end(const char* p);

// The last byte before `end` that is not white space. REQUIRES: there is one.
inline uint32_t last_byte(const char* base, uint32_t end) {
  do --end;
  while (static_cast<uint8_t>(base[end]) <= ' ');
  return end;
}

// The token after the value at `t`. REQUIRES: checked text.
inline const uint32_t* skip_value(const char* base, const uint32_t* t) {
  char c = base[*t++];
  if (c != '{' && c != '[') return t;
  for (int open = 1; open > 0; ++t) {
    c = base[*t];
    if (c == '{' || c == '[') ++open;
    if (c == '}' || c == ']') --open;
  }
  return t;
}

}  // namespace tarn::columns
