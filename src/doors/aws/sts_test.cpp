#include "doors/aws/sts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doors/aws/query_lake_for_test.h"

namespace tarn::aws {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kRoleArn = "arn:aws:iam::000000000000:role/analyst";

class Sts : public testing::Test {
 protected:
  QueryLake lake_;

  Reply ask(const access::Principal& who, std::string_view action, Form form = {}) {
    form.emplace_back("Action", action);
    form.emplace_back("Version", "2011-06-15");
    return lake_.ask(sts_service(), who, form);
  }
  Reply assume(const access::Principal& who, Form more = {}) {
    more.emplace_back("RoleArn", kRoleArn);
    more.emplace_back("RoleSessionName", "s1");
    return ask(who, "AssumeRole", std::move(more));
  }
  void make_role(const std::string& statement, Duration session_max = std::chrono::hours(1)) {
    access::Role role;
    role.name = "analyst";
    role.trust = R"({"Version":"2012-10-17","Statement":[)" + statement + "]}";
    role.session_max = session_max;
    role.inline_policies.push_back(
        {"read",
         R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})"});
    ASSERT_TRUE(lake_.identities().create_role(role));
  }
  static std::string trusting(std::string_view user, std::string_view action = "sts:AssumeRole",
                              std::string_view more = "") {
    return fmt::format(
        R"({{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::000000000000:user/{}"}},"Action":"{}"{}}})",
        user, action, more);
  }
  access::Principal session_of(const Reply& reply, access::CredentialProblem* problem_out = nullptr) {
    auto problem = access::CredentialProblem::kNone;
    auto found =
        lake_.identities().credential(reply.value("AssumeRoleResult/Credentials/AccessKeyId"),
                                      reply.value("AssumeRoleResult/Credentials/SessionToken"), problem);
    if (problem_out != nullptr) *problem_out = problem;
    return found ? found->principal : access::Principal::anonymous();
  }
};

TEST_F(Sts, TellsWhoCalls) {
  const Reply root = ask(lake_.root(), "GetCallerIdentity");
  EXPECT_EQ(root.value("GetCallerIdentityResult/Arn"), "arn:aws:iam::000000000000:root");
  EXPECT_EQ(root.value("GetCallerIdentityResult/UserId"), "000000000000");
  EXPECT_EQ(root.value("GetCallerIdentityResult/Account"), "000000000000");
  const auto alice = lake_.make_user("alice");  // who may nothing at all
  const Reply reply = ask(alice, "GetCallerIdentity");
  EXPECT_EQ(reply.value("GetCallerIdentityResult/Arn"), "arn:aws:iam::000000000000:user/alice");
  EXPECT_THAT(reply.value("GetCallerIdentityResult/UserId"), StartsWith("AIDA"));
}

TEST_F(Sts, AssumedRolesAreSessionsThatEnd) {
  make_role(trusting("alice"));
  const Reply reply = assume(lake_.make_user("alice"), {{"DurationSeconds", "900"}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.cache, "no-store");
  EXPECT_EQ(reply.value("AssumeRoleResult/AssumedRoleUser/Arn"),
            "arn:aws:sts::000000000000:assumed-role/analyst/s1");
  EXPECT_THAT(reply.value("AssumeRoleResult/AssumedRoleUser/AssumedRoleId"),
              testing::AllOf(StartsWith("AROA"), testing::EndsWith(":s1")));
  EXPECT_THAT(reply.value("AssumeRoleResult/Credentials/AccessKeyId"), StartsWith("ASIA"));
  EXPECT_EQ(reply.value("AssumeRoleResult/Credentials/SecretAccessKey").size(), 40u);
  EXPECT_THAT(reply.value("AssumeRoleResult/Credentials/Expiration"), StartsWith("2026-11-21T07:15:00"));
  EXPECT_EQ(reply.at("AssumeRoleResult").child("PackedPolicySize"), nullptr);

  const Reply self = ask(session_of(reply), "GetCallerIdentity");
  EXPECT_EQ(self.value("GetCallerIdentityResult/Arn"), "arn:aws:sts::000000000000:assumed-role/analyst/s1");
  lake_.clock().advance(std::chrono::minutes(16));
  auto problem = access::CredentialProblem::kNone;
  session_of(reply, &problem);
  EXPECT_EQ(problem, access::CredentialProblem::kExpired);
}

TEST_F(Sts, OnlyWhomTheRoleTrustsAssumesIt) {
  make_role(trusting("alice"));
  // Rights of one's own are no trust.
  const auto bob = lake_.make_user("bob", R"({"Effect":"Allow","Action":"*","Resource":"*"})");
  const Reply reply = assume(bob);
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.code(), "AccessDenied");
  EXPECT_EQ(
      reply.message(),
      "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: sts:AssumeRole on resource: "
      "arn:aws:iam::000000000000:role/analyst");
  EXPECT_THAT(lake_.trail(), Contains(testing::AllOf(HasSubstr("sts:AssumeRole"), HasSubstr("user/bob"),
                                                     HasSubstr("\"allowed\":false"))));
  EXPECT_EQ(assume(lake_.make_user("alice")).status, 200);
  EXPECT_THAT(lake_.trail(), Contains(testing::AllOf(HasSubstr("sts:AssumeRole"), HasSubstr("user/alice"),
                                                     HasSubstr("\"allowed\":true"))));
}

TEST_F(Sts, ADenialOfOnesOwnStandsAboveTrust) {
  make_role(trusting("carol"));
  const auto carol =
      lake_.make_user("carol", R"({"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"})");
  EXPECT_EQ(assume(carol).code(), "AccessDenied");
}

TEST_F(Sts, ARoleThatIsNotThereLooksLikeOneThatRefuses) {
  const auto alice = lake_.make_user("alice", R"({"Effect":"Allow","Action":"*","Resource":"*"})");
  const Reply gone = assume(alice);
  EXPECT_EQ(gone.status, 403);
  EXPECT_EQ(gone.code(), "AccessDenied");
  make_role(trusting("nobody-else"));
  EXPECT_EQ(assume(alice).message(), gone.message());
  // The ARN is the role's whole one, with its path.
  EXPECT_EQ(ask(alice, "AssumeRole",
                {{"RoleArn", "arn:aws:iam::000000000000:role/team/analyst"}, {"RoleSessionName", "s1"}})
                .code(),
            "AccessDenied");
}

TEST_F(Sts, ConditionsOfTheTrustSeeTheRequest) {
  make_role(
      trusting("alice", "sts:AssumeRole",
               R"(,"Condition":{"StringEquals":{"sts:ExternalId":"secret-42","sts:RoleSessionName":"s1"}})"));
  const auto alice = lake_.make_user("alice");
  EXPECT_EQ(assume(alice).code(), "AccessDenied");
  EXPECT_EQ(assume(alice, {{"ExternalId", "other"}}).code(), "AccessDenied");
  EXPECT_EQ(assume(alice, {{"ExternalId", "secret-42"}}).status, 200);
}

TEST_F(Sts, ParametersAreValidatedAsByAws) {
  make_role(trusting("alice"));
  const auto alice = lake_.make_user("alice");
  auto message = [&](Form form) {
    const Reply reply = ask(alice, "AssumeRole", std::move(form));
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.code(), "ValidationError") << reply.text;
    return reply.message();
  };
  const std::string role(kRoleArn);
  EXPECT_EQ(message({{"RoleSessionName", "s1"}}),
            "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must "
            "not be null");
  EXPECT_THAT(message({{"RoleArn", role}}), HasSubstr("'roleSessionName'"));
  EXPECT_EQ(message({{"RoleArn", role}, {"RoleSessionName", "s"}}),
            "1 validation error detected: Value 's' at 'roleSessionName' failed to satisfy constraint: "
            "Member must have "
            "length greater than or equal to 2");
  EXPECT_THAT(message({{"RoleArn", role}, {"RoleSessionName", std::string(65, 's')}}),
              HasSubstr("less than or equal to 64"));
  EXPECT_THAT(message({{"RoleArn", role}, {"RoleSessionName", "a b"}}),
              HasSubstr("regular expression pattern"));
  EXPECT_THAT(message({{"RoleArn", "short"}, {"RoleSessionName", "s1"}}),
              HasSubstr("greater than or equal to 20"));
  EXPECT_EQ(message({{"RoleArn", "arn:aws:iam::000000000000:user/alice"}, {"RoleSessionName", "s1"}}),
            "arn:aws:iam::000000000000:user/alice is invalid");
  const Form good = {{"RoleArn", role}, {"RoleSessionName", "s1"}};
  auto with = [&](std::string name, std::string value) {
    Form form = good;
    form.emplace_back(std::move(name), std::move(value));
    return form;
  };
  EXPECT_EQ(message(with("DurationSeconds", "899")),
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have "
            "value greater than or equal to 900");
  EXPECT_THAT(message(with("DurationSeconds", "43201")), HasSubstr("less than or equal to 43200"));
  EXPECT_EQ(message(with("DurationSeconds", "3601")),
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  EXPECT_THAT(message(with("ExternalId", "x")), HasSubstr("'externalId'"));
  EXPECT_THAT(message(with("Policy", std::string(2049, ' '))), HasSubstr("less than or equal to 2048"));
  EXPECT_THAT(message(with("PolicyArns.member.1.arn", "arn:aws:iam::000000000000:policy/none")),
              HasSubstr("does not exist"));
  Form eleven = good;
  for (int i = 1; i <= 11; i++)
    eleven.emplace_back(fmt::format("PolicyArns.member.{}.arn", i), "arn:aws:iam::000000000000:policy/none");
  EXPECT_THAT(message(eleven), HasSubstr("less than or equal to 10"));
  EXPECT_EQ(ask(alice, "AssumeRole", with("Policy", "{}")).code(), "MalformedPolicyDocument");
  EXPECT_EQ(ask(alice, "AssumeRole", with("TokenCode", "123456")).code(), "AccessDenied");
}

TEST_F(Sts, ChainedSessionsAreShort) {
  make_role(R"({"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"})", std::chrono::hours(12));
  const auto alice = lake_.make_user("alice");
  const Reply first = assume(alice, {{"DurationSeconds", "43200"}});
  ASSERT_EQ(first.status, 200) << first.text;
  const auto session = session_of(first);
  EXPECT_THAT(assume(session, {{"DurationSeconds", "3601"}}).message(), HasSubstr("role chaining"));
  EXPECT_EQ(assume(session, {{"DurationSeconds", "3600"}}).status, 200);
}

TEST_F(Sts, SessionPoliciesOnlyNarrowAndOneOfThemHasToAllow) {
  make_role(trusting("alice"));
  access::ManagedPolicy policy;
  policy.name = "list";
  auto made = lake_.identities().create_policy(
      policy,
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:ListBucket","sqs:*"],"Resource":"*"}})");
  ASSERT_TRUE(made) << made.error().message;
  const Reply reply = assume(
      lake_.make_user("alice"),
      {{"Policy",
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})"},
       {"PolicyArns.member.1.arn", made->arn}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_GE(std::stoi(reply.value("AssumeRoleResult/PackedPolicySize")), 1);
  const auto session = session_of(reply);
  auto may = [&](std::string_view action) {
    return access::decide(access::Ask{.principal = session,
                                      .action = action,
                                      .resource = "arn:aws:s3:::b/k",
                                      .context = nullptr,
                                      .resource_policy = nullptr,
                                      .source_ip = {},
                                      .request_id = {}})
        .allowed;
  };
  EXPECT_TRUE(may("s3:GetObject"));
  EXPECT_TRUE(may("s3:ListBucket"));
  EXPECT_FALSE(may("s3:PutObject"));
  EXPECT_FALSE(may("sqs:SendMessage"));
}

TEST_F(Sts, TagsNeedTheTrustToo) {
  make_role(trusting("alice") + "," + trusting("bob") + "," + trusting("bob", "sts:TagSession"));
  const Form tags = {{"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "data"}};
  const Reply refused = assume(lake_.make_user("alice"), tags);
  EXPECT_EQ(refused.code(), "AccessDenied");
  EXPECT_THAT(refused.message(), HasSubstr("sts:TagSession"));
  const Reply reply = assume(lake_.make_user("bob"), tags);
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(session_of(reply).tags.at("team"), "data");
}

// A role of the lake file has no trust: then the caller's own policies must allow the tags.
TEST_F(Sts, TagsOfARoleWithoutTrustNeedTheCallersPolicies) {
  access::Role role;
  role.name = "analyst";
  ASSERT_TRUE(lake_.identities().create_role(role));
  const Form tags = {{"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "finance"}};
  const std::string may = R"({"Effect":"Allow","Action":["sts:AssumeRole"MORE],"Resource":"*"})";
  auto with = [&may](std::string_view more) {
    std::string out = may;
    return out.replace(out.find("MORE"), 4, more);
  };
  const auto alice = lake_.make_user("alice", with(""));
  EXPECT_EQ(assume(alice).status, 200);
  EXPECT_THAT(assume(alice, tags).message(), HasSubstr("sts:TagSession"));
  const Reply reply = assume(lake_.make_user("bob", with(R"(,"sts:TagSession")")), tags);
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(session_of(reply).tags.at("team"), "finance");
}

TEST_F(Sts, TheTrustOfTagsSeesWhoAsks) {
  make_role(
      R"({"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":["sts:AssumeRole","sts:TagSession"]},
               {"Effect":"Deny","Principal":"*","Action":"sts:TagSession",
                "Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::000000000000:user/ci*"}}})");
  const Form tags = {{"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "data"}};
  const std::string may = R"({"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"})";
  EXPECT_EQ(assume(lake_.make_user("ann", may), tags).status, 200);
  EXPECT_EQ(assume(lake_.make_user("ci1", may), tags).status, 403);
}

TEST_F(Sts, ARolesTagsAreConditionsOfAssumingIt) {
  make_role(R"({"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"})");
  ASSERT_TRUE(lake_.identities().change_role("analyst", [](access::Role& role) -> Status {
    role.tags["level"] = "admin";
    return {};
  }));
  const std::string may = R"({"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"})";
  const std::string not_admins =
      R"(,{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/level":"admin"}}})";
  EXPECT_EQ(assume(lake_.make_user("ann", may)).status, 200);
  EXPECT_EQ(assume(lake_.make_user("bob", may + not_admins)).status, 403);
}

TEST_F(Sts, WhatASessionWouldHaveToHandOnIsRefused) {
  make_role(trusting("alice"));
  const auto alice = lake_.make_user("alice");
  for (const Form& more :
       {Form{{"SourceIdentity", "alice"}},
        Form{{"Tags.member.1.Key", "a"}, {"Tags.member.1.Value", "b"}, {"TransitiveTagKeys.member.1", "a"}}})
    EXPECT_EQ(assume(alice, more).code(), "ValidationError");
}

TEST_F(Sts, GivesUsersSessionsOfTheirOwn) {
  const auto alice = lake_.make_user("alice", R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"*"})");
  const Reply reply = ask(alice, "GetSessionToken", {{"DurationSeconds", "900"}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  auto problem = access::CredentialProblem::kNone;
  auto found =
      lake_.identities().credential(reply.value("GetSessionTokenResult/Credentials/AccessKeyId"),
                                    reply.value("GetSessionTokenResult/Credentials/SessionToken"), problem);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->principal.arn, alice.arn);
  EXPECT_EQ(ask(found->principal, "GetSessionToken").code(), "AccessDenied");
  EXPECT_EQ(ask(alice, "GetSessionToken", {{"DurationSeconds", "129601"}}).code(), "ValidationError");
  EXPECT_EQ(ask(lake_.root(), "GetSessionToken").status, 200);
}

TEST_F(Sts, WhatIsNotThereSaysSo) {
  for (const char* action : {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "DecodeAuthorizationMessage",
                             "GetFederationToken"}) {
    const Reply reply = ask(lake_.root(), action);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.code(), "InvalidAction");
    EXPECT_THAT(reply.message(), HasSubstr(action));
  }
}

TEST_F(Sts, TellsTheAccountOfAKeyToWhoMayAsk) {
  const Form key = {{"AccessKeyId", "AKIAIOSFODNN7EXAMPLE"}};
  EXPECT_EQ(ask(lake_.root(), "GetAccessKeyInfo", key).value("GetAccessKeyInfoResult/Account"),
            "000000000000");
  EXPECT_EQ(ask(lake_.make_user("alice"), "GetAccessKeyInfo", key).code(), "AccessDenied");
}

}  // namespace
}  // namespace tarn::aws
