#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

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
  SqliteMetastore(std::filesystem::path file, std::unique_ptr<SqliteConnection> writer, size_t group_max)
      : file_(std::move(file)), group_max_(std::max<size_t>(group_max, 1)), writer_(std::move(writer)) {}

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
  // Transactions that share one commit.
  struct Group {
    size_t turns = 0;  // of bodies that succeeded or failed: who waits for the commit waits for both
    bool over = false;
    Status outcome;
  };
  // Each caller whose body is in the group owns it, and open_group_ while bodies may join.
  using SharedGroup = std::shared_ptr<Group>;

  template <typename Body>
  Status write(Body&& body) TARN_EXCLUDES(mu_) {
    SharedGroup group = take_turn();
    // The first needs no savepoint: what it did is all there is. So one who is alone pays for none.
    bool first = !writer_->in_transaction();
    SqliteTransaction transaction(*writer_, true);
    Status result = writer_->run(first ? "BEGIN IMMEDIATE" : "SAVEPOINT member");
    if (result) {
      result = body(*writer_, transaction);
      if (result) result = transaction.alive();
      if (result && !first) result = writer_->run("RELEASE member");
      if (!result) take_back(first);
    }
    // Rolled back as a whole, by us or by SQLite (a full disk): what others of the group did is gone, too.
    std::optional<Error> lost;
    if (!writer_->in_transaction()) lost = transaction.alive().error();
    return end_turn(group, first, std::move(result), std::move(lost));
  }

  void take_back(bool first) {
    if (!first && writer_->in_transaction() && writer_->run("ROLLBACK TO member; RELEASE member")) return;
    writer_->rollback();
  }

  // Waits until the connection is ours, and joins the group that is open.
  SharedGroup take_turn() TARN_EXCLUDES(mu_) {
    Lock lock(mu_);
    ++waiting_;
    while (busy_) turn_.wait(mu_);
    --waiting_;
    busy_ = true;
    if (!open_group_) open_group_ = std::make_shared<Group>();
    return open_group_;
  }

  // Hands the connection on to one who waits, or commits; then waits for the commit that has our changes, or those
  // of others that we saw.
  Status end_turn(const SharedGroup& group, bool first, Status result, std::optional<Error> lost)
      TARN_EXCLUDES(mu_) {
    bool commits = false;
    {
      Lock lock(mu_);
      ++group->turns;
      bool goes_on = waiting_ > 0 && group->turns < group_max_;
      commits = !lost && !goes_on;
      if (lost) close_group(fail(std::move(*lost)));
      if (!commits) busy_ = false;
    }
    // Woken without the lock held, which they need first of all.
    if (commits) commit_group();
    if (lost || commits) committed_.notify_all();
    turn_.notify_one();
    if (!result && first) return result;
    Lock lock(mu_);
    while (!group->over) committed_.wait(mu_);
    // "There is one already", said of a row that is lost with the group, would be said of nothing.
    return group->outcome ? result : group->outcome;
  }

  void commit_group() TARN_EXCLUDES(mu_) {
    fault_point("meta.before_commit");
    Status outcome = writer_->commit();
    if (outcome) fault_point("meta.after_commit");
    Lock lock(mu_);
    close_group(std::move(outcome));
    busy_ = false;
  }

  void close_group(Status outcome) TARN_REQUIRES(mu_) {
    open_group_->over = true;
    open_group_->outcome = std::move(outcome);
    open_group_ = nullptr;
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
  const size_t group_max_;
  const std::unique_ptr<SqliteConnection> writer_;  // used by the one who set busy_
  Mutex mu_;
  CondVar turn_;       // busy_ became false
  CondVar committed_;  // a group is over
  bool busy_ TARN_GUARDED_BY(mu_) = false;
  size_t waiting_ TARN_GUARDED_BY(mu_) = 0;
  SharedGroup open_group_ TARN_GUARDED_BY(mu_);  // null between a commit and the next writer
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

Result<std::unique_ptr<Metastore>> open_sqlite(const std::filesystem::path& file, size_t group_max) {
  TARN_ASSIGN(auto writer, SqliteConnection::open(file, SqliteConnection::Mode::kWriter));
  return std::make_unique<SqliteMetastore>(file, std::move(writer), group_max);
}

Result<std::string> text(const Row& row, size_t column) {
  return checked<std::string>(row, column, "text");
}
Result<int64_t> integer(const Row& row, size_t column) {
  return checked<int64_t>(row, column, "integer");
}
Result<std::string> blob(const Row& row, size_t column) {
  TARN_ASSIGN(Blob value, checked<Blob>(row, column, "blob"));
  return std::move(value.bytes);
}

}  // namespace tarn::meta
