// Mapping: a chunk's pages in our address space.
#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/frame.h"
#include "log/segment.h"

namespace tarn::log {

namespace {

// Chunks up to this size are read in at once; larger ones page by page as they are used.
constexpr uint64_t kPopulateBytesMax = 8 * 1024 * 1024;

uint64_t page_bytes() {
  static const uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

void* map_pages(size_t bytes, int protection, int flags, int fd, uint64_t offset) {
  void* base = ::mmap(nullptr, bytes, protection, flags, fd, static_cast<off_t>(offset));
  return base == MAP_FAILED ? nullptr : base;
}

}  // namespace

Result<Mapping> Mapping::map(const Chunk& chunk) {
  TARN_CHECK(chunk.segment != nullptr);
  const File& file = chunk.segment->file();
  TARN_ASSIGN(uint64_t file_bytes, file.size());
  if (chunk.offset > file_bytes || chunk.bytes > file_bytes - chunk.offset)
    return fail(Code::kCorrupt, fmt::format("{} ends at offset {}, before {} bytes at offset {}",
                                            file.path().string(), file_bytes, chunk.bytes, chunk.offset));
  uint64_t begin = chunk.offset / page_bytes() * page_bytes();
  uint64_t bytes = align_up(chunk.offset + chunk.bytes + kPaddingBytes - begin, page_bytes());
  int populate = bytes <= kPopulateBytesMax ? MAP_POPULATE : 0;

  Mapping m;
  m.chunk_ = chunk;
  m.mapped_bytes_ = bytes;
  // Behind its last page a file can't be read; a log's files reach further, but one that was damaged may not.
  bool padded = begin + bytes <= align_up(file_bytes, page_bytes());
  if (padded) {
    m.base_ =
        static_cast<char*>(map_pages(bytes, PROT_READ, MAP_PRIVATE | populate, file.descriptor(), begin));
  } else {
    m.base_ =
        static_cast<char*>(map_pages(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  if (m.base_ == nullptr) return fail(errno_error("map " + file.path().string(), errno));
  m.at_ = m.base_ + (chunk.offset - begin);
  m.limit_ = m.at_ + chunk.bytes;
  if (!padded)
    TARN_TRY(
        file.read_at(chunk.offset, {m.base_ + (chunk.offset - begin), static_cast<size_t>(chunk.bytes)}));
  return m;
}

Mapping::Mapping(Mapping&& other) noexcept
    : chunk_(std::move(other.chunk_)),
      base_(std::exchange(other.base_, nullptr)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      at_(std::exchange(other.at_, nullptr)),
      limit_(std::exchange(other.limit_, nullptr)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(chunk_, other.chunk_);
  std::swap(base_, other.base_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(at_, other.at_);
  std::swap(limit_, other.limit_);
  return *this;
}

Mapping::~Mapping() {
  if (base_ != nullptr) ::munmap(base_, mapped_bytes_);
}

Result<std::optional<FrameView>> Mapping::next() {
  while (at_ < limit_) {
    std::span<const char> rest(at_, static_cast<size_t>(limit_ - at_));
    uint64_t offset = chunk_.offset + chunk_.bytes - rest.size();
    auto damaged = [&](const char* reason) {
      return fail(Code::kCorrupt,
                  fmt::format("{} at offset {}: {}", chunk_.segment->file().path().string(), offset, reason));
    };
    auto header = read_header(rest, chunk_.segment->seed());
    if (!header) return damaged(header.error());
    if (header->frame_bytes() > rest.size()) return damaged("a frame is longer than its chunk");
    const char* frame = at_;
    at_ += header->frame_bytes();
    Sequence end = header->first + header->count;
    if (end <= chunk_.first || header->count == 0) continue;
    if (header->first >= chunk_.end) break;
    auto v = view(*header, frame);
    if (!v) return damaged("the lengths in a frame don't add up");
    v->begin = static_cast<uint32_t>(std::max(chunk_.first, header->first) - header->first);
    v->end = static_cast<uint32_t>(std::min(chunk_.end, end) - header->first);
    return v;
  }
  at_ = limit_;
  return std::nullopt;
}

}  // namespace tarn::log
