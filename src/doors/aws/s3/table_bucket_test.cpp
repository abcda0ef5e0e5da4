// The bucket of the lake's tables: whole tables for who may read them whole, nothing for others, no writes.
#include "access/grants.h"
#include "doors/aws/s3/door_world_for_test.h"
#include "doors/aws/s3/table_files.h"

namespace tarn::aws::s3 {
namespace {

class TableBucket : public DoorWorld {
 protected:
  TableBucket() {
    clicks_ = make("raw.clicks");
    cards_ = make("raw.cards");
    users_ = make("web.users");
    put_file(clicks_ + "/data/a.parquet", "0123456789");
    put_file(cards_ + "/data/b.parquet", "secret");
    std::string arn = access::table_arn("raw", "clicks");
    analyst_ =
        new_user("analyst", R"({"Effect": "Allow", "Action": "tarn:Select", "Resource": ")" + arn + "\"}");
    stranger_ = new_user("stranger", allows("s3:*", "*"));  // all of S3 is no right to a table
  }
  std::string make(const std::string& name) {
    lake::TableSpec spec;
    spec.schema.fields.push_back({0, "a", columns::parse_type("BIGINT").value(), false, ""});
    auto table = catalog_->create(lake::TableName::parse(name).value(), spec).value();
    return store::Uri::parse(table->location)->key;
  }
  void put_file(const std::string& key, const std::string& bytes) {
    store_->put({"lake", key}, bytes).value();
  }
  std::string keys(const std::string& query, const std::string& as) {
    Told told = ask("GET", "/lake?list-type=2&" + query, "", {}, as);
    if (told.status != 200) return told.code;
    auto node = parse_xml(told.body, "ListBucketResult");
    return texts(*node, "Contents", "Key") + "|" + texts(*node, "CommonPrefixes", "Prefix");
  }

  std::string clicks_, cards_, users_;
  std::string analyst_, stranger_;
};

TEST(TableOfKey, ReadsTheCatalogsNames) {
  auto name = [](const std::string& key) {
    auto found = table_of_key(key);
    return found ? found->str() : "none";
  };
  EXPECT_EQ(name("raw/clicks-0123abcd/data/x"), "raw.clicks");
  EXPECT_EQ(name("raw/my-clicks-0123abcd/x"), "raw.my-clicks");
  for (const char* key : {"", "raw", "raw/", "raw/clicks", "raw/clicks-0123abcd", "raw/clicks-0123abcd/",
                          "raw/clicks-0123ABCD/x", "raw/-0123abcd/x", "/clicks-0123abcd/x", "raw/clicks/x"}) {
    EXPECT_EQ(name(key), "none") << key;
  }
}

TEST_F(TableBucket, FilesAreReadLikeObjects) {
  std::string target = "/lake/" + clicks_ + "/data/a.parquet";
  Told told = ask("GET", target, "", {}, analyst_);
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.body, "0123456789");
  std::string etag = told.header("etag");
  EXPECT_EQ(etag.size(), 36u);
  EXPECT_TRUE(etag.ends_with("-1\""));
  Told range = ask("GET", target, "", {{"Range", "bytes=2-4"}}, analyst_);
  EXPECT_EQ(range.status, 206);
  EXPECT_EQ(range.body, "234");
  EXPECT_EQ(range.header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(ask("GET", target, "", {{"Range", "bytes=20-"}}, analyst_).status, 416);
  EXPECT_EQ(ask("GET", target, "", {{"If-None-Match", etag}}, analyst_).status, 304);
  Told head = ask("HEAD", target, "", {}, analyst_);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.length, 10u);
  EXPECT_EQ(ask("GET", "/lake/" + clicks_ + "/data/none", "", {}, analyst_).code, "NoSuchKey");
  put_file(clicks_ + "/data/empty", "");
  EXPECT_EQ(ask("GET", "/lake/" + clicks_ + "/data/empty", "", {}, analyst_).body, "");
}

TEST_F(TableBucket, NobodyReadsWhatNoGrantGives) {
  std::string target = "/lake/" + cards_ + "/data/b.parquet";
  for (const std::string& who : {analyst_, stranger_, std::string()}) {
    EXPECT_EQ(ask("GET", target, "", {}, who).code, "AccessDenied");
    EXPECT_EQ(ask("HEAD", target, "", {}, who).status, 403);
    EXPECT_EQ(ask("GET", "/lake/raw/nothing-0123abcd/x", "", {}, who).code, "AccessDenied");
  }
  EXPECT_EQ(ask("GET", target).body, "secret");  // root
  EXPECT_EQ(ask("GET", "/lake", "", {}, stranger_).code, "AccessDenied");
  EXPECT_EQ(ask("GET", "/lake/raw", "", {}, stranger_).code, "AccessDenied");
  EXPECT_EQ(ask("GET", "/lake/raw", "", {}, analyst_).code, "NoSuchKey");  // engines look for folders
  // A right by another spelling, or over a way out of the table, is none.
  EXPECT_EQ(ask("GET", "/lake/" + clicks_ + "/../" + cards_ + "/data/b.parquet", "", {}, analyst_).status,
            404);
  std::string other = clicks_;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_EQ(ask("GET", "/lake/" + other + "/data/a.parquet", "", {}, analyst_).code, "NoSuchKey");
}

TEST_F(TableBucket, DroppedTablesAreClosed) {
  std::string target = "/lake/" + clicks_ + "/data/a.parquet";
  catalog_->drop(lake::TableName::parse("raw.clicks").value()).value();
  EXPECT_EQ(ask("GET", target, "", {}, analyst_).status, 404);
  EXPECT_EQ(keys("prefix=raw/clicks", analyst_), "AccessDenied");
}

TEST_F(TableBucket, ListingsShowOnlyReadableTables) {
  std::string mine = keys("", analyst_);
  EXPECT_TRUE(mine.contains(clicks_ + "/data/a.parquet"));
  EXPECT_TRUE(mine.contains(clicks_ + "/metadata/"));
  EXPECT_FALSE(mine.contains("cards"));
  EXPECT_FALSE(mine.contains("users"));
  EXPECT_EQ(keys("delimiter=/", analyst_), "|raw/");
  EXPECT_EQ(keys("delimiter=/"
                 "&prefix=raw/",
                 analyst_),
            "|" + clicks_ + "/");
  EXPECT_EQ(keys("delimiter=/&prefix=" + clicks_ + "/", analyst_),
            "|" + clicks_ + "/data/ " + clicks_ + "/metadata/");
  EXPECT_EQ(keys("prefix=" + cards_, analyst_), "|");
  EXPECT_EQ(keys("delimiter=/", root_login_), "|raw/ web/");
  EXPECT_EQ(keys("delimiter=/&prefix=raw/", root_login_), "|" + cards_ + "/ " + clicks_ + "/");
  EXPECT_EQ(keys("max-keys=0", root_login_), "|");
}

TEST_F(TableBucket, PagesOfOneSeeEachOnce) {
  put_file(clicks_ + "/data/p=1/x", "1");
  put_file(clicks_ + "/data/p=1/y", "1");
  put_file(clicks_ + "/data/z", "1");
  for (const std::string& query :
       {std::string(), std::string("&delimiter=/"), "&delimiter=/&prefix=" + clicks_ + "/data/",
        std::string("&delimiter=/&prefix=raw/")}) {
    Told whole = ask("GET", "/lake?list-type=2" + query);
    auto all = parse_xml(whole.body, "ListBucketResult");
    size_t expected = all->all("Contents").size() + all->all("CommonPrefixes").size();
    EXPECT_EQ(all->value("IsTruncated"), "false");
    std::set<std::string> seen;
    std::string token;
    size_t pages = 0;
    while (++pages < 50) {
      Told told = ask("GET", "/lake?list-type=2&max-keys=1" + query +
                                 (token.empty() ? "" : "&continuation-token=" + token));
      auto page = parse_xml(told.body, "ListBucketResult");
      seen.insert(texts(*page, "Contents", "Key") + texts(*page, "CommonPrefixes", "Prefix"));
      token = page->value("NextContinuationToken");
      if (token.empty()) break;
    }
    EXPECT_EQ(seen.size(), expected) << query;
    EXPECT_EQ(pages, expected) << query;
  }
}

TEST_F(TableBucket, NobodyWrites) {
  for (const auto& [method, target] : std::initializer_list<std::pair<const char*, std::string>>{
           {"PUT", "/lake"},
           {"PUT", "/lake/x"},
           {"PUT", "/lake/" + clicks_ + "/data/a.parquet"},
           {"DELETE", "/lake/" + clicks_ + "/data/a.parquet"},
           {"DELETE", "/lake"},
           {"POST", "/lake?delete"},
           {"POST", "/lake/x?uploads"},
           {"PUT", "/lake?policy"}}) {
    Told told = ask(method, target, "x");
    EXPECT_EQ(told.status, 403) << target;
    EXPECT_TRUE(told.message.contains("the lake writes its tables itself")) << target;
  }
  EXPECT_EQ(
      ask("PUT", "/bucket-b/x", "", {{"x-amz-copy-source", "lake/" + clicks_ + "/data/a.parquet"}}).status,
      501);
  EXPECT_EQ(store_->get({"lake", clicks_ + "/data/a.parquet"}).value(), "0123456789");
}

TEST_F(TableBucket, AnswersWhatEnginesAskOfABucket) {
  EXPECT_EQ(ask("HEAD", "/lake", "", {}, analyst_).status, 200);
  EXPECT_EQ(ask("HEAD", "/lake", "", {}, stranger_).status, 403);
  EXPECT_EQ(ask("GET", "/lake?location", "", {}, analyst_).status, 200);
  EXPECT_EQ(ask("GET", "/lake?versioning", "", {}, analyst_).status, 200);
  EXPECT_EQ(ask("GET", "/lake?acl", "", {}, analyst_).status, 501);
}

}  // namespace
}  // namespace tarn::aws::s3
