#include "log/recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"
#include "log/frame.h"
#include "log/scan.h"

namespace tarn::log {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kCopyBytes = 1 << 20;
constexpr char kZeros[64 * 1024] = {};

// A file of the folder before its frames are looked at.
struct Candidate {
  Sequence first;
  std::unique_ptr<File> file;
  uint64_t file_bytes = 0;
  std::optional<SegmentHeader> header;  // nothing when neither copy is intact
};

std::unexpected<Error> foreign(const fs::path& path, std::string_view why) {
  return fail(Code::kCorrupt, fmt::format("{} is not a segment of this log: {}; move it out of the folder",
                                          path.string(), why));
}

Result<bool> all_zeros(const File& file, uint64_t size) {
  std::vector<char> buffer(kCopyBytes);
  for (uint64_t at = 0; at < size; at += buffer.size()) {
    std::span<char> part(buffer.data(), std::min<uint64_t>(buffer.size(), size - at));
    TARN_TRY(file.read_at(at, part));
    if (std::any_of(part.begin(), part.end(), [](char c) { return c != 0; })) return false;
  }
  return true;
}

class Loader {
 public:
  Loader(const fs::path& folder, FileSystem& files, const Options& options, bool writable)
      : folder_(folder),
        files_(files),
        writable_(writable),
        loaded_(options.producers_max, options.producer_gaps_max) {}

  Result<Loaded> run() {
    TARN_TRY(read_producers());
    TARN_TRY(open_candidates());
    TARN_TRY(identify());
    drop_leftovers();
    check_beginning();
    for (size_t i = 0; i < candidates_.size(); ++i) TARN_TRY(scan(i));
    return std::move(loaded_);
  }

 private:
  Status read_producers() {
    fs::path path = folder_ / kProducersFile;
    auto file = files_.open(path, OpenMode::kRead);
    if (!file && file.error().code == Code::kNotFound) return {};
    if (!file) return fail(std::move(file).error());
    TARN_ASSIGN(uint64_t size, (*file)->size());
    std::string bytes(size, '\0');
    TARN_TRY((*file)->read_at(0, bytes));
    auto stored = loaded_.producers.decode(bytes);
    if (stored) {
      stored_ = *stored;
      loaded_.log_id = stored->log_id;
      return {};
    }
    if (stored.error().code == Code::kUnsupported) return fail(std::move(stored).error().in(path.string()));
    loaded_.damage.push_back(
        {path, 0, size, 0, 0,
         "the numbers of producers whose records are gone are forgotten: " + stored.error().message});
    return {};
  }

  Status open_candidates() {
    TARN_ASSIGN(auto names, files_.list(folder_));
    for (const std::string& name : names) {
      if (!name.ends_with(".seg")) continue;
      auto first = parse_segment_name(name);
      if (!first) return foreign(folder_ / name, "its name is not 20 digits");
      Candidate c{*first, nullptr, 0, std::nullopt};
      TARN_ASSIGN(c.file, files_.open(folder_ / name, writable_ ? OpenMode::kReadWrite : OpenMode::kRead));
      TARN_ASSIGN(c.file_bytes, c.file->size());
      std::string start(std::min<uint64_t>(c.file_bytes, kSegmentDataOffset), '\0');
      TARN_TRY(c.file->read_at(0, start));
      auto header = decode_segment_header(start);
      if (!header && header.error().code == Code::kUnsupported)
        return fail(std::move(header).error().in((folder_ / name).string()));
      if (header) c.header = *header;
      candidates_.push_back(std::move(c));
    }
    return {};  // the names are sorted, and so, with 20 digits, the numbers
  }

  Status identify() {
    for (const Candidate& c : candidates_) {
      if (!c.header) continue;
      if (c.header->first != c.first)
        return foreign(c.file->path(), fmt::format("its header says that it starts at {}", c.header->first));
      if (!loaded_.log_id) loaded_.log_id = c.header->log_id;
      if (*loaded_.log_id != c.header->log_id)
        return foreign(c.file->path(), "it was written by another log");
    }
    // Power lost while a segment was created: nothing was in it yet.
    if (!candidates_.empty() && !candidates_.back().header) {
      const Candidate& last = candidates_.back();
      TARN_ASSIGN(bool empty, all_zeros(*last.file, last.file_bytes));
      if (empty && (last.first == 0 || candidates_.size() > 1)) {
        loaded_.leftovers.push_back(last.file->path());
        candidates_.pop_back();
      }
    }
    return {};
  }

  // Segments that a trim had given up and a crash has kept.
  void drop_leftovers() {
    while (stored_ && candidates_.size() > 1 && candidates_[1].first <= stored_->begin) {
      loaded_.leftovers.push_back(candidates_.front().file->path());
      candidates_.erase(candidates_.begin());
    }
  }

  void check_beginning() {
    Sequence begin = stored_ ? stored_->begin : 0;
    if (candidates_.empty()) {
      loaded_.end = begin;
      if (begin != 0)
        loaded_.damage.push_back(
            {folder_ / segment_name(begin), 0, 0, begin, begin, "all segments are missing"});
      return;
    }
    Sequence first = candidates_.front().first;
    if (first > begin)
      loaded_.damage.push_back(
          {folder_ / segment_name(begin), 0, 0, begin, first, "the oldest segments are missing"});
  }

  Status scan(size_t i) {
    Candidate& c = candidates_[i];
    fs::path path = c.file->path();
    bool last = i + 1 == candidates_.size();
    ScanRange range;
    range.first = c.first;
    if (!last) range.end = candidates_[i + 1].first;
    range.created = c.header ? Timestamp{c.header->created_us} : last_arrived_;
    range.created = std::max(range.created, last_arrived_);
    range.seed = seed_of(loaded_.log_id.value_or(0));
    TARN_ASSIGN(Scan scan, scan_segment(*c.file, range));
    if (!c.header) {
      TARN_ASSIGN(bool wiped, all_zeros(*c.file, c.file_bytes));
      if (scan.frames == 0 && !wiped) return foreign(path, "it has neither a header nor a frame of this log");
      loaded_.damage.push_back(
          {path, 0, kSegmentDataOffset, c.first, c.first, "the segment's header is damaged"});
    }
    for (const Gap& g : scan.gaps)
      if (g.first < g.end) loaded_.damage.push_back({path, g.offset, g.bytes, g.first, g.end, g.reason});
    for (const Scan::Note& note : scan.notes) loaded_.producers.add(note.id, note.number, note.first);
    last_arrived_ = scan.last_arrived;
    loaded_.frames += scan.frames;
    loaded_.end = scan.end;
    loaded_.end_offset = scan.end_offset;
    loaded_.durable_offset = scan.durable_offset;
    loaded_.dirty_end = scan.dirty_end;
    loaded_.ends_with_mark = scan.ends_with_mark;
    loaded_.segments.push_back(
        std::make_shared<Segment>(std::move(c.file), c.first, range.seed, c.file_bytes, std::move(scan)));
    return {};
  }

  fs::path folder_;
  FileSystem& files_;
  bool writable_;
  Loaded loaded_;
  std::optional<Producers::Stored> stored_;
  std::vector<Candidate> candidates_;
  Timestamp last_arrived_;
};

// Frames that a process wrote and never synced are in the kernel's memory at best; after a failed sync they
// may look written and not be. Written again, the sync that follows speaks for them.
Status write_again(File& file, uint64_t begin, uint64_t end) {
  std::vector<char> buffer(std::min<uint64_t>(kCopyBytes, end - std::min(begin, end)));
  for (uint64_t at = begin; at < end;) {
    std::span<char> part(buffer.data(), std::min<uint64_t>(buffer.size(), end - at));
    TARN_TRY(file.read_at(at, part));
    TARN_TRY(file.write_at(at, part));
    at += part.size();
  }
  return {};
}

}  // namespace

Status write_zeros(File& file, uint64_t begin, uint64_t end) {
  for (uint64_t at = begin; at < end;) {
    uint64_t n = std::min<uint64_t>(sizeof(kZeros), end - at);
    TARN_TRY(file.write_at(at, {kZeros, static_cast<size_t>(n)}));
    at += n;
  }
  return {};
}

Result<Loaded> load(const fs::path& folder, FileSystem& files, const Options& options, bool writable) {
  return Loader(folder, files, options, writable).run();
}

Status repair(const fs::path& folder, FileSystem& files, const Loaded& loaded) {
  for (const fs::path& path : loaded.leftovers) TARN_TRY(files.remove(path));
  for (const Damage& d : loaded.damage)
    TARN_LOG(error, "{} at offset {}: records [{}, {}) are lost: {}", d.file.string(), d.offset, d.first,
             d.end, d.reason);
  if (loaded.segments.empty()) return {};
  File& last = loaded.segments.back()->file();
  if (loaded.dirty_end > loaded.end_offset) {
    TARN_LOG(warn, "{}: cut {} torn bytes at offset {}; they were not acknowledged", last.path().string(),
             loaded.dirty_end - loaded.end_offset, loaded.end_offset);
    TARN_TRY(write_zeros(last, loaded.end_offset, loaded.dirty_end));
  }
  TARN_TRY(write_again(last, loaded.durable_offset, loaded.end_offset));
  TARN_TRY(last.sync_data());
  return files.sync_folder(folder);
}

}  // namespace tarn::log
