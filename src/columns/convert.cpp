// Numbers, UUIDs and base64: see convert.h.
#include "columns/convert.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "columns/json_check.h"

namespace tarn::columns {

namespace {

inline bool digit(char c) {
  return static_cast<uint8_t>(c - '0') < 10;
}

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kExactPower = 22;  // 10^22 is the last power of ten that a double holds exactly
constexpr uint64_t kExactInteger = uint64_t{1} << 53;  // and this the last of the integers without gaps

// The exponent behind `p`, which stands at the 'e'; huge ones are cut.
int64_t read_exponent(const char* p) {
  bool negative = *++p == '-';
  if (*p == '-' || *p == '+') ++p;
  int64_t value = 0;
  for (; digit(*p); ++p) {
    if (value < 100'000'000) value = value * 10 + (*p - '0');
  }
  return negative ? -value : value;
}

// What from_chars calls out of range is beyond the largest double, or so small that it is zero.
bool out_of_range(const char* p, double& out) {
  bool negative = *p == '-';
  if (negative) ++p;
  int64_t leading = 0;  // the decimal exponent of the first digit that isn't zero
  bool seen = false;
  bool behind_point = false;
  for (;; ++p) {
    if (*p == '.') {
      behind_point = true;
    } else if (digit(*p)) {
      if (!seen && *p != '0') {
        seen = true;
        if (behind_point) --leading;
      } else if (seen && !behind_point) {
        ++leading;
      } else if (!seen && behind_point) {
        --leading;
      }
    } else {
      break;
    }
  }
  if (*p == 'e' || *p == 'E') leading += read_exponent(p);
  if (seen && leading > 0) return false;
  out = negative ? -0.0 : 0.0;
  return true;
}

bool read_double_slowly(const char* number, double& out) {
  auto [end, error] = std::from_chars(number, number_end(number), out);
  if (error == std::errc::result_out_of_range) return out_of_range(number, out);
  return error == std::errc() && std::isfinite(out);
}

constexpr std::array<int8_t, 256> make_base64() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr std::array<int8_t, 256> kBase64 = make_base64();

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

bool read_int64(const char* number, int64_t& out) {
  const char* p = number;
  bool negative = *p == '-';
  p += negative;
  const char* first = p;
  uint64_t value = 0;
  for (; digit(*p); ++p) value = value * 10 + static_cast<uint64_t>(*p - '0');
  if (*p == '.' || (*p | 0x20) == 'e') return false;
  // 19 digits are below 2^64; with more the value has wrapped.
  if (p - first > 19 || value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + negative)
    return false;
  out = static_cast<int64_t>(negative ? 0 - value : value);
  return true;
}

bool read_double(const char* number, double& out) {
  const char* p = number;
  bool negative = *p == '-';
  p += negative;
  const char* first = p;
  uint64_t digits = 0;
  for (; digit(*p); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
  int64_t count = p - first;
  int64_t exponent = 0;
  if (*p == '.') {
    const char* point = p++;
    for (; digit(*p); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
    exponent = point + 1 - p;
    count -= exponent;
  }
  if ((*p | 0x20) == 'e') exponent += read_exponent(p);
  // Both factors exact: one rounding, the right one (Clinger). Leading zeros only make `count` too careful.
  if (count > 19 || digits > kExactInteger || exponent < -kExactPower || exponent > kExactPower) [[unlikely]]
    return read_double_slowly(number, out);
  double value = static_cast<double>(digits);
  value = exponent < 0 ? value / kPowersOfTen[-exponent] : value * kPowersOfTen[exponent];
  out = negative ? -value : value;
  return true;
}

bool read_decimal(const char* number, int precision, int scale, __int128& out) {
  const char* p = number;
  bool negative = *p == '-';
  p += negative;
  const char* digits = p;
  int64_t point = -1;  // how many digits stand before it
  int64_t count = 0;
  for (;; ++p) {
    if (*p == '.')
      point = count;
    else if (digit(*p))
      ++count;
    else
      break;
  }
  if (point < 0) point = count;
  if ((*p | 0x20) == 'e') point += read_exponent(p);
  // Digit i has the place value 10^(point - 1 - i); the unscaled integer ends with 10^-scale.
  __int128 value = 0;
  int used = 0;  // digits of the value, without leading zeros
  int64_t i = 0;
  for (const char* at = digits; i < count; ++at) {
    if (*at == '.') continue;
    int d = *at - '0';
    if (point - 1 - i < -scale) {
      if (d != 0) return false;
    } else if (used > 0 || d != 0) {
      if (++used > precision) return false;
      value = value * 10 + d;
    }
    ++i;
  }
  if (used > 0) {
    for (int64_t place = point - count; place > -scale; --place) {
      if (++used > precision) return false;
      value *= 10;
    }
  }
  out = negative ? -value : value;
  return true;
}

std::optional<duckdb_hugeint> read_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  unsigned __int128 value = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    int digit = hex(text[i]);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  // DuckDB turns the highest bit over so that signed comparison gives the order of the texts.
  value ^= static_cast<unsigned __int128>(1) << 127;
  return to_hugeint(static_cast<__int128>(value));
}

bool read_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string_view digits = text.substr(0, text.size() - padding);
  uint32_t bits = 0;
  int held = 0;
  for (char c : digits) {
    int8_t value = kBase64[static_cast<uint8_t>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held));
      bits &= (1U << held) - 1;
    }
  }
  return bits == 0;  // the bits that no byte took must be zero, so that a text has one meaning
}

}  // namespace tarn::columns
