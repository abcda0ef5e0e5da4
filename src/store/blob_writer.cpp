// Taking the bytes of an object: in memory while they are few, else in a file.
#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/logging.h"
#include "store/blob_files.h"

namespace tarn::store {
namespace {

constexpr uint64_t kLargeBytesMin = 1024 * 1024;      // below it another thread costs more than it saves
constexpr size_t kFirstBytesMin = 4 * 1024;           // of room for an object whose size isn't known
constexpr size_t kStepBytes = 256 * 1024;             // of writes to the file, without a thread
constexpr uint64_t kWriteOutBytes = 8 * 1024 * 1024;  // after so many the kernel starts to write them to disk

}  // namespace

BlobWriter::BlobWriter(const BlobFiles& files, uint64_t inline_bytes_max, std::optional<uint64_t> hint,
                       std::span<const Algorithm> algorithms, Counter& bytes_in, Md5Threads& md5_threads)
    : files_(files),
      inline_bytes_max_(inline_bytes_max),
      hint_(hint),
      bytes_in_(bytes_in),
      digests_(algorithms, hint.value_or(0) <= kLargeBytesMin) {
  if (hint.value_or(0) > kLargeBytesMin) md5_ = md5_threads.stream();
}

BlobWriter::~BlobWriter() {
  md5_.reset();
  file_.reset();
  if (blob_.empty()) return;
  if (auto removed = files_.remove(blob_); !removed)
    TARN_LOG(warn, "objects: {}; the next start's sweep() will try again", removed.error().message);
}

Status BlobWriter::write(std::span<const char> bytes) {
  while (!bytes.empty() && failure_) {
    std::span<char> room = this->room();
    auto now = bytes.first(std::min(bytes.size(), room.size()));
    std::ranges::copy(now, room.begin());
    bytes = bytes.subspan(now.size());
    std::ignore = filled(now.size());
  }
  return failure_;
}

std::span<char> BlobWriter::room() {
  TARN_CHECK(!finished_);
  if (md5_) return md5_->room();
  if (buffered_ == buffer_.size()) buffer_.resize(std::clamp(2 * buffered_, first_bytes(), kStepBytes));
  return std::span(buffer_).subspan(buffered_);
}

// One byte more than announced, so that the end is seen with the last bytes.
size_t BlobWriter::first_bytes() const {
  return std::clamp<uint64_t>(hint_.value_or(0) + 1, kFirstBytesMin, kStepBytes);
}

Status BlobWriter::filled(size_t bytes) {
  if (!failure_) return failure_;
  bytes_ += bytes;
  failure_ = take(bytes);
  return failure_;
}

Status BlobWriter::take(size_t bytes) {
  if (md5_) {
    digests_.update(md5_->room().first(bytes));
    md5_->filled(bytes);
    return md5_->full() ? flush(md5_->hand_over()) : Status();
  }
  digests_.update(std::span(buffer_).subspan(buffered_, bytes));
  buffered_ += bytes;
  if (buffered_ < kStepBytes) return {};
  TARN_TRY(flush({buffer_.data(), buffered_}));
  buffered_ = 0;
  return {};
}

Status BlobWriter::flush(std::span<const char> bytes) {
  if (bytes.empty()) return {};
  if (!file_) {
    blob_ = files_.new_id();
    TARN_ASSIGN(file_, files_.create(blob_));
    if (md5_) file_->write_around_cache();
  }
  TARN_TRY(file_->write_at(flushed_, bytes));
  flushed_ += bytes.size();
  if (flushed_ - write_out_started_ >= kWriteOutBytes) {
    // So that the disk is busy from the beginning; finish() waits for all of it. Its error comes there, too.
    std::ignore = ::sync_file_range(file_->descriptor(), static_cast<off_t>(write_out_started_),
                                    static_cast<off_t>(flushed_ - write_out_started_), SYNC_FILE_RANGE_WRITE);
    write_out_started_ = flushed_;
  }
  return {};
}

Status BlobWriter::finish() {
  if (finished_ || !failure_) return failure_;
  finished_ = true;
  auto end = [&]() -> Status {
    buffer_.resize(buffered_);
    if (md5_) {
      auto last = md5_->hand_over();
      buffer_.assign(last.data(), last.size());  // the end of the last buffer
    }
    if (bytes_ > inline_bytes_max_ || file_) {
      TARN_TRY(flush(buffer_));
      buffer_ = {};
    }
    if (file_) {
      TARN_TRY(file_->sync_data());
      TARN_TRY(files_.sync_name(blob_));
      fault_point("objects.after_blob");
    }
    return {};
  };
  failure_ = end();
  if (md5_) {
    digests_.finish_with(md5_->finish());
    md5_.reset();
  } else {
    digests_.finish();
  }
  file_.reset();
  if (failure_) bytes_in_.add(bytes_);
  return failure_;
}

const Digests& BlobWriter::digests() const {
  TARN_CHECK(finished_);
  return digests_;
}

Result<Place> BlobWriter::place(meta::Transaction& transaction) {
  TARN_CHECK(finished_ && failure_);
  if (blob_.empty()) return insert_inline(transaction, buffer_);
  Place place;
  place.bytes = bytes_;
  place.blob = blob_;
  return place;
}

void BlobWriter::settle(const Status& committed) {
  // With an unknown outcome a row may name the file after a restart; sweep() knows then.
  if (committed || committed.error().code == Code::kUnknownOutcome) blob_.clear();
}

BlobWriter& blob_writer(Writer& writer) {
  return dynamic_cast<BlobWriter&>(writer);
}

}  // namespace tarn::store
