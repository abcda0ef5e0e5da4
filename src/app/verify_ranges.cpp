// What snapshots say about the records that they delivered: arithmetic on their summaries.

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

#include "app/verify.h"

namespace tarn::app {
namespace {

struct Range {
  uint64_t from = 0;
  uint64_t to = 0;
  int64_t snapshot = 0;
};

template <typename T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Range> parse_range(std::string_view text) {
  size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto from = number<uint64_t>(text.substr(0, dash));
  auto to = number<uint64_t>(text.substr(dash + 1));
  if (!from || !to || *from > *to) return std::nullopt;
  return Range{*from, *to, 0};
}

// 0 when the summary has no such key; an unreadable value is a problem.
int64_t count_in(const lake::Snapshot& snapshot, const std::string& key,
                 std::vector<std::string>& unreadable) {
  auto found = snapshot.summary.find(key);
  if (found == snapshot.summary.end()) return 0;
  auto value = number<int64_t>(found->second);
  if (!value) unreadable.push_back(fmt::format("{} is \"{}\", no number", key, found->second));
  return value.value_or(0);
}

class RangeCheck {
 public:
  RangeCheck(const std::string& table, const lake::TableMetadata& metadata, RangeRule rule)
      : table_(table), metadata_(metadata), rule_(rule) {}

  std::vector<std::string> run() {
    for (const lake::Snapshot& snapshot : metadata_.snapshots) check_snapshot(snapshot);
    for (auto& [shard, ranges] : ranges_) check_order(shard, ranges);
    check_positions();
    return std::move(problems_);
  }

 private:
  void problem(const lake::Snapshot& snapshot, const std::string& what) {
    problems_.push_back(fmt::format("{}: snapshot {}: {}", table_, snapshot.id, what));
  }

  void check_snapshot(const lake::Snapshot& snapshot) {
    uint64_t delivered = 0;
    bool any = false;
    for (const auto& [key, value] : snapshot.summary) {
      if (!key.starts_with(lake::kRangeKey)) continue;
      auto shard = number<int>(std::string_view(key).substr(lake::kRangeKey.size()));
      auto range = parse_range(value);
      if (!shard || !range) {
        problem(snapshot, fmt::format("{} is \"{}\", no range of records", key, value));
        continue;
      }
      any = true;
      delivered += range->to - range->from;
      range->snapshot = snapshot.id;
      ranges_[*shard].push_back(*range);
      check_own_position(snapshot, *shard, *range);
    }
    if (any && rule_ == RangeRule::kWhole) check_sum(snapshot, delivered);
  }

  // A snapshot that delivered a range stands at its end.
  void check_own_position(const lake::Snapshot& snapshot, int shard, const Range& range) {
    std::map<int, uint64_t> positions = positions_of(snapshot);
    auto found = positions.find(shard);
    if (found != positions.end() && found->second == range.to) return;
    problem(snapshot, fmt::format("shard {}: it delivered up to {}, and its position is {}", shard, range.to,
                                  found == positions.end() ? "missing" : std::to_string(found->second)));
  }

  void check_sum(const lake::Snapshot& snapshot, uint64_t delivered) {
    std::vector<std::string> unreadable;
    int64_t added = count_in(snapshot, "added-records", unreadable);
    int64_t rejected = count_in(snapshot, "tarn.rejected", unreadable);
    int64_t filtered = count_in(snapshot, "tarn.filtered", unreadable);
    int64_t lost = count_in(snapshot, "tarn.lost", unreadable);
    for (const std::string& what : unreadable) problem(snapshot, what);
    if (!unreadable.empty()) return;
    if (lost > 0) problem(snapshot, fmt::format("{} records were lost in a damaged log", lost));
    if (added + rejected + filtered + lost == static_cast<int64_t>(delivered)) return;
    problem(snapshot,
            fmt::format("its range has {} records, and {} were added, {} rejected, {} filtered, {} lost",
                        delivered, added, rejected, filtered, lost));
  }

  void check_order(int shard, std::vector<Range>& ranges) {
    std::ranges::sort(ranges, {}, [](const Range& r) { return std::pair(r.from, r.to); });
    if (rule_ == RangeRule::kWhole && whole_history() && ranges.front().from > 0) {
      problems_.push_back(fmt::format("{}: shard {}: records 0 to {} were delivered by no snapshot", table_,
                                      shard, ranges.front().from));
    }
    for (size_t i = 1; i < ranges.size(); ++i) {
      const Range& before = ranges[i - 1];
      const Range& after = ranges[i];
      bool gap_is_fine = rule_ == RangeRule::kErrors && before.to < after.from;
      if (before.to == after.from || gap_is_fine) continue;
      problems_.push_back(
          fmt::format("{}: shard {}: records {} to {} were delivered {} (snapshots {} and {})", table_, shard,
                      std::min(before.to, after.from), std::max(before.to, after.from),
                      before.to > after.from ? "twice" : "by no snapshot", before.snapshot, after.snapshot));
    }
  }

  void check_positions() {
    const lake::Snapshot* current = metadata_.snapshot();
    if (current == nullptr) return;
    std::map<int, uint64_t> positions = positions_of(*current);
    for (const auto& [shard, ranges] : ranges_) {
      auto found = positions.find(shard);
      uint64_t position = found == positions.end() ? 0 : found->second;
      if (position == ranges.back().to) continue;
      problems_.push_back(fmt::format("{}: shard {}: its position is {}, and its last delivery ended at {}",
                                      table_, shard, position, ranges.back().to));
    }
  }

  // No snapshot has expired: the first of all is still there.
  bool whole_history() const {
    return std::ranges::any_of(metadata_.snapshots, [](const lake::Snapshot& s) { return !s.parent; });
  }

  const std::string& table_;
  const lake::TableMetadata& metadata_;
  const RangeRule rule_;
  std::map<int, std::vector<Range>> ranges_;  // by shard
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> check_ranges(const std::string& table, const lake::TableMetadata& metadata,
                                      RangeRule rule) {
  return RangeCheck(table, metadata, rule).run();
}

std::vector<std::string> check_rejected(const std::string& table, const lake::TableMetadata& metadata,
                                        const lake::TableMetadata& errors) {
  std::vector<std::string> problems;
  std::map<int, uint64_t> reached;
  if (errors.snapshot() != nullptr) reached = positions_of(*errors.snapshot());
  for (const lake::Snapshot& snapshot : metadata.snapshots) {
    std::vector<std::string> unreadable;
    int64_t rejected = count_in(snapshot, "tarn.rejected", unreadable);
    if (rejected == 0) continue;
    // The error table is committed first, so it has reached at least where one of the ranges ends.
    for (const auto& [key, value] : snapshot.summary) {
      if (!key.starts_with(lake::kRangeKey)) continue;
      auto shard = number<int>(std::string_view(key).substr(lake::kRangeKey.size()));
      auto range = parse_range(value);
      if (!shard || !range || reached[*shard] >= range->to) continue;
      problems.push_back(
          fmt::format("{}: snapshot {}: {} records of its range up to {} of shard {} were rejected, and "
                      "the error table has only reached {}",
                      table, snapshot.id, rejected, range->to, *shard, reached[*shard]));
    }
  }
  return problems;
}

std::map<int, uint64_t> positions_of(const lake::Snapshot& snapshot) {
  std::map<int, uint64_t> positions;
  for (const auto& [key, value] : snapshot.summary) {
    if (!key.starts_with(lake::kPositionKey)) continue;
    auto shard = number<int>(std::string_view(key).substr(lake::kPositionKey.size()));
    auto position = number<uint64_t>(value);
    if (shard && position) positions[*shard] = *position;
  }
  return positions;
}

}  // namespace tarn::app
