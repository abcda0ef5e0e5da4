#include "columns/type.h"

#include <gtest/gtest.h>

namespace tarn::columns {
namespace {

Type scalar(Kind kind, int precision = 0, int scale = 0) {
  return {kind, precision, scale, {}};
}

Field field(std::string name, Type type, int id = 0) {
  return {id, std::move(name), std::move(type), false, ""};
}

Type list(Type element) {
  return {Kind::kList, 0, 0, {field("element", std::move(element))}};
}

Type struct_of(std::vector<Field> fields) {
  return {Kind::kStruct, 0, 0, std::move(fields)};
}

Type map(Type key, Type value) {
  Type type{Kind::kMap, 0, 0, {field("key", std::move(key)), field("value", std::move(value))}};
  type.fields[0].required = true;
  return type;
}

std::string error_of(std::string_view text) {
  auto type = parse_type(text);
  EXPECT_FALSE(type) << text;
  if (type) return "";
  EXPECT_EQ(type.error().code, Code::kInvalid);
  return type.error().message;
}

TEST(Type, ReadsDuckdbAndIcebergNames) {
  const std::vector<std::pair<std::string, Type>> cases = {
      {"BIGINT", scalar(Kind::kLong)},
      {"long", scalar(Kind::kLong)},
      {"INTEGER", scalar(Kind::kInt)},
      {"int", scalar(Kind::kInt)},
      {"SMALLINT", scalar(Kind::kInt)},
      {"TINYINT", scalar(Kind::kInt)},
      {"DOUBLE", scalar(Kind::kDouble)},
      {"double precision", scalar(Kind::kDouble)},
      {"FLOAT", scalar(Kind::kFloat)},
      {"real", scalar(Kind::kFloat)},
      {"Boolean", scalar(Kind::kBoolean)},
      {"BOOL", scalar(Kind::kBoolean)},
      {"VARCHAR", scalar(Kind::kString)},
      {"varchar(20)", scalar(Kind::kString)},
      {"TEXT", scalar(Kind::kString)},
      {"string", scalar(Kind::kString)},
      {"JSON", scalar(Kind::kString)},
      {"DATE", scalar(Kind::kDate)},
      {"TIME", scalar(Kind::kTime)},
      {"TIMESTAMP", scalar(Kind::kTimestamp)},
      {"TIMESTAMP WITHOUT TIME ZONE", scalar(Kind::kTimestamp)},
      {"TIMESTAMPTZ", scalar(Kind::kTimestampTz)},
      {"timestamp  with time\tzone", scalar(Kind::kTimestampTz)},
      {"UUID", scalar(Kind::kUuid)},
      {"BLOB", scalar(Kind::kBinary)},
      {"binary", scalar(Kind::kBinary)},
      {"fixed[16]", scalar(Kind::kFixed, 16)},
      {"decimal(10,2)", scalar(Kind::kDecimal, 10, 2)},
      {"DECIMAL( 38 , 38 )", scalar(Kind::kDecimal, 38, 38)},
      {"NUMERIC(5)", scalar(Kind::kDecimal, 5, 0)},
      {"DECIMAL", scalar(Kind::kDecimal, 18, 3)},
      {" BIGINT[] ", list(scalar(Kind::kLong))},
      {"BIGINT[][]", list(list(scalar(Kind::kLong)))},
      {"LIST(VARCHAR)", list(scalar(Kind::kString))},
      {"list<string>", list(scalar(Kind::kString))},
      {"MAP(VARCHAR, BIGINT)", map(scalar(Kind::kString), scalar(Kind::kLong))},
      {"map<string,int>[]", list(map(scalar(Kind::kString), scalar(Kind::kInt)))},
      {"STRUCT(\"a\" BIGINT, b VARCHAR[])",
       struct_of({field("a", scalar(Kind::kLong)), field("b", list(scalar(Kind::kString)))})},
      {"struct<a: long, b: struct<c: double>>",
       struct_of(
           {field("a", scalar(Kind::kLong)), field("b", struct_of({field("c", scalar(Kind::kDouble))}))})},
      {"STRUCT(\"say \"\"hi\"\"\" DATE, \"ü, (\" TIMESTAMP WITH TIME ZONE)",
       struct_of({field("say \"hi\"", scalar(Kind::kDate)), field("ü, (", scalar(Kind::kTimestampTz))})},
  };
  for (const auto& [text, expected] : cases) {
    auto type = parse_type(text);
    ASSERT_TRUE(type) << text << ": " << type.error().message;
    EXPECT_EQ(*type, expected) << text;
    auto again = parse_type(sql_type(*type));
    ASSERT_TRUE(again) << sql_type(*type) << ": " << again.error().message;
    EXPECT_EQ(*again, *type) << sql_type(*type);
  }
}

TEST(Type, PrintsAsSqlShowsThem) {
  EXPECT_EQ(sql_type(*parse_type("struct<a: timestamptz, \"b c\": list<decimal(10,2)>>")),
            "STRUCT(\"a\" TIMESTAMP WITH TIME ZONE, \"b c\" DECIMAL(10,2)[])");
  EXPECT_EQ(sql_type(*parse_type("map<string, int>")), "MAP(VARCHAR, INTEGER)");
  EXPECT_EQ(sql_type(*parse_type("fixed[16]")), "FIXED[16]");
  EXPECT_EQ(duckdb_sql_type(*parse_type("list<fixed[16]>")), "BLOB[]");
}

TEST(Type, KeepsJsonInAFieldsDoc) {
  auto field = parse_field_type("payload", "JSON");
  ASSERT_TRUE(field);
  EXPECT_EQ(field->name, "payload");
  EXPECT_EQ(field->type.kind, Kind::kString);
  EXPECT_EQ(field->doc, kJsonDoc);
  EXPECT_EQ(field_sql_type(*field), "JSON");
  EXPECT_EQ(sql_type(field->type), "VARCHAR");

  auto nested = parse_field_type("x", "STRUCT(a JSON, b JSON[], c VARCHAR)");
  ASSERT_TRUE(nested);
  EXPECT_EQ(nested->doc, "");
  EXPECT_EQ(field_sql_type(*nested), "STRUCT(\"a\" JSON, \"b\" JSON[], \"c\" VARCHAR)");
  EXPECT_EQ(parse_field_type("x", field_sql_type(*nested)), *nested);
  EXPECT_EQ(parse_field_type("x", "VARCHAR")->doc, "");
}

TEST(Type, ErrorsNameThePositionAndTheNearestName) {
  EXPECT_EQ(error_of("BIGNT"), "type \"BIGNT\", position 1: there is no type BIGNT; did you mean BIGINT?");
  EXPECT_EQ(error_of("STRUCT(a longg)"),
            "type \"STRUCT(a longg)\", position 10: there is no type longg; did you mean LONG?");
  EXPECT_NE(error_of("HUGEINT").find("DECIMAL(38,0)"), std::string::npos);
  EXPECT_NE(error_of("UINTEGER").find("BIGINT"), std::string::npos);
  auto field = parse_field_type("amount", "DEZIMAL(10,2)");
  ASSERT_FALSE(field);
  EXPECT_EQ(
      field.error().message,
      "column amount: type \"DEZIMAL(10,2)\", position 1: there is no type DEZIMAL; did you mean DECIMAL?");
}

TEST(Type, RefusesWhatIsNoType) {
  for (auto text : {"",
                    " ",
                    "BIGINT x",
                    "BIGINT[3]",
                    "BIGINT[",
                    "DECIMAL(39,0)",
                    "DECIMAL(0)",
                    "DECIMAL(5,6)",
                    "DECIMAL(5,)",
                    "DECIMAL(-1)",
                    "DECIMAL(99999999999999999999)",
                    "fixed",
                    "fixed[0]",
                    "fixed[x]",
                    "STRUCT",
                    "STRUCT()",
                    "STRUCT(a)",
                    "STRUCT(a BIGINT",
                    "STRUCT(a BIGINT,)",
                    "STRUCT(a BIGINT>",
                    "STRUCT(\"\" BIGINT)",
                    "STRUCT(\"a BIGINT)",
                    "STRUCT(a BIGINT, A DOUBLE)",
                    "LIST()",
                    "MAP(VARCHAR)",
                    "TIMESTAMP WITH",
                    "TIME WITH TIME ZONE",
                    "[]",
                    "(BIGINT)",
                    "BIGINT;"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(Type, LimitsNesting) {
  auto nested = [](int lists) {
    std::string text = "BIGINT";
    for (int i = 0; i < lists; ++i) text = "list<" + text + ">";
    return text;
  };
  auto brackets = [](int lists) {
    std::string text = "BIGINT";
    for (int i = 0; i < lists; ++i) text += "[]";
    return text;
  };
  EXPECT_TRUE(parse_type(nested(31)));
  EXPECT_NE(error_of(nested(32)).find("32 deep"), std::string::npos);
  EXPECT_TRUE(parse_type(brackets(31)));
  EXPECT_EQ(*parse_type(brackets(31)), *parse_type(nested(31)));
  EXPECT_NE(error_of(brackets(32)).find("32 deep"), std::string::npos);
  EXPECT_TRUE(parse_type("STRUCT(a BIGINT[])[]"));
  EXPECT_NE(error_of("STRUCT(a " + brackets(30) + ")[]").find("32 deep"), std::string::npos);
  EXPECT_NE(error_of(nested(5000)), "");
}

TEST(Type, FindsFieldsByNameWithoutCaseAndByIdAtAnyDepth) {
  Schema schema{
      1,
      {field("Id", scalar(Kind::kLong), 1), field("s", struct_of({field("x", scalar(Kind::kLong), 7)}), 2)}};
  ASSERT_NE(schema.find("ID"), nullptr);
  EXPECT_EQ(schema.find("ID")->id, 1);
  EXPECT_EQ(schema.find("x"), nullptr);
  ASSERT_NE(schema.find(7), nullptr);
  EXPECT_EQ(schema.find(7)->name, "x");
  EXPECT_EQ(schema.find(3), nullptr);
  EXPECT_EQ(schema.highest_id(), 7);
  EXPECT_EQ(Schema{}.highest_id(), 0);
}

TEST(Type, GivesIdsOnlyToFieldsWithoutOne) {
  Schema schema{
      1,
      {field("a", scalar(Kind::kLong), 5), field("b", list(struct_of({field("c", scalar(Kind::kDate))})))}};
  EXPECT_EQ(assign_ids(schema, 2), 8);
  EXPECT_EQ(schema.fields[0].id, 5);
  EXPECT_EQ(schema.fields[1].id, 6);
  EXPECT_EQ(schema.fields[1].type.fields[0].id, 7);
  EXPECT_EQ(schema.fields[1].type.fields[0].type.fields[0].id, 8);
  EXPECT_EQ(assign_ids(schema, 100), 100);  // nothing to give
}

TEST(Type, QuotesNamesAndTexts) {
  EXPECT_EQ(quote_name("a \"b\""), "\"a \"\"b\"\"\"");
  EXPECT_EQ(quote_text("it's"), "'it''s'");
}

}  // namespace
}  // namespace tarn::columns
