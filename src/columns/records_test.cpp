// Records of real logs as a relation in SQL.
#include "columns/records.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "columns/shred_for_test.h"

namespace tarn::columns {
namespace {

using testing::make_field;
using testing::make_schema;
using testing::Text;

using Rows = std::vector<std::vector<Text>>;
constexpr std::nullopt_t kNull = std::nullopt;

class Records : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tarn-records-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    auto database = duck::Database::open({{"threads", "4"}});
    ASSERT_TRUE(database) << database.error().message;
    database_ = std::move(*database);
    auto connection = database_->connect();
    ASSERT_TRUE(connection);
    connection_.emplace(std::move(*connection));
    ASSERT_TRUE(register_scans(*connection_, scans_));
  }
  void TearDown() override {
    connection_.reset();
    database_.reset();
    logs_.clear();
    std::filesystem::remove_all(root_);
  }

  log::Log& shard(size_t number) {
    while (logs_.size() <= number) {
      auto log = log::Log::open(root_ / std::to_string(logs_.size()), {}, FileSystem::real(), clock_);
      TARN_CHECK(log);
      logs_.push_back(std::move(*log));
    }
    return *logs_[number];
  }

  // One frame.
  void append(const std::vector<std::string>& records, size_t to = 0,
              const std::vector<std::string>& keys = {}) {
    std::vector<log::Record> batch;
    for (size_t i = 0; i < records.size(); ++i)
      batch.push_back({records[i], keys.empty() ? std::string_view() : std::string_view(keys[i])});
    auto appended = shard(to).append(batch);
    ASSERT_TRUE(appended) << appended.error().message;
  }

  // All that is in the logs.
  std::shared_ptr<Scan> scan(ScanSpec spec, uint64_t chunk_bytes = 1 << 20) {
    auto scan = std::make_shared<Scan>();
    scan->spec = std::move(spec);
    for (size_t i = 0; i < logs_.size(); ++i) {
      auto chunks = logs_[i]->split(logs_[i]->begin(), logs_[i]->end(), chunk_bytes);
      TARN_CHECK(chunks);
      for (log::Chunk& chunk : *chunks) scan->chunks.push_back({static_cast<int>(i), std::move(chunk)});
    }
    number_ = scans_.add(scan);
    return scan;
  }

  // `sql` with $records and $errors standing for the last scan.
  Rows query(std::string sql) {
    for (const char* name : {"records", "errors"}) {
      std::string call = std::string("tarn_") + name + "(" + std::to_string(number_) + ")";
      for (size_t at; (at = sql.find(std::string("$") + name)) != sql.npos;)
        sql.replace(at, 1 + std::string_view(name).size(), call);
    }
    auto rows = connection_->text(sql);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *rows : Rows{};
  }

  std::filesystem::path root_;
  ManualClock clock_{Timestamp{1'700'000'000'000'000}};
  std::vector<std::unique_ptr<log::Log>> logs_;
  Scans scans_;
  uint64_t number_ = 0;
  std::unique_ptr<duck::Database> database_;
  std::optional<duck::Connection> connection_;
};

ScanSpec simple_spec() {
  ScanSpec spec;
  spec.schema = make_schema({{"a", "BIGINT"}, {"b", "VARCHAR"}});
  return spec;
}

TEST_F(Records, AreRowsWithTheirPlaceTimeAndKey) {
  append({R"({"a":1,"b":"x"})", R"({"a":"no","c":[1]})"}, 0, {"k1", ""});
  clock_.advance(std::chrono::seconds(1));
  append({R"({"b":"y"})"}, 2);
  scan(simple_spec());
  EXPECT_EQ(query("DESCRIBE FROM $records"),
            (Rows{{"a", "BIGINT", "YES", kNull, kNull, kNull},
                  {"b", "VARCHAR", "YES", kNull, kNull, kNull},
                  {"_rescued", "VARCHAR", "YES", kNull, kNull, kNull},
                  {"_seq", "BIGINT", "YES", kNull, kNull, kNull},
                  {"_arrived", "TIMESTAMP WITH TIME ZONE", "YES", kNull, kNull, kNull},
                  {"_key", "VARCHAR", "YES", kNull, kNull, kNull}}));
  EXPECT_EQ(query("SELECT a, b, _rescued, _seq, epoch_us(_arrived), _key FROM $records ORDER BY _seq"),
            (Rows{{"1", "x", kNull, "0", "1700000000000000", "k1"},
                  {kNull, kNull, R"({"a":"no","c":[1]})", "1", "1700000000000000", kNull},
                  {kNull, "y", kNull, std::to_string(int64_t{2} << 48), "1700000001000000", kNull}}));
}

TEST_F(Records, AreEachInExactlyOneOfRowsAndErrors) {
  append({R"({"a":1})", "broken", "{\"a\":\"\xff\"}", R"({"a":2})"}, 0, {"", "key", "", ""});
  auto counted = scan(simple_spec());
  EXPECT_EQ(query("SELECT a, _seq FROM $records ORDER BY _seq"), (Rows{{"1", "0"}, {"2", "3"}}));
  EXPECT_EQ(
      query("SELECT seq, epoch_us(arrived), key, reason, record::VARCHAR FROM $errors ORDER BY seq"),
      (Rows{{"1", "1700000000000000", "key", "not a JSON object at byte 0", "broken"},
            {"2", "1700000000000000", kNull, "invalid UTF-8 at byte 6", R"({\x22a\x22:\x22\xFF\x22})"}}));
  EXPECT_EQ(counted->rows, 2u);
  EXPECT_EQ(counted->errors, 2u);
}

TEST_F(Records, AreCountedOnceHoweverOftenTheyAreRead) {
  append({R"({"a":1})", "broken", R"({"zz":1})"});
  auto counted = scan(simple_spec());
  EXPECT_EQ(query("SELECT count(*) FROM $records"), (Rows{{"2"}}));
  EXPECT_EQ(counted->rows, 2u);
  EXPECT_EQ(counted->errors, 1u);
  EXPECT_EQ(counted->rescued, 0u);  // nobody asked
  EXPECT_EQ(query("SELECT count(_rescued) FROM $records"), (Rows{{"1"}}));
  EXPECT_EQ(query("SELECT count(*) FROM $records r, $errors e"), (Rows{{"2"}}));
  EXPECT_EQ(counted->rows, 2u);
  EXPECT_EQ(counted->errors, 1u);
  EXPECT_EQ(counted->rescued, 1u);
}

TEST_F(Records, AreReadByManyThreadsChunkByChunk) {
  int64_t total = 0;
  for (int frame = 0; frame < 60; ++frame) {
    std::vector<std::string> records;
    for (int i = 0; i < 1000; ++i) {
      int64_t a = frame * 1000 + i;
      total += a;
      records.push_back(
          i % 100 == 99 ? "{" : "{\"b\":\"text " + std::to_string(a) + "\",\"a\":" + std::to_string(a) + "}");
      if (i % 100 == 99) total -= a;
    }
    append(records, frame % 3);
  }
  auto counted = scan(simple_spec(), 16 << 10);
  EXPECT_GT(counted->chunks.size(), 20u);
  EXPECT_EQ(query("SELECT count(*), sum(a), count(DISTINCT b), count(DISTINCT _seq) FROM $records"),
            (Rows{{"59400", std::to_string(total), "59400", "59400"}}));
  EXPECT_EQ(query("SELECT count(*) FROM $errors"), (Rows{{"600"}}));
  EXPECT_EQ(counted->rows, 59400u);
  EXPECT_EQ(counted->errors, 600u);
  EXPECT_EQ(query("SELECT count(*) FROM $records WHERE b = 'text ' || a"), (Rows{{"59400"}}));
}

TEST_F(Records, AreOnlyThoseBetweenTwoSequenceNumbers) {
  std::vector<std::string> records;
  for (int i = 0; i < 100; ++i) records.push_back("{\"a\":" + std::to_string(i) + "}");
  append(records);
  append(records);
  auto wanted = std::make_shared<Scan>();
  wanted->spec = simple_spec();
  auto chunks = shard(0).split(90, 103, 1 << 20);
  ASSERT_TRUE(chunks);
  for (log::Chunk& chunk : *chunks) wanted->chunks.push_back({0, chunk});
  number_ = scans_.add(wanted);
  EXPECT_EQ(query("SELECT count(*), min(_seq), max(_seq), sum(a) FROM $records"),
            (Rows{{"13", "90", "102",
                   std::to_string(90 + 91 + 92 + 93 + 94 + 95 + 96 + 97 + 98 + 99 + 0 + 1 + 2)}}));
  EXPECT_EQ(wanted->rows, 13u);
}

TEST_F(Records, GiveTheSameRowsWhateverColumnsAreSelected) {
  append({R"({"a":1,"b":"x"})", R"({"a":"no","b":"\u00e9"})", R"({"b":"\q"})", R"({"a":tru})",
          R"({"q":[1,]})", "{}"});
  scan(simple_spec());
  for (const char* columns :
       {"count(*)", "count(a IS NULL)", "count(b IS NULL)", "count(_seq)", "count(_arrived)",
        "count(_rescued IS NULL)", "count(row(a, b, _seq, _rescued))"})
    EXPECT_EQ(query(std::string("SELECT ") + columns + " FROM $records"), (Rows{{"3"}})) << columns;
  EXPECT_EQ(query("SELECT b FROM $records ORDER BY b"), (Rows{{"x"}, {"é"}, {kNull}}));
  EXPECT_EQ(query("SELECT b, a FROM $records WHERE a = 1"), (Rows{{"x", "1"}}));
}

TEST_F(Records, KeepNestedColumnsThroughParquet) {
  ScanSpec spec;
  spec.schema = make_schema(
      {{"s", "STRUCT(x BIGINT, l VARCHAR[])"}, {"l", "STRUCT(y DOUBLE)[]"}, {"m", "MAP(VARCHAR, BIGINT)"}});
  std::vector<std::string> records;
  for (int i = 0; i < 10'000; ++i) {
    std::string n = std::to_string(i);
    switch (i % 4) {
      case 0:
        records.push_back("{\"s\":{\"x\":" + n + ",\"l\":[\"a\",null,\"" + n + "\"]},\"l\":[{\"y\":" + n +
                          "},null,{}]}");
        break;
      case 1:
        records.push_back("{\"s\":null,\"l\":[],\"m\":{\"k" + n + "\":" + n + ",\"z\":null}}");
        break;
      case 2:
        records.push_back("{\"s\":{\"x\":\"bad\"},\"l\":[1,{\"y\":2}]}");
        break;
      default:
        records.push_back("{}");
    }
  }
  append(records);
  scan(spec);
  std::string file = quote_text((root_ / "out.parquet").string());
  query("COPY (FROM $records) TO " + file + " (FORMAT parquet, COMPRESSION zstd)");
  EXPECT_EQ(query("SELECT count(*) FROM (SELECT * FROM $records EXCEPT ALL SELECT * FROM read_parquet(" +
                  file + "))"),
            (Rows{{"0"}}));
  EXPECT_EQ(query("SELECT sum(s.x), count(s), sum(len(l)), sum(l[1].y), sum(len(s.l)), count(_rescued), "
                  "sum(map_extract(m, 'k' || _seq)[1]) FROM read_parquet(" +
                  file + ")"),
            (Rows{{"12495000", "5000", "12500", "12495000.0", "7500", "2500", "12497500"}}));
}

TEST_F(Records, TellWhatTheSchemaLacks) {
  append({R"({"a":1})", R"({"a":2.5,"c":"new"})", R"({"b":"x","d":{"e":true}})", R"({"f":null})"});
  ScanSpec spec = simple_spec();
  spec.watch_drift = true;
  auto watched = scan(spec);
  EXPECT_EQ(query("SELECT count(*) FROM $records"), (Rows{{"4"}}));
  EXPECT_EQ(watched->rescued, 2u);
  Lock lock(watched->mu);
  ASSERT_TRUE(watched->drift);
  Schema evolved = evolve(spec.schema, *watched->drift, spec.limits, 2);
  ASSERT_NE(evolved.find("c"), nullptr);
  EXPECT_EQ(evolved.find("c")->type.kind, Kind::kString);
  ASSERT_NE(evolved.find("d"), nullptr);
  EXPECT_EQ(evolved.find("d")->type.kind, Kind::kStruct);
}

TEST_F(Records, AreNoDriftWhenAllFits) {
  append({R"({"a":1,"b":"x"})"});
  ScanSpec spec = simple_spec();
  spec.watch_drift = true;
  auto watched = scan(spec);
  query("FROM $records");
  Lock lock(watched->mu);
  EXPECT_FALSE(watched->drift);
}

TEST_F(Records, LeaveTheErrorTableToContractsThatReject) {
  append({R"({"a":1})", R"({"b":"x"})", R"({"a":"1"})"});
  ScanSpec spec;
  spec.schema.fields = {make_field("a", "BIGINT", true), make_field("b", "VARCHAR")};
  spec.declared = true;
  spec.on_violation = OnViolation::kReject;
  spec.rescue = false;
  auto counted = scan(spec);
  EXPECT_EQ(query("SELECT b FROM $records"), (Rows{{kNull}}));
  EXPECT_EQ(query("SELECT reason FROM $errors ORDER BY seq"),
            (Rows{{"field \"a\" is required and missing"}, {"field \"a\": \"1\" is not a BIGINT"}}));
  EXPECT_EQ(counted->rows, 1u);
  EXPECT_EQ(counted->errors, 2u);
  EXPECT_EQ(query("SELECT count(*) FROM (DESCRIBE FROM $records) WHERE column_name = '_rescued'"),
            (Rows{{"0"}}));
}

TEST_F(Records, OfAnEmptyRangeAreNone) {
  scan(simple_spec());
  EXPECT_EQ(query("SELECT count(*) FROM $records"), (Rows{{"0"}}));
  EXPECT_EQ(query("FROM $errors"), Rows{});
}

TEST_F(Records, OfAScanThatIsGoneAreAnError) {
  auto kept = scan(simple_spec());
  scans_.remove(number_);
  EXPECT_EQ(scans_.find(number_), nullptr);
  auto rows = connection_->text("FROM tarn_records(" + std::to_string(number_) + ")");
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("no scan of records with the number"), std::string::npos)
      << rows.error().message;
}

TEST_F(Records, StayReadableWhenTheScanIsForgottenMeanwhile) {
  append({R"({"a":1})"});
  scan(simple_spec());
  auto rows = connection_->stream("SELECT a FROM tarn_records(" + std::to_string(number_) + ")");
  ASSERT_TRUE(rows);
  scans_.remove(number_);
  auto text = std::move(*rows).all_as_text();
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, (Rows{{"1"}}));
}

TEST_F(Records, CanBeLimitedWithoutReadingOn) {
  for (int frame = 0; frame < 20; ++frame) append(std::vector<std::string>(1000, R"({"a":1})"));
  scan(simple_spec(), 1024);
  EXPECT_EQ(query("SELECT a FROM $records LIMIT 2"), (Rows{{"1"}, {"1"}}));
  EXPECT_EQ(query("SELECT count(*) FROM (FROM $records LIMIT 4000)"), (Rows{{"4000"}}));
}

TEST_F(Records, OfSeveralMegabytesAreRowsToo) {
  std::string large(3 << 20, 'x');
  append({R"({"a":1,"b":")" + large + "\"}", R"({"a":2,"b":"small"})", R"({"a":3,"b":")" + large});
  scan(simple_spec());
  EXPECT_EQ(query("SELECT a, length(b) FROM $records ORDER BY a"),
            (Rows{{"1", std::to_string(large.size())}, {"2", "5"}}));
  EXPECT_EQ(query("SELECT octet_length(record), reason FROM $errors"),
            (Rows{{std::to_string(large.size() + 12), "a string without end, opened at byte 11"}}));
}

}  // namespace
}  // namespace tarn::columns
