// Users, keys, passwords, and what their operations have in common: rights, pages, tags.
#include <fmt/format.h>

#include "doors/aws/iam_fixture_for_test.h"

namespace tarn::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(IamTest, AUserIsMadeReadMovedAndDeleted) {
  const Reply made = done("CreateUser", {{"UserName", "alice"},
                                         {"Path", "/team/"},
                                         {"Tags.member.1.Key", "team"},
                                         {"Tags.member.1.Value", "data @ more"}});
  EXPECT_THAT(made.text,
              HasSubstr("<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"));
  EXPECT_EQ(made.value("CreateUserResult/User/UserName"), "alice");
  EXPECT_EQ(made.value("CreateUserResult/User/Path"), "/team/");
  EXPECT_EQ(made.value("CreateUserResult/User/Arn"), "arn:aws:iam::000000000000:user/team/alice");
  EXPECT_THAT(made.value("CreateUserResult/User/UserId"), StartsWith("AIDA"));
  EXPECT_EQ(made.value("CreateUserResult/User/CreateDate"), "2026-11-21T07:00:00.123Z");
  EXPECT_THAT(made.all("CreateUserResult/User/Tags", "Value"), ElementsAre("data @ more"));

  const Reply moved =
      done("UpdateUser", {{"UserName", "alice"}, {"NewUserName", "alicia"}, {"NewPath", "/"}});
  EXPECT_EQ(moved.body.child("UpdateUserResult"), nullptr);
  EXPECT_EQ(moved.value("ResponseMetadata/RequestId"), moved.request_id);
  const Reply read = done("GetUser", {{"UserName", "alicia"}});
  EXPECT_EQ(read.value("GetUserResult/User/Arn"), "arn:aws:iam::000000000000:user/alicia");
  EXPECT_EQ(read.value("GetUserResult/User/UserId"), made.value("CreateUserResult/User/UserId"));
  expect(ask("GetUser", {{"UserName", "alice"}}), 404, "NoSuchEntity");
  EXPECT_EQ(ask("GetUser", {{"UserName", "alice"}}).message(), "The user with name alice cannot be found.");

  done("DeleteUser", {{"UserName", "alicia"}});
  expect(ask("DeleteUser", {{"UserName", "alicia"}}), 404, "NoSuchEntity");
}

TEST_F(IamTest, NamesAreTakenOnce) {
  done("CreateUser", {{"UserName", "alice"}});
  done("CreateUser", {{"UserName", "bob"}});
  const Reply again = ask("CreateUser", {{"UserName", "alice"}});
  expect(again, 409, "EntityAlreadyExists");
  EXPECT_EQ(again.message(), "User with name alice already exists.");
  expect(ask("UpdateUser", {{"UserName", "alice"}, {"NewUserName", "bob"}}), 409, "EntityAlreadyExists");
}

TEST_F(IamTest, NamesAndPathsAreValidated) {
  expect(ask("CreateUser"), 400, "ValidationError");
  EXPECT_EQ(ask("CreateUser").message(),
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must "
            "not be null");
  EXPECT_EQ(
      ask("CreateUser", {{"UserName", "a b"}}).message(),
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the "
      "following: +=,.@_-");
  EXPECT_THAT(ask("CreateUser", {{"UserName", std::string(65, 'a')}}).message(),
              HasSubstr("Member must have length less than or equal to 64"));
  EXPECT_THAT(ask("CreateUser", {{"UserName", ""}}).message(), HasSubstr("greater than or equal to 1"));
  for (const char* path : {"team", "/team", "team/", "/a b/", ""})
    expect(ask("CreateUser", {{"UserName", "alice"}, {"Path", path}}), 400, "ValidationError");
  expect(ask("ListUsers", {{"PathPrefix", "team"}}), 400, "ValidationError");
}

TEST_F(IamTest, UnknownActionsAreNamed) {
  const Reply reply = ask("CreateGroup", {{"GroupName", "g"}});
  expect(reply, 400, "InvalidAction");
  EXPECT_THAT(reply.message(), HasSubstr("CreateGroup"));
}

TEST_F(IamTest, ListsComeInPages) {
  for (const char* name : {"carol", "alice", "dave", "bob"})
    done("CreateUser", {{"UserName", name}, {"Path", std::string(name) == "dave" ? "/x/" : "/"}});
  EXPECT_THAT(done("ListUsers").all("ListUsersResult/Users", "UserName"),
              ElementsAre("alice", "bob", "carol", "dave"));
  EXPECT_THAT(done("ListUsers", {{"PathPrefix", "/x/"}}).all("ListUsersResult/Users", "UserName"),
              ElementsAre("dave"));
  std::vector<std::string> names;
  std::string marker;
  for (int pages = 0; pages < 10; pages++) {
    Form form = {{"MaxItems", "1"}};
    if (!marker.empty()) form.emplace_back("Marker", marker);
    const Reply page = done("ListUsers", form);
    for (const std::string& name : page.all("ListUsersResult/Users", "UserName")) names.push_back(name);
    if (page.value("ListUsersResult/IsTruncated") == "false") break;
    marker = page.value("ListUsersResult/Marker");
  }
  EXPECT_THAT(names, ElementsAre("alice", "bob", "carol", "dave"));
  expect(ask("ListUsers", {{"Marker", "no marker"}}), 400, "ValidationError");
  expect(ask("ListUsers", {{"MaxItems", "0"}}), 400, "ValidationError");
  expect(ask("ListUsers", {{"MaxItems", "1001"}}), 400, "ValidationError");
  expect(ask("ListUsers", {{"MaxItems", "many"}}), 400, "MalformedInput");
}

TEST_F(IamTest, TheGuardIsAskedWithTheUsersArnAndTags) {
  done("CreateUser", {{"UserName", "mine"}, {"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "data"}});
  done("CreateUser", {{"UserName", "other"}});
  const auto admin = lake_.make_user(
      "admin",
      R"({"Effect":"Allow","Action":["iam:GetUser","iam:TagUser"],"Resource":"arn:aws:iam::000000000000:user/*",
          "Condition":{"StringEquals":{"aws:ResourceTag/team":"data"}}},
         {"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"arn:aws:iam::000000000000:user/made/*",
          "Condition":{"StringEquals":{"aws:RequestTag/team":"data"}}})");
  EXPECT_EQ(ask_as(admin, "GetUser", {{"UserName", "mine"}}).status, 200);
  const Reply refused = ask_as(admin, "GetUser", {{"UserName", "other"}});
  expect(refused, 403, "AccessDenied");
  EXPECT_THAT(refused.message(),
              HasSubstr("User: arn:aws:iam::000000000000:user/admin is not authorized to perform: "
                        "iam:GetUser on resource: "));
  // Who may not, doesn't learn who is there.
  expect(ask_as(admin, "GetUser", {{"UserName", "nobody"}}), 403, "AccessDenied");
  Form made = {{"UserName", "new"}, {"Path", "/made/"}};
  expect(ask_as(admin, "CreateUser", made), 403, "AccessDenied");
  made.insert(made.end(), {{"Tags.member.1.Key", "team"}, {"Tags.member.1.Value", "data"}});
  EXPECT_EQ(ask_as(admin, "CreateUser", made).status, 200);
  EXPECT_THAT(lake_.trail(),
              testing::Contains(testing::AllOf(HasSubstr("iam:CreateUser"), HasSubstr("192.0.2.7"),
                                               HasSubstr("user/made/new"))));
}

TEST_F(IamTest, WithoutANameUsersAskForThemselvesAndTheGuardIsAskedToo) {
  expect(ask_as(lake_.make_user("bob"), "GetUser"), 403, "AccessDenied");
  const auto alice = lake_.make_user(
      "alice",
      R"({"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::000000000000:user/${aws:username}"})");
  EXPECT_EQ(ask_as(alice, "GetUser").value("GetUserResult/User/UserName"), "alice");
  expect(ask_as(alice, "GetUser", {{"UserName", "bob"}}), 403, "AccessDenied");
  expect(ask_as(alice, "ListAccessKeys"), 403, "AccessDenied");
  expect(ask_as(alice, "ListUsers"), 403, "AccessDenied");
  EXPECT_EQ(ask("GetUser").value("GetUserResult/User/Arn"), "arn:aws:iam::000000000000:root");
  access::Principal session = alice;
  session.kind = access::PrincipalKind::kSession;
  expect(ask_as(session, "GetUser"), 400, "ValidationError");
  expect(ask_as(session, "ListAccessKeys"), 400, "ValidationError");
}

TEST_F(IamTest, TagsAreMergedListedAndTakenAway) {
  done("CreateUser", {{"UserName", "alice"}});
  const Form alice = {{"UserName", "alice"}};
  auto tag = [&](std::string key, std::string value) {
    Form form = alice;
    form.insert(form.end(),
                {{"Tags.member.1.Key", std::move(key)}, {"Tags.member.1.Value", std::move(value)}});
    return ask("TagUser", form);
  };
  EXPECT_EQ(tag("team", "data").status, 200);
  EXPECT_EQ(tag("Team", "more").status, 200);  // the same key in another case
  EXPECT_EQ(tag("empty", "").status, 200);
  EXPECT_THAT(done("ListUserTags", alice).all("ListUserTagsResult/Tags", "Key"),
              ElementsAre("Team", "empty"));
  EXPECT_THAT(done("ListUserTags", {{"UserName", "alice"}, {"MaxItems", "1"}})
                  .value("ListUserTagsResult/IsTruncated"),
              "true");
  expect(tag("aws:x", "y"), 400, "InvalidInput");
  expect(tag("", "y"), 400, "ValidationError");
  expect(tag("a<b", "y"), 400, "ValidationError");
  expect(tag("k", std::string(257, 'v')), 400, "ValidationError");
  EXPECT_EQ(tag("grün", "schön").status, 200);
  Form twice = alice;
  for (const char* n : {"1", "2"})
    twice.insert(twice.end(), {{fmt::format("Tags.member.{}.Key", n), std::string(n) == "1" ? "k" : "K"},
                               {fmt::format("Tags.member.{}.Value", n), "v"}});
  expect(ask("TagUser", twice), 400, "InvalidInput");
  Form many = alice;
  for (int i = 1; i <= 49; i++)
    many.insert(many.end(), {{fmt::format("Tags.member.{}.Key", i), fmt::format("k{}", i)},
                             {fmt::format("Tags.member.{}.Value", i), "v"}});
  expect(ask("TagUser", many), 409, "LimitExceeded");
  done("UntagUser", {{"UserName", "alice"}, {"TagKeys.member.1", "Team"}, {"TagKeys.member.2", "not-there"}});
  EXPECT_THAT(done("ListUserTags", alice).all("ListUserTagsResult/Tags", "Key"),
              ElementsAre("empty", "grün"));
}

TEST_F(IamTest, KeysAreMadeSwitchedListedAndDeleted) {
  done("CreateUser", {{"UserName", "alice"}});
  const Form alice = {{"UserName", "alice"}};
  const Reply made = done("CreateAccessKey", alice);
  EXPECT_EQ(made.cache, "no-store");
  const std::string id = made.value("CreateAccessKeyResult/AccessKey/AccessKeyId");
  EXPECT_THAT(id, StartsWith("AKIA"));
  EXPECT_EQ(made.value("CreateAccessKeyResult/AccessKey/SecretAccessKey").size(), 40u);
  EXPECT_EQ(made.value("CreateAccessKeyResult/AccessKey/Status"), "Active");
  auto problem = access::CredentialProblem::kNone;
  EXPECT_TRUE(lake_.identities().credential(id, "", problem));

  done("UpdateAccessKey", {{"UserName", "alice"}, {"AccessKeyId", id}, {"Status", "Inactive"}});
  EXPECT_FALSE(lake_.identities().credential(id, "", problem));
  EXPECT_THAT(done("ListAccessKeys", alice).all("ListAccessKeysResult/AccessKeyMetadata", "Status"),
              ElementsAre("Inactive"));
  expect(ask("UpdateAccessKey", {{"UserName", "alice"}, {"AccessKeyId", id}, {"Status", "Off"}}), 400,
         "ValidationError");
  done("CreateAccessKey", alice);
  const Reply third = ask("CreateAccessKey", alice);
  expect(third, 409, "LimitExceeded");
  EXPECT_EQ(third.message(), "Cannot exceed quota for AccessKeysPerUser: 2");

  // Another user's key is not to be had through one's own name.
  done("CreateUser", {{"UserName", "bob"}});
  const Reply foreign = ask("DeleteAccessKey", {{"UserName", "bob"}, {"AccessKeyId", id}});
  expect(foreign, 404, "NoSuchEntity");
  EXPECT_EQ(foreign.message(), fmt::format("The Access Key with id {} cannot be found.", id));
  EXPECT_EQ(done("GetAccessKeyLastUsed", {{"AccessKeyId", id}}).value("GetAccessKeyLastUsedResult/UserName"),
            "alice");
  done("DeleteAccessKey", {{"UserName", "alice"}, {"AccessKeyId", id}});
  expect(ask("GetAccessKeyLastUsed", {{"AccessKeyId", id}}), 404, "NoSuchEntity");
}

TEST_F(IamTest, WithoutANameKeysAreTheCallersOwn) {
  const auto alice = lake_.make_user(
      "alice",
      R"({"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::*:user/${aws:username}"})");
  EXPECT_EQ(ask_as(alice, "CreateAccessKey").value("CreateAccessKeyResult/AccessKey/UserName"), "alice");
  EXPECT_EQ(ask_as(alice, "ListAccessKeys").all("ListAccessKeysResult/AccessKeyMetadata", "UserName").size(),
            1u);
  done("CreateUser", {{"UserName", "bob"}});
  expect(ask_as(alice, "CreateAccessKey", {{"UserName", "bob"}}), 403, "AccessDenied");
  EXPECT_EQ(done("ListAccessKeys").all("ListAccessKeysResult/AccessKeyMetadata", "UserName"),
            std::vector<std::string>{"root"});
}

TEST_F(IamTest, LoginProfilesAreThePassword) {
  done("CreateUser", {{"UserName", "alice"}});
  const Form alice = {{"UserName", "alice"}};
  expect(ask("GetLoginProfile", alice), 404, "NoSuchEntity");
  expect(ask("CreateLoginProfile",
             {{"UserName", "alice"}, {"Password", "pass word 1"}, {"PasswordResetRequired", "true"}}),
         400, "InvalidInput");
  const Reply made = done("CreateLoginProfile", {{"UserName", "alice"}, {"Password", "pass word 1"}});
  EXPECT_THAT(made.text, testing::Not(HasSubstr("pass word")));
  EXPECT_EQ(made.value("CreateLoginProfileResult/LoginProfile/UserName"), "alice");
  auto problem = access::CredentialProblem::kNone;
  EXPECT_TRUE(lake_.identities().log_in("alice", "pass word 1", problem));
  expect(ask("CreateLoginProfile", {{"UserName", "alice"}, {"Password", "x"}}), 409, "EntityAlreadyExists");
  done("UpdateLoginProfile", {{"UserName", "alice"}, {"Password", "pass word 2"}});
  EXPECT_FALSE(lake_.identities().log_in("alice", "pass word 1", problem));
  EXPECT_TRUE(lake_.identities().log_in("alice", "pass word 2", problem));
  done("GetLoginProfile", alice);
  done("DeleteLoginProfile", alice);
  expect(ask("DeleteLoginProfile", alice), 404, "NoSuchEntity");
  EXPECT_FALSE(lake_.identities().log_in("alice", "pass word 2", problem));
}

TEST_F(IamTest, AUserWithThingsOfItsOwnIsNotDeleted) {
  done("CreateUser", {{"UserName", "alice"}});
  const Form alice = {{"UserName", "alice"}};
  const std::string id = done("CreateAccessKey", alice).value("CreateAccessKeyResult/AccessKey/AccessKeyId");
  auto refused = [&] {
    const Reply reply = ask("DeleteUser", alice);
    expect(reply, 409, "DeleteConflict");
    return reply.message();
  };
  EXPECT_EQ(refused(), "Cannot delete entity, must delete access keys first.");
  done("DeleteAccessKey", {{"UserName", "alice"}, {"AccessKeyId", id}});
  done("CreateLoginProfile", {{"UserName", "alice"}, {"Password", "pass word 1"}});
  EXPECT_EQ(refused(), "Cannot delete entity, must delete login profile first.");
  done("DeleteLoginProfile", alice);
  done("PutUserPolicy",
       {{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", std::string(kDocument)}});
  EXPECT_EQ(refused(), "Cannot delete entity, must delete policies first.");
  done("DeleteUserPolicy", {{"UserName", "alice"}, {"PolicyName", "p"}});
  done("AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", make_policy("m")}});
  EXPECT_EQ(refused(), "Cannot delete entity, must detach all policies first.");
  done("DetachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", "arn:aws:iam::000000000000:policy/m"}});
  done("DeleteUser", alice);
}

TEST_F(IamTest, WhatTheLakeFileDeclaresIsChangedThere) {
  declare();
  const std::string policy = make_policy("m");
  const Form filed = {{"UserName", "filed"}};
  auto with = [&](Form more) {
    more.insert(more.end(), filed.begin(), filed.end());
    return more;
  };
  const std::string document(kDocument);
  for (const auto& [action, form] : std::vector<std::pair<std::string, Form>>{
           {"DeleteUser", filed},
           {"UpdateUser", with({{"NewUserName", "x"}})},
           {"TagUser", with({{"Tags.member.1.Key", "a"}, {"Tags.member.1.Value", "b"}})},
           {"PutUserPolicy", with({{"PolicyName", "p"}, {"PolicyDocument", document}})},
           {"AttachUserPolicy", with({{"PolicyArn", policy}})},
           {"PutUserPermissionsBoundary", with({{"PermissionsBoundary", policy}})},
           {"DeleteRole", {{"RoleName", "declared"}}},
           {"UpdateRole", {{"RoleName", "declared"}, {"Description", "d"}}},
           {"UpdateAssumeRolePolicy", {{"RoleName", "declared"}, {"PolicyDocument", std::string(kTrust)}}}}) {
    const Reply reply = ask(action, form);
    expect(reply, 400, "UnmodifiableEntity");
    EXPECT_THAT(reply.message(), HasSubstr("lake.yaml")) << action;
  }
  done("GetUser", filed);
  done("CreateAccessKey", filed);  // keys and passwords are in no lake file
  done("CreateLoginProfile", with({{"Password", "pass word 1"}}));
}

TEST_F(IamTest, GroupsAndInstanceProfilesAreNone) {
  done("CreateUser", {{"UserName", "alice"}});
  make_role("r");
  EXPECT_TRUE(
      done("ListGroupsForUser", {{"UserName", "alice"}}).all("ListGroupsForUserResult/Groups").empty());
  EXPECT_TRUE(done("ListInstanceProfilesForRole", {{"RoleName", "r"}})
                  .all("ListInstanceProfilesForRoleResult/InstanceProfiles")
                  .empty());
  EXPECT_TRUE(done("ListAccountAliases").all("ListAccountAliasesResult/AccountAliases").empty());
  expect(ask("ListInstanceProfilesForRole", {{"RoleName", "no"}}), 404, "NoSuchEntity");
}

}  // namespace
}  // namespace tarn::aws
