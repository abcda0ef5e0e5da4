#include "flow/stream_state.h"

#include <algorithm>
#include <cstdint>

#include <fmt/core.h>

#include "base/logging.h"
#include "flow/system_streams.h"

namespace tarn::flow {
namespace {

constexpr int kRetryAfterMs = 1000;  // how long a producer is asked to wait when the stream is over its bound

}  // namespace

Positions positions_of(const lake::TableMetadata& table, int count) {
  Positions positions(static_cast<size_t>(count), 0);
  const lake::Snapshot* snapshot = table.snapshot();
  if (snapshot == nullptr) return positions;
  for (size_t shard = 0; shard < positions.size(); ++shard) {
    auto value = snapshot->summary.find(fmt::format("{}{}", lake::kPositionKey, shard));
    if (value != snapshot->summary.end())
      positions[shard] = std::strtoull(value->second.c_str(), nullptr, 10);
  }
  return positions;
}

StreamState::StreamState(Shared& shared, StreamSpec spec)
    : shared_(shared), seen_(shared.parts.limits.record), spec_(std::move(spec)) {
  Metrics& metrics = shared_.parts.metrics;
  Labels labels = {{"stream", this->spec().name}};
  records_in_ = &metrics.counter("tarn_stream_records_total", "Records acknowledged.", labels);
  bytes_in_ = &metrics.counter("tarn_stream_bytes_total", "Bytes of the records acknowledged.", labels);
  records_out_ =
      &metrics.counter("tarn_stream_delivered_records_total", "Rows committed to the table.", labels);
  rejected_total_ =
      &metrics.counter("tarn_stream_rejected_records_total", "Records sent to the error table.", labels);
  rescued_total_ =
      &metrics.counter("tarn_stream_rescued_rows_total", "Rows with something in _rescued.", labels);
  failures_ = &metrics.counter("tarn_stream_delivery_failures_total",
                               "Deliveries that failed and are tried again.", labels);
  delivery_seconds_ =
      &metrics.histogram("tarn_stream_delivery_seconds", "Time that one delivery took.", labels);
  undelivered_gauge_ =
      &metrics.gauge("tarn_stream_undelivered_bytes", "Bytes acknowledged and not in the table yet.", labels);
  lag_gauge_ = &metrics.gauge("tarn_stream_lag_milliseconds",
                              "Age of the oldest record that is not in the table yet.", labels);
}

StreamState::~StreamState() {
  shared_.undelivered_bytes -= undelivered_bytes_.load();
}

Result<std::shared_ptr<StreamState>> StreamState::open(Shared& shared, const StreamSpec& spec,
                                                       int first_shards) {
  std::shared_ptr<StreamState> stream(new StreamState(shared, spec));
  TARN_ASSIGN(stream->shards_, Shards::open(shared.parts.folder / spec.name, spec.shards, first_shards,
                                            shared.parts.limits.log, shared.parts.clock));
  for (int shard = 0; shard < spec.shards; ++shard) {
    for (const log::Damage& damage : stream->shards_->at(shard).damage())
      TARN_LOG(error, "stream {}: {} is damaged at offset {}: records {} to {} can't be read ({})", spec.name,
               damage.file.string(), damage.offset, damage.first, damage.end, damage.reason);
  }
  TARN_ASSIGN(lake::Table table, shared.parts.catalog.load(spec.deliver.table));
  {
    Lock lock(stream->shape_mu_);
    TARN_ASSIGN(duck::Connection connection, shared.parts.database.connect());
    stream->connection_.emplace(std::move(connection));
  }
  stream->set_delivered(positions_of(*table, spec.shards));
  return stream;
}

StreamSpec StreamState::spec() const {
  Lock lock(mu_);
  return spec_;
}

Status StreamState::change(const StreamSpec& spec) {
  TARN_TRY(shards_->grow(spec.shards));
  Lock shape(shape_mu_);
  Lock lock(mu_);
  delivered_.resize(static_cast<size_t>(spec.shards), 0);
  tried_.clear();  // another transform may take what the old one could not
  bad_.clear();
  spec_ = spec;
  return {};
}

Result<Accepted> StreamState::append(std::span<const log::Record> records,
                                     std::optional<log::Producer> producer) {
  // What other streams hold back must not silence the lake's own: nothing is done that the audit can't take.
  uint64_t bound_of_all = shared_.parts.limits.undelivered_bytes_max;
  uint64_t bound = 0;
  uint64_t deliver_bytes = 0;
  {
    Lock lock(mu_);
    if (closed_) return fail(Code::kNotFound, fmt::format("the stream {} was removed", spec_.name));
    bound = spec_.undelivered_bytes_max;
    if (is_system_stream(spec_.name)) bound_of_all = INT64_MAX;
    deliver_bytes = spec_.deliver.bytes;
  }
  if (shared_.stopping) return fail(Error{Code::kUnavailable, "the lake is stopping", kRetryAfterMs});
  if (undelivered_bytes_.load() > static_cast<int64_t>(bound) ||
      shared_.undelivered_bytes.load() > static_cast<int64_t>(bound_of_all))
    return fail(Error{Code::kBusy,
                      fmt::format("more than {} wait for delivery (undelivered_max); send again later",
                                  human_bytes(std::min(bound, bound_of_all))),
                      kRetryAfterMs});
  int shard = shards_->choose(records, producer);
  TARN_ASSIGN(log::Appended appended, shards_->at(shard).append(records, producer));
  if (!appended.duplicate) {
    int64_t bytes = 0;
    for (const log::Record& record : records)
      bytes += static_cast<int64_t>(record.data.size() + record.key.size() + 5);
    int64_t before = undelivered_bytes_.fetch_add(bytes);
    shared_.undelivered_bytes += bytes;
    // The deliverers look when the first record comes and when the size is reached; between, time decides.
    auto wanted = static_cast<int64_t>(deliver_bytes);
    if (before == 0 || (before < wanted && before + bytes >= wanted)) shared_.wake();
    records_in_->add(records.size());
    bytes_in_->add(static_cast<uint64_t>(bytes));
  }
  return Accepted{shard, appended.first, appended.count, appended.duplicate};
}

std::unique_ptr<columns::Validator> StreamState::validator() const {
  StreamSpec spec = this->spec();
  if (spec.on_violation != columns::OnViolation::kStrict || spec.columns.empty()) return nullptr;
  columns::ScanSpec scan;
  scan.schema.fields = spec.columns;
  scan.rescue = spec.infer;
  scan.declared = true;
  scan.on_violation = spec.on_violation;
  scan.limits = shared_.parts.limits.record;
  return std::make_unique<columns::Validator>(scan);
}

Positions StreamState::delivered() const {
  Lock lock(mu_);
  return delivered_;
}

Range StreamState::undelivered() const {
  Range range{delivered(), shards_->ends()};
  range.to.resize(range.from.size(), 0);
  for (size_t i = 0; i < range.from.size(); ++i) range.to[i] = std::max(range.to[i], range.from[i]);
  return range;
}

void StreamState::set_delivered(Positions positions) {
  {
    Lock lock(mu_);
    positions.resize(delivered_.size() > positions.size() ? delivered_.size() : positions.size(), 0);
    delivered_ = std::move(positions);
  }
  // What is counted on each append is set right here, so that small errors of counting don't add up.
  auto bytes = static_cast<int64_t>(shards_->bytes_between(undelivered()));
  shared_.undelivered_bytes += bytes - undelivered_bytes_.exchange(bytes);
}

StreamStatus StreamState::status() const {
  StreamStatus status;
  Range range = undelivered();
  for (size_t i = 0; i < range.from.size(); ++i) {
    log::Log& log = shards_->at(static_cast<int>(i));
    status.shards.push_back({log.begin(), range.from[i], range.to[i], log.bytes()});
    for (const log::Damage& damage : log.damage()) status.damaged_records += damage.end - damage.first;
  }
  status.undelivered_records = range.records();
  status.undelivered_bytes = shards_->bytes_between(range);
  if (auto oldest = shards_->oldest(range))
    status.lag = std::max(Duration(0), shared_.parts.clock.now() - *oldest);
  status.rejected_total = rejected_;
  status.rescued_total = rescued_;
  Lock lock(mu_);
  status.last_error = last_error_;
  status.last_delivery = last_delivery_;
  return status;
}

void StreamState::update_gauges() const {
  Range range = undelivered();
  undelivered_gauge_->set(static_cast<int64_t>(shards_->bytes_between(range)));
  auto oldest = shards_->oldest(range);
  lag_gauge_->set(oldest ? std::max<int64_t>(0, (shared_.parts.clock.now() - *oldest).count() / 1000) : 0);
}

std::optional<Timestamp> StreamState::due() const {
  Range range = undelivered();
  if (range.empty()) return std::nullopt;
  Timestamp due{0};
  StreamSpec spec = this->spec();
  if (shards_->bytes_between(range) < spec.deliver.bytes) {
    if (auto oldest = shards_->oldest(range)) due = *oldest + spec.deliver.age;
  }
  Lock lock(mu_);
  return std::max(due, not_before_);
}

void StreamState::failed(const Error& error) {
  failures_->add();
  const Limits& limits = shared_.parts.limits;
  Lock lock(mu_);
  backoff_ = backoff_.count() == 0 ? limits.retry_first : std::min(backoff_ * 2, limits.retry_max);
  not_before_ = shared_.parts.clock.now() + backoff_;
  last_error_ = error.message;
  TARN_LOG(error, "stream {}: delivery failed and is tried again in {}: {}", spec_.name, to_string(backoff_),
           error.message);
}

Status StreamState::flush(Deadline deadline) {
  Status status = deliver(shards_->ends(), deadline);
  if (!status) failed(status.error());
  return status;
}

Result<std::shared_ptr<columns::Scan>> StreamState::make_scan(const columns::ScanSpec& spec,
                                                              const Range& range) const {
  auto scan = std::make_shared<columns::Scan>();  // of the caller and of Scans, while a query reads it
  scan->spec = spec;
  scan->records_estimate = range.records();
  TARN_ASSIGN(scan->chunks, shards_->split(range));
  return scan;
}

}  // namespace tarn::flow
