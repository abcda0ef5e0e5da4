#include "flow/streams.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/logging.h"
#include "base/nearest.h"
#include "flow/stream_state.h"

namespace tarn::flow {

namespace json = boost::json;

namespace {

constexpr auto kLookAgain = std::chrono::seconds(1);  // the longest that a due delivery is overlooked

constexpr meta::Migration kMigrations[] = {
    {"flow", 1,
     "CREATE TABLE streams (name TEXT PRIMARY KEY, spec TEXT NOT NULL, first_shards INTEGER NOT NULL)"},
};

Result<StreamSpec> stored_spec(const std::string& name, const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object())
    return fail(Code::kCorrupt, "the stored definition of stream " + name + " is damaged");
  return stream_spec_from_json(name, value.get_object());
}

class StreamsHere : public Streams {
 public:
  explicit StreamsHere(Parts parts) : shared_{std::move(parts), 0, false, nullptr} {
    shared_.wake = [this] { wake(); };
  }

  ~StreamsHere() override {
    shared_.stopping = true;
    join();
  }

  Status start() {
    TARN_TRY(shared_.parts.metastore.migrate(kMigrations));
    std::vector<meta::Row> rows;
    TARN_TRY(shared_.parts.metastore.read([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(rows, t.query("SELECT name, spec, first_shards FROM streams ORDER BY name"));
      return {};
    }));
    for (const meta::Row& row : rows) {
      TARN_ASSIGN(std::string name, meta::text(row, 0));
      TARN_ASSIGN(std::string text, meta::text(row, 1));
      TARN_ASSIGN(int64_t first_shards, meta::integer(row, 2));
      TARN_ASSIGN(StreamSpec spec, stored_spec(name, text));
      TARN_ASSIGN(auto stream, open(spec, static_cast<int>(first_shards)));
      Lock lock(mu_);
      streams_[name] = std::move(stream);
    }
    for (int i = 0; i < std::max(1, shared_.parts.limits.delivery_threads); ++i)
      threads_.emplace_back([this] { deliver_when_due(); });
    return {};
  }

  Status put(const StreamSpec& spec) override {
    Lock changing(change_mu_);
    std::shared_ptr<StreamState> have;
    {
      Lock lock(mu_);
      TARN_TRY(check_table_free(spec));
      if (auto found = streams_.find(spec.name); found != streams_.end()) have = found->second;
    }
    TARN_TRY(check_partition(spec));
    TARN_TRY(check_transform(spec));
    if (have) return change(*have, spec);
    TARN_TRY(check_not_delivered_before(spec.deliver.table));
    TARN_TRY(check_not_delivered_before(error_table(spec.deliver.table)));
    TARN_TRY(store(spec, spec.shards));
    TARN_ASSIGN(auto stream, open(spec, spec.shards));
    Lock lock(mu_);
    streams_[spec.name] = std::move(stream);
    return {};
  }

  Status remove(std::string_view name) override {
    Lock changing(change_mu_);
    TARN_ASSIGN(std::shared_ptr<StreamState> stream, state(name));
    stream->close();
    TARN_TRY(stream->flush(Deadline::never()));
    TARN_TRY(shared_.parts.metastore.transact([&](meta::Transaction& t) -> Status {
      std::vector<meta::Value> values = {std::string(name)};
      TARN_TRY(t.execute("DELETE FROM streams WHERE name = ?", values));
      return {};
    }));
    {
      Lock lock(mu_);
      streams_.erase(streams_.find(name));
    }
    std::error_code ignored;  // what stays is never looked at again, and a new stream of the name says so
    std::filesystem::remove_all(shared_.parts.folder / std::string(name), ignored);
    return {};
  }

  Result<std::shared_ptr<Stream>> find(std::string_view name) const override {
    TARN_ASSIGN(std::shared_ptr<StreamState> stream, state(name));
    return stream;
  }

  std::vector<StreamSpec> list() const override {
    Lock lock(mu_);
    std::vector<StreamSpec> specs;
    for (const auto& [name, stream] : streams_) specs.push_back(stream->spec());
    return specs;
  }

  Result<std::optional<query::Tail>> tail(const lake::TableName& table) override {
    std::shared_ptr<StreamState> stream;
    bool errors = false;
    {
      Lock lock(mu_);
      for (const auto& [name, candidate] : streams_) {
        lake::TableName delivers = candidate->spec().deliver.table;
        if (delivers == table || error_table(delivers) == table) {
          stream = candidate;
          errors = delivers != table;
        }
      }
    }
    if (!stream) return std::optional<query::Tail>();
    auto tail = errors ? stream->error_tail() : stream->tail();
    if (!tail) return std::unexpected(std::move(tail).error());
    return std::optional<query::Tail>(std::move(*tail));
  }

  Result<Redriven> redrive(std::string_view name) override {
    TARN_ASSIGN(std::shared_ptr<StreamState> stream, state(name));
    return stream->redrive();
  }

  Status stop(Deadline deadline) override {
    shared_.stopping = true;
    join();
    std::vector<std::shared_ptr<StreamState>> streams;
    {
      Lock lock(mu_);
      for (const auto& [name, stream] : streams_) streams.push_back(stream);
    }
    Status result;
    for (const auto& stream : streams) {
      Status delivered = stream->flush(deadline);
      if (!delivered) result = std::move(delivered);
    }
    return result;
  }

 private:
  Result<std::shared_ptr<StreamState>> state(std::string_view name) const {
    Lock lock(mu_);
    auto found = streams_.find(name);
    if (found != streams_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, stream] : streams_) names.push_back(known);
    return fail(Code::kNotFound, fmt::format("there is no stream '{}'{}", name, did_you_mean(name, names)));
  }

  Status check_table_free(const StreamSpec& spec) TARN_REQUIRES(mu_) {
    for (const auto& [name, stream] : streams_) {
      StreamSpec other = stream->spec();
      if (name == spec.name) {
        if (spec.shards < other.shards)
          return fail(Code::kInvalid,
                      fmt::format("shards: the stream {} has {} shards; their number can only grow", name,
                                  other.shards));
        if (spec.deliver.table != other.deliver.table)
          return fail(
              Code::kInvalid,
              fmt::format("deliver.table: the stream {} delivers to {}; that can't be changed. Make a "
                          "new stream for {}",
                          name, other.deliver.table.str(), spec.deliver.table.str()));
      } else if (other.deliver.table == spec.deliver.table ||
                 error_table(other.deliver.table) == spec.deliver.table ||
                 error_table(spec.deliver.table) == other.deliver.table) {
        return fail(Code::kInvalid, fmt::format("deliver.table: {} belongs to the stream {}",
                                                spec.deliver.table.str(), name));
      }
    }
    return {};
  }

  // A table remembers how far its stream's logs were delivered. Another log begins at 0 again: what lies before that
  // position would count as delivered, and never be.
  Status check_not_delivered_before(const lake::TableName& name) {
    auto table = shared_.parts.catalog.load(name);
    if (!table && table.error().code == Code::kNotFound) return {};
    if (!table) return std::unexpected(std::move(table).error());
    const lake::Snapshot* snapshot = (*table)->snapshot();
    if (snapshot == nullptr) return {};
    for (const auto& [key, value] : snapshot->summary) {
      if (key.starts_with(lake::kPositionKey) && value != "0")
        return fail(
            Code::kInvalid,
            fmt::format(
                "deliver.table: {} holds the records of a stream that was removed; deliver to another "
                "table, or drop this one first (tarn destroy {})",
                name.str(), name.str()));
    }
    return {};
  }

  // With declared columns alone, a partition that can't be made now never can.
  static Status check_partition(const StreamSpec& spec) {
    if (spec.infer || !spec.transform.empty()) return {};
    auto parsed = lake::parse_partition(spec.deliver.partition, initial_schema(spec));
    if (!parsed) return fail(Code::kInvalid, "deliver.partition: " + parsed.error().message);
    return {};
  }

  // A transform is tried on no records before it is taken; for columns that are not known yet it can't be.
  Status check_transform(const StreamSpec& spec) {
    if (spec.transform.empty() || spec.infer) return {};
    TARN_ASSIGN(duck::Connection connection, shared_.parts.database.connect());
    lake::TableMetadata nothing;
    nothing.schemas.emplace_back();
    nothing.specs.emplace_back();
    auto plan = plan_records(spec, nothing, nullptr, shared_.parts.limits.record, connection);
    if (!plan) return fail(std::move(plan).error().in("transform"));
    return {};
  }

  Status change(StreamState& stream, const StreamSpec& spec) {
    if (stream.spec() == spec) return {};
    TARN_TRY(shared_.parts.metastore.transact([&](meta::Transaction& t) -> Status {
      std::vector<meta::Value> values = {json::serialize(to_json(spec)), spec.name};
      TARN_TRY(t.execute("UPDATE streams SET spec = ? WHERE name = ?", values));
      return {};
    }));
    TARN_TRY(stream.change(spec));
    wake();
    return {};
  }

  Status store(const StreamSpec& spec, int first_shards) {
    return shared_.parts.metastore.transact([&](meta::Transaction& t) -> Status {
      std::vector<meta::Value> values = {spec.name, json::serialize(to_json(spec)), int64_t{first_shards}};
      TARN_TRY(t.execute("INSERT INTO streams (name, spec, first_shards) VALUES (?, ?, ?)", values));
      return {};
    });
  }

  // Makes what a stream stands on, if it isn't there: after a crash in the middle of put() the rest is made
  // at start.
  Result<std::shared_ptr<StreamState>> open(const StreamSpec& spec, int first_shards) {
    lake::Catalog& catalog = shared_.parts.catalog;
    auto have = catalog.load(spec.deliver.table);
    if (!have && have.error().code == Code::kNotFound) {
      TARN_TRY(catalog.create(spec.deliver.table, {initial_schema(spec), {}, {}}));
    } else if (!have) {
      return std::unexpected(std::move(have).error());
    }
    lake::TableName errors = error_table(spec.deliver.table);
    have = catalog.load(errors);
    if (!have && have.error().code == Code::kNotFound) {
      // Its files are redrive's units: they must stay as they were written.
      TARN_TRY(catalog.create(errors, {error_schema(), {}, {{"tarn.compact.min-files", "1000000000"}}}));
    } else if (!have) {
      return std::unexpected(std::move(have).error());
    }
    return StreamState::open(shared_, spec, first_shards);
  }

  void wake() {
    Lock lock(mu_);
    woken_ = true;
    due_changed_.notify_one();
  }

  void join() {
    {
      Lock lock(mu_);
      stop_ = true;
    }
    due_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // The stream that is due first and that nobody delivers; sets when to look again when none is.
  std::shared_ptr<StreamState> take_due(std::chrono::steady_clock::time_point& look_again)
      TARN_REQUIRES(mu_) {
    Timestamp now = shared_.parts.clock.now();
    std::shared_ptr<StreamState> first;
    Timestamp first_due{INT64_MAX};
    for (const auto& [name, stream] : streams_) {
      if (busy_.contains(name)) continue;
      auto due = stream->due();
      if (due && *due < first_due) {
        first_due = *due;
        first = stream;
      }
    }
    if (first && first_due <= now) return first;
    Duration wait = first ? std::min<Duration>(first_due - now, kLookAgain) : Duration(kLookAgain);
    look_again = std::chrono::steady_clock::now() + wait;
    return nullptr;
  }

  void deliver_when_due() {
    Lock lock(mu_);
    while (!stop_) {
      auto look_again = std::chrono::steady_clock::now();
      std::shared_ptr<StreamState> stream = take_due(look_again);
      if (!stream) {
        for (const auto& [name, each] : streams_) each->update_gauges();
        woken_ = false;
        while (!stop_ && !woken_ && due_changed_.wait_until(mu_, look_again)) {
        }
        continue;
      }
      std::string name = stream->spec().name;
      busy_.insert(name);
      deliver_one(*stream);
      busy_.erase(name);
    }
  }

  void deliver_one(StreamState& stream) TARN_REQUIRES(mu_) {
    mu_.unlock();
    Status delivered = stream.deliver(stream.undelivered().to, Deadline::never());
    if (!delivered) stream.failed(delivered.error());
    mu_.lock();
  }

  Shared shared_;
  Mutex change_mu_;  // one definition changes at a time; taken before mu_
  mutable Mutex mu_;
  CondVar due_changed_;
  std::map<std::string, std::shared_ptr<StreamState>, std::less<>> streams_ TARN_GUARDED_BY(mu_);
  std::set<std::string> busy_ TARN_GUARDED_BY(mu_);
  bool woken_ TARN_GUARDED_BY(mu_) = false;
  bool stop_ TARN_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;  // of start() and stop()'s caller
};

}  // namespace

lake::TableName error_table(const lake::TableName& table) {
  return {table.database, table.name + "_errors"};
}

Result<std::unique_ptr<Streams>> Streams::open(Parts parts) {
  auto streams = std::make_unique<StreamsHere>(std::move(parts));
  TARN_TRY(streams->start());
  return streams;
}

}  // namespace tarn::flow
