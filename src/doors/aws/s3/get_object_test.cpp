// GetObject, HeadObject, GetObjectAttributes: ranges, parts, conditions, versions.
#include "doors/aws/s3/object_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

class GetObject : public ObjectWorld {
 protected:
  // Small ones are in the row, large ones are files.
  static std::string bytes(size_t size) {
    std::string out(size, '\0');
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i * 7 % 26);
    return out;
  }
};

TEST_F(GetObject, GivesRangesOfSmallAndLargeObjects) {
  for (size_t size : {100ul, 100'000ul}) {
    std::string body = bytes(size);
    put("a", body);
    struct Case {
      std::string range;
      size_t begin, length;
    };
    const Case cases[] = {
        {"bytes=0-0", 0, 1},
        {"bytes=5-9", 5, 5},
        {"bytes=50-", 50, size - 50},
        {"bytes=-7", size - 7, 7},
        {"bytes=90-9999999", 90, size - 90},
        {"bytes=0-", 0, size},
    };
    for (const Case& c : cases) {
      Told told = get("a", {{"Range", c.range}});
      EXPECT_EQ(told.status, 206) << c.range;
      EXPECT_TRUE(told.body == body.substr(c.begin, c.length)) << c.range;
      EXPECT_EQ(told.length, c.length);
      EXPECT_TRUE(told.whole);
      EXPECT_EQ(told.header("content-range"), "bytes " + std::to_string(c.begin) + "-" +
                                                  std::to_string(c.begin + c.length - 1) + "/" +
                                                  std::to_string(size));
      Told headed = head("a", {{"Range", c.range}});
      EXPECT_EQ(headed.status, 206);
      EXPECT_EQ(headed.length, c.length);
      EXPECT_EQ(headed.body, "");
    }
    for (const char* odd : {"bytes=5-2", "bytes=0-1,5-6", "nonsense"}) {
      Told told = get("a", {{"Range", odd}});
      EXPECT_EQ(told.status, 200) << odd;
      EXPECT_TRUE(told.body == body) << odd;
    }
    Told beyond = get("a", {{"Range", "bytes=" + std::to_string(size) + "-"}});
    EXPECT_EQ(beyond.status, 416);
    EXPECT_EQ(beyond.code, "InvalidRange");
    EXPECT_EQ(beyond.fields["ActualObjectSize"], std::to_string(size));
    EXPECT_EQ(beyond.fields["RangeRequested"], "bytes=" + std::to_string(size) + "-");
  }
}

TEST_F(GetObject, AnswersHeadWithoutBytes) {
  put("a", bytes(20'000));
  put("empty", "");
  Told told = head("a");
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.length, 20'000u);
  EXPECT_EQ(told.body, "");
  EXPECT_TRUE(told.whole);
  EXPECT_EQ(told.header("accept-ranges"), "bytes");
  EXPECT_EQ(told.header("last-modified"), "Mon, 21 Sep 2026 14:13:20 GMT");
  EXPECT_EQ(get("empty").status, 200);
  EXPECT_EQ(get("empty").body, "");
  EXPECT_EQ(get("empty", {{"Range", "bytes=0-"}}).status, 416);
  EXPECT_EQ(head("none").status, 404);
}

TEST_F(GetObject, AnswersConditions) {
  put("a", "hello", {{"Cache-Control", "max-age=9"}, {"Content-Type", "text/plain"}});
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  const std::string before = "Mon, 21 Sep 2026 14:13:19 GMT";
  const std::string same = "Mon, 21 Sep 2026 14:13:20 GMT";
  EXPECT_EQ(get("a", {{"If-Match", etag}}).status, 200);
  Told failed = get("a", {{"If-Match", "\"x\""}});
  EXPECT_EQ(failed.status, 412);
  EXPECT_EQ(failed.code, "PreconditionFailed");
  EXPECT_EQ(failed.fields["Condition"], "If-Match");
  Told unchanged = get("a", {{"If-None-Match", etag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(unchanged.header("etag"), etag);
  EXPECT_EQ(unchanged.header("cache-control"), "max-age=9");
  EXPECT_FALSE(unchanged.headers.contains("content-type"));
  EXPECT_EQ(get("a", {{"If-None-Match", "\"x\""}}).status, 200);
  EXPECT_EQ(get("a", {{"If-Modified-Since", same}}).status, 304);
  EXPECT_EQ(get("a", {{"If-Modified-Since", before}}).status, 200);
  EXPECT_EQ(get("a", {{"If-Unmodified-Since", before}}).status, 412);
  EXPECT_EQ(get("a", {{"If-Unmodified-Since", same}}).status, 200);
  EXPECT_EQ(get("a", {{"If-Match", etag}, {"If-Unmodified-Since", before}}).status, 200);
  EXPECT_EQ(get("a", {{"If-None-Match", "\"x\""}, {"If-Modified-Since", same}}).status, 200);
  EXPECT_EQ(head("a", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(get("a", {{"Range", "bytes=0-1"}, {"If-Range", etag}}).status, 206);
  EXPECT_EQ(get("a", {{"Range", "bytes=0-1"}, {"If-Range", "\"x\""}}).status, 200);
}

TEST_F(GetObject, OverridesHeadersForSignedRequestsOnly) {
  put("a", "hello", {{"Content-Type", "text/plain"}});
  const Query query = {{"response-content-type", "text/html"}, {"response-content-disposition", "inline"},
                       {"response-content-encoding", "br"},    {"response-content-language", "fr"},
                       {"response-expires", "soon"},           {"response-cache-control", "no-cache"}};
  Told told = get("a", {}, query);
  EXPECT_EQ(told.header("content-type"), "text/html");
  EXPECT_EQ(told.header("content-disposition"), "inline");
  EXPECT_EQ(told.header("content-encoding"), "br");
  EXPECT_EQ(told.header("content-language"), "fr");
  EXPECT_EQ(told.header("expires"), "soon");
  EXPECT_EQ(told.header("cache-control"), "no-cache");
  EXPECT_EQ(run(get_object, {.key = "a", .query = query, .scheme = Scheme::kNone}).code, "InvalidRequest");
  EXPECT_EQ(get("a", {}, {{"response-content-type", "a\r\nb: c"}}).code, "InvalidArgument");
}

TEST_F(GetObject, GivesChecksumsWhenAskedAndNotOfRanges) {
  put("a", "hello", {{"x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="}});
  EXPECT_FALSE(get("a").headers.contains("x-amz-checksum-sha1"));
  Told told = get("a", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(told.header("x-amz-checksum-sha1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
  EXPECT_EQ(told.header("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_FALSE(get("a", {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}})
                   .headers.contains("x-amz-checksum-sha1"));
}

TEST_F(GetObject, GivesPartsOfMultipartObjects) {
  const size_t part = 5u << 20;
  store::Upload start;
  start.key = "m";
  auto upload = objects_->start_upload("bucket-b", start).value();
  store::CompleteRequest complete;
  complete.bucket = "bucket-b";
  complete.key = "m";
  complete.upload_id = upload;
  // The numbers have a gap: a reader counts 1, 2.
  for (auto [number, size] : {std::pair<int, size_t>{3, part}, {7, 10}}) {
    auto writer = objects_->writer(size, {}).value();
    ASSERT_TRUE(writer->write(std::string(size, static_cast<char>('0' + number))));
    ASSERT_TRUE(writer->finish());
    auto put_part = objects_->put_part("bucket-b", "m", upload, number, std::move(writer), std::nullopt);
    ASSERT_TRUE(put_part) << put_part.error().message;
    std::string etag;
    for (char c : put_part->md5) {
      char hex[3];
      std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned char>(c));
      etag += hex;
    }
    complete.parts.push_back({number, etag, std::nullopt});
  }
  store::CompleteFailure failure;
  auto done = objects_->complete_upload(complete, failure);
  ASSERT_TRUE(done) << done.error().message;

  Told second = get("m", {}, {{"partNumber", "2"}});
  EXPECT_EQ(second.status, 206);
  EXPECT_EQ(second.body, "7777777777");
  EXPECT_EQ(second.header("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(second.header("content-range"), "bytes 5242880-5242889/5242890");
  EXPECT_EQ(head("m", {}, {{"partNumber", "1"}}).length, part);
  Told third = get("m", {}, {{"partNumber", "3"}});
  EXPECT_EQ(third.status, 416);
  EXPECT_EQ(third.code, "InvalidPartNumber");
  EXPECT_EQ(get("m", {{"Range", "bytes=0-1"}}, {{"partNumber", "1"}}).code, "InvalidRequest");
  for (const char* bad : {"0", "x", "10001", "-1", ""}) {
    EXPECT_EQ(get("m", {}, {{"partNumber", bad}}).code, "InvalidArgument") << bad;
  }
  EXPECT_FALSE(get("m").headers.contains("x-amz-mp-parts-count"));
  // Across the parts' border.
  EXPECT_EQ(get("m", {{"Range", "bytes=5242878-5242881"}}).body, "3377");

  Told attributes =
      run(get_object_attributes, {.key = "m", .headers = {{"x-amz-object-attributes", "ETag,ObjectParts"}}});
  EXPECT_NE(attributes.body.find("<PartsCount>2</PartsCount>"), std::string::npos) << attributes.body;
  EXPECT_NE(attributes.body.find("<ETag>" + done->etag + "</ETag>"), std::string::npos);
}

TEST_F(GetObject, TakesAnyObjectForOneOfOnePart) {
  put("a", "hello");
  Told told = get("a", {}, {{"partNumber", "1"}});
  EXPECT_EQ(told.status, 206);
  EXPECT_EQ(told.body, "hello");
  EXPECT_FALSE(told.headers.contains("x-amz-mp-parts-count"));
  EXPECT_EQ(get("a", {}, {{"partNumber", "2"}}).code, "InvalidPartNumber");
}

TEST_F(GetObject, TellsDeleteMarkersAndUnknownVersions) {
  version("b", store::Versioning::kEnabled);
  std::string first = put("a", "1").header("x-amz-version-id");
  Told removed = run(delete_object, {.method = "DELETE", .key = "a"});
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(removed.header("x-amz-delete-marker"), "true");
  std::string marker = removed.header("x-amz-version-id");
  Told gone = get("a");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.code, "NoSuchKey");
  EXPECT_EQ(gone.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(gone.header("x-amz-version-id"), marker);
  Told named = get("a", {}, {{"versionId", marker}});
  EXPECT_EQ(named.status, 405);
  EXPECT_EQ(named.code, "MethodNotAllowed");
  EXPECT_EQ(named.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(get("a", {}, {{"versionId", first}}).body, "1");
  EXPECT_EQ(get("a", {}, {{"versionId", ""}}).code, "InvalidArgument");
  EXPECT_EQ(get("a", {}, {{"versionId", "x' OR 1=1"}}).code, "InvalidArgument");
  std::string unknown = first;
  unknown.back() = unknown.back() == '0' ? '1' : '0';
  EXPECT_EQ(get("a", {}, {{"versionId", unknown}}).code, "NoSuchVersion");
}

TEST_F(GetObject, AsksTheGuard) {
  put("a", "1", {{"x-amz-tagging", "team=data"}});
  put("other", "2");
  auto status = [&](const access::Principal& who, const std::string& key, Query query = {}) {
    return run(get_object, {.key = key, .query = std::move(query), .principal = who}).status;
  };
  auto reads_a = user(allows("s3:GetObject", "bucket-b/a"));
  EXPECT_EQ(status(reads_a, "a"), 200);
  EXPECT_EQ(status(reads_a, "other"), 403);
  EXPECT_EQ(status(reads_a, "a", {{"versionId", "null"}}), 403);
  EXPECT_EQ(status(user(allows("s3:GetObjectVersion", "bucket-b/a")), "a", {{"versionId", "null"}}), 200);
  // What isn't there is told to those who may list only.
  auto reads_all = user(allows("s3:GetObject", "bucket-b/*"));
  EXPECT_EQ(status(reads_all, "none"), 403);
  auto lists = user(allows("s3:GetObject", "bucket-b/*") + "," + allows("s3:ListBucket", "bucket-b"));
  EXPECT_EQ(status(lists, "none"), 404);
  auto by_tag = user(allows("s3:GetObject", "bucket-b/*",
                            R"(, "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "data"}})"));
  EXPECT_EQ(status(by_tag, "a"), 200);
  EXPECT_EQ(status(by_tag, "other"), 403);
  // The number of tags is told to those who may read them.
  EXPECT_EQ(get("a").header("x-amz-tagging-count"), "1");
  EXPECT_FALSE(run(get_object, {.key = "a", .principal = reads_a}).headers.contains("x-amz-tagging-count"));
}

TEST_F(GetObject, AsksTheGuardForMoreWithTheTagsToo) {
  put("a", "1", {{"x-amz-tagging", "team=data"}});
  put("other", "1", {{"x-amz-tagging", "team=sales"}});
  auto by_tag = user(allows("s3:GetObject*", "bucket-b/*",
                            R"(, "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "data"}})"));
  EXPECT_EQ(run(get_object, {.key = "a", .principal = by_tag}).header("x-amz-tagging-count"), "1");
  auto attributes = [&](const std::string& key, const access::Principal& who) {
    return run(get_object_attributes,
               {.key = key, .headers = {{"x-amz-object-attributes", "ETag"}}, .principal = who})
        .status;
  };
  EXPECT_EQ(attributes("a", by_tag), 200);
  EXPECT_EQ(attributes("other", by_tag), 403);
  auto denied = user(allows("s3:GetObject*", "bucket-b/*") +
                     R"(, {"Effect": "Deny", "Action": "s3:GetObjectAttributes", "Resource": "*",
                           "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "sales"}}})");
  EXPECT_EQ(attributes("a", denied), 200);
  EXPECT_EQ(attributes("other", denied), 403);
}

TEST_F(GetObject, TellsWhenAnObjectWillExpire) {
  put("logs/a", "1");
  objects_
      ->set_document("bucket-b", "lifecycle",
                     R"({"rules": [{"id": "old logs", "prefix": "logs/", "expire_days": 3}]})")
      .value();
  std::string told = get("logs/a").header("x-amz-expiration");
  EXPECT_NE(told.find("rule-id=\"old%20logs\""), std::string::npos) << told;
  EXPECT_NE(told.find("expiry-date=\"Fri, 25 Sep 2026 00:00:00 GMT\""), std::string::npos) << told;
  put("a", "1");
  EXPECT_FALSE(get("a").headers.contains("x-amz-expiration"));
}

TEST_F(GetObject, TellsAttributes) {
  put("a", "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}});
  auto ask = [&](const std::string& what) {
    return run(get_object_attributes, {.key = "a", .headers = {{"x-amz-object-attributes", what}}});
  };
  Told told = ask("ETag,Checksum,ObjectParts,StorageClass,ObjectSize");
  EXPECT_EQ(told.status, 200);
  for (const char* piece :
       {"<ETag>5d41402abc4b2a76b9719d911017c592</ETag>", "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>",
        "<ChecksumType>FULL_OBJECT</ChecksumType>", "<StorageClass>STANDARD</StorageClass>",
        "<ObjectSize>5</ObjectSize>"}) {
    EXPECT_NE(told.body.find(piece), std::string::npos) << piece << told.body;
  }
  EXPECT_EQ(told.body.find("ObjectParts"), std::string::npos);
  EXPECT_EQ(told.header("last-modified"), "Mon, 21 Sep 2026 14:13:20 GMT");
  EXPECT_EQ(ask("ObjectSize").body.find("ETag"), std::string::npos);
  EXPECT_EQ(ask("").code, "InvalidRequest");
  EXPECT_EQ(ask("Colour").code, "InvalidArgument");
}

TEST_F(GetObject, ReadsWhatIsArchivedByName) {
  put("a", "cold", {{"x-amz-storage-class", "GLACIER"}});
  EXPECT_EQ(get("a").body, "cold");
  EXPECT_NE(get("a").header("x-amz-restore").find("ongoing-request=\"false\""), std::string::npos);
  EXPECT_EQ(run(restore_object, {.method = "POST", .key = "a"}).status, 200);
  put("b", "warm");
  Told told = run(restore_object, {.method = "POST", .key = "b"});
  EXPECT_EQ(told.code, "InvalidObjectState");
  EXPECT_EQ(told.status, 403);
}

}  // namespace
}  // namespace tarn::aws::s3
