// The log: opening and closing, queueing, group commit, answering.
#include <utility>

#include <fmt/core.h>

#include "base/id.h"
#include "log/log_impl.h"

namespace tarn::log {

namespace {
constexpr int kBusyRetryMs = 20;  // about as long as a sync of a full queue
}

Result<std::unique_ptr<Log>> Log::open(const std::filesystem::path& folder, const Options& options,
                                       FileSystem& files, const Clock& clock) {
  TARN_TRY(files.create_folders(folder));
  TARN_ASSIGN(Loaded loaded, load(folder, files, options, true));
  TARN_TRY(repair(folder, files, loaded));
  return std::make_unique<LogImpl>(folder, options, files, clock, std::move(loaded));
}

LogImpl::LogImpl(std::filesystem::path folder, const Options& options, FileSystem& files, const Clock& clock,
                 Loaded loaded)
    : folder_(std::move(folder)),
      options_(options),
      files_(files),
      clock_(clock),
      log_id_(loaded.log_id ? *loaded.log_id : random_u64()),
      seed_(seed_of(log_id_)),
      end_(loaded.end),
      write_offset_(loaded.end_offset),
      durable_offset_(loaded.end_offset),
      fill_step_bytes_(0),
      next_(loaded.end),
      marked_(loaded.ends_with_mark || loaded.frames == 0),
      producers_(std::move(loaded.producers)),
      segments_(std::move(loaded.segments)),
      damage_(std::move(loaded.damage)) {
  if (!segments_.empty()) {
    active_ = segments_.back();
    filled_end_ = active_->file_bytes();
    last_arrived_ = active_->last_arrived();
  }
  thread_ = std::thread([this] { run_thread(); });
}

LogImpl::~LogImpl() {
  {
    Lock lock(mu_);
    closing_ = true;
    work_.notify_all();
    company_.notify_all();
  }
  thread_.join();
  Lock io(io_mu_);
  write_mark();
}

Result<Appended> LogImpl::append(std::span<const Record> records, std::optional<Producer> producer) {
  TARN_ASSIGN(EncodedFrame frame, EncodedFrame::encode(records, producer, options_.frame_bytes_max));
  Waiter waiter;
  Lock lock(mu_);
  ++callers_;
  submit(std::move(frame), producer, {&waiter, nullptr});
  while (!waiter.result) {
    if (!leading_ && !queue_.empty()) {
      lead();
    } else {
      waiter.ready.wait(mu_);
    }
  }
  --callers_;
  if (closing_) work_.notify_one();
  return std::move(*waiter.result);
}

void LogImpl::append_async(std::span<const Record> records, std::optional<Producer> producer, Done done) {
  auto frame = EncodedFrame::encode(records, producer, options_.frame_bytes_max);
  Lock lock(mu_);
  Answer to{nullptr, std::move(done)};
  if (frame) {
    submit(std::move(*frame), producer, std::move(to));
  } else {
    answer(to, fail(std::move(frame).error()));
  }
  if (!leading_) work_.notify_one();
}

void LogImpl::submit(EncodedFrame frame, const std::optional<Producer>& producer, Answer to) {
  if (closing_) return answer(to, fail(Code::kUnavailable, "the log " + folder_.string() + " is closing"));
  std::optional<std::pair<std::string, uint64_t>> named;
  if (producer) {
    named.emplace(producer->id, producer->number);
    if (producers_.contains(producer->id, producer->number)) {
      Sequence first = producers_.first_of(producer->id, producer->number).value_or(0);
      return answer(to, Appended{first, 0, true});
    }
    if (auto it = pending_.find(*named); it != pending_.end()) {
      it->second->duplicates.push_back(std::move(to));
      return;
    }
    if (auto allowed = producers_.check(producer->id, producer->number); !allowed)
      return answer(to, fail(std::move(allowed).error()));
  }
  uint64_t bytes = frame.size();
  if (unsynced_bytes_ != 0 && unsynced_bytes_ + bytes > options_.unsynced_bytes_max) {
    Error busy{Code::kBusy,
               fmt::format("the log {} has {} bytes that wait for the disk; send again later",
                           folder_.string(), unsynced_bytes_),
               kBusyRetryMs};
    return answer(to, fail(std::move(busy)));
  }
  unsynced_bytes_ += bytes;
  queue_.push_back(std::make_unique<Batch>(Batch{std::move(frame), std::move(named), std::move(to)}));
  if (queue_.back()->producer) pending_.emplace(*queue_.back()->producer, queue_.back().get());
  if (options_.group_delay.count() > 0 && unsynced_bytes_ > options_.unsynced_bytes_max / 2)
    company_.notify_one();
}

void LogImpl::answer(Answer& to, Result<Appended> result) {
  if (to.waiter != nullptr) {
    to.waiter->result.emplace(std::move(result));
    to.waiter->ready.notify_one();
  } else {
    answers_.emplace_back(std::move(to.done), std::move(result));
  }
}

// A batch is durable or has failed: it leaves the queue's bounds, and all who asked are told.
void LogImpl::finish(Batch& batch, Result<Appended> result) {
  unsynced_bytes_ -= batch.frame.size();
  if (batch.producer) {
    if (result) producers_.add(batch.producer->first, batch.producer->second, batch.first);
    pending_.erase(*batch.producer);
  }
  for (Answer& duplicate : batch.duplicates) {
    Result<Appended> same = result;
    if (same) same = Appended{batch.first, 0, true};
    answer(duplicate, std::move(same));
  }
  answer(batch.answer, std::move(result));
}

void LogImpl::wait_for_company() {
  if (options_.group_delay.count() == 0) return;
  auto until = std::chrono::steady_clock::now() + options_.group_delay;
  while (!closing_ && unsynced_bytes_ <= options_.unsynced_bytes_max / 2)
    if (!company_.wait_until(mu_, until)) return;
}

void LogImpl::lead() {
  leading_ = true;
  wait_for_company();
  Group group = std::exchange(queue_, {});
  mu_.unlock();
  {
    Lock io(io_mu_);  // free: only a leader takes it
    write_group(group);
  }
  group.clear();
  mu_.lock();
  leading_ = false;
  if (!queue_.empty() || !answers_.empty() || news_ || closing_) work_.notify_one();
}

void LogImpl::run_thread() {
  mu_.lock();
  while (true) {
    if (!answers_.empty() || news_) {
      auto answers = std::exchange(answers_, {});
      bool news = std::exchange(news_, false);
      mu_.unlock();
      tell(std::move(answers), news);
      mu_.lock();
    } else if (!leading_ && !queue_.empty()) {
      lead();
    } else if (closing_ && !leading_ && callers_ == 0) {
      break;
    } else {
      work_.wait(mu_);
    }
  }
  mu_.unlock();
}

void LogImpl::tell(std::vector<std::pair<Done, Result<Appended>>> answers, bool news) {
  if (news) {
    std::function<void(Sequence)> listener;
    {
      Lock lock(mu_);
      listener = listener_;
    }
    if (listener) listener(end());
  }
  for (auto& [done, result] : answers) done(std::move(result));
}

void LogImpl::on_durable(std::function<void(Sequence)> listener) {
  Lock lock(mu_);
  listener_ = std::move(listener);
}

}  // namespace tarn::log
