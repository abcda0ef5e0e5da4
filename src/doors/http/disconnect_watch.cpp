#include "doors/http/disconnect_watch.h"

namespace tarn::http {

namespace {
constexpr Duration kPeriod = std::chrono::milliseconds(50);
}

DisconnectWatch::DisconnectWatch() : thread_([this] { run(); }) {}

DisconnectWatch::~DisconnectWatch() {
  {
    Lock lock(mu_);
    stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

DisconnectWatch::Guard DisconnectWatch::watch(const Responder& responder, std::function<void()> cancel) {
  Lock lock(mu_);
  uint64_t number = next_++;
  entries_.emplace(number, Entry{responder, std::move(cancel)});
  changed_.notify_all();
  return Guard(*this, number);
}

void DisconnectWatch::forget(uint64_t number) {
  Lock lock(mu_);
  entries_.erase(number);
}

void DisconnectWatch::run() {
  Lock lock(mu_);
  while (!stop_) {
    if (entries_.empty()) {
      changed_.wait(mu_);
      continue;
    }
    // The first look is a period after a query began: most are done by then.
    changed_.wait_for(mu_, kPeriod);
    for (auto& [number, entry] : entries_) {
      if (entry.cancelled || !entry.responder.client_gone()) continue;
      entry.cancelled = true;
      entry.cancel();
    }
  }
}

}  // namespace tarn::http
