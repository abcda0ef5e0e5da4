#include "store/lifecycle.h"

#include <atomic>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kShortDay = std::chrono::seconds(10);

class Lifecycle : public ObjectsOnDisk {
 protected:
  void set_rules(const std::string& bucket, const std::vector<LifecycleRule>& rules) {
    ASSERT_TRUE(objects_->set_document(bucket, "lifecycle", lifecycle_to_json(rules)));
  }
  LifecycleDone run(Duration day = kShortDay) {
    auto done = run_lifecycle(*objects_, clock_, [] { return false; }, day);
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : LifecycleDone();
  }
  void days_pass(int days) { clock_.advance(kShortDay * days); }
  static LifecycleRule expire(int days, std::string prefix = {}) {
    LifecycleRule rule;
    rule.id = "r";
    rule.prefix = std::move(prefix);
    rule.expire_days = days;
    return rule;
  }
  static LifecycleRule noncurrent(int days, std::optional<int> keep = {}) {
    LifecycleRule rule;
    rule.noncurrent_days = days;
    rule.noncurrent_keep = keep;
    return rule;
  }
  // Many at once share their commits.
  void put_many(int count) {
    std::atomic<int> next = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t)
      threads.emplace_back([&] {
        for (int i = next++; i < count; i = next++) put(fmt::format("{:05}", i), "x");
      });
    for (std::thread& thread : threads) thread.join();
  }
  void remove(const std::string& bucket, const std::string& key) {
    ASSERT_TRUE(objects_->remove(bucket, key, {}, {}, {}));
  }
};

TEST_F(Lifecycle, ExpiresOldObjectsOfItsPrefixAndNoOthers) {
  put("tmp/old", "x");
  put("keep/old", "x");
  days_pass(2);
  put("tmp/new", "x");
  days_pass(1);
  set_rules("photos", {expire(3, "tmp/")});
  EXPECT_EQ(run().expired, 1u);
  EXPECT_EQ(keys_of(), (std::vector<std::string>{"keep/old", "tmp/new"}));
  EXPECT_EQ(run().expired, 0u);
}

TEST_F(Lifecycle, TellsTheOutboxWhoItWas) {
  put("old", "x");
  days_pass(1);
  set_rules("photos", {expire(1)});
  run();
  auto events = objects_->outbox().next(10);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ(events->at(1).change, ObjectChange::kDeleted);
  EXPECT_EQ(events->at(1).reason, "Lifecycle Expiration");
  EXPECT_EQ(events->at(1).requester, "s3.amazonaws.com");
}

TEST_F(Lifecycle, DaysEndAtTheNextMidnight) {
  put("old", "x");  // 2023-11-14T22:13:20Z
  set_rules("photos", {expire(1)});
  clock_.advance(kDay);
  EXPECT_EQ(run(kDay).expired, 0u);
  clock_.advance(std::chrono::minutes(106));  // 23:59:20
  EXPECT_EQ(run(kDay).expired, 0u);
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(run(kDay).expired, 1u);
}

TEST_F(Lifecycle, ADayThatNeverComesExpiresNothing) {
  put("old", "x");
  Upload upload;
  upload.key = "u";
  ASSERT_TRUE(objects_->start_upload("photos", upload));
  for (int days : {1'000'000, 200'000'000, std::numeric_limits<int>::max()}) {
    set_rules("photos", {expire(days)});
    EXPECT_EQ(run(kDay).expired, 0u) << days;
    LifecycleRule aborts;
    aborts.id = "aborts";
    aborts.abort_upload_days = days;
    set_rules("photos", {aborts});
    EXPECT_EQ(run(kDay).uploads_aborted, 0u) << days;
  }
}

TEST_F(Lifecycle, ADisabledRuleDoesNothing) {
  put("old", "x");
  days_pass(5);
  LifecycleRule rule = expire(1);
  rule.enabled = false;
  set_rules("photos", {rule});
  EXPECT_EQ(run().expired, 0u);
}

TEST_F(Lifecycle, FiltersByTagsAndSize) {
  put("tagged", "xxxx", "photos", {{"class", "tmp"}, {"other", "1"}});
  put("other-tag", "xxxx", "photos", {{"class", "keep"}});
  put("untagged", "xxxx");
  put("large", std::string(1000, 'x'));
  put("border", std::string(10, 'x'));
  days_pass(1);
  LifecycleRule tagged = expire(1);
  tagged.tags = {{"class", "tmp"}};
  LifecycleRule sized = expire(1);
  sized.bytes_over = 10;
  sized.bytes_under = 1001;
  set_rules("photos", {tagged, sized});
  EXPECT_EQ(run().expired, 2u);
  EXPECT_EQ(keys_of(), (std::vector<std::string>{"border", "other-tag", "untagged"}));
}

TEST_F(Lifecycle, ExpiresAtADate) {
  put("old", "x");
  LifecycleRule rule;
  rule.expire_at = clock_.now() + kShortDay;
  set_rules("photos", {rule});
  EXPECT_EQ(run().expired, 0u);
  days_pass(1);
  EXPECT_EQ(run().expired, 1u);
}

TEST_F(Lifecycle, OnAVersionedBucketHidesTheObjectWithADeleteMarker) {
  add_bucket("versioned", Versioning::kEnabled);
  put("k", "x", "versioned");
  days_pass(1);
  set_rules("versioned", {expire(1)});
  EXPECT_EQ(run().expired, 1u);
  auto versions = versions_of("versioned");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_TRUE(versions[0].delete_marker);
  EXPECT_EQ(run().expired, 0u);  // no marker on the marker
  EXPECT_EQ(versions_of("versioned").size(), 2u);
}

TEST_F(Lifecycle, RemovesNoncurrentVersionsByTheTimeTheyWereOverwritten) {
  add_bucket("versioned", Versioning::kEnabled);
  put("k", "1", "versioned");
  days_pass(5);
  put("k", "2", "versioned");  // now the first is noncurrent
  days_pass(1);
  put("k", "3", "versioned");
  set_rules("versioned", {noncurrent(2)});
  EXPECT_EQ(run().versions_removed, 0u);
  days_pass(1);
  EXPECT_EQ(run().versions_removed, 1u);
  auto versions = versions_of("versioned");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(bytes_of("k", "versioned"), "3");
  days_pass(1);
  EXPECT_EQ(run().versions_removed, 1u);
  EXPECT_EQ(versions_of("versioned").size(), 1u);
}

TEST_F(Lifecycle, KeepsSoManyNewerNoncurrentVersions) {
  add_bucket("versioned", Versioning::kEnabled);
  for (int i = 0; i < 5; ++i) put("k", std::to_string(i), "versioned");
  put("l", "other", "versioned");
  days_pass(1);
  set_rules("versioned", {noncurrent(1, 2)});
  EXPECT_EQ(run().versions_removed, 2u);
  EXPECT_EQ(versions_of("versioned").size(), 4u);  // the current, two kept, and the other key's
}

TEST_F(Lifecycle, RemovesDeleteMarkersThatHideNothing) {
  add_bucket("versioned", Versioning::kEnabled);
  put("hidden", "x", "versioned");
  remove("versioned", "hidden");
  remove("versioned", "lonely");
  remove("versioned", "zz-lonely");
  LifecycleRule rule;
  rule.expire_lonely_markers = true;
  set_rules("versioned", {rule});
  EXPECT_EQ(run().markers_removed, 2u);
  auto versions = versions_of("versioned");
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].key, "hidden");
}

TEST_F(Lifecycle, AnExpiredObjectIsGoneForGoodInThreeSteps) {
  add_bucket("versioned", Versioning::kEnabled);
  put("k", "x", "versioned");
  LifecycleRule rule = expire(1);
  rule.noncurrent_days = 1;
  set_rules("versioned", {rule});
  days_pass(1);
  EXPECT_EQ(run().expired, 1u);
  days_pass(1);
  LifecycleDone second = run();
  EXPECT_EQ(second.versions_removed, 1u);
  EXPECT_EQ(second.markers_removed, 0u);  // it was not lonely yet when it was looked at
  EXPECT_EQ(run().markers_removed, 1u);
  EXPECT_TRUE(versions_of("versioned").empty());
}

TEST_F(Lifecycle, AbortsUploadsThatWereGivenUp) {
  Upload upload;
  upload.key = "tmp/a";
  ASSERT_TRUE(objects_->start_upload("photos", upload));
  upload.key = "keep/a";
  ASSERT_TRUE(objects_->start_upload("photos", upload));
  days_pass(2);
  upload.key = "tmp/b";
  ASSERT_TRUE(objects_->start_upload("photos", upload));
  LifecycleRule rule;
  rule.prefix = "tmp/";
  rule.abort_upload_days = 2;
  set_rules("photos", {rule});
  EXPECT_EQ(run().uploads_aborted, 1u);
  auto page = objects_->list_uploads("photos", {}, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->uploads.size(), 2u);
}

TEST_F(Lifecycle, WorksOverManyPagesAndBuckets) {
  add_bucket("second");
  put_many(1200);
  put("a", "x", "second");
  days_pass(1);
  put("new", "x");
  set_rules("photos", {expire(1)});
  set_rules("second", {expire(1)});
  EXPECT_EQ(run().expired, 1201u);
  EXPECT_EQ(keys_of(), std::vector<std::string>{"new"});
}

TEST_F(Lifecycle, StopsBetweenTransactions) {
  put_many(150);
  days_pass(1);
  set_rules("photos", {expire(1)});
  // Until the first hundred is gone.
  auto done = run_lifecycle(*objects_, clock_, [&] { return rows_of("object_versions") < 150; }, kShortDay);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->expired, 100u);
  EXPECT_EQ(keys_of().size(), 50u);
}

TEST_F(Lifecycle, AVersionThatBecameTheLatestAgainStays) {
  add_bucket("versioned", Versioning::kEnabled);
  put("k", "x", "versioned");
  remove("versioned", "k");  // behind a delete marker
  days_pass(5);
  set_rules("versioned", {noncurrent(1)});
  std::string marker = versions_of("versioned").at(0).id;
  int asked = 0;
  bool undeleted = false;
  auto undelete = [&] {
    // Once it is listed, and before it goes: asked before each bucket, before its page, after that, before removals.
    if (++asked == 4) undeleted = objects_->remove("versioned", "k", marker, {}, {}).has_value();
    return false;
  };
  auto done = run_lifecycle(*objects_, clock_, undelete, kShortDay);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(undeleted);
  EXPECT_EQ(bytes_of("k", "versioned"), "x");
  EXPECT_EQ(done->versions_removed, 0u);
}

// The key that a page ends with is listed again when its latest version is another one by then.
TEST_F(Lifecycle, CountsNewerVersionsAnewWhenTheLatestChangesBetweenPages) {
  ASSERT_TRUE(
      objects_->change_bucket("photos", [](Bucket& bucket) { bucket.versioning = Versioning::kEnabled; }));
  put_many(999);
  for (int i = 0; i < 4; ++i) put("z", "x");
  days_pass(5);
  set_rules("photos", {noncurrent(1, 1)});
  std::string latest = objects_->head("photos", "z", {})->id;
  int asked = 0;
  bool changed = false;
  auto change = [&] {
    if (++asked == 3) changed = objects_->remove("photos", "z", latest, {}, {}).has_value();
    return false;
  };
  auto done = run_lifecycle(*objects_, clock_, change, kShortDay);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->versions_removed,
            1u);  // of the latest and two noncurrent ones that were left, one may stay
}

TEST_F(Lifecycle, ADamagedVersionDoesntStopTheOtherBuckets) {
  add_bucket("second");
  put("old", "x");
  put("old", "x", "second");
  days_pass(1);
  set_rules("photos", {expire(1)});
  set_rules("second", {expire(1)});
  ASSERT_TRUE(metastore_->transact([](meta::Transaction& transaction) -> Status {
    TARN_TRY(transaction.execute(
        "UPDATE object_versions SET etag = x'00' WHERE bucket_id = (SELECT min(bucket_id) "
        "FROM object_versions)",
        {}));
    return {};
  }));
  EXPECT_EQ(run().expired, 1u);
  EXPECT_TRUE(keys_of("second").empty());
}

TEST_F(Lifecycle, RulesThatCantBeReadDontStopTheOthers) {
  add_bucket("a-broken");
  ASSERT_TRUE(objects_->set_document("a-broken", "lifecycle", "{"));
  put("old", "x");
  days_pass(1);
  set_rules("photos", {expire(1)});
  EXPECT_EQ(run().expired, 1u);
}

TEST_F(Lifecycle, ARemovalOfWhatWasListedSparesWhatCameAfter) {
  Version listed = put("k", "x");
  Version newer = put("k", "x");  // the same bytes, so the same ETag
  ASSERT_NE(listed.sequencer, newer.sequencer);
  Conditions conditions;
  conditions.if_sequencer = listed.sequencer;
  for (const char* version_id : {"", "null"}) {
    auto removed = objects_->remove("photos", "k", version_id, conditions, {});
    ASSERT_FALSE(removed) << version_id;
    EXPECT_EQ(removed.error().code, Code::kConflict);
  }
  conditions.if_sequencer = newer.sequencer;
  EXPECT_TRUE(objects_->remove("photos", "k", {}, conditions, {}));
  EXPECT_TRUE(keys_of().empty());
  auto gone = objects_->remove("photos", "k", {}, conditions, {});
  ASSERT_FALSE(gone);
}

TEST(LifecycleRules, AreTheSameAfterJson) {
  LifecycleRule all;
  all.id = "all \"quoted\"";
  all.enabled = false;
  all.prefix = std::string("a/ü\0/b", 7);
  all.tags = {{"k", "v"}, {"empty", ""}};
  all.bytes_over = 0;
  all.bytes_under = 1ull << 42;
  all.expire_days = 7;
  all.expire_at = Timestamp{1'700'006'400'000'000};
  all.expire_lonely_markers = true;
  all.noncurrent_days = 3;
  all.noncurrent_keep = 0;
  all.abort_upload_days = 1;
  std::vector<LifecycleRule> rules{all, LifecycleRule()};
  auto read = lifecycle_from_json(lifecycle_to_json(rules));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, rules);
}

TEST(LifecycleRules, WrongJsonNamesTheKey) {
  EXPECT_EQ(lifecycle_from_json("").error().code, Code::kInvalid);
  EXPECT_EQ(lifecycle_from_json("[]").error().code, Code::kInvalid);
  auto unknown = lifecycle_from_json(R"({"rules":[{"expire_dais":1}]})");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("did you mean 'expire_days'?"), std::string::npos)
      << unknown.error().message;
  for (const char* text : {R"({"rules":[{"expire_days":"1"}]})", R"({"rules":[{"expire_days":-1}]})",
                           R"({"rules":[{"tags":[]}]})", R"({"rules":[{"expire_at":"soon"}]})",
                           R"({"rules":[{"expire_days":99999999999}]})", R"({"rules":[7]})"})
    EXPECT_FALSE(lifecycle_from_json(text)) << text;
}

TEST(LifecycleRules, ExpiryIsTheFirstThatComes) {
  LifecycleRule late;
  late.id = "late";
  late.expire_days = 10;
  LifecycleRule tagged = late;
  tagged.id = "tagged";
  tagged.expire_days = 3;
  tagged.tags = {{"class", "tmp"}};
  Version version;
  version.key = "k";
  version.modified = *parse_timestamp("2026-01-15T10:30:00Z");
  auto expiry = expiry_of({late, tagged}, version);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->rule_id, "late");
  version.attributes.tags = {{"class", "tmp"}};
  expiry = expiry_of({late, tagged}, version);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->rule_id, "tagged");
  EXPECT_EQ(to_string(expiry->at), "2026-01-19T00:00:00Z");
  version.delete_marker = true;
  EXPECT_FALSE(expiry_of({late}, version));
}

}  // namespace
}  // namespace tarn::store
