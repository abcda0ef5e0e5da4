#include "store/key_path.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "store/store.h"

namespace tarn::store {
namespace {

std::string path_of(std::string_view key) {
  auto path = key_to_path(key);
  return path ? path->native() : "error: " + path.error().message;
}

// Random keys of an alphabet in which everything that is special is frequent.
std::string random_key(std::mt19937_64& random) {
  static const std::vector<std::string> parts = {
      "a",  "b", ".",   "..", "/",    "/", "%",         "%25",  "%_",
      "%+", "-", "0",   "é",  "\x01", "*", "x.parquet", "日本", std::string(120, 'l'),
      "\\", " ", "\x7f"};
  std::string key;
  size_t count = 1 + random() % 8;
  for (size_t i = 0; i < count; ++i) key += parts[random() % parts.size()];
  return key;
}

TEST(KeyPath, OrdinaryKeysLookAsTheyAre) {
  EXPECT_EQ(path_of("raw/flights-1a2b3c4d/data/f_1.parquet"), "raw/flights-1a2b3c4d/data/f_1.parquet");
  EXPECT_EQ(path_of("raw/flights/data/day=2026-01-01/x.parquet"),
            "raw/flights/data/day=2026-01-01/x.parquet");
  EXPECT_EQ(path_of("a b:c\\d.txt"), "a b:c\\d.txt");
}

TEST(KeyPath, LeavesAndFoldersNeverShareAName) {
  EXPECT_EQ(path_of("a"), "a%");
  EXPECT_EQ(path_of("a/b"), "a/b%");
  EXPECT_EQ(path_of("v1.0"), "v1.0");
  EXPECT_EQ(path_of("v1.0/x"), "v1.0%/x%");
}

TEST(KeyPath, DotsAndEmptyComponentsAreOnlyNames) {
  EXPECT_EQ(path_of(".."), "%2E%2E%");
  EXPECT_EQ(path_of("../../etc/passwd"), "%2E%2E/%2E%2E/etc/passwd%");
  EXPECT_EQ(path_of("./a"), "%2E/a%");
  EXPECT_EQ(path_of("/etc"), "%_/etc%");
  EXPECT_EQ(path_of("a//b/"), "a/%_/b/%_%");
  EXPECT_EQ(path_of("..."), "...");
}

TEST(KeyPath, BytesThatAreSpecialAreEscaped) {
  EXPECT_EQ(path_of("100%"), "100%25%");
  EXPECT_EQ(path_of(std::string_view("a\0b\n", 4)), "a%00b%0A%");
  EXPECT_EQ(path_of("*.csv"), "%2A.csv");  // DuckDB would take it for a pattern
}

TEST(KeyPath, LongComponentsBecomeChainsOfFolders) {
  std::string key = std::string(450, 'k') + "/x.txt";
  EXPECT_EQ(path_of(key),
            std::string(200, 'k') + "%+/" + std::string(200, 'k') + "%+/" + std::string(50, 'k') + "/x.txt");
  // What is left of a long component must not be a name that the file system has a meaning for.
  EXPECT_EQ(path_of(std::string(200, 'k') + ".."), std::string(200, 'k') + "%+/%2E%2E%");
  // No character is cut in two.
  std::string text;
  for (int i = 0; i < 100; ++i) text += "日";
  EXPECT_TRUE(path_of(text).starts_with(text.substr(0, 198) + "%+/"));
}

TEST(KeyPath, RefusesWhatIsNoKey) {
  EXPECT_EQ(key_to_path("").error().code, Code::kInvalid);
  EXPECT_EQ(key_to_path(std::string(1025, 'a')).error().code, Code::kInvalid);
  EXPECT_TRUE(key_to_path(std::string(1024, 'a')).has_value());
  EXPECT_EQ(key_to_path("a\xff").error().code, Code::kInvalid);
}

TEST(KeyPath, IsOneToOne) {
  std::mt19937_64 random(20261);
  std::map<std::string, std::string> seen;
  for (int i = 0; i < 50'000; ++i) {
    std::string key = random_key(random);
    auto path = key_to_path(key);
    if (key.size() > kKeyBytesMax) {
      EXPECT_FALSE(path.has_value());
      continue;
    }
    ASSERT_TRUE(path.has_value()) << path.error().message;
    auto [at, fresh] = seen.emplace(path->native(), key);
    EXPECT_EQ(at->second, key) << path->native();
    EXPECT_EQ(path_to_key(*path), key);
    EXPECT_EQ(path->lexically_normal(), *path);
    EXPECT_TRUE(path->is_relative());
    for (const auto& name : *path) EXPECT_LE(name.native().size(), 255u);
  }
}

TEST(KeyPath, NoFileIsInTheWayOfAFolder) {
  std::mt19937_64 random(7);
  std::set<std::string> files;
  std::set<std::string> folders;
  for (int i = 0; i < 20'000; ++i) {
    auto path = key_to_path(random_key(random));
    if (!path) continue;
    files.insert(path->native());
    for (auto folder = path->parent_path(); !folder.empty(); folder = folder.parent_path())
      folders.insert(folder);
  }
  for (const auto& file : files) EXPECT_FALSE(folders.contains(file)) << file;
}

TEST(KeyPath, OnlyWhatItWritesIsReadBack) {
  for (const char* path : {"", "a", "a.txt%", "a%+", "a%2e%", "a%41%", "..", "../x.txt", "/x.txt", "a//x.txt",
                           "a.b/x.txt", "x%zz.txt", "x%2", "%2E%2E/", "k%+/x.txt"}) {
    EXPECT_FALSE(path_to_key(path).has_value()) << path;
  }
}

TEST(Bucket, NamesFollowS3) {
  for (const char* good : {"lake", "abc", "my-bucket.v2", "0ab"})
    EXPECT_TRUE(check_bucket(good).has_value()) << good;
  for (const char* bad :
       {"", "ab", "Lake", ".staging", "a..b", "-abc", "abc-", "abc.", "a_b", "a/b", "..", "bücher"}) {
    EXPECT_EQ(check_bucket(bad).error().code, Code::kInvalid) << bad;
  }
  EXPECT_FALSE(check_bucket(std::string(64, 'a')).has_value());
}

TEST(Uri, ParsesAndPrints) {
  auto uri = Uri::parse("s3://lake/raw/x.parquet");
  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->bucket, "lake");
  EXPECT_EQ(uri->key, "raw/x.parquet");
  EXPECT_EQ(uri->str(), "s3://lake/raw/x.parquet");
  for (const char* bad :
       {"", "lake/x", "s3://", "s3://lake", "s3://lake/", "s3:///x", "s3://L/x", "http://lake/x"}) {
    EXPECT_EQ(Uri::parse(bad).error().code, Code::kInvalid) << bad;
  }
}

}  // namespace
}  // namespace tarn::store
