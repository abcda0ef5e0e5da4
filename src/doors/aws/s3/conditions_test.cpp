// Conditions, ranges and dates: pure functions, by tables and against an oracle.
#include "doors/aws/s3/conditions.h"

#include <gtest/gtest.h>

#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {
namespace {

constexpr Timestamp kModified{1'790'000'000'500'000};  // Mon, 21 Sep 2026 14:13:20 GMT, and a half
const std::string kSame = "Mon, 21 Sep 2026 14:13:20 GMT";
const std::string kBefore = "Mon, 21 Sep 2026 14:13:19 GMT";
const std::string kAfter = "Mon, 21 Sep 2026 14:13:21 GMT";
constexpr Timestamp kNow{1'790'000'100'000'000};

using Kind = ConditionOutcome::Kind;

TEST(Range, HasEveryFormOfOne) {
  struct Case {
    std::string text;
    uint64_t size;
    Range::Kind kind;
    uint64_t begin, length;
  };
  using enum Range::Kind;
  const Case cases[] = {
      {"bytes=0-0", 10, kPart, 0, 1},
      {"bytes=0-9", 10, kPart, 0, 10},
      {"bytes=2-5", 10, kPart, 2, 4},
      {"bytes=9-9", 10, kPart, 9, 1},
      {"bytes=3-", 10, kPart, 3, 7},
      {"bytes=0-", 10, kPart, 0, 10},
      {"bytes=-1", 10, kPart, 9, 1},
      {"bytes=-10", 10, kPart, 0, 10},
      {"bytes=-11", 10, kPart, 0, 10},
      {"bytes=5-100", 10, kPart, 5, 5},
      {"bytes=10-", 10, kUnsatisfiable, 0, 0},
      {"bytes=10-20", 10, kUnsatisfiable, 0, 0},
      {"bytes=-0", 10, kUnsatisfiable, 0, 0},
      {"bytes=0-", 0, kUnsatisfiable, 0, 0},
      {"bytes=-5", 0, kUnsatisfiable, 0, 0},
      {"bytes=0-0", 0, kUnsatisfiable, 0, 0},
      {"bytes=5-2", 10, kWhole, 0, 10},
      {"bytes=", 10, kWhole, 0, 10},
      {"bytes=-", 10, kWhole, 0, 10},
      {"bytes=a-b", 10, kWhole, 0, 10},
      {"bytes=1-2,4-5", 10, kWhole, 0, 10},
      {"bytes=1", 10, kWhole, 0, 10},
      {"lines=1-2", 10, kWhole, 0, 10},
      {"bytes 1-2", 10, kWhole, 0, 10},
      {"bytes=--1", 10, kWhole, 0, 10},
      {"", 10, kWhole, 0, 10},
      {"bytes=0-99999999999999999999999", 10, kPart, 0, 10},
      {"bytes=99999999999999999999999-", 10, kUnsatisfiable, 0, 0},
      {"bytes=-99999999999999999999999", 10, kPart, 0, 10},
  };
  for (const Case& c : cases) {
    Range range = parse_range(c.text, c.size);
    EXPECT_EQ(range.kind, c.kind) << c.text << " of " << c.size;
    EXPECT_EQ(range.begin, c.begin) << c.text;
    EXPECT_EQ(range.length, c.length) << c.text;
  }
}

TEST(Range, OfAPartCopyNeedsBothEnds) {
  auto range = parse_closed_range("bytes=3-7");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 3u);
  EXPECT_EQ(range->last, 7u);
  for (const char* text : {"bytes=3-", "bytes=-3", "bytes=7-3", "3-7", "bytes=0-1,2-3", ""}) {
    EXPECT_FALSE(parse_closed_range(text)) << text;
  }
}

TEST(Conditions, KnowETagsInLists) {
  EXPECT_TRUE(etag_in_list("\"abc\"", "abc"));
  EXPECT_TRUE(etag_in_list("abc", "abc"));
  EXPECT_TRUE(etag_in_list("\"x\", \"abc\"", "abc"));
  EXPECT_TRUE(etag_in_list("W/\"abc\"", "abc"));
  EXPECT_TRUE(etag_in_list("*", "abc"));
  EXPECT_FALSE(etag_in_list("\"ab\"", "abc"));
  EXPECT_FALSE(etag_in_list("", "abc"));
}

// Each of the four headers absent, holding or failing: 81 cases against S3's four sentences.
TEST(Conditions, InEveryCombination) {
  const std::string etags[] = {"", "\"abc\"", "\"other\""};
  const std::string dates[] = {"", kBefore, kSame};
  for (int match = 0; match < 3; ++match) {
    for (int none = 0; none < 3; ++none) {
      for (int modified = 0; modified < 3; ++modified) {
        for (int unmodified = 0; unmodified < 3; ++unmodified) {
          ConditionOutcome got = check_conditions(
              {etags[match], etags[none], dates[modified], dates[unmodified]}, "abc", kModified, kNow);
          Kind expected = Kind::kHolds;
          if (match == 2 || (match == 0 && unmodified == 1)) {
            expected = Kind::kFailed;
          } else if (none == 1 || (none == 0 && modified == 2)) {
            expected = Kind::kNotModified;
          }
          EXPECT_EQ(got.kind, expected) << match << none << modified << unmodified;
        }
      }
    }
  }
}

TEST(Conditions, NameTheHeaderThatDecided) {
  EXPECT_EQ(check_conditions({"x", "", "", ""}, "abc", kModified, kNow).condition, "If-Match");
  EXPECT_EQ(check_conditions({"", "", "", kBefore}, "abc", kModified, kNow).condition, "If-Unmodified-Since");
}

TEST(Conditions, LeaveOutDatesThatAreNone) {
  EXPECT_EQ(check_conditions({"", "", "yesterday", ""}, "abc", kModified, kNow).kind, Kind::kHolds);
  EXPECT_EQ(check_conditions({"", "", "", "yesterday"}, "abc", kModified, kNow).kind, Kind::kHolds);
  EXPECT_EQ(check_conditions({"", "", kAfter, ""}, "abc", kModified, kNow).kind, Kind::kNotModified);
  // Later than now.
  EXPECT_EQ(check_conditions({"", "", "Mon, 21 Sep 2037 14:13:20 GMT", ""}, "abc", kModified, kNow).kind,
            Kind::kHolds);
}

TEST(Dates, AreWrittenAsHttpAndXmlHaveThem) {
  EXPECT_EQ(http_date(kModified), kSame);
  EXPECT_EQ(iso_date(kModified), "2026-09-21T14:13:20.500Z");
  EXPECT_EQ(http_date({0}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(iso_date({-1}), "1969-12-31T23:59:59.999Z");
}

TEST(Dates, AreReadInHttpsThreeForms) {
  Timestamp expected{784'111'777'000'000};
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  for (const char* text :
       {"", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "06 Nov 1994", "x"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(Tags, AreReadFromHeaders) {
  auto tags = tags_of_header("a=b&c%20d=e+f&g");
  ASSERT_TRUE(tags);
  EXPECT_EQ(*tags, (Tags{{"a", "b"}, {"c d", "e f"}, {"g", ""}}));
  EXPECT_EQ(tags_of_header("")->size(), 0u);
  const std::pair<std::string, std::string> bad[] = {
      {"a=1&a=2", "InvalidArgument"},
      {"=1", "InvalidArgument"},
      {"a=%zz", "InvalidArgument"},
      {"a=" + std::string(257, 'x'), "InvalidTag"},
      {std::string(129, 'k') + "=1", "InvalidTag"},
      {"a=%7B", "InvalidTag"},
      {"aws:x=1", "InvalidTag"},
      {"a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11", "BadRequest"},
  };
  for (const auto& [text, code] : bad) {
    auto refused = tags_of_header(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, code) << text;
  }
}

TEST(Tags, GoThroughXmlAndBack) {
  Tags tags{{"a", "b"}, {"x y", "<&>"}};
  tags["x y"] = "1 = 2";
  auto back = tags_of_xml(tags_to_xml(tags), 10);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, tags);
  EXPECT_EQ(tags_of_xml("<Tagging/>", 10).error().code, "MalformedXML");
  EXPECT_EQ(tags_of_xml("<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", 10).error().code,
            "MalformedXML");
  EXPECT_EQ(
      tags_of_xml("<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag><Tag><Key>a</Key><Value/></Tag></TagSet>"
                  "</Tagging>",
                  10)
          .error()
          .code,
      "InvalidTag");
}

TEST(Checksums, HaveTheirNames) {
  EXPECT_EQ(checksum_header(store::Algorithm::kCrc64nvme), "x-amz-checksum-crc64nvme");
  EXPECT_EQ(checksum_element(store::Algorithm::kSha256), "ChecksumSHA256");
  EXPECT_EQ(checksum_text({store::Algorithm::kCrc32, "\x36\x10\xa6\x86", true}, 0), "NhCmhg==");
  EXPECT_EQ(checksum_text({store::Algorithm::kCrc32, "\x36\x10\xa6\x86", false}, 3), "NhCmhg==-3");
}

}  // namespace
}  // namespace tarn::aws::s3
