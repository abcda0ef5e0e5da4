// Version 2 in the Authorization header: requests as an SDK (botocore) sends them, and each of them changed.
#include <gtest/gtest.h>

#include "doors/aws/auth_fixture_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

constexpr std::string_view kDate = "Sat, 21 Nov 2026 07:00:00 GMT";

struct Sent {
  std::string_view name;
  bool with_token;
  std::string_view host_bucket;
  std::string_view method;
  std::string_view target;
  Headers headers;  // besides Host and Date
  std::string_view signature;
};

const std::vector<Sent> kSent = {
    {"put",
     false,
     "",
     "PUT",
     "/b/a%20b/%C3%BC%2B~%2C%3B%3D%26%24%40%21%2A%27%28%29.txt",
     {{"Content-Type", "text/plain"},
      {"x-amz-meta-k", "v  w"},
      {"Expect", "100-continue"},
      {"x-amz-checksum-crc32", "NhCmhg=="},
      {"x-amz-sdk-checksum-algorithm", "CRC32"}},
     "P2FlbtuHObUUepagUPq2B2D1LwU="},
    {"get",
     false,
     "",
     "GET",
     "/b///x/../y?versionId=v%201&response-content-type=text%2Fx%3B%20y%3D%22a%2Bb%22",
     {{"Range", "bytes=0-9"}, {"x-amz-checksum-mode", "ENABLED"}},
     "zbO6AdGFZ+mmCrnYJxq/hCbrH8o="},
    {"list",
     false,
     "",
     "GET",
     "/b?list-type=2&prefix=a%2Fb%20c%2Bd&delimiter=%2F&encoding-type=url",
     {},
     "tVUrLTisCjEyTw+uFvSTfkPNrhM="},
    {"head_token",
     true,
     "",
     "HEAD",
     "/b/k",
     {{"x-amz-security-token", std::string(kSessionToken)}},
     "Fs+9hyHULfxwrpmPK8nqbpXPz1k="},
    {"uploads", false, "", "POST", "/b/k?uploads", {}, "1X73zUIMPlNwgAK41Dc7sQ4L3+g="},
    {"virtual",
     false,
     "bucket",
     "GET",
     "/a/b",
     {{"x-amz-checksum-mode", "ENABLED"}},
     "J818cY1hgJZOjce2WPeVE/mTQGI="},
};

class HeaderV2 : public testing::TestWithParam<size_t> {
 protected:
  HeaderV2() {
    request_.verb = sent_.method;
    request_.raw_target = sent_.target;
    request_.fields = sent_.headers;
    request_.set("Host", "localhost:9700");
    request_.set("Date", std::string(kDate));
    request_.set("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:" + std::string(sent_.signature));
    request_.body = "hello";
    host_bucket_ = sent_.host_bucket;
    if (sent_.with_token) keys_.known[std::string(kKeyId)].token = kSessionToken;
  }
  std::expected<Authenticated, Refusal> ask(SentRequest& request) {
    AuthOptions options{.identities = keys_, .clock = clock_, .region = {}};
    options.host_bucket = host_bucket_;
    return authenticate(request, true, options);
  }
  void refused(SentRequest request, Problem as, const std::string& what) {
    auto who = ask(request);
    if (who) {
      ADD_FAILURE() << what << ": taken";
    } else {
      EXPECT_EQ(who.error().problem, as) << what << ": " << who.error().message;
    }
  }
  SentRequest with(std::string_view name, std::string value) const {
    SentRequest out = request_;
    out.set(name, std::move(value));
    return out;
  }
  SentRequest without(std::string_view name) const {
    SentRequest out = request_;
    out.remove(name);
    return out;
  }
  SentRequest with_more(std::string_view parameter) const {
    SentRequest out = request_;
    out.raw_target += out.raw_target.find('?') == std::string::npos ? '?' : '&';
    out.raw_target += parameter;
    return out;
  }

  const Sent& sent_ = kSent[GetParam()];
  SentRequest request_;
  KnownKeys keys_;
  ManualClock clock_{kNow};
  std::string host_bucket_;
};

TEST_P(HeaderV2, IsTaken) {
  auto who = ask(request_);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->scheme, Scheme::kSigV2);
  EXPECT_EQ(who->principal.name, kKeyId);
  EXPECT_EQ(who->service, "s3");
  char space[10];
  EXPECT_EQ(who->payload->read(space).value_or(0), 5u);
}

TEST_P(HeaderV2, IsOnlyForS3) {
  auto who = authenticate(request_, false, AuthOptions{.identities = keys_, .clock = clock_, .region = {}});
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().problem, Problem::kUnsupported);
}

TEST_P(HeaderV2, ChangedInAHeaderIsRefused) {
  for (const auto& [name, value] : sent_.headers) {
    std::string low = lower_case(name);
    if (!low.starts_with("x-amz-") && low != "content-type") continue;
    Problem as = low == "x-amz-security-token" ? Problem::kToken : Problem::kSignature;
    refused(with(name, value + "1"), as, name + " changed");
    refused(without(name), as, name + " taken away");
    SentRequest twice = request_;
    twice.fields.emplace_back(name, "1");
    refused(twice, Problem::kSignature, name + " twice");
  }
  refused(with("x-amz-acl", "public-read"), Problem::kSignature, "a header more");
  refused(with("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="), Problem::kSignature, "Content-MD5");
  refused(with("Content-Type", "text/html"), Problem::kSignature, "Content-Type");
  if (!sent_.with_token) refused(with("x-amz-security-token", "x"), Problem::kToken, "a token");
}

TEST_P(HeaderV2, ChangedInMethodPathOrSubResourceIsRefused) {
  SentRequest changed = request_;
  changed.verb = "DELETE";
  refused(changed, Problem::kSignature, "another method");
  changed = request_;
  changed.raw_target.insert(2, "x");
  refused(changed, Problem::kSignature, "another path");
  changed.raw_target = "/" + request_.raw_target;
  refused(changed, Problem::kSignature, "a slash more");
  for (std::string_view parameter : {"acl", "uploadId=1", "versionId=v", "response-expires=0", "delete"})
    refused(with_more(parameter), Problem::kSignature, std::string(parameter));
  for (std::string_view parameter : {"legal-hold", "encryption", "public%41ccessBlock"})
    refused(with_more(parameter), Problem::kUnsupported, std::string(parameter));
  host_bucket_ += "x";
  refused(request_, Problem::kSignature, "another bucket in Host");
}

TEST_P(HeaderV2, ChangedInItsDateIsRefused) {
  refused(with("Date", "Sat, 21 Nov 2026 07:00:01 GMT"), Problem::kSignature, "a second later");
  refused(with("x-amz-date", std::string(kDate)), Problem::kSignature, "a date that wasn't signed");
  refused(with("Date", "Sat, 21 Nov 2026 06:44:59 GMT"), Problem::kSkewed, "too early");
  refused(with("x-amz-date", "Tue, 07 Jul 2030 21:53:04 GMT"), Problem::kSkewed, "too late");
  refused(without("Date"), Problem::kNoCredentials, "no date");
  for (std::string bad : {"", "Bad Date", "Fri, 07 Jul 1950 21:53:04 GMT"}) {
    refused(with("Date", bad), Problem::kNoCredentials, "Date " + bad);
    refused(with("x-amz-date", bad), Problem::kNoCredentials, "x-amz-date " + bad);
  }
  clock_.advance(std::chrono::minutes(15));
  EXPECT_TRUE(ask(request_));
  clock_.advance(std::chrono::seconds(1));
  refused(request_, Problem::kSkewed, "replayed later");
}

TEST_P(HeaderV2, WithAnotherKeyOrSignatureIsRefused) {
  std::string header(*request_.header("authorization"));
  std::string other = header;
  other.replace(other.find("7EXAMPLE"), 8, "7EXAMPLF");
  refused(with("Authorization", other), Problem::kUnknownKey, "another key");
  for (size_t at = header.size() - 28; at < header.size(); ++at) {
    other = header;
    other[at] = other[at] == 'a' ? 'b' : 'a';
    refused(with("Authorization", other), Problem::kSignature, other);
  }
  refused(with("Authorization", header + "="), Problem::kSignature, "longer");
  refused(with("Authorization", header.substr(0, header.size() - 1)), Problem::kSignature, "shorter");
  keys_.known[std::string(kKeyId)].secret += "x";
  refused(request_, Problem::kSignature, "another secret");
}

INSTANTIATE_TEST_SUITE_P(Botocore, HeaderV2, testing::Range(size_t{0}, kSent.size()),
                         [](const auto& info) { return std::string(kSent[info.param].name); });

SentRequest signed_by_hand(SentRequest request, std::string_view date_line) {
  request.set("Authorization",
              "AWS AKIAIOSFODNN7EXAMPLE:" + signature_v2(kSecret, v2_header_to_sign(request, date_line, "")));
  return request;
}

// AWS's rule: where x-amz-date is there, it is signed in place of Date.
TEST_F(Auth, TheDateOfV2MayStandInXAmzDate) {
  SentRequest request = get();
  request.set("Date", "Sat, 21 Nov 2020 07:00:00 GMT");  // a proxy's
  for (const std::string& date : {std::string(kDate), std::string("20261121T070000Z")}) {
    request.set("x-amz-date", date);
    SentRequest sent = signed_by_hand(request, "");
    EXPECT_TRUE(ask(sent)) << date;
    sent = signed_by_hand(request, date);
    EXPECT_EQ(problem(sent), Problem::kSignature);
  }
}

TEST_F(Auth, AHeaderOfV2HasAKeyAndASignature) {
  SentRequest request = get();
  request.set("Date", std::string(kDate));
  for (std::string word : {"", "HAHAHA", ":x", "x:", ":"}) {
    request.set("Authorization", "AWS " + word);
    Refusal wrong = refusal(request);
    EXPECT_EQ(wrong.problem, Problem::kMalformedHeader) << word;
    EXPECT_EQ(field(wrong, "ArgumentName"), "Authorization");
    EXPECT_EQ(field(wrong, "ArgumentValue"), "AWS " + word);
  }
}

TEST_F(Auth, AWrongSignatureOfV2IsToldWhatShouldHaveBeenSigned) {
  SentRequest request = get();
  request.set("Date", std::string(kDate));
  request.set("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  Refusal wrong = refusal(request);
  EXPECT_EQ(wrong.problem, Problem::kSignature);
  EXPECT_EQ(field(wrong, "StringToSign"), "GET\n\n\n" + std::string(kDate) + "\n/bucket/key");
  EXPECT_EQ(field(wrong, "SignatureProvided"), "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  EXPECT_EQ(field(wrong, "CanonicalRequest"), "");
}

// x-amz-content-sha256 is a header that V2 signs: then it holds the body too.
TEST_F(Auth, AHashUnderV2IsChecked) {
  SentRequest request = get();
  request.set("Date", std::string(kDate));
  request.set("x-amz-content-sha256", sha256_hex("hello"));
  request = signed_by_hand(request, kDate);
  request.body = "hellO";
  auto who = ask(request);
  ASSERT_TRUE(who);
  char space[10];
  EXPECT_FALSE(who->payload->read(space));
  EXPECT_EQ(who->payload->problem(), Payload::Problem::kHash);
  request.set("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  request = signed_by_hand(request, kDate);
  EXPECT_EQ(problem(request), Problem::kPayloadHash);
}

}  // namespace
}  // namespace tarn::aws
