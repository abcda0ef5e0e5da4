#include "base/fault_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace tarn {
namespace {

struct Armed {
  std::string name;
  std::atomic<long> left = 0;
};

// Read once: a process is armed when it starts, or never.
Armed& armed() {
  static Armed instance = [] {
    Armed a;
    if (const char* text = std::getenv("TARN_FAULT_POINT")) {
      std::string_view spec(text);
      auto colon = spec.find(':');
      a.name = spec.substr(0, colon);
      a.left = colon == std::string_view::npos ? 1 : std::strtol(spec.data() + colon + 1, nullptr, 10);
    }
    return Armed{a.name, a.left.load()};
  }();
  return instance;
}

}  // namespace

void fault_point(std::string_view name) {
  Armed& a = armed();
  if (a.name.empty() || a.name != name) return;
  if (a.left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

}  // namespace tarn
