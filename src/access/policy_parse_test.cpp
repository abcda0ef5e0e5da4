#include <memory>
#include <string>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/policy.h"

namespace tarn::access {
namespace {

using testing::HasSubstr;

std::string problem(const std::string& json, PolicyKind kind = PolicyKind::kIdentity) {
  auto policy = Policy::parse(json, kind, "test");
  if (policy) return "";
  EXPECT_EQ(policy.error().code, Code::kInvalid) << json;
  return policy.error().message;
}

std::string document(const std::string& statement) {
  return R"({"Version": "2012-10-17", "Statement": [)" + statement + "]}";
}

std::string statement(const std::string& more) {
  return document(R"({"Effect": "Allow", "Action": "s3:*", "Resource": "*", )" + more + "}");
}

TEST(PolicyParse, TakesEveryElement) {
  const std::string json = R"({
    "Version": "2012-10-17", "Id": "an id",
    "Statement": [
      {"Sid": "One", "Effect": "Allow", "Action": ["s3:Get*", "tarn:Select"], "Resource": "arn:aws:s3:::b/*",
       "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", "b*"]},
                     "NumericLessThan": {"s3:max-keys": 10}, "Bool": {"aws:SecureTransport": true}}},
      {"Effect": "Deny", "NotAction": "s3:*", "NotResource": ["*", "arn:aws:s3:::${aws:username}/*"]}
    ]})";
  auto policy = Policy::parse(json, PolicyKind::kIdentity, "name");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ((*policy)->name(), "name");
  EXPECT_EQ((*policy)->text(), json);
  EXPECT_TRUE((*policy)->variables());
  const auto& statements = (*policy)->statements();
  ASSERT_EQ(statements.size(), 2u);
  EXPECT_EQ(statements[0].sid, "One");
  EXPECT_EQ(statements[0].actions, (std::vector<std::string>{"s3:Get*", "tarn:Select"}));
  ASSERT_EQ(statements[0].conditions.size(), 3u);
  const Condition& condition = statements[0].conditions[0];
  EXPECT_EQ(condition.op, Operator::kStringLike);
  EXPECT_TRUE(condition.if_exists);
  EXPECT_EQ(condition.set, Condition::Set::kForAnyValue);
  EXPECT_EQ(condition.key, "aws:tagkeys");
  EXPECT_EQ(condition.values, (std::vector<std::string>{"a", "b*"}));
  EXPECT_EQ(statements[0].conditions[1].values, std::vector<std::string>{"10"});
  EXPECT_EQ(statements[0].conditions[2].values, std::vector<std::string>{"true"});
  EXPECT_EQ(statements[1].effect, Effect::kDeny);
  EXPECT_TRUE(statements[1].not_actions);
  EXPECT_TRUE(statements[1].not_resources);
}

TEST(PolicyParse, TakesOneStatementAndTheOldVersion) {
  auto policy = Policy::parse(R"({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "**"}})",
                              PolicyKind::kIdentity, "x");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_FALSE((*policy)->variables());
  EXPECT_EQ(problem(R"({"Version": "2008-10-17", "Statement":
      {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${"}})"),
            "");
}

TEST(PolicyParse, RefusesDocumentsInIamsWords) {
  for (const char* bad : {"", "x", "[]x", "{", R"({"Statement": [}])", "\"text\"", "{\"a\":1}", "{}", "\xff"})
    EXPECT_THAT(problem(bad), HasSubstr("Syntax errors in policy.")) << bad;
  EXPECT_THAT(problem(R"({"Version": "2020-01-01", "Statement": []})"), HasSubstr("2012-10-17"));
  EXPECT_THAT(problem(R"({"Version": 2, "Statement": []})"), HasSubstr("Version"));
  EXPECT_THAT(problem(R"({"Statement": []})"), HasSubstr("Statement"));
  EXPECT_THAT(problem(R"({"Statment": []})"), HasSubstr("did you mean 'Statement'?"));
  EXPECT_THAT(problem(R"({"Statement": ["x"]})"), HasSubstr("statement 1: it is text, not a map"));
  const std::string good = R"({"Effect": "Allow", "Action": "*", "Resource": "*"})";
  EXPECT_THAT(problem(document(good + ", {\"Effect\": \"Allow\"}")), HasSubstr("statement 2"));
  EXPECT_THAT(problem(R"({"Statement": )" + good + R"(, "Statement": )" + good + "}"),
              HasSubstr("there twice"));
  EXPECT_EQ(problem(document(good)), "");
}

TEST(PolicyParse, RefusesWrongStatements) {
  const auto bad = [](const std::string& json) { return problem(document(json)); };
  EXPECT_THAT(bad(R"({"Action": "*", "Resource": "*"})"), HasSubstr("Effect: it is missing"));
  EXPECT_THAT(bad(R"({"Effect": "allow", "Action": "*", "Resource": "*"})"), HasSubstr("not 'allow'"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Effect": "Deny", "Action": "*", "Resource": "*"})"),
              HasSubstr("'Effect' is there twice"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Resource": "*"})"),
              HasSubstr("Policy statement must contain actions. (statement 1, Action)"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": [], "Resource": "*"})"),
              HasSubstr("Policy statement must contain actions."));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*"})"),
              HasSubstr("Policy statement must contain resources. (statement 1, Resource)"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"})"),
              HasSubstr("NotAction as well"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "GetObject", "Resource": "*"})"),
              HasSubstr("Actions/Conditions must be prefaced by a vendor"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "s*:Get", "Resource": "*"})"),
              HasSubstr("Vendor s* is not valid"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "s3:", "Resource": "*"})"),
              HasSubstr("'s3:' is no action"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": [1], "Resource": "*"})"), HasSubstr("it is a number"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*", "Resource": "bucket/*"})"),
              HasSubstr("Resource bucket/* must be in ARN format or \"*\"."));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3::x"})"),
              HasSubstr("ARN format"));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*", "Resource": "arn:x:s3:::y"})"),
              HasSubstr("Partition \"x\" is not valid for resource \"arn:x:s3:::y\"."));
  EXPECT_THAT(bad(R"({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username/*"})"),
              HasSubstr("a variable has no '}'"));
  EXPECT_THAT(problem(statement(R"("Sid": "a b")")), HasSubstr("must be alpha-numeric"));
  EXPECT_THAT(problem(statement(R"("Principal": "*")")),
              HasSubstr("Policy document should not specify a principal."));
  const std::string twice = R"({"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"})";
  EXPECT_THAT(problem(document(twice + "," + twice)), HasSubstr("must be unique"));
  EXPECT_THAT(problem(statement(R"("Resources": "*")")), HasSubstr("did you mean 'Resource'?"));
}

TEST(PolicyParse, RefusesWrongConditions) {
  const auto bad = [](const std::string& json) {
    return problem(statement("\"Sid\": \"S\", \"Condition\": " + json));
  };
  EXPECT_EQ(bad("{}"), "");
  EXPECT_THAT(bad("[]"), HasSubstr("statement 1 'S', Condition: it is a list"));
  EXPECT_THAT(bad(R"({"StringEqual": {"aws:username": "a"}})"), HasSubstr("did you mean 'StringEquals'?"));
  EXPECT_THAT(bad(R"({"ForSomeValues:StringEquals": {"aws:username": "a"}})"), HasSubstr("no operator"));
  EXPECT_THAT(bad(R"({"StringEquals": "a"})"), HasSubstr("Condition StringEquals: it is text"));
  EXPECT_THAT(bad(R"({"StringEquals": {"username": "a"}})"), HasSubstr("prefaced by a vendor"));
  EXPECT_THAT(bad(R"({"StringEquals": {"aws:username": {}}})"), HasSubstr("aws:username: it is a map"));
  EXPECT_THAT(bad(R"({"StringEquals": {"aws:username": null}})"), HasSubstr("it is null"));
  EXPECT_THAT(bad(R"({"NumericEquals": {"s3:max-keys": "ten"}})"), HasSubstr("NumericEquals takes numbers"));
  EXPECT_THAT(bad(R"({"NumericEquals": {"s3:max-keys": "${aws:username}"}})"), HasSubstr("takes numbers"));
  EXPECT_THAT(bad(R"({"DateLessThan": {"aws:CurrentTime": "2026-13-01"}})"), HasSubstr("takes times"));
  EXPECT_THAT(bad(R"({"DateLessThan": {"aws:CurrentTime": "99999999999999999"}})"), HasSubstr("takes times"));
  EXPECT_THAT(bad(R"({"Bool": {"aws:SecureTransport": "yes"}})"), HasSubstr("takes true or false"));
  EXPECT_THAT(bad(R"({"Null": {"aws:username": "x"}})"), HasSubstr("takes true or false"));
  EXPECT_THAT(bad(R"({"NullIfExists": {"aws:username": "true"}})"), HasSubstr("Null takes no"));
  EXPECT_THAT(bad(R"({"BinaryEquals": {"a:b": "QQ="}})"), HasSubstr("takes base64"));
  for (const char* address : {"10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::/129", "", "x"})
    EXPECT_THAT(bad(fmt::format(R"({{"IpAddress": {{"aws:SourceIp": "{}"}}}})", address)),
                HasSubstr("takes addresses"))
        << address;
  EXPECT_THAT(bad(R"({"StringLike": {"a:b": "${x"}})"), HasSubstr("a variable has no"));
}

TEST(PolicyParse, TakesPrincipalsOfEveryForm) {
  const auto of = [](const std::string& principal, PolicyKind kind = PolicyKind::kResource) {
    return problem(statement(R"("Principal": )" + principal), kind);
  };
  for (const char* good :
       {R"("*")", R"({"AWS": "*"})", R"({"AWS": ["000000000000", "arn:aws:iam::000000000000:root"]})",
        R"({"AWS": "arn:aws:iam::000000000000:user/path/alice"})",
        R"({"AWS": "arn:aws:iam::111111111111:role/x"})",
        R"({"AWS": "arn:aws:sts::000000000000:assumed-role/analyst/s1"})",
        R"({"AWS": "AIDAIOSFODNN7EXAMPLE"})",
        R"({"Service": "lambda.amazonaws.com", "Federated": "cognito-identity.amazonaws.com"})",
        R"({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"})"})
    EXPECT_EQ(of(good), "") << good;
  for (const char* bad :
       {R"("alice")", R"({"AWS": "alice"})", R"({"AWS": "arn:aws:iam::000000000000:user/*"})",
        R"({"AWS": []})", "{}", R"({"AWS": "arn:aws:s3:::b"})",
        R"({"AWS": "arn:aws:iam::000000000000:user/"})", R"({"Service": "*"})", R"({"Amazon": "*"})", "[]",
        "7", R"({"AWS": "00000000000"})"})
    EXPECT_NE(of(bad), "") << bad;
  EXPECT_THAT(of(R"({"AWS": "alice"})"), HasSubstr("Invalid principal in policy: \"AWS\":\"alice\""));
  EXPECT_THAT(problem(statement(R"("Sid": "a b c")"), PolicyKind::kResource),
              HasSubstr("Missing required field Principal"));
}

TEST(PolicyParse, TrustIsAboutStsAndHasNoResource) {
  const auto of = [](const std::string& more) {
    return problem(document(R"({"Effect": "Allow", "Principal": {"AWS": "*"})" + more + "}"),
                   PolicyKind::kTrust);
  };
  EXPECT_EQ(of(R"(, "Action": ["sts:AssumeRole", "STS:TagSession"])"), "");
  EXPECT_THAT(of(R"(, "Action": "sts:AssumeRole", "Resource": "*")"),
              HasSubstr("Has prohibited field Resource"));
  EXPECT_THAT(of(R"(, "Action": "s3:*")"), HasSubstr("may only specify STS AssumeRole actions."));
  EXPECT_THAT(of(R"(, "Action": "*")"), HasSubstr("may only specify STS AssumeRole actions."));
}

TEST(PolicyParse, BoundsWhatItTakes) {
  EXPECT_THAT(problem(std::string(kPolicyBytesMax + 1, ' ')), HasSubstr("at most 20480"));
  for (const char* open : {"[", "{\"Statement\":", "{\"a\":["}) {
    std::string bomb;
    while (bomb.size() + 16 < kPolicyBytesMax) bomb += open;
    EXPECT_THAT(problem(bomb), HasSubstr("nested too deep")) << open;
  }
  std::string deep = "\"*\"";
  for (int i = 0; i < 30; ++i) deep = "[" + deep + "]";
  EXPECT_THAT(problem(statement(R"("Sid": )" + deep)), HasSubstr("nested too deep"));
  std::string actions = "\"s3:A\"";
  while (actions.size() < kPolicyBytesMax - 200) actions += ",\"s3:A\"";
  EXPECT_EQ(problem(document(R"({"Effect": "Allow", "Action": [)" + actions + R"(], "Resource": "*"})")), "");
}

}  // namespace
}  // namespace tarn::access
