#include "lake/table_spec.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lake/catalog_world_internal.h"

namespace tarn::lake {
namespace {

using ::testing::HasSubstr;
using testing::must;
using testing::World;

TableSpec spec_of(std::string_view json) {
  return must(table_spec_from_json(boost::json::parse(json).as_object()));
}

std::string error_of(std::string_view json) {
  auto spec = table_spec_from_json(boost::json::parse(json).as_object());
  EXPECT_FALSE(spec) << json;
  return spec ? "" : spec.error().message;
}

constexpr std::string_view kWhole = R"json({
  "columns": {"id": {"type": "BIGINT", "required": true}, "at": "TIMESTAMP WITH TIME ZONE",
              "body": "JSON", "place": {"type": "STRUCT(\"city\" VARCHAR)", "doc": "where"}},
  "partition": ["day(at)", "bucket(16, id)"],
  "keep": {"snapshots": 5, "age": "2d"},
  "compact": {"small": "1MiB", "files": 3},
  "properties": {"owner": "data-team"}})json";

TEST(TableSpec, ATableShowsWhatItWasDeclaredAs) {
  World w;
  TableSpec spec = spec_of(kWhole);
  EXPECT_EQ(spec.properties.at("tarn.keep.age"), "2d");
  EXPECT_EQ(spec.properties.at("tarn.compact.min-files"), "3");
  EXPECT_EQ(spec.schema.fields.at(2).doc, columns::kJsonDoc);
  Table table = must(w.catalog().create(w.name, spec));
  EXPECT_EQ(to_json(*table), boost::json::parse(kWhole)) << boost::json::serialize(to_json(*table));
}

TEST(TableSpec, ErrorsNameTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {R"json({"colums": {}})json", "columns"},
      {R"json({"columns": {"a": "BIGIT"}})json", "columns.a"},
      {R"json({"columns": {"a": {"typ": "BIGINT"}}})json", "columns.a.typ"},
      {R"json({"columns": {"a": {"type": "BIGINT", "required": "yes"}}})json", "columns.a.required"},
      {R"json({"columns": {"a": "BIGINT", "A": "BIGINT"}})json", "column A"},
      {R"json({"columns": []})json", "columns"},
      {R"json({"columns": {"at": "DATE"}, "partition": ["day(a)"]})json", "day(a)"},
      {R"json({"partition": "day(at)"})json", "partition"},
      {R"json({"keep": {"age": "soon"}})json", "keep.age"},
      {R"json({"keep": {"snapshots": 0}})json", "keep.snapshots"},
      {R"json({"compact": {"small": "big"}})json", "compact.small"},
      {R"json({"compact": {"file": 3}})json", "files"},
      {R"json({"properties": {"a": []}})json", "properties.a"},
  };
  for (auto& [json, part] : cases) EXPECT_THAT(error_of(json), HasSubstr(part)) << json;
}

TEST(TableSpec, AlterAddsColumnsWidensAndKeepsIds) {
  World w;
  must(w.catalog().create(w.name, spec_of(R"json({"columns": {"id": "INTEGER", "s": "STRUCT(a FLOAT)"},
                                                "keep": {"snapshots": 5}})json")));
  TableSpec wider =
      spec_of(R"json({"columns": {"new": "VARCHAR", "ID": "BIGINT", "s": "STRUCT(b DATE, a DOUBLE)"},
                                   "partition": ["bucket(4, id)"], "properties": {"owner": "me"}})json");
  Table table = must(alter_to(w.catalog(), w.name, wider));
  EXPECT_EQ(table->schema().find("id")->id, 1);
  EXPECT_EQ(table->schema().find("id")->name, "id");
  EXPECT_EQ(table->schema().find("id")->type.kind, columns::Kind::kLong);
  EXPECT_EQ(find_path(table->schema(), "s.a")->id, 3);
  EXPECT_EQ(find_path(table->schema(), "s.a")->type.kind, columns::Kind::kDouble);
  EXPECT_GT(find_path(table->schema(), "s.b")->id, 3);
  EXPECT_GT(table->schema().find("new")->id, 3);
  EXPECT_EQ(table->spec().fields.at(0).argument, 4);
  EXPECT_EQ(table->properties, (std::map<std::string, std::string>{{"owner", "me"}}));
  EXPECT_EQ(table->snapshot(), nullptr);
  // Again, it is what it should be: nothing changes.
  EXPECT_EQ(must(alter_to(w.catalog(), w.name, wider))->metadata_file, table->metadata_file);
}

TEST(TableSpec, AlterRefusesWhatWouldLoseData) {
  World w;
  must(w.catalog().create(w.name, spec_of(R"json({"columns": {"id": "BIGINT", "s": "VARCHAR"}})json")));
  const std::pair<const char*, const char*> cases[] = {
      {R"json({"columns": {"id": "BIGINT"}})json", "column s"},
      {R"json({"columns": {"id": "INTEGER", "s": "VARCHAR"}})json", "columns.id"},
      {R"json({"columns": {"id": "BIGINT", "s": {"type": "VARCHAR", "required": true}}})json",
       "can't become required"},
      {R"json({"columns": {"id": "BIGINT", "s": "VARCHAR", "n": {"type": "DATE", "required": true}}})json",
       "columns.n"},
  };
  for (auto& [json, part] : cases) {
    auto table = alter_to(w.catalog(), w.name, spec_of(json));
    ASSERT_FALSE(table) << json;
    EXPECT_EQ(table.error().code, Code::kInvalid);
    EXPECT_THAT(table.error().message, HasSubstr(part));
  }
  // No columns at all: the table keeps what it has.
  Table table = must(alter_to(w.catalog(), w.name, spec_of(R"json({"properties": {"x": 1}})json")));
  EXPECT_EQ(table->schema().fields.size(), 2u);
}

}  // namespace
}  // namespace tarn::lake
