// Listings of objects and versions: prefixes, delimiters, markers, tokens, encodings.
#include "doors/aws/s3/continuation_token.h"
#include "doors/aws/s3/door_world_for_test.h"

namespace tarn::aws::s3 {
namespace {

class Listing : public DoorWorld {
 protected:
  XmlNode v1(const std::string& query) { return ask_xml("/bucket-b?" + query, "ListBucketResult"); }
  XmlNode v2(const std::string& query) { return v1("list-type=2&" + query); }
  static std::string keys(const XmlNode& node) { return texts(node, "Contents", "Key"); }
  static std::string prefixes(const XmlNode& node) { return texts(node, "CommonPrefixes", "Prefix"); }
};

TEST_F(Listing, GroupsByDelimiter) {
  fill({"a", "b/1", "b/2", "b/c/3", "c", "d/1"});
  XmlNode all = v2("");
  EXPECT_EQ(keys(all), "a b/1 b/2 b/c/3 c d/1");
  EXPECT_EQ(all.value("KeyCount"), "6");
  EXPECT_EQ(all.value("Name"), "bucket-b");
  EXPECT_EQ(all.value("IsTruncated"), "false");
  ASSERT_NE(all.child("Prefix"), nullptr);
  EXPECT_EQ(all.child("Delimiter"), nullptr);
  XmlNode top = v2("delimiter=/");
  EXPECT_EQ(keys(top), "a c");
  EXPECT_EQ(prefixes(top), "b/ d/");
  EXPECT_EQ(top.value("KeyCount"), "4");
  EXPECT_EQ(top.value("Delimiter"), "/");
  XmlNode below = v2("delimiter=/&prefix=b/");
  EXPECT_EQ(keys(below), "b/1 b/2");
  EXPECT_EQ(prefixes(below), "b/c/");
  EXPECT_EQ(keys(v2("delimiter=&prefix=d")), "d/1");
  EXPECT_EQ(prefixes(v2("delimiter=c")), "b/c c");
}

TEST_F(Listing, EntriesTellWhatTheyAre) {
  fill({"a"});
  XmlNode node = v1("");
  const XmlNode* entry = node.child("Contents");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->value("ETag"), "\"9dd4e461268c8034f5c8564e155c67a6\"");
  EXPECT_EQ(entry->value("Size"), "1");
  EXPECT_EQ(entry->value("StorageClass"), "STANDARD");
  EXPECT_EQ(entry->value("LastModified"), "2026-09-21T14:13:20.500Z");
  EXPECT_EQ(entry->value("ChecksumAlgorithm"), "CRC64NVME");
  EXPECT_EQ(entry->value("ChecksumType"), "FULL_OBJECT");
  ASSERT_NE(entry->child("Owner"), nullptr);
  EXPECT_EQ(v2("").child("Contents")->child("Owner"), nullptr);
  EXPECT_NE(v2("fetch-owner=true").child("Contents")->child("Owner"), nullptr);
}

TEST_F(Listing, PagesOfOneEndWithEverythingSeenOnce) {
  fill({"a", "b/1", "b/2", "c//d", "c//e", "d", "\xC3\xA4 x", "z+%"});
  for (const std::string& delimiter : {std::string(), std::string("/")}) {
    std::string seen;
    std::string token;
    int pages = 0;
    while (++pages < 20) {
      XmlNode page =
          v2("max-keys=1&delimiter=" + delimiter + (token.empty() ? "" : "&continuation-token=" + token));
      EXPECT_EQ(page.value("ContinuationToken"), token);
      EXPECT_EQ(page.value("KeyCount"), "1");
      seen += keys(page) + prefixes(page) + "|";
      token = page.value("NextContinuationToken");
      EXPECT_EQ(page.value("IsTruncated"), token.empty() ? "false" : "true");
      if (token.empty()) break;
    }
    EXPECT_EQ(seen,
              delimiter.empty() ? "a|b/1|b/2|c//d|c//e|d|z+%|\xC3\xA4 x|" : "a|b/|c/|d|z+%|\xC3\xA4 x|");
  }
}

TEST_F(Listing, MarkersGoOnBehindTheKeyOrItsWholePrefix) {
  fill({"a", "b/1", "b/2", "c", "d"});
  EXPECT_EQ(keys(v1("marker=b/1")), "b/2 c d");
  EXPECT_EQ(keys(v1("marker=b")), "b/1 b/2 c d");  // a marker needn't be a key
  EXPECT_EQ(prefixes(v1("marker=b/1&delimiter=/")), "");
  EXPECT_EQ(keys(v1("marker=b/&delimiter=/")), "c d");
  EXPECT_EQ(keys(v1("marker=zz")), "");
  XmlNode page = v1("max-keys=2&delimiter=/");
  EXPECT_EQ(page.value("NextMarker"), "b/");
  EXPECT_EQ(keys(v1("delimiter=/&marker=b/")), "c d");
  XmlNode plain = v1("max-keys=2");
  EXPECT_EQ(plain.child("NextMarker"), nullptr);
  EXPECT_EQ(plain.value("IsTruncated"), "true");
  ASSERT_NE(plain.child("Marker"), nullptr);
  EXPECT_EQ(keys(v2("start-after=b/2")), "c d");
  EXPECT_EQ(v2("start-after=b/2").value("StartAfter"), "b/2");
  EXPECT_EQ(keys(v2("start-after=a&continuation-token=" + make_token("c"))), "d");  // the token wins
}

TEST_F(Listing, LimitsAreChecked) {
  fill({"a", "b"});
  XmlNode none = v2("max-keys=0");
  EXPECT_EQ(keys(none), "");
  EXPECT_EQ(none.value("IsTruncated"), "false");
  EXPECT_EQ(none.value("MaxKeys"), "0");
  EXPECT_EQ(v1("max-keys=5000").value("MaxKeys"), "1000");
  EXPECT_EQ(v1("max-keys=").value("MaxKeys"), "1000");
  for (const char* bad :
       {"max-keys=-1", "max-keys=x", "max-keys=1x", "max-keys=9999999999", "encoding-type=base64",
        "list-type=2&continuation-token=", "list-type=2&continuation-token=abcd", "prefix=%ff"}) {
    EXPECT_EQ(ask("GET", std::string("/bucket-b?") + bad).code, "InvalidArgument") << bad;
  }
  EXPECT_EQ(ask("GET", "/bucket-b?max-keys=-1").fields["ArgumentName"], "max-keys");
}

TEST_F(Listing, EncodesKeysForWhoAsks) {
  fill({"a b+c%/\xC3\xA4", "x"});
  XmlNode node = v1("encoding-type=url&prefix=a+b&delimiter=%25");
  EXPECT_EQ(node.value("EncodingType"), "url");
  EXPECT_EQ(node.value("Prefix"), "a%20b");
  EXPECT_EQ(node.value("Delimiter"), "%25");
  EXPECT_EQ(prefixes(node), "a%20b%2Bc%25");
  EXPECT_EQ(keys(v1("encoding-type=url&max-keys=1")), "a%20b%2Bc%25/%C3%A4");
  EXPECT_EQ(keys(v1("max-keys=1")), "a b+c%/\xC3\xA4");
}

TEST_F(Listing, TokensAreOpaqueAndChecked) {
  for (const std::string& key : std::vector<std::string>{"a", "b/", "\xC3\xA4", std::string(1024, 'x')}) {
    EXPECT_EQ(read_token(make_token(key)), key);
  }
  std::string token = make_token("key");
  token[0] = token[0] == 'A' ? 'B' : 'A';
  EXPECT_EQ(read_token(token), std::nullopt);
  EXPECT_EQ(read_token("key"), std::nullopt);
  EXPECT_EQ(read_token(""), std::nullopt);
}

class ListingVersions : public Listing {
 protected:
  XmlNode list(const std::string& query) {
    return ask_xml("/bucket-b?versions&" + query, "ListVersionsResult");
  }
};

TEST_F(ListingVersions, NewestFirstWithMarkersOfDeletion) {
  version("b", store::Versioning::kEnabled);
  fill({"a", "a", "b/1"});
  ASSERT_EQ(ask("DELETE", "/bucket-b/a").status, 204);
  XmlNode node = list("");
  ASSERT_EQ(node.all("Version").size(), 3u);
  ASSERT_EQ(node.all("DeleteMarker").size(), 1u);
  EXPECT_EQ(node.child("DeleteMarker")->value("IsLatest"), "true");
  EXPECT_EQ(node.all("Version")[0]->value("IsLatest"), "false");
  EXPECT_EQ(node.all("Version")[2]->value("IsLatest"), "true");
  EXPECT_EQ(node.child("DeleteMarker")->child("Size"), nullptr);
  std::string order;
  for (const XmlNode& child : node.children) {
    if (child.child("VersionId") != nullptr) order += child.name.substr(0, 1) + child.value("Key") + " ";
  }
  EXPECT_EQ(order, "Da Va Va Vb/1 ");
  EXPECT_EQ(texts(list("delimiter=/"), "CommonPrefixes", "Prefix"), "b/");
}

TEST_F(ListingVersions, PagesOfOneSeeEachOnce) {
  version("b", store::Versioning::kEnabled);
  fill({"a", "a", "b", "c/1"});
  std::string key;
  std::string id;
  std::string seen;
  for (int pages = 0; pages < 10; ++pages) {
    XmlNode page = list("max-keys=1&delimiter=/" + (key.empty() ? "" : "&key-marker=" + key) +
                        (id.empty() ? "" : "&version-id-marker=" + id));
    seen += texts(page, "Version", "Key") + texts(page, "CommonPrefixes", "Prefix") + " ";
    EXPECT_EQ(page.value("KeyMarker"), key);
    EXPECT_EQ(page.value("VersionIdMarker"), id);
    if (page.value("IsTruncated") != "true") break;
    key = page.value("NextKeyMarker");
    id = page.value("NextVersionIdMarker");
  }
  EXPECT_EQ(seen, "a a b c/ ");
  EXPECT_EQ(ask("GET", "/bucket-b?versions&version-id-marker=x").code, "InvalidArgument");
  EXPECT_EQ(ask("GET", "/bucket-b?versions&key-marker=a&version-id-marker=").code, "InvalidArgument");
}

}  // namespace
}  // namespace tarn::aws::s3
