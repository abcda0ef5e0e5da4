#include "lake/metadata_json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "lake/metadata_sample_internal.h"

namespace tarn::lake {
namespace {

TEST(MetadataJson, ReadsATableOfAnotherEngine) {
  auto table = metadata_from_json(testing::kForeignMetadata);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  EXPECT_EQ(table->location, "s3://bucket/test/location");
  EXPECT_EQ(table->last_sequence_number, 34);
  EXPECT_EQ(table->updated.us, 1602638573590000);
  EXPECT_EQ(table->schemas.size(), 2u);
  const columns::Schema& schema = table->schema();
  EXPECT_EQ(schema.id, 1);
  ASSERT_EQ(schema.fields.size(), 5u);
  EXPECT_EQ(schema.fields[1].doc, "comment");
  EXPECT_TRUE(schema.fields[0].required);
  EXPECT_EQ(columns::sql_type(schema.fields[3].type), "DECIMAL(9,2)");
  EXPECT_EQ(schema.fields[4].type.kind, columns::Kind::kStruct);
  EXPECT_EQ(schema.find(9)->name, "element");
  EXPECT_EQ(schema.find(12)->type.kind, columns::Kind::kFixed);
  EXPECT_EQ(table->identifier_fields.at(1), (std::vector<int>{1, 2}));
  ASSERT_EQ(table->spec().fields.size(), 2u);
  EXPECT_EQ(table->spec().fields[1].transform, Transform::kBucket);
  EXPECT_EQ(table->spec().fields[1].argument, 16);
  ASSERT_NE(table->snapshot(), nullptr);
  EXPECT_EQ(table->snapshot()->id, 3055729675574597004);
  EXPECT_EQ(table->snapshot()->parent, 3051729675574597004);
  EXPECT_EQ(table->snapshot()->operation, "append");
  EXPECT_EQ(table->snapshot()->summary.count("operation"), 0u);
  EXPECT_EQ(table->snapshot_at({1515100955770000})->id, 3051729675574597004);
  EXPECT_EQ(table->snapshot_at({1515100955769999}), nullptr);
  EXPECT_EQ(table->refs.size(), 2u);
}

TEST(MetadataJson, WritesWhatItRead) {
  boost::json::object before = boost::json::parse(testing::kForeignMetadata).as_object();
  TableMetadata table = metadata_from_json(testing::kForeignMetadata).value();
  boost::json::object after = boost::json::parse(metadata_to_json(table)).as_object();
  // Every field, also those that we don't know, is as it was.
  for (auto& [key, value] : before) {
    ASSERT_TRUE(after.contains(key)) << key;
    EXPECT_EQ(after.at(key), value) << key << ": " << boost::json::serialize(after.at(key));
  }
  EXPECT_EQ(after.size(), before.size());
  TableMetadata again = metadata_from_json(metadata_to_json(table)).value();
  EXPECT_EQ(metadata_to_json(again), metadata_to_json(table));
}

TEST(MetadataJson, AnEmptyTableSaysSoAsIcebergWants) {
  TableMetadata table;
  table.uuid = "u";
  table.location = "s3://b/t";
  table.schemas.emplace_back();
  table.specs.emplace_back();
  boost::json::object json = boost::json::parse(metadata_to_json(table)).as_object();
  EXPECT_EQ(json.at("current-snapshot-id"), -1);
  EXPECT_EQ(json.at("refs"), boost::json::object());
  EXPECT_EQ(json.at("default-sort-order-id"), 0);
  EXPECT_EQ(json.at("sort-orders").as_array().size(), 1u);
  TableMetadata back = metadata_from_json(metadata_to_json(table)).value();
  EXPECT_FALSE(back.current_snapshot);
  EXPECT_EQ(back.snapshot(), nullptr);
}

TEST(MetadataJson, EveryTypeComesBack) {
  columns::Schema schema;
  for (const char* type : {"boolean", "int", "long", "float", "double", "decimal(38,10)", "date", "time",
                           "timestamp", "timestamptz", "string", "uuid", "fixed[16]", "binary", "BIGINT[]",
                           "MAP(VARCHAR, BIGINT[])", "STRUCT(\"a b\" BIGINT, c STRUCT(d VARCHAR[]))"}) {
    auto parsed = columns::parse_type(type);
    ASSERT_TRUE(parsed) << type << parsed.error().message;
    schema.fields.push_back(
        {0, std::string("f") + std::to_string(schema.fields.size()), *parsed, false, "d"});
  }
  columns::assign_ids(schema, 0);
  auto back = schema_from_json(schema_to_json(schema));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, schema);
}

TEST(MetadataJson, NamesWhatIsWrong) {
  auto error_without = [](std::string_view key) {
    boost::json::object json = boost::json::parse(testing::kForeignMetadata).as_object();
    json.erase(key);
    auto table = metadata_from_json(boost::json::serialize(json));
    return table ? std::string("no error") : table.error().message;
  };
  for (const char* key : {"format-version", "table-uuid", "location", "last-sequence-number",
                          "last-updated-ms", "last-column-id", "schemas", "current-schema-id",
                          "partition-specs", "default-spec-id", "last-partition-id"})
    EXPECT_NE(error_without(key).find(std::string("\"") + key + "\""), std::string::npos)
        << error_without(key);
  auto error_with = [](std::string_view key, boost::json::value value) {
    boost::json::object json = boost::json::parse(testing::kForeignMetadata).as_object();
    json[key] = std::move(value);
    auto table = metadata_from_json(boost::json::serialize(json));
    return table ? Code::kInternal : table.error().code;
  };
  EXPECT_EQ(error_with("format-version", 3), Code::kUnsupported);
  EXPECT_EQ(error_with("format-version", 1), Code::kUnsupported);
  EXPECT_EQ(error_with("current-schema-id", 7), Code::kCorrupt);
  EXPECT_EQ(error_with("default-spec-id", 7), Code::kCorrupt);
  EXPECT_EQ(error_with("current-snapshot-id", 7), Code::kCorrupt);
  EXPECT_EQ(error_with("last-updated-ms", INT64_MAX), Code::kCorrupt);
  EXPECT_EQ(metadata_from_json("[]").error().code, Code::kCorrupt);
  EXPECT_EQ(metadata_from_json("{").error().code, Code::kCorrupt);
  EXPECT_EQ(metadata_from_json(std::string(10000, '[')).error().code, Code::kCorrupt);
}

TEST(TableMetadata, ATimeInAHoleOfTheHistoryIsNotAnswered) {
  TableMetadata table = metadata_from_json(testing::kForeignMetadata).value();
  EXPECT_EQ(table.snapshot_at({INT64_MAX})->id, 3055729675574597004);
  table.snapshot_log.erase(table.snapshot_log.begin());
  EXPECT_EQ(table.snapshot_at({1515100955770000}), nullptr);
}

}  // namespace
}  // namespace tarn::lake
