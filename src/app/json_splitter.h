// Cuts a JSON text into records as it streams in: the values of one array, or values one after the other.
//
// Only brackets, quotes and commas are looked at: whether a record is good JSON is the lake's to say. A
// newline between a record's tokens becomes a blank, because records travel one a line.
// Threads: one thread.
// Fails: kInvalid for text that can't be cut (a stray comma, a bracket too many, an end in the middle of a
// record); kTooLarge for a record over the limit.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::app {

class JsonSplitter {
 public:
  JsonSplitter(std::function<Status(std::string_view record)> record, size_t record_bytes_max)
      : record_(std::move(record)), record_bytes_max_(record_bytes_max) {}

  Status feed(std::string_view bytes);  // any split of the text
  Status finish();

 private:
  Status byte(char c);
  Status between(char c);  // outside of every record
  Status end_record();

  std::function<Status(std::string_view)> record_;
  size_t record_bytes_max_;
  std::string text_;
  uint64_t line_ = 1;
  bool begun_ = false;     // something that is no blank was seen
  bool in_array_ = false;  // the values are those of one array
  bool closed_ = false;    // the array has ended
  bool in_record_ = false;
  bool comma_ = false;  // the last thing between records was a comma
  bool quoted_ = false;
  bool escaped_ = false;
  int depth_ = 0;
};

}  // namespace tarn::app
