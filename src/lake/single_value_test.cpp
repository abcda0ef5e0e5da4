#include "lake/single_value.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tarn::lake {
namespace {

using columns::Kind;
using columns::Type;

Type of(Kind kind, int precision = 0, int scale = 0) {
  return Type{kind, precision, scale, {}};
}

std::string bytes_of(const Type& type, const Single& value) {
  auto bytes = encode_single(type, value);
  EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
  return bytes.value_or("");
}

Int128 power(int exponent) {
  Int128 out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

struct Case {
  Type type;
  Single value;
  std::string bytes;
  std::string json;
};

// The bytes are those of the examples and rules of the specification's Appendix D.
std::vector<Case> cases() {
  using namespace std::string_literals;
  return {
      {of(Kind::kBoolean), true, "\x01"s, "true"},
      {of(Kind::kBoolean), false, "\x00"s, "false"},
      {of(Kind::kInt), int32_t{-2}, "\xFE\xFF\xFF\xFF"s, "-2"},
      {of(Kind::kLong), int64_t{258}, "\x02\x01\x00\x00\x00\x00\x00\x00"s, "258"},
      {of(Kind::kFloat), 1.5f, "\x00\x00\xC0\x3F"s, "1.5E0"},
      {of(Kind::kDouble), -1.5, "\x00\x00\x00\x00\x00\x00\xF8\xBF"s, "-1.5E0"},
      {of(Kind::kDate), int32_t{17487}, "\x4F\x44\x00\x00"s, "\"2017-11-17\""},
      {of(Kind::kTime), int64_t{81068123456}, "\x40\x65\x09\xE0\x12\x00\x00\x00"s, "\"22:31:08.123456\""},
      {of(Kind::kTimestamp), int64_t{0}, std::string(8, '\0'), "\"1970-01-01T00:00:00\""},
      {of(Kind::kTimestampTz), int64_t{-1}, std::string(8, '\xFF'), "\"1969-12-31T23:59:59.999999+00:00\""},
      {of(Kind::kString), "tarn"s, "tarn", "\"tarn\""},
      {of(Kind::kUuid), "\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7"s,
       "\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7",
       "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\""},
      {of(Kind::kFixed, 2), "\x01\xFF"s, "\x01\xFF"s, "\"01ff\""},
      {of(Kind::kBinary), "\x00\xFF"s, "\x00\xFF"s, "\"00ff\""},
      {of(Kind::kDecimal, 9, 2), "\x05\x8C"s, "\x05\x8C"s, "\"14.20\""},
      {of(Kind::kDecimal, 9, 2), encode_unscaled(-5), "\xFB"s, "\"-0.05\""},
  };
}

TEST(SingleValue, BytesAreThoseOfTheSpecificationAndComeBack) {
  for (const Case& c : cases()) {
    EXPECT_EQ(bytes_of(c.type, c.value), c.bytes) << columns::sql_type(c.type);
    auto back = decode_single(c.type, c.bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, c.value) << columns::sql_type(c.type);
  }
}

TEST(SingleValue, JsonIsThatOfTheSpecificationAndComesBack) {
  for (const Case& c : cases()) {
    auto json = single_to_json(c.type, c.value);
    ASSERT_TRUE(json) << json.error().message;
    EXPECT_EQ(boost::json::serialize(*json), c.json) << columns::sql_type(c.type);
    auto back = single_from_json(c.type, *json);
    ASSERT_TRUE(back) << columns::sql_type(c.type) << ": " << back.error().message;
    EXPECT_EQ(*back, c.value) << columns::sql_type(c.type);
  }
  EXPECT_TRUE(single_to_json(of(Kind::kLong), Single())->is_null());
  EXPECT_EQ(single_from_json(of(Kind::kLong), nullptr).value(), Single());
}

TEST(SingleValue, RefusesBytesOfAnotherLengthAndValuesOfAnotherType) {
  for (const Case& c : cases()) {
    bool any_length = c.type.kind == Kind::kString || c.type.kind == Kind::kBinary ||
                      c.type.kind == Kind::kFixed || c.type.kind == Kind::kDecimal;
    if (!any_length) {
      auto bad = decode_single(c.type, c.bytes + "x");
      ASSERT_FALSE(bad);
      EXPECT_EQ(bad.error().code, Code::kCorrupt);
    }
    EXPECT_FALSE(encode_single(c.type, Single()));
  }
  EXPECT_FALSE(decode_single(of(Kind::kDecimal, 38, 0), std::string(17, '\1')));
  EXPECT_FALSE(decode_single(of(Kind::kDecimal, 38, 0), ""));
  EXPECT_FALSE(single_from_json(of(Kind::kDate), boost::json::value("2026-02-30")));
  EXPECT_FALSE(single_from_json(of(Kind::kInt), boost::json::value(int64_t{1} << 40)));
  EXPECT_FALSE(single_from_json(of(Kind::kTimestamp), boost::json::value("2026-02-03T00:00:00+00:00")));
}

TEST(SingleValue, ReadsBytesFromBeforeAColumnWasWidened) {
  using namespace std::string_literals;
  EXPECT_EQ(decode_single(of(Kind::kLong), "\xFE\xFF\xFF\xFF"s).value(), Single(int64_t{-2}));
  EXPECT_EQ(decode_single(of(Kind::kDouble), "\x00\x00\xC0\x3F"s).value(), Single(1.5));
}

TEST(SingleValue, DecimalsKeepAllTheirDigits) {
  Int128 largest = power(38) - 1;
  for (Int128 value : {Int128{0}, Int128{127}, Int128{128}, Int128{-128}, Int128{-129}, largest, -largest}) {
    std::string bytes = encode_unscaled(value);
    EXPECT_TRUE(decode_unscaled(bytes).value() == value);
    std::string text = decimal_text(value, 10);
    EXPECT_TRUE(parse_decimal(text, 10).value() == value) << text;
  }
  EXPECT_EQ(encode_unscaled(127).size(), 1u);
  EXPECT_EQ(encode_unscaled(128).size(), 2u);
  EXPECT_EQ(encode_unscaled(-128).size(), 1u);
  EXPECT_EQ(encode_unscaled(largest).size(), 16u);
  EXPECT_EQ(decimal_text(-7, 3), "-0.007");
  EXPECT_FALSE(parse_decimal("1.234", 2));
  EXPECT_FALSE(parse_decimal("", 2));
  EXPECT_FALSE(parse_decimal(std::string(39, '9'), 0));
}

TEST(Bounds, CutTextStaysABound) {
  Type text = of(Kind::kString);
  std::string long_text = "0123456789abcdefghij";
  EXPECT_EQ(lower_bound(text, long_text).value(), "0123456789abcdef");
  EXPECT_EQ(upper_bound(text, long_text).value(), "0123456789abcdeg");
  EXPECT_EQ(upper_bound(text, std::string("short")).value(), "short");
  // Sixteen characters, not bytes; and the last code point has no next one, so the one before is raised.
  std::string umlauts;
  for (int i = 0; i < 20; ++i) umlauts += "ä";
  EXPECT_EQ(lower_bound(text, umlauts).value().size(), 32u);
  std::string highest = "a" + std::string("\xF4\x8F\xBF\xBF") + "bcdefghijklmnopqrst";
  std::string cut = upper_bound(text, highest).value().value();
  EXPECT_GT(cut, highest);
  std::string all_highest;
  for (int i = 0; i < 20; ++i) all_highest += "\xF4\x8F\xBF\xBF";
  EXPECT_FALSE(upper_bound(text, all_highest).value().has_value());
}

TEST(Bounds, RaisingSkipsSurrogates) {
  std::string text = std::string(15, 'a') + "\xED\x9F\xBF" + "zz";  // U+D7FF
  std::string bound = upper_bound(of(Kind::kString), text).value().value();
  EXPECT_EQ(bound, std::string(15, 'a') + "\xEE\x80\x80");  // U+E000
}

TEST(Bounds, CutBinaryStaysABound) {
  Type binary = of(Kind::kBinary);
  EXPECT_EQ(upper_bound(binary, std::string(15, 'a') + "\xFF\xFF").value().value(),
            std::string(14, 'a') + "b");
  EXPECT_FALSE(upper_bound(binary, std::string(20, '\xFF')).value().has_value());
  EXPECT_EQ(lower_bound(binary, std::string(20, '\xFF')).value(), std::string(16, '\xFF'));
}

}  // namespace
}  // namespace tarn::lake
