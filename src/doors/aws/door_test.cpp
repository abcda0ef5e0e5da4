#include "doors/aws/door.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doors/aws/query_lake_for_test.h"

namespace tarn::aws {
namespace {

using testing::HasSubstr;

class AwsDoor : public testing::Test {
 protected:
  QueryLake lake_;
  int s3_ = 0;
  http::Handler door_ = make_door(lake_.parts(), [this](http::Request&, http::Responder& responder) {
    s3_++;
    (void)responder.send(200, {}, "s3");
  });

  MemoryResponder ask(std::string method, std::string target, std::vector<http::Header> headers,
                      std::string body = {}) {
    MemoryRequest request(std::move(method), std::move(target), std::move(headers), std::move(body));
    MemoryResponder out;
    door_(request, out);
    return out;
  }
  static http::Header signed_for(std::string_view service) {
    return {
        "Authorization",
        fmt::format("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/{}/aws4_request, "
                    "SignedHeaders=host;x-amz-date, Signature={}",
                    service, std::string(64, 'a'))};
  }
};

TEST_F(AwsDoor, HandsS3ToItsHandler) {
  EXPECT_EQ(ask("GET", "/bucket/key", {}).body(), "s3");
  EXPECT_EQ(ask("PUT", "/bucket/key", {signed_for("s3")}, "x").body(), "s3");
  EXPECT_EQ(s3_, 2);
}

TEST_F(AwsDoor, StsAndIamAnswerInTheQueryProtocol) {
  for (const char* service : {"sts", "iam"}) {
    const MemoryResponder reply = ask("POST", "/",
                                      {signed_for(service),
                                       {"Host", "localhost:9700"},
                                       {"X-Amz-Date", "20261121T070000Z"},
                                       {"Content-Type", "application/x-www-form-urlencoded"}},
                                      "Action=GetUser&Version=2010-05-08");
    EXPECT_EQ(reply.status(), 403) << reply.body();
    EXPECT_EQ(reply.header("Content-Type"), "text/xml");
    EXPECT_THAT(reply.body(), HasSubstr("<Code>InvalidClientTokenId</Code>"));
    EXPECT_THAT(reply.body(), HasSubstr(fmt::format("https://{}.amazonaws.com/doc/", service)));
  }
  EXPECT_EQ(s3_, 0);
}

TEST_F(AwsDoor, ServicesThatAreNotThereSaySoInTheirProtocol) {
  const MemoryResponder json = ask("POST", "/",
                                   {signed_for("kinesis"),
                                    {"Content-Type", "application/x-amz-json-1.1"},
                                    {"X-Amz-Target", "Kinesis_20131202.PutRecord"}},
                                   "{}");
  EXPECT_EQ(json.status(), 400);
  EXPECT_EQ(json.header("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_THAT(json.body(), HasSubstr("\"__type\":\"UnknownOperationException\""));
  EXPECT_THAT(json.body(), HasSubstr("Kinesis (PutRecord) is not there yet"));
  EXPECT_EQ(json.header("x-amzn-RequestId").size(), 36u);

  const MemoryResponder sqs = ask("POST", "/",
                                  {signed_for("sqs"),
                                   {"Content-Type", "application/x-amz-json-1.0"},
                                   {"X-Amz-Target", "AmazonSQS.ListQueues"},
                                   {"x-amzn-query-mode", "true"}},
                                  "{}");
  EXPECT_EQ(sqs.header("Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(sqs.header("x-amzn-query-error"), "InvalidAction;Sender");

  const MemoryResponder query = ask(
      "POST", "/", {signed_for("sns"), {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
      "Action=ListTopics&Version=2010-03-31");
  EXPECT_EQ(query.status(), 400);
  EXPECT_THAT(query.body(), HasSubstr("<Code>InvalidAction</Code>"));
  EXPECT_THAT(query.body(), HasSubstr("http://sns.amazonaws.com/doc/2010-03-31/"));

  const MemoryResponder rest = ask("GET", "/2015-03-31/functions/", {signed_for("lambda")});
  EXPECT_EQ(rest.status(), 501);
  EXPECT_EQ(rest.header("x-amzn-ErrorType"), "NotImplemented");
  EXPECT_THAT(rest.body(), HasSubstr("Lambda is not there yet"));
  EXPECT_EQ(s3_, 0);
}

TEST_F(AwsDoor, WithoutASignatureTheLooksOfARequestDecide) {
  const http::Header form = {"Content-Type", "application/x-www-form-urlencoded"};
  const MemoryResponder sts = ask("POST", "/", {form}, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
  EXPECT_THAT(sts.body(), HasSubstr("AssumeRoleWithWebIdentity is not available"));
  const MemoryResponder iam = ask("POST", "/", {form}, "Action=ListUsers&Version=2010-05-08");
  EXPECT_THAT(iam.body(), HasSubstr("<Code>MissingAuthenticationToken</Code>"));
  EXPECT_THAT(iam.body(), HasSubstr("https://iam.amazonaws.com/doc/2010-05-08/"));
  EXPECT_THAT(ask("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", {}).body(),
              HasSubstr("MissingAuthenticationToken"));
  EXPECT_THAT(ask("POST", "/", {{"X-Amz-Target", "AWSGlue.GetTables"}}, "{}").body(),
              HasSubstr("Glue (GetTables)"));
  EXPECT_EQ(s3_, 0);
  // What curl makes of an upload, and an HTML form, stay S3's.
  EXPECT_EQ(ask("PUT", "/bucket/key", {form}, "x").body(), "s3");
  EXPECT_EQ(ask("POST", "/bucket", {{"Content-Type", "multipart/form-data; boundary=x"}}, "x").body(), "s3");
  EXPECT_EQ(ask("GET", "/", {}).body(), "s3");
}

TEST_F(AwsDoor, ServicesNobodyKnowsAreRefusedToo) {
  const MemoryResponder reply = ask("POST", "/",
                                    {signed_for("dynamodb"),
                                     {"Content-Type", "application/x-amz-json-1.0"},
                                     {"X-Amz-Target", "DynamoDB_20120810.ListTables"}},
                                    "{}");
  EXPECT_EQ(reply.status(), 400);
  EXPECT_THAT(reply.body(), HasSubstr("dynamodb"));
  EXPECT_EQ(s3_, 0);
}

}  // namespace
}  // namespace tarn::aws
