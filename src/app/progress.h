// A progress bar on standard error: records, rate, time left.
//
// Drawn only on a terminal, and at most ten times a second; elsewhere nothing is printed.
// Threads: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "app/terminal.h"

namespace tarn::app {

struct ProgressState {
  std::string what;  // "flights.parquet"
  uint64_t records = 0;
  uint64_t done = 0;   // of `total`, in its unit (bytes or records)
  uint64_t total = 0;  // 0: not known, so no bar and no time left
  double elapsed_seconds = 0;
};

// One line without a newline, at most as wide as the terminal.
std::string progress_line(const ProgressState& state, const Terminal& terminal);

class Progress {
 public:
  Progress(std::ostream& out, Terminal terminal) : out_(out), terminal_(terminal) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const ProgressState& state);
  void clear();  // takes the bar away, so that something else can be printed

 private:
  std::ostream& out_;
  Terminal terminal_;
  std::chrono::steady_clock::time_point shown_at_{};
  bool drawn_ = false;
};

}  // namespace tarn::app
