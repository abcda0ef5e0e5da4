#include "log/segment.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/core.h>

namespace tarn::log {

namespace {
constexpr size_t kNameDigits = 20;
constexpr std::string_view kSuffix = ".seg";
}  // namespace

std::string segment_name(Sequence first) {
  return fmt::format("{:020}{}", first, kSuffix);
}

std::optional<Sequence> parse_segment_name(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  Sequence first = 0;
  const char* end = name.data() + kNameDigits;
  auto [stopped, error] = std::from_chars(name.data(), end, first);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return first;
}

Segment::Segment(std::unique_ptr<File> file, Sequence first, Timestamp created, uint32_t seed,
                 uint64_t file_bytes)
    : file_(std::move(file)),
      first_(first),
      seed_(seed),
      file_bytes_(file_bytes),
      end_(first),
      end_offset_(kSegmentDataOffset),
      last_arrived_(created) {}

Segment::Segment(std::unique_ptr<File> file, Sequence first, uint32_t seed, uint64_t file_bytes, Scan scan)
    : file_(std::move(file)),
      first_(first),
      seed_(seed),
      file_bytes_(file_bytes),
      end_(scan.end),
      end_offset_(scan.end_offset),
      last_arrived_(scan.last_arrived),
      index_(std::move(scan.index)),
      gaps_(std::move(scan.gaps)) {}

Sequence Segment::end() const {
  Lock lock(mu_);
  return end_;
}

Timestamp Segment::last_arrived() const {
  Lock lock(mu_);
  return last_arrived_;
}

std::vector<Gap> Segment::gaps() const {
  Lock lock(mu_);
  return gaps_;
}

void Segment::add(Sequence first, uint32_t count, Timestamp arrived, uint64_t offset, uint64_t frame_bytes) {
  Lock lock(mu_);
  TARN_CHECK(first == end_ && offset >= end_offset_);
  if (index_.empty() || offset - index_.back().offset >= kIndexStepBytes)
    index_.push_back({first, arrived, offset});
  end_ = first + count;
  end_offset_ = offset + frame_bytes;
  last_arrived_ = arrived;
}

Segment::Block Segment::block(size_t index) const {
  Block b{index_[index], end_offset_, end_};
  if (index + 1 < index_.size()) {
    b.end_offset = index_[index + 1].offset;
    b.end = index_[index + 1].first;
  }
  // A scan makes an entry after each gap, so that at most one gap lies between two entries, at the end of the
  // block.
  auto gap = std::upper_bound(gaps_.begin(), gaps_.end(), b.begin.offset,
                              [](uint64_t offset, const Gap& g) { return offset < g.offset; });
  if (gap != gaps_.end() && gap->offset <= b.end_offset) {
    b.end_offset = gap->offset;
    b.end = gap->first;
  }
  return b;
}

void Segment::split(const std::shared_ptr<const Segment>& self, Sequence from, Sequence to,
                    uint64_t chunk_bytes, std::vector<Chunk>& out) {
  const Segment& s = *self;
  Lock lock(s.mu_);
  auto after = std::upper_bound(s.index_.begin(), s.index_.end(), from,
                                [](Sequence n, const IndexEntry& e) { return n < e.first; });
  size_t i = after == s.index_.begin() ? 0 : static_cast<size_t>(after - s.index_.begin()) - 1;
  for (; i < s.index_.size() && s.index_[i].first < to; ++i) {
    Block b = s.block(i);
    Sequence first = std::max(from, b.begin.first);
    Sequence end = std::min(to, b.end);
    if (first >= end) continue;
    Chunk* last = out.empty() || out.back().segment != self ? nullptr : &out.back();
    if (last != nullptr && last->bytes < chunk_bytes && last->offset + last->bytes == b.begin.offset &&
        last->end == first) {
      last->bytes = b.end_offset - last->offset;
      last->end = end;
    } else {
      out.push_back({self, b.begin.offset, b.end_offset - b.begin.offset, first, end});
    }
  }
}

uint64_t Segment::position(Sequence record) const {
  Lock lock(mu_);
  auto after = std::upper_bound(index_.begin(), index_.end(), record,
                                [](Sequence n, const IndexEntry& e) { return n < e.first; });
  if (after == index_.begin()) return 0;
  Block b = block(static_cast<size_t>(after - index_.begin()) - 1);
  uint64_t begin = b.begin.offset - kSegmentDataOffset;
  if (record >= b.end) return b.end_offset - kSegmentDataOffset;
  double share = static_cast<double>(record - b.begin.first) / static_cast<double>(b.end - b.begin.first);
  return begin + static_cast<uint64_t>(share * static_cast<double>(b.end_offset - b.begin.offset));
}

// The first frame of the block that `wanted` says true for.
template <typename Wanted>
Result<std::optional<FrameHeader>> Segment::walk(const Block& block, Wanted wanted) const {
  for (uint64_t offset = block.begin.offset; offset < block.end_offset;) {
    char bytes[sizeof(FrameHeader)];
    TARN_TRY(file_->read_at(offset, bytes));
    auto header = read_header(bytes, seed_);
    if (!header)
      return fail(Code::kCorrupt, fmt::format("{} at offset {}: {}; the disk changed it after it was checked",
                                              file_->path().string(), offset, header.error()));
    if (header->count != 0 && wanted(*header)) return *header;
    offset += header->frame_bytes();
  }
  return std::nullopt;
}

Result<std::optional<FrameHeader>> Segment::frame_of(Sequence record) const {
  std::optional<Block> found;
  {
    Lock lock(mu_);
    auto after = std::upper_bound(index_.begin(), index_.end(), record,
                                  [](Sequence n, const IndexEntry& e) { return n < e.first; });
    if (after != index_.begin()) found = block(static_cast<size_t>(after - index_.begin()) - 1);
  }
  if (!found || record >= found->end) return std::nullopt;
  return walk(*found, [record](const FrameHeader& h) { return record < h.first + h.count; });
}

Result<std::optional<FrameHeader>> Segment::first_since(Timestamp t) const {
  std::vector<Block> candidates;  // the block before the first entry at or after t, and that entry's
  {
    Lock lock(mu_);
    if (last_arrived_ < t) return std::nullopt;
    auto at = std::lower_bound(index_.begin(), index_.end(), t,
                               [](const IndexEntry& e, Timestamp value) { return e.arrived < value; });
    size_t i = static_cast<size_t>(at - index_.begin());
    // Blocks without records (a mark) hold nothing to find: look on until one does.
    for (size_t k = i == 0 ? 0 : i - 1; k < index_.size(); ++k) {
      candidates.push_back(block(k));
      if (k >= i && candidates.back().end > candidates.back().begin.first) break;
    }
  }
  for (const Block& b : candidates) {
    TARN_ASSIGN(auto found, walk(b, [t](const FrameHeader& h) { return h.arrived_us >= t.us; }));
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace tarn::log
