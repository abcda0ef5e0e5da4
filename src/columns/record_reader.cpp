// Frames to judged records: see record_reader.h.
#include "columns/record_reader.h"

namespace tarn::columns {

void RecordReader::open(const log::FrameView& frame) {
  frame_ = frame;
  after_ = 0;
  next_at_ = frame.begin;
  next_key_ = frame.keys;
  batch_end_ = frame.begin;
  for (uint32_t i = 0; i < frame.begin; ++i) {
    after_ += frame.lengths[i] + 1;
    if (frame.key_lengths) next_key_ += frame.key_lengths[i];
  }
}

// Indexes the records from next_at_ on that fit in a batch; one at least.
void RecordReader::begin_batch() {
  uint64_t bytes = 0;
  while (batch_end_ < frame_.end) {
    uint64_t more = uint64_t{frame_.lengths[batch_end_]} + 1;
    if (bytes > 0 && bytes + more > kBatchBytes) break;
    bytes += more;
    ++batch_end_;
  }
  batch_offset_ = after_;
  batch_indexed_ = index_.run(frame_.data + batch_offset_, bytes);
  if (!batch_indexed_) return;
  checker_.open(frame_.data + batch_offset_, static_cast<uint32_t>(bytes));
  tokens_ = index_.tokens();
}

bool RecordReader::next() {
  if (next_at_ >= frame_.end) return false;
  if (next_at_ == batch_end_) begin_batch();
  at_ = next_at_++;
  offset_ = after_;
  length_ = frame_.lengths[at_];
  after_ += uint64_t{length_} + 1;
  key_ = next_key_;
  key_bytes_ = frame_.key_lengths ? frame_.key_lengths[at_] : 0;
  next_key_ += key_bytes_;
  if (!batch_indexed_) {
    judge_alone();
    return true;
  }
  has_tokens_ = true;
  auto begin = static_cast<uint32_t>(offset_ - batch_offset_);
  uint32_t end = begin + length_;
  is_object_ = checker_.check(tokens_, begin, end);
  tokens_ = checker_.stopped();
  if (!is_object_) {
    while (*tokens_ < end) ++tokens_;
  }
  return true;
}

void RecordReader::judge_alone() {
  const char* text = frame_.data + offset_;
  is_object_ = false;
  has_tokens_ = index_.run(text, length_);
  if (!has_tokens_) return;
  checker_.open(text, length_);
  is_object_ = checker_.check(index_.tokens(), 0, length_);
}

std::string RecordReader::fault() const {
  return has_tokens_ ? checker_.fault() : find_fault(text());
}

}  // namespace tarn::columns
