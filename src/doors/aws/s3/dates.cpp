// Dates as HTTP and S3's XML have them; declared in call.h.
#include <array>
#include <chrono>
#include <cstdio>

#include "doors/aws/s3/call.h"

namespace tarn::aws::s3 {

namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Broken {
  std::chrono::year_month_day date;
  unsigned weekday = 0;
  std::chrono::hh_mm_ss<microseconds> time;
};

Broken take_apart(Timestamp t) {
  sys_time<microseconds> at{microseconds(t.us)};
  sys_days day = std::chrono::floor<days>(at);
  return {day, std::chrono::weekday(day).c_encoding(), std::chrono::hh_mm_ss<microseconds>(at - day)};
}

std::optional<int> number(std::string_view text, size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<unsigned> month_of(std::string_view text) {
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (text == kMonths[i]) return i + 1;
  }
  return std::nullopt;
}

// The words between blanks, commas and hyphens.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  size_t at = 0;
  while ((at = text.find_first_not_of(" ,-", at)) != std::string_view::npos) {
    size_t end = std::min(text.find_first_of(" ,-", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  auto hours = number(text.substr(0, 2), 2);
  auto minutes = number(text.substr(3, 2), 2);
  auto seconds = number(text.substr(6, 2), 2);
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds);
}

}  // namespace

std::string http_date(Timestamp t) {
  Broken at = take_apart(t);
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[at.weekday],
                static_cast<unsigned>(at.date.day()), kMonths[static_cast<unsigned>(at.date.month()) - 1],
                static_cast<int>(at.date.year()), static_cast<int>(at.time.hours().count()),
                static_cast<int>(at.time.minutes().count()), static_cast<int>(at.time.seconds().count()));
  return out;
}

std::string iso_date(Timestamp t) {
  Broken at = take_apart(t);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(at.date.year()),
                static_cast<unsigned>(at.date.month()), static_cast<unsigned>(at.date.day()),
                static_cast<int>(at.time.hours().count()), static_cast<int>(at.time.minutes().count()),
                static_cast<int>(at.time.seconds().count()),
                static_cast<int>(at.time.subseconds().count() / 1000));
  return out;
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  std::vector<std::string_view> words = words_of(text);
  std::string_view day_text, month_text, year_text, time_text;
  if (words.size() == 6 && words[5] == "GMT") {  // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 …
    day_text = words[1], month_text = words[2], year_text = words[3], time_text = words[4];
  } else if (words.size() == 5) {  // Sun Nov  6 08:49:37 1994
    month_text = words[1], day_text = words[2], time_text = words[3], year_text = words[4];
  } else {
    return std::nullopt;
  }
  auto day = number(day_text, 2);
  auto month = month_of(month_text);
  auto year = number(year_text, 4);
  auto time = time_of_day(time_text);
  if (!day || !month || !year || !time) return std::nullopt;
  if (year_text.size() == 2) *year += *year < 70 ? 2000 : 1900;
  std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return Timestamp{
      std::chrono::duration_cast<microseconds>(sys_days(date).time_since_epoch() + *time).count()};
}

}  // namespace tarn::aws::s3
