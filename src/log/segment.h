// One file of the log: its durable frames, an index into them, and where they end.
//
// Owns: the open file. Shared by the log and by chunks, so that a reader keeps a removed segment's bytes.
// Threads: any. Only the thread that writes the log calls the members that change it.
// Fails: kCorrupt naming file and offset when bytes that were intact no longer are; kIo.
// Durable: everything inside [first, end) is; frames that are not yet synced are unknown here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/thread.h"
#include "log/frame.h"
#include "log/log.h"
#include "log/scan.h"

namespace tarn::log {

class Segment {
 public:
  Segment(std::unique_ptr<File> file, Sequence first, Timestamp created, uint32_t seed, uint64_t file_bytes);
  // As a scan found it.
  Segment(std::unique_ptr<File> file, Sequence first, uint32_t seed, uint64_t file_bytes, Scan scan);

  const File& file() const { return *file_; }
  File& file() { return *file_; }
  Sequence first() const { return first_; }
  uint32_t seed() const { return seed_; }
  uint64_t file_bytes() const { return file_bytes_.load(std::memory_order_relaxed); }
  void set_file_bytes(uint64_t n) { file_bytes_.store(n, std::memory_order_relaxed); }

  Sequence end() const;
  Timestamp last_arrived() const;
  std::vector<Gap> gaps() const;

  // A frame became durable. REQUIRES: it follows the one before.
  void add(Sequence first, uint32_t count, Timestamp arrived, uint64_t offset, uint64_t frame_bytes);

  // The ranges of whole frames that hold [from, to), about `chunk_bytes` each, appended to `out`.
  static void split(const std::shared_ptr<const Segment>& self, Sequence from, Sequence to,
                    uint64_t chunk_bytes, std::vector<Chunk>& out);
  // Where about the record lies, for estimates: a byte position in [0, length).
  uint64_t position(Sequence record) const;
  // The header of the frame that holds the record; nothing when it is lost or not here.
  Result<std::optional<FrameHeader>> frame_of(Sequence record) const;
  // The header of the first frame with records that arrived at or after `t`.
  Result<std::optional<FrameHeader>> first_since(Timestamp t) const;

 private:
  // A run of whole frames between two index entries, or an index entry and a gap.
  struct Block {
    IndexEntry begin;
    uint64_t end_offset;
    Sequence end;
  };
  Block block(size_t index) const TARN_REQUIRES(mu_);
  template <typename Wanted>
  Result<std::optional<FrameHeader>> walk(const Block& block, Wanted wanted) const;

  // Constant after construction.
  std::unique_ptr<File> file_;
  Sequence first_;
  uint32_t seed_;

  std::atomic<uint64_t> file_bytes_;

  mutable Mutex mu_;
  Sequence end_ TARN_GUARDED_BY(mu_);
  uint64_t end_offset_ TARN_GUARDED_BY(mu_);
  Timestamp last_arrived_ TARN_GUARDED_BY(mu_);
  std::vector<IndexEntry> index_ TARN_GUARDED_BY(mu_);
  std::vector<Gap> gaps_ TARN_GUARDED_BY(mu_);
};

// "00000000000000001234.seg"
std::string segment_name(Sequence first);
// The number in such a name; nothing for another name.
std::optional<Sequence> parse_segment_name(std::string_view name);

}  // namespace tarn::log
