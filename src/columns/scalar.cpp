#include "columns/scalar.h"

namespace tarn::columns {
namespace {

constexpr size_t kDateLength = 10;  // YYYY-MM-DD
constexpr size_t kTimeLength = 8;   // hh:mm:ss
constexpr size_t kZoneLength = 6;   // ±hh:mm
constexpr size_t kLocalLength = kDateLength + 1 + kTimeLength;
constexpr int kFractionDigitsMax = 9;
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = 86'400 * kSecondUs;
constexpr int32_t kFirstDay = -719'162;  // 0001-01-01
constexpr int32_t kLastDay = 2'932'896;  // 9999-12-31

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

// Two digits, or -1 (any value over 99 would do: every caller has an upper bound).
int two(const char* p) {
  if (!is_digit(p[0]) || !is_digit(p[1])) return -1;
  return (p[0] - '0') * 10 + (p[1] - '0');
}

constexpr int days_of_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (leap ? 1 : 0);
}

// Counts from March, so that the leap day is a year's last; 400 years have 146097 days.
constexpr int32_t days_since_epoch(int year, int month, int day) {
  int y = month <= 2 ? year - 1 : year;  // never negative: years start at 1
  int from_march = (month + 9) % 12;
  int day_of_year = (153 * from_march + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}
static_assert(days_since_epoch(1970, 1, 1) == 0);
static_assert(days_since_epoch(1, 1, 1) == kFirstDay);
static_assert(days_since_epoch(9999, 12, 31) == kLastDay);

// REQUIRES: kDateLength readable characters.
bool read_date(const char* p, int32_t& days) {
  if (p[4] != '-' || p[7] != '-') return false;
  int high = two(p), low = two(p + 2), month = two(p + 5), day = two(p + 8);
  if (high < 0 || low < 0 || month < 1 || month > 12 || day < 1) return false;
  int year = high * 100 + low;
  if (year < 1 || day > days_of_month(year, month)) return false;
  days = days_since_epoch(year, month, day);
  return true;
}

// hh:mm:ss and the fraction; `p` ends behind them.
bool read_time(const char*& p, const char* end, int64_t& us) {
  if (end - p < static_cast<ptrdiff_t>(kTimeLength) || p[2] != ':' || p[5] != ':') return false;
  int hour = two(p), minute = two(p + 3), second = two(p + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  us = ((hour * 60 + minute) * 60 + second) * kSecondUs;
  p += kTimeLength;
  if (p == end || *p != '.') return true;
  ++p;
  int64_t unit = kSecondUs / 10;
  int digits = 0;
  for (; p != end && is_digit(*p); ++p, unit /= 10) {
    us += (*p - '0') * unit;  // past the sixth digit the unit is 0
    if (++digits > kFractionDigitsMax) return false;
  }
  return digits > 0;
}

// Z or ±hh:mm, and nothing behind it.
bool read_zone(const char* p, const char* end, int64_t& offset_us) {
  offset_us = 0;
  if (end - p == 1) return *p == 'Z' || *p == 'z';
  if (end - p != static_cast<ptrdiff_t>(kZoneLength) || (*p != '+' && *p != '-') || p[3] != ':') return false;
  int hour = two(p + 1), minute = two(p + 4);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  offset_us = (hour * 60 + minute) * 60 * kSecondUs;
  if (*p == '-') offset_us = -offset_us;
  return true;
}

// The date and the time; `p` ends where a zone may follow.
bool read_local(const char*& p, const char* end, int64_t& us) {
  if (end - p < static_cast<ptrdiff_t>(kLocalLength)) return false;
  char separator = p[kDateLength];
  if (separator != 'T' && separator != ' ' && separator != 't') return false;
  int32_t days = 0;
  int64_t time_us = 0;
  if (!read_date(p, days)) return false;
  p += kDateLength + 1;
  if (!read_time(p, end, time_us)) return false;
  us = days * kDayUs + time_us;
  return true;
}

}  // namespace

std::optional<int32_t> parse_date_days(std::string_view text) {
  int32_t days = 0;
  if (text.size() != kDateLength || !read_date(text.data(), days)) return std::nullopt;
  return days;
}

std::optional<int64_t> parse_timestamp_us(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  int64_t local_us = 0, offset_us = 0;
  if (!read_local(p, end, local_us) || !read_zone(p, end, offset_us)) return std::nullopt;
  int64_t us = local_us - offset_us;
  if (us < kFirstDay * kDayUs || us >= (kLastDay + 1) * kDayUs) return std::nullopt;
  return us;
}

std::optional<int64_t> parse_local_timestamp_us(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  int64_t us = 0;
  if (!read_local(p, end, us) || p != end) return std::nullopt;
  return us;
}

std::optional<int64_t> parse_time_us(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  int64_t us = 0;
  if (!read_time(p, end, us) || p != end) return std::nullopt;
  return us;
}

TextShape text_shape(std::string_view text) {
  // Nearly every text is told from a date by one of these three looks.
  if (text.size() < kDateLength || text[4] != '-' || text[7] != '-') return TextShape::kText;
  if (text.size() == kDateLength) return parse_date_days(text) ? TextShape::kDate : TextShape::kText;
  return parse_timestamp_us(text) ? TextShape::kTimestamp : TextShape::kText;
}

bool is_json_number(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  auto digits = [&] {
    const char* start = p;
    while (p != end && is_digit(*p)) ++p;
    return p != start;
  };
  if (p != end && *p == '-') ++p;
  bool zero = p != end && *p == '0';
  const char* integer = p;
  if (!digits() || (zero && p - integer > 1)) return false;
  if (p != end && *p == '.') {
    ++p;
    if (!digits()) return false;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (!digits()) return false;
  }
  return p == end;
}

}  // namespace tarn::columns
