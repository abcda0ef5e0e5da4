#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>

#include "store/objects_internal.h"
#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

using Strings = std::vector<std::string>;

class ListingTest : public ObjectsOnDisk {
 protected:
  void put_all(const Strings& keys) {
    for (const std::string& key : keys) put(key, "x");
  }
  static std::string shown(const ObjectPage& page) {
    Strings parts;
    for (const Version& version : page.objects) parts.push_back(version.key);
    for (const std::string& prefix : page.prefixes) parts.push_back("<" + prefix + ">");
    return fmt::format("{}{}", fmt::join(parts, " "), page.more ? " …" + page.next : "");
  }
  std::string list(const std::string& prefix, const std::string& delimiter, const std::string& after = {},
                   size_t limit = 1000) {
    auto page = objects_->list("photos", {prefix, delimiter, after, {}, limit});
    return page ? shown(*page) : page.error().message;
  }
};

TEST(AfterPrefix, IsTheLeastTextBehindAllOfThem) {
  EXPECT_EQ(after_prefix("a"), "b");
  EXPECT_EQ(after_prefix("a/"), "a0");
  EXPECT_EQ(after_prefix("a\xff\xff"), "b");
  EXPECT_EQ(after_prefix(""), std::nullopt);
  EXPECT_EQ(after_prefix("\xff"), std::nullopt);
}

TEST_F(ListingTest, KeysAreInTheOrderOfTheirBytes) {
  put_all({"b", "a", "Z", "\xc3\xa9", "a/b", "a.b", "a!", "\xf0\x9f\x98\x80", "\xef\xbf\xbd", "10", "9"});
  EXPECT_EQ(list("", ""), "10 9 Z a a! a.b a/b b \xc3\xa9 \xef\xbf\xbd \xf0\x9f\x98\x80");
}

TEST_F(ListingTest, PrefixesAndDelimiters) {
  put_all({"a", "a/1", "a/2/x", "a/2/y", "b/1", "b/2", "c", "c//d", "d/"});
  EXPECT_EQ(list("", "/"), "a c <a/> <b/> <c/> <d/>");
  EXPECT_EQ(list("a/", "/"), "a/1 <a/2/>");
  EXPECT_EQ(list("a", "/"), "a <a/>");
  EXPECT_EQ(list("a/2/", "/"), "a/2/x a/2/y");
  EXPECT_EQ(list("c/", "/"), "<c//>");
  EXPECT_EQ(list("d/", "/"), "d/");
  EXPECT_EQ(list("", "/2"), "a a/1 b/1 c c//d d/ <a/2> <b/2>");
  EXPECT_EQ(list("zz", "/"), "");
  EXPECT_EQ(list("", ""), "a a/1 a/2/x a/2/y b/1 b/2 c c//d d/");
}

TEST_F(ListingTest, GoesOnAfterAKeyOrAWholeCommonPrefix) {
  put_all({"a", "a/1", "a/2", "b/1", "b/2", "c"});
  EXPECT_EQ(list("", "", "a/1"), "a/2 b/1 b/2 c");
  EXPECT_EQ(list("", "", "a/15"), "a/2 b/1 b/2 c");
  EXPECT_EQ(list("", "/", "a"), "c <a/> <b/>");
  EXPECT_EQ(list("", "/", "a/"), "c <b/>");
  EXPECT_EQ(list("", "/", "a/1"), "c <b/>");  // lies inside of it
  EXPECT_EQ(list("b/", "/", "a"), "b/1 b/2");
  EXPECT_EQ(list("b/", "/", "b/"), "b/1 b/2");
  EXPECT_EQ(list("b/", "", "b/1"), "b/2");
  EXPECT_EQ(list("b/", "", "c"), "");
}

TEST_F(ListingTest, PagesCountObjectsAndPrefixesAndTellIfThereIsMore) {
  put_all({"a", "a/1", "a/2", "b", "c/1", "c/2"});
  EXPECT_EQ(list("", "/", "", 0), "");
  EXPECT_EQ(list("", "/", "", 1), "a …a");
  EXPECT_EQ(list("", "/", "", 2), "a <a/> …a/");
  EXPECT_EQ(list("", "/", "a/", 1), "b …b");
  EXPECT_EQ(list("", "/", "b", 1), "<c/>");
  EXPECT_EQ(list("", "/", "", 4), "a b <a/> <c/>");
  EXPECT_EQ(list("", "", "", 6), "a a/1 a/2 b c/1 c/2");
  EXPECT_EQ(list("", "", "", 5), "a a/1 a/2 b c/1 …c/1");
}

TEST_F(ListingTest, ShowsNeitherMarkersNorOldVersionsNorOtherBuckets) {
  add_bucket("kept", Versioning::kEnabled);
  for (int i = 0; i < 50; ++i) put("many", std::to_string(i), "kept");
  put("other", "x", "kept");
  put("here", "x");
  ASSERT_TRUE(objects_->remove("kept", "other", {}, {}, {}));
  auto page = objects_->list("kept", {"", "", "", "", 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(shown(*page), "many");
  EXPECT_EQ(page->objects[0].etag, hex_of(md5_of("49")));
  EXPECT_EQ(list("", ""), "here");
}

TEST_F(ListingTest, VersionsArePagedNewestFirst) {
  add_bucket("kept", Versioning::kEnabled);
  Strings ids;
  for (const char* key : {"a", "b", "b", "b", "c/1", "c/2"}) ids.push_back(put(key, "x", "kept").id);
  Strings expected{ids[0], ids[3], ids[2], ids[1], ids[4], ids[5]};
  Strings found;
  ListOptions options;
  options.limit = 1;
  for (int pages = 0; pages < 10; ++pages) {
    auto page = objects_->list_versions("kept", options);
    ASSERT_TRUE(page);
    for (const Version& version : page->objects) found.push_back(version.id);
    if (!page->more) break;
    options.start_after = page->next;
    options.start_after_version = page->next_version;
  }
  EXPECT_EQ(found, expected);

  options = {};
  options.start_after = "b";
  EXPECT_EQ(objects_->list_versions("kept", options)->objects.size(), 2u);  // the whole key was seen
  options.start_after_version = ids[2];
  EXPECT_EQ(objects_->list_versions("kept", options)->objects.size(), 3u);
  ASSERT_TRUE(objects_->remove("kept", "b", ids[2], {}, {}));  // what pages go on after may be gone by then
  EXPECT_EQ(objects_->list_versions("kept", options)->objects.size(), 3u);
  options = {};
  options.delimiter = "/";
  options.limit = 3;
  auto page = objects_->list_versions("kept", options);
  EXPECT_EQ(shown(*page), "a b b …b");
  options.start_after = page->next;
  options.start_after_version = page->next_version;
  EXPECT_EQ(shown(*objects_->list_versions("kept", options)), "<c/>");
}

TEST_F(ListingTest, TheNullVersionIsAPlaceToGoOnFrom) {
  add_bucket("kept", Versioning::kEnabled);
  put("a", "1", "kept");
  ASSERT_TRUE(objects_->change_bucket("kept", [](Bucket& b) { b.versioning = Versioning::kSuspended; }));
  put("a", "2", "kept");
  ASSERT_TRUE(objects_->change_bucket("kept", [](Bucket& b) { b.versioning = Versioning::kEnabled; }));
  put("a", "3", "kept");
  ListOptions options;
  options.start_after = "a";
  options.start_after_version = "null";
  auto page = objects_->list_versions("kept", options);
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].etag, hex_of(md5_of("1")));
  ASSERT_TRUE(objects_->remove("kept", "a", "null", {}, {}));
  EXPECT_EQ(objects_->list_versions("kept", options)->objects.size(), 2u);  // rather twice than never
}

// What a listing should give, the slow way.
ObjectPage expected_page(const std::set<std::string>& keys, const ListOptions& options) {
  ObjectPage page;
  auto common_of = [&](const std::string& key) {
    size_t at = options.delimiter.empty() || !key.starts_with(options.prefix)
                    ? std::string::npos
                    : key.find(options.delimiter, options.prefix.size());
    return at == std::string::npos ? std::string() : key.substr(0, at + options.delimiter.size());
  };
  std::string seen = common_of(options.start_after);
  for (const std::string& key : keys) {
    if (!key.starts_with(options.prefix) || key <= options.start_after) continue;
    std::string common = common_of(key);
    if (!common.empty() && common == seen) continue;
    if (page.objects.size() + page.prefixes.size() == options.limit) {
      page.more = true;
      break;
    }
    page.next = common.empty() ? key : common;
    seen = common;
    if (!common.empty()) page.prefixes.push_back(common);
    if (common.empty()) page.objects.emplace_back().key = key;
  }
  return page;
}

TEST_F(ListingTest, AgreesWithTheSlowWayForAnyKeysAndOptions) {
  std::mt19937 random(7);
  auto text = [&](size_t most) {
    std::string result;
    for (size_t i = random() % (most + 1); i > 0; --i) result += "ab/\xc3\xa9"[random() % 3];
    return result;
  };
  std::set<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.insert("a" + text(7));
  for (const std::string& key : keys) put(key, "x");
  for (int i = 0; i < 1000; ++i) {
    ListOptions options;
    options.prefix = random() % 2 == 0 ? "" : "a" + text(3);
    options.delimiter = random() % 4 == 0 ? "" : random() % 4 == 0 ? "b/" : "/";
    options.start_after = random() % 2 == 0 ? "" : "a" + text(5);
    options.limit = 1 + random() % (random() % 2 == 0 ? 5 : 400);
    auto found = objects_->list("photos", options);
    ASSERT_TRUE(found) << found.error().message;
    ObjectPage expected = expected_page(keys, options);
    ASSERT_EQ(shown(*found), shown(expected))
        << fmt::format("prefix '{}' delimiter '{}' after '{}' limit {}", options.prefix, options.delimiter,
                       options.start_after, options.limit);
  }
}

}  // namespace
}  // namespace tarn::store
