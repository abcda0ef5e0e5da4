#include "access/audit.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/bytes.h"
#include "base/logging.h"
#include "base/thread.h"

namespace tarn::access {

namespace {

constexpr size_t kBatchEntriesMax = 1000;
// A client chooses what some fields say; an entry must always fit into a record of the audit's stream.
constexpr size_t kFieldBytesMax = 4096;
constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kPauseMax = std::chrono::seconds(5);
constexpr Duration kStopWait = std::chrono::seconds(10);
constexpr int kRetryAfterMs = 1000;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// The first character of the text, as far as it is UTF-8; 0: it isn't.
size_t character_bytes(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length)
    if (is_utf8(text.substr(0, length))) return length;
  return 0;
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
}

// Bytes that are no UTF-8 become U+FFFD each; what is too long ends in an ellipsis.
void append_text(std::string_view text, std::string& out) {
  const bool cut = text.size() > kFieldBytesMax;
  if (cut) {
    size_t end = kFieldBytesMax;
    while (end > kFieldBytesMax - 4 && is_continuation(text[end])) --end;
    text = text.substr(0, end);
  }
  out += '"';
  if (is_utf8(text)) {
    append_escaped(text, out);
  } else {
    while (!text.empty()) {
      const size_t length = character_bytes(text);
      if (length == 0) out += "\uFFFD";
      append_escaped(text.substr(0, length), out);
      text.remove_prefix(std::max<size_t>(length, 1));
    }
  }
  if (cut) out += "\u2026";
  out += '"';
}

class AuditTrail final : public Audit {
 public:
  AuditTrail(Sink sink, Metrics& metrics, AuditLimits limits)
      : sink_(std::move(sink)),
        limits_(limits),
        recorded_total_(metrics.counter("tarn_audit_entries_total", "Entries of the audit trail")),
        waits_total_(metrics.counter("tarn_audit_waits_total",
                                     "Requests that waited because the audit trail's buffer was full")),
        refusals_total_(metrics.counter("tarn_audit_refusals_total",
                                        "Requests refused because they could not be put on the audit trail")),
        failures_total_(
            metrics.counter("tarn_audit_sink_failures_total",
                            "Batches of the audit trail that could not be stored and are tried again")),
        lost_total_(metrics.counter("tarn_audit_lost_entries_total",
                                    "Entries of the audit trail that could not be stored before the end")),
        waiting_(metrics.gauge("tarn_audit_waiting_entries", "Entries of the audit trail not stored yet")),
        thread_([this] { run(); }) {}

  ~AuditTrail() override { stop(Deadline::after(kStopWait)); }

  Status record(AuditEntry entry) override {
    std::string line = audit_json(entry);
    Lock lock(mu_);
    wait_for_room();
    if (finished_ || full()) {
      refusals_total_.add();
      if (finished_ || !patient_)
        return fail(Error{Code::kUnavailable, "the lake is stopping: ask again later", kRetryAfterMs});
      return fail(Error{Code::kBusy,
                        "the audit trail is full and can't be stored at the moment, and nothing is done "
                        "without it: see the lake's log, and ask again later",
                        kRetryAfterMs});
    }
    recorded_total_.add();
    bytes_ += line.size();
    entries_.push_back(std::move(line));
    ++recorded_;
    waiting_.add(1);
    work_.notify_one();
    return {};
  }

  Status flush(Deadline deadline) override {
    Lock lock(mu_);
    const uint64_t target = recorded_;
    while (stored_ < target) {
      if (finished_)
        return fail(Code::kUnavailable, "the audit trail has ended, and its last entries are not stored");
      if (!done_.wait_until(mu_, deadline.at()) && stored_ < target && deadline.passed())
        return fail(Code::kTimeout,
                    fmt::format("{} entries of the audit trail are not stored yet", target - stored_));
    }
    return {};
  }

  void stop_waiting() override {
    Lock lock(mu_);
    patient_ = false;
    room_.notify_all();
  }

  void stop(Deadline deadline) override {
    stop_waiting();
    {
      Lock lock(mu_);
      if (!stopping_) {
        stopping_ = true;
        give_up_ = deadline;
      }
      work_.notify_all();
    }
    Lock lock(join_mu_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool full() const TARN_REQUIRES(mu_) {
    return entries_.size() >= std::max<size_t>(limits_.entries_max, 1) || bytes_ >= limits_.bytes_max;
  }

  void wait_for_room() TARN_REQUIRES(mu_) {
    if (!full() || !patient_ || stuck_) return;
    waits_total_.add();
    const Deadline until = Deadline::after(limits_.room_wait);
    while (full() && patient_ && !stuck_ && !until.passed()) room_.wait_until(mu_, until.at());
    if (!full() || !patient_ || stuck_) return;
    // A request may ask a thousand times, and all workers may: one wait is enough to know.
    stuck_ = true;
    room_.notify_all();
  }

  void make_room() TARN_REQUIRES(mu_) {
    stuck_ = false;
    room_.notify_all();
  }

  void run() {
    for (;;) {
      std::vector<std::string> batch = next_batch();
      if (batch.empty()) break;
      if (!store(batch)) {
        give_up(batch.size());
        break;
      }
    }
    Lock lock(mu_);
    finished_ = true;
    done_.notify_all();
  }

  // Empty: there is no more to do.
  std::vector<std::string> next_batch() {
    Lock lock(mu_);
    while (entries_.empty() && !stopping_) work_.wait(mu_);
    const size_t count = std::min(entries_.size(), kBatchEntriesMax);
    const auto end = entries_.begin() + static_cast<ptrdiff_t>(count);
    std::vector<std::string> batch(std::make_move_iterator(entries_.begin()), std::make_move_iterator(end));
    entries_.erase(entries_.begin(), end);
    make_room();
    if (batch.empty()) finished_ = true;  // with the lock still held: nothing slips in behind the last batch
    return batch;
  }

  // Tries until the sink takes it. False: the deadline of stop() came first.
  bool store(const std::vector<std::string>& batch) {
    Duration pause = kFirstPause;
    for (;;) {
      const Status status = sink_(batch);
      if (status) {
        Lock lock(mu_);
        for (const std::string& line : batch) bytes_ -= line.size();
        make_room();
        stored_ += batch.size();
        waiting_.add(-static_cast<int64_t>(batch.size()));
        done_.notify_all();
        return true;
      }
      failures_total_.add();
      TARN_LOG(error,
               "{} entries of the audit trail can't be stored, and requests are refused once {} wait: {}",
               batch.size(), limits_.entries_max, status.error().message);
      if (!wait_to_retry(pause)) return false;
      pause = std::min(pause * 2, kPauseMax);
    }
  }

  bool wait_to_retry(Duration pause) {
    const Deadline until = Deadline::after(pause);
    Lock lock(mu_);
    for (;;) {
      if (give_up_ && give_up_->passed()) return false;
      if (until.passed()) return true;
      work_.wait_until(mu_, give_up_ ? std::min(until.at(), give_up_->at()) : until.at());
    }
  }

  void give_up(size_t batch) {
    Lock lock(mu_);
    const size_t lost = batch + entries_.size();
    lost_total_.add(lost);
    waiting_.add(-static_cast<int64_t>(lost));
    entries_.clear();
    TARN_LOG(error, "{} entries of the audit trail are lost: they could not be stored before the end", lost);
    finished_ = true;
  }

  const Sink sink_;
  const AuditLimits limits_;
  Counter& recorded_total_;
  Counter& waits_total_;
  Counter& refusals_total_;
  Counter& failures_total_;
  Counter& lost_total_;
  Gauge& waiting_;

  Mutex mu_;
  CondVar work_;  // for the thread: entries, or the end
  CondVar room_;  // for record()
  CondVar done_;  // for flush()
  std::deque<std::string> entries_ TARN_GUARDED_BY(mu_);
  size_t bytes_ TARN_GUARDED_BY(mu_) = 0;     // of entries_ and of the batch that is being stored
  bool stuck_ TARN_GUARDED_BY(mu_) = false;   // it was full for room_wait, and there was no room since
  bool patient_ TARN_GUARDED_BY(mu_) = true;  // until stop_waiting()
  uint64_t recorded_ TARN_GUARDED_BY(mu_) = 0;
  uint64_t stored_ TARN_GUARDED_BY(mu_) = 0;
  bool stopping_ TARN_GUARDED_BY(mu_) = false;
  bool finished_ TARN_GUARDED_BY(mu_) = false;  // the thread takes no more
  std::optional<Deadline> give_up_ TARN_GUARDED_BY(mu_);

  Mutex join_mu_;
  std::thread thread_ TARN_GUARDED_BY(join_mu_);  // last: it uses the others
};

}  // namespace

std::string audit_json(const AuditEntry& entry) {
  std::string out = "{\"time\":\"" + to_string(entry.time) + '"';
  const auto add = [&](std::string_view name, std::string_view text) {
    out += ",\"";
    out += name;
    out += "\":";
    append_text(text, out);
  };
  add("principal", entry.principal);
  add("kind", entry.kind);
  add("key_id", entry.key_id);
  add("action", entry.action);
  add("resource", entry.resource);
  out += entry.allowed ? ",\"allowed\":true" : ",\"allowed\":false";
  add("reason", entry.reason);
  add("source_ip", entry.source_ip);
  add("request_id", entry.request_id);
  out += '}';
  return out;
}

std::unique_ptr<Audit> Audit::start(Sink sink, Metrics& metrics, AuditLimits limits) {
  return std::make_unique<AuditTrail>(std::move(sink), metrics, limits);
}

}  // namespace tarn::access
