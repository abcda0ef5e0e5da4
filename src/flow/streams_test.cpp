#include "flow/streams.h"

#include <atomic>
#include <thread>

#include "flow/lake_fixture.h"
#include "flow/system_streams.h"
#include "lake/maintenance.h"

namespace tarn::flow {
namespace {

using Flow = LakeFixture;

TEST_F(Flow, AQuerySeesRecordsBeforeAndAfterDeliveryOnce) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", "{\"id\":1}\n{\"id\":2,\"x\":\"a\"}"));
  EXPECT_EQ(sql("SELECT id, x FROM raw.s ORDER BY id"), "1,\n2,a\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT id, x FROM raw.s ORDER BY id"), "1,\n2,a\n");
  ASSERT_TRUE(send("s", "{\"id\":3}"));
  EXPECT_EQ(sql("SELECT count(*), sum(id) FROM raw.s"), "3,6\n");
  EXPECT_EQ(table("raw.s")->snapshot()->summary.at("tarn.position.0"), "2");
  EXPECT_EQ(table("raw.s")->snapshot()->summary.at("tarn.range.0"), "0-2");
}

TEST_F(Flow, EverythingIsThereAfterReopening) {
  ASSERT_TRUE(put("s", R"({"shards": 3})"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(send("s", "{\"id\":" + std::to_string(i) + "}"));
  ASSERT_TRUE(flush("s"));
  for (int i = 20; i < 30; ++i) ASSERT_TRUE(send("s", "{\"id\":" + std::to_string(i) + "}"));
  reopen();
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT id), sum(id) FROM raw.s"), "30,30,435\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT id), sum(id) FROM raw.s"), "30,30,435\n");
}

TEST_F(Flow, AProducersBatchCountsOnceAlsoAfterDeliveryAndReopening) {
  ASSERT_TRUE(put("s", "{}"));
  EXPECT_FALSE(send("s", "{\"id\":1}", log::Producer{"p", 7})->duplicate);
  EXPECT_TRUE(send("s", "{\"id\":1}", log::Producer{"p", 7})->duplicate);
  ASSERT_TRUE(flush("s"));
  reopen();
  EXPECT_TRUE(send("s", "{\"id\":1}", log::Producer{"p", 7})->duplicate);
  EXPECT_FALSE(send("s", "{\"id\":2}", log::Producer{"p", 6})->duplicate);
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "2\n");
}

TEST_F(Flow, AProducerKeepsItsShardWhenShardsAreAdded) {
  ASSERT_TRUE(put("s", R"({"shards": 2})"));
  for (uint64_t i = 0; i < 20; ++i) {
    std::string id = "p" + std::to_string(i);
    ASSERT_TRUE(send("s", "{\"id\":1}", log::Producer{id, 1}));
  }
  ASSERT_TRUE(put("s", R"({"shards": 5})"));
  for (uint64_t i = 0; i < 20; ++i) {
    std::string id = "p" + std::to_string(i);
    EXPECT_TRUE(send("s", "{\"id\":1}", log::Producer{id, 1})->duplicate) << id;
  }
  EXPECT_EQ(put("s", R"({"shards": 4})").error().code, Code::kInvalid);
}

TEST_F(Flow, RecordsThatCantBeRowsAreInTheErrorTableOnce) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", "{\"id\":1}\n{broken\n[1]\n{\"id\":2}"));
  const char* errors = "SELECT seq, record FROM raw.s_errors ORDER BY seq";
  EXPECT_EQ(sql(errors), "1,{broken\n2,[1]\n");
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "2\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql(errors), "1,{broken\n2,[1]\n");
  ASSERT_TRUE(send("s", "nonsense"));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s_errors"), "3\n");
  reopen();
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s_errors"), "3\n");
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "2\n");
  EXPECT_EQ(table("raw.s")->snapshot()->summary.at("tarn.rejected"), "1");
}

TEST_F(Flow, RedriveSendsErrorsThroughAgainOnce) {
  ASSERT_TRUE(put("s", R"({"columns": {"id": "BIGINT"}, "on_violation": "reject"})"));
  ASSERT_TRUE(send("s", "{\"id\":\"x\"}\n{\"id\":1}"));
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s_errors"), "1\n");
  ASSERT_TRUE(put("s", R"({"columns": {"id": "BIGINT"}, "on_violation": "rescue"})"));
  EXPECT_EQ(streams_->redrive("s")->records, 1u);
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s_errors"), "0\n");
  EXPECT_EQ(sql("SELECT id, _rescued FROM raw.s ORDER BY id NULLS LAST"),
            "1,\n,\"{\"\"id\"\":\"\"x\"\"}\"\n");
  EXPECT_EQ(streams_->redrive("s")->records, 0u);
}

TEST_F(Flow, TheTableGrowsWithTheRecordsAndWhatCantWidenIsRescued) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", R"({"a":1})"));
  ASSERT_TRUE(flush("s"));
  ASSERT_TRUE(send("s", R"({"a":2.5,"b":{"c":1}})"));
  EXPECT_EQ(sql("SELECT a, b.c, _rescued FROM raw.s ORDER BY a"), "1,,\n,1,\"{\"\"a\"\":2.5}\"\n");
  ASSERT_TRUE(flush("s"));
  ASSERT_TRUE(send("s", R"({"a":3,"b":{"d":"x"}})"));
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT a, b.c, b.d, _rescued FROM raw.s ORDER BY a"),
            "1,,,\n3,,x,\n,1,,\"{\"\"a\"\":2.5}\"\n");
}

TEST_F(Flow, AShapeThatTheSampleDidntShowIsStillFoundAtTheFirstDelivery) {
  ASSERT_TRUE(put("s", "{}"));
  std::string lines;
  for (int i = 0; i < 60'000; ++i) {
    lines += "{\"id\":" + std::to_string(i) + ",\"pad\":\"" + std::string(100, 'x') + "\"}\n";
    if (lines.size() > 1'000'000) {
      ASSERT_TRUE(send("s", lines));
      lines.clear();
    }
  }
  ASSERT_TRUE(send("s", lines + "{\"id\":-1,\"late\":true}"));
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT count(*), count(late), count(_rescued) FROM raw.s"), "60001,1,0\n");
  EXPECT_EQ(table("raw.s")->snapshots.size(), 1u);
}

TEST_F(Flow, ARenamedColumnGoesOnTakingItsFieldAndADroppedOneStaysAway) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", R"({"a":1,"b":{"c":1},"d":1})"));
  ASSERT_TRUE(flush("s"));
  ASSERT_TRUE(catalog_->rename_column({"raw", "s"}, "a", "alpha"));
  ASSERT_TRUE(catalog_->rename_column({"raw", "s"}, "b.c", "see"));
  ASSERT_TRUE(catalog_->drop_column({"raw", "s"}, "d"));
  ASSERT_TRUE(send("s", R"({"a":2,"b":{"c":2},"d":2})"));
  const char* all = "SELECT alpha, b.see, _rescued FROM raw.s ORDER BY alpha";
  EXPECT_EQ(sql(all), "1,1,\n2,2,\"{\"\"d\"\":2}\"\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql(all), "1,1,\n2,2,\"{\"\"d\"\":2}\"\n");
  EXPECT_EQ(table("raw.s")->schema().find("d"), nullptr);
  EXPECT_EQ(table("raw.s")->schema().find("a"), nullptr);
}

TEST_F(Flow, ATransformShapesRowsBeforeAndAfterDelivery) {
  ASSERT_TRUE(
      put("s", R"({"transform": "SELECT id, sha256(card) AS card, _seq AS n FROM records WHERE id > 1"})"));
  ASSERT_TRUE(send("s", "{\"id\":1,\"card\":\"x\"}\n{\"id\":2,\"card\":\"y\"}"));
  const char* all = "SELECT id, length(card), n FROM raw.s";
  EXPECT_EQ(sql(all), "2,64,1\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql(all), "2,64,1\n");
  EXPECT_EQ(table("raw.s")->snapshot()->summary.at("tarn.filtered"), "1");
  ASSERT_TRUE(send("s", "{\"id\":3,\"card\":\"z\",\"extra\":1}"));
  EXPECT_EQ(sql("SELECT * EXCLUDE (card) FROM raw.s ORDER BY id"), "2,1\n3,2\n");
}

TEST_F(Flow, ARecordThatTheTransformFailsOnGoesToTheErrorTableAlone) {
  ASSERT_TRUE(put("s", R"({"transform": "SELECT CAST(v AS INTEGER) AS v FROM records"})"));
  std::string lines;
  for (int i = 0; i < 200; ++i)
    lines += "{\"v\":\"" + (i == 77 || i == 150 ? std::string("no") : std::to_string(i)) + "\"}\n";
  ASSERT_TRUE(send("s", lines));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "198\n");
  EXPECT_EQ(sql("SELECT seq FROM raw.s_errors ORDER BY seq"), "77\n150\n");
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "198\n");
  EXPECT_EQ(
      sql("SELECT seq, record, reason LIKE 'transform: Conversion Error%' FROM raw.s_errors ORDER BY seq"),
      "77,\"{\"\"v\"\":\"\"no\"\"}\",true\n150,\"{\"\"v\"\":\"\"no\"\"}\",true\n");
}

TEST_F(Flow, AWrongTransformIsRefusedWhenItCanBeKnown) {
  EXPECT_EQ(put("s", R"({"columns": {"a": "BIGINT"}, "transform": "SELECT b FROM records"})").error().code,
            Code::kInvalid);
  EXPECT_TRUE(streams_->list().empty());
}

TEST_F(Flow, DeliveryPartitionsByColumnsThatComeWithTheRecords) {
  ASSERT_TRUE(put("s", R"j({"deliver": {"partition": ["day(time)"]}})j"));
  ASSERT_TRUE(
      send("s", "{\"time\":\"2026-01-01T10:00:00Z\"}\n{\"time\":\"2026-01-02T10:00:00Z\"}\n{\"other\":1}"));
  ASSERT_TRUE(flush("s"));
  auto files = catalog_->files(*table("raw.s"), *table("raw.s")->snapshot()).value();
  EXPECT_EQ(files.size(), 3u);
  EXPECT_EQ(sql("SELECT count(*), count(time) FROM raw.s"), "3,2\n");
}

TEST_F(Flow, APartitionThatDeclaredColumnsCantHaveIsRefused) {
  EXPECT_EQ(
      put("s", R"j({"columns": {"at": "VARCHAR"}, "deliver": {"partition": ["day(at)"]}})j").error().code,
      Code::kInvalid);
  EXPECT_EQ(put("s", R"j({"columns": {"at": "DATE"}, "deliver": {"partition": ["day(att)"]}})j").error().code,
            Code::kInvalid);
  EXPECT_TRUE(put("s", R"j({"columns": {"at": "DATE"}, "deliver": {"partition": ["day(at)"]}})j"));
}

TEST_F(Flow, ADeliveryIsDueByAge) {
  ASSERT_TRUE(put("s", R"({"deliver": {"every": {"age": "1h"}}})"));
  ASSERT_TRUE(send("s", "{\"id\":1}"));
  auto stream = streams_->find("s").value();
  EXPECT_EQ(stream->status().undelivered_records, 1u);
  clock_.advance(std::chrono::hours(2));
  while (stream->status().undelivered_records > 0)
    std::this_thread::yield();  // the deliverer looks once a second
  EXPECT_EQ(table("raw.s")->snapshots.size(), 1u);
}

TEST_F(Flow, ADeliveryIsDueBySize) {
  ASSERT_TRUE(put("s", R"({"deliver": {"every": {"age": "24h", "size": "1KiB"}}})"));
  auto stream = streams_->find("s").value();
  ASSERT_TRUE(send("s", "{\"id\":\"" + std::string(2000, 'x') + "\"}"));
  while (stream->status().undelivered_records > 0) std::this_thread::yield();
  EXPECT_EQ(table("raw.s")->snapshots.size(), 1u);
}

TEST_F(Flow, PastItsBoundAStreamSaysSlowDownAndTakesRecordsAgainAfterDelivery) {
  ASSERT_TRUE(
      put("s", R"({"undelivered_max": "1KiB", "deliver": {"every": {"age": "24h", "size": "1GiB"}}})"));
  ASSERT_TRUE(send("s", "{\"id\":\"" + std::string(2000, 'x') + "\"}"));
  auto refused = send("s", "{\"id\":\"y\"}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_GT(refused.error().retry_after_ms, 0);
  ASSERT_TRUE(flush("s"));
  EXPECT_TRUE(send("s", "{\"id\":\"y\"}"));
  EXPECT_EQ(sql("SELECT count(*) FROM raw.s"), "2\n");
}

TEST_F(Flow, TwoStreamsCantShareATable) {
  ASSERT_TRUE(put("a", R"({"deliver": {"table": "raw.t"}})"));
  EXPECT_EQ(put("b", R"({"deliver": {"table": "raw.t"}})").error().code, Code::kInvalid);
  EXPECT_EQ(put("b", R"({"deliver": {"table": "raw.t_errors"}})").error().code, Code::kInvalid);
  EXPECT_EQ(put("a", R"({"deliver": {"table": "raw.u"}})").error().code, Code::kInvalid);
}

TEST_F(Flow, RemovingAStreamDeliversItAndKeepsTheTable) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", "{\"id\":1}"));
  ASSERT_TRUE(streams_->remove("s"));
  EXPECT_EQ(streams_->find("s").error().code, Code::kNotFound);
  EXPECT_EQ(sql("SELECT id FROM raw.s"), "1\n");
  reopen();
  EXPECT_TRUE(streams_->list().empty());
  EXPECT_EQ(sql("SELECT id FROM raw.s"), "1\n");
}

TEST_F(Flow, ANewStreamCantGoOnWithATableOfARemovedOneWhosePositionsAreNotItsOwn) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", "{\"id\":1}"));
  ASSERT_TRUE(streams_->remove("s"));
  EXPECT_EQ(put("s", "{}").error().code, Code::kInvalid);
  ASSERT_TRUE(put("s", R"({"deliver": {"table": "raw.other"}})"));
  ASSERT_TRUE(send("s", "{\"id\":2}"));
  ASSERT_TRUE(flush("s"));
  EXPECT_EQ(sql("SELECT id FROM raw.other"), "2\n");
  ASSERT_TRUE(catalog_->drop({"raw", "s"}));
  EXPECT_TRUE(put("t", R"({"deliver": {"table": "raw.s"}})"));
}

TEST_F(Flow, LinesThatAreTooManyForABatchGoInSeveral) {
  limits_.log.frame_bytes_max = 4096;
  reopen();
  ASSERT_TRUE(put("s", R"({"columns": {"id": "BIGINT"}})"));
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i) lines.push_back("{\"id\": " + std::to_string(i) + "}");
  auto stream = streams_->find("s").value();
  Status appended = append_lines(*stream, lines, Deadline::never());
  ASSERT_TRUE(appended) << appended.error().message;
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT id), max(id) FROM raw.s"), "1000,1000,999\n");
  // One that is too long by itself is refused.
  lines.assign(1, std::string(5000, 'x'));
  EXPECT_EQ(append_lines(*stream, lines, Deadline::never()).error().code, Code::kTooLarge);
}

TEST_F(Flow, StopDeliversAndRefusesFurtherRecords) {
  ASSERT_TRUE(put("s", "{}"));
  ASSERT_TRUE(send("s", "{\"id\":1}"));
  ASSERT_TRUE(streams_->stop(Deadline::never()));
  EXPECT_EQ(send("s", "{\"id\":2}").error().code, Code::kUnavailable);
  EXPECT_EQ(table("raw.s")->snapshot()->summary.at("total-records"), "1");
}

// I3, with all that happens at once (this is what runs under ThreadSanitizer): a reader's counts never go back and
// are never beyond what was acknowledged before it asked plus what
// came meanwhile, while appends, deliveries and time pass.
TEST_F(Flow, CountsNeverGoBackNorDoubleWhileDeliveriesAndCompactionsRun) {
  ASSERT_TRUE(put("s", R"({"shards": 2, "columns": {"id": "BIGINT"}})"));
  std::atomic<int64_t> acknowledged = 0;
  std::atomic<bool> done = false;
  std::thread producer([&] {
    for (int i = 0; i < 150; ++i) {
      if (!send("s", "{\"id\":" + std::to_string(2 * i) + "}\n{\"id\":" + std::to_string(2 * i + 1) + "}"))
        break;
      acknowledged += 2;
    }
    done = true;
  });
  std::thread deliverer([&] {
    while (!done) (void)flush("s");
  });
  std::thread compactor([&] {
    auto connection = database_->connect().value();
    while (!done) EXPECT_TRUE(lake::compact(*catalog_, {"raw", "s"}, connection));
  });
  int64_t last = 0;
  while (!done) {
    int64_t before = acknowledged;
    std::string text = sql("SELECT count(*), count(DISTINCT id) FROM raw.s");
    int64_t count = std::atoll(text.c_str());
    int64_t distinct = std::atoll(text.c_str() + std::min(text.size(), text.find(',') + 1));
    EXPECT_GE(count, before) << text;
    EXPECT_GE(count, last) << text;
    EXPECT_EQ(count, distinct) << text;
    last = count;
  }
  producer.join();
  deliverer.join();
  compactor.join();
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT id) FROM raw.s"), "300,300\n");
}

TEST(StreamSpecTest, JsonNamesTheWrongKeyAndTheNearest) {
  auto error = [](const char* json) {
    auto spec = stream_spec_from_json("s", boost::json::parse(json).as_object());
    return spec ? std::string() : spec.error().message;
  };
  EXPECT_EQ(error("{}"), "");
  EXPECT_NE(error(R"({"shard": 2})").find("'shards'"), std::string::npos);
  EXPECT_NE(error(R"({"shards": 0})").find("1 to 256"), std::string::npos);
  EXPECT_NE(error(R"({"deliver": {"every": {"age": "5"}}})").find("deliver.every.age"), std::string::npos);
  EXPECT_NE(error(R"({"columns": {"a": "BIGINTT"}})").find("columns.a"), std::string::npos);
  EXPECT_NE(error(R"({"infer": false})").find("infer"), std::string::npos);
  EXPECT_NE(error(R"({"on_violation": "drop"})").find("rescue, reject, strict"), std::string::npos);
  EXPECT_FALSE(stream_spec_from_json("a b", {}));
  EXPECT_FALSE(stream_spec_from_json("../x", {}));
}

TEST(StreamSpecTest, APartitionThatYamlSplitAtItsCommaIsOneAgain) {
  auto json = boost::json::parse(R"j({"deliver": {"partition": ["a", "bucket(4", "id)", "day(t)"]}})j");
  EXPECT_EQ(stream_spec_from_json("s", json.as_object())->deliver.partition,
            (std::vector<std::string>{"a", "bucket(4, id)", "day(t)"}));
}

TEST(StreamSpecTest, GoesToJsonAndBack) {
  auto json = boost::json::parse(
      R"j({"shards": 4, "columns": {"a": "BIGINT", "j": {"type": "JSON", "required": true}},
      "infer": true, "on_violation": "reject", "transform": "SELECT * FROM records", "undelivered_max": "1GiB",
      "deliver": {"table": "x.y", "partition": ["day(a)"], "every": {"age": "90s", "size": "1MiB"}}, "keep": {"age": "7d", "size": "10GiB"}})j");
  StreamSpec spec = stream_spec_from_json("s", json.as_object()).value();
  EXPECT_EQ(stream_spec_from_json("s", to_json(spec)).value(), spec);
  EXPECT_EQ(spec.columns[1].doc, "json");
}

}  // namespace
}  // namespace tarn::flow
