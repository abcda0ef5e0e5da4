#include "columns/inference.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tarn::columns {
namespace {

constexpr size_t kPadding = 64;

void observe(Inference& seen, std::string record) {
  size_t size = record.size();
  record.append(kPadding, '\0');
  seen.observe(std::string_view(record).substr(0, size));
}

Inference seen_in(const std::vector<std::string>& records, const RecordLimits& limits = {}) {
  Inference seen(limits);
  for (const auto& record : records) observe(seen, record);
  return seen;
}

// "a BIGINT, b JSON": the columns in order.
std::string shown(const Schema& schema) {
  std::string out;
  for (const Field& field : schema.fields)
    out += (out.empty() ? "" : ", ") + field.name + ' ' + field_sql_type(field);
  return out;
}

std::string inferred(const std::vector<std::string>& records, const RecordLimits& limits = {}) {
  return shown(evolve({}, seen_in(records, limits), limits, 0));
}

Schema schema_of(const std::vector<std::pair<std::string, std::string>>& columns) {
  Schema schema;
  for (const auto& [name, type] : columns) schema.fields.push_back(*parse_field_type(name, type));
  assign_ids(schema, 0);
  return schema;
}

TEST(Inference, SeesScalars) {
  EXPECT_EQ(
      inferred(
          {R"({"i":1,"n":-5,"d":1.5,"e":1e3,"b":true,"t":"x","z":"2026-11-21T03:22:56Z","day":"2026-11-21"})"}),
      "i BIGINT, n BIGINT, d DOUBLE, e DOUBLE, b BOOLEAN, t VARCHAR, z TIMESTAMP WITH TIME ZONE, day DATE");
}

TEST(Inference, MixesScalars) {
  EXPECT_EQ(inferred({R"({"a":1})", R"({"a":1.5})"}), "a DOUBLE");
  EXPECT_EQ(inferred({R"({"a":1.5})", R"({"a":"x"})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":true})", R"({"a":1})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":"2026-11-21"})", R"({"a":"2026-11-21T03:22:56Z"})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":"2026-11-21T03:22:56Z"})", R"({"a":"soon"})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":"2026-11-21T03:22:56"})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":"2026-11-21"})", R"({"a":5})"}), "a VARCHAR");
}

TEST(Inference, LearnsNothingFromNullsAndEmptyOnes) {
  EXPECT_EQ(inferred({R"({"a":null,"b":{},"c":[],"d":[null],"e":{"x":null},"f":[[],{}]})"}), "");
  EXPECT_TRUE(seen_in({R"({"a":null,"b":{}})", "{}"}).empty());
  EXPECT_FALSE(seen_in({R"({"a":0})"}).empty());
  EXPECT_EQ(inferred({R"({"a":null,"b":{},"c":[]})", R"({"c":[1],"b":{"x":1},"a":1})",
                      R"({"a":{},"b":[],"c":null})"}),
            "a BIGINT, b STRUCT(\"x\" BIGINT), c BIGINT[]");
}

TEST(Inference, NestsStructsAndLists) {
  EXPECT_EQ(inferred({R"({"s":{"x":1,"y":[{"k":"v"},{"k":"w","n":2}]}})", R"({"s":{"x":2.5,"z":true}})"}),
            "s STRUCT(\"x\" DOUBLE, \"y\" STRUCT(\"k\" VARCHAR, \"n\" BIGINT)[], \"z\" BOOLEAN)");
  EXPECT_EQ(inferred({R"({"l":[1,2.5,null]})"}), "l DOUBLE[]");
  EXPECT_EQ(inferred({R"({"l":[1,"x"]})"}), "l VARCHAR[]");
  EXPECT_EQ(inferred({R"({"l":[1,{"a":1}]})"}), "l JSON[]");
  EXPECT_EQ(inferred({R"({"l":[[1],[2,3]]})"}), "l BIGINT[][]");
}

TEST(Inference, KeepsMixedShapesAsJson) {
  EXPECT_EQ(inferred({R"({"a":{"x":1}})", R"({"a":1})"}), "a JSON");
  EXPECT_EQ(inferred({R"({"a":[1]})", R"({"a":"x"})"}), "a JSON");
  EXPECT_EQ(inferred({R"({"a":[1]})", R"({"a":{"x":1}})"}), "a JSON");
}

TEST(Inference, KeepsDeepShapesAsJson) {
  EXPECT_EQ(inferred({R"({"a":{"b":{"c":{"d":1}}}})"}), "a STRUCT(\"b\" STRUCT(\"c\" STRUCT(\"d\" BIGINT)))");
  EXPECT_EQ(inferred({R"({"a":{"b":{"c":{"d":{"e":1}}}}})"}),
            "a STRUCT(\"b\" STRUCT(\"c\" STRUCT(\"d\" STRUCT(\"e\" BIGINT))))");
  EXPECT_EQ(inferred({R"({"a":{"b":{"c":{"d":{"e":1}}}}})", R"({"a":{"b":{"c":{"d":{"e":{"f":1}}}}}})"}),
            "a STRUCT(\"b\" STRUCT(\"c\" STRUCT(\"d\" STRUCT(\"e\" JSON))))");
  EXPECT_EQ(inferred({R"({"a":[[[[1]]]]})"}), "a BIGINT[][][][]");
  EXPECT_EQ(inferred({R"({"a":[[[[[1]]]]]})"}), "a JSON[][][][]");
  RecordLimits flat;
  flat.nested_depth_max = 0;
  EXPECT_EQ(inferred({R"({"a":{"b":1},"c":[1],"d":1})"}, flat), "a JSON, c JSON, d BIGINT");
}

TEST(Inference, KeepsNumbersBeyondLongAndDoubleAsText) {
  EXPECT_EQ(inferred({R"({"a":9223372036854775807,"b":-9223372036854775808})"}), "a BIGINT, b BIGINT");
  EXPECT_EQ(inferred({R"({"a":9223372036854775808})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":-9223372036854775809,"b":1})"}), "a VARCHAR, b BIGINT");
  EXPECT_EQ(inferred({R"({"x":"a\"1","a":123456789012345678901234567890,"b":{"c":[1.5]}})"}),
            "x VARCHAR, a VARCHAR, b STRUCT(\"c\" DOUBLE[])");
  EXPECT_EQ(inferred({R"({"a":1e400})"}), "a VARCHAR");
  EXPECT_EQ(inferred({R"({"a":-1e400,"b":1e-400,"c":0.00000000000000000000000001})"}),
            "a VARCHAR, b DOUBLE, c DOUBLE");
  EXPECT_EQ(inferred({R"({"a":1})", R"({"a":18446744073709551616})"}), "a VARCHAR");
}

TEST(Inference, SkipsWhatIsNoRecord) {
  EXPECT_EQ(inferred({"", " ", "[1]", "1", "null", "\"x\"", R"({"a":1)", R"({"a":1}})", R"({"a":01})",
                      R"({"a":tru})", R"({"a":1,})", "{\"a\":\"\xff\"}",
                      R"({"a":1, "b":12345678901234567890123x})", R"({"a":1} {"b":2})"}),
            "");
}

TEST(Inference, SkipsRecordsThatAreTooDeep) {
  RecordLimits limits;
  limits.depth_max = 16;
  auto deep = [](int levels) {
    std::string text = "{\"a\":";
    for (int i = 1; i < levels; ++i) text += '[';
    text += '1';
    for (int i = 1; i < levels; ++i) text += ']';
    return text + "}";
  };
  EXPECT_EQ(inferred({deep(16)}, limits), "a JSON[][][][]");
  EXPECT_EQ(inferred({deep(17)}, limits), "");
  EXPECT_EQ(inferred({deep(100'000)}, limits), "");
  EXPECT_EQ(inferred({deep(17), R"({"b":1})", deep(17)}, limits), "b BIGINT");
}

TEST(Inference, NeverMakesColumnsOfImpossibleNames) {
  EXPECT_EQ(
      inferred({R"({"":1,"_rescued":1,"_SEQ":1,"_arrived":1,"_key":1,"a\u0000b":1,"a\nb":1,"_":1,"ok":1})"}),
      "_ BIGINT, ok BIGINT");
  std::string limit(256, 'n'), longer(257, 'n');
  EXPECT_EQ(inferred({"{\"" + limit + "\":1,\"" + longer + "\":1}"}), limit + " BIGINT");
  EXPECT_EQ(inferred({R"({"s":{"":1,"_key":2}})"}), "s STRUCT(\"_key\" BIGINT)");
  EXPECT_EQ(inferred({R"({"s":{"":1}})"}), "");
}

TEST(Inference, TakesNamesThatDifferByCaseAsOne) {
  EXPECT_EQ(inferred({R"({"Id":1})", R"({"ID":2.5})", R"({"id":3})"}), "Id DOUBLE");
  EXPECT_EQ(inferred({R"({"É":1,"é":2})"}), "É BIGINT, é BIGINT");
  // A repeat in one record is for _rescued: it must not widen the column.
  EXPECT_EQ(inferred({R"({"id":1,"ID":"x"})", R"({"s":{"a":1,"a":"x"}})"}),
            "id BIGINT, s STRUCT(\"a\" BIGINT)");
  EXPECT_EQ(inferred({R"({"l":[{"a":1},{"A":"x"}]})"}), "l STRUCT(\"a\" VARCHAR)[]");
}

TEST(Inference, TakesTheFirstColumnsUpToTheLimit) {
  RecordLimits limits;
  limits.columns_max = 20;
  std::string record = "{", expected;
  for (int i = 0; i < 10'000; ++i) {
    record += (i ? ",\"c" : "\"c") + std::to_string(i) + "\":1";
    if (i < 20) expected += (i ? ", c" : "c") + std::to_string(i) + " BIGINT";
  }
  EXPECT_EQ(inferred({record + "}"}, limits), expected);
}

TEST(Inference, KeepsAStructWithTooManyFieldsAsJson) {
  RecordLimits limits;
  limits.struct_fields_max = 10;
  std::vector<std::string> records;
  for (int i = 0; i < 10; ++i) records.push_back("{\"m\":{\"k" + std::to_string(i) + "\":1}}");
  Schema ten = evolve({}, seen_in(records, limits), limits, 0);
  EXPECT_EQ(ten.fields[0].type.kind, Kind::kStruct);
  EXPECT_EQ(ten.fields[0].type.fields.size(), 10u);
  records.push_back(R"({"m":{"k10":1}})");
  EXPECT_EQ(inferred(records, limits), "m JSON");
}

TEST(Inference, BoundsWhatItHolds) {
  RecordLimits limits;
  limits.struct_fields_max = 1'000'000;
  Inference seen(limits);
  for (int i = 0; i < 600; ++i) {
    std::string record = "{\"s\":{";
    for (int k = 0; k < 100; ++k)
      record += (k ? ",\"" : "\"") + std::to_string(i) + '_' + std::to_string(k) + "\":1";
    observe(seen, record + "}}");
  }
  Schema schema = evolve({}, seen, limits, 0);
  EXPECT_LE(schema.fields[0].type.fields.size(), kInferenceFieldsMax);
  EXPECT_GT(schema.fields[0].type.fields.size(), kInferenceFieldsMax / 2);
}

TEST(Inference, MergesToTheSameTypesInAnyOrder) {
  RecordLimits limits;
  limits.struct_fields_max = 5;
  std::vector<std::string> records = {R"({"a":1,"b":{"x":1},"c":[1],"m":{"1":1,"2":1,"3":1}})",
                                      R"({"a":2.5,"b":{"x":"t","y":[]},"e":"2026-11-21"})",
                                      R"({"c":["x"],"d":true,"m":{"4":1,"5":2}})",
                                      R"({"d":[],"b":{"y":[{"z":1}]},"m":{"6":1}})",
                                      R"({"D":{"q":1},"e":"2026-11-21T00:00:00Z"})",
                                      R"({"f":18446744073709551615,"a":null})"};
  auto types = [](const Schema& schema) {
    std::vector<std::string> columns;
    for (const Field& field : schema.fields) {
      std::string name = field.name;
      std::transform(name.begin(), name.end(), name.begin(), ::tolower);
      columns.push_back(name + ' ' + std::to_string(field_sql_type(field).size()));
    }
    std::sort(columns.begin(), columns.end());
    return columns;
  };
  auto expected = types(evolve({}, seen_in(records, limits), limits, 0));
  EXPECT_EQ(expected.size(), 7u);
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(records.begin(), records.end(), random);
    size_t cut = random() % records.size();
    Inference left = seen_in({records.begin(), records.begin() + static_cast<long>(cut)}, limits);
    Inference right = seen_in({records.begin() + static_cast<long>(cut), records.end()}, limits);
    left.merge(right);
    EXPECT_EQ(types(evolve({}, left, limits, 0)), expected);
  }
}

TEST(Inference, ObservesOnAfterAMerge) {
  Inference left = seen_in({R"({"a":1})"});
  Inference right = seen_in({R"({"b":1,"s":{"x":1}})"});
  left.merge(right);
  observe(left, R"({"b":1.5,"s":{"y":2}})");
  EXPECT_EQ(shown(evolve({}, left, {}, 0)), "a BIGINT, b DOUBLE, s STRUCT(\"x\" BIGINT, \"y\" BIGINT)");
}

TEST(Evolve, NumbersNewFieldsBehindTheLastId) {
  Schema schema = evolve({}, seen_in({R"({"a":1,"s":{"x":1},"l":[1]})"}), {}, 10);
  EXPECT_EQ(schema.fields[0].id, 11);
  EXPECT_EQ(schema.highest_id(), 15);
  Schema again = evolve(schema, seen_in({R"({"b":1,"s":{"y":1}})"}), {}, 20);
  EXPECT_EQ(again.fields[0].id, 11);
  EXPECT_EQ(again.find("b")->id, 22);
  EXPECT_EQ(again.highest_id(), 22);
  EXPECT_EQ(shown(again), "a BIGINT, s STRUCT(\"x\" BIGINT, \"y\" BIGINT), l BIGINT[], b BIGINT");
}

TEST(Evolve, WidensOnlyAsIcebergAllows) {
  auto evolved = [](const char* type, const char* value) {
    Schema schema = schema_of({{"c", type}});
    Schema after = evolve(schema, seen_in({std::string("{\"c\":") + value + "}"}), {}, 1);
    EXPECT_EQ(after.fields[0].id, schema.fields[0].id);
    return shown(after);
  };
  EXPECT_EQ(evolved("INTEGER", "2147483647"), "c INTEGER");
  EXPECT_EQ(evolved("INTEGER", "2147483648"), "c BIGINT");
  EXPECT_EQ(evolved("INTEGER", "-2147483649"), "c BIGINT");
  EXPECT_EQ(evolved("INTEGER", "1.5"), "c INTEGER");
  EXPECT_EQ(evolved("INTEGER", "\"x\""), "c INTEGER");
  EXPECT_EQ(evolved("FLOAT", "1.5"), "c FLOAT");
  EXPECT_EQ(evolved("FLOAT", "-1e39"), "c DOUBLE");
  EXPECT_EQ(evolved("BIGINT", "1.5"), "c BIGINT");
  EXPECT_EQ(evolved("BIGINT", "18446744073709551615"), "c BIGINT");
  EXPECT_EQ(evolved("DATE", "\"2026-11-21T00:00:00Z\""), "c DATE");
  EXPECT_EQ(evolved("BOOLEAN", "{\"x\":1}"), "c BOOLEAN");
  EXPECT_EQ(evolved("DECIMAL(5,2)", "999.99"), "c DECIMAL(5,2)");
  EXPECT_EQ(evolved("DECIMAL(5,2)", "1000"), "c DECIMAL(6,2)");
  EXPECT_EQ(evolved("DECIMAL(5,2)", "-12345.5"), "c DECIMAL(7,2)");
  EXPECT_EQ(evolved("DECIMAL(5,2)", "1e37"), "c DECIMAL(5,2)");
  EXPECT_EQ(evolved("DECIMAL(5,0)", "-9223372036854775808"), "c DECIMAL(19,0)");
  EXPECT_EQ(evolved("DECIMAL(5,0)", "18446744073709551615"), "c DECIMAL(20,0)");
  EXPECT_EQ(evolved("INTEGER[]", "[1,2147483648]"), "c BIGINT[]");
  EXPECT_EQ(evolved("STRUCT(a INTEGER)", "{\"A\":2147483648,\"b\":[1]}"),
            "c STRUCT(\"a\" BIGINT, \"b\" BIGINT[])");
  EXPECT_EQ(evolved("STRUCT(a INTEGER)[]", "[{\"b\":true}]"), "c STRUCT(\"a\" INTEGER, \"b\" BOOLEAN)[]");
  EXPECT_EQ(evolved("STRUCT(a INTEGER)", "5"), "c STRUCT(\"a\" INTEGER)");
  EXPECT_EQ(evolved("MAP(VARCHAR, INTEGER)", "{\"k\":2147483648}"), "c MAP(VARCHAR, INTEGER)");
}

TEST(Evolve, NeverWidensTextAndJson) {
  Schema schema = schema_of({{"t", "VARCHAR"}, {"j", "JSON"}});
  Inference seen =
      seen_in({R"({"t":1,"j":{"x":1}})", R"({"t":[1],"j":[1]})", R"({"T":{"x":1},"J":"2026-11-21"})"});
  EXPECT_TRUE(covers(schema, seen, {}));
  EXPECT_EQ(evolve(schema, seen, {}, 2), schema);
}

TEST(Evolve, ReturnsWhatItHadWhenAllIsCovered) {
  Schema schema = schema_of({{"a", "DOUBLE"}, {"s", "STRUCT(x BIGINT, y VARCHAR)"}, {"l", "VARCHAR[]"}});
  Inference seen = seen_in({R"({"A":1,"s":{"Y":1},"l":[1,[2]],"n":null,"_seq":4,"":1})"});
  EXPECT_TRUE(covers(schema, seen, {}));
  EXPECT_EQ(evolve(schema, seen, {}, 9), schema);
}

TEST(Evolve, IsDoneAfterOneTime) {
  std::vector<std::string> records = {
      R"({"a":1,"s":{"x":[{"y":1}]},"i":3000000000,"d":12345.5})",
      R"({"a":{"x":1},"s":{"x":[{"z":[[[1]]]}]},"e":[null],"f":["2026-11-21"]})"};
  Schema schema =
      schema_of({{"i", "INTEGER"}, {"d", "DECIMAL(4,1)"}, {"s", "STRUCT(x STRUCT(y INTEGER)[])"}});
  Inference seen = seen_in(records);
  Schema once = evolve(schema, seen, {}, 6);
  EXPECT_NE(once, schema);
  EXPECT_FALSE(covers(schema, seen, {}));
  EXPECT_TRUE(covers(once, seen, {}));
  EXPECT_EQ(evolve(once, seen, {}, once.highest_id()), once);
}

TEST(Evolve, StopsAtTheLimits) {
  RecordLimits limits;
  limits.columns_max = 2;
  limits.struct_fields_max = 2;
  Schema schema = schema_of({{"a", "BIGINT"}, {"s", "STRUCT(x BIGINT)"}});
  Schema after = evolve(schema, seen_in({R"({"b":1,"s":{"y":1}})"}, limits), limits, 3);
  EXPECT_EQ(shown(after), "a BIGINT, s STRUCT(\"x\" BIGINT, \"y\" BIGINT)");
  EXPECT_TRUE(covers(after, seen_in({R"({"s":{"z":1,"x":5}})"}, limits), limits));
}

TEST(Evolve, KeepsAStructThatTurnsOutToBeAMap) {
  RecordLimits limits;
  limits.struct_fields_max = 3;
  Schema schema = schema_of({{"m", "STRUCT(k1 BIGINT, k2 BIGINT)"}});
  Inference seen = seen_in({R"({"m":{"k1":1,"k3":1,"k4":1,"k5":1,"k6":1}})"}, limits);
  EXPECT_EQ(evolve(schema, seen, limits, 3), schema);
}

}  // namespace
}  // namespace tarn::columns
