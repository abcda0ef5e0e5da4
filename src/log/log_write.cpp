// The log's leader: frames to the active segment, syncs, new segments.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/fault_point.h"
#include "base/logging.h"
#include "log/log_impl.h"

namespace tarn::log {

namespace {

// Zeros are written ahead of the frames, so that a sync finds blocks that are allocated and written already
// and needs no commit of the file system's journal. The step grows while it is used up quickly. Large groups
// do without: the zeros would reach the disk, too, and cost more than the journal.
constexpr uint64_t kFillStepBytesMin = 256 * 1024;
constexpr uint64_t kFillStepBytesMax = 4 * 1024 * 1024;
constexpr uint64_t kFillGroupBytesMax = 64 * 1024;
constexpr auto kFillQuick = std::chrono::seconds(1);
constexpr uint64_t kBlockBytes = 4096;

}  // namespace

void LogImpl::write_group(Group& group) {
  std::vector<Batch*> written;
  written.reserve(group.size());
  group_bytes_ = 0;
  for (const auto& batch : group) group_bytes_ += batch->frame.size();
  for (const auto& batch : group) {
    bool full = active_ != nullptr && write_offset_ > kSegmentDataOffset &&
                write_offset_ + batch->frame.size() > options_.segment_bytes;
    if (full) settle(written);  // one segment at a time has frames that aren't synced
    if (full || must_roll_ || active_ == nullptr) {
      if (Status rolled = roll(); !rolled) {
        refuse(*batch, rolled.error());
        continue;
      }
    }
    if (Status ok = write(*batch); !ok) {
      refuse(*batch, ok.error());
    } else {
      written.push_back(batch.get());
    }
  }
  settle(written);
}

void LogImpl::refuse(Batch& batch, const Error& error) {
  Lock lock(mu_);
  finish(batch, fail(error));
}

// Syncs what was written, and answers.
void LogImpl::settle(std::vector<Batch*>& written) {
  if (written.empty()) return;
  fault_point("log.after_write");
  Status synced = active_->file().sync_data();
  if (synced) {
    fault_point("log.after_sync");
    for (Batch* b : written) active_->add(b->first, b->frame.count(), b->arrived, b->offset, b->frame.size());
    durable_offset_ = write_offset_;
    end_.store(next_, std::memory_order_release);
    marked_ = false;
  } else {
    TARN_LOG(error, "{}; going on in a new segment", synced.error().message);
    // The next segment starts where the durable records end: recovery then ignores what this one has beyond.
    write_offset_ = durable_offset_;
    next_ = end();
    must_roll_ = true;
    synced =
        fail(Code::kUnknownOutcome,
             synced.error().message + ": the records may be stored or not; look before sending them again");
  }
  Lock lock(mu_);
  for (Batch* b : written) {
    if (synced) {
      finish(*b, Appended{b->first, b->frame.count(), false});
    } else {
      finish(*b, fail(synced.error()));
    }
  }
  written.clear();
  if (synced && listener_) {
    news_ = true;
    work_.notify_one();
  }
}

Status LogImpl::write(Batch& batch) {
  TARN_TRY(clean());
  uint64_t end_offset = write_offset_ + batch.frame.size();
  TARN_TRY(make_room(end_offset));
  batch.first = next_;
  batch.offset = write_offset_;
  batch.arrived = std::max(clock_.now(), last_arrived_);
  batch.frame.finish(batch.first, batch.arrived, end(), seed_);
  fault_point("log.before_write");
  if (Status written = active_->file().write_at(write_offset_, batch.frame.bytes()); !written) {
    dirty_end_ = std::max(dirty_end_, end_offset);
    (void)clean();
    return written;
  }
  write_offset_ = end_offset;
  next_ += batch.frame.count();
  last_arrived_ = batch.arrived;
  return {};
}

// Zeros over what failed writes left, so that it can never pass for frames. While that fails, so do appends.
Status LogImpl::clean() {
  if (dirty_end_ > write_offset_) TARN_TRY(write_zeros(active_->file(), write_offset_, dirty_end_));
  dirty_end_ = 0;
  return {};
}

// Makes the file reach past a frame that ends at `end_offset`, with zeros for the frames to come.
Status LogImpl::make_room(uint64_t end_offset) {
  uint64_t needed = align_up(end_offset + kPaddingBytes, kBlockBytes);
  if (end_offset + kPaddingBytes <= filled_end_) return {};
  auto now = std::chrono::steady_clock::now();
  bool quick = now - filled_at_ < kFillQuick;
  fill_step_bytes_ =
      std::clamp(quick ? fill_step_bytes_ * 2 : fill_step_bytes_ / 2, kFillStepBytesMin, kFillStepBytesMax);
  filled_at_ = now;
  uint64_t segment_end = align_up(options_.segment_bytes + kPaddingBytes, kBlockBytes);
  uint64_t wanted = needed;
  if (group_bytes_ <= kFillGroupBytesMax)
    wanted = std::max(needed, std::min(align_up(end_offset + fill_step_bytes_, kBlockBytes), segment_end));
  // The frame itself fills what lies before end_offset.
  uint64_t from = std::max(filled_end_, end_offset);
  Status filled = write_zeros(active_->file(), from, wanted);
  if (!filled && filled.error().code == Code::kFull && wanted > needed) {
    wanted = needed;
    filled = write_zeros(active_->file(), from, wanted);
  }
  TARN_TRY(filled);
  filled_end_ = wanted;
  active_->set_file_bytes(filled_end_);
  return {};
}

Status LogImpl::roll() {
  fault_point("log.before_roll");
  if (active_ != nullptr && active_->first() == next_) TARN_TRY(drop_empty_segment());
  TARN_ASSIGN(auto segment, create_segment());
  if (active_ != nullptr) seal();
  active_ = segment;
  write_offset_ = durable_offset_ = kSegmentDataOffset;
  filled_end_ = segment->file_bytes();
  dirty_end_ = 0;
  must_roll_ = false;
  {
    Lock lock(mu_);
    segments_.push_back(std::move(segment));
  }
  fault_point("log.after_roll");
  return {};
}

// A segment whose first sync failed holds nothing that counts, and has the name that its successor needs.
Status LogImpl::drop_empty_segment() {
  must_roll_ = true;
  TARN_TRY(files_.remove(active_->file().path()));
  Lock lock(mu_);
  segments_.pop_back();
  active_ = nullptr;
  return {};
}

Result<std::shared_ptr<Segment>> LogImpl::create_segment() {
  std::filesystem::path path = folder_ / segment_name(next_);
  auto file = files_.open(path, OpenMode::kCreate);
  if (!file && file.error().code == Code::kExists) {  // an attempt of ours that failed half way
    TARN_TRY(files_.remove(path));
    file = files_.open(path, OpenMode::kCreate);
  }
  if (!file) return fail(std::move(file).error());
  Timestamp created = std::max(clock_.now(), last_arrived_);
  std::string header = encode_segment_header(log_id_, next_, created);
  uint64_t size = kSegmentDataOffset + kPaddingBytes;
  Status ok = (*file)->write_at(0, header);
  if (ok) ok = write_zeros(**file, kSegmentDataOffset, size);
  if (ok) ok = (*file)->sync_data();
  if (ok) ok = files_.sync_folder(folder_);
  if (!ok) {
    (void)files_.remove(path);
    return fail(std::move(ok).error());
  }
  last_arrived_ = created;
  return std::make_shared<Segment>(std::move(*file), next_, created, seed_, size);
}

// Gives back the zeros that were written ahead; what follows the last frame stays readable.
void LogImpl::seal() {
  uint64_t size = align_up(durable_offset_ + kPaddingBytes, kBlockBytes);
  if (size >= filled_end_) return;
  if (active_->file().truncate(size)) active_->set_file_bytes(size);
}

// The last thing in a log that was closed: with it, damage to the last records is told from a torn tail.
// Without it nothing is lost but that.
void LogImpl::write_mark() {
  if (marked_ || must_roll_ || active_ == nullptr) return;
  EncodedFrame mark = EncodedFrame::mark();
  mark.finish(next_, last_arrived_, end(), seed_);
  Status ok = clean();
  if (ok) ok = make_room(write_offset_ + mark.size());
  if (ok) ok = active_->file().write_at(write_offset_, mark.bytes());
  if (ok) ok = active_->file().sync_data();
  if (!ok) TARN_LOG(warn, "closing the log: {}", ok.error().message);
}

}  // namespace tarn::log
