#include "doors/aws/signature.h"

#include <gtest/gtest.h>

#include "doors/aws/auth_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

TEST(SigningKey, IsDerivedFromDateRegionAndService) {
  Scope scope{"", "20150830", "us-east-1", "iam"};
  EXPECT_EQ(to_hex(signing_key(kSuiteSecret, scope)),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigningKeys, KeepWhatTheyDerivedForOneSecret) {
  SigningKeys keys(2);
  Scope scope{"K", "20150830", "us-east-1", "iam"};
  std::string first = keys.get(kSuiteSecret, scope);
  EXPECT_EQ(first, signing_key(kSuiteSecret, scope));
  EXPECT_EQ(keys.get(kSuiteSecret, scope), first);
  EXPECT_EQ(keys.get("another", scope), signing_key("another", scope));
  for (std::string_view service : {"a", "b", "c"}) {
    scope.service = service;
    EXPECT_EQ(keys.get(kSuiteSecret, scope), signing_key(kSuiteSecret, scope));
  }
  scope.service = "a";
  scope.region = "eu-west-1";
  EXPECT_EQ(keys.get(kSuiteSecret, scope), signing_key(kSuiteSecret, scope));
}

struct Vector {
  std::string signature;
  std::string canonical_hash;
};
Vector sign(std::string_view secret, const Scope& scope, std::string_view method, std::string_view path,
            std::string_view query, const CanonicalHeaders& headers, std::string_view hash,
            std::string_view time) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) names.push_back(name);
  SignedParts parts{.method = method,
                    .path = canonical_path(path, scope.service == "s3"),
                    .query = canonical_query(query, {}),
                    .signed_headers = names,
                    .payload_hash = hash,
                    .time = time};
  Signing signing = sign_v4(parts, headers, scope);
  return {signature_v4(signing_key(secret, scope), signing.string_to_sign),
          sha256_hex(signing.canonical_request)};
}

TEST(SignatureV4, OfAnIamRequest) {
  Vector v = sign(kSuiteSecret, {"AKIDEXAMPLE", "20150830", "us-east-1", "iam"}, "GET", "/",
                  "Action=ListUsers&Version=2010-05-08",
                  {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                   {"host", "iam.amazonaws.com"},
                   {"x-amz-date", "20150830T123600Z"}},
                  kEmptySha256, "20150830T123600Z");
  EXPECT_EQ(v.canonical_hash, "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  EXPECT_EQ(v.signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

const Scope kS3Scope{"AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3"};

TEST(SignatureV4, OfAReadOfS3) {
  Vector v = sign(kSecret, kS3Scope, "GET", "/test.txt", "",
                  {{"host", "examplebucket.s3.amazonaws.com"},
                   {"range", "bytes=0-9"},
                   {"x-amz-content-sha256", std::string(kEmptySha256)},
                   {"x-amz-date", "20130524T000000Z"}},
                  kEmptySha256, "20130524T000000Z");
  EXPECT_EQ(v.signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SignatureV4, OfASignedUrlOfS3) {
  Vector v = sign(
      kSecret, kS3Scope, "GET", "/test.txt",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
      "%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host",
      {{"host", "examplebucket.s3.amazonaws.com"}}, kUnsignedPayload, "20130524T000000Z");
  EXPECT_EQ(v.signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SignatureV4, OfChunks) {
  constexpr std::string_view kTime = "20130524T000000Z";
  Vector head = sign(kSecret, kS3Scope, "PUT", "/examplebucket/chunkObject.txt", "",
                     {{"content-encoding", "aws-chunked"},
                      {"content-length", "66824"},
                      {"host", "s3.amazonaws.com"},
                      {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
                      {"x-amz-date", std::string(kTime)},
                      {"x-amz-decoded-content-length", "66560"},
                      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                     "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", kTime);
  EXPECT_EQ(head.signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  std::string key = signing_key(kSecret, kS3Scope);
  auto chunk = [&](std::string_view previous, const std::string& bytes) {
    return signature_v4(key, chunk_to_sign(kTime, kS3Scope, previous, sha256_hex(bytes)));
  };
  std::string first = chunk(head.signature, std::string(65536, 'a'));
  EXPECT_EQ(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  std::string second = chunk(first, std::string(1024, 'a'));
  EXPECT_EQ(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(chunk(second, ""), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

TEST(SignatureV2, OfASignedUrl) {
  SentRequest request;
  request.raw_target = "/bucket/a%20b?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1700000000&Signature=x";
  EXPECT_EQ(v2_to_sign(request, "1700000000", ""), "GET\n\n\n1700000000\n/bucket/a%20b");
  EXPECT_EQ(signature_v2(kSecret, v2_to_sign(request, "1700000000", "")), "6LjxGuTjF3Q90UyFVXRi04IAlt0=");
}

TEST(SignatureV2, SignsSubResourcesByNameAndHeadersOfTheQuery) {
  SentRequest request;
  request.raw_target =
      "/k?select-type=2&uploads&select=1&prefix=p&response-expires=a%20b&x-amz-acl=private&Content-Type=t&"
      "versionId=";
  request.fields = {
      {"X-Amz-Meta-B", " two  words "}, {"x-amz-meta-a", "1"}, {"X-AMZ-META-A", "2"}, {"Content-MD5", "m"}};
  EXPECT_EQ(v2_to_sign(request, "9", "bucket"),
            "GET\nm\nt\n9\nx-amz-acl:private\nx-amz-meta-a:1,2\nx-amz-meta-b:two  words\n"
            "/bucket/k?response-expires=a b&select=1&select-type=2&uploads&versionId=");
}

TEST(SignatureV2, InTheHeaderTakesNoHeadersFromTheQuery) {
  SentRequest request;
  request.raw_target = "/k?acl&x-amz-acl=private&Content-Type=t&prefix=p";
  request.fields = {{"Content-Type", "a/b "}, {"Date", "d"}, {"X-Amz-Date", "e"}};
  EXPECT_EQ(v2_header_to_sign(request, " d ", ""), "GET\n\na/b\nd\nx-amz-date:e\n/k?acl");
  EXPECT_EQ(v2_header_to_sign(request, "", "b"), "GET\n\na/b\n\nx-amz-date:e\n/b/k?acl");
}

TEST(SignatureV2, ABucketsPathMayEndInASlash) {
  SentRequest request;
  auto path = [&](std::string target, std::string_view host_bucket = "") {
    request.raw_target = std::move(target);
    return v2_to_sign(request, "9", host_bucket, true).substr(8);
  };
  EXPECT_EQ(path("/b?acl"), "/b/?acl");
  EXPECT_EQ(path("/b/"), "/b/");
  EXPECT_EQ(path("/b/k"), "/b/k");
  EXPECT_EQ(path("/"), "/");
  EXPECT_EQ(path("/k", "b"), "/b/k");
}

TEST(SignatureV2, AHeaderBesidesTheSameInTheQueryIsSignedToo) {
  SentRequest request;
  request.raw_target = "/k?x-amz-acl=private&content-type=a";
  std::string once = v2_to_sign(request, "9", "");
  request.fields = {{"x-amz-acl", "private"}, {"Content-Type", "a"}};
  EXPECT_EQ(v2_to_sign(request, "9", ""), once);
  request.fields = {{"x-amz-acl", "public-read"}};
  EXPECT_NE(v2_to_sign(request, "9", ""), once);
  request.fields = {{"Content-Type", "b"}};
  EXPECT_NE(v2_to_sign(request, "9", ""), once);
}

TEST(SignatureV2, KnowsWhatItLeavesUnsigned) {
  EXPECT_EQ(unsigned_by_v2("prefix=a&acl&x=1"), "");
  EXPECT_EQ(unsigned_by_v2("acl&legal%2Dhold"), "legal-hold");
  for (std::string_view name : {"encryption", "abac", "metadataJournalTable", "publicAccessBlock"})
    EXPECT_EQ(unsigned_by_v2(name), name);
}

TEST(CanonicalPath, OfS3IsNeverTidied) {
  EXPECT_EQ(canonical_path("", true), "/");
  EXPECT_EQ(canonical_path("/b//a/./c/../d/", true), "/b//a/./c/../d/");
  EXPECT_EQ(canonical_path("/b/a%20b%2Bc+d~e", true), "/b/a%20b%2Bc%2Bd~e");
  EXPECT_EQ(canonical_path("/b/%7e%c3%bc%", true), "/b/~%C3%BC%25");
  EXPECT_EQ(canonical_path("/b/a%2fb", true), "/b/a/b");
}

TEST(CanonicalPath, OfOthersIsTidiedAndEncodedTwice) {
  EXPECT_EQ(canonical_path("", false), "/");
  EXPECT_EQ(canonical_path("/..", false), "/");
  EXPECT_EQ(canonical_path("/a/../..//b/./c//", false), "/b/c/");
  EXPECT_EQ(canonical_path("/a/b/..", false), "/a");
  EXPECT_EQ(canonical_path("/functions/arn%3Aaws", false), "/functions/arn%253Aaws");
}

TEST(CanonicalQuery, IsEncodedAnewAndSorted) {
  EXPECT_EQ(canonical_query("", {}), "");
  EXPECT_EQ(canonical_query("b=2&a=%2f&a=%2B&&a-=1&uploads&c=x=y", {}),
            "a=%2B&a=%2F&a-=1&b=2&c=x%3Dy&uploads=");
  EXPECT_EQ(canonical_query("a=1+2&b=%20&c=%zz", {}), "a=1%202&b=%20&c=%25zz");
  constexpr std::array<std::string_view, 1> kWithout = {"X-Amz-Signature"};
  EXPECT_EQ(canonical_query("x=1&X-Amz-Signature=2&X%2DAmz-Signature=3", kWithout), "x=1");
}

TEST(CanonicalHeaders, AreTrimmedJoinedAndInLowerCase) {
  SentRequest request;
  request.fields = {{"B", "  two \t words  "}, {"a", "1"}, {"b", ""}, {"A", "\"x   y\""}};
  CanonicalHeaders headers = canonical_headers(request);
  EXPECT_EQ(headers["a"], "1,\"x y\"");
  EXPECT_EQ(headers["b"], "two words,");
}

TEST(SignatureTimes, AreReadInAllTheirForms) {
  EXPECT_EQ(parse_amz_time("20150830T123600Z"), kSuiteTime);
  EXPECT_EQ(amz_time(kSuiteTime), "20150830T123600Z");
  for (std::string_view text :
       {"20150830T123600Z", "Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 +0000",
        "Sunday, 30-Aug-15 12:36:00 GMT", "Sun Aug 30 12:36:00 2015"}) {
    EXPECT_EQ(parse_date_header(text), kSuiteTime) << text;
  }
  for (std::string_view text :
       {"", "20150830T123600", "20150830t123600Z", "2015083 T123600Z", "20151330T123600Z", "20150230T123600Z",
        "20150830T243600Z", "20150830T126000Z", "Sun, 30 Aug 2015 12:36:00 CET",
        "Sun, 30 Xyz 2015 12:36:00 GMT", "1440938160", "Sun, 30 Aug 2015", "+0150830T123600Z"}) {
    EXPECT_FALSE(parse_date_header(text)) << text;
  }
}

}  // namespace
}  // namespace tarn::aws
