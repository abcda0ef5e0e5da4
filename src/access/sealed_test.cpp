#include "access/sealed.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "access/base64.h"
#include "access/private_file.h"
#include "base/file.h"
#include "base/id.h"

namespace tarn::access {
namespace {

namespace fs = std::filesystem;

class SealerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tarn-sealed-" + uuid_v4());
    fs::create_directories(folder_);
    file_ = folder_ / "secret.key";
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::unique_ptr<Sealer> open() { return Sealer::open(file_).value(); }
  static mode_t mode(const fs::path& path) {
    struct stat st = {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    return st.st_mode & 07777;
  }

  fs::path folder_;
  fs::path file_;
};

TEST_F(SealerTest, OpensWhatItSealedAlsoAfterARestart) {
  auto sealer = open();
  for (const std::string& clear : {std::string(), std::string("secret"), std::string(100'000, 'x')}) {
    std::string sealed = sealer->seal(clear, "row 1").value();
    EXPECT_EQ(sealer->open(sealed, "row 1").value(), clear);
    EXPECT_EQ(open()->open(sealed, "row 1").value(), clear);
    EXPECT_TRUE(sealed.starts_with("v1."));
    if (!clear.empty()) {
      EXPECT_EQ(sealed.find(base64url(clear)), std::string::npos);
    }
  }
  EXPECT_NE(sealer->seal("same", "p").value(), sealer->seal("same", "p").value());
}

TEST_F(SealerTest, RefusesChangedTextWhateverWasChanged) {
  auto sealer = open();
  const std::string sealed = sealer->seal("the secret", "row 1").value();
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    auto opened = sealer->open(changed, "row 1");
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().code, Code::kCorrupt);
  }
  for (size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(sealer->open(sealed.substr(0, length), "row 1")) << length;
  EXPECT_FALSE(sealer->open(sealed + "A", "row 1"));
  EXPECT_FALSE(sealer->open(sealed + "=", "row 1"));
  EXPECT_FALSE(sealer->open(sealed, "row 2"));
  EXPECT_FALSE(sealer->open("", "row 1"));
  EXPECT_FALSE(sealer->open("v1..", "row 1"));
}

TEST_F(SealerTest, KeepsOldKeysUntilTheyAreForgotten) {
  auto sealer = open();
  std::string first = sealer->seal("a", "p").value();
  EXPECT_TRUE(sealer->current(first));
  const std::string key = sealer->rotate().value();
  EXPECT_FALSE(sealer->current(first));
  std::string second = sealer->seal("b", "p").value();
  EXPECT_TRUE(sealer->current(second));
  EXPECT_EQ(sealer->open(first, "p").value(), "a");
  EXPECT_EQ(open()->open(first, "p").value(), "a");
  EXPECT_TRUE(open()->current(second));

  ASSERT_TRUE(sealer->forget_old(key));
  auto opened_anew = open();
  for (Sealer* each : {sealer.get(), opened_anew.get()}) {
    auto gone = each->open(first, "p");
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Code::kCorrupt);
    EXPECT_NE(gone.error().message.find("secret.key doesn't have"), std::string::npos)
        << gone.error().message;
  }
  EXPECT_EQ(open()->open(second, "p").value(), "b");
  EXPECT_FALSE(sealer->current("nonsense"));
}

TEST_F(SealerTest, ForgetsOnlyWhatIsOlderThanTheKeyThatIsNamed) {
  auto sealer = open();
  std::string old = sealer->seal("old", "p").value();
  const std::string second_key = sealer->rotate().value();
  std::string second = sealer->seal("second", "p").value();
  const std::string third_key = sealer->rotate().value();
  std::string third = sealer->seal("third", "p").value();
  EXPECT_EQ(sealer->forget_old("nobodys").error().code, Code::kNotFound);
  EXPECT_EQ(sealer->open(old, "p").value(), "old");
  ASSERT_TRUE(sealer->forget_old(second_key));
  EXPECT_FALSE(sealer->open(old, "p"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(sealer->open(second, "p").value(), "second");
    EXPECT_EQ(sealer->open(third, "p").value(), "third");
    sealer = open();
  }
  ASSERT_TRUE(sealer->forget_old(third_key));
  EXPECT_EQ(sealer->forget_old(second_key).error().code, Code::kNotFound);
  EXPECT_EQ(sealer->open(third, "p").value(), "third");
}

TEST_F(SealerTest, ARekeyGoesAloneAndKeepsAllKeysWhenItFails) {
  auto sealer = open();
  std::string sealed = sealer->seal("a", "p").value();
  EXPECT_EQ(sealer->rekey([] { return Status(fail(Code::kFull, "no space")); }).error().code, Code::kFull);
  EXPECT_EQ(sealer->open(sealed, "p").value(), "a");
  ASSERT_TRUE(sealer->rekey([&]() -> Status {
    auto second = sealer->rekey([] { return Status(); });
    EXPECT_EQ(second.error().code, Code::kBusy);
    EXPECT_GT(second.error().retry_after_ms, 0);
    TARN_ASSIGN(std::string clear, sealer->open(sealed, "p"));
    TARN_ASSIGN(sealed, sealer->seal(clear, "p"));
    return {};
  }));
  EXPECT_EQ(sealer->open(sealed, "p").value(), "a");
  EXPECT_EQ(open()->open(sealed, "p").value(), "a");
}

TEST_F(SealerTest, AnotherFileIsAnotherKey) {
  std::string sealed = open()->seal("a", "p").value();
  fs::remove(file_);
  auto opened = open()->open(sealed, "p");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("restore"), std::string::npos);
}

TEST_F(SealerTest, ItsFileIsForThisUserOnlyWhateverTheUmask) {
  mode_t before = ::umask(0);
  auto sealer = open();
  EXPECT_EQ(mode(file_), 0600U);
  ASSERT_TRUE(sealer->rotate());
  EXPECT_EQ(mode(file_), 0600U);
  ::umask(before);
  EXPECT_FALSE(fs::exists(folder_ / "secret.key.new"));
}

TEST_F(SealerTest, RefusesAFileThatOthersCanUse) {
  open();
  for (mode_t wide : {0640U, 0604U, 0620U, 0660U, 0644U}) {
    ASSERT_EQ(::chmod(file_.c_str(), wide), 0);
    auto opened = Sealer::open(file_);
    ASSERT_FALSE(opened) << std::oct << wide;
    EXPECT_EQ(opened.error().code, Code::kDenied);
    EXPECT_NE(opened.error().message.find("chmod 600"), std::string::npos);
  }
  ASSERT_EQ(::chmod(file_.c_str(), 0400), 0);
  EXPECT_TRUE(Sealer::open(file_));
}

TEST_F(SealerTest, RefusesADamagedFileAndNamesTheLine) {
  open();
  std::string good = read_private_file(file_).value();
  for (const std::string& bad : {good + "x\n", good + "id short 2026\n", std::string(), std::string("\n"),
                                 good.substr(0, 20), good + std::string(70'000, '\n')}) {
    ASSERT_TRUE(write_private_file(file_, bad));
    auto opened = Sealer::open(file_);
    ASSERT_FALSE(opened) << bad.substr(0, 100);
    EXPECT_NE(opened.error().message.find("secret.key"), std::string::npos);
  }
  ASSERT_TRUE(write_private_file(file_, good + "\n"));
  EXPECT_TRUE(Sealer::open(file_));
}

TEST_F(SealerTest, DoesNotOverwriteAFileThatItCannotRead) {
  fs::create_directories(file_);
  EXPECT_FALSE(Sealer::open(file_));
  EXPECT_TRUE(fs::is_directory(file_));
  EXPECT_FALSE(Sealer::open(folder_ / "missing" / "secret.key"));
}

TEST_F(SealerTest, ARotationThatCannotBeWrittenChangesNothing) {
  auto sealer = open();
  std::string sealed = sealer->seal("a", "p").value();
  fs::create_directories(folder_ / "secret.key.new" / "in the way");
  EXPECT_FALSE(sealer->rotate());
  EXPECT_TRUE(sealer->current(sealed));
}

TEST(PrivateFile, ReplacesAWideFileByANarrowOne) {
  fs::path folder = fs::temp_directory_path() / ("tarn-private-" + uuid_v4());
  fs::create_directories(folder);
  fs::path file = folder / "key";
  std::ofstream(file) << "old";
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  // What somebody else may have left in the way, open to all.
  std::ofstream(folder / "key.new") << "trap";
  ASSERT_EQ(::chmod((folder / "key.new").c_str(), 0666), 0);
  ASSERT_TRUE(write_private_file(file, "new"));
  struct stat st = {};
  ASSERT_EQ(::stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600U);
  EXPECT_EQ(read_private_file(file).value(), "new");
  fs::remove_all(folder);
}

TEST(Base64, TakesOnlyWhatItWouldGive) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xff\xfe"), "__4");
  EXPECT_EQ(from_base64("Zm8=").value(), "fo");
  EXPECT_EQ(from_base64url("__4").value(), "\xff\xfe");
  for (const char* bad : {"Zg", "Zh==", "Zg=", "Zg==\n", "Z g=", "====", "A===", "Zm9=", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(bad)) << bad;
  for (const char* bad : {"A", "__5", "_+4", "__4="}) EXPECT_FALSE(from_base64url(bad)) << bad;
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    EXPECT_EQ(from_base64(base64(all)).value(), all);
    EXPECT_EQ(from_base64url(base64url(all)).value(), all);
  }
}

TEST(RandomText, HasItsLengthAndUsesTheWholeAlphabetEvenly) {
  EXPECT_EQ(random_text(0, "ab"), "");
  std::map<char, int> seen;
  for (char c : random_text(30'000, "abc")) ++seen[c];
  EXPECT_EQ(seen.size(), 3U);
  for (const auto& [c, n] : seen) EXPECT_NEAR(n, 10'000, 600) << c;
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.insert(random_text(20, "abcdefghijklmnopqrstuvwxyz"));
  EXPECT_EQ(texts.size(), 1000U);
}

TEST(ConstantTime, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("abc", ""));
}

}  // namespace
}  // namespace tarn::access
