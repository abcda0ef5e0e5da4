// Reads one segment file from its first frame to its last and says what is in it: frames, damage, a torn
// tail.
//
// Used by recovery, by inspect() and by the fuzz target. Every checksum is verified. Nothing is changed.
// Threads: pure; reads through the File.
// Fails: kIo when the file can't be read (never taken for damage: a disk that answers again has the bytes
// still). Damaged bytes are part of the answer, not an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "log/log.h"

namespace tarn::log {

// A frame that reads may start from.
struct IndexEntry {
  Sequence first = 0;
  Timestamp arrived;
  uint64_t offset = 0;
};
inline constexpr uint64_t kIndexStepBytes = 64 * 1024;  // an entry is made for the first frame past each step

// A stretch of a segment without readable frames; its records, if any, are lost.
struct Gap {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Sequence first = 0;  // the missing sequence numbers: [first, end)
  Sequence end = 0;
  const char* reason = "";
};

struct Scan {
  uint64_t end_offset = 0;  // past the last frame that counts
  Sequence end = 0;         // one past its last record
  Sequence durable = 0;     // every record before this is vouched for by a later frame
  uint64_t durable_offset =
      0;  // where the frames that nobody vouches for begin; end_offset when there are none
  Timestamp last_arrived;
  bool ends_with_mark = false;
  uint64_t frames = 0;
  uint64_t dirty_end = 0;  // past the last byte that isn't zero, beyond end_offset; 0: all zeros
  std::vector<IndexEntry> index;
  std::vector<Gap> gaps;

  struct Note {  // of a frame with a producer
    std::string id;
    uint64_t number;
    Sequence first;
  };
  std::vector<Note> notes;
};

struct ScanRange {
  Sequence first = 0;           // of the segment
  std::optional<Sequence> end;  // where the next segment starts; nothing for the last segment
  Timestamp created;            // no frame arrived before
  uint32_t seed = 0;            // seed_of(the log's id)
};

Result<Scan> scan_segment(const File& file, const ScanRange& range);

}  // namespace tarn::log
