#include "lake/file_stats.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "columns/scalar.h"
#include "lake/field_ids.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

using columns::Kind;
using columns::Type;

// DuckDB cuts long texts, maybe within a character; of such a one only the beginning counts.
constexpr size_t kWholeTextBytesMax = 200;

// One code point more than a bound has, so that it is known to be cut.
std::string first_code_points(const std::string& text) {
  size_t seen = 0, at = 0;
  for (; at < text.size(); ++at) {
    bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts && seen++ == kBoundCharacters + 1) break;
  }
  return text.substr(0, at);
}

template <typename T>
std::optional<Single> whole_number(const std::string& text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Single(value);
}

// "2020-01-01 10:00:00.5+00": the zone is that of the session, in hours or in hours and minutes.
std::optional<Single> instant(std::string text) {
  size_t zone = text.find_last_of("+-");
  if (zone == std::string::npos || zone < 19) return std::nullopt;
  if (text.size() - zone == 3) text += ":00";
  std::optional<int64_t> us = columns::parse_timestamp_us(text);
  if (!us) return std::nullopt;
  return Single(*us);
}

template <typename T>
std::optional<Single> some(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return Single(*value);
}

// Zero has two signs, equal to DuckDB and not to everybody: the bound takes in both.
Single wide_zero(const Single& value, bool lower) {
  if (const double* d = std::get_if<double>(&value); d != nullptr && *d == 0.0)
    return Single(lower ? -0.0 : 0.0);
  if (const float* f = std::get_if<float>(&value); f != nullptr && *f == 0.0f)
    return Single(lower ? -0.0f : 0.0f);
  return value;
}

std::optional<std::string> lower_bytes(const Type& type, const CopiedColumn& column) {
  std::optional<Single> value = column.min ? bound_from_text(type, *column.min) : std::nullopt;
  if (!value) return std::nullopt;
  auto bytes = lower_bound(type, wide_zero(*value, true));
  return bytes ? std::optional(*bytes) : std::nullopt;
}

std::optional<std::string> upper_bytes(const Type& type, const CopiedColumn& column) {
  std::optional<Single> value = column.max ? bound_from_text(type, *column.max) : std::nullopt;
  if (!value) return std::nullopt;
  auto bytes = upper_bound(type, wide_zero(*value, false));
  return bytes ? *bytes : std::nullopt;
}

}  // namespace

std::optional<Single> bound_from_text(const Type& type, const std::string& text) {
  switch (type.kind) {
    case Kind::kBoolean:
      return Single(text == "1" || text == "true");
    case Kind::kInt:
      return whole_number<int32_t>(text);
    case Kind::kLong:
      return whole_number<int64_t>(text);
    case Kind::kFloat: {
      float value = std::strtof(text.c_str(), nullptr);
      return std::isnan(value) ? std::nullopt : std::optional(Single(value));
    }
    case Kind::kDouble: {
      double value = std::strtod(text.c_str(), nullptr);
      return std::isnan(value) ? std::nullopt : std::optional(Single(value));
    }
    case Kind::kDecimal: {
      auto unscaled = parse_decimal(text, type.scale);
      if (!unscaled) return std::nullopt;
      return Single(encode_unscaled(*unscaled));
    }
    case Kind::kDate:
      return some(columns::parse_date_days(text));
    case Kind::kTime:
      return some(columns::parse_time_us(text));
    case Kind::kTimestamp:
      return some(columns::parse_local_timestamp_us(text));
    case Kind::kTimestampTz:
      return instant(text);
    case Kind::kString:
      return Single(text.size() > kWholeTextBytesMax ? first_code_points(text) : text);
    default:
      return std::nullopt;
  }
}

std::map<int, ColumnStats> column_stats(const columns::Schema& schema,
                                        const std::vector<CopiedColumn>& columns) {
  std::map<int, ColumnStats> out;
  for (const CopiedColumn& column : columns) {
    Leaf leaf = find_leaf(schema, column.path);
    if (leaf.field == nullptr) continue;
    ColumnStats stats;
    stats.bytes = column.bytes;
    stats.values = column.values;
    stats.nulls = column.nulls;
    if (column.has_nan == false) stats.nans = 0;
    if (!leaf.repeated) {
      stats.lower = lower_bytes(leaf.field->type, column);
      stats.upper = upper_bytes(leaf.field->type, column);
    }
    out[leaf.field->id] = std::move(stats);
  }
  return out;
}

}  // namespace tarn::lake
