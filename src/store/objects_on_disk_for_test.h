// Objects in a folder of their own, with a clock that the test moves; for the tests of this folder.
//
// The 256 folders of the blobs take longer than a test: they are made once a suite, and emptied.
// Owns: the folders; they go with the fixture and its suite.
// Threads: one thread's, but for objects().
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/id.h"
#include "store/objects.h"
#include "store/outbox.h"

namespace tarn::store {

class ObjectsOnDisk : public testing::Test {
 protected:
  static constexpr uint64_t kPartBytesMin = 1000;

  static std::filesystem::path& blobs() {
    static std::filesystem::path folder;
    return folder;
  }
  static void SetUpTestSuite() {
    blobs() = std::filesystem::temp_directory_path() / ("tarn-blobs-" + uuid_v4());
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(blobs()); }

  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("tarn-objects-" + uuid_v4());
    std::filesystem::create_directories(folder_);
    reopen();
    add_bucket("photos");
  }
  void TearDown() override {
    objects_.reset();
    metastore_.reset();
    std::filesystem::remove_all(folder_);
    for (const auto& file : files()) std::filesystem::remove(file);
  }
  void reopen() {
    objects_.reset();
    metastore_.reset();
    auto metastore = meta::open_sqlite(folder_ / "meta.db");
    ASSERT_TRUE(metastore) << metastore.error().message;
    metastore_ = std::move(*metastore);
    Objects::Limits limits;
    limits.inline_bytes_max = 100;
    limits.part_bytes_min = part_bytes_min_;
    limits.uploads_max = uploads_max_;
    auto objects = Objects::open({blobs(), *metastore_, clock_, metrics_, limits});
    ASSERT_TRUE(objects) << objects.error().message;
    objects_ = std::move(*objects);
  }

  void add_bucket(const std::string& name, Versioning versioning = Versioning::kNever) {
    Bucket bucket;
    bucket.name = name;
    bucket.created = clock_.now();
    bucket.versioning = versioning;
    Status made = objects_->create_bucket(bucket);
    ASSERT_TRUE(made) << made.error().message;
  }

  // A writer that has taken all of `bytes`.
  std::unique_ptr<Writer> written(std::string_view bytes, std::vector<Algorithm> algorithms = {}) {
    auto writer = objects_->writer(bytes.size(), algorithms);
    EXPECT_TRUE(writer) << writer.error().message;
    Status done = (*writer)->write(bytes);
    if (done) done = (*writer)->finish();
    EXPECT_TRUE(done) << done.error().message;
    return std::move(*writer);
  }

  Version put(const std::string& key, std::string_view bytes, const std::string& bucket = "photos",
              std::map<std::string, std::string> tags = {}) {
    PutRequest request;
    request.bucket = bucket;
    request.key = key;
    request.attributes.tags = std::move(tags);
    request.cause.reason = "PutObject";
    auto version = objects_->put(written(bytes), request);
    EXPECT_TRUE(version) << version.error().message;
    return version ? *version : Version();
  }

  std::string bytes_of(const std::string& key, const std::string& bucket = "photos") {
    auto reader = objects_->open(bucket, key);
    if (!reader) return "error: " + reader.error().message;
    std::string out((*reader)->version().bytes, '\0');
    Status read = (*reader)->read_at(0, out);
    return read ? out : "error: " + read.error().message;
  }

  std::vector<std::string> keys_of(const std::string& bucket = "photos") {
    std::vector<std::string> keys;
    auto page = objects_->list(bucket, {});
    EXPECT_TRUE(page);
    for (const Version& version : page->objects) keys.push_back(version.key);
    return keys;
  }

  std::vector<Version> versions_of(const std::string& bucket) {
    auto page = objects_->list_versions(bucket, {});
    EXPECT_TRUE(page);
    return page->objects;
  }

  static std::vector<std::filesystem::path> files() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(blobs())) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    return found;
  }
  size_t blob_files() const { return files().size(); }

  int64_t rows_of(const std::string& table) const {
    int64_t rows = -1;
    EXPECT_TRUE(metastore_->read([&](meta::Transaction& transaction) -> Status {
      TARN_ASSIGN(std::vector<meta::Row> counted, transaction.query("SELECT count(*) FROM " + table));
      TARN_ASSIGN(rows, meta::integer(counted.at(0), 0));
      return {};
    }));
    return rows;
  }

  uint64_t part_bytes_min_ = kPartBytesMin;
  size_t uploads_max_ = 200'000;
  std::filesystem::path folder_;
  ManualClock clock_{Timestamp{1'700'000'000'000'000}};
  Metrics metrics_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<Objects> objects_;
};

}  // namespace tarn::store
