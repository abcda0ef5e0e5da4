#include "columns/csv.h"

#include <gtest/gtest.h>

namespace tarn::columns {
namespace {

struct Read {
  std::vector<std::string> records;
  std::vector<std::string> bad;  // "line: row: reason"
  Status status;
};

Read read(std::string_view text, size_t step = std::string_view::npos, char separator = ',',
          size_t max = 1 << 20) {
  Read read;
  CsvReader reader(
      {[&](std::string_view record) -> Status {
         read.records.emplace_back(record);
         return {};
       },
       [&](uint64_t line, std::string_view row, std::string_view reason) -> Status {
         read.bad.push_back(std::to_string(line) + ": " + std::string(row) + ": " + std::string(reason));
         return {};
       }},
      max, separator);
  while (!text.empty() && read.status) {
    read.status = reader.feed(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
  }
  if (read.status) read.status = reader.finish();
  return read;
}

using Records = std::vector<std::string>;

TEST(Csv, MakesAnObjectOfEachRow) {
  Read r = read("id,name\n1,Ada\n2,\"Grace, H.\"\n");
  ASSERT_TRUE(r.status);
  EXPECT_EQ(r.records, (Records{R"({"id":1,"name":"Ada"})", R"({"id":2,"name":"Grace, H."})"}));
  EXPECT_TRUE(r.bad.empty());
}

TEST(Csv, WritesNumbersAndBooleansAsTheyAre) {
  Read r = read(
      "v\n0\n-1.50\n1e5\n007\n+1\n.5\nNaN\ntrue\nfalse\nTRUE\n\"12\"\n123456789012345678901234567890\n- \n");
  EXPECT_EQ(r.records,
            (Records{R"({"v":0})", R"({"v":-1.50})", R"({"v":1e5})", R"({"v":"007"})", R"({"v":"+1"})",
                     R"({"v":".5"})", R"({"v":"NaN"})", R"({"v":true})", R"({"v":false})", R"({"v":"TRUE"})",
                     R"({"v":12})", R"({"v":123456789012345678901234567890})", R"({"v":"- "})"}));
}

TEST(Csv, LeavesEmptyValuesOutUnlessQuoted) {
  Read r = read("a,b,c\n,,\n1,,\"\"\n,x,\n");
  EXPECT_EQ(r.records, (Records{"{}", R"({"a":1,"c":""})", R"({"b":"x"})"}));
}

TEST(Csv, TakesQuotesNewlinesAndEveryLineEnd) {
  Read r = read("a,b\r\n\"say \"\"hi\"\"\",\"two\r\nlines\"\r\n\r\n1,2\r3,4");
  ASSERT_TRUE(r.status);
  EXPECT_EQ(r.records,
            (Records{R"({"a":"say \"hi\"","b":"two\r\nlines"})", R"({"a":1,"b":2})", R"({"a":3,"b":4})"}));
}

TEST(Csv, EscapesForJson) {
  Read r = read("k\"ey\nback\\slash\ttab\x01 end\n");
  EXPECT_EQ(r.records, (Records{R"({"k\"ey":"back\\slash\ttab\u0001 end"})"}));
  Read invalid = read("a\n\xff\xc3\n");
  EXPECT_EQ(invalid.records, (Records{"{\"a\":\"\xff\xc3\"}"}));
  std::string nul("a\nx\0y\n", 6);
  EXPECT_EQ(read(nul).records, (Records{R"({"a":"x\u0000y"})"}));
}

TEST(Csv, SkipsAByteOrderMarkAndNamesUtf16) {
  for (size_t step : {1u, 2u, 100u}) {
    EXPECT_EQ(read("\xef\xbb\xbf"
                   "a\n1\n",
                   step)
                  .records,
              (Records{R"({"a":1})"}));
    EXPECT_EQ(read("\xef\xbb"
                   "a\n1\n",
                   step)
                  .records,
              (Records{"{\"\xef\xbb"
                       "a\":1}"}));
    Read utf16 = read(std::string_view("\xff\xfe"
                                       "a\0",
                                       4),
                      step);
    ASSERT_FALSE(utf16.status);
    EXPECT_NE(utf16.status.error().message.find("UTF-16"), std::string::npos);
  }
}

TEST(Csv, ReportsRowsOfAnotherWidthWithTheirLine) {
  Read r = read("a,b\n1,2\n3\n\"x\ny\",5,6\n7,8\n");
  ASSERT_TRUE(r.status);
  EXPECT_EQ(r.records, (Records{R"({"a":1,"b":2})", R"({"a":7,"b":8})"}));
  EXPECT_EQ(r.bad, (Records{"3: 3: the row has 1 value, the header 2",
                            "4: \"x\ny\",5,6: the row has 3 values, the header 2"}));
}

TEST(Csv, ReportsTextBehindAClosingQuote) {
  Read r = read("a,b\n\"x\"y,1\nab\"c,2\n");
  ASSERT_TRUE(r.status);
  ASSERT_EQ(r.bad.size(), 1u);
  EXPECT_EQ(r.bad[0].substr(0, 11), "2: \"x\"y,1: ");
  EXPECT_EQ(r.records, (Records{R"({"a":"ab\"c","b":2})"}));
}

TEST(Csv, RefusesHeadersThatNameNoColumns) {
  Read twice = read("a,b,a\n1,2,3\n");
  ASSERT_FALSE(twice.status);
  EXPECT_EQ(twice.status.error().code, Code::kInvalid);
  EXPECT_NE(twice.status.error().message.find("\"a\""), std::string::npos);
  Read empty = read("a,,c\n");
  ASSERT_FALSE(empty.status);
  EXPECT_EQ(empty.status.error().code, Code::kInvalid);
  EXPECT_NE(empty.status.error().message.find("column 2"), std::string::npos);
  EXPECT_TRUE(read("a,A\n1,2\n").status);
}

TEST(Csv, RefusesAnUnclosedQuoteAtTheEnd) {
  Read r = read("a\n1\n\"open\n2\n");
  ASSERT_FALSE(r.status);
  EXPECT_EQ(r.status.error().code, Code::kInvalid);
  EXPECT_NE(r.status.error().message.find("line 3"), std::string::npos);
  EXPECT_EQ(r.records.size(), 1u);
}

TEST(Csv, RefusesRowsOverTheLimit) {
  std::string text = "a\n" + std::string(50, 'x') + "\n" + std::string(51, 'y') + "\n";
  for (size_t step : {1u, 7u, 1000u}) {
    Read r = read(text, step, ',', 50);
    ASSERT_FALSE(r.status);
    EXPECT_EQ(r.status.error().code, Code::kTooLarge);
    EXPECT_NE(r.status.error().message.find("line 3"), std::string::npos);
    EXPECT_EQ(r.records.size(), 1u);
  }
}

TEST(Csv, KeepsNoMoreValuesThanTheHeaderHas) {
  Read r = read("a,b\n1,2,3,4,5,6\n\"\",8\n9,10,\n");
  EXPECT_EQ(r.records, (Records{R"({"a":"","b":8})"}));
  EXPECT_EQ(r.bad.size(), 2u);
}

TEST(Csv, ReadsTheSameInAnySplit) {
  std::string_view text =
      "\xef\xbb\xbfid,\"na\"\"me\",v\r\n1,\"a\r\n\"\"b\"\"\",true\r\n\r\n2,,\n\"bad\"x,1,2\r3,4\n5,é,6";
  Read whole = read(text);
  ASSERT_TRUE(whole.status);
  EXPECT_EQ(whole.records.size(), 3u);
  EXPECT_EQ(whole.bad.size(), 2u);
  for (size_t step = 1; step < text.size(); ++step) {
    Read split = read(text, step);
    EXPECT_EQ(split.records, whole.records) << step;
    EXPECT_EQ(split.bad, whole.bad) << step;
  }
}

TEST(Csv, TakesOtherSeparators) {
  EXPECT_EQ(read("a;b\n1,5;2\n", 1, ';').records, (Records{R"({"a":"1,5","b":2})"}));
  EXPECT_EQ(read("a\tb\n1\t2\n", 1, '\t').records, (Records{R"({"a":1,"b":2})"}));
}

TEST(Csv, HasNoRecordsInNothing) {
  for (auto text : {"", "\n\n", "a,b\n", "a,b", "\xef\xbb\xbf"}) {
    Read r = read(text);
    EXPECT_TRUE(r.status) << text;
    EXPECT_TRUE(r.records.empty()) << text;
  }
}

TEST(Csv, PassesTheSinksErrorOn) {
  CsvReader reader({[](std::string_view) { return fail(Code::kBusy, "wait"); },
                    [](uint64_t, std::string_view, std::string_view) { return Status(); }},
                   1000);
  Status status = reader.feed("a\n1\n");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kBusy);
}

}  // namespace
}  // namespace tarn::columns
