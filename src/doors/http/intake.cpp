#include "doors/http/intake.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/bytes.h"

namespace tarn::http {

namespace json = boost::json;

namespace {
constexpr uint64_t kErrorsListedMax = 1000;
constexpr uint64_t kRangesListedMax = 1000;
constexpr Duration kRetryLeast = std::chrono::milliseconds(10);
}  // namespace

Intake::Intake(flow::Stream& stream, const ApiLimits& limits, std::string_view key,
               std::optional<log::Producer> producer)
    : stream_(stream), limits_(limits), key_(key), producer_(producer), validator_(stream.validator()) {}

void Intake::refuse(Code code, std::string message) {
  uint64_t index = seen_++;
  if (++errors_total_ <= kErrorsListedMax)
    errors_.push_back(
        json::object{{"index", index}, {"code", code_name(code)}, {"message", std::move(message)}});
}

Status Intake::oversized() {
  refuse(Code::kTooLarge, fmt::format("the record is over {}", format_bytes(limits_.record_bytes_max)));
  return {};
}

Status Intake::record(std::string_view data) {
  if (data.size() > limits_.record_bytes_max) return oversized();
  if (validator_) {
    if (auto violation = validator_->violation(data)) {
      refuse(Code::kInvalid, *std::move(violation));
      return {};
    }
  }
  ++seen_;
  records_.push_back({data, key_});
  pending_bytes_ += data.size();
  return {};
}

Status Intake::flush() {
  if (!producer_) return append();
  return fail(Code::kTooLarge,
              fmt::format("a batch with Tarn-Producer may have {}: send it as several batches",
                          format_bytes(limits_.batch_bytes_max)));
}

Status Intake::finish() {
  return append();
}

Status Intake::append() {
  if (records_.empty()) return {};
  for (;;) {
    auto accepted = stream_.append(records_, producer_);
    if (accepted) {
      note(*accepted);
      records_.clear();
      pending_bytes_ = 0;
      return {};
    }
    // A body of which a part is in already waits a little, rather than leaving its sender to find the place.
    bool wait = accepted.error().code == Code::kBusy && accepted_ > 0 && waited_ < limits_.busy_wait;
    if (!wait) return fail(std::move(accepted).error());
    Duration pause = std::clamp<Duration>(std::chrono::milliseconds(accepted.error().retry_after_ms),
                                          kRetryLeast, std::max(kRetryLeast, limits_.busy_wait - waited_));
    std::this_thread::sleep_for(pause);
    waited_ += pause;
  }
}

void Intake::note(const flow::Accepted& accepted) {
  accepted_ += accepted.count;
  duplicate_ = duplicate_ || accepted.duplicate;
  if (!ranges_.empty() && ranges_.back().shard == accepted.shard &&
      ranges_.back().first + ranges_.back().count == accepted.first) {
    ranges_.back().count += accepted.count;
    return;
  }
  if (++ranges_total_ <= kRangesListedMax)
    ranges_.push_back({accepted.shard, accepted.first, accepted.count});
}

json::object Intake::answer() {
  json::object out{{"accepted", accepted_}};
  if (!ranges_.empty()) {
    out["shard"] = ranges_.front().shard;
    out["first_sequence"] = ranges_.front().first;
  }
  if (ranges_.size() > 1) {
    json::array ranges;
    for (const Range& r : ranges_)
      ranges.push_back(json::object{{"shard", r.shard}, {"first", r.first}, {"count", r.count}});
    out["ranges"] = std::move(ranges);
  }
  if (duplicate_) out["duplicate"] = true;
  if (errors_total_ > 0) {
    out["errors"] = std::move(errors_);
    out["errors_total"] = errors_total_;
  }
  return out;
}

}  // namespace tarn::http
