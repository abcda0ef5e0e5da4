#include "store/objects.h"

#include <set>

#include <unistd.h>

#include "store/objects_internal.h"
#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

using ObjectsTest = ObjectsOnDisk;

const std::string kSmall = "small";   // in the metastore
const std::string kLarge(5000, 'l');  // in a file: the fixture's bound is 100 bytes
const Cause kCause{"PutObject", "arn:aws:iam::1:user/ann", "10.0.0.1", "request-1"};

std::vector<ObjectEvent> events_of(Objects& objects) {
  auto events = objects.outbox().next(1000);
  EXPECT_TRUE(events);
  return events ? *events : std::vector<ObjectEvent>();
}

TEST(ObjectIds, HaveTheirNumberAndNothingElseHasOne) {
  std::set<std::string> ids;
  for (int64_t number : {int64_t{1}, int64_t{2}, int64_t{77'777}, (int64_t{1} << 48) - 1}) {
    std::string id = make_id(number);
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(number_of_id(id), number);
    ids.insert(id);
    ids.insert(make_id(number));
    EXPECT_FALSE(number_of_id(id.substr(1)));
    id[7] = '/';
    EXPECT_FALSE(number_of_id(id));
  }
  EXPECT_EQ(ids.size(), 8u);
  EXPECT_FALSE(number_of_id("3HL4kqtJvjVBH40Nrjfkd3HL4kqtJvjV"));  // S3's own
  EXPECT_FALSE(number_of_id(kNullVersion));
}

TEST(BucketNames, AreThoseOfS3) {
  for (std::string_view good : {"abc", "a.b-c", "0bucket9", "1.2.3", "my.bucket.of.1"})
    EXPECT_TRUE(check_bucket_name(good)) << good;
  EXPECT_TRUE(check_bucket_name(std::string(63, 'a')));
  for (std::string_view bad : {"ab", "", "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "192.168.5.4",
                               "xn--abc", "abc-s3alias", "abc--ol-s3", "a/b", "a b", "ab\xc3\xa9"}) {
    Status checked = check_bucket_name(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, Code::kInvalid);
  }
  EXPECT_FALSE(check_bucket_name(std::string(64, 'a')));
}

TEST_F(ObjectsTest, BucketsAreKeptWithTheirDocuments) {
  Bucket bucket;
  bucket.name = "archive";
  bucket.created = clock_.now();
  bucket.region = "eu-west-1";
  bucket.owner = "arn:aws:iam::1:root";
  bucket.events = false;
  ASSERT_TRUE(objects_->create_bucket(bucket));
  EXPECT_EQ(objects_->create_bucket(bucket).error().code, Code::kExists);
  bucket.name = "Not.A_Name";
  EXPECT_EQ(objects_->create_bucket(bucket).error().code, Code::kInvalid);
  ASSERT_TRUE(objects_->set_document("archive", "policy", "{}"));
  ASSERT_TRUE(objects_->set_document("archive", "policy", "{\"v\":2}"));
  ASSERT_TRUE(objects_->set_document("archive", "cors", "x"));
  ASSERT_TRUE(objects_->set_document("archive", "cors", std::nullopt));
  EXPECT_EQ(objects_->set_document("nowhere", "cors", "x").error().code, Code::kNotFound);
  ASSERT_TRUE(objects_->change_bucket("archive", [](Bucket& b) { b.versioning = Versioning::kEnabled; }));
  for (bool again : {false, true}) {
    if (again) reopen();
    auto found = objects_->bucket("archive");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->region, "eu-west-1");
    EXPECT_EQ(found->owner, "arn:aws:iam::1:root");
    EXPECT_EQ(found->created, clock_.now());
    EXPECT_EQ(found->versioning, Versioning::kEnabled);
    EXPECT_FALSE(found->events);
    EXPECT_EQ(*objects_->document("archive", "policy"), std::optional<std::string>("{\"v\":2}"));
    EXPECT_EQ(*objects_->document("archive", "cors"), std::optional<std::string>());
    auto all = objects_->buckets();
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ(all->at(0).name, "archive");
    EXPECT_EQ(all->at(1).name, "photos");
  }
  EXPECT_EQ(
      objects_->change_bucket("archive", [](Bucket& b) { b.versioning = Versioning::kNever; }).error().code,
      Code::kConflict);
  EXPECT_EQ(objects_->change_bucket("archive", [](Bucket& b) { b.name = "other"; }).error().code,
            Code::kInvalid);
}

TEST_F(ObjectsTest, ABucketGoesWhenItIsEmptyAndComesBackEmpty) {
  put("a", kSmall);
  EXPECT_EQ(objects_->remove_bucket("photos").error().code, Code::kConflict);
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  ASSERT_TRUE(objects_->set_document("photos", "policy", "{}"));
  ASSERT_TRUE(objects_->remove_bucket("photos"));
  EXPECT_EQ(objects_->remove_bucket("photos").error().code, Code::kNotFound);
  EXPECT_EQ(objects_->bucket("photos").error().code, Code::kNotFound);
  EXPECT_EQ(objects_->list("photos", {}).error().code, Code::kNotFound);
  EXPECT_EQ(objects_->head("photos", "a").error().code, Code::kNotFound);
  PutRequest request;
  request.bucket = "photos";
  request.key = "a";
  EXPECT_EQ(objects_->put(written(kLarge), request).error().code, Code::kNotFound);
  EXPECT_EQ(blob_files(), 0u);
  add_bucket("photos");
  EXPECT_EQ(*objects_->document("photos", "policy"), std::optional<std::string>());
  EXPECT_TRUE(keys_of().empty());
}

TEST_F(ObjectsTest, ABucketWithADeleteMarkerIsNotEmpty) {
  add_bucket("versions", Versioning::kEnabled);
  auto removed = objects_->remove("versions", "never-there", {}, {}, kCause);
  ASSERT_TRUE(removed);
  EXPECT_EQ(objects_->remove_bucket("versions").error().code, Code::kConflict);
  ASSERT_TRUE(objects_->remove("versions", "never-there", removed->version_id, {}, kCause));
  EXPECT_TRUE(objects_->remove_bucket("versions"));
}

TEST_F(ObjectsTest, WhatWasPutIsReadAlsoAfterARestart) {
  PutRequest request;
  request.bucket = "photos";
  request.key = "2026/a b\xc3\xa9.jpg";
  request.owner = "arn:aws:iam::1:user/ann";
  request.storage_class = "STANDARD_IA";
  request.attributes.headers = {{"content-type", "image/jpeg"}, {"cache-control", "\xff latin \"1\""}};
  request.attributes.metadata = {{"camera", "x100"}, {"empty", ""}};
  request.attributes.tags = {{"year", "2026"}};
  request.cause = kCause;
  std::vector<Algorithm> algorithms{Algorithm::kCrc32};
  auto writer = written(kLarge, algorithms);
  EXPECT_EQ(writer->bytes(), kLarge.size());
  request.checksum = Checksum{Algorithm::kCrc32, writer->digests().value(Algorithm::kCrc32), true};
  auto put = objects_->put(std::move(writer), request);
  ASSERT_TRUE(put) << put.error().message;
  for (bool again : {false, true}) {
    if (again) reopen();
    auto head = objects_->head("photos", request.key);
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->key, request.key);
    EXPECT_EQ(head->id, kNullVersion);
    EXPECT_TRUE(head->latest);
    EXPECT_FALSE(head->delete_marker);
    EXPECT_EQ(head->bytes, kLarge.size());
    EXPECT_EQ(head->etag, hex_of(md5_of(kLarge)));
    EXPECT_EQ(head->modified, clock_.now());
    EXPECT_EQ(head->owner, request.owner);
    EXPECT_EQ(head->storage_class, "STANDARD_IA");
    EXPECT_EQ(head->checksum, request.checksum);
    EXPECT_EQ(head->sequencer, put->sequencer);
    EXPECT_EQ(head->attributes.headers, request.attributes.headers);
    EXPECT_EQ(head->attributes.metadata, request.attributes.metadata);
    EXPECT_EQ(head->attributes.tags, request.attributes.tags);
    EXPECT_EQ(bytes_of(request.key), kLarge);
  }
  auto listed = objects_->list("photos", {});
  ASSERT_EQ(listed->objects.size(), 1u);
  EXPECT_EQ(listed->objects[0].checksum->algorithm, Algorithm::kCrc32);
  EXPECT_TRUE(listed->objects[0].attributes.headers.empty());
  EXPECT_EQ(objects_->head("photos", "2026").error().code, Code::kNotFound);
}

TEST_F(ObjectsTest, SmallBytesNeedNoFile) {
  put("empty", "");
  put("bound", std::string(100, 'b'));
  EXPECT_EQ(blob_files(), 0u);
  put("above", std::string(101, 'a'));
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(bytes_of("empty"), "");
  EXPECT_EQ(bytes_of("bound"), std::string(100, 'b'));
  EXPECT_EQ(bytes_of("above"), std::string(101, 'a'));
  auto reader = objects_->open("photos", "bound");
  auto extents = (*reader)->extents(10, 20);
  ASSERT_EQ(extents.size(), 1u);
  EXPECT_EQ(extents[0].descriptor, -1);
  EXPECT_EQ(extents[0].bytes, std::string(20, 'b'));
  auto none = objects_->open("photos", "empty");
  EXPECT_TRUE((*none)->extents(0, 10).empty());
  EXPECT_TRUE((*none)->read_at(0, {}));
  char byte = 0;
  EXPECT_EQ((*none)->read_at(0, {&byte, 1}).error().code, Code::kInvalid);
}

// As a door writes: in pieces of odd sizes, without knowing the end.
TEST_F(ObjectsTest, LargeObjectsAreTheSameWithAndWithoutAHint) {
  std::string bytes(5'000'003, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 ^ i >> 11);
  std::vector<Algorithm> algorithms{Algorithm::kCrc64nvme, Algorithm::kSha256};
  for (std::optional<uint64_t> hint : {std::optional<uint64_t>(), std::optional<uint64_t>(bytes.size()),
                                       std::optional<uint64_t>(10), std::optional<uint64_t>(1ull << 40)}) {
    auto writer = objects_->writer(hint, algorithms);
    ASSERT_TRUE(writer);
    for (size_t at = 0, step = 1; at < bytes.size(); at += step, step = step * 3 % 700'001)
      ASSERT_TRUE((*writer)->write(std::span(bytes).subspan(at, std::min(step, bytes.size() - at))));
    ASSERT_TRUE((*writer)->finish());
    EXPECT_EQ((*writer)->digests().md5(), md5_of(bytes));
    for (Algorithm algorithm : algorithms)
      EXPECT_EQ((*writer)->digests().value(algorithm), digest_of(algorithm, bytes));
    PutRequest request;
    request.bucket = "photos";
    request.key = "large";
    ASSERT_TRUE(objects_->put(std::move(*writer), request));
    EXPECT_TRUE(bytes_of("large") == bytes);
  }
  EXPECT_EQ(blob_files(), 1u);
  // A small object after a large hint, and nothing at all.
  for (std::string few : {"", "few"}) {
    auto writer = objects_->writer(1 << 30, {});
    ASSERT_TRUE((*writer)->write(few));
    PutRequest request;
    request.bucket = "photos";
    request.key = "few";
    auto put = objects_->put(std::move(*writer), request);  // finishes it
    ASSERT_TRUE(put);
    EXPECT_EQ(put->etag, hex_of(md5_of(few)));
    EXPECT_EQ(bytes_of("few"), few);
  }
}

TEST_F(ObjectsTest, WithoutPutNothingIsLeft) {
  {
    auto finished = written(kLarge);
    auto half = objects_->writer(3 << 20, {});
    ASSERT_TRUE((*half)->write(std::string(2 << 20, 'x')));
    EXPECT_EQ(blob_files(), 2u);
  }
  EXPECT_EQ(blob_files(), 0u);
}

TEST_F(ObjectsTest, AReaderGoesOnWhenTheObjectIsReplaced) {
  put("a", kLarge);
  auto old = objects_->open("photos", "a");
  ASSERT_TRUE(old);
  std::string newer(3000, 'n');
  put("a", newer);
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(bytes_of("a"), newer);
  std::string out(kLarge.size(), '\0');
  ASSERT_TRUE((*old)->read_at(0, out));
  EXPECT_EQ(out, kLarge);
  auto extents = (*old)->extents(1000, 10'000);
  ASSERT_EQ(extents.size(), 1u);
  EXPECT_GE(extents[0].descriptor, 0);
  EXPECT_EQ(extents[0].offset, 1000u);
  EXPECT_EQ(extents[0].length, 4000u);
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(objects_->open("photos", "a").error().code, Code::kNotFound);
}

TEST_F(ObjectsTest, InlineBytesGoWithTheirObject) {
  put("a", kSmall);
  put("a", "other");
  EXPECT_EQ(rows_of("object_bytes"), 1);
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  EXPECT_EQ(rows_of("object_bytes"), 0);
  EXPECT_EQ(rows_of("object_versions"), 0);
}

TEST_F(ObjectsTest, KeysThatS3DoesNotTakeAreRefused) {
  auto code = [&](const std::string& key) {
    PutRequest request;
    request.bucket = "photos";
    request.key = key;
    auto put = objects_->put(written(kSmall), request);
    return put ? Code::kInternal : put.error().code;
  };
  EXPECT_EQ(code(""), Code::kInvalid);
  EXPECT_EQ(code("\xff"), Code::kInvalid);
  EXPECT_EQ(code(std::string(1025, 'k')), Code::kTooLarge);
  put(std::string(1024, 'k'), kSmall);
  for (const char* odd : {"a//b", "/a", "a/./b", "../a", "a/", "a"}) put(odd, odd);
  for (const char* odd : {"a//b", "/a", "a/./b", "../a", "a/", "a"}) EXPECT_EQ(bytes_of(odd), odd);
  EXPECT_EQ(keys_of().size(), 7u);
}

TEST_F(ObjectsTest, ConditionsAreOfTheLatestVersion) {
  auto put_if = [&](Conditions conditions) {
    PutRequest request;
    request.bucket = "photos";
    request.key = "a";
    request.conditions = std::move(conditions);
    auto put = objects_->put(written(kLarge), request);
    return put ? std::optional<Code>() : put.error().code;
  };
  Conditions absent{true, std::nullopt};
  EXPECT_EQ(put_if({false, "x"}), Code::kNotFound);
  EXPECT_EQ(put_if(absent), std::nullopt);
  EXPECT_EQ(put_if(absent), Code::kConflict);
  EXPECT_EQ(put_if({false, "x"}), Code::kConflict);
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(put_if({false, hex_of(md5_of(kLarge))}), std::nullopt);
  EXPECT_EQ(put_if({false, "*"}), std::nullopt);
  EXPECT_EQ(objects_->remove("photos", "a", {}, {false, "x"}, kCause).error().code, Code::kConflict);
  EXPECT_EQ(objects_->remove("photos", "b", {}, {false, "x"}, kCause).error().code, Code::kNotFound);
  EXPECT_TRUE(objects_->remove("photos", "a", {}, {false, hex_of(md5_of(kLarge))}, kCause));
  // A delete marker counts as nothing.
  ASSERT_TRUE(objects_->change_bucket("photos", [](Bucket& b) { b.versioning = Versioning::kEnabled; }));
  put("a", kSmall);
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  EXPECT_EQ(put_if({false, "*"}), Code::kNotFound);
  EXPECT_EQ(put_if(absent), std::nullopt);
}

TEST_F(ObjectsTest, ManyAreRemovedInOneTransactionWithAnAnswerEach) {
  put("a", kSmall);
  put("b", kLarge);
  put("c", kLarge);
  std::vector<Objects::RemoveKey> keys(4);
  keys[0].key = "a";
  keys[1].key = "nothing";
  keys[2].key = "b";
  keys[2].conditions.if_match = "another";
  keys[3].key = "c";
  auto results = objects_->remove_many("photos", keys, kCause);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_TRUE(results[0]->was_there);
  EXPECT_FALSE(results[1]->was_there);
  EXPECT_EQ(results[2].error().code, Code::kConflict);
  EXPECT_TRUE(results[3]->was_there);
  EXPECT_EQ(keys_of(), std::vector<std::string>{"b"});
  EXPECT_EQ(blob_files(), 1u);
  auto nowhere = objects_->remove_many("nowhere", keys, kCause);
  ASSERT_EQ(nowhere.size(), 4u);
  EXPECT_EQ(nowhere[3].error().code, Code::kNotFound);
}

TEST_F(ObjectsTest, EveryChangeLeavesAnEvent) {
  put("a", kSmall);
  put("b", kLarge);
  ASSERT_TRUE(objects_->set_tags("photos", "a", {}, {{"k", "v"}}, kCause));
  ASSERT_TRUE(objects_->set_tags("photos", "a", {}, {}, kCause));
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));  // wasn't there: nothing to tell
  auto events = events_of(*objects_);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].change, ObjectChange::kCreated);
  EXPECT_EQ(events[0].bucket, "photos");
  EXPECT_EQ(events[0].key, "a");
  EXPECT_EQ(events[0].bytes, kSmall.size());
  EXPECT_EQ(events[0].etag, hex_of(md5_of(kSmall)));
  EXPECT_EQ(events[0].version_id, "");
  EXPECT_EQ(events[0].reason, "PutObject");
  EXPECT_EQ(events[0].at, clock_.now());
  EXPECT_EQ(events[2].change, ObjectChange::kTagsAdded);
  EXPECT_EQ(events[3].change, ObjectChange::kTagsDeleted);
  EXPECT_EQ(events[4].change, ObjectChange::kDeleted);
  EXPECT_FALSE(events[4].delete_marker);
  EXPECT_EQ(events[4].etag, "");
  EXPECT_EQ(events[4].requester, kCause.requester);
  EXPECT_EQ(events[4].source_ip, kCause.source_ip);
  EXPECT_EQ(events[4].request_id, kCause.request_id);
  EXPECT_LT(events[0].sequencer, events[2].sequencer);
  EXPECT_LT(events[2].sequencer, events[3].sequencer);
  EXPECT_LT(events[3].sequencer, events[4].sequencer);

  ASSERT_TRUE(objects_->change_bucket("photos", [](Bucket& b) { b.events = false; }));
  put("a", kSmall);
  ASSERT_TRUE(objects_->set_tags("photos", "a", {}, {{"k", "v"}}, kCause));
  ASSERT_TRUE(objects_->remove("photos", "a", {}, {}, kCause));
  EXPECT_EQ(events_of(*objects_).size(), 5u);
}

TEST_F(ObjectsTest, TagsAreReplacedAndTheRestStays) {
  put("a", kLarge, "photos", {{"old", "1"}});
  auto changed = objects_->set_tags("photos", "a", {}, {{"new", "2"}}, kCause);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->id, kNullVersion);
  auto head = objects_->head("photos", "a");
  EXPECT_EQ(head->attributes.tags, (std::map<std::string, std::string>{{"new", "2"}}));
  EXPECT_EQ(bytes_of("a"), kLarge);
  EXPECT_EQ(objects_->set_tags("photos", "b", {}, {}, kCause).error().code, Code::kNotFound);
  EXPECT_EQ(objects_->set_tags("nowhere", "b", {}, {}, kCause).error().code, Code::kNotFound);
}

TEST_F(ObjectsTest, CountsWhatHappens) {
  put("a", kLarge);
  bytes_of("a");
  std::string text = metrics_.text();
  EXPECT_NE(text.find("tarn_objects_puts_total 1"), std::string::npos);
  EXPECT_NE(text.find("tarn_objects_gets_total 1"), std::string::npos);
  EXPECT_NE(text.find("tarn_objects_written_bytes_total 5000"), std::string::npos);
}

TEST_F(ObjectsTest, AnObjectInManyFilesIsReadAndStaysWhileItIs) {
  part_bytes_min_ = 1;
  reopen();
  constexpr int kParts = 200;  // more than a reader keeps open
  Upload upload;
  upload.key = "parts";
  auto id = objects_->start_upload("photos", upload);
  ASSERT_TRUE(id);
  CompleteRequest complete;
  complete.bucket = "photos";
  complete.key = "parts";
  complete.upload_id = *id;
  std::string all;
  for (int number = 1; number <= kParts; ++number) {
    std::string bytes(number % 7 == 0 ? 50 : 120 + number, static_cast<char>('a' + number % 26));
    all += bytes;
    auto part = objects_->put_part("photos", "parts", *id, number, written(bytes), std::nullopt);
    ASSERT_TRUE(part);
    complete.parts.push_back({number, hex_of(part->md5), std::nullopt});
  }
  CompleteFailure failure;
  auto completed = objects_->complete_upload(complete, failure);
  ASSERT_TRUE(completed) << completed.error().message;
  size_t files = blob_files();
  auto reader = objects_->open("photos", "parts");
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->parts().size(), static_cast<size_t>(kParts));
  put("parts", kSmall);
  EXPECT_EQ(blob_files(), files);  // pinned
  std::string out(all.size() - 100, '\0');
  ASSERT_TRUE((*reader)->read_at(50, out));
  EXPECT_EQ(out, all.substr(50, out.size()));
  std::string by_extents;
  while (by_extents.size() < all.size()) {
    auto extents = (*reader)->extents(by_extents.size(), all.size() - by_extents.size());
    ASSERT_FALSE(extents.empty());
    for (const auto& extent : extents) {
      std::string piece(extent.bytes);
      if (extent.descriptor >= 0) {
        piece.resize(extent.length);
        ASSERT_EQ(::pread(extent.descriptor, piece.data(), piece.size(), static_cast<off_t>(extent.offset)),
                  static_cast<ssize_t>(piece.size()));
      }
      by_extents += piece;
    }
  }
  EXPECT_EQ(by_extents, all);
  reader->reset();
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_segments"), 0);
}

}  // namespace
}  // namespace tarn::store
