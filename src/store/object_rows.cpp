#include "store/object_rows.h"

#include <array>
#include <bit>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/id.h"

namespace tarn::store {

namespace json = boost::json;
using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kIdCharacters = 32;
constexpr size_t kIdBytes = 24;
constexpr int kNumberBits = 48;  // the rest of the number's 8 bytes is zero, which tells foreign ids

bool is_null(const Row& row, size_t column) {
  return column < row.size() && std::holds_alternative<std::monostate>(row[column]);
}

json::object to_object(const std::map<std::string, std::string>& map) {
  json::object object;
  object.reserve(map.size());
  for (const auto& [key, value] : map) object.emplace(key, value);
  return object;
}

Result<std::map<std::string, std::string>> to_map(const json::object& attributes, std::string_view name) {
  std::map<std::string, std::string> map;
  const json::value* member = attributes.if_contains(name);
  if (member == nullptr) return map;
  if (!member->is_object()) return fail(Code::kCorrupt, "an object's attributes are no JSON of ours");
  for (const auto& [key, value] : member->get_object()) {
    if (!value.is_string()) return fail(Code::kCorrupt, "an object's attributes are no JSON of ours");
    map.emplace(key, value.get_string());
  }
  return map;
}

// Which words the id's number is hidden with: any function of the other bytes.
uint64_t mask_of(const std::array<unsigned char, kIdBytes>& raw) {
  uint64_t first = 0;
  uint64_t second = 0;
  std::memcpy(&first, raw.data(), 8);
  std::memcpy(&second, raw.data() + 8, 8);
  return first ^ std::rotl(second, 29);
}

}  // namespace

Value blob_value(const Place& place) {
  return place.blob.empty() ? Value() : Value(place.blob);
}

Value inline_value(const Place& place) {
  return place.inline_id == 0 ? Value() : Value(place.inline_id);
}

Result<Place> place_of(const Row& row, size_t bytes_column, size_t blob_column, size_t inline_column) {
  Place place;
  TARN_ASSIGN(int64_t bytes, meta::integer(row, bytes_column));
  place.bytes = static_cast<uint64_t>(bytes);
  if (!is_null(row, blob_column)) {
    TARN_ASSIGN(place.blob, meta::text(row, blob_column));
  }
  if (!is_null(row, inline_column)) {
    TARN_ASSIGN(place.inline_id, meta::integer(row, inline_column));
  }
  return place;
}

Result<std::optional<Checksum>> checksum_of(const Row& row, size_t algorithm_column, size_t value_column,
                                            std::optional<size_t> full_column) {
  if (is_null(row, algorithm_column)) return std::optional<Checksum>();
  TARN_ASSIGN(std::string name, meta::text(row, algorithm_column));
  std::optional<Algorithm> algorithm = algorithm_of(name);
  if (!algorithm) return fail(Code::kCorrupt, fmt::format("an object's checksum has the algorithm {}", name));
  Checksum checksum;
  checksum.algorithm = *algorithm;
  if (!is_null(row, value_column)) {
    TARN_ASSIGN(checksum.value, meta::blob(row, value_column));
  }
  if (full_column && !is_null(row, *full_column)) {
    TARN_ASSIGN(int64_t full, meta::integer(row, *full_column));
    checksum.full_object = full != 0;
  }
  return std::optional(std::move(checksum));
}

Value algorithm_value(const std::optional<Checksum>& checksum) {
  return checksum ? Value(std::string(algorithm_name(checksum->algorithm))) : Value();
}
Value checksum_value(const std::optional<Checksum>& checksum) {
  return checksum ? Value(meta::Blob{checksum->value}) : Value();
}
Value full_value(const std::optional<Checksum>& checksum) {
  return checksum ? Value(int64_t{checksum->full_object}) : Value();
}

std::string attributes_to_json(const Attributes& attributes) {
  json::object object;
  if (!attributes.headers.empty()) object.emplace("h", to_object(attributes.headers));
  if (!attributes.metadata.empty()) object.emplace("m", to_object(attributes.metadata));
  if (!attributes.tags.empty()) object.emplace("t", to_object(attributes.tags));
  return json::serialize(object);
}

Result<Attributes> attributes_from_json(std::string_view text) {
  Attributes attributes;
  if (text.empty() || text == "{}") return attributes;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // headers may hold any bytes
  boost::system::error_code ec;
  json::value value = json::parse(text, ec, {}, options);
  if (ec || !value.is_object()) return fail(Code::kCorrupt, "an object's attributes are no JSON of ours");
  TARN_ASSIGN(attributes.headers, to_map(value.get_object(), "h"));
  TARN_ASSIGN(attributes.metadata, to_map(value.get_object(), "m"));
  TARN_ASSIGN(attributes.tags, to_map(value.get_object(), "t"));
  return attributes;
}

Result<BucketRow> find_bucket(Transaction& transaction, std::string_view name) {
  TARN_ASSIGN(auto rows, transaction.query("SELECT id, versioning, events FROM object_buckets WHERE name = ?",
                                           Values{std::string(name)}));
  if (rows.empty()) return fail(Code::kNotFound, fmt::format("there is no bucket {}", name));
  BucketRow bucket;
  bucket.name = name;
  TARN_ASSIGN(bucket.id, meta::integer(rows[0], 0));
  TARN_ASSIGN(int64_t versioning, meta::integer(rows[0], 1));
  bucket.versioning = static_cast<Versioning>(versioning);
  TARN_ASSIGN(int64_t events, meta::integer(rows[0], 2));
  bucket.events = events != 0;
  return bucket;
}

Result<int64_t> next_number(Transaction& transaction, std::string_view counter) {
  TARN_ASSIGN(auto rows,
              transaction.query("UPDATE object_counters SET value = value + 1 WHERE name = ? RETURNING value",
                                Values{std::string(counter)}));
  if (rows.empty()) return fail(Code::kCorrupt, fmt::format("the counter {} of objects is gone", counter));
  return meta::integer(rows[0], 0);
}

std::string make_id(int64_t number) {
  TARN_CHECK(number > 0 && number < int64_t{1} << kNumberBits);
  std::array<unsigned char, kIdBytes> raw{};
  for (size_t at : {0, 8}) {
    uint64_t word = random_u64();
    std::memcpy(raw.data() + at, &word, 8);
  }
  uint64_t hidden = static_cast<uint64_t>(number) ^ mask_of(raw);
  std::memcpy(raw.data() + 16, &hidden, 8);
  std::string id;
  id.reserve(kIdCharacters);
  for (size_t i = 0; i < kIdBytes; i += 3) {
    uint32_t three = uint32_t{raw[i]} << 16 | uint32_t{raw[i + 1]} << 8 | raw[i + 2];
    for (int shift : {18, 12, 6, 0}) id += kAlphabet[three >> shift & 63];
  }
  return id;
}

std::optional<int64_t> number_of_id(std::string_view id) {
  if (id.size() != kIdCharacters) return std::nullopt;
  std::array<unsigned char, kIdBytes> raw{};
  for (size_t i = 0; i < kIdCharacters; i += 4) {
    uint32_t three = 0;
    for (size_t j = i; j < i + 4; ++j) {
      size_t digit = kAlphabet.find(id[j]);
      if (digit == std::string_view::npos) return std::nullopt;
      three = three << 6 | static_cast<uint32_t>(digit);
    }
    for (size_t j = 0; j < 3; ++j) raw[i / 4 * 3 + j] = static_cast<unsigned char>(three >> (16 - 8 * j));
  }
  uint64_t hidden = 0;
  std::memcpy(&hidden, raw.data() + 16, 8);
  uint64_t number = hidden ^ mask_of(raw);
  if (number == 0 || number >> kNumberBits != 0) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string hex_of(std::string_view raw) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(raw.size() * 2);
  for (char c : raw) {
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace tarn::store
