// One stream at work: its logs, what is known of its records' shape, and how far it is delivered.
//
// Owns: the shard logs; a connection for describing transforms.
// Threads: any. append() takes no lock that delivery holds.
// Fails: as flow/streams.h says.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "base/thread.h"
#include "flow/record_plan.h"
#include "flow/shards.h"
#include "flow/streams.h"

namespace tarn::flow {

// What all streams share.
struct Shared {
  Streams::Parts parts;
  std::atomic<int64_t> undelivered_bytes = 0;
  std::atomic<bool> stopping = false;
  std::function<void()> wake;  // the deliverers: something may be due
};

// A record that the transform can't take, by its _seq.
struct BadRecord {
  int64_t stream_sequence = 0;
  Timestamp arrived;
  std::string key;
  std::string reason;
  std::string record;
};

class StreamState : public Stream {
 public:
  static Result<std::shared_ptr<StreamState>> open(Shared& shared, const StreamSpec& spec, int first_shards);
  ~StreamState() override;

  StreamSpec spec() const override;
  Result<Accepted> append(std::span<const log::Record> records,
                          std::optional<log::Producer> producer) override;
  std::unique_ptr<columns::Validator> validator() const override;
  StreamStatus status() const override;
  Status flush(Deadline deadline) override;

  Status change(const StreamSpec& spec);
  void close() { closed_ = true; }  // append() answers kNotFound from now on

  // Delivers at least what `target` says; one caller at a time gets through, others wait.
  Status deliver(const Positions& target, Deadline deadline);
  // When the next delivery is due; nothing when there is nothing to deliver.
  std::optional<Timestamp> due() const;
  // After a failed delivery: not before this, and twice as long the next time.
  void failed(const Error& error);
  void update_gauges() const;

  Result<query::Tail> tail();
  Result<query::Tail> error_tail();
  Result<Redriven> redrive();

  Positions delivered() const;
  Range undelivered() const;

 private:
  friend class Delivery;
  StreamState(Shared& shared, StreamSpec spec);

  // Looks at records that nobody has looked at yet, up to `ends`: for their shape when it is inferred, and
  // whether the transform can take them.
  Status examine(const lake::TableMetadata& table, const Positions& ends) TARN_REQUIRES(shape_mu_);
  Status infer(const Range& range) TARN_REQUIRES(shape_mu_);
  Status try_transform(const lake::TableMetadata& table, const Range& range) TARN_REQUIRES(shape_mu_);
  Status find_bad(const RecordPlan& plan, const Range& range, const Error& error, int& budget)
      TARN_REQUIRES(shape_mu_);
  Result<RecordPlan> plan(const lake::TableMetadata& table) TARN_REQUIRES(shape_mu_);
  // Bad records of the range.
  std::vector<BadRecord> bad_in(const Range& range) const TARN_REQUIRES(shape_mu_);
  Result<std::shared_ptr<columns::Scan>> make_scan(const columns::ScanSpec& spec, const Range& range) const;
  std::string errors_select(uint64_t scan, const std::vector<BadRecord>& bad) const;
  void set_delivered(Positions positions);
  void forget_delivered(const Positions& positions) TARN_REQUIRES(shape_mu_);

  Shared& shared_;
  std::unique_ptr<Shards> shards_;
  std::atomic<bool> closed_ = false;
  std::atomic<int64_t> undelivered_bytes_ = 0;
  std::atomic<uint64_t> rejected_ = 0;
  std::atomic<uint64_t> rescued_ = 0;

  Mutex delivery_mu_;  // held through a delivery; taken before the others

  mutable Mutex shape_mu_;  // held while records are examined and planned
  columns::Inference seen_ TARN_GUARDED_BY(shape_mu_);
  Positions examined_ TARN_GUARDED_BY(shape_mu_);
  Positions tried_ TARN_GUARDED_BY(shape_mu_);
  std::map<int64_t, BadRecord> bad_ TARN_GUARDED_BY(shape_mu_);
  std::optional<duck::Connection> connection_ TARN_GUARDED_BY(shape_mu_);

  mutable Mutex mu_;
  StreamSpec spec_ TARN_GUARDED_BY(mu_);
  Positions delivered_ TARN_GUARDED_BY(mu_);
  std::string last_error_ TARN_GUARDED_BY(mu_);
  std::optional<Timestamp> last_delivery_ TARN_GUARDED_BY(mu_);
  Timestamp not_before_ TARN_GUARDED_BY(mu_);
  Duration backoff_ TARN_GUARDED_BY(mu_){0};

  Counter* records_in_ = nullptr;  // of the metrics registry, which outlives streams
  Counter* bytes_in_ = nullptr;
  Counter* records_out_ = nullptr;
  Counter* rejected_total_ = nullptr;
  Counter* rescued_total_ = nullptr;
  Counter* failures_ = nullptr;
  Histogram* delivery_seconds_ = nullptr;
  Gauge* undelivered_gauge_ = nullptr;
  Gauge* lag_gauge_ = nullptr;
};

// The positions in a table's current snapshot, `count` of them; 0 for shards that it doesn't name.
Positions positions_of(const lake::TableMetadata& table, int count);

}  // namespace tarn::flow
