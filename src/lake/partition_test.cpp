#include <gtest/gtest.h>

#include "lake/table.h"

namespace tarn::lake {
namespace {

columns::Schema schema() {
  columns::Schema out;
  for (auto [name, type] : {std::pair<const char*, const char*>{"id", "BIGINT"},
                            {"time", "TIMESTAMP WITH TIME ZONE"},
                            {"day", "DATE"},
                            {"country", "VARCHAR"},
                            {"ratio", "DOUBLE"},
                            {"a(b)", "VARCHAR"},
                            {"tags", "VARCHAR[]"},
                            {"detail", "STRUCT(amount DECIMAL(10,2), at TIMESTAMP)"}})
    out.fields.push_back({0, name, columns::parse_type(type).value(), false, ""});
  columns::assign_ids(out, 0);
  return out;
}

std::string error_of(const std::string& text) {
  auto spec = parse_partition({text}, schema());
  return spec ? "no error" : spec.error().message;
}

TEST(Partition, ReadsWhatALakeFileSays) {
  auto spec = parse_partition({"day(time)", "bucket(16, id)", "truncate(4,country)", "Country",
                               "month( detail.at )", "a(b)", "hours(\"time\")"},
                              schema());
  ASSERT_TRUE(spec) << spec.error().message;
  std::vector<std::string> names, texts;
  int id = 1000;
  for (const PartitionField& f : spec->fields) {
    EXPECT_EQ(f.field_id, id++);
    names.push_back(f.name);
    texts.push_back(partition_text(f, schema()));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"time_day", "id_bucket", "country_trunc", "country",
                                             "detail.at_month", "a(b)", "time_hour"}));
  EXPECT_EQ(texts, (std::vector<std::string>{"day(time)", "bucket(16, id)", "truncate(4, country)", "country",
                                             "month(detail.at)", "\"a(b)\"", "hour(time)"}));
  EXPECT_EQ(spec->fields[1].argument, 16);
  auto again = parse_partition(texts, schema());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *spec);
}

TEST(Partition, NamesThatAreTakenGetANumber) {
  auto s = schema();
  s.fields.push_back({100, "time_day", columns::parse_type("BIGINT").value(), false, ""});
  auto spec = parse_partition({"day(time)", "bucket(8, id)", "bucket(16, id)"}, s);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->fields[0].name, "time_day_2");
  EXPECT_EQ(spec->fields[1].name, "id_bucket");
  EXPECT_EQ(spec->fields[2].name, "id_bucket_16");
}

TEST(Partition, ErrorsNameTheColumnAndTheNearestOne) {
  EXPECT_NE(error_of("day(countri)").find("no column countri"), std::string::npos);
  EXPECT_NE(error_of("day(countri)").find("country"), std::string::npos);
  EXPECT_NE(error_of("mont(time)").find("did you mean"), std::string::npos);
  EXPECT_NE(error_of("day(country)").find("doesn't apply to column country"), std::string::npos);
  EXPECT_NE(error_of("hour(day)").find("doesn't apply"), std::string::npos);
  EXPECT_NE(error_of("bucket(16, ratio)").find("doesn't apply"), std::string::npos);
  EXPECT_NE(error_of("tags").find("single values"), std::string::npos);
  EXPECT_NE(error_of("bucket(id)").find("needs a number"), std::string::npos);
  EXPECT_NE(error_of("bucket(0, id)").find("1 or more"), std::string::npos);
  EXPECT_NE(error_of("bucket(many, id)").find("many"), std::string::npos);
  EXPECT_NE(error_of("day()").find("needs a column"), std::string::npos);
  EXPECT_NE(error_of("  ").find("empty"), std::string::npos);
  auto twice = parse_partition({"day(time)", "day(TIME)"}, schema());
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("twice"), std::string::npos);
}

TEST(Partition, TransformsAreSpelledAsIcebergDoes) {
  for (const char* name : {"identity", "bucket[16]", "truncate[4]", "year", "month", "day", "hour", "void"}) {
    auto f = parse_transform(name);
    ASSERT_TRUE(f) << name;
    EXPECT_EQ(transform_name(f->transform, f->argument), name);
  }
  for (const char* name :
       {"bucket", "bucket[", "bucket[]", "bucket[0]", "bucket[1", "bucket[1]x", "day[3]", "zorder", ""})
    EXPECT_FALSE(parse_transform(name)) << name;
}

TEST(Partition, PathsGoThroughStructs) {
  auto s = schema();
  const columns::Field* amount = find_path(s, "Detail.AMOUNT");
  ASSERT_NE(amount, nullptr);
  EXPECT_EQ(column_path(s, amount->id), "detail.amount");
  EXPECT_EQ(find_path(s, "detail.nothing"), nullptr);
  EXPECT_EQ(find_path(s, "detail."), nullptr);
  EXPECT_EQ(column_path(s, 999), "");
}

TEST(TableName, TakesDatabaseAndTableInLowerCase) {
  EXPECT_EQ(TableName::parse("Raw.Trans_actions-2").value(), (TableName{"raw", "trans_actions-2"}));
  for (const char* bad :
       {"", "raw", "raw.", ".t", "a.b.c", "raw.t t", "system.t", "Information_Schema.t", "raw.ä"})
    EXPECT_FALSE(TableName::parse(bad)) << bad;
  EXPECT_TRUE(TableName::parse("a." + std::string(128, 'x')));
  EXPECT_FALSE(TableName::parse("a." + std::string(129, 'x')));
}

}  // namespace
}  // namespace tarn::lake
