#include "flow/delivery.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "base/fault_point.h"
#include "base/logging.h"
#include "lake/data_writer.h"

namespace tarn::flow {
namespace {

constexpr int kTriesMax = 6;  // of writing a range whose shape turns out to be another
constexpr uint64_t kSampleBytes =
    4 * 1024 * 1024;  // looked at before the first delivery of an inferred stream

// More different values than this in a row group and a dictionary costs more time than it saves in bytes,
// measured on the events of src/columns/records_bench.cpp; compaction writes these rows again, with DuckDB's
// own choice.
constexpr int kDictionaryValuesMax = 2000;

lake::WriteOptions write_options() {
  lake::WriteOptions options;
  options.dictionary_values_max = kDictionaryValuesMax;
  return options;
}

std::string position_key(size_t shard) {
  return fmt::format("{}{}", lake::kPositionKey, shard);
}

// The condition that nobody else has moved the positions, and the summary that moves them.
void move_positions(const Range& range, lake::Change& change) {
  for (size_t i = 0; i < range.to.size(); ++i) {
    change.expect[position_key(i)] = range.from[i] == 0 ? "" : std::to_string(range.from[i]);
    if (range.to[i] == range.from[i]) continue;
    change.summary[position_key(i)] = std::to_string(range.to[i]);
    change.summary[fmt::format("{}{}", lake::kRangeKey, i)] =
        fmt::format("{}-{}", range.from[i], range.to[i]);
  }
}

}  // namespace

Status Delivery::run(const Range& range) {
  spec_ = stream_.spec();
  lake::Catalog& catalog = stream_.shared_.parts.catalog;
  TARN_ASSIGN(table_, catalog.load(spec_.deliver.table));
  TARN_TRY(learn(range));
  TARN_ASSIGN(Written written, write(range));
  fault_point("delivery.files_written");
  TARN_TRY(count_errors(range, written));
  if (written.errors + written.bad.size() > 0) TARN_TRY(write_errors(range, written));
  fault_point("delivery.errors_committed");
  TARN_TRY(commit(range, written));
  fault_point("delivery.committed");
  stream_.records_out_->add(written.rows);
  stream_.rejected_total_->add(written.errors + written.bad.size());
  stream_.rejected_ += written.errors + written.bad.size();
  stream_.rescued_total_->add(written.rescued);
  stream_.rescued_ += written.rescued;
  return {};
}

// A new stream's shape is learnt from its first records; what the sample misses is found while writing.
Status Delivery::learn(const Range& range) {
  Lock lock(stream_.shape_mu_);
  if (!spec_.transform.empty()) return stream_.examine(*table_, range.to);
  if (!spec_.infer || !stream_.seen_.empty() || table_->schema().fields.size() > 1) return {};
  return stream_.infer(stream_.shards_->limited(range, kSampleBytes));
}

Result<Delivery::Written> Delivery::write(const Range& range) {
  auto& parts = stream_.shared_.parts;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    Written written;
    std::optional<RecordPlan> plan;
    std::vector<int64_t> excluded;
    {
      Lock lock(stream_.shape_mu_);
      TARN_ASSIGN(plan, stream_.plan(*table_));
      written.bad = stream_.bad_in(range);
    }
    for (const BadRecord& bad : written.bad) excluded.push_back(bad.stream_sequence);
    TARN_TRY(grow_table(*plan));
    set_partition();
    written.scan = plan->scan;
    TARN_ASSIGN(auto scan, stream_.make_scan(plan->scan, range));
    uint64_t number = parts.scans.add(scan);
    auto files = lake::write_data(connection_, parts.catalog.store(), *table_, table_->schema(),
                                  select_of(*plan, number, excluded), write_options());
    parts.scans.remove(number);
    if (!files) return fail(std::move(files).error().in("writing " + spec_.deliver.table.str()));
    TARN_ASSIGN(bool again, learn_drift(*scan, *plan));
    if (again) {
      discard(*files);
      continue;
    }
    written.files = std::move(*files);
    for (const lake::DataFile& file : written.files) written.rows += static_cast<uint64_t>(file.records);
    written.good = scan->rows;
    written.errors = scan->errors;
    written.rescued = scan->rescued;
    return written;
  }
  return fail(Code::kInternal, fmt::format("the shape of the records of {} doesn't settle", spec_.name));
}

// True when the records hold something that the table can take up by growing.
Result<bool> Delivery::learn_drift(columns::Scan& scan, const RecordPlan& plan) {
  std::optional<columns::Inference> drift;
  {
    Lock lock(scan.mu);
    drift = std::move(scan.drift);
  }
  if (!drift || drift->empty()) return false;
  Lock lock(stream_.shape_mu_);
  stream_.seen_.merge(*drift);
  TARN_ASSIGN(RecordPlan grown, stream_.plan(*table_));
  return grown.table != plan.table || grown.scan.schema != plan.scan.schema;
}

Status Delivery::grow_table(const RecordPlan& plan) {
  auto known = table_->properties.find(std::string(kRecordsSchemaProperty));
  bool same_records =
      plan.records.empty() || (known != table_->properties.end() && known->second == plan.records);
  if (plan.table.fields == table_->schema().fields && same_records) return {};
  lake::Change change;
  change.keep_snapshot = true;
  change.schema = plan.table;
  if (!same_records) change.set_properties[std::string(kRecordsSchemaProperty)] = plan.records;
  auto grown = stream_.shared_.parts.catalog.commit(spec_.deliver.table, change);
  if (!grown) return fail(std::move(grown).error().in("growing the schema of " + spec_.deliver.table.str()));
  table_ = *grown;
  return {};
}

// The partition may name columns that came with the records. What can't be done is said, and holds up
// nothing.
void Delivery::set_partition() {
  if (spec_.deliver.partition.empty()) return;
  auto wanted = lake::parse_partition(spec_.deliver.partition, table_->schema());
  std::string problem;
  if (!wanted) {
    problem = wanted.error().message;
  } else {
    const auto& have = table_->spec().fields;
    bool same = std::equal(have.begin(), have.end(), wanted->fields.begin(), wanted->fields.end(),
                           [](const lake::PartitionField& a, const lake::PartitionField& b) {
                             return a.source_id == b.source_id && a.transform == b.transform &&
                                    a.argument == b.argument;
                           });
    if (same) return;
    auto changed = stream_.shared_.parts.catalog.set_partition(spec_.deliver.table, spec_.deliver.partition);
    if (changed)
      table_ = *changed;
    else
      problem = changed.error().message;
  }
  if (!problem.empty())
    TARN_LOG(warn, "stream {}: delivered without its partitioning for now: {}", spec_.name, problem);
}

void Delivery::discard(const std::vector<lake::DataFile>& files) {
  for (const lake::DataFile& file : files) {
    auto uri = store::Uri::parse(file.path);
    if (uri) (void)stream_.shared_.parts.catalog.store().remove(*uri);  // what stays is swept as an orphan
  }
}

// A transform that doesn't read every record (LIMIT) leaves some unjudged.
Status Delivery::count_errors(const Range& range, Written& written) {
  uint64_t lost = 0;
  for (size_t i = 0; i < range.to.size(); ++i) {
    for (const log::Damage& damage : stream_.shards_->at(static_cast<int>(i)).damage()) {
      log::Sequence from = std::max(damage.first, range.from[i]);
      log::Sequence to = std::min(damage.end, range.to[i]);
      if (from < to) lost += to - from;
    }
  }
  if (written.good + written.errors + lost == range.records()) return {};
  TARN_ASSIGN(auto scan, stream_.make_scan(written.scan, range));
  uint64_t number = stream_.shared_.parts.scans.add(scan);
  auto counted = connection_.text(fmt::format("SELECT count(*) FROM tarn_errors({})", number));
  stream_.shared_.parts.scans.remove(number);
  if (!counted) return std::unexpected(std::move(counted).error());
  written.errors = std::stoull(counted->at(0).at(0).value_or("0"));
  return {};
}

Status Delivery::write_errors(const Range& range, const Written& written) {
  auto& parts = stream_.shared_.parts;
  lake::TableName name = error_table(spec_.deliver.table);
  TARN_ASSIGN(lake::Table table, parts.catalog.load(name));
  // The error table may be ahead: a crash between its commit and the table's.
  Range rest = range;
  Positions have = positions_of(*table, static_cast<int>(range.to.size()));
  for (size_t i = 0; i < rest.to.size(); ++i) {
    rest.from[i] = std::max(rest.from[i], have[i]);
    rest.to[i] = std::max(rest.to[i], rest.from[i]);
  }
  if (rest.empty()) return {};
  TARN_ASSIGN(auto scan, stream_.make_scan(written.scan, rest));
  std::vector<BadRecord> bad;
  {
    Lock lock(stream_.shape_mu_);
    bad = stream_.bad_in(rest);
  }
  uint64_t number = parts.scans.add(scan);
  auto files = lake::write_data(connection_, parts.catalog.store(), *table, table->schema(),
                                stream_.errors_select(number, bad), {});
  parts.scans.remove(number);
  if (!files) return fail(std::move(files).error().in("writing " + name.str()));
  lake::Change change;
  change.added = std::move(*files);
  change.summary[std::string(lake::kStreamKey)] = spec_.name;
  move_positions(rest, change);
  uint64_t rows = 0;
  for (const lake::DataFile& file : change.added) rows += static_cast<uint64_t>(file.records);
  change.summary["tarn.filtered"] = std::to_string(rest.records() - rows);  // the good ones, in the table
  for (size_t i = 0; i < have.size(); ++i)
    change.expect[position_key(i)] = have[i] == 0 ? "" : std::to_string(have[i]);
  auto committed = parts.catalog.commit(name, change);
  if (!committed) return fail(std::move(committed).error().in("committing to " + name.str()));
  return {};
}

Status Delivery::commit(const Range& range, const Written& written) {
  lake::Change change;
  change.added = written.files;
  change.summary[std::string(lake::kStreamKey)] = spec_.name;
  move_positions(range, change);
  uint64_t rejected = written.errors + written.bad.size();
  uint64_t lost = range.records() - std::min(range.records(), written.good + written.errors);
  auto filtered =
      static_cast<int64_t>(range.records() - lost - rejected) - static_cast<int64_t>(written.rows);
  if (rejected != 0) change.summary["tarn.rejected"] = std::to_string(rejected);
  if (filtered != 0) change.summary["tarn.filtered"] = std::to_string(filtered);
  if (lost != 0) change.summary["tarn.lost"] = std::to_string(lost);
  fault_point("delivery.before_commit");
  auto committed = stream_.shared_.parts.catalog.commit(spec_.deliver.table, change);
  if (!committed) return fail(std::move(committed).error().in("committing to " + spec_.deliver.table.str()));
  table_ = *committed;
  return {};
}

Status StreamState::deliver(const Positions& target, Deadline deadline) {
  Lock delivering(delivery_mu_);
  TARN_ASSIGN(duck::Connection connection, shared_.parts.database.connect());
  while (true) {
    StreamSpec spec = this->spec();
    TARN_ASSIGN(lake::Table table, shared_.parts.catalog.load(spec.deliver.table));
    Range range{positions_of(*table, static_cast<int>(target.size())), target};
    for (size_t i = 0; i < target.size(); ++i) range.to[i] = std::max(range.to[i], range.from[i]);
    if (range.empty()) {
      Lock lock(mu_);
      last_error_.clear();
      backoff_ = Duration(0);
      not_before_ = {};
      return {};
    }
    if (deadline.passed())
      return fail(Code::kTimeout, fmt::format("{} was not delivered in time; it goes on", spec.name));
    // Past a few times the wanted size one delivery would only take longer, and redo more after a crash.
    range = shards_->limited(range, std::max<uint64_t>(4 * spec.deliver.bytes, 256 * kMiB));
    auto started = std::chrono::steady_clock::now();
    TARN_TRY(Delivery(*this, connection).run(range));
    delivery_seconds_->observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    {
      Lock lock(shape_mu_);
      forget_delivered(range.to);
    }
    {
      Lock lock(mu_);
      last_delivery_ = shared_.parts.clock.now();
    }
    set_delivered(range.to);
    fault_point("delivery.before_trim");
    for (size_t i = 0; i < range.to.size(); ++i) {
      Status trimmed = shards_->at(static_cast<int>(i)).trim(range.to[i], spec.retention);
      if (!trimmed)
        TARN_LOG(warn, "stream {}: shard {} was not trimmed: {}", spec.name, i, trimmed.error().message);
    }
  }
}

}  // namespace tarn::flow
