// Where the tokens of JSON text are: simdjson's first stage, run over many records at once.
//
// The index lists the offset of every brace, bracket, comma, colon, and of the first byte of every string,
// number and word. On the way simdjson proves that the bytes are UTF-8, that every string is closed and that
// no string holds a control character. What the tokens mean is for json_check.h. Because no string may hold a
// newline, records that are separated by newlines can be indexed in one run: when it succeeds, each of them
// got the tokens that it would get by itself.
//
// Owns: the memory of the index, four times the largest text; what a text over kKeptBytes needed goes with
// the next.
// Threads: one thread.
// Fails: run() answers false; find_fault() then says why, for one record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tarn::columns {

inline constexpr size_t kJsonPadding = 64;  // bytes that must be readable after text that is read here

class JsonIndex {
 public:
  static constexpr size_t kKeptBytes = 256 * 1024;

  JsonIndex();
  ~JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;

  // REQUIRES: bytes below 4 GiB. False as well for text that has no token at all.
  bool run(const char* data, size_t bytes);

  // Offsets of the tokens in order; after the last one two more that are at least `bytes`. Valid until the
  // next run.
  const uint32_t* tokens() const { return tokens_; }

  // The text of a string whose first byte after the opening quote is at `source`, written to `out`, which has
  // room for the source's bytes and kJsonPadding more. Returns its end, or null when an escape is not legal.
  // REQUIRES: a closing quote, as run() found it, and kJsonPadding readable bytes after it.
  char* unescape(const char* source, char* out) const;

 private:
  struct Parser;
  std::unique_ptr<Parser> small_;
  std::unique_ptr<Parser> large_;  // only while the last text needed it
  const uint32_t* tokens_ = nullptr;
};

inline constexpr std::string_view kEmptyRecord = "not a JSON object: the record is empty";

// Why run() refused one record: "invalid UTF-8 at byte 17", …
std::string find_fault(std::string_view record);

// The offset of the first byte that is not UTF-8; text.size() when all is.
size_t utf8_fault(std::string_view text);

}  // namespace tarn::columns
