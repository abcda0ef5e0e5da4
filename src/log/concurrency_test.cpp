// Many appenders, readers and a trimmer at once; meant to be run under TSan, too.
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "log/log_test_util.h"

namespace tarn::log {
namespace {

using Concurrency = LogFixture;

TEST_F(Concurrency, AppendersReadersAndTrimAgree) {
  constexpr int kAppenders = 8;
  constexpr int kBatches = 150;
  std::mutex mu;
  std::map<Sequence, std::string> acknowledged;
  std::atomic<bool> stop = false;
  auto log = open(FileSystem::real(), {.segment_bytes = 128 * kKiB});
  std::atomic<Sequence> heard = 0;
  log->on_durable([&](Sequence end) { heard = end; });
  std::vector<std::thread> threads;
  for (int t = 0; t < kAppenders; ++t)
    threads.emplace_back([&, t] {
      std::string id = "producer" + std::to_string(t);
      for (int i = 0; i < kBatches; ++i) {
        auto records = batch(1 + static_cast<size_t>(i) % 5, id + "/" + std::to_string(i) + "/", 200);
        Producer producer{id, static_cast<uint64_t>(i)};
        auto appended = append(*log, records, producer);
        ASSERT_TRUE(appended) << appended.error().message;
        EXPECT_GE(log->end(), appended->first + appended->count);
        if (i % 10 == 0) {
          EXPECT_TRUE(append(*log, records, producer)->duplicate);
        }
        std::lock_guard lock(mu);
        for (size_t k = 0; k < records.size(); ++k) {
          EXPECT_TRUE(acknowledged.emplace(appended->first + k, records[k]).second);
        }
      }
    });
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t)
    readers.emplace_back([&] {
      while (!stop) {
        Sequence end = log->end();
        Sequence from = end > 500 ? end - 500 : 0;
        auto got = read(*log, from, end, 64 * kKiB);
        for (size_t i = 1; i < got.size(); ++i) EXPECT_EQ(got[i].sequence, got[i - 1].sequence + 1);
        if (!got.empty()) {
          EXPECT_EQ(got.back().sequence, end - 1);
        }
        (void)log->find(clock_.now());
        (void)log->bytes_between(from, end);
        (void)log->arrived(from);
        (void)log->bytes();
        std::this_thread::yield();
      }
    });
  std::thread trimmer([&] {
    while (!stop) {
      Sequence end = log->end();
      EXPECT_TRUE(log->trim(end > 1000 ? end - 1000 : 0, {}));
      clock_.advance(Duration(10));
      std::this_thread::yield();
    }
  });
  for (auto& t : threads) t.join();
  stop = true;
  for (auto& t : readers) t.join();
  trimmer.join();

  EXPECT_EQ(acknowledged.size(), static_cast<size_t>(kAppenders) * kBatches * 3);
  EXPECT_EQ(log->end(), acknowledged.size());
  EXPECT_GT(log->begin(), 0u);
  for (const Got& g : read(*log, log->begin(), log->end())) EXPECT_EQ(g.data, acknowledged[g.sequence]);
  log.reset();
  EXPECT_EQ(heard, acknowledged.size());
  log = open(FileSystem::real(), {.segment_bytes = 128 * kKiB});
  EXPECT_EQ(log->end(), acknowledged.size());
  for (int t = 0; t < kAppenders; ++t)
    for (int i = 0; i < kBatches; ++i) {
      std::string id = "producer" + std::to_string(t);
      EXPECT_TRUE(append(*log, {"x"}, Producer{id, static_cast<uint64_t>(i)})->duplicate);
    }
}

TEST_F(Concurrency, WhatComesDuringASyncSharesTheNext) {
  FaultyFileSystem files;
  auto log = open(files);
  ASSERT_TRUE(append(*log, {"creates the segment"}));
  uint64_t before = files.syncs();
  files.hold_syncs(true);
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_TRUE(append(*log, {"first"})); });
  while (files.waiting_syncs() == 0) std::this_thread::yield();
  std::atomic<int> answered = 0;
  std::vector<Record> one{{"x"}};
  for (int i = 0; i < 50; ++i)
    log->append_async(one, std::nullopt, [&](const Result<Appended>& r) { answered += r.has_value(); });
  EXPECT_EQ(log->end(), 1u);
  EXPECT_EQ(answered, 0);  // nobody is answered before the disk is
  files.hold_syncs(false);
  for (auto& t : threads) t.join();
  EXPECT_TRUE(append(*log, {"last"}));
  EXPECT_EQ(log->end(), 53u);
  EXPECT_LE(files.syncs() - before, 3u);  // of "first", of the fifty, and of "last" if that came later
  log.reset();
  EXPECT_EQ(answered, 50);
}

}  // namespace
}  // namespace tarn::log
