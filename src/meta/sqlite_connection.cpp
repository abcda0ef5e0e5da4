#include "meta/sqlite_connection.h"

#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tarn::meta {
namespace {

struct ResetStatement {
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

Code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kBusy;
    case SQLITE_FULL:
      return Code::kFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorrupt;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return Code::kIo;
    case SQLITE_CONSTRAINT:
      return sqlite_code == SQLITE_CONSTRAINT_UNIQUE || sqlite_code == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? Code::kExists
                 : Code::kConflict;
    case SQLITE_TOOBIG:
      return Code::kTooLarge;
    default:
      return Code::kInternal;
  }
}

// What a person can do about it; empty where the message says all.
std::string_view advice(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another process holds it: try again";
    case SQLITE_FULL:
      return "; make room on the disk";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; restore it, with its -wal file, from a backup";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return "; give this user the right to write the file and its folder";
    default:
      return "";
  }
}

int bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* number = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    // The parameters outlive the step: no copy.
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    // A null pointer would be NULL.
    const char* bytes = blob->bytes.empty() ? "" : blob->bytes.data();
    return sqlite3_bind_blob64(statement, at, bytes, blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, at);
}

Value value_at(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return std::monostate();
    default: {
      bool is_blob = sqlite3_column_type(statement, column) == SQLITE_BLOB;
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
      std::string value = size == 0 ? std::string() : std::string(bytes, size);
      if (is_blob) return Blob{std::move(value)};
      return value;
    }
  }
}

// It holds sealed secrets and what passwords are checked with. SQLite gives its -wal and -shm the same mode. What fails
// here, opening tells.
void keep_private(const std::filesystem::path& file) {
  int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0) return;
  std::ignore = ::fchmod(made, 0600);
  ::close(made);
}

}  // namespace

void SqliteConnection::CloseDatabase::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}
void SqliteConnection::FinishStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& file,
                                                                 Mode mode) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(file));
  if (mode == Mode::kWriter) keep_private(file);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::kWriter ? SQLITE_OPEN_CREATE : 0);
  sqlite3* database = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &database, flags, nullptr);
  connection->database_.reset(database);
  if (code != SQLITE_OK) return fail(connection->error(code, "open"));
  TARN_TRY(connection->configure(mode));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
}

Status SqliteConnection::configure(Mode mode) {
  sqlite3_extended_result_codes(database_.get(), 1);
  sqlite3_busy_timeout(database_.get(), kBusyTimeoutMs);
  if (mode == Mode::kReader)
    return run(fmt::format("PRAGMA query_only = 1; PRAGMA cache_size = -{}", kReaderCacheKib));
  // Before the journal mode is asked for: SQLite answers "delete" instead of an error when it can't write.
  if (sqlite3_db_readonly(database_.get(), "main") == 1) return fail(error(SQLITE_READONLY, "open"));
  TARN_ASSIGN(std::vector<Row> mode_rows, query("PRAGMA journal_mode = WAL", {}));
  if (mode_rows.size() != 1 || mode_rows[0] != Row{Value("wal")}) {
    return fail(Code::kIo,
                fmt::format("metastore {}: this file system has no shared memory for SQLite's WAL; choose a "
                            "folder on a local disk",
                            file_.native()));
  }
  // In place of SQLite's own checkpoints, which never wait for a reader.
  auto count_pages = [](void* connection, sqlite3*, const char*, int pages) {
    static_cast<SqliteConnection*>(connection)->log_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database_.get(), count_pages, this);
  return run(fmt::format("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{}",
                         kWriterCacheKib));
}

Error SqliteConnection::error(int code, std::string_view what) const {
  const char* detail = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
  if (database_ && (sqlite3_extended_errcode(database_.get()) & 0xff) != (code & 0xff))
    detail = sqlite3_errstr(code);
  Error result{code_of(code),
               fmt::format("metastore {}: {}: {}{}", file_.native(), what, detail, advice(code)), 0};
  if (result.code == Code::kBusy) result.retry_after_ms = 1000;
  return result;
}

Status SqliteConnection::run(const std::string& sql) {
  int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code, sql));
  return {};
}

Result<sqlite3_stmt*> SqliteConnection::prepared(std::string_view sql, std::span<const Value> parameters) {
  auto found = statements_.find(std::string(sql));
  if (found == statements_.end()) {
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &made, &rest);
    Statement statement(made);
    if (code != SQLITE_OK) return fail(error(code, sql));
    std::string_view tail = sql.substr(static_cast<size_t>(rest - sql.data()));
    if (!statement || tail.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
      return fail(Code::kInternal, fmt::format("metastore: not one statement: {}", sql));
    }
    if (statements_.size() >= kPreparedStatementsMax) statements_.clear();
    found = statements_.emplace(std::string(sql), std::move(statement)).first;
  }
  sqlite3_stmt* statement = found->second.get();
  if (static_cast<size_t>(sqlite3_bind_parameter_count(statement)) != parameters.size()) {
    return fail(Code::kInternal, fmt::format("metastore: {} parameters given: {}", parameters.size(), sql));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    int code = bind(statement, static_cast<int>(i) + 1, parameters[i]);
    if (code != SQLITE_OK) return fail(error(code, sql));
  }
  return statement;
}

Status SqliteConnection::step_all(sqlite3_stmt* statement, std::string_view sql, std::vector<Row>* rows) {
  std::unique_ptr<sqlite3_stmt, ResetStatement> reset(statement);
  while (true) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return fail(error(code, sql));
    if (rows == nullptr) continue;
    Row& row = rows->emplace_back();
    int columns = sqlite3_column_count(statement);
    row.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(value_at(statement, i));
  }
}

Result<std::vector<Row>> SqliteConnection::query(std::string_view sql, std::span<const Value> parameters) {
  TARN_ASSIGN(sqlite3_stmt * statement, prepared(sql, parameters));
  std::vector<Row> rows;
  TARN_TRY(step_all(statement, sql, &rows));
  return rows;
}

Result<int64_t> SqliteConnection::execute(std::string_view sql, std::span<const Value> parameters) {
  TARN_ASSIGN(sqlite3_stmt * statement, prepared(sql, parameters));
  int64_t before = sqlite3_total_changes64(database_.get());
  TARN_TRY(step_all(statement, sql, nullptr));
  // changes() keeps the count of an earlier statement when this one (CREATE …) changes no rows.
  bool changed = sqlite3_total_changes64(database_.get()) != before;
  return changed ? static_cast<int64_t>(sqlite3_changes64(database_.get())) : 0;
}

bool SqliteConnection::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

void SqliteConnection::rollback() {
  if (in_transaction()) std::ignore = run("ROLLBACK");
}

// Every kCheckpointPages, so that a reader who stays costs one look at a time. What fails is tried again by the next:
// the log has it all.
void SqliteConnection::checkpoint() {
  if (log_pages_ < checkpoint_at_ - kCheckpointPages) checkpoint_at_ = kCheckpointPages;  // begun anew
  if (log_pages_ < checkpoint_at_) return;
  checkpoint_at_ = log_pages_ + kCheckpointPages;
  bool waits = log_pages_ >= kLogPagesMax;
  if (waits) sqlite3_busy_timeout(database_.get(), kCheckpointWaitMs);
  int mode = waits ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, mode, nullptr, nullptr);
  if (waits) sqlite3_busy_timeout(database_.get(), kBusyTimeoutMs);
}

Status SqliteConnection::commit() {
  int code = sqlite3_exec(database_.get(), "COMMIT", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) {
    checkpoint();
    return {};
  }
  Error result = error(code, "COMMIT");
  rollback();
  // The end of the transaction may be on disk although its sync failed, and a restart would then bring it
  // back.
  if ((code & 0xff) == SQLITE_IOERR) result.code = Code::kUnknownOutcome;
  return fail(std::move(result));
}

}  // namespace tarn::meta
