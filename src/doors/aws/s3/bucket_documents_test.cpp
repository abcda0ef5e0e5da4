// What is configured of buckets: every document put, read back, refused when it is wrong, and removed.
#include "doors/aws/s3/bucket_policy.h"
#include "doors/aws/s3/door_world_for_test.h"
#include "doors/aws/s3/lifecycle_xml.h"
#include "doors/aws/s3/notification.h"

namespace tarn::aws::s3 {
namespace {

class BucketDocuments : public DoorWorld {
 protected:
  Told set(const std::string& resource, const std::string& text, Headers headers = {}) {
    headers.emplace_back("Content-MD5", to_base64(store::md5_of(text)));
    return ask("PUT", "/bucket-b?" + resource, text, std::move(headers));
  }
  Told read(const std::string& resource) { return ask("GET", "/bucket-b?" + resource); }
};

TEST_F(BucketDocuments, NotSetIsToldAsS3TellsIt) {
  const std::pair<const char*, const char*> errors[] = {
      {"policy", "NoSuchBucketPolicy"},
      {"policyStatus", "NoSuchBucketPolicy"},
      {"lifecycle", "NoSuchLifecycleConfiguration"},
      {"cors", "NoSuchCORSConfiguration"},
      {"tagging", "NoSuchTagSet"},
      {"encryption", "ServerSideEncryptionConfigurationNotFoundError"},
      {"publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"},
      {"ownershipControls", "OwnershipControlsNotFoundError"},
      {"replication", "ReplicationConfigurationNotFoundError"},
      {"website", "NoSuchWebsiteConfiguration"},
      {"object-lock", "ObjectLockConfigurationNotFoundError"}};
  for (const auto& [resource, code] : errors) {
    Told told = read(resource);
    EXPECT_EQ(told.code, code);
    EXPECT_EQ(told.status, 404) << code;
    EXPECT_EQ(told.fields["BucketName"], "bucket-b") << code;
  }
  EXPECT_TRUE(ask_xml("/bucket-b?versioning", "VersioningConfiguration").children.empty());
  EXPECT_TRUE(ask_xml("/bucket-b?notification", "NotificationConfiguration").children.empty());
  EXPECT_TRUE(ask_xml("/bucket-b?logging", "BucketLoggingStatus").children.empty());
  EXPECT_TRUE(ask_xml("/bucket-b?accelerate", "AccelerateConfiguration").children.empty());
  EXPECT_EQ(ask_xml("/bucket-b?requestPayment", "RequestPaymentConfiguration").value("Payer"), "BucketOwner");
  EXPECT_EQ(ask_xml("/bucket-b?acl", "AccessControlPolicy").child("Owner")->value("ID"), kOwnerId);
}

TEST_F(BucketDocuments, VersioningIsSwitchedOnAndSuspended) {
  EXPECT_EQ(
      set("versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>").status,
      200);
  EXPECT_EQ(ask_xml("/bucket-b?versioning", "VersioningConfiguration").value("Status"), "Enabled");
  EXPECT_EQ(set("versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")
                .status,
            200);
  EXPECT_EQ(ask_xml("/bucket-b?versioning", "VersioningConfiguration").value("Status"), "Suspended");
  EXPECT_EQ(
      set("versioning", "<VersioningConfiguration><Status>enabled</Status></VersioningConfiguration>").code,
      "MalformedXML");
  EXPECT_EQ(set("versioning", "<VersioningConfiguration/>").code, "MalformedXML");
  EXPECT_EQ(set("versioning",
                "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"
                "</VersioningConfiguration>")
                .code,
            "NotImplemented");
}

const std::string kPolicy = R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"}, "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::bucket-b", "arn:aws:s3:::bucket-b/*"]}]})";

TEST_F(BucketDocuments, PoliciesComeBackAsTheyWere) {
  EXPECT_EQ(set("policy", kPolicy).status, 204);
  Told told = read("policy");
  EXPECT_EQ(told.body, kPolicy);
  EXPECT_EQ(told.header("content-type"), "application/json");
  EXPECT_EQ(ask_xml("/bucket-b?policyStatus", "PolicyStatus").value("IsPublic"), "false");
  EXPECT_EQ(ask("DELETE", "/bucket-b?policy").status, 204);
  EXPECT_EQ(read("policy").code, "NoSuchBucketPolicy");
}

TEST_F(BucketDocuments, PoliciesOfOthersAreMalformed) {
  auto with = [](const std::string& from, const std::string& to) {
    std::string out = kPolicy;
    out.replace(out.find(from), from.size(), to);
    return out;
  };
  EXPECT_EQ(set("policy", with("bucket-b/*", "bucket-b2/*")).message, "Policy has invalid resource");
  EXPECT_EQ(set("policy", with("bucket-b/*", "*")).message, "Policy has invalid resource");
  EXPECT_EQ(set("policy", with("s3:GetObject", "iam:GetUser")).message, "Policy has invalid action");
  for (const std::string& text :
       {std::string("nonsense"), std::string("{}"), std::string("{\"Version\": 1"), with("Allow", "Maybe"),
        with("\"Principal\"", "\"Someone\""), std::string(30'000, ' ')}) {
    EXPECT_EQ(set("policy", text).code, "MalformedPolicy") << text.substr(0, 40);
  }
}

TEST_F(BucketDocuments, PublicPoliciesAreKnownAndBlocked) {
  auto is_public = [](const std::string& principal, const std::string& condition) {
    auto policy =
        parse_bucket_policy(R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": )" +
                                principal + R"(, "Action": "s3:GetObject",
                                          "Resource": "arn:aws:s3:::bucket-b/*")" +
                                condition + "}]}",
                            "bucket-b");
    EXPECT_TRUE(policy) << policy.error().message;
    return policy && is_public_policy(**policy);
  };
  EXPECT_TRUE(is_public("\"*\"", ""));
  EXPECT_TRUE(is_public(R"({"AWS": "*"})", ""));
  EXPECT_FALSE(is_public(R"({"AWS": "arn:aws:iam::000000000000:user/a"})", ""));
  EXPECT_FALSE(is_public("\"*\"", R"(, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"(, "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"(, "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"(, "Condition": {"StringLike": {"aws:PrincipalArn": "*"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"(, "Condition": {"Bool": {"aws:SecureTransport": "true"}})"));

  std::string open = kPolicy;
  open.replace(open.find(R"({"AWS": "arn:aws:iam::000000000000:user/alice"})"), 47, "\"*\"");
  ASSERT_EQ(set("policy", open).status, 204);
  EXPECT_EQ(ask_xml("/bucket-b?policyStatus", "PolicyStatus").value("IsPublic"), "true");
  ASSERT_EQ(set("publicAccessBlock",
                "<PublicAccessBlockConfiguration><BlockPublicPolicy>TRUE</BlockPublicPolicy>"
                "</PublicAccessBlockConfiguration>")
                .status,
            200);
  EXPECT_EQ(set("policy", open).code, "AccessDenied");
  EXPECT_EQ(set("policy", kPolicy).status, 204);
}

std::string lifecycle(const std::string& rules) {
  return "<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>";
}
std::string rule(const std::string& inside,
                 const std::string& filter = "<Filter><Prefix>a/</Prefix></Filter>") {
  return "<Rule><ID>one</ID>" + filter + "<Status>Enabled</Status>" + inside + "</Rule>";
}

TEST(LifecycleXml, MeansTheStoresRules) {
  auto read = parse_lifecycle(lifecycle(
      "<Rule><ID>one</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
      "<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan><ObjectSizeLessThan>20</ObjectSizeLessThan></And></"
      "Filter>"
      "<Status>Disabled</Status><Expiration><Days>3</Days></Expiration></Rule>"
      "<Rule><ID>two</ID><Prefix/><Status>Enabled</Status>"
      "<Expiration><Date>2027-01-01T00:00:00.000Z</Date></Expiration>"
      "<NoncurrentVersionExpiration><NoncurrentDays>4</NoncurrentDays>"
      "<NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>6</DaysAfterInitiation></"
      "AbortIncompleteMultipartUpload>"
      "</Rule>"
      "<Rule><Filter/><Status>Enabled</Status>"
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->rules.size(), 3u);
  const store::LifecycleRule& one = read->rules[0];
  EXPECT_EQ(one.prefix, "a/");
  EXPECT_EQ(one.tags.at("k"), "v");
  EXPECT_EQ(one.bytes_over, 10u);
  EXPECT_EQ(one.bytes_under, 20u);
  EXPECT_FALSE(one.enabled);
  EXPECT_EQ(one.expire_days, 3);
  const store::LifecycleRule& two = read->rules[1];
  EXPECT_EQ(to_string(*two.expire_at), "2027-01-01T00:00:00Z");
  EXPECT_EQ(two.noncurrent_days, 4);
  EXPECT_EQ(two.noncurrent_keep, 5);
  EXPECT_EQ(two.abort_upload_days, 6);
  EXPECT_TRUE(read->rules[2].expire_lonely_markers);
  EXPECT_FALSE(read->rules[2].id.empty());
  // Both ways of writing it mean the same.
  EXPECT_EQ(parse_lifecycle(read->xml)->rules, read->rules);
  EXPECT_EQ(parse_lifecycle(read->xml)->xml, read->xml);
  EXPECT_EQ(parse_lifecycle(lifecycle_to_xml(read->rules))->rules, read->rules);
}

TEST(LifecycleXml, RefusesWhatS3Refuses) {
  auto code = [](const std::string& text) {
    auto read = parse_lifecycle(text);
    return read ? "taken" : read.error().code;
  };
  const std::string days = "<Expiration><Days>1</Days></Expiration>";
  EXPECT_EQ(code(lifecycle(rule(days))), "taken");
  EXPECT_EQ(code("<LifecycleConfiguration/>"), "MalformedXML");
  EXPECT_EQ(code(lifecycle(rule(days) + rule(days))), "InvalidArgument");  // the id twice
  EXPECT_EQ(code(lifecycle(rule(""))), "InvalidRequest");
  EXPECT_EQ(code(lifecycle(rule(days, ""))), "MalformedXML");
  EXPECT_EQ(code(lifecycle(rule(days, "<Prefix/><Filter/>"))), "MalformedXML");
  EXPECT_EQ(code(lifecycle(rule("<Expiration><Days>0</Days></Expiration>"))), "InvalidArgument");
  EXPECT_EQ(code(lifecycle(rule("<Expiration><Days>x</Days></Expiration>"))), "MalformedXML");
  EXPECT_EQ(code(lifecycle(rule("<Expiration><Date>2027-01-01T01:00:00Z</Date></Expiration>"))),
            "InvalidArgument");
  EXPECT_EQ(code(lifecycle(rule("<Expiration><Days>1</Days><Date>2027-01-01T00:00:00Z</Date></Expiration>"))),
            "MalformedXML");
  EXPECT_EQ(
      code(lifecycle(rule("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"))),
      "NotImplemented");
  EXPECT_EQ(code(lifecycle(
                rule(days, "<Filter><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></Filter>"))),
            "MalformedXML");
  EXPECT_EQ(code(lifecycle(rule("<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                                "</AbortIncompleteMultipartUpload>",
                                "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>"))),
            "InvalidRequest");
  EXPECT_EQ(code(lifecycle("<Rule><ID>one</ID><Filter/><Status>enabled</Status>" + days + "</Rule>")),
            "MalformedXML");
}

TEST_F(BucketDocuments, LifecycleIsGivenBackInItsOwnWords) {
  std::string text = lifecycle(
      "<Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status>"
      "<Expiration><Days>1</Days></Expiration></Rule>");
  EXPECT_EQ(ask("PUT", "/bucket-b?lifecycle", text).code, "InvalidRequest");  // no digest
  Told told = set("lifecycle", text);
  EXPECT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(ask_xml("/bucket-b?lifecycle", "LifecycleConfiguration").child("Rule")->value("Prefix"), "a/");
  EXPECT_EQ(store::lifecycle_from_json(**objects_->document("bucket-b", "lifecycle"))->at(0).expire_days, 1);
  // Somebody else's rules win over old words.
  store::LifecycleRule other;
  other.id = "file";
  other.expire_days = 9;
  objects_->set_document("bucket-b", "lifecycle", store::lifecycle_to_json({other})).value();
  XmlNode now = ask_xml("/bucket-b?lifecycle", "LifecycleConfiguration");
  EXPECT_EQ(now.child("Rule")->value("ID"), "file");
  EXPECT_EQ(now.child("Rule")->child("Expiration")->value("Days"), "9");
  EXPECT_EQ(ask("DELETE", "/bucket-b?lifecycle").status, 204);
  EXPECT_EQ(read("lifecycle").status, 404);
}

TEST_F(BucketDocuments, CorsRulesAreChecked) {
  auto cors = [](const std::string& inside) {
    return "<CORSConfiguration><CORSRule>" + inside + "</CORSRule></CORSConfiguration>";
  };
  const std::string good = "<ID>a</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";
  EXPECT_EQ(set("cors", cors(good + "<MaxAgeSeconds>5</MaxAgeSeconds>")).status, 200);
  XmlNode back = ask_xml("/bucket-b?cors", "CORSConfiguration");
  EXPECT_EQ(back.child("CORSRule")->value("ID"), "a");
  EXPECT_EQ(back.child("CORSRule")->value("MaxAgeSeconds"), "5");
  EXPECT_EQ(set("cors", cors("<AllowedMethod>PATCH</AllowedMethod><AllowedOrigin>*</AllowedOrigin>")).message,
            "Found unsupported HTTP method in CORS config. Unsupported method is PATCH");
  EXPECT_EQ(set("cors", cors("<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*.*</AllowedOrigin>")).message,
            "AllowedOrigin \"*.*\" can not have more than one wildcard.");
  EXPECT_EQ(set("cors", cors(good + "<ExposeHeader>x-*</ExposeHeader>")).code, "InvalidRequest");
  EXPECT_EQ(set("cors", cors("<AllowedMethod>GET</AllowedMethod>")).code, "MalformedXML");
  EXPECT_EQ(set("cors", cors(good + "<Other/>")).code, "MalformedXML");
  EXPECT_EQ(set("cors", "<CORSConfiguration/>").code, "MalformedXML");
  EXPECT_EQ(ask("DELETE", "/bucket-b?cors").status, 204);
  EXPECT_EQ(read("cors").status, 404);
}

TEST_F(BucketDocuments, OnesThatCouldNotBeReadAgainAreRefused) {
  std::string header = "<AllowedHeader>" + std::string(70'000, 'x') + "</AllowedHeader>";
  std::string rule = "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>" + header;
  EXPECT_EQ(set("cors", "<CORSConfiguration><CORSRule>" + rule + "</CORSRule></CORSConfiguration>").code,
            "MalformedXML");
  // A quote is written as six bytes.
  std::string queue = "<QueueConfiguration><Id>" + std::string(900'000, '"') +
                      "</Id><Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue>"
                      "<Event>s3:ObjectCreated:*</Event></QueueConfiguration>";
  EXPECT_EQ(set("notification", "<NotificationConfiguration>" + queue + "</NotificationConfiguration>",
                {{"x-amz-skip-destination-validation", "true"}})
                .status,
            400);
}

// DELETE /bucket?notification&encryption is one of them for the guard; it must be the same for what is done.
TEST_F(BucketDocuments, TheOneThatWasAllowedIsTheOneThatIsTouched) {
  const std::string names[] = {"policy",       "lifecycle",  "cors",
                               "tagging",      "encryption", "publicAccessBlock",
                               "notification", "acl",        "ownershipControls"};
  ASSERT_EQ(
      set("cors",
          "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>"
          "</CORSRule></CORSConfiguration>")
          .status,
      200);
  ASSERT_EQ(set("encryption",
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>"
                "AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                "</ServerSideEncryptionConfiguration>")
                .status,
            200);
  ASSERT_EQ(
      set("tagging", "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>").status,
      204);
  std::string encrypts = new_user("encrypts", allows("s3:*EncryptionConfiguration", "bucket-b"));
  for (const std::string& one : names) {
    for (const std::string& other : names) {
      if (one == other) continue;
      ask("DELETE", "/bucket-b?" + one + "&" + other, "", {}, encrypts);
    }
  }
  EXPECT_EQ(read("encryption").status, 404);
  EXPECT_EQ(read("cors").status, 200);
  EXPECT_EQ(read("tagging").status, 200);
}

TEST_F(BucketDocuments, TagsHaveTheirLimits) {
  auto tagging = [](int count) {
    std::string out = "<Tagging><TagSet>";
    for (int i = 0; i < count; ++i) {
      out += "<Tag><Key>k" + std::to_string(i) + "</Key><Value>v</Value></Tag>";
    }
    return out + "</TagSet></Tagging>";
  };
  EXPECT_EQ(set("tagging", tagging(50)).status, 204);
  EXPECT_EQ(ask_xml("/bucket-b?tagging", "Tagging").child("TagSet")->children.size(), 50u);
  EXPECT_EQ(set("tagging", tagging(51)).code, "BadRequest");
  EXPECT_EQ(set("tagging", "<Tagging/>").code, "MalformedXML");
  EXPECT_EQ(ask("DELETE", "/bucket-b?tagging").status, 204);
  EXPECT_EQ(read("tagging").code, "NoSuchTagSet");
}

std::string queue(const std::string& id, const std::string& event, const std::string& prefix = "",
                  const std::string& suffix = "") {
  std::string filter;
  if (!prefix.empty()) filter += "<FilterRule><Name>PREFIX</Name><Value>" + prefix + "</Value></FilterRule>";
  if (!suffix.empty()) filter += "<FilterRule><Name>suffix</Name><Value>" + suffix + "</Value></FilterRule>";
  if (!filter.empty()) filter = "<Filter><S3Key>" + filter + "</S3Key></Filter>";
  return "<QueueConfiguration>" + (id.empty() ? "" : "<Id>" + id + "</Id>") +
         "<Queue>arn:aws:sqs:us-east-1:000000000000:q</Queue><Event>" + event + "</Event>" + filter +
         "</QueueConfiguration>";
}
std::string notification(const std::string& inside) {
  return "<NotificationConfiguration>" + inside + "</NotificationConfiguration>";
}

TEST_F(BucketDocuments, NotificationsAreKeptAndTheirTargetsMissed) {
  EXPECT_EQ(set("notification", notification("<EventBridgeConfiguration/>")).status, 200);
  EXPECT_NE(ask_xml("/bucket-b?notification", "NotificationConfiguration").child("EventBridgeConfiguration"),
            nullptr);
  Told missed = set("notification", notification(queue("a", "s3:ObjectCreated:*")));
  EXPECT_EQ(missed.code, "InvalidArgument");
  EXPECT_EQ(missed.message, "Unable to validate the following destination configurations");
  EXPECT_EQ(missed.fields["ArgumentValue"], "The destination queue does not exist");
  Told skipped = set("notification", notification(queue("", "s3:ObjectCreated:*", "in/", ".csv")),
                     {{"x-amz-skip-destination-validation", "true"}});
  EXPECT_EQ(skipped.status, 200) << skipped.body;
  XmlNode back = ask_xml("/bucket-b?notification", "NotificationConfiguration");
  const XmlNode* one = back.child("QueueConfiguration");
  ASSERT_NE(one, nullptr);
  EXPECT_FALSE(one->value("Id").empty());
  EXPECT_EQ(texts(*one->child("Filter")->child("S3Key"), "FilterRule", "Name"), "Prefix Suffix");
  EXPECT_EQ(back.child("EventBridgeConfiguration"), nullptr);  // a PUT replaces everything
  EXPECT_TRUE(objects_->bucket("bucket-b")->events);
  EXPECT_EQ(set("notification", notification("")).status, 200);
  EXPECT_TRUE(ask_xml("/bucket-b?notification", "NotificationConfiguration").children.empty());
}

TEST(Notifications, OverlapsAreRefused) {
  auto code = [](const std::string& inside) {
    auto read = parse_notifications(notification(inside));
    return read ? "taken" : read.error().code;
  };
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*") + queue("b", "s3:ObjectRemoved:*")), "taken");
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*") + queue("b", "s3:ObjectCreated:Put")), "InvalidArgument");
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*", "in/") + queue("b", "s3:ObjectCreated:*", "out/")),
            "taken");
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*", "in/") + queue("b", "s3:ObjectCreated:*", "in/sub/")),
            "InvalidArgument");
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*", "in/", ".csv") +
                 queue("b", "s3:ObjectCreated:*", "in/", ".json")),
            "taken");
  EXPECT_EQ(
      code(queue("a", "s3:ObjectCreated:*", "in/", "v") + queue("b", "s3:ObjectCreated:*", "in/", ".csv")),
      "InvalidArgument");
  EXPECT_EQ(code(queue("a", "s3:ObjectCreated:*") + queue("a", "s3:ObjectRemoved:*")), "InvalidArgument");
  EXPECT_EQ(code(queue("a", "s3:Nothing")), "InvalidArgument");
  EXPECT_EQ(code("<Other/>"), "MalformedXML");
  EXPECT_EQ(
      code("<QueueConfiguration><Queue>q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>"),
      "InvalidArgument");
}

TEST_F(BucketDocuments, EncryptionOwnershipAndAcl) {
  auto encryption = [](const std::string& algorithm) {
    return "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>" +
           algorithm +
           "</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
  };
  EXPECT_EQ(set("encryption", encryption("AES256")).status, 200);
  EXPECT_TRUE(read("encryption").body.contains("<SSEAlgorithm>AES256</SSEAlgorithm>"));
  EXPECT_EQ(set("encryption", encryption("aws:kms")).code, "NotImplemented");
  EXPECT_EQ(set("encryption", encryption("rot13")).code, "MalformedXML");
  EXPECT_EQ(ask("DELETE", "/bucket-b?encryption").status, 204);

  EXPECT_EQ(set("ownershipControls",
                "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"
                "</Rule></OwnershipControls>")
                .status,
            200);
  EXPECT_TRUE(read("ownershipControls").body.contains("BucketOwnerEnforced"));
  EXPECT_EQ(set("ownershipControls",
                "<OwnershipControls><Rule><ObjectOwnership>Me</ObjectOwnership></Rule>"
                "</OwnershipControls>")
                .code,
            "MalformedXML");

  EXPECT_EQ(set("acl", "", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(set("acl", "", {{"x-amz-acl", "public-read"}}).code, "AccessControlListNotSupported");
  EXPECT_EQ(set("acl", "", {{"x-amz-grant-read", "id=a"}}).code, "NotImplemented");
  EXPECT_EQ(set("acl", "").code, "MissingSecurityHeader");
  EXPECT_EQ(set("acl", read("acl").body).status, 200);  // what it is may be put again
  EXPECT_EQ(set("acl", "<AccessControlPolicy/>").code, "MalformedACLError");
}

TEST_F(BucketDocuments, BodiesAreVerifiedAndBounded) {
  EXPECT_EQ(ask("PUT", "/bucket-b?tagging", "<Tagging><TagSet/></Tagging>",
                {{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}})
                .code,
            "BadDigest");
  EXPECT_EQ(set("tagging", std::string(3 << 20, ' ')).code, "MaxMessageLengthExceeded");
  EXPECT_EQ(set("tagging", "<!DOCTYPE a [<!ENTITY b \"b\">]><Tagging>&b;</Tagging>").code, "MalformedXML");
}

}  // namespace
}  // namespace tarn::aws::s3
