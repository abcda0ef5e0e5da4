#include "doors/aws/auth.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "access/sealed.h"
#include "base/id.h"
#include "doors/aws/auth_fixture_for_test.h"
#include "meta/metastore.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

TEST_F(Auth, NobodyIsAnonymous) {
  SentRequest request = get();
  request.body = "x";
  auto who = ask(request);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->scheme, Scheme::kNone);
  EXPECT_EQ(who->principal.kind, access::PrincipalKind::kAnonymous);
  EXPECT_NE(who->principal.name, "declared");
  EXPECT_EQ(text_of(*who), "x");
  keys_.let_anybody_in = true;
  EXPECT_EQ(ask(request)->principal.name, "declared");
  EXPECT_EQ(ask(request, false)->principal.name, "declared");
}

TEST_F(Auth, NobodysBodyIsCheckedToo) {
  SentRequest request = get();
  request.body = "5\r\nhello\r\n0\r\n\r\n";
  request.set("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  auto who = ask(request);
  ASSERT_TRUE(who);
  EXPECT_TRUE(who->aws_chunked);
  EXPECT_EQ(text_of(*who), "hello");
  request.at = 0;
  request.set("x-amz-content-sha256", sha256_hex("other"));
  who = ask(request);
  ASSERT_TRUE(who);
  char space[100];
  EXPECT_FALSE(who->payload->read(space));
  EXPECT_EQ(who->payload->problem(), Payload::Problem::kHash);
  request.set("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  EXPECT_EQ(problem(request), Problem::kPayloadHash);
}

TEST_F(Auth, ASignedHeaderIsTaken) {
  SentRequest request = signed_get();
  auto who = ask(request);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->scheme, Scheme::kSigV4);
  EXPECT_EQ(who->principal.name, kKeyId);
  EXPECT_EQ(who->service, "s3");
  EXPECT_EQ(who->region, "us-east-1");
  EXPECT_FALSE(who->aws_chunked);
}

TEST_F(Auth, ComponentsOfTheHeaderMayStandInAnyOrderWithoutBlanks) {
  SentRequest request = signed_get();
  std::string header(*request.header("authorization"));
  size_t signature = header.find(", Signature=");
  std::string other =
      "  AWS4-HMAC-SHA256\t" + header.substr(signature + 2) + "," + header.substr(17, signature - 17);
  std::erase(other, '\r');
  request.set("Authorization", other);
  EXPECT_TRUE(ask(request)) << other;
}

TEST_F(Auth, ABrokenHeaderIsMalformed) {
  const SentRequest good = signed_get();
  const std::string header(*good.header("authorization"));
  for (std::string_view text :
       {"AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 x",
        "AWS4-HMAC-SHA256 =",
        "AWS4-HMAC-SHA256 ,,,",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=host, Signature=",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=a b, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=a;a, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=a;, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request, SignedHeaders=a\x01, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=/20261121/r/s3/aws4_request, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r//aws4_request, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/2026112x/r/s3/aws4_request, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20261121/r/s3/aws4_request/x, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256-X Credential=a",
        "AWS4-"}) {
    SentRequest request = good;
    request.set("Authorization", std::string(text));
    EXPECT_EQ(problem(request), Problem::kMalformedHeader) << text;
  }
  SentRequest twice = changed_header(good, "SignedHeaders=", "Signature=1, SignedHeaders=");
  EXPECT_EQ(problem(twice), Problem::kMalformedHeader);
  SentRequest more = changed_header(good, "SignedHeaders=", "Other=1, SignedHeaders=");
  EXPECT_EQ(problem(more), Problem::kMalformedHeader);
  SentRequest longer = good;
  longer.set("Authorization", header + std::string(20'000, 'x'));
  EXPECT_EQ(problem(longer), Problem::kMalformedHeader);
}

TEST_F(Auth, OtherWordsInTheHeader) {
  SentRequest request = get();
  auto with = [&](std::string value) {
    request.set("Authorization", std::move(value));
    return request;
  };
  EXPECT_EQ(problem(with("")), Problem::kNoCredentials);
  EXPECT_EQ(problem(with("   ")), Problem::kNoCredentials);
  EXPECT_EQ(problem(with("AWS3-HTTPS AWSAccessKeyId=x")), Problem::kUnsupported);
  EXPECT_EQ(problem(with("AWS4-ECDSA-P256-SHA256 Credential=x")), Problem::kUnsupported);
  EXPECT_EQ(problem(with("Digest username=\"x\"")), Problem::kUnsupported);
  EXPECT_EQ(problem(with("\x07")), Problem::kUnsupported);
  EXPECT_EQ(problem(with("aws4-hmac-sha256 Credential=x")), Problem::kMalformedHeader);
}

TEST_F(Auth, OnlyOneWayIsTaken) {
  SentRequest both = signed_url();
  both.set("Authorization", std::string(*signed_get().header("authorization")));
  EXPECT_EQ(problem(both), Problem::kTwoWays);
  SentRequest v2 = signed_get();
  v2.raw_target += "?AWSAccessKeyId=x&Signature=y&Expires=1";
  EXPECT_EQ(problem(v2), Problem::kTwoWays);
  SentRequest queries = signed_url();
  queries.raw_target += "&AWSAccessKeyId=x&Signature=y&Expires=1";
  EXPECT_EQ(problem(queries), Problem::kTwoWays);
  SentRequest twice = signed_get();
  twice.fields.emplace_back("authorization", "Basic x");
  EXPECT_EQ(problem(twice), Problem::kTwoWays);
  EXPECT_TRUE(refusal(both).message.starts_with("Only one auth mechanism allowed"));
}

TEST_F(Auth, TheScopeMustFit) {
  EXPECT_EQ(problem(changed_header(signed_get(), "/s3/", "/sts/")), Problem::kMalformedHeader);
  EXPECT_EQ(problem(changed_header(signed_get(), "aws4_request", "aws3_request")), Problem::kMalformedHeader);
  EXPECT_EQ(problem(changed_header(signed_get(), "/20261121/", "/20261120/")), Problem::kMalformedHeader);
  EXPECT_EQ(problem(changed_url(signed_url(), "%2Fs3%2F", "%2Fsts%2F")), Problem::kMalformedQuery);
  EXPECT_EQ(problem(changed_url(signed_url(), "%2F20261121%2F", "%2F20261122%2F")), Problem::kMalformedQuery);
  EXPECT_TRUE(refusal(changed_header(signed_get(), "/s3/", "/sts/")).message.find("belongs to \"s3\"") !=
              std::string::npos);
}

TEST_F(Auth, ARegionCanBeAskedFor) {
  region_ = "eu-central-1";
  Refusal wrong = refusal(signed_get());
  EXPECT_EQ(wrong.problem, Problem::kMalformedHeader);
  EXPECT_EQ(
      wrong.message,
      "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'");
  EXPECT_EQ(field(wrong, "Region"), "eu-central-1");
  EXPECT_EQ(problem(signed_url()), Problem::kMalformedQuery);
  signer_.scope.region = "eu-central-1";
  SentRequest right = signed_get();
  EXPECT_TRUE(ask(right));
}

TEST_F(Auth, OtherServicesAreWhatTheScopeSays) {
  signer_.scope.service = "glue";
  SentRequest request = get();
  request.verb = "POST";
  request.raw_target = "/a/../b%3Ac";
  request.body = "{}";
  signer_.sign(request);
  auto who = ask(request, false);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->service, "glue");
  EXPECT_EQ(text_of(*who), "{}");
  EXPECT_EQ(who->payload->length(), 2u);
  EXPECT_EQ(problem(request, true), Problem::kMalformedHeader);
}

TEST_F(Auth, OtherServicesBodiesAreBounded) {
  signer_.scope.service = "glue";
  for (bool chunked : {false, true}) {
    for (size_t size : {1000, 1001}) {
      SentRequest request = get();
      request.verb = "POST";
      request.body = std::string(size, 'x');
      request.chunked = chunked;
      request.piece = 333;
      signer_.sign(request);
      if (size > 1000) {
        SentRequest sent = request;
        auto refused = ask(sent, false);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().problem, Problem::kPayloadHash);
        EXPECT_NE(refused.error().message.find("1000 bytes"), std::string::npos);
        EXPECT_EQ(sent.at == 0, !chunked) << "an announced length needn't be read";
        signer_.sign(request, std::string(kUnsignedPayload));
      }
      auto who = ask(request, false);
      ASSERT_TRUE(who) << who.error().message;
      EXPECT_EQ(text_of(*who).substr(0, 5), "xxxxx");
    }
  }
}

TEST_F(Auth, TheTimeMayComeFromTheDateHeader) {
  signer_.leave_out.emplace_back("x-amz-date");
  SentRequest request = get();
  request.set("Date", "Sat, 21 Nov 2026 07:00:00 GMT");
  signer_.sign(request);
  request.remove("X-Amz-Date");
  EXPECT_TRUE(ask(request));
  request.set("Date", "Sat, 21 Nov 2026 07:00:01 GMT");
  EXPECT_EQ(problem(request), Problem::kSignature);
  request.set("Date", "whenever");
  EXPECT_EQ(problem(request), Problem::kNoCredentials);
  EXPECT_EQ(problem(request, false), Problem::kMalformedHeader);
  request.remove("Date");
  EXPECT_EQ(problem(request), Problem::kNoCredentials);
  EXPECT_EQ(problem(request, false), Problem::kMalformedHeader);
}

TEST_F(Auth, AClockMayBeAQuarterOfAnHourOff) {
  for (int minutes : {-15, 15}) {
    signer_.at = kNow + std::chrono::minutes(minutes);
    SentRequest request = signed_get();
    EXPECT_TRUE(ask(request)) << minutes;
  }
  for (int seconds : {-901, 901}) {
    signer_.at = kNow + std::chrono::seconds(seconds);
    Refusal wrong = refusal(signed_get());
    EXPECT_EQ(wrong.problem, Problem::kSkewed) << seconds;
    EXPECT_EQ(field(wrong, "RequestTime"), amz_time(signer_.at));
    EXPECT_EQ(field(wrong, "ServerTime"), "2026-11-21T07:00:00Z");
    EXPECT_EQ(field(wrong, "MaxAllowedSkewMilliseconds"), "900000");
  }
}

TEST_F(Auth, SignedUrlsEnd) {
  SentRequest request = signed_url();
  auto who = ask(request);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->scheme, Scheme::kPresignedV4);
  clock_.advance(std::chrono::seconds(600));
  EXPECT_TRUE(ask(request));
  clock_.advance(std::chrono::seconds(1));
  Refusal late = refusal(request);
  EXPECT_EQ(late.problem, Problem::kExpiredUrl);
  EXPECT_EQ(late.message, "Request has expired");
  EXPECT_EQ(field(late, "X-Amz-Expires"), "600");
  EXPECT_EQ(field(late, "Expires"), "2026-11-21T07:10:00Z");
  EXPECT_EQ(field(late, "ServerTime"), "2026-11-21T07:10:01Z");
}

TEST_F(Auth, SignedUrlsOfTheFutureAreRefused) {
  signer_.at = kNow + std::chrono::minutes(15);
  SentRequest request = signed_url();
  EXPECT_TRUE(ask(request));
  signer_.at = kNow + std::chrono::seconds(901);
  EXPECT_EQ(problem(signed_url()), Problem::kSkewed);
}

TEST_F(Auth, SignedUrlsLastAWeekAtMost) {
  SentRequest week = signed_url("604800");
  EXPECT_TRUE(ask(week));
  for (std::string expires : {"604801", "-1", "1x", "99999999999999999999", "+1"})
    EXPECT_EQ(problem(signed_url(expires)), Problem::kMalformedQuery) << expires;
  EXPECT_EQ(problem(signed_url("0")), Problem::kExpiredUrl);
}

TEST_F(Auth, SignedUrlsNeedEveryParameterOnce) {
  const SentRequest good = signed_url();
  for (std::string_view name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                                "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
    EXPECT_EQ(problem(changed_url(good, name, "Other")), Problem::kMalformedQuery) << name;
    SentRequest twice = good;
    twice.raw_target += "&" + std::string(name) + "=x";
    EXPECT_EQ(problem(twice), Problem::kMalformedQuery) << name;
  }
  EXPECT_EQ(problem(changed_url(good, "=AWS4-HMAC-SHA256", "=AWS4-HMAC-SHA1")), Problem::kMalformedQuery);
  EXPECT_EQ(problem(changed_url(good, "=AWS4-HMAC-SHA256", "=AWS4-ECDSA-P256-SHA256")),
            Problem::kUnsupported);
  EXPECT_EQ(problem(changed_url(good, "T070000Z", "T070000")), Problem::kMalformedQuery);
  EXPECT_EQ(problem(changed_url(good, "=host", "=ho%20st")), Problem::kMalformedQuery);
}

TEST_F(Auth, HeadersOfAmazonMustBeSigned) {
  SentRequest request = signed_get();
  request.set("x-amz-acl", "public-read");
  request.set("X-Amz-Tagging", "a=b");
  Refusal wrong = refusal(request);
  EXPECT_EQ(wrong.problem, Problem::kHeadersNotSigned);
  EXPECT_EQ(wrong.message, "There were headers present in the request which were not signed");
  EXPECT_EQ(field(wrong, "HeadersNotSigned"), "x-amz-acl, x-amz-tagging");
  SentRequest url = signed_url();
  url.set("x-amz-acl", "public-read");
  EXPECT_EQ(problem(url), Problem::kHeadersNotSigned);
  // What AWS gives no meaning, proxies may add; and browsers send a content type of their own.
  SentRequest others = signed_url();
  others.set("Content-Type", "text/plain");
  others.set("Content-MD5", "x");
  others.set("amz-sdk-request", "attempt=2");
  others.set("x-amzn-trace-id", "x");
  EXPECT_TRUE(ask(others));
}

TEST_F(Auth, HostMustBeSigned) {
  SentRequest request = get();
  signer_.leave_out.emplace_back("host");
  signer_.sign(request);
  Refusal wrong = refusal(request);
  EXPECT_EQ(wrong.problem, Problem::kHeadersNotSigned);
  EXPECT_EQ(field(wrong, "HeadersNotSigned"), "host");
}

TEST_F(Auth, ASignedHeaderThatIsMissingIsNoticed) {
  SentRequest request = get();
  request.set("Range", "bytes=0-9");
  signer_.sign(request);
  ASSERT_TRUE(ask(request));
  request.remove("Range");
  Refusal wrong = refusal(request);
  EXPECT_EQ(wrong.problem, Problem::kSignature);
  EXPECT_NE(field(wrong, "CanonicalRequest").find("\nrange:\n"), std::string::npos);
}

TEST_F(Auth, AWrongSignatureIsToldWhatShouldHaveBeenSigned) {
  SentRequest request = signed_get();
  request.raw_target = "/bucket/another";
  Refusal wrong = refusal(request);
  EXPECT_EQ(wrong.problem, Problem::kSignature);
  EXPECT_EQ(field(wrong, "AWSAccessKeyId"), kKeyId);
  std::string canonical = field(wrong, "CanonicalRequest");
  EXPECT_TRUE(canonical.starts_with("GET\n/bucket/another\n\nhost:localhost:9700\n")) << canonical;
  EXPECT_EQ(
      field(wrong, "StringToSign"),
      "AWS4-HMAC-SHA256\n20261121T070000Z\n20261121/us-east-1/s3/aws4_request\n" + sha256_hex(canonical));
  EXPECT_TRUE(field(wrong, "StringToSignBytes").starts_with("41 57 53 34 2d "));
  EXPECT_TRUE(field(wrong, "CanonicalRequestBytes").starts_with("47 45 54 0a 2f "));
  EXPECT_EQ(field(wrong, "SignatureProvided").size(), 64u);
  // The right one is told nobody.
  SentRequest right = get();
  right.raw_target = request.raw_target;
  std::string secret = signer_.sign(right);
  for (const auto& [name, value] : wrong.fields) EXPECT_EQ(value.find(secret), std::string::npos) << name;
}

// With identities that remember when a key was used.
class KeyUse : public Auth {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    sealer_ = access::Sealer::open(folder_ / "secret.key").value();
    identities_ = access::Identities::open(*metastore_, *sealer_, clock_).value();
    access::NewAccessKey key = identities_->take_new_root_key().value();
    signer_.scope.key_id = key.key.id;
    signer_.secret = key.secret;
  }
  void TearDown() override {
    identities_.reset();
    sealer_.reset();
    metastore_.reset();
    std::filesystem::remove_all(folder_);
  }
  AuthOptions options() { return {.identities = *identities_, .clock = clock_, .region = {}}; }
  bool taken(SentRequest request) { return authenticate(request, true, options()).has_value(); }
  bool used() { return identities_->keys("root").at(0).used.has_value(); }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("tarn-auth-" + uuid_v4());
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<access::Sealer> sealer_;
  std::unique_ptr<access::Identities> identities_;
};

TEST_F(KeyUse, IsASignatureThatHolds) {
  Signer right = signer_;
  signer_.secret += "x";
  EXPECT_FALSE(taken(signed_get()));
  EXPECT_FALSE(taken(signed_url()));
  EXPECT_FALSE(used());
  signer_ = right;
  EXPECT_TRUE(taken(signed_get()));
  EXPECT_TRUE(used());
}

TEST_F(KeyUse, IsASignatureOfVersion2ThatHolds) {
  const std::string& id = signer_.scope.key_id;
  const int64_t expires = kNow.us / 1'000'000 + 60;
  SentRequest request = get();
  auto url = [&](std::string_view secret) {
    request.raw_target = "/bucket/key";
    std::string text = v2_to_sign(request, std::to_string(expires), "", false);
    request.raw_target += "?AWSAccessKeyId=" + id + "&Expires=" + std::to_string(expires) +
                          "&Signature=" + uri_encode(signature_v2(secret, text), false);
    return request;
  };
  EXPECT_FALSE(taken(url("wrong")));
  EXPECT_FALSE(used());
  EXPECT_TRUE(taken(url(signer_.secret)));
  EXPECT_TRUE(used());
}

TEST_F(KeyUse, IsAFormWhoseSignatureHolds) {
  auto form = [&](std::string_view secret) {
    return authenticate_form({{"awsaccesskeyid", signer_.scope.key_id},
                              {"policy", "cG9saWN5"},
                              {"signature", signature_v2(secret, "cG9saWN5")}},
                             options());
  };
  EXPECT_FALSE(form("wrong"));
  EXPECT_FALSE(used());
  EXPECT_TRUE(form(signer_.secret));
  EXPECT_TRUE(used());
}

TEST_F(Auth, KeysThatAreNotThere) {
  signer_.scope.key_id = "AKIANOBODY";
  Refusal wrong = refusal(signed_get());
  EXPECT_EQ(wrong.problem, Problem::kUnknownKey);
  EXPECT_EQ(field(wrong, "AWSAccessKeyId"), "AKIANOBODY");
  EXPECT_EQ(problem(signed_url()), Problem::kUnknownKey);
}

TEST_F(Auth, SessionsNeedTheirToken) {
  signer_.scope.key_id = "ASIASESSION";
  keys_.known["ASIASESSION"] = {.secret = std::string(kSecret), .token = std::string(kSessionToken)};
  EXPECT_EQ(problem(signed_get()), Problem::kToken);
  EXPECT_EQ(problem(signed_url()), Problem::kToken);
  signer_.token = kSessionToken;
  SentRequest header = signed_get();
  SentRequest url = signed_url();
  EXPECT_TRUE(ask(header));
  EXPECT_TRUE(ask(url));
  SentRequest other = header;
  other.set("x-amz-security-token", "other");
  EXPECT_EQ(problem(other), Problem::kToken);
  keys_.known["ASIASESSION"].expired = true;
  EXPECT_EQ(problem(header), Problem::kExpiredToken);
}

// The token needn't be signed: only the right one fits the key.
TEST_F(Auth, TokensMayBeAddedAfterSigning) {
  SentRequest header = signed_get();
  header.set("X-Amz-Security-Token", std::string(kSessionToken));
  SentRequest url = signed_url();
  url.raw_target += "&X-Amz-Security-Token=" + uri_encode(kSessionToken, false);
  SentRequest url_and_header = signed_url();
  url_and_header.set("X-Amz-Security-Token", std::string(kSessionToken));
  keys_.known[std::string(kKeyId)].token = kSessionToken;
  EXPECT_TRUE(ask(header));
  EXPECT_TRUE(ask(url));
  EXPECT_TRUE(ask(url_and_header));
}

TEST_F(Auth, ALongLivedKeyHasNoToken) {
  SentRequest request = get();
  signer_.token = "made up";
  signer_.sign(request);
  EXPECT_EQ(problem(request), Problem::kToken);
}

}  // namespace
}  // namespace tarn::aws
