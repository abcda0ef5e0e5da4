// Multipart uploads: parts, copies, completing with everything that S3 refuses, listings.
#include "doors/aws/s3/door_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

constexpr size_t kMiB5 = 5 << 20;

class Multipart : public DoorWorld {
 protected:
  std::string begin(const std::string& key, Headers headers = {}) {
    Told told = ask("POST", "/bucket-b/" + key + "?uploads", "", std::move(headers));
    EXPECT_EQ(told.status, 200) << told.body;
    auto node = parse_xml(told.body, "InitiateMultipartUploadResult");
    EXPECT_TRUE(node);
    EXPECT_EQ(node->value("Key"), key);
    return node->value("UploadId");
  }
  Told part(const std::string& key, const std::string& id, int number, const std::string& body,
            Headers headers = {}) {
    return ask("PUT", "/bucket-b/" + key + "?partNumber=" + std::to_string(number) + "&uploadId=" + id, body,
               std::move(headers));
  }
  struct Listed {
    int number;
    std::string etag;
    std::string more = {};
  };
  Told complete(const std::string& key, const std::string& id, const std::vector<Listed>& parts,
                Headers headers = {}) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const Listed& one : parts) {
      xml += "<Part><PartNumber>" + std::to_string(one.number) + "</PartNumber><ETag>" + one.etag +
             "</ETag>" + one.more + "</Part>";
    }
    return ask("POST", "/bucket-b/" + key + "?uploadId=" + id, xml + "</CompleteMultipartUpload>",
               std::move(headers));
  }
  const std::string big_ = std::string(kMiB5, 'a');
};

TEST_F(Multipart, PartsBecomeTheObjectOfTheFactSheet) {
  std::string id = begin("big", {{"x-amz-meta-a", "1"}, {"Content-Type", "text/plain"}});
  std::string one = part("big", id, 1, big_).header("etag");
  std::string two = part("big", id, 2, "b").header("etag");
  EXPECT_EQ(part("big", id, 7, "dropped").status, 200);
  // ETags with quotes, without, and quoted twice.
  Told told = complete("big", id, {{1, one}, {2, "&amp;quot;" + two.substr(1, 32) + "&amp;quot;"}});
  ASSERT_EQ(told.status, 200) << told.body;
  auto node = parse_xml(told.body, "CompleteMultipartUploadResult");
  EXPECT_EQ(node->value("ETag"), "\"e5a8c5272b26fc10581a21089559b006-2\"");
  EXPECT_EQ(node->value("Location"), "http://localhost:9700/bucket-b/big");
  EXPECT_EQ(node->value("ChecksumType"), "FULL_OBJECT");
  Told got = ask("GET", "/bucket-b/big");
  EXPECT_TRUE(got.body == big_ + "b");
  EXPECT_EQ(got.header("x-amz-meta-a"), "1");
  // The client that didn't hear the answer asks again.
  Told again = complete("big", id, {{1, one}, {2, two}});
  EXPECT_EQ(parse_xml(again.body, "CompleteMultipartUploadResult")->value("ETag"), node->value("ETag"));
  EXPECT_EQ(part("big", id, 1, "x").code, "NoSuchUpload");
}

TEST_F(Multipart, IsLocatedWhereTheClientFindsIt) {
  for (const auto& [host, target, location] :
       {std::tuple("localhost:9700", "/bucket-b/a%20b", "http://localhost:9700/bucket-b/a%20b"),
        std::tuple("bucket-b.s3.localhost:9700", "/a%20b", "http://bucket-b.s3.localhost:9700/a%20b")}) {
    const Headers at = {{"Host", host}};
    auto made = parse_xml(ask("POST", std::string(target) + "?uploads", "", at).body, "");
    ASSERT_TRUE(made);
    std::string id = "uploadId=" + made->value("UploadId");
    Told part = ask("PUT", std::string(target) + "?partNumber=1&" + id, "x", at);
    ASSERT_EQ(part.status, 200) << part.body;
    auto done = parse_xml(ask("POST", std::string(target) + "?" + id,
                              "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                                  part.header("etag") + "</ETag></Part></CompleteMultipartUpload>",
                              at)
                              .body,
                          "CompleteMultipartUploadResult");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->value("Location"), location);
  }
}

TEST_F(Multipart, ChecksumsOfPartsAreKeptAndPutTogether) {
  for (bool full : {false, true}) {
    std::string type = full ? "FULL_OBJECT" : "COMPOSITE";
    Told begun = ask("POST", "/bucket-b/sums?uploads", "",
                     {{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", type}});
    EXPECT_EQ(begun.header("x-amz-checksum-algorithm"), "CRC32");
    EXPECT_EQ(begun.header("x-amz-checksum-type"), type);
    std::string id = parse_xml(begun.body, "")->value("UploadId");
    Told one = part("sums", id, 1, big_, {{"x-amz-checksum-crc32", "r/zBbw=="}});
    Told two = part("sums", id, 2, "b", {{"x-amz-checksum-crc32", "cb7v+Q=="}});
    EXPECT_EQ(one.header("x-amz-checksum-crc32"), "r/zBbw==");
    EXPECT_EQ(part("sums", id, 3, "b", {{"x-amz-checksum-crc32", "cb7v+A=="}}).code, "BadDigest");
    EXPECT_EQ(part("sums", id, 3, "b", {{"x-amz-checksum-sha1", "6dchtzjpdGFt6u4J0bXUb7fFDFM="}}).message,
              "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha1");
    EXPECT_EQ(part("sums", id, 3, "b").message,
              "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: null");
    std::vector<Listed> bare = {{1, one.header("etag")}, {2, two.header("etag")}};
    std::vector<Listed> summed = {{1, one.header("etag"), "<ChecksumCRC32>r/zBbw==</ChecksumCRC32>"},
                                  {2, two.header("etag"), "<ChecksumCRC32>cb7v+Q==</ChecksumCRC32>"}};
    std::vector<Listed> wrong = {{1, one.header("etag"), "<ChecksumCRC32>cb7v+Q==</ChecksumCRC32>"},
                                 {2, two.header("etag"), "<ChecksumCRC32>cb7v+Q==</ChecksumCRC32>"}};
    EXPECT_EQ(complete("sums", id, wrong).code, "InvalidPart");
    if (!full) {
      EXPECT_EQ(
          complete("sums", id, bare).message,
          "The upload was created using a crc32 checksum. The complete request must include the checksum "
          "for each part. It was missing for part 1 in the request.");
    }
    EXPECT_EQ(
        complete("sums", id, summed, {{"x-amz-checksum-type", full ? "COMPOSITE" : "FULL_OBJECT"}}).code,
        "InvalidRequest");
    EXPECT_EQ(complete("sums", id, summed, {{"x-amz-checksum-crc32", "AAAAAA=="}}).code, "BadDigest");
    std::string whole = full ? "rBxv8Q==" : "dYPmEQ==-2";
    Told done =
        complete("sums", id, summed, {{"x-amz-checksum-crc32", whole}, {"x-amz-checksum-type", type}});
    ASSERT_EQ(done.status, 200) << done.body;
    auto node = parse_xml(done.body, "CompleteMultipartUploadResult");
    EXPECT_EQ(node->value("ChecksumCRC32"), whole);
    EXPECT_EQ(node->value("ChecksumType"), type);
    Told head = ask("HEAD", "/bucket-b/sums", "", {{"x-amz-checksum-mode", "ENABLED"}});
    EXPECT_EQ(head.header("x-amz-checksum-crc32"), whole);
    Told second = ask("GET", "/bucket-b/sums?partNumber=2", "", {{"x-amz-checksum-mode", "ENABLED"}});
    EXPECT_EQ(second.header("x-amz-checksum-crc32"), "cb7v+Q==");
    EXPECT_EQ(second.header("x-amz-checksum-type"), type);
  }
}

TEST_F(Multipart, ChecksumsThatCantBeAreRefusedAtTheBeginning) {
  auto code = [&](const std::string& algorithm, const std::string& type) {
    Headers headers;
    if (!algorithm.empty()) headers.emplace_back("x-amz-checksum-algorithm", algorithm);
    if (!type.empty()) headers.emplace_back("x-amz-checksum-type", type);
    Told told = ask("POST", "/bucket-b/k?uploads", "", headers);
    return told.status == 200 ? told.header("x-amz-checksum-type") : told.code;
  };
  EXPECT_EQ(code("SHA256", ""), "COMPOSITE");
  EXPECT_EQ(code("CRC64NVME", ""), "FULL_OBJECT");
  EXPECT_EQ(code("SHA256", "FULL_OBJECT"), "InvalidRequest");
  EXPECT_EQ(code("CRC64NVME", "COMPOSITE"), "InvalidRequest");
  EXPECT_EQ(code("", "COMPOSITE"), "InvalidRequest");
  EXPECT_EQ(code("", ""), "");
  std::string id = begin("k");
  std::string etag = part("k", id, 1, "x").header("etag");
  EXPECT_EQ(complete("k", id, {{1, etag, "<ChecksumCRC32>cb7v+Q==</ChecksumCRC32>"}}).code, "InvalidPart");
  EXPECT_EQ(
      complete("k", id, {{1, etag}}, {{"x-amz-checksum-type", "COMPOSITE"}}).message,
      "The upload was created using the null checksum mode. The complete request must use the same checksum "
      "mode.");
}

TEST_F(Multipart, ListsOfPartsThatDontFitAreRefused) {
  std::string id = begin("k");
  std::string small = part("k", id, 1, "small").header("etag");
  std::string last = part("k", id, 2, "last").header("etag");
  EXPECT_EQ(complete("k", id, {}).message, "You must specify at least one part");
  EXPECT_EQ(ask("POST", "/bucket-b/k?uploadId=" + id).message, "You must specify at least one part");
  EXPECT_EQ(complete("k", id, {{2, last}, {1, small}}).code, "InvalidPartOrder");
  EXPECT_EQ(complete("k", id, {{3, last}}).code, "InvalidPart");
  EXPECT_EQ(complete("k", id, {{2, small}}).code, "InvalidPart");
  EXPECT_EQ(complete("k", id, {{0, small}}).code, "InvalidArgument");
  EXPECT_EQ(complete("k", id, {{10'001, small}}).code, "InvalidArgument");
  Told tiny = complete("k", id, {{1, small}, {2, last}});
  EXPECT_EQ(tiny.code, "EntityTooSmall");
  EXPECT_EQ(tiny.fields["ProposedSize"], "5");
  EXPECT_EQ(tiny.fields["MinSizeAllowed"], "5242880");
  EXPECT_EQ(tiny.fields["PartNumber"], "1");
  EXPECT_EQ(tiny.fields["ETag"], small.substr(1, 32));
  EXPECT_EQ(complete("k", id, {{2, last}}, {{"x-amz-mp-object-size", "5"}}).code, "InvalidRequest");
  EXPECT_EQ(complete("k", "nonsense", {{2, last}}).code, "NoSuchUpload");
  EXPECT_EQ(complete("other", id, {{2, last}}).code, "NoSuchUpload");
  EXPECT_EQ(ask("POST", "/bucket-b/k?uploadId=" + id, "<Other/>").code, "MalformedXML");
  EXPECT_EQ(complete("k", id, {{2, last}}, {{"If-None-Match", "x"}}).code, "NotImplemented");
  EXPECT_EQ(complete("k", id, {{2, last}}, {{"If-Match", "abc"}}).code, "NoSuchKey");
  EXPECT_EQ(complete("k", id, {{2, last}}, {{"If-None-Match", "*"}, {"x-amz-mp-object-size", "4"}}).status,
            200);
  std::string next = begin("k");
  std::string etag = part("k", next, 1, "next").header("etag");
  EXPECT_EQ(complete("k", next, {{1, etag}}, {{"If-None-Match", "*"}}).code, "PreconditionFailed");
}

TEST_F(Multipart, PartNumbersAndIdsAreChecked) {
  std::string id = begin("k");
  EXPECT_EQ(part("k", id, 0, "x").code, "InvalidArgument");
  EXPECT_EQ(part("k", id, 10'001, "x").code, "InvalidArgument");
  EXPECT_EQ(part("k", "nonsense", 1, "x").code, "NoSuchUpload");
  EXPECT_EQ(ask("PUT", "/bucket-b/k?partNumber=1", "x").code, "InvalidArgument");
  EXPECT_EQ(ask("PUT", "/bucket-b/k?uploadId=" + id, "x").code, "InvalidArgument");
  EXPECT_EQ(ask("GET", "/bucket-b/k").code, "NoSuchKey");  // none of these became the object
  EXPECT_EQ(ask("DELETE", "/bucket-b/k?uploadId=" + id).status, 204);
  EXPECT_EQ(ask("DELETE", "/bucket-b/k?uploadId=" + id).code, "NoSuchUpload");
  EXPECT_EQ(part("k", id, 1, "x").code, "NoSuchUpload");
}

TEST_F(Multipart, CopiesRangesOfOtherObjects) {
  ASSERT_EQ(put("source", "0123456789").status, 200);
  std::string id = begin("k");
  auto copy = [&](int number, const std::string& range, const std::string& source = "bucket-b/source") {
    Headers headers = {{"x-amz-copy-source", source}};
    if (!range.empty()) headers.emplace_back("x-amz-copy-source-range", range);
    return part("k", id, number, "", headers);
  };
  Told told = copy(1, "bytes=2-5");
  ASSERT_EQ(told.status, 200) << told.body;
  auto node = parse_xml(told.body, "CopyPartResult");
  EXPECT_EQ(node->value("ETag"), "\"81b073de9370ea873f548e31b8adc081\"");
  EXPECT_EQ(copy(2, "").status, 200);
  for (const char* bad : {"bytes=2-", "bytes=-5", "2-5", "bytes=5-2", "bytes=0-1,3-4"}) {
    EXPECT_EQ(copy(3, bad).code, "InvalidArgument") << bad;
  }
  EXPECT_EQ(copy(3, "bytes=0-10").code, "InvalidArgument");
  EXPECT_EQ(copy(3, "", "bucket-b/none").code, "NoSuchKey");
  ASSERT_EQ(complete("k", id, {{1, node->value("ETag")}}).status, 200);
  EXPECT_EQ(ask("GET", "/bucket-b/k").body, "2345");
}

TEST_F(Multipart, PartsAreListedInPages) {
  std::string id =
      begin("k", {{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-storage-class", "STANDARD_IA"}});
  for (int number : {1, 3, 9}) {
    ASSERT_EQ(part("k", id, number, "b", {{"x-amz-checksum-crc32", "cb7v+Q=="}}).status, 200);
  }
  XmlNode all = ask_xml("/bucket-b/k?uploadId=" + id, "ListPartsResult");
  EXPECT_EQ(texts(all, "Part", "PartNumber"), "1 3 9");
  EXPECT_EQ(texts(all, "Part", "ChecksumCRC32"), "cb7v+Q== cb7v+Q== cb7v+Q==");
  EXPECT_EQ(all.value("ChecksumType"), "COMPOSITE");
  EXPECT_EQ(all.value("StorageClass"), "STANDARD_IA");
  EXPECT_EQ(all.value("MaxParts"), "1000");
  EXPECT_EQ(all.value("NextPartNumberMarker"), "9");
  EXPECT_EQ(all.child("Part")->value("ETag"), "\"92eb5ffee6ae2fec3ad71c777531578f\"");
  XmlNode page = ask_xml("/bucket-b/k?max-parts=1&part-number-marker=1&uploadId=" + id, "ListPartsResult");
  EXPECT_EQ(texts(page, "Part", "PartNumber"), "3");
  EXPECT_EQ(page.value("IsTruncated"), "true");
  EXPECT_EQ(page.value("NextPartNumberMarker"), "3");
  EXPECT_EQ(page.value("PartNumberMarker"), "1");
  XmlNode none = ask_xml("/bucket-b/k?part-number-marker=9&uploadId=" + id, "ListPartsResult");
  EXPECT_EQ(none.value("NextPartNumberMarker"), "0");
  EXPECT_EQ(ask("GET", "/bucket-b/k?uploadId=nonsense").code, "NoSuchUpload");
  EXPECT_EQ(ask("GET", "/bucket-b/k?max-parts=x&uploadId=" + id).code, "InvalidArgument");
}

TEST_F(Multipart, UploadsAreListedInPages) {
  begin("a");
  begin("a");
  begin("b/1");
  begin("b/2");
  begin("c");
  XmlNode all = ask_xml("/bucket-b?uploads&delimiter=/", "ListMultipartUploadsResult");
  EXPECT_EQ(texts(all, "Upload", "Key"), "a a c");
  EXPECT_EQ(texts(all, "CommonPrefixes", "Prefix"), "b/");
  ASSERT_NE(all.child("NextKeyMarker"), nullptr);
  ASSERT_NE(all.child("NextUploadIdMarker"), nullptr);
  EXPECT_EQ(all.child("Upload")->child("Initiator")->value("DisplayName"), "root");
  EXPECT_EQ(texts(ask_xml("/bucket-b?uploads&prefix=b/", "ListMultipartUploadsResult"), "Upload", "Key"),
            "b/1 b/2");
  std::string seen;
  std::string key;
  std::string id;
  for (int pages = 0; pages < 10; ++pages) {
    XmlNode page = ask_xml("/bucket-b?uploads&max-uploads=1" + (key.empty() ? "" : "&key-marker=" + key) +
                               (id.empty() ? "" : "&upload-id-marker=" + id),
                           "ListMultipartUploadsResult");
    seen += texts(page, "Upload", "Key") + " ";
    if (page.value("IsTruncated") != "true") break;
    key = page.value("NextKeyMarker");
    id = page.value("NextUploadIdMarker");
  }
  EXPECT_EQ(seen, "a a b/1 b/2 c ");
  EXPECT_EQ(ask("GET", "/bucket-b?uploads&key-marker=a&upload-id-marker=%21").code, "InvalidArgument");
}

TEST_F(Multipart, AskTheGuard) {
  std::string id = begin("mine/k");
  std::string other = new_user("other", allows("s3:PutObject", "bucket-b/theirs/*"));
  EXPECT_EQ(ask("POST", "/bucket-b/mine/k?uploads", "", {}, other).status, 403);
  EXPECT_EQ(ask("PUT", "/bucket-b/mine/k?partNumber=1&uploadId=" + id, "x", {}, other).status, 403);
  EXPECT_EQ(ask("POST", "/bucket-b/mine/k?uploadId=" + id, "x", {}, other).status, 403);
  EXPECT_EQ(ask("DELETE", "/bucket-b/mine/k?uploadId=" + id, "", {}, other).status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b/mine/k?uploadId=" + id, "", {}, other).status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b?uploads", "", {}, other).status, 403);
  EXPECT_EQ(ask("POST", "/bucket-b/theirs/k?uploads", "", {}, other).status, 200);
}

}  // namespace
}  // namespace tarn::aws::s3
