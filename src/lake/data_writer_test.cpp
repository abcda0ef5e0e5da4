#include "lake/data_writer.h"

#include "lake/copy_result.h"
#include "lake/single_value.h"
#include "lake/written_table_internal.h"

namespace tarn::lake {
namespace {

using testing::must;
using testing::schema_of;
using testing::TextRows;
using testing::WrittenTable;

Single bound(const columns::Schema& schema, const DataFile& file, const std::string& path, bool lower) {
  const columns::Field* field = find_path(schema, path);
  const ColumnStats& stats = file.columns.at(field->id);
  const auto& bytes = lower ? stats.lower : stats.upper;
  if (!bytes) return Single();
  return must(decode_single(field->type, *bytes));
}

TEST(DataWriter, WritesNoFilesForNoRows) {
  WrittenTable plain(schema_of({{"a", "BIGINT"}}));
  EXPECT_TRUE(plain.write("SELECT 1 AS a WHERE false").empty());
  WrittenTable parted(schema_of({{"a", "BIGINT"}}), {"a"});
  EXPECT_TRUE(parted.write("SELECT 1 AS a WHERE false").empty());
  EXPECT_TRUE(std::filesystem::is_empty(plain.store().staging()));
  EXPECT_TRUE(std::filesystem::is_empty(parted.store().staging()));
}

TEST(DataWriter, MatchesColumnsByNameAndCasts) {
  WrittenTable table(schema_of({{"a", "BIGINT"}, {"B c", "VARCHAR"}, {"missing", "DATE"}, {"d", "DOUBLE"}}));
  table.write("SELECT 1.5::FLOAT AS D, 'x' AS \"b C\", 7::TINYINT AS A, 9 AS extra -- a comment");
  EXPECT_EQ(table.rows(), (TextRows{{"7", "x", std::nullopt, "1.5"}}));
  auto bad = table.try_write("SELECT 'seven' AS a");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("seven"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(table.store().staging()));
}

TEST(DataWriter, CastsStructsByNameAtEveryDepth) {
  WrittenTable table(schema_of({{"s", "STRUCT(a BIGINT, b STRUCT(c VARCHAR, d DATE))"},
                                {"l", "STRUCT(x BIGINT, y VARCHAR)[]"},
                                {"m", "MAP(VARCHAR, STRUCT(v DOUBLE))"}}));
  table.write(
      "SELECT {'b': {'C': 'q', 'gone': 1}, 'A': 1::INTEGER} AS s, [{'Y': 'y', 'z': 3}, NULL] AS l, "
      "MAP {'k': {'other': 1}} AS m");
  table.write("SELECT {'other': 1} AS s, [{'other': 1}] AS l, NULL AS m");
  table.write("SELECT NULL AS s, [] AS l, MAP {} AS m");
  EXPECT_EQ(
      table.rows("to_json(s)::VARCHAR, to_json(l)::VARCHAR, to_json(m)::VARCHAR"),
      (TextRows{{std::nullopt, "[]", "{}"},
                {R"({"a":1,"b":{"c":"q","d":null}})", R"([{"x":null,"y":"y"},null])", R"({"k":{"v":null}})"},
                {R"({"a":null,"b":null})", R"([{"x":null,"y":null}])", std::nullopt}}));
}

TEST(DataWriter, WritesNestedValuesOfAJsonColumnAsJson) {
  columns::Schema schema = schema_of({{"j", "VARCHAR"}});
  schema.fields[0].doc = columns::kJsonDoc;
  WrittenTable table(schema);
  table.write("SELECT {'a': [1, 2]} AS j");
  EXPECT_EQ(table.rows(), (TextRows{{R"({"a":[1,2]})"}}));
}

TEST(DataWriter, PutsFieldIdsIntoEveryFileAtEveryDepth) {
  columns::Schema schema = schema_of({{"a \"q\"", "BIGINT"},
                                      {"s", "STRUCT(x BIGINT, y STRUCT(z VARCHAR))"},
                                      {"l", "STRUCT(k BIGINT)[]"},
                                      {"m", "MAP(VARCHAR, BIGINT[])"}},
                                     10);
  WrittenTable table(schema);
  auto files = table.write(
      "SELECT 1 AS \"a \"\"q\"\"\", {'x': 1, 'y': {'z': 'z'}} AS s, [{'k': 1}] AS l, MAP {'a': [1]} AS m");
  auto rows = must(table.connection().text("SELECT field_id, name FROM parquet_schema('" +
                                           table.readable(files.at(0)) +
                                           "') WHERE field_id IS NOT NULL ORDER BY field_id"));
  std::map<int, std::string> ids;
  for (auto& row : rows) ids[std::stoi(*row[0])] = *row[1];
  EXPECT_EQ(ids, (std::map<int, std::string>{{11, "a \"q\""},
                                             {12, "s"},
                                             {13, "x"},
                                             {14, "y"},
                                             {15, "z"},
                                             {16, "l"},
                                             {17, "element"},
                                             {18, "k"},
                                             {19, "m"},
                                             {20, "key"},
                                             {21, "value"},
                                             {22, "element"}}));
}

TEST(DataWriter, GivesExactStatistics) {
  columns::Schema schema = schema_of({{"i", "INTEGER"},
                                      {"l", "BIGINT"},
                                      {"f", "FLOAT"},
                                      {"d", "DOUBLE"},
                                      {"dec", "DECIMAL(20,2)"},
                                      {"b", "BOOLEAN"},
                                      {"day", "DATE"},
                                      {"t", "TIME"},
                                      {"ts", "TIMESTAMP"},
                                      {"tz", "TIMESTAMPTZ"},
                                      {"s", "VARCHAR"},
                                      {"st", "STRUCT(x BIGINT)"},
                                      {"li", "BIGINT[]"},
                                      {"u", "UUID"},
                                      {"bl", "BLOB"}});
  WrittenTable table(schema);
  auto files = table.write(
      "SELECT n::INTEGER AS i, n * 1000000000000 AS l, n / 2 AS f, if(n = 0, 'nan'::DOUBLE, n - 1.0) AS d, "
      "-n * 1.25 AS dec, n > 0 AS b, DATE '1969-12-31' + n::INTEGER AS day, TIME '10:00:00.000001' AS t, "
      "TIMESTAMP '2020-01-01 10:00:00.5' + INTERVAL (n) SECOND AS ts, "
      "TIMESTAMPTZ '2020-01-01 10:00:00+05:30' AS tz, if(n = 3, NULL, 's' || n) AS s, {'x': n} AS st, "
      "[n, n] AS li, uuid() AS u, 'a'::BLOB AS bl FROM range(4) r(n)");
  ASSERT_EQ(files.size(), 1u);
  const DataFile& file = files[0];
  EXPECT_EQ(file.records, 4);
  EXPECT_EQ(static_cast<uint64_t>(file.bytes), std::filesystem::file_size(table.readable(file)));
  auto low = [&](const char* path) { return bound(schema, file, path, true); };
  auto high = [&](const char* path) { return bound(schema, file, path, false); };
  EXPECT_EQ(low("i"), Single(int32_t{0}));
  EXPECT_EQ(high("i"), Single(int32_t{3}));
  EXPECT_EQ(high("l"), Single(int64_t{3000000000000}));
  EXPECT_EQ(high("f"), Single(1.5f));
  EXPECT_TRUE(std::signbit(std::get<float>(low("f"))));
  EXPECT_EQ(high("d"), Single(2.0));
  EXPECT_EQ(low("dec"), Single(encode_unscaled(-375)));
  EXPECT_EQ(high("dec"), Single(encode_unscaled(0)));
  EXPECT_EQ(low("b"), Single(false));
  EXPECT_EQ(high("b"), Single(true));
  EXPECT_EQ(low("day"), Single(int32_t{-1}));
  EXPECT_EQ(high("day"), Single(int32_t{2}));
  EXPECT_EQ(low("t"), Single(int64_t{36000000001}));
  EXPECT_EQ(high("ts"), Single(int64_t{1577872803500000}));
  EXPECT_EQ(low("tz"), Single(int64_t{1577853000000000}));
  EXPECT_EQ(low("s"), Single(std::string("s0")));
  EXPECT_EQ(high("s"), Single(std::string("s2")));
  EXPECT_EQ(high("st.x"), Single(int64_t{3}));
  const ColumnStats& text = file.columns.at(schema.find("s")->id);
  EXPECT_EQ(text.nulls, 1);
  EXPECT_EQ(text.values, 4);
  EXPECT_GT(text.bytes, 0);
  EXPECT_EQ(file.columns.at(schema.find("d")->id).nans, 1);
  EXPECT_EQ(file.columns.at(schema.find("f")->id).nans, 0);
  const columns::Field* list = schema.find("li");
  EXPECT_EQ(file.columns.at(list->type.fields[0].id).values, 8);
  EXPECT_FALSE(file.columns.at(list->type.fields[0].id).lower);
  EXPECT_FALSE(file.columns.at(schema.find("bl")->id).lower);
  EXPECT_FALSE(file.columns.at(schema.find("u")->id).upper);
}

TEST(DataWriter, CutsTextBoundsAndRaisesTheUpperOne) {
  columns::Schema schema = schema_of({{"s", "VARCHAR"}});
  WrittenTable table(schema);
  auto check = [&](const std::string& value, const Single& low, const Single& high) {
    auto files = table.write("SELECT " + value + " AS s");
    EXPECT_EQ(bound(schema, files.at(0), "s", true), low) << value;
    EXPECT_EQ(bound(schema, files.at(0), "s", false), high) << value;
  };
  std::string sixteen(16, 'a');
  check("repeat('a', 16)", sixteen, sixteen);
  check("repeat('a', 17)", sixteen, std::string(15, 'a') + "b");
  check("repeat('a', 300)", sixteen, std::string(15, 'a') + "b");
  std::string umlauts;
  for (int i = 0; i < 15; ++i) umlauts += "ü";
  check("repeat('ü', 17)", umlauts + "ü", umlauts + "ý");
  // DuckDB itself cuts texts of more than 256 bytes.
  check("'x' || repeat('ü', 301)", "x" + umlauts, std::string("y"));
  std::string last = "\U0010FFFF", lasts;
  for (int i = 0; i < 16; ++i) lasts += last;
  check("repeat(chr(1114111), 20)", lasts, Single());
}

TEST(DataWriter, LeavesOutBoundsOutsideOfTheCalendar) {
  columns::Schema schema = schema_of({{"d", "DATE"}, {"t", "TIMESTAMPTZ"}});
  WrittenTable table(schema);
  auto files = table.write("SELECT 'infinity'::DATE AS d, TIMESTAMPTZ '0044-01-01 (BC) 10:00:00+00' AS t");
  EXPECT_EQ(bound(schema, files.at(0), "d", true), Single());
  EXPECT_EQ(bound(schema, files.at(0), "t", false), Single());
}

TEST(DataWriter, RefusesNullsInRequiredColumnsAndLeavesNothingBehind) {
  columns::Schema schema = schema_of({{"a", "BIGINT"}});
  schema.fields[0].required = true;
  WrittenTable table(schema);
  auto written = table.try_write("SELECT * FROM (VALUES (1), (NULL)) v(a)");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kInvalid);
  EXPECT_NE(written.error().message.find("column a is required"), std::string::npos)
      << written.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(table.store().staging()));
  EXPECT_TRUE(must(table.store().list("lake", "", "", 100)).objects.empty());
}

TEST(DataWriter, BeginsANewFileWhenOneIsLargeEnough) {
  WrittenTable table(schema_of({{"a", "UUID"}}));
  WriteOptions options;
  options.file_bytes = 4 * 1024 * 1024;
  auto files = table.write("SELECT uuid() AS a FROM range(1000000)", options);
  EXPECT_GE(files.size(), 3u);
  EXPECT_LE(files.size(), 5u);
  EXPECT_EQ(table.rows("count(*)"), (TextRows{{"1000000"}}));
}

TEST(DataWriter, WritesOneFileWithAllThreads) {
  WrittenTable table(schema_of({{"a", "BIGINT"}}));
  auto files = table.write("SELECT range AS a FROM range(2000000)");
  EXPECT_EQ(files.size(), 1u);
  EXPECT_EQ(table.rows("count(*), sum(a), count(DISTINCT a)"),
            (TextRows{{"2000000", "1999999000000", "2000000"}}));
}

TEST(DataWriter, NamesTheCompressionsThatExist) {
  WrittenTable table(schema_of({{"a", "BIGINT"}}));
  WriteOptions options;
  options.compression = "brotli'";
  auto written = table.try_write("SELECT 1 AS a", options);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("snappy"), std::string::npos);
}

TEST(CopyResult, SplitsQuotedColumnPaths) {
  EXPECT_EQ(split_column_path(R"("a")"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(split_column_path(R"("s"."x.""y"".")"), (std::vector<std::string>{"s", R"(x."y".)"}));
  EXPECT_EQ(split_column_path(R"("s"."x"."y")"), (std::vector<std::string>{"s", "x", "y"}));
}

}  // namespace
}  // namespace tarn::lake
