// The log: reading positions, retention, inspection.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/fault_point.h"
#include "log/log_impl.h"

namespace tarn::log {

Sequence LogImpl::begin() const {
  Lock lock(mu_);
  return segments_.empty() ? end() : segments_.front()->first();
}

uint64_t LogImpl::bytes() const {
  Lock lock(mu_);
  uint64_t sum = 0;
  for (const auto& s : segments_) sum += s->file_bytes();
  return sum;
}

std::vector<Damage> LogImpl::damage() const {
  Lock lock(mu_);
  return damage_;
}

// Those that may hold records of [from, to).
LogImpl::Segments LogImpl::segments_of(Sequence from, Sequence to) const {
  Lock lock(mu_);
  auto after = [](Sequence n, const std::shared_ptr<Segment>& s) { return n < s->first(); };
  auto begin = std::upper_bound(segments_.begin(), segments_.end(), from, after);
  if (begin != segments_.begin()) --begin;
  auto end = begin;
  while (end != segments_.end() && (*end)->first() < to) ++end;
  return {begin, end};
}

Result<std::vector<Chunk>> LogImpl::split(Sequence from, Sequence to, uint64_t chunk_bytes) const {
  if (from > to || to > end())
    return fail(Code::kInvalid, fmt::format("the log {} can't be read from {} to {}: it ends at {}",
                                            folder_.string(), from, to, end()));
  std::vector<Chunk> chunks;
  for (const auto& segment : segments_of(from, to)) Segment::split(segment, from, to, chunk_bytes, chunks);
  return chunks;
}

uint64_t LogImpl::bytes_between(Sequence from, Sequence to) const {
  uint64_t sum = 0;
  for (const auto& segment : segments_of(from, to)) {
    uint64_t begin = segment->position(std::max(from, segment->first()));
    uint64_t end = segment->position(to);
    sum += end - std::min(begin, end);
  }
  return sum;
}

Result<Sequence> LogImpl::find(Timestamp t) const {
  Sequence limit = end();
  for (const auto& segment : segments_of(0, limit)) {
    if (segment->last_arrived() < t) continue;
    TARN_ASSIGN(auto frame, segment->first_since(t));
    if (frame) return std::min(frame->first, limit);
  }
  return limit;
}

Result<Timestamp> LogImpl::arrived(Sequence record) const {
  auto segments = record < end() ? segments_of(record, record + 1) : Segments{};
  if (segments.empty() || record < segments.front()->first())
    return fail(Code::kNotFound, fmt::format("record {} is not in the log {}: it has [{}, {})", record,
                                             folder_.string(), begin(), end()));
  TARN_ASSIGN(auto frame, segments.front()->frame_of(record));
  if (!frame || record < frame->first)
    return fail(Code::kNotFound, fmt::format("record {} of the log {} is lost: the file is damaged there",
                                             record, folder_.string()));
  return Timestamp{frame->arrived_us};
}

// How many segments from the oldest on may go.
size_t LogImpl::removable(Sequence delivered, const Retention& retention) const {
  if (segments_.empty()) return 0;
  size_t candidates = 0;
  uint64_t bytes = 0;
  while (candidates + 1 < segments_.size() && segments_[candidates + 1]->first() <= delivered)
    bytes += segments_[candidates++]->file_bytes();
  Timestamp keep_since = clock_.now() + (-retention.keep);
  size_t n = 0;
  for (; n < candidates; ++n) {
    bool old = segments_[n]->last_arrived() <= keep_since;
    bool too_much = retention.keep_bytes != 0 && bytes > retention.keep_bytes;
    if (retention.keep.count() != 0 && !old && !too_much) break;
    bytes -= segments_[n]->file_bytes();
  }
  return n;
}

Status LogImpl::trim(Sequence delivered, const Retention& retention) {
  Lock one(trim_mu_);
  size_t count = 0;
  Sequence begin = 0;
  std::string producers;
  {
    Lock lock(mu_);
    count = removable(delivered, retention);
    if (count == 0) return {};
    begin = segments_[count]->first();
    producers = producers_.encode(log_id_, begin);
  }
  // First the numbers that would go with the frames, and where the log begins now; then the files.
  TARN_TRY(replace_file(files_, folder_ / kProducersFile, producers));
  fault_point("log.before_trim");
  Segments removed;
  {
    Lock lock(mu_);
    auto end = segments_.begin() + static_cast<ptrdiff_t>(count);
    removed.assign(segments_.begin(), end);
    segments_.erase(segments_.begin(), end);
    std::erase_if(damage_, [begin](const Damage& d) { return d.end <= begin; });
  }
  for (const auto& segment : removed) TARN_TRY(files_.remove(segment->file().path()));
  return files_.sync_folder(folder_);
}

Result<Inspection> inspect(const std::filesystem::path& folder) {
  TARN_ASSIGN(Loaded loaded, load(folder, FileSystem::real(), Options{}, false));
  Inspection found;
  found.end = loaded.end;
  found.begin = loaded.segments.empty() ? loaded.end : loaded.segments.front()->first();
  found.frames = loaded.frames;
  for (const auto& segment : loaded.segments) found.bytes += segment->file_bytes();
  if (loaded.dirty_end > loaded.end_offset) found.torn_bytes = loaded.dirty_end - loaded.end_offset;
  found.damage = std::move(loaded.damage);
  return found;
}

}  // namespace tarn::log
