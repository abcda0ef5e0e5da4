#include <algorithm>
#include <map>
#include <random>

#include "store/objects_internal.h"
#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

const Cause kCause{"DeleteObject", "arn:aws:iam::1:user/ann", "10.0.0.1", "request-1"};

class VersionsTest : public ObjectsOnDisk {
 protected:
  void SetUp() override {
    ObjectsOnDisk::SetUp();
    add_bucket("kept", Versioning::kEnabled);
  }
  void set(Versioning versioning) {
    ASSERT_TRUE(objects_->change_bucket("kept", [&](Bucket& b) { b.versioning = versioning; }));
  }
  Removed remove(const std::string& key, const std::string& version_id = {}) {
    auto removed = objects_->remove("kept", key, version_id, {}, kCause);
    EXPECT_TRUE(removed) << removed.error().message;
    return removed ? *removed : Removed();
  }
  std::string read(const std::string& key, const std::string& version_id = {}) {
    auto reader = objects_->open("kept", key, version_id);
    if (!reader) return "error: " + std::string(code_name(reader.error().code));
    if ((*reader)->version().delete_marker) return "marker";
    std::string out((*reader)->version().bytes, '\0');
    EXPECT_TRUE((*reader)->read_at(0, out));
    return out;
  }
};

TEST_F(VersionsTest, EachPutIsAVersionAndTheOlderOnesStay) {
  Version first = put("a", "one", "kept");
  Version second = put("a", "two", "kept");
  EXPECT_EQ(first.id.size(), 32u);
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(read("a"), "two");
  EXPECT_EQ(read("a", first.id), "one");
  EXPECT_FALSE(objects_->head("kept", "a", first.id)->latest);
  EXPECT_TRUE(objects_->head("kept", "a", second.id)->latest);
  EXPECT_EQ(read("a", "null"), "error: not_found");
  EXPECT_EQ(read("a", make_id(12345)), "error: not_found");
  EXPECT_EQ(read("b", first.id), "error: not_found");
  EXPECT_EQ(objects_->list("kept", {})->objects.size(), 1u);
  auto versions = versions_of("kept");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].id, second.id);
  EXPECT_TRUE(versions[0].latest);
  EXPECT_EQ(versions[1].id, first.id);
  EXPECT_FALSE(versions[1].latest);
}

TEST_F(VersionsTest, ADeleteMarkerHidesTheObjectUntilItIsRemoved) {
  Version version = put("a", "one", "kept");
  Removed hidden = remove("a");
  EXPECT_TRUE(hidden.was_there);
  EXPECT_TRUE(hidden.delete_marker);
  EXPECT_EQ(hidden.version_id.size(), 32u);
  EXPECT_EQ(read("a"), "marker");
  EXPECT_EQ(read("a", version.id), "one");
  EXPECT_TRUE(objects_->list("kept", {})->objects.empty());
  auto versions = versions_of("kept");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_TRUE(versions[0].delete_marker);
  EXPECT_TRUE(versions[0].latest);
  EXPECT_EQ(objects_->set_tags("kept", "a", {}, {}, kCause).error().code, Code::kNotFound);

  Removed again = remove("a");  // another marker, as in S3
  EXPECT_FALSE(again.was_there);
  EXPECT_NE(again.version_id, hidden.version_id);
  Removed marker = remove("a", again.version_id);
  EXPECT_TRUE(marker.was_there);
  EXPECT_TRUE(marker.delete_marker);
  EXPECT_EQ(read("a"), "marker");
  remove("a", hidden.version_id);
  EXPECT_EQ(read("a"), "one");
  EXPECT_TRUE(objects_->head("kept", "a")->latest);
  EXPECT_EQ(objects_->list("kept", {})->objects.size(), 1u);
  auto events = *objects_->outbox().next(100);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_TRUE(events[1].delete_marker);
  EXPECT_EQ(events[1].version_id, hidden.version_id);
  EXPECT_FALSE(events[3].delete_marker);  // gone for good
}

TEST_F(VersionsTest, RemovingTheLatestVersionMakesTheNextOlderOneLatest) {
  std::string large(500, 'x');
  Version first = put("a", large, "kept");
  Version second = put("a", large, "kept");
  Version third = put("a", large, "kept");
  EXPECT_EQ(blob_files(), 3u);
  Removed removed = remove("a", third.id);
  EXPECT_TRUE(removed.was_there);
  EXPECT_FALSE(removed.delete_marker);
  EXPECT_EQ(removed.version_id, third.id);
  EXPECT_EQ(objects_->head("kept", "a")->id, second.id);
  remove("a", first.id);
  EXPECT_EQ(objects_->head("kept", "a")->id, second.id);
  remove("a", second.id);
  EXPECT_EQ(read("a"), "error: not_found");
  EXPECT_FALSE(remove("a", second.id).was_there);
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_versions"), 0);
}

TEST_F(VersionsTest, ASuspendedBucketHasOneNullVersionAPlaceInTheOrder) {
  set(Versioning::kSuspended);
  EXPECT_EQ(put("a", "null 1", "kept").id, "null");
  set(Versioning::kEnabled);
  Version second = put("a", "two", "kept");
  EXPECT_EQ(read("a", "null"), "null 1");
  EXPECT_EQ(objects_->head("kept", "a", "null")->latest, false);
  set(Versioning::kSuspended);
  EXPECT_EQ(put("a", "null 2", "kept").id, "null");  // in place of the null version behind `second`
  auto versions = versions_of("kept");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].id, "null");
  EXPECT_EQ(versions[1].id, second.id);
  EXPECT_EQ(read("a", "null"), "null 2");
  EXPECT_EQ(put("a", "null 3", "kept").id, "null");
  EXPECT_EQ(versions_of("kept").size(), 2u);

  Removed removed = remove("a");  // a marker in place of the null version
  EXPECT_TRUE(removed.delete_marker);
  EXPECT_EQ(removed.version_id, "null");
  EXPECT_EQ(read("a"), "marker");
  EXPECT_EQ(read("a", "null"), "marker");
  EXPECT_EQ(read("a", second.id), "two");
  remove("a", "null");
  EXPECT_EQ(read("a"), "two");
  EXPECT_EQ(remove("a", "null").was_there, false);
  EXPECT_EQ(rows_of("object_bytes"), 1);
}

TEST_F(VersionsTest, WhatWasThereBeforeVersioningIsTheNullVersion) {
  put("a", "before");
  auto before = objects_->head("photos", "a", "null");
  ASSERT_TRUE(before);
  ASSERT_TRUE(objects_->change_bucket("photos", [](Bucket& b) { b.versioning = Versioning::kEnabled; }));
  put("a", "after");
  EXPECT_EQ(bytes_of("a"), "after");
  auto old = objects_->open("photos", "a", "null");
  ASSERT_TRUE(old);
  EXPECT_EQ((*old)->version().sequencer, before->sequencer);
  EXPECT_EQ(versions_of("photos").size(), 2u);
}

TEST_F(VersionsTest, AnUnversionedObjectIsRemovedAsNull) {
  put("a", "x");
  auto removed = objects_->remove("photos", "a", "null", {}, kCause);
  ASSERT_TRUE(removed);
  EXPECT_TRUE(removed->was_there);
  EXPECT_EQ(removed->version_id, "null");
  EXPECT_FALSE(objects_->remove("photos", "a", make_id(7), {}, kCause)->was_there);
  put("a", "x");
  EXPECT_EQ(objects_->remove("photos", "a", {}, {}, kCause)->version_id, "");
}

TEST_F(VersionsTest, TagsAreOfOneVersion) {
  Version first = put("a", "one", "kept");
  put("a", "two", "kept");
  ASSERT_TRUE(objects_->set_tags("kept", "a", first.id, {{"k", "v"}}, kCause));
  EXPECT_EQ(objects_->head("kept", "a", first.id)->attributes.tags.size(), 1u);
  EXPECT_TRUE(objects_->head("kept", "a")->attributes.tags.empty());
  EXPECT_EQ(read("a"), "two");
  EXPECT_FALSE(objects_->head("kept", "a", first.id)->latest);
}

// What S3 says of a key's versions, newest first; the oracle of the test below.
struct Expected {
  std::string id;
  std::string bytes;
  bool marker = false;
};
using Model = std::map<std::string, std::vector<Expected>>;

void hide_or_add(std::vector<Expected>& versions, Versioning versioning, Expected added) {
  if (versioning != Versioning::kEnabled) std::erase_if(versions, [](auto& v) { return v.id == "null"; });
  versions.insert(versions.begin(), std::move(added));
}

TEST_F(VersionsTest, AnyOrderOfChangesGivesWhatS3Would) {
  std::mt19937 random(20261121);
  auto below = [&](uint32_t n) { return random() % n; };
  Model model;
  Versioning versioning = Versioning::kEnabled;
  for (int step = 0; step < 400; ++step) {
    std::string key(1, static_cast<char>('a' + below(3)));
    auto& versions = model[key];
    switch (below(8)) {
      case 0:
        versioning = below(2) == 0 ? Versioning::kEnabled : Versioning::kSuspended;
        set(versioning);
        break;
      case 1:
      case 2: {
        Removed removed = remove(key);
        hide_or_add(versions, versioning, {removed.version_id, "", true});
        break;
      }
      case 3:
      case 4: {
        if (versions.empty()) break;
        auto victim = versions.begin() + below(static_cast<uint32_t>(versions.size()));
        EXPECT_EQ(remove(key, victim->id).delete_marker, victim->marker);
        versions.erase(victim);
        break;
      }
      default: {
        std::string bytes(below(2) == 0 ? 20 : 200, static_cast<char>('a' + below(26)));
        Version made = put(key, bytes, "kept");
        hide_or_add(versions, versioning, {made.id, bytes, false});
      }
    }
    if (step % 20 != 0) continue;
    for (const auto& [name, expected] : model) {
      std::vector<Version> found;
      std::ranges::copy_if(versions_of("kept"), std::back_inserter(found),
                           [&](auto& v) { return v.key == name; });
      ASSERT_EQ(found.size(), expected.size()) << "step " << step;
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].id, expected[i].id);
        EXPECT_EQ(found[i].delete_marker, expected[i].marker);
        EXPECT_EQ(found[i].latest, i == 0);
        EXPECT_EQ(read(name, expected[i].id), expected[i].marker ? "marker" : expected[i].bytes);
      }
    }
  }
  // No bytes are left over, in neither place.
  size_t files = 0;
  int64_t rows = 0;
  for (const auto& [name, expected] : model) {
    for (const Expected& version : expected) {
      files += version.bytes.size() > 100 ? 1 : 0;
      rows += !version.bytes.empty() && version.bytes.size() <= 100 ? 1 : 0;
    }
  }
  EXPECT_EQ(blob_files(), files);
  EXPECT_EQ(rows_of("object_bytes"), rows);
}

}  // namespace
}  // namespace tarn::store
