// Locks whose use clang checks, and threads that somebody owns.
//
// Members guarded by a Mutex carry TARN_GUARDED_BY(mu_); private functions that need it held carry
// TARN_REQUIRES(mu_). Built with clang, -Wthread-safety makes a mistake an error.
// Source: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TARN_ANNOTATION(x) __attribute__((x))
#else
#define TARN_ANNOTATION(x)
#endif
#define TARN_GUARDED_BY(mutex) TARN_ANNOTATION(guarded_by(mutex))
#define TARN_REQUIRES(...) TARN_ANNOTATION(requires_capability(__VA_ARGS__))
#define TARN_EXCLUDES(...) TARN_ANNOTATION(locks_excluded(__VA_ARGS__))
#define TARN_ACQUIRE(...) TARN_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TARN_RELEASE(...) TARN_ANNOTATION(release_capability(__VA_ARGS__))
#define TARN_NO_ANALYSIS TARN_ANNOTATION(no_thread_safety_analysis)

namespace tarn {

class TARN_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() TARN_ACQUIRE() { mu_.lock(); }
  void unlock() TARN_RELEASE() { mu_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mu_;
};

class TARN_ANNOTATION(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mu) TARN_ACQUIRE(mu) : mu_(mu) { mu_.lock(); }
  ~Lock() TARN_RELEASE() { mu_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mu_;
};

// Waits are always in a loop over the condition: `while (!ready_) cv_.wait(mu_);`
class CondVar {
 public:
  void wait(Mutex& mu) TARN_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // False when the time passed first.
  template <typename TimePoint>
  bool wait_until(Mutex& mu, TimePoint at) TARN_REQUIRES(mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    bool notified = cv_.wait_until(lock, at) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  template <typename Rep, typename Period>
  bool wait_for(Mutex& mu, std::chrono::duration<Rep, Period> d) TARN_REQUIRES(mu) {
    return wait_until(mu, std::chrono::steady_clock::now() + d);
  }
  void notify_one() { cv_.notify_one(); }
  void notify_all() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace tarn
