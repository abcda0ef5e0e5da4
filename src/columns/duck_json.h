// One value of a DuckDB vector as JSON, or as plain text.
//
// Numbers keep their digits (decimals and huge integers too); NaN and infinities are null; timestamps with a
// zone are RFC 3339 in UTC, those without have no Z; dates YYYY-MM-DD; times HH:MM:SS[.ffffff]; intervals ISO
// 8601 (P1Y2M3DT4.5S); blobs are text in which bytes that aren't printable ASCII are \xNN, as DuckDB shows
// them; structs and maps are objects, lists arrays.
// Owns: LogicalType owns its C handle.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <duckdb.h>

namespace tarn::duck {

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type handle) : handle_(handle) {}
  LogicalType(LogicalType&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  LogicalType& operator=(LogicalType&& other) noexcept;
  ~LogicalType();
  duckdb_logical_type get() const { return handle_; }
  duckdb_type id() const { return duckdb_get_type_id(handle_); }

 private:
  duckdb_logical_type handle_;
};

// True when append_json() knows the type, at every depth.
bool can_be_json(duckdb_logical_type type);

// REQUIRES: can_be_json(type).
void append_json(duckdb_vector vector, duckdb_logical_type type, size_t row, std::string& out);

// The same without quotes around texts, dates and the like; nothing for NULL.
std::optional<std::string> value_text(duckdb_vector vector, duckdb_logical_type type, size_t row);

// The type as SQL writes it: BIGINT, DECIMAL(10,2), STRUCT("a" BIGINT), VARCHAR[].
std::string type_text(duckdb_logical_type type);

void append_json_string(std::string_view text, std::string& out);

}  // namespace tarn::duck
