// What COPY … (RETURN_STATS) says about the files that it wrote.
//
// Threads: one thread: it runs the statement.
// Fails: as the statement does; kInternal when the result has another shape than DuckDB documents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "columns/duck.h"

namespace tarn::lake {

struct CopiedColumn {
  std::vector<std::string> path;  // "s", "x" of the leaf s.x; "element", "key", "value" inside lists and maps
  std::optional<std::string> min;
  std::optional<std::string> max;
  int64_t bytes = 0;
  int64_t nulls = 0;
  int64_t values = 0;
  std::optional<bool> has_nan;
};

struct CopiedFile {
  std::string path;
  int64_t rows = 0;
  int64_t bytes = 0;
  std::vector<CopiedColumn> columns;
  std::map<std::string, std::optional<std::string>> keys;  // partition column → its value as text; null: NULL
};

Result<std::vector<CopiedFile>> run_copy(duck::Connection& connection, const std::string& sql);

// "\"a\".\"b\"\"c\"" → a, b"c
std::vector<std::string> split_column_path(std::string_view quoted);

}  // namespace tarn::lake
