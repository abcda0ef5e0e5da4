#include "store/outbox.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "base/id.h"
#include "store/objects_schema.h"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

class OutboxTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tarn-outbox-" + uuid_v4());
    fs::create_directories(folder_);
    reopen();
  }
  void TearDown() override {
    outbox_.reset();
    metastore_.reset();
    fs::remove_all(folder_);
  }
  void reopen() {
    outbox_.reset();
    metastore_.reset();
    auto opened = meta::open_sqlite(folder_ / "meta.db");
    ASSERT_TRUE(opened) << opened.error().message;
    metastore_ = std::move(*opened);
    ASSERT_TRUE(metastore_->migrate(object_migrations()));
    outbox_ = std::make_unique<Outbox>(*metastore_);
  }

  // The number that the event got.
  uint64_t add(std::string key) {
    ObjectEvent event;
    event.bucket = "photos";
    event.key = std::move(key);
    Status done = metastore_->transact([&](meta::Transaction& t) { return Outbox::add(t, event); });
    EXPECT_TRUE(done) << done.error().message;
    return event.number;
  }
  std::vector<ObjectEvent> next(size_t limit = 100) {
    auto events = outbox_->next(limit);
    EXPECT_TRUE(events) << events.error().message;
    return std::move(*events);
  }

  fs::path folder_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, GivesBackEverythingThatAnEventSays) {
  ObjectEvent event;
  event.change = ObjectChange::kDeleted;
  event.at = {1'700'000'000'000'001};
  event.bucket = "photos";
  event.key = "a/ü\n.jpg";
  event.bytes = 1ull << 42;
  event.etag = "abc-2";
  event.version_id = "v1";
  event.sequencer = "00000000000000ff";
  event.reason = "Lifecycle Expiration";
  event.delete_marker = true;
  event.requester = "s3.amazonaws.com";
  event.source_ip = "::1";
  event.request_id = "R1";
  ASSERT_TRUE(metastore_->transact([&](meta::Transaction& t) { return Outbox::add(t, event); }));
  auto events = next();
  ASSERT_EQ(events.size(), 1u);
  const ObjectEvent& told = events[0];
  EXPECT_EQ(told.number, 1u);
  EXPECT_EQ(told.change, ObjectChange::kDeleted);
  EXPECT_EQ(told.at, event.at);
  EXPECT_EQ(told.bucket, event.bucket);
  EXPECT_EQ(told.key, event.key);
  EXPECT_EQ(told.bytes, event.bytes);
  EXPECT_EQ(told.etag, event.etag);
  EXPECT_EQ(told.version_id, event.version_id);
  EXPECT_EQ(told.sequencer, event.sequencer);
  EXPECT_EQ(told.reason, event.reason);
  EXPECT_TRUE(told.delete_marker);
  EXPECT_EQ(told.requester, event.requester);
  EXPECT_EQ(told.source_ip, event.source_ip);
  EXPECT_EQ(told.request_id, event.request_id);
}

TEST_F(OutboxTest, TellsTheOldestFirstAndForgetsWhatWasTold) {
  for (int i = 0; i < 5; ++i) add(std::to_string(i));
  auto first = next(2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].key, "0");
  EXPECT_EQ(next(2)[0].key, "0");  // until it is forgotten
  ASSERT_TRUE(outbox_->forget(first[1].number));
  auto rest = next();
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].key, "2");
  EXPECT_EQ(rest[2].number, 5u);
}

TEST_F(OutboxTest, NumbersGrowByOneThoughAllIsForgottenAndTheProcessRestarts) {
  EXPECT_EQ(add("a"), 1u);
  EXPECT_EQ(add("b"), 2u);
  ASSERT_TRUE(outbox_->forget(2));
  EXPECT_TRUE(next().empty());
  reopen();
  EXPECT_EQ(add("c"), 3u);
  EXPECT_EQ(next().at(0).number, 3u);
}

TEST_F(OutboxTest, AChangeThatIsRolledBackLeavesNoEventAndTakesNoNumber) {
  ObjectEvent event;
  EXPECT_FALSE(metastore_->transact([&](meta::Transaction& t) -> Status {
    TARN_TRY(Outbox::add(t, event));
    return fail(Code::kConflict, "the change did not happen");
  }));
  EXPECT_TRUE(next().empty());
  EXPECT_EQ(add("after"), 1u);
}

TEST_F(OutboxTest, NumbersHaveNoGapsUnderConcurrentChanges) {
  constexpr int kThreads = 4, kEach = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) add("k");
    });
  for (std::thread& thread : threads) thread.join();
  auto events = next(1000);
  ASSERT_EQ(events.size(), size_t{kThreads * kEach});
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].number, i + 1);
}

TEST_F(OutboxTest, WaitEndsWhenSomethingIsAddedOrItIsClosed) {
  outbox_->wait(std::chrono::hours(1));  // the first looks at what was there before
  outbox_->wait(std::chrono::milliseconds(1));
  std::atomic<int> woken = 0;
  std::thread reader([&] {
    outbox_->wait(std::chrono::hours(1));
    woken = 1;
    outbox_->wait(std::chrono::hours(1));
    woken = 2;
    outbox_->wait(std::chrono::hours(1));  // closed for good
  });
  outbox_->added();
  while (woken.load() < 1) std::this_thread::yield();
  outbox_->close();
  reader.join();
  EXPECT_EQ(woken.load(), 2);
}

TEST_F(OutboxTest, NewsBeforeTheWaitIsNotMissed) {
  outbox_->wait(std::chrono::hours(1));
  outbox_->added();
  outbox_->wait(std::chrono::hours(1));  // would hang the test
}

}  // namespace
}  // namespace tarn::store
