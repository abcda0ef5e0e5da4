#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "access/identities.h"
#include "access/private_file.h"
#include "base/id.h"

namespace tarn::access {
namespace {

namespace fs = std::filesystem;

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("tarn-key-file-" + uuid_v4());
  fs::path file_ = folder_ / "root.key";
};

NewAccessKey some_key() {
  NewAccessKey key;
  key.key.id = "AKIAIOSFODNN7EXAMPLE";
  key.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  return key;
}

TEST_F(KeyFileTest, HasTheKeyForThisUserOnly) {
  mode_t before = ::umask(0);
  ASSERT_TRUE(write_key_file(file_, some_key()));
  ::umask(before);
  struct stat st = {};
  ASSERT_EQ(::stat(file_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600U);
  EXPECT_EQ(read_private_file(file_).value(),
            "access_key_id = AKIAIOSFODNN7EXAMPLE\n"
            "secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n");
  KeyPair pair = read_key_file(file_).value();
  EXPECT_EQ(pair.id, some_key().key.id);
  EXPECT_EQ(pair.secret, some_key().secret);
}

TEST_F(KeyFileTest, TakesWhatAnEditorLeaves) {
  ASSERT_TRUE(
      write_private_file(file_, "[default]\r\nsecret_access_key=a/b=c\r\n\naccess_key_id =\tAKIA\r\n"));
  KeyPair pair = read_key_file(file_).value();
  EXPECT_EQ(pair.id, "AKIA");
  EXPECT_EQ(pair.secret, "a/b=c");
}

TEST_F(KeyFileTest, RefusesAFileThatOthersCanRead) {
  ASSERT_TRUE(write_key_file(file_, some_key()));
  ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  auto read = read_key_file(file_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kDenied);
  EXPECT_NE(read.error().message.find("root.key: other users can use this file (mode 0644): run chmod 600"),
            std::string::npos)
      << read.error().message;
}

TEST_F(KeyFileTest, SaysWhatIsMissing) {
  EXPECT_EQ(read_key_file(file_).error().code, Code::kNotFound);
  ASSERT_TRUE(write_private_file(file_, "access_key_id = AKIA\n"));
  auto read = read_key_file(file_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCorrupt);
  EXPECT_NE(read.error().message.find("secret_access_key"), std::string::npos);
}

}  // namespace
}  // namespace tarn::access
