#include "app/interrupts.h"

#include <ctime>

namespace tarn::app {

Interrupts::Interrupts(std::initializer_list<int> signals) {
  sigemptyset(&signals_);
  for (int signal : signals) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

Interrupts::~Interrupts() {
  while (take()) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Interrupts::take() const {
  timespec none{};
  int signal = sigtimedwait(&signals_, nullptr, &none);
  if (signal < 0) return std::nullopt;
  return signal;
}

int Interrupts::wait() const {
  int signal = 0;
  while (sigwait(&signals_, &signal) != 0) continue;
  return signal;
}

void Interrupts::release() {
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace tarn::app
