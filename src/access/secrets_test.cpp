#include "access/secrets.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "access/identities_fixture_for_test.h"

namespace tarn::access {
namespace {

using SecretsTest = IdentitiesFixture;
using Stages = std::vector<std::string>;

TEST_F(SecretsTest, ASettingMakesANewCurrentValueAndKeepsThePreviousOne) {
  SecretInfo first = secrets_->set("db/password", "one").value();
  EXPECT_EQ(first.suffix.size(), 6U);
  EXPECT_EQ(first.created, clock_.now());
  clock_.advance(std::chrono::seconds(1));
  SecretInfo second = secrets_->set("db/password", "two").value();
  EXPECT_EQ(second.suffix, first.suffix);
  EXPECT_EQ(second.changed, clock_.now());
  EXPECT_EQ(secrets_->value("db/password").value(), "two");
  EXPECT_EQ(secrets_->value("db/password", "AWSPREVIOUS").value(), "one");
  ASSERT_TRUE(secrets_->set("db/password", "three"));
  restart();
  EXPECT_EQ(secrets_->value("db/password").value(), "three");
  EXPECT_EQ(secrets_->value("db/password", "AWSPREVIOUS").value(), "two");
  SecretInfo info = secrets_->info("db/password").value();
  ASSERT_EQ(info.versions.size(), 2U);
  EXPECT_EQ(info.versions[0].stages, Stages{"AWSCURRENT"});
  EXPECT_EQ(info.versions[1].stages, Stages{"AWSPREVIOUS"});
  EXPECT_EQ(info.versions[1].id, second.versions[0].id);
  auto pending = secrets_->value("db/password", "AWSPENDING");
  ASSERT_FALSE(pending);
  EXPECT_EQ(pending.error().code, Code::kNotFound);
}

TEST_F(SecretsTest, ADeclaredOneHasNoValueYet) {
  ASSERT_TRUE(secrets_->declare("warehouse", "of the warehouse", Origin::kFile));
  SecretInfo info = secrets_->info("warehouse").value();
  EXPECT_EQ(info.description, "of the warehouse");
  EXPECT_EQ(info.origin, Origin::kFile);
  EXPECT_TRUE(info.versions.empty());
  EXPECT_FALSE(info.changed);
  EXPECT_EQ(secrets_->value("warehouse").error().code, Code::kNotFound);
  ASSERT_TRUE(secrets_->set("warehouse", "v"));
  ASSERT_TRUE(secrets_->declare("warehouse", "another", Origin::kFile));
  EXPECT_EQ(secrets_->value("warehouse").value(), "v");
  EXPECT_EQ(secrets_->info("warehouse")->description, "another");
}

TEST_F(SecretsTest, RotatingMakesARandomValueOfOneThatIsThere) {
  EXPECT_EQ(secrets_->rotate("pass", 32).error().code, Code::kNotFound);
  ASSERT_TRUE(secrets_->set("pass", "old"));
  ASSERT_TRUE(secrets_->rotate("pass", 32));
  std::string made = secrets_->value("pass").value();
  EXPECT_EQ(made.size(), 32U);
  EXPECT_EQ(secrets_->value("pass", "AWSPREVIOUS").value(), "old");
  ASSERT_TRUE(secrets_->rotate("pass", 32));
  EXPECT_NE(secrets_->value("pass").value(), made);
  EXPECT_EQ(secrets_->rotate("pass", 7).error().code, Code::kInvalid);
  EXPECT_EQ(secrets_->rotate("pass", 4097).error().code, Code::kInvalid);
}

TEST_F(SecretsTest, NamesAndSizesHaveLimits) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("ä"), std::string(513, 'x')})
    EXPECT_EQ(secrets_->set(bad, "v").error().code, Code::kInvalid) << bad;
  EXPECT_TRUE(secrets_->set(std::string(512, 'x'), "v"));
  EXPECT_TRUE(secrets_->set("aZ09/_+=.@-", std::string(kSecretBytesMax, 'v')));
  EXPECT_EQ(secrets_->set("s", std::string(kSecretBytesMax + 1, 'v')).error().code, Code::kTooLarge);
  EXPECT_EQ(secrets_->set("s", "").error().code, Code::kInvalid);
  EXPECT_EQ(secrets_->info("s").error().code, Code::kNotFound);
}

TEST_F(SecretsTest, ListsByNameAndRemovesWithAllVersions) {
  ASSERT_TRUE(secrets_->set("b", "1"));
  ASSERT_TRUE(secrets_->set("b", "2"));
  ASSERT_TRUE(secrets_->set("a", "1"));
  auto all = secrets_->list().value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "a");
  ASSERT_TRUE(secrets_->remove("b"));
  EXPECT_EQ(secrets_->remove("b").error().code, Code::kNotFound);
  ASSERT_TRUE(secrets_->declare("b", "", Origin::kApi));
  EXPECT_TRUE(secrets_->info("b")->versions.empty());
}

TEST_F(SecretsTest, AMissingOneNamesTheNearest) {
  ASSERT_TRUE(secrets_->set("warehouse", "1"));
  auto missing = secrets_->value("warehose");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("did you mean 'warehouse'"), std::string::npos);
}

TEST_F(SecretsTest, ValuesAreSealedAtRestAndOnlyGoodInTheirPlace) {
  ASSERT_TRUE(secrets_->set("a", "visible-value-one"));
  ASSERT_TRUE(secrets_->set("b", "visible-value-two"));
  ASSERT_TRUE(metastore_->read([&](meta::Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT sealed_value FROM secret_versions"));
    for (const auto& row : rows) EXPECT_EQ(meta::text(row, 0)->find("visible"), std::string::npos);
    return {};
  }));
  ASSERT_TRUE(
      run_sql("UPDATE secret_versions SET sealed_value ="
              " (SELECT sealed_value FROM secret_versions WHERE name = 'b') WHERE name = 'a'"));
  auto swapped = secrets_->value("a");
  ASSERT_FALSE(swapped);
  EXPECT_EQ(swapped.error().code, Code::kCorrupt);
  EXPECT_NE(swapped.error().message.find("secret a"), std::string::npos);
  EXPECT_EQ(secrets_->value("b").value(), "visible-value-two");
}

TEST_F(SecretsTest, ResealedOnesOpenWithoutTheOldKey) {
  ASSERT_TRUE(secrets_->set("a", "1"));
  ASSERT_TRUE(secrets_->set("a", "2"));
  const std::string key = sealer_->rotate().value();
  ASSERT_TRUE(secrets_->set("b", "3"));
  ASSERT_TRUE(secrets_->reseal());
  ASSERT_TRUE(identities_->reseal());
  ASSERT_TRUE(sealer_->forget_old(key));
  restart();
  EXPECT_EQ(secrets_->value("a").value(), "2");
  EXPECT_EQ(secrets_->value("a", "AWSPREVIOUS").value(), "1");
  EXPECT_EQ(secrets_->value("b").value(), "3");
}

TEST_F(SecretsTest, NothingIsLostWhenManyChangeTheKeyAtOnce) {
  constexpr int kThreads = 4, kEach = 8;
  NewAccessKey root = *identities_->take_new_root_key();
  ASSERT_TRUE(secrets_->set("steady", "value"));
  std::atomic<int> wrong = 0, rekeyed = 0;
  auto readable = [&] {
    CredentialProblem problem;
    auto key = identities_->credential(root.key.id, "", problem);
    return secrets_->value("steady") == "value" && key && key->secret == root.secret;
  };
  auto work = [&](int thread) {
    const std::string own = "own-" + std::to_string(thread);
    for (int i = 0; i < kEach; ++i) {
      Status done = sealer_->rekey([&]() -> Status {
        TARN_TRY(identities_->reseal());
        return secrets_->reseal();
      });
      if (done) ++rekeyed;
      if (!done && done.error().code != Code::kBusy) ++wrong;
      if (!secrets_->set(own, std::to_string(i)) || secrets_->value(own) != std::to_string(i)) ++wrong;
      if (!readable()) ++wrong;
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(rekeyed, 0);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(readable());
    for (int thread = 0; thread < kThreads; ++thread)
      EXPECT_EQ(secrets_->value("own-" + std::to_string(thread)), std::to_string(kEach - 1));
    restart();
  }
}

// The steps of two rekeys, one between the other's: whoever ends first must leave the other's key.
TEST_F(SecretsTest, TwoInterleavedRotationsLeaveEverySecretReadable) {
  ASSERT_TRUE(secrets_->set("a", "1"));
  const std::string first = sealer_->rotate().value();
  ASSERT_TRUE(identities_->reseal());
  ASSERT_TRUE(secrets_->reseal());
  const std::string second = sealer_->rotate().value();
  ASSERT_TRUE(sealer_->forget_old(first));
  EXPECT_EQ(secrets_->value("a"), "1");
  restart();
  EXPECT_EQ(secrets_->value("a"), "1");
  ASSERT_TRUE(identities_->reseal());
  ASSERT_TRUE(secrets_->reseal());
  ASSERT_TRUE(sealer_->forget_old(second));
  restart();
  EXPECT_EQ(secrets_->value("a"), "1");
}

TEST_F(SecretsTest, ResealingStopsAtADamagedOne) {
  ASSERT_TRUE(secrets_->set("a", "1"));
  ASSERT_TRUE(secrets_->set("b", "2"));
  ASSERT_TRUE(run_sql("UPDATE secret_versions SET sealed_value = sealed_value || 'A' WHERE name = 'b'"));
  ASSERT_TRUE(sealer_->rotate());
  auto resealed = secrets_->reseal();
  ASSERT_FALSE(resealed);
  EXPECT_EQ(resealed.error().code, Code::kCorrupt);
  EXPECT_NE(resealed.error().message.find("secret b"), std::string::npos);
  EXPECT_EQ(secrets_->value("a").value(), "1");
}

}  // namespace
}  // namespace tarn::access
