#include "lake/maintenance.h"

#include <atomic>
#include <functional>
#include <thread>

#include "lake/written_table_internal.h"

namespace tarn::lake {
namespace {

using testing::must;
using testing::rows_of;
using testing::schema_of;
using testing::TempFolder;
using testing::TextRows;

// A store that calls a function before it adopts a file: the moment when a compaction has read its rows.
class HookedStore : public store::Store {
 public:
  explicit HookedStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}
  std::function<void()> before_adopt;

  Status create_bucket(std::string_view bucket) override { return inner_->create_bucket(bucket); }
  Result<std::vector<std::string>> buckets() const override { return inner_->buckets(); }
  Status put(const store::Uri& uri, std::string_view bytes) override { return inner_->put(uri, bytes); }
  Status adopt(const std::filesystem::path& file, const store::Uri& uri) override {
    if (auto hook = std::exchange(before_adopt, nullptr)) hook();
    return inner_->adopt(file, uri);
  }
  Result<std::string> get(const store::Uri& uri) const override { return inner_->get(uri); }
  Result<store::ObjectInfo> head(const store::Uri& uri) const override { return inner_->head(uri); }
  Status remove(const store::Uri& uri) override { return inner_->remove(uri); }
  Result<store::Listing> list(std::string_view bucket, std::string_view prefix, std::string_view start_after,
                              size_t limit) const override {
    return inner_->list(bucket, prefix, start_after, limit);
  }
  std::string readable(const store::Uri& uri) const override { return inner_->readable(uri); }
  std::filesystem::path staging() const override { return inner_->staging(); }

 private:
  std::unique_ptr<store::Store> inner_;
};

class Maintenance : public ::testing::Test {
 protected:
  Maintenance() {
    metastore_ = must(meta::open_sqlite(folder_.path() / "meta.db"));
    store_ = std::make_unique<HookedStore>(must(store::open_directory_store(folder_.path() / "store")));
    catalog_ = must(Catalog::open(*metastore_, *store_, "lake", clock_));
    database_ = must(duck::Database::open({{"threads", "2"}}));
    connection_ = std::make_unique<duck::Connection>(connect());
    must(register_transforms(*connection_));
  }

  duck::Connection connect() {
    duck::Connection connection = must(database_->connect());
    must(connection.run("SET TimeZone = 'UTC'"));
    return connection;
  }

  Table create(const std::vector<std::pair<std::string, std::string>>& columns,
               const std::vector<std::string>& partition = {},
               std::map<std::string, std::string> properties = {}) {
    TableSpec spec;
    spec.schema = schema_of(columns);
    spec.partition = partition;
    spec.properties = std::move(properties);
    return must(catalog_->create(name_, spec));
  }

  Table append(duck::Connection& connection, const std::string& select,
               std::map<std::string, std::string> summary = {}) {
    Table table = must(catalog_->load(name_));
    Change change;
    change.added = must(write_data(connection, *store_, *table, table->schema(), select, {}));
    change.summary = std::move(summary);
    return must(catalog_->commit(name_, change));
  }
  Table append(const std::string& select, std::map<std::string, std::string> summary = {}) {
    return append(*connection_, select, std::move(summary));
  }

  TextRows rows(const std::string& list = "*", const Snapshot* snapshot = nullptr) {
    Table table = must(catalog_->load(name_));
    const columns::Schema* schema = &table->schema();
    if (snapshot != nullptr) schema = table->schema(snapshot->schema_id);
    std::string sql =
        must(scan_sql(*catalog_, *table, snapshot != nullptr ? snapshot : table->snapshot(), *schema));
    return rows_of(*connection_, "SELECT " + list + " FROM (" + sql + ") AS t");
  }
  size_t files() {
    Table table = must(catalog_->load(name_));
    return table->snapshot() == nullptr ? 0 : must(catalog_->files(*table, *table->snapshot())).size();
  }
  std::set<std::string> objects() {
    std::set<std::string> out;
    for (const auto& object : must(store_->list("lake", "", "", 100000)).objects)
      out.insert("s3://lake/" + object.key);
    return out;
  }
  void expect_sound() {
    EXPECT_EQ(must(verify_table(*catalog_, name_, *connection_)), std::vector<std::string>());
  }

  TempFolder folder_;
  ManualClock clock_{Clock::system().now()};
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<HookedStore> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<duck::Database> database_;
  std::unique_ptr<duck::Connection> connection_;
  const TableName name_{"raw", "events"};
};

TEST_F(Maintenance, CompactionJoinsSmallFilesAndKeepsRowsAndPosition) {
  create({{"id", "BIGINT"}, {"text", "VARCHAR"}});
  for (int i = 0; i < 10; ++i)
    append("SELECT range + " + std::to_string(i * 100) + " AS id, 't' || range AS text FROM range(100)",
           {{"tarn.stream", "s"}, {"tarn.position.0", std::to_string((i + 1) * 100)}});
  TextRows before = rows();
  Maintained done = must(compact(*catalog_, name_, *connection_));
  EXPECT_EQ(done.files_before, 10u);
  EXPECT_EQ(done.files_after, 1u);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(rows(), before);
  Table table = must(catalog_->load(name_));
  EXPECT_EQ(table->snapshot()->operation, "replace");
  EXPECT_EQ(table->snapshot()->summary.at("tarn.position.0"), "1000");
  EXPECT_EQ(table->snapshot()->summary.at("total-records"), "1000");
  expect_sound();
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 0u);  // nothing is left to do
}

TEST_F(Maintenance, CompactionWaitsForEnoughFilesAndLeavesLargeOnes) {
  create({{"id", "BIGINT"}}, {}, {{"tarn.compact.min-files", "3"}, {"tarn.compact.small-bytes", "20KB"}});
  append("SELECT range AS id FROM range(20000)");  // larger than small
  append("SELECT 1 AS id");
  append("SELECT 2 AS id");
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 0u);
  append("SELECT 3 AS id");
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 3u);
  EXPECT_EQ(files(), 2u);
}

TEST_F(Maintenance, CompactionKeepsPartitionsApartAndMovesFilesToTheCurrentSpec) {
  create({{"k", "VARCHAR"}, {"id", "BIGINT"}}, {"k"}, {{"tarn.compact.min-files", "2"}});
  for (int i = 0; i < 4; ++i) append("SELECT unnest(['a/b', NULL]) AS k, " + std::to_string(i) + " AS id");
  TextRows before = rows();
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_after, 2u);
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(rows(), before);
  must(catalog_->set_partition(name_, {"bucket(4, id)"}));
  for (int i = 4; i < 6; ++i) append("SELECT 'a/b' AS k, " + std::to_string(i) + " AS id");
  append("SELECT 'a/b' AS k, 4 AS id");
  before = rows();
  must(compact(*catalog_, name_, *connection_));
  EXPECT_EQ(rows(), before);
  expect_sound();
}

TEST_F(Maintenance, CompactionJoinsManyPartitionsInOneSnapshot) {
  create({{"k", "BIGINT"}}, {"k"}, {{"tarn.compact.min-files", "2"}});
  for (int i = 0; i < 2; ++i) append("SELECT range AS k FROM range(10)");
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_after, 10u);
  EXPECT_EQ(must(catalog_->load(name_))->snapshots.size(), 3u);
  EXPECT_EQ(rows("count(*), count(DISTINCT k)"), (TextRows{{"20", "10"}}));
}

TEST_F(Maintenance, CompactionGivesWayToACommitThatTookAFileOfOneGroup) {
  create({{"k", "BIGINT"}, {"v", "VARCHAR"}}, {"k"}, {{"tarn.compact.min-files", "2"}});
  for (int i = 0; i < 2; ++i) append("SELECT range AS k, 'old' AS v FROM range(3)");
  Table table = must(catalog_->load(name_));
  DataFile taken;
  for (const DataFile& file : must(catalog_->files(*table, *table->snapshot())))
    if (file.partition.at(0) == Single(int64_t{1})) taken = file;
  std::set<std::string> before = objects();
  store_->before_adopt = [&] {
    Change change;
    change.operation = "delete";
    change.removed = {taken.path};
    must(catalog_->commit(name_, change));
  };
  Maintained done = must(compact(*catalog_, name_, *connection_));
  EXPECT_EQ(done.files_before, 4u);  // the groups of 0 and 2
  EXPECT_EQ(done.files_after, 2u);
  EXPECT_EQ(rows("k"), (TextRows{{"0"}, {"0"}, {"1"}, {"2"}, {"2"}}));
  // The files that were written for group 1 are gone again.
  table = must(catalog_->load(name_));
  std::set<std::string> named = must(catalog_->reachable(*table));
  for (const std::string& object : objects()) EXPECT_TRUE(named.contains(object)) << object;
  expect_sound();
}

TEST_F(Maintenance, CompactionGivesWayToDeletesThatCameMeanwhile) {
  create({{"id", "BIGINT"}}, {}, {{"tarn.compact.min-files", "2"}});
  for (int i = 0; i < 2; ++i) append("SELECT range AS id FROM range(3)");
  Table table = must(catalog_->load(name_));
  const std::string path = must(catalog_->files(*table, *table->snapshot())).at(0).path;
  store_->before_adopt = [&] {
    std::filesystem::path file = store_->staging() / "deletes.parquet";
    must(connect().run("COPY (SELECT '" + path + "' AS file_path, 0::BIGINT AS pos) TO '" + file.string() +
                       "' (FORMAT parquet)"));
    DataFile deletes;
    deletes.content = FileContent::kPositionDeletes;
    deletes.records = 1;
    deletes.bytes = static_cast<int64_t>(std::filesystem::file_size(file));
    deletes.path = table->location + "/data/deletes.parquet";
    must(store_->adopt(file, must(store::Uri::parse(deletes.path))));
    Change change;
    change.operation = "delete";
    change.added = {deletes};
    must(catalog_->commit(name_, change));
  };
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 0u);
  EXPECT_EQ(rows("count(*)"), (TextRows{{"5"}}));
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 2u);
  EXPECT_EQ(rows("count(*)"), (TextRows{{"5"}}));
}

TEST_F(Maintenance, CompactionRewritesOldSchemasUnderTheNewOne) {
  create({{"id", "INTEGER"}, {"s", "STRUCT(x BIGINT)"}, {"gone", "VARCHAR"}}, {},
         {{"tarn.compact.min-files", "2"}});
  append("SELECT 1 AS id, {'x': 1} AS s, 'g' AS gone");
  must(catalog_->rename_column(name_, "id", "key"));
  must(catalog_->rename_column(name_, "s.x", "y"));
  must(catalog_->drop_column(name_, "gone"));
  append("SELECT 2 AS key, {'y': 2} AS s");
  TextRows before = rows("key, to_json(s)::VARCHAR");
  EXPECT_EQ(before, (TextRows{{"1", R"({"y":1})"}, {"2", R"({"y":2})"}}));
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 2u);
  EXPECT_EQ(rows("key, to_json(s)::VARCHAR"), before);
  expect_sound();
}

TEST_F(Maintenance, CompactionAppliesDeletesOfOtherEngines) {
  create({{"id", "BIGINT"}}, {}, {{"tarn.compact.min-files", "2"}});
  append("SELECT range AS id FROM range(5)");
  append("SELECT 100 + range AS id FROM range(5)");
  std::filesystem::path file = store_->staging() / "deletes.parquet";
  must(connection_->run("COPY (SELECT 3::BIGINT AS id) TO '" + file.string() +
                        "' (FORMAT parquet, FIELD_IDS {id: 1})"));
  DataFile deletes;
  deletes.content = FileContent::kEqualityDeletes;
  deletes.equality_ids = {1};
  deletes.records = 1;
  deletes.bytes = static_cast<int64_t>(std::filesystem::file_size(file));
  deletes.path = must(catalog_->load(name_))->location + "/data/deletes.parquet";
  must(store_->adopt(file, must(store::Uri::parse(deletes.path))));
  Change change;
  change.operation = "delete";
  change.added = {deletes};
  must(catalog_->commit(name_, change));
  append("SELECT 3 AS id");  // after the delete: stays
  EXPECT_EQ(rows("count(*), sum(id)"), (TextRows{{"10", "520"}}));
  EXPECT_EQ(must(compact(*catalog_, name_, *connection_)).files_before, 3u);
  EXPECT_EQ(rows("count(*), sum(id)"), (TextRows{{"10", "520"}}));
}

TEST_F(Maintenance, ExpiryRemovesWhatOnlyOldSnapshotsName) {
  create({{"id", "BIGINT"}}, {},
         {{"tarn.keep.snapshots", "2"}, {"tarn.keep.age", "1h"}, {"tarn.compact.min-files", "4"}});
  for (int i = 0; i < 4; ++i) append("SELECT " + std::to_string(i) + " AS id");
  must(compact(*catalog_, name_, *connection_));
  append("SELECT 4 AS id");
  Table table = must(catalog_->load(name_));
  ASSERT_EQ(table->snapshots.size(), 6u);
  EXPECT_EQ(must(expire(*catalog_, name_)).snapshots_expired, 0u);  // all are young
  clock_.advance(std::chrono::hours(2));
  std::set<std::string> before = objects();
  TextRows data = rows();
  Maintained done = must(expire(*catalog_, name_));
  EXPECT_EQ(done.snapshots_expired, 4u);
  EXPECT_GT(done.bytes_removed, 0u);
  std::set<std::string> after = objects();
  Table now = must(catalog_->load(name_));
  EXPECT_EQ(now->snapshots.size(), 2u);
  // The four data files that were joined and the four manifest lists are gone, all that is named is there.
  size_t data_gone = 0, lists_gone = 0;
  for (const std::string& object : before) {
    if (after.contains(object)) continue;
    data_gone += object.find("/data/") != std::string::npos ? 1 : 0;
    lists_gone += object.find("/snap-") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(data_gone, 4u);
  EXPECT_EQ(lists_gone, 4u);
  for (const std::string& file : must(catalog_->reachable(*now))) EXPECT_TRUE(after.contains(file)) << file;
  EXPECT_EQ(rows(), data);
  EXPECT_EQ(rows("count(*)", &now->snapshots[0]), (TextRows{{"4"}}));
  expect_sound();
  EXPECT_EQ(must(expire(*catalog_, name_)).snapshots_expired, 0u);
}

TEST_F(Maintenance, ExpiryNeverTakesTheCurrentSnapshot) {
  create({{"id", "BIGINT"}}, {}, {{"tarn.keep.snapshots", "1"}, {"tarn.keep.age", "1s"}});
  append("SELECT 1 AS id");
  clock_.advance(std::chrono::hours(24 * 365));
  EXPECT_EQ(must(expire(*catalog_, name_)).snapshots_expired, 0u);
  EXPECT_EQ(rows("count(*)"), (TextRows{{"1"}}));
}

TEST_F(Maintenance, TheSweepRemovesOldOrphansAndNothingElse) {
  create({{"id", "BIGINT"}}, {"id"});
  append("SELECT range AS id FROM range(3)");
  append("SELECT range AS id FROM range(3)");
  Table table = must(catalog_->load(name_));
  // Files that were written and never committed, and what has no business there.
  auto lost = must(write_data(*connection_, *store_, *table, table->schema(), "SELECT 9 AS id", {}));
  const std::string manifest = table->location + "/metadata/lost.avro";
  must(store_->put(must(store::Uri::parse(manifest)), "x"));
  // A neighbour whose name begins alike.
  const std::string neighbour = table->location + "x/data/kept";
  must(store_->put(must(store::Uri::parse(neighbour)), "x"));
  std::set<std::string> before = objects();
  EXPECT_EQ(must(sweep_orphans(*catalog_, name_)).files_removed, 0u);  // too young
  EXPECT_EQ(objects(), before);
  clock_.advance(std::chrono::hours(25));
  Maintained done = must(sweep_orphans(*catalog_, name_));
  EXPECT_EQ(done.files_removed, 2u);
  EXPECT_EQ(done.bytes_removed, static_cast<uint64_t>(lost.at(0).bytes) + 1);
  before.erase(lost.at(0).path);
  before.erase(manifest);
  EXPECT_EQ(objects(), before);
  expect_sound();
  EXPECT_EQ(must(sweep_orphans(*catalog_, name_)).files_removed, 0u);
}

TEST_F(Maintenance, DroppedTablesAreSweptADayLater) {
  create({{"id", "BIGINT"}});
  append("SELECT 1 AS id");
  must(catalog_->drop(name_));
  create({{"id", "BIGINT"}});
  append("SELECT 2 AS id");
  EXPECT_EQ(must(sweep_dropped(*catalog_)).files_removed, 0u);
  clock_.advance(std::chrono::hours(25));
  EXPECT_GT(must(sweep_dropped(*catalog_)).files_removed, 0u);
  Table table = must(catalog_->load(name_));
  std::set<std::string> left = objects();
  EXPECT_EQ(left, must(catalog_->reachable(*table)));
  EXPECT_EQ(rows(), (TextRows{{"2"}}));
}

TEST_F(Maintenance, PropertiesThatAreWrongAreNamed) {
  create({{"id", "BIGINT"}}, {}, {{"tarn.keep.snapshots", "many"}});
  append("SELECT 1 AS id");
  auto done = expire(*catalog_, name_);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("tarn.keep.snapshots"), std::string::npos);
}

TEST_F(Maintenance, SnapshotsShowTheTableAsItWas) {
  create({{"id", "INTEGER"}});
  append("SELECT 1 AS id");
  must(catalog_->rename_column(name_, "id", "key"));
  append("SELECT 2 AS key");
  Table table = must(catalog_->load(name_));
  EXPECT_EQ(rows("id", &table->snapshots[0]), (TextRows{{"1"}}));
  EXPECT_EQ(rows("key"), (TextRows{{"1"}, {"2"}}));
}

class Verify : public Maintenance {
 protected:
  Verify() {
    create({{"id", "BIGINT"}, {"s", "STRUCT(x VARCHAR[])"}});
    append("SELECT range AS id, {'x': ['a']} AS s FROM range(10)");
    append("SELECT range AS id, {'x': ['a']} AS s FROM range(10)");
    table_ = must(catalog_->load(name_));
    files_ = must(catalog_->files(*table_, *table_->snapshot()));
  }
  std::string only_problem() {
    auto problems = must(verify_table(*catalog_, name_, *connection_));
    EXPECT_EQ(problems.size(), 1u) << ::testing::PrintToString(problems);
    return problems.empty() ? "" : problems[0];
  }
  void replace_file(const std::string& path, const std::string& select, const std::string& options) {
    std::filesystem::path file = store_->staging() / "other.parquet";
    must(
        connection_->run("COPY (" + select + ") TO '" + file.string() + "' (FORMAT parquet" + options + ")"));
    must(store_->adopt(file, must(store::Uri::parse(path))));
  }
  Table table_;
  std::vector<DataFile> files_;
};

TEST_F(Verify, FindsNothingInASoundTable) {
  expect_sound();
}

TEST_F(Verify, NamesAMissingDataFile) {
  must(store_->remove(must(store::Uri::parse(files_[0].path))));
  EXPECT_NE(only_problem().find(files_[0].path + ": data file is missing"), std::string::npos);
}

TEST_F(Verify, NamesAMissingManifestList) {
  must(store_->remove(must(store::Uri::parse(table_->snapshots[0].manifest_list))));
  EXPECT_NE(only_problem().find("manifest list of snapshot"), std::string::npos);
}

TEST_F(Verify, NamesADamagedFooterAmongGoodOnes) {
  auto uri = must(store::Uri::parse(files_[1].path));
  std::string bytes = must(store_->get(uri));
  bytes.replace(bytes.size() - 4, 4, "XXXX");
  must(store_->put(uri, bytes));
  EXPECT_NE(only_problem().find(files_[1].path + ": the Parquet footer can't be read"), std::string::npos);
}

TEST_F(Verify, NamesFilesWithOtherRowsOrWithoutIds) {
  replace_file(files_[0].path, "SELECT 1::BIGINT AS id", ", FIELD_IDS {id: 77}");
  replace_file(files_[1].path, "SELECT 1::BIGINT AS id", "");
  auto problems = must(verify_table(*catalog_, name_, *connection_));
  std::string all = ::testing::PrintToString(problems);
  EXPECT_NE(all.find("unknown field id 77"), std::string::npos) << all;
  EXPECT_NE(all.find("column id has no field id"), std::string::npos) << all;
  EXPECT_NE(all.find("the Parquet footer has 1 rows, the manifest 10"), std::string::npos) << all;
  EXPECT_NE(all.find("bytes, its manifest says"), std::string::npos) << all;
}

TEST_F(Maintenance, AppendsCompactionAndQueriesAtOnceLoseAndDoubleNothing) {
  create({{"id", "BIGINT"}}, {"bucket(2, id)"}, {{"tarn.compact.min-files", "2"}});
  constexpr int kAppends = 20, kRows = 50;
  append("SELECT -1 AS id");
  std::atomic<int> appended = 0;
  std::atomic<bool> writing = true;
  auto writer = [&](int from) {
    duck::Connection connection = connect();
    for (int i = from; i < kAppends; i += 2) {
      append(connection, "SELECT range + " + std::to_string(i * kRows) + " AS id FROM range(" +
                             std::to_string(kRows) + ")");
      ++appended;
    }
  };
  std::thread first(writer, 0), second(writer, 1);
  std::thread compactor([&] {
    duck::Connection connection = connect();
    while (writing) must(compact(*catalog_, name_, connection));
  });
  std::thread reader([&] {
    duck::Connection connection = connect();
    while (writing) {
      int64_t at_least = appended * kRows;
      Table table = must(catalog_->load(name_));
      std::string sql = must(scan_sql(*catalog_, *table, table->snapshot(), table->schema()));
      auto counts = must(connection.text("SELECT count(*), count(DISTINCT id) FROM (" + sql + ") AS t"));
      EXPECT_EQ(counts[0][0], counts[0][1]);
      EXPECT_GE(std::stoll(*counts[0][0]), at_least);
    }
  });
  first.join();
  second.join();
  writing = false;
  compactor.join();
  reader.join();
  must(compact(*catalog_, name_, *connection_));
  EXPECT_EQ(rows("count(*), count(DISTINCT id)"), (TextRows{{"1001", "1001"}}));
  expect_sound();
  // What lost races left behind is all that the sweep takes.
  clock_.advance(std::chrono::hours(25));
  must(sweep_orphans(*catalog_, name_));
  EXPECT_EQ(objects(), must(catalog_->reachable(*must(catalog_->load(name_)))));
}

}  // namespace
}  // namespace tarn::lake
