#include "doors/aws/auth_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include <fmt/format.h>

namespace tarn::aws {

namespace {

constexpr int64_t kMicros = 1'000'000;

// All digits; no sign, no blanks.
std::optional<int> number(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int out = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

std::optional<Timestamp> moment(std::optional<int> year, std::optional<int> month, std::optional<int> day,
                                std::optional<int> hour, std::optional<int> minute,
                                std::optional<int> second) {
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Timestamp{(((days * 24 + *hour) * 60 + *minute) * 60 + *second) * kMicros};
}

std::optional<int> month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto found = std::ranges::find(kMonths, name);
  if (found == kMonths.end()) return std::nullopt;
  return static_cast<int>(found - kMonths.begin()) + 1;
}

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::string_view kBetween = " ,-";
  std::vector<std::string_view> out;
  for (;;) {
    size_t begin = text.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) return out;
    size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::optional<Timestamp> with_clock(std::optional<int> year, std::optional<int> month, std::string_view day,
                                    std::string_view clock) {
  if (clock.size() != 8 || clock[2] != ':' || clock[5] != ':' || day.size() > 2) return std::nullopt;
  return moment(year, month, number(day), number(clock.substr(0, 2)), number(clock.substr(3, 2)),
                number(clock.substr(6, 2)));
}

}  // namespace

std::optional<Timestamp> parse_amz_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return moment(number(text.substr(0, 4)), number(text.substr(4, 2)), number(text.substr(6, 2)),
                number(text.substr(9, 2)), number(text.substr(11, 2)), number(text.substr(13, 2)));
}

std::string amz_time(Timestamp t) {
  using namespace std::chrono;
  auto at = sys_time<microseconds>(microseconds(t.us));
  auto day = floor<days>(at);
  year_month_day date(day);
  hh_mm_ss clock(floor<seconds>(at - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<Timestamp> parse_date_header(std::string_view text) {
  if (auto basic = parse_amz_time(text)) return basic;
  std::vector<std::string_view> w = words(text);
  // Sun Nov  6 08:49:37 1994
  if (w.size() == 5) {
    if (w[4].size() != 4) return std::nullopt;
    return with_clock(number(w[4]), month_of(w[1]), w[2], w[3]);
  }
  // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT
  if (w.size() != 6) return std::nullopt;
  constexpr std::array<std::string_view, 4> kZones = {"GMT", "UTC", "+0000", "0000"};
  if (std::ranges::find(kZones, w[5]) == kZones.end()) return std::nullopt;
  std::optional<int> year = number(w[3]);
  if (year && w[3].size() == 2) *year += *year < 70 ? 2000 : 1900;
  return with_clock(year, month_of(w[2]), w[1], w[4]);
}

Timestamp whole_seconds(Timestamp t) {
  return Timestamp{t.us - t.us % kMicros};
}

}  // namespace tarn::aws
