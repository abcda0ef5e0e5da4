// Policies and requests, and what the one says of the other.

#include "access/policy.h"

#include <random>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace tarn::access {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::shared_ptr<const Policy> parse(const std::string& json, PolicyKind kind) {
  auto policy = Policy::parse(json, kind, "test");
  EXPECT_TRUE(policy) << json << ": " << (policy ? "" : policy.error().message);
  return policy ? *policy : Policy::of({}, "none");
}

struct Case {
  std::string action;
  std::string resource;
  Pairs context;
  Verdict verdict;
};

void expect(const std::string& json, const std::vector<Case>& cases) {
  const auto policy = parse(json, PolicyKind::kIdentity);
  for (const Case& question : cases) {
    Context context;
    for (const auto& [key, value] : question.context) context.add(key, value);
    EXPECT_EQ(static_cast<int>(evaluate(*policy, question.action, question.resource, context).verdict),
              static_cast<int>(question.verdict))
        << json << "\n"
        << question.action << " on " << question.resource;
  }
}

constexpr Verdict kNo = Verdict::kNothing;
constexpr Verdict kAllow = Verdict::kAllow;
constexpr Verdict kDeny = Verdict::kDeny;

TEST(Policy, AHomeFolderInABucket) {
  expect(
      R"({"Version": "2012-10-17", "Statement": [
      {"Sid": "Console", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"],
       "Resource": "arn:aws:s3:::*"},
      {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shared",
       "Condition": {"StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}}},
      {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::shared/home/${aws:username}",
       "arn:aws:s3:::shared/home/${aws:username}/*"]}]})",
      {
          {"s3:ListAllMyBuckets", "arn:aws:s3:::*", {}, kAllow},
          {"s3:ListBucket", "arn:aws:s3:::shared", {{"s3:prefix", ""}, {"aws:username", "al"}}, kAllow},
          {"s3:ListBucket",
           "arn:aws:s3:::shared",
           {{"s3:prefix", "home/al/x"}, {"aws:username", "al"}},
           kAllow},
          {"s3:ListBucket", "arn:aws:s3:::shared", {{"s3:prefix", "home/bo/"}, {"aws:username", "al"}}, kNo},
          {"s3:ListBucket", "arn:aws:s3:::shared", {{"aws:username", "al"}}, kNo},
          {"s3:PutObject", "arn:aws:s3:::shared/home/al/a/b", {{"aws:username", "al"}}, kAllow},
          {"s3:PutObject", "arn:aws:s3:::shared/home/alice/a", {{"aws:username", "al"}}, kNo},
          {"s3:PutObject", "arn:aws:s3:::shared/home/*/a", {{"aws:username", "*"}}, kAllow},
          {"s3:PutObject", "arn:aws:s3:::shared/home/bo/a", {{"aws:username", "*"}}, kNo},
          {"s3:PutObject", "arn:aws:s3:::shared/home//a", {}, kNo},
      });
}

TEST(Policy, TagsOfWhoAsksAndOfWhatIsAsked) {
  expect(R"({"Version": "2012-10-17", "Statement": [
      {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
       "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "${aws:PrincipalTag/team}"}}},
      {"Effect": "Allow", "Action": "s3:PutObject",
       "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*"},
      {"Effect": "Deny", "Action": "*", "Resource": "*",
       "Condition": {"ForAllValues:StringNotEquals": {"aws:TagKeys": ["team", "cost"]},
                     "Null": {"aws:TagKeys": "false"}}}]})",
         {
             {"s3:GetObject",
              "arn:aws:s3:::b/x",
              {{"aws:PrincipalTag/team", "data"}, {"s3:ExistingObjectTag/team", "data"}},
              kAllow},
             {"s3:GetObject",
              "arn:aws:s3:::b/x",
              {{"aws:PrincipalTag/team", "data"}, {"s3:ExistingObjectTag/team", "web"}},
              kNo},
             {"s3:GetObject", "arn:aws:s3:::b/x", {{"aws:PrincipalTag/team", "data"}}, kNo},
             {"s3:GetObject", "arn:aws:s3:::b/x", {}, kNo},
             {"s3:PutObject", "arn:aws:s3:::b/data/x", {{"aws:PrincipalTag/team", "data"}}, kAllow},
             {"s3:PutObject", "arn:aws:s3:::b/company-wide/x", {}, kAllow},
             {"s3:PutObject", "arn:aws:s3:::b/company-wide/x", {{"aws:PrincipalTag/team", "data"}}, kNo},
             {"s3:PutObject", "arn:aws:s3:::b/company-wide/x", {{"aws:TagKeys", "team"}}, kAllow},
             {"s3:PutObject", "arn:aws:s3:::b/company-wide/x", {{"aws:TagKeys", "other"}}, kDeny},
         });
}

TEST(Policy, DenyOutsideOfATimeAndAPlace) {
  expect(R"({"Version": "2012-10-17", "Statement": [
      {"Effect": "Allow", "Action": "*", "Resource": "*"},
      {"Effect": "Deny", "Action": "*", "Resource": "*",
       "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]},
                     "BoolIfExists": {"aws:ViaAWSService": "false"}}},
      {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
       "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-12-31T23:59:59Z"}}},
      {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
       "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})",
         {
             {"s3:GetObject", "arn:aws:s3:::b/x", {{"aws:SourceIp", "192.0.2.9"}}, kAllow},
             {"s3:GetObject", "arn:aws:s3:::b/x", {{"aws:SourceIp", "198.51.100.1"}}, kDeny},
             {"s3:GetObject", "arn:aws:s3:::b/x", {}, kDeny},
             {"s3:GetObject",
              "arn:aws:s3:::b/x",
              {{"aws:SourceIp", "198.51.100.1"}, {"aws:ViaAWSService", "true"}},
              kAllow},
             {"s3:GetObject",
              "arn:aws:s3:::b/x",
              {{"aws:SourceIp", "192.0.2.9"}, {"aws:CurrentTime", "2027-01-01T00:00:00Z"}},
              kDeny},
             {"IAM:GetUser",
              "arn:aws:iam::000000000000:user/x",
              {{"aws:SourceIp", "192.0.2.9"}, {"aws:CurrentTime", "2027-01-01T00:00:00Z"}},
              kAllow},
             {"s3:GetObject",
              "arn:aws:s3:::b/x",
              {{"aws:SourceIp", "192.0.2.9"}, {"aws:SecureTransport", "false"}},
              kDeny},
         });
}

TEST(Policy, EverythingButSomeResources) {
  expect(R"({"Version": "2012-10-17", "Statement": [
      {"Effect": "Allow", "Action": "s3:*", "NotResource": ["arn:aws:s3:::payroll", "arn:aws:s3:::payroll/*"]},
      {"Effect": "Deny", "Action": "s3:Delete?bject", "Resource": "arn:aws:s3:::*.keep/*"}]})",
         {
             {"s3:GetObject", "arn:aws:s3:::web/index.html", {}, kAllow},
             {"s3:GetObject", "arn:aws:s3:::payroll/2026", {}, kNo},
             {"s3:ListBucket", "arn:aws:s3:::payroll", {}, kNo},
             {"s3:ListBucket", "arn:aws:s3:::payroll2", {}, kAllow},
             {"sqs:SendMessage", "arn:aws:sqs:::q", {}, kNo},
             {"s3:DeleteObject", "arn:aws:s3:::logs.keep/x", {}, kDeny},
             {"S3:DELETEOBJECT", "arn:aws:s3:::logs.keep/x", {}, kDeny},
             {"s3:DeleteObjects", "arn:aws:s3:::logs.keep/x", {}, kAllow},
         });
}

TEST(Policy, TheOldVersionHasNoVariables) {
  expect(R"({"Version": "2008-10-17", "Statement":
      {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}"}})",
         {
             {"s3:GetObject", "arn:aws:s3:::b/al", {{"aws:username", "al"}}, kNo},
             {"s3:GetObject", "arn:aws:s3:::b/${aws:username}", {{"aws:username", "al"}}, kAllow},
         });
}

Asker user(const std::string& name) {
  return {"arn:aws:iam::000000000000:user/" + name, "", "000000000000", false, ""};
}
Asker session(const std::string& role, const std::string& name) {
  return {"arn:aws:sts::000000000000:assumed-role/" + role + "/" + name,
          "arn:aws:iam::000000000000:role/" + role, "000000000000", false, ""};
}
Asker nobody() {
  return {"anonymous", "", "000000000000", true, ""};
}

Finding ask(const std::string& principal, const Asker& asker, const std::string& effect = "Allow") {
  const auto policy = parse(R"({"Version": "2012-10-17", "Statement": {"Effect": ")" + effect + R"(", )" +
                                principal + R"(, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}})",
                            PolicyKind::kResource);
  return evaluate(*policy, "s3:GetObject", "arn:aws:s3:::b/k", Context(), &asker);
}

// "-" nothing, "=" exactly, "r" by the role, "a" by the account
std::string how(const std::string& principal, const Asker& asker) {
  const Finding finding = ask(principal, asker);
  if (finding.verdict == Verdict::kNothing) return "-";
  return finding.by_exact_principal ? "=" : finding.by_account_only ? "a" : "r";
}

TEST(Policy, NamesPrincipals) {
  const std::string everybody = R"("Principal": "*")";
  const std::string aws_everybody = R"("Principal": {"AWS": "*"})";
  const std::string alice = R"("Principal": {"AWS": ["arn:aws:iam::000000000000:user/alice"]})";
  const std::string role = R"("Principal": {"AWS": "arn:aws:iam::000000000000:role/analyst"})";
  const std::string one = R"("Principal": {"AWS": "arn:aws:sts::000000000000:assumed-role/analyst/s1"})";
  const std::string account = R"("Principal": {"AWS": "000000000000"})";
  const std::string root = R"("Principal": {"AWS": "arn:aws:iam::000000000000:root"})";
  const std::string other = R"("Principal": {"AWS": "111111111111"})";
  for (const std::string& all : {everybody, aws_everybody})
    for (const Asker& asker : {user("bo"), session("analyst", "s1"), nobody()})
      EXPECT_EQ(how(all, asker), "=");
  EXPECT_EQ(how(alice, user("alice")), "=");
  EXPECT_EQ(how(alice, user("Alice")), "-");
  EXPECT_EQ(how(alice, nobody()), "-");
  EXPECT_EQ(how(role, session("analyst", "s1")), "r");
  EXPECT_EQ(how(role, session("other", "s1")), "-");
  EXPECT_EQ(how(one, session("analyst", "s1")), "=");
  EXPECT_EQ(how(one, session("analyst", "s2")), "-");
  for (const std::string& whole : {account, root}) {
    EXPECT_EQ(how(whole, user("alice")), "a");
    EXPECT_EQ(how(whole, session("analyst", "s1")), "a");
    EXPECT_EQ(how(whole, nobody()), "-");
    EXPECT_EQ(how(whole, {"arn:aws:iam::000000000000:root", "", "000000000000", false, ""}), "=");
  }
  EXPECT_EQ(how(other, user("alice")), "-");
  EXPECT_EQ(how(R"("Principal": {"AWS": ["000000000000", "arn:aws:iam::000000000000:role/analyst"]})",
                session("analyst", "s1")),
            "r");
  EXPECT_EQ(how(R"("Principal": {"CanonicalUser": "79a59df900b949e5"})", user("alice")), "-");
  EXPECT_EQ(how(R"("Principal": {"Federated": "example.org"})", user("alice")), "-");
  Asker lambda{"", "", "000000000000", false, "lambda.amazonaws.com"};
  EXPECT_EQ(how(R"("Principal": {"Service": ["sns.amazonaws.com", "lambda.amazonaws.com"]})", lambda), "=");
  EXPECT_EQ(how(R"("Principal": {"Service": "sns.amazonaws.com"})", lambda), "-");
  EXPECT_EQ(how(account, lambda), "-");
}

TEST(Policy, NotPrincipalIsEverybodyElse) {
  const std::string but_alice =
      R"("NotPrincipal": {"AWS": ["arn:aws:iam::000000000000:user/alice", "arn:aws:iam::000000000000:root"]})";
  EXPECT_EQ(ask(but_alice, user("alice"), "Deny").verdict, Verdict::kNothing);
  EXPECT_EQ(ask(but_alice, user("bo"), "Deny").verdict, Verdict::kDeny);
  EXPECT_EQ(ask(but_alice, nobody(), "Deny").verdict, Verdict::kDeny);
  EXPECT_EQ(ask(but_alice, {"arn:aws:iam::000000000000:root", "", "000000000000", false, ""}, "Deny").verdict,
            Verdict::kNothing);
  const std::string but_role = R"("NotPrincipal": {"AWS": "arn:aws:iam::000000000000:role/analyst"})";
  EXPECT_EQ(ask(but_role, session("analyst", "s"), "Deny").verdict, Verdict::kNothing);
  EXPECT_EQ(ask(but_role, session("other", "s"), "Deny").verdict, Verdict::kDeny);
}

TEST(Policy, WithPrincipalsSaysNothingWithoutAnAsker) {
  const auto policy =
      parse(R"({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}})",
            PolicyKind::kResource);
  EXPECT_EQ(evaluate(*policy, "s3:GetObject", "arn:aws:s3:::b/k", Context()).verdict, Verdict::kNothing);
}

TEST(Policy, TrustIsAboutItsRole) {
  const auto trust =
      parse(R"({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
      "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"},
      "Condition": {"StringEquals": {"sts:ExternalId": "7"}}}})",
            PolicyKind::kTrust);
  const Asker alice = user("alice");
  Context context;
  EXPECT_EQ(evaluate(*trust, "sts:AssumeRole", "any", context, &alice).verdict, Verdict::kNothing);
  context.set("sts:ExternalId", "7");
  EXPECT_EQ(evaluate(*trust, "sts:AssumeRole", "any", context, &alice).verdict, Verdict::kAllow);
  EXPECT_EQ(evaluate(*trust, "sts:TagSession", "any", context, &alice).verdict, Verdict::kNothing);
}

TEST(Policy, OfNoStatementsOrNoResourcesAllowsNothing) {
  EXPECT_EQ(evaluate(*Policy::of({}, "x"), "a:b", "c", Context()).verdict, Verdict::kNothing);
  Statement statement;
  statement.actions = {"*"};
  EXPECT_EQ(evaluate(*Policy::of({statement}, "x"), "a:b", "c", Context()).verdict, Verdict::kNothing);
}

std::string pick(std::mt19937& random, const std::vector<std::string>& of) {
  return of[random() % of.size()];
}

TEST(Policy, ADenyThatAppliesWinsWhateverElseThereIs) {
  std::mt19937 random(11);
  const std::vector<std::string> actions = {"*", "s3:*", "s3:Get*", "s3:GetObject", "s3:Put*", "tarn:Select"};
  const std::vector<std::string> resources = {"*", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k",
                                              "x"};
  int denies = 0, allows = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Statement> statements(random() % 6);
    for (Statement& statement : statements) {
      statement.effect = random() % 3 == 0 ? Effect::kDeny : Effect::kAllow;
      statement.actions = {pick(random, actions)};
      statement.resources = {pick(random, resources)};
      statement.not_actions = random() % 8 == 0;
      statement.not_resources = random() % 8 == 0;
      if (random() % 2 == 0)
        statement.conditions.push_back({random() % 2 ? Operator::kStringEquals : Operator::kStringNotEquals,
                                        random() % 4 == 0,
                                        Condition::Set::kNone,
                                        "T:Key",
                                        {random() % 2 ? "a" : "b"}});
    }
    Context context;
    if (random() % 2) context.set("t:key", "a");
    // Each statement alone, then all together.
    bool allow = false, deny = false;
    for (const Statement& statement : statements) {
      const Verdict alone =
          evaluate(*Policy::of({statement}, "one"), "s3:GetObject", "arn:aws:s3:::b/k", context).verdict;
      allow = allow || alone == Verdict::kAllow;
      deny = deny || alone == Verdict::kDeny;
    }
    const Verdict together =
        evaluate(*Policy::of(statements, "all"), "s3:GetObject", "arn:aws:s3:::b/k", context).verdict;
    ASSERT_EQ(together, deny ? Verdict::kDeny : allow ? Verdict::kAllow : Verdict::kNothing);
    denies += deny && allow;
    allows += together == Verdict::kAllow;
  }
  EXPECT_GT(denies, 1'000);
  EXPECT_GT(allows, 1'000);
}

}  // namespace
}  // namespace tarn::access
