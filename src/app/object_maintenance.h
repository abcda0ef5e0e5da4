// Looks after what is in buckets by itself: files that a crash left without a row, and lifecycle rules.
//
// The files are looked for once after the start; the rules are run at the start and then `every` so often, and what is
// left of removed objects is forgotten.
// Owns: one thread. Borrows the objects and the clock, which outlive it.
// Threads: start() and stop() from the owner's.
#pragma once

#include <thread>

#include "base/thread.h"
#include "base/time.h"
#include "store/objects.h"

namespace tarn::app {

class ObjectMaintenance {
 public:
  ObjectMaintenance(store::Objects& objects, const Clock& clock, Duration every)
      : objects_(objects), clock_(clock), every_(every) {}
  ~ObjectMaintenance() { stop(); }
  ObjectMaintenance(const ObjectMaintenance&) = delete;
  ObjectMaintenance& operator=(const ObjectMaintenance&) = delete;

  void start();
  void stop() TARN_EXCLUDES(mu_);

 private:
  void run();
  void sweep();
  void expire();
  bool stopping() TARN_EXCLUDES(mu_);

  store::Objects& objects_;
  const Clock& clock_;
  const Duration every_;
  std::thread thread_;
  Mutex mu_;
  CondVar changed_;
  bool stopping_ TARN_GUARDED_BY(mu_) = false;
};

}  // namespace tarn::app
