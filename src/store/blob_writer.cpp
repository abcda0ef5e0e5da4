// Taking the bytes of an object: in memory while they are few, else in a file.
#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/logging.h"
#include "store/blob_files.h"
#include "store/digest_thread.h"

namespace tarn::store {
namespace {

constexpr uint64_t kThreadBytesMin = 1024 * 1024;     // below it a thread costs more than it saves
constexpr size_t kStepBytes = 256 * 1024;             // of writes to the file, without a thread
constexpr uint64_t kWriteOutBytes = 8 * 1024 * 1024;  // after so many the kernel starts to write them to disk

}  // namespace

BlobWriter::BlobWriter(const BlobFiles& files, uint64_t inline_bytes_max, std::optional<uint64_t> hint,
                       std::span<const Algorithm> algorithms, Counter& bytes_in, Md5Together* together)
    : files_(files),
      inline_bytes_max_(inline_bytes_max),
      hint_(hint),
      bytes_in_(bytes_in),
      digests_(std::in_place, algorithms, true, together) {
  if (hint_ && *hint_ <= kStepBytes) buffer_.reserve(*hint_);
}

BlobWriter::~BlobWriter() {
  thread_.reset();
  file_.reset();
  if (blob_.empty()) return;
  if (auto removed = files_.remove(blob_); !removed)
    TARN_LOG(warn, "objects: {}; the next start's sweep() will try again", removed.error().message);
}

void BlobWriter::start_thread() {
  thread_ = std::make_unique<DigestThread>(std::move(*digests_));
  digests_.reset();
}

Status BlobWriter::write(std::span<const char> bytes) {
  if (!failure_) return failure_;
  TARN_CHECK(!finished_);
  bytes_ += bytes.size();
  failure_ = append(bytes);
  return failure_;
}

Status BlobWriter::append(std::span<const char> bytes) {
  if (!thread_ && std::max(bytes_, hint_.value_or(0)) > kThreadBytesMin) {
    TARN_TRY(flush(buffer_));
    buffer_ = {};
    start_thread();
  }
  if (thread_) {
    while (!bytes.empty()) {
      bytes = bytes.subspan(thread_->fill(bytes));
      if (thread_->full()) TARN_TRY(flush(thread_->hand_over()));
    }
    return {};
  }
  digests_->update(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() < kStepBytes || bytes_ <= inline_bytes_max_) return {};
  TARN_TRY(flush(buffer_));
  buffer_.clear();
  return {};
}

Status BlobWriter::flush(std::span<const char> bytes) {
  if (bytes.empty()) return {};
  if (!file_) {
    blob_ = files_.new_id();
    TARN_ASSIGN(file_, files_.create(blob_));
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
    if (thread_) TARN_TRY(flush(thread_->hand_over()));
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
  if (thread_) {
    digests_.emplace(thread_->finish());
    thread_.reset();
  } else {
    digests_->finish();
  }
  file_.reset();
  if (failure_) bytes_in_.add(bytes_);
  return failure_;
}

const Digests& BlobWriter::digests() const {
  TARN_CHECK(finished_);
  return *digests_;
}

Result<Place> BlobWriter::place(meta::Transaction& transaction) {
  TARN_CHECK(finished_ && failure_);
  if (blob_.empty()) return insert_inline(transaction, std::string(buffer_.begin(), buffer_.end()));
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
