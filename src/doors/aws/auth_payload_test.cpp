// Payloads by the words of the head; secrets, old URLs and forms; which service is meant.
#include <gtest/gtest.h>

#include "access/base64.h"
#include "doors/aws/auth_fixture_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

TEST_F(Auth, S3NeedsToKnowThePayload) {
  SentRequest missing = signed_get();
  missing.remove("X-Amz-Content-Sha256");
  EXPECT_EQ(problem(missing), Problem::kPayloadHash);
  for (std::string word : {"x", "unsigned-payload", "STREAMING-AWS4-HMAC-SHA256-PAYLOADX", "STREAMING-"}) {
    SentRequest request = get();
    signer_.sign(request, word);
    EXPECT_EQ(problem(request), Problem::kPayloadHash) << word;
  }
  SentRequest v4a = get();
  signer_.sign(v4a, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
  EXPECT_EQ(problem(v4a), Problem::kUnsupported);
  SentRequest unsigned_body = get();
  unsigned_body.body = "any";
  signer_.sign(unsigned_body, std::string(kUnsignedPayload));
  auto who = ask(unsigned_body);
  ASSERT_TRUE(who);
  EXPECT_EQ(text_of(*who), "any");
}

// Only a name of the encoding makes no chunks; nor does it take the hash away.
TEST_F(Auth, AwsChunkedIsSeenByWordOrByEncoding) {
  SentRequest named = get();
  named.body = "plain";
  named.set("Content-Encoding", "gzip, aws-chunked");
  signer_.sign(named);
  auto who = ask(named);
  ASSERT_TRUE(who);
  EXPECT_FALSE(who->aws_chunked);
  EXPECT_EQ(text_of(*who), "plain");

  SentRequest real = get();
  real.body = "5\r\nhello\r\n0\r\n\r\n";
  real.set("Content-Encoding", "aws-chunked,gzip");
  real.set("x-amz-decoded-content-length", "5");
  signer_.sign(real, std::string(kUnsignedPayload));
  who = ask(real);
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->aws_chunked);
  EXPECT_EQ(who->payload->length(), 5u);
  EXPECT_EQ(text_of(*who), "hello");

  SentRequest stripped = get();
  stripped.body = "hello";
  signer_.leave_out.emplace_back("content-encoding");
  signer_.sign(stripped);
  stripped.body = "5\r\nhellO\r\n0\r\n\r\n";
  stripped.set("Content-Encoding", "aws-chunked");
  for (bool without_length : {false, true}) {
    stripped.at = 0;
    stripped.chunked = without_length;
    who = ask(stripped);
    ASSERT_TRUE(who);
    EXPECT_FALSE(who->aws_chunked);
    std::string space(100, '\0');
    auto got = who->payload->read(space);
    if (got) got = who->payload->read(space);  // the end
    EXPECT_FALSE(got);
    EXPECT_EQ(who->payload->problem(), Payload::Problem::kHash);
  }
}

TEST_F(Auth, ADecodedLengthIsANumber) {
  SentRequest request = get();
  request.body = "0\r\n\r\n";
  request.set("x-amz-decoded-content-length", "-1");
  signer_.sign(request, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  EXPECT_EQ(problem(request), Problem::kPayloadHash);
}

// A word that anybody added must not turn an unsigned body into one whose signatures are looked for.
TEST_F(Auth, ASignedUrlsHashMayBeSignedWithIt) {
  SentRequest request = get();
  request.verb = "PUT";
  request.body = "hello";
  request.set("x-amz-content-sha256", sha256_hex("hello"));
  signer_.presign(request, "600", sha256_hex("hello"));
  EXPECT_TRUE(ask(request));
  SentRequest in_query = get();
  in_query.raw_target += "?X-Amz-Content-Sha256=" + sha256_hex("hello");
  in_query.body = "hello";
  signer_.presign(in_query, "600", sha256_hex("hello"));
  auto who = ask(in_query);
  ASSERT_TRUE(who);
  EXPECT_EQ(text_of(*who), "hello");
  SentRequest other_body = in_query;
  other_body.body = "hellO";
  other_body.at = 0;
  who = ask(other_body);
  ASSERT_TRUE(who);
  char space[10];
  EXPECT_FALSE(who->payload->read(space));
  EXPECT_EQ(who->payload->problem(), Payload::Problem::kHash);
  in_query.set("x-amz-content-sha256", sha256_hex("other"));
  EXPECT_EQ(problem(in_query), Problem::kPayloadHash);
  SentRequest added = signed_url();
  added.set("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  EXPECT_EQ(problem(added), Problem::kHeadersNotSigned);
  SentRequest own = signed_url();
  own.body = "hello";
  own.set("x-amz-content-sha256", sha256_hex("hello"));
  EXPECT_TRUE(ask(own));
}

TEST_F(Auth, BasicTakesAPasswordOrAKey) {
  SentRequest request = get();
  request.body = "x";
  request.peer = "127.0.0.1:5000";
  for (const std::string& secret :
       {std::string("alice:pass:word"), std::string(kKeyId) + ":" + std::string(kSecret)}) {
    request.at = 0;
    std::string encoded = access::base64(secret);
    request.set("Authorization", "Basic " + encoded);
    auto who = ask(request, false);
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->scheme, Scheme::kBasic);
    EXPECT_EQ(text_of(*who), "x");
    std::erase(encoded, '=');
    request.set("Authorization", "bAsIc  " + encoded);
    EXPECT_TRUE(ask(request));
  }
  auto with = [&](std::string value) {
    request.set("Authorization", std::move(value));
    return request;
  };
  EXPECT_EQ(problem(with("Basic " + access::base64("alice:wrong"))), Problem::kPassword);
  EXPECT_EQ(problem(with("Basic " + access::base64("nobody:x"))), Problem::kPassword);
  for (std::string_view bad : {"Basic", "Basic ", "Basic !", "Basic YWxpY2U=", "Basic OnA="})
    EXPECT_EQ(problem(with(std::string(bad))), Problem::kMalformedHeader) << bad;
}

TEST_F(Auth, BearerTakesAKey) {
  SentRequest request = get();
  request.peer = "[::1]:5000";
  request.set("Authorization", "Bearer " + std::string(kKeyId) + "." + std::string(kSecret));
  auto who = ask(request, false);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->scheme, Scheme::kBearer);
  EXPECT_EQ(who->principal.name, kKeyId);
  request.set("Authorization", "Bearer " + std::string(kKeyId) + ".wrong");
  EXPECT_EQ(problem(request), Problem::kPassword);
  for (std::string_view bad : {"Bearer", "Bearer x", "Bearer .x"}) {
    request.set("Authorization", std::string(bad));
    EXPECT_EQ(problem(request), Problem::kMalformedHeader) << bad;
  }
}

TEST_F(Auth, SecretsAreOnlyTakenWhereNobodyReadsAlong) {
  SentRequest request = get();
  request.set("Authorization", "Basic " + access::base64("alice:pass:word"));
  for (std::string peer : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "::1:51234", "[::ffff:127.0.0.1]:1",
                           "::ffff:127.0.0.1:51234"}) {
    request.peer = peer;
    EXPECT_TRUE(ask(request)) << peer;
  }
  for (std::string peer : {"192.0.2.7:1", "10.0.0.1:1", "[::2]:1", "1270.0.0.1:1", "[2001:db8::1]:1",
                           "2001:db8::1:1", "::1:1:1", ""}) {
    request.peer = peer;
    EXPECT_EQ(problem(request), Problem::kInsecure) << peer;
  }
  request.over_tls = true;
  EXPECT_TRUE(ask(request));
}

TEST_F(Auth, OldSignedUrlsAreTakenByS3) {
  SentRequest request = get();
  request.raw_target = "/k?AWSAccessKeyId=" + std::string(kKeyId) + "&Expires=1795245000&Signature=";
  auto signed_for = [&](std::string_view bucket) {
    SentRequest out = request;
    out.raw_target += uri_encode(signature_v2(kSecret, v2_to_sign(request, "1795245000", bucket)), false);
    return out;
  };
  SentRequest in_path = signed_for("");
  auto who = ask(in_path);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->scheme, Scheme::kPresignedV2);
  EXPECT_EQ(who->service, "s3");
  EXPECT_EQ(problem(in_path, false), Problem::kUnsupported);
  SentRequest in_host = signed_for("b");
  AuthOptions options{.identities = keys_, .clock = clock_, .region = {}};
  options.host_bucket = "b";
  EXPECT_TRUE(authenticate(in_host, true, options));
  EXPECT_FALSE(authenticate(in_path, true, options));
  clock_.advance(std::chrono::seconds(601));
  Refusal late = refusal(in_path);
  EXPECT_EQ(late.problem, Problem::kExpiredUrl);
  EXPECT_EQ(field(late, "Expires"), "2026-11-21T07:10:00Z");
}

TEST_F(Auth, OldSignedUrlsNeedTheirThreeParameters) {
  SentRequest request = get();
  for (std::string_view query :
       {"AWSAccessKeyId=a", "Signature=a&Expires=1", "AWSAccessKeyId=a&Signature=b",
        "AWSAccessKeyId=a&Signature=&Expires=1795245000",
        "AWSAccessKeyId=a&Signature=b&Signature=b&Expires=1795245000",
        "AWSAccessKeyId=a&Signature=b&Expires=soon", "AWSAccessKeyId=a&Signature=b&Expires=-1",
        "AWSAccessKeyId=a&Signature=b&Expires=99999999999999"}) {
    request.raw_target = "/b/k?" + std::string(query);
    EXPECT_EQ(problem(request), Problem::kNoCredentials) << query;
  }
}

TEST_F(Auth, FormsAreSignedInTwoVersions) {
  AuthOptions options{.identities = keys_, .clock = clock_, .region = {}};
  using Fields = std::vector<std::pair<std::string, std::string>>;
  // As botocore signs them.
  const Fields v4 = {{"x-amz-algorithm", "AWS4-HMAC-SHA256"},
                     {"x-amz-credential", "AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request"},
                     {"x-amz-date", "20261121T070000Z"},
                     {"policy",
                      "eyJleHBpcmF0aW9uIjogIjIwMjYtMTEtMjFUMDg6NTA6MzRaIiwgImNvbmRpdGlvbnMiOiBbeyJidWNrZXQiOi"
                      "AiYiJ9LCB7ImtleSI6ICJrIn0sIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwgeyJ4"
                      "LWFtei1jcmVkZW50aWFsIjogIkFLSUFJT1NGT0ROTjdFWEFNUExFLzIwMjYxMTIxL3VzLWVhc3QtMS9zMy9hd3"
                      "M0X3JlcXVlc3QifSwgeyJ4LWFtei1kYXRlIjogIjIwMjYxMTIxVDA3MDAwMFoifV19"},
                     {"x-amz-signature", "6e7efb0beb740646c7779028ed095af86b5d80e98fbf699db8948411de816356"}};
  const Fields v2 = {{"awsaccesskeyid", "AKIAIOSFODNN7EXAMPLE"},
                     {"policy",
                      "eyJleHBpcmF0aW9uIjogIjIwMjYtMTEtMjFUMDg6NTA6MzRaIiwgImNvbmRpdGlvbnMiOiBbeyJidWNrZXQiOi"
                      "AiYiJ9LCB7ImtleSI6ICJrIn1dfQ=="},
                     {"signature", "Sy7GdqvK3I8rRHsLFOf+kFcWLeg="}};
  for (const Fields& good : {v4, v2}) {
    auto who = authenticate_form(good, options);
    ASSERT_TRUE(who) << who.error().message;
    EXPECT_EQ(who->name, kKeyId);
    for (size_t i = 0; i < good.size(); ++i) {
      Fields changed = good;
      changed[i].second[changed[i].second.size() / 2] ^= 1;
      EXPECT_FALSE(authenticate_form(changed, options)) << good[i].first;
      changed = good;
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(authenticate_form(changed, options)) << "without " << good[i].first;
    }
    Fields token = good;
    token.emplace_back("x-amz-security-token", "x");
    EXPECT_EQ(authenticate_form(token, options).error().problem, Problem::kToken);
    Fields other = good;
    for (auto& [name, value] : other)
      if (name == "policy") value = "e30=";
    EXPECT_EQ(authenticate_form(other, options).error().problem, Problem::kSignature);
  }
  Fields another_day = v4;
  another_day[2].second = "20261122T070000Z";
  EXPECT_EQ(authenticate_form(another_day, options).error().problem, Problem::kMalformedQuery);
  EXPECT_EQ(authenticate_form({}, options).error().problem, Problem::kNoCredentials);
  Fields both = v4;
  both.insert(both.end(), v2.begin(), v2.end());
  EXPECT_EQ(authenticate_form(both, options).error().problem, Problem::kTwoWays);
  options.region = "eu-west-1";
  EXPECT_EQ(authenticate_form(v4, options).error().problem, Problem::kMalformedQuery);
}

TEST(ServiceOf, IsWhatTheScopeSays) {
  SentRequest request;
  request.set("Authorization",
              "AWS4-HMAC-SHA256 Credential=A/20261121/us-east-1/glue/aws4_request, SignedHeaders=host");
  EXPECT_EQ(service_of(request), "glue");
  request.set("Authorization",
              "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=A/20261121/us-east-1/iam/aws4_request");
  EXPECT_EQ(service_of(request), "iam");
  request.remove("Authorization");
  request.raw_target = "/?X-Amz-Credential=A%2F20261121%2Fus-east-1%2Fsts%2Faws4_request";
  EXPECT_EQ(service_of(request), "sts");
}

TEST(ServiceOf, IsNothingWithoutAScope) {
  SentRequest request;
  EXPECT_EQ(service_of(request), "");
  for (std::string_view header :
       {"", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA256 Credential=a/b/c//aws4_request", "Basic Credential=A/20261121/r/sts/aws4_request",
        "Bearer x", "AWS key:signature"}) {
    request.set("Authorization", std::string(header));
    EXPECT_EQ(service_of(request), "") << header;
  }
}

}  // namespace
}  // namespace tarn::aws
