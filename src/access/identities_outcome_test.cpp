// What the metastore did and what it said may differ: after a failed commit, identities believe the rows.
#include <gtest/gtest.h>

#include "access/identities_fixture_for_test.h"

namespace tarn::access {
namespace {

// Commits, or not, and says that it failed.
class LyingMetastore : public meta::Metastore {
 public:
  explicit LyingMetastore(meta::Metastore& under) : under_(under) {}
  Status migrate(std::span<const meta::Migration> migrations) override { return under_.migrate(migrations); }
  Status transact(const std::function<Status(meta::Transaction&)>& body) override {
    if (!lies) return under_.transact(body);
    Status done = under_.transact([&](meta::Transaction& t) -> Status {
      TARN_TRY(body(t));
      return commits ? Status() : fail(Code::kIo, "rolled back");
    });
    return fail(Code::kIo, done ? "commit: no answer" : done.error().message);
  }
  Status read(const std::function<Status(meta::Transaction&)>& body) const override {
    if (!readable) return fail(Code::kIo, "read");
    return under_.read(body);
  }

  bool lies = false;
  bool commits = true;
  bool readable = true;

 private:
  meta::Metastore& under_;
};

class OutcomeTest : public IdentitiesFixture {
 protected:
  void SetUp() override {
    IdentitiesFixture::SetUp();
    identities_.reset();
    lying_ = std::make_unique<LyingMetastore>(*metastore_);
    identities_ = Identities::open(*lying_, *sealer_, clock_).value();
    ASSERT_TRUE(identities_->create_user(user_named("u")));
    key_ = identities_->create_key("u", "").value().key.id;
  }
  void TearDown() override {
    stop();
    lying_.reset();
    IdentitiesFixture::TearDown();
  }
  bool active() {
    CredentialProblem problem;
    return identities_->credential(key_, "", problem).has_value();
  }

  std::unique_ptr<LyingMetastore> lying_;
  std::string key_;
};

TEST_F(OutcomeTest, ACommitThatHappenedAllTheSameCounts) {
  lying_->lies = true;
  EXPECT_EQ(identities_->set_key_active(key_, false).error().code, Code::kIo);
  EXPECT_FALSE(active());
}

TEST_F(OutcomeTest, ACommitThatDidNotHappenDoesNot) {
  lying_->lies = true;
  lying_->commits = false;
  EXPECT_EQ(identities_->set_key_active(key_, false).error().code, Code::kIo);
  EXPECT_TRUE(active());
}

TEST_F(OutcomeTest, WhatCouldNotBeReadAgainIsReadBeforeTheNextChange) {
  lying_->lies = true;
  lying_->readable = false;
  EXPECT_FALSE(identities_->create_user(user_named("v")));
  EXPECT_EQ(identities_->create_user(user_named("w")).error().message, "read");
  lying_->readable = true;
  lying_->lies = false;
  EXPECT_EQ(identities_->create_user(user_named("v")).error().code, Code::kExists);
  EXPECT_TRUE(identities_->create_user(user_named("w")));
  EXPECT_TRUE(identities_->user("v"));
}

TEST_F(OutcomeTest, WhenAKeyWasUsedOutlivesAFailedWrite) {
  identities_->used(key_);
  lying_->lies = true;
  lying_->commits = false;
  EXPECT_FALSE(identities_->flush_used());
  EXPECT_EQ(identities_->keys("u").at(0).used, clock_.now());
  lying_->lies = false;
  EXPECT_TRUE(identities_->flush_used());
  restart();
  EXPECT_EQ(identities_->keys("u").at(0).used, clock_.now());
}

}  // namespace
}  // namespace tarn::access
