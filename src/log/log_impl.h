// The log's one implementation: who writes, who syncs, who is told.
//
// Batches are encoded by their caller, queued under mu_, and written by whoever leads: an appender that waits
// and finds nobody leading leads itself (no thread is woken for a lone appender), else the log's own thread
// does. The leader takes the whole queue, writes it, syncs once, and answers. What comes meanwhile is the
// next group.
// Owns: segments (with chunks), one thread.
// Threads: members of Log from any; those that need io_mu_ by the leader. Fails,
// Durable: see log.h.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "log/frame.h"
#include "log/log.h"
#include "log/recovery.h"
#include "log/segment.h"

namespace tarn::log {

class LogImpl final : public Log {
 public:
  LogImpl(std::filesystem::path folder, const Options& options, FileSystem& files, const Clock& clock,
          Loaded loaded);
  ~LogImpl() override;

  Result<Appended> append(std::span<const Record> records, std::optional<Producer> producer) override;
  void append_async(std::span<const Record> records, std::optional<Producer> producer,
                    std::function<void(Result<Appended>)> done) override;

  Sequence begin() const override;
  Sequence end() const override { return end_.load(std::memory_order_acquire); }
  uint64_t bytes() const override;
  std::vector<Damage> damage() const override;
  Result<std::vector<Chunk>> split(Sequence from, Sequence to, uint64_t chunk_bytes) const override;
  uint64_t bytes_between(Sequence from, Sequence to) const override;
  Result<Sequence> find(Timestamp t) const override;
  Result<Timestamp> arrived(Sequence record) const override;
  Status trim(Sequence delivered, const Retention& retention) override;
  void on_durable(std::function<void(Sequence)> listener) override;

 private:
  using Done = std::function<void(Result<Appended>)>;
  using Segments = std::vector<std::shared_ptr<Segment>>;

  // A caller inside append(); its members are guarded by mu_.
  struct Waiter {
    CondVar ready;
    std::optional<Result<Appended>> result;
  };
  // Where an answer goes: to a waiter or, through the log's thread, to a callback.
  struct Answer {
    Waiter* waiter = nullptr;
    Done done;
  };
  struct Batch {
    EncodedFrame frame;
    std::optional<std::pair<std::string, uint64_t>> producer;
    Answer answer;
    std::vector<Answer> duplicates =
        {};  // the same producer and number, sent again before this one was durable
    // Set when it is written.
    Sequence first = 0;
    Timestamp arrived = {};
    uint64_t offset = 0;
  };
  using Group = std::vector<std::unique_ptr<Batch>>;

  // log_append.cpp
  void submit(EncodedFrame frame, const std::optional<Producer>& producer, Answer answer) TARN_REQUIRES(mu_);
  void answer(Answer& to, Result<Appended> result) TARN_REQUIRES(mu_);
  void finish(Batch& batch, Result<Appended> result) TARN_REQUIRES(mu_);
  void lead() TARN_REQUIRES(mu_);
  void wait_for_company() TARN_REQUIRES(mu_);
  void run_thread();
  void tell(std::vector<std::pair<Done, Result<Appended>>> answers, bool news) TARN_EXCLUDES(mu_);

  // log_write.cpp
  void write_group(Group& group) TARN_REQUIRES(io_mu_) TARN_EXCLUDES(mu_);
  void settle(std::vector<Batch*>& written) TARN_REQUIRES(io_mu_) TARN_EXCLUDES(mu_);
  void refuse(Batch& batch, const Error& error) TARN_EXCLUDES(mu_);
  Status write(Batch& batch) TARN_REQUIRES(io_mu_);
  Status make_room(uint64_t end_offset) TARN_REQUIRES(io_mu_);
  Status clean() TARN_REQUIRES(io_mu_);
  Status roll() TARN_REQUIRES(io_mu_) TARN_EXCLUDES(mu_);
  Status drop_empty_segment() TARN_REQUIRES(io_mu_) TARN_EXCLUDES(mu_);
  Result<std::shared_ptr<Segment>> create_segment() TARN_REQUIRES(io_mu_);
  void seal() TARN_REQUIRES(io_mu_);
  void write_mark() TARN_REQUIRES(io_mu_);

  // log_read.cpp
  Segments segments_of(Sequence from, Sequence to) const TARN_EXCLUDES(mu_);
  size_t removable(Sequence delivered, const Retention& retention) const TARN_REQUIRES(mu_);

  // Constant after construction.
  const std::filesystem::path folder_;
  const Options options_;
  FileSystem& files_;
  const Clock& clock_;
  const uint64_t log_id_;
  const uint32_t seed_;

  std::atomic<Sequence> end_;

  // The leader's: where and how to write.
  Mutex io_mu_;
  std::shared_ptr<Segment> active_
      TARN_GUARDED_BY(io_mu_);  // the last of segments_; null before the first append
  uint64_t write_offset_ TARN_GUARDED_BY(io_mu_);
  uint64_t durable_offset_ TARN_GUARDED_BY(io_mu_);
  uint64_t filled_end_ TARN_GUARDED_BY(io_mu_) = 0;  // the file's size: zeros from write_offset_ to here
  uint64_t dirty_end_ TARN_GUARDED_BY(io_mu_) = 0;   // a failed write may have left bytes up to here
  uint64_t fill_step_bytes_ TARN_GUARDED_BY(io_mu_);
  uint64_t group_bytes_ TARN_GUARDED_BY(io_mu_) = 0;  // of the group that is being written
  std::chrono::steady_clock::time_point filled_at_ TARN_GUARDED_BY(io_mu_);
  Sequence next_ TARN_GUARDED_BY(io_mu_);
  Timestamp last_arrived_ TARN_GUARDED_BY(io_mu_);
  bool must_roll_ TARN_GUARDED_BY(io_mu_) = false;
  bool marked_ TARN_GUARDED_BY(io_mu_);  // the last frame says that all before it is durable

  mutable Mutex mu_;
  Group queue_ TARN_GUARDED_BY(mu_);
  bool leading_ TARN_GUARDED_BY(mu_) = false;
  uint64_t unsynced_bytes_ TARN_GUARDED_BY(mu_) = 0;  // queued or written, not yet answered
  std::map<std::pair<std::string, uint64_t>, Batch*> pending_ TARN_GUARDED_BY(mu_);
  Producers producers_ TARN_GUARDED_BY(mu_);
  Segments segments_ TARN_GUARDED_BY(mu_);
  std::vector<Damage> damage_ TARN_GUARDED_BY(mu_);
  std::vector<std::pair<Done, Result<Appended>>> answers_
      TARN_GUARDED_BY(mu_);                 // for the log's thread to give
  bool news_ TARN_GUARDED_BY(mu_) = false;  // end() moved: tell the listener
  std::function<void(Sequence)> listener_ TARN_GUARDED_BY(mu_);
  size_t callers_ TARN_GUARDED_BY(mu_) = 0;  // inside append()
  bool closing_ TARN_GUARDED_BY(mu_) = false;
  CondVar work_;     // for the log's thread
  CondVar company_;  // for a leader that waits for a larger group

  Mutex trim_mu_;  // one trim at a time; taken before mu_

  std::thread thread_;
};

}  // namespace tarn::log
