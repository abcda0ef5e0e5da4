#include "access/specs.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "access/identities_fixture_for_test.h"

namespace tarn::access {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

std::string error_of(const auto& spec) {
  return spec ? "(no error)" : spec.error().message;
}

TEST(Specs, RefuseNamesThatCanNotBe) {
  const json::value nothing = json::object();
  EXPECT_TRUE(principal_spec_from_json("ann@example.org", nothing));
  EXPECT_TRUE(principal_spec_from_json("anonymous", nothing));
  EXPECT_THAT(error_of(principal_spec_from_json("bob smith", nothing)), HasSubstr("user name 'bob smith'"));
  EXPECT_THAT(error_of(principal_spec_from_json("", nothing)), HasSubstr("1 to 64"));
  for (const char* name : {"root", "Root", "SYSTEM", "Anonymous"})
    EXPECT_THAT(error_of(principal_spec_from_json(name, nothing)), HasSubstr("reserved")) << name;
  EXPECT_THAT(error_of(role_spec_from_json("a b", nullptr)), HasSubstr("role name 'a b'"));
  EXPECT_TRUE(secret_spec_from_json("db/password", nothing));
  EXPECT_THAT(error_of(secret_spec_from_json("a b", nothing)), HasSubstr("secret name"));
}

TEST(Specs, RefuseTagsAndDescriptionsThatCanNotBe) {
  EXPECT_THAT(error_of(principal_spec_from_json("ann", json::parse(R"({"tags": {"aws:x": "y"}})"))),
              HasSubstr("reserved"));
  EXPECT_THAT(error_of(principal_spec_from_json("ann", json::parse(R"({"tags": {"a": "<b>"}})"))),
              HasSubstr("tag 'a'"));
  json::object secret{{"description", std::string(kDescriptionBytesMax + 1, 'x')}};
  EXPECT_THAT(error_of(secret_spec_from_json("s", secret)), HasSubstr("description: longer than"));
}

using SpecsPut = IdentitiesFixture;

TEST_F(SpecsPut, OnlyAFileMakesAnonymousAndAFileTakesOverWhatAClientMade) {
  Status by_client = put_principal(*identities_, "anonymous", {}, Origin::kApi);
  ASSERT_FALSE(by_client);
  EXPECT_THAT(by_client.error().message, HasSubstr("reserved"));
  EXPECT_TRUE(put_principal(*identities_, "anonymous", {}, Origin::kFile));

  ASSERT_TRUE(put_role(*identities_, "reader", {}, Origin::kApi));
  ASSERT_TRUE(put_role(*identities_, "reader", {}, Origin::kFile));
  EXPECT_EQ(identities_->role("reader")->origin, Origin::kFile);
  ASSERT_TRUE(put_principal(*identities_, "ann", {}, Origin::kApi));
  ASSERT_TRUE(put_principal(*identities_, "ann", {{"reader"}, {}}, Origin::kFile));
  EXPECT_EQ(identities_->user("ann")->origin, Origin::kFile);
}

}  // namespace
}  // namespace tarn::access
