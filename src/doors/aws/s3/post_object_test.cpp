// PostObject: forms, their policies and their signatures.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "doors/aws/s3/bucket_policy.h"
#include "doors/aws/s3/object_world_for_test.h"
#include "doors/aws/s3/post_policy.h"

namespace tarn::aws::s3 {
namespace {

constexpr Timestamp kNow{1'790'000'000'000'000};
const std::string kExpires = R"("expiration": "2026-12-01T12:00:00.000Z")";

std::string verdict(const std::string& conditions, const Fields& fields, std::string_view bucket = "b") {
  auto policy = parse_post_policy("{" + kExpires + ", \"conditions\": [" + conditions + "]}");
  if (!policy) return policy.error().code;
  auto checked = check_post_policy(*policy, fields, bucket, kNow);
  return checked ? "" : checked.error().message;
}

TEST(PostPolicy, CoversEveryField) {
  const std::string bucket = R"({"bucket": "b"})";
  const std::string failed = "Invalid according to Policy: Policy Condition failed: ";
  const std::string extra = "Invalid according to Policy: Extra input fields: ";
  EXPECT_EQ(verdict(bucket + R"(, {"key": "a"})", {{"key", "a"}}), "");
  EXPECT_EQ(verdict(R"({"BUCKET": "b"}, {"KEY": "a"})", {{"key", "a"}}), "");
  EXPECT_EQ(verdict(bucket + R"(, ["eq", "$key", "a"])", {{"key", "a"}}), "");
  EXPECT_EQ(verdict(bucket + R"(, ["eq", "$key", "a"])", {{"key", "A"}}), failed + R"(["eq","$key","a"])");
  EXPECT_EQ(verdict(bucket + R"(, ["starts-with", "$key", "user/"])", {{"key", "user/x"}}), "");
  EXPECT_EQ(verdict(bucket + R"(, ["starts-with", "$key", "user/"])", {{"key", "use"}}),
            failed + R"(["starts-with","$key","user/"])");
  EXPECT_EQ(verdict(bucket + R"(, ["starts-with", "$key", ""])", {{"key", "x"}}), "");
  EXPECT_EQ(verdict(bucket + R"(, {"key": "a"}, {"acl": "private"})", {{"key", "a"}}),
            failed + R"(["eq","$acl","private"])");
  EXPECT_EQ(verdict(bucket + R"(, {"key": "a"})", {{"key", "a"}, {"x-amz-meta-b", "1"}}),
            extra + "x-amz-meta-b");
  EXPECT_EQ(
      verdict(
          bucket + R"(, {"key": "a"})",
          {{"key", "a"}, {"x-ignore-b", "1"}, {"policy", "p"}, {"signature", "s"}, {"awsaccesskeyid", "i"}}),
      "");
  EXPECT_EQ(verdict(R"({"key": "a"})", {{"key", "a"}}), extra + "bucket");
  EXPECT_EQ(verdict(R"({"bucket": "other"}, {"key": "a"})", {{"key", "a"}}),
            failed + R"(["eq","$bucket","other"])");
  EXPECT_EQ(verdict(bucket + R"(, {"key": "a"}, ["starts-with", "$Content-Type", "image/"])",
                    {{"key", "a"}, {"content-type", "image/png, image/gif"}}),
            "");
  EXPECT_NE(verdict(bucket + R"(, {"key": "a"}, ["starts-with", "$Content-Type", "image/"])",
                    {{"key", "a"}, {"content-type", "image/png,text/html"}}),
            "");
}

TEST(PostPolicy, ThatIsNoneIsRefused) {
  for (const char* text : {
           "",
           "x",
           "[]",
           "{}",
           R"({"expiration": "2026-12-01T12:00:00Z"})",
           R"({"conditions": []})",
           R"({"EXPIRATION": "2026-12-01T12:00:00Z", "conditions": []})",
           R"({"expiration": "2026-12-01T12:00:00Z", "CONDITIONS": []})",
           R"({"expiration": "tomorrow", "conditions": []})",
           R"({"expiration": 1, "conditions": []})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [{}]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [1]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [["eq", "$key"]]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [["eq", "key", "a"]]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [["like", "$key", "a"]]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [["content-length-range", 0]]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [["content-length-range", -1, 3]]})",
           R"({"expiration": "2026-12-01T12:00:00Z", "conditions": [{"key": 1}]})",
       }) {
    auto policy = parse_post_policy(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code, "InvalidPolicyDocument") << text;
    EXPECT_EQ(policy.error().status, 400);
  }
}

TEST(PostPolicy, Expires) {
  auto policy =
      parse_post_policy(R"({"expiration": "2026-09-01T12:00:00Z", "conditions": [{"bucket": "b"}]})");
  ASSERT_TRUE(policy);
  auto checked = check_post_policy(*policy, {}, "b", kNow);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "Invalid according to Policy: Policy expired.");
  EXPECT_EQ(checked.error().status, 403);
}

class PostObject : public ObjectWorld {
 protected:
  PostObject() {
    access::User alice;
    alice.name = "alice";
    alice.inline_policies.push_back(
        {"p", R"({"Version": "2012-10-17", "Statement": [)" + allows("s3:PutObject*", "bucket-b/*") + "]}"});
    identities_->create_user(alice).value();
    key_ = identities_->create_key("alice", "").value();
  }

  std::string sign(const std::string& policy) const {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha1(), key_.secret.data(), static_cast<int>(key_.secret.size()),
         reinterpret_cast<const unsigned char*>(policy.data()), policy.size(), out, &size);
    return to_base64({reinterpret_cast<const char*>(out), size});
  }
  static std::string form(const Fields& fields, const std::string& file,
                          const std::string& filename = "f.txt") {
    std::string out;
    for (const auto& [name, value] : fields) {
      out += "--BOUND\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    }
    out += "--BOUND\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
           "\"\r\nContent-Type: text/html\r\n\r\n" + file + "\r\n";
    return out + "--BOUND\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nGo\r\n--BOUND--\r\n";
  }
  Told post(const std::string& body) {
    Headers headers = {{"Content-Type", "multipart/form-data; boundary=BOUND"}, {"Host", "lake:1"}};
    headers.insert(headers.end(), more_headers_.begin(), more_headers_.end());
    return run(post_object, {.method = "POST",
                             .query = more_query_,
                             .headers = headers,
                             .body = body,
                             .principal = access::Principal::anonymous(),
                             .scheme = Scheme::kNone});
  }
  // Signed by alice, with a condition for each field, and more of them.
  Told post_signed(Fields fields, const std::string& file, const std::string& more = "",
                   const std::string& filename = "f.txt") {
    std::string conditions = R"({"bucket": "bucket-b"})";
    for (const auto& [name, value] : fields) conditions += ", [\"starts-with\", \"$" + name + "\", \"\"]";
    std::string policy = to_base64("{" + kExpires + ", \"conditions\": [" + conditions + more + "]}");
    fields.emplace_back("AWSAccessKeyId", key_.key.id);
    fields.emplace_back("policy", policy);
    fields.emplace_back("signature", sign(policy));
    return post(form(fields, file, filename));
  }

  access::NewAccessKey key_;
  Headers more_headers_;
  Query more_query_;
};

TEST_F(PostObject, PutsWhatTheFormSays) {
  Told told = post_signed({{"key", "user/${filename}"},
                           {"Content-Type", "text/plain"},
                           {"x-amz-meta-colour", "red"},
                           {"acl", "private"},
                           {"tagging", tags_to_xml({{"t", "1"}})}},
                          "line one\r\nline two\r\n", "", "C:\\dir\\report.txt");
  ASSERT_EQ(told.status, 204) << told.code << told.message;
  EXPECT_EQ(told.body, "");
  EXPECT_EQ(told.header("location"), "http://lake:1/bucket-b/user/report.txt");
  Told got = get("user/report.txt");
  EXPECT_EQ(got.body, "line one\r\nline two\r\n");
  EXPECT_EQ(got.header("etag"), told.header("etag"));
  EXPECT_EQ(got.header("content-type"), "text/plain");
  EXPECT_EQ(got.header("x-amz-meta-colour"), "red");
  EXPECT_EQ(got.header("x-amz-tagging-count"), "1");
}

TEST_F(PostObject, AnswersAsTheFormWants) {
  Told created = post_signed({{"key", "a b"}, {"success_action_status", "201"}}, "1");
  ASSERT_EQ(created.status, 201) << created.message;
  auto root = parse_xml(created.body, "PostResponse");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->value("Key"), "a b");
  EXPECT_EQ(root->value("Bucket"), "bucket-b");
  EXPECT_EQ(root->value("Location"), "http://lake:1/bucket-b/a%20b");
  EXPECT_EQ(root->value("ETag"), created.header("etag"));
  EXPECT_EQ(post_signed({{"key", "a"}, {"success_action_status", "200"}}, "1").status, 200);
  EXPECT_EQ(post_signed({{"key", "a"}, {"success_action_status", "404"}}, "1").status, 204);
  Told sent = post_signed({{"key", "a"}, {"success_action_redirect", "http://site/done?x=1"}}, "1");
  EXPECT_EQ(sent.status, 303);
  EXPECT_EQ(sent.header("location"),
            "http://site/done?x=1&bucket=bucket-b&key=a&etag=%22c4ca4238a0b923820dcc509a6f75849b%22");
  EXPECT_EQ(post_signed({{"key", "a"}, {"success_action_redirect", "javascript:x"}}, "1").status, 204);
}

TEST_F(PostObject, HoldsToThePolicysSizes) {
  EXPECT_EQ(post_signed({{"key", "a"}}, "12345", R"(, ["content-length-range", 5, 5])").status, 204);
  Told large = post_signed({{"key", "b"}}, "123456", R"(, ["content-length-range", 0, 5])");
  EXPECT_EQ(large.code, "EntityTooLarge");
  EXPECT_EQ(large.fields["MaxSizeAllowed"], "5");
  Told small = post_signed({{"key", "b"}}, "1234", R"(, ["content-length-range", "5", "10"])");
  EXPECT_EQ(small.code, "EntityTooSmall");
  EXPECT_EQ(small.fields["MinSizeAllowed"], "5");
  EXPECT_EQ(get("b").status, 404);
}

TEST_F(PostObject, VerifiesDigests) {
  EXPECT_EQ(post_signed({{"key", "a"}, {"x-amz-checksum-crc32", "NhCmhg=="}}, "hello").status, 204);
  EXPECT_EQ(post_signed({{"key", "b"}, {"x-amz-checksum-crc32", "NhCmhg=="}}, "hullo").code, "BadDigest");
  EXPECT_EQ(get("b").status, 404);
}

TEST_F(PostObject, RefusesWhatIsNotSigned) {
  std::string policy =
      to_base64("{" + kExpires + R"(, "conditions": [{"bucket": "bucket-b"}, {"key": "a"}]})");
  auto with = [&](const Fields& fields) { return post(form(fields, "1")); };
  const std::string id = key_.key.id;
  EXPECT_EQ(
      with({{"key", "a"}, {"AWSAccessKeyId", id}, {"policy", policy}, {"signature", sign(policy)}}).status,
      204);
  EXPECT_EQ(with({{"key", "a"}, {"AWSAccessKeyId", id}, {"policy", policy}, {"signature", sign("x")}}).code,
            "SignatureDoesNotMatch");
  EXPECT_EQ(
      with({{"key", "a"}, {"AWSAccessKeyId", "AKIANOBODY"}, {"policy", policy}, {"signature", sign(policy)}})
          .code,
      "InvalidAccessKeyId");
  EXPECT_EQ(with({{"key", "a"}, {"AWSAccessKeyId", id}, {"policy", policy}}).code, "InvalidArgument");
  EXPECT_EQ(with({{"key", "a"}, {"AWSAccessKeyId", id}, {"signature", sign(policy)}}).code,
            "InvalidArgument");
  EXPECT_EQ(
      with({{"key", "b"}, {"AWSAccessKeyId", id}, {"policy", policy}, {"signature", sign(policy)}}).code,
      "AccessDenied");
  EXPECT_EQ(with({{"key", "anonymous"}}).code, "AccessDenied");
  EXPECT_EQ(get("anonymous").status, 404);
}

// What the guard is asked about is what the form says, whatever the headers and the query say.
TEST_F(PostObject, IsJudgedByItsFields) {
  auto policy = [](const std::string& condition) {
    return R"({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket-b/*",
         "Condition": {"StringEquals": {)" +
           condition + "}}}]}";
  };
  auto with_policy = [&](const std::string& condition, const Fields& fields) {
    objects_->set_document("bucket-b", kPolicyDocument, policy(condition)).value();
    return post_signed(fields, "1").status;
  };
  const std::string archived = R"("s3:x-amz-storage-class": "GLACIER")";
  EXPECT_EQ(with_policy(archived, {{"key", "a"}, {"x-amz-storage-class", "GLACIER"}}), 403);
  EXPECT_EQ(with_policy(archived, {{"key", "a"}, {"x-amz-storage-class", "STANDARD"}}), 204);
  const std::string acl = R"("s3:x-amz-acl": "bucket-owner-read")";
  EXPECT_EQ(with_policy(acl, {{"key", "a"}, {"acl", "bucket-owner-read"}}), 403);
  EXPECT_EQ(with_policy(acl, {{"key", "a"}, {"acl", "private"}}), 204);
  EXPECT_EQ(with_policy(R"("s3:authType": "POST")", {{"key", "a"}}), 403);
  EXPECT_EQ(with_policy(R"("s3:authType": "REST-QUERY-STRING")", {{"key", "a"}}), 204);
  // A header, or the query of the address that the form is sent to, says nothing of it.
  objects_->set_document("bucket-b", kPolicyDocument, policy(archived)).value();
  Fields fields = {{"key", "a"}, {"x-amz-storage-class", "GLACIER"}};
  more_headers_ = {{"x-amz-storage-class", "STANDARD"}};
  more_query_ = {{"x-amz-storage-class", "STANDARD"}};
  EXPECT_EQ(post_signed(fields, "1").status, 403);
}

TEST_F(PostObject, RefusesFormsThatAreNone) {
  EXPECT_EQ(post("").code, "MalformedPOSTRequest");
  EXPECT_EQ(post("--BOUND\r\nnonsense").code, "MalformedPOSTRequest");
  EXPECT_EQ(post("--BOUND\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--BOUND--").code,
            "InvalidArgument");
  EXPECT_EQ(post(form({}, "1")).code, "InvalidArgument");
  EXPECT_EQ(post_signed({{"key", ""}}, "1").code, "InvalidArgument");
  EXPECT_EQ(post_signed({{"key", "../a"}}, "1").status, 400);
  EXPECT_EQ(post(form({{"key", std::string(30'000, 'k')}}, "1")).code, "MaxPostPreDataLengthExceeded");
  EXPECT_EQ(post(form(Fields(3000, {"a-name", ""}), "1")).code, "MaxPostPreDataLengthExceeded");
  EXPECT_EQ(post(form(Fields(30'000, {"", ""}), "1")).code, "MaxPostPreDataLengthExceeded");
  std::string torn = form({{"key", "a"}}, "1");
  EXPECT_EQ(run(post_object, {.method = "POST",
                              .headers = {{"Content-Type", "multipart/form-data; boundary=BOUND"}},
                              .body = torn.substr(0, torn.size() - 30)})
                .code,
            "MalformedPOSTRequest");
  EXPECT_EQ(
      run(post_object, {.method = "POST", .headers = {{"Content-Type", "text/plain"}}, .body = torn}).status,
      412);
  EXPECT_EQ(get("a").status, 404);
}

}  // namespace
}  // namespace tarn::aws::s3
