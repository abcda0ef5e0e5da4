#include "query/engine.h"

#include <algorithm>
#include <atomic>
#include <tuple>

#include <fmt/core.h>

#include "access/grants.h"
#include "base/id.h"
#include "base/nearest.h"
#include "columns/duck_json.h"
#include "lake/scan_sql.h"
#include "query/session.h"
#include "query/sql_text.h"
#include "query/statement.h"
#include "query/system_tables.h"
#include "query/watchdog.h"

namespace tarn::query {
namespace {

using columns::quote_name;

// What a running query holds: its session, the scans of stream tails, its place with the watchdog.
class Execution {
 public:
  Execution(Sessions::Lease lease, columns::Scans& scans, Watchdog& watchdog)
      : lease_(std::move(lease)), scans_(scans), watchdog_(watchdog) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  ~Execution() {
    if (watched_ != 0) watchdog_.forget(watched_);
    for (uint64_t scan : tail_scans_) scans_.remove(scan);
  }

  duck::Connection& connection() { return lease_.connection(); }
  std::map<std::string, std::string>& views() { return lease_.views(); }
  void hold(const std::vector<uint64_t>& scans) {
    tail_scans_.insert(tail_scans_.end(), scans.begin(), scans.end());
  }
  void watch(Duration timeout, Abandoned abandoned) {
    timeout_ = timeout;
    watched_ = watchdog_.watch(connection(), Deadline::after(timeout), timed_out_, std::move(abandoned));
  }
  // REQUIRES: after parse_statement().
  void as_written(bool yes) { as_written_ = yes; }
  // An interrupted query says why it was; a place is pointed at only in the text that the user wrote.
  Error explain(Error error) const {
    if (!as_written_) error.message.resize(std::min(error.message.find("\n\nLINE "), error.message.size()));
    if (error.code != Code::kCancelled) return error;
    if (timed_out_)
      return Error{Code::kTimeout, fmt::format("the query was stopped after {}", to_string(timeout_)), 0};
    return Error{Code::kCancelled, "the query was cancelled", 0};
  }

 private:
  Sessions::Lease lease_;
  columns::Scans& scans_;
  Watchdog& watchdog_;
  std::vector<uint64_t> tail_scans_;
  bool as_written_ = true;
  std::atomic<bool> timed_out_ = false;
  Duration timeout_{0};
  uint64_t watched_ = 0;
};

class RunningQuery : public Running {
 public:
  RunningQuery(std::unique_ptr<Execution> execution, duck::Rows rows)
      : execution_(std::move(execution)), rows_(std::move(rows)) {}
  ~RunningQuery() override {
    if (!finished_) execution_->connection().interrupt();
  }
  const duck::Rows& rows() const override { return *rows_; }
  Result<std::optional<duck::Chunk>> next() override {
    auto chunk = rows_->next();
    if (!chunk) {
      finished_ = true;
      return fail(execution_->explain(std::move(chunk).error()));
    }
    if (!*chunk) finished_ = true;
    return chunk;
  }
  void cancel() override { execution_->connection().interrupt(); }

 private:
  std::unique_ptr<Execution> execution_;  // destroyed last: the rows read through its connection
  std::optional<duck::Rows> rows_;
  bool finished_ = false;
};

class EngineOnDuckDb : public Engine {
 public:
  explicit EngineOnDuckDb(Parts parts)
      : parts_(std::move(parts)),
        sessions_(parts_.database, parts_.limits.queries_max),
        queries_(parts_.metrics.counter("tarn_query_total", "SQL statements that were started.")),
        failures_(parts_.metrics.counter("tarn_query_failures_total", "SQL statements that failed.")) {}

  Result<std::unique_ptr<Running>> start(const std::string& sql, const Asker& asker,
                                         std::optional<Duration> timeout, Abandoned abandoned) override {
    queries_.add();
    return counted(start_uncounted(sql, asker, timeout, std::move(abandoned)));
  }

  Result<std::unique_ptr<TemporaryFile>> export_parquet(const std::string& sql, const Asker& asker,
                                                        std::optional<Duration> timeout,
                                                        Abandoned abandoned) override {
    queries_.add();
    return counted(export_uncounted(sql, asker, timeout, std::move(abandoned)));
  }

 private:
  template <typename T>
  Result<T> counted(Result<T> result) {
    if (!result) failures_.add();
    return result;
  }

  Result<std::unique_ptr<Running>> start_uncounted(const std::string& sql, const Asker& asker,
                                                   std::optional<Duration> timeout, Abandoned abandoned) {
    Statement statement;
    TARN_ASSIGN(auto execution, prepare(sql, asker, timeout, std::move(abandoned), statement));
    auto rows = execution->connection().stream(statement.sql);
    if (!rows) return fail(execution->explain(std::move(rows).error()));
    for (size_t i = 0; i < rows->columns(); ++i) {
      duck::LogicalType type(rows->logical_type(i));
      if (!duck::can_be_json(type.get()))
        return fail(Code::kUnsupported,
                    fmt::format("the column {} has the type {}, which can't be sent: cast it to VARCHAR",
                                rows->name(i), duck::type_text(type.get())));
    }
    return std::make_unique<RunningQuery>(std::move(execution), std::move(*rows));
  }

  Result<std::unique_ptr<TemporaryFile>> export_uncounted(const std::string& sql, const Asker& asker,
                                                          std::optional<Duration> timeout,
                                                          Abandoned abandoned) {
    Statement statement;
    TARN_ASSIGN(auto execution, prepare(sql, asker, timeout, std::move(abandoned), statement));
    if (statement.explains)
      return fail(Code::kInvalid, "what EXPLAIN tells can't be Parquet: ask for csv or json");
    auto file = std::make_unique<TemporaryFile>(parts_.spill_folder / (uuid_v4() + ".parquet"));
    auto done = execution->connection().text(
        fmt::format("COPY (\n{}\n) TO {} (FORMAT parquet, COMPRESSION zstd)", without_end(statement.sql),
                    columns::quote_text(file->path.string())));
    if (!done) return fail(execution->explain(std::move(done).error()));
    return file;
  }

  // Parses, makes the views, starts the clock.
  Result<std::unique_ptr<Execution>> prepare(const std::string& sql, const Asker& asker,
                                             std::optional<Duration> timeout, Abandoned abandoned,
                                             Statement& statement) {
    TARN_ASSIGN(Sessions::Lease lease, sessions_.take());
    auto execution = std::make_unique<Execution>(std::move(lease), parts_.scans, watchdog_);
    execution->watch(std::min(timeout.value_or(parts_.limits.timeout), parts_.limits.timeout),
                     std::move(abandoned));
    auto parsed = parse_statement(execution->connection(), sql);
    if (!parsed) return fail(execution->explain(std::move(parsed).error()));
    statement = *std::move(parsed);
    execution->as_written(statement.as_written);
    std::map<std::string, std::string> wanted;
    for (const TableUse& use : statement.tables) {
      TARN_ASSIGN(std::string select, table_sql(use, asker, *execution));
      std::string schema = quote_name(use.view_schema.empty() ? "main" : use.view_schema);
      wanted[schema + "." + quote_name(use.view_name)] = std::move(select);
    }
    // The name of a CTE means the CTE, or a table that was asked about, or nothing.
    for (const std::string& cte : statement.ctes)
      wanted.try_emplace("\"main\"." + quote_name(cte),
                         "SELECT NULL AS nothing WHERE error('the name of a CTE, out of its scope') IS NULL");
    TARN_TRY(make_views(*execution, wanted));
    return execution;
  }

  // The session's views become these and no others: of who asked before nothing is left. One that is the same as
  // it was is kept.
  static Status make_views(Execution& execution, const std::map<std::string, std::string>& wanted) {
    std::string sql;
    for (auto& [view, select] : execution.views()) {
      if (wanted.contains(view)) continue;
      select.clear();  // nobody knows, if this is interrupted
      sql += fmt::format("DROP VIEW IF EXISTS {};\n", view);
    }
    for (const auto& [view, select] : wanted) {
      std::string& known = execution.views()[view];
      if (known == select) continue;
      known.clear();  // until it is made
      std::string schema = view.substr(0, view.find("\".\"") + 1);
      sql += fmt::format("CREATE SCHEMA IF NOT EXISTS {}; CREATE OR REPLACE VIEW {} AS {};\n", schema, view,
                         select);
    }
    if (sql.empty()) return {};
    if (Status made = execution.connection().run(sql); !made)
      return fail(execution.explain(std::move(made).error()));
    execution.views() = wanted;
    return {};
  }

  Result<std::string> table_sql(const TableUse& use, const Asker& asker, Execution& execution) {
    auto visible = [&](const lake::TableName& table) { return may_see(asker, table); };
    if (is_system_table(use.database, use.table))
      return system_table_sql(parts_.catalog, use.database, use.table, visible);
    TARN_ASSIGN(lake::TableName name, resolve(use, asker, visible));
    TARN_TRY(parts_.guard.check(ask(asker, access::kSelect, access::table_arn(name.database, name.name))));
    if (!std::holds_alternative<std::monostate>(use.at)) return version_sql(name, use.at);
    TARN_ASSIGN(std::optional<Tail> tail, parts_.tails.tail(name));
    if (!tail) {
      TARN_ASSIGN(lake::Table table, parts_.catalog.load(name));
      return lake::scan_sql(parts_.catalog, *table, table->snapshot(), table->schema());
    }
    execution.hold(tail->scans);
    TARN_ASSIGN(std::string delivered,
                lake::scan_sql(parts_.catalog, *tail->table, tail->table->snapshot(), tail->schema));
    return tail->sql.empty() ? delivered : delivered + " UNION ALL " + tail->sql;
  }

  Result<std::string> version_sql(const lake::TableName& name, const At& at) {
    TARN_ASSIGN(lake::Table table, parts_.catalog.load(name));
    const lake::Snapshot* snapshot = nullptr;
    if (const auto* version = std::get_if<AtVersion>(&at)) {
      snapshot = table->snapshot(version->snapshot);
      if (snapshot == nullptr)
        return fail(Code::kNotFound, fmt::format("{} has no snapshot {} (any more): see system.snapshots",
                                                 name.str(), version->snapshot));
    } else {
      Timestamp t = std::get<Timestamp>(at);
      snapshot = table->snapshot_at(t);
      if (snapshot == nullptr)
        return fail(Code::kNotFound, fmt::format("{} had no snapshot at {} (any more): see system.snapshots",
                                                 name.str(), to_string(t)));
    }
    const columns::Schema* schema = table->schema(snapshot->schema_id);
    return lake::scan_sql(parts_.catalog, *table, snapshot, schema == nullptr ? table->schema() : *schema);
  }

  // `arn` is borrowed.
  static access::Ask ask(const Asker& asker, std::string_view action, std::string_view arn) {
    return {asker.principal, action, arn, asker.context, nullptr, asker.source_ip, asker.request_id};
  }

  bool may_see(const Asker& asker, const lake::TableName& table) const {
    std::string arn = access::table_arn(table.database, table.name);
    return parts_.guard.decide(ask(asker, access::kDescribe, arn)).allowed ||
           parts_.guard.decide(ask(asker, access::kSelect, arn)).allowed;
  }

  // A name without a database is the one table that has it. One that may not be seen is none, for who asks; the
  // audit trail tells of it.
  Result<lake::TableName> resolve(const TableUse& use, const Asker& asker,
                                  const std::function<bool(const lake::TableName&)>& visible) {
    if (!use.database.empty()) {
      lake::TableName name{use.database, use.table};
      if (auto loaded = parts_.catalog.load(name)) {
        if (visible(name)) return name;
        std::string arn = access::table_arn(name.database, name.name);
        std::ignore = parts_.guard.check(ask(asker, access::kSelect, arn));
      }
    }
    TARN_ASSIGN(std::vector<lake::TableName> tables, parts_.catalog.tables());
    std::vector<std::string> names;
    std::vector<lake::TableName> found;
    for (const lake::TableName& table : tables) {
      if (!visible(table)) continue;
      names.push_back(table.str());
      if (use.database.empty()) names.push_back(table.name);
      if (table.name == use.table && (use.database.empty() || table.database == use.database))
        found.push_back(table);
    }
    std::string wanted = use.database.empty() ? use.table : use.database + "." + use.table;
    if (found.empty())
      return fail(Code::kNotFound,
                  fmt::format("there is no table '{}'{}", wanted, did_you_mean(wanted, names)));
    if (found.size() > 1)
      return fail(Code::kInvalid, fmt::format("'{}' is in more than one database: write {} or {}", wanted,
                                              found[0].str(), found[1].str()));
    return found[0];
  }

  const Parts parts_;
  Sessions sessions_;
  Watchdog watchdog_;
  Counter& queries_;
  Counter& failures_;
};

}  // namespace

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;  // the spill folder is emptied at start anyway
  std::filesystem::remove(path, ignored);
}

Result<std::unique_ptr<Engine>> Engine::open(Parts parts) {
  return std::make_unique<EngineOnDuckDb>(std::move(parts));
}

}  // namespace tarn::query
