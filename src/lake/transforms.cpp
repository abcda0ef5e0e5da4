#include "lake/transforms.h"

#include <charconv>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "columns/scalar.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Schema;
using columns::Type;

// Percent-encoded three times as long at most, and still a file name (255 bytes) behind "_tarn_p0=s".
constexpr int kKeyBytesMax = 60;
constexpr size_t kFolderPartBytesMax = 96;

// row."a"."b" for a field at any depth of structs; "" when the schema hasn't the id.
std::string source_sql(const std::vector<Field>& fields, int id, const std::string& prefix) {
  for (const Field& field : fields) {
    std::string here = prefix + "." + columns::quote_name(field.name);
    if (field.id == id) return here;
    if (field.type.kind != Kind::kStruct) continue;
    std::string found = source_sql(field.type.fields, id, here);
    if (!found.empty()) return found;
  }
  return "";
}

// Division that rounds down, which SQL's doesn't for what was before 1970.
std::string floor_divide(const std::string& x, int64_t by) {
  return fmt::format("(({0} - ((({0} % {1}) + {1}) % {1})) // {1})", x, by);
}

// A value without a place on the calendar (infinity) has no partition value.
std::string dated(const std::string& x, const std::string& result) {
  return "CASE WHEN isfinite(" + x + ") THEN " + result + " END";
}

// The timestamp without a zone that shows UTC; needs no time zone data.
std::string local(const std::string& x, Kind kind) {
  return kind == Kind::kTimestampTz ? "make_timestamp(epoch_us(" + x + "))" : x;
}

std::string calendar_sql(Transform transform, const std::string& x, Kind kind) {
  const std::string at = local(x, kind);
  switch (transform) {
    case Transform::kYear:
      return dated(x, "CAST(year(" + at + ") - 1970 AS INTEGER)");
    case Transform::kMonth:
      return dated(x, "CAST((year(" + at + ") - 1970) * 12 + month(" + at + ") - 1 AS INTEGER)");
    case Transform::kDay:
      if (kind == Kind::kDate) return dated(x, "CAST(" + x + " - DATE '1970-01-01' AS INTEGER)");
      return dated(x, "CAST(" + floor_divide("epoch_us(" + x + ")", 86'400'000'000) + " AS INTEGER)");
    default:
      return dated(x, "CAST(" + floor_divide("epoch_us(" + x + ")", 3'600'000'000) + " AS INTEGER)");
  }
}

// Text and binary as a text that is exact and not too long, or a digest.
std::string bounded_key(const std::string& text, const std::string& bytes, int bytes_max) {
  return fmt::format(
      "CASE WHEN {0} IS NULL THEN NULL WHEN {1} <= {2} THEN '{3}' || {0} ELSE '{4}' || sha256({0}) END", text,
      bytes, bytes_max, kWholeValue, kDigest);
}

bool is_bytes(Kind kind) {
  return kind == Kind::kBinary || kind == Kind::kFixed;
}

// The transform's result as SQL: of text and binary as text.
std::string result_sql(const PartitionField& field, const Type& type, const std::string& x) {
  switch (field.transform) {
    case Transform::kVoid:
      return "CAST(NULL AS VARCHAR)";
    case Transform::kBucket:
      return fmt::format("tarn_bucket({}::INTEGER, {})", field.argument, x);
    case Transform::kTruncate:
      if (type.kind == Kind::kDecimal)
        return fmt::format("tarn_truncate_decimal({}::INTEGER, {})", field.argument, x);
      if (is_bytes(type.kind)) return fmt::format("hex(tarn_truncate({}::INTEGER, {}))", field.argument, x);
      return fmt::format("tarn_truncate({}::INTEGER, {})", field.argument, x);
    case Transform::kIdentity:
      if (is_bytes(type.kind)) return "hex(" + x + ")";
      if (type.kind == Kind::kDecimal) return fmt::format("tarn_truncate_decimal(1::INTEGER, {})", x);
      if (type.kind == Kind::kTimestamp || type.kind == Kind::kTimestampTz) return "epoch_us(" + x + ")";
      if (type.kind == Kind::kDate) return "(" + x + " - DATE '1970-01-01')";
      return x;
    default:
      return calendar_sql(field.transform, x, type.kind);
  }
}

Error unreadable(const PartitionField& field, const std::string& key) {
  return {Code::kInternal, "partition field " + field.name + ": the key \"" + key + "\" can't be read", 0};
}

template <typename T>
Result<std::optional<Single>> whole_number(const PartitionField& field, const std::string& key) {
  T value = 0;
  auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), value);
  if (error != std::errc() || end != key.data() + key.size()) return fail(unreadable(field, key));
  return std::optional<Single>(Single(value));
}

Result<std::string> from_hex(const PartitionField& field, std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned value = 0;
    auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
    if (error != std::errc() || end != digits.data() + i + 2)
      return fail(unreadable(field, std::string(digits)));
    bytes += static_cast<char>(value);
  }
  return bytes;
}

Result<std::optional<Single>> text_value(const PartitionField& field, Kind kind, const std::string& key) {
  if (key.empty()) return fail(unreadable(field, key));
  if (key[0] == kDigest) return std::optional<Single>();
  if (kind == Kind::kString) return std::optional<Single>(Single(key.substr(1)));
  TARN_ASSIGN(std::string bytes, from_hex(field, std::string_view(key).substr(1)));
  return std::optional<Single>(Single(std::move(bytes)));
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                 c == '_' || c == '.' || c == '~';
    std::string part = plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    if (out.size() + part.size() > kFolderPartBytesMax) break;
    out += part;
  }
  return out;
}

std::string value_for_people(const PartitionField& field, const Type& type, const Single& value) {
  const int32_t* count = std::get_if<int32_t>(&value);
  if (count == nullptr) return single_to_text(type, value);
  auto floor_div = [](int32_t a, int32_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  switch (field.transform) {
    case Transform::kYear:
      return fmt::format("{:04}", *count + 1970);
    case Transform::kMonth:
      return fmt::format("{:04}-{:02}", floor_div(*count, 12) + 1970,
                         *count - floor_div(*count, 12) * 12 + 1);
    case Transform::kHour: {
      int32_t day = floor_div(*count, 24);
      return single_to_text(Type{Kind::kDate, 0, 0, {}}, Single(day)) +
             fmt::format("-{:02}", *count - day * 24);
    }
    default:
      return single_to_text(type, value);
  }
}

}  // namespace

std::string partition_value_sql(const PartitionField& field, const Schema& schema, const std::string& row) {
  std::string x = source_sql(schema.fields, field.source_id, row);
  const Field* source = schema.find(field.source_id);
  if (x.empty() || source == nullptr) return "CAST(NULL AS VARCHAR)";
  return result_sql(field, source->type, x);
}

std::string partition_key_sql(const PartitionField& field, const Schema& schema, const std::string& row) {
  std::string result = partition_value_sql(field, schema, row);
  const Field* source = schema.find(field.source_id);
  if (source == nullptr || field.transform == Transform::kVoid) return result;
  Kind kind = transform_result(field.transform, source->type).kind;
  if (kind == Kind::kString) return bounded_key(result, "strlen(" + result + ")", kKeyBytesMax);
  if (is_bytes(kind)) return bounded_key(result, "strlen(" + result + ")", 2 * kKeyBytesMax);
  // As text, so that 0.0 and -0.0 are two.
  return "CAST(" + result + " AS VARCHAR)";
}

Result<std::optional<Single>> partition_value(const PartitionField& field, const Schema& schema,
                                              const std::optional<std::string>& key) {
  const Field* source = schema.find(field.source_id);
  if (!key || source == nullptr) return std::optional<Single>(Single());
  const Type type = transform_result(field.transform, source->type);
  switch (type.kind) {
    case Kind::kBoolean:
      return std::optional<Single>(Single(*key == "true"));
    case Kind::kInt:
    case Kind::kDate:
      return whole_number<int32_t>(field, *key);
    case Kind::kLong:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return whole_number<int64_t>(field, *key);
    case Kind::kFloat:
      return std::optional<Single>(Single(std::strtof(key->c_str(), nullptr)));
    case Kind::kDouble:
      return std::optional<Single>(Single(std::strtod(key->c_str(), nullptr)));
    case Kind::kTime: {
      auto us = columns::parse_time_us(*key);
      if (!us) return fail(unreadable(field, *key));
      return std::optional<Single>(Single(*us));
    }
    case Kind::kDecimal: {
      TARN_ASSIGN(Int128 unscaled, parse_decimal(*key, 0));
      return std::optional<Single>(Single(encode_unscaled(unscaled)));
    }
    case Kind::kUuid: {
      std::string digits;
      for (char c : *key)
        if (c != '-') digits += c;
      TARN_ASSIGN(std::string bytes, from_hex(field, digits));
      return std::optional<Single>(Single(std::move(bytes)));
    }
    default:
      return text_value(field, type.kind, *key);
  }
}

std::string partition_folder(const PartitionField& field, const Schema& schema, const Single& value) {
  const Field* source = schema.find(field.source_id);
  std::string text = "null";
  if (source != nullptr && !std::holds_alternative<std::monostate>(value))
    text = value_for_people(field, transform_result(field.transform, source->type), value);
  return percent_encoded(field.name) + "=" + percent_encoded(text);
}

}  // namespace tarn::lake
