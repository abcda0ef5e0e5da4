// Signals without handlers and without global state: they are blocked, and asked for where it suits.
//
// Threads: made in the thread that started the others, before they start, so that all of them block these
// signals.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

namespace tarn::app {

class Interrupts {
 public:
  // Blocks the signals until destroyed; those that came and were not taken are dropped then.
  explicit Interrupts(std::initializer_list<int> signals);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // A signal that came since, without waiting.
  std::optional<int> take() const;
  int wait() const;
  // Lets them do what they do by default again: the next one ends the process.
  void release();

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace tarn::app
