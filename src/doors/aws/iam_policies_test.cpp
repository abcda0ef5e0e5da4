// Roles, policies of all kinds, boundaries, and what the guard makes of them.
#include <fmt/format.h>

#include "doors/aws/iam_fixture_for_test.h"

namespace tarn::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(IamTest, ARoleIsMadeReadChangedAndDeleted) {
  const Reply made = done("CreateRole", {{"RoleName", "etl"},
                                         {"Path", "/jobs/"},
                                         {"AssumeRolePolicyDocument", std::string(kTrust)},
                                         {"Description", "of <jobs> & more"},
                                         {"MaxSessionDuration", "7200"},
                                         {"Tags.member.1.Key", "team"},
                                         {"Tags.member.1.Value", "data"}});
  EXPECT_EQ(made.value("CreateRoleResult/Role/Arn"), "arn:aws:iam::000000000000:role/jobs/etl");
  EXPECT_THAT(made.value("CreateRoleResult/Role/RoleId"), StartsWith("AROA"));
  EXPECT_EQ(made.value("CreateRoleResult/Role/MaxSessionDuration"), "7200");
  EXPECT_EQ(made.value("CreateRoleResult/Role/Description"), "of <jobs> & more");
  EXPECT_EQ(made.value("CreateRoleResult/Role/AssumeRolePolicyDocument"), iam::url_encoded(kTrust));
  EXPECT_THAT(made.value("CreateRoleResult/Role/AssumeRolePolicyDocument"),
              StartsWith("%7B%22Version%22%3A%222012-10-17%22"));

  EXPECT_NE(done("UpdateRole", {{"RoleName", "etl"}, {"MaxSessionDuration", "3600"}})
                .body.child("UpdateRoleResult"),
            nullptr);
  EXPECT_EQ(done("UpdateRoleDescription", {{"RoleName", "etl"}, {"Description", "new"}})
                .value("UpdateRoleDescriptionResult/Role/Description"),
            "new");
  const std::string trust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]})";
  done("UpdateAssumeRolePolicy", {{"RoleName", "etl"}, {"PolicyDocument", trust}});
  const Reply read = done("GetRole", {{"RoleName", "etl"}});
  EXPECT_EQ(read.value("GetRoleResult/Role/MaxSessionDuration"), "3600");
  EXPECT_EQ(read.value("GetRoleResult/Role/AssumeRolePolicyDocument"), iam::url_encoded(trust));
  EXPECT_THAT(done("ListRoles", {{"PathPrefix", "/jobs/"}}).all("ListRolesResult/Roles", "RoleName"),
              ElementsAre("etl"));
  done("TagRole", {{"RoleName", "etl"}, {"Tags.member.1.Key", "more"}, {"Tags.member.1.Value", ""}});
  done("UntagRole", {{"RoleName", "etl"}, {"TagKeys.member.1", "team"}});
  EXPECT_THAT(done("ListRoleTags", {{"RoleName", "etl"}}).all("ListRoleTagsResult/Tags", "Key"),
              ElementsAre("more"));
  done("DeleteRole", {{"RoleName", "etl"}});
  EXPECT_EQ(ask("GetRole", {{"RoleName", "etl"}}).message(), "The role with name etl cannot be found.");
}

TEST_F(IamTest, RolesAreValidated) {
  const std::string trust(kTrust);
  expect(ask("CreateRole", {{"RoleName", "etl"}}), 400, "ValidationError");
  expect(ask("CreateRole", {{"RoleName", "etl"}, {"AssumeRolePolicyDocument", "{}"}}), 400,
         "MalformedPolicyDocument");
  // A trust policy needs a principal, which an identity's policy must not have.
  expect(ask("CreateRole", {{"RoleName", "etl"}, {"AssumeRolePolicyDocument", std::string(kDocument)}}), 400,
         "MalformedPolicyDocument");
  expect(ask("CreateRole",
             {{"RoleName", "etl"}, {"AssumeRolePolicyDocument", trust}, {"MaxSessionDuration", "3599"}}),
         400, "ValidationError");
  expect(ask("CreateRole", {{"RoleName", "etl"},
                            {"AssumeRolePolicyDocument", trust},
                            {"PermissionsBoundary", "arn:aws:iam::000000000000:policy/none"}}),
         404, "NoSuchEntity");
  make_role("etl");
  expect(ask("CreateRole", {{"RoleName", "etl"}, {"AssumeRolePolicyDocument", trust}}), 409,
         "EntityAlreadyExists");
  done("PutRolePolicy",
       {{"RoleName", "etl"}, {"PolicyName", "p"}, {"PolicyDocument", std::string(kDocument)}});
  expect(ask("DeleteRole", {{"RoleName", "etl"}}), 409, "DeleteConflict");
}

TEST_F(IamTest, ARoleOfTheLakeFileShowsWhoMayAssumeIt) {
  declare();
  EXPECT_THAT(
      done("GetRole", {{"RoleName", "declared"}}).value("GetRoleResult/Role/AssumeRolePolicyDocument"),
      HasSubstr(iam::url_encoded("arn:aws:iam::000000000000:user/filed")));
}

TEST_F(IamTest, InlinePoliciesCountFromTheNextRequest) {
  done("CreateUser", {{"UserName", "alice"}});
  auto may_read = [&] {
    return access::decide(access::Ask{.principal = lake_.user("alice"),
                                      .action = "s3:GetObject",
                                      .resource = "arn:aws:s3:::b/k",
                                      .context = nullptr,
                                      .resource_policy = nullptr,
                                      .source_ip = {},
                                      .request_id = {}})
        .allowed;
  };
  EXPECT_FALSE(may_read());
  const Form named = {{"UserName", "alice"}, {"PolicyName", "reading"}};
  Form put = named;
  put.emplace_back("PolicyDocument", kDocument);
  done("PutUserPolicy", put);
  done("PutUserPolicy", put);  // again: the same
  EXPECT_TRUE(may_read());
  EXPECT_THAT(done("ListUserPolicies", {{"UserName", "alice"}}).all("ListUserPoliciesResult/PolicyNames"),
              ElementsAre("reading"));
  const Reply read = done("GetUserPolicy", named);
  EXPECT_EQ(read.value("GetUserPolicyResult/UserName"), "alice");
  EXPECT_EQ(read.value("GetUserPolicyResult/PolicyDocument"), iam::url_encoded(kDocument));
  done("DeleteUserPolicy", named);
  EXPECT_FALSE(may_read());
  EXPECT_EQ(ask("GetUserPolicy", named).message(), "The user policy with name reading cannot be found.");
  expect(ask("DeleteUserPolicy", named), 404, "NoSuchEntity");
}

TEST_F(IamTest, InlinePoliciesAreParsedAndBounded) {
  done("CreateUser", {{"UserName", "alice"}});
  auto put = [&](std::string document) {
    return ask("PutUserPolicy",
               {{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", std::move(document)}});
  };
  expect(put("no JSON"), 400, "MalformedPolicyDocument");
  expect(put(std::string(kTrust)), 400, "MalformedPolicyDocument");
  std::string big =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":[)";
  for (int i = 0; i < 100; i++) big += fmt::format("\"arn:aws:s3:::bucket-{:03}/*\",", i);
  big.back() = ']';
  const Reply reply = put(big + "}]}");
  expect(reply, 409, "LimitExceeded");
  EXPECT_EQ(reply.message(), "Maximum policy size of 2048 bytes exceeded for user alice");
}

TEST_F(IamTest, ManagedPoliciesAreAttachedCountedAndDetached) {
  const std::string arn = make_policy("reading", "/team/");
  EXPECT_EQ(arn, "arn:aws:iam::000000000000:policy/team/reading");
  done("CreateUser", {{"UserName", "alice"}});
  make_role("etl");
  done("AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}});
  done("AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}});
  done("AttachRolePolicy", {{"RoleName", "etl"}, {"PolicyArn", arn}});
  const Reply read = done("GetPolicy", {{"PolicyArn", arn}});
  EXPECT_EQ(read.value("GetPolicyResult/Policy/AttachmentCount"), "2");
  EXPECT_EQ(read.value("GetPolicyResult/Policy/PolicyName"), "reading");
  EXPECT_EQ(read.value("GetPolicyResult/Policy/DefaultVersionId"), "v1");
  EXPECT_EQ(read.value("GetPolicyResult/Policy/IsAttachable"), "true");
  const Reply attached = done("ListAttachedRolePolicies", {{"RoleName", "etl"}});
  EXPECT_THAT(attached.all("ListAttachedRolePoliciesResult/AttachedPolicies", "PolicyArn"), ElementsAre(arn));
  EXPECT_THAT(attached.all("ListAttachedRolePoliciesResult/AttachedPolicies", "PolicyName"),
              ElementsAre("reading"));
  const Reply entities = done("ListEntitiesForPolicy", {{"PolicyArn", arn}});
  EXPECT_THAT(entities.all("ListEntitiesForPolicyResult/PolicyUsers", "UserName"), ElementsAre("alice"));
  EXPECT_THAT(entities.all("ListEntitiesForPolicyResult/PolicyRoles", "RoleName"), ElementsAre("etl"));
  EXPECT_TRUE(done("ListEntitiesForPolicy", {{"PolicyArn", arn}, {"EntityFilter", "Role"}})
                  .all("ListEntitiesForPolicyResult/PolicyUsers")
                  .empty());
  expect(ask("DeletePolicy", {{"PolicyArn", arn}}), 409, "DeleteConflict");
  done("DetachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}});
  expect(ask("DetachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}}), 404, "NoSuchEntity");
  done("DetachRolePolicy", {{"RoleName", "etl"}, {"PolicyArn", arn}});
  done("DeletePolicy", {{"PolicyArn", arn}});
  expect(ask("GetPolicy", {{"PolicyArn", arn}}), 404, "NoSuchEntity");
  EXPECT_EQ(ask("AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn}}).message(),
            "Policy " + arn + " does not exist or is not attachable.");
}

TEST_F(IamTest, PoliciesAreListedByScopePathAndUse) {
  make_policy("b");
  make_policy("a");
  const std::string used = make_policy("c", "/x/");
  done("CreateUser", {{"UserName", "alice"}, {"PermissionsBoundary", used}});
  auto names = [&](Form form) {
    return done("ListPolicies", std::move(form)).all("ListPoliciesResult/Policies", "PolicyName");
  };
  EXPECT_THAT(names({}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names({{"Scope", "Local"}, {"PathPrefix", "/x/"}}), ElementsAre("c"));
  EXPECT_THAT(names({{"Scope", "AWS"}}), ElementsAre());
  EXPECT_THAT(names({{"OnlyAttached", "true"}}), ElementsAre("c"));
  EXPECT_THAT(names({{"PolicyUsageFilter", "PermissionsPolicy"}}), ElementsAre());
  EXPECT_THAT(names({{"MaxItems", "2"}}), ElementsAre("a", "b"));
  expect(ask("ListPolicies", {{"Scope", "Mine"}}), 400, "ValidationError");
}

TEST_F(IamTest, VersionsAreNumberedAndOneIsTheDefault) {
  const std::string arn = make_policy("reading");
  auto version = [&](bool as_default) {
    return ask("CreatePolicyVersion", {{"PolicyArn", arn},
                                       {"PolicyDocument", std::string(kDocument)},
                                       {"SetAsDefault", as_default ? "true" : "false"}});
  };
  const Reply second = version(true);
  EXPECT_EQ(second.value("CreatePolicyVersionResult/PolicyVersion/VersionId"), "v2");
  EXPECT_EQ(second.value("CreatePolicyVersionResult/PolicyVersion/IsDefaultVersion"), "true");
  EXPECT_EQ(version(false).value("CreatePolicyVersionResult/PolicyVersion/VersionId"), "v3");
  const Form v3 = {{"PolicyArn", arn}, {"VersionId", "v3"}};
  done("DeletePolicyVersion", v3);
  EXPECT_EQ(version(false).value("CreatePolicyVersionResult/PolicyVersion/VersionId"),
            "v4");  // never v3 again
  expect(ask("GetPolicyVersion", v3), 404, "NoSuchEntity");
  const Reply listed = done("ListPolicyVersions", {{"PolicyArn", arn}});
  EXPECT_THAT(listed.all("ListPolicyVersionsResult/Versions", "VersionId"), ElementsAre("v4", "v2", "v1"));
  EXPECT_THAT(listed.all("ListPolicyVersionsResult/Versions", "IsDefaultVersion"),
              ElementsAre("false", "true", "false"));
  EXPECT_THAT(done("ListPolicyVersions", {{"PolicyArn", arn}, {"MaxItems", "1"}})
                  .all("ListPolicyVersionsResult/Versions", "VersionId"),
              ElementsAre("v4"));
  EXPECT_EQ(done("GetPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v1"}})
                .value("GetPolicyVersionResult/PolicyVersion/Document"),
            iam::url_encoded(kDocument));
  expect(ask("DeletePolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v2"}}), 409, "DeleteConflict");
  done("SetDefaultPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v1"}});
  EXPECT_EQ(done("GetPolicy", {{"PolicyArn", arn}}).value("GetPolicyResult/Policy/DefaultVersionId"), "v1");
  expect(ask("SetDefaultPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "v9"}}), 404, "NoSuchEntity");
  expect(ask("SetDefaultPolicyVersion", {{"PolicyArn", arn}, {"VersionId", "1"}}), 400, "ValidationError");
  EXPECT_EQ(version(false).status, 200);
  EXPECT_EQ(version(false).status, 200);
  expect(version(false), 409, "LimitExceeded");
  expect(ask("DeletePolicy", {{"PolicyArn", arn}}), 409, "DeleteConflict");
}

TEST_F(IamTest, PoliciesAreValidated) {
  const std::string document(kDocument);
  make_policy("p");
  const Reply again = ask("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", document}});
  expect(again, 409, "EntityAlreadyExists");
  EXPECT_EQ(again.message(), "A policy called p already exists. Duplicate names are not allowed.");
  expect(ask("CreatePolicy", {{"PolicyName", "q"}, {"PolicyDocument", "{"}}), 400, "MalformedPolicyDocument");
  expect(ask("GetPolicy", {{"PolicyArn", "short"}}), 400, "ValidationError");
  expect(ask("GetPolicy", {{"PolicyArn", "not-an-arn-but-long-enough"}}), 400, "ValidationError");
  done("TagPolicy", {{"PolicyArn", "arn:aws:iam::000000000000:policy/p"},
                     {"Tags.member.1.Key", "a"},
                     {"Tags.member.1.Value", "b"}});
  EXPECT_THAT(done("ListPolicyTags", {{"PolicyArn", "arn:aws:iam::000000000000:policy/p"}})
                  .all("ListPolicyTagsResult/Tags", "Value"),
              ElementsAre("b"));
  done("UntagPolicy", {{"PolicyArn", "arn:aws:iam::000000000000:policy/p"}, {"TagKeys.member.1", "a"}});
  EXPECT_TRUE(done("ListPolicyTags", {{"PolicyArn", "arn:aws:iam::000000000000:policy/p"}})
                  .all("ListPolicyTagsResult/Tags")
                  .empty());
}

TEST_F(IamTest, ABoundaryCutsWhatAUserMay) {
  const std::string boundary = make_policy("only-reading");
  lake_.make_user("alice", R"({"Effect":"Allow","Action":"s3:*","Resource":"*"})");
  auto may = [&](std::string_view action) {
    return access::decide(access::Ask{.principal = lake_.user("alice"),
                                      .action = action,
                                      .resource = "arn:aws:s3:::b/k",
                                      .context = nullptr,
                                      .resource_policy = nullptr,
                                      .source_ip = {},
                                      .request_id = {}})
        .allowed;
  };
  EXPECT_TRUE(may("s3:PutObject"));
  done("PutUserPermissionsBoundary", {{"UserName", "alice"}, {"PermissionsBoundary", boundary}});
  EXPECT_FALSE(may("s3:PutObject"));
  EXPECT_TRUE(may("s3:GetObject"));
  EXPECT_EQ(done("GetUser", {{"UserName", "alice"}})
                .value("GetUserResult/User/PermissionsBoundary/PermissionsBoundaryArn"),
            boundary);
  expect(ask("DeletePolicy", {{"PolicyArn", boundary}}), 409, "DeleteConflict");
  done("DeleteUserPermissionsBoundary", {{"UserName", "alice"}});
  EXPECT_TRUE(may("s3:PutObject"));
  expect(ask("DeleteUserPermissionsBoundary", {{"UserName", "alice"}}), 404, "NoSuchEntity");
  make_role("etl");
  done("PutRolePermissionsBoundary", {{"RoleName", "etl"}, {"PermissionsBoundary", boundary}});
  done("DeleteRolePermissionsBoundary", {{"RoleName", "etl"}});
}

TEST_F(IamTest, WhoMayAttachOnlySomePoliciesIsHeldToThem) {
  const std::string good = make_policy("good");
  const std::string bad = make_policy("bad");
  done("CreateUser", {{"UserName", "alice"}});
  const auto helper = lake_.make_user(
      "helper", fmt::format(R"({{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*",
                                "Condition":{{"ArnEquals":{{"iam:PolicyARN":"{}"}}}}}})",
                            good));
  EXPECT_EQ(ask_as(helper, "AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", good}}).status, 200);
  expect(ask_as(helper, "AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", bad}}), 403,
         "AccessDenied");
}

TEST_F(IamTest, SimulationsAnswerAsTheGuardWould) {
  lake_.make_user("alice", R"({"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"},
                              {"Effect":"Deny","Action":"s3:GetObjectAcl","Resource":"*"})");
  const Form questions = {{"PolicySourceArn", "arn:aws:iam::000000000000:user/alice"},
                          {"ActionNames.member.1", "s3:GetObject"},
                          {"ActionNames.member.2", "s3:PutObject"},
                          {"ActionNames.member.3", "s3:GetObjectAcl"},
                          {"ResourceArns.member.1", "arn:aws:s3:::b/k"}};
  EXPECT_THAT(done("SimulatePrincipalPolicy", questions)
                  .all("SimulatePrincipalPolicyResult/EvaluationResults", "EvalDecision"),
              ElementsAre("allowed", "implicitDeny", "explicitDeny"));
  make_role("etl");
  done("AttachRolePolicy", {{"RoleName", "etl"}, {"PolicyArn", make_policy("m")}});
  EXPECT_THAT(done("SimulatePrincipalPolicy", {{"PolicySourceArn", "arn:aws:iam::000000000000:role/etl"},
                                               {"ActionNames.member.1", "s3:GetObject"},
                                               {"ResourceArns.member.1", "arn:aws:s3:::b/k"},
                                               {"ResourceArns.member.2", "arn:aws:s3:::c/k"}})
                  .all("SimulatePrincipalPolicyResult/EvaluationResults", "EvalDecision"),
              ElementsAre("allowed", "implicitDeny"));
  expect(ask("SimulatePrincipalPolicy",
             {{"PolicySourceArn", "arn:aws:iam::000000000000:user/none"}, {"ActionNames.member.1", "s3:x"}}),
         404, "NoSuchEntity");
  // Who may ask about user/dev/* learns nothing of others by their last name.
  for (const char* other : {"user/dev/alice", "user/dev/root", "role/dev/etl"}) {
    expect(ask("SimulatePrincipalPolicy",
               {{"PolicySourceArn", std::string("arn:aws:iam::000000000000:") + other},
                {"ActionNames.member.1", "s3:x"}}),
           404, "NoSuchEntity");
  }
}

TEST_F(IamTest, TheSummaryCounts) {
  done("CreateUser", {{"UserName", "alice"}});
  make_role("etl");
  make_policy("p");
  std::map<std::string, std::string> summary;
  const Reply reply = done("GetAccountSummary");
  for (const XmlNode* entry : reply.at("GetAccountSummaryResult/SummaryMap").all("entry"))
    summary[entry->value("key")] = entry->value("value");
  EXPECT_EQ(summary["Users"], "1");
  EXPECT_EQ(summary["Roles"], "1");
  EXPECT_EQ(summary["Policies"], "1");
}

}  // namespace
}  // namespace tarn::aws
