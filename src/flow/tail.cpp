// The undelivered rows of a stream, for a query: part of StreamState, see stream_state.h and query/tail.h.
#include <fmt/core.h>

#include "flow/stream_state.h"

namespace tarn::flow {
namespace {
constexpr int kTriesMax =
    20;  // a delivery may trim what was about to be read; each try starts from its new version
}

Result<query::Tail> StreamState::tail() {
  Error last;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    StreamSpec spec = this->spec();
    query::Tail tail;
    // The order matters (I3): the version first, then the logs' ends, so that nothing falls between.
    TARN_ASSIGN(tail.table, shared_.parts.catalog.load(spec.deliver.table));
    Positions ends = shards_->ends();
    Range range{positions_of(*tail.table, static_cast<int>(ends.size())), ends};
    for (size_t i = 0; i < ends.size(); ++i) range.to[i] = std::max(range.to[i], range.from[i]);
    tail.schema = tail.table->schema();
    if (range.empty()) return tail;

    std::optional<RecordPlan> plan;
    std::vector<int64_t> excluded;
    {
      Lock lock(shape_mu_);
      Status examined = examine(*tail.table, range.to);
      if (!examined && examined.error().code == Code::kConflict) {
        last = examined.error();
        continue;
      }
      if (!examined) return std::unexpected(std::move(examined).error());
      TARN_ASSIGN(plan, this->plan(*tail.table));
      for (const BadRecord& bad : bad_in(range)) excluded.push_back(bad.stream_sequence);
    }
    plan->scan.watch_drift = false;
    auto scan = make_scan(plan->scan, range);
    if (!scan && scan.error().code == Code::kConflict) {
      last = scan.error();
      continue;
    }
    if (!scan) return std::unexpected(std::move(scan).error());
    uint64_t number = shared_.parts.scans.add(*scan);
    tail.scans.push_back(number);
    tail.schema = plan->table;
    tail.sql = select_of(*plan, number, excluded);
    return tail;
  }
  return fail(Code::kBusy, "the stream is delivered faster than it can be read: " + last.message);
}

Result<query::Tail> StreamState::error_tail() {
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    StreamSpec spec = this->spec();
    query::Tail tail;
    // The error table is committed before the table: whatever it has is at or past the table's position.
    TARN_ASSIGN(lake::Table table, shared_.parts.catalog.load(spec.deliver.table));
    TARN_ASSIGN(tail.table, shared_.parts.catalog.load(error_table(spec.deliver.table)));
    tail.schema = tail.table->schema();
    Positions ends = shards_->ends();
    Range range{positions_of(*table, static_cast<int>(ends.size())), ends};
    Positions have = positions_of(*tail.table, static_cast<int>(ends.size()));
    for (size_t i = 0; i < ends.size(); ++i) {
      range.from[i] = std::max(range.from[i], have[i]);
      range.to[i] = std::max(range.to[i], range.from[i]);
    }
    if (range.empty()) return tail;
    std::optional<RecordPlan> plan;
    std::vector<BadRecord> bad;
    {
      Lock lock(shape_mu_);
      Status examined = examine(*table, range.to);
      if (!examined && examined.error().code == Code::kConflict) continue;
      if (!examined) return std::unexpected(std::move(examined).error());
      TARN_ASSIGN(plan, this->plan(*table));
      bad = bad_in(range);
    }
    plan->scan.watch_drift = false;
    auto scan = make_scan(plan->scan, range);
    if (!scan && scan.error().code == Code::kConflict) continue;
    if (!scan) return std::unexpected(std::move(scan).error());
    uint64_t number = shared_.parts.scans.add(*scan);
    tail.scans.push_back(number);
    tail.sql = errors_select(number, bad);
    return tail;
  }
  return fail(Code::kBusy, "the stream is delivered faster than it can be read; try again");
}

}  // namespace tarn::flow
