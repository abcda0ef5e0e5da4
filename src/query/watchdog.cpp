#include "query/watchdog.h"

#include <algorithm>
#include <utility>

namespace tarn::query {
namespace {
// A query that was interrupted just before it began to run would miss it: it is interrupted again until
// forgotten.
constexpr auto kAgain = std::chrono::milliseconds(100);
}  // namespace

Watchdog::Watchdog() : thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    Lock lock(mu_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

uint64_t Watchdog::watch(duck::Connection& connection, Deadline deadline, std::atomic<bool>& timed_out,
                         std::function<bool()> abandoned) {
  uint64_t number = 0;
  {
    Lock lock(mu_);
    number = next_++;
    watched_.emplace(number, Watched{&connection, deadline.at(), &timed_out, std::move(abandoned)});
  }
  changed_.notify_all();
  return number;
}

void Watchdog::forget(uint64_t number) {
  Lock lock(mu_);
  watched_.erase(number);
}

void Watchdog::run() {
  Lock lock(mu_);
  while (!stop_) {
    auto now = std::chrono::steady_clock::now();
    auto next = now + std::chrono::hours(1);
    for (auto& [number, watched] : watched_) {
      if (watched.at <= now) {
        *watched.timed_out = true;
        watched.connection->interrupt();
        watched.at = now + kAgain;
      } else if (watched.abandoned && watched.abandoned()) {
        watched.connection->interrupt();
      }
      next = std::min(next, watched.abandoned ? now + kAgain : watched.at);
    }
    changed_.wait_until(mu_, next);
  }
}

}  // namespace tarn::query
