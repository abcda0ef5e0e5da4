// Requests as an SDK (botocore) sends them, and each of them changed in every part: the first are taken, of the
// others none.
#include <gtest/gtest.h>

#include "doors/aws/auth_for_test.h"

namespace tarn::aws {
namespace {

using namespace testing_auth;

// 70,000 bytes in one chunk.
const std::string kStreamed =
    "11170\r\n" + std::string(70'000, 'y') + "\r\n0\r\nx-amz-checksum-crc32:YKTJdQ==\r\n\r\n";

struct Sent {
  std::string_view name;
  bool s3;
  bool with_token;
  std::string_view host_bucket;
  std::string_view method;
  std::string_view target;
  Headers headers;
  std::string body;
};

const std::vector<Sent> kSent = {
    {"put_http",
     true,
     false,
     "",
     "PUT",
     "/b/a%20b/%C3%BC%2B~%2C%3B%3D%26%24%40%21%2A%27%28%29.txt",
     {{"Host", "localhost:9700"},
      {"Content-Type", "text/plain"},
      {"x-amz-meta-k", "v  w"},
      {"Expect", "100-continue"},
      {"x-amz-checksum-crc32", "NhCmhg=="},
      {"x-amz-sdk-checksum-algorithm", "CRC32"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-meta-k;"
       "x-amz-sdk-checksum-algorithm, "
       "Signature=45d012cfb8962df1f7fb03e42c77548b87cdaa1299cd9a3318167d2c4fe68200"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     "hello"},
    {"get_dots",
     true,
     false,
     "",
     "GET",
     "/b///x/../y/./z//",
     {{"Host", "localhost:9700"},
      {"x-amz-checksum-mode", "ENABLED"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, "
       "Signature=73b253603c59b1971fe851daf20221f0718330433c4597acaf2db0222de932cb"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     ""},
    {"list",
     true,
     false,
     "",
     "GET",
     "/b?list-type=2&prefix=a%2Fb%20c%2Bd&delimiter=%2F&start-after=%C3%BC&encoding-type=url",
     {{"Host", "localhost:9700"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
       "Signature=55ef6059ac35d5b135a8caffa31aa8ed4dee4d2dec36088224fddb291af882b1"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     ""},
    {"uploads",
     true,
     false,
     "",
     "POST",
     "/b/k?uploads",
     {{"Host", "localhost:9700"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
       "Signature=00ff5b62e94eafa9506b1b006b4e2ae85a0d6a09aa86832bb913333f274068c3"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     ""},
    {"head_token",
     true,
     true,
     "",
     "HEAD",
     "/b/k",
     {{"Host", "localhost:9700"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Security-Token", "v1.session/token+=="},
      {"X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
       "Signature=b0c846cd21c5e0228ad3ff5b978ed2296b1982fc1ccf23c5c0b0f8803f60132b"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     ""},
    {"put_https",
     true,
     false,
     "",
     "PUT",
     "/b/k",
     {{"Host", "localhost:9700"},
      {"Expect", "100-continue"},
      {"Transfer-Encoding", "chunked"},
      {"Content-Encoding", "aws-chunked"},
      {"X-Amz-Trailer", "x-amz-checksum-crc32"},
      {"X-Amz-Decoded-Content-Length", "100"},
      {"x-amz-sdk-checksum-algorithm", "CRC32"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-"
       "amz-sdk-checksum-algorithm;x-amz-trailer, "
       "Signature=9d0c58277c546687ddfdd0103a18bd42e08566724d9ce0795ad16b5c4ef74329"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     "64\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxx\r\n0\r\nx-amz-checksum-crc32:Xg5djw==\r\n\r\n"},
    {"put_https_stream",
     true,
     false,
     "",
     "PUT",
     "/b/k",
     {{"Host", "localhost:9700"},
      {"Expect", "100-continue"},
      {"Transfer-Encoding", "chunked"},
      {"Content-Encoding", "aws-chunked"},
      {"X-Amz-Trailer", "x-amz-checksum-crc32"},
      {"X-Amz-Decoded-Content-Length", "70000"},
      {"x-amz-sdk-checksum-algorithm", "CRC32"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"X-Amz-Content-SHA256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/s3/aws4_request, "
       "SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-"
       "amz-sdk-checksum-algorithm;x-amz-trailer, "
       "Signature=8890892a9b9021f5d24e1687d21db83f95824e8e4b82c0af855f2f1e275fbc2a"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     kStreamed},
    {"sts",
     false,
     false,
     "",
     "POST",
     "/",
     {{"Host", "localhost:9700"},
      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/sts/aws4_request, "
       "SignedHeaders=content-type;host;x-amz-date, "
       "Signature=910f6926c0bbe0b643a80bd642ab96ae10dab1e76fa25a32b1b99afb3b982ac4"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     "Action=GetCallerIdentity&Version=2011-06-15"},
    {"lambda",
     false,
     false,
     "",
     "POST",
     "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations",
     {{"Host", "localhost:9700"},
      {"X-Amz-Date", "20261121T070000Z"},
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/lambda/aws4_request, "
       "SignedHeaders=host;x-amz-date, "
       "Signature=c797dd6946c181df1b2a9e6799164cae877314c034ae492ec4a4f57f158486b3"},
      {"amz-sdk-request", "attempt=1; max=3"}},
     "{}"},
    {"presign4",
     true,
     false,
     "",
     "GET",
     "/b/"
     "a%20b?response-content-disposition=attachment%3B%20filename%3D%22x%20y%2Bz%22&versionId=v%201&X-Amz-"
     "Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261121%2Fus-east-1%2Fs3%2Faws4_"
     "request&X-Amz-Date=20261121T070000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature="
     "73e264a912ce9117b4a452bb12a02e1ed0506a5b72831c56623907776ecabcba",
     {{"Host", "localhost:9700"}},
     ""},
    {"presign4_token",
     true,
     true,
     "",
     "PUT",
     "/b/"
     "k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261121%2Fus-east-1%2Fs3%"
     "2Faws4_request&X-Amz-Date=20261121T070000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=content-type%3Bhost%"
     "3Bx-amz-acl&X-Amz-Security-Token=v1.session%2Ftoken%2B%3D%3D&X-Amz-Signature="
     "4d8104e59303f2ee02d0034c1d8694822f089d4d296332b92a57f8f5a5f20117",
     {{"Host", "localhost:9700"}, {"Content-Type", "text/plain"}, {"x-amz-acl", "private"}},
     ""},
    {"presign2",
     true,
     false,
     "",
     "GET",
     "/b/"
     "a%20b?response-content-disposition=attachment%3B%20filename%3D%22x%20y%2Bz%22&versionId=v%201&"
     "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=d5rX4OQvhtpXrmN7p%2FNcOX5e%2FY0%3D&Expires=1795245000",
     {{"Host", "localhost:9700"}},
     ""},
    {"presign2_token",
     true,
     true,
     "",
     "PUT",
     "/b/"
     "k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=lSrexBU2pkb82YvvgTzMQP9i9fA%3D&x-amz-acl=private&"
     "content-type=text%2Fplain&x-amz-meta-k=v&x-amz-security-token=v1.session%2Ftoken%2B%3D%3D&Expires="
     "1795245000",
     {{"Host", "localhost:9700"}, {"Content-Type", "text/plain"}},
     ""},
    {"presign2_part",
     true,
     false,
     "",
     "PUT",
     "/b/"
     "k?partNumber=2&uploadId=u%2F1%3D%3D&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=2le27uEN39F%"
     "2FnoQuoktBJG1omsw%3D&Expires=1795245000",
     {{"Host", "localhost:9700"}},
     ""},
    {"presign2_virtual",
     true,
     false,
     "bucket",
     "GET",
     "/a/"
     "b?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=ZckC40590JENiCYsxp%2BYljw8IkU%3D&Expires=1795245000",
     {{"Host", "bucket.s3.localhost:9700"}},
     ""},
    {"sts_presign",
     false,
     false,
     "",
     "POST",
     "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
     "AKIAIOSFODNN7EXAMPLE%2F20261121%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261121T070000Z&X-Amz-"
     "Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature="
     "8639820c0862656c158820c2871555370055805f580079fb8f2bb52735088ef7",
     {{"Host", "localhost:9700"}},
     ""},
};

class FromSdk : public testing::TestWithParam<size_t> {
 protected:
  FromSdk() {
    request_.verb = sent_.method;
    request_.raw_target = sent_.target;
    request_.fields = sent_.headers;
    request_.body = sent_.body;
    request_.chunked = request_.header("transfer-encoding").has_value();
    if (sent_.with_token) keys_.known[std::string(kKeyId)].token = kSessionToken;
  }
  std::expected<Authenticated, Refusal> ask(SentRequest& request) {
    AuthOptions options{.identities = keys_, .clock = clock_, .region = {}};
    options.host_bucket = sent_.host_bucket;
    return authenticate(request, sent_.s3, options);
  }
  // Kept apart from Problem's values: the test says what it expects in words.
  void refused(SentRequest request, std::initializer_list<Problem> as, const std::string& what) {
    auto who = ask(request);
    if (who) {
      ADD_FAILURE() << what << ": taken";
      return;
    }
    EXPECT_NE(std::ranges::find(as, who.error().problem), as.end())
        << what << ": problem " << static_cast<int>(who.error().problem) << ", " << who.error().message;
  }
  SentRequest with_target(std::string target) const {
    SentRequest out = request_;
    out.raw_target = std::move(target);
    return out;
  }
  bool in_header() const { return request_.header("authorization").has_value(); }
  bool v2() const { return request_.raw_target.find("AWSAccessKeyId=") != std::string::npos; }
  bool v4_query() const { return !in_header() && !v2(); }

  // Everything of the credential's scope, and the signature: in the header, or in the query.
  void change_part(std::string_view what, std::string_view by, std::initializer_list<Problem> as) {
    SentRequest changed = request_;
    std::string header(changed.header("authorization").value_or(""));
    std::string& text = in_header() ? header : changed.raw_target;
    std::string from(what);
    std::string to(by);
    if (!in_header()) {
      from = uri_encode(what, false);
      to = uri_encode(by, false);
    }
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    if (in_header()) changed.set("Authorization", header);
    refused(changed, as, from + " -> " + to);
  }

  const Sent& sent_ = kSent[GetParam()];
  SentRequest request_;
  KnownKeys keys_;
  ManualClock clock_{kNow};
};

TEST_P(FromSdk, IsTaken) {
  auto who = ask(request_);
  ASSERT_TRUE(who) << who.error().message
                   << (who.error().fields.size() > 4 ? "\n" + who.error().fields[4].second : "");
  EXPECT_EQ(who->principal.name, kKeyId);
  EXPECT_EQ(who->scheme, in_header() ? Scheme::kSigV4 : v2() ? Scheme::kPresignedV2 : Scheme::kPresignedV4);
  bool streamed = request_.header("x-amz-trailer").has_value();
  EXPECT_EQ(who->aws_chunked, streamed);
  std::string got;
  std::string space(10'000, '\0');
  for (size_t n = 1; n > 0;) {
    auto read = who->payload->read(space);
    ASSERT_TRUE(read) << read.error().message;
    n = *read;
    got.append(space, 0, n);
  }
  if (streamed) {
    EXPECT_EQ(std::to_string(got.size()), *request_.header("x-amz-decoded-content-length"));
    EXPECT_EQ(who->payload->trailers().size(), 1u);
  } else {
    EXPECT_EQ(got, request_.body);
  }
}

TEST_P(FromSdk, ChangedInAHeaderIsRefused) {
  std::string names(request_.header("authorization").value_or(""));
  if (v4_query()) names = request_.raw_target;
  for (const auto& [name, value] : request_.fields) {
    std::string low = lower_case(name);
    bool is_signed = names.find(low) != std::string::npos;
    if (v2()) is_signed = low == "content-type";
    if (!is_signed || low == "authorization") continue;
    SentRequest changed = request_;
    changed.set(name, value + "1");
    refused(changed,
            {low == "x-amz-security-token" ? Problem::kToken
             : low == "x-amz-date"         ? (sent_.s3 ? Problem::kNoCredentials : Problem::kMalformedHeader)
                                           : Problem::kSignature},
            name + " changed");
    if (v2()) continue;  // the query has it too
    SentRequest without = request_;
    without.remove(name);
    refused(without,
            {low == "x-amz-security-token" ? Problem::kToken
             : low == "x-amz-date"         ? (sent_.s3 ? Problem::kNoCredentials : Problem::kMalformedHeader)
             : low == "x-amz-content-sha256" ? Problem::kPayloadHash
                                             : Problem::kSignature},
            name + " taken away");
    SentRequest twice = request_;
    twice.fields.emplace_back(name, "1");
    refused(twice, {Problem::kSignature}, name + " twice");
  }
  SentRequest more = request_;
  more.set("x-amz-more", "1");
  refused(more, {v2() ? Problem::kSignature : Problem::kHeadersNotSigned}, "a header more");
  SentRequest later = request_;
  if (in_header()) {
    later.set("x-amz-date", "20261121T070001Z");
    refused(later, {Problem::kSignature}, "a second later");
    later.set("x-amz-date", "20261122T070000Z");
    refused(later, {Problem::kMalformedHeader}, "a day later");
  }
}

TEST_P(FromSdk, ChangedInMethodPathOrQueryIsRefused) {
  SentRequest method = request_;
  method.verb = sent_.method == "PUT" ? "DELETE" : "PUT";
  refused(method, {Problem::kSignature}, "another method");
  const std::string& target = request_.raw_target;
  size_t question = std::min(target.find('?'), target.size());
  refused(with_target(target.substr(0, question) + "x" + target.substr(question)), {Problem::kSignature},
          "path");
  if (sent_.s3) {
    refused(with_target("/" + target), {Problem::kSignature}, "a slash more");
    refused(with_target(target.substr(0, question) + "/." + target.substr(question)), {Problem::kSignature},
            "a dot");
  }
  std::string separator = question == target.size() ? "?" : "&";
  refused(with_target(target + separator + "acl"), {Problem::kSignature}, "a sub-resource more");
  refused(with_target(target + separator + "legal-hold"),
          {v2() ? Problem::kUnsupported : Problem::kSignature}, "a sub-resource that V2 doesn't know");
  refused(with_target(target + separator + "response-expires=0"), {Problem::kSignature},
          "an overridden header");
  refused(with_target(target + separator + "x-amz-acl=public-read"), {Problem::kSignature},
          "a header in the query");
  if (!v2()) refused(with_target(target + separator + "a=b"), {Problem::kSignature}, "a parameter more");
  if (sent_.name == "list") {
    std::string other = target;
    other.replace(other.find("c%2Bd"), 5, "c%20d");
    refused(with_target(other), {Problem::kSignature}, "a plus as a blank");
  }
}

TEST_P(FromSdk, ChangedInItsScopeIsRefused) {
  if (v2()) {
    change_part("AWSAccessKeyId", "awsaccesskeyid", {Problem::kNoCredentials});
    change_part(kKeyId, "AKIAIOSFODNN7EXAMPLF", {Problem::kUnknownKey});
    change_part("1795245000", "1795245001", {Problem::kSignature});
    return;
  }
  Problem malformed = in_header() ? Problem::kMalformedHeader : Problem::kMalformedQuery;
  change_part(std::string(kKeyId) + "/", "AKIAIOSFODNN7EXAMPLF/", {Problem::kUnknownKey});
  change_part("/20261121/", "/20261120/", {malformed});
  change_part("/us-east-1/", "/us-east-2/", {Problem::kSignature});
  change_part("/aws4_request", "/aws5_request", {malformed});
  if (sent_.s3) {
    change_part("/s3/", "/sts/", {malformed});
  } else {
    change_part(sent_.name == "lambda" ? "/lambda/" : "/sts/", "/iam/", {Problem::kSignature});
  }
}

TEST_P(FromSdk, WithAnotherSignatureIsRefused) {
  SentRequest changed = request_;
  std::string header(changed.header("authorization").value_or(""));
  std::string& text = in_header() ? header : changed.raw_target;
  size_t at = text.find("Signature=") + 10;
  const std::string original = text;
  for (size_t i : {size_t{0}, size_t{7}, size_t{20}}) {
    text = original;
    text[at + i] = text[at + i] == 'a' ? 'b' : 'a';
    if (in_header()) changed.set("Authorization", header);
    refused(changed, {Problem::kSignature}, "signature " + std::to_string(i));
  }
  text = original.substr(0, at) + "x" + original.substr(std::min(original.find('&', at), original.size()));
  if (in_header()) changed.set("Authorization", header);
  refused(changed, {Problem::kSignature}, "a short signature");
  keys_.known[std::string(kKeyId)].secret += "x";
  refused(request_, {Problem::kSignature}, "another secret");
}

TEST_P(FromSdk, WithAnotherBodyIsRefused) {
  if (v2() || v4_query() || request_.header("x-amz-trailer")) return;  // their body is not signed
  SentRequest changed = request_;
  changed.body += "x";
  if (!sent_.s3) {
    refused(changed, {Problem::kSignature}, "another body");
    return;
  }
  auto who = ask(changed);
  ASSERT_TRUE(who);
  char space[100];
  EXPECT_FALSE(who->payload->read(space));
  EXPECT_EQ(who->payload->problem(), Payload::Problem::kHash);
}

INSTANTIATE_TEST_SUITE_P(Botocore, FromSdk, testing::Range(size_t{0}, kSent.size()),
                         [](const auto& info) { return std::string(kSent[info.param].name); });

// A signed aws-chunked upload, from the head to the trailer: whatever is changed on the way.
TEST(SignedUpload, IsRefusedWhateverIsChanged) {
  KnownKeys keys;
  ManualClock clock(kNow);
  AuthOptions options{.identities = keys, .clock = clock, .region = {}};
  Signer signer;
  SentRequest request;
  request.verb = "PUT";
  request.raw_target = "/b/k";
  request.fields = {{"Host", "localhost"},
                    {"Content-Encoding", "aws-chunked"},
                    {"x-amz-decoded-content-length", "9"},
                    {"x-amz-trailer", "x-amz-checksum-crc32"}};
  std::string seed = signer.sign(request, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
  request.body = chunked_text({"hello ", "you"}, &signer, seed, {{"x-amz-checksum-crc32", "abc="}}, true);
  auto upload = [&](SentRequest sent) -> std::string {
    auto who = authenticate(sent, true, options);
    if (!who) return "head";
    std::string got;
    std::string space(100, '\0');
    for (;;) {
      auto n = who->payload->read(space);
      if (!n) return "payload";
      if (*n == 0) return got;
      got.append(space, 0, *n);
    }
  };
  EXPECT_EQ(upload(request), "hello you");
  for (size_t i = 0; i < request.body.size(); ++i) {
    SentRequest changed = request;
    changed.body[i] = static_cast<char>(changed.body[i] ^ 1);
    EXPECT_EQ(upload(changed), "payload") << i;
  }
  for (std::string_view name : {"x-amz-decoded-content-length", "x-amz-trailer", "Content-Encoding"}) {
    SentRequest changed = request;
    changed.remove(name);
    EXPECT_EQ(upload(changed), "head") << name;
  }
  SentRequest another = request;
  another.set("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  EXPECT_EQ(upload(another), "head");
  // Chunks of another upload, under this head.
  SentRequest other = request;
  other.raw_target = "/b/other";
  std::string other_seed = signer.sign(other, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
  SentRequest mixed = request;
  mixed.body = chunked_text({"hello ", "you"}, &signer, other_seed, {{"x-amz-checksum-crc32", "abc="}}, true);
  EXPECT_EQ(upload(mixed), "payload");
}

}  // namespace
}  // namespace tarn::aws
