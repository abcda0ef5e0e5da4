// Points in time and lengths of it, as Tarn stores and shows them.
//
// Shapes: a Timestamp is microseconds since 1970-01-01T00:00:00Z, as in Iceberg's timestamptz. In text it
// is RFC 3339 with a Z. A duration in a lake file is a number and a unit: 250ms, 60s, 10m, 12h, 7d.
// Threads: values; Clock implementations may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn {

using Duration = std::chrono::microseconds;

struct Timestamp {
  int64_t us = 0;
  auto operator<=>(const Timestamp&) const = default;
};
inline Timestamp operator+(Timestamp t, Duration d) {
  return {t.us + d.count()};
}
inline Duration operator-(Timestamp a, Timestamp b) {
  return Duration(a.us - b.us);
}

// "2026-11-21T03:22:56.000001Z"; the fraction is left out when it is zero.
std::string to_string(Timestamp t);
// Accepts RFC 3339 (a zone is required); kInvalid otherwise.
Result<Timestamp> parse_timestamp(std::string_view text);

Result<Duration> parse_duration(std::string_view text);
std::string to_string(Duration d);  // the shortest exact form: "60s", "1h", "1500ms"

// What time it is. Passed to whatever decides by age, so that tests can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  static Clock& system();
};

class ManualClock : public Clock {
 public:
  explicit ManualClock(Timestamp start) : us_(start.us) {}
  Timestamp now() const override { return {us_.load()}; }
  void advance(Duration d) { us_ += d.count(); }

 private:
  std::atomic<int64_t> us_;
};

// A point after which an operation gives up; passed down instead of a timeout.
class Deadline {
 public:
  static Deadline never() { return Deadline(std::chrono::steady_clock::time_point::max()); }
  static Deadline after(Duration d) { return Deadline(std::chrono::steady_clock::now() + d); }
  bool passed() const { return std::chrono::steady_clock::now() >= at_; }
  std::chrono::steady_clock::time_point at() const { return at_; }

 private:
  explicit Deadline(std::chrono::steady_clock::time_point at) : at_(at) {}
  std::chrono::steady_clock::time_point at_;
};

}  // namespace tarn
