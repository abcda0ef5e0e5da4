// What was acknowledged survives a disk that fails: on base/faulty_file_system.h.
#include <cerrno>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "log/log_test_util.h"

namespace tarn::log {
namespace {

// Appends from a few threads while the power goes; then what was acknowledged must be there.
class Durability : public LogFixture {
 protected:
  struct Outcome {
    size_t acknowledged = 0;
    size_t lost = 0;
    size_t damaged = 0;
  };

  Outcome lose_power_while_appending(uint64_t seed, bool ignore_syncs) {
    std::filesystem::remove_all(folder_);
    FaultyFileSystem files;
    files.ignore_syncs(ignore_syncs);
    Options options{.segment_bytes = 40 * kKiB};
    std::mutex mu;
    std::map<Sequence, std::string> acknowledged;
    {
      auto log = open(files, options);
      std::mt19937_64 random(seed);
      size_t target = 20 + random() % 200;
      std::atomic<size_t> count = 0;
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
          for (int i = 0;; ++i) {
            auto records = batch(1 + static_cast<size_t>(i % 4), fmt_name(t, i),
                                 100 + static_cast<size_t>(i * 37 % 900));
            auto appended = append(*log, records);
            if (!appended) return;  // the power is off
            std::lock_guard lock(mu);
            for (size_t k = 0; k < records.size(); ++k) acknowledged[appended->first + k] = records[k];
            ++count;
          }
        });
      while (count < target) std::this_thread::yield();
      files.lose_power(seed % 3 == 0 ? std::nullopt : std::optional(seed));
      for (auto& t : threads) t.join();
    }
    files.restore_power();
    Outcome outcome;
    outcome.acknowledged = acknowledged.size();
    auto log = Log::open(folder_, options, files, clock_);
    if (!log) return {acknowledged.size(), acknowledged.size(), 1};
    outcome.damaged = (*log)->damage().size();
    std::map<Sequence, std::string> stored;
    for (Got& g : read(**log, (*log)->begin(), (*log)->end())) stored[g.sequence] = std::move(g.data);
    for (const auto& [sequence, data] : acknowledged) {
      auto it = stored.find(sequence);
      outcome.lost += it == stored.end() || it->second != data;
    }
    EXPECT_TRUE(append(**log, {"after"}));
    return outcome;
  }

  static std::string fmt_name(int t, int i) { return std::to_string(t) + "/" + std::to_string(i) + "/"; }
};

TEST_F(Durability, AcknowledgedRecordsSurviveALossOfPower) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Outcome outcome = lose_power_while_appending(seed, false);
    EXPECT_GE(outcome.acknowledged, 20u);
    EXPECT_EQ(outcome.lost, 0u) << "seed " << seed;
    EXPECT_EQ(outcome.damaged, 0u) << "seed " << seed;
  }
}

// The canary: were the syncs not waited for, the test above would fail.
TEST_F(Durability, WithoutSyncsTheSameTestLosesRecords) {
  size_t lost = 0;
  for (uint64_t seed = 0; seed < 5; ++seed) lost += lose_power_while_appending(seed, true).lost;
  EXPECT_GT(lost, 0u);
}

TEST_F(Durability, ProducersNumbersSurviveALossOfPowerAndATrim) {
  Options options{.segment_bytes = 40 * kKiB};
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::filesystem::remove_all(folder_);
    FaultyFileSystem files;
    {
      auto log = open(files, options);
      for (uint64_t i = 0; i < 40; ++i) {
        ASSERT_TRUE(append(*log, batch(2, "x", 2000), Producer{"p", i}));
        if (i % 10 == 9) {
          ASSERT_TRUE(log->trim(log->end(), {}));
        }
      }
      files.lose_power(seed);
    }
    files.restore_power();
    auto log = open(files, options);
    EXPECT_TRUE(log->damage().empty());
    EXPECT_EQ(log->end(), 80u);
    for (uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(append(*log, {"x"}, Producer{"p", i})->duplicate) << i;
  }
}

TEST_F(Durability, ALossOfPowerInATrimLosesNothingThatIsNotDelivered) {
  Options options{.segment_bytes = 40 * kKiB};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::filesystem::remove_all(folder_);
    FaultyFileSystem files;
    {
      auto log = open(files, options);
      for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(2, "x", 2000)));
      files.fail_syncs(EIO, 1, static_cast<int>(seed % 2));  // of the producers file, or none
      (void)log->trim(40, {});
      files.fail_syncs(EIO, 0);
      files.lose_power(seed);
    }
    files.restore_power();
    auto log = open(files, options);
    EXPECT_LE(log->begin(), 40u);
    EXPECT_EQ(read(*log, 40, log->end()).size(), 40u);
    EXPECT_TRUE(log->damage().empty());
  }
}

TEST_F(Durability, AFullDiskIsAnsweredAndAppendsGoOnWhenThereIsRoom) {
  FaultyFileSystem files;
  std::vector<std::string> expected;
  auto put = [&](Log& log, const std::vector<std::string>& records) {
    auto appended = append(log, records);
    if (appended) expected.insert(expected.end(), records.begin(), records.end());
    return appended;
  };
  Options options{.segment_bytes = 300 * kKiB};
  {
    auto log = open(files, options);
    ASSERT_TRUE(put(*log, batch(3, "before")));
    files.set_space(100 * kKiB);
    size_t full = 0;
    for (int i = 0; i < 60; ++i) {
      auto appended = put(*log, batch(1, "b" + std::to_string(i) + "-", 20'000));
      if (!appended) {
        EXPECT_EQ(appended.error().code, Code::kFull) << appended.error().message;
        ++full;
      }
    }
    EXPECT_GT(full, 10u);
    EXPECT_EQ(all(*log), expected);
    ASSERT_TRUE(put(*log, batch(1, "small")));  // there is room for that still
    files.set_space(std::nullopt);
    ASSERT_TRUE(put(*log, batch(2, "after", 30'000)));
    EXPECT_EQ(all(*log), expected);
    files.lose_power(1);
  }
  files.restore_power();
  auto log = open(files, options);
  EXPECT_EQ(all(*log), expected);
  EXPECT_TRUE(log->damage().empty());
}

TEST_F(Durability, AFailedWriteLeavesNoTrace) {
  FaultyFileSystem files;
  std::vector<std::string> expected;
  {
    auto log = open(files);
    ASSERT_TRUE(append(*log, {"a"}));
    files.fail_writes(EIO, 2);  // the frame, and the zeros over what it left
    auto failed = append(*log, batch(50, "bad", 1000), Producer{"p", 1});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Code::kIo);
    EXPECT_EQ(log->end(), 1u);
    auto again = append(*log, {"b"}, Producer{"p", 1});
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->duplicate);  // the batch that failed doesn't count
    EXPECT_EQ(again->first, 1u);
    files.lose_power(4);
  }
  files.restore_power();
  auto log = open(files);
  EXPECT_EQ(all(*log), (std::vector<std::string>{"a", "b"}));
}

TEST_F(Durability, AFailedSyncIsAnsweredUnknownAndAppendsGoOnInANewSegment) {
  for (bool at_first : {true, false}) {
    std::filesystem::remove_all(folder_);
    FaultyFileSystem files;
    std::vector<std::string> expected;
    {
      auto log = open(files);
      if (!at_first) {
        ASSERT_TRUE(append(*log, {"a"}));
        expected.push_back("a");
      }
      // The first append also creates a segment, with a sync of its own.
      files.fail_syncs(EIO, 1, at_first ? 1 : 0);
      auto failed = append(*log, {"unknown", "outcome"}, Producer{"p", 1});
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, Code::kUnknownOutcome);
      EXPECT_EQ(log->end(), expected.size());
      EXPECT_EQ(all(*log), expected);
      auto again = append(*log, {"b"}, Producer{"p", 1});
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_FALSE(again->duplicate);
      EXPECT_EQ(again->first, expected.size());
      expected.push_back("b");
      ASSERT_TRUE(append(*log, {"c"}));
      expected.push_back("c");
      EXPECT_EQ(all(*log), expected);
      EXPECT_EQ(segments(folder_).size(), at_first ? 1u : 2u);
    }
    auto log = open(files);
    EXPECT_EQ(all(*log), expected);
    EXPECT_TRUE(log->damage().empty());
    EXPECT_TRUE(append(*log, {"x"}, Producer{"p", 1})->duplicate);
  }
}

TEST_F(Durability, WhileNoSegmentCanBeCreatedAppendsFailAndThenGoOn) {
  FaultyFileSystem files;
  Options options{.segment_bytes = 64 * kKiB};
  auto log = open(files, options);
  ASSERT_TRUE(append(*log, batch(1, "x", 60'000)));
  files.fail_syncs(EIO, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(append(*log, batch(1, "y", 60'000)).error().code, Code::kIo);
  EXPECT_EQ(append(*log, batch(1, "z", 60'000))->first, 1u);
  EXPECT_EQ(segments(folder_).size(), 2u);
  EXPECT_EQ(read(*log, 0, 2).size(), 2u);
}

TEST_F(Durability, ConcurrentDuplicatesCountOnceAndAreAnsweredWhenTheOriginalIsDurable) {
  FaultyFileSystem files;
  auto log = open(files, {.group_delay = std::chrono::milliseconds(20)});
  for (uint64_t number = 0; number < 20; ++number) {
    bool fails = number % 5 == 4;
    if (fails) files.fail_syncs(EIO, 1);
    std::atomic<int> originals = 0, duplicates = 0, failed = 0;
    Sequence before = log->end();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        auto appended = append(*log, {"x", "y"}, Producer{"p", number});
        if (!appended) {
          ++failed;
          return;
        }
        EXPECT_GE(log->end(), appended->first + 2);
        EXPECT_EQ(appended->first, before);
        ++(appended->duplicate ? duplicates : originals);
      });
    for (auto& t : threads) t.join();
    files.fail_syncs(EIO, 0);
    EXPECT_LE(originals, 1);
    EXPECT_EQ(originals + duplicates + failed, 4);
    if (!fails) {
      EXPECT_EQ(originals, 1);
      EXPECT_EQ(duplicates, 3);
    }
    EXPECT_EQ(log->end(), before + 2 * static_cast<Sequence>(originals.load()));
  }
}

TEST_F(Durability, ReadersNeverSeeWhatIsNotDurable) {
  FaultyFileSystem files;
  auto log = open(files);
  ASSERT_TRUE(append(*log, {"a"}));
  files.fail_syncs(EIO, 1);
  EXPECT_FALSE(append(*log, {"not durable"}));
  EXPECT_EQ(log->end(), 1u);
  EXPECT_EQ(log->split(0, 2, 1000).error().code, Code::kInvalid);
  EXPECT_EQ(read(*log, 0, 1).size(), 1u);
  EXPECT_EQ(log->arrived(1).error().code, Code::kNotFound);
}

TEST_F(Durability, OpensOnAFullDisk) {
  FaultyFileSystem files;
  {
    ASSERT_TRUE(append(*open(files), {"a"}));
  }
  files.set_space(0);
  auto log = open(files);
  ASSERT_TRUE(log);
  EXPECT_EQ(all(*log), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace tarn::log
