#include "doors/http/record_splitter.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace tarn::http {
namespace {

constexpr std::string_view kOversized = "<oversized>";

// Keeps views until the flush, as Intake does, so that a view that moved too early is seen.
class Collector : public RecordSink {
 public:
  Status record(std::string_view data) override {
    views.push_back(data);
    return {};
  }
  Status oversized() override {
    views.push_back(kOversized);
    return {};
  }
  Status flush() override {
    for (std::string_view v : views) records.emplace_back(v);
    views.clear();
    ++flushes;
    return {};
  }
  std::vector<std::string_view> views;
  std::vector<std::string> records;
  int flushes = 0;
};

std::vector<std::string> split(std::string_view text, size_t piece, size_t buffer, size_t limit = 1000) {
  Collector out;
  LineSplitter lines(out, buffer, limit);
  while (!text.empty()) {
    auto space = lines.space();
    size_t n = std::min({space.size(), piece, text.size()});
    std::memcpy(space.data(), text.data(), n);
    text.remove_prefix(n);
    EXPECT_TRUE(lines.added(n));
  }
  EXPECT_TRUE(lines.finish());
  EXPECT_TRUE(out.flush());
  return out.records;
}

using Records = std::vector<std::string>;

TEST(LineSplitter, GivesTheSameRecordsWhateverThePiecesAndTheBuffer) {
  std::string text =
      "\xEF\xBB\xBF{\"a\": 1}\r\n\n   \n\t\r\n{\"a\": 2}\n\n" + std::string(300, 'x') + "\r\nlast";
  Records expected = {"{\"a\": 1}", "{\"a\": 2}", std::string(300, 'x'), "last"};
  for (size_t piece = 1; piece < 40; ++piece)
    for (size_t buffer : {1, 16, 17, 64, 301, 302, 5000}) EXPECT_EQ(split(text, piece, buffer), expected);
}

TEST(LineSplitter, LeavesLongRecordsOutAndGoesOn) {
  std::string text = "a\n" + std::string(500, 'x') + "\nb\n" + std::string(100, 'y') + "\r\n" +
                     std::string(101, 'z') + "\n" + std::string(5000, 'w');
  Records expected = {"a",
                      std::string(kOversized),
                      "b",
                      std::string(100, 'y'),
                      std::string(kOversized),
                      std::string(kOversized)};
  for (size_t piece : {1, 7, 100, 6000})
    for (size_t buffer : {16, 100, 104, 128, 8192}) EXPECT_EQ(split(text, piece, buffer, 100), expected);
}

TEST(LineSplitter, KeepsBytesThatAreNotText) {
  std::string text("a\0b\nc\xFF\xFE\n\0\n", 9);
  EXPECT_EQ(split(text, 2, 16), (Records{std::string("a\0b", 3), "c\xFF\xFE", std::string("\0", 1)}));
}

TEST(LineSplitter, FindsNothingInBlankBodies) {
  EXPECT_TRUE(split("", 1, 16).empty());
  EXPECT_TRUE(split("\n\r\n  \n\t", 1, 16).empty());
  EXPECT_TRUE(split("\xEF\xBB\xBF", 1, 16).empty());
}

TEST(LineSplitter, FlushesWhenItsBufferIsFull) {
  Collector out;
  LineSplitter lines(out, 64, 1000);
  for (int i = 0; i < 64; ++i) {
    lines.space()[0] = i % 4 == 3 ? '\n' : 'a';
    ASSERT_TRUE(lines.added(1));
    EXPECT_EQ(out.flushes, i == 63 ? 1 : 0);
  }
  EXPECT_EQ(out.records.size(), 16u);
}

Result<Records> json(std::string text) {
  size_t size = text.size();
  text.append(kPaddingBytes, '\0');
  TARN_ASSIGN(auto views, split_json({text.data(), size}));
  return Records(views.begin(), views.end());
}

TEST(SplitJson, TakesArraysApart) {
  EXPECT_EQ(json(R"([{"a":1},{"b":[1,2,{"c":"],}"}]}])").value(),
            (Records{R"({"a":1})", R"({"b":[1,2,{"c":"],}"}]})"}));
  EXPECT_EQ(json("\xEF\xBB\xBF [ \n {\n \"a\" : 1\n } , 2 ,\"x\", null ,[1]\n]\n").value(),
            (Records{"{\n \"a\" : 1\n }", "2", "\"x\"", "null", "[1]"}));
  EXPECT_TRUE(json("[]").value().empty());
  EXPECT_TRUE(json(" \n").value().empty());
}

TEST(SplitJson, TakesOneObject) {
  EXPECT_EQ(json("  {\"a\":\n 1}\n").value(), Records{"{\"a\":\n 1}"});
}

TEST(SplitJson, TakesLinesThatCameAsJson) {
  EXPECT_EQ(json("{\"a\":1}\n{\"a\":2}\r\n\n{broken\n").value(),
            (Records{"{\"a\":1}", "{\"a\":2}", "{broken"}));
}

TEST(SplitJson, KeepsElementsWhoseInsideIsWrong) {
  EXPECT_EQ(json(R"([{"a":tru},{"c":1,"b" 2},{"c":1}])").value(),
            (Records{R"({"a":tru})", R"({"c":1,"b" 2})", R"({"c":1})"}));
}

TEST(SplitJson, RefusesWhatCannotBeTakenApart) {
  for (std::string_view text : {"hello", "1", "[1,2", "[1 2]", "[1,]", "[,1]", "{\"a\":1",
                                "{\"a\":1} {\"b\":2}", "{\"a\":\n1}\n{\"b\":2}", "[1] [2]", "[1]x", "\"x\"",
                                "[\"\xFF\"]", "{\"a\":\"x}", "[{\"a\":1}}", "[{]}", "]", "[nul]x"}) {
    auto records = json(std::string(text));
    ASSERT_FALSE(records) << text;
    EXPECT_EQ(records.error().code, Code::kInvalid);
  }
  EXPECT_TRUE(json("[1,2,").error().message.contains("NDJSON"));
}

TEST(SplitJson, GoesDeepWithoutTrouble) {
  std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  auto records = json("[" + deep + "]");
  EXPECT_TRUE(!records || records.value() == Records{deep});
  records = json("[" + std::string(100'000, '['));
  EXPECT_FALSE(records);
}

}  // namespace
}  // namespace tarn::http
