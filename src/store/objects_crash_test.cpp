// Power that fails, disks that are full, processes that die in the middle, and many threads at once.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/faulty_file_system.h"
#include "store/objects_internal.h"
#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

const std::string kLarge(5000, 'l');
const std::string kNewer(6000, 'n');
constexpr const char* kFolderVariable = "TARN_TEST_FOLDER";
constexpr const char* kBlobsVariable = "TARN_TEST_BLOBS";

class CrashTest : public ObjectsOnDisk {
 protected:
  fs::path write_file(std::string_view name) {
    fs::path path = blobs() / name.substr(0, 2) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
    return path;
  }
  Result<Version> try_put(const std::string& key, std::string_view bytes) {
    auto writer = objects_->writer(bytes.size(), {});
    if (!writer) return fail(writer.error());
    TARN_TRY((*writer)->write(bytes));
    PutRequest request;
    request.bucket = "photos";
    request.key = key;
    return objects_->put(std::move(*writer), request);
  }
  // Without what the faulty disk keeps of removed ones.
  static size_t named_files() {
    auto found = files();
    return static_cast<size_t>(std::ranges::count_if(
        found, [](const fs::path& file) { return BlobFiles::is_id(file.filename().string()); }));
  }
  size_t sweep() {
    auto swept = objects_->sweep();
    EXPECT_TRUE(swept) << swept.error().message;
    return swept ? *swept : 0;
  }
  void open_on(FileSystem& files) {
    objects_.reset();
    Objects::Limits limits;
    limits.inline_bytes_max = 100;
    auto objects = open_objects({blobs(), *metastore_, clock_, metrics_, limits}, files);
    ASSERT_TRUE(objects) << objects.error().message;
    objects_ = std::move(*objects);
  }
};

TEST_F(CrashTest, SweepRemovesWhatNoRowNamesAndNothingElse) {
  put("a", kLarge);
  put("b", kLarge);
  fs::path orphan = write_file("ab0123456789abcdef0123456789abcd");
  fs::path stranger = write_file("readme.txt");
  auto unfinished = written(kLarge);
  EXPECT_EQ(sweep(), 1u);
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_EQ(bytes_of("a"), kLarge);
  PutRequest request;
  request.bucket = "photos";
  request.key = "c";
  ASSERT_TRUE(objects_->put(std::move(unfinished), request));  // its file was left alone
  EXPECT_EQ(bytes_of("c"), kLarge);
  reopen();
  EXPECT_EQ(sweep(), 0u);
  EXPECT_EQ(bytes_of("a"), kLarge);
  EXPECT_EQ(bytes_of("b"), kLarge);
  EXPECT_TRUE(fs::exists(stranger));
}

TEST_F(CrashTest, SweepFinishesWhatACrashLeftAfterItsCommit) {
  put("a", kLarge);
  std::string file;
  ASSERT_TRUE(metastore_->transact([&](meta::Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT blob FROM object_versions"));
    TARN_ASSIGN(file, meta::text(rows.at(0), 0));
    TARN_TRY(t.execute("DELETE FROM object_versions"));
    TARN_TRY(t.execute("INSERT INTO object_garbage VALUES (?)", std::vector<meta::Value>{file}));
    return {};
  }));
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(sweep(), 1u);
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_garbage"), 0);
  EXPECT_EQ(sweep(), 0u);
}

TEST_F(CrashTest, RowsOfUnlinkedFilesAreForgottenBySweep) {
  for (int i = 0; i < 10; ++i) put("a", kLarge);
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(rows_of("object_garbage"), 9);
  EXPECT_EQ(sweep(), 0u);
  EXPECT_EQ(rows_of("object_garbage"), 0);
}

TEST_F(CrashTest, AFileThatIsGoneIsTold) {
  put("a", kLarge);
  for (const auto& entry : fs::recursive_directory_iterator(blobs()))
    if (entry.is_regular_file()) fs::remove(entry.path());
  auto opened = objects_->open("photos", "a");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_NE(opened.error().message.find(blobs().native()), std::string::npos);
  EXPECT_TRUE(objects_->head("photos", "a"));
}

TEST_F(CrashTest, WhatPutSaidSurvivesALossOfPower) {
  FaultyFileSystem disk;
  open_on(disk);
  ASSERT_TRUE(try_put("a", kLarge));
  ASSERT_TRUE(try_put("large", std::string(3 << 20, 'x')));
  disk.lose_power(17);
  disk.restore_power();
  open_on(disk);
  EXPECT_EQ(bytes_of("a"), kLarge);
  EXPECT_EQ(bytes_of("large"), std::string(3 << 20, 'x'));
}

class SyncedFolders final : public FaultyFileSystem {
 public:
  Status sync_folder(const fs::path& path) override {
    synced.push_back(path.filename().string());
    return FaultyFileSystem::sync_folder(path);
  }
  std::vector<std::string> synced;
};

// Made by somebody who died before its name was on disk, or is about to sync it.
TEST_F(CrashTest, AFolderThatIsThereAlreadyIsSyncedOnceAsWell) {
  SyncedFolders disk;
  const std::string one = "3f" + std::string(30, '1');
  const std::string two = "3f" + std::string(30, '2');
  fs::create_directories(folder_ / "blobs" / "3f");
  BlobFiles blobs(folder_ / "blobs", disk);
  ASSERT_TRUE(blobs.prepare());
  ASSERT_TRUE(blobs.create(one));
  ASSERT_TRUE(blobs.sync_name(one));
  EXPECT_EQ(disk.synced, (std::vector<std::string>{"3f", "blobs"}));
  ASSERT_TRUE(blobs.create(two));
  ASSERT_TRUE(blobs.sync_name(two));
  EXPECT_EQ(disk.synced, (std::vector<std::string>{"3f", "blobs", "3f"}));
}

TEST_F(CrashTest, ADiskThatIgnoresSyncsIsNoticedByTheTestAbove) {
  FaultyFileSystem disk;
  open_on(disk);
  disk.ignore_syncs(true);
  ASSERT_TRUE(try_put("a", kLarge));
  disk.lose_power();
  disk.restore_power();
  open_on(disk);
  EXPECT_NE(bytes_of("a"), kLarge);
}

TEST_F(CrashTest, AFullDiskLeavesTheOldObjectAndNoFile) {
  FaultyFileSystem disk;
  open_on(disk);
  ASSERT_TRUE(try_put("a", kLarge));
  disk.set_space(10'000);
  EXPECT_EQ(try_put("a", std::string(50'000, 'n')).error().code, Code::kFull);
  EXPECT_EQ(try_put("a", std::string(5 << 20, 'n')).error().code, Code::kFull);
  EXPECT_EQ(named_files(), 1u);
  EXPECT_EQ(bytes_of("a"), kLarge);
  disk.set_space(std::nullopt);
  disk.fail_syncs(EIO, 1);
  EXPECT_EQ(try_put("a", std::string(50'000, 'n')).error().code, Code::kIo);
  EXPECT_EQ(named_files(), 1u);
  EXPECT_EQ(bytes_of("a"), kLarge);
  EXPECT_TRUE(try_put("a", std::string(50'000, 'n')));
}

TEST_F(CrashTest, AWriterThatFailedStaysFailed) {
  FaultyFileSystem disk;
  open_on(disk);
  disk.fail_writes(ENOSPC, 1);
  auto writer = objects_->writer(std::nullopt, {});
  ASSERT_TRUE(writer);
  std::string bytes(300 * 1024, 'x');
  EXPECT_EQ((*writer)->write(bytes).error().code, Code::kFull);
  EXPECT_EQ((*writer)->write(bytes).error().code, Code::kFull);
  EXPECT_EQ((*writer)->finish().error().code, Code::kFull);
  PutRequest request;
  request.bucket = "photos";
  request.key = "a";
  EXPECT_EQ(objects_->put(std::move(*writer), request).error().code, Code::kFull);
  EXPECT_EQ(named_files(), 0u);
  EXPECT_TRUE(keys_of().empty());
}

// A process that dies at a point while it overwrites and removes; the parent looks at what is left. Fault points
// are armed when a process starts, so the child is this program anew, with the next test as its only one.
class KilledTest : public CrashTest, public testing::WithParamInterface<std::string> {
 protected:
  int run_child(const std::string& point) const {
    pid_t child = ::fork();
    if (child == 0) {
      ::setenv("TARN_FAULT_POINT", (point + ":1").c_str(), 1);
      ::setenv(kFolderVariable, folder_.c_str(), 1);
      ::setenv(kBlobsVariable, blobs().c_str(), 1);
      ::execl("/proc/self/exe", "store_test", "--gtest_also_run_disabled_tests",
              "--gtest_filter=CrashChild.DISABLED_OverwritesAndRemoves", nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
};

class CrashChild : public CrashTest {
 protected:
  void SetUp() override {
    folder_ = std::getenv(kFolderVariable);
    blobs() = std::getenv(kBlobsVariable);
    reopen();
  }
};

TEST_F(CrashChild, DISABLED_OverwritesAndRemoves) {
  std::ignore = try_put("a", kNewer);
  std::ignore = objects_->remove("photos", "b", {}, {}, {});
}

TEST_P(KilledTest, LeavesTheOldObjectOrTheNewOne) {
  ASSERT_TRUE(try_put("a", kLarge));
  ASSERT_TRUE(try_put("b", kLarge));
  objects_.reset();
  metastore_.reset();
  int status = run_child(GetParam());
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the point wasn't passed";
  reopen();
  std::string a = bytes_of("a");
  EXPECT_TRUE(a == kLarge || a == kNewer) << a.substr(0, 80);
  bool committed =
      GetParam().find("after_commit") != std::string::npos || GetParam() == "objects.after_unlink";
  EXPECT_EQ(a == kNewer, committed);
  EXPECT_EQ(bytes_of("b"), kLarge);
  EXPECT_EQ(objects_->outbox().next(100)->size(), committed ? 3u : 2u);
  sweep();
  EXPECT_EQ(blob_files(), 2u);
  EXPECT_EQ(rows_of("object_garbage"), 0);
  EXPECT_EQ(bytes_of("a"), a);
}

INSTANTIATE_TEST_SUITE_P(Points, KilledTest,
                         testing::Values("objects.after_blob", "objects.before_commit",
                                         "objects.after_commit", "objects.after_unlink"),
                         [](const auto& info) { return info.param.substr(info.param.find('.') + 1); });

// One thread's share of the turmoil below. Bytes are one letter over and over, so that a mixture would show.
struct Turmoil {
  Objects& objects;
  std::atomic<int> wrong = 0;
  std::atomic<int> read = 0;

  void check(bool good, std::string_view what) {
    if (good) return;
    ++wrong;
    ADD_FAILURE() << what;
  }

  void put(const std::string& key, std::mt19937& random) {
    std::string bytes(random() % 2 == 0 ? 10 + random() % 80 : 200 + random() % 300'000,
                      static_cast<char>('a' + random() % 26));
    auto writer = objects.writer(bytes.size(), {});
    check((*writer)->write(bytes).has_value(), "write");
    PutRequest request;
    request.bucket = random() % 2 == 0 ? "photos" : "kept";
    request.key = key;
    request.conditions.if_absent = random() % 8 == 0;
    auto put = objects.put(std::move(*writer), request);
    check(put || put.error().code == Code::kConflict, "put");
  }

  void get(const std::string& key, std::mt19937& random) {
    auto reader = objects.open(random() % 2 == 0 ? "photos" : "kept", key);
    if (!reader) return check(reader.error().code == Code::kNotFound, reader.error().message);
    const Version& version = (*reader)->version();
    std::string bytes(version.bytes, '\0');
    check((*reader)->read_at(0, bytes).has_value(), "read_at");
    check(version.delete_marker || hex_of(md5_of(bytes)) == version.etag, "bytes that aren't the version's");
    ++read;
  }

  void remove(const std::string& key, std::mt19937& random) {
    if (random() % 2 == 0) return check(objects.remove("photos", key, {}, {}, {}).has_value(), "remove");
    auto page = objects.list_versions("kept", {key, "", "", "", 5});
    check(page.has_value(), "list_versions");
    for (const Version& version : page->objects)
      check(objects.remove("kept", version.key, version.id, {}, {}).has_value(), "remove of a version");
  }

  void run(int thread, int steps) {
    std::mt19937 random(static_cast<uint32_t>(thread));
    for (int step = 0; step < steps; ++step) {
      std::string key = fmt::format("k{}", random() % 6);
      switch (random() % 6) {
        case 0:
        case 1:
          put(key, random);
          break;
        case 2:
          remove(key, random);
          break;
        case 3:
          check(objects.list("kept", {}).has_value(), "list");
          break;
        default:
          get(key, random);
      }
    }
  }
};

TEST_F(CrashTest, ManyThreadsOnTheSameKeysSeeWholeObjects) {
  add_bucket("kept", Versioning::kEnabled);
  Turmoil turmoil{*objects_};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 32; ++i) threads.emplace_back([&, i] { turmoil.run(i, 40); });
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) turmoil.check(objects_->sweep().has_value(), "sweep");
    });
  }
  EXPECT_EQ(turmoil.wrong, 0);
  EXPECT_GT(turmoil.read, 0);
  // Each key has one latest version, and each file a row.
  EXPECT_EQ(rows_of("(SELECT 1 FROM object_versions GROUP BY bucket_id, key HAVING sum(latest) <> 1)"), 0);
  sweep();
  EXPECT_EQ(rows_of("object_versions WHERE blob IS NOT NULL"), static_cast<int64_t>(blob_files()));
  EXPECT_EQ(rows_of("object_versions WHERE inline_id IS NOT NULL"), rows_of("object_bytes"));
  auto events = objects_->outbox().next(100'000);
  ASSERT_TRUE(events);
  for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ(events->at(i).number, i + 1);
}

}  // namespace
}  // namespace tarn::store
