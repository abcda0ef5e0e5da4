// CopyObject, DeleteObject, DeleteObjects, tags and ACLs of objects.
#include "doors/aws/s3/object_world_for_test.h"
#include "doors/aws/s3/slow_answer.h"

namespace tarn::aws::s3 {
namespace {

class CopyObject : public ObjectWorld {
 protected:
  Told copy(const std::string& source, const std::string& key, Headers headers = {}) {
    headers.emplace_back("x-amz-copy-source", source);
    return run(put_object, {.method = "PUT", .key = key, .headers = std::move(headers)});
  }
};

TEST_F(CopyObject, TakesBytesAndMetadataOver) {
  std::string body(2'500'000, 'x');
  for (size_t i = 0; i < body.size(); i += 13) body[i] = static_cast<char>(i >> 8);
  Told first = put("a b/ü", body,
                   {{"Content-Type", "text/plain"},
                    {"x-amz-meta-colour", "red"},
                    {"x-amz-tagging", "t=1"},
                    {"x-amz-storage-class", "STANDARD_IA"},
                    {"x-amz-website-redirect-location", "/x"}});
  Told told = copy("/bucket-b/a%20b/%C3%BC", "c", {{"x-amz-meta-colour", "ignored"}});
  ASSERT_EQ(told.status, 200) << told.message;
  EXPECT_NE(told.body.find("<CopyObjectResult"), std::string::npos);
  EXPECT_NE(told.body.find("<LastModified>2026-09-21T14:13:20.500Z</LastModified>"), std::string::npos);
  EXPECT_NE(told.body.find("<ChecksumCRC64NVME>" + first.header("x-amz-checksum-crc64nvme")),
            std::string::npos);
  Told got = get("c");
  EXPECT_TRUE(got.body == body);
  EXPECT_EQ(got.header("etag"), first.header("etag"));
  EXPECT_EQ(got.header("content-type"), "text/plain");
  EXPECT_EQ(got.header("x-amz-meta-colour"), "red");
  EXPECT_EQ(got.header("x-amz-tagging-count"), "1");
  EXPECT_FALSE(got.headers.contains("x-amz-storage-class"));
  EXPECT_FALSE(got.headers.contains("x-amz-website-redirect-location"));
}

TEST_F(CopyObject, ReplacesWhatItIsToldTo) {
  put("a", "1", {{"Content-Type", "text/plain"}, {"x-amz-meta-colour", "red"}, {"x-amz-tagging", "t=1&u=2"}});
  Told told = copy("bucket-b/a", "b",
                   {{"x-amz-metadata-directive", "REPLACE"},
                    {"x-amz-meta-size", "big"},
                    {"x-amz-tagging-directive", "REPLACE"},
                    {"x-amz-tagging", "v=3"},
                    {"x-amz-checksum-algorithm", "SHA256"}});
  ASSERT_EQ(told.status, 200) << told.message;
  EXPECT_NE(told.body.find("<ChecksumSHA256>"), std::string::npos);
  Told got = get("b");
  EXPECT_EQ(got.header("x-amz-meta-size"), "big");
  EXPECT_FALSE(got.headers.contains("x-amz-meta-colour"));
  EXPECT_EQ(got.header("content-type"), "binary/octet-stream");
  EXPECT_EQ(got.header("x-amz-tagging-count"), "1");
  EXPECT_EQ(copy("bucket-b/a", "b", {{"x-amz-metadata-directive", "MERGE"}}).code, "InvalidArgument");
  EXPECT_EQ(copy("bucket-b/a", "b", {{"x-amz-tagging-directive", "MERGE"}}).code, "InvalidArgument");
}

TEST_F(CopyObject, OntoItselfMustChangeSomething) {
  put("a", "1");
  EXPECT_EQ(copy("bucket-b/a", "a").code, "InvalidRequest");
  EXPECT_EQ(copy("bucket-b/a", "a", {{"x-amz-metadata-directive", "REPLACE"}}).status, 200);
  EXPECT_EQ(copy("bucket-b/a", "a", {{"x-amz-storage-class", "STANDARD_IA"}}).status, 200);
  EXPECT_EQ(get("a").header("x-amz-storage-class"), "STANDARD_IA");
  EXPECT_EQ(get("a").body, "1");
}

TEST_F(CopyObject, BringsAnOldVersionBack) {
  version("b", store::Versioning::kEnabled);
  std::string old = put("a", "old").header("x-amz-version-id");
  put("a", "new");
  Told told = copy("bucket-b/a?versionId=" + old, "a");
  ASSERT_EQ(told.status, 200) << told.message;
  EXPECT_EQ(told.header("x-amz-copy-source-version-id"), old);
  EXPECT_FALSE(told.header("x-amz-version-id").empty());
  EXPECT_EQ(get("a").body, "old");
  std::string marker = run(delete_object, {.method = "DELETE", .key = "a"}).header("x-amz-version-id");
  EXPECT_EQ(copy("bucket-b/a", "c").code, "NoSuchKey");
  EXPECT_EQ(copy("bucket-b/a?versionId=" + marker, "c").code, "InvalidRequest");
  EXPECT_EQ(copy("bucket-b/a?versionId=", "c").code, "InvalidArgument");
}

TEST_F(CopyObject, RefusesSourcesThatAreNone) {
  put("x/y", "1");
  put("a%2Fb", "percent");
  struct Case {
    std::string source, code;
  };
  const Case cases[] = {
      {"bucket-b", "InvalidArgument"},
      {"bucket-b/", "InvalidArgument"},
      {"/", "InvalidArgument"},
      {"//bucket-b/x", "InvalidArgument"},
      {"../bucket-b/x/y", "InvalidArgument"},
      {"bucket-b/../bucket-b/x/y", "InvalidURI"},
      {"bucket-b/%2e%2e/x/y", "InvalidURI"},
      {"bucket-b%2f..%2fx/y", "InvalidURI"},
      {"bucket-b/%zz", "InvalidArgument"},
      {"bucket-b/none", "NoSuchKey"},
      {"bucket-none/x", "NoSuchBucket"},
      {"bucket-b/" + std::string(1025, 'k'), "KeyTooLongError"},
  };
  for (const Case& c : cases) EXPECT_EQ(copy(c.source, "z").code, c.code) << c.source;
  // Encoded once more than a path: these are keys.
  EXPECT_EQ(copy("bucket-b/a%252Fb", "z").status, 200);
  EXPECT_EQ(get("z").body, "percent");
  EXPECT_EQ(copy("bucket-b%2Fx%2Fy", "z").status, 200);
  EXPECT_EQ(get("z").body, "1");
}

TEST_F(CopyObject, ChecksTheSourcesConditions) {
  std::string etag = put("a", "hello").header("etag");
  const std::string before = "Mon, 21 Sep 2026 14:13:19 GMT";
  const std::string same = "Mon, 21 Sep 2026 14:13:20 GMT";
  struct Case {
    Headers headers;
    int status;
  };
  const Case cases[] = {
      {{{"x-amz-copy-source-if-match", etag}}, 200},
      {{{"x-amz-copy-source-if-match", "\"x\""}}, 412},
      {{{"x-amz-copy-source-if-none-match", etag}}, 412},
      {{{"x-amz-copy-source-if-none-match", "\"x\""}}, 200},
      {{{"x-amz-copy-source-if-modified-since", same}}, 412},
      {{{"x-amz-copy-source-if-modified-since", before}}, 200},
      {{{"x-amz-copy-source-if-unmodified-since", before}}, 412},
      {{{"x-amz-copy-source-if-match", etag}, {"x-amz-copy-source-if-unmodified-since", before}}, 200},
      {{{"x-amz-copy-source-if-none-match", etag}, {"x-amz-copy-source-if-modified-since", before}}, 412},
  };
  for (const Case& c : cases) {
    Told told = copy("bucket-b/a", "b", c.headers);
    EXPECT_EQ(told.status, c.status) << c.headers[0].first;
  }
  EXPECT_EQ(copy("bucket-b/a", "b", {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(copy("bucket-b/a", "fresh", {{"If-None-Match", "*"}}).status, 200);
}

TEST_F(CopyObject, AsksTheGuardForBothEnds) {
  put("a", "1");
  put("tagged", "1", {{"x-amz-tagging", "t=1"}});
  auto code = [&](const std::string& source, const std::string& statements) {
    return run(put_object, {.method = "PUT",
                            .bucket = "b2",
                            .key = "c",
                            .headers = {{"x-amz-copy-source", "bucket-b/" + source}},
                            .principal = user(statements)})
        .code;
  };
  std::string reads = allows("s3:GetObject", "bucket-b/*");
  std::string writes = allows("s3:PutObject", "bucket-b2/*");
  EXPECT_EQ(code("a", reads), "AccessDenied");
  EXPECT_EQ(code("a", writes), "AccessDenied");
  EXPECT_EQ(code("a", reads + "," + writes), "");
  EXPECT_EQ(code("tagged", reads + "," + writes), "AccessDenied");
  EXPECT_EQ(code("tagged", reads + "," + writes + "," + allows("s3:*Tagging", "bucket-b*")), "");
  EXPECT_EQ(code("a?versionId=null", reads + "," + writes), "AccessDenied");
  std::string denies_tagged = R"({"Effect": "Deny", "Action": "s3:GetObjectTagging", "Resource": "*",
                                  "Condition": {"StringEquals": {"s3:ExistingObjectTag/t": "1"}}})";
  EXPECT_EQ(
      code("tagged", reads + "," + writes + "," + allows("s3:*Tagging", "bucket-b*") + "," + denies_tagged),
      "AccessDenied");
}

TEST_F(CopyObject, HasALimit) {
  put("a", "0123456789");
  s3_->put_bytes_max = 5;
  EXPECT_EQ(copy("bucket-b/a", "b").code, "InvalidRequest");
}

TEST_F(CopyObject, KeepsTheConnectionAliveWhenItIsSlow) {
  FakeRequest request("PUT", "/b/k", {});
  for (bool fails : {false, true}) {
    FakeResponder responder(false);
    Call call{*s3_, request, responder, "b",    "k",
              {},   {},      "REQUEST", "HOST", {{"x-amz-request-id", "REQUEST"}}};
    SlowAnswer answer(call, Duration(0));
    ASSERT_TRUE(answer.tick());
    ASSERT_TRUE(answer.tick());
    S3Result<std::string> end = "<?xml version=\"1.0\"?>\n<CopyObjectResult/>";
    if (fails) end = refuse("SlowDown");
    ASSERT_TRUE(answer.finish(std::move(end), {}));
    EXPECT_EQ(responder.told.status, 200);
    EXPECT_TRUE(responder.told.whole);
    EXPECT_TRUE(parse_xml(responder.told.body, fails ? "Error" : "CopyObjectResult")) << responder.told.body;
    EXPECT_EQ(responder.told.body.find("<?xml"), 0u);
    EXPECT_EQ(responder.told.body.find("<?xml", 1), std::string::npos);
    EXPECT_EQ(responder.told.header("x-amz-request-id"), "REQUEST");
  }
}

class DeleteObjects : public ObjectWorld {
 protected:
  Told remove(const std::string& key, Query query = {}, Headers headers = {}) {
    return run(delete_object,
               {.method = "DELETE", .key = key, .query = std::move(query), .headers = std::move(headers)});
  }
  Told remove_many(const std::string& body, std::optional<access::Principal> principal = std::nullopt) {
    store::Algorithm algorithm = store::Algorithm::kCrc32;
    std::string sum = to_base64(store::digest_of(algorithm, body));
    return run(delete_objects, {.method = "POST",
                                .headers = {{"x-amz-checksum-crc32", sum}},
                                .body = body,
                                .principal = std::move(principal)});
  }
};

TEST_F(DeleteObjects, OneIsGoneAndAnAbsentOneToo) {
  put("a", "1");
  EXPECT_EQ(remove("a").status, 204);
  EXPECT_EQ(get("a").code, "NoSuchKey");
  EXPECT_EQ(remove("a").status, 204);
  EXPECT_EQ(run(delete_object, {.method = "DELETE", .bucket = "none", .key = "a"}).code, "NoSuchBucket");
}

TEST_F(DeleteObjects, OneOnACondition) {
  std::string etag = put("a", "1").header("etag");
  EXPECT_EQ(remove("a", {}, {{"If-Match", "\"x\""}}).status, 412);
  EXPECT_EQ(get("a").status, 200);
  EXPECT_EQ(remove("a", {}, {{"If-Match", etag}}).status, 204);
  EXPECT_EQ(get("a").status, 404);
  EXPECT_EQ(remove("a", {}, {{"If-Match", "*"}}).status, 404);
  EXPECT_EQ(remove("a", {}, {{"x-amz-if-match-size", "1"}}).status, 501);
}

TEST_F(DeleteObjects, OfAVersionAreForGood) {
  version("b", store::Versioning::kEnabled);
  std::string first = put("a", "1").header("x-amz-version-id");
  put("a", "2");
  Told marker = remove("a");
  Told undone = remove("a", {{"versionId", marker.header("x-amz-version-id")}});
  EXPECT_EQ(undone.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(undone.header("x-amz-version-id"), marker.header("x-amz-version-id"));
  EXPECT_EQ(get("a").body, "2");
  Told old = remove("a", {{"versionId", first}});
  EXPECT_EQ(old.status, 204);
  EXPECT_EQ(old.header("x-amz-version-id"), first);
  EXPECT_FALSE(old.headers.contains("x-amz-delete-marker"));
  EXPECT_EQ(get("a", {}, {{"versionId", first}}).code, "NoSuchVersion");
}

TEST_F(DeleteObjects, ManyAtOnceWithAbsentOnes) {
  put("a", "1");
  put("b<&>", "2");
  Told told = remove_many(
      "<Delete><Object><Key>a</Key></Object><Object><Key>b&lt;&amp;&gt;</Key></Object><Object><Key>none</Key>"
      "</Object></Delete>");
  ASSERT_EQ(told.status, 200) << told.message;
  auto root = parse_xml(told.body, "DeleteResult");
  ASSERT_TRUE(root);
  std::vector<std::string> keys;
  for (const XmlNode* entry : root->all("Deleted")) keys.push_back(entry->value("Key"));
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b<&>", "none"}));
  EXPECT_EQ(get("a").status, 404);
  EXPECT_EQ(get("b<&>").status, 404);
  put("a", "1");
  told = remove_many("<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
  EXPECT_EQ(told.body.find("<Deleted>"), std::string::npos);
  EXPECT_EQ(get("a").status, 404);
}

TEST_F(DeleteObjects, ManyTellTheirMarkers) {
  version("b", store::Versioning::kEnabled);
  std::string id = put("a", "1").header("x-amz-version-id");
  Told told = remove_many("<Delete><Object><Key>a</Key></Object></Delete>");
  auto root = parse_xml(told.body, "DeleteResult");
  const XmlNode* entry = root->child("Deleted");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->value("DeleteMarker"), "true");
  EXPECT_FALSE(entry->value("DeleteMarkerVersionId").empty());
  told = remove_many("<Delete><Object><Key>a</Key><VersionId>" + id + "</VersionId></Object></Delete>");
  root = parse_xml(told.body, "DeleteResult");
  entry = root->child("Deleted");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->value("VersionId"), id);
  EXPECT_EQ(entry->child("DeleteMarker"), nullptr);
}

TEST_F(DeleteObjects, ManyAreAskedForOneByOne) {
  put("mine/a", "1");
  put("theirs/a", "1");
  Told told = remove_many(
      "<Delete><Object><Key>mine/a</Key></Object><Object><Key>theirs/a</Key></Object><Object><Key>../x</Key>"
      "</Object></Delete>",
      user(allows("s3:DeleteObject", "bucket-b/mine/*")));
  auto root = parse_xml(told.body, "DeleteResult");
  ASSERT_TRUE(root);
  ASSERT_EQ(root->all("Deleted").size(), 1u);
  auto errors = root->all("Error");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0]->value("Key"), "theirs/a");
  EXPECT_EQ(errors[0]->value("Code"), "AccessDenied");
  EXPECT_EQ(errors[1]->value("Code"), "InvalidURI");
  EXPECT_EQ(get("mine/a").status, 404);
  EXPECT_EQ(get("theirs/a").status, 200);
}

TEST_F(DeleteObjects, ManyNeedADigestAndALimit) {
  const std::string body = "<Delete><Object><Key>a</Key></Object></Delete>";
  EXPECT_EQ(run(delete_objects, {.method = "POST", .body = body}).code, "InvalidRequest");
  EXPECT_EQ(
      run(delete_objects,
          {.method = "POST", .headers = {{"Content-MD5", to_base64(store::md5_of(body))}}, .body = body})
          .status,
      200);
  EXPECT_EQ(run(delete_objects,
                {.method = "POST", .headers = {{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}}, .body = body})
                .code,
            "BadDigest");
  EXPECT_EQ(remove_many("<Delete></Delete>").code, "MalformedXML");
  EXPECT_EQ(remove_many("<Delete><Object><Key></Key></Object></Delete>").code, "MalformedXML");
  EXPECT_EQ(remove_many("<Remove/>").code, "MalformedXML");
  EXPECT_EQ(remove_many("no xml").code, "MalformedXML");
  std::string many = "<Delete>";
  for (int i = 0; i < 1000; ++i) many += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  EXPECT_EQ(remove_many(many + "</Delete>").status, 200);
  EXPECT_EQ(remove_many(many + "<Object><Key>x</Key></Object></Delete>").code, "MalformedXML");
}

class ObjectTagging : public ObjectWorld {
 protected:
  static std::string xml(const Tags& tags) { return tags_to_xml(tags); }
  Told set(const std::string& key, const Tags& tags) {
    return run(put_object_tagging, {.method = "PUT", .key = key, .body = xml(tags)});
  }
};

TEST_F(ObjectTagging, IsSetReadAndTakenAway) {
  put("a", "1");
  EXPECT_EQ(set("a", {{"x", "1"}, {"y", "2"}}).status, 200);
  Told told = run(get_object_tagging, {.key = "a"});
  EXPECT_EQ(*tags_of_xml(told.body, 10), (Tags{{"x", "1"}, {"y", "2"}}));
  EXPECT_EQ(get("a").header("x-amz-tagging-count"), "2");
  EXPECT_EQ(run(delete_object_tagging, {.method = "DELETE", .key = "a"}).status, 204);
  EXPECT_EQ(tags_of_xml(run(get_object_tagging, {.key = "a"}).body, 10)->size(), 0u);
  EXPECT_EQ(set("none", {}).code, "NoSuchKey");
  Tags many;
  for (int i = 0; i < 11; ++i) many["k" + std::to_string(i)] = "v";
  EXPECT_EQ(set("a", many).code, "BadRequest");
  EXPECT_EQ(run(put_object_tagging, {.method = "PUT", .key = "a", .body = "x"}).code, "MalformedXML");
}

TEST_F(ObjectTagging, IsOfAVersion) {
  version("b", store::Versioning::kEnabled);
  std::string first = put("a", "1").header("x-amz-version-id");
  put("a", "2");
  Told told = run(put_object_tagging,
                  {.method = "PUT", .key = "a", .query = {{"versionId", first}}, .body = xml({{"x", "1"}})});
  EXPECT_EQ(told.header("x-amz-version-id"), first);
  EXPECT_EQ(tags_of_xml(run(get_object_tagging, {.key = "a"}).body, 10)->size(), 0u);
  EXPECT_EQ(
      tags_of_xml(run(get_object_tagging, {.key = "a", .query = {{"versionId", first}}}).body, 10)->size(),
      1u);
}

TEST_F(ObjectTagging, AsksTheGuard) {
  put("a", "1");
  auto ask = [&](const std::string& action) {
    return run(put_object_tagging, {.method = "PUT",
                                    .key = "a",
                                    .body = xml({{"x", "1"}}),
                                    .principal = user(allows(action, "bucket-b/*"))})
        .status;
  };
  EXPECT_EQ(ask("s3:PutObjectTagging"), 200);
  EXPECT_EQ(ask("s3:PutObject"), 403);
}

using ObjectAcl = ObjectTagging;

TEST_F(ObjectAcl, IsAlwaysTheOwners) {
  put("a", "1");
  Told told = run(get_object_acl, {.key = "a"});
  auto root = parse_xml(told.body, "AccessControlPolicy");
  ASSERT_TRUE(root) << told.body;
  EXPECT_EQ(root->child("Owner")->value("ID"), kOwnerId);
  EXPECT_EQ(root->child("AccessControlList")->child("Grant")->value("Permission"), "FULL_CONTROL");
  auto set = [&](Headers headers, const std::string& body) {
    return run(put_object_acl, {.method = "PUT", .key = "a", .headers = std::move(headers), .body = body});
  };
  EXPECT_EQ(set({{"x-amz-acl", "private"}}, "").status, 200);
  EXPECT_EQ(set({{"x-amz-acl", "public-read"}}, "").code, "AccessControlListNotSupported");
  EXPECT_EQ(set({{"x-amz-grant-read", "id=1"}}, "").status, 501);
  EXPECT_EQ(set({}, "").code, "MissingSecurityHeader");
  EXPECT_EQ(set({}, told.body).status, 200);
  std::string other = told.body;
  other.replace(other.find("FULL_CONTROL"), 12, "READ");
  EXPECT_EQ(set({}, other).code, "AccessControlListNotSupported");
}

}  // namespace
}  // namespace tarn::aws::s3
