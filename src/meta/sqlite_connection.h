// One connection to an SQLite file: opening it as the metastore needs it, prepared statements, errors.
//
// Owns: the connection and its prepared statements.
// Threads: one at a time.
// Fails: kBusy, kFull, kIo, kCorrupt, kExists (a key that is there already), kConflict (another
// constraint), kInternal (SQL that is wrong). Messages name the file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "meta/metastore.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tarn::meta {

inline constexpr int kBusyTimeoutMs = 10'000;  // how long a statement waits for another process's lock
inline constexpr size_t kPreparedStatementsMax = 256;  // past it they are prepared anew
inline constexpr int kWriterCacheKib = 64 * 1024;
inline constexpr int kReaderCacheKib = 8 * 1024;  // one of several, and emptied whenever somebody committed
// When the write-ahead log is folded into the file: rarely, so that a page that changes often is copied once.
inline constexpr int kCheckpointPages = 8192;
// Readers who overlap keep the log from being begun anew. Past so many pages of it a writer waits for them, a moment
// for every kCheckpointPages more.
inline constexpr int kLogPagesMax = 4 * kCheckpointPages;
inline constexpr int kCheckpointWaitMs = 100;

class SqliteConnection {
 public:
  enum class Mode { kWriter, kReader };
  static Result<std::unique_ptr<SqliteConnection>> open(const std::filesystem::path& file, Mode mode);
  ~SqliteConnection();

  // Runs statements that give no rows and take no parameters.
  Status run(const std::string& sql);
  Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters);
  Result<int64_t> execute(std::string_view sql, std::span<const Value> parameters);

  // Is a transaction open? SQLite ends one by itself after some errors.
  bool in_transaction() const;
  // Ends the transaction, if there is one.
  void rollback();
  // COMMIT. kUnknownOutcome when the disk failed: it may come back after a restart.
  Status commit();

 private:
  explicit SqliteConnection(std::filesystem::path file) : file_(std::move(file)) {}
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  struct FinishStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

  Status configure(Mode mode);
  Error error(int code, std::string_view what) const;
  Result<sqlite3_stmt*> prepared(std::string_view sql, std::span<const Value> parameters);
  void checkpoint();
  Status step_all(sqlite3_stmt* statement, std::string_view sql, std::vector<Row>* rows);

  const std::filesystem::path file_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::unordered_map<std::string, Statement> statements_;  // destroyed before the connection
  int log_pages_ = 0;                                      // of the write-ahead log, after the last commit
  int checkpoint_at_ = kCheckpointPages;
};

}  // namespace tarn::meta
