// Arbitrary bytes as a segment: the scan that recovery uses, then every chunk mapped and walked as readers
// do.
//
// The first byte chooses what is done to the rest, so that the fuzzer gets past the checksums: bit 0 gives
// the frames right checksums where their sizes make that possible, bit 1 pretends that a later segment
// follows.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "log/frame.h"
#include "log/producers.h"
#include "log/scan.h"
#include "log/segment.h"

namespace tarn::log {
namespace {

constexpr uint32_t kSeed = 0;

// A file in memory.
class MemoryFile : public File {
 public:
  explicit MemoryFile(std::string bytes)
      : bytes_(std::move(bytes)), fd_(::memfd_create("segment", MFD_CLOEXEC)) {
    TARN_CHECK(::write(fd_, bytes_.data(), bytes_.size()) == static_cast<ssize_t>(bytes_.size()));
  }
  ~MemoryFile() override { ::close(fd_); }
  Status write_at(uint64_t, std::span<const char>) override { return fail(Code::kUnsupported, "read only"); }
  Status read_at(uint64_t offset, std::span<char> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return fail(Code::kCorrupt, "too short");
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  Status sync_data() override { return {}; }
  Status truncate(uint64_t) override { return fail(Code::kUnsupported, "read only"); }
  Result<uint64_t> size() const override { return bytes_.size(); }
  int descriptor() const override { return fd_; }
  const std::filesystem::path& path() const override { return path_; }

 private:
  std::string bytes_;
  int fd_;
  std::filesystem::path path_ = "fuzz.seg";
};

// Gives everything that could be a frame the checksums that it ought to have.
void mend(std::string& bytes) {
  for (uint64_t at = kSegmentDataOffset; at + sizeof(FrameHeader) <= bytes.size();) {
    FrameHeader h;
    std::memcpy(&h, bytes.data() + at, sizeof(h));
    if (h.magic != kFrameMagic) {
      at += kAlignment;
      continue;
    }
    uint64_t body = at + sizeof(h);
    if (h.body_bytes <= bytes.size() - body) h.body_crc = crc32c(bytes.data() + body, h.body_bytes);
    constexpr size_t kSkip = offsetof(FrameHeader, body_bytes);
    h.header_crc = crc32c(reinterpret_cast<const char*>(&h) + kSkip, sizeof(h) - kSkip, kSeed);
    std::memcpy(bytes.data() + at, &h, sizeof(h));
    at += h.body_bytes <= bytes.size() - body ? h.frame_bytes() : kAlignment;
  }
}

uint64_t touch(const FrameView& v) {
  uint64_t sum = 0;
  const char* data = v.data;
  const char* key = v.keys;
  for (uint32_t i = 0; i < v.count; ++i) {
    for (uint32_t k = 0; k < v.lengths[i]; ++k) sum += static_cast<unsigned char>(data[k]);
    data += v.lengths[i] + uint64_t{1};
    for (uint32_t k = 0; v.key_lengths != nullptr && k < v.key_lengths[i]; ++k)
      sum += static_cast<unsigned char>(*key++);
  }
  for (uint64_t i = 0; i < kPaddingBytes; ++i) sum += static_cast<unsigned char>(v.data[v.data_bytes + i]);
  return sum;
}

// `chunk` may be anything: also one that doesn't fit the frames.
void walk(const Chunk& chunk) {
  auto mapping = Mapping::map(chunk);
  if (!mapping) return;
  while (true) {
    auto frame = mapping->next();
    if (!frame || !*frame) return;
    TARN_CHECK((*frame)->begin < (*frame)->end && (*frame)->end <= (*frame)->count);
    volatile uint64_t sum = touch(**frame);
    (void)sum;
  }
}

void run(uint8_t mode, std::string bytes) {
  if ((mode & 1) != 0) mend(bytes);
  uint64_t size = bytes.size();
  auto file = std::make_unique<MemoryFile>(std::move(bytes));
  ScanRange range;
  range.seed = kSeed;
  if ((mode & 2) != 0) range.end = 1000;
  auto scan = scan_segment(*file, range);
  if (!scan) return;
  TARN_CHECK(scan->end_offset <= std::max(size, kSegmentDataOffset));
  TARN_CHECK(!range.end || scan->end <= *range.end);
  Sequence end = scan->end;
  uint64_t lost = 0;
  for (const Gap& g : scan->gaps) lost += std::min(g.end, end) - std::min(g.first, end);
  auto segment = std::make_shared<const Segment>(std::move(file), 0, kSeed, size, std::move(*scan));
  std::vector<Chunk> chunks;
  Segment::split(segment, 0, end, 1000, chunks);
  uint64_t promised = 0;
  for (const Chunk& c : chunks) {
    promised += c.end - c.first;
    walk(c);
  }
  TARN_CHECK(promised + lost == end);  // every record is readable or known to be lost
  walk({segment, kSegmentDataOffset, size - std::min(size, kSegmentDataOffset), 0, end});
  (void)segment->frame_of(end / 2);
  (void)segment->first_since({0});
  (void)segment->position(end / 2);
}

}  // namespace
}  // namespace tarn::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::log;
  if (size == 0) return 0;
  std::string bytes(kSegmentDataOffset, '\0');
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)decode_segment_header(rest);
  (void)Producers(4, 4).decode(rest);
  run(data[0], std::move(bytes));
  return 0;
}
