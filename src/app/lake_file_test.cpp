#include "app/lake_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/yaml_document.h"

namespace tarn::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view text) {
  auto file = parse_lake_file(text, "lake.yaml");
  if (file) return "(no error)";
  EXPECT_EQ(file.error().code, Code::kInvalid);
  return file.error().message;
}

TEST(LakeFile, ReadsStreamsTablesAndSettings) {
  auto file = parse_lake_file(R"(
lake: events
http: 127.0.0.1:9701
settings:
  memory: 2GiB
  query_timeout: 5m
  log: { segment: 1MiB, group_delay: 2ms }
  maintenance: { every: 30s }
streams:
  transactions:
    shards: 4
    columns:
      id: BIGINT
      time: { type: TIMESTAMP WITH TIME ZONE, required: true }
    on_violation: reject
    deliver: { table: raw.transactions, partition: [ day(time) ], every: { age: 5s, size: 1MiB } }
    keep: { age: 1d }
  clicks:
databases:
  gold:
    tables:
      cards:
        columns: { id: BIGINT }
        keep: { snapshots: 3 }
)",
                              "lake.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name, "events");
  EXPECT_EQ(file->http, "127.0.0.1:9701");
  EXPECT_EQ(file->settings.memory_bytes, 2 * kGiB);
  EXPECT_EQ(file->settings.query_timeout, std::chrono::minutes(5));
  EXPECT_EQ(file->settings.log_segment_bytes, kMiB);
  EXPECT_EQ(file->settings.log_group_delay, std::chrono::milliseconds(2));
  EXPECT_EQ(file->settings.maintenance_every, std::chrono::seconds(30));
  EXPECT_FALSE(file->settings.threads.has_value());
  ASSERT_EQ(file->streams.size(), 2u);
  const flow::StreamSpec& stream = file->streams.at("transactions");
  EXPECT_EQ(stream.shards, 4);
  EXPECT_EQ(stream.columns.size(), 2u);
  EXPECT_EQ(stream.on_violation, columns::OnViolation::kReject);
  EXPECT_EQ(stream.deliver.partition, std::vector<std::string>{"day(time)"});
  EXPECT_EQ(stream.deliver.age, std::chrono::seconds(5));
  EXPECT_EQ(stream.retention.keep, std::chrono::hours(24));
  EXPECT_EQ(file->streams.at("clicks").deliver.table.str(), "raw.clicks");
  EXPECT_EQ(file->tables.size(), 1u);
  EXPECT_EQ(file->databases, std::set<std::string>{"gold"});
}

TEST(LakeFile, MergesDefaultsUnderEveryStream) {
  auto file = parse_lake_file(R"(
defaults: { shards: 3, deliver: { every: { age: 2s, size: 9MiB } } }
streams:
  a: {}
  b: { shards: 1, deliver: { every: { age: 7s } } }
)",
                              "lake.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->streams.at("a").shards, 3);
  EXPECT_EQ(file->streams.at("a").deliver.age, std::chrono::seconds(2));
  EXPECT_EQ(file->streams.at("b").shards, 1);
  EXPECT_EQ(file->streams.at("b").deliver.age, std::chrono::seconds(7));
  EXPECT_EQ(file->streams.at("b").deliver.bytes, 9 * kMiB);
}

TEST(LakeFile, NamesLineColumnAndNearestKey) {
  std::string message = error_of("streams:\n  clicks:\n    transfrom: SELECT 1\n");
  EXPECT_THAT(message, StartsWith("lake.yaml:3:5: unknown key `transfrom` in `streams.clicks`"));
  EXPECT_THAT(message, HasSubstr("did you mean `transform`?"));
}

TEST(LakeFile, ListsTheKeysWhenNoneIsNear) {
  EXPECT_THAT(
      error_of("streams:\n  clicks: { deliver: { xyzzy: 1 } }\n"),
      HasSubstr("lake.yaml:2:24: unknown key `xyzzy` in `streams.clicks.deliver`; the keys here are: every, "
                "partition, table"));
}

TEST(LakeFile, SaysWhatWasExpectedAndFound) {
  EXPECT_EQ(error_of("streams: { a: { shards: many } }"),
            "lake.yaml:1:25: `streams.a.shards` must be a whole number from 1 to 256, not \"many\"");
  EXPECT_THAT(error_of("streams: { a: { shards: 257 } }"), HasSubstr("not the number 257"));
  EXPECT_THAT(error_of("streams: { a: { shards: '2' } }"), HasSubstr("must be a whole number"));
  EXPECT_THAT(error_of("settings: { log: { frame_max: 4KiB } }"),
              HasSubstr("must be a size of at least 64KiB, such as 16MiB"));
  EXPECT_THAT(error_of("streams: [ a, b ]"),
              HasSubstr("`streams` must be a map (name: value, one a line), not a list"));
  EXPECT_THAT(error_of("streams: { a: { deliver: { every: { age: 60 parsecs } } } }"),
              HasSubstr("a duration such as"));
  EXPECT_THAT(error_of("streams: { a: { undelivered_max: lots } }"), HasSubstr("a size such as"));
  EXPECT_THAT(error_of("streams: { a: { infer: yes } }"), HasSubstr("true or false, not \"yes\""));
  EXPECT_THAT(error_of("streams: { a: { on_violation: rejct } }"), HasSubstr("did you mean 'reject'?"));
  EXPECT_THAT(error_of("streams: { a: { deliver: { partition: day(time) } } }"), HasSubstr("a list such as"));
  EXPECT_THAT(error_of("streams: { a: { columns: { x: BIGNUMBER } } }"), StartsWith("lake.yaml:1:31: "));
  EXPECT_THAT(error_of("streams: { a: { deliver: { table: nodot } } }"), StartsWith("lake.yaml:1:35: "));
  EXPECT_THAT(error_of("streams: { a: { columns: { x: { required: true } } } }"), HasSubstr("has no type"));
  EXPECT_THAT(error_of("http: somewhere"), HasSubstr("is no address"));
}

TEST(LakeFile, ReportsEveryProblemInTheOrderOfTheFile) {
  std::string message = error_of("lake: x\nstreans: {}\nstreams:\n  a:\n    shards: x\n    inferr: true\n");
  size_t first = message.find("lake.yaml:2:1:");
  size_t second = message.find("lake.yaml:5:13:");
  size_t third = message.find("lake.yaml:6:5:");
  EXPECT_NE(third, std::string::npos) << message;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST(LakeFile, StopsListingAtTheLimit) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "nokey" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(error_of(text), HasSubstr("and 30 more problems"));
}

TEST(LakeFile, GivesTheReadersErrorsTheLineOfTheirKey) {
  // Only the reader of streams knows that a stream that infers nothing needs columns.
  EXPECT_THAT(error_of("lake: x\nstreams:\n  a:\n    shards: 1\n    infer: false\n"),
              StartsWith("lake.yaml:5:5: "));
  EXPECT_THAT(error_of("streams:\n  ok: {}\n  'not a name':\n    shards: 1\n"),
              StartsWith("lake.yaml:3:3: "));
  EXPECT_THAT(error_of("databases:\n  d:\n    tables:\n      'a b': {}\n"), StartsWith("lake.yaml:4:7: "));
}

TEST(LakeFile, SaysWhichNounsComeLater) {
  EXPECT_THAT(error_of("jobs:\n  nightly: {}\n"),
              StartsWith("lake.yaml:1:1: `jobs` is not in this version yet"));
}

TEST(LakeFile, RefusesWhatIsNoLakeFile) {
  EXPECT_THAT(error_of(""), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("# only a comment\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("- a\n- b\n"), HasSubstr("a lake file is a map (lake: …, streams: …), not a list"));
  EXPECT_THAT(error_of("just text"), HasSubstr("not \"just text\""));
  EXPECT_THAT(error_of(std::string_view("lake: \0x", 8)), HasSubstr("not UTF-8 text"));
  EXPECT_THAT(error_of("lake: \xff\xfe"), HasSubstr("not UTF-8 text"));
  EXPECT_THAT(error_of("lake: a\n---\nlake: b\n"), HasSubstr("a second document"));
}

TEST(LakeFile, RefusesAKeyThatComesTwice) {
  EXPECT_THAT(error_of("streams:\n  a: {}\n  b: {}\n  a: {}\n"),
              StartsWith("lake.yaml:4:3: the key `a` is here twice"));
  EXPECT_THAT(error_of("databases: { d: { tables: { t: {}, T: {} } } }"), HasSubstr("is here twice"));
}

TEST(LakeFile, RefusesNamesThatNoApplyCouldTake) {
  EXPECT_THAT(error_of("principals:\n  ok: {}\n  bob smith: {}\n"), StartsWith("lake.yaml:3:3: "));
  EXPECT_THAT(error_of("principals: { root: {} }"), HasSubstr("'root' is reserved"));
  EXPECT_THAT(error_of("principals: { System: {} }"), HasSubstr("'System' is reserved"));
  EXPECT_THAT(error_of("principals: { Anonymous: {} }"), HasSubstr("'Anonymous' is reserved"));
  EXPECT_THAT(error_of("principals: { ann: { tags: { 'aws:x': y } } }"), HasSubstr("reserved"));
  EXPECT_THAT(error_of("roles: { 'a b': [] }"), HasSubstr("role name 'a b'"));
  EXPECT_THAT(error_of("secrets: { 'a b': {} }"), HasSubstr("secret `a b`: "));
  EXPECT_THAT(error_of("principals:\n  Bob: {}\n  bob: {}\n"),
              StartsWith("lake.yaml:3:3: principal `bob` is here as `Bob` too: case does not count"));
  EXPECT_THAT(error_of("roles: { a: [], A: [] }"), HasSubstr("role `A` is here as `a` too"));
  EXPECT_THAT(error_of("buckets:\n  lake: {}\n"),
              StartsWith("lake.yaml:2:3: `lake` is the bucket of the lake's own tables"));
  EXPECT_TRUE(parse_lake_file("principals: { anonymous: {} }\nsecrets: { a/b: {}, A/b: {} }", "lake.yaml"));
}

TEST(LakeFile, NamesATabInTheIndentation) {
  EXPECT_THAT(error_of("streams:\n  a:\n\tshards: 1\n"),
              StartsWith("lake.yaml:3:1: a tab in the indentation"));
}

TEST(LakeFile, NamesThePlaceOfBrokenYaml) {
  EXPECT_THAT(error_of("streams: { a: [1, 2 }\n"), StartsWith("lake.yaml:1:"));
}

TEST(LakeFile, FollowsAliasesAndStopsABomb) {
  auto file = parse_lake_file("streams:\n  a: &spec { shards: 2 }\n  b: *spec\n", "lake.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->streams.at("b").shards, 2);

  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i == 0 ? "*" : ",*") + before;
    bomb += "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("more than 100000 values"));
  EXPECT_NE(error_of("streams: &s { a: *s }"), "(no error)");
}

TEST(LakeFile, StopsAtItsDepth) {
  EXPECT_THAT(error_of("a: " + std::string(100, '[') + std::string(100, ']')),
              HasSubstr("nested deeper than 64"));
}

TEST(LakeFile, NamesTheFileThatIsMissing) {
  auto file = read_lake_file("/nowhere/lake.yaml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kNotFound);
  EXPECT_THAT(file.error().message, HasSubstr("/nowhere/lake.yaml"));
}

TEST(Address, IsHostAndPort) {
  EXPECT_EQ(parse_address("127.0.0.1:9700")->port, 9700);
  EXPECT_EQ(parse_address("[::1]:0")->host, "::1");
  for (const char* wrong :
       {"", "9700", ":9700", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "a:b", "::1:80"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace tarn::app
