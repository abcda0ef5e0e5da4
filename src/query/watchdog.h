// Interrupts queries whose time is up, or that nobody waits for any more.
//
// Owns: one thread, joined by the destructor.
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "base/thread.h"
#include "base/time.h"
#include "columns/duck.h"

namespace tarn::query {

class Watchdog {
 public:
  Watchdog();
  ~Watchdog();

  // Interrupts `connection` once `deadline` has passed, and sets `timed_out`, or once `abandoned` (may be
  // null) says so, unless forgotten before. REQUIRES: all live until forget() returned; `abandoned` doesn't
  // block.
  uint64_t watch(duck::Connection& connection, Deadline deadline, std::atomic<bool>& timed_out,
                 std::function<bool()> abandoned);
  void forget(uint64_t number);

 private:
  struct Watched {
    duck::Connection* connection;
    std::chrono::steady_clock::time_point at;
    std::atomic<bool>* timed_out;
    std::function<bool()> abandoned;
  };
  void run();

  Mutex mu_;
  CondVar changed_;
  std::map<uint64_t, Watched> watched_ TARN_GUARDED_BY(mu_);
  uint64_t next_ TARN_GUARDED_BY(mu_) = 1;
  bool stop_ TARN_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace tarn::query
