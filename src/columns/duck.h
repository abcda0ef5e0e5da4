// DuckDB behind owning C++ types: a database, its connections, and results that are read chunk by chunk.
//
// Everything above reaches DuckDB through these and through the C API's vectors (duckdb.h).
// Owns: each class owns its C handle.
// Threads: a Database is shared; a Connection is used by one thread at a time, but interrupt() may come
// from any.
// Fails: DuckDB's error text, with kInvalid for what the SQL's author can mend, kCancelled when
// interrupted, kTooLarge when out of memory, kIo and kFull for files, kInternal otherwise.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb.h>

#include "base/error.h"
#include "columns/type.h"

namespace tarn::duck {

class Chunk {  // up to duckdb_vector_size() rows
 public:
  explicit Chunk(duckdb_data_chunk handle) : handle_(handle) {}
  Chunk(Chunk&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Chunk& operator=(Chunk&& other) noexcept;
  ~Chunk();
  size_t rows() const { return duckdb_data_chunk_get_size(handle_); }
  duckdb_vector column(size_t i) const { return duckdb_data_chunk_get_vector(handle_, i); }
  duckdb_data_chunk handle() const { return handle_; }

 private:
  duckdb_data_chunk handle_ = nullptr;
};

// A result that is produced as it is read: next() runs the query on.
class Rows {
 public:
  Rows(Rows&& other) noexcept;
  Rows& operator=(Rows&& other) noexcept;
  ~Rows();
  size_t columns() const;
  std::string name(size_t column) const;
  duckdb_type type(size_t column) const;
  // The caller destroys it with duckdb_destroy_logical_type.
  duckdb_logical_type logical_type(size_t column) const;
  Result<std::optional<Chunk>> next();

  // For small results: every row as text, NULL as nothing.
  Result<std::vector<std::vector<std::optional<std::string>>>> all_as_text() &&;

 private:
  friend class Connection;
  Rows() = default;
  duckdb_result result_{};
  bool owned_ = false;
};

class Connection {
 public:
  Connection(Connection&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();
  // Runs one statement; rows are fetched as they are needed.
  Result<Rows> stream(const std::string& sql);
  // Runs one or more statements to the end and drops their rows.
  Status run(const std::string& sql);
  // Runs one statement to the end; all its rows as text. For small results.
  Result<std::vector<std::vector<std::optional<std::string>>>> text(const std::string& sql);
  void interrupt() { duckdb_interrupt(handle_); }
  duckdb_connection handle() const { return handle_; }

 private:
  friend class Database;
  explicit Connection(duckdb_connection handle) : handle_(handle) {}
  duckdb_connection handle_ = nullptr;
};

class Database {
 public:
  // In memory. `settings` are DuckDB's own: memory_limit, threads, temp_directory, …
  static Result<std::unique_ptr<Database>> open(const std::map<std::string, std::string>& settings);
  ~Database();
  Result<Connection> connect();
  duckdb_database handle() const { return handle_; }

 private:
  Database() = default;
  duckdb_database handle_ = nullptr;
};

Error to_error(std::string_view duckdb_message, duckdb_error_type type);

// The logical type of a column's type; the caller destroys it.
duckdb_logical_type logical_type(const columns::Type& type);
// The other way; what Iceberg has no type for (HUGEINT, UNION, INTERVAL, ENUM …) becomes its nearest:
// unsigned and huge integers DECIMAL(38,0), the rest string. Ids are 0.
columns::Type column_type(duckdb_logical_type type);

}  // namespace tarn::duck
