#include "log/frame.h"

#include <cstring>
#include <limits>
#include <utility>

#include "base/crc32c.h"

namespace tarn::log {
namespace {

uint32_t crc_of(SegmentHeader header) {
  header.crc = 0;
  return crc32c(&header, sizeof(header));
}

uint32_t header_crc(const char* frame, uint32_t seed) {
  return crc32c(frame + offsetof(FrameHeader, body_bytes),
                sizeof(FrameHeader) - offsetof(FrameHeader, body_bytes), seed);
}

// Where the body's parts start, from the start of the frame.
struct Layout {
  explicit Layout(const FrameHeader& h)
      : key_lengths(sizeof(FrameHeader) + uint64_t{4} * h.count),
        producer(key_lengths + (h.has(kHasKeys) ? uint64_t{4} * h.count : 0)),
        keys(producer + h.producer_bytes),
        data(keys + h.key_bytes),
        end(data + h.data_bytes) {}
  uint64_t key_lengths, producer, keys, data, end;
};

struct Sizes {
  uint64_t data = 0;  // with the newlines
  uint64_t keys = 0;
  bool has_keys = false;
};

Result<Sizes> measure(std::span<const Record> records, uint64_t frame_bytes_max) {
  if (records.empty()) return fail(Code::kInvalid, "a batch needs at least one record");
  Sizes sizes;
  for (const Record& r : records) {
    if (r.key.size() > kKeyBytesMax)
      return fail(Code::kInvalid, "a record's key has " + std::to_string(r.key.size()) + " bytes; at most " +
                                      std::to_string(kKeyBytesMax) + " are allowed");
    sizes.data += r.data.size() + 1;
    sizes.keys += r.key.size();
    sizes.has_keys = sizes.has_keys || !r.key.empty();
  }
  uint64_t total = sizes.data + sizes.keys + records.size() * 8 + sizeof(FrameHeader) + kProducerBytesMax;
  if (total > frame_bytes_max || total > kFrameBytesLimit)
    return fail(Code::kTooLarge, "a batch of " + std::to_string(records.size()) + " records takes " +
                                     std::to_string(total) + " bytes; at most " +
                                     std::to_string(frame_bytes_max) + " are allowed: send smaller batches");
  return sizes;
}

}  // namespace

uint32_t seed_of(uint64_t log_id) {
  return crc32c(&log_id, sizeof(log_id));
}

std::string encode_segment_header(uint64_t log_id, Sequence first, Timestamp created) {
  SegmentHeader header{};
  std::memcpy(header.magic, kSegmentMagic, sizeof(header.magic));
  header.version = kVersion;
  header.log_id = log_id;
  header.first = first;
  header.created_us = created.us;
  header.data_offset = kSegmentDataOffset;
  header.crc = crc_of(header);
  std::string bytes(kSegmentDataOffset, '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + kSegmentHeaderCopyOffset, &header, sizeof(header));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::span<const char> bytes) {
  for (uint64_t offset : {uint64_t{0}, kSegmentHeaderCopyOffset}) {
    SegmentHeader header;
    if (bytes.size() < offset + sizeof(header)) break;
    std::memcpy(&header, bytes.data() + offset, sizeof(header));
    if (std::memcmp(header.magic, kSegmentMagic, sizeof(header.magic)) != 0 || header.crc != crc_of(header))
      continue;
    if (header.version != kVersion)
      return fail(Code::kUnsupported, "version " + std::to_string(header.version) +
                                          " of the log format; this Tarn knows version " +
                                          std::to_string(kVersion));
    if (header.data_offset != kSegmentDataOffset) continue;
    return header;
  }
  return fail(Code::kCorrupt, "no intact segment header");
}

Result<EncodedFrame> EncodedFrame::encode(std::span<const Record> records,
                                          const std::optional<Producer>& producer, uint64_t frame_bytes_max) {
  if (producer && (producer->id.empty() || producer->id.size() > kProducerBytesMax))
    return fail(Code::kInvalid, "a producer's id has 1 to " + std::to_string(kProducerBytesMax) +
                                    " bytes, not " + std::to_string(producer->id.size()));
  TARN_ASSIGN(Sizes sizes, measure(records, frame_bytes_max));

  FrameHeader h{};
  h.magic = kFrameMagic;
  h.count = static_cast<uint32_t>(records.size());
  h.key_bytes = static_cast<uint32_t>(sizes.keys);
  h.data_bytes = static_cast<uint32_t>(sizes.data);
  if (sizes.has_keys) h.flags |= kHasKeys;
  if (producer) {
    h.flags |= kHasProducer;
    h.producer_number = producer->number;
    h.producer_bytes = static_cast<uint16_t>(producer->id.size());
  }
  Layout at(h);
  h.body_bytes = static_cast<uint32_t>(at.end - sizeof(FrameHeader));

  EncodedFrame frame;
  frame.size_ = h.frame_bytes();
  frame.bytes_ = std::make_unique_for_overwrite<char[]>(frame.size_);
  char* out = frame.bytes_.get();
  auto* lengths = reinterpret_cast<uint32_t*>(out + sizeof(FrameHeader));
  auto* key_lengths = reinterpret_cast<uint32_t*>(out + at.key_lengths);
  char* key = out + at.keys;
  char* data = out + at.data;
  if (producer) std::memcpy(out + at.producer, producer->id.data(), producer->id.size());
  for (const Record& r : records) {
    *lengths++ = static_cast<uint32_t>(r.data.size());
    if (!r.data.empty()) std::memcpy(data, r.data.data(), r.data.size());
    data += r.data.size();
    *data++ = '\n';
    if (!sizes.has_keys) continue;
    *key_lengths++ = static_cast<uint32_t>(r.key.size());
    if (!r.key.empty()) std::memcpy(key, r.key.data(), r.key.size());
    key += r.key.size();
  }
  std::memset(out + at.end, 0, frame.size_ - at.end);
  h.body_crc = crc32c(out + sizeof(FrameHeader), h.body_bytes);
  std::memcpy(out, &h, sizeof(h));
  return frame;
}

EncodedFrame EncodedFrame::mark() {
  FrameHeader h{};
  h.magic = kFrameMagic;
  h.flags = kMark;
  h.body_crc = crc32c(nullptr, 0);
  EncodedFrame frame;
  frame.size_ = sizeof(h);
  frame.bytes_ = std::make_unique_for_overwrite<char[]>(frame.size_);
  std::memcpy(frame.bytes_.get(), &h, sizeof(h));
  return frame;
}

void EncodedFrame::finish(Sequence first, Timestamp arrived, Sequence durable, uint32_t seed) {
  FrameHeader& h = header();
  h.first = first;
  h.arrived_us = arrived.us;
  h.durable = durable;
  h.header_crc = header_crc(bytes_.get(), seed);
}

std::expected<FrameHeader, const char*> read_header(std::span<const char> bytes, uint32_t seed) {
  FrameHeader h;
  if (bytes.size() < sizeof(h)) return std::unexpected("the file ends inside a frame's header");
  std::memcpy(&h, bytes.data(), sizeof(h));
  if (h.magic != kFrameMagic) return std::unexpected("no frame starts here");
  if (h.header_crc != header_crc(bytes.data(), seed))
    return std::unexpected("the checksum of a frame's header is wrong");
  if (h.frame_bytes() > kFrameBytesLimit || (h.flags & ~kFlagsKnown) != 0 ||
      h.producer_bytes > kProducerBytesMax || h.first > std::numeric_limits<uint64_t>::max() - h.count ||
      h.durable > h.first)
    return std::unexpected("a frame's header holds impossible values");
  if ((h.count == 0) != h.has(kMark) || (h.producer_bytes != 0) != h.has(kHasProducer) ||
      (h.key_bytes != 0 && !h.has(kHasKeys)) || h.data_bytes < h.count ||
      Layout(h).end != sizeof(FrameHeader) + uint64_t{h.body_bytes})
    return std::unexpected("the sizes in a frame's header don't add up");
  return h;
}

bool body_intact(const FrameHeader& header, const char* frame) {
  return crc32c(frame + sizeof(FrameHeader), header.body_bytes) == header.body_crc;
}

std::optional<FrameView> view(const FrameHeader& header, const char* frame) {
  Layout at(header);
  FrameView v;
  v.first = header.first;
  v.arrived = {header.arrived_us};
  v.count = header.count;
  v.end = header.count;
  v.lengths = reinterpret_cast<const uint32_t*>(frame + sizeof(FrameHeader));
  v.data = frame + at.data;
  v.data_bytes = header.data_bytes;
  uint64_t data = header.count;
  uint64_t keys = 0;
  for (uint32_t i = 0; i < header.count; ++i) data += v.lengths[i];
  if (header.has(kHasKeys)) {
    v.key_lengths = reinterpret_cast<const uint32_t*>(frame + at.key_lengths);
    v.keys = frame + at.keys;
    for (uint32_t i = 0; i < header.count; ++i) keys += v.key_lengths[i];
  }
  if (data != header.data_bytes || keys != header.key_bytes) return std::nullopt;
  return v;
}

std::string_view producer_id(const FrameHeader& header, const char* frame) {
  return {frame + Layout(header).producer, header.producer_bytes};
}

}  // namespace tarn::log
