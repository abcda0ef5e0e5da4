#include "lake/scan_sql.h"

#include "lake/written_table_internal.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Schema;
using testing::must;
using testing::schema_of;
using testing::TextRows;
using testing::WrittenTable;

Field& field(Schema& schema, const std::string& name) {
  return const_cast<Field&>(*schema.find(name));
}

Field make(int id, const std::string& name, const std::string& type) {
  return Field{id, name, must(columns::parse_type(type)), false, ""};
}

TEST(ScanSql, GivesTypedColumnsWithoutFiles) {
  WrittenTable table(
      schema_of({{"a", "BIGINT"}, {"s", "STRUCT(x DATE)"}, {"m", "MAP(VARCHAR, DECIMAL(9,2))"}}));
  EXPECT_TRUE(table.rows().empty());
  EXPECT_EQ(table.rows("any_value(typeof(s))", "RIGHT JOIN (SELECT 1) ON true").size(), 1u);
}

TEST(ScanSql, FollowsColumnsThroughTheirIds) {
  Schema schema = schema_of({{"a", "INTEGER"}, {"b", "VARCHAR"}, {"c", "DECIMAL(4,2)"}, {"f", "FLOAT"}});
  WrittenTable table(schema);
  table.write("SELECT 1 AS a, 'old' AS b, 1.25 AS c, 0.5 AS f");
  Schema next = schema;
  field(next, "a").type = must(columns::parse_type("BIGINT"));        // widened
  field(next, "c").type = must(columns::parse_type("DECIMAL(9,2)"));  // widened
  field(next, "f").type = must(columns::parse_type("DOUBLE"));        // widened
  field(next, "b").id = 5;             // dropped, and added again under its name
  field(next, "c").name = "filename";  // renamed
  next.fields.push_back(make(6, "added", "TIMESTAMPTZ"));
  std::swap(next.fields[0], next.fields[3]);  // moved
  table.evolve(next);
  table.write(
      "SELECT 3000000000 AS a, 'new' AS b, 9999999.25 AS filename, 1.5 AS f, "
      "TIMESTAMPTZ '2020-01-01 00:00:00+00' AS added");
  EXPECT_EQ(table.rows(), (TextRows{{"0.5", std::nullopt, "1.25", "1", std::nullopt},
                                    {"1.5", "new", "9999999.25", "3000000000", "2020-01-01T00:00:00Z"}}));
  EXPECT_EQ(table.rows("a", "WHERE b = 'old'"), TextRows{});
  EXPECT_EQ(table.rows("a", "WHERE b IS NULL AND added IS NULL"), (TextRows{{"1"}}));
}

class NestedEvolution : public ::testing::Test {
 protected:
  Schema schema_ = schema_of({{"s", "STRUCT(x INTEGER, y VARCHAR)"},
                              {"l", "STRUCT(k BIGINT, o VARCHAR)[]"},
                              {"m", "MAP(VARCHAR, STRUCT(v BIGINT))"}});
  // Ids: s 1, x 2, y 3, l 4, element 5, k 6, o 7, m 8, key 9, value 10, v 11.
  WrittenTable table_{schema_};
  static constexpr const char* kJson = "to_json(s)::VARCHAR, to_json(l)::VARCHAR, to_json(m)::VARCHAR";

  void SetUp() override {
    ASSERT_EQ(schema_.highest_id(), 11);
    table_.write(
        "SELECT {'x': 1, 'y': 'one'} AS s, [{'k': 1, 'o': 'o'}, NULL] AS l, MAP {'a': {'v': 1}} AS m");
    table_.write("SELECT NULL AS s, NULL AS l, NULL AS m");
  }
  static std::vector<Field>& struct_of(Schema& schema, const std::string& name) {
    Field& top = field(schema, name);
    if (name == "l") return top.type.fields[0].type.fields;
    if (name == "m") return top.type.fields[1].type.fields;
    return top.type.fields;
  }
};

TEST_F(NestedEvolution, AddedWidenedAndReorderedFields) {
  Schema next = schema_;
  struct_of(next, "s").push_back(make(12, "z", "DATE"));
  struct_of(next, "s")[0].type = must(columns::parse_type("BIGINT"));
  std::swap(struct_of(next, "s")[0], struct_of(next, "s")[1]);
  struct_of(next, "l").push_back(make(13, "n", "STRUCT(deep BIGINT)"));
  struct_of(next, "m").push_back(make(15, "w", "BIGINT[]"));
  columns::assign_ids(next, 20);
  table_.evolve(next);
  EXPECT_EQ(table_.rows(kJson),
            (TextRows{{std::nullopt, std::nullopt, std::nullopt},
                      {R"({"y":"one","x":1,"z":null})", R"([{"k":1,"o":"o","n":null},null])",
                       R"({"a":{"v":1,"w":null}})"}}));
}

TEST_F(NestedEvolution, RenamedFields) {
  Schema next = schema_;
  struct_of(next, "s")[0].name = "renamed";
  struct_of(next, "l")[0].name = "key";
  struct_of(next, "m")[0].name = "amount";
  table_.evolve(next);
  table_.write(
      "SELECT {'renamed': 2, 'y': 'two'} AS s, [{'key': 2, 'o': 'p'}] AS l, MAP {'b': {'amount': 2}} AS m");
  EXPECT_EQ(table_.rows(kJson),
            (TextRows{{std::nullopt, std::nullopt, std::nullopt},
                      {R"({"renamed":1,"y":"one"})", R"([{"key":1,"o":"o"},null])", R"({"a":{"amount":1}})"},
                      {R"({"renamed":2,"y":"two"})", R"([{"key":2,"o":"p"}])", R"({"b":{"amount":2}})"}}));
}

TEST_F(NestedEvolution, SwappedNamesAndNamesUsedAgain) {
  Schema next = schema_;
  struct_of(next, "s")[0] = make(12, "x", "VARCHAR");  // another x
  std::swap(struct_of(next, "l")[1], struct_of(next, "l")[0]);
  struct_of(next, "l")[0].name = "k";  // what was o
  struct_of(next, "l")[1].name = "o";  // what was k
  table_.evolve(next);
  table_.write("SELECT {'x': 'new', 'y': 'two'} AS s, [{'o': 2, 'k': 'p'}] AS l, MAP {'b': {'v': 2}} AS m");
  EXPECT_EQ(table_.rows(kJson),
            (TextRows{{std::nullopt, std::nullopt, std::nullopt},
                      {R"({"x":"new","y":"two"})", R"([{"k":"p","o":2}])", R"({"b":{"v":2}})"},
                      {R"({"x":null,"y":"one"})", R"([{"k":"o","o":1},null])", R"({"a":{"v":1}})"}}));
}

TEST_F(NestedEvolution, StructsThatShareNoFieldWithTheFile) {
  Schema next = schema_;
  struct_of(next, "s").assign(1, make(12, "fresh", "BIGINT"));
  struct_of(next, "l").assign(1, make(13, "fresh", "BIGINT"));
  table_.evolve(next);
  EXPECT_EQ(table_.rows(kJson),
            (TextRows{{std::nullopt, std::nullopt, std::nullopt},
                      {R"({"fresh":null})", R"([{"fresh":null},null])", R"({"a":{"v":1}})"}}));
}

TEST_F(NestedEvolution, OtherColumnsStillFilterInsideTheScan) {
  Schema next = schema_;
  struct_of(next, "s")[0].name = "renamed";
  next.fields.push_back(make(12, "id", "BIGINT"));
  table_.evolve(next);
  table_.write("SELECT 5 AS id, {'renamed': 2} AS s");
  EXPECT_EQ(table_.rows("s.renamed", "WHERE id = 5"), (TextRows{{"2"}}));
}

TEST(Deletes, ByPositionHideRowsOfOlderFilesOnly) {
  WrittenTable table(schema_of({{"a", "BIGINT"}, {"file_row_number", "VARCHAR"}}));
  auto first = table.write("SELECT range AS a, 'x' AS file_row_number FROM range(10)");
  auto second = table.write("SELECT 100 + range AS a, 'x' AS file_row_number FROM range(5)");
  table.foreign("SELECT * FROM (VALUES ('" + first.at(0).path + "', 3::BIGINT), ('" + first.at(0).path +
                    "', 4), ('" + second.at(0).path + "', 0)) v(file_path, pos)",
                "", FileContent::kPositionDeletes);
  EXPECT_EQ(table.rows("count(*), sum(a)"), (TextRows{{"12", std::to_string(45 - 7 + 510 - 100)}}));
  // A file that is newer than the deletes is not concerned, though it were named.
  table.files()[0].sequence_number = 99;
  EXPECT_EQ(table.rows("count(*)", "WHERE a < 100"), (TextRows{{"10"}}));
}

TEST(Deletes, ByEqualityHideEqualRowsOfOlderFiles) {
  WrittenTable table(schema_of({{"a", "BIGINT"}, {"b", "VARCHAR"}}));
  table.write("SELECT range AS a, nullif('b' || range % 2, 'b1') AS b FROM range(10)");
  table.foreign("SELECT 'b0' AS b, 4::BIGINT AS a UNION ALL SELECT NULL, 5", ", FIELD_IDS {a: 1, b: 2}",
                FileContent::kEqualityDeletes);
  table.files().back().equality_ids = {1, 2};
  table.write("SELECT 4 AS a, 'b0' AS b");  // written after the delete
  EXPECT_EQ(table.rows("count(*), sum(a)"), (TextRows{{"9", "40"}}));
  table.foreign("SELECT 4::INTEGER AS a", ", FIELD_IDS {a: 1}", FileContent::kEqualityDeletes);
  table.files().back().equality_ids = {1};
  EXPECT_EQ(table.rows("a", "WHERE a >= 4 AND a <= 6"), (TextRows{{"6"}}));
  // Still applied when the query doesn't have the column, or the table not any more.
  Schema next = table.table().schema();
  next.fields.erase(next.fields.begin());
  table.evolve(next);
  EXPECT_EQ(table.rows("count(*)"), (TextRows{{"8"}}));
}

TEST(Deletes, ByEqualityStayInTheirPartition) {
  WrittenTable table(schema_of({{"p", "VARCHAR"}, {"a", "BIGINT"}}), {"p"});
  table.write("SELECT unnest(['x', 'y']) AS p, 1 AS a");
  table.foreign("SELECT 1::BIGINT AS a", ", FIELD_IDS {a: 2}", FileContent::kEqualityDeletes);
  table.files().back().equality_ids = {2};
  table.files().back().partition = {std::string("x")};
  EXPECT_EQ(table.rows("p"), (TextRows{{"y"}}));
}

TEST(ScanSql, RefusesFilesThatAreNotParquet) {
  WrittenTable table(schema_of({{"a", "BIGINT"}}));
  table.write("SELECT 1 AS a");
  table.files()[0].format = "ORC";
  auto sql = scan_files_sql(table.store(), table.table(), table.files(), table.table().schema());
  ASSERT_FALSE(sql);
  EXPECT_EQ(sql.error().code, Code::kUnsupported);
}

TEST(ScanSql, PushesFiltersAndProjectionsIntoTheFiles) {
  WrittenTable table(schema_of({{"a", "BIGINT"}, {"b", "VARCHAR"}, {"c", "DOUBLE"}}));
  for (int i = 0; i < 3; ++i)
    table.write("SELECT range + " + std::to_string(i * 1000) + " AS a, 'b' AS b, 1.5 AS c FROM range(1000)");
  auto plan = must(table.connection().text("EXPLAIN SELECT a FROM (" + table.scan() +
                                           ") AS t WHERE a > 2500 AND b = 'b'"));
  std::string text;
  for (const auto& row : plan) text += row.back().value_or("");
  EXPECT_EQ(text.find("FILTER"), std::string::npos) << text;  // no operator of its own: the scan filters
  EXPECT_NE(text.find("a>2500"), std::string::npos) << text;
  EXPECT_EQ(text.find("│c"), std::string::npos) << text;
  EXPECT_EQ(table.rows("count(*)", "WHERE a > 2500 AND b = 'b'"), (TextRows{{"499"}}));
}

TEST(ScanSql, ReadsSingleFieldsOfStructs) {
  WrittenTable table(schema_of({{"s", "STRUCT(x BIGINT, y VARCHAR)"}}));
  table.write("SELECT {'x': range, 'y': 'y'} AS s FROM range(10)");
  auto plan = must(table.connection().text("EXPLAIN SELECT sum(s.x) FROM (" + table.scan() + ") AS t"));
  std::string text;
  for (const auto& row : plan) text += row.back().value_or("");
  EXPECT_NE(text.find("s.x"), std::string::npos) << text;
  EXPECT_EQ(table.rows("sum(s.x)"), (TextRows{{"45"}}));
}

TEST(ScanSql, ReadsFilesThatLackAColumnBesideThoseThatHaveIt) {
  Schema schema = schema_of({{"a", "BIGINT"}, {"s", "STRUCT(x BIGINT)"}});
  WrittenTable table(schema);
  table.write("SELECT 1 AS a, {'x': 1} AS s");
  Schema next = schema;
  next.fields.push_back(make(4, "b", "VARCHAR"));
  field(next, "s").type.fields.push_back(make(5, "y", "VARCHAR"));
  table.evolve(next);
  table.write("SELECT 2 AS a, {'x': 2, 'y': 'two'} AS s, 'b' AS b");
  EXPECT_EQ(table.rows("a, s.x, s.y, b"),
            (TextRows{{"1", "1", std::nullopt, std::nullopt}, {"2", "2", "two", "b"}}));
}

}  // namespace
}  // namespace tarn::lake
