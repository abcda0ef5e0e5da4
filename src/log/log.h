// The durable, ordered, replayable record log of one shard.
//
// Records are appended in batches and acknowledged after fdatasync; appenders that come while a sync runs
// share the next one (group commit). A record has a sequence number: its position in this log, from 0,
// without gaps. What is in a record is not looked at. The layout on disk is in docs/formats/log.md.
//
// Owns: its segment files and one thread that syncs. Chunks and mappings share a segment's open file with
// the log, so that retention never takes bytes from under a reader.
// Threads: every member may be called from any thread.
// Fails: append answers kFull or kIo when the disk refuses, and the log stays consistent: the batch is not
// in it, and later appends work once there is room again. A failed fdatasync is final for the segment (what
// the kernel dropped can't be known): its batches get kUnknownOutcome, and appends go on in a new segment.
// Durable: after append() answered, its records survive a crash of the process and of the machine; a
// producer's batch numbers too, also after the frames that held them are gone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/time.h"

namespace tarn::log {

using Sequence = uint64_t;  // the position of a record in its shard's log

struct Options {
  uint64_t segment_bytes = 64 * 1024 * 1024;       // a segment is closed when it has reached this size
  uint64_t frame_bytes_max = 16 * 1024 * 1024;     // the largest batch
  uint64_t unsynced_bytes_max = 64 * 1024 * 1024;  // past this an append is kBusy
  Duration group_delay{
      0};  // how long a sync waits for company; 0: starts at once, and shares what came meanwhile
  uint32_t producers_max = 100'000;    // named producers that are remembered; the longest silent goes first
  uint32_t producer_gaps_max = 1'000;  // holes in one producer's batch numbers; past it an append is kInvalid
};

struct Record {
  std::string_view data;
  std::string_view key = {};  // the producer's partition key; at most 64 KiB
};

// Who sent a batch: with it, the same number from the same producer counts once, in whatever order numbers
// come.
struct Producer {
  std::string_view id;  // at most 256 bytes
  uint64_t number = 0;
};

struct Appended {
  Sequence first = 0;
  uint32_t count = 0;
  bool duplicate = false;  // this producer's batch number was here before; nothing was added
};

// A damaged stretch in the middle of a log: records that were acknowledged and can't be read. [first, end) is
// empty when no record is lost: a segment's header, or the file `producers`.
struct Damage {
  std::filesystem::path file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Sequence first = 0;  // the missing sequence numbers: [first, end)
  Sequence end = 0;
  std::string reason;
};

class Segment;

// A range of whole frames of one segment, to be read by one thread: cheap to copy, keeps the file open.
struct Chunk {
  std::shared_ptr<const Segment> segment;  // owned by the log and by every chunk that is still to be read
  uint64_t offset = 0;                     // of the first frame, in the file
  uint64_t bytes = 0;
  Sequence first = 0;  // records wanted: [first, end); frames may hold more on both sides
  Sequence end = 0;
};

// One frame, in place. Pointers live as long as the Mapping.
struct FrameView {
  Sequence first = 0;  // of records[0]
  Timestamp arrived;
  uint32_t count = 0;
  uint32_t begin = 0;  // the records wanted: [begin, end) of [0, count)
  uint32_t end = 0;
  const uint32_t* lengths = nullptr;      // of each record, count of them
  const char* data = nullptr;             // records one after the other, each followed by '\n'
  uint64_t data_bytes = 0;                // at least 64 readable bytes follow them (simdjson's padding)
  const uint32_t* key_lengths = nullptr;  // null when no record of the frame has a key
  const char* keys = nullptr;             // the keys one after the other
};

// A mapped chunk. The pages leave our memory with it. Checksums were verified when the log was opened or the
// frame was written; next() verifies structure only.
class Mapping {
 public:
  static Result<Mapping> map(const Chunk& chunk);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  // The next frame that holds wanted records; nothing at the end.
  Result<std::optional<FrameView>> next();

 private:
  Mapping() = default;
  Chunk chunk_;
  char* base_ = nullptr;
  size_t mapped_bytes_ = 0;
  const char* at_ = nullptr;
  const char* limit_ = nullptr;
};

struct Retention {
  Duration keep{0};         // delivered records younger than this are kept for replay
  uint64_t keep_bytes = 0;  // and at most this much of them; 0: no limit by size
};

class Log {
 public:
  // Opens or creates the log in `folder`; reads what a crash left: a torn tail is cut off, damage in the
  // middle is reported by damage() and skipped. kCorrupt only when a file is not of this log at all.
  static Result<std::unique_ptr<Log>> open(const std::filesystem::path& folder, const Options& options,
                                           FileSystem& files = FileSystem::real(),
                                           const Clock& clock = Clock::system());
  // Waits for the appends under way, syncs, closes.
  virtual ~Log() = default;

  // Returns when the records are durable. An empty batch is kInvalid; over frame_bytes_max is kTooLarge.
  virtual Result<Appended> append(std::span<const Record> records,
                                  std::optional<Producer> producer = std::nullopt) = 0;
  // The same without waiting: `done` is called once, on the log's thread, when they are durable or failed.
  // The records are copied before it returns. `done` must not block.
  virtual void append_async(std::span<const Record> records, std::optional<Producer> producer,
                            std::function<void(Result<Appended>)> done) = 0;

  virtual Sequence begin() const = 0;  // the oldest record still here
  virtual Sequence end() const = 0;    // one past the newest durable record: what readers may see
  virtual uint64_t bytes() const = 0;  // on disk
  virtual std::vector<Damage> damage() const = 0;

  // Splits [from, to) into chunks of about `chunk_bytes`, in order. Damaged stretches are left out.
  // REQUIRES: from <= to <= end(). Records before begin() are left out too.
  virtual Result<std::vector<Chunk>> split(Sequence from, Sequence to, uint64_t chunk_bytes) const = 0;
  // About how many bytes [from, to) takes, from the index.
  virtual uint64_t bytes_between(Sequence from, Sequence to) const = 0;
  // The first record that arrived at or after `t`; end() when there is none. By the index: no scan of the
  // log.
  virtual Result<Sequence> find(Timestamp t) const = 0;
  // When the frame that holds this record arrived. kNotFound outside [begin(), end()).
  virtual Result<Timestamp> arrived(Sequence record) const = 0;

  // Removes whole segments that end at or before `delivered` and that `retention` doesn't keep.
  virtual Status trim(Sequence delivered, const Retention& retention) = 0;
  // Called after each sync with the new end(), on the log's thread; must not block. Set once, before appends.
  virtual void on_durable(std::function<void(Sequence)> listener) = 0;
};

// For `tarn verify`: reads every byte of the log in `folder`, checks every checksum, changes nothing.
struct Inspection {
  Sequence begin = 0;
  Sequence end = 0;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  uint64_t torn_bytes = 0;
  std::vector<Damage> damage;
};
Result<Inspection> inspect(const std::filesystem::path& folder);

}  // namespace tarn::log
