// The shard logs of one stream, and which of them a batch goes to.
//
// A producer's batches always go to the same shard, whatever the stream has grown to since, because that
// shard's log remembers its batch numbers: they are spread over the shards that the stream began with. Owns:
// the logs.
// Threads: any; the number of shards only grows.
// Fails: as log::Log does.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/thread.h"
#include "columns/records.h"
#include "log/log.h"

namespace tarn::flow {

// One sequence number for each shard.
using Positions = std::vector<log::Sequence>;

// A range of every shard: [from, to).
struct Range {
  Positions from;
  Positions to;
  uint64_t records() const;
  bool empty() const { return records() == 0; }
};

class Shards {
 public:
  static Result<std::unique_ptr<Shards>> open(const std::filesystem::path& folder, int count, int first_count,
                                              const log::Options& options, const Clock& clock);
  Status grow(int count);
  int count() const { return count_.load(std::memory_order_acquire); }
  log::Log& at(int shard) const;

  int choose(std::span<const log::Record> records, const std::optional<log::Producer>& producer);

  Positions ends() const;
  uint64_t bytes_between(const Range& range) const;
  // When the oldest record of the range arrived; nothing for an empty range.
  std::optional<Timestamp> oldest(const Range& range) const;
  // The part of `range` that holds at most about `bytes`, at least one record of each shard that has any.
  Range limited(const Range& range, uint64_t bytes) const;
  // kConflict when the beginning of the range is not in the logs any more (it was delivered and trimmed
  // meanwhile).
  Result<std::vector<columns::ShardChunk>> split(const Range& range) const;
  // Calls `visit` for each record of the range, in the order of its shard.
  Status each_record(const Range& range,
                     const std::function<Status(int shard, log::Sequence, Timestamp arrived,
                                                std::string_view key, std::string_view data)>& visit) const;

 private:
  Shards(std::filesystem::path folder, int first_count, log::Options options, const Clock& clock);

  const std::filesystem::path folder_;
  const int first_count_;
  const log::Options options_;
  const Clock& clock_;
  std::atomic<uint64_t> next_ = 0;
  std::atomic<int> count_ = 0;
  Mutex grow_mu_;
  // Room for every shard that there may be, so that readers need no lock: entries below count_ never change.
  std::vector<std::unique_ptr<log::Log>> logs_;
};

}  // namespace tarn::flow
