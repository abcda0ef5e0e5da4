// Results as text: JSON, NDJSON, CSV, or a table for people.
//
// JSON numbers keep their digits; BIGINT beyond 2^53 and DECIMAL are numbers too (as DuckDB writes them); NaN
// and infinities are null; timestamps are RFC 3339 in UTC; structs and lists are objects and arrays. Threads:
// one writer, one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "columns/duck.h"

namespace tarn::query {

enum class Format { kJson, kNdjson, kCsv };
Result<Format> parse_format(std::string_view name);

// Turns a result into bytes, piece by piece: begin, chunks, end.
//   kJson: {"columns":[{"name":…,"type":…}…],"rows":[[…],…]}   kNdjson: one object a row   kCsv: header, RFC
//   4180
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual void begin(const duck::Rows& rows, std::string& out) = 0;
  virtual void chunk(const duck::Chunk& chunk, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
  static std::unique_ptr<ResultWriter> make(Format format);
};

}  // namespace tarn::query
