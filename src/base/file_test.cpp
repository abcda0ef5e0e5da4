#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/faulty_file_system.h"

namespace tarn {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tarn-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void put(FileSystem& files, const fs::path& path, std::string_view text, bool sync) {
    auto file = files.open(path, OpenMode::kCreate);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE((*file)->write_at(0, {text.data(), text.size()}));
    if (sync) {
      ASSERT_TRUE((*file)->sync_data());
    }
  }
  std::string content(const fs::path& path) {
    auto text = read_file(path);
    return text ? *text : std::string(code_name(text.error().code));
  }

  fs::path folder_;
};

TEST_F(FileTest, ReadsWhatItWroteAndNamesTheFileWhenItEndsTooEarly) {
  put(FileSystem::real(), folder_ / "a", "hello", true);
  auto file = *FileSystem::real().open(folder_ / "a", OpenMode::kRead);
  std::string got(3, ' ');
  ASSERT_TRUE(file->read_at(2, got));
  EXPECT_EQ(got, "llo");
  EXPECT_EQ(*file->size(), 5u);
  auto beyond = file->read_at(4, got);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, Code::kCorrupt);
  EXPECT_NE(beyond.error().message.find((folder_ / "a").string()), std::string::npos);
}

TEST_F(FileTest, WritesAroundTheCacheUntilOneDoesntFit) {
  constexpr size_t kPage = File::kAroundCacheBytes;
  auto file = FileSystem::real().open(folder_ / "a", OpenMode::kCreate).value();
  file->write_around_cache();
  std::vector<char> memory(4 * kPage);
  void* start = memory.data();
  size_t left = memory.size();
  std::span<char> page(static_cast<char*>(std::align(kPage, kPage, start, left)), kPage);
  std::ranges::fill(page, 'x');
  ASSERT_TRUE(file->write_at(0, page));
  ASSERT_TRUE(file->write_at(kPage, page));
  ASSERT_TRUE(file->write_at(2 * kPage, page.first(5)));     // its size doesn't fit
  ASSERT_TRUE(file->write_at(2 * kPage + 5, page.last(7)));  // nor its address and offset
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(read_file(folder_ / "a").value(), std::string(2 * kPage + 12, 'x'));
}

TEST_F(FileTest, TellsMissingAndExistingFilesApart) {
  EXPECT_EQ(FileSystem::real().open(folder_ / "no", OpenMode::kRead).error().code, Code::kNotFound);
  put(FileSystem::real(), folder_ / "a", "x", false);
  EXPECT_EQ(FileSystem::real().open(folder_ / "a", OpenMode::kCreate).error().code, Code::kExists);
  EXPECT_TRUE(FileSystem::real().remove(folder_ / "no"));
}

TEST_F(FileTest, CreatesNestedFoldersAndListsNamesSorted) {
  auto& files = FileSystem::real();
  ASSERT_TRUE(files.create_folders(folder_ / "x/y/z/"));
  ASSERT_TRUE(files.create_folders(folder_ / "x/y/z"));
  EXPECT_TRUE(fs::is_directory(folder_ / "x/y/z"));
  put(files, folder_ / "x/b", "", false);
  put(files, folder_ / "x/a", "", false);
  EXPECT_EQ(*files.list(folder_ / "x"), (std::vector<std::string>{"a", "b", "y"}));
  EXPECT_EQ(files.list(folder_ / "none").error().code, Code::kNotFound);
  put(files, folder_ / "plain", "", false);
  EXPECT_FALSE(files.create_folders(folder_ / "plain"));
}

TEST_F(FileTest, ReplaceFileKeepsOldOrNewWhenThePowerGoes) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    for (int failing_sync : {0, 1}) {
      fs::path path = folder_ / ("r" + std::to_string(seed) + std::to_string(failing_sync));
      FaultyFileSystem files;
      ASSERT_TRUE(replace_file(files, path, "old content"));
      files.fail_syncs(EIO, failing_sync);
      Status replaced = replace_file(files, path, "the new content");
      EXPECT_EQ(replaced.has_value(), failing_sync == 0);
      files.lose_power(seed);
      EXPECT_EQ(content(path), failing_sync == 0 ? "the new content" : "old content");
    }
  }
}

TEST_F(FileTest, FolderLockNamesTheProcessThatHoldsIt) {
  auto lock = FolderLock::take(folder_);
  ASSERT_TRUE(lock) << lock.error().message;
  auto second = FolderLock::take(folder_ / "lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  {
    FolderLock moved = std::move(*lock);
  }
  EXPECT_TRUE(FolderLock::take(folder_));
}

TEST_F(FileTest, FolderLockEndsWithItsProcess) {
  pid_t child = ::fork();
  if (child == 0) {
    auto lock = FolderLock::take(folder_);
    ::_exit(lock ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(FolderLock::take(folder_));
}

TEST_F(FileTest, FreeBytesAreKnownForAFolder) {
  EXPECT_GT(*free_bytes(folder_), 0u);
  EXPECT_FALSE(free_bytes(folder_ / "none"));
}

TEST_F(FileTest, FaultyDiskForgetsUnsyncedBytesAndNames) {
  FaultyFileSystem files;
  put(files, folder_ / "synced", "kept", true);
  ASSERT_TRUE(files.sync_folder(folder_));
  auto file = *files.open(folder_ / "synced", OpenMode::kReadWrite);
  ASSERT_TRUE(file->write_at(0, std::string_view("lost and longer")));
  put(files, folder_ / "no name", "bytes", true);
  ASSERT_TRUE(files.rename(folder_ / "synced", folder_ / "renamed"));
  files.lose_power();
  EXPECT_EQ(files.open(folder_ / "synced", OpenMode::kRead).error().code, Code::kIo);
  EXPECT_FALSE(files.list(folder_));
  files.restore_power();
  EXPECT_EQ(content(folder_ / "synced"), "kept");
  EXPECT_EQ(*files.list(folder_), std::vector<std::string>{"synced"});
  EXPECT_FALSE(file->write_at(0, std::string_view("x")));
  EXPECT_FALSE(file->sync_data());
}

TEST_F(FileTest, FaultyDiskBringsBackARemovedFile) {
  FaultyFileSystem files;
  put(files, folder_ / "a", "one", true);
  put(files, folder_ / "b", "two", true);
  ASSERT_TRUE(files.sync_folder(folder_));
  ASSERT_TRUE(files.remove(folder_ / "a"));
  ASSERT_TRUE(files.rename(folder_ / "b", folder_ / "a"));
  EXPECT_EQ(*files.list(folder_), std::vector<std::string>{"a"});
  files.lose_power();
  EXPECT_EQ(content(folder_ / "a"), "one");
  EXPECT_EQ(content(folder_ / "b"), "two");
}

TEST_F(FileTest, FaultyDiskKeepsAnySubsetOfUnsyncedSectors) {
  int kept = 0;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    FaultyFileSystem files;
    fs::path path = folder_ / std::to_string(seed);
    put(files, path, std::string(4096, 'a'), true);
    ASSERT_TRUE(files.sync_folder(folder_));
    auto file = *files.open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file->write_at(0, std::string(4096, 'b')));
    files.lose_power(seed);
    std::string after = content(path);
    ASSERT_EQ(after.size(), 4096u);
    for (size_t i = 0; i < 4096; i += 512) {
      EXPECT_EQ(after.substr(i, 512), std::string(512, after[i]));
      kept += after[i] == 'b';
    }
  }
  EXPECT_GT(kept, 16);
  EXPECT_LT(kept, 112);
}

TEST_F(FileTest, FaultyDiskRunsOutOfSpaceHalfWayThroughAWrite) {
  FaultyFileSystem files;
  auto file = *files.open(folder_ / "a", OpenMode::kCreate);
  files.set_space(10);
  EXPECT_TRUE(file->write_at(0, std::string(8, 'x')));
  auto full = file->write_at(8, std::string(8, 'y'));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kFull);
  EXPECT_EQ(*file->size(), 10u);
  EXPECT_TRUE(file->write_at(0, std::string(10, 'z')));  // no growth, no need of space
  files.set_space(std::nullopt);
  files.fail_writes(EIO, 1, 1);
  EXPECT_TRUE(file->write_at(0, std::string_view("1")));
  EXPECT_EQ(file->write_at(0, std::string_view("2")).error().code, Code::kIo);
  EXPECT_TRUE(file->write_at(0, std::string_view("3")));
}

TEST_F(FileTest, FaultyDiskWithSyncsIgnoredLosesSyncedBytes) {
  FaultyFileSystem files;
  files.ignore_syncs(true);
  put(files, folder_ / "a", "text", true);
  ASSERT_TRUE(files.sync_folder(folder_));
  files.lose_power();
  EXPECT_EQ(content(folder_ / "a"), "not_found");
}

}  // namespace
}  // namespace tarn
