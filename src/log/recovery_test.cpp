// What a log makes of files that a crash or a bad disk left.
#include "log/recovery.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/log_test_util.h"

namespace tarn::log {
namespace {

namespace fs = std::filesystem;

class Recovery : public LogFixture {
 protected:
  // The files of the log as they are while it is open, so as a killed process leaves them.
  void keep_files_of_running_log() {
    killed_.clear();
    for (const auto& path : segments(folder_)) killed_.emplace_back(path, slurp(path));
  }
  void put_files_back() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const auto& [path, bytes] : killed_) spill(path, bytes);
  }
  std::string& last() { return killed_.back().second; }

  std::vector<std::pair<fs::path, std::string>> killed_;
};

TEST_F(Recovery, KeepsAllOfAKilledProcess) {
  {
    auto log = open();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(*log, batch(3, std::to_string(i))));
    keep_files_of_running_log();
  }
  put_files_back();
  auto log = open();
  EXPECT_EQ(log->end(), 30u);
  EXPECT_TRUE(log->damage().empty());
}

TEST_F(Recovery, CutsATornTailAtEveryByte) {
  std::vector<std::string> expected;
  {
    auto log = open();
    for (int i = 0; i < 3; ++i) {
      auto records = batch(2, "batch" + std::to_string(i) + "-", 20);
      ASSERT_TRUE(append(*log, records));
      if (i < 2) expected.insert(expected.end(), records.begin(), records.end());
    }
    keep_files_of_running_log();
  }
  auto offsets = frame_offsets(last());
  ASSERT_EQ(offsets.size(), 4u);
  uint64_t begin = offsets[2], end = offsets[3];
  std::string whole = last();
  auto header = *read_header(std::span(whole).subspan(begin), seed_of(decode_segment_header(whole)->log_id));
  uint64_t used = begin + sizeof(FrameHeader) + header.body_bytes;  // the rest of the frame is padding
  std::mt19937 random(3);
  for (uint64_t cut = begin; cut < end; ++cut) {
    for (int kind = 0; kind < 3; ++kind) {
      last() = whole;
      bool complete = cut >= used;
      if (kind == 0) last().resize(cut);  // the file ends
      if (kind == 1) std::fill(last().begin() + static_cast<ptrdiff_t>(cut), last().end(), '\0');
      if (kind == 2) {  // old or foreign bytes on the disk
        for (uint64_t i = cut; i < end + 500; ++i) last()[i] = static_cast<char>(random());
      }
      put_files_back();
      if (kind == 0 && cut < end) complete = false;  // not even its padding was written
      auto log = open();
      ASSERT_TRUE(log);
      ASSERT_EQ(log->end(), complete ? 6u : 4u) << "cut at " << cut - begin << " kind " << kind;
      ASSERT_TRUE(log->damage().empty());
      // What comes next doesn't meet what was there.
      ASSERT_TRUE(append(*log, {"next"}));
      log.reset();
      log = open();
      auto records = all(*log);
      ASSERT_EQ(records.back(), "next");
      records.resize(4);
      ASSERT_EQ(records, expected);
      ASSERT_EQ(log->end(), complete ? 7u : 5u);
    }
  }
}

TEST_F(Recovery, ReportsDamageInTheMiddleAndReadsTheRest) {
  {
    auto log = open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(append(*log, batch(4, std::to_string(i) + "-", 3000)));
    keep_files_of_running_log();
  }
  auto offsets = frame_offsets(last());
  std::string whole = last();
  struct Case {
    const char* what;
    uint64_t offset;
    uint64_t bytes;
    Sequence first, end;
  };
  for (const Case& c : {Case{"one byte of a body", offsets[20] + 500, 1, 80, 84},
                        Case{"one byte of a header", offsets[20] + 9, 1, 80, 84},
                        Case{"the first frame", offsets[0], 100, 0, 4},
                        Case{"three frames", offsets[20] + 5, offsets[22] - offsets[20], 80, 92},
                        Case{"the last but one", offsets[48] + 80, 10, 192, 196}}) {
    last() = whole;
    for (uint64_t i = 0; i < c.bytes; ++i) last()[c.offset + i] ^= 0x55;
    put_files_back();
    for (int round = 0; round < 2; ++round) {  // the second time, a mark follows
      auto log = open();
      EXPECT_EQ(log->end(), 200u) << c.what;
      auto damage = log->damage();
      ASSERT_EQ(damage.size(), 1u) << c.what;
      EXPECT_EQ(damage[0].first, c.first) << c.what;
      EXPECT_EQ(damage[0].end, c.end) << c.what;
      EXPECT_EQ(damage[0].file, killed_[0].first);
      EXPECT_TRUE(std::binary_search(offsets.begin(), offsets.end(), damage[0].offset)) << c.what;
      EXPECT_TRUE(std::binary_search(offsets.begin(), offsets.end(), damage[0].offset + damage[0].bytes))
          << c.what;
      EXPECT_FALSE(damage[0].reason.empty());
      EXPECT_EQ(read(*log, 0, 200, 1).size(), 200 - (c.end - c.first)) << c.what;
      EXPECT_EQ(log->arrived(c.first).error().code, Code::kNotFound);
      EXPECT_TRUE(log->arrived(c.end));
      EXPECT_EQ(*log->find({0}), c.first == 0 ? 4u : 0u);
    }
    EXPECT_EQ(inspect(folder_)->damage.size(), 1u);
  }
}

TEST_F(Recovery, TellsDamageToTheLastRecordsAfterACleanClose) {
  {
    auto log = open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(*log, {"record"}));
  }
  keep_files_of_running_log();
  auto offsets = frame_offsets(last());
  ASSERT_EQ(offsets.size(), 7u);  // 5 frames, the mark, the end
  last()[offsets[4] + 70] ^= 1;
  put_files_back();
  auto log = open();
  ASSERT_EQ(log->damage().size(), 1u);
  EXPECT_EQ(log->damage()[0].first, 4u);
  EXPECT_EQ(log->end(), 5u);
  // A mark that is damaged loses nothing.
  log.reset();
  put_files_back();
}

TEST_F(Recovery, ADamagedMarkLosesNoRecord) {
  {
    auto log = open();
    ASSERT_TRUE(append(*log, {"a"}));
  }
  {
    auto log = open();
    ASSERT_TRUE(append(*log, {"b"}));
    keep_files_of_running_log();
  }
  auto offsets = frame_offsets(last());
  ASSERT_EQ(offsets.size(), 4u);
  last()[offsets[1] + 20] ^= 1;
  put_files_back();
  for (int round = 0; round < 2; ++round) {
    auto log = open();
    EXPECT_EQ(all(*log), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(log->damage().empty());
    EXPECT_EQ(log->arrived(1)->us, 1'000'000);
  }
}

TEST_F(Recovery, ReportsDamageAtTheEndOfAnInnerSegmentAndMissingSegments) {
  Options options{.segment_bytes = 64 * kKiB};
  {
    auto log = open(options);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    keep_files_of_running_log();
  }
  ASSERT_GE(killed_.size(), 4u);
  auto whole = killed_;
  auto first_of = [&](size_t i) { return *parse_segment_name(whole[i].first.filename().string()); };
  {
    auto offsets = frame_offsets(killed_[1].second);
    killed_[1].second.resize(offsets[offsets.size() - 2] + 10);  // its last frame, and the padding
    put_files_back();
    auto log = open(options);
    ASSERT_EQ(log->damage().size(), 1u);
    EXPECT_EQ(log->damage()[0].end, first_of(2));
    EXPECT_EQ(log->damage()[0].first, first_of(2) - 10);
    EXPECT_EQ(read(*log, 0, 400, 1).size(), 390u);
  }
  {
    killed_ = whole;
    killed_.erase(killed_.begin() + 1);
    put_files_back();
    auto log = open(options);
    ASSERT_EQ(log->damage().size(), 1u);
    EXPECT_EQ(log->damage()[0].first, first_of(1));
    EXPECT_EQ(log->damage()[0].end, first_of(2));
    EXPECT_EQ(read(*log, 0, 400, 1).size(), 400 - (first_of(2) - first_of(1)));
  }
  {
    killed_ = whole;
    killed_.erase(killed_.begin());
    put_files_back();
    auto log = open(options);
    ASSERT_EQ(log->damage().size(), 1u);
    EXPECT_EQ(log->damage()[0].end, first_of(1));
    EXPECT_EQ(log->begin(), first_of(1));
  }
  {
    killed_ = whole;
    killed_[2].second.replace(0, kSegmentDataOffset, kSegmentDataOffset, '#');  // both copies of the header
    put_files_back();
    auto log = open(options);
    ASSERT_EQ(log->damage().size(), 1u);
    EXPECT_EQ(log->damage()[0].first, log->damage()[0].end);
    EXPECT_EQ(read(*log, 0, 400).size(), 400u);
  }
}

TEST_F(Recovery, UnsyncedFramesAfterATornOneAreCutWithIt) {
  FaultyFileSystem files;
  {
    // Two frames in one group: whoever looks at the second can't tell that the first was durable.
    auto log = open(files, {.group_delay = std::chrono::milliseconds(100)});
    ASSERT_TRUE(append(*log, {"acknowledged"}));
    std::vector<Record> one{{"x"}};
    std::atomic<int> done = 0;
    log->append_async(one, std::nullopt, [&](const Result<Appended>&) { ++done; });
    log->append_async(one, std::nullopt, [&](const Result<Appended>&) { ++done; });
    ASSERT_TRUE(append(*log, {"y"}));
    keep_files_of_running_log();
  }
  auto offsets = frame_offsets(last());
  ASSERT_EQ(offsets.size(), 5u);
  last()[offsets[1] + 65] ^= 1;
  put_files_back();
  auto log = open();
  EXPECT_EQ(log->end(), 1u);
  EXPECT_TRUE(log->damage().empty());
}

TEST_F(Recovery, ABytewiseCopyOfAFrameInARecordIsNotTakenForOne) {
  // A producer sends what it found in another log; the frame that holds it is damaged in its header.
  std::string foreign;
  {
    auto other = Log::open(root_ / "other", {}, FileSystem::real(), clock_);
    ASSERT_TRUE(append(**other, {"zero", "one", "two", "forged"}));
    std::string bytes = slurp(segments(root_ / "other")[0]);
    foreign = bytes.substr(kSegmentDataOffset, frame_offsets(bytes)[1] - kSegmentDataOffset);
  }
  std::string record;
  for (int shift = 0; shift < 8; ++shift) record += foreign + std::string(1, 'x');  // at every alignment
  {
    auto log = open();
    ASSERT_TRUE(append(*log, {record}));
    ASSERT_TRUE(append(*log, {"b"}));
    ASSERT_TRUE(append(*log, {"c"}));
    keep_files_of_running_log();
  }
  last()[kSegmentDataOffset + 20] ^= 1;
  put_files_back();
  auto log = open();
  EXPECT_EQ(all(*log), (std::vector<std::string>{"b", "c"}));
  ASSERT_EQ(log->damage().size(), 1u);
  EXPECT_EQ(log->damage()[0].end, 1u);
}

TEST_F(Recovery, RefusesFilesOfAnotherLogAndNamesThem) {
  {
    auto log = open({.segment_bytes = 64 * kKiB});
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    keep_files_of_running_log();
    auto other = Log::open(root_ / "other", {}, FileSystem::real(), clock_);
    ASSERT_TRUE(append(**other, {"x"}));
  }
  std::string other = slurp(segments(root_ / "other")[0]);
  auto whole = killed_;
  auto refused = [&](const fs::path& path) {
    put_files_back();
    auto log = Log::open(folder_, {}, FileSystem::real(), clock_);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Code::kCorrupt);
    EXPECT_NE(log.error().message.find(path.string()), std::string::npos) << log.error().message;
  };
  killed_[0].second = other;  // another log's segment 0: all others differ from it
  refused(killed_[1].first);
  killed_ = whole;
  killed_.emplace_back(folder_ / segment_name(9999), whole[0].second);  // a copy with another name
  refused(killed_.back().first);
  killed_ = whole;
  killed_[1].second = std::string(5000, 'z');
  refused(killed_[1].first);
  killed_ = whole;
  killed_.emplace_back(folder_ / "notes.seg", "text");
  refused(killed_.back().first);
  killed_ = whole;
  killed_.emplace_back(folder_ / "notes.txt", "text");
  put_files_back();
  EXPECT_EQ(open()->end(), 400u);
}

TEST_F(Recovery, RefusesANewerVersion) {
  {
    auto log = open();
    ASSERT_TRUE(append(*log, {"x"}));
    keep_files_of_running_log();
  }
  // The header of a later version, as its own program would write it: with the right checksum.
  SegmentHeader header;
  std::memcpy(&header, last().data(), sizeof(header));
  header.version = kVersion + 1;
  header.crc = 0;
  header.crc = crc32c(&header, sizeof(header));
  std::memcpy(last().data(), &header, sizeof(header));
  put_files_back();
  auto log = Log::open(folder_, {}, FileSystem::real(), clock_);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::kUnsupported);
}

TEST_F(Recovery, DropsASegmentWhoseCreationWasCutOff) {
  {
    auto log = open();
    ASSERT_TRUE(append(*log, {"a"}));
    keep_files_of_running_log();
  }
  for (size_t size : {size_t{0}, size_t{100}, size_t{5000}}) {
    put_files_back();
    spill(folder_ / segment_name(1), std::string(size, '\0'));
    auto log = open();
    EXPECT_EQ(append(*log, {"b"})->first, 1u);
    EXPECT_TRUE(log->damage().empty());
    EXPECT_EQ(segments(folder_).size(), 1u);
  }
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  spill(folder_ / segment_name(0), "");
  auto log = open();
  EXPECT_EQ(append(*log, {"b"})->first, 0u);
}

TEST_F(Recovery, ADamagedProducersFileIsReportedAndTheLogGoesOn) {
  Options options{.segment_bytes = 64 * kKiB};
  {
    auto log = open(options);
    for (int i = 0; i < 40; ++i)
      ASSERT_TRUE(append(*log, batch(10, "x", 1000), Producer{"p", static_cast<uint64_t>(i)}));
    ASSERT_TRUE(log->trim(200, {}));
  }
  fs::path path = folder_ / kProducersFile;
  std::string bytes = slurp(path);
  bytes[30] ^= 1;
  spill(path, bytes);
  auto log = open(options);
  ASSERT_FALSE(log->damage().empty());
  EXPECT_EQ(log->damage()[0].file, path);
  EXPECT_TRUE(append(*log, {"x"}, Producer{"p", 39})->duplicate);
  EXPECT_EQ(log->end(), 400u);
}

TEST_F(Recovery, AnEmptiedFolderNeverUsesSequenceNumbersAgain) {
  Options options{.segment_bytes = 64 * kKiB};
  Sequence begin;
  {
    auto log = open(options);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(append(*log, batch(10, "x", 1000)));
    ASSERT_TRUE(log->trim(400, {}));
    begin = log->begin();
  }
  for (const auto& path : segments(folder_)) fs::remove(path);
  auto log = open(options);
  EXPECT_EQ(log->damage().size(), 1u);
  EXPECT_EQ(append(*log, {"x"})->first, begin);
}

TEST_F(Recovery, SurvivesRandomDamageAnywhere) {
  Options options{.segment_bytes = 32 * kKiB};
  {
    auto log = open(options);
    for (int i = 0; i < 40; ++i)
      ASSERT_TRUE(append(*log, batch(5, "b", 700), Producer{"p", static_cast<uint64_t>(i)}));
    keep_files_of_running_log();
  }
  auto whole = killed_;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    killed_ = whole;
    for (int hit = 0; hit < 4; ++hit) {
      std::string& bytes = killed_[random() % killed_.size()].second;
      size_t at = random() % bytes.size();
      size_t n = std::min<size_t>(bytes.size() - at, 1 + random() % 3000);
      for (size_t i = at; i < at + n; ++i) bytes[i] = static_cast<char>(random() % 5 == 0 ? random() : 0);
    }
    put_files_back();
    auto log = Log::open(folder_, options, quick_disk_, clock_);
    if (!log) {
      EXPECT_EQ(log.error().code, Code::kCorrupt) << log.error().message;
      continue;
    }
    // Every record is readable or reported.
    std::vector<bool> known((*log)->end());
    for (const Got& g : read(**log, (*log)->begin(), (*log)->end(), 1)) known[g.sequence] = true;
    for (const Damage& d : (*log)->damage())
      for (Sequence s = d.first; s < d.end; ++s) known[s] = true;
    EXPECT_EQ(std::count(known.begin(), known.end(), false), 0) << "seed " << seed;
    ASSERT_TRUE(append(**log, {"after"}));
    log->reset();
    log = Log::open(folder_, options, quick_disk_, clock_);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(read(**log, (*log)->end() - 1, (*log)->end())[0].data, "after") << "seed " << seed;
  }
}

}  // namespace
}  // namespace tarn::log
