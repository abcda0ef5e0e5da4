#include "store/directory_store.h"

#include <atomic>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/id.h"
#include "store/store.h"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

class DirectoryStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("tarn-store-" + uuid_v4());
    reopen();
    ASSERT_TRUE(store_->create_bucket("lake"));
  }
  void TearDown() override { fs::remove_all(root_); }

  void reopen() {
    store_.reset();
    auto opened = open_directory_store(root_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  static Uri lake(std::string key) { return Uri{"lake", std::move(key)}; }

  std::vector<std::string> keys(std::string_view prefix = "", std::string_view after = "",
                                size_t limit = 1000) {
    auto listing = store_->list("lake", prefix, after, limit);
    EXPECT_TRUE(listing) << listing.error().message;
    std::vector<std::string> result;
    if (listing) {
      for (const auto& object : listing->objects) result.push_back(object.key);
    }
    return result;
  }

  size_t files_in(const fs::path& folder) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  fs::path root_;
  std::unique_ptr<Store> store_;
};

using Keys = std::vector<std::string>;

TEST_F(DirectoryStoreTest, GivesBackWhatWasPut) {
  std::string bytes("a\0b\n", 4);
  ASSERT_TRUE(store_->put(lake("a"), bytes));
  ASSERT_TRUE(store_->put(lake("a/b"), "below"));
  ASSERT_TRUE(store_->put(lake("../../escape"), "inside"));
  ASSERT_TRUE(store_->put(lake("leer zeichen: ü/日本.txt"), ""));
  EXPECT_EQ(store_->get(lake("a")), bytes);
  EXPECT_EQ(store_->get(lake("a/b")), "below");
  EXPECT_EQ(store_->get(lake("../../escape")), "inside");
  EXPECT_EQ(store_->get(lake("leer zeichen: ü/日本.txt")), "");
  EXPECT_FALSE(fs::exists(root_.parent_path() / "escape"));
  EXPECT_EQ(files_in(store_->staging()), 0u);
}

TEST_F(DirectoryStoreTest, PutReplaces) {
  ASSERT_TRUE(store_->put(lake("x.txt"), "old and longer"));
  ASSERT_TRUE(store_->put(lake("x.txt"), "new"));
  EXPECT_EQ(store_->get(lake("x.txt")), "new");
  auto info = store_->head(lake("x.txt"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->bytes, 3u);
  EXPECT_LT(Clock::system().now() - info->modified, std::chrono::minutes(10));
}

TEST_F(DirectoryStoreTest, SaysWhatIsMissing) {
  EXPECT_EQ(store_->get(lake("no")).error().code, Code::kNotFound);
  EXPECT_NE(store_->get(lake("no")).error().message.find("s3://lake/no"), std::string::npos);
  EXPECT_EQ(store_->head(lake("no/such")).error().code, Code::kNotFound);
  EXPECT_EQ(store_->put(Uri{"other", "x"}, "y").error().code, Code::kNotFound);
  EXPECT_FALSE(fs::exists(root_ / "other"));
  EXPECT_EQ(store_->list("other", "", "", 10).error().code, Code::kNotFound);
  EXPECT_TRUE(store_->remove(lake("no/such/thing")));
  EXPECT_EQ(store_->put(lake(""), "y").error().code, Code::kInvalid);
  EXPECT_EQ(store_->create_bucket(".staging").error().code, Code::kInvalid);
}

TEST_F(DirectoryStoreTest, BucketsAreListedWithoutSystemFolders) {
  ASSERT_TRUE(store_->create_bucket("abc"));
  ASSERT_TRUE(store_->create_bucket("abc"));
  EXPECT_EQ(store_->buckets(), (Keys{"abc", "lake"}));
}

TEST_F(DirectoryStoreTest, AdoptMovesAFile) {
  fs::path file = store_->staging() / "made.parquet";
  std::ofstream(file) << "PAR1";
  ASSERT_TRUE(store_->adopt(file, lake("t/data/made.parquet")));
  EXPECT_FALSE(fs::exists(file));
  EXPECT_EQ(store_->get(lake("t/data/made.parquet")), "PAR1");
  EXPECT_EQ(store_->readable(lake("t/data/made.parquet")), (root_ / "lake/t/data/made.parquet").native());
  EXPECT_EQ(store_->adopt(file, lake("again")).error().code, Code::kNotFound);
}

TEST_F(DirectoryStoreTest, OpeningEmptiesTheStagingFolder) {
  fs::create_directories(store_->staging() / "folder/deep");
  std::ofstream(store_->staging() / "left") << "x";
  ASSERT_TRUE(store_->put(lake("kept"), "y"));
  reopen();
  EXPECT_EQ(files_in(store_->staging()), 0u);
  EXPECT_EQ(store_->get(lake("kept")), "y");
}

TEST_F(DirectoryStoreTest, ListsInByteOrderOfKeys) {
  for (const char* key : {"a0", "a/b", "a", "a-b", "a/", "b", "a.b/c", "a/b/c", "a/b.c", "é", "Z"}) {
    ASSERT_TRUE(store_->put(lake(key), "x"));
  }
  EXPECT_EQ(keys(), (Keys{"Z", "a", "a-b", "a.b/c", "a/", "a/b", "a/b.c", "a/b/c", "a0", "b", "é"}));
  EXPECT_EQ(keys("a/"), (Keys{"a/", "a/b", "a/b.c", "a/b/c"}));
  EXPECT_EQ(keys("a/b"), (Keys{"a/b", "a/b.c", "a/b/c"}));
  EXPECT_EQ(keys("", "a/b"), (Keys{"a/b.c", "a/b/c", "a0", "b", "é"}));
  EXPECT_EQ(keys("nothing/here"), Keys{});
  auto page = store_->list("lake", "", "a", 2);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->objects.back().key, "a.b/c");
  EXPECT_FALSE(store_->list("lake", "", "b", 1)->more);
}

TEST_F(DirectoryStoreTest, ListingEqualsASortedSetForAnyKeys) {
  std::mt19937_64 random(42);
  const std::vector<std::string> parts = {"a", "b", ".", "/", "/", "%", "-", "0", std::string(199, 'l'),
                                          "é", ".x"};
  auto random_key = [&](size_t parts_max) {
    std::string key;
    for (size_t n = random() % parts_max; n-- > 0;) key += parts[random() % parts.size()];
    return key;
  };
  std::set<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    std::string key = random_key(7);
    if (!store_->put(lake(key), "x")) continue;  // empty or too long
    expected.insert(key);
  }
  ASSERT_GT(expected.size(), 200u);
  for (int i = 0; i < 400; ++i) {
    std::string prefix = random_key(4);
    std::string after = random_key(5);
    size_t limit = 1 + random() % 50;
    Keys wanted;
    bool more = false;
    for (auto at = expected.upper_bound(after); at != expected.end(); ++at) {
      if (!at->starts_with(prefix)) continue;
      if (wanted.size() == limit) {
        more = true;
        break;
      }
      wanted.push_back(*at);
    }
    EXPECT_EQ(keys(prefix, after, limit), wanted) << prefix << " after " << after;
    EXPECT_EQ(store_->list("lake", prefix, after, limit)->more, more);
  }
}

TEST_F(DirectoryStoreTest, ListingLeavesOutFilesOfStrangers) {
  ASSERT_TRUE(store_->put(lake("t/x.txt"), "x"));
  std::ofstream(root_ / "lake/t/lost%41.txt") << "no key is written so";
  std::ofstream(root_ / "lake/t/stranger") << "a file with a folder's name";
  EXPECT_EQ(keys(), (Keys{"t/x.txt"}));
}

TEST_F(DirectoryStoreTest, RemovePrunesEmptyFoldersOnly) {
  ASSERT_TRUE(store_->put(lake("a/b/c/x.txt"), "x"));
  ASSERT_TRUE(store_->put(lake("a/y.txt"), "y"));
  ASSERT_TRUE(store_->remove(lake("a/b/c/x.txt")));
  EXPECT_FALSE(fs::exists(root_ / "lake/a/b"));
  EXPECT_EQ(store_->get(lake("a/y.txt")), "y");
  ASSERT_TRUE(store_->remove(lake("a/y.txt")));
  EXPECT_FALSE(fs::exists(root_ / "lake/a"));
  EXPECT_TRUE(fs::exists(root_ / "lake"));
  ASSERT_TRUE(store_->put(lake("a/b/c/x.txt"), "again"));
  EXPECT_EQ(store_->get(lake("a/b/c/x.txt")), "again");
}

TEST_F(DirectoryStoreTest, PutsAndRemovalsRaceSafely) {
  std::atomic<int> failures = 0;
  auto work = [&](int thread) {
    for (int i = 0; i < 150; ++i) {
      Uri uri = lake("deep/er/est/" + std::to_string(thread) + ".txt");
      std::string bytes = std::to_string(i);
      if (!store_->put(uri, bytes) || store_->get(uri) != bytes || !store_->remove(uri)) ++failures;
      if (!store_->list("lake", "", "", 100)) ++failures;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back(work, t);
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(keys(), Keys{});
  EXPECT_EQ(files_in(root_ / "lake"), 0u);
}

TEST(DirectoryStore, SaysWhichFolderCantBeWrittenAndWhatToDo) {
  fs::path file = fs::temp_directory_path() / ("tarn-store-" + uuid_v4());
  std::ofstream(file) << "not a folder";
  auto store = open_directory_store(file / "lake");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kUnavailable);
  EXPECT_NE(store.error().message.find((file / "lake").native()), std::string::npos);
  EXPECT_NE(store.error().message.find("choose another folder"), std::string::npos);
  fs::remove(file);
}

// Counts what was made durable, in which order.
class WatchedFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const fs::path& path, OpenMode mode) override {
    return real().open(path, mode);
  }
  Status create_folders(const fs::path& path) override { return real().create_folders(path); }
  Status rename(const fs::path& from, const fs::path& to) override {
    steps.push_back("rename " + to.filename().native());
    if (fail_rename) return fail(Code::kFull, "no space");
    return real().rename(from, to);
  }
  Status remove(const fs::path& path) override { return real().remove(path); }
  Status sync_folder(const fs::path& path) override {
    steps.push_back("sync " + path.filename().native());
    return real().sync_folder(path);
  }
  Result<std::vector<std::string>> list(const fs::path& folder) override { return real().list(folder); }

  std::vector<std::string> steps;
  bool fail_rename = false;
};

TEST(DirectoryStore, SyncsNewFoldersBeforeAndTheFolderAfterTheRename) {
  WatchedFiles files;
  fs::path root = fs::temp_directory_path() / ("tarn-store-" + uuid_v4());
  auto store = open_directory_store(root, files);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->create_bucket("lake"));
  files.steps.clear();
  ASSERT_TRUE((*store)->put(Uri{"lake", "a/b/x.txt"}, "x"));
  EXPECT_EQ(files.steps, (Keys{"sync lake", "sync a", "rename x.txt", "sync b"}));
  files.steps.clear();
  ASSERT_TRUE((*store)->put(Uri{"lake", "a/b/y.txt"}, "x"));
  EXPECT_EQ(files.steps, (Keys{"rename y.txt", "sync b"}));

  files.fail_rename = true;
  EXPECT_EQ((*store)->put(Uri{"lake", "a/b/x.txt"}, "new").error().code, Code::kFull);
  EXPECT_EQ((*store)->get(Uri{"lake", "a/b/x.txt"}), "x");
  EXPECT_TRUE(fs::is_empty((*store)->staging()));
  fs::remove_all(root);
}

}  // namespace
}  // namespace tarn::store
