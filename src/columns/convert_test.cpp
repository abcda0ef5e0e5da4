// Numbers, UUIDs and base64: exact or not at all.
#include "columns/convert.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace tarn::columns {
namespace {

std::optional<int64_t> int64_of(const char* text) {
  int64_t value;
  return read_int64(text, value) ? std::optional(value) : std::nullopt;
}

TEST(Convert, ReadsIntegersUpToTheLimitsAndNoFurther) {
  EXPECT_EQ(int64_of("0"), 0);
  EXPECT_EQ(int64_of("-0"), 0);
  EXPECT_EQ(int64_of("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(int64_of("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (const char* refused : {"9223372036854775808", "-9223372036854775809", "18446744073709551616",
                              "18446744073709551617", "99999999999999999999999", "1.0", "1e2", "1E2"})
    EXPECT_EQ(int64_of(refused), std::nullopt) << refused;
}

TEST(Convert, ReadsDoublesAsStrtodDoes) {
  for (const char* text :
       {"0", "-0", "0.1", "-2.5e-3", "123456789.123456789", "9007199254740993", "1e22", "1e23",
        "1.7976931348623157e308", "4.9e-324", "2.2250738585072011e-308", "123456789012345678901234567890",
        "0.000000000000000000000001e30", "7.2057594037927933e16", "1e-400", "-1e-400", "0e999999999999",
        "0.0000e-5", "100000000000000000000000000000000000000000000000000e-50"}) {
    double value = 1;
    ASSERT_TRUE(read_double(text, value)) << text;
    double expected = std::strtod(text, nullptr);
    EXPECT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected)) << text << " " << value;
  }
  for (const char* text : {"1e309", "-1e309", "1e999999999999999999", "1000000e305"}) {
    double value;
    EXPECT_FALSE(read_double(text, value)) << text;
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = std::to_string(random() >> (random() % 60)) + "." + std::to_string(random() % 100'000);
    if (random() % 2) text += "e" + std::to_string(static_cast<int>(random() % 60) - 30);
    double value;
    ASSERT_TRUE(read_double(text.c_str(), value));
    ASSERT_EQ(value, std::strtod(text.c_str(), nullptr)) << text;
  }
}

std::optional<int64_t> decimal_of(const char* text, int precision, int scale) {
  __int128 value;
  return read_decimal(text, precision, scale, value) ? std::optional(static_cast<int64_t>(value))
                                                     : std::nullopt;
}

TEST(Convert, ReadsDecimalsExactlyOrNotAtAll) {
  EXPECT_EQ(decimal_of("12.34", 10, 2), 1234);
  EXPECT_EQ(decimal_of("-12.3", 10, 2), -1230);
  EXPECT_EQ(decimal_of("12", 4, 2), 1200);
  EXPECT_EQ(decimal_of("0", 1, 0), 0);
  EXPECT_EQ(decimal_of("0.00000", 2, 2), 0);
  EXPECT_EQ(decimal_of("0e99999", 2, 2), 0);
  EXPECT_EQ(decimal_of("12.3400", 4, 2), 1234);
  EXPECT_EQ(decimal_of("1234e-2", 4, 2), 1234);
  EXPECT_EQ(decimal_of("1.2e1", 4, 2), 1200);
  EXPECT_EQ(decimal_of("0.1", 1, 1), 1);
  EXPECT_EQ(decimal_of("0.1", 19, 19), 1'000'000'000'000'000'000);
  for (const char* refused : {"12.345", "123", "1e2", "1e99999999999999999999", "0.001", "1e-3", "12.34001"})
    EXPECT_EQ(decimal_of(refused, 4, 2), std::nullopt) << refused;
  __int128 value;
  ASSERT_TRUE(read_decimal("99999999999999999999999999999999999999", 38, 0, value));
  EXPECT_EQ(static_cast<int64_t>(value % 1'000'000'007), 240'099);
  EXPECT_FALSE(read_decimal("100000000000000000000000000000000000000", 38, 0, value));
}

TEST(Convert, ReadsUuids) {
  auto low = read_uuid("00000000-0000-0000-0000-00000000000A");
  ASSERT_TRUE(low);
  EXPECT_EQ(low->lower, 10u);
  EXPECT_EQ(low->upper, std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(read_uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
  for (const char* refused :
       {"", "f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf66", "f81d4fae-7dec-11d0-a7650-0a0c91e6bf6"})
    EXPECT_FALSE(read_uuid(refused)) << refused;
}

TEST(Convert, ReadsBase64InItsOneForm) {
  auto decoded = [](std::string_view text) -> std::optional<std::string> {
    std::string out;
    return read_base64(text, out) ? std::optional(out) : std::nullopt;
  };
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  EXPECT_EQ(decoded("Zm9v"), "foo");
  EXPECT_EQ(decoded("AP+/"), std::string("\0\xff\xbf", 3));
  for (const char* refused : {"Z", "Zg", "Zg=", "Zh==", "Zm9", "Z===", "====", "Zm9v\n", "Zm-v", "=Zg="})
    EXPECT_EQ(decoded(refused), std::nullopt) << refused;
}

}  // namespace
}  // namespace tarn::columns
