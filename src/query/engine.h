// SQL over the lake's tables: one statement in, batches out.
//
// A statement is one SELECT (also WITH, VALUES, FROM-first, DESCRIBE, SHOW TABLES, SUMMARIZE, EXPLAIN) in
// DuckDB's SQL. Only tables of the catalog and system.* can be named; files, network, settings and extensions
// can't be reached. A stream's table shows its delivered and undelivered rows as of the moment the query
// began (I3); with AT (VERSION => snapshot id) or AT (TIMESTAMP => …) the table as that snapshot has it.
//
// Every table that a statement reads is asked about at the guard, for the principal who asks; names of tables
// that it may not read are not shown to it.
//
// Owns: a pool of connections. Borrows the database, the catalog, the tails and the guard.
// Threads: any; a Running query is one thread's, but cancel() may come from any.
// Fails: kInvalid (with DuckDB's message, which points at the place), kNotFound for tables with the nearest
// name, kDenied for what the sandbox refuses, kTimeout, kCancelled, kTooLarge (memory), kBusy (too many
// queries).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/guard.h"
#include "access/principal.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/time.h"
#include "columns/duck.h"
#include "columns/records.h"
#include "lake/catalog.h"
#include "query/tail.h"

namespace tarn::query {

struct Limits {
  int queries_max = 16;                         // at once; more are kBusy
  Duration timeout = std::chrono::minutes(10);  // of one query, unless it asks for less
};

class Running {
 public:
  virtual ~Running() = default;                // cancels what still runs
  virtual const duck::Rows& rows() const = 0;  // names and types
  virtual Result<std::optional<duck::Chunk>> next() = 0;
  virtual void cancel() = 0;
};

// Who asks; borrowed for the call.
struct Asker {
  const access::Principal& principal;
  std::string_view source_ip = {};
  std::string_view request_id = {};
  const access::Context* context = nullptr;  // what the door knows of the request: aws:SecureTransport …
};

// Whether whoever asked has gone.
using Abandoned = std::function<bool()>;

struct TemporaryFile {
  explicit TemporaryFile(std::filesystem::path p) : path(std::move(p)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::filesystem::path path;
};

class Engine {
 public:
  struct Parts {
    duck::Database& database;
    lake::Catalog& catalog;
    Tails& tails;
    columns::Scans& scans;
    const access::Guard& guard;
    Metrics& metrics;
    Limits limits;
    std::filesystem::path spill_folder;  // for export_parquet()
  };
  static Result<std::unique_ptr<Engine>> open(Parts parts);
  virtual ~Engine() = default;
  // Returns once the first rows are there (or it failed), which may take as long as the query. `timeout`: at
  // most the limit's. `abandoned` is asked now and then, on another thread, until the query ended; true
  // cancels it.
  virtual Result<std::unique_ptr<Running>> start(const std::string& sql, const Asker& asker,
                                                 std::optional<Duration> timeout,
                                                 Abandoned abandoned = nullptr) = 0;
  // Runs the statement to its end into one Parquet file, which is removed with the value.
  virtual Result<std::unique_ptr<TemporaryFile>> export_parquet(const std::string& sql, const Asker& asker,
                                                                std::optional<Duration> timeout,
                                                                Abandoned abandoned = nullptr) = 0;
};

// DuckDB's settings for the whole process.
struct DatabaseOptions {
  uint64_t memory_bytes = 0;  // 0: half of the machine's
  int threads = 0;            // 0: one a core
  std::string spill_folder;
  // What SQL may touch on disk: the store's root, its staging folder, the spill folder. Everything else is
  // refused by DuckDB itself, whatever a statement says (the second fence behind parse_statement's).
  std::vector<std::string> folders;
};
// Registers the functions that tables and streams need (records of `scans`, partition transforms), then locks
// DuckDB's configuration. REQUIRES: `scans` outlives the database.
Result<std::unique_ptr<duck::Database>> open_database(const DatabaseOptions& options, columns::Scans& scans);

}  // namespace tarn::query
