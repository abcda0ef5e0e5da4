// The verdict on records: what is one JSON object, and what is said of what isn't.
#include "columns/json_check.h"

#include <random>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "columns/record_reader.h"
#include "columns/shred_for_test.h"

namespace tarn::columns {
namespace {

using testing::HandMadeFrame;

// The fault of each record, "" for a good one, as they stand together in one frame.
std::vector<std::string> faults(const std::vector<std::string>& records, int depth_max = 128) {
  HandMadeFrame frame(records);
  RecordReader reader(depth_max);
  reader.open(frame.view());
  std::vector<std::string> result;
  while (reader.next()) result.push_back(reader.is_object() ? "" : reader.fault());
  return result;
}

std::string fault(const std::string& record, int depth_max = 128) {
  auto all = faults({record}, depth_max);
  EXPECT_EQ(all.size(), 1u);
  return all.at(0);
}

TEST(JsonCheck, TakesObjectsOfAnyShape) {
  for (const char* good : {R"({})", R"( {} )", "\t{\r\n} \n", R"({"a":1})", R"({ "a" : -0.5e+10 , "b":[ ] })",
                           R"({"a":{"b":[{},[],[[{"c":null}]],true,false,"x"]}})", R"({"":""})",
                           R"({"a\"b\\":"\\\"\/\b\f\n\r\t"})", R"({"a":"\u00e9\ud83d\ude00"})",
                           R"({"a":123456789012345678901234567890,"b":1e999,"c":-1e-999})", "{\"a\\n\":1}",
                           R"({"a":"é😀"})", "{\"a\"\n:\n1\n}", R"({"a":0,"b":-0,"c":0.0,"d":0e0})"}) {
    EXPECT_EQ(fault(good), "") << good;
  }
}

TEST(JsonCheck, SaysWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not a JSON object: the record is empty"},
      {"  \n ", "not a JSON object: the record is empty"},
      {"[1]", "not a JSON object at byte 0"},
      {" 12", "not a JSON object at byte 1"},
      {"hello", "not a JSON object at byte 0"},
      {"{", "the record ends too early at byte 1"},
      {R"({"a")", "the record ends too early at byte 4"},
      {R"({"a":)", "the record ends too early at byte 5"},
      {R"({"a":1)", "the record ends too early at byte 6"},
      {R"({"a":"b")", "the record ends too early at byte 8"},
      {R"({"a":1,)", "the record ends too early at byte 7"},
      {R"({"a":{)", "the record ends too early at byte 6"},
      {R"({"a":[1)", "the record ends too early at byte 7"},
      {R"({"a":{"b":1})", "the record ends too early at byte 12"},
      {R"({"a":1,})", "expected a field's name in quotes at byte 7"},
      {R"({a:1})", "expected a field's name in quotes at byte 1"},
      {R"({"a" 1})", "expected ':' at byte 5"},
      {R"({"a"1})", "expected ':' at byte 4"},
      {R"({"a":})", "expected a value at byte 5"},
      {R"({"a":,})", "expected a value at byte 5"},
      {R"({"a":'b'})", "expected a value at byte 5"},
      {R"({"a":1 "b":2})", "expected ',' or '}' at byte 7"},
      {R"({"a":1:2})", "expected ',' or '}' at byte 6"},
      {R"({"a":"b""c"})", "expected ',' or '}' at byte 8"},
      {R"({"a":"b"c})", "expected ',' or '}' at byte 8"},
      {R"({"a":[1 2]})", "expected ',' or ']' at byte 8"},
      {R"({"a":[1}})", "expected ',' or ']' at byte 7"},
      {R"({"a":{"b":1]})", "expected ',' or '}' at byte 11"},
      {R"({"a":[1,]})", "expected a value at byte 8"},
      {R"({"a":{,}})", "expected a field's name in quotes at byte 6"},
      {R"({"a":tru})", "unknown word at byte 5"},
      {R"({"a":truex})", "unknown word at byte 5"},
      {R"({"a":nul})", "unknown word at byte 5"},
      {R"({"a":false"b"})", "unknown word at byte 5"},
      {R"({"a":NaN})", "expected a value at byte 5"},
      {R"({"a":01})", "malformed number at byte 5"},
      {R"({"a":-})", "malformed number at byte 5"},
      {R"({"a":1.})", "malformed number at byte 5"},
      {R"({"a":.5})", "expected a value at byte 5"},
      {R"({"a":1e})", "malformed number at byte 5"},
      {R"({"a":+1})", "expected a value at byte 5"},
      {R"({"a":1x})", "malformed number at byte 5"},
      {R"({"a":0x10})", "malformed number at byte 5"},
      {R"({"a":1"b"})", "malformed number at byte 5"},
      {R"({"a":1}})", "something follows the object at byte 7"},
      {R"({"a":1} x)", "something follows the object at byte 8"},
      {"{\"a\":1}\n{\"b\":2}", "something follows the object at byte 8"},
      {R"({} {})", "something follows the object at byte 3"},
      {R"({"a":"\q"})", "malformed escape in a string, from the backslash at byte 6"},
      {R"({"a":"\u12g4"})", "malformed escape in a string, from the backslash at byte 6"},
      {R"({"a":"x\ud800"})", "malformed escape in a string, from the backslash at byte 7"},
      {R"({"a":"\udc00"})", "malformed escape in a string, from the backslash at byte 6"},
      {R"({"\x":1})", "malformed escape in a string, from the backslash at byte 2"},
      {R"({"a":1\})", "malformed number at byte 5"},
      {R"({"a":"b)", "a string without end, opened at byte 5"},
      {R"({"a":"b\")", "a string without end, opened at byte 5"},
      {R"({"a":"b\)", "a string without end, opened at byte 5"},
      {"{\"a\":\"b\nc\"}", "control character in a string at byte 7"},
      {"{\"a\":\"\\\n\"}", "control character in a string at byte 7"},
      {std::string("{\"a\":\"b\0c\"}", 11), "control character in a string at byte 7"},
      {std::string("{\"a\":1\0}", 8), "malformed number at byte 5"},
      {std::string("{\"a\":\0}", 7), "expected a value at byte 5"},
      {std::string("\0", 1), "not a JSON object at byte 0"},
      {"{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":\"\xc3\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":\"\xc0\x80\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":1,\"b\xe2\x82", "invalid UTF-8 at byte 9"},
  };
  std::vector<std::string> together;
  for (const auto& [record, reason] : cases) {
    EXPECT_EQ(fault(record), reason) << record;
    // The neighbours are unharmed, whatever it is.
    auto among = faults({R"({"x":"\"1"})", record, R"({"x":[2]})"});
    EXPECT_EQ(among, (std::vector<std::string>{"", reason, ""})) << record;
    together.push_back(record);
  }
  auto all = faults(together);
  for (size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(all[i], cases[i].second) << together[i];
}

TEST(JsonCheck, CountsDepthFromTheRecordItself) {
  auto nested = [](int levels) {  // of arrays, inside the record
    return "{\"a\":" + std::string(levels, '[') + std::string(levels, ']') + "}";
  };
  EXPECT_EQ(fault(nested(127)), "");
  EXPECT_EQ(fault(nested(128)), "nested too deeply at byte 132");
  EXPECT_EQ(fault(nested(200)), "nested too deeply at byte 132");
  EXPECT_EQ(fault(nested(100'000)), "nested too deeply at byte 132");
  EXPECT_EQ(fault(nested(200), 201), "");
  EXPECT_EQ(fault(R"({"a":{}})", 1), "nested too deeply at byte 5");
  EXPECT_EQ(fault(R"({"a":1})", 1), "");
}

TEST(JsonCheck, FindsTheFieldsOfManyRecordsInOneBatch) {
  std::vector<std::string> records;
  for (int i = 0; i < 5000; ++i)
    records.push_back("{\"n\":" + std::to_string(i) + ", \"text\" :\"" + std::string(i % 97, 'x') + "\"}");
  HandMadeFrame frame(records);
  RecordReader reader(128);
  reader.open(frame.view());
  int i = 0;
  for (; reader.next(); ++i) {
    ASSERT_TRUE(reader.is_object());
    ASSERT_EQ(reader.text(), records[i]);
    const JsonRecord& record = reader.json();
    ASSERT_EQ(record.fields.size(), 2u);
    EXPECT_EQ(std::string_view(record.base + record.fields[1].key, record.fields[1].key_bytes), "text");
    EXPECT_EQ(std::atoi(record.base + *record.fields[0].value), i);
  }
  EXPECT_EQ(i, 5000);
}

TEST(JsonCheck, ReadsOnlyTheWantedRecordsOfAFrame) {
  HandMadeFrame frame({"{}", "x", R"({"a":1})", R"({"b":2})", "y"});
  const uint32_t key_lengths[] = {1, 2, 0, 3, 1};
  frame.view().key_lengths = key_lengths;
  frame.view().keys = "abbdddz";
  frame.view().first = 40;
  frame.view().begin = 1;
  frame.view().end = 4;
  RecordReader reader(128);
  reader.open(frame.view());
  std::vector<std::string> seen;
  while (reader.next())
    seen.push_back(std::to_string(reader.sequence()) + " " + std::string(reader.text()) + " " +
                   std::string(reader.key()) + (reader.is_object() ? " ok" : " bad"));
  EXPECT_EQ(seen, (std::vector<std::string>{"41 x bb bad", "42 {\"a\":1}  ok", "43 {\"b\":2} ddd ok"}));
}

TEST(JsonCheck, TakesRecordsOfManyMegabytes) {
  std::string large = R"({"a":")" + std::string(3 << 20, 'x') + R"(","b":[)";
  for (int i = 0; i < 200'000; ++i) large += "1,";
  large += "2]}";
  EXPECT_EQ(faults({"{}", large, "{}", large + "}", "{}"}),
            (std::vector<std::string>{
                "", "", "", "something follows the object at byte " + std::to_string(large.size()), ""}));
}

// What simdjson's own parser says; nothing when it stumbles over a number that is only too large for it.
std::optional<bool> dom_verdict(const std::string& record) {
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  auto error = parser.parse(simdjson::padded_string(record)).get(element);
  if (error == simdjson::NUMBER_ERROR) return std::nullopt;
  return !error && element.is_object();
}

TEST(JsonCheck, AgreesWithSimdjsonOnDamagedRecords) {
  const std::vector<std::string> seeds = {
      R"({"a":{"b":[1,2.5,{"c":null}],"d":"x\u00e9\n"},"e":[true,false,[]],"f":-12e3})",
      R"({"id":12,"text":"caf\u00e9 \"q\" \\","list":[[],{}],"t":true})",
      "{ \"a\" : \"é😀\" , \"b\" : [ 1 , 2 ] }"};
  const std::string alphabet = "{}[]\",:\\ \n\t019.-eE+tfnu\x01\x80\xc3\xed";
  std::mt19937 random(7);
  int good = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string record = seeds[random() % seeds.size()];
    for (unsigned edits = random() % 3; edits-- > 0;) {
      size_t at = random() % record.size();
      switch (random() % 3) {
        case 0:
          record[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          record.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        default:
          record.erase(at, 1);
      }
    }
    std::string reason = fault(record);
    auto expected = dom_verdict(record);
    if (expected) {
      ASSERT_EQ(reason.empty(), *expected) << record << "\n" << reason;
    }
    good += reason.empty();
  }
  EXPECT_GT(good, 5000);
}

}  // namespace
}  // namespace tarn::columns
