// Whom credentials belong to, what principals may, and sessions.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/guard.h"
#include "access/identities_fixture_for_test.h"
#include "access/identities_token.h"
#include "access/scram.h"

namespace tarn::access {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::MatchesRegex;

constexpr std::string_view kObject = "arn:aws:s3:::reports/a";

class CredentialsTest : public IdentitiesFixture {
 protected:
  void SetUp() override {
    IdentitiesFixture::SetUp();
    Role reader = role_named("reader");
    reader.grants = {{Right::kRead, "s3://reports/*"}};
    ASSERT_TRUE(identities_->create_role(reader));
    ASSERT_TRUE(identities_->create_user(user_named("alice", {"reader"})));
    ASSERT_TRUE(identities_->create_user(user_named("bob")));
  }

  static bool may(const Principal& principal, std::string_view action, std::string_view resource = kObject) {
    return decide({principal, action, resource}).allowed;
  }
  Status assume(const Principal& caller, std::string_view role, const Context& context = {}) {
    return identities_->may_assume(caller, role, context);
  }
  Result<Session> session(const Principal& caller, std::string role, Duration duration = hours(1)) {
    SessionRequest request;
    request.role = std::move(role);
    request.session = "s1";
    request.duration = duration;
    return identities_->start_session(caller, request);
  }
  CredentialProblem problem_of(std::string_view key_id, std::string_view token) {
    CredentialProblem problem = CredentialProblem::kNone;
    auto found = identities_->credential(key_id, token, problem);
    EXPECT_NE(found.has_value(), problem != CredentialProblem::kNone);
    if (!found) {
      EXPECT_EQ(found.error().code, Code::kDenied);
    }
    return problem;
  }
  void give(std::string_view user, std::string policy) {
    ASSERT_TRUE(identities_->change_user(user, [&](User& u) -> Status {
      u.inline_policies = {{"given", policy}};
      return {};
    }));
  }
};

TEST_F(CredentialsTest, AKeyIsItsUsers) {
  NewAccessKey key = identities_->create_key("alice", "").value();
  CredentialProblem problem;
  auto credential = identities_->credential(key.key.id, "", problem);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->secret, key.secret);
  const Principal& principal = credential->principal;
  EXPECT_EQ(principal.kind, PrincipalKind::kUser);
  EXPECT_EQ(principal.name, "alice");
  EXPECT_EQ(principal.id, identities_->user("alice")->id);
  EXPECT_EQ(principal.arn, "arn:aws:iam::000000000000:user/alice");
  EXPECT_EQ(principal.key_id, key.key.id);
  EXPECT_FALSE(principal.password);
  EXPECT_FALSE(principal.expires);
  EXPECT_EQ(problem_of("AKIANOTTHEREATALL000", ""), CredentialProblem::kUnknownKey);
  EXPECT_EQ(problem_of("", ""), CredentialProblem::kUnknownKey);
  EXPECT_EQ(problem_of(key.key.id, "token"), CredentialProblem::kWrongToken);
  ASSERT_TRUE(identities_->set_key_active(key.key.id, false));
  EXPECT_EQ(problem_of(key.key.id, ""), CredentialProblem::kInactive);
  ASSERT_TRUE(identities_->set_key_active(key.key.id, true));
  EXPECT_EQ(problem_of(key.key.id, ""), CredentialProblem::kNone);
  ASSERT_TRUE(identities_->remove_key(key.key.id));
  EXPECT_EQ(problem_of(key.key.id, ""), CredentialProblem::kUnknownKey);
}

TEST_F(CredentialsTest, AUserMayWhatItsPoliciesAndItsRolesPoliciesAllow) {
  EXPECT_TRUE(may(as("alice"), "s3:GetObject"));
  EXPECT_FALSE(may(as("alice"), "s3:PutObject"));
  EXPECT_FALSE(may(as("bob"), "s3:GetObject"));
  EXPECT_TRUE(may(root(), "s3:PutObject"));

  // A role that changes, changes its users.
  ManagedPolicy policy;
  policy.name = "writes";
  policy = identities_->create_policy(policy, allow("s3:PutObject")).value();
  ASSERT_TRUE(identities_->change_role("reader", [&](Role& role) -> Status {
    role.attached = {policy.arn};
    return {};
  }));
  EXPECT_TRUE(may(as("alice"), "s3:PutObject"));
  // So does a policy that is attached to it.
  ASSERT_TRUE(identities_->change_policy(policy.arn, [](ManagedPolicy& p) -> Status {
    p.versions.push_back({"", deny("s3:GetObject"), {}});
    p.default_version = "v2";
    return {};
  }));
  EXPECT_FALSE(may(as("alice"), "s3:PutObject"));
  EXPECT_FALSE(may(as("alice"), "s3:GetObject"));
  restart();
  EXPECT_FALSE(may(as("alice"), "s3:GetObject"));
  give("bob", allow("s3:DeleteObject"));
  EXPECT_TRUE(may(as("bob"), "s3:DeleteObject"));
}

TEST_F(CredentialsTest, ABoundaryCutsAndABoundedRoleMustBeAssumed) {
  ManagedPolicy policy;
  policy.name = "only-put";
  policy = identities_->create_policy(policy, allow("s3:PutObject")).value();
  give("bob", std::string(kAllowAll));
  ASSERT_TRUE(identities_->change_user("bob", [&](User& user) -> Status {
    user.boundary = policy.arn;
    return {};
  }));
  EXPECT_TRUE(may(as("bob"), "s3:PutObject"));
  EXPECT_FALSE(may(as("bob"), "s3:GetObject"));
  ASSERT_TRUE(identities_->change_role("reader", [&](Role& role) -> Status {
    role.boundary = policy.arn;
    role.inline_policies = {{"all", std::string(kAllowAll)}};
    return {};
  }));
  EXPECT_FALSE(may(as("alice"), "s3:PutObject"));
  EXPECT_FALSE(may(as("alice"), "s3:GetObject"));
  Principal assumed = as(session(as("alice"), "reader").value());
  EXPECT_TRUE(may(assumed, "s3:PutObject"));
  EXPECT_FALSE(may(assumed, "s3:GetObject"));
}

TEST_F(CredentialsTest, LogsInByPasswordAndByKey) {
  ASSERT_TRUE(identities_->set_password("alice", "pencil"));
  CredentialProblem problem;
  for (int i = 0; i < 3; ++i) {  // the second time from the recent ones
    auto principal = identities_->log_in("alice", "pencil", problem);
    ASSERT_TRUE(principal);
    EXPECT_TRUE(principal->password);
    EXPECT_EQ(principal->name, "alice");
    EXPECT_EQ(principal->key_id, "");
    for (const char* wrong : {"Pencil", "", "pencil2"}) {
      EXPECT_FALSE(identities_->log_in("alice", wrong, problem));
      EXPECT_EQ(problem, CredentialProblem::kWrongPassword);
    }
    EXPECT_FALSE(identities_->log_in("bob", "pencil", problem));
    EXPECT_FALSE(identities_->log_in("nobody", "pencil", problem));
    EXPECT_EQ(problem, CredentialProblem::kWrongPassword);
    EXPECT_FALSE(identities_->log_in("alice", std::string(100'000, 'x'), problem));
  }
  // A new password ends the old one, also where it was remembered.
  ASSERT_TRUE(identities_->set_password("alice", "crayon"));
  EXPECT_FALSE(identities_->log_in("alice", "pencil", problem));
  EXPECT_TRUE(identities_->log_in("alice", "crayon", problem));
  EXPECT_TRUE(verifies(identities_->verifier("alice").value(), "crayon"));
  restart();
  EXPECT_TRUE(identities_->log_in("alice", "crayon", problem));
  ASSERT_TRUE(identities_->set_password("alice", std::nullopt));
  EXPECT_FALSE(identities_->log_in("alice", "crayon", problem));
  EXPECT_EQ(identities_->verifier("alice").error().code, Code::kNotFound);
  EXPECT_EQ(identities_->set_password("alice", "a\nb").error().code, Code::kInvalid);
  EXPECT_EQ(identities_->set_password("nobody", "pencil").error().code, Code::kNotFound);

  NewAccessKey key = identities_->create_key("alice", "").value();
  auto principal = identities_->log_in(key.key.id, key.secret, problem);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->key_id, key.key.id);
  EXPECT_FALSE(principal->password);
  EXPECT_FALSE(identities_->log_in(key.key.id, key.secret + "x", problem));
  EXPECT_FALSE(identities_->log_in(key.key.id, "", problem));
  ASSERT_TRUE(identities_->set_key_active(key.key.id, false));
  EXPECT_FALSE(identities_->log_in(key.key.id, key.secret, problem));
  EXPECT_EQ(problem, CredentialProblem::kInactive);
}

TEST_F(CredentialsTest, TheRootMayHaveAPassword) {
  CredentialProblem problem;
  EXPECT_FALSE(identities_->log_in("root", "", problem));
  ASSERT_TRUE(identities_->set_password("root", "pencil"));
  restart();
  auto principal = identities_->log_in("root", "pencil", problem);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->kind, PrincipalKind::kRoot);
  EXPECT_EQ(identities_->principal("root")->arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(identities_->principal("system").error().code, Code::kNotFound);
}

TEST_F(CredentialsTest, ASessionOfARoleIsThatRole) {
  ASSERT_TRUE(identities_->change_role("reader", [](Role& role) -> Status {
    role.tags = {{"team", "data"}, {"kept", "yes"}};
    role.path = "/ignored/";
    return {};
  }));
  SessionRequest request;
  request.role = "reader";
  request.session = "s1";
  request.tags = {{"team", "other"}};
  clock_.advance(std::chrono::microseconds(123));
  Session made = identities_->start_session(as("alice"), request).value();
  EXPECT_THAT(made.key_id, MatchesRegex("ASIA[A-Z2-7]{16}"));
  EXPECT_EQ(made.secret.size(), 40U);
  EXPECT_EQ(made.expires.us % 1'000'000, 0);
  const std::string id = identities_->role("reader")->id;
  EXPECT_EQ(made.id, id + ":s1");
  EXPECT_EQ(made.arn, "arn:aws:sts::000000000000:assumed-role/reader/s1");
  CredentialProblem problem;
  for (int i = 0; i < 2; ++i) {  // also after a restart
    auto credential = identities_->credential(made.key_id, made.token, problem);
    ASSERT_TRUE(credential);
    EXPECT_EQ(credential->secret, made.secret);
    const Principal& principal = credential->principal;
    EXPECT_EQ(principal.kind, PrincipalKind::kSession);
    EXPECT_EQ(principal.name, "reader");
    EXPECT_EQ(principal.session, "s1");
    EXPECT_EQ(principal.id, made.id);
    EXPECT_EQ(principal.arn, made.arn);
    EXPECT_EQ(principal.role_arn, "arn:aws:iam::000000000000:role/reader");
    EXPECT_EQ(principal.key_id, made.key_id);
    EXPECT_EQ(principal.expires, made.expires);
    EXPECT_EQ(principal.tags, (std::map<std::string, std::string>{{"team", "other"}, {"kept", "yes"}}));
    EXPECT_TRUE(may(principal, "s3:GetObject"));
    EXPECT_FALSE(may(principal, "s3:PutObject"));
    restart();
  }
}

TEST_F(CredentialsTest, ASessionsTokenIsForItsKeyOnlyAndCannotBeChanged) {
  Session one = session(as("alice"), "reader").value();
  Session two = session(as("alice"), "reader").value();
  for (int cached = 0; cached < 2; ++cached) {
    EXPECT_EQ(problem_of(one.key_id, two.token), CredentialProblem::kWrongToken);
    EXPECT_EQ(problem_of(one.key_id, ""), CredentialProblem::kUnknownKey);
    EXPECT_EQ(problem_of(one.key_id, "v1.x.y"), CredentialProblem::kWrongToken);
    for (size_t i = 0; i < one.token.size(); i += 7) {
      std::string changed = one.token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      ASSERT_EQ(problem_of(one.key_id, changed), CredentialProblem::kWrongToken) << i;
    }
    EXPECT_EQ(problem_of(one.key_id, one.token), CredentialProblem::kNone);
    EXPECT_EQ(problem_of(two.key_id, two.token), CredentialProblem::kNone);
  }
  EXPECT_EQ(problem_of("ASIANOTTHEREATALL000", one.token), CredentialProblem::kWrongToken);
  // A session's secret alone is no password.
  CredentialProblem problem;
  EXPECT_FALSE(identities_->log_in(one.key_id, one.secret, problem));
}

TEST_F(CredentialsTest, ASessionEndsAtItsTime) {
  Session made = session(as("alice"), "reader", minutes(15)).value();
  EXPECT_EQ(made.expires - clock_.now(), minutes(15));
  clock_.advance(minutes(15) - seconds(1));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kNone);
  clock_.advance(seconds(1));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kExpired);
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kExpired);
  restart();
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kExpired);
}

TEST_F(CredentialsTest, ASessionEndsWithItsRoleAlsoWhenAnotherTakesTheName) {
  ASSERT_TRUE(identities_->create_role(role_named("brief")));
  Session made = session(root(), "brief").value();
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kNone);
  ASSERT_TRUE(identities_->remove_role("brief", true));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kUnknownKey);
  ASSERT_TRUE(identities_->create_role(role_named("brief")));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kUnknownKey);

  made = session(as("bob"), "").value();
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kNone);
  ASSERT_TRUE(identities_->remove_user("bob", true));
  ASSERT_TRUE(identities_->create_user(user_named("bob")));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kUnknownKey);
}

TEST_F(CredentialsTest, ASessionMayWhatItsRoleMayNow) {
  Session made = session(as("alice"), "reader").value();
  EXPECT_FALSE(may(as(made), "s3:PutObject"));
  ASSERT_TRUE(identities_->change_role("reader", [](Role& role) -> Status {
    role.grants = {{Right::kWrite, "s3://reports/*"}};
    return {};
  }));
  EXPECT_TRUE(may(as(made), "s3:PutObject"));
  EXPECT_FALSE(may(as(made), "s3:GetObject"));
}

TEST_F(CredentialsTest, ASessionsPoliciesLimitIt) {
  SessionRequest request;
  request.role = "reader";
  request.session = "s1";
  request.policies = {allow("s3:ListBucket")};
  Session made = identities_->start_session(as("alice"), request).value();
  EXPECT_FALSE(may(as(made), "s3:GetObject"));
  request.policies = {allow("s3:Get*")};
  made = identities_->start_session(as("alice"), request).value();
  EXPECT_TRUE(may(as(made), "s3:GetObject"));
  EXPECT_FALSE(may(as(made), "s3:PutObject"));
  request.policies = {"{"};
  EXPECT_EQ(identities_->start_session(as("alice"), request).error().code, Code::kInvalid);
  request.policies = {allow("s3:*", "arn:aws:s3:::" + std::string(kSessionPolicyBytesMax, 'x'))};
  EXPECT_EQ(identities_->start_session(as("alice"), request).error().code, Code::kTooLarge);
  request.policies.assign(12, allow("s3:*"));
  EXPECT_EQ(identities_->start_session(as("alice"), request).error().code, Code::kTooLarge);
  request.policies.clear();
  request.tags = {{"aws:x", "y"}};
  EXPECT_EQ(identities_->start_session(as("alice"), request).error().code, Code::kInvalid);
}

TEST_F(CredentialsTest, SessionsHaveTheirLengths) {
  auto code = [&](const Principal& who, const std::string& role, Duration d) {
    auto made = session(who, role, d);
    return made ? Code::kInternal : made.error().code;
  };
  Principal alice = as("alice");
  EXPECT_EQ(code(alice, "reader", seconds(899)), Code::kInvalid);
  EXPECT_EQ(code(alice, "reader", hours(1) + seconds(1)), Code::kInvalid);  // of this role
  ASSERT_TRUE(identities_->change_role("reader", [](Role& role) -> Status {
    role.session_max = hours(12);
    return {};
  }));
  Session made = session(alice, "reader", hours(12)).value();
  EXPECT_EQ(code(alice, "reader", hours(12) + seconds(1)), Code::kInvalid);
  // By chaining an hour at most.
  EXPECT_EQ(code(as(made), "reader", hours(1) + seconds(1)), Code::kInvalid);
  EXPECT_EQ(code(as(made), "reader", hours(1)), Code::kInternal);
  EXPECT_EQ(code(alice, "", hours(36)), Code::kInternal);
  EXPECT_EQ(code(alice, "", hours(36) + seconds(1)), Code::kInvalid);
  EXPECT_EQ(session(root(), "", hours(36))->expires - clock_.now(), hours(1));
  EXPECT_EQ(code(alice, "raeder", hours(1)), Code::kNotFound);
  SessionRequest request;
  request.role = "reader";
  for (const std::string& bad : {std::string("x"), std::string(65, 'x'), std::string("a/b"), std::string()}) {
    request.session = bad;
    EXPECT_EQ(identities_->start_session(alice, request).error().code, Code::kInvalid) << bad;
  }
}

TEST_F(CredentialsTest, AUsersSessionIsTheUserAndCannotMakeAnother) {
  Session made = session(as("alice"), "").value();
  Principal principal = as(made);
  EXPECT_EQ(principal.kind, PrincipalKind::kUser);
  EXPECT_EQ(principal.arn, "arn:aws:iam::000000000000:user/alice");
  EXPECT_EQ(principal.expires, made.expires);
  EXPECT_EQ(made.id, identities_->user("alice")->id);
  EXPECT_TRUE(may(principal, "s3:GetObject"));
  EXPECT_EQ(session(principal, "").error().code, Code::kDenied);
  EXPECT_TRUE(assume(principal, "reader"));
  EXPECT_EQ(session(as(session(principal, "reader").value()), "").error().code, Code::kDenied);
  EXPECT_EQ(as(session(root(), "").value()).kind, PrincipalKind::kRoot);
}

TEST_F(CredentialsTest, AUsersSessionOutlivesARenamingAndEndsWithTheUser) {
  Session made = session(as("alice"), "").value();
  ASSERT_TRUE(identities_->change_user("alice", [](User& user) -> Status {
    user.name = "carol";
    return {};
  }));
  EXPECT_EQ(as(made).name, "carol");
  EXPECT_TRUE(may(as(made), "s3:GetObject"));
  // Another user who has the name by now is somebody else.
  ASSERT_TRUE(identities_->create_user(user_named("alice")));
  EXPECT_EQ(as(made).name, "carol");
  restart();
  EXPECT_EQ(as(made).arn, "arn:aws:iam::000000000000:user/carol");
  ASSERT_TRUE(identities_->remove_user("carol", true));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kUnknownKey);
}

TEST_F(CredentialsTest, ForgettingTheSealingKeyEndsSessionsAlsoRememberedOnes) {
  Session made = session(as("alice"), "reader").value();
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kNone);
  const std::string sealing_key = sealer_->rotate().value();
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kNone);
  ASSERT_TRUE(sealer_->forget_old(sealing_key));
  EXPECT_EQ(problem_of(made.key_id, made.token), CredentialProblem::kWrongToken);
}

TEST_F(CredentialsTest, MayAssumeRolesThatItLists) {
  EXPECT_TRUE(assume(as("alice"), "reader"));
  EXPECT_TRUE(assume(root(), "reader"));
  EXPECT_TRUE(assume(Principal::system(), "reader"));
  EXPECT_FALSE(assume(Principal::anonymous(), "reader"));
  Status refused = assume(as("bob"), "reader");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDenied);
  EXPECT_EQ(refused.error().message,
            "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: sts:AssumeRole on "
            "resource: arn:aws:iam::000000000000:role/reader");
  // A role that isn't there looks the same, but to the root.
  EXPECT_EQ(assume(as("bob"), "raeder").error().code, Code::kDenied);
  EXPECT_EQ(assume(root(), "raeder").error().code, Code::kNotFound);
  // A deny wins; who limited a session limited this, too.
  give("alice", deny("sts:AssumeRole"));
  EXPECT_FALSE(assume(as("alice"), "reader"));
  give("alice", allow("s3:*"));
  Principal limited = as("alice");
  limited.session_policies = {Policy::parse(allow("s3:*"), PolicyKind::kIdentity, "p").value()};
  EXPECT_FALSE(assume(limited, "reader"));
  // Somebody who only looks like alice.
  Principal other = as("bob");
  other.name = "alice";
  EXPECT_FALSE(assume(other, "reader"));
}

TEST_F(CredentialsTest, ATrustNamesWhoMayAssume) {
  ASSERT_TRUE(identities_->create_role(role_named("named", trusts("arn:aws:iam::000000000000:user/bob"))));
  EXPECT_TRUE(assume(as("bob"), "named"));
  EXPECT_FALSE(assume(as("alice"), "named"));
  // The identity's side alone is not enough.
  give("alice", allow("sts:AssumeRole"));
  EXPECT_FALSE(assume(as("alice"), "named"));
  ASSERT_TRUE(identities_->create_role(role_named("open", trusts("*"))));
  EXPECT_TRUE(assume(as("bob"), "open"));
  EXPECT_FALSE(assume(Principal::anonymous(), "open"));
  give("bob", deny("sts:*"));
  EXPECT_FALSE(assume(as("bob"), "open"));
}

TEST_F(CredentialsTest, ATrustThatNamesTheAccountLeavesItToTheCallersPolicies) {
  for (const char* account : {"arn:aws:iam::000000000000:root", "000000000000"}) {
    ASSERT_TRUE(put(*identities_, role_named("target", trusts(account))));
    ASSERT_TRUE(put(*identities_, user_named("bob")));
    EXPECT_FALSE(assume(as("bob"), "target"));
    give("bob", allow("sts:AssumeRole", "arn:aws:iam::000000000000:role/other"));
    EXPECT_FALSE(assume(as("bob"), "target"));
    give("bob", allow("sts:AssumeRole", "arn:aws:iam::000000000000:role/target"));
    EXPECT_TRUE(assume(as("bob"), "target"));
  }
}

TEST_F(CredentialsTest, AGrantToAssumeIsEnoughForARoleWithoutTrust) {
  ASSERT_TRUE(identities_->create_role(role_named("target")));
  ASSERT_TRUE(identities_->change_role("reader", [](Role& role) -> Status {
    role.grants = {{Right::kAssume, "target"}};
    return {};
  }));
  EXPECT_TRUE(assume(as("alice"), "target"));
  EXPECT_FALSE(assume(as("bob"), "target"));
  // A session of the role, too: chaining.
  EXPECT_TRUE(assume(as(session(as("alice"), "reader").value()), "target"));
}

TEST_F(CredentialsTest, ATrustThatNamesARoleIsForItsSessions) {
  ASSERT_TRUE(
      identities_->create_role(role_named("target", trusts("arn:aws:iam::000000000000:role/reader"))));
  Principal assumed = as(session(as("alice"), "reader").value());
  EXPECT_TRUE(assume(assumed, "target"));
  EXPECT_FALSE(assume(as("bob"), "target"));
  SessionRequest request;
  request.role = "reader";
  request.session = "s1";
  request.policies = {allow("s3:*")};
  EXPECT_FALSE(assume(as(identities_->start_session(as("alice"), request).value()), "target"));
}

TEST_F(CredentialsTest, ATrustsConditionsSeeTheRequestAndTheCaller) {
  const std::string bob = "arn:aws:iam::000000000000:user/bob";
  ASSERT_TRUE(identities_->create_role(
      role_named("external", trusts(bob, R"({"StringEquals":{"sts:ExternalId":"42"}})"))));
  EXPECT_FALSE(assume(as("bob"), "external"));
  Context context;
  context.set("sts:ExternalId", "42");
  EXPECT_TRUE(assume(as("bob"), "external", context));
  ASSERT_TRUE(identities_->create_role(
      role_named("tagged", trusts("*", R"({"StringEquals":{"aws:PrincipalTag/team":"data"}})"))));
  EXPECT_FALSE(assume(as("bob"), "tagged"));
  ASSERT_TRUE(identities_->change_user("bob", [](User& user) -> Status {
    user.tags = {{"team", "data"}};
    return {};
  }));
  EXPECT_TRUE(assume(as("bob"), "tagged"));
  // What a request claims of its caller doesn't count.
  Context lie;
  lie.set("aws:PrincipalTag/team", "data");
  ASSERT_TRUE(identities_->change_user("bob", [](User& user) -> Status {
    user.tags = {{"team", "sales"}};
    return {};
  }));
  EXPECT_FALSE(assume(as("bob"), "tagged", lie));
}

TEST_F(CredentialsTest, ThreadsAuthenticateWhileUsersChange) {
  NewAccessKey steady = identities_->create_key("alice", "").value();
  ASSERT_TRUE(identities_->set_password("alice", "pencil"));
  Session made = session(as("alice"), "reader").value();
  std::atomic<bool> stopping = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> rounds = 0;
  auto ask = [&] {
    CredentialProblem problem;
    while (!stopping) {
      auto key = identities_->credential(steady.key.id, "", problem);
      if (!key || key->secret != steady.secret || key->principal.name != "alice") ++wrong;
      identities_->used(steady.key.id);
      auto token = identities_->credential(made.key_id, made.token, problem);
      if (!token || token->principal.name != "reader") ++wrong;
      if (!identities_->log_in("alice", "pencil", problem)) ++wrong;
      for (const AccessKey& other : identities_->keys("u")) {
        auto found = identities_->credential(other.id, "", problem);
        if (found && found->principal.name != "u") ++wrong;
      }
      if (identities_->users().size() < 2) ++wrong;
      ++rounds;
    }
  };
  std::thread first(ask);
  std::thread second(ask);
  for (int i = 0; i < 20; ++i) {
    clock_.advance(seconds(61));  // so that keys' last use is noted, too; the session lives an hour
    EXPECT_TRUE(identities_->create_user(user_named("u", {"reader"})));
    EXPECT_TRUE(identities_->create_key("u", ""));
    EXPECT_TRUE(identities_->change_role("reader", [&](Role& role) -> Status {
      role.description = std::to_string(i);
      return {};
    }));
    EXPECT_TRUE(identities_->remove_user("u", true));
  }
  while (rounds < 20 && wrong == 0) std::this_thread::yield();
  stopping = true;
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(identities_->flush_used());
}

TEST(SessionTokenText, ReadsOnlyWhatItWrites) {
  SessionToken token{"secret", true, "role", "AROA", "s", {12}, {"p", "q"}, {{"k", "v"}}};
  std::string text = token_text(token);
  EXPECT_EQ(token_from_text(text).value(), token);
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(token_from_text(text.substr(0, length))) << length;
  for (
      const char* bad :
      {"", "{}", "[]", "null",
       R"({"v":2,"secret":"s","role":true,"owner":"o","owner_id":"i","session":"s",)"
       R"("expires":1,"policies":[],"tags":{}})",
       R"({"v":1,"secret":"","role":true,"owner":"o","owner_id":"i","session":"s","expires":1,"policies":[],)"
       R"("tags":{}})",
       R"({"v":1,"secret":"s","role":true,"owner":"o","owner_id":"i","session":"s","expires":1,"policies":[1],)"
       R"("tags":{}})"})
    EXPECT_FALSE(token_from_text(bad)) << bad;
}

}  // namespace
}  // namespace tarn::access
