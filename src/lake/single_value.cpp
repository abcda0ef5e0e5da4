#include "lake/single_value.h"

#include <bit>
#include <charconv>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"

namespace tarn::lake {
namespace {

using columns::Kind;
using columns::Type;

static_assert(std::endian::native == std::endian::little,
              "single values are little-endian, like every CPU we build for");

template <typename T>
std::string little_endian(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

template <typename T>
T from_little_endian(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Error mismatch(const Type& type) {
  return {Code::kInvalid, "a value is not of the type " + columns::sql_type(type), 0};
}

template <typename T>
Result<std::string> encode_as(const Type& type, const Single& value) {
  if (const T* v = std::get_if<T>(&value)) return little_endian(*v);
  return fail(mismatch(type));
}

template <typename T>
Result<Single> decode_as(const Type& type, std::string_view bytes) {
  if (bytes.size() != sizeof(T))
    return fail(Code::kCorrupt, fmt::format("{} bytes are not a {}", bytes.size(), columns::sql_type(type)));
  return Single(from_little_endian<T>(bytes));
}

// The end of the first `count` code points of well-formed UTF-8.
size_t prefix_bytes(std::string_view text, size_t count) {
  size_t i = 0;
  while (i < text.size() && count > 0) {
    auto c = static_cast<unsigned char>(text[i]);
    i += c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    --count;
  }
  return std::min(i, text.size());
}

void append_code_point(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

uint32_t code_point_at(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])); };
  uint32_t c = byte(0);
  if (c < 0x80) return c;
  if (c < 0xE0) return ((c & 0x1F) << 6) | (byte(1) & 0x3F);
  if (c < 0xF0) return ((c & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
  return ((c & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) | (byte(3) & 0x3F);
}

// The smallest text of at most that length which is greater than everything that begins with `prefix`.
std::optional<std::string> raise_text(std::string_view prefix) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < prefix.size(); ++i)
    if ((static_cast<unsigned char>(prefix[i]) & 0xC0) != 0x80) starts.push_back(i);
  for (auto start = starts.rbegin(); start != starts.rend(); ++start) {
    uint32_t next = code_point_at(prefix, *start) + 1;
    if (next == 0xD800) next = 0xE000;  // surrogates are no characters
    if (next > 0x10FFFF) continue;
    std::string out(prefix.substr(0, *start));
    append_code_point(out, next);
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> raise_bytes(std::string_view prefix) {
  for (size_t i = prefix.size(); i-- > 0;) {
    if (static_cast<unsigned char>(prefix[i]) == 0xFF) continue;
    std::string out(prefix.substr(0, i + 1));
    out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
    return out;
  }
  return std::nullopt;
}

std::string date_text(int64_t days) {
  // chrono's years end at 32767; a date column may hold more.
  constexpr int64_t kDaysMax = 11'000'000;
  if (days > kDaysMax || days < -kDaysMax) return fmt::format("{} days", days);
  std::chrono::year_month_day d{std::chrono::sys_days{std::chrono::days{days}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                     static_cast<unsigned>(d.day()));
}

std::string time_text(int64_t us) {
  std::string out =
      fmt::format("{:02}:{:02}:{:02}", us / 3'600'000'000, us / 60'000'000 % 60, us / 1'000'000 % 60);
  if (us % 1'000'000) out += fmt::format(".{:06}", us % 1'000'000);
  return out;
}

std::string timestamp_text(int64_t us) {
  constexpr int64_t kDayUs = 86'400'000'000;
  int64_t days = us / kDayUs - (us % kDayUs < 0 ? 1 : 0);
  return date_text(days) + "T" + time_text(us - days * kDayUs);
}

bool read_digits(std::string_view& text, size_t count, int& out) {
  if (text.size() < count) return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + count, out);
  if (error != std::errc() || end != text.data() + count || text[0] == '-') return false;
  text.remove_prefix(count);
  return true;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool read_date(std::string_view& text, int64_t& days) {
  int year = 0, month = 0, day = 0;
  if (!read_digits(text, 4, year) || !skip(text, '-') || !read_digits(text, 2, month) || !skip(text, '-') ||
      !read_digits(text, 2, day))
    return false;
  std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                   std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return false;
  days = std::chrono::sys_days{date}.time_since_epoch().count();
  return true;
}

bool read_time(std::string_view& text, int64_t& us) {
  int hour = 0, minute = 0, second = 0;
  if (!read_digits(text, 2, hour) || !skip(text, ':') || !read_digits(text, 2, minute) || hour > 23 ||
      minute > 59)
    return false;
  if (skip(text, ':') && (!read_digits(text, 2, second) || second > 59)) return false;
  us = ((hour * 60LL + minute) * 60 + second) * 1'000'000;
  if (!skip(text, '.')) return true;
  int64_t unit = 100'000;
  size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9';
       text.remove_prefix(1), unit /= 10, ++digits)
    us += (text.front() - '0') * unit;
  return digits > 0;
}

// "2026-11-21", "03:22:56.000001", "2026-11-21T03:22:56" and the same with +00:00 or Z.
bool read_temporal(Kind kind, std::string_view text, int64_t& out) {
  if (kind == Kind::kDate) return read_date(text, out) && text.empty();
  if (kind == Kind::kTime) return read_time(text, out) && text.empty();
  int64_t days = 0, us = 0;
  if (!read_date(text, days) || !skip(text, 'T') || !read_time(text, us)) return false;
  out = days * 86'400'000'000 + us;
  return kind == Kind::kTimestampTz ? text == "+00:00" || text == "Z" : text.empty();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (unsigned char c : bytes) out += fmt::format("{:02x}", c);
  return out;
}

bool unhex(std::string_view text, std::string& out) {
  if (text.size() % 2) return false;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return false;
    out += static_cast<char>(byte);
  }
  return true;
}

std::string uuid_text(std::string_view bytes) {
  std::string h = hex(bytes);
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" +
         h.substr(20);
}

}  // namespace

Result<std::string> encode_single(const Type& type, const Single& value) {
  switch (type.kind) {
    case Kind::kBoolean:
      if (const bool* v = std::get_if<bool>(&value)) return std::string(1, *v ? '\1' : '\0');
      return fail(mismatch(type));
    case Kind::kInt:
    case Kind::kDate:
      return encode_as<int32_t>(type, value);
    case Kind::kLong:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return encode_as<int64_t>(type, value);
    case Kind::kFloat:
      return encode_as<float>(type, value);
    case Kind::kDouble:
      return encode_as<double>(type, value);
    case Kind::kDecimal:
    case Kind::kString:
    case Kind::kUuid:
    case Kind::kFixed:
    case Kind::kBinary:
      if (const std::string* v = std::get_if<std::string>(&value)) return *v;
      return fail(mismatch(type));
    case Kind::kStruct:
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return fail(mismatch(type));
}

Result<Single> decode_single(const Type& type, std::string_view bytes) {
  switch (type.kind) {
    case Kind::kBoolean:
      if (bytes.size() != 1) break;
      return Single(bytes[0] != 0);
    case Kind::kInt:
    case Kind::kDate:
      return decode_as<int32_t>(type, bytes);
    case Kind::kLong:
      if (bytes.size() == 4) return Single(static_cast<int64_t>(from_little_endian<int32_t>(bytes)));
      return decode_as<int64_t>(type, bytes);
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return decode_as<int64_t>(type, bytes);
    case Kind::kFloat:
      return decode_as<float>(type, bytes);
    case Kind::kDouble:
      if (bytes.size() == 4) return Single(static_cast<double>(from_little_endian<float>(bytes)));
      return decode_as<double>(type, bytes);
    case Kind::kDecimal: {
      TARN_ASSIGN(Int128 unscaled, decode_unscaled(bytes));
      return Single(encode_unscaled(unscaled));  // others may pad: only the shortest form is ours
    }
    case Kind::kUuid:
      if (bytes.size() != 16) break;
      return Single(std::string(bytes));
    case Kind::kString:
    case Kind::kFixed:
    case Kind::kBinary:
      return Single(std::string(bytes));
    case Kind::kStruct:
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return fail(Code::kCorrupt, fmt::format("{} bytes are not a {}", bytes.size(), columns::sql_type(type)));
}

Result<std::string> lower_bound(const Type& type, const Single& value) {
  TARN_ASSIGN(std::string bytes, encode_single(type, value));
  if (type.kind == Kind::kString) bytes.resize(prefix_bytes(bytes, kBoundCharacters));
  if (type.kind == Kind::kBinary && bytes.size() > kBoundCharacters) bytes.resize(kBoundCharacters);
  return bytes;
}

Result<std::optional<std::string>> upper_bound(const Type& type, const Single& value) {
  TARN_ASSIGN(std::string bytes, encode_single(type, value));
  if (type.kind == Kind::kString) {
    size_t length = prefix_bytes(bytes, kBoundCharacters);
    if (length == bytes.size()) return std::optional(std::move(bytes));
    if (!is_utf8(bytes)) return std::optional<std::string>();
    return raise_text(std::string_view(bytes).substr(0, length));
  }
  if (type.kind == Kind::kBinary && bytes.size() > kBoundCharacters)
    return raise_bytes(std::string_view(bytes).substr(0, kBoundCharacters));
  return std::optional(std::move(bytes));
}

Result<boost::json::value> single_to_json(const Type& type, const Single& value) {
  if (std::holds_alternative<std::monostate>(value)) return boost::json::value(nullptr);
  TARN_TRY(encode_single(type, value));  // checks that the value is of the type
  switch (type.kind) {
    case Kind::kBoolean:
      return boost::json::value(std::get<bool>(value));
    case Kind::kInt:
      return boost::json::value(std::get<int32_t>(value));
    case Kind::kLong:
      return boost::json::value(std::get<int64_t>(value));
    case Kind::kFloat:
      return boost::json::value(static_cast<double>(std::get<float>(value)));
    case Kind::kDouble:
      return boost::json::value(std::get<double>(value));
    case Kind::kFixed:
    case Kind::kBinary:
      return boost::json::value(hex(std::get<std::string>(value)));
    default:
      return boost::json::value(single_to_text(type, value));
  }
}

Result<Single> single_from_json(const Type& type, const boost::json::value& json) {
  if (json.is_null()) return Single();
  auto number = [&](int64_t low, int64_t high) -> std::optional<int64_t> {
    if (!json.is_int64() || json.get_int64() < low || json.get_int64() > high) return std::nullopt;
    return json.get_int64();
  };
  std::string_view text;
  if (json.is_string()) text = std::string_view(json.get_string());
  std::string bytes;
  int64_t us = 0;
  switch (type.kind) {
    case Kind::kBoolean:
      if (json.is_bool()) return Single(json.get_bool());
      break;
    case Kind::kInt:
      if (auto n = number(INT32_MIN, INT32_MAX)) return Single(static_cast<int32_t>(*n));
      break;
    case Kind::kLong:
      if (auto n = number(INT64_MIN, INT64_MAX)) return Single(*n);
      break;
    case Kind::kFloat:
      if (json.is_number()) return Single(json.to_number<float>());
      break;
    case Kind::kDouble:
      if (json.is_number()) return Single(json.to_number<double>());
      break;
    case Kind::kDecimal: {
      auto unscaled = parse_decimal(text, type.scale);
      if (unscaled) return Single(encode_unscaled(*unscaled));
      break;
    }
    case Kind::kDate:
      if (read_temporal(type.kind, text, us)) return Single(static_cast<int32_t>(us));
      break;
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      if (read_temporal(type.kind, text, us)) return Single(us);
      break;
    case Kind::kString:
      if (json.is_string()) return Single(std::string(text));
      break;
    case Kind::kUuid: {
      std::string digits;
      for (char c : text)
        if (c != '-') digits += c;
      if (text.size() == 36 && digits.size() == 32 && unhex(digits, bytes)) return Single(std::move(bytes));
      break;
    }
    case Kind::kFixed:
    case Kind::kBinary:
      if (json.is_string() && unhex(text, bytes)) return Single(std::move(bytes));
      break;
    case Kind::kStruct:
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return fail(mismatch(type));
}

std::string single_to_text(const Type& type, const Single& value) {
  if (std::holds_alternative<std::monostate>(value)) return "null";
  if (const bool* v = std::get_if<bool>(&value)) return *v ? "true" : "false";
  if (const int32_t* v = std::get_if<int32_t>(&value))
    return type.kind == Kind::kDate ? date_text(*v) : fmt::format("{}", *v);
  if (const float* v = std::get_if<float>(&value)) return fmt::format("{}", *v);
  if (const double* v = std::get_if<double>(&value)) return fmt::format("{}", *v);
  if (const int64_t* v = std::get_if<int64_t>(&value)) {
    if (type.kind == Kind::kTime) return time_text(*v);
    if (type.kind == Kind::kTimestamp) return timestamp_text(*v);
    if (type.kind == Kind::kTimestampTz) return timestamp_text(*v) + "+00:00";
    return fmt::format("{}", *v);
  }
  const std::string& bytes = std::get<std::string>(value);
  if (type.kind == Kind::kString) return bytes;
  if (type.kind == Kind::kUuid && bytes.size() == 16) return uuid_text(bytes);
  if (type.kind == Kind::kDecimal)
    if (auto unscaled = decode_unscaled(bytes)) return decimal_text(*unscaled, type.scale);
  return hex(bytes);
}

std::string encode_unscaled(Int128 value) {
  std::string out(16, '\0');
  for (int i = 15; i >= 0; --i, value >>= 8) out[i] = static_cast<char>(value & 0xFF);
  size_t start = 0;
  auto byte = [&](size_t i) { return static_cast<unsigned char>(out[i]); };
  while (start < 15 && ((byte(start) == 0x00 && byte(start + 1) < 0x80) ||
                        (byte(start) == 0xFF && byte(start + 1) >= 0x80)))
    ++start;
  return out.substr(start);
}

Result<Int128> decode_unscaled(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 16)
    return fail(Code::kCorrupt, fmt::format("{} bytes are not a decimal: it has 1 to 16", bytes.size()));
  __extension__ typedef unsigned __int128 Unsigned;
  Unsigned value = static_cast<unsigned char>(bytes[0]) >= 0x80 ? ~static_cast<Unsigned>(0) : 0;
  for (unsigned char c : bytes) value = (value << 8) | c;
  return static_cast<Int128>(value);
}

std::string decimal_text(Int128 unscaled, int scale) {
  bool negative = unscaled < 0;
  std::string digits;
  do {
    int digit = static_cast<int>(unscaled % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    unscaled /= 10;
  } while (unscaled != 0);
  if (scale > 0) {
    if (digits.size() <= static_cast<size_t>(scale)) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, ".");
  }
  return (negative ? "-" : "") + digits;
}

Result<Int128> parse_decimal(std::string_view text, int scale) {
  std::string_view rest = text;
  bool negative = skip(rest, '-');
  if (!negative) skip(rest, '+');
  Int128 value = 0;
  int after_point = -1, digits = 0;
  for (char c : rest) {
    if (c == '.' && after_point < 0) {
      after_point = 0;
      continue;
    }
    if (c < '0' || c > '9' || ++digits > 38)
      return fail(Code::kInvalid, "\"" + std::string(text) + "\" is no decimal");
    value = value * 10 + (c - '0');
    if (after_point >= 0) ++after_point;
  }
  int missing = scale - std::max(after_point, 0);
  if (digits == 0 || missing < 0 || digits + missing > 38)
    return fail(Code::kInvalid,
                fmt::format("\"{}\" is no decimal with {} digits after the point", text, scale));
  for (; missing > 0; --missing) value *= 10;
  return negative ? -value : value;
}

}  // namespace tarn::lake
