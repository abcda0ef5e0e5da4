#include "access/guard.h"

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/grants.h"

namespace tarn::access {
namespace {

using testing::HasSubstr;

// Keeps what is recorded.
class Recorder final : public Audit {
 public:
  Status record(AuditEntry entry) override {
    if (full) return fail(Code::kBusy, "the trail is full");
    entries.push_back(std::move(entry));
    return {};
  }
  Status flush(Deadline) override { return {}; }
  void stop_waiting() override {}
  void stop(Deadline) override {}
  std::vector<AuditEntry> entries;
  bool full = false;
};

std::shared_ptr<const Policy> policy(const std::string& statements, const std::string& name = "p",
                                     PolicyKind kind = PolicyKind::kIdentity) {
  auto parsed = Policy::parse(R"({"Version": "2012-10-17", "Statement": [)" + statements + "]}", kind, name);
  EXPECT_TRUE(parsed) << statements << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : nullptr;
}

std::string says(const std::string& effect, const std::string& action, const std::string& principal = "",
                 const std::string& condition = "{}") {
  return fmt::format(R"({{"Effect": "{}", "Action": "{}", {} "Resource": "*", "Condition": {}}})", effect,
                     action, principal.empty() ? "" : fmt::format("\"Principal\": {},", principal),
                     condition);
}

Principal alice() {
  Principal principal;
  principal.kind = PrincipalKind::kUser;
  principal.name = "alice";
  principal.id = "AIDAALICE";
  principal.arn = user_arn("alice");
  principal.key_id = "AKIAALICE";
  principal.tags = {{"Team", "data"}};
  return principal;
}

Principal session() {
  Principal principal;
  principal.kind = PrincipalKind::kSession;
  principal.name = "analyst";
  principal.session = "s1";
  principal.id = "AROAX:s1";
  principal.arn = "arn:aws:sts::000000000000:assumed-role/analyst/s1";
  principal.role_arn = role_arn("analyst");
  return principal;
}

Principal root() {
  Principal principal;
  principal.kind = PrincipalKind::kRoot;
  principal.name = "root";
  principal.id = "000000000000";
  principal.arn = "arn:aws:iam::000000000000:root";
  return principal;
}

class GuardTest : public testing::Test {
 protected:
  Status check(const Principal& principal, std::string_view action = "s3:GetObject",
               const Policy* resource_policy = nullptr, const Context* context = nullptr) {
    return guard_.check({.principal = principal,
                         .action = action,
                         .resource = "arn:aws:s3:::b/k",
                         .context = context,
                         .resource_policy = resource_policy,
                         .source_ip = "192.0.2.1",
                         .request_id = "R1"});
  }
  bool may(const Principal& principal, std::string_view action = "s3:GetObject",
           const Policy* resource_policy = nullptr, const Context* context = nullptr) {
    return check(principal, action, resource_policy, context).has_value();
  }
  bool met(const Principal& principal, const std::string& condition, const Context* context = nullptr) {
    Principal asks = principal;
    asks.policies = {policy(says("Allow", "*", "", condition))};
    return may(asks, "s3:GetObject", nullptr, context);
  }

  Recorder audit_;
  ManualClock clock_{parse_timestamp("2026-11-21T07:00:00Z").value()};
  Guard guard_{audit_, clock_};
};

TEST_F(GuardTest, AllowsWhatAPolicyAllowsAndNothingElse) {
  Principal user = alice();
  EXPECT_FALSE(may(user));
  user.policies = {policy(says("Allow", "s3:Put*")), policy(says("Allow", "s3:Get*"))};
  EXPECT_TRUE(may(user));
  EXPECT_FALSE(may(user, "s3:DeleteObject"));
  user.policies.push_back(policy(says("Deny", "s3:GetObject")));
  EXPECT_FALSE(may(user));
}

TEST_F(GuardTest, AllowsNothingThatCannotBePutOnTheTrail) {
  Principal user = alice();
  user.policies = {policy(says("Allow", "s3:Get*"))};
  audit_.full = true;
  for (const Principal& principal : {user, root(), Principal::system()})
    EXPECT_EQ(check(principal).error().code, Code::kBusy) << principal.name;
  // A denial is one all the same.
  EXPECT_EQ(check(user, "s3:DeleteObject").error().code, Code::kDenied);
  audit_.full = false;
  EXPECT_TRUE(check(user));
}

TEST_F(GuardTest, SaysWhyInIamsWords) {
  Principal user = alice();
  EXPECT_EQ(check(user).error().code, Code::kDenied);
  EXPECT_EQ(
      check(user).error().message,
      "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: s3:GetObject on resource: "
      "arn:aws:s3:::b/k because no identity-based policy allows the s3:GetObject action");
  const auto all = policy(says("Allow", "*"), "all");
  const auto none = policy(says("Deny", "s3:*"), "none");
  user.policies = {all, none};
  EXPECT_THAT(check(user).error().message,
              HasSubstr("with an explicit deny in an identity-based policy: none"));
  user.policies = {all};
  user.boundary = policy(says("Allow", "sqs:*"));
  EXPECT_THAT(check(user).error().message,
              HasSubstr("because no permissions boundary allows the s3:GetObject action"));
  user.boundary = none;
  EXPECT_THAT(check(user).error().message, HasSubstr("with an explicit deny in a permissions boundary"));
  user.boundary = nullptr;
  user.session_policies = {all, policy(says("Allow", "sqs:*"))};
  EXPECT_THAT(check(user).error().message, HasSubstr("because no session policy allows"));
  user.session_policies = {all, none};
  EXPECT_THAT(check(user).error().message, HasSubstr("with an explicit deny in a session policy"));
  user.session_policies = {};
  const auto bucket = policy(says("Deny", "s3:*", R"("*")"), "policy of b", PolicyKind::kResource);
  EXPECT_THAT(check(user, "s3:GetObject", bucket.get()).error().message,
              HasSubstr("with an explicit deny in a resource-based policy: policy of b"));
}

TEST_F(GuardTest, ABucketsPolicyIsEnoughAloneForWhomItNames) {
  Principal user = alice();
  user.boundary = policy(says("Allow", "sqs:*"));
  user.session_policies = {policy(says("Allow", "sqs:*"))};
  for (const std::string principal : {R"("*")", R"({"AWS": "arn:aws:iam::000000000000:user/alice"})"}) {
    const auto bucket = policy(says("Allow", "s3:GetObject", principal), "b", PolicyKind::kResource);
    EXPECT_TRUE(may(user, "s3:GetObject", bucket.get())) << principal;
    EXPECT_FALSE(may(user, "s3:PutObject", bucket.get())) << principal;
    user.policies = {policy(says("Deny", "s3:*"))};
    EXPECT_FALSE(may(user, "s3:GetObject", bucket.get())) << principal;
    user.policies = {};
  }
  const auto other = policy(says("Allow", "*", R"({"AWS": "arn:aws:iam::000000000000:user/bo"})"), "b",
                            PolicyKind::kResource);
  EXPECT_FALSE(may(user, "s3:GetObject", other.get()));
}

TEST_F(GuardTest, ABucketsPolicyThatNamesTheRoleIsStillCut) {
  const auto bucket = policy(says("Allow", "s3:*", R"({"AWS": "arn:aws:iam::000000000000:role/analyst"})"),
                             "b", PolicyKind::kResource);
  Principal asks = session();
  EXPECT_TRUE(may(asks, "s3:GetObject", bucket.get()));
  asks.session_policies = {policy(says("Allow", "s3:PutObject"))};
  EXPECT_FALSE(may(asks, "s3:GetObject", bucket.get()));
  EXPECT_TRUE(may(asks, "s3:PutObject", bucket.get()));
  asks.boundary = policy(says("Allow", "s3:GetObject"));
  EXPECT_FALSE(may(asks, "s3:PutObject", bucket.get()));
  const auto exact =
      policy(says("Allow", "s3:*", fmt::format(R"({{"AWS": "{}"}})", asks.arn)), "b", PolicyKind::kResource);
  EXPECT_TRUE(may(asks, "s3:PutObject", exact.get()));
}

TEST_F(GuardTest, ABucketsPolicyThatNamesTheAccountLeavesItToIdentityPolicies) {
  const auto bucket = policy(says("Allow", "s3:*", R"({"AWS": "000000000000"})"), "b", PolicyKind::kResource);
  Principal user = alice();
  EXPECT_FALSE(may(user, "s3:GetObject", bucket.get()));
  user.policies = {policy(says("Allow", "s3:GetObject"))};
  EXPECT_TRUE(may(user, "s3:GetObject", bucket.get()));
  const auto denies = policy(says("Deny", "s3:*", R"({"AWS": "000000000000"})"), "b", PolicyKind::kResource);
  EXPECT_FALSE(may(user, "s3:GetObject", denies.get()));
}

TEST_F(GuardTest, BoundaryAndEverySessionPolicyMustAllowToo) {
  Principal user = alice();
  user.policies = {policy(says("Allow", "*"))};
  user.boundary = policy(says("Allow", "s3:*"));
  EXPECT_TRUE(may(user));
  EXPECT_FALSE(may(user, "sqs:SendMessage"));
  user.session_policies = {policy(says("Allow", "s3:Get*")), policy(says("Allow", "*"))};
  EXPECT_TRUE(may(user));
  EXPECT_FALSE(may(user, "s3:PutObject"));
  user.policies = {};
  EXPECT_FALSE(may(user)) << "they allow nothing themselves";
}

TEST_F(GuardTest, RootMayEverythingButWhatAResourceDenies) {
  EXPECT_TRUE(may(root(), "iam:DeleteUser"));
  const auto bucket = policy(says("Deny", "s3:*", R"("*")"), "b", PolicyKind::kResource);
  EXPECT_FALSE(may(root(), "s3:GetObject", bucket.get()));
  for (const char* action : {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}) {
    EXPECT_TRUE(may(root(), action, bucket.get())) << action;
    Principal user = alice();
    user.policies = {policy(says("Allow", "*"))};
    EXPECT_FALSE(may(user, action, bucket.get())) << action;
  }
}

TEST_F(GuardTest, TheLakeItselfMayEverything) {
  const auto bucket = policy(says("Deny", "s3:*", R"("*")"), "b", PolicyKind::kResource);
  EXPECT_TRUE(may(Principal::system(), "s3:GetObject", bucket.get()));
}

TEST_F(GuardTest, NobodyMayWhatABucketOffersEverybody) {
  EXPECT_FALSE(may(Principal::anonymous()));
  const auto open = policy(says("Allow", "s3:GetObject", R"("*")"), "b", PolicyKind::kResource);
  EXPECT_TRUE(may(Principal::anonymous(), "s3:GetObject", open.get()));
  EXPECT_FALSE(may(Principal::anonymous(), "s3:PutObject", open.get()));
  const auto account =
      policy(says("Allow", "s3:*", R"({"AWS": "000000000000"})"), "b", PolicyKind::kResource);
  EXPECT_FALSE(may(Principal::anonymous(), "s3:GetObject", account.get()));
  Principal with_role = Principal::anonymous();
  with_role.policies = {grants_policy({{Right::kRead, "s3://b/*"}}, "role public")};
  EXPECT_TRUE(may(with_role));
}

TEST_F(GuardTest, KnowsWhoAsksAndWhen) {
  EXPECT_TRUE(met(alice(), R"({"StringEquals": {"aws:username": "alice", "aws:userid": "AIDAALICE",
      "aws:PrincipalType": "User", "aws:PrincipalAccount": "000000000000", "aws:PrincipalTag/team": "data",
      "aws:PrincipalIsAWSService": "false"},
      "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:user/*"},
      "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
      "DateEquals": {"aws:CurrentTime": "2026-11-21T07:00:00Z"}, "NumericEquals": {"aws:EpochTime": 1795244400}})"));
  EXPECT_TRUE(
      met(session(), R"({"StringEquals": {"aws:userid": "AROAX:s1", "aws:PrincipalType": "AssumedRole"},
      "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/analyst"},
      "Null": {"aws:username": true, "aws:PrincipalTag/team": true}})"));
  EXPECT_TRUE(met(Principal::anonymous(), R"({"StringEquals": {"aws:PrincipalType": "Anonymous"},
      "Null": {"aws:username": true, "aws:PrincipalArn": true, "aws:PrincipalAccount": true}})"));
}

TEST_F(GuardTest, TheDoorSaysTheRestButNotWhoAsks) {
  Context context;
  context.set("aws:username", "root");
  context.set("aws:PrincipalTag/admin", "yes");
  context.set("aws:SourceIp", "198.51.100.7");
  context.set("s3:prefix", "in/");
  EXPECT_FALSE(met(alice(), R"({"StringEquals": {"aws:username": "root"}})", &context));
  EXPECT_FALSE(met(alice(), R"({"StringEquals": {"aws:PrincipalTag/admin": "yes"}})", &context));
  EXPECT_TRUE(met(alice(), R"({"IpAddress": {"aws:SourceIp": "198.51.100.7"}})", &context));
  EXPECT_TRUE(met(alice(), R"({"StringEquals": {"s3:prefix": "in/"}})", &context));
}

TEST_F(GuardTest, LeavesAnEntryForEachCheckAndNoneForADecision) {
  Principal user = alice();
  user.policies = {grants_policy({{Right::kRead, "s3://b/*"}}, "role analyst")};
  EXPECT_TRUE(may(user));
  EXPECT_FALSE(may(user, "s3:PutObject"));
  EXPECT_TRUE(
      guard_.decide({.principal = user, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/k"}).allowed);
  EXPECT_TRUE(decide({.principal = user, .action = "s3:GetObject", .resource = "arn:aws:s3:::b/k"}).allowed);
  ASSERT_EQ(audit_.entries.size(), 2u);
  const AuditEntry& yes = audit_.entries[0];
  EXPECT_EQ(yes.time, clock_.now());
  EXPECT_EQ(yes.principal, "arn:aws:iam::000000000000:user/alice");
  EXPECT_EQ(yes.kind, "user");
  EXPECT_EQ(yes.key_id, "AKIAALICE");
  EXPECT_EQ(yes.action, "s3:GetObject");
  EXPECT_EQ(yes.resource, "arn:aws:s3:::b/k");
  EXPECT_TRUE(yes.allowed);
  EXPECT_EQ(yes.reason, "role analyst allows it");
  EXPECT_EQ(yes.source_ip, "192.0.2.1");
  EXPECT_EQ(yes.request_id, "R1");
  EXPECT_FALSE(audit_.entries[1].allowed);
  EXPECT_EQ(audit_.entries[1].reason, "no identity-based policy allows the s3:PutObject action");
}

TEST_F(GuardTest, DecidesInMicroseconds) {
  Principal user = alice();
  for (int p = 0; p < 3; ++p) {
    std::string statements;
    for (int s = 0; s < 5; ++s) {
      if (s > 0) statements += ",";
      statements += fmt::format(R"({{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"],
          "Resource": ["arn:aws:s3:::bucket-{0}/*", "arn:aws:s3:::b/{0}/${{aws:username}}/*"],
          "Condition": {{"IpAddress": {{"aws:SourceIp": "192.0.2.0/24"}}}}}})",
                                p * 5 + s);
    }
    user.policies.push_back(policy(statements));
  }
  const Ask ask{.principal = user,
                .action = "s3:GetObject",
                .resource = "arn:aws:s3:::b/14/alice/k",
                .context = nullptr,
                .resource_policy = nullptr,
                .source_ip = "192.0.2.1"};
  ASSERT_TRUE(guard_.decide(ask).allowed);
  constexpr int kRounds = 20'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(guard_.decide(ask).allowed);
  const auto took = std::chrono::steady_clock::now() - start;
  const double us = std::chrono::duration<double, std::micro>(took).count() / kRounds;
  RecordProperty("microseconds", std::to_string(us));
  EXPECT_LT(us, 100) << "without optimisation, on a busy machine";
}

}  // namespace
}  // namespace tarn::access
