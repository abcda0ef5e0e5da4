// The wanted records of frames one after the other, each judged: a JSON object with its fields, or a fault.
//
// Records of a frame lie one behind the other, so they are indexed about kBatchBytes at a time. When anything
// in such a batch is wrong, each of its records is indexed by itself: a broken record never touches its
// neighbours, and a record's verdict is the same in any company.
// Threads: one thread. Borrows the frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "columns/json_check.h"
#include "columns/json_index.h"
#include "log/log.h"

namespace tarn::columns {

class RecordReader {
 public:
  static constexpr size_t kBatchBytes = 128 * 1024;

  explicit RecordReader(int depth_max) : checker_(index_, depth_max) {}

  void open(const log::FrameView& frame);
  bool next();  // false at the end of the frame

  // Of the current record:
  bool is_object() const { return is_object_; }
  const JsonRecord& json() const { return checker_.record(); }  // REQUIRES: is_object()
  std::string fault() const;                                    // REQUIRES: !is_object()
  std::string_view text() const { return {frame_.data + offset_, length_}; }
  std::string_view key() const { return {key_, key_bytes_}; }
  log::Sequence sequence() const { return frame_.first + at_; }
  Timestamp arrived() const { return frame_.arrived; }

  const JsonIndex& index() const { return index_; }

 private:
  void begin_batch();
  void judge_alone();

  JsonIndex index_;
  JsonChecker checker_;
  log::FrameView frame_;
  uint64_t after_ = 0;   // where the next record begins, from frame_.data
  uint64_t offset_ = 0;  // where the current one does
  uint32_t length_ = 0;
  uint32_t at_ = 0;  // the current one's place in the frame
  uint32_t next_at_ = 0;
  const char* next_key_ = nullptr;
  const char* key_ = nullptr;
  uint32_t key_bytes_ = 0;
  uint32_t batch_end_ = 0;  // records before it are in the batch
  uint64_t batch_offset_ = 0;
  bool batch_indexed_ = false;
  const uint32_t* tokens_ = nullptr;
  bool is_object_ = false;
  bool has_tokens_ = false;  // simdjson had no objection to the record by itself
};

}  // namespace tarn::columns
