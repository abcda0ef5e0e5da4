#include "columns/scalar.h"

#include <gtest/gtest.h>

namespace tarn::columns {
namespace {

constexpr int64_t kSecond = 1'000'000;

TEST(Scalar, CountsDaysFromTheEpoch) {
  EXPECT_EQ(parse_date_days("1970-01-01"), 0);
  EXPECT_EQ(parse_date_days("1969-12-31"), -1);
  EXPECT_EQ(parse_date_days("2000-03-01"), 11017);
  EXPECT_EQ(parse_date_days("2026-11-21"), 20778);
  EXPECT_EQ(parse_date_days("0001-01-01"), -719162);
  EXPECT_EQ(parse_date_days("9999-12-31"), 2932896);
}

TEST(Scalar, HasEveryDayOfTheCalendarOnce) {
  int32_t expected = *parse_date_days("1895-12-31");
  for (int year = 1896; year <= 2104; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= 31; ++day) {
        char text[16];
        snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
        if (auto days = parse_date_days(text)) {
          ASSERT_EQ(*days, ++expected) << text;
        }
      }
    }
  }
  EXPECT_EQ(expected, *parse_date_days("2104-12-31"));
}

TEST(Scalar, RefusesDaysThatAMonthDoesNotHave) {
  EXPECT_TRUE(parse_date_days("2024-02-29"));
  EXPECT_TRUE(parse_date_days("2000-02-29"));
  for (auto text : {"2023-02-29", "1900-02-29", "2024-04-31", "2024-00-10", "2024-13-01", "2024-01-00",
                    "2024-01-32", "0000-01-01", "2024-1-01", "24-01-01", "2024/01/01", "2024-01-01 ", "",
                    "20a4-01-01", "2024-01-0:", "-024-01-01"})
    EXPECT_FALSE(parse_date_days(text)) << text;
}

TEST(Scalar, ReadsTimestampsWithTheirZone) {
  EXPECT_EQ(parse_timestamp_us("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp_us("1970-01-01 00:00:01Z"), kSecond);
  EXPECT_EQ(parse_timestamp_us("1970-01-01t00:00:01z"), kSecond);
  EXPECT_EQ(parse_timestamp_us("1970-01-01T05:30:00+05:30"), 0);
  EXPECT_EQ(parse_timestamp_us("1969-12-31T19:00:00-05:00"), 0);
  EXPECT_EQ(parse_timestamp_us("2026-11-21T03:22:56.000001Z"), 1795231376000001);
  EXPECT_EQ(parse_timestamp_us("1969-12-31T23:59:59.999999Z"), -1);
}

TEST(Scalar, CutsAFractionAtMicroseconds) {
  EXPECT_EQ(parse_timestamp_us("1970-01-01T00:00:00.5Z"), 500'000);
  EXPECT_EQ(parse_timestamp_us("1970-01-01T00:00:00.1234567Z"), 123'456);
  EXPECT_EQ(parse_timestamp_us("1970-01-01T00:00:00.123456999+00:00"), 123'456);
  EXPECT_FALSE(parse_timestamp_us("1970-01-01T00:00:00.1234567890Z"));
  EXPECT_FALSE(parse_timestamp_us("1970-01-01T00:00:00.Z"));
}

TEST(Scalar, RefusesWhatIsNoRfc3339Timestamp) {
  for (auto text : {"2024-01-01T00:00:00", "2024-01-01", "2024-01-01T00:00Z", "2024-01-01T24:00:00Z",
                    "2024-01-01T00:60:00Z", "2024-01-01T23:59:60Z", "2024-02-30T00:00:00Z",
                    "2024-01-01T00:00:00+0530", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+05:60",
                    "2024-01-01T00:00:00Z ", "2024-01-01T00:00:00ZZ", "2024-01-01_00:00:00Z",
                    "2024-01-01T00:00:00.5", "2024-01-01T00:00:00+5:30", "2024-01-01T00-00-00Z"})
    EXPECT_FALSE(parse_timestamp_us(text)) << text;
}

TEST(Scalar, RefusesInstantsThatAZoneMovesOutOfTheYears) {
  EXPECT_TRUE(parse_timestamp_us("0001-01-01T00:00:00Z"));
  EXPECT_FALSE(parse_timestamp_us("0001-01-01T00:00:00+01:00"));
  EXPECT_TRUE(parse_timestamp_us("9999-12-31T23:59:59.999999Z"));
  EXPECT_FALSE(parse_timestamp_us("9999-12-31T23:59:59-01:00"));
}

TEST(Scalar, ReadsLocalTimestampsOnlyWithoutAZone) {
  EXPECT_EQ(parse_local_timestamp_us("1970-01-01T00:00:01"), kSecond);
  EXPECT_EQ(parse_local_timestamp_us("1970-01-02 00:00:00.25"), 86'400 * kSecond + 250'000);
  EXPECT_FALSE(parse_local_timestamp_us("1970-01-01T00:00:01Z"));
  EXPECT_FALSE(parse_local_timestamp_us("1970-01-01"));
}

TEST(Scalar, ReadsTimesOfDay) {
  EXPECT_EQ(parse_time_us("00:00:00"), 0);
  EXPECT_EQ(parse_time_us("23:59:59.999999"), 86'400 * kSecond - 1);
  for (auto text : {"24:00:00", "12:00", "12:00:00Z", "1:00:00", "12:00:60", ""})
    EXPECT_FALSE(parse_time_us(text)) << text;
}

TEST(Scalar, TellsShapesApart) {
  EXPECT_EQ(text_shape("2026-11-21"), TextShape::kDate);
  EXPECT_EQ(text_shape("2026-11-21T03:22:56Z"), TextShape::kTimestamp);
  EXPECT_EQ(text_shape("2026-11-21T03:22:56"), TextShape::kText);
  EXPECT_EQ(text_shape("2026-11-31"), TextShape::kText);
  EXPECT_EQ(text_shape("abcd-ef-ghij"), TextShape::kText);
  EXPECT_EQ(text_shape(""), TextShape::kText);
}

TEST(Scalar, KnowsJsonNumbers) {
  for (auto text :
       {"0", "-0", "12", "-1.5", "0.1", "1e5", "1E-5", "1.25e+10", "123456789012345678901234567890"})
    EXPECT_TRUE(is_json_number(text)) << text;
  for (auto text :
       {"", "-", "01", "-01", "+1", ".5", "5.", "1e", "1e+", "0x10", "1 ", " 1", "NaN", "1,5", "1.e5"})
    EXPECT_FALSE(is_json_number(text)) << text;
}

}  // namespace
}  // namespace tarn::columns
