// The bytes of a segment: its header and its frames. Plain data and codec; no files, no state.
//
// Recovery, inspection, reading and the fuzz target all decode through read_header(), body_intact() and
// view(), so that there is one place that decides what a well-formed frame is. The layout is in
// docs/formats/log.md.
// Threads: pure functions.
// Fails: damaged or hostile bytes give nothing or a reason; they are never read past the span that was
// given.
// Shapes: little endian; frames start at multiples of 8.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "log/log.h"

namespace tarn::log {

static_assert(std::endian::native == std::endian::little, "the format is little endian and mapped in place");

inline constexpr uint32_t kVersion = 1;
inline constexpr uint64_t kSegmentDataOffset = 1024;       // where the first frame starts
inline constexpr uint64_t kSegmentHeaderCopyOffset = 512;  // the header again, in a sector of its own
inline constexpr uint64_t kPaddingBytes = 64;  // readable after the last frame: simdjson's padding
inline constexpr uint64_t kAlignment = 8;
inline constexpr uint64_t kFrameBytesLimit = uint64_t{1}
                                             << 30;  // of the format; Options::frame_bytes_max is lower
inline constexpr size_t kKeyBytesMax = 64 * 1024;
inline constexpr size_t kProducerBytesMax = 256;

inline constexpr char kSegmentMagic[8] = {'T', 'A', 'R', 'N', 'L', 'O', 'G', '\n'};
inline constexpr uint32_t kFrameMagic = 0x4d465254;  // "TRFM"

constexpr uint64_t align_up(uint64_t n, uint64_t to = kAlignment) {
  return (n + to - 1) / to * to;
}

struct SegmentHeader {
  char magic[8];
  uint32_t version;
  uint32_t crc;          // CRC-32C of these 64 bytes with this field zero
  uint64_t log_id;       // random, the same in every segment of a log
  uint64_t first;        // the sequence number of the first record
  int64_t created_us;    // not before the arrival of any earlier record
  uint32_t data_offset;  // of the first frame
  uint32_t reserved32;
  uint64_t reserved[2];
};
static_assert(sizeof(SegmentHeader) == 64);

enum FrameFlags : uint16_t {
  kHasKeys = 1,
  kHasProducer = 2,
  kMark = 4,  // no records: only says what is durable; the last thing written when a log is closed
  kFlagsKnown = kHasKeys | kHasProducer | kMark,
};

struct FrameHeader {
  uint32_t magic;
  uint32_t header_crc;  // CRC-32C of the 56 bytes that follow, seeded with the log's id
  uint32_t body_bytes;  // after this header, without the padding
  uint32_t body_crc;    // CRC-32C of the body
  uint64_t first;
  int64_t arrived_us;
  uint64_t durable;  // every record before this one was durable when the frame was written
  uint64_t producer_number;
  uint32_t count;
  uint32_t key_bytes;   // of all keys
  uint32_t data_bytes;  // of all records, with a newline after each
  uint16_t producer_bytes;
  uint16_t flags;

  uint64_t frame_bytes() const { return align_up(sizeof(FrameHeader) + uint64_t{body_bytes}); }
  bool has(FrameFlags flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(FrameHeader) == 64);

// What header CRCs are seeded with, so that bytes of another log, or in a record, never pass for a frame of
// this one.
uint32_t seed_of(uint64_t log_id);

// kSegmentDataOffset bytes: the header, twice, and zeros.
std::string encode_segment_header(uint64_t log_id, Sequence first, Timestamp created);
// `bytes` is the start of a file. kCorrupt: neither copy is intact; kUnsupported: a newer version.
Result<SegmentHeader> decode_segment_header(std::span<const char> bytes);

// A frame being built: the body is done; finish() fills in what is known only when it is written.
class EncodedFrame {
 public:
  // kInvalid and kTooLarge as append() answers them.
  static Result<EncodedFrame> encode(std::span<const Record> records, const std::optional<Producer>& producer,
                                     uint64_t frame_bytes_max);
  static EncodedFrame mark();

  void finish(Sequence first, Timestamp arrived, Sequence durable, uint32_t seed);

  std::span<const char> bytes() const { return {bytes_.get(), size_}; }
  uint64_t size() const { return size_; }
  uint32_t count() const { return header().count; }

 private:
  EncodedFrame() = default;
  FrameHeader& header() { return *reinterpret_cast<FrameHeader*>(bytes_.get()); }
  const FrameHeader& header() const { return *reinterpret_cast<const FrameHeader*>(bytes_.get()); }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

// The header at the start of `bytes`, when it is intact and consistent in itself (magic, CRC, sizes); else
// why not. The body may still lie outside of `bytes` or be damaged.
std::expected<FrameHeader, const char*> read_header(std::span<const char> bytes, uint32_t seed);

// REQUIRES: `frame` holds header.frame_bytes() bytes and starts with the header, at an address divisible
// by 4.
bool body_intact(const FrameHeader& header, const char* frame);
// Where the parts lie; nothing when the lengths don't add up. [begin, end) is all of it.
std::optional<FrameView> view(const FrameHeader& header, const char* frame);
std::string_view producer_id(const FrameHeader& header, const char* frame);

}  // namespace tarn::log
