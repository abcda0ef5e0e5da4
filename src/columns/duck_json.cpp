#include "columns/duck_json.h"

#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include <fmt/core.h>
#include <fmt/format.h>

#include "columns/type.h"

namespace tarn::duck {
namespace {

template <typename T>
const T& at(duckdb_vector vector, size_t row) {
  return static_cast<const T*>(duckdb_vector_get_data(vector))[row];
}

std::string_view string_at(duckdb_vector vector, size_t row) {
  // The C API takes a mutable pointer and doesn't change it.
  auto& text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
}

std::string int128_text(__int128 value) {
  if (value == 0) return "0";
  bool negative = value < 0;
  auto rest = negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  for (; rest != 0; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return negative ? "-" + digits : digits;
}

__int128 hugeint_at(duckdb_vector vector, size_t row) {
  const auto& huge = at<duckdb_hugeint>(vector, row);
  return (static_cast<__int128>(huge.upper) << 64) | huge.lower;
}

std::string unsigned_text(duckdb_uhugeint huge) {
  auto rest = (static_cast<unsigned __int128>(huge.upper) << 64) | huge.lower;
  std::string digits;
  do digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  while ((rest /= 10) != 0);
  return digits;
}

std::string decimal_text(duckdb_vector vector, duckdb_logical_type type, size_t row) {
  __int128 value = 0;
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      value = at<int16_t>(vector, row);
      break;
    case DUCKDB_TYPE_INTEGER:
      value = at<int32_t>(vector, row);
      break;
    case DUCKDB_TYPE_BIGINT:
      value = at<int64_t>(vector, row);
      break;
    default:
      value = hugeint_at(vector, row);
      break;
  }
  size_t scale = duckdb_decimal_scale(type);
  std::string text = int128_text(value < 0 ? -value : value);
  if (scale > 0) {
    if (text.size() <= scale) text.insert(0, scale + 1 - text.size(), '0');
    text.insert(text.size() - scale, ".");
  }
  return value < 0 ? "-" + text : text;
}

template <typename Float>
std::string float_text(Float value) {
  if (!std::isfinite(value)) return "null";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string fraction_text(int64_t fraction, int digits) {
  return fraction == 0 ? std::string() : fmt::format(".{:0{}}", fraction, digits);
}

std::string date_text(int64_t day_count) {
  if (day_count == INT32_MAX) return "infinity";
  if (day_count == -INT32_MAX) return "-infinity";
  std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day_count}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

// `units` since midnight, `per_second` of them to a second, written with as many digits as that has zeros.
std::string time_text(int64_t units, int64_t per_second, int digits) {
  int64_t seconds = units / per_second;
  return fmt::format("{:02}:{:02}:{:02}{}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     fraction_text(units % per_second, digits));
}

std::string timestamp_text(int64_t units, int64_t per_second, int digits, bool zone) {
  if (units == INT64_MAX) return "infinity";
  if (units == -INT64_MAX) return "-infinity";
  int64_t per_day = 86'400 * per_second;
  int64_t day_count = units / per_day;
  int64_t in_day = units % per_day;
  if (in_day < 0) {
    in_day += per_day;
    --day_count;
  }
  return date_text(day_count) + "T" + time_text(in_day, per_second, digits) + (zone ? "Z" : "");
}

std::string time_tz_text(uint64_t bits) {
  duckdb_time_tz_struct value = duckdb_from_time_tz(duckdb_time_tz{bits});
  int64_t seconds = value.time.hour * 3600 + value.time.min * 60 + value.time.sec;
  int offset = std::abs(value.offset);
  return fmt::format("{}{}{:02}:{:02}", time_text(seconds * 1'000'000 + value.time.micros, 1'000'000, 6),
                     value.offset < 0 ? '-' : '+', offset / 3600, offset / 60 % 60);
}

std::string interval_text(const duckdb_interval& interval) {
  std::string text = "P";
  if (interval.months / 12 != 0) text += fmt::format("{}Y", interval.months / 12);
  if (interval.months % 12 != 0) text += fmt::format("{}M", interval.months % 12);
  if (interval.days != 0) text += fmt::format("{}D", interval.days);
  if (interval.micros != 0 || text == "P")
    text += fmt::format("T{}{}{}S", interval.micros < 0 ? "-" : "", std::abs(interval.micros / 1'000'000),
                        fraction_text(std::abs(interval.micros % 1'000'000), 6));
  return text;
}

std::string uuid_text(duckdb_vector vector, size_t row) {
  const auto& huge = at<duckdb_hugeint>(vector, row);
  auto high =
      static_cast<uint64_t>(huge.upper) ^ (1ULL << 63);  // stored with the sign flipped, so that it sorts
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                     huge.lower >> 48, huge.lower & 0xFFFF'FFFF'FFFFULL);
}

std::string blob_text(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && byte != '\\')
      text += c;
    else
      text += fmt::format("\\x{:02X}", byte);
  }
  return text;
}

std::string enum_text(duckdb_vector vector, duckdb_logical_type type, size_t row) {
  uint64_t index = 0;
  switch (duckdb_enum_internal_type(type)) {
    case DUCKDB_TYPE_UTINYINT:
      index = at<uint8_t>(vector, row);
      break;
    case DUCKDB_TYPE_USMALLINT:
      index = at<uint16_t>(vector, row);
      break;
    default:
      index = at<uint32_t>(vector, row);
      break;
  }
  char* value = duckdb_enum_dictionary_value(type, index);
  std::string text = value;
  duckdb_free(value);
  return text;
}

bool is_null(duckdb_vector vector, size_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
}

// Types that JSON writes bare: numbers and booleans. Empty for all others.
std::string bare_text(duckdb_vector v, duckdb_logical_type type, size_t row) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return at<bool>(v, row) ? "true" : "false";
    case DUCKDB_TYPE_TINYINT:
      return fmt::format("{}", static_cast<int>(at<int8_t>(v, row)));
    case DUCKDB_TYPE_SMALLINT:
      return fmt::format("{}", at<int16_t>(v, row));
    case DUCKDB_TYPE_INTEGER:
      return fmt::format("{}", at<int32_t>(v, row));
    case DUCKDB_TYPE_BIGINT:
      return fmt::format("{}", at<int64_t>(v, row));
    case DUCKDB_TYPE_UTINYINT:
      return fmt::format("{}", static_cast<unsigned>(at<uint8_t>(v, row)));
    case DUCKDB_TYPE_USMALLINT:
      return fmt::format("{}", at<uint16_t>(v, row));
    case DUCKDB_TYPE_UINTEGER:
      return fmt::format("{}", at<uint32_t>(v, row));
    case DUCKDB_TYPE_UBIGINT:
      return fmt::format("{}", at<uint64_t>(v, row));
    case DUCKDB_TYPE_HUGEINT:
      return int128_text(hugeint_at(v, row));
    case DUCKDB_TYPE_UHUGEINT:
      return unsigned_text(at<duckdb_uhugeint>(v, row));
    case DUCKDB_TYPE_FLOAT:
      return float_text(at<float>(v, row));
    case DUCKDB_TYPE_DOUBLE:
      return float_text(at<double>(v, row));
    case DUCKDB_TYPE_DECIMAL:
      return decimal_text(v, type, row);
    default:
      return {};
  }
}

// Types that JSON writes as a string.
std::string quoted_text(duckdb_vector v, duckdb_logical_type type, size_t row) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_VARCHAR:
      return std::string(string_at(v, row));
    case DUCKDB_TYPE_BLOB:
      return blob_text(string_at(v, row));
    case DUCKDB_TYPE_DATE:
      return date_text(at<int32_t>(v, row));
    case DUCKDB_TYPE_TIME:
      return time_text(at<int64_t>(v, row), 1'000'000, 6);
    case DUCKDB_TYPE_TIME_NS:
      return time_text(at<int64_t>(v, row), 1'000'000'000, 9);
    case DUCKDB_TYPE_TIME_TZ:
      return time_tz_text(at<uint64_t>(v, row));
    case DUCKDB_TYPE_TIMESTAMP:
      return timestamp_text(at<int64_t>(v, row), 1'000'000, 6, false);
    case DUCKDB_TYPE_TIMESTAMP_S:
      return timestamp_text(at<int64_t>(v, row), 1, 0, false);
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return timestamp_text(at<int64_t>(v, row), 1'000, 3, false);
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return timestamp_text(at<int64_t>(v, row), 1'000'000'000, 9, false);
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return timestamp_text(at<int64_t>(v, row), 1'000'000, 6, true);
    case DUCKDB_TYPE_INTERVAL:
      return interval_text(at<duckdb_interval>(v, row));
    case DUCKDB_TYPE_UUID:
      return uuid_text(v, row);
    case DUCKDB_TYPE_ENUM:
      return enum_text(v, type, row);
    default:
      return {};
  }
}

void append_elements(duckdb_vector child, duckdb_logical_type type, size_t first, size_t count,
                     std::string& out) {
  out += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append_json(child, type, first + i, out);
  }
  out += ']';
}

void append_struct(duckdb_vector vector, duckdb_logical_type type, size_t row, std::string& out) {
  out += '{';
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    char* name = duckdb_struct_type_child_name(type, i);
    if (i > 0) out += ',';
    append_json_string(name, out);
    duckdb_free(name);
    out += ':';
    LogicalType child(duckdb_struct_type_child_type(type, i));
    append_json(duckdb_struct_vector_get_child(vector, i), child.get(), row, out);
  }
  out += '}';
}

void append_map(duckdb_vector vector, duckdb_logical_type type, size_t row, std::string& out) {
  LogicalType key_type(duckdb_map_type_key_type(type));
  LogicalType value_type(duckdb_map_type_value_type(type));
  const auto& entry = at<duckdb_list_entry>(vector, row);
  duckdb_vector pairs = duckdb_list_vector_get_child(vector);
  out += '{';
  for (uint64_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    if (i > entry.offset) out += ',';
    append_json_string(
        value_text(duckdb_struct_vector_get_child(pairs, 0), key_type.get(), i).value_or("null"), out);
    out += ':';
    append_json(duckdb_struct_vector_get_child(pairs, 1), value_type.get(), i, out);
  }
  out += '}';
}

}  // namespace

LogicalType& LogicalType::operator=(LogicalType&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

LogicalType::~LogicalType() {
  if (handle_ != nullptr) duckdb_destroy_logical_type(&handle_);
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += fmt::format("\\u{:04x}", c);
    }
  }
  out += text.substr(plain);
  out += '"';
}

bool can_be_json(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_LIST:
      return can_be_json(LogicalType(duckdb_list_type_child_type(type)).get());
    case DUCKDB_TYPE_ARRAY:
      return can_be_json(LogicalType(duckdb_array_type_child_type(type)).get());
    case DUCKDB_TYPE_MAP:
      return can_be_json(LogicalType(duckdb_map_type_key_type(type)).get()) &&
             can_be_json(LogicalType(duckdb_map_type_value_type(type)).get());
    case DUCKDB_TYPE_STRUCT:
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        if (!can_be_json(LogicalType(duckdb_struct_type_child_type(type, i)).get())) return false;
      }
      return true;
    case DUCKDB_TYPE_INVALID:
    case DUCKDB_TYPE_UNION:
    case DUCKDB_TYPE_BIT:
    case DUCKDB_TYPE_BIGNUM:
    case DUCKDB_TYPE_ANY:
      return false;
    default:
      return duckdb_get_type_id(type) <= DUCKDB_TYPE_TIME_NS;
  }
}

void append_json(duckdb_vector vector, duckdb_logical_type type, size_t row, std::string& out) {
  if (is_null(vector, row)) {
    out += "null";
    return;
  }
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_SQLNULL:
      out += "null";
      return;
    case DUCKDB_TYPE_VARCHAR:
      append_json_string(string_at(vector, row), out);
      return;
    case DUCKDB_TYPE_STRUCT:
      append_struct(vector, type, row, out);
      return;
    case DUCKDB_TYPE_MAP:
      append_map(vector, type, row, out);
      return;
    case DUCKDB_TYPE_LIST: {
      const auto& entry = at<duckdb_list_entry>(vector, row);
      LogicalType child(duckdb_list_type_child_type(type));
      append_elements(duckdb_list_vector_get_child(vector), child.get(), entry.offset, entry.length, out);
      return;
    }
    case DUCKDB_TYPE_ARRAY: {
      LogicalType child(duckdb_array_type_child_type(type));
      size_t count = duckdb_array_type_array_size(type);
      append_elements(duckdb_array_vector_get_child(vector), child.get(), row * count, count, out);
      return;
    }
    default:
      break;
  }
  std::string bare = bare_text(vector, type, row);
  if (!bare.empty())
    out += bare;
  else
    append_json_string(quoted_text(vector, type, row), out);
}

std::optional<std::string> value_text(duckdb_vector vector, duckdb_logical_type type, size_t row) {
  if (is_null(vector, row) || duckdb_get_type_id(type) == DUCKDB_TYPE_SQLNULL) return std::nullopt;
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY: {
      std::string out;
      append_json(vector, type, row, out);
      return out;
    }
    default:
      break;
  }
  std::string bare = bare_text(vector, type, row);
  return bare.empty() ? quoted_text(vector, type, row) : bare;
}

std::string type_text(duckdb_logical_type type) {
  static constexpr std::array<std::string_view, 40> names = {"INVALID",
                                                             "BOOLEAN",
                                                             "TINYINT",
                                                             "SMALLINT",
                                                             "INTEGER",
                                                             "BIGINT",
                                                             "UTINYINT",
                                                             "USMALLINT",
                                                             "UINTEGER",
                                                             "UBIGINT",
                                                             "FLOAT",
                                                             "DOUBLE",
                                                             "TIMESTAMP",
                                                             "DATE",
                                                             "TIME",
                                                             "INTERVAL",
                                                             "HUGEINT",
                                                             "VARCHAR",
                                                             "BLOB",
                                                             "DECIMAL",
                                                             "TIMESTAMP_S",
                                                             "TIMESTAMP_MS",
                                                             "TIMESTAMP_NS",
                                                             "ENUM",
                                                             "LIST",
                                                             "STRUCT",
                                                             "MAP",
                                                             "UUID",
                                                             "UNION",
                                                             "BIT",
                                                             "TIME WITH TIME ZONE",
                                                             "TIMESTAMP WITH TIME ZONE",
                                                             "UHUGEINT",
                                                             "ARRAY",
                                                             "ANY",
                                                             "BIGNUM",
                                                             "NULL",
                                                             "VARCHAR",
                                                             "INTEGER",
                                                             "TIME_NS"};
  duckdb_type id = duckdb_get_type_id(type);
  switch (id) {
    case DUCKDB_TYPE_DECIMAL:
      return fmt::format("DECIMAL({},{})", duckdb_decimal_width(type), duckdb_decimal_scale(type));
    case DUCKDB_TYPE_LIST:
      return type_text(LogicalType(duckdb_list_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_ARRAY:
      return fmt::format("{}[{}]", type_text(LogicalType(duckdb_array_type_child_type(type)).get()),
                         duckdb_array_type_array_size(type));
    case DUCKDB_TYPE_MAP:
      return fmt::format("MAP({}, {})", type_text(LogicalType(duckdb_map_type_key_type(type)).get()),
                         type_text(LogicalType(duckdb_map_type_value_type(type)).get()));
    case DUCKDB_TYPE_STRUCT: {
      std::string text = "STRUCT(";
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        char* name = duckdb_struct_type_child_name(type, i);
        if (i > 0) text += ", ";
        text += columns::quote_name(name) + " " +
                type_text(LogicalType(duckdb_struct_type_child_type(type, i)).get());
        duckdb_free(name);
      }
      return text + ")";
    }
    case DUCKDB_TYPE_VARCHAR: {
      char* alias = duckdb_logical_type_get_alias(type);  // JSON is a VARCHAR with this alias
      std::string text = alias == nullptr ? "VARCHAR" : alias;
      duckdb_free(alias);
      return text;
    }
    default:
      return std::string(id < names.size() ? names[id] : "UNKNOWN");
  }
}

}  // namespace tarn::duck
