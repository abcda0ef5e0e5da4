// IAM as its tests call it: action and parameters in, the answer out.
//
// Owns: a lake's parts in a folder of its own.
// Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doors/aws/iam.h"
#include "doors/aws/query_lake_for_test.h"

namespace tarn::aws {

class IamTest : public testing::Test {
 protected:
  static constexpr std::string_view kDocument =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]})";
  static constexpr std::string_view kTrust =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},)"
      R"("Action":"sts:AssumeRole"}]})";

  QueryLake lake_;

  Reply ask_as(const access::Principal& who, std::string_view action, Form form = {}) {
    form.emplace_back("Action", action);
    form.emplace_back("Version", "2010-05-08");
    return lake_.ask(iam_service(), who, form);
  }
  Reply ask(std::string_view action, Form form = {}) { return ask_as(lake_.root(), action, std::move(form)); }
  // Fails the test unless it works.
  Reply done(std::string_view action, Form form = {}) {
    Reply reply = ask(action, std::move(form));
    EXPECT_EQ(reply.status, 200) << action << ": " << reply.text;
    return reply;
  }
  void expect(const Reply& reply, int status, std::string_view code) {
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_EQ(reply.code(), code) << reply.text;
  }
  std::string make_policy(const std::string& name, const std::string& path = "/") {
    return done("CreatePolicy",
                {{"PolicyName", name}, {"Path", path}, {"PolicyDocument", std::string(kDocument)}})
        .value("CreatePolicyResult/Policy/Arn");
  }
  void make_role(const std::string& name) {
    done("CreateRole", {{"RoleName", name}, {"AssumeRolePolicyDocument", std::string(kTrust)}});
  }
  // Declared by the lake file: role "declared", and user "filed" who has it.
  void declare() {
    access::Role role;
    role.name = "declared";
    role.origin = access::Origin::kFile;
    role.grants = {{access::Right::kRead, "s3://reports/*"}};
    ASSERT_TRUE(lake_.identities().create_role(role));
    access::User user;
    user.name = "filed";
    user.origin = access::Origin::kFile;
    user.roles = {"declared"};
    ASSERT_TRUE(lake_.identities().create_user(user));
  }
};

}  // namespace tarn::aws
