// A metastore, a sealer and identities in a folder of their own, for the tests of access/.
//
// Threads: one test's.
// Owns: the folder, removed at the end.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "access/identities.h"
#include "access/secrets.h"
#include "base/id.h"

namespace tarn::access {

inline constexpr std::string_view kAllowAll =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

inline std::string allow(const std::string& action, const std::string& resource = "*") {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + action +
         R"(","Resource":")" + resource + R"("}]})";
}
inline std::string deny(const std::string& action) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":")" + action +
         R"(","Resource":"*"}]})";
}
inline std::string trusts(const std::string& principal, const std::string& condition = "") {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":")" + principal +
         R"("},"Action":"sts:AssumeRole")" + (condition.empty() ? "" : R"(,"Condition":)" + condition) +
         "}]}";
}

inline User user_named(std::string name, std::vector<std::string> roles = {}) {
  User user;
  user.name = std::move(name);
  user.roles = std::move(roles);
  return user;
}
inline Role role_named(std::string name, std::string trust = "") {
  Role role;
  role.name = std::move(name);
  role.trust = std::move(trust);
  return role;
}

// Made, or changed into this.
inline Status put(Identities& identities, const User& user) {
  Status made = identities.create_user(user);
  if (made || made.error().code != Code::kExists) return made;
  return identities.change_user(user.name, [&](User& there) -> Status {
    there = user;
    return {};
  });
}
inline Status put(Identities& identities, const Role& role) {
  Status made = identities.create_role(role);
  if (made || made.error().code != Code::kExists) return made;
  return identities.change_role(role.name, [&](Role& there) -> Status {
    there = role;
    return {};
  });
}

class IdentitiesFixture : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("tarn-access-" + uuid_v4());
    std::filesystem::create_directories(folder_);
    start();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  void stop() {
    secrets_.reset();
    identities_.reset();
    sealer_.reset();
    metastore_.reset();
  }
  void start() {
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    sealer_ = Sealer::open(folder_ / "secret.key").value();
    auto opened = Identities::open(*metastore_, *sealer_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    identities_ = *std::move(opened);
    secrets_ = Secrets::open(*metastore_, *sealer_, clock_).value();
  }
  void restart() {
    stop();
    start();
  }

  Status run_sql(std::string_view sql) {
    return metastore_->transact([&](meta::Transaction& t) -> Status {
      TARN_TRY(t.execute(sql));
      return {};
    });
  }

  // The principal of a user, as a request with a key of its gets it.
  Principal as(std::string_view user) {
    NewAccessKey key = identities_->create_key(user, "").value();
    CredentialProblem problem;
    Principal principal = identities_->credential(key.key.id, "", problem).value().principal;
    EXPECT_TRUE(identities_->remove_key(key.key.id));
    return principal;
  }
  Principal root() { return identities_->principal("root").value(); }
  Principal as(const Session& session) {
    CredentialProblem problem;
    auto found = identities_->credential(session.key_id, session.token, problem);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->principal : Principal();
  }

  ManualClock clock_{Timestamp{1'800'000'000'000'000}};
  std::filesystem::path folder_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<Sealer> sealer_;
  std::unique_ptr<Identities> identities_;
  std::unique_ptr<Secrets> secrets_;
};

}  // namespace tarn::access
