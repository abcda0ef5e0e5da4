// One request's records on their way into a stream: checked, collected into frames, appended, counted.
//
// Threads: one thread.
// Fails: what the stream's append() fails with; kTooLarge when a producer's batch would have to be split.
// Durable: what accepted() counts is on stable storage.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "doors/http/native_api.h"
#include "doors/http/record_splitter.h"
#include "flow/streams.h"

namespace tarn::http {

class Intake : public RecordSink {
 public:
  // With a producer all records are one frame, appended by finish().
  // REQUIRES: the arguments outlive it.
  Intake(flow::Stream& stream, const ApiLimits& limits, std::string_view key,
         std::optional<log::Producer> producer);

  Status record(std::string_view data) override;
  Status oversized() override;
  Status flush() override;
  // The next record is left out, for this reason.
  void refuse(Code code, std::string message);
  // The body's end: appends what is left.
  Status finish();

  uint64_t seen() const { return seen_; }
  uint64_t accepted() const { return accepted_; }
  bool duplicate() const { return duplicate_; }  // the producer's batch was here before
  uint64_t pending_bytes() const { return pending_bytes_; }
  // accepted, shard, first_sequence, ranges, duplicate, errors, errors_total; see docs/http-api.md.
  boost::json::object answer();

 private:
  struct Range {
    int shard = 0;
    log::Sequence first = 0;
    uint64_t count = 0;
  };
  Status append();
  void note(const flow::Accepted& accepted);

  flow::Stream& stream_;
  const ApiLimits& limits_;
  const std::string_view key_;
  const std::optional<log::Producer> producer_;
  const std::unique_ptr<columns::Validator> validator_;  // null when the stream takes anything
  std::vector<log::Record> records_;                     // of the frame that is being collected
  uint64_t pending_bytes_ = 0;
  uint64_t seen_ = 0;
  uint64_t accepted_ = 0;
  bool duplicate_ = false;
  Duration waited_{0};
  std::vector<Range> ranges_;
  uint64_t ranges_total_ = 0;
  boost::json::array errors_;
  uint64_t errors_total_ = 0;
};

}  // namespace tarn::http
