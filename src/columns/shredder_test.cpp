// Values to columns, and what happens to those that don't fit.
#include "columns/shredder.h"

#include <random>

#include <gtest/gtest.h>

#include "columns/shred_for_test.h"

namespace tarn::columns {
namespace {

using testing::HandMadeFrame;
using testing::make_field;
using testing::make_schema;
using testing::shred;
using testing::Shredded;
using testing::Text;

using Row = std::vector<Text>;
constexpr std::nullopt_t kNull = std::nullopt;

ScanSpec spec_of(Schema schema, bool declared = false) {
  ScanSpec spec;
  spec.schema = std::move(schema);
  spec.declared = declared;
  return spec;
}

struct Outcome {
  Text value;
  Text rescued;
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << o.value.value_or("NULL") << " | " << o.rescued.value_or("NULL");
}

// One column "a" of this type, one record {"a":<value>}.
Outcome outcome(const std::string& type, const std::string& value, bool declared = true) {
  Shredded got = shred(spec_of(make_schema({{"a", type}}), declared), {"{\"a\":" + value + "}"});
  EXPECT_TRUE(got.errors.empty()) << got.errors[0].second;
  EXPECT_EQ(got.rows.size(), 1u);
  return {got.rows.at(0).at(0), got.rescued.at(0)};
}
Outcome fits(const std::string& value) {
  return {value, kNull};
}
Outcome misfit(const std::string& value) {
  return {kNull, "{\"a\":" + value + "}"};
}

TEST(Shredder, ConvertsScalarsOfEveryType) {
  EXPECT_EQ(outcome("BOOLEAN", "true"), fits("true"));
  EXPECT_EQ(outcome("BOOLEAN", "false"), fits("false"));
  EXPECT_EQ(outcome("INTEGER", "-2147483648"), fits("-2147483648"));
  EXPECT_EQ(outcome("BIGINT", "9223372036854775807"), fits("9223372036854775807"));
  EXPECT_EQ(outcome("FLOAT", "1.5"), fits("1.5"));
  EXPECT_EQ(outcome("DOUBLE", "0.1"), fits("0.1"));
  EXPECT_EQ(outcome("DOUBLE", "7"), fits("7.0"));
  EXPECT_EQ(outcome("VARCHAR", R"("text")"), fits(R"("text")"));
  EXPECT_EQ(outcome("VARCHAR", R"("")"), fits(R"("")"));
  EXPECT_EQ(outcome("VARCHAR", R"("twelve bytes")"), fits(R"("twelve bytes")"));
  EXPECT_EQ(outcome("VARCHAR", R"("thirteen byte")"), fits(R"("thirteen byte")"));
  EXPECT_EQ(outcome("VARCHAR", R"("caf\u00e9 \ud83d\ude00 \/")"), fits(R"("café 😀 /")"));
  EXPECT_EQ(outcome("VARCHAR", "\"x\"  "), fits(R"("x")"));
  EXPECT_EQ(outcome("DATE", R"("2026-11-21")"), fits(R"("2026-11-21")"));
  EXPECT_EQ(outcome("TIME", R"("12:34:56.5")"), fits(R"("12:34:56.500000")"));
  EXPECT_EQ(outcome("TIMESTAMP", R"("2026-11-21T01:02:03")"), fits(R"("2026-11-21T01:02:03")"));
  EXPECT_EQ(outcome("TIMESTAMPTZ", R"("2026-11-21T01:02:03+01:00")"), fits(R"("2026-11-21T00:02:03Z")"));
  EXPECT_EQ(outcome("DECIMAL(4,2)", "12.34"), fits("12.34"));
  EXPECT_EQ(outcome("DECIMAL(9,2)", "-0.5"), fits("-0.50"));
  EXPECT_EQ(outcome("DECIMAL(18,2)", R"("1234567890.12")"), fits("1234567890.12"));
  EXPECT_EQ(outcome("DECIMAL(38,2)", "123456789012345678901234.5"), fits("123456789012345678901234.50"));
  EXPECT_EQ(outcome("UUID", R"("F81D4FAE-7dec-11d0-a765-00a0c91e6bf6")"),
            fits(R"("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")"));
  EXPECT_EQ(outcome("BLOB", R"("Zm9v")"), fits(R"("foo")"));
  EXPECT_EQ(outcome("JSON", R"({ "x" : [1, "a b"] })"), fits(R"("{\"x\":[1,\"a b\"]}")"));
  EXPECT_EQ(outcome("JSON", "1.50"), fits(R"("1.50")"));
  EXPECT_EQ(outcome("JSON", R"("t\n")"), fits(R"("\"t\\n\"")"));
  for (const char* type : {"BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMPTZ", "DECIMAL(20,3)",
                           "UUID", "BLOB", "JSON", "BIGINT[]", "STRUCT(x BIGINT)", "MAP(VARCHAR, BIGINT)"})
    EXPECT_EQ(outcome(type, "null"), (Outcome{kNull, kNull})) << type;
}

TEST(Shredder, RescuesWhatDoesNotFitItsColumn) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"BOOLEAN", {"1", R"("true")", "[]"}},
      {"INTEGER", {"2147483648", "1.0", R"("1")"}},
      {"BIGINT", {"9223372036854775808", "1.0", "1e2", R"("1")", "true", "{}", "[1]", "1e999"}},
      {"FLOAT", {"1e39", R"("x")"}},
      {"DOUBLE", {"1e999", R"("1")", "false"}},
      {"VARCHAR", {"1", "true", R"({"b":1})", "[1]"}},
      {"DATE", {"20", R"("2026-02-30")", R"("2026-11-21T00:00:00Z")"}},
      {"TIME", {R"("25:00:00")", "1"}},
      {"TIMESTAMP", {R"("2026-11-21T01:02:03Z")", R"("now")", "5"}},
      {"TIMESTAMPTZ", {R"("2026-11-21T01:02:03")", "1700000000", R"("")"}},
      {"DECIMAL(4,2)", {"123.45", "1.234", R"("1,2")", R"("")", R"("1 ")", "true", "1e2"}},
      {"UUID", {R"("f81d4fae")", "1"}},
      {"BLOB", {R"("Z")", "1"}},
      {"BIGINT[]", {"1", R"({"a":1})", R"("[]")"}},
      {"STRUCT(x BIGINT)", {"[]", "1", R"("{}")"}},
      {"MAP(VARCHAR, BIGINT)", {"[]", "1"}},
  };
  for (const auto& [type, values] : cases) {
    for (const std::string& value : values) EXPECT_EQ(outcome(type, value), misfit(value)) << type;
  }
}

TEST(Shredder, TakesEveryValueAsTextWhereTheSchemaIsInferred) {
  EXPECT_EQ(outcome("VARCHAR", "1.50", false), fits(R"("1.50")"));
  EXPECT_EQ(outcome("VARCHAR", "true", false), fits(R"("true")"));
  EXPECT_EQ(outcome("VARCHAR", R"([1, {"b" : "c"}])", false), fits(R"("[1,{\"b\":\"c\"}]")"));
  EXPECT_EQ(outcome("VARCHAR", "null", false), (Outcome{kNull, kNull}));
  EXPECT_EQ(outcome("BIGINT", "1.0", false), misfit("1.0"));
}

TEST(Shredder, RescuesFieldsWithoutAColumnButNotTheirNulls) {
  ScanSpec spec = spec_of(make_schema({{"a", "BIGINT"}}));
  Shredded got = shred(spec, {R"({"a":1,"b":null})", R"({"b":{"x" : [ 1 ]},"a":2,"c":"d"})", R"({})"});
  EXPECT_EQ(got.rows, (std::vector<Row>{{"1"}, {"2"}, {kNull}}));
  EXPECT_EQ(got.rescued, (std::vector<Text>{kNull, R"({"b":{"x":[1]},"c":"d"})", kNull}));
}

TEST(Shredder, KeepsTheFirstOfRepeatedFieldsAndRescuesTheOthers) {
  ScanSpec spec = spec_of(make_schema({{"a", "BIGINT"}}));
  Shredded got =
      shred(spec, {R"({"a":1,"a":2})", R"({"a":1,"a":2,"a":[3]})", R"({"a":"x","a":2})",
                   R"({"a":null,"a":2})", R"({"a":1,"a":null})", R"({"z":1,"z":2})", R"({"A":5,"a":6})"});
  EXPECT_EQ(got.rows, (std::vector<Row>{{"1"}, {"1"}, {kNull}, {kNull}, {"1"}, {kNull}, {"5"}}));
  EXPECT_EQ(got.rescued, (std::vector<Text>{R"({"a":2})", R"({"a":[2,[3]]})", R"({"a":["x",2]})",
                                            R"({"a":2})", kNull, R"({"z":[1,2]})", R"({"a":6})"}));
}

TEST(Shredder, MatchesNamesExactlyThenWithoutCaseAndUnescaped) {
  ScanSpec spec = spec_of(make_schema({{"Name", "BIGINT"}, {"é\"x", "BIGINT"}}));
  Shredded got = shred(spec, {R"({"Name":1})", R"({"NAME":2})", R"({"n\u0061me":3})", R"({"\u00e9\"X":4})",
                              R"({"É\"x":5})", R"({"nam":6,"names":7})"});
  EXPECT_EQ(got.rows,
            (std::vector<Row>{
                {"1", kNull}, {"2", kNull}, {"3", kNull}, {kNull, "4"}, {kNull, kNull}, {kNull, kNull}}));
  EXPECT_EQ(got.rescued[4], R"({"É\"x":5})");
  EXPECT_EQ(got.rescued[5], R"({"nam":6,"names":7})");
}

TEST(Shredder, FollowsFieldsThatChangeTheirOrderAndComeAndGo) {
  ScanSpec spec = spec_of(make_schema({{"a", "BIGINT"}, {"b", "BIGINT"}, {"c", "BIGINT"}, {"d", "BIGINT"}}));
  std::vector<std::string> records;
  std::vector<Row> expected;
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::vector<int> order = {0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    order.resize(random() % 5);
    std::string record;
    Row row(4);
    for (int column : order) {
      row[column] = std::to_string(i * 10 + column);
      record += (record.empty() ? "{\"" : ",\"") + std::string(1, static_cast<char>('a' + column)) +
                "\":" + *row[column];
    }
    records.push_back(record.empty() ? "{}" : record + "}");
    expected.push_back(row);
  }
  EXPECT_EQ(shred(spec, records).rows, expected);
}

TEST(Shredder, FillsStructsListsAndMapsWithTheirNulls) {
  ScanSpec spec = spec_of(make_schema({{"s", "STRUCT(x BIGINT, t STRUCT(y VARCHAR))"},
                                       {"l", "BIGINT[]"},
                                       {"ll", "STRUCT(p BIGINT, q VARCHAR[])[]"},
                                       {"m", "MAP(VARCHAR, DOUBLE)"}}));
  Shredded got = shred(
      spec,
      {R"({"s":{"x":1,"t":{"y":"a"}},"l":[1,null,3],"ll":[{"p":1,"q":["u",null]},null,{"q":[]}],"m":{"k":1,"n":null}})",
       R"({"s":{"t":null},"l":[],"ll":null,"m":{}})", R"({"s":null})", R"({"s":{},"l":[4],"ll":[{}]})"});
  EXPECT_EQ(got.rows,
            (std::vector<Row>{{R"({"x":1,"t":{"y":"a"}})", "[1,null,3]",
                               R"([{"p":1,"q":["u",null]},null,{"p":null,"q":[]}])", R"({"k":1.0,"n":null})"},
                              {R"({"x":null,"t":null})", "[]", kNull, "{}"},
                              {kNull, kNull, kNull, kNull},
                              {R"({"x":null,"t":null})", "[4]", R"([{"p":null,"q":null}])", kNull}}));
  EXPECT_EQ(got.rescued, std::vector<Text>(4));
}

TEST(Shredder, RescuesNestedMisfitsUnderTheirPathAndKeepsTheNeighbours) {
  ScanSpec spec = spec_of(make_schema({{"s", "STRUCT(x BIGINT, y BIGINT)"},
                                       {"l", "STRUCT(p BIGINT)[]"},
                                       {"n", "BIGINT[][]"},
                                       {"m", "MAP(BIGINT, BIGINT)"}}));
  Shredded got = shred(
      spec, {R"({"s":{"x":"a","y":2,"z":{"w":1}},"l":[{"p":1},{"p":"b"},7,{"p":2,"p":3}],"n":[[1,"c"],2]})",
             R"({"m":{"1":2,"x":3,"4":"d","1":5}})"});
  EXPECT_EQ(got.rows[0],
            (Row{R"({"x":null,"y":2})", R"([{"p":1},{"p":null},null,{"p":2}])", "[[1,null],null]", kNull}));
  EXPECT_EQ(got.rescued[0],
            R"({"s.x":"a","s.z":{"w":1},"l[1].p":"b","l[2]":7,"l[3].p":3,"n[0][1]":"c","n[1]":2})");
  EXPECT_EQ(got.rows[1][3], R"({"1":2,"4":null})");
  EXPECT_EQ(got.rescued[1], R"({"m.x":3,"m.4":"d","m.1":5})");
}

TEST(Shredder, GrowsListsFarBeyondAChunk) {
  ScanSpec spec = spec_of(make_schema({{"l", "STRUCT(v VARCHAR[], n BIGINT)[]"}}));
  std::vector<std::string> records;
  std::vector<Row> expected;
  for (int i = 0; i < 40; ++i) {
    std::string list = "[";
    for (int k = 0; k < i * 20; ++k) {
      if (k > 0) list += ',';
      if (k % 7 == 3) {
        list += "null";
      } else {
        list += "{\"v\":[\"" + std::string(k % 30, 'v') +
                "\",null],\"n\":" + (k % 5 ? std::to_string(k) : "null") + "}";
      }
    }
    list += "]";
    records.push_back("{\"l\":" + list + "}");
    expected.push_back({list});
  }
  EXPECT_EQ(shred(spec, records).rows, expected);
}

TEST(Shredder, RejectsRecordsThatBreakADeclaredSchema) {
  ScanSpec spec;
  spec.schema.fields = {make_field("id", "BIGINT", true), make_field("v", "VARCHAR"),
                        make_field("l", "BIGINT[]"), make_field("s", "STRUCT(x BIGINT)")};
  spec.declared = true;
  spec.on_violation = OnViolation::kReject;
  Shredded got =
      shred(spec, {R"({"id":1,"v":"x","extra":1})", R"({"v":"x"})", R"({"id":null})", R"({"id":1,"v":2})",
                   R"({"id":1,"l":[1,"x"]})", R"({"id":1,"s":{"x":1.5}})", "nonsense", R"({"id":2,"id":3})"});
  EXPECT_EQ(got.errors,
            (std::vector<std::pair<uint64_t, std::string>>{{1, "field \"id\" is required and missing"},
                                                           {2, "field \"id\" is required and null"},
                                                           {3, "field \"v\": 2 is not a VARCHAR"},
                                                           {4, "field \"l[1]\": \"x\" is not a BIGINT"},
                                                           {5, "field \"s.x\": 1.5 is not a BIGINT"},
                                                           {6, "not a JSON object at byte 0"}}));
  EXPECT_EQ(got.rows, (std::vector<Row>{{"1", R"("x")", kNull, kNull}, {"2", kNull, kNull, kNull}}));
  EXPECT_EQ(got.rescued, (std::vector<Text>{R"({"extra":1})", R"({"id":3})"}));

  spec.rescue = false;  // nowhere to put them
  got = shred(spec, {R"({"id":1,"v":"x","extra":1})", R"({"id":2,"id":3})", R"({"id":3,"extra":null})"});
  EXPECT_EQ(got.errors, (std::vector<std::pair<uint64_t, std::string>>{
                            {0, "field \"extra\" has no column; its value is 1"},
                            {1, "field \"id\" comes twice; the second time as 3"}}));
}

TEST(Shredder, KeepsRowsOfARescuingSchemaEvenWithoutARequiredField) {
  ScanSpec spec;
  spec.schema.fields = {make_field("id", "BIGINT", true)};
  spec.declared = true;
  Shredded got = shred(spec, {R"({"x":1})", R"({"id":"a"})"});
  EXPECT_EQ(got.rows, (std::vector<Row>{{kNull}, {kNull}}));
  EXPECT_EQ(got.rescued, (std::vector<Text>{R"({"x":1})", R"({"id":"a"})"}));
}

TEST(Shredder, KeepsTenThousandFields) {
  std::string record = "{";
  std::string rescued = "{";
  for (int i = 0; i < 10'000; ++i) {
    std::string field = "\"f" + std::to_string(i) + "\":" + std::to_string(i);
    record += (i ? "," : "") + field;
    if (i != 77) rescued += (i ? "," : "") + field;
  }
  Shredded got = shred(spec_of(make_schema({{"f77", "BIGINT"}})), {record + "}", record + "}"});
  EXPECT_EQ(got.rows, (std::vector<Row>{{"77"}, {"77"}}));
  EXPECT_EQ(got.rescued, (std::vector<Text>{rescued + "}", rescued + "}"}));
}

TEST(Shredder, TakesTextsOfManyMegabytes) {
  std::string plain(2 << 20, 'p');
  std::string escaped;
  for (int i = 0; i < 300'000; ++i) escaped += "\\u00e9";
  Shredded got = shred(spec_of(make_schema({{"a", "VARCHAR"}, {"b", "VARCHAR"}})),
                       {"{\"a\":\"" + plain + "\",\"b\":\"" + escaped + "\"}"});
  EXPECT_EQ(got.rows[0][0], "\"" + plain + "\"");
  EXPECT_EQ(got.rows[0][1]->size(), 600'002u);
}

// The verdict and every value are the same whatever else is asked for.
TEST(Shredder, GivesTheSameRowsUnderEveryProjection) {
  const std::vector<std::string> records = {
      R"({"a":1,"b":"x","c":[1,2],"d":{"e":"f"}})",
      R"({"a":"bad","b":1,"c":["y"],"d":{"e":2,"g":3}})",
      "broken",
      R"({"d":{"e":"\ud800"}})",  // wrong only inside a column that may not be wanted
      R"({"c":[1,}]})",
      R"({"b":"\n","A":2,"a":3})"};
  for (bool reject : {false, true}) {
    ScanSpec spec = spec_of(
        make_schema({{"a", "BIGINT"}, {"b", "VARCHAR"}, {"c", "BIGINT[]"}, {"d", "STRUCT(e VARCHAR)"}}),
        true);
    if (reject) spec.on_violation = OnViolation::kReject;
    HandMadeFrame frame(records);
    Shredded full = shred(spec, frame.view());
    EXPECT_EQ(full.errors.size(), reject ? 4u : 3u);
    for (unsigned mask = 0; mask < 16; ++mask) {
      std::vector<size_t> projection;
      for (size_t i = 0; i < 4; ++i) {
        if (mask >> (3 - i) & 1) projection.push_back(3 - i);
      }
      Shredded part = shred(spec, frame.view(), &projection);
      EXPECT_EQ(part.errors, full.errors);
      EXPECT_EQ(part.rescued, full.rescued);
      ASSERT_EQ(part.rows.size(), full.rows.size());
      for (size_t row = 0; row < part.rows.size(); ++row) {
        for (size_t k = 0; k < projection.size(); ++k)
          EXPECT_EQ(part.rows[row][k], full.rows[row][projection[k]]);
      }
    }
  }
}

TEST(Validator, JudgesAsTheErrorTableDoes) {
  ScanSpec spec;
  spec.schema.fields = {make_field("id", "BIGINT", true)};
  spec.declared = true;
  spec.on_violation = OnViolation::kStrict;
  Validator validator(spec);
  const std::vector<std::string> records = {
      R"({"id":1})",   R"({"id":"x"})",  "{}", "", R"({"id":1)", "{\"id\":\"\xff\"}",
      R"({"id":12} )", R"({"id":123456)"};
  Shredded expected = shred(spec, records);
  size_t errors = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    std::string padded = records[i] + std::string(kJsonPadding, '7');  // what follows is no part of it
    Text reason = validator.violation(std::string_view(padded).substr(0, records[i].size()));
    Text wanted;
    if (errors < expected.errors.size() && expected.errors[errors].first == i)
      wanted = expected.errors[errors++].second;
    EXPECT_EQ(reason, wanted) << records[i];
  }
  EXPECT_EQ(errors, 6u);
}

}  // namespace
}  // namespace tarn::columns
