#include "log/scan.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "log/frame.h"

namespace tarn::log {
namespace {

constexpr uint64_t kWindowBytes = 1 << 20;

// A window on the file that moves forward; spans are valid until the next call.
class Window {
 public:
  Window(const File& file, uint64_t size) : file_(file), size_(size) {}

  uint64_t size() const { return size_; }

  // What is at hand from `offset` on: at least a frame's header, fewer bytes only where the file ends.
  Result<std::span<const char>> at(uint64_t offset) {
    TARN_TRY(at(offset, sizeof(FrameHeader)));
    return std::span<const char>(data() + (offset - begin_), begin_ + filled_ - offset);
  }

  // `bytes` from `offset`: fewer only where the file ends. REQUIRES: offset is a multiple of 8.
  Result<std::span<const char>> at(uint64_t offset, uint64_t bytes) {
    bytes = std::min(bytes, offset < size_ ? size_ - offset : 0);
    if (offset < begin_ || offset + bytes > begin_ + filled_) {
      uint64_t wanted = std::min(std::max(bytes, kWindowBytes), size_ - std::min(offset, size_));
      if (wanted > capacity_) {
        buffer_ = std::make_unique_for_overwrite<uint64_t[]>((wanted + 7) / 8);
        capacity_ = wanted;
      }
      begin_ = offset;
      filled_ = 0;
      TARN_TRY(file_.read_at(offset, {data(), wanted}));
      filled_ = wanted;
    }
    return std::span<const char>(data() + (offset - begin_), bytes);
  }

 private:
  char* data() { return reinterpret_cast<char*>(buffer_.get()); }

  const File& file_;
  uint64_t size_;
  std::unique_ptr<uint64_t[]>
      buffer_;  // of 8 bytes each, so that frames lie aligned in memory as in the file
  uint64_t capacity_ = 0;
  uint64_t begin_ = 0;
  uint64_t filled_ = 0;
};

// A frame found at some offset, or why there is none.
struct Probe {
  std::optional<FrameHeader> frame;  // intact, body and all
  uint64_t known_bytes =
      kAlignment;  // how far to go on when there is none: past a frame whose header is intact
  const char* reason = "";
  std::string_view producer;  // valid until the window moves
};

class Scanner {
 public:
  Scanner(const File& file, uint64_t size, const ScanRange& range) : window_(file, size), range_(range) {
    scan_.end_offset = kSegmentDataOffset;
    scan_.end = scan_.durable = range.first;
    scan_.durable_offset = kSegmentDataOffset;
    scan_.last_arrived = range.created;
  }

  Result<Scan> run() {
    // Frames at or after the next segment's start are left over from a failed sync: they were written again
    // there.
    while (!done()) {
      TARN_ASSIGN(Probe probe, look(scan_.end_offset));
      if (probe.frame && probe.frame->first == scan_.end) {
        take(*probe.frame, probe.producer);
        continue;
      }
      TARN_ASSIGN(bool found, resynchronise(probe.frame ? "records are missing here" : probe.reason));
      if (!found) break;
    }
    if (range_.end) {
      close_before_next_segment();
    } else {
      cut_torn_tail();
    }
    TARN_TRY(measure_dirt());
    find_durable_offset();
    return std::move(scan_);
  }

 private:
  bool done() const {
    if (range_.end && scan_.end >= *range_.end) return true;
    return scan_.end_offset + sizeof(FrameHeader) > window_.size();
  }

  Result<Probe> look(uint64_t offset) {
    Probe probe;
    TARN_ASSIGN(auto bytes, window_.at(offset, sizeof(FrameHeader)));
    auto header = read_header(bytes, range_.seed);
    if (!header) {
      probe.reason = header.error();
      return probe;
    }
    if (header->frame_bytes() > window_.size() - offset) {
      probe.reason = "the file ends inside a frame";
      return probe;
    }
    probe.known_bytes = header->frame_bytes();
    if (range_.end && header->first + header->count > *range_.end) {
      probe.reason = "a frame reaches into the next segment";
      return probe;
    }
    TARN_ASSIGN(auto frame, window_.at(offset, header->frame_bytes()));
    if (!body_intact(*header, frame.data()) || !view(*header, frame.data())) {
      probe.reason = "the checksum of a frame's body is wrong";
      return probe;
    }
    probe.frame = *header;
    probe.producer = producer_id(*header, frame.data());
    return probe;
  }

  void take(const FrameHeader& frame, std::string_view producer) {
    uint64_t offset = scan_.end_offset;
    frames_.push_back({offset, frame.first});
    scan_.last_arrived = std::max(scan_.last_arrived, Timestamp{frame.arrived_us});
    if (scan_.index.empty() || after_gap_ || offset - scan_.index.back().offset >= kIndexStepBytes)
      scan_.index.push_back({frame.first, scan_.last_arrived, offset});
    after_gap_ = false;
    scan_.durable = std::max(scan_.durable, Sequence{frame.durable});
    scan_.ends_with_mark = frame.has(kMark);
    if (frame.has(kHasProducer)) {
      scan_.notes.push_back({std::string(producer), frame.producer_number, frame.first});
    }
    scan_.end_offset = offset + frame.frame_bytes();
    scan_.end = frame.first + frame.count;
  }

  // Finds the next frame that may follow, and notes the gap before it.
  Result<bool> resynchronise(const char* reason) {
    uint64_t at = scan_.end_offset;
    while (at + sizeof(FrameHeader) <= window_.size()) {
      TARN_ASSIGN(auto bytes, window_.at(at));
      uint64_t skip = next_magic(bytes);
      if (skip != 0) {
        at += skip;
        continue;
      }
      TARN_ASSIGN(Probe probe, look(at));
      if (probe.frame && probe.frame->first >= scan_.end) {
        scan_.gaps.push_back(
            {scan_.end_offset, at - scan_.end_offset, scan_.end, probe.frame->first, reason});
        scan_.end_offset = at;
        scan_.end = probe.frame->first;
        after_gap_ = true;
        return true;
      }
      at += probe.frame ? probe.frame->frame_bytes() : probe.known_bytes;
    }
    return false;
  }

  // Bytes to the next place that could be a frame; at least 8 unless `bytes` starts with the magic.
  static uint64_t next_magic(std::span<const char> bytes) {
    for (uint64_t i = 0; i + sizeof(uint32_t) <= bytes.size(); i += kAlignment) {
      uint32_t word;
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      if (word == kFrameMagic) return i;
    }
    return align_up(std::max<uint64_t>(bytes.size(), 1));
  }

  void close_before_next_segment() {
    if (scan_.end >= *range_.end) return;
    uint64_t bytes = window_.size() - std::min(window_.size(), scan_.end_offset);
    scan_.gaps.push_back(
        {scan_.end_offset, bytes, scan_.end, *range_.end, "the end of the segment is missing"});
  }

  // What nobody vouches for, from the first lost record on, was never acknowledged: appends shared one sync,
  // so a frame that isn't intact was not durable, nor was anything after it.
  void cut_torn_tail() {
    auto torn = std::find_if(scan_.gaps.begin(), scan_.gaps.end(),
                             [&](const Gap& g) { return g.first < g.end && g.first >= scan_.durable; });
    if (torn == scan_.gaps.end()) return;
    scan_.end_offset = torn->offset;
    scan_.end = torn->first;
    scan_.gaps.erase(torn, scan_.gaps.end());
    std::erase_if(scan_.index, [&](const IndexEntry& e) { return e.offset >= scan_.end_offset; });
    std::erase_if(scan_.notes, [&](const Scan::Note& n) { return n.first >= scan_.end; });
    std::erase_if(frames_, [&](const Place& p) { return p.offset >= scan_.end_offset; });
    scan_.ends_with_mark = false;
  }

  Status measure_dirt() {
    for (uint64_t at = scan_.end_offset; at < window_.size();) {
      TARN_ASSIGN(auto bytes, window_.at(at));
      auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](char c) { return c != 0; });
      if (last != bytes.rend()) scan_.dirty_end = at + static_cast<uint64_t>(bytes.rend() - last);
      at += bytes.size();
    }
    return {};
  }

  void find_durable_offset() {
    scan_.frames = frames_.size();
    auto first = std::find_if(frames_.begin(), frames_.end(),
                              [&](const Place& p) { return p.first >= scan_.durable; });
    scan_.durable_offset = first == frames_.end() ? scan_.end_offset : first->offset;
  }

  struct Place {
    uint64_t offset;
    Sequence first;
  };

  Window window_;
  ScanRange range_;
  Scan scan_;
  std::vector<Place> frames_;
  bool after_gap_ = false;
};

}  // namespace

Result<Scan> scan_segment(const File& file, const ScanRange& range) {
  TARN_ASSIGN(uint64_t size, file.size());
  return Scanner(file, size, range).run();
}

}  // namespace tarn::log
