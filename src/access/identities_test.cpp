// Users, roles, policies and keys as resources: rules, limits, restarts.
#include "access/identities.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/identities_fixture_for_test.h"
#include "base/file.h"

namespace tarn::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using IdentitiesTest = IdentitiesFixture;

template <typename T>
Code code_of(const T& result) {
  return result ? Code::kInternal : result.error().code;
}

TEST_F(IdentitiesTest, ARootKeyIsMadeAtTheFirstStartAndToldOnce) {
  auto key = identities_->take_new_root_key();
  ASSERT_TRUE(key);
  EXPECT_THAT(key->key.id, MatchesRegex("AKIA[A-Z2-7]{16}"));
  EXPECT_THAT(key->secret, MatchesRegex("[A-Za-z0-9+/]{40}"));
  EXPECT_EQ(key->key.user, "root");
  EXPECT_FALSE(identities_->take_new_root_key());
  restart();
  EXPECT_FALSE(identities_->take_new_root_key());
  CredentialProblem problem;
  auto credential = identities_->credential(key->key.id, "", problem);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->secret, key->secret);
  EXPECT_EQ(credential->principal.kind, PrincipalKind::kRoot);
  EXPECT_EQ(credential->principal.arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(identities_->keys("root").size(), 1U);
}

TEST_F(IdentitiesTest, TheRootKeyIsToldAgainUntilItWasKept) {
  auto fails = [](const NewAccessKey&) -> Status { return fail(Code::kFull, "no space"); };
  EXPECT_EQ(code_of(identities_->keep_new_root_key(fails)), Code::kFull);
  restart();
  std::string secret;
  auto keeps = [&](const NewAccessKey& key) -> Status {
    secret = key.secret;
    return {};
  };
  EXPECT_TRUE(identities_->keep_new_root_key(keeps).value());
  EXPECT_EQ(secret.size(), 40U);
  EXPECT_FALSE(identities_->keep_new_root_key(keeps).value());
  restart();
  EXPECT_FALSE(identities_->keep_new_root_key(keeps).value());
}

TEST_F(IdentitiesTest, TheRootsLastActiveKeyStays) {
  NewAccessKey first = *identities_->take_new_root_key();
  EXPECT_EQ(code_of(identities_->remove_key(first.key.id)), Code::kConflict);
  EXPECT_EQ(code_of(identities_->set_key_active(first.key.id, false)), Code::kConflict);
  NewAccessKey second = identities_->create_key("root", "another").value();
  ASSERT_TRUE(identities_->set_key_active(first.key.id, false));
  EXPECT_EQ(code_of(identities_->remove_key(second.key.id)), Code::kConflict);
  EXPECT_TRUE(identities_->remove_key(first.key.id));
}

TEST_F(IdentitiesTest, WithoutTheFileOfSealingKeysItSaysSo) {
  stop();
  std::filesystem::remove(folder_ / "secret.key");
  auto metastore = meta::open_sqlite(folder_ / "meta.db").value();
  auto sealer = Sealer::open(folder_ / "secret.key").value();
  auto opened = Identities::open(*metastore, *sealer, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("restore"));
}

TEST_F(IdentitiesTest, AUserIsThereAgainAfterARestart) {
  ASSERT_TRUE(identities_->create_role(role_named("analyst")));
  ManagedPolicy policy;
  policy.name = "reads";
  policy = identities_->create_policy(policy, allow("s3:GetObject")).value();
  User user = user_named("alice", {"analyst"});
  user.path = "/team/";
  user.origin = Origin::kFile;
  user.tags = {{"team", "däta"}};
  user.inline_policies = {{"own", allow("s3:PutObject")}};
  user.attached = {policy.arn};
  user.boundary = policy.arn;
  ASSERT_TRUE(identities_->create_user(user));
  ASSERT_TRUE(identities_->set_password("alice", "pencil"));
  const User before = identities_->user("alice").value();
  EXPECT_THAT(before.id, MatchesRegex("AIDA[A-Z2-7]{17}"));
  EXPECT_EQ(before.created, clock_.now());
  clock_.advance(std::chrono::hours(1));
  restart();
  const User after = identities_->user("alice").value();
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.created, before.created);
  EXPECT_EQ(after.path, "/team/");
  EXPECT_EQ(after.origin, Origin::kFile);
  EXPECT_EQ(after.tags, user.tags);
  EXPECT_EQ(after.roles, user.roles);
  ASSERT_EQ(after.inline_policies.size(), 1U);
  EXPECT_EQ(after.inline_policies[0].document, allow("s3:PutObject"));
  EXPECT_EQ(after.attached, user.attached);
  EXPECT_EQ(after.boundary, user.boundary);
  EXPECT_TRUE(after.has_password);
  Principal principal = identities_->principal("alice").value();
  EXPECT_EQ(principal.arn, "arn:aws:iam::000000000000:user/team/alice");
  EXPECT_EQ(principal.tags, user.tags);
  EXPECT_TRUE(principal.boundary);
}

TEST_F(IdentitiesTest, ARoleAndAPolicyAreThereAgainAfterARestart) {
  Role role = role_named("analyst", trusts("*"));
  role.grants = {{Right::kSelect, "raw.*"}, {Right::kRead, "s3://reports/*"}};
  role.description = "who analyses";
  role.session_max = std::chrono::hours(2);
  role.inline_policies = {{"own", allow("s3:PutObject")}};
  ASSERT_TRUE(identities_->create_role(role));
  ManagedPolicy policy;
  policy.name = "reads";
  policy.path = "/a/b/";
  policy.description = "d";
  policy.tags = {{"k", "v"}};
  ManagedPolicy made = identities_->create_policy(policy, allow("s3:GetObject")).value();
  EXPECT_EQ(made.arn, "arn:aws:iam::000000000000:policy/a/b/reads");
  EXPECT_THAT(made.id, MatchesRegex("ANPA[A-Z2-7]{17}"));
  restart();
  Role after = identities_->role("analyst").value();
  EXPECT_THAT(after.id, MatchesRegex("AROA[A-Z2-7]{17}"));
  EXPECT_EQ(after.grants, role.grants);
  EXPECT_EQ(after.trust, role.trust);
  EXPECT_EQ(after.description, role.description);
  EXPECT_EQ(after.session_max, role.session_max);
  EXPECT_EQ(after.inline_policies.size(), 1U);
  ManagedPolicy again = identities_->policy(made.arn).value();
  EXPECT_EQ(again.id, made.id);
  EXPECT_EQ(again.name, "reads");
  EXPECT_EQ(again.path, "/a/b/");
  EXPECT_EQ(again.tags, policy.tags);
  ASSERT_EQ(again.versions.size(), 1U);
  EXPECT_EQ(again.versions[0].document, allow("s3:GetObject"));
  EXPECT_EQ(again.default_version, "v1");
}

TEST_F(IdentitiesTest, PuttingReplacesAllButIdCreationAndPassword) {
  ASSERT_TRUE(put(*identities_, user_named("alice")));
  const User first = identities_->user("alice").value();
  ASSERT_TRUE(identities_->set_password("alice", "pencil"));
  clock_.advance(std::chrono::hours(1));
  User changed = user_named("alice");
  changed.tags = {{"a", "b"}};
  changed.id = "AIDAOTHER";
  ASSERT_TRUE(put(*identities_, changed));
  User second = identities_->user("alice").value();
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.created, first.created);
  EXPECT_TRUE(second.has_password);
  EXPECT_EQ(second.tags, changed.tags);

  ASSERT_TRUE(put(*identities_, role_named("r")));
  const std::string id = identities_->role("r")->id;
  Role role = role_named("r", trusts("*"));
  ASSERT_TRUE(put(*identities_, role));
  EXPECT_EQ(identities_->role("r")->id, id);
  EXPECT_EQ(identities_->role("r")->trust, role.trust);
}

TEST_F(IdentitiesTest, NamesAreUniqueWithoutCase) {
  ASSERT_TRUE(identities_->create_user(user_named("Alice")));
  EXPECT_EQ(code_of(identities_->create_user(user_named("Alice"))), Code::kExists);
  EXPECT_EQ(code_of(identities_->create_user(user_named("aLICE"))), Code::kExists);
  ASSERT_TRUE(identities_->create_role(role_named("Reader")));
  EXPECT_EQ(code_of(identities_->create_role(role_named("reader"))), Code::kExists);
  ManagedPolicy policy;
  policy.name = "P";
  ASSERT_TRUE(identities_->create_policy(policy, allow("s3:*")));
  policy.name = "p";
  policy.path = "/elsewhere/";
  EXPECT_EQ(code_of(identities_->create_policy(policy, allow("s3:*"))), Code::kExists);
}

TEST_F(IdentitiesTest, RefusesNamesThatAreNoneOrReserved) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"), std::string("ä"),
                                 std::string(65, 'x'), std::string("root"), std::string("Root"),
                                 std::string("system"), std::string("anonymous"), std::string("a\nb")}) {
    EXPECT_EQ(code_of(identities_->create_user(user_named(bad))), Code::kInvalid) << bad;
  }
  EXPECT_TRUE(identities_->create_user(user_named(std::string(64, 'x'))));
  EXPECT_TRUE(identities_->create_user(user_named("a+b=c,d.e@f_g-h")));
  EXPECT_EQ(code_of(identities_->create_role(role_named("a b"))), Code::kInvalid);
  User user = user_named("u");
  for (const char* bad : {"", "x", "/x", "x/", "/ü/", "/a b/"}) {
    user.path = bad;
    EXPECT_EQ(code_of(identities_->create_user(user)), Code::kInvalid) << bad;
  }
}

TEST_F(IdentitiesTest, RefusesTagsOutsideTheRules) {
  User user = user_named("u");
  for (const auto& [key, value] : std::map<std::string, std::string>{{"", "v"},
                                                                     {"a;b", "v"},
                                                                     {"aws:x", "v"},
                                                                     {"k", std::string(257, 'v')},
                                                                     {std::string(129, 'k'), "v"}}) {
    user.tags = {{key, value}};
    EXPECT_EQ(code_of(identities_->create_user(user)), Code::kInvalid) << key;
  }
  user.tags.clear();
  for (int i = 0; i < 51; ++i) user.tags["k" + std::to_string(i)] = "v";
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kTooLarge);
  user.tags.erase("k0");
  EXPECT_TRUE(identities_->create_user(user));
}

TEST_F(IdentitiesTest, ARoleThatIsNotThereIsNamedWithTheNearest) {
  ASSERT_TRUE(identities_->create_role(role_named("analyst")));
  Status made = put(*identities_, user_named("alice", {"analist"}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kNotFound);
  EXPECT_THAT(made.error().message, HasSubstr("user alice"));
  EXPECT_THAT(made.error().message, HasSubstr("analist"));
  EXPECT_THAT(made.error().message, HasSubstr("did you mean 'analyst'"));
  EXPECT_EQ(code_of(identities_->user("alice")), Code::kNotFound);
  auto missing = identities_->role("analyt");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("did you mean 'analyst'"));
}

TEST_F(IdentitiesTest, RefusesDocumentsThatAreNoneOrTooLong) {
  User user = user_named("u");
  user.inline_policies = {{"p", "{"}};
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kInvalid);
  user.inline_policies = {{"p", trusts("*")}};  // an identity's policy has no principal
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kInvalid);
  user.inline_policies = {{"p", allow("s3:*")}, {"p", allow("s3:*")}};
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kInvalid);
  // Blanks don't count, and all policies count together.
  const std::string half = allow("s3:*", "arn:aws:s3:::" + std::string(1000, 'x'));
  user.inline_policies = {{"p", half + std::string(3000, ' ')}};
  EXPECT_TRUE(identities_->create_user(user));
  user.name = "v";
  user.inline_policies.push_back({"q", half});
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kTooLarge);
  Role role = role_named("r");
  role.inline_policies = user.inline_policies;
  EXPECT_TRUE(identities_->create_role(role));
  EXPECT_EQ(code_of(identities_->create_role(role_named("s", "{}"))), Code::kInvalid);
  EXPECT_EQ(code_of(identities_->create_role(role_named("s", allow("sts:AssumeRole")))), Code::kInvalid);
  role = role_named("s");
  role.session_max = std::chrono::hours(13);
  EXPECT_EQ(code_of(identities_->create_role(role)), Code::kInvalid);
  ManagedPolicy policy;
  policy.name = "big";
  EXPECT_EQ(
      code_of(identities_->create_policy(policy, allow("s3:*", "arn:aws:s3:::" + std::string(6200, 'x')))),
      Code::kTooLarge);
  EXPECT_EQ(code_of(identities_->create_policy(policy, "[]")), Code::kInvalid);
}

TEST_F(IdentitiesTest, AttachesOnlyPoliciesThatAreThereAndTenAtMost) {
  User user = user_named("u");
  user.attached = {"arn:aws:iam::000000000000:policy/none"};
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kNotFound);
  user.attached.clear();
  user.boundary = "arn:aws:iam::000000000000:policy/none";
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kNotFound);
  user.boundary.clear();
  for (int i = 0; i < 11; ++i) {
    ManagedPolicy policy;
    policy.name = "p" + std::to_string(i);
    user.attached.push_back(identities_->create_policy(policy, allow("s3:*"))->arn);
  }
  EXPECT_EQ(code_of(identities_->create_user(user)), Code::kTooLarge);
  user.attached.pop_back();
  EXPECT_TRUE(identities_->create_user(user));
  user.attached[0] = user.attached[1];
  EXPECT_EQ(code_of(put(*identities_, user)), Code::kInvalid);
}

TEST_F(IdentitiesTest, AUserInUseIsRemovedOnlyWithItsThings) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  std::string key = identities_->create_key("u", "").value().key.id;
  EXPECT_EQ(code_of(identities_->remove_user("u", false)), Code::kConflict);
  ASSERT_TRUE(identities_->remove_key(key));
  ASSERT_TRUE(identities_->set_password("u", "pencil"));
  EXPECT_EQ(code_of(identities_->remove_user("u", false)), Code::kConflict);
  ASSERT_TRUE(identities_->set_password("u", std::nullopt));
  ASSERT_TRUE(identities_->change_user("u", [](User& u) -> Status {
    u.inline_policies = {{"p", allow("s3:*")}};
    return {};
  }));
  EXPECT_EQ(code_of(identities_->remove_user("u", false)), Code::kConflict);
  ASSERT_TRUE(identities_->set_password("u", "pencil"));
  key = identities_->create_key("u", "").value().key.id;
  ASSERT_TRUE(identities_->remove_user("u", true));
  EXPECT_EQ(code_of(identities_->user("u")), Code::kNotFound);
  EXPECT_EQ(code_of(identities_->remove_user("u", true)), Code::kNotFound);
  CredentialProblem problem;
  EXPECT_FALSE(identities_->credential(key, "", problem));
  // Nothing of it is left for who comes by the same name.
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  EXPECT_FALSE(identities_->user("u")->has_password);
  restart();
  EXPECT_TRUE(identities_->keys("u").empty());
  EXPECT_FALSE(identities_->user("u")->has_password);
}

TEST_F(IdentitiesTest, ARoleOrPolicyInUseIsNotRemoved) {
  ManagedPolicy policy;
  policy.name = "p";
  policy = identities_->create_policy(policy, allow("s3:*")).value();
  Role role = role_named("r");
  role.attached = {policy.arn};
  ASSERT_TRUE(identities_->create_role(role));
  ASSERT_TRUE(identities_->create_user(user_named("u", {"r"})));
  Status in_use = identities_->remove_role("r", true);
  EXPECT_EQ(code_of(in_use), Code::kConflict);
  EXPECT_THAT(in_use.error().message, HasSubstr("user u"));
  EXPECT_EQ(code_of(identities_->remove_policy(policy.arn)), Code::kConflict);
  ASSERT_TRUE(put(*identities_, user_named("u")));
  EXPECT_EQ(code_of(identities_->remove_role("r", false)), Code::kConflict);
  ASSERT_TRUE(identities_->remove_role("r", true));
  EXPECT_EQ(code_of(identities_->remove_role("r", true)), Code::kNotFound);
  User bounded = user_named("u");
  bounded.boundary = policy.arn;
  ASSERT_TRUE(put(*identities_, bounded));
  EXPECT_EQ(code_of(identities_->remove_policy(policy.arn)), Code::kConflict);
  ASSERT_TRUE(put(*identities_, user_named("u")));
  ASSERT_TRUE(identities_->remove_policy(policy.arn));
  EXPECT_EQ(code_of(identities_->policy(policy.arn)), Code::kNotFound);
  EXPECT_EQ(code_of(identities_->remove_policy(policy.arn)), Code::kNotFound);
}

TEST_F(IdentitiesTest, VersionsOfAPolicyAreNumberedAndNumbersNeverComeAgain) {
  ManagedPolicy policy;
  policy.name = "p";
  const std::string arn = identities_->create_policy(policy, allow("s3:*")).value().arn;
  auto add = [&](std::string id) {
    return identities_->change_policy(arn, [&](ManagedPolicy& p) -> Status {
      p.versions.push_back({id, deny("s3:*"), {}});
      return {};
    });
  };
  clock_.advance(std::chrono::hours(1));
  ManagedPolicy changed = add("").value();
  EXPECT_EQ(changed.versions.at(1).id, "v2");
  EXPECT_EQ(changed.versions[1].created, clock_.now());
  EXPECT_EQ(changed.updated, clock_.now());
  EXPECT_EQ(changed.default_version, "v1");
  EXPECT_EQ(code_of(identities_->remove_policy(arn)), Code::kConflict);
  ASSERT_TRUE(identities_->change_policy(arn, [](ManagedPolicy& p) -> Status {
    p.versions.pop_back();
    return {};
  }));
  restart();
  EXPECT_EQ(add("").value().versions.at(1).id, "v3");
  EXPECT_EQ(code_of(add("v2")), Code::kInvalid);
  EXPECT_EQ(code_of(add("x")), Code::kInvalid);
  ASSERT_TRUE(add("v4"));
  ASSERT_TRUE(add(""));
  ASSERT_TRUE(add(""));
  auto sixth = add("");
  EXPECT_EQ(code_of(sixth), Code::kTooLarge);
  EXPECT_EQ(identities_->policy(arn)->versions.back().id, "v6");
  EXPECT_EQ(code_of(identities_->change_policy(arn,
                                               [](ManagedPolicy& p) -> Status {
                                                 p.default_version = "v9";
                                                 return {};
                                               })),
            Code::kInvalid);
}

TEST_F(IdentitiesTest, AChangeThatFailsChangesNothing) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  auto refused = identities_->change_user("u", [](User& u) -> Status {
    u.tags = {{"a", "b"}};
    return fail(Code::kUnsupported, "no");
  });
  EXPECT_EQ(code_of(refused), Code::kUnsupported);
  EXPECT_TRUE(identities_->user("u")->tags.empty());
  restart();
  EXPECT_TRUE(identities_->user("u")->tags.empty());
}

TEST_F(IdentitiesTest, AChangeThatCannotBeStoredChangesNothing) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  ASSERT_TRUE(run_sql("CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no'); END"));
  EXPECT_FALSE(identities_->create_user(user_named("v")));
  EXPECT_FALSE(identities_->user("v"));
  ASSERT_TRUE(run_sql("DROP TRIGGER no"));
  EXPECT_TRUE(identities_->create_user(user_named("v")));
}

TEST_F(IdentitiesTest, ARenamedUserKeepsKeysAndPassword) {
  ASSERT_TRUE(identities_->create_user(user_named("old")));
  ASSERT_TRUE(identities_->create_user(user_named("other")));
  NewAccessKey key = identities_->create_key("old", "").value();
  ASSERT_TRUE(identities_->set_password("old", "pencil"));
  auto rename = [&](const std::string& from, const std::string& to) {
    return identities_->change_user(from, [&](User& u) -> Status {
      u.name = to;
      return {};
    });
  };
  EXPECT_EQ(code_of(rename("old", "other")), Code::kExists);
  EXPECT_EQ(code_of(rename("old", "root")), Code::kInvalid);
  ASSERT_TRUE(rename("old", "new"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(identities_->user("old"));
    CredentialProblem problem;
    EXPECT_EQ(identities_->credential(key.key.id, "", problem)->principal.name, "new");
    EXPECT_TRUE(identities_->log_in("new", "pencil", problem));
    EXPECT_FALSE(identities_->log_in("old", "pencil", problem));
    EXPECT_EQ(identities_->keys("new").size(), 1U);
    restart();
  }
}

TEST_F(IdentitiesTest, AUserHasTwentyKeysAtMost) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(identities_->create_key("u", ""));
  EXPECT_EQ(code_of(identities_->create_key("u", "")), Code::kTooLarge);
  EXPECT_EQ(code_of(identities_->create_key("nobody", "")), Code::kNotFound);
  EXPECT_EQ(code_of(identities_->remove_key("AKIANONE")), Code::kNotFound);
  EXPECT_EQ(code_of(identities_->set_key_active("AKIANONE", true)), Code::kNotFound);
  EXPECT_EQ(identities_->keys("u").size(), 20U);
  EXPECT_EQ(identities_->keys().size(), 21U);
}

TEST_F(IdentitiesTest, ListsAreByName) {
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(identities_->create_user(user_named(name)));
    ASSERT_TRUE(identities_->create_role(role_named(name)));
  }
  auto names = [](const auto& items) {
    std::vector<std::string> out;
    for (const auto& item : items) out.push_back(item.name);
    return out;
  };
  EXPECT_THAT(names(identities_->users()), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names(identities_->roles()), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(identities_->policies().empty());
}

TEST_F(IdentitiesTest, SecretsOfKeysAreNotReadableInTheMetastore) {
  NewAccessKey key = *identities_->take_new_root_key();
  ASSERT_TRUE(identities_->set_password("root", "a very visible password"));
  stop();
  std::string bytes;
  for (const char* name : {"meta.db", "meta.db-wal"})
    if (auto text = read_file(folder_ / name)) bytes += *text;
  EXPECT_NE(bytes.find(key.key.id), std::string::npos);
  EXPECT_EQ(bytes.find(key.secret), std::string::npos);
  EXPECT_EQ(bytes.find("very visible"), std::string::npos);
}

TEST_F(IdentitiesTest, ResealedKeysOpenWithoutTheOldSealingKey) {
  NewAccessKey root = *identities_->take_new_root_key();
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  NewAccessKey key = identities_->create_key("u", "").value();
  const std::string sealing_key = sealer_->rotate().value();
  ASSERT_TRUE(identities_->reseal());
  ASSERT_TRUE(sealer_->forget_old(sealing_key));
  restart();
  CredentialProblem problem;
  EXPECT_EQ(identities_->credential(root.key.id, "", problem)->secret, root.secret);
  EXPECT_EQ(identities_->credential(key.key.id, "", problem)->secret, key.secret);
}

TEST_F(IdentitiesTest, AKeyWhoseSecretWasTamperedWithIsOfNoUseAndNoOtherSuffers) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  NewAccessKey bad = identities_->create_key("u", "").value();
  NewAccessKey good = identities_->create_key("u", "").value();
  // The sealed secret of one key put in place of another's.
  ASSERT_TRUE(
      run_sql("UPDATE access_keys SET sealed_secret = (SELECT sealed_secret FROM access_keys WHERE id = '" +
              good.key.id + "') WHERE id = '" + bad.key.id + "'"));
  restart();
  CredentialProblem problem;
  EXPECT_FALSE(identities_->credential(bad.key.id, "", problem));
  EXPECT_EQ(problem, CredentialProblem::kUnknownKey);
  EXPECT_FALSE(identities_->log_in(bad.key.id, "", problem));
  EXPECT_TRUE(identities_->credential(good.key.id, "", problem));
  ASSERT_TRUE(sealer_->rotate());
  Status resealed = identities_->reseal();
  EXPECT_EQ(code_of(resealed), Code::kCorrupt);
  EXPECT_THAT(resealed.error().message, HasSubstr(bad.key.id));
  ASSERT_TRUE(identities_->remove_key(bad.key.id));
  EXPECT_TRUE(identities_->reseal());
}

TEST_F(IdentitiesTest, APolicyThatCannotBeReadAnyMoreDeniesEverything) {
  User user = user_named("u");
  user.inline_policies = {{"own", allow("s3:GetObject")}};
  ASSERT_TRUE(identities_->create_user(user));
  ASSERT_TRUE(run_sql("UPDATE users SET definition = replace(definition, 'Effect', 'Affect')"));
  restart();
  Principal principal = identities_->principal("u").value();
  ASSERT_EQ(principal.policies.size(), 1U);
  EXPECT_EQ(evaluate(*principal.policies[0], "s3:GetObject", "arn:aws:s3:::b/k", Context()).verdict,
            Verdict::kDeny);
  ASSERT_TRUE(run_sql("UPDATE users SET definition = 'x'"));
  stop();
  auto metastore = meta::open_sqlite(folder_ / "meta.db").value();
  auto sealer = Sealer::open(folder_ / "secret.key").value();
  auto opened = Identities::open(*metastore, *sealer, clock_);
  EXPECT_EQ(code_of(opened), Code::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("user u"));
}

TEST_F(IdentitiesTest, ARoleWhoseGrantsCannotBeReadAnyMoreGrantsNothingAndTheOthersStay) {
  Role role = role_named("reader");
  role.grants = {{Right::kRead, "s3://reports/*"}};
  ASSERT_TRUE(identities_->create_role(role));
  role.name = "other";
  ASSERT_TRUE(identities_->create_role(role));
  ASSERT_TRUE(identities_->create_user(user_named("u", {"reader"})));
  ASSERT_TRUE(identities_->create_user(user_named("v", {"other"})));
  ASSERT_TRUE(run_sql(
      "UPDATE roles SET definition = replace(definition, 's3://', 'nothing://') WHERE name = 'reader'"));
  restart();
  EXPECT_TRUE(identities_->role("reader")->grants.empty());
  EXPECT_TRUE(identities_->principal("u")->policies.empty());
  EXPECT_EQ(identities_->principal("v")->policies.size(), 1U);
  role.name = "reader";
  ASSERT_TRUE(put(*identities_, role));
  EXPECT_EQ(identities_->principal("u")->policies.size(), 1U);
}

TEST_F(IdentitiesTest, WhenAKeyWasUsedIsKeptToAMinute) {
  ASSERT_TRUE(identities_->create_user(user_named("u")));
  NewAccessKey key = identities_->create_key("u", "for tests").value();
  auto used = [&] { return identities_->keys("u").at(0).used; };
  EXPECT_EQ(identities_->keys("u")[0].description, "for tests");
  EXPECT_FALSE(used());
  CredentialProblem problem;
  const Timestamp first = clock_.now();
  // Who only names a key hasn't used it.
  ASSERT_TRUE(identities_->credential(key.key.id, "", problem));
  EXPECT_FALSE(identities_->log_in(key.key.id, "wrong", problem));
  identities_->used("AKIANOBODYS");
  EXPECT_FALSE(used());
  identities_->used(key.key.id);
  EXPECT_EQ(used(), first);
  clock_.advance(std::chrono::seconds(59));
  identities_->used(key.key.id);
  EXPECT_EQ(used(), first);
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(identities_->log_in(key.key.id, key.secret, problem));
  EXPECT_EQ(used(), clock_.now());
  auto stored = [&] {
    int64_t us = -1;
    EXPECT_TRUE(metastore_->read([&](meta::Transaction& t) -> Status {
      std::vector<meta::Value> id{key.key.id};
      TARN_ASSIGN(auto rows, t.query("SELECT used FROM access_keys WHERE id = ?", id));
      TARN_ASSIGN(us, meta::integer(rows.at(0), 0));
      return {};
    }));
    return us;
  };
  EXPECT_EQ(stored(), 0);
  ASSERT_TRUE(identities_->flush_used());
  EXPECT_EQ(stored(), clock_.now().us);
  clock_.advance(std::chrono::minutes(5));
  identities_->used(key.key.id);
  ASSERT_TRUE(identities_->create_user(user_named("v")));  // any change takes it along
  EXPECT_EQ(stored(), clock_.now().us);
  clock_.advance(std::chrono::minutes(5));
  identities_->used(key.key.id);
  const Timestamp last = clock_.now();
  restart();
  EXPECT_EQ(used(), last);
}

TEST_F(IdentitiesTest, AnonymousIsOnlyTheLakeFilesAndHasNoCredentials) {
  EXPECT_EQ(code_of(identities_->anonymous()), Code::kNotFound);
  ASSERT_TRUE(identities_->create_role(role_named("public")));
  User user = user_named("anonymous", {"public"});
  EXPECT_EQ(code_of(put(*identities_, user)), Code::kInvalid);
  user.origin = Origin::kFile;
  ASSERT_TRUE(put(*identities_, user));
  Principal principal = identities_->anonymous().value();
  EXPECT_EQ(principal.kind, PrincipalKind::kAnonymous);
  EXPECT_EQ(code_of(identities_->create_key("anonymous", "")), Code::kInvalid);
  EXPECT_EQ(code_of(identities_->set_password("anonymous", "pencil")), Code::kInvalid);
  CredentialProblem problem;
  EXPECT_FALSE(identities_->log_in("anonymous", "", problem));
  EXPECT_EQ(code_of(identities_->principal("anonymous")), Code::kNotFound);
  EXPECT_EQ(code_of(identities_->start_session(principal, {})), Code::kDenied);
  Role role = role_named("public");
  role.grants = {{Right::kRead, "s3://public/*"}};
  ASSERT_TRUE(put(*identities_, role));
  EXPECT_EQ(identities_->anonymous()->policies.size(), 1U);
  ASSERT_TRUE(identities_->remove_user("anonymous", false));
  EXPECT_EQ(code_of(identities_->anonymous()), Code::kNotFound);
}

}  // namespace
}  // namespace tarn::access
