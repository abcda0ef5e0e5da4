#include "store/object_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace tarn::store {

ObjectReader::ObjectReader(const BlobFiles& blobs, Version version, std::vector<Part> parts,
                           std::vector<Segment> segments)
    : blobs_(blobs), version_(std::move(version)), parts_(std::move(parts)), segments_(std::move(segments)) {
  uint64_t begin = 0;
  for (Segment& segment : segments_) {
    segment.begin = begin;
    begin += segment.place.bytes;
  }
}

ObjectReader::~ObjectReader() {
  segments_.clear();
  blobs_.unpin(pinned_);
}

Status ObjectReader::open_all() {
  for (Segment& segment : segments_) {
    if (segment.place.blob.empty()) continue;
    TARN_ASSIGN(segment.file, blobs_.open(segment.place.blob));
  }
  return {};
}

void ObjectReader::pin() {
  for (const Segment& segment : segments_) {
    if (!segment.place.blob.empty()) pinned_.push_back(segment.place.blob);
  }
  blobs_.pin(pinned_);
}

size_t ObjectReader::segment_at(uint64_t offset) const {
  auto after = std::ranges::upper_bound(segments_, offset, {}, &Segment::begin);
  return static_cast<size_t>(after - segments_.begin()) - 1;
}

Status ObjectReader::need(size_t number) const {
  Segment& segment = segments_[number];
  if (segment.place.blob.empty() || segment.file) return {};
  if (open_.size() >= kReaderFilesMax) {
    for (size_t other : open_) segments_[other].file.reset();
    open_.clear();
  }
  auto file = blobs_.open(segment.place.blob);
  if (!file) return fail(Code::kCorrupt, "bytes of an object are gone: " + file.error().message);
  segment.file = std::move(*file);
  open_.push_back(number);
  return {};
}

Status ObjectReader::read_at(uint64_t offset, std::span<char> out) const {
  if (out.empty()) return {};
  if (offset > version_.bytes || out.size() > version_.bytes - offset) {
    return fail(Code::kInvalid, fmt::format("the object {} has {} bytes: there are no {} at {}", version_.key,
                                            version_.bytes, out.size(), offset));
  }
  for (size_t number = segment_at(offset); !out.empty() && number < segments_.size(); ++number) {
    TARN_TRY(need(number));
    const Segment& segment = segments_[number];
    uint64_t within = offset - segment.begin;
    auto step = static_cast<size_t>(std::min<uint64_t>(segment.place.bytes - within, out.size()));
    if (segment.file) {
      TARN_TRY(segment.file->read_at(within, out.first(step)));
    } else {
      std::copy_n(segment.bytes.data() + within, step, out.data());
    }
    out = out.subspan(step);
    offset += step;
  }
  return {};
}

std::vector<Reader::Extent> ObjectReader::extents(uint64_t offset, uint64_t length) const {
  std::vector<Extent> result;
  if (offset >= version_.bytes) return result;
  length = std::min(length, version_.bytes - offset);
  if (has_many()) {  // room for all that follow: none is closed while its descriptor is in the result
    for (size_t other : open_) segments_[other].file.reset();
    open_.clear();
  }
  for (size_t number = segment_at(offset); length > 0 && number < segments_.size(); ++number) {
    if (result.size() >= kReaderFilesMax) break;
    const Segment& segment = segments_[number];
    uint64_t within = offset - segment.begin;
    uint64_t step = std::min(segment.place.bytes - within, length);
    if (step == 0) continue;
    if (!need(number)) break;
    Extent& extent = result.emplace_back();
    extent.length = step;
    if (segment.file) {
      extent.descriptor = segment.file->descriptor();
      extent.offset = within;
    } else {
      extent.bytes = std::string_view(segment.bytes).substr(within, step);
    }
    offset += step;
    length -= step;
  }
  return result;
}

}  // namespace tarn::store
