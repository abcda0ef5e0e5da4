#include "flow/shards.h"

#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "base/crc32c.h"

namespace tarn::flow {
namespace {

constexpr int kShardsMax = 256;
constexpr uint64_t kChunkBytes = 4 * 1024 * 1024;  // what one thread shreds at a time

}  // namespace

uint64_t Range::records() const {
  uint64_t total = 0;
  for (size_t i = 0; i < to.size(); ++i) total += to[i] - from[i];
  return total;
}

Shards::Shards(std::filesystem::path folder, int first_count, log::Options options, const Clock& clock)
    : folder_(std::move(folder)),
      first_count_(first_count),
      options_(options),
      clock_(clock),
      logs_(kShardsMax) {}

Result<std::unique_ptr<Shards>> Shards::open(const std::filesystem::path& folder, int count, int first_count,
                                             const log::Options& options, const Clock& clock) {
  std::unique_ptr<Shards> shards(new Shards(folder, first_count, options, clock));
  TARN_TRY(shards->grow(count));
  return shards;
}

Status Shards::grow(int count) {
  TARN_CHECK(count <= kShardsMax);
  Lock lock(grow_mu_);
  for (int shard = count_.load(); shard < count; ++shard) {
    TARN_ASSIGN(auto log,
                log::Log::open(folder_ / fmt::format("{:03}", shard), options_, FileSystem::real(), clock_));
    logs_[static_cast<size_t>(shard)] = std::move(log);
    count_.store(shard + 1, std::memory_order_release);
  }
  return {};
}

log::Log& Shards::at(int shard) const {
  return *logs_[static_cast<size_t>(shard)];
}

int Shards::choose(std::span<const log::Record> records, const std::optional<log::Producer>& producer) {
  if (producer)
    return static_cast<int>(crc32c(producer->id.data(), producer->id.size()) %
                            static_cast<unsigned>(first_count_));
  auto shards = static_cast<unsigned>(count());
  if (!records.empty() && !records[0].key.empty())
    return static_cast<int>(crc32c(records[0].key.data(), records[0].key.size()) % shards);
  return static_cast<int>(next_.fetch_add(1, std::memory_order_relaxed) % shards);
}

Positions Shards::ends() const {
  Positions ends;
  for (int shard = 0; shard < count(); ++shard) ends.push_back(at(shard).end());
  return ends;
}

uint64_t Shards::bytes_between(const Range& range) const {
  uint64_t bytes = 0;
  for (size_t i = 0; i < range.to.size(); ++i)
    if (range.from[i] < range.to[i])
      bytes += at(static_cast<int>(i)).bytes_between(range.from[i], range.to[i]);
  return bytes;
}

std::optional<Timestamp> Shards::oldest(const Range& range) const {
  std::optional<Timestamp> oldest;
  for (size_t i = 0; i < range.to.size(); ++i) {
    if (range.from[i] >= range.to[i]) continue;
    auto arrived = at(static_cast<int>(i)).arrived(std::max(range.from[i], at(static_cast<int>(i)).begin()));
    if (arrived && (!oldest || *arrived < *oldest)) oldest = *arrived;
  }
  return oldest;
}

Range Shards::limited(const Range& range, uint64_t bytes) const {
  uint64_t total = bytes_between(range);
  if (total <= bytes) return range;
  Range part = range;
  double share = static_cast<double>(bytes) / static_cast<double>(total);
  for (size_t i = 0; i < range.to.size(); ++i) {
    uint64_t records = range.to[i] - range.from[i];
    if (records > 0)
      part.to[i] =
          range.from[i] + std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(records) * share));
  }
  return part;
}

Result<std::vector<columns::ShardChunk>> Shards::split(const Range& range) const {
  std::vector<columns::ShardChunk> chunks;
  for (size_t i = 0; i < range.to.size(); ++i) {
    if (range.from[i] >= range.to[i]) continue;
    int shard = static_cast<int>(i);
    TARN_ASSIGN(auto split, at(shard).split(range.from[i], range.to[i], kChunkBytes));
    // Checked after the split: its chunks hold their segments open, whatever is trimmed from now on.
    if (at(shard).begin() > range.from[i])
      return fail(Code::kConflict,
                  fmt::format("records before {} of shard {} are gone", at(shard).begin(), shard));
    for (log::Chunk& chunk : split) chunks.push_back({shard, std::move(chunk)});
  }
  return chunks;
}

Status Shards::each_record(const Range& range,
                           const std::function<Status(int, log::Sequence, Timestamp, std::string_view,
                                                      std::string_view)>& visit) const {
  TARN_ASSIGN(auto chunks, split(range));
  for (const columns::ShardChunk& part : chunks) {
    TARN_ASSIGN(log::Mapping mapping, log::Mapping::map(part.chunk));
    while (true) {
      TARN_ASSIGN(std::optional<log::FrameView> frame, mapping.next());
      if (!frame) break;
      const char* data = frame->data;
      const char* keys = frame->keys;
      for (uint32_t i = 0; i < frame->end; ++i) {
        uint32_t key_bytes = frame->key_lengths == nullptr ? 0 : frame->key_lengths[i];
        if (i >= frame->begin)
          TARN_TRY(visit(part.shard, frame->first + i, frame->arrived, std::string_view(keys, key_bytes),
                         std::string_view(data, frame->lengths[i])));
        data += frame->lengths[i] + 1;
        keys += key_bytes;
      }
    }
  }
  return {};
}

}  // namespace tarn::flow
