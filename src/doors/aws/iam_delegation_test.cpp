// Administration that is handed on: what a delegate may not reach by a side door.
#include <fmt/format.h>

#include "doors/aws/iam_fixture_for_test.h"

namespace tarn::aws {
namespace {

TEST_F(IamTest, TagsOfWhatIsMadeNeedTheirOwnAction) {
  const auto maker =
      lake_.make_user("maker", R"({"Effect":"Allow","Action":["iam:Create*"],"Resource":"*"})");
  const Form tags = {{"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "finance"}};
  auto with = [&tags](Form form) {
    form.insert(form.end(), tags.begin(), tags.end());
    return form;
  };
  const std::string trust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]})";
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})";
  const Form user = {{"UserName", "x"}};
  const Form role = {{"RoleName", "x"}, {"AssumeRolePolicyDocument", trust}};
  const Form managed = {{"PolicyName", "x"}, {"PolicyDocument", policy}};
  for (const auto& [action, form, tag] :
       {std::tuple("CreateUser", user, "iam:TagUser"), std::tuple("CreateRole", role, "iam:TagRole"),
        std::tuple("CreatePolicy", managed, "iam:TagPolicy")}) {
    const Reply refused = ask_as(maker, action, with(form));
    expect(refused, 403, "AccessDenied");
    EXPECT_THAT(refused.message(), testing::HasSubstr(tag));
    EXPECT_EQ(ask_as(maker, action, form).status, 200) << action;
  }
}

// AWS's own example of delegated administration: users with this boundary, and nobody else's policies.
TEST_F(IamTest, ABoundaryIsAConditionOfChangingPolicies) {
  const std::string boundary = make_policy("limits");
  const std::string good = make_policy("good");
  const auto delegate = lake_.make_user(
      "delegate",
      fmt::format(R"({{"Effect":"Allow","Action":["iam:CreateUser","iam:PutUserPolicy","iam:DeleteUserPolicy",
                       "iam:AttachUserPolicy","iam:DetachUserPolicy"],"Resource":"*",
                       "Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{}"}}}}}})",
                  boundary));
  const std::string document =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})";
  EXPECT_EQ(ask_as(delegate, "CreateUser", {{"UserName", "his"}, {"PermissionsBoundary", boundary}}).status,
            200);
  done("CreateUser", {{"UserName", "free"}});
  auto on = [&](const std::string& user) {
    const Form named = {{"UserName", user}, {"PolicyName", "p"}, {"PolicyDocument", document}};
    const Form attached = {{"UserName", user}, {"PolicyArn", good}};
    return std::vector<int>{
        ask_as(delegate, "PutUserPolicy", named).status,
        ask_as(delegate, "AttachUserPolicy", attached).status,
        ask_as(delegate, "DetachUserPolicy", attached).status,
        ask_as(delegate, "DeleteUserPolicy", {{"UserName", user}, {"PolicyName", "p"}}).status};
  };
  EXPECT_THAT(on("his"), testing::Each(200));
  EXPECT_THAT(on("free"), testing::Each(403));
}

TEST_F(IamTest, CredentialsThatEndMakeNoneThatDont) {
  access::Principal session = lake_.root();
  session.expires = Timestamp{lake_.clock().now().us + 60'000'000};
  expect(ask_as(session, "CreateAccessKey"), 403, "InvalidClientTokenId");
}

}  // namespace
}  // namespace tarn::aws
