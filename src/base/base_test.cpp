#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/id.h"
#include "base/metrics.h"
#include "base/time.h"

namespace tarn {

TEST(Time, PrintsAndReadsRfc3339) {
  for (const char* text :
       {"2026-11-21T03:22:56Z", "1969-12-31T23:59:59.999999Z", "2000-02-29T00:00:00.000001Z"})
    EXPECT_EQ(to_string(parse_timestamp(text).value()), text);
  EXPECT_EQ(parse_timestamp("1970-01-01T01:00:00+01:00")->us, 0);
  for (const char* text :
       {"2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "x", "2026-01-01T24:00:00Z", ""})
    EXPECT_EQ(parse_timestamp(text).error().code, Code::kInvalid) << text;
}

TEST(Time, DurationsAreNumberAndUnitAndPrintShortest) {
  EXPECT_EQ(parse_duration("250ms")->count(), 250'000);
  EXPECT_EQ(to_string(*parse_duration("3600s")), "1h");
  EXPECT_EQ(to_string(*parse_duration("90s")), "90s");
  EXPECT_EQ(to_string(*parse_duration("0")), "0s");
  for (const char* text : {"", "s", "1", "-1s", "1.5s", "1 s", "99999999999999d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Bytes, AreReadWithUnitsAndPrintExact) {
  EXPECT_EQ(*parse_bytes("64MiB"), 64 * kMiB);
  EXPECT_EQ(*parse_bytes("1.5GiB"), 3 * kGiB / 2);
  EXPECT_EQ(*parse_bytes("10MB"), 10'000'000u);
  EXPECT_EQ(*parse_bytes("512"), 512u);
  EXPECT_EQ(format_bytes(64 * kMiB), "64MiB");
  EXPECT_EQ(format_bytes(1000), "1000B");
  for (const char* text : {"", "MiB", "-1MiB", "1XB", "1e400"}) EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Bytes, KnowsWellFormedUtf8) {
  EXPECT_TRUE(is_utf8("abc \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8A"));
  for (std::string_view bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80", "\xF0\x8F\xBF\xBF"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
  std::string zeros(32, '\0'), ones(32, '\xFF'), up;
  for (int i = 0; i < 32; ++i) up += static_cast<char>(i);
  EXPECT_EQ(crc32c(zeros.data(), 32), 0x8A9136AAu);
  EXPECT_EQ(crc32c(ones.data(), 32), 0x62A8AB43u);
  EXPECT_EQ(crc32c(up.data(), 32), 0x46DD794Eu);
}

TEST(Crc32c, FastFormEqualsTheTableAtEveryLengthAndSeed) {
  std::string data(10'000, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 131 + (i >> 7));
  for (size_t size = 0; size <= data.size(); size += size < 200 ? 1 : 977)
    EXPECT_EQ(crc32c(data.data(), size, 7), crc32c_portable(data.data(), size, 7)) << size;
  uint32_t split = crc32c(data.data() + 5000, 5000, crc32c(data.data(), 5000));
  EXPECT_EQ(split, crc32c(data.data(), 10'000));
}

TEST(Id, HasItsVersionAndIsUnique) {
  EXPECT_EQ(uuid_v4()[14], '4');
  EXPECT_EQ(uuid_v7()[14], '7');
  EXPECT_NE(uuid_v4(), uuid_v4());
  EXPECT_GT(random_positive_i64(), 0);
}

TEST(Metrics, WritePrometheusText) {
  Metrics metrics;
  metrics.counter("tarn_a_total", "An a.", {{"stream", "x\"y"}}).add(3);
  metrics.gauge("tarn_b", "A b.").set(-2);
  metrics.histogram("tarn_c_seconds", "A c.").observe(0.00015);
  std::string text = metrics.text();
  EXPECT_NE(text.find("# TYPE tarn_a_total counter\ntarn_a_total{stream=\"x\\\"y\"} 3\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("tarn_b -2\n"), std::string::npos);
  EXPECT_NE(text.find("tarn_c_seconds_bucket{le=\"0.0001\"} 0\ntarn_c_seconds_bucket{le=\"0.0002\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("tarn_c_seconds_bucket{le=\"+Inf\"} 1\n"), std::string::npos);
}

}  // namespace tarn
