// Buckets: making them, where they are, listing and removing them.
#include "doors/aws/s3/door_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

class Buckets : public DoorWorld {
 protected:
  static std::string located(const std::string& region) {
    return "<CreateBucketConfiguration "
           "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>" +
           region + "</LocationConstraint></CreateBucketConfiguration>";
  }
  // As a client that signed for a region.
  Told create(const std::string& name, const std::string& region, const std::string& body = "") {
    FakeRequest request("PUT", "/" + name, {});
    FakeResponder responder(false);
    Authenticated who;
    who.principal = root();
    who.region = region;
    who.payload = std::make_unique<FakePayload>(body, body.size(), std::vector<http::Header>(), 1000);
    Call call{*s3_, request, responder, name, "", {}, std::move(who), "R", "H", {}};
    S3Status done = create_bucket(call);
    Told told = responder.told;
    if (!done) {
      told.status = done.error().status;
      told.code = done.error().code;
      told.message = done.error().message;
    }
    return told;
  }
};

TEST_F(Buckets, AreMadeOnceAndAgainInTheFirstRegion) {
  Told made = ask("PUT", "/new-bucket");
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.header("location"), "/new-bucket");
  EXPECT_EQ(objects_->bucket("new-bucket")->owner, root().arn);
  EXPECT_TRUE(objects_->bucket("new-bucket")->events);
  EXPECT_EQ(ask("PUT", "/new-bucket").status, 200);
  std::string tags =
      "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags>"
      "</CreateBucketConfiguration>";
  EXPECT_EQ(ask("PUT", "/new-bucket", tags).code, "BucketAlreadyOwnedByYou");
  EXPECT_EQ(ask("PUT", "/other-bucket", tags).status, 200);
  EXPECT_TRUE(ask("GET", "/other-bucket?tagging").body.contains("<Key>a</Key><Value>1</Value>"));
}

TEST_F(Buckets, NamesFollowTheRules) {
  for (const char* name :
       {"ab", "Upper", "a..b-c", "192.168.0.1", "xn--abc", "abc-s3alias", "under_score", "-ab"}) {
    EXPECT_EQ(ask("PUT", std::string("/") + name).code, "InvalidBucketName") << name;
  }
  EXPECT_EQ(ask("PUT", "/abc.d-e").status, 200);
}

TEST_F(Buckets, RegionsFollowTheClient) {
  EXPECT_EQ(create("one-a", "us-east-1", located("us-east-1")).code, "InvalidLocationConstraint");
  EXPECT_EQ(create("one-a", "us-east-1", located("nowhere-1")).code, "InvalidLocationConstraint");
  EXPECT_EQ(create("one-a", "us-east-1", located("EU")).status, 200);
  EXPECT_EQ(create("two-b", "eu-central-1", located("eu-west-1")).code, "IllegalLocationConstraintException");
  EXPECT_EQ(create("two-b", "eu-central-1", located("eu-central-1")).status, 200);
  EXPECT_EQ(create("two-b", "eu-central-1", located("eu-central-1")).code, "BucketAlreadyOwnedByYou");
  EXPECT_EQ(create("thr-c", "eu-central-1").status, 200);
  s3_->parts.strict_region = true;
  EXPECT_EQ(create("fou-d", "eu-central-1").code, "IllegalLocationConstraintException");
  s3_->parts.strict_region = false;
  EXPECT_EQ(ask_xml("/one-a?location", "LocationConstraint").text, "EU");
  EXPECT_EQ(ask_xml("/two-b?location", "LocationConstraint").text, "eu-central-1");
  EXPECT_EQ(ask_xml("/thr-c?location", "LocationConstraint").text, "eu-central-1");
  EXPECT_EQ(ask_xml("/bucket-b?location", "LocationConstraint").text, "");
  EXPECT_EQ(ask("HEAD", "/two-b").header("x-amz-bucket-region"), "eu-central-1");
  EXPECT_EQ(ask("HEAD", "/bucket-b").header("x-amz-bucket-region"), "us-east-1");
}

TEST_F(Buckets, HeadersThatAskForMoreAreRefused) {
  EXPECT_EQ(ask("PUT", "/new-a", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).code, "NotImplemented");
  EXPECT_EQ(ask("PUT", "/new-a", "", {{"x-amz-acl", "public-read"}}).code, "AccessControlListNotSupported");
  EXPECT_EQ(ask("PUT", "/new-a", "", {{"x-amz-grant-read", "id=1"}}).code, "NotImplemented");
  EXPECT_EQ(ask("PUT", "/new-a", "", {{"x-amz-object-ownership", "Mine"}}).code, "InvalidArgument");
  EXPECT_EQ(ask("PUT", "/new-a", "<Other/>").code, "MalformedXML");
  EXPECT_EQ(ask("HEAD", "/new-a").status, 404);
  EXPECT_EQ(
      ask("PUT", "/new-a", "", {{"x-amz-acl", "private"}, {"x-amz-object-ownership", "ObjectWriter"}}).status,
      200);
  EXPECT_TRUE(ask("GET", "/new-a?ownershipControls").body.contains("<ObjectOwnership>ObjectWriter<"));
}

TEST_F(Buckets, AreRemovedWhenEmpty) {
  version("b", store::Versioning::kEnabled);
  ASSERT_EQ(put("k", "x").status, 200);
  EXPECT_EQ(ask("DELETE", "/bucket-b").code, "BucketNotEmpty");
  ASSERT_EQ(ask("DELETE", "/bucket-b/k").status, 204);
  EXPECT_EQ(ask("DELETE", "/bucket-b").code, "BucketNotEmpty");  // versions count
  EXPECT_EQ(ask("DELETE", "/bucket-b2").status, 204);
  EXPECT_EQ(ask("DELETE", "/bucket-b2").code, "NoSuchBucket");
}

TEST_F(Buckets, AreListedInPages) {
  for (const char* name : {"aaa", "abc", "abd"}) ASSERT_EQ(ask("PUT", std::string("/") + name).status, 200);
  XmlNode all = ask_xml("/", "ListAllMyBucketsResult");
  EXPECT_EQ(texts(*all.child("Buckets"), "Bucket", "Name"), "aaa abc abd bucket-b bucket-b2");
  EXPECT_EQ(all.child("Buckets")->child("Bucket")->value("CreationDate"), "2026-09-21T14:13:20.500Z");
  EXPECT_EQ(all.child("Owner")->value("ID"), kOwnerId);
  EXPECT_EQ(all.child("ContinuationToken"), nullptr);
  std::string names;
  std::string token;
  for (int page = 0; page < 5; ++page) {
    XmlNode one = ask_xml("/?max-buckets=1&prefix=a" + (token.empty() ? "" : "&continuation-token=" + token),
                          "ListAllMyBucketsResult");
    names += texts(*one.child("Buckets"), "Bucket", "Name") + " ";
    EXPECT_EQ(one.value("Prefix"), "a");
    token = one.value("ContinuationToken");
    if (token.empty()) break;
  }
  EXPECT_EQ(names, "aaa abc abd ");
  EXPECT_EQ(texts(*ask_xml("/?bucket-region=eu-west-1", "ListAllMyBucketsResult").child("Buckets"), "Bucket",
                  "Name"),
            "");
  EXPECT_EQ(ask("GET", "/?max-buckets=0").code, "InvalidArgument");
  EXPECT_EQ(ask("GET", "/?max-buckets=x").code, "InvalidArgument");
  EXPECT_EQ(ask("GET", "/?continuation-token=x").code, "InvalidArgument");
}

TEST_F(Buckets, AskTheGuard) {
  std::string nobody = new_user("nobody", allows("s3:GetObject", "bucket-b/*"));
  EXPECT_EQ(ask("GET", "/", "", {}, nobody).status, 403);
  EXPECT_EQ(ask("PUT", "/new-bucket", "", {}, nobody).status, 403);
  EXPECT_EQ(ask("DELETE", "/bucket-b2", "", {}, nobody).status, 403);
  EXPECT_EQ(ask("HEAD", "/bucket-b", "", {}, nobody).status, 403);
  EXPECT_EQ(ask("GET", "/bucket-b?location", "", {}, nobody).status, 403);
  std::string granted = new_user("granted", allows("s3:HeadBucket", "bucket-b"));
  EXPECT_EQ(ask("HEAD", "/bucket-b", "", {}, granted).status, 200);
  std::string lister = new_user("lister", allows("s3:ListBucket", "bucket-b"));
  EXPECT_EQ(ask("HEAD", "/bucket-b", "", {}, lister).status, 200);
  EXPECT_TRUE(ask("GET", "/bucket-b?versions", "", {}, lister).message.contains("s3:ListBucketVersions"));
}

TEST_F(Buckets, AreMadeWithTagsAndOwnershipByThoseWhoMaySetThem) {
  const std::string tags =
      "<CreateBucketConfiguration><Tags><Tag><Key>team</Key><Value>data</Value></Tag></Tags>"
      "</CreateBucketConfiguration>";
  const Headers owned = {{"x-amz-object-ownership", "BucketOwnerEnforced"}};
  std::string creates = allows("s3:CreateBucket", "*");
  std::string maker = new_user("maker", creates);
  EXPECT_TRUE(ask("PUT", "/new-bucket", tags, {}, maker).message.contains("s3:PutBucketTagging"));
  EXPECT_TRUE(ask("PUT", "/new-bucket", "", owned, maker).message.contains("s3:PutBucketOwnershipControls"));
  EXPECT_FALSE(objects_->bucket("new-bucket"));
  EXPECT_EQ(ask("PUT", "/new-bucket", "", {}, maker).status, 200);
  std::string setter = new_user("setter", creates + "," + allows("s3:PutBucket*", "*"));
  EXPECT_EQ(ask("PUT", "/newer-bucket", tags, owned, setter).status, 200);
}

}  // namespace
}  // namespace tarn::aws::s3
