// Records out of files: NDJSON, JSON, CSV, Parquet; each record is one line of JSON.
//
// Owns: the open file or the DuckDB that reads Parquet.
// Threads: read() from one thread; progress from any.
// Fails: kInvalid, kCorrupt and kIo name the file and, where there are lines, the line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::app {

enum class RecordFormat { kNdjson, kJson, kCsv, kParquet };

Result<RecordFormat> parse_record_format(std::string_view name);
// By the name's ending, .gz and .zst aside; NDJSON when it tells nothing.
RecordFormat record_format_of(std::string_view path);

class RecordSource {
 public:
  struct Sink {
    std::function<Status(std::string_view record)> record;
    // A row that can't become a record: it was not sent, and the user is told.
    std::function<Status(std::string message)> bad;
  };
  static Result<std::unique_ptr<RecordSource>> open(const std::string& path, RecordFormat format);
  virtual ~RecordSource() = default;
  virtual Status read(const Sink& sink) = 0;
  virtual uint64_t total() const = 0;  // in bytes or records; 0: not known
  virtual uint64_t done() const = 0;
};

// Rows of Parquet files, in the files' order; times as RFC 3339 in UTC.
Result<std::unique_ptr<RecordSource>> open_parquet_source(const std::string& path);

}  // namespace tarn::app
