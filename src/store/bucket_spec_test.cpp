#include "store/bucket_spec.h"

#include <boost/json.hpp>

#include "store/objects_on_disk_for_test.h"

namespace tarn::store {
namespace {

namespace json = boost::json;

class BucketSpecs : public ObjectsOnDisk {
 protected:
  Status declare(const std::string& name, std::string_view text) {
    TARN_ASSIGN(BucketSpec spec, bucket_spec_from_json(name, json::parse(text).get_object()));
    return put_bucket_spec(*objects_, name, spec, "owner", "us-east-1", clock_.now());
  }
  json::value shown(const std::string& name) {
    auto spec = read_bucket_spec(*objects_, name);
    EXPECT_TRUE(spec) << spec.error().message;
    return spec ? json::value(to_json(*spec)) : json::value();
  }
};

TEST_F(BucketSpecs, ANewBucketHasTheDefaults) {
  ASSERT_TRUE(declare("reports", "{}"));
  EXPECT_EQ(shown("reports"), json::parse(R"({"versioning": "off", "events": true, "lifecycle": []})"));
}

TEST_F(BucketSpecs, PuttingChangesOnlyWhatIsSaid) {
  ASSERT_TRUE(declare("reports", R"({"versioning": "enabled", "events": false,
                                 "lifecycle": [{"id": "x", "expire": "7d"}]})"));
  json::value before = shown("reports");
  ASSERT_TRUE(declare("reports", "{}"));
  EXPECT_EQ(shown("reports"), before);
  ASSERT_TRUE(declare("reports", R"({"events": true})"));
  EXPECT_EQ(shown("reports").at("versioning"), "enabled");
  EXPECT_EQ(shown("reports").at("events"), true);
  EXPECT_EQ(shown("reports").at("lifecycle"), before.at("lifecycle"));
  ASSERT_TRUE(declare("reports", R"({"lifecycle": []})"));
  EXPECT_TRUE(shown("reports").at("lifecycle").as_array().empty());
}

TEST_F(BucketSpecs, VersioningThatWasOnIsTakenAwayByNobody) {
  ASSERT_TRUE(declare("reports", R"({"versioning": "enabled"})"));
  Status off = declare("reports", R"({"versioning": "off"})");
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().code, Code::kConflict);
  EXPECT_TRUE(declare("reports", R"({"versioning": "suspended"})"));
}

}  // namespace
}  // namespace tarn::store
