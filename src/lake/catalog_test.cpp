#include "lake/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lake/catalog_world_internal.h"
#include "lake/manifest.h"

namespace tarn::lake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::must;
using testing::World;

Change append(std::vector<DataFile> files) {
  Change change;
  change.added = std::move(files);
  return change;
}

TEST(Catalog, ATableIsCreatedListedAndFoundAgain) {
  World w;
  Table created = w.create({"day(time)"}, {{"owner", "data-team"}});
  EXPECT_TRUE(created->location.starts_with("s3://lake/raw/t-"));
  EXPECT_THAT(created->metadata_file, HasSubstr("/metadata/00000-"));
  EXPECT_EQ(created->snapshot(), nullptr);
  EXPECT_EQ(created->last_column_id, 8);
  EXPECT_EQ(created->spec().fields.at(0).name, "time_day");
  auto other = w.another();
  Table loaded = must(other->load(w.name));
  EXPECT_EQ(loaded->uuid, created->uuid);
  EXPECT_EQ(loaded->schema(), created->schema());
  EXPECT_EQ(loaded->properties, created->properties);
  EXPECT_EQ(loaded->updated, created->updated);
  EXPECT_THAT(must(other->tables()), ElementsAre(w.name));
  EXPECT_THAT(must(other->databases()), ElementsAre("raw"));
  TableSpec spec;
  EXPECT_EQ(w.catalog().create(w.name, spec).error().code, Code::kExists);
  EXPECT_EQ(w.catalog().load({"raw", "x"}).error().code, Code::kNotFound);
}

TEST(Catalog, DatabasesGoOnlyWhenEmpty) {
  World w;
  w.create();
  EXPECT_EQ(w.catalog().drop_database("raw").error().code, Code::kConflict);
  must(w.catalog().drop(w.name));
  EXPECT_EQ(w.catalog().drop(w.name).error().code, Code::kNotFound);
  must(w.catalog().drop_database("raw"));
  EXPECT_EQ(w.catalog().drop_database("raw").error().code, Code::kNotFound);
  must(w.catalog().create_database("Mine"));
  must(w.catalog().create_database("mine"));
  EXPECT_THAT(must(w.catalog().databases()), ElementsAre("mine"));
  EXPECT_EQ(w.catalog().create_database("system").error().code, Code::kInvalid);
}

TEST(Catalog, DroppedTablesAreRememberedForTheSweep) {
  World w;
  std::string location = w.create()->location;
  must(w.catalog().drop(w.name));
  auto dropped = must(w.catalog().dropped());
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].location, location);
  EXPECT_EQ(dropped[0].at, w.clock().now());
  EXPECT_NE(w.create()->location, location);  // a new table never meets the old one's files
  must(w.catalog().forget_dropped(location));
  EXPECT_TRUE(must(w.catalog().dropped()).empty());
}

TEST(Catalog, AppendsAddUp) {
  World w;
  w.create();
  for (int i = 0; i < 3; ++i) {
    w.clock().advance(std::chrono::seconds(1));
    must(w.catalog().commit(w.name, append({World::file(2 * i), World::file(2 * i + 1)})));
  }
  Table table = must(w.another()->load(w.name));
  auto catalog = w.another();
  EXPECT_EQ(World::paths(*catalog, table).size(), 6u);
  const Snapshot& s = *table->snapshot();
  EXPECT_EQ(table->snapshots.size(), 3u);
  EXPECT_EQ(s.sequence_number, 3);
  EXPECT_EQ(table->last_sequence_number, 3);
  EXPECT_EQ(s.operation, "append");
  EXPECT_EQ(s.parent, table->snapshots[1].id);
  auto value = [&](const char* key) { return s.summary.contains(key) ? s.summary.at(key) : ""; };
  EXPECT_EQ(value("added-data-files"), "2");
  EXPECT_EQ(value("added-records"), "20");
  EXPECT_EQ(value("added-files-size"), "2000");
  EXPECT_EQ(value("total-data-files"), "6");
  EXPECT_EQ(value("total-records"), "60");
  EXPECT_EQ(value("total-files-size"), "6000");
  EXPECT_EQ(value("changed-partition-count"), "1");
  // Data files have the number of the snapshot that added them, though their manifests were written without.
  std::map<std::string, int64_t> numbers;
  for (const DataFile& f : must(catalog->files(*table, s))) {
    numbers[f.path] = f.sequence_number;
    EXPECT_EQ(f.added_by, table->snapshots[f.sequence_number - 1].id);
  }
  EXPECT_EQ(numbers.at(World::file(0).path), 1);
  EXPECT_EQ(numbers.at(World::file(5).path), 3);
  EXPECT_EQ(World::paths(*catalog, table).size(), 6u);
  // Older snapshots still show what they had, and times mean one snapshot each.
  EXPECT_EQ(must(catalog->files(*table, table->snapshots[0])).size(), 2u);
  EXPECT_EQ(table->snapshot_at(table->snapshots[1].at)->id, table->snapshots[1].id);
  EXPECT_EQ(table->snapshot_at({table->snapshots[1].at.us - 1})->id, table->snapshots[0].id);
}

TEST(Catalog, TimesIncreaseThoughTheClockStandsStill) {
  World w;
  w.create();
  for (int i = 0; i < 3; ++i) must(w.catalog().commit(w.name, append({World::file(i)})));
  Table table = must(w.catalog().load(w.name));
  for (size_t i = 1; i < 3; ++i) EXPECT_LT(table->snapshots[i - 1].at, table->snapshots[i].at);
  EXPECT_EQ(table->snapshots[2].at, table->updated);
}

TEST(Catalog, RemovedFilesAreGoneAndToldAsDeleted) {
  World w;
  w.create();
  must(w.catalog().commit(w.name, append({World::file(0), World::file(1)})));
  must(w.catalog().commit(w.name, append({World::file(2)})));
  Change change;
  change.operation = "replace";
  change.added = {World::file(9)};
  change.removed = {World::file(0).path, World::file(2).path};
  Table table = must(w.catalog().commit(w.name, change));
  EXPECT_THAT(World::paths(*w.another(), table), ElementsAre(World::file(1).path, World::file(9).path));
  EXPECT_EQ(table->snapshot()->summary.at("deleted-data-files"), "2");
  EXPECT_EQ(table->snapshot()->summary.at("deleted-records"), "20");
  EXPECT_EQ(table->snapshot()->summary.at("total-records"), "20");
  EXPECT_EQ(table->snapshot()->summary.at("total-files-size"), "2000");

  auto manifests = must(
      decode_manifest_list(must(w.store().get(must(store::Uri::parse(table->snapshot()->manifest_list))))));
  int deleted = 0;
  for (const ManifestFile& m : manifests)
    for (const ManifestEntry& e :
         must(decode_manifest(must(w.store().get(must(store::Uri::parse(m.path)))), m, *table))) {
      if (e.status != EntryStatus::kDeleted) continue;
      ++deleted;
      EXPECT_EQ(e.snapshot_id, table->snapshot()->id);
      EXPECT_GT(e.sequence_number.value_or(0), 0);
    }
  EXPECT_EQ(deleted, 2);
  // The next snapshot no longer tells of them, and what stayed keeps the number it had.
  table = must(w.catalog().commit(w.name, append({World::file(10)})));
  for (const DataFile& f : must(w.another()->files(*table, *table->snapshot())))
    EXPECT_EQ(f.sequence_number, f.path == World::file(1).path ? 1 : f.path == World::file(9).path ? 3 : 4);
}

TEST(Catalog, RemovingAFileThatIsGoneIsAConflict) {
  World w;
  w.create();
  must(w.catalog().commit(w.name, append({World::file(0)})));
  Change change;
  change.removed = {World::file(0).path};
  change.operation = "delete";
  must(w.catalog().commit(w.name, change));
  auto before = w.objects();
  change.added = {World::file(7)};
  auto again = w.catalog().commit(w.name, change);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_EQ(w.objects(), before);  // what the failed commit wrote is gone
}

TEST(Catalog, ConditionsAreHeldAgainstTheCurrentSnapshot) {
  World w;
  w.create();
  Change first = append({World::file(0)});
  first.expect = {{"tarn.position.0", ""}};
  first.summary = {{"tarn.position.0", "100"}, {"tarn.stream", "clicks"}, {"tarn.range.0", "0-100"}};
  must(w.catalog().commit(w.name, first));
  auto again = w.catalog().commit(w.name, first);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_THAT(again.error().message, HasSubstr("tarn.position.0"));
  // Positions and the stream go on to snapshots that others make; ranges are of one snapshot only.
  Table table = must(w.catalog().commit(w.name, append({World::file(1)})));
  EXPECT_EQ(table->snapshot()->summary.at("tarn.position.0"), "100");
  EXPECT_EQ(table->snapshot()->summary.at("tarn.stream"), "clicks");
  EXPECT_FALSE(table->snapshot()->summary.contains("tarn.range.0"));
  Change second = append({World::file(2)});
  second.expect = {{"tarn.position.0", "100"}};
  second.summary = {{"tarn.position.0", "200"}};
  table = must(w.catalog().commit(w.name, second));
  EXPECT_EQ(table->snapshot()->summary.at("tarn.position.0"), "200");
}

TEST(Catalog, SchemasEvolveAndRefuseToGoTwoWays) {
  World w;
  Table base = w.create();
  auto with = [&](const Table& table, const char* name, const char* type) {
    columns::Schema schema = table->schema();
    schema.fields.push_back({0, name, must(columns::parse_type(type)), false, ""});
    columns::assign_ids(schema, table->last_column_id);
    Change change = append({World::file(static_cast<int>(random_u64() >> 33))});
    change.schema = schema;
    return change;
  };
  Change one = with(base, "one", "BIGINT");
  Table table = must(w.catalog().commit(w.name, one));
  EXPECT_EQ(table->current_schema, 1);
  EXPECT_EQ(table->last_column_id, 9);
  EXPECT_EQ(table->snapshot()->schema_id, 1);
  // Another writer that inferred the same column from the same base is welcome.
  Change same = with(base, "one", "BIGINT");
  EXPECT_EQ(must(w.catalog().commit(w.name, same))->schemas.size(), 2u);
  // One that took the same id for another column must look again.
  auto clash = w.catalog().commit(w.name, with(base, "two", "VARCHAR"));
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, Code::kConflict);
  table = must(w.catalog().load(w.name));
  EXPECT_EQ(must(w.catalog().commit(w.name, with(table, "two", "VARCHAR")))->current_schema, 2);
  // A schema that lacks a column isn't an evolution.
  Change old = append({});
  old.schema = base->schema();
  EXPECT_EQ(w.catalog().commit(w.name, old).error().code, Code::kConflict);
  Change narrower;
  narrower.schema = must(w.catalog().load(w.name))->schema();
  narrower.schema->fields[0].type.kind = columns::Kind::kInt;
  EXPECT_FALSE(w.catalog().commit(w.name, narrower));
}

TEST(Catalog, ColumnsAreRenamedAndDroppedByPath) {
  World w;
  w.create({"day(time)"});
  Table table = must(w.catalog().rename_column(w.name, "detail.place.city", "town"));
  EXPECT_EQ(column_path(table->schema(), table->schema().find(7)->id), "detail.place.town");
  table = must(w.catalog().rename_column(w.name, "Country", "land"));
  EXPECT_EQ(table->schema().find("land")->id, 3);
  table = must(w.catalog().drop_column(w.name, "detail.amount"));
  EXPECT_EQ(find_path(table->schema(), "detail.amount"), nullptr);
  EXPECT_EQ(table->last_column_id, 8);  // ids are never used again
  auto code = [](const auto& result) { return result ? Code::kInternal : result.error().code; };
  EXPECT_EQ(code(w.catalog().rename_column(w.name, "id", "LAND")), Code::kInvalid);
  EXPECT_EQ(code(w.catalog().rename_column(w.name, "id", "")), Code::kInvalid);
  EXPECT_EQ(code(w.catalog().drop_column(w.name, "time")), Code::kInvalid);
  auto missing = w.catalog().drop_column(w.name, "lnd");
  EXPECT_EQ(code(missing), Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("land"));
  // Renamed: the partition follows by id.
  table = must(w.catalog().rename_column(w.name, "time", "at"));
  EXPECT_EQ(partition_text(table->spec().fields[0], table->schema()), "day(at)");
}

TEST(Catalog, PartitionSpecsChangeAndComeBack) {
  World w;
  w.create({"day(time)"});
  Table table = must(w.catalog().set_partition(w.name, {"hour(time)", "country"}));
  EXPECT_EQ(table->default_spec, 1);
  EXPECT_EQ(table->spec().fields[0].field_id, 1001);
  EXPECT_EQ(table->spec().fields[1].field_id, 1002);
  table = must(w.catalog().set_partition(w.name, {"country", "day(time)"}));
  EXPECT_EQ(table->default_spec, 2);
  EXPECT_EQ(table->spec().fields[0].field_id, 1002);  // the same field keeps its id
  EXPECT_EQ(table->spec().fields[1].field_id, 1000);
  table = must(w.catalog().set_partition(w.name, {"day(time)"}));
  EXPECT_EQ(table->default_spec, 0);
  EXPECT_EQ(table->specs.size(), 3u);
  EXPECT_EQ(table->last_partition_id, 1002);
  EXPECT_EQ(w.catalog().set_partition(w.name, {"day(tme)"}).error().code, Code::kInvalid);
  // Files of several specs live together.
  DataFile hourly = World::file(1, {int32_t{400000}, std::string("IN")});
  hourly.spec_id = 1;
  DataFile daily = World::file(2, {int32_t{20000}});
  table = must(w.catalog().commit(w.name, append({hourly, daily})));
  EXPECT_EQ(World::paths(*w.another(), table).size(), 2u);
  DataFile none = World::file(3);
  none.spec_id = 7;
  EXPECT_EQ(w.catalog().commit(w.name, append({none})).error().code, Code::kInvalid);
}

TEST(Catalog, OldSnapshotsLeaveTheHistory) {
  World w;
  w.create();
  for (int i = 0; i < 4; ++i) must(w.catalog().commit(w.name, append({World::file(i)})));
  Table table = must(w.catalog().load(w.name));
  Change change;
  change.keep_snapshot = true;
  change.expire_snapshots_ids = {std::to_string(table->snapshots[0].id),
                                 std::to_string(table->snapshots[2].id)};
  Timestamp hole = table->snapshots[2].at, before = table->snapshots[1].at;
  int64_t current = table->snapshot()->id;
  table = must(w.catalog().commit(w.name, change));
  EXPECT_EQ(table->snapshots.size(), 2u);
  EXPECT_EQ(table->snapshot()->id, current);
  EXPECT_EQ(table->snapshot_at(hole), nullptr);
  EXPECT_EQ(table->snapshot_at(before), nullptr);
  EXPECT_EQ(World::paths(*w.another(), table).size(), 4u);
  change.expire_snapshots_ids = {std::to_string(current)};
  EXPECT_EQ(w.catalog().commit(w.name, change).error().code, Code::kInvalid);
  change.expire_snapshots_ids = {"12345"};
  EXPECT_EQ(must(w.catalog().commit(w.name, change))->metadata_file, table->metadata_file);  // nothing to do
}

TEST(Catalog, PropertiesAreSetAndRemovedWithoutASnapshot) {
  World w;
  w.create({}, {{"a", "1"}, {"b", "2"}});
  Change change;
  change.keep_snapshot = true;
  change.set_properties = {{"a", "3"}, {"c", ""}};
  change.remove_properties = {"b"};
  Table table = must(w.catalog().commit(w.name, change));
  EXPECT_EQ(table->properties, (std::map<std::string, std::string>{{"a", "3"}, {"c", ""}}));
  EXPECT_EQ(table->snapshot(), nullptr);
  change.remove_properties = {};
  EXPECT_EQ(must(w.catalog().commit(w.name, change))->metadata_file, table->metadata_file);
  change.added = {World::file(1)};
  EXPECT_EQ(w.catalog().commit(w.name, change).error().code, Code::kInvalid);
}

TEST(Catalog, TheMetadataLogIsBoundedAndItsFilesGo) {
  World w;
  w.create({}, {{"write.metadata.previous-versions-max", "3"}});
  for (int i = 0; i < 8; ++i) must(w.catalog().commit(w.name, append({World::file(i)})));
  Table table = must(w.another()->load(w.name));
  ASSERT_EQ(table->metadata_log.size(), 3u);
  EXPECT_THAT(table->metadata_file, HasSubstr("/metadata/00008-"));
  EXPECT_THAT(table->metadata_log[2].file, HasSubstr("/metadata/00007-"));
  int files = 0;
  for (const std::string& path : w.objects()) files += path.ends_with(".metadata.json");
  EXPECT_EQ(files, 4);
}

TEST(Catalog, ManySmallManifestsAreJoined) {
  World w;
  w.create({}, {{"commit.manifest.min-count-to-merge", "4"}});
  for (int i = 0; i < 70; ++i) must(w.catalog().commit(w.name, append({World::file(i)})));
  Table table = must(w.catalog().load(w.name));
  auto list = must(
      decode_manifest_list(must(w.store().get(must(store::Uri::parse(table->snapshot()->manifest_list))))));
  EXPECT_LE(list.size(), 16u);  // fewer than four of each tier, and the new one
  auto catalog = w.another();
  EXPECT_EQ(World::paths(*catalog, table).size(), 70u);
  EXPECT_EQ(table->snapshot()->summary.at("total-data-files"), "70");
  EXPECT_EQ(table->snapshot()->summary.at("total-records"), "700");
  for (const DataFile& f : must(catalog->files(*table, *table->snapshot()))) {
    int number = std::stoi(f.path.substr(f.path.rfind('/') + 1));
    EXPECT_EQ(f.sequence_number, number + 1) << "the data is as old as it was";
    EXPECT_EQ(f.added_by, table->snapshots[number].id);
  }
  // Old snapshots still have their own manifests.
  EXPECT_EQ(must(catalog->files(*table, table->snapshots[20])).size(), 21u);
}

TEST(Catalog, RewritesKeepTheSequenceNumberThatTheyReadAt) {
  World w;
  w.create();
  must(w.catalog().commit(w.name, append({World::file(0)})));
  must(w.catalog().commit(w.name, append({World::file(1)})));
  DataFile deletes = World::file(5);
  deletes.content = FileContent::kEqualityDeletes;
  deletes.equality_ids = {1};
  Table table = must(w.catalog().commit(w.name, append({deletes})));
  EXPECT_EQ(table->snapshot()->summary.at("total-delete-files"), "1");
  EXPECT_EQ(table->snapshot()->summary.at("total-equality-deletes"), "10");
  Change change = append({World::file(9)});
  change.operation = "replace";
  change.removed = {World::file(0).path, World::file(1).path};
  change.added[0].sequence_number = 2;
  table = must(w.catalog().commit(w.name, change));
  for (const DataFile& f : must(w.another()->files(*table, *table->snapshot())))
    EXPECT_EQ(f.sequence_number, f.content == FileContent::kData ? 2 : 3);
}

TEST(Catalog, ReachableNamesExactlyWhatIsThere) {
  World w;
  w.create({}, {{"commit.manifest.min-count-to-merge", "3"}});
  std::set<std::string> data;
  for (int i = 0; i < 7; ++i) {
    must(w.catalog().commit(w.name, append({World::file(i)})));
    data.insert(World::file(i).path);
  }
  Table table = must(w.catalog().load(w.name));
  std::set<std::string> reachable = must(w.another()->reachable(*table));
  std::set<std::string> there = data;
  for (const std::string& path : w.objects()) there.insert(path);
  EXPECT_EQ(reachable, there);  // no commit left anything behind
}

TEST(Catalog, ListenersHearOfEveryCommit) {
  World w;
  std::vector<std::string> heard;
  w.catalog().on_commit([&](const TableName& name, const Table& table) {
    heard.push_back(name.str() + " " + std::to_string(table->snapshots.size()));
    must(w.catalog().load(name));  // no lock is held
  });
  w.create();
  must(w.catalog().commit(w.name, append({World::file(1)})));
  EXPECT_THAT(heard, ElementsAre("raw.t 0", "raw.t 1"));
}

TEST(Catalog, WrongSchemasAreNamed) {
  World w;
  TableSpec spec;
  spec.schema = testing::schema_of({{"a", "BIGINT"}, {"A", "BIGINT"}});
  auto twice = w.catalog().create(w.name, spec);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::kInvalid);
  EXPECT_THAT(twice.error().message, HasSubstr("column A"));
  spec.schema = testing::schema_of({{"a", "BIGINT"}});
  spec.partition = {"day(a)"};
  EXPECT_THAT(w.catalog().create(w.name, spec).error().message, HasSubstr("raw.t"));
  EXPECT_TRUE(w.objects().empty());
}

TEST(Catalog, ADamagedFileIsNamed) {
  World w;
  w.create();
  Table table = must(w.catalog().commit(w.name, append({World::file(1)})));
  must(w.store().put(must(store::Uri::parse(table->snapshot()->manifest_list)), "Obj\x01 no"));
  auto files = w.another()->files(*table, *table->snapshot());
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::kCorrupt);
  EXPECT_THAT(files.error().message, HasSubstr(table->snapshot()->manifest_list));
  must(w.store().put(must(store::Uri::parse(table->metadata_file)), "{}"));
  auto loaded = w.another()->load(w.name);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kCorrupt);
  EXPECT_THAT(loaded.error().message, HasSubstr(table->metadata_file));
}

}  // namespace
}  // namespace tarn::lake
