// Cancels queries whose client went away: a worker that waits for DuckDB can't look at its socket itself.
//
// Owns: one thread.
// Threads: watch() from any; a Guard ends before the responder and the query that it names.
// Fails: never.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>

#include "base/thread.h"
#include "doors/http/server.h"

namespace tarn::http {

class DisconnectWatch {
 public:
  class Guard {
   public:
    Guard(DisconnectWatch& watch, uint64_t number) : watch_(watch), number_(number) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { watch_.forget(number_); }

   private:
    DisconnectWatch& watch_;
    const uint64_t number_;
  };

  DisconnectWatch();
  ~DisconnectWatch();
  // Until the guard ends: `cancel` is called once, within a moment, when the client is gone.
  Guard watch(const Responder& responder, std::function<void()> cancel);

 private:
  struct Entry {
    const Responder& responder;
    std::function<void()> cancel;
    bool cancelled = false;
  };
  void run();
  void forget(uint64_t number);

  Mutex mu_;
  CondVar changed_;
  std::map<uint64_t, Entry> entries_ TARN_GUARDED_BY(mu_);
  uint64_t next_ TARN_GUARDED_BY(mu_) = 1;
  bool stop_ TARN_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace tarn::http
