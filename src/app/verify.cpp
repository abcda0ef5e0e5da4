#include "app/verify.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

#include "app/read_only_store.h"
#include "base/file.h"
#include "columns/duck.h"
#include "flow/streams.h"
#include "lake/catalog.h"
#include "lake/maintenance.h"
#include "meta/metastore.h"
#include "store/store.h"

namespace tarn::app {
namespace {

namespace fs = std::filesystem;

// Positions of the tables that streams deliver to, by stream.
using StreamPositions = std::map<std::string, std::map<int, uint64_t>>;

class Verifier {
 public:
  explicit Verifier(fs::path data) : data_(std::move(data)) {}

  Result<VerifyReport> run() {
    std::error_code ignored;
    if (!fs::exists(data_ / "meta.db", ignored)) {
      return fail(Code::kNotFound, fmt::format("there is no lake in {}", data_.string()));
    }
    // Held while a stopped lake is read, so that none starts meanwhile.
    auto lock = FolderLock::take(data_);
    if (!lock && lock.error().code != Code::kBusy) return fail(std::move(lock).error());
    report_.running = !lock;

    store_ = open_read_only_store(data_ / "objects");
    TARN_ASSIGN(metastore_, meta::open_sqlite(data_ / "meta.db"));
    TARN_ASSIGN(catalog_, lake::Catalog::open(*metastore_, *store_, "lake"));
    TARN_ASSIGN(database_, duck::Database::open({}));
    // A running lake moves on: what tables have reached before the logs are read is in the logs, and what the
    // logs begin with was reached by the tables after.
    TARN_ASSIGN(StreamPositions before, stream_positions());
    TARN_TRY(check_logs());
    TARN_TRY(check_tables());
    TARN_ASSIGN(StreamPositions after, stream_positions());
    for (const ShardReport& shard : report_.shards) check_shard(shard, before, after);
    for (const auto& [stream, positions] : before) check_missing_logs(stream, positions);
    TARN_TRY(check_objects());
    return std::move(report_);
  }

 private:
  void problem(std::string what) { report_.problems.push_back(std::move(what)); }

  // Tables of streams; their error tables follow positions of their own.
  Result<StreamPositions> stream_positions() {
    StreamPositions all;
    TARN_ASSIGN(std::vector<lake::TableName> names, catalog_->tables());
    for (const lake::TableName& name : names) {
      auto table = catalog_->load(name);
      if (!table || (*table)->snapshot() == nullptr) continue;  // check_tables() tells
      const lake::Snapshot& snapshot = *(*table)->snapshot();
      auto stream = snapshot.summary.find(std::string(lake::kStreamKey));
      if (stream == snapshot.summary.end() || is_error_table(name, names)) continue;
      for (const auto& [shard, position] : positions_of(snapshot)) all[stream->second][shard] = position;
    }
    return all;
  }

  static bool is_error_table(const lake::TableName& name, const std::vector<lake::TableName>& names) {
    return std::ranges::any_of(
        names, [&](const lake::TableName& other) { return flow::error_table(other) == name; });
  }

  // log/<stream>/<shard>/
  Status check_logs() {
    std::error_code ignored;
    if (!fs::is_directory(data_ / "log", ignored)) return {};
    TARN_ASSIGN(std::vector<std::string> streams, FileSystem::real().list(data_ / "log"));
    for (const std::string& stream : streams) {
      if (!fs::is_directory(data_ / "log" / stream, ignored)) continue;
      TARN_ASSIGN(std::vector<std::string> shards, FileSystem::real().list(data_ / "log" / stream));
      for (const std::string& name : shards) {
        int shard = 0;
        auto [at, error] = std::from_chars(name.data(), name.data() + name.size(), shard);
        if (error == std::errc() && at == name.data() + name.size()) check_log(stream, shard, name);
      }
    }
    return {};
  }

  void check_log(const std::string& stream, int shard, const std::string& folder) {
    auto inspected = log::inspect(data_ / "log" / stream / folder);
    if (!inspected)
      return problem(fmt::format("log of {}, shard {}: {}", stream, shard, inspected.error().message));
    for (const log::Damage& damage : inspected->damage) {
      problem(fmt::format("log of {}, shard {}: records {} to {} can't be read: {} at {} of {}", stream,
                          shard, damage.first, damage.end, damage.reason, damage.offset,
                          damage.file.string()));
    }
    report_.shards.push_back({stream, shard, std::move(*inspected)});
  }

  void check_shard(const ShardReport& shard, const StreamPositions& before, const StreamPositions& after) {
    auto position = [&](const StreamPositions& all) -> std::optional<uint64_t> {
      auto stream = all.find(shard.stream);
      if (stream == all.end()) return std::nullopt;
      auto found = stream->second.find(shard.shard);
      return found == stream->second.end() ? std::optional<uint64_t>() : found->second;
    };
    if (auto reached = position(before); reached && *reached > shard.log.end) {
      problem(fmt::format("stream {}, shard {}: the table is at record {}, and the log ends at {}",
                          shard.stream, shard.shard, *reached, shard.log.end));
    }
    uint64_t reached = position(after).value_or(0);
    if (shard.log.begin > reached) {
      problem(fmt::format(
          "stream {}, shard {}: the log begins at record {}, and the table has only those before {}",
          shard.stream, shard.shard, shard.log.begin, reached));
    }
  }

  // Not a problem for a stream that was removed: its whole folder goes.
  void check_missing_logs(const std::string& stream, const std::map<int, uint64_t>& positions) {
    auto of_stream = [&](const ShardReport& s) { return s.stream == stream; };
    if (std::ranges::none_of(report_.shards, of_stream)) return;
    for (const auto& [shard, position] : positions) {
      bool there = std::ranges::any_of(
          report_.shards, [&](const ShardReport& s) { return of_stream(s) && s.shard == shard; });
      if (!there) problem(fmt::format("stream {}, shard {}: its log is gone", stream, shard));
    }
  }

  Status check_objects() {
    std::error_code ignored;
    if (!fs::exists(data_ / "objects.db", ignored)) return {};
    TARN_ASSIGN(std::unique_ptr<meta::Metastore> index, meta::open_sqlite(data_ / "objects.db"));
    TARN_ASSIGN(report_.objects, store::verify_objects(*index, data_ / "blobs"));
    for (const std::string& line : report_.objects.problems) problem(line);
    return {};
  }

  Status check_tables() {
    TARN_ASSIGN(duck::Connection connection, database_->connect());
    TARN_ASSIGN(std::vector<lake::TableName> names, catalog_->tables());
    for (const lake::TableName& name : names) {
      auto table = catalog_->load(name);
      if (!table) {
        if (!(report_.running && table.error().code == Code::kNotFound)) {
          problem(fmt::format("{}: {}", name.str(), table.error().message));
        }
        continue;
      }
      auto wrong = lake::verify_table(*catalog_, name, connection);
      if (!wrong) {
        problem(fmt::format("{}: {}", name.str(), wrong.error().message));
      } else {
        for (std::string& line : *wrong) {
          problem(line.starts_with(name.str()) ? std::move(line) : name.str() + ": " + line);
        }
      }
      bool errors = is_error_table(name, names);
      for (std::string& line :
           check_ranges(name.str(), **table, errors ? RangeRule::kErrors : RangeRule::kWhole)) {
        problem(std::move(line));
      }
      // Of a running lake the error table is loaded later than its table, so it can only be further.
      auto error_table = catalog_->load(flow::error_table(name));
      if (error_table) {
        for (std::string& line : check_rejected(name.str(), **table, **error_table)) problem(std::move(line));
      }
      report_.tables.push_back(describe(name, **table));
    }
    return {};
  }

  static TableReport describe(const lake::TableName& name, const lake::TableMetadata& table) {
    TableReport report;
    report.table = name.str();
    report.snapshots = table.snapshots.size();
    const lake::Snapshot* snapshot = table.snapshot();
    if (snapshot == nullptr) return report;
    report.positions = positions_of(*snapshot);
    if (auto stream = snapshot->summary.find(std::string(lake::kStreamKey));
        stream != snapshot->summary.end()) {
      report.stream = stream->second;
    }
    if (auto total = snapshot->summary.find("total-records"); total != snapshot->summary.end()) {
      std::from_chars(total->second.data(), total->second.data() + total->second.size(), report.records);
    }
    return report;
  }

  const fs::path data_;
  VerifyReport report_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<duck::Database> database_;
};

}  // namespace

Result<VerifyReport> verify_lake(const fs::path& data) {
  std::error_code error;
  return Verifier(fs::absolute(data, error).lexically_normal()).run();
}

}  // namespace tarn::app
