#include "base/bytes.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

namespace tarn {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array kUnits = {Unit{"TiB", 1024 * kGiB},
                               Unit{"GiB", kGiB},
                               Unit{"MiB", kMiB},
                               Unit{"KiB", kKiB},
                               Unit{"TB", 1'000'000'000'000},
                               Unit{"GB", 1'000'000'000},
                               Unit{"MB", 1'000'000},
                               Unit{"KB", 1'000},
                               Unit{"B", 1},
                               Unit{"", 1}};
constexpr size_t kBinaryUnits = 4;

}  // namespace

Result<uint64_t> parse_bytes(std::string_view text) {
  double number = 0;
  auto [rest, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (error == std::errc() && number >= 0) {
    for (const Unit& u : kUnits) {
      double bytes = number * static_cast<double>(u.bytes);
      if (unit == u.name && bytes < 9e18) return static_cast<uint64_t>(std::llround(bytes));
    }
  }
  return fail(
      Code::kInvalid,
      fmt::format(
          "'{}' is no size: write a number and B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, such as 64MiB",
          text));
}

std::string format_bytes(uint64_t bytes) {
  for (size_t i = 0; i < kBinaryUnits; ++i) {
    const Unit& u = kUnits[i];
    if (bytes != 0 && bytes % u.bytes == 0) return fmt::format("{}{}", bytes / u.bytes, u.name);
  }
  return fmt::format("{}B", bytes);
}

std::string human_bytes(uint64_t bytes) {
  for (size_t i = 0; i < kBinaryUnits; ++i) {
    const Unit& u = kUnits[i];
    if (bytes >= u.bytes)
      return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(u.bytes), u.name);
  }
  return fmt::format("{} B", bytes);
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  auto tail = [&](int n, unsigned char low, unsigned char high) {
    if (end - p < n + 1 || p[1] < low || p[1] > high) return false;
    for (int i = 2; i <= n; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }
    p += n + 1;
    return true;
  };
  while (p < end) {  // the well-formed sequences of the Unicode standard, table 3-7
    unsigned char c = *p;
    bool good = true;
    if (c < 0x80)
      ++p;
    else if (c >= 0xC2 && c <= 0xDF)
      good = tail(1, 0x80, 0xBF);
    else if (c == 0xE0)
      good = tail(2, 0xA0, 0xBF);
    else if (c == 0xED)
      good = tail(2, 0x80, 0x9F);
    else if (c >= 0xE1 && c <= 0xEF)
      good = tail(2, 0x80, 0xBF);
    else if (c == 0xF0)
      good = tail(3, 0x90, 0xBF);
    else if (c >= 0xF1 && c <= 0xF3)
      good = tail(3, 0x80, 0xBF);
    else if (c == 0xF4)
      good = tail(3, 0x80, 0x8F);
    else
      good = false;
    if (!good) return false;
  }
  return true;
}

}  // namespace tarn
