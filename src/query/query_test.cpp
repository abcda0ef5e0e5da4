// Statements and their results.
#include <algorithm>
#include <atomic>
#include <filesystem>

#include <fmt/format.h>

#include "query/lake_for_test.h"
#include "query/statement.h"

namespace tarn::query {
namespace {

TEST_F(QueryTest, ReadsATableByItsFullAndByItsShortName) {
  EXPECT_EQ(run("SELECT * FROM raw.t ORDER BY a").value(), "a,b\n1,x\n2,y\n");
  EXPECT_EQ(run("SELECT T.A, raw.t.b FROM RAW.T ORDER BY 1").value(), "a,b\n1,x\n2,y\n");
  EXPECT_EQ(run("FROM t SELECT count(*) AS n").value(), "n\n2\n");
  EXPECT_EQ(run("WITH t AS (SELECT 7 AS a) SELECT a FROM t").value(), "a\n7\n");
  EXPECT_EQ(run("SELECT x.a FROM t x JOIN raw.t y USING (a) WHERE a IN (SELECT max(a) FROM raw.t)").value(),
            "a\n2\n");
}

TEST_F(QueryTest, TravelsToASnapshotAndToATime) {
  EXPECT_EQ(run("SELECT * FROM raw.t AT (VERSION => " + std::to_string(first_) + ")").value(), "a,b\n1,x\n");
  EXPECT_EQ(run("SELECT count(*) AS n FROM raw.t AT (TIMESTAMP => now()::TIMESTAMP)").error().code,
            Code::kInvalid);
  EXPECT_EQ(
      run("SELECT count(*) AS n FROM raw.t AT (TIMESTAMP => TIMESTAMPTZ '2999-01-01 00:00:00Z')").value(),
      "n\n2\n");
  EXPECT_EQ(code("SELECT * FROM raw.t AT (TIMESTAMP => '2001-01-01')"), Code::kNotFound);
  EXPECT_EQ(code("SELECT * FROM raw.t AT (VERSION => 5)"), Code::kNotFound);
}

TEST_F(QueryTest, ShowsTheCatalogAsTables) {
  EXPECT_EQ(run("SELECT name, records FROM system.tables").value(), "name,records\nt,2\n");
  EXPECT_EQ(run("SHOW TABLES").value(), "database,name\nraw,t\n");
  EXPECT_EQ(run("SELECT count(*) AS n, count(*) FILTER (current) AS c FROM system.snapshots").value(),
            "n,c\n2,1\n");
  EXPECT_EQ(
      run("SELECT column_name, data_type FROM information_schema.columns ORDER BY ordinal_position").value(),
      "column_name,data_type\na,BIGINT\nb,VARCHAR\n");
  EXPECT_EQ(run("SELECT column_name FROM (DESCRIBE raw.t)").value(), "column_name\na\nb\n");
}

TEST_F(QueryTest, ErrorsPointAtThePlaceAndNameWhatIsNear) {
  Error syntax = run("SELECT a\nFRM raw.t").error();
  EXPECT_EQ(syntax.code, Code::kInvalid);
  EXPECT_NE(syntax.message.find("LINE 2"), std::string::npos) << syntax.message;
  Error column = run("SELECT aa FROM raw.t").error();
  EXPECT_NE(column.message.find("LINE 1"), std::string::npos) << column.message;
  EXPECT_NE(run("SELECT * FROM raw.tt").error().message.find("raw.t"), std::string::npos);
}

TEST_F(QueryTest, StopsAtTheTimeoutAndTheSessionGoesOnWorking) {
  auto result = run("SELECT sum(sqrt(i * j)) FROM range(10000000) a(i), range(10000000) b(j)", Format::kCsv,
                    std::chrono::milliseconds(200));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kTimeout);
  EXPECT_EQ(run("SELECT 1 AS a").value(), "a\n1\n");
}

TEST_F(QueryTest, CancelEndsARunningQuery) {
  auto running = engine_->start("SELECT i FROM range(100000000000) t(i)", {principal_}, std::nullopt).value();
  ASSERT_TRUE(running->next());
  running->cancel();
  Result<std::optional<duck::Chunk>> chunk = std::optional<duck::Chunk>();
  do chunk = running->next();
  while (chunk && *chunk);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code, Code::kCancelled);
}

TEST_F(QueryTest, AQueryThatNobodyWaitsForIsCancelledBeforeItsFirstRow) {
  std::atomic<int> asked = 0;
  auto refused = engine_->start("SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) % 7 = 3",
                                {principal_}, std::nullopt, [&] { return ++asked > 2; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCancelled);
}

TEST_F(QueryTest, MoreQueriesThanTheLimitAreBusy) {
  std::vector<std::unique_ptr<Running>> running;
  for (int i = 0; i < limits_.queries_max; ++i)
    running.push_back(engine_->start("SELECT * FROM range(1000000)", {principal_}, std::nullopt).value());
  auto refused = engine_->start("SELECT 1", {principal_}, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_GT(refused.error().retry_after_ms, 0);
  running.pop_back();
  EXPECT_TRUE(engine_->start("SELECT 1", {principal_}, std::nullopt));
}

TEST_F(QueryTest, ExportsParquetThatGoesWithItsValue) {
  std::filesystem::path path;
  {
    auto file = engine_->export_parquet("SELECT * FROM raw.t", {principal_}, std::nullopt).value();
    path = file->path;
    EXPECT_GT(std::filesystem::file_size(path), 100u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(QueryTest, ExportsStatementsHoweverTheyEnd) {
  for (const char* sql :
       {"SELECT * FROM raw.t;", "SELECT * FROM raw.t ;;\n", "SELECT * FROM raw.t -- all of it",
        "SELECT 1; -- done", "SELECT ';' AS s;/* ; */", "WITH x AS (FROM raw.t) FROM x; "}) {
    auto file = engine_->export_parquet(sql, {principal_}, std::nullopt);
    EXPECT_TRUE(file) << sql << file.error().message;
  }
  auto explained = engine_->export_parquet("EXPLAIN SELECT 1", {principal_}, std::nullopt);
  ASSERT_FALSE(explained);
  EXPECT_EQ(explained.error().code, Code::kInvalid);
}

TEST_F(QueryTest, WritesEveryTypeAsJson) {
  EXPECT_EQ(
      run("SELECT 1::TINYINT AS a, 1.0 AS b, 1::DOUBLE AS c, 'NaN'::DOUBLE AS d, true AS e, NULL AS f, "
          "170141183460469231731687303715884105727::HUGEINT AS g, DATE '2026-01-31' AS h, TIME '01:02:03.5' "
          "AS i, "
          "TIMESTAMP '2026-01-31 01:02:03' AS j, TIMESTAMPTZ '2026-01-31 01:02:03.25Z' AS k, "
          "'\"q\\\n'::VARCHAR AS l, '\\x00a'::BLOB AS m, [1, NULL] AS n, {'x': 'y'} AS o, MAP {'k': 1} AS p, "
          "-0.05::DECIMAL(4,2) AS q, INTERVAL '1 year 2 days 3.5 seconds' AS r, "
          "uuid '00000000-0000-4000-8000-000000000001' AS s, 'b'::ENUM('a', 'b') AS t, "
          "18446744073709551615::UBIGINT AS u",
          Format::kNdjson)
          .value(),
      "{\"a\":1,\"b\":1.0,\"c\":1.0,\"d\":null,\"e\":true,\"f\":null,\"g\":"
      "170141183460469231731687303715884105727,"
      "\"h\":\"2026-01-31\",\"i\":\"01:02:03.500000\",\"j\":\"2026-01-31T01:02:03\",\"k\":\"2026-01-31T01:02:"
      "03.250000Z\","
      "\"l\":\"\\\"q\\\\\\n\",\"m\":\"\\\\x00a\",\"n\":[1,null],\"o\":{\"x\":\"y\"},\"p\":{\"k\":1},\"q\":-0."
      "05,"
      "\"r\":\"P1Y2DT3.500000S\",\"s\":\"00000000-0000-4000-8000-000000000001\",\"t\":\"b\",\"u\":"
      "18446744073709551615}\n");
  EXPECT_EQ(code("SELECT '101'::BIT AS b"), Code::kUnsupported);
}

TEST_F(QueryTest, JsonHasColumnsWithTypesAndRows) {
  EXPECT_EQ(run("SELECT 1::BIGINT AS a, ['x'] AS b", Format::kJson).value(),
            "{\"columns\":[{\"name\":\"a\",\"type\":\"BIGINT\"},{\"name\":\"b\",\"type\":\"VARCHAR[]\"}],"
            "\"rows\":[\n[1,[\"x\"]]\n]}\n");
}

TEST_F(QueryTest, CsvQuotesWhatMustBeAndTellsNullFromEmpty) {
  EXPECT_EQ(run("SELECT 'a,b' AS x, '' AS y, NULL AS z, 'q\"q' AS w").value(),
            "x,y,z,w\n\"a,b\",\"\",,\"q\"\"q\"\n");
}

TEST_F(QueryTest, TransformsReadRecordsOnlyAndHideTheRecordsOwnColumns) {
  auto connection = database_->connect().value();
  const std::string source = "SELECT 1 AS a, 2 AS _seq, 3 AS _arrived, 4 AS _key";
  auto columns_of = [&](const std::string& transform) {
    std::string sql = transform_sql(connection, transform, source).value();
    auto rows = connection.stream(sql).value();
    std::string names;
    for (size_t i = 0; i < rows.columns(); ++i) names += rows.name(i) + " ";
    return names;
  };
  EXPECT_EQ(columns_of("SELECT * FROM records"), "a ");
  EXPECT_EQ(columns_of("SELECT *, _seq AS s FROM records WHERE _key = 4"), "a s ");
  EXPECT_EQ(columns_of("FROM records SELECT * EXCLUDE (a), a + 1 AS b"), "b ");
  EXPECT_EQ(transform_sql(connection, "SELECT * FROM raw.t", source).error().code, Code::kInvalid);
  EXPECT_EQ(transform_sql(connection, "WITH records AS (FROM records) FROM records", source).error().code,
            Code::kInvalid);
  EXPECT_EQ(columns_of("WITH x AS (SELECT * FROM records) SELECT x.a FROM x"), "a ");
  EXPECT_EQ(
      transform_sql(connection, "SELECT r.* FROM records r, t, (WITH t AS (SELECT 1) SELECT 1) x", source)
          .error()
          .code,
      Code::kInvalid);
  EXPECT_FALSE(connection.text(
      transform_sql(connection, "SELECT repeat('x', 1500000000) FROM records", source).value()));
  EXPECT_EQ(transform_sql(connection, "SELECT 1", source).error().code, Code::kInvalid);
  EXPECT_EQ(transform_sql(connection, "SELECT * FROM records, read_csv('x')", source).error().code,
            Code::kDenied);
  EXPECT_EQ(transform_sql(connection, "DELETE FROM records", source).error().code, Code::kDenied);
}

}  // namespace
}  // namespace tarn::query
