#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "store/object_rows.h"
#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

class Multipart : public ObjectsOnDisk {
 protected:
  std::string start(const std::string& key, std::optional<Algorithm> algorithm = {}, bool full_object = false,
                    const std::string& bucket = "photos") {
    Upload upload;
    upload.key = key;
    upload.owner = "arn:aws:iam::000000000000:user/ann";
    upload.attributes.metadata["camera"] = "x100";
    upload.algorithm = algorithm;
    upload.full_object = full_object;
    auto id = objects_->start_upload(bucket, upload);
    EXPECT_TRUE(id) << id.error().message;
    return id ? *id : std::string();
  }

  Result<Part> try_part(const std::string& key, const std::string& id, int number, std::string_view bytes,
                        std::optional<Algorithm> algorithm = {}) {
    std::vector<Algorithm> algorithms;
    if (algorithm) algorithms.push_back(*algorithm);
    auto writer = written(bytes, algorithms);
    std::optional<Checksum> checksum;
    if (algorithm) checksum = Checksum{*algorithm, writer->digests().value(*algorithm), true};
    return objects_->put_part("photos", key, id, number, std::move(writer), checksum);
  }

  // As the client lists it at the end.
  CompletePart part(const std::string& key, const std::string& id, int number, std::string_view bytes,
                    std::optional<Algorithm> algorithm = {}) {
    auto stored = try_part(key, id, number, bytes, algorithm);
    EXPECT_TRUE(stored) << stored.error().message;
    if (!stored) return {};
    return {number, hex(stored->md5), stored->checksum};
  }

  static CompleteRequest request(const std::string& key, const std::string& id,
                                 std::vector<CompletePart> parts) {
    CompleteRequest request;
    request.bucket = "photos";
    request.key = key;
    request.upload_id = id;
    request.parts = std::move(parts);
    request.cause.reason = "CompleteMultipartUpload";
    return request;
  }

  Version complete(const CompleteRequest& request) {
    CompleteFailure failure;
    auto version = objects_->complete_upload(request, failure);
    EXPECT_TRUE(version) << version.error().message;
    return version ? *version : Version();
  }

  CompleteFailure refusal(const CompleteRequest& request) {
    CompleteFailure failure;
    auto version = objects_->complete_upload(request, failure);
    EXPECT_FALSE(version);
    if (!version) {
      EXPECT_EQ(version.error().code, Code::kInvalid) << version.error().message;
    }
    return failure;
  }

  Code code_of_complete(const CompleteRequest& request) {
    CompleteFailure failure;
    auto version = objects_->complete_upload(request, failure);
    return version ? Code::kInternal : version.error().code;
  }

  UploadPage uploads(const ListOptions& options = {}, const std::string& after_id = {}) {
    auto page = objects_->list_uploads("photos", options, after_id);
    EXPECT_TRUE(page) << page.error().message;
    return page ? *page : UploadPage();
  }

  std::vector<ObjectEvent> events() {
    auto events = objects_->outbox().next(1000);
    EXPECT_TRUE(events);
    return *events;
  }

  const std::string large_ = std::string(5000, 'a');  // in a file
  const std::string small_ = "tail";                  // in a row
};

TEST_F(Multipart, PartsBecomeOneObjectInTheirOrder) {
  std::string id = start("m");
  CompletePart second = part("m", id, 2, std::string(2000, 'b'));
  CompletePart first = part("m", id, 1, large_);
  CompletePart third = part("m", id, 7, small_);
  EXPECT_TRUE(keys_of().empty());  // not before it is complete
  Version version = complete(request("m", id, {first, second, third}));
  EXPECT_EQ(version.bytes, 7004u);
  EXPECT_EQ(version.part_count, 3);
  EXPECT_EQ(version.etag,
            hex(md5_of(md5_of(large_) + md5_of(std::string(2000, 'b')) + md5_of(small_))) + "-3");
  EXPECT_EQ(bytes_of("m"), large_ + std::string(2000, 'b') + small_);
  auto head = objects_->head("photos", "m");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->attributes.metadata.at("camera"), "x100");
  EXPECT_EQ(head->owner, "arn:aws:iam::000000000000:user/ann");
  EXPECT_EQ(head->etag, version.etag);
  auto reader = objects_->open("photos", "m");
  ASSERT_TRUE(reader);
  ASSERT_EQ((*reader)->parts().size(), 3u);
  EXPECT_EQ((*reader)->parts()[2].number, 7);
  EXPECT_EQ((*reader)->parts()[2].bytes, 4u);
  // Over the seams.
  std::string middle(3000, '\0');
  ASSERT_TRUE((*reader)->read_at(4500, std::span(middle).first(2504)));
  EXPECT_EQ(middle.substr(0, 2504), std::string(500, 'a') + std::string(2000, 'b') + "tail");
}

TEST_F(Multipart, SurvivesARestartAndLeavesNothingBehindWhenItIsRemoved) {
  std::string id = start("m");
  CompletePart first = part("m", id, 1, large_);
  reopen();
  CompletePart second = part("m", id, 2, small_);
  complete(request("m", id, {first, second}));
  reopen();
  EXPECT_EQ(bytes_of("m"), large_ + small_);
  EXPECT_EQ(rows_of("object_uploads"), 0);
  EXPECT_EQ(rows_of("object_upload_parts"), 0);
  EXPECT_EQ(blob_files(), 1u);
  ASSERT_TRUE(objects_->remove("photos", "m", {}, {}, {}));
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_segments"), 0);
  EXPECT_EQ(rows_of("object_bytes"), 0);
}

TEST_F(Multipart, TellsTheOutboxOnce) {
  std::string id = start("m");
  CompletePart only = part("m", id, 1, large_);
  EXPECT_TRUE(events().empty());
  Version version = complete(request("m", id, {only}));
  complete(request("m", id, {only}));
  auto told = events();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].reason, "CompleteMultipartUpload");
  EXPECT_EQ(told[0].bytes, large_.size());
  EXPECT_EQ(told[0].etag, version.etag);
}

TEST_F(Multipart, ARepeatedCompletionGivesTheSameResultThoughTheObjectWasReplaced) {
  std::string id = start("m", Algorithm::kCrc32, true);
  CompletePart only = part("m", id, 1, large_, Algorithm::kCrc32);
  Version first = complete(request("m", id, {only}));
  put("m", "newer");
  reopen();
  Version again = complete(request("m", id, {only}));
  EXPECT_EQ(again.etag, first.etag);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.bytes, first.bytes);
  EXPECT_EQ(again.checksum, first.checksum);
  EXPECT_EQ(again.sequencer, first.sequencer);
  EXPECT_EQ(bytes_of("m"), "newer");
  EXPECT_EQ(code_of_complete(request("other", id, {only})), Code::kNotFound);
}

TEST_F(Multipart, ResultsOfCompletionsAreForgottenAfterAWeek) {
  std::string old = start("old");
  CompletePart only = part("old", old, 1, small_);
  complete(request("old", old, {only}));
  clock_.advance(std::chrono::hours(24 * 8));
  std::string next = start("next");
  complete(request("next", next, {part("next", next, 1, small_)}));
  EXPECT_EQ(rows_of("object_completed"), 1);
  EXPECT_EQ(code_of_complete(request("old", old, {only})), Code::kNotFound);
}

TEST_F(Multipart, APartThatIsStoredAgainReplacesTheOne) {
  std::string id = start("m");
  part("m", id, 1, large_);
  CompletePart second = part("m", id, 1, std::string(3000, 'z'));
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(rows_of("object_upload_parts"), 1);
  complete(request("m", id, {second}));
  EXPECT_EQ(bytes_of("m"), std::string(3000, 'z'));
}

TEST_F(Multipart, PartsThatArentListedAreDropped) {
  std::string id = start("m");
  part("m", id, 1, large_);
  CompletePart second = part("m", id, 2, std::string(2000, 'b'));
  part("m", id, 3, small_);
  Version version = complete(request("m", id, {second}));
  EXPECT_EQ(version.bytes, 2000u);
  EXPECT_EQ(bytes_of("m"), std::string(2000, 'b'));
  EXPECT_EQ(blob_files(), 1u);
  EXPECT_EQ(rows_of("object_bytes"), 0);
}

TEST_F(Multipart, VectorsOfFiveMebibytesAndOne) {
  part_bytes_min_ = 5 << 20;
  reopen();
  const std::string five(5 << 20, 'a');
  std::string composite = start("composite", Algorithm::kCrc32, false);
  CompletePart a = part("composite", composite, 1, five, Algorithm::kCrc32);
  CompletePart b = part("composite", composite, 2, "b", Algorithm::kCrc32);
  EXPECT_EQ(hex(a.checksum->value), "affcc16f");  // r/zBbw==
  EXPECT_EQ(hex(b.checksum->value), "71beeff9");  // cb7v+Q==
  Version version = complete(request("composite", composite, {a, b}));
  EXPECT_EQ(version.etag, "e5a8c5272b26fc10581a21089559b006-2");
  ASSERT_TRUE(version.checksum);
  EXPECT_EQ(hex(version.checksum->value), "7583e611");  // dYPmEQ==
  EXPECT_FALSE(version.checksum->full_object);

  std::string full = start("full", Algorithm::kCrc32, true);
  a = part("full", full, 1, five, Algorithm::kCrc32);
  b = part("full", full, 2, "b", Algorithm::kCrc32);
  version = complete(request("full", full, {a, b}));
  EXPECT_EQ(version.etag, "e5a8c5272b26fc10581a21089559b006-2");
  ASSERT_TRUE(version.checksum);
  EXPECT_EQ(hex(version.checksum->value), "ac1c6ff1");  // rBxv8Q==
  EXPECT_TRUE(version.checksum->full_object);
}

TEST_F(Multipart, AnUploadThatDeclaredNoneHasTheCrcThatAllItsPartsHave) {
  std::string id = start("m");
  CompletePart a = part("m", id, 1, large_, Algorithm::kCrc64nvme);
  CompletePart b = part("m", id, 2, small_, Algorithm::kCrc64nvme);
  a.checksum.reset();
  b.checksum.reset();
  Version version = complete(request("m", id, {a, b}));
  EXPECT_EQ(version.checksum,
            (Checksum{Algorithm::kCrc64nvme, digest_of(Algorithm::kCrc64nvme, large_ + small_), true}));
}

TEST_F(Multipart, CompositeHashIsTheHashOfTheHashes) {
  std::string id = start("m", Algorithm::kSha256);
  CompletePart a = part("m", id, 1, large_, Algorithm::kSha256);
  CompletePart b = part("m", id, 2, small_, Algorithm::kSha256);
  std::string hashes = digest_of(Algorithm::kSha256, large_) + digest_of(Algorithm::kSha256, small_);
  Checksum whole{Algorithm::kSha256, digest_of(Algorithm::kSha256, hashes), false};
  CompleteRequest asked = request("m", id, {a, b});
  asked.checksum = whole;
  EXPECT_EQ(complete(asked).checksum, whole);
}

TEST_F(Multipart, RefusesListsOfPartsThatArentRight) {
  std::string id = start("m");
  CompletePart a = part("m", id, 1, large_);
  CompletePart b = part("m", id, 2, std::string(999, 'b'));  // one byte too small to be in the middle
  CompletePart c = part("m", id, 3, small_);

  EXPECT_EQ(refusal(request("m", id, {})).problem, CompleteProblem::kEmpty);
  EXPECT_EQ(refusal(request("m", id, {c, a})).problem, CompleteProblem::kOrder);
  EXPECT_EQ(refusal(request("m", id, {a, a})).problem, CompleteProblem::kOrder);
  CompleteFailure small = refusal(request("m", id, {a, b, c}));
  EXPECT_EQ(small.problem, CompleteProblem::kTooSmall);
  EXPECT_EQ(small.part_number, 2);
  EXPECT_EQ(small.bytes, 999u);
  EXPECT_EQ(small.etag, b.etag);
  CompletePart other = c;
  other.etag = a.etag;
  CompleteFailure unknown = refusal(request("m", id, {a, other}));
  EXPECT_EQ(unknown.problem, CompleteProblem::kUnknownPart);
  EXPECT_EQ(unknown.part_number, 3);
  EXPECT_EQ(refusal(request("m", id, {a, {4, c.etag, {}}})).problem, CompleteProblem::kUnknownPart);
  CompletePart checksummed = a;
  checksummed.checksum = Checksum{Algorithm::kCrc32, digest_of(Algorithm::kCrc32, large_), true};
  EXPECT_EQ(refusal(request("m", id, {checksummed})).problem, CompleteProblem::kUnknownPart);
  CompleteRequest sized = request("m", id, {a, c});
  sized.bytes = 5003;
  EXPECT_EQ(refusal(sized).problem, CompleteProblem::kSize);

  // None of that changed anything.
  sized.bytes = 5004;
  EXPECT_EQ(complete(sized).bytes, 5004u);
}

TEST_F(Multipart, RefusesChecksumsThatArentRight) {
  std::string id = start("m", Algorithm::kCrc32c);
  CompletePart a = part("m", id, 1, large_, Algorithm::kCrc32c);
  CompletePart b = part("m", id, 2, small_, Algorithm::kCrc32c);
  CompletePart without = b;
  without.checksum.reset();
  CompleteFailure missing = refusal(request("m", id, {a, without}));
  EXPECT_EQ(missing.problem, CompleteProblem::kMissingChecksum);
  EXPECT_EQ(missing.part_number, 2);
  CompletePart wrong = b;
  wrong.checksum->value = "\1\2\3\4";
  EXPECT_EQ(refusal(request("m", id, {a, wrong})).problem, CompleteProblem::kUnknownPart);
  CompleteRequest asked = request("m", id, {a, b});
  asked.checksum = Checksum{Algorithm::kCrc32c, "\1\2\3\4", false};
  EXPECT_EQ(refusal(asked).problem, CompleteProblem::kChecksum);
  asked.checksum.reset();
  complete(asked);
}

TEST_F(Multipart, APartNeedsTheChecksumThatTheUploadDeclared) {
  std::string id = start("m", Algorithm::kSha1);
  auto none = try_part("m", id, 1, large_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message,
            "Checksum Type mismatch occurred, expected checksum Type: sha1, actual checksum Type: null");
  auto other = try_part("m", id, 1, large_, Algorithm::kCrc32);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kInvalid);
  EXPECT_EQ(blob_files(), 0u);
}

TEST_F(Multipart, RefusesChecksumTypesThatCantBe) {
  Upload upload;
  upload.key = "m";
  upload.algorithm = Algorithm::kSha1;
  upload.full_object = true;
  EXPECT_EQ(objects_->start_upload("photos", upload).error().code, Code::kInvalid);
  upload.algorithm = Algorithm::kCrc64nvme;
  upload.full_object = false;
  EXPECT_EQ(objects_->start_upload("photos", upload).error().code, Code::kInvalid);
}

TEST_F(Multipart, ConditionsAreThoseOfTheObjectAtTheEnd) {
  put("m", "there");
  std::string id = start("m");
  CompletePart a = part("m", id, 1, large_);
  CompleteRequest asked = request("m", id, {a});
  asked.conditions.if_absent = true;
  EXPECT_EQ(code_of_complete(asked), Code::kConflict);
  asked.conditions.if_absent = false;
  asked.conditions.if_match = "0123";
  EXPECT_EQ(code_of_complete(asked), Code::kConflict);
  EXPECT_EQ(bytes_of("m"), "there");
  asked.conditions.if_match = hex(md5_of("there"));
  complete(asked);
  EXPECT_EQ(bytes_of("m"), large_);
}

TEST_F(Multipart, PartNumbersGoFromOneToTenThousand) {
  std::string id = start("m");
  EXPECT_EQ(try_part("m", id, 0, small_).error().code, Code::kInvalid);
  EXPECT_EQ(try_part("m", id, 10'001, small_).error().code, Code::kInvalid);
  EXPECT_TRUE(try_part("m", id, 10'000, small_));
}

TEST_F(Multipart, UnknownUploadsAreNotFound) {
  std::string id = start("m");
  for (const std::string& wrong : {std::string("nonsense"), std::string(), std::string(32, 'A')}) {
    EXPECT_EQ(objects_->upload("photos", "m", wrong).error().code, Code::kNotFound);
    EXPECT_EQ(objects_->abort_upload("photos", "m", wrong).error().code, Code::kNotFound);
    EXPECT_EQ(try_part("m", wrong, 1, large_).error().code, Code::kNotFound);
    EXPECT_EQ(code_of_complete(request("m", wrong, {{1, "e", {}}})), Code::kNotFound);
  }
  EXPECT_EQ(objects_->upload("photos", "other", id).error().code, Code::kNotFound);
  EXPECT_EQ(objects_->upload("nowhere", "m", id).error().code, Code::kNotFound);
  EXPECT_EQ(blob_files(), 0u);
}

TEST_F(Multipart, ABucketThatGoesTakesItsOpenUploadsWithIt) {
  std::string id = start("m");
  part("m", id, 1, large_);
  part("n", start("n"), 1, small_);
  ASSERT_TRUE(objects_->remove_bucket("photos"));
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_bytes"), 0);
  EXPECT_EQ(rows_of("object_uploads"), 0);
  EXPECT_EQ(rows_of("object_upload_parts"), 0);
}

TEST_F(Multipart, AbortingDropsThePartsAndEndsTheUpload) {
  std::string id = start("m");
  CompletePart a = part("m", id, 1, large_);
  part("m", id, 2, small_);
  ASSERT_TRUE(objects_->abort_upload("photos", "m", id));
  EXPECT_EQ(blob_files(), 0u);
  EXPECT_EQ(rows_of("object_bytes"), 0);
  EXPECT_EQ(rows_of("object_upload_parts"), 0);
  EXPECT_EQ(objects_->abort_upload("photos", "m", id).error().code, Code::kNotFound);
  EXPECT_EQ(code_of_complete(request("m", id, {a})), Code::kNotFound);
  EXPECT_TRUE(objects_->remove_bucket("photos"));
}

TEST_F(Multipart, ListsPartsPageByPage) {
  std::string id = start("m", Algorithm::kCrc32);
  for (int number : {5, 1, 3})
    part("m", id, number, std::string(static_cast<size_t>(number), 'x'), Algorithm::kCrc32);
  auto first = objects_->list_parts("photos", "m", id, 0, 2);
  ASSERT_TRUE(first);
  ASSERT_EQ(first->parts.size(), 2u);
  EXPECT_TRUE(first->more);
  EXPECT_EQ(first->parts[0].number, 1);
  EXPECT_EQ(first->parts[1].bytes, 3u);
  EXPECT_EQ(first->parts[1].checksum->value, digest_of(Algorithm::kCrc32, "xxx"));
  EXPECT_EQ(first->parts[1].md5, md5_of("xxx"));
  auto second = objects_->list_parts("photos", "m", id, 3, 2);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->parts.size(), 1u);
  EXPECT_EQ(second->parts[0].number, 5);
  EXPECT_FALSE(second->more);
}

TEST_F(Multipart, ListsUploadsByKeyAndThenByStart) {
  std::string b1 = start("b");
  std::string a = start("a");
  std::string b2 = start("b");
  UploadPage all = uploads();
  ASSERT_EQ(all.uploads.size(), 3u);
  EXPECT_EQ(all.uploads[0].id, a);
  EXPECT_EQ(all.uploads[1].id, b1);
  EXPECT_EQ(all.uploads[2].id, b2);
  EXPECT_EQ(all.uploads[2].attributes.metadata.at("camera"), "x100");
  EXPECT_FALSE(all.more);

  ListOptions options;
  options.limit = 2;
  UploadPage page = uploads(options);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.next_key, "b");
  EXPECT_EQ(page.next_id, b1);
  options.start_after = page.next_key;
  page = uploads(options, page.next_id);
  ASSERT_EQ(page.uploads.size(), 1u);
  EXPECT_EQ(page.uploads[0].id, b2);
  EXPECT_FALSE(page.more);
  EXPECT_TRUE(uploads(options).uploads.empty());  // without an id: after the key
}

TEST_F(Multipart, ListsUploadsWithPrefixAndDelimiter) {
  for (const char* key : {"a/1", "a/2", "a/3", "b", "c/1", "d", "x/a/1"}) start(key);
  ListOptions options;
  options.delimiter = "/";
  UploadPage all = uploads(options);
  EXPECT_EQ(all.prefixes, (std::vector<std::string>{"a/", "c/", "x/"}));
  EXPECT_EQ(all.uploads.size(), 2u);
  // One at a time gives the same.
  options.limit = 1;
  std::vector<std::string> seen;
  std::string after_id;
  for (bool more = true; more;) {
    UploadPage page = uploads(options, after_id);
    ASSERT_EQ(page.uploads.size() + page.prefixes.size(), 1u);
    seen.push_back(page.uploads.empty() ? page.prefixes[0] : page.uploads[0].key);
    options.start_after = page.next_key;
    after_id = page.next_id;
    more = page.more;
    ASSERT_LE(seen.size(), 5u);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a/", "b", "c/", "d", "x/"}));
  ListOptions below;
  below.prefix = "a/";
  below.delimiter = "/";
  EXPECT_EQ(uploads(below).uploads.size(), 3u);
  below.prefix = "x/a";
  EXPECT_EQ(uploads(below).prefixes, (std::vector<std::string>{"x/a/"}));
  below.limit = 0;
  EXPECT_FALSE(uploads(below).more);
}

TEST(ObjectIds, OfTheFormatsPageHasItsNumber) {
  EXPECT_EQ(number_of_id("AAECAwQFBgcICQoLDA0OD4vA4wIlRGeG"), 42);
}

TEST_F(Multipart, OneUploadTooManyIsBusy) {
  uploads_max_ = 3;
  reopen();
  std::string first = start("a");
  start("b");
  start("c");
  Upload upload;
  upload.key = "d";
  auto refused = objects_->start_upload("photos", upload);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_GT(refused.error().retry_after_ms, 0);
  ASSERT_TRUE(objects_->abort_upload("photos", "a", first));
  reopen();
  EXPECT_TRUE(objects_->start_upload("photos", upload));
  EXPECT_FALSE(objects_->start_upload("photos", upload));
}

TEST_F(Multipart, OnAVersionedBucketMakesAVersion) {
  ASSERT_TRUE(objects_->change_bucket("photos", [](Bucket& b) { b.versioning = Versioning::kEnabled; }));
  put("m", "first");
  std::string id = start("m");
  Version version = complete(request("m", id, {part("m", id, 1, large_)}));
  EXPECT_NE(version.id, kNullVersion);
  EXPECT_EQ(versions_of("photos").size(), 2u);
  EXPECT_EQ(bytes_of("m"), large_);
}

TEST_F(Multipart, CompletionsOfOneUploadAtOnceMakeOneObject) {
  std::string id = start("m");
  CompletePart a = part("m", id, 1, large_);
  std::atomic<int> done = 0;
  std::vector<std::string> etags(4);
  std::vector<uint64_t> sequencers(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < etags.size(); ++t)
    threads.emplace_back([&, t] {
      CompleteFailure failure;
      auto version = objects_->complete_upload(request("m", id, {a}), failure);
      if (!version) return;
      ++done;
      etags[t] = version->etag;
      sequencers[t] = version->sequencer;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 4);
  EXPECT_EQ(std::ranges::count(etags, etags[0]), 4);
  EXPECT_EQ(std::ranges::count(sequencers, sequencers[0]), 4);
  EXPECT_EQ(events().size(), 1u);
}

// Whoever wins: the object is there whole, or not at all, and no bytes are left without a row.
TEST_F(Multipart, CompletingAbortingAndPuttingPartsAtOnceLeaveNothingHalf) {
  for (int round = 0; round < 20; ++round) {
    std::string key = fmt::format("m{}", round);
    std::string id = start(key);
    CompletePart a = part(key, id, 1, large_);
    CompletePart b = part(key, id, 2, std::string(2000, 'b'));
    std::atomic<bool> completed = false, aborted = false;
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      CompleteFailure failure;
      completed = objects_->complete_upload(request(key, id, {a, b}), failure).has_value();
    });
    threads.emplace_back([&] { aborted = objects_->abort_upload("photos", key, id).has_value(); });
    threads.emplace_back([&] {
      auto stored = try_part(key, id, 2, std::string(2000, 'b'));  // the same bytes in another file
      if (!stored) {
        EXPECT_EQ(stored.error().code, Code::kNotFound);
      }
      stored = try_part(key, id, 3, large_);
      if (!stored) {
        EXPECT_EQ(stored.error().code, Code::kNotFound);
      }
    });
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(completed.load(), aborted.load()) << round;
    if (completed) {
      EXPECT_EQ(bytes_of(key), large_ + std::string(2000, 'b'));
    }
    if (!completed) {
      EXPECT_EQ(objects_->head("photos", key).error().code, Code::kNotFound);
    }
  }
  EXPECT_EQ(rows_of("object_uploads"), 0);
  EXPECT_EQ(rows_of("object_upload_parts"), 0);
  EXPECT_EQ(static_cast<int64_t>(blob_files()), rows_of("object_segments"));
}

TEST_F(Multipart, ManyOpenUploadsDontSlowDownWhatIsDone) {
  // As start_upload() writes them, in one transaction.
  ASSERT_TRUE(metastore_->transact([&](meta::Transaction& transaction) -> Status {
    TARN_TRY(transaction.execute(
        "INSERT INTO object_uploads (bucket_id, key, number, id, owner, started_us, storage_class, "
        "full_object, "
        "attributes) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT (SELECT id FROM object_buckets), 'k' || (i % 100) || '/' || i, i + 1000000, 'x' || i, 'o', "
        "0, "
        "'STANDARD', 0, '{}' FROM n"));
    TARN_TRY(
        transaction.execute("UPDATE object_counters SET value = value + 100000 WHERE name = 'open_uploads'"));
    return {};
  }));
  auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    std::string id = start("m");
    complete(request("m", id, {part("m", id, 1, small_)}));
    ListOptions options;
    options.delimiter = "/";
    options.prefix = "k";
    UploadPage page = uploads(options);
    ASSERT_EQ(page.prefixes.size(), 100u);
  }
  // A scan of all would take 20 × 100,000 rows or more.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(4));
  EXPECT_EQ(rows_of("object_uploads"), 100'000);
}

}  // namespace
}  // namespace tarn::store
