#include "log/log.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "log/log_test_util.h"

namespace tarn::log {
namespace {

namespace fs = std::filesystem;

using LogTest = LogFixture;

TEST_F(LogTest, NewLogIsEmpty) {
  auto log = open();
  EXPECT_EQ(log->begin(), 0u);
  EXPECT_EQ(log->end(), 0u);
  EXPECT_TRUE(log->split(0, 0, 1000)->empty());
  EXPECT_EQ(*log->find({0}), 0u);
  EXPECT_EQ(log->arrived(0).error().code, Code::kNotFound);
  EXPECT_EQ(log->split(0, 1, 1000).error().code, Code::kInvalid);
}

TEST_F(LogTest, NumbersRecordsFromZeroWithoutGaps) {
  auto log = open();
  auto a = append(*log, {"x", "y"});
  auto b = append(*log, {"z"});
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->first, 0u);
  EXPECT_EQ(a->count, 2u);
  EXPECT_EQ(b->first, 2u);
  EXPECT_EQ(log->end(), 3u);
  EXPECT_EQ(all(*log), (std::vector<std::string>{"x", "y", "z"}));
}

TEST_F(LogTest, KeepsAnyBytesAndKeys) {
  std::string nul("a\0b\n\nc\xff", 7);
  std::string large(kMiB, '\n');
  std::vector<Record> records = {{nul, "key"}, {"", ""}, {large, std::string_view("\0", 1)}};
  {
    auto log = open();
    ASSERT_TRUE(log->append(records));
    ASSERT_TRUE(append(*log, {"without key"}));
  }
  auto log = open();
  std::vector<Got> expected = {
      {0, nul, "key"}, {1, "", ""}, {2, large, std::string("\0", 1)}, {3, "without key", ""}};
  EXPECT_EQ(read(*log, 0, 4), expected);
}

TEST_F(LogTest, RefusesEmptyAndTooLargeBatches) {
  auto log = open({.frame_bytes_max = 10'000});
  EXPECT_EQ(log->append({}).error().code, Code::kInvalid);
  EXPECT_EQ(append(*log, batch(1, "x", 10'000)).error().code, Code::kTooLarge);
  EXPECT_EQ(append(*log, batch(1, "x", 9'000))->first, 0u);
}

TEST_F(LogTest, GoesOnAfterReopening) {
  for (Sequence n = 0; n < 5; ++n) {
    auto log = open(FileSystem::real());
    EXPECT_EQ(log->end(), n);
    EXPECT_EQ(append(*log, {"r" + std::to_string(n)})->first, n);
  }
  auto log = open(FileSystem::real());
  EXPECT_EQ(all(*log), batch(5));
  EXPECT_EQ(segments(folder_).size(), 1u);
  EXPECT_TRUE(log->damage().empty());
}

TEST_F(LogTest, ClosesSegmentsAtTheirSize) {
  std::vector<std::string> expected;
  {
    auto log = open({.segment_bytes = 64 * kKiB});
    for (int i = 0; i < 100; ++i) {
      auto records = batch(10, "b" + std::to_string(i) + "-", 300);
      ASSERT_TRUE(append(*log, records));
      expected.insert(expected.end(), records.begin(), records.end());
    }
    EXPECT_EQ(all(*log), expected);
    EXPECT_GE(segments(folder_).size(), 4u);
    uint64_t on_disk = 0;
    for (const auto& path : segments(folder_)) {
      EXPECT_LE(fs::file_size(path), 72 * kKiB);
      on_disk += fs::file_size(path);
    }
    EXPECT_EQ(log->bytes(), on_disk);
  }
  auto log = open({.segment_bytes = 64 * kKiB});
  EXPECT_EQ(all(*log), expected);
  EXPECT_TRUE(log->damage().empty());
  // A batch larger than a segment has a segment of its own.
  ASSERT_TRUE(append(*log, batch(1, "huge", 200'000)));
  EXPECT_EQ(read(*log, 1000, 1001)[0].data.size(), 200'000u);
}

TEST_F(LogTest, SplitCoversEveryRangeExactly) {
  auto log = open({.segment_bytes = 1 * kMiB});
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    auto records = batch(1 + static_cast<size_t>(i) % 30, "b" + std::to_string(i) + "-", 700);
    ASSERT_TRUE(append(*log, records));
    expected.insert(expected.end(), records.begin(), records.end());
  }
  Sequence end = log->end();
  ASSERT_EQ(end, expected.size());
  for (uint64_t chunk_bytes : {uint64_t{1}, 100 * kKiB, 10 * kMiB}) {
    for (Sequence from : {Sequence{0}, Sequence{1}, Sequence{777}, end / 2, end - 1, end}) {
      for (Sequence to : {from, from + 1, (from + end) / 2, end - 1, end}) {
        if (to < from || to > end) continue;
        auto got = read(*log, from, to, chunk_bytes);
        ASSERT_EQ(got.size(), to - from);
        for (size_t i = 0; i < got.size(); ++i) {
          ASSERT_EQ(got[i].sequence, from + i);
          ASSERT_EQ(got[i].data, expected[from + i]);
        }
      }
    }
  }
  auto fine = *log->split(0, end, 64 * kKiB);
  auto coarse = *log->split(0, end, 10 * kMiB);
  EXPECT_GT(fine.size(), 20u);
  EXPECT_EQ(coarse.size(), segments(folder_).size());
  uint64_t sum = 0;
  for (const Chunk& c : fine) sum += c.bytes;
  EXPECT_EQ(log->bytes_between(0, end), sum);
  EXPECT_NEAR(static_cast<double>(log->bytes_between(0, end / 2)), static_cast<double>(sum) / 2,
              static_cast<double>(sum) * 0.05);
  EXPECT_EQ(log->bytes_between(5, 5), 0u);
}

TEST_F(LogTest, FindsByArrivalTime) {
  {
    auto log = open({.segment_bytes = 256 * kKiB});
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(append(*log, batch(3, "x", 200)));
      if (i % 2 == 1) clock_.advance(Duration(1000));  // two frames arrive at each instant
    }
  }
  auto check = [&](const Log& log) {
    EXPECT_EQ(*log.find({0}), 0u);
    for (int pair : {0, 1, 17, 250, 499}) {
      Timestamp at{1'000'000 + pair * 1000};
      EXPECT_EQ(*log.find(at), static_cast<Sequence>(pair) * 6);
      EXPECT_EQ(*log.find({at.us - 999}), static_cast<Sequence>(pair) * 6);
      EXPECT_EQ(*log.arrived(static_cast<Sequence>(pair) * 6), at);
      EXPECT_EQ(*log.arrived(static_cast<Sequence>(pair) * 6 + 5), at);
    }
    EXPECT_EQ(*log.find({1'000'000 + 500 * 1000}), log.end());
    EXPECT_EQ(log.arrived(3000).error().code, Code::kNotFound);
  };
  auto log = open({.segment_bytes = 256 * kKiB});
  ASSERT_GE(segments(folder_).size(), 2u);
  check(*log);
}

TEST_F(LogTest, ArrivalNeverGoesBackwards) {
  auto log = open();
  ASSERT_TRUE(append(*log, {"a"}));
  clock_.advance(Duration(-500'000));
  ASSERT_TRUE(append(*log, {"b"}));
  EXPECT_EQ(log->arrived(0)->us, 1'000'000);
  EXPECT_EQ(log->arrived(1)->us, 1'000'000);
  log.reset();
  log = open();
  ASSERT_TRUE(append(*log, {"c"}));
  EXPECT_EQ(log->arrived(2)->us, 1'000'000);
  clock_.advance(Duration(500'001));
  ASSERT_TRUE(append(*log, {"d"}));
  EXPECT_EQ(log->arrived(3)->us, 1'000'001);
  EXPECT_EQ(*log->find({1'000'001}), 3u);
}

TEST_F(LogTest, TrimRemovesWholeDeliveredSegmentsAndReadersKeepThem) {
  auto log = open({.segment_bytes = 64 * kKiB});
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
  size_t before = segments(folder_).size();
  ASSERT_GE(before, 5u);
  auto chunks = *log->split(0, 60, kMiB);
  uint64_t bytes_before = log->bytes();
  ASSERT_TRUE(log->trim(150, {}));
  EXPECT_GT(log->begin(), 0u);
  EXPECT_LE(log->begin(), 150u);
  EXPECT_LT(segments(folder_).size(), before);
  EXPECT_LT(log->bytes(), bytes_before);
  EXPECT_EQ(read(chunks).size(), 60u);
  EXPECT_EQ(log->arrived(0).error().code, Code::kNotFound);
  Sequence begin = log->begin();
  auto rest = read(*log, 0, log->end());
  EXPECT_EQ(rest.front().sequence, begin);
  EXPECT_EQ(rest.size(), log->end() - begin);
  EXPECT_EQ(*log->find({0}), begin);
  // All of it delivered: the active segment stays.
  ASSERT_TRUE(log->trim(log->end(), {}));
  EXPECT_EQ(segments(folder_).size(), 1u);
  Sequence last_begin = log->begin();
  log.reset();
  log = open({.segment_bytes = 64 * kKiB});
  EXPECT_EQ(log->begin(), last_begin);
  EXPECT_EQ(log->end(), 400u);
  EXPECT_TRUE(log->damage().empty());
}

TEST_F(LogTest, TrimKeepsWhatRetentionWants) {
  auto log = open({.segment_bytes = 64 * kKiB});
  auto fill = [&] {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
  };
  fill();
  clock_.advance(std::chrono::seconds(100));
  fill();
  ASSERT_TRUE(log->trim(400, {.keep = std::chrono::seconds(200)}));
  EXPECT_EQ(log->begin(), 0u);
  ASSERT_TRUE(log->trim(0, {}));
  EXPECT_EQ(log->begin(), 0u);
  ASSERT_TRUE(log->trim(400, {.keep = std::chrono::seconds(50)}));
  EXPECT_GT(log->begin(), 100u);
  EXPECT_LE(log->begin(), 200u);
  Sequence begin = log->begin();
  ASSERT_TRUE(log->trim(400, {.keep = std::chrono::seconds(500), .keep_bytes = 100 * kKiB}));
  EXPECT_GT(log->begin(), begin);
  EXPECT_LT(log->begin(), 400u);
}

TEST_F(LogTest, ForgetsSegmentsThatATrimGaveUpBeforeACrash) {
  std::map<fs::path, std::string> before;
  {
    auto log = open({.segment_bytes = 64 * kKiB});
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    for (const auto& path : segments(folder_)) before[path] = slurp(path);
    ASSERT_TRUE(log->trim(200, {}));
  }
  // The crash kept the first file and let the second go.
  auto first = before.begin();
  ASSERT_FALSE(fs::exists(first->first));
  ASSERT_FALSE(fs::exists(std::next(first)->first));
  spill(first->first, first->second);
  auto log = open();
  EXPECT_GT(log->begin(), 0u);
  EXPECT_TRUE(log->damage().empty());
  EXPECT_FALSE(fs::exists(first->first));
}

TEST_F(LogTest, CallbacksComeOnceOnOneThreadInOrder) {
  auto log = open();
  std::mutex mu;
  std::condition_variable cv;
  std::vector<Sequence> firsts;
  std::set<std::thread::id> threads;
  Sequence told = 0;
  log->on_durable([&](Sequence end) {
    std::lock_guard lock(mu);
    EXPECT_GT(end, told);
    told = end;
    threads.insert(std::this_thread::get_id());
    cv.notify_all();
  });
  for (int i = 0; i < 100; ++i) {
    auto records = batch(2, std::to_string(i) + "-");
    std::vector<Record> views{{records[0]}, {records[1]}};
    log->append_async(views, std::nullopt, [&](Result<Appended> r) {
      std::lock_guard lock(mu);
      ASSERT_TRUE(r);
      firsts.push_back(r->first);
      threads.insert(std::this_thread::get_id());
      cv.notify_all();
    });
  }
  std::optional<Code> refused;
  log->append_async({}, std::nullopt, [&](Result<Appended> r) {
    std::lock_guard lock(mu);
    refused = r.error().code;
    threads.insert(std::this_thread::get_id());
    cv.notify_all();
  });
  std::unique_lock lock(mu);
  ASSERT_TRUE(cv.wait_for(lock, std::chrono::seconds(30),
                          [&] { return firsts.size() == 100 && refused && told == 200; }));
  for (size_t i = 0; i < firsts.size(); ++i) EXPECT_EQ(firsts[i], 2 * i);
  EXPECT_EQ(refused, Code::kInvalid);
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_F(LogTest, ClosingAnswersAllThatIsUnderWay) {
  std::atomic<int> answered = 0;
  {
    auto log = open();
    std::string data(10'000, 'x');
    std::vector<Record> one{{data}};
    for (int i = 0; i < 200; ++i)
      log->append_async(one, std::nullopt, [&](Result<Appended> r) { answered += r.has_value(); });
  }
  EXPECT_EQ(answered, 200);
  EXPECT_EQ(open()->end(), 200u);
}

TEST_F(LogTest, AnswersBusyPastItsBoundOfUnsyncedBytes) {
  // The group waits for company, so that the bound is reached whatever the disk's speed.
  auto log = open({.unsynced_bytes_max = 100'000, .group_delay = std::chrono::seconds(1)});
  std::mutex mu;
  std::condition_variable cv;
  int stored = 0, busy = 0;
  std::string data(30'000, 'x');
  std::vector<Record> one{{data}};
  for (int i = 0; i < 50; ++i)
    log->append_async(one, std::nullopt, [&](Result<Appended> r) {
      std::lock_guard lock(mu);
      if (r) {
        ++stored;
      } else {
        EXPECT_EQ(r.error().code, Code::kBusy);
        EXPECT_GT(r.error().retry_after_ms, 0);
        ++busy;
      }
      cv.notify_all();
    });
  std::unique_lock lock(mu);
  ASSERT_TRUE(cv.wait_for(lock, std::chrono::seconds(30), [&] { return stored + busy == 50; }));
  EXPECT_GT(busy, 0);
  EXPECT_EQ(log->end(), static_cast<Sequence>(stored));
  lock.unlock();
  EXPECT_TRUE(append(*log, {"later"}));
}

TEST_F(LogTest, GroupDelayGathersOneSync) {
  FaultyFileSystem files;
  auto log = open(files, {.group_delay = std::chrono::milliseconds(200)});
  ASSERT_TRUE(append(*log, {"creates the segment"}));
  uint64_t before = files.syncs();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_TRUE(append(*log, {"x"})); });
  for (auto& t : threads) t.join();
  EXPECT_LE(files.syncs() - before, 3u);
}

TEST_F(LogTest, CountsABatchOfAProducerOnce) {
  auto log = open();
  auto first = append(*log, {"a", "b"}, Producer{"p", 7});
  auto again = append(*log, {"a", "b"}, Producer{"p", 7});
  auto other = append(*log, {"c"}, Producer{"q", 7});
  ASSERT_TRUE(first && again && other);
  EXPECT_FALSE(first->duplicate);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first, first->first);
  EXPECT_EQ(again->count, 0u);
  EXPECT_FALSE(other->duplicate);
  EXPECT_EQ(log->end(), 3u);
}

TEST_F(LogTest, TakesAProducersNumbersInAnyOrder) {
  auto log = open();
  for (uint64_t n : {5, 3, 9, 4, 0}) EXPECT_FALSE(append(*log, {"x"}, Producer{"p", n})->duplicate);
  for (uint64_t n : {0, 3, 4, 5, 9}) EXPECT_TRUE(append(*log, {"x"}, Producer{"p", n})->duplicate);
  for (uint64_t n : {1, 2, 8}) EXPECT_FALSE(append(*log, {"x"}, Producer{"p", n})->duplicate);
}

TEST_F(LogTest, RefusesTooManyHolesInAProducersNumbers) {
  auto log = open({.producer_gaps_max = 3});
  for (uint64_t n : {0, 10, 20, 30}) ASSERT_TRUE(append(*log, {"x"}, Producer{"p", n}));
  EXPECT_EQ(append(*log, {"x"}, Producer{"p", 40}).error().code, Code::kInvalid);
  EXPECT_TRUE(append(*log, {"x"}, Producer{"p", 31}));
}

TEST_F(LogTest, RemembersProducersAfterReopeningAndAfterTheirFramesAreGone) {
  Options options{.segment_bytes = 64 * kKiB};
  {
    auto log = open(options);
    ASSERT_TRUE(append(*log, {"early"}, Producer{"p", 1}));
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    ASSERT_TRUE(append(*log, {"late"}, Producer{"p", 2}));
    ASSERT_TRUE(log->trim(log->end(), {}));
    ASSERT_GT(log->begin(), 1u);
    EXPECT_TRUE(append(*log, {"early"}, Producer{"p", 1})->duplicate);
  }
  auto log = open(options);
  auto early = append(*log, {"early"}, Producer{"p", 1});
  auto late = append(*log, {"late"}, Producer{"p", 2});
  ASSERT_TRUE(early && late);
  EXPECT_TRUE(early->duplicate);
  EXPECT_EQ(early->first, 0u);
  EXPECT_TRUE(late->duplicate);
  EXPECT_EQ(late->first, 301u);
  EXPECT_FALSE(append(*log, {"new"}, Producer{"p", 3})->duplicate);
}

TEST_F(LogTest, ForgetsTheLongestSilentProducer) {
  auto log = open({.producers_max = 2});
  for (std::string_view id : {"a", "b", "c"}) ASSERT_TRUE(append(*log, {"x"}, Producer{id, 1}));
  EXPECT_TRUE(append(*log, {"x"}, Producer{"c", 1})->duplicate);
  EXPECT_FALSE(append(*log, {"x"}, Producer{"a", 1})->duplicate);
}

TEST_F(LogTest, InspectionAgreesWithTheLogAndChangesNothing) {
  {
    auto log = open({.segment_bytes = 64 * kKiB});
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    ASSERT_TRUE(log->trim(100, {}));
  }
  std::map<fs::path, std::string> before;
  for (const auto& path : segments(folder_)) before[path] = slurp(path);
  auto found = inspect(folder_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->end, 400u);
  EXPECT_GT(found->begin, 0u);
  EXPECT_EQ(found->torn_bytes, 0u);
  EXPECT_TRUE(found->damage.empty());
  EXPECT_GE(found->frames, 30u);
  for (const auto& [path, bytes] : before) EXPECT_EQ(slurp(path), bytes);
  EXPECT_EQ(inspect(root_ / "none").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace tarn::log
