// What is in a log's folder, put in order: which segments belong to it, what in them counts, what is damaged.
//
// load() changes nothing, so that inspect() may use it on a log in use; repair() then makes the folder what
// load() said, before anything is appended.
// Threads: one at a time for a folder.
// Fails: kCorrupt naming a file that is not of this log; kUnsupported for a newer format; kIo when the disk
// can't be read or repaired. Damage inside the log is part of the answer.
// Durable: after repair() everything that load() counted is on the disk, and what it cut is gone for good.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "log/log.h"
#include "log/producers.h"
#include "log/segment.h"

namespace tarn::log {

inline constexpr std::string_view kProducersFile = "producers";

struct Loaded {
  Loaded(uint32_t producers_max, uint32_t gaps_max) : producers(producers_max, gaps_max) {}

  std::optional<uint64_t> log_id;                  // nothing: the log has never been written
  std::vector<std::shared_ptr<Segment>> segments;  // owned by the log and by chunks
  Producers producers;
  std::vector<Damage> damage;
  std::vector<std::filesystem::path>
      leftovers;  // files that a crash kept from being removed or created whole
  Sequence end = 0;
  uint64_t frames = 0;

  // Of the last segment.
  uint64_t end_offset = kSegmentDataOffset;
  uint64_t durable_offset = kSegmentDataOffset;  // frames from here to end_offset may not be on the disk yet
  uint64_t dirty_end = 0;                        // bytes from end_offset to here are torn; 0: none
  bool ends_with_mark = false;
};

Result<Loaded> load(const std::filesystem::path& folder, FileSystem& files, const Options& options,
                    bool writable);
Status repair(const std::filesystem::path& folder, FileSystem& files, const Loaded& loaded);

// Writes zeros over [begin, end).
Status write_zeros(File& file, uint64_t begin, uint64_t end);

}  // namespace tarn::log
