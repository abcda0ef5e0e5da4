#include "base/time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/core.h>

namespace tarn {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

struct Unit {
  std::string_view name;
  int64_t us;
};
// Largest first, so that the first that divides gives the shortest text.
constexpr std::array kUnits = {Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
                               Unit{"s", 1'000'000},      Unit{"ms", 1'000},        Unit{"us", 1}};

// Exactly `digits` decimal digits at `at`, moving it past them.
bool digits_at(std::string_view text, size_t& at, int digits, int& value) {
  if (at + static_cast<size_t>(digits) > text.size()) return false;
  value = 0;
  for (int i = 0; i < digits; ++i, ++at) {
    if (text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

bool char_at(std::string_view text, size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

class SystemClock : public Clock {
 public:
  Timestamp now() const override {
    auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
  }
};

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

std::string to_string(Timestamp t) {
  int64_t day_count = t.us / 86'400'000'000;
  int64_t in_day = t.us % 86'400'000'000;
  if (in_day < 0) {
    in_day += 86'400'000'000;
    --day_count;
  }
  std::chrono::year_month_day date{sys_days{days{day_count}}};
  int64_t seconds = in_day / 1'000'000;
  int64_t fraction = in_day % 1'000'000;
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (fraction != 0) text += fmt::format(".{:06}", fraction);
  return text + "Z";
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  auto wrong = [&] {
    return fail(Code::kInvalid, fmt::format("'{}' is no RFC 3339 time such as 2026-11-21T03:22:56Z", text));
  };
  size_t at = 0;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!digits_at(text, at, 4, year) || !char_at(text, at, "-") || !digits_at(text, at, 2, month) ||
      !char_at(text, at, "-") || !digits_at(text, at, 2, day) || !char_at(text, at, "Tt ") ||
      !digits_at(text, at, 2, hour) || !char_at(text, at, ":") || !digits_at(text, at, 2, minute) ||
      !char_at(text, at, ":") || !digits_at(text, at, 2, second))
    return wrong();
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return wrong();
  int64_t us = sys_days(date).time_since_epoch().count() * 86'400'000'000LL;
  us += (hour * 3600LL + minute * 60LL + second) * 1'000'000LL;
  if (char_at(text, at, ".")) {
    int64_t scale = 100'000;
    size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      us += (text[at] - '0') * scale;
    if (at == first) return wrong();
  }
  if (char_at(text, at, "Zz")) return at == text.size() ? Result<Timestamp>(Timestamp{us}) : wrong();
  int zone_hour = 0, zone_minute = 0;
  bool east = at < text.size() && text[at] == '+';
  if (!char_at(text, at, "+-") || !digits_at(text, at, 2, zone_hour) || !char_at(text, at, ":") ||
      !digits_at(text, at, 2, zone_minute) || at != text.size() || zone_hour > 23 || zone_minute > 59)
    return wrong();
  int64_t offset_us = (zone_hour * 3600LL + zone_minute * 60LL) * 1'000'000LL;
  return Timestamp{east ? us - offset_us : us + offset_us};
}

Result<Duration> parse_duration(std::string_view text) {
  int64_t number = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  if (error == std::errc() && number >= 0) {
    if (number == 0 && unit.empty()) return Duration(0);
    for (const Unit& u : kUnits) {
      if (unit == u.name && number <= INT64_MAX / u.us) return Duration(number * u.us);
    }
  }
  return fail(
      Code::kInvalid,
      fmt::format("'{}' is no duration: write a whole number and us, ms, s, m, h or d, such as 60s", text));
}

std::string to_string(Duration d) {
  if (d.count() == 0) return "0s";
  for (const Unit& u : kUnits) {
    if (d.count() % u.us == 0) return fmt::format("{}{}", d.count() / u.us, u.name);
  }
  std::unreachable();
}

}  // namespace tarn
