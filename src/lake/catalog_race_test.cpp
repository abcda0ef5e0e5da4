// Many writers, one table: every commit is there exactly once, and every failure leaves the old version or
// the new one.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lake/catalog.h"
#include "lake/catalog_world_internal.h"

namespace tarn::lake {
namespace {

using ::testing::ElementsAre;
using testing::FaultyMetastore;
using testing::must;
using testing::World;

Change append(int number) {
  Change change;
  change.added = {World::file(number)};
  return change;
}

constexpr int kWriters = 8;
constexpr int kCommits = 12;

void expect_all_once(World& w) {
  auto catalog = w.another();
  Table table = must(catalog->load(w.name));
  std::vector<std::string> wanted;
  for (int i = 0; i < kWriters * kCommits; ++i) wanted.push_back(World::file(i).path);
  std::ranges::sort(wanted);
  EXPECT_EQ(World::paths(*catalog, table), wanted);
  EXPECT_EQ(table->snapshot()->summary.at("total-data-files"), std::to_string(kWriters * kCommits));
  EXPECT_EQ(table->snapshots.size(), static_cast<size_t>(kWriters * kCommits));
  EXPECT_EQ(table->last_sequence_number, kWriters * kCommits);
}

TEST(CommitRace, WritersOfOneProcessAreAllThereOnce) {
  World w;
  w.create({}, {{"commit.manifest.min-count-to-merge", "10"}});
  std::vector<std::jthread> threads;
  for (int t = 0; t < kWriters; ++t)
    threads.emplace_back([&w, t] {
      for (int i = 0; i < kCommits; ++i) must(w.catalog().commit(w.name, append(t * kCommits + i)));
    });
  threads.clear();
  expect_all_once(w);
}

TEST(CommitRace, WritersOfManyProcessesAreAllThereOnce) {
  World w;
  w.create({},
           {{"commit.manifest.min-count-to-merge", "10"}, {"write.metadata.previous-versions-max", "100"}});
  std::vector<std::jthread> threads;
  for (int t = 0; t < kWriters; ++t)
    threads.emplace_back([&w, t] {
      auto catalog = w.another();  // its own cache and locks: only the swap of the pointer decides
      for (int i = 0; i < kCommits; ++i) must(catalog->commit(w.name, append(t * kCommits + i)));
    });
  threads.clear();
  expect_all_once(w);
  // Tries that were lost left nothing behind.
  auto catalog = w.another();
  std::set<std::string> reachable = must(catalog->reachable(*must(catalog->load(w.name))));
  for (const std::string& path : w.objects()) EXPECT_TRUE(reachable.contains(path)) << path;
}

TEST(CommitRace, OfManyWithOneConditionOneWins) {
  World w;
  w.create();
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kWriters; ++t)
    threads.emplace_back([&, t] {
      auto catalog = w.another();
      Change change = append(t);
      change.expect = {{"tarn.position.0", ""}};
      change.summary = {{"tarn.position.0", "10"}};
      auto done = catalog->commit(w.name, change);
      if (done) {
        ++won;
      } else {
        EXPECT_EQ(done.error().code, Code::kConflict) << done.error().message;
        ++lost;
      }
    });
  threads.clear();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kWriters - 1);
  EXPECT_EQ(World::paths(w.catalog(), must(w.catalog().load(w.name))).size(), 1u);
}

TEST(CommitRace, ReadersSeeWholeVersionsWhileWritersCommit) {
  World w;
  w.create({}, {{"write.metadata.previous-versions-max", "1"}});
  std::atomic<bool> stop = false;
  std::jthread reader([&] {
    auto catalog = w.another();
    size_t seen = 0;
    while (!stop) {
      Table table = must(catalog->load(w.name));
      size_t files = World::paths(*catalog, table).size();
      EXPECT_EQ(files, table->snapshots.size());
      EXPECT_GE(files, seen);
      seen = files;
    }
  });
  for (int i = 0; i < 30; ++i) must(w.catalog().commit(w.name, append(i)));
  stop = true;
}

TEST(CommitCrash, AFailureOfTheStoreAtAnyStepLeavesTheOldVersion) {
  for (int step = 0;; ++step) {
    World w;
    w.create({}, {{"commit.manifest.min-count-to-merge", "2"}});
    for (int i = 0; i < 3; ++i) must(w.catalog().commit(w.name, append(i)));
    auto before = World::paths(w.catalog(), must(w.catalog().load(w.name)));
    Change change = append(9);
    change.removed = {World::file(0).path};
    change.expect = {{"tarn.position.0", ""}};
    change.summary = {{"tarn.position.0", "10"}};
    w.store().writes_left = step;
    auto done = w.catalog().commit(w.name, change);
    w.store().writes_left = -1;
    auto catalog = w.another();  // the next process
    Table table = must(catalog->load(w.name));
    if (done) {
      EXPECT_GE(step, 4);  // added, rewritten, joined, list, metadata: all of them were tried
      EXPECT_EQ(World::paths(*catalog, table).back(), World::file(9).path);
      break;
    }
    EXPECT_EQ(done.error().code, Code::kFull);
    EXPECT_EQ(World::paths(*catalog, table), before);
    // And the same change can be made again.
    table = must(catalog->commit(w.name, change));
    EXPECT_EQ(World::paths(*catalog, table).size(), before.size());
  }
}

TEST(CommitCrash, AFailureOfTheMetastoreLeavesTheOldVersion) {
  World w;
  w.create();
  must(w.catalog().commit(w.name, append(0)));
  w.metastore().next = FaultyMetastore::Fault::kFailBefore;
  EXPECT_EQ(w.catalog().commit(w.name, append(1)).error().code, Code::kIo);
  EXPECT_THAT(World::paths(w.catalog(), must(w.catalog().load(w.name))), ElementsAre(World::file(0).path));
}

TEST(CommitCrash, AnUnknownOutcomeIsLookedUp) {
  World w;
  w.create();
  w.metastore().next = FaultyMetastore::Fault::kUnknownButDone;
  Table table = must(w.catalog().commit(w.name, append(0)));
  EXPECT_THAT(World::paths(*w.another(), table), ElementsAre(World::file(0).path));
  // Also when others committed on top of it before we looked.
  auto other = w.another();
  w.metastore().after_unknown = [&] { must(other->commit(w.name, append(2))); };
  w.metastore().next = FaultyMetastore::Fault::kUnknownButDone;
  table = must(w.catalog().commit(w.name, append(1)));
  EXPECT_EQ(World::paths(*w.another(), must(w.another()->load(w.name))).size(), 3u);
}

TEST(CommitCrash, AnOutcomeThatStaysUnknownIsSaid) {
  World w;
  w.create();
  w.metastore().next = FaultyMetastore::Fault::kUnknownNotDone;
  auto done = w.catalog().commit(w.name, append(0));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUnknownOutcome);
  // What was written stays: the swap may still come to pass.
  int metadata = 0;
  for (const std::string& path : w.objects()) metadata += path.ends_with(".metadata.json");
  EXPECT_EQ(metadata, 2);
  EXPECT_EQ(must(w.catalog().load(w.name))->snapshot(), nullptr);
}

TEST(CommitCrash, ATableDroppedMeanwhileIsNotFound) {
  World w;
  w.create();
  must(w.another()->drop(w.name));
  EXPECT_EQ(w.catalog().commit(w.name, append(0)).error().code, Code::kNotFound);
  EXPECT_EQ(w.catalog().rename_column(w.name, "id", "x").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace tarn::lake
