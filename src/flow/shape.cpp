// What is learnt about records before they become rows: their shape, and which the transform can't take.
// Part of StreamState; see stream_state.h.
#include <algorithm>

#include <fmt/core.h>
#include <fmt/format.h>

#include "base/logging.h"
#include "flow/stream_state.h"

namespace tarn::flow {
namespace {

constexpr int kBadRecordsMax =
    10'000;  // that one examination takes out one by one; more: the transform itself is wrong
constexpr uint64_t kExamineBytes = 64 * 1024 * 1024;  // of one try of the transform

// What of `wanted` is beyond `done`, in every shard.
Range beyond(const Positions& done, const Positions& from, const Positions& to) {
  Range range;
  for (size_t i = 0; i < to.size(); ++i) {
    log::Sequence begin = std::max(i < done.size() ? done[i] : 0, i < from.size() ? from[i] : 0);
    range.from.push_back(std::min(begin, to[i]));
    range.to.push_back(to[i]);
  }
  return range;
}

// One more record for the _seq it has: shard and sequence number.
std::pair<int, log::Sequence> split_sequence(int64_t stream_sequence) {
  auto bits = static_cast<uint64_t>(stream_sequence);
  return {static_cast<int>(bits >> 48), bits & ((1ULL << 48) - 1)};
}

}  // namespace

Status StreamState::examine(const lake::TableMetadata& table, const Positions& ends) {
  Positions from = positions_of(table, static_cast<int>(ends.size()));
  StreamSpec spec = this->spec();
  if (spec.infer) {
    TARN_TRY(infer(beyond(examined_, from, ends)));
    examined_ = ends;
  }
  if (!spec.transform.empty()) {
    Range range = beyond(tried_, from, ends);
    while (!range.empty()) {  // in parts, so that one wrong record doesn't make all be tried again
      Range part = shards_->limited(range, kExamineBytes);
      TARN_TRY(try_transform(table, part));
      tried_ = part.to;
      range.from = part.to;
    }
    tried_ = ends;
  }
  return {};
}

Status StreamState::infer(const Range& range) {
  if (range.empty()) return {};
  return shards_->each_record(
      range, [this](int, log::Sequence, Timestamp, std::string_view, std::string_view data) TARN_NO_ANALYSIS {
        seen_.observe(data);
        return Status();
      });
}

Result<RecordPlan> StreamState::plan(const lake::TableMetadata& table) {
  return plan_records(spec(), table, &seen_, shared_.parts.limits.record, *connection_);
}

Status StreamState::try_transform(const lake::TableMetadata& table, const Range& range) {
  if (range.empty()) return {};
  TARN_ASSIGN(RecordPlan plan, this->plan(table));
  int budget = kBadRecordsMax;
  return find_bad(plan, range, Error{}, budget);
}

// Runs the transform over the range; when it fails, over its halves, down to the records that it fails on
// alone.
Status StreamState::find_bad(const RecordPlan& plan, const Range& range, const Error& error, int& budget) {
  if (range.empty()) return {};
  TARN_ASSIGN(auto scan, make_scan(plan.scan, range));
  uint64_t number = shared_.parts.scans.add(scan);
  std::vector<int64_t> excluded;
  for (const auto& [sequence, record] : bad_) excluded.push_back(sequence);
  Status ran =
      connection_->run(fmt::format("SELECT count(COLUMNS(*)) FROM ({})", select_of(plan, number, excluded)));
  shared_.parts.scans.remove(number);
  if (ran || ran.error().code != Code::kInvalid) return ran;
  if (range.records() > 1) {
    Range first = range;
    Range second = range;
    uint64_t half = range.records() / 2;
    for (size_t i = 0; i < range.to.size(); ++i) {
      uint64_t taken = std::min<uint64_t>(half, range.to[i] - range.from[i]);
      first.to[i] = second.from[i] = range.from[i] + taken;
      half -= taken;
    }
    size_t before = bad_.size();
    TARN_TRY(find_bad(plan, first, ran.error(), budget));
    TARN_TRY(find_bad(plan, second, ran.error(), budget));
    if (bad_.size() > before) return {};
    return fail(
        std::move(ran).error().in("the transform fails on records together that it takes one by one"));
  }
  if (--budget < 0)
    return fail(Code::kInvalid, fmt::format("the transform fails on more than {} records: {}", kBadRecordsMax,
                                            error.message));
  std::string reason = "transform: " + ran.error().message.substr(0, ran.error().message.find('\n'));
  return shards_->each_record(range, [&](int shard, log::Sequence sequence, Timestamp arrived,
                                         std::string_view key, std::string_view data) TARN_NO_ANALYSIS {
    int64_t id = columns::stream_sequence(shard, sequence);
    bad_.emplace(id, BadRecord{id, arrived, std::string(key), reason, std::string(data)});
    return Status();
  });
}

std::vector<BadRecord> StreamState::bad_in(const Range& range) const {
  std::vector<BadRecord> found;
  for (const auto& [id, record] : bad_) {
    auto [shard, sequence] = split_sequence(id);
    auto i = static_cast<size_t>(shard);
    if (i < range.to.size() && sequence >= range.from[i] && sequence < range.to[i]) found.push_back(record);
  }
  return found;
}

void StreamState::forget_delivered(const Positions& positions) {
  std::erase_if(bad_, [&](const auto& entry) {
    auto [shard, sequence] = split_sequence(entry.first);
    return static_cast<size_t>(shard) < positions.size() && sequence < positions[static_cast<size_t>(shard)];
  });
}

std::string StreamState::errors_select(uint64_t scan, const std::vector<BadRecord>& bad) const {
  std::string sql = fmt::format("SELECT seq, arrived, key, reason, record FROM tarn_errors({})", scan);
  for (const BadRecord& record : bad) {
    std::string hex;
    for (char c : record.record) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
    sql += fmt::format(" UNION ALL SELECT {}::BIGINT, make_timestamptz({}), {}, {}, unhex('{}')",
                       record.stream_sequence, record.arrived.us,
                       record.key.empty() ? "NULL::VARCHAR" : columns::quote_text(record.key),
                       columns::quote_text(record.reason), hex);
  }
  return sql;
}

}  // namespace tarn::flow
