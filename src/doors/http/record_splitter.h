// Bodies taken apart into records: NDJSON line by line as it arrives, JSON as a whole.
//
// Records are only found here, not checked: what is wrong inside of one is the shredder's to say.
// Threads: one thread.
// Fails: what the sink fails with; kInvalid for a body that can't be taken apart.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tarn::http {

// simdjson and Validator read up to so many bytes past a record.
inline constexpr size_t kPaddingBytes = 64;

class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // A record; the bytes stay where they are until the next flush() returned. kPaddingBytes can be read after
  // them.
  virtual Status record(std::string_view data) = 0;
  // A record that was longer than the limit was left out.
  virtual Status oversized() = 0;
  // The records given so far are going to move: use them now.
  virtual Status flush() = 0;
};

// Lines of NDJSON in one reused buffer: read into space(), then say how much with added().
// Blank lines, a CR before the LF and a byte order mark at the start are left out; the last line needs no LF.
class LineSplitter {
 public:
  // About `buffer_bytes` are collected before the sink is flushed; one record may be larger.
  LineSplitter(RecordSink& sink, size_t buffer_bytes, size_t record_bytes_max);

  std::span<char> space() { return {buffer_.get() + end_, capacity_ - end_}; }  // never empty
  Status added(size_t bytes);
  // The end of the body. Records that weren't flushed stay where they are as long as the splitter.
  Status finish();

 private:
  Status line(size_t begin, size_t end);
  Status make_room();
  void resize(size_t capacity);

  RecordSink& sink_;
  const size_t record_bytes_max_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;  // without the padding
  size_t begin_ = 0;     // of the line that is not whole
  size_t scanned_ = 0;   // no LF between begin_ and here
  size_t end_ = 0;
  bool skipping_ = false;  // inside of a line that is too long
  bool first_line_ = true;
};

// The elements of a JSON array, or the one object that the body is: each as it was written. A body that is
// one object a line is taken for NDJSON, as many clients send that under JSON's content type. REQUIRES:
// kPaddingBytes can be read after `body`.
Result<std::vector<std::string_view>> split_json(std::string_view body);

}  // namespace tarn::http
