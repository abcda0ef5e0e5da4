#include "app/progress.h"

#include <algorithm>
#include <ostream>

#include <fmt/core.h>

namespace tarn::app {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kBarWidthMax = 30;
constexpr int kBarWidthMin = 8;
constexpr int kNameWidthMax = 28;

}  // namespace

std::string progress_line(const ProgressState& state, const Terminal& terminal) {
  double seconds = std::max(state.elapsed_seconds, 1e-3);
  std::string numbers = fmt::format("{} records  {}/s", with_commas(state.records),
                                    human_number(static_cast<double>(state.records) / seconds));
  std::string name = shorten(visible(state.what), kNameWidthMax);
  if (state.total == 0) return shorten(fmt::format("{}  {}", name, numbers), terminal.width - 1);
  double part = std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0);
  std::string left = part > 0 ? human_seconds(seconds / part - seconds) : "-";
  std::string tail = fmt::format(" {:3.0f}%  {}  {} left", part * 100, numbers, left);
  int room = terminal.width - 1 - display_width(name) - display_width(tail) - 3;
  int width = std::clamp(room, 0, kBarWidthMax);
  if (width < kBarWidthMin) return shorten(name + tail, terminal.width - 1);
  int full = static_cast<int>(part * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  return fmt::format("{} {}{}", name, paint(terminal, Colour::kBlue, bar), tail);
}

void Progress::show(const ProgressState& state) {
  if (!terminal_.interactive) return;
  auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - shown_at_ < kRedrawEvery) return;
  shown_at_ = now;
  drawn_ = true;
  out_ << "\r\033[K" << progress_line(state, terminal_) << std::flush;
}

void Progress::clear() {
  if (drawn_) out_ << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace tarn::app
