// Counters, gauges and histograms, written out in Prometheus' text form.
//
// A part asks the registry once for its metric and keeps the reference; updating it is one atomic operation.
// Names follow Prometheus: tarn_<part>_<what>_<unit>[_total]. Labels are few and bounded (a stream's name,
// not a record's key).
// Owns: the registry owns every metric; references stay valid as long as it lives.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread.h"

namespace tarn {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(int64_t v) { value_.fetch_add(v, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// Of seconds; bounds double from 100 microseconds to about 105 seconds.
class Histogram {
 public:
  static constexpr int kBuckets = 21;
  void observe(double seconds);
  static double upper_bound_seconds(int bucket);
  uint64_t count(int bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum_seconds() const { return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9; }

 private:
  std::array<std::atomic<uint64_t>, kBuckets + 1> counts_{};
  std::atomic<uint64_t> sum_ns_ = 0;
};

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  // The same name and labels give the same metric. REQUIRES: a name keeps one kind and one help text.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});

  // All of them, in Prometheus' text exposition format 0.0.4.
  std::string text() const;

 private:
  template <typename M>
  struct Family {
    std::string help;
    std::map<Labels, std::unique_ptr<M>> members;
  };
  mutable Mutex mu_;
  std::map<std::string, Family<Counter>, std::less<>> counters_ TARN_GUARDED_BY(mu_);
  std::map<std::string, Family<Gauge>, std::less<>> gauges_ TARN_GUARDED_BY(mu_);
  std::map<std::string, Family<Histogram>, std::less<>> histograms_ TARN_GUARDED_BY(mu_);
};

}  // namespace tarn
