// PutObject: what it takes, what it refuses, what it keeps.
#include "doors/aws/s3/object_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

class PutObject : public ObjectWorld {};

const std::string kHello = "hello";
constexpr const char* kHelloMd5 = "5d41402abc4b2a76b9719d911017c592";
constexpr const char* kHelloMd5Base64 = "XUFAKrxLKna5cZ2REBfFkg==";

struct Sum {
  std::string name;
  std::string of_hello;
  std::string other;
};
const Sum kSums[] = {
    {"crc32", "NhCmhg==", "NhCmhw=="},
    {"crc32c", "mnG7TA==", "mnG7TQ=="},
    {"sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=", "qvTGHdzF6KLavt4PO0gs2a6pQ04="},
    {"sha256",
     "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCU="},
    {"crc64nvme", "M3eFcAZSQlc=", "M3eFcAZSQlg="},
};

TEST_F(PutObject, KeepsBytesAndTellsTheirDigests) {
  Told told = put("a", kHello);
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.header("etag"), "\"" + std::string(kHelloMd5) + "\"");
  EXPECT_EQ(told.header("x-amz-checksum-crc64nvme"), "M3eFcAZSQlc=");
  EXPECT_EQ(told.header("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(told.header("x-amz-server-side-encryption"), "AES256");
  EXPECT_FALSE(told.headers.contains("x-amz-version-id"));
  EXPECT_EQ(get("a").body, kHello);
}

TEST_F(PutObject, TakesBodiesOfEverySizeInPieces) {
  for (size_t size : {0ul, 1ul, 4095ul, 4096ul, 16'384ul, 16'385ul, 262'144ul, 262'145ul, 1'000'000ul}) {
    std::string body(size, 'x');
    for (size_t i = 0; i < size; i += 31) body[i] = static_cast<char>(i);
    for (bool known : {true, false}) {
      Told told = run(put_object, {.method = "PUT",
                                   .key = "a",
                                   .body = body,
                                   .length_known = known,
                                   .chunked = !known,
                                   .piece = 10'007});
      ASSERT_EQ(told.status, 200) << size << told.message;
      EXPECT_TRUE(get("a").body == body) << size;
    }
  }
}

TEST_F(PutObject, VerifiesEachChecksumInHeaderAndTrailer) {
  for (const Sum& sum : kSums) {
    std::string name = "x-amz-checksum-" + sum.name;
    Told right = put("a", kHello, {{name, sum.of_hello}});
    EXPECT_EQ(right.status, 200) << sum.name << right.message;
    EXPECT_EQ(right.header(name), sum.of_hello);
    EXPECT_EQ(get("a", {{"x-amz-checksum-mode", "ENABLED"}}).header(name), sum.of_hello);

    Told wrong = put("a", kHello, {{name, sum.other}});
    EXPECT_EQ(wrong.code, "BadDigest") << sum.name;
    EXPECT_EQ(wrong.status, 400);
    std::string upper = sum.name;
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    EXPECT_EQ(wrong.message, "The " + upper + " you specified did not match the calculated checksum.");

    for (const char* bad : {"NhCmhg", "!!!", "AAAAAAAAAA=="}) {
      Told malformed = put("a", kHello, {{name, bad}});
      EXPECT_EQ(malformed.code, "InvalidRequest") << sum.name;
      EXPECT_EQ(malformed.message, "Value for " + name + " header is invalid.");
    }
    auto trailing = [&](std::vector<http::Header> trailers) {
      return run(put_object, {.method = "PUT",
                              .key = "t",
                              .headers = {{"x-amz-trailer", name}},
                              .body = kHello,
                              .trailers = std::move(trailers),
                              .chunked = true});
    };
    EXPECT_EQ(trailing({{name, sum.of_hello}}).status, 200) << sum.name;
    EXPECT_EQ(trailing({{name, sum.other}}).code, "BadDigest") << sum.name;
    EXPECT_EQ(trailing({{name, "x"}}).code, "InvalidRequest") << sum.name;
    EXPECT_EQ(trailing({}).code, "InvalidRequest") << sum.name;
  }
  EXPECT_EQ(get("a").body, kHello);
}

TEST_F(PutObject, RefusesChecksumsThatContradictEachOther) {
  EXPECT_EQ(
      put("a", kHello, {{"x-amz-checksum-crc32", "NhCmhg=="}, {"x-amz-checksum-crc32c", "mnG7TA=="}}).code,
      "InvalidRequest");
  EXPECT_EQ(
      put("a", kHello, {{"x-amz-checksum-crc32", "NhCmhg=="}, {"x-amz-trailer", "x-amz-checksum-crc32"}})
          .code,
      "InvalidRequest");
  EXPECT_EQ(put("a", kHello, {{"x-amz-sdk-checksum-algorithm", "CRC32"}}).code, "InvalidRequest");
  EXPECT_EQ(
      put("a", kHello, {{"x-amz-sdk-checksum-algorithm", "SHA1"}, {"x-amz-checksum-crc32", "NhCmhg=="}}).code,
      "InvalidRequest");
  EXPECT_EQ(
      put("a", kHello, {{"x-amz-sdk-checksum-algorithm", "SUM"}, {"x-amz-checksum-crc32", "NhCmhg=="}}).code,
      "InvalidRequest");
  EXPECT_EQ(put("a", kHello, {{"x-amz-checksum-xxhash3", "x"}}).code, "NotImplemented");
  EXPECT_EQ(put("a", kHello, {{"x-amz-trailer", "x-amz-meta-a"}}).code, "InvalidRequest");
  EXPECT_EQ(get("a").code, "NoSuchKey");
}

TEST_F(PutObject, VerifiesContentMd5) {
  EXPECT_EQ(put("a", kHello, {{"Content-MD5", kHelloMd5Base64}}).status, 200);
  Told wrong = put("b", kHello, {{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}});
  EXPECT_EQ(wrong.code, "BadDigest");
  EXPECT_EQ(wrong.fields["CalculatedDigest"], kHelloMd5Base64);
  EXPECT_EQ(wrong.fields["ExpectedDigest"], "AAAAAAAAAAAAAAAAAAAAAA==");
  for (const char* bad : {"", "AAAA", "not base64", kHelloMd5}) {
    Told refused = put("b", kHello, {{"Content-MD5", bad}});
    EXPECT_EQ(refused.code, "InvalidDigest") << bad;
  }
  EXPECT_EQ(get("b").code, "NoSuchKey");
}

TEST_F(PutObject, NeedsALengthAndKeepsToIt) {
  Told none = run(put_object, {.method = "PUT", .key = "a", .body = kHello, .length_known = false});
  EXPECT_EQ(none.code, "MissingContentLength");
  EXPECT_EQ(none.status, 411);
  Told shorter = run(put_object, {.method = "PUT", .key = "a", .body = kHello, .missing_bytes = 3});
  EXPECT_EQ(shorter.code, "IncompleteBody");
  EXPECT_EQ(get("a").code, "NoSuchKey");
}

TEST_F(PutObject, HasALimit) {
  s3_->put_bytes_max = 10;
  EXPECT_EQ(put("a", "0123456789").status, 200);
  Told large = put("b", "0123456789x");
  EXPECT_EQ(large.code, "EntityTooLarge");
  EXPECT_EQ(large.fields["MaxSizeAllowed"], "10");
  Told chunked = run(put_object, {.method = "PUT",
                                  .key = "b",
                                  .body = std::string(100'000, 'x'),
                                  .length_known = false,
                                  .chunked = true});
  EXPECT_EQ(chunked.code, "EntityTooLarge");
  EXPECT_EQ(get("b").code, "NoSuchKey");
}

TEST_F(PutObject, WritesOnConditions) {
  EXPECT_EQ(put("a", "1", {{"If-Match", kHelloMd5}}).code, "NoSuchKey");
  EXPECT_EQ(put("a", kHello, {{"If-None-Match", "*"}}).status, 200);
  Told second = put("a", "2", {{"If-None-Match", "*"}});
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(second.fields["Condition"], "If-None-Match");
  EXPECT_EQ(put("a", "2", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(get("a").body, kHello);
  EXPECT_EQ(put("a", "2", {{"If-Match", "\"" + std::string(kHelloMd5) + "\""}}).status, 200);
  EXPECT_EQ(get("a").body, "2");
  EXPECT_EQ(put("a", "3", {{"If-None-Match", "\"x\""}}).status, 501);
  EXPECT_EQ(put("a", "3", {{"If-Match", "*"}}).status, 501);
  EXPECT_EQ(put("a", "3", {{"If-Match", "x"}, {"If-None-Match", "*"}}).status, 501);
}

TEST_F(PutObject, GivesHeadersBackAsTheyCame) {
  ASSERT_EQ(put("a", kHello,
                {{"Content-Type", "text/plain; charset=utf-8"},
                 {"Cache-Control", "max-age=1"},
                 {"Content-Disposition", "attachment"},
                 {"Content-Language", "de"},
                 {"Content-Encoding", "aws-chunked,gzip"},
                 {"Expires", "Thu, 01 Jan 2032 00:00:00 GMT"},
                 {"x-amz-website-redirect-location", "/other"},
                 {"X-Amz-Meta-Colour", "red"},
                 {"x-amz-meta-twice", "1"},
                 {"X-Amz-Meta-Twice", "2"},
                 {"x-amz-storage-class", "STANDARD_IA"}})
                .status,
            200);
  for (const Told& told : {get("a"), head("a")}) {
    EXPECT_EQ(told.header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(told.header("cache-control"), "max-age=1");
    EXPECT_EQ(told.header("content-disposition"), "attachment");
    EXPECT_EQ(told.header("content-language"), "de");
    EXPECT_EQ(told.header("content-encoding"), "gzip");
    EXPECT_EQ(told.header("expires"), "Thu, 01 Jan 2032 00:00:00 GMT");
    EXPECT_EQ(told.header("x-amz-website-redirect-location"), "/other");
    EXPECT_EQ(told.header("x-amz-meta-colour"), "red");
    EXPECT_EQ(told.header("x-amz-meta-twice"), "1,2");
    EXPECT_EQ(told.header("x-amz-storage-class"), "STANDARD_IA");
  }
  put("c", kHello, {{"Content-Encoding", "aws-chunked, deflate, gzip"}});
  EXPECT_EQ(head("c").header("content-encoding"), "deflate, gzip");
  put("b", kHello, {{"Content-Encoding", "aws-chunked"}});
  EXPECT_FALSE(get("b").headers.contains("content-encoding"));
  EXPECT_EQ(get("b").header("content-type"), "binary/octet-stream");
}

TEST_F(PutObject, EncodesMetadataThatIsNotAscii) {
  ASSERT_EQ(put("a", kHello, {{"x-amz-meta-name", "Z\xC3\xBCrich"}, {"x-amz-meta-old", "Z\xFCrich"}}).status,
            200);
  EXPECT_EQ(get("a").header("x-amz-meta-name"), "=?UTF-8?B?WsO8cmljaA==?=");
  EXPECT_EQ(get("a").header("x-amz-meta-old"), "=?UTF-8?B?WsO8cmljaA==?=");
}

TEST_F(PutObject, LimitsMetadata) {
  EXPECT_EQ(put("a", kHello, {{"x-amz-meta-a", std::string(2047, 'x')}}).status, 200);
  Told large =
      put("a", kHello, {{"x-amz-meta-a", std::string(2000, 'x')}, {"x-amz-meta-b", std::string(48, 'x')}});
  EXPECT_EQ(large.code, "MetadataTooLarge");
  EXPECT_EQ(large.status, 400);
}

TEST_F(PutObject, RefusesWhatIsNotThere) {
  struct Case {
    std::string header, value, code;
    int status;
  };
  const Case cases[] = {
      {"x-amz-server-side-encryption", "aws:kms", "NotImplemented", 501},
      {"x-amz-server-side-encryption", "rot13", "InvalidArgument", 400},
      {"x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented", 501},
      {"x-amz-grant-read", "id=1", "NotImplemented", 501},
      {"x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented", 501},
      {"x-amz-acl", "public-read", "AccessControlListNotSupported", 400},
      {"x-amz-acl", "nonsense", "InvalidArgument", 400},
      {"x-amz-storage-class", "FLOPPY", "InvalidStorageClass", 400},
      {"x-amz-website-redirect-location", "x", "InvalidRedirectLocation", 400},
      {"x-amz-tagging", "a=1&a=2", "InvalidArgument", 400},
  };
  for (const Case& c : cases) {
    Told told = put("a", kHello, {{c.header, c.value}});
    EXPECT_EQ(told.code, c.code) << c.header;
    EXPECT_EQ(told.status, c.status) << c.header;
  }
  for (const char* acl : {"private", "bucket-owner-full-control", "bucket-owner-read"}) {
    EXPECT_EQ(put("b", kHello, {{"x-amz-acl", acl}}).status, 200) << acl;
  }
  EXPECT_EQ(put("b", kHello, {{"x-amz-server-side-encryption", "AES256"}}).status, 200);
}

TEST_F(PutObject, ChecksKeysAndBuckets) {
  EXPECT_EQ(put(std::string(1024, 'k'), "").status, 200);
  EXPECT_EQ(put(std::string(1025, 'k'), "").code, "KeyTooLongError");
  for (const char* key : {"../a", "a/../../b", "a//../../b", "./../a", "\xff"}) {
    EXPECT_EQ(put(key, "").status, 400) << key;
  }
  for (const char* key : {"a/../b", "a/./b", "/a", "a//b", "..a", "a/..", "x/y/../../z", "ünïcode"}) {
    EXPECT_EQ(put(key, key).status, 200) << key;
    EXPECT_EQ(get(key).body, key);
  }
  Told told = run(put_object, {.method = "PUT", .bucket = "none", .key = "a"});
  EXPECT_EQ(told.code, "NoSuchBucket");
  EXPECT_EQ(told.fields["BucketName"], "bucket-none");
}

TEST_F(PutObject, AsksTheGuardForTagsToo) {
  auto only_put = user(allows("s3:PutObject", "bucket-b/*"));
  auto request = [&](const access::Principal& who, Headers headers) {
    return run(put_object,
               {.method = "PUT", .key = "a", .headers = std::move(headers), .body = "x", .principal = who})
        .code;
  };
  EXPECT_EQ(request(only_put, {}), "");
  EXPECT_EQ(request(only_put, {{"x-amz-tagging", "a=b"}}), "AccessDenied");
  auto both = user(allows("s3:PutObject*", "bucket-b/*"));
  EXPECT_EQ(request(both, {{"x-amz-tagging", "a=b"}}), "");
  auto by_tag = user(allows("s3:PutObject*", "bucket-b/*",
                            R"(, "Condition": {"StringEquals": {"s3:RequestObjectTag/team": "data"}})"));
  EXPECT_EQ(request(by_tag, {{"x-amz-tagging", "team=data"}}), "");
  EXPECT_EQ(request(by_tag, {{"x-amz-tagging", "team=other"}}), "AccessDenied");
  EXPECT_EQ(request(user(allows("s3:PutObject", "bucket-b/x*")), {}), "AccessDenied");
}

TEST_F(PutObject, TellsVersions) {
  version("b", store::Versioning::kEnabled);
  std::string first = put("a", "1").header("x-amz-version-id");
  std::string second = put("a", "2").header("x-amz-version-id");
  EXPECT_FALSE(first.empty());
  EXPECT_NE(first, second);
  EXPECT_EQ(get("a", {}, {{"versionId", first}}).body, "1");
  EXPECT_EQ(get("a").header("x-amz-version-id"), second);
  version("b", store::Versioning::kSuspended);
  EXPECT_EQ(put("a", "3").header("x-amz-version-id"), "null");
  EXPECT_EQ(get("a", {}, {{"versionId", "null"}}).body, "3");
}

TEST_F(PutObject, TakesHeadersFromAPresignedUrlsQuery) {
  Told told = run(put_object, {.method = "PUT",
                               .key = "a",
                               .query = {{"X-Amz-Meta-Colour", "red"},
                                         {"x-amz-checksum-crc32", "NhCmhg=="},
                                         {"x-amz-sdk-checksum-algorithm", "CRC32"}},
                               .body = kHello,
                               .scheme = Scheme::kPresignedV4});
  EXPECT_EQ(told.status, 200) << told.message;
  EXPECT_EQ(get("a").header("x-amz-meta-colour"), "red");
  Told wrong = run(put_object, {.method = "PUT",
                                .key = "a",
                                .query = {{"x-amz-checksum-crc32", "AAAAAA=="}},
                                .body = kHello,
                                .scheme = Scheme::kPresignedV4});
  EXPECT_EQ(wrong.code, "BadDigest");
  Told split = run(put_object, {.method = "PUT",
                                .key = "a",
                                .query = {{"x-amz-meta-a\r\nx", "1"}},
                                .body = kHello,
                                .scheme = Scheme::kPresignedV4});
  EXPECT_EQ(split.code, "InvalidArgument");
  // A query that nobody signed means nothing.
  EXPECT_EQ(run(put_object, {.method = "PUT", .key = "b", .query = {{"x-amz-meta-colour", "red"}}}).status,
            200);
  EXPECT_FALSE(get("b").headers.contains("x-amz-meta-colour"));
}

}  // namespace
}  // namespace tarn::aws::s3
