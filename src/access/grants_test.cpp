#include "access/grants.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tarn::access {
namespace {

using testing::HasSubstr;

std::string problem(std::string_view json) {
  auto grants = grants_from_json(json);
  if (grants) return "";
  EXPECT_EQ(grants.error().code, Code::kInvalid);
  return grants.error().message;
}

class Role {
 public:
  explicit Role(std::string_view json) {
    auto grants = grants_from_json(json);
    EXPECT_TRUE(grants) << json << ": " << (grants ? "" : grants.error().message);
    if (grants) policy_ = grants_policy(*grants, "role test");
  }
  bool may(std::string_view action, std::string_view resource, const Context& context = {}) const {
    return evaluate(*policy_, action, resource, context).verdict == Verdict::kAllow;
  }
  bool may_list(std::string_view bucket, std::string_view prefix) const {
    Context context;
    context.set("s3:prefix", std::string(prefix));
    context.set("s3:delimiter", "/");
    return may("s3:ListBucket", bucket_arn(bucket), context);
  }
  const Policy& policy() const { return *policy_; }

 private:
  std::shared_ptr<const Policy> policy_ = Policy::of({}, "none");
};

TEST(Grants, AreReadAndWrittenAsTheLakeFileHasThem) {
  auto grants = grants_from_json(R"([{"select": ["raw.*", "lake.x"]}, {"read": "s3://a/*", "admin": "*"}])");
  ASSERT_TRUE(grants) << grants.error().message;
  EXPECT_EQ(*grants, (std::vector<Grant>{{Right::kSelect, "raw.*"},
                                         {Right::kSelect, "lake.x"},
                                         {Right::kRead, "s3://a/*"},
                                         {Right::kAdmin, "*"}}));
  EXPECT_EQ(grants_to_json(*grants),
            R"([{"select":"raw.*"},{"select":"lake.x"},{"read":"s3://a/*"},{"admin":"*"}])");
  EXPECT_EQ(grants_from_json(grants_to_json(*grants)).value(), *grants);
  EXPECT_TRUE(grants_from_json("[]").value().empty());
}

TEST(Grants, RefuseWhatTheyCantMean) {
  EXPECT_THAT(problem(R"([{"selct": "raw.*"}])"), HasSubstr("did you mean 'select'?"));
  EXPECT_THAT(problem(R"([{"selct": "raw.*"}])"), HasSubstr("selct: there is no such grant"));
  EXPECT_THAT(problem(R"([{"select": "raw"}])"),
              HasSubstr("select: 'raw': a table is written database.table"));
  EXPECT_THAT(problem(R"([{"select": "raw.a?"}])"), HasSubstr("no '/' or '?'"));
  EXPECT_THAT(problem(R"([{"insert": ".a"}])"), HasSubstr("database.table"));
  EXPECT_THAT(problem(R"([{"read": "reports/*"}])"), HasSubstr("begins with s3://"));
  EXPECT_THAT(problem(R"([{"read": "s3://"}])"), HasSubstr("name is missing"));
  EXPECT_THAT(problem(R"([{"read": "s3://Reports/*"}])"), HasSubstr("no name of a bucket"));
  EXPECT_THAT(problem(R"([{"read": "s3://re*ts/*"}])"), HasSubstr("'*' stands at the end"));
  EXPECT_THAT(problem(R"([{"read": "s3://team-*/in/*"}])"), HasSubstr("'*' stands at the end"));
  EXPECT_THAT(problem(R"([{"write": "s3://reports/in/"}])"), HasSubstr("s3://reports/in/*"));
  EXPECT_THAT(problem(R"([{"write": "s3://reports/${aws:username/*"}])"), HasSubstr("has no '}'"));
  EXPECT_THAT(problem(R"([{"put": ""}])"), HasSubstr("it is empty"));
  EXPECT_THAT(problem(R"([{"put": "a?"}])"), HasSubstr("no wildcard"));
  EXPECT_THAT(problem(R"([{"assume": "load*"}])"), HasSubstr("one role's name"));
  EXPECT_THAT(problem(R"([{"admin": "raw.*"}])"), HasSubstr("isn't an admin"));
  EXPECT_THAT(problem(R"([{"select": 7}])"), HasSubstr("text or a list of text"));
  EXPECT_THAT(problem(R"([{"select": []}])"), HasSubstr("the list is empty"));
  EXPECT_THAT(problem(R"([{}])"), HasSubstr("a grant is empty"));
  EXPECT_THAT(problem(R"(["select"])"), HasSubstr("each is a map"));
  EXPECT_THAT(problem(R"({"select": "raw.*"})"), HasSubstr("a list is expected"));
  EXPECT_THAT(problem("nope"), HasSubstr("no JSON"));
  std::string many = R"([{"select": ["a.b")";
  for (size_t i = 0; i < kGrantsMax; ++i) many += R"(,"a.b")";
  EXPECT_EQ(grants_from_json(many + "]}]").error().code, Code::kTooLarge);
}

TEST(Grants, SelectAndInsertAreAboutTables) {
  const Role role(R"([{"select": ["raw.*", "lake.cards"]}, {"insert": "lake.notes"}])");
  EXPECT_TRUE(role.may(kSelect, table_arn("raw", "clicks")));
  EXPECT_TRUE(role.may(kDescribe, table_arn("raw", "clicks")));
  EXPECT_TRUE(role.may(kSelect, table_arn("lake", "cards")));
  EXPECT_TRUE(role.may(kInsert, table_arn("lake", "notes")));
  EXPECT_FALSE(role.may(kSelect, table_arn("lake", "notes")));
  EXPECT_FALSE(role.may(kSelect, table_arn("rawer", "clicks")));
  EXPECT_FALSE(role.may(kSelect, table_arn("lake", "cards2")));
  EXPECT_FALSE(role.may(kInsert, table_arn("raw", "clicks")));
  EXPECT_FALSE(role.may(kManage, table_arn("raw", "clicks")));
  EXPECT_FALSE(role.may(kDescribe, stream_arn("clicks")));
  EXPECT_TRUE(Role(R"([{"select": "*"}])").may(kSelect, table_arn("any", "thing")));
  EXPECT_TRUE(Role(R"([{"select": "*.cards"}])").may(kSelect, table_arn("any", "cards")));
  EXPECT_FALSE(Role(R"([{"select": "*.cards"}])").may(kSelect, table_arn("any", "other")));
}

TEST(Grants, PutUseAssumeAndAdmin) {
  const Role role(R"([{"put": "web-*"}, {"use": "warehouse-password"}, {"assume": "loader"}])");
  EXPECT_TRUE(role.may(kPutRecords, stream_arn("web-clicks")));
  EXPECT_TRUE(role.may(kDescribe, stream_arn("web-clicks")));
  EXPECT_FALSE(role.may(kPutRecords, stream_arn("clicks")));
  EXPECT_TRUE(role.may(kUseSecret, secret_arn("warehouse-password")));
  EXPECT_TRUE(role.may("secretsmanager:DescribeSecret", secret_arn("warehouse-password")));
  EXPECT_FALSE(role.may("secretsmanager:PutSecretValue", secret_arn("warehouse-password")));
  EXPECT_FALSE(role.may(kUseSecret, secret_arn("warehouse-password-2")));
  EXPECT_TRUE(role.may(kAssumeRole, role_arn("loader")));
  EXPECT_TRUE(role.may(kAssumeRole, role_arn("loader", "/etl/daily/")));
  EXPECT_FALSE(role.may(kAssumeRole, role_arn("loader2")));
  EXPECT_FALSE(role.may(kAssumeRole, role_arn("x", "/loader/")));
  EXPECT_FALSE(role.may(kManage, lake_arn()));
  const Role admin(R"([{"admin": "*"}])");
  EXPECT_TRUE(admin.may(kManage, lake_arn()));
  EXPECT_TRUE(admin.may("iam:CreateUser", user_arn("x")));
}

TEST(Grants, ReadersGetObjectsAndTheirListing) {
  const Role role(R"([{"read": "s3://reports/2026/*"}])");
  EXPECT_TRUE(role.may("s3:GetObject", object_arn("reports", "2026/a/b")));
  EXPECT_TRUE(role.may("s3:GetObjectVersion", object_arn("reports", "2026/a")));
  EXPECT_TRUE(role.may("s3:GetObjectTagging", object_arn("reports", "2026/a")));
  EXPECT_TRUE(role.may("s3:GetBucketLocation", bucket_arn("reports")));
  EXPECT_TRUE(role.may("s3:HeadBucket", bucket_arn("reports")));
  EXPECT_FALSE(role.may("s3:GetObject", object_arn("reports", "2025/a")));
  EXPECT_FALSE(role.may("s3:GetObject", object_arn("reports2", "2026/a")));
  EXPECT_FALSE(role.may("s3:PutObject", object_arn("reports", "2026/a")));
  EXPECT_FALSE(role.may("s3:DeleteObject", object_arn("reports", "2026/a")));
  EXPECT_FALSE(role.may("s3:GetBucketPolicy", bucket_arn("reports")));
  EXPECT_TRUE(role.may_list("reports", "2026/"));
  EXPECT_TRUE(role.may_list("reports", "2026/11/"));
  for (const char* prefix : {"", "2", "2026", "202", "2025/", "x2026/"})
    EXPECT_FALSE(role.may_list("reports", prefix)) << prefix;
  EXPECT_FALSE(role.may_list("reports2", "2026/"));
  EXPECT_FALSE(role.may("s3:ListBucket", bucket_arn("reports"))) << "without a prefix";
}

TEST(Grants, OfAWholeBucketListItWithoutAPrefix) {
  for (const char* json : {R"([{"read": "s3://reports"}])", R"([{"read": "s3://reports/"}])",
                           R"([{"read": "s3://reports/*"}])"}) {
    const Role role(json);
    EXPECT_TRUE(role.may("s3:ListBucket", bucket_arn("reports"))) << json;
    EXPECT_TRUE(role.may_list("reports", "any/"));
    EXPECT_TRUE(role.may("s3:GetObject", object_arn("reports", "any")));
    EXPECT_FALSE(role.may("s3:ListBucket", bucket_arn("reports2"))) << json;
    EXPECT_FALSE(role.may("s3:GetObject", object_arn("reports2", "any")));
  }
  const Role team(R"([{"read": "s3://team-*"}])");
  EXPECT_TRUE(team.may("s3:GetObject", object_arn("team-a", "x")));
  EXPECT_TRUE(team.may_list("team-a", ""));
  EXPECT_FALSE(team.may("s3:GetObject", object_arn("tea", "m-a/x")));
  EXPECT_TRUE(Role(R"([{"read": "*"}])").may_list("any", ""));
}

TEST(Grants, OfOneObjectListNothing) {
  const Role role(R"([{"read": ["s3://reports/a.csv", "s3://reports/*.txt", "s3://reports/b?"]}])");
  EXPECT_TRUE(role.may("s3:GetObject", object_arn("reports", "a.csv")));
  EXPECT_FALSE(role.may("s3:GetObject", object_arn("reports", "a.csv.bak")));
  EXPECT_FALSE(role.may_list("reports", "a.csv")) << "it would show a.csv.bak";
  EXPECT_TRUE(role.may("s3:GetObject", object_arn("reports", "x/y.txt")));
  EXPECT_FALSE(role.may_list("reports", "x/y.txt"));
  EXPECT_TRUE(role.may("s3:GetObject", object_arn("reports", "b?")));
  EXPECT_FALSE(role.may("s3:GetObject", object_arn("reports", "bc"))) << "'?' is itself";
}

TEST(Grants, WritersPutAndDeleteButNeitherReadNorList) {
  const Role role(R"([{"write": "s3://reports/in/*"}])");
  const std::string object = object_arn("reports", "in/a");
  for (const char* action :
       {"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectTagging",
        "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"})
    EXPECT_TRUE(role.may(action, object)) << action;
  for (const char* action : {"s3:GetObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"})
    EXPECT_FALSE(role.may(action, object)) << action;
  EXPECT_FALSE(role.may("s3:PutObject", object_arn("reports", "out/a")));
  EXPECT_FALSE(role.may_list("reports", "in/"));
  EXPECT_FALSE(role.may("s3:DeleteBucket", bucket_arn("reports")));
  Context context;
  context.set("s3:prefix", "in/");
  EXPECT_TRUE(role.may("s3:ListBucketMultipartUploads", bucket_arn("reports"), context));
  context.set("s3:prefix", "i");
  EXPECT_FALSE(role.may("s3:ListBucketMultipartUploads", bucket_arn("reports"), context));
}

TEST(Grants, MayHaveVariablesInKeys) {
  const Role role(R"([{"read": "s3://home/${aws:username}/*"}])");
  Context alice;
  alice.set("aws:username", "alice");
  EXPECT_TRUE(role.may("s3:GetObject", object_arn("home", "alice/x"), alice));
  EXPECT_FALSE(role.may("s3:GetObject", object_arn("home", "bo/x"), alice));
  alice.set("s3:prefix", "alice/");
  EXPECT_TRUE(role.may("s3:ListBucket", bucket_arn("home"), alice));
  alice.set("s3:prefix", "bo/");
  EXPECT_FALSE(role.may("s3:ListBucket", bucket_arn("home"), alice));
}

TEST(Grants, ThatWouldBeRefusedGrantNothing) {
  const auto policy = grants_policy({{Right::kAdmin, "raw.*"}, {Right::kRead, "nonsense"}}, "role x");
  EXPECT_TRUE(policy->statements().empty());
  EXPECT_EQ(policy->name(), "role x");
}

}  // namespace
}  // namespace tarn::access
