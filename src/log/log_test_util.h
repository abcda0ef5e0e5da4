// What the log's tests share: a folder that vanishes, batches, and the whole content of a log as text.
//
// Threads: none of its own.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/faulty_file_system.h"
#include "log/frame.h"
#include "log/log.h"

namespace tarn::log {

class LogFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tarn-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    folder_ = root_ / "log";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Log> open(const Options& options = {}) { return open(quick_disk_, options); }
  std::unique_ptr<Log> open(FileSystem& files, const Options& options = {}) {
    auto log = Log::open(folder_, options, files, clock_);
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : nullptr;
  }

  std::filesystem::path root_;
  std::filesystem::path folder_;
  FaultyFileSystem quick_disk_;  // without a loss of power: a disk that needs no time to sync
  ManualClock clock_{Timestamp{1'000'000}};
};

inline Result<Appended> append(Log& log, const std::vector<std::string>& records,
                               std::optional<Producer> producer = std::nullopt) {
  std::vector<Record> views;
  for (const auto& r : records) views.push_back({r});
  return log.append(views, producer);
}

// n records "<prefix>0", "<prefix>1", … of at least `bytes` bytes.
inline std::vector<std::string> batch(size_t n, std::string_view prefix = "r", size_t bytes = 0) {
  std::vector<std::string> records;
  for (size_t i = 0; i < n; ++i) {
    records.push_back(std::string(prefix) + std::to_string(i));
    if (records.back().size() < bytes) records.back().resize(bytes, '.');
  }
  return records;
}

struct Got {
  Sequence sequence;
  std::string data;
  std::string key;
  bool operator==(const Got&) const = default;
};

// The records of the chunks, in order; fails the test when the sequence numbers are not those that the chunks
// promise.
inline std::vector<Got> read(const std::vector<Chunk>& chunks) {
  std::vector<Got> got;
  for (const Chunk& chunk : chunks) {
    auto mapping = Mapping::map(chunk);
    EXPECT_TRUE(mapping) << mapping.error().message;
    Sequence expected = chunk.first;
    while (mapping) {
      auto frame = mapping->next();
      EXPECT_TRUE(frame) << frame.error().message;
      if (!frame || !*frame) break;
      const FrameView& v = **frame;
      const char* data = v.data;
      const char* key = v.keys;
      for (uint32_t i = 0; i < v.count; ++i) {
        std::string k(key, v.key_lengths ? v.key_lengths[i] : 0);
        if (i >= v.begin && i < v.end) {
          EXPECT_EQ(v.first + i, expected++);
          got.push_back({v.first + i, std::string(data, v.lengths[i]), k});
        }
        EXPECT_EQ(data[v.lengths[i]], '\n');
        data += v.lengths[i] + 1;
        key += k.size();
      }
      EXPECT_EQ(data, v.data + v.data_bytes);
      volatile char sum = 0;  // simdjson's padding must be readable
      for (uint64_t i = 0; i < kPaddingBytes; ++i) sum = sum + v.data[v.data_bytes + i];
    }
    EXPECT_EQ(expected, chunk.end);
  }
  return got;
}

inline std::vector<Got> read(const Log& log, Sequence from, Sequence to, uint64_t chunk_bytes = 1 << 20) {
  auto chunks = log.split(from, to, chunk_bytes);
  EXPECT_TRUE(chunks) << chunks.error().message;
  return chunks ? read(*chunks) : std::vector<Got>{};
}

inline std::vector<std::string> all(const Log& log) {
  std::vector<std::string> records;
  for (Got& g : read(log, log.begin(), log.end())) records.push_back(std::move(g.data));
  return records;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<std::filesystem::path> segments(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& e : std::filesystem::directory_iterator(folder))
    if (e.path().extension() == ".seg") paths.push_back(e.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Offsets of the frames of a segment's bytes, and last where they end.
inline std::vector<uint64_t> frame_offsets(const std::string& bytes) {
  auto header = decode_segment_header(bytes);
  EXPECT_TRUE(header);
  std::vector<uint64_t> offsets;
  uint64_t at = kSegmentDataOffset;
  while (auto frame = read_header(std::span(bytes).subspan(at), seed_of(header->log_id))) {
    offsets.push_back(at);
    at += frame->frame_bytes();
  }
  offsets.push_back(at);
  return offsets;
}

}  // namespace tarn::log
