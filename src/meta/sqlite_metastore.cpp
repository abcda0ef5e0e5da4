#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/thread.h"
#include "base/time.h"
#include "meta/metastore.h"
#include "meta/sqlite_connection.h"

namespace tarn::meta {
namespace {

constexpr size_t kIdleReadersMax = 8;  // more connections are opened when they are needed, and closed after

class SqliteTransaction final : public Transaction {
 public:
  SqliteTransaction(SqliteConnection& connection, bool writes) : connection_(connection), writes_(writes) {}

  Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters) override {
    TARN_TRY(alive());
    return watched(connection_.query(sql, parameters));
  }

  Result<int64_t> execute(std::string_view sql, std::span<const Value> parameters) override {
    if (!writes_)
      return fail(Code::kInternal, fmt::format("metastore: a read can't change anything: {}", sql));
    TARN_TRY(alive());
    return watched(connection_.execute(sql, parameters));
  }

  // SQLite rolls back by itself after some errors (a full disk). What follows would run outside of the
  // transaction.
  Status alive() const {
    if (connection_.in_transaction()) return {};
    return fail(failed_);
  }

 private:
  template <typename T>
  Result<T> watched(Result<T> result) {
    if (!result) failed_ = result.error();
    return result;
  }

  SqliteConnection& connection_;
  const bool writes_;
  Error failed_{Code::kInternal, "metastore: the transaction has ended", 0};
};

// The body's own answer, or its exception as an error: none leaves through us.
Status run_body(const std::function<Status(Transaction&)>& body, Transaction& transaction) {
  try {
    return body(transaction);
  } catch (const std::exception& thrown) {
    return fail(Code::kInternal, fmt::format("metastore: the transaction threw: {}", thrown.what()));
  } catch (...) {
    return fail(Code::kInternal, "metastore: the transaction threw");
  }
}

class SqliteMetastore final : public Metastore {
 public:
  SqliteMetastore(std::filesystem::path file, std::unique_ptr<SqliteConnection> writer)
      : file_(std::move(file)), writer_(std::move(writer)) {}

  Status migrate(std::span<const Migration> migrations) override {
    return write([&](SqliteConnection& connection, Transaction& transaction) -> Status {
      TARN_TRY(
          transaction.execute("CREATE TABLE IF NOT EXISTS migrations (part TEXT NOT NULL, number INTEGER NOT "
                              "NULL, applied_at TEXT NOT "
                              "NULL, PRIMARY KEY (part, number))"));
      std::map<std::string_view, int> newest;
      for (const Migration& migration : migrations) {
        int& number = newest[migration.part];
        if (migration.number <= number) {
          return fail(Code::kInternal,
                      fmt::format("migration {} {} is out of order", migration.part, migration.number));
        }
        number = migration.number;
      }
      for (const auto& [part, number] : newest) TARN_TRY(refuse_newer(transaction, part, number));
      for (const Migration& migration : migrations)
        TARN_TRY(migrate_once(connection, transaction, migration));
      return {};
    });
  }

  Status transact(const std::function<Status(Transaction&)>& body) override {
    return write([&](SqliteConnection&, Transaction& transaction) { return run_body(body, transaction); });
  }

  Status read(const std::function<Status(Transaction&)>& body) const override {
    TARN_ASSIGN(std::unique_ptr<SqliteConnection> connection, take_reader());
    TARN_TRY(connection->run("BEGIN"));
    SqliteTransaction transaction(*connection, false);
    Status result = run_body(body, transaction);
    connection->rollback();
    if (!connection->in_transaction()) give_back(std::move(connection));
    return result;
  }

 private:
  template <typename Body>
  Status write(Body&& body) TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    TARN_TRY(writer_->run("BEGIN IMMEDIATE"));
    SqliteTransaction transaction(*writer_, true);
    Status result = body(*writer_, transaction);
    if (result) result = transaction.alive();
    if (!result) {
      writer_->rollback();
      return result;
    }
    fault_point("meta.before_commit");
    TARN_TRY(writer_->commit());
    fault_point("meta.after_commit");
    return {};
  }

  Status refuse_newer(Transaction& transaction, std::string_view part, int newest) const {
    TARN_ASSIGN(std::vector<Row> rows,
                transaction.query("SELECT coalesce(max(number), 0) FROM migrations WHERE part = ?",
                                  std::vector<Value>{std::string(part)}));
    TARN_ASSIGN(int64_t there, integer(rows.at(0), 0));
    if (there <= newest) return {};
    return fail(
        Code::kUnsupported,
        fmt::format("metastore {} was written by a newer Tarn ({} has migration {}, this program knows {}): "
                    "start it with that version or a later one",
                    file_.native(), part, there, newest));
  }

  static Status migrate_once(SqliteConnection& connection, Transaction& transaction,
                             const Migration& migration) {
    std::vector<Value> id{std::string(migration.part), static_cast<int64_t>(migration.number)};
    TARN_ASSIGN(std::vector<Row> rows,
                transaction.query("SELECT 1 FROM migrations WHERE part = ? AND number = ?", id));
    if (!rows.empty()) return {};
    TARN_TRY(connection.run(std::string(migration.sql)));
    id.emplace_back(to_string(Clock::system().now()));
    TARN_TRY(transaction.execute("INSERT INTO migrations (part, number, applied_at) VALUES (?, ?, ?)", id));
    return {};
  }

  Result<std::unique_ptr<SqliteConnection>> take_reader() const {
    {
      Lock lock(readers_mu_);
      if (!idle_readers_.empty()) {
        auto reader = std::move(idle_readers_.back());
        idle_readers_.pop_back();
        return reader;
      }
    }
    return SqliteConnection::open(file_, SqliteConnection::Mode::kReader);
  }

  void give_back(std::unique_ptr<SqliteConnection> reader) const {
    Lock lock(readers_mu_);
    if (idle_readers_.size() < kIdleReadersMax) idle_readers_.push_back(std::move(reader));
  }

  const std::filesystem::path file_;
  Mutex mu_;                                        // held for a whole transaction that writes
  const std::unique_ptr<SqliteConnection> writer_;  // what it points to is used under mu_ only
  mutable Mutex readers_mu_;
  mutable std::vector<std::unique_ptr<SqliteConnection>> idle_readers_ TARN_GUARDED_BY(readers_mu_);
};

template <typename T>
Result<T> checked(const Row& row, size_t column, std::string_view type) {
  if (column < row.size()) {
    if (const T* value = std::get_if<T>(&row[column])) return *value;
  }
  return fail(Code::kCorrupt, fmt::format("metastore: column {} of a row is no {}", column, type));
}

}  // namespace

Result<std::unique_ptr<Metastore>> open_sqlite(const std::filesystem::path& file) {
  TARN_ASSIGN(auto writer, SqliteConnection::open(file, SqliteConnection::Mode::kWriter));
  return std::make_unique<SqliteMetastore>(file, std::move(writer));
}

Result<std::string> text(const Row& row, size_t column) {
  return checked<std::string>(row, column, "text");
}
Result<int64_t> integer(const Row& row, size_t column) {
  return checked<int64_t>(row, column, "integer");
}

}  // namespace tarn::meta
