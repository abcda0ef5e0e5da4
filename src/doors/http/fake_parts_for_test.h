// Parts for tests of the native API: streams in memory, and an engine that runs any SQL on an empty DuckDB.
//
// Owns: what the fakes keep.
// Threads: any.
// Fails: as the test tells them to.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "flow/streams.h"
#include "query/engine.h"

namespace tarn::http {

inline constexpr std::string_view kEndless = "SELECT endless";

class FakeStream : public flow::Stream {
 public:
  struct Batch {
    std::vector<std::string> records;
    std::string key;
    std::string producer;
    uint64_t number = 0;
  };

  explicit FakeStream(flow::StreamSpec spec) : spec_(std::move(spec)) {}

  flow::StreamSpec spec() const override { return spec_; }
  Result<flow::Accepted> append(std::span<const log::Record> records,
                                std::optional<log::Producer> producer) override {
    Lock lock(mu_);
    if (!errors_.empty()) {
      auto error = std::move(errors_.front());
      errors_.pop_front();
      if (error) return fail(*std::move(error));
    }
    flow::Accepted out{0, end_, static_cast<uint32_t>(records.size()), false};
    Batch batch;
    for (const log::Record& r : records) batch.records.emplace_back(r.data);
    batch.key = records.front().key;
    if (producer) {
      batch.producer = producer->id;
      batch.number = producer->number;
      out.duplicate = std::ranges::any_of(
          batches_, [&](const Batch& b) { return b.producer == batch.producer && b.number == batch.number; });
      if (out.duplicate) return out;
    }
    end_ += records.size();
    batches_.push_back(std::move(batch));
    return out;
  }
  std::unique_ptr<columns::Validator> validator() const override {
    if (spec_.on_violation != columns::OnViolation::kStrict) return nullptr;
    columns::ScanSpec scan;
    scan.schema.fields = spec_.columns;
    columns::assign_ids(scan.schema, 0);
    scan.declared = true;
    scan.on_violation = columns::OnViolation::kStrict;
    return std::make_unique<columns::Validator>(scan);
  }
  flow::StreamStatus status() const override {
    Lock lock(mu_);
    flow::StreamStatus out;
    out.shards.push_back({0, delivered_, end_, 100});
    out.undelivered_records = end_ - delivered_;
    out.lag = std::chrono::milliseconds(1500);
    return out;
  }
  Status flush(Deadline deadline) override {
    if (deadline.passed()) return fail(Code::kTimeout, "the flush took too long");
    Lock lock(mu_);
    delivered_ = end_;
    return {};
  }

  // The next append fails so, or succeeds for nothing; in order.
  void then(std::optional<Error> error) {
    Lock lock(mu_);
    errors_.push_back(std::move(error));
  }
  std::vector<Batch> batches() const {
    Lock lock(mu_);
    return batches_;
  }
  std::vector<std::string> records() const {
    std::vector<std::string> out;
    for (const Batch& b : batches()) out.insert(out.end(), b.records.begin(), b.records.end());
    return out;
  }

 private:
  const flow::StreamSpec spec_;
  mutable Mutex mu_;
  std::deque<std::optional<Error>> errors_ TARN_GUARDED_BY(mu_);
  std::vector<Batch> batches_ TARN_GUARDED_BY(mu_);
  log::Sequence end_ TARN_GUARDED_BY(mu_) = 0;
  log::Sequence delivered_ TARN_GUARDED_BY(mu_) = 0;
};

class FakeStreams : public flow::Streams {
 public:
  Status put(const flow::StreamSpec& spec) override {
    Lock lock(mu_);
    streams_[spec.name] = std::make_shared<FakeStream>(spec);  // shared with its removal, as in the real one
    return {};
  }
  Status remove(std::string_view name) override {
    Lock lock(mu_);
    streams_.erase(std::string(name));
    return {};
  }
  Result<std::shared_ptr<flow::Stream>> find(std::string_view name) const override { return fake(name); }
  Result<std::shared_ptr<FakeStream>> fake(std::string_view name) const {
    Lock lock(mu_);
    auto found = streams_.find(std::string(name));
    if (found == streams_.end()) return fail(Code::kNotFound, "no stream");
    return found->second;
  }
  std::vector<flow::StreamSpec> list() const override {
    Lock lock(mu_);
    std::vector<flow::StreamSpec> out;
    for (const auto& [name, stream] : streams_) out.push_back(stream->spec());
    return out;
  }
  Result<flow::Redriven> redrive(std::string_view) override { return flow::Redriven{3, 1}; }
  Status stop(Deadline) override { return {}; }
  Result<std::optional<query::Tail>> tail(const lake::TableName&) override { return std::nullopt; }

 private:
  mutable Mutex mu_;
  std::map<std::string, std::shared_ptr<FakeStream>> streams_ TARN_GUARDED_BY(mu_);
};

class FakeRunning : public query::Running {
 public:
  FakeRunning(duck::Connection connection, duck::Rows rows)
      : connection_(std::move(connection)), rows_(std::move(rows)) {}
  const duck::Rows& rows() const override { return rows_; }
  Result<std::optional<duck::Chunk>> next() override { return rows_.next(); }
  void cancel() override { connection_.interrupt(); }

 private:
  duck::Connection connection_;
  duck::Rows rows_;
};

// A query that goes on until its client is gone.
class EndlessRunning : public query::Running {
 public:
  EndlessRunning(duck::Connection connection, duck::Rows rows, query::Abandoned abandoned)
      : connection_(std::move(connection)), rows_(std::move(rows)), abandoned_(std::move(abandoned)) {}
  const duck::Rows& rows() const override { return rows_; }
  Result<std::optional<duck::Chunk>> next() override {
    while (!abandoned_()) std::this_thread::yield();
    return fail(Code::kCancelled, "the query was cancelled");
  }
  void cancel() override {}

 private:
  duck::Connection connection_;
  duck::Rows rows_;
  query::Abandoned abandoned_;
};

class FakeEngine : public query::Engine {
 public:
  FakeEngine(duck::Database& database, std::filesystem::path folder)
      : database_(database), folder_(std::move(folder)) {}
  Result<std::unique_ptr<query::Running>> start(const std::string& sql, const query::Asker&,
                                                std::optional<Duration> timeout,
                                                query::Abandoned abandoned) override {
    {
      Lock lock(mu_);
      last_timeout_ = timeout;
    }
    ++started_;
    TARN_ASSIGN(auto connection, database_.connect());
    bool endless = sql == kEndless;
    TARN_ASSIGN(auto rows, connection.stream(endless ? "SELECT 1" : sql));
    if (endless)
      return std::make_unique<EndlessRunning>(std::move(connection), std::move(rows), std::move(abandoned));
    return std::make_unique<FakeRunning>(std::move(connection), std::move(rows));
  }
  Result<std::unique_ptr<query::TemporaryFile>> export_parquet(const std::string& sql, const query::Asker&,
                                                               std::optional<Duration>,
                                                               query::Abandoned) override {
    auto file = std::make_unique<query::TemporaryFile>(folder_ / "result.parquet");
    TARN_ASSIGN(auto connection, database_.connect());
    TARN_TRY(connection.run("COPY (" + sql + ") TO '" + file->path.string() + "' (FORMAT parquet)"));
    return file;
  }
  int started() const { return started_; }
  std::optional<Duration> last_timeout() const {
    Lock lock(mu_);
    return last_timeout_;
  }

 private:
  duck::Database& database_;
  const std::filesystem::path folder_;
  std::atomic<int> started_ = 0;
  mutable Mutex mu_;
  std::optional<Duration> last_timeout_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn::http
