#include "app/bar_chart.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

namespace tarn::app {
namespace {

constexpr int kLabelWidthMax = 32;
constexpr int kBarWidthMin = 10;
constexpr int kBarWidthMax = 72;
constexpr int kEighths = 8;
constexpr std::array kPartial = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

std::string blocks(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "█";
  return out;
}

// To the right of zero, exact to an eighth of a character.
std::string right_bar(double length) {
  int eighths = static_cast<int>(std::lround(length * kEighths));
  return blocks(eighths / kEighths) + kPartial[static_cast<size_t>(eighths % kEighths)];
}

// To the left of zero, exact to a half: Unicode has no finer blocks on that side.
std::string left_bar(double length) {
  int halves = static_cast<int>(std::lround(length * 2));
  return (halves % 2 == 1 ? "▐" : "") + blocks(halves / 2);
}

}  // namespace

std::string render_bars(const std::vector<Bar>& bars, const Terminal& terminal) {
  if (bars.empty()) return "";
  int label_width = 0;
  int value_width = 0;
  double low = 0;
  double high = 0;
  for (const Bar& bar : bars) {
    label_width = std::max(label_width, display_width(visible(bar.label)));
    value_width = std::max(value_width, display_width(bar.shown));
    if (!std::isfinite(bar.value)) continue;
    low = std::min(low, bar.value);
    high = std::max(high, bar.value);
  }
  label_width = std::min(label_width, kLabelWidthMax);
  int width = std::clamp(terminal.width - label_width - value_width - 5, kBarWidthMin, kBarWidthMax);
  double scale = high > low ? width / (high - low) : 0;
  int left_width = static_cast<int>(std::ceil(-low * scale));

  std::string out;
  for (const Bar& bar : bars) {
    double length = std::isfinite(bar.value) ? bar.value * scale : 0;
    std::string label = pad_right(shorten(visible(bar.label), label_width), label_width);
    std::string left = length < 0 ? left_bar(-length) : "";
    std::string right = length > 0 ? right_bar(length) : "";
    out += label + " ";
    if (left_width > 0) out += paint(terminal, Colour::kGreen, pad_left(left, left_width));
    out += "│";
    if (!right.empty()) out += paint(terminal, Colour::kBlue, right);
    out += " " + bar.shown + "\n";
  }
  return out;
}

Result<std::vector<Bar>> bars_of(const std::vector<TableColumn>& columns, const std::vector<TableRow>& rows) {
  if (columns.size() != 2) {
    return fail(
        Code::kInvalid,
        fmt::format("a chart needs two columns, a label and a number; this result has {}", columns.size()));
  }
  std::vector<Bar> bars;
  for (const TableRow& row : rows) {
    if (!row[1]) continue;
    Bar bar;
    bar.label = row[0].value_or("NULL");
    auto [at, error] = std::from_chars(row[1]->data(), row[1]->data() + row[1]->size(), bar.value);
    if (error != std::errc() || at != row[1]->data() + row[1]->size()) {
      return fail(Code::kInvalid, fmt::format("a chart needs a number in its second column `{}`, not \"{}\"",
                                              columns[1].name, *row[1]));
    }
    // At most two digits after the point: the bar is for the eye.
    bar.shown = bar.value == std::floor(bar.value) && std::abs(bar.value) < 1e15
                    ? fmt::format("{:.0f}", bar.value)
                    : fmt::format("{:.2f}", bar.value);
    bars.push_back(std::move(bar));
  }
  return bars;
}

}  // namespace tarn::app
