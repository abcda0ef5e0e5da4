// Interrupts queries whose time is up.
//
// Owns: one thread, joined by the destructor.
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
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

  // Interrupts `connection` once `deadline` has passed, and sets `fired`, unless forgotten before.
  // REQUIRES: both live until forget() returned.
  uint64_t watch(duck::Connection& connection, Deadline deadline, std::atomic<bool>& fired);
  void forget(uint64_t number);

 private:
  struct Watched {
    duck::Connection* connection;
    std::chrono::steady_clock::time_point at;
    std::atomic<bool>* fired;
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
