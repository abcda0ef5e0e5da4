// A line typed at a terminal, with editing and a history that outlives the program.
//
// Owns: libedit's state; the history file is written after each line.
// Threads: one thread. Ctrl-C while a line is typed gives it up.
#pragma once

#include <memory>
#include <string>

namespace tarn::app {

class LineEditor {
 public:
  enum class Outcome { kLine, kInterrupted, kEnd };

  explicit LineEditor(std::string history_file);  // empty: no history is kept
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Outcome read(const std::string& prompt, std::string& line);
  void remember(const std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarn::app
