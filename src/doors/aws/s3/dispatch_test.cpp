// The way of a request: its address, its operation, who may, CORS, and how errors are told.
#include "doors/aws/s3/dispatch.h"

#include "doors/aws/s3/door_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

const std::vector<std::string> kDomains = {"localhost", "s3.localhost"};

std::string address(const std::string& host, const std::string& target) {
  auto found = parse_address(host, target, kDomains);
  if (!found) return found.error().code;
  return found->bucket + "|" + found->key;
}

TEST(Address, KeepsKeysAsTheyCame) {
  EXPECT_EQ(address("localhost:9700", "/"), "|");
  EXPECT_EQ(address("localhost:9700", "/b"), "b|");
  EXPECT_EQ(address("localhost:9700", "/b/"), "b|");
  EXPECT_EQ(address("localhost:9700", "/b//a"), "b|/a");
  EXPECT_EQ(address("localhost:9700", "/b/a//b/./c/../d/"), "b|a//b/./c/../d/");
  EXPECT_EQ(address("localhost:9700", "/b/a%2Fb%2520c+d%20e?x=1"), "b|a/b%20c+d e");
  EXPECT_EQ(address("localhost:9700", "http://localhost:9700/b/k?acl"), "b|k");
  EXPECT_EQ(address("localhost:9700", "/b/%zz"), "InvalidURI");
  EXPECT_EQ(address("localhost:9700", "/b/a?x=%"), "InvalidURI");
  EXPECT_EQ(address("localhost:9700", "//a"), "InvalidURI");
}

TEST(Address, FindsTheBucketInTheHost) {
  EXPECT_EQ(address("b.localhost:9700", "/k/l"), "b|k/l");
  EXPECT_EQ(address("B.S3.localhost", "//k"), "b|/k");
  EXPECT_EQ(address("my.bucket.s3.localhost", "/"), "my.bucket|");
  EXPECT_EQ(address("s3.localhost", "/b/k"), "b|k");  // the domain itself, not a bucket s3
  EXPECT_EQ(address("127.0.0.1:9700", "/b/k"), "b|k");
  EXPECT_EQ(address("[::1]:9700", "/b/k"), "b|k");
  EXPECT_EQ(address("evillocalhost", "/b/k"), "b|k");
}

std::string operation(const std::string& method, const std::string& target) {
  auto found = find_operation(method, *parse_address("localhost", target, kDomains));
  return found ? std::string((*found)->name) : found.error().code;
}

TEST(FindOperation, GoesByMethodAndSubResource) {
  EXPECT_EQ(operation("GET", "/"), "ListBuckets");
  EXPECT_EQ(operation("GET", "/?x-id=ListBuckets"), "ListBuckets");
  EXPECT_EQ(operation("GET", "/b"), "ListObjects");
  EXPECT_EQ(operation("GET", "/b?list-type=2&x-id=ListObjectsV2"), "ListObjectsV2");
  EXPECT_EQ(operation("GET", "/b?list-type=1"), "ListObjects");
  EXPECT_EQ(operation("GET", "/b?versions&prefix=a"), "ListObjectVersions");
  EXPECT_EQ(operation("PUT", "/b/k?x-id=PutObject"), "PutObject");
  EXPECT_EQ(operation("PUT", "/b/k?partNumber=1&uploadId=u"), "UploadPart");
  EXPECT_EQ(operation("PUT", "/b/k?partNumber=1"), "UploadPart");
  EXPECT_EQ(operation("GET", "/b/k?partNumber=1"), "GetObject");
  EXPECT_EQ(operation("GET", "/b/k?versionId=v&response-expires=x"), "GetObject");
  EXPECT_EQ(operation("POST", "/b/k?uploads"), "CreateMultipartUpload");
  EXPECT_EQ(operation("POST", "/b?delete"), "DeleteObjects");
  EXPECT_EQ(operation("POST", "/b"), "PostObject");
  EXPECT_EQ(operation("HEAD", "/b/k?tagging"), "HeadObject");
}

TEST(FindOperation, NeverTakesAnUnknownCombinationForASimplerOne) {
  EXPECT_EQ(operation("DELETE", "/b?logging"), "MethodNotAllowed");
  EXPECT_EQ(operation("DELETE", "/b?versioning"), "MethodNotAllowed");
  EXPECT_EQ(operation("DELETE", "/b/k?lifecycle"), "MethodNotAllowed");
  EXPECT_EQ(operation("PUT", "/b/k?policy"), "MethodNotAllowed");
  EXPECT_EQ(operation("POST", "/b/k"), "MethodNotAllowed");
  EXPECT_EQ(operation("PUT", "/"), "MethodNotAllowed");
  EXPECT_EQ(operation("PATCH", "/b/k"), "MethodNotAllowed");
}

TEST(Operations, EachIsReachedByItsOwnRow) {
  for (const Operation& one : operations()) {
    std::string target = one.on == Operation::On::kService  ? "/"
                         : one.on == Operation::On::kBucket ? "/b"
                                                            : "/b/k";
    if (!one.resource.empty())
      target += "?" + std::string(one.resource) + (one.resource == "list-type" ? "=2" : "");
    EXPECT_EQ(operation(std::string(one.method), target), one.name) << target;
  }
}

class Dispatch : public DoorWorld {};

TEST_F(Dispatch, ErrorsHaveAnXmlBodyAndIdsButHeadHasNone) {
  Told told = ask("GET", "/bucket-b/none");
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.code, "NoSuchKey");
  EXPECT_EQ(told.fields["Key"], "none");
  EXPECT_EQ(told.header("content-type"), "application/xml");
  EXPECT_EQ(told.fields["RequestId"], told.header("x-amz-request-id"));
  EXPECT_EQ(told.fields["HostId"], told.header("x-amz-id-2"));
  EXPECT_EQ(told.header("x-amz-request-id").size(), 16u);
  EXPECT_NE(told.header("x-amz-request-id"), ask("GET", "/bucket-b/none").header("x-amz-request-id"));
  Told head = ask("HEAD", "/bucket-b/none");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.length, 0u);
  EXPECT_FALSE(head.header("x-amz-request-id").empty());
}

TEST_F(Dispatch, PutsAndGetsThroughBothAddressings) {
  EXPECT_EQ(ask("PUT", "/bucket-b//a/%20x", "hello").status, 200);
  Told told = ask("GET", "//a/%20x", "", {{"Host", "bucket-b.s3.localhost:9700"}});
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.body, "hello");
  EXPECT_FALSE(told.header("x-amz-request-id").empty());
  EXPECT_EQ(ask("GET", "/bucket-b/a/%20x").code, "NoSuchKey");
}

TEST_F(Dispatch, RefusesKeysThatClimb) {
  EXPECT_EQ(ask("GET", "/bucket-b/../../etc/passwd").status, 400);
  EXPECT_EQ(ask("PUT", "/bucket-b/a/%2e%2e/%2e%2e/b", "x").status, 400);
  EXPECT_EQ(ask("PUT", "/bucket-b/a/../b", "x").status, 200);
}

TEST_F(Dispatch, AnswersWhatIsNotThere) {
  EXPECT_EQ(ask("GET", "/no-such-bucket/k").code, "NoSuchBucket");
  EXPECT_EQ(ask("GET", "/no-such-bucket/k").fields["BucketName"], "no-such-bucket");
  EXPECT_EQ(ask("HEAD", "/no-such-bucket").status, 404);
  Told method = ask("DELETE", "/bucket-b?versioning");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.fields["ResourceType"], "BUCKET");
  Told select = ask("POST", "/bucket-b/k?select&select-type=2");
  EXPECT_EQ(select.status, 501);
  EXPECT_EQ(select.code, "NotImplemented");
  EXPECT_EQ(ask("PUT", "/bucket-b?website").status, 501);
  EXPECT_EQ(ask("GET", "/bucket-b", "", {{"x-amz-expected-bucket-owner", "111111111111"}}).code,
            "AccessDenied");
  EXPECT_EQ(ask("GET", "/bucket-b", "", {{"x-amz-expected-bucket-owner", "000000000000"}}).status, 200);
}

TEST_F(Dispatch, WrongCredentialsAreTold) {
  Told told = ask("GET", "/bucket-b", "", {}, login(root_key_.key.id, "wrong"));
  EXPECT_EQ(told.status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b", "", {{"Authorization", "AWS4-HMAC-SHA256 nonsense"}}, "").code,
            "AuthorizationHeaderMalformed");
}

TEST_F(Dispatch, NobodyGetsOnlyWhatTheBucketsPolicyGives) {
  ASSERT_EQ(ask("PUT", "/bucket-b/open/a", "x").status, 200);
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").code, "AccessDenied");
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").message, "Access Denied");
  EXPECT_EQ(ask("GET", "/", "", {}, "").code, "AccessDenied");
  std::string policy = R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
      "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket-b/open/*"}]})";
  ASSERT_EQ(ask("PUT", "/bucket-b?policy", policy).status, 204);
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").body, "x");
  EXPECT_EQ(ask("GET", "/bucket-b/closed/a", "", {}, "").code, "AccessDenied");
  EXPECT_EQ(ask("GET", "/bucket-b/open/none", "", {}, "").code, "AccessDenied");  // may not list
  EXPECT_EQ(ask("PUT", "/bucket-b/open/a", "y", {}, "").code, "AccessDenied");
  // Restricting public policies shuts strangers out again.
  std::string block =
      "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets>"
      "</PublicAccessBlockConfiguration>";
  ASSERT_EQ(ask("PUT", "/bucket-b?publicAccessBlock", block).status, 200);
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").code, "AccessDenied");
  ASSERT_EQ(ask("DELETE", "/bucket-b?publicAccessBlock").status, 204);
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").status, 200);
  ASSERT_EQ(ask("DELETE", "/bucket-b?policy").status, 204);
  EXPECT_EQ(ask("GET", "/bucket-b/open/a", "", {}, "").code, "AccessDenied");
}

TEST_F(Dispatch, TellsOfMissingKeysOnlyWhoMayList) {
  std::string reader = new_user("reader", allows("s3:GetObject", "bucket-b/*"));
  EXPECT_EQ(ask("GET", "/bucket-b/none", "", {}, reader).status, 403);
  std::string lister = new_user(
      "lister",
      allows("s3:GetObject", "bucket-b/*") + "," +
          allows("s3:ListBucket", "bucket-b", R"(, "Condition": {"StringLike": {"s3:prefix": "home/*"}})"));
  EXPECT_EQ(ask("GET", "/bucket-b/home/none", "", {}, lister).status, 404);
  EXPECT_EQ(ask("GET", "/bucket-b/none", "", {}, lister).status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b?prefix=home/", "", {}, lister).status, 200);
  EXPECT_EQ(ask("GET", "/bucket-b?prefix=other/", "", {}, lister).status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b", "", {}, lister).status, 403);
}

TEST_F(Dispatch, GuardKnowsTheFactsOfTheRequest) {
  std::string policy = R"({"Version": "2012-10-17", "Statement": [
      {"Effect": "Deny", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket-b",
       "Condition": {"NumericGreaterThan": {"s3:max-keys": "10"}}},
      {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket-b/*",
       "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}},
      {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket-b/tls/*",
       "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
      {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket-b/ip/*",
       "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}]})";
  ASSERT_EQ(ask("PUT", "/bucket-b?policy", policy).status, 204);
  EXPECT_EQ(ask("GET", "/bucket-b?max-keys=11").status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b?max-keys=10").status, 200);
  EXPECT_EQ(ask("PUT", "/bucket-b/a", "x", {{"x-amz-acl", "bucket-owner-full-control"}}).status, 403);
  EXPECT_EQ(ask("PUT", "/bucket-b/a", "x", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(ask("GET", "/bucket-b/tls/a").status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b/ip/a").status, 403);
}

const char* kCors =
    "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example.com</AllowedOrigin>"
    "<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>"
    "<AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
    "<MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
    "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
    "</CORSConfiguration>";

class Cors : public DoorWorld {
 protected:
  void set() {
    std::string sum = to_base64(store::digest_of(store::Algorithm::kCrc32, kCors));
    ASSERT_EQ(ask("PUT", "/bucket-b?cors", kCors, {{"x-amz-checksum-crc32", sum}}).status, 200);
  }
  Told preflight(const std::string& origin, const std::string& method, const std::string& headers = "",
                 const std::string& target = "/bucket-b/k") {
    Headers all = {{"Origin", origin}, {"Access-Control-Request-Method", method}};
    if (!headers.empty()) all.emplace_back("Access-Control-Request-Headers", headers);
    return ask("OPTIONS", target, "", all, "");
  }
};

TEST_F(Cors, PreflightFollowsTheRules) {
  EXPECT_EQ(preflight("https://a.example.com", "PUT").code, "AccessForbidden");
  set();
  Told told = preflight("https://a.example.com", "PUT", "X-Amz-Date, x-amz-acl");
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.header("access-control-allow-origin"), "https://a.example.com");
  EXPECT_EQ(told.header("access-control-allow-methods"), "PUT, GET");
  EXPECT_EQ(told.header("access-control-allow-headers"), "x-amz-date, x-amz-acl");
  EXPECT_EQ(told.header("access-control-expose-headers"), "ETag");
  EXPECT_EQ(told.header("access-control-max-age"), "60");
  EXPECT_EQ(told.header("access-control-allow-credentials"), "true");
  EXPECT_EQ(preflight("https://a.example.com", "PUT", "content-type").code, "AccessForbidden");
  EXPECT_EQ(preflight("https://a.example.org", "PUT").fields["Method"], "PUT");
  EXPECT_EQ(preflight("https://a.example.org", "PUT").fields["ResourceType"], "OBJECT");
  Told anybody = preflight("https://a.example.org", "GET");
  EXPECT_EQ(anybody.header("access-control-allow-origin"), "*");
  EXPECT_FALSE(anybody.headers.contains("access-control-allow-credentials"));
  EXPECT_EQ(preflight("https://a.example.com", "PATCH").code, "BadRequest");
  EXPECT_EQ(ask("OPTIONS", "/bucket-b/k", "", {}, "").code, "BadRequest");
  EXPECT_EQ(preflight("https://a.example.com", "GET", "", "/none-such/k").message,
            "CORSResponse: Bucket not found");
}

TEST_F(Cors, AnswersAndErrorsCarryTheRulesHeaders) {
  set();
  Told told = ask("GET", "/bucket-b/none", "", {{"Origin", "https://a.example.com"}});
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.header("access-control-allow-origin"), "https://a.example.com");
  EXPECT_TRUE(told.header("vary").starts_with("Origin"));
  EXPECT_EQ(ask("PUT", "/bucket-b/k", "x", {{"Origin", "https://b.example.com"}})
                .header("access-control-allow-origin"),
            "https://b.example.com");
  EXPECT_FALSE(ask("PUT", "/bucket-b/k", "x", {{"Origin", "https://example.org"}})
                   .headers.contains("access-control-allow-origin"));
  EXPECT_FALSE(ask("GET", "/bucket-b/k").headers.contains("access-control-allow-origin"));
}

}  // namespace
}  // namespace tarn::aws::s3
