#include "store/objects_verify.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "store/objects.h"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

class VerifyObjects : public testing::Test {
 protected:
  VerifyObjects() {
    fs::create_directories(folder_);
    metastore_ = meta::open_sqlite(folder_ / "objects.db").value();
    objects_ = Objects::open({folder_ / "blobs", *metastore_, Clock::system(), metrics_, {}}).value();
    Bucket bucket;
    bucket.name = "bucket";
    EXPECT_TRUE(objects_->create_bucket(bucket));
  }
  ~VerifyObjects() override {
    objects_.reset();
    metastore_.reset();
    fs::remove_all(folder_);
  }

  void put(const std::string& key, size_t bytes) {
    std::string body(bytes, 'x');
    std::vector<Algorithm> algorithms = {Algorithm::kCrc64nvme};
    auto writer = objects_->writer(bytes, algorithms).value();
    ASSERT_TRUE(writer->write(body));
    ASSERT_TRUE(writer->finish());
    Checksum checksum{Algorithm::kCrc64nvme, writer->digests().value(Algorithm::kCrc64nvme), true};
    PutRequest request;
    request.bucket = "bucket";
    request.key = key;
    request.checksum = checksum;
    ASSERT_TRUE(objects_->put(std::move(writer), request));
  }
  fs::path only_blob() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "blobs"))
      if (entry.is_regular_file()) return entry.path();
    return {};
  }
  ObjectsReport verify() { return verify_objects(*metastore_, folder_ / "blobs").value(); }

  const fs::path folder_ =
      fs::temp_directory_path() / ("tarn-verify-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  Metrics metrics_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<Objects> objects_;
};

TEST_F(VerifyObjects, WholeObjectsHaveNoProblems) {
  for (size_t bytes : {0u, 1u, 5000u, 100'000u}) put("k" + std::to_string(bytes), bytes);
  for (int i = 0; i < 1200; ++i) put("many/" + std::to_string(i), 10);
  ObjectsReport report = verify();
  EXPECT_EQ(report.versions, 1204u);
  EXPECT_EQ(report.bytes, 105'001u + 12'000u);
  EXPECT_TRUE(report.problems.empty()) << report.problems[0];
}

TEST_F(VerifyObjects, AFlippedByteAMissingFileAndACutFileAreNamed) {
  put("big", 100'000);
  fs::path blob = only_blob();
  {
    std::fstream file(blob, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(50'000);
    file.put('y');
  }
  ASSERT_EQ(verify().problems.size(), 1u);
  EXPECT_NE(verify().problems[0].find("s3://bucket/big"), std::string::npos);
  fs::resize_file(blob, 99'999);
  EXPECT_NE(verify().problems.at(0).find("99999"), std::string::npos);
  fs::remove(blob);
  EXPECT_EQ(verify().problems.size(), 1u);
}

}  // namespace
}  // namespace tarn::store
