#include "lake/transforms.h"

#include "lake/bucket_hash.h"
#include "lake/single_value.h"
#include "lake/written_table_internal.h"

namespace tarn::lake {
namespace {

using testing::must;
using testing::schema_of;
using testing::WrittenTable;

TEST(BucketHash, GivesTheValuesOfTheSpecification) {
  EXPECT_EQ(bucket_hash(int64_t{34}), 2017239379);
  EXPECT_EQ(bucket_hash(std::string_view("iceberg")), 1210000089);
  EXPECT_EQ(bucket_hash(std::string_view("\x00\x01\x02\x03", 4)), -188683207);
  EXPECT_EQ(bucket_hash_decimal(1420), -500754589);
  EXPECT_EQ(bucket_hash(std::string_view("")), 0);
}

class SqlFunctions : public ::testing::Test {
 protected:
  std::string one(const std::string& expression) {
    auto rows = must(table_.connection().text("SELECT " + expression));
    return rows.at(0).at(0).value_or("NULL");
  }
  // The hash is bucket n's remainder; a power of two shows its low bits.
  static std::string bucket(int32_t hash, int32_t n) { return std::to_string((hash & 0x7fffffff) % n); }

  WrittenTable table_{schema_of({{"a", "BIGINT"}})};
};

TEST_F(SqlFunctions, BucketHashesEveryType) {
  const int32_t n = 1 << 30;
  const std::pair<const char*, int32_t> cases[] = {
      {"34::INTEGER", 2017239379},
      {"34::BIGINT", 2017239379},
      {"34::SMALLINT", 2017239379},
      {"14.20::DECIMAL(9,2)", -500754589},
      {"14.20::DECIMAL(4,2)", -500754589},
      {"14.20::DECIMAL(18,2)", -500754589},
      {"14.20::DECIMAL(38,2)", -500754589},
      {"DATE '2017-11-16'", -653330422},
      {"TIME '22:31:08'", -662762989},
      {"TIMESTAMP '2017-11-16 22:31:08'", -2047944441},
      {"TIMESTAMPTZ '2017-11-16 14:31:08-08:00'", -2047944441},
      {"'iceberg'", 1210000089},
      {"'\\x00\\x01\\x02\\x03'::BLOB", -188683207},
      {"'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID", 1488055340},
  };
  for (const auto& [value, hash] : cases)
    EXPECT_EQ(one("tarn_bucket(1073741824, " + std::string(value) + ")"), bucket(hash, n)) << value;
  EXPECT_EQ(one("tarn_bucket(16, NULL::BIGINT)"), "NULL");
  EXPECT_FALSE(table_.connection().text("SELECT tarn_bucket(16, 1.5::DOUBLE)"));
}

TEST_F(SqlFunctions, TruncateRoundsDownAndCutsCharacters) {
  EXPECT_EQ(one("tarn_truncate(10, 1)"), "0");
  EXPECT_EQ(one("tarn_truncate(10, -1)"), "-10");
  EXPECT_EQ(one("tarn_truncate(10, 12345678901234::BIGINT)"), "12345678901230");
  EXPECT_EQ(one("tarn_truncate(3, 'iceberg')"), "ice");
  EXPECT_EQ(one("tarn_truncate(3, 'üäöß')"), "üäö");
  EXPECT_EQ(one("tarn_truncate(30, 'üäöß')"), "üäöß");
  EXPECT_EQ(one("hex(tarn_truncate(2, '\\x00\\xFF\\x02'::BLOB))"), "00FF");
  EXPECT_EQ(one("tarn_truncate_decimal(50, 10.65::DECIMAL(9,2))"), "1050");
  EXPECT_EQ(one("tarn_truncate_decimal(50, -0.05::DECIMAL(38,2))"), "-50");
  EXPECT_EQ(one("tarn_truncate(10, NULL::VARCHAR)"), "NULL");
}

struct Case {
  const char* type;
  const char* partition;
  const char* value;
  Single expected;
  const char* folder;
};

class PartitionValues : public ::testing::TestWithParam<Case> {};

TEST_P(PartitionValues, AreExact) {
  const Case& c = GetParam();
  WrittenTable table(schema_of({{"a", c.type}, {"b", "BIGINT"}}), {c.partition});
  auto files = table.write(std::string("SELECT ") + c.value + " AS a, 7 AS b UNION ALL SELECT NULL, 8");
  ASSERT_EQ(files.size(), 2u);
  const DataFile& file = files[std::holds_alternative<std::monostate>(files[0].partition.at(0)) ? 1 : 0];
  const DataFile& other = files[std::holds_alternative<std::monostate>(files[0].partition.at(0)) ? 0 : 1];
  EXPECT_EQ(file.partition.at(0), c.expected);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(other.partition.at(0)));
  EXPECT_NE(file.path.find(std::string("/data/") + c.folder + "/"), std::string::npos) << file.path;
  // The source column is in the file as it was.
  EXPECT_EQ(table.rows("count(*)", std::string("WHERE a = ") + c.value + " AND b = 7"),
            (testing::TextRows{{"1"}}));
  EXPECT_EQ(table.rows("b", "WHERE a IS NULL"), (testing::TextRows{{"8"}}));
}

INSTANTIATE_TEST_SUITE_P(
    EveryTransform, PartitionValues,
    ::testing::Values(
        Case{"DATE", "year(a)", "DATE '2017-11-16'", int32_t{47}, "a_year=2017"},
        Case{"DATE", "year(a)", "DATE '1969-11-16'", int32_t{-1}, "a_year=1969"},
        Case{"DATE", "month(a)", "DATE '1969-11-16'", int32_t{-2}, "a_month=1969-11"},
        Case{"DATE", "day(a)", "DATE '1969-12-31'", int32_t{-1}, "a_day=1969-12-31"},
        Case{"TIMESTAMP", "month(a)", "TIMESTAMP '2017-11-16 22:31:08'", int32_t{574}, "a_month=2017-11"},
        Case{"TIMESTAMP", "day(a)", "TIMESTAMP '1969-12-31 23:59:59.999999'", int32_t{-1},
             "a_day=1969-12-31"},
        Case{"TIMESTAMP", "hour(a)", "TIMESTAMP '1969-12-31 23:59:59.999999'", int32_t{-1},
             "a_hour=1969-12-31-23"},
        Case{"TIMESTAMPTZ", "year(a)", "TIMESTAMPTZ '2017-11-16 22:31:08+00'", int32_t{47}, "a_year=2017"},
        Case{"TIMESTAMPTZ", "month(a)", "TIMESTAMPTZ '2017-12-01 00:31:08+01'", int32_t{574},
             "a_month=2017-11"},
        Case{"TIMESTAMPTZ", "day(a)", "TIMESTAMPTZ '2017-11-16 22:31:08+00'", int32_t{17486},
             "a_day=2017-11-16"},
        Case{"TIMESTAMPTZ", "hour(a)", "TIMESTAMPTZ '2017-11-16 22:31:08+00'", int32_t{419686},
             "a_hour=2017-11-16-22"},
        Case{"BIGINT", "bucket(16, a)", "34::BIGINT", int32_t{3}, "a_bucket=3"},
        Case{"VARCHAR", "bucket(100, a)", "'iceberg'", int32_t{89}, "a_bucket=89"},
        Case{"VARCHAR", "truncate(2, a)", "'über'", std::string("üb"), "a_trunc=%C3%BCb"},
        Case{"BIGINT", "truncate(10, a)", "-1::BIGINT", int64_t{-10}, "a_trunc=-10"},
        Case{"INTEGER", "truncate(10, a)", "19::INTEGER", int32_t{10}, "a_trunc=10"},
        Case{"DECIMAL(9,2)", "truncate(50, a)", "10.65::DECIMAL(9,2)", std::string("\x04\x1a"),
             "a_trunc=10.50"},
        Case{"BLOB", "truncate(1, a)", "'\\xFF\\x00'::BLOB", std::string("\xff"), "a_trunc=ff"},
        Case{"BOOLEAN", "a", "true", true, "a=true"}, Case{"BOOLEAN", "a", "false", false, "a=false"},
        Case{"INTEGER", "a", "-3", int32_t{-3}, "a=-3"}, Case{"FLOAT", "a", "0.1::FLOAT", 0.1f, "a=0.1"},
        Case{"DOUBLE", "a", "0.1::DOUBLE", 0.1, "a=0.1"},
        Case{"DECIMAL(38,2)", "a", "-0.01::DECIMAL(38,2)", std::string("\xff"), "a=-0.01"},
        Case{"DATE", "a", "DATE '2017-11-16'", int32_t{17486}, "a=2017-11-16"},
        Case{"TIME", "a", "TIME '22:31:08.5'", int64_t{81068500000}, "a=22%3A31%3A08.500000"},
        Case{"TIMESTAMP", "a", "TIMESTAMP '1969-12-31 23:59:59.999999'", int64_t{-1},
             "a=1969-12-31T23%3A59%3A59.999999"},
        Case{"TIMESTAMPTZ", "a", "TIMESTAMPTZ '1970-01-01 00:00:01+00'", int64_t{1000000},
             "a=1970-01-01T00%3A00%3A01%2B00%3A00"},
        Case{"UUID", "a", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID",
             std::string("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7"),
             "a=f79c3e09-677c-4bbd-a479-3f349cb785e7"},
        Case{"BLOB", "a", "'\\x00/\\xFF'::BLOB", std::string("\x00/\xff", 3), "a=002fff"},
        Case{"VARCHAR", "a", "''", std::string(""), "a="},
        Case{"VARCHAR", "a", "'__HIVE_DEFAULT_PARTITION__'", std::string("__HIVE_DEFAULT_PARTITION__"),
             "a=__HIVE_DEFAULT_PARTITION__"},
        Case{"VARCHAR", "a", "'NULL'", std::string("NULL"), "a=NULL"},
        Case{"VARCHAR", "a", "'a/b=c%d''\"\\é \n'", std::string("a/b=c%d'\"\\é \n"),
             "a=a%2Fb%3Dc%25d%27%22%5C%C3%A9%20%0A"},
        Case{"VARCHAR", "a", "'..'", std::string(".."), "a=.."},
        Case{"VARCHAR", "a", "repeat('ü/', 300)",
             []() {
               std::string long_text;
               for (int i = 0; i < 300; ++i) long_text += "ü/";
               return long_text;
             }(),
             "a=%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%C3%BC%2F%"
             "C3%BC"}));

TEST(PartitionedWrite, KeepsFieldsOfStructsAndSeveralKeysApart) {
  WrittenTable table(
      schema_of({{"s", "STRUCT(c VARCHAR, n BIGINT)"}, {"t", "TIMESTAMPTZ"}, {"_tarn_p0", "BIGINT"}}),
      {"s.c", "day(t)"});
  auto files = table.write(
      "SELECT {'c': 'k' || (i % 3), 'n': i} AS s, TIMESTAMPTZ '2020-01-01 00:00:00+00' + INTERVAL (i % 2) "
      "DAY AS t, "
      "i AS _tarn_p0 FROM range(60) r(i)");
  EXPECT_EQ(files.size(), 6u);
  int64_t records = 0;
  for (const DataFile& file : files) records += file.records;
  EXPECT_EQ(records, 60);
  EXPECT_EQ(table.rows("count(*), sum(s.n), sum(_tarn_p0)", ""), (testing::TextRows{{"60", "1770", "1770"}}));
}

TEST(PartitionedWrite, GivesNullToDatesWithoutAPlaceOnTheCalendar) {
  WrittenTable table(schema_of({{"d", "DATE"}}), {"month(d)"});
  auto files = table.write("SELECT 'infinity'::DATE AS d");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(files[0].partition.at(0)));
}

TEST(PartitionedWrite, KeepsMoreValuesApartThanDuckDBKeepsFilesOpen) {
  WrittenTable table(schema_of({{"k", "BIGINT"}, {"v", "VARCHAR"}}), {"k"});
  auto files = table.write("SELECT i % 120 AS k, 'v' || i AS v FROM range(1200) r(i)");
  std::map<int64_t, int64_t> records;
  for (const DataFile& file : files) records[std::get<int64_t>(file.partition.at(0))] += file.records;
  EXPECT_EQ(records.size(), 120u);
  for (const auto& [k, n] : records) EXPECT_EQ(n, 10) << k;
  EXPECT_EQ(table.rows("count(DISTINCT v)"), (testing::TextRows{{"1200"}}));
}

}  // namespace
}  // namespace tarn::lake
