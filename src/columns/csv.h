// CSV text as JSON records, as it streams in.
//
// RFC 4180 with a header line: quotes, doubled quotes, newlines in quotes, CRLF, LF or CR, a leading byte
// order mark. Each row becomes one JSON object; a value that looks like a JSON number or true/false is
// written as one, quoted or not, an empty unquoted value is left out, everything else is a string. Numbers
// keep their text (leading zeros: a string). Empty lines are skipped. A quote inside an unquoted value is a
// character like others. Bytes that are not UTF-8 are passed through: whoever reads the record reports them.
// Threads: one thread.
// Fails: a row with more or fewer values than the header, or with text behind a closing quote, is reported
// to the sink's error side with the number of its first line; an unclosed quote at the end, a header with
// an empty name or one that is there twice, and UTF-16 are kInvalid; a row over `row_bytes_max` is
// kTooLarge. After an error, the sink's too, the reader is done for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tarn::columns {

inline constexpr size_t kCsvColumnsMax = 100'000;  // of a header; more is kTooLarge

class CsvReader {
 public:
  struct Sink {
    // The texts are valid during the call.
    std::function<Status(std::string_view record)> record;
    std::function<Status(uint64_t line, std::string_view row, std::string_view reason)> bad_row;
  };
  // REQUIRES: the separator is neither a quote nor the end of a line.
  CsvReader(Sink sink, size_t row_bytes_max, char separator = ',');
  Status feed(std::string_view bytes);  // any split of the text
  Status finish();

 private:
  enum class State {
    kStart,          // of a value
    kPlain,          // in an unquoted value
    kQuoted,         // between quotes
    kQuoteInQuoted,  // behind a quote in quotes: the end, or the first of two
    kAfterCr,        // the row has ended; a LF belongs to its end
  };
  struct Value {
    std::string text;
    bool quoted = false;
  };

  Status skip_mark(std::string_view& bytes);
  Status rows(std::string_view bytes);
  Status step(char c);
  size_t run(std::string_view bytes);
  Value& value() { return row_[std::min(values_, slots_max_)]; }
  Status end_value(char c);
  Status end_row();
  Status take_header();
  Status take_row();
  Status bad_row(std::string_view reason);
  Status keep_raw(std::string_view bytes);
  void write_json();

  Sink sink_;
  size_t row_bytes_max_;
  char separator_;
  std::vector<std::string> header_;  // "name": as JSON
  // This row's values; the strings are used again. Behind the header's count one slot takes whatever else
  // comes.
  std::vector<Value> row_;
  size_t slots_max_ = kCsvColumnsMax;
  size_t values_ = 0;  // that have ended
  std::string raw_;    // the row as it came
  std::string json_;   // used again
  std::string mark_;   // the first bytes, until it's clear whether they are a byte order mark
  bool marked_ = false;
  uint64_t line_ = 1;
  uint64_t row_line_ = 1;  // where the row starts
  bool text_behind_quote_ = false;
  State state_ = State::kStart;
};

}  // namespace tarn::columns
