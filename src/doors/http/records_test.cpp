// POST /v1/streams/{stream}/records.
#include <random>
#include <thread>

#include <zlib.h>
#include <zstd.h>

#include "doors/http/native_api_fixture_for_test.h"

namespace tarn::http {
namespace {

namespace json = boost::json;
using Records = std::vector<std::string>;

constexpr std::string_view kJsonHeader = "Content-Type: application/json\r\n";

class NativeApiRecords : public NativeApi {};

TEST_F(NativeApiRecords, TakesLines) {
  for (std::string_view type :
       {"", "Content-Type: application/x-ndjson; charset=utf-8\r\n", "Content-Type: Text/Plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    Reply reply = records("{\"a\":1}\r\n\n{\"a\":2}\nnot json", type);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(json(reply).at("accepted"), 3);
  }
  auto batches = events()->batches();
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[3].records, (Records{"{\"a\":1}", "{\"a\":2}", "not json"}));
  auto last = json(records("{\"a\":3}"));
  EXPECT_EQ(json::serialize(last), R"({"accepted":1,"shard":0,"first_sequence":12})");
}

TEST_F(NativeApiRecords, AppendsLongBodiesInFramesAsTheyArrive) {
  std::string body;
  Records expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back("{\"n\":" + std::to_string(i) + "}");
    body += expected.back() + "\n";
  }
  Reply reply = records(body);
  EXPECT_EQ(json(reply).at("accepted"), 500);
  EXPECT_EQ(events()->records(), expected);
  auto batches = events()->batches();
  EXPECT_GT(batches.size(), 4u);
  for (size_t i = 0; i + 1 < batches.size(); ++i) EXPECT_GT(batches[i].records.size(), 50u);
  EXPECT_FALSE(json(reply).contains("ranges")) << "one after the other in one shard is one range";
}

TEST_F(NativeApiRecords, TakesFramesWhileTheClientStillSends) {
  TestClient client(port());
  client.send(
      "POST /v1/streams/events/records HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string piece;
  for (int i = 0; i < 100; ++i) piece += "{\"number\":" + std::to_string(1000 + i) + "}\n";
  client.send("640\r\n" + piece + "\r\n");  // 1600 bytes: more than one frame
  while (events()->batches().empty()) std::this_thread::yield();
  client.send("0\r\n\r\n");
  EXPECT_EQ(json(client.read()).at("accepted"), 100);
}

TEST_F(NativeApiRecords, TakesJson) {
  EXPECT_EQ(json(records("[{\"a\":1},\n {\"a\":\n2}]", kJsonHeader)).at("accepted"), 2);
  EXPECT_EQ(json(records("{\n\"a\": 3\n}\n", kJsonHeader)).at("accepted"), 1);
  EXPECT_EQ(events()->records(), (Records{"{\"a\":1}", "{\"a\":\n2}", "{\n\"a\": 3\n}"}));
  Reply broken = records("[{\"a\":1},", kJsonHeader);
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(json(broken).at("accepted"), 0);
  EXPECT_EQ(records("[" + std::string(30'000, ' ') + "1]", kJsonHeader).status, 413);
  EXPECT_EQ(records("hello", kJsonHeader).status, 400);
}

TEST_F(NativeApiRecords, AppendsLongArraysInFrames) {
  std::string body = "[";
  for (int i = 0; i < 400; ++i) body += (i ? ",{\"n\":" : "{\"n\":") + std::to_string(i) + "}";
  EXPECT_EQ(json(records(body + "]", kJsonHeader)).at("accepted"), 400);
  EXPECT_GT(events()->batches().size(), 2u);
  EXPECT_EQ(events()->records().size(), 400u);
}

TEST_F(NativeApiRecords, TakesCsv) {
  Reply reply =
      records("id,name\r\n1,\"a, \"\"b\"\"\"\r\n2,x,too many\r\n3,c\r\n", "Content-Type: text/csv\r\n");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(events()->records(), (Records{R"({"id":1,"name":"a, \"b\""})", R"({"id":3,"name":"c"})"}));
  auto answer = json(reply);
  EXPECT_EQ(answer.at("accepted"), 2);
  EXPECT_EQ(answer.at("errors").at(0).at("index"), 1);
  EXPECT_EQ(json(post("/v1/streams/events/records?separator=%3B", "a;b\n1;2\n", "Content-Type: text/csv\r\n"))
                .at("accepted"),
            1);
  EXPECT_EQ(events()->records().back(), R"({"a":1,"b":2})");
  EXPECT_EQ(post("/v1/streams/events/records?separator=ab", "a\n1\n", "Content-Type: text/csv\r\n").status,
            400);
  EXPECT_EQ(records("a\n\"never closed", "Content-Type: text/csv\r\n").status, 400);
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

TEST_F(NativeApiRecords, TakesCompressedBodies) {
  std::string text = "{\"a\":1}\n{\"a\":2}\n";
  std::string zstd(::ZSTD_compressBound(text.size()), '\0');
  zstd.resize(::ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 3));
  EXPECT_EQ(json(records(gzip(text), "Content-Encoding: gzip\r\n")).at("accepted"), 2);
  EXPECT_EQ(json(records(zstd, "Content-Encoding: zstd\r\n")).at("accepted"), 2);
  EXPECT_EQ(json(records(gzip("[{\"a\":1}]"), "Content-Encoding: gzip\r\nContent-Type: application/json\r\n"))
                .at("accepted"),
            1);
  EXPECT_EQ(records(gzip(std::string(5'000'000, '\n')), "Content-Encoding: gzip\r\n").status, 413);
}

TEST_F(NativeApiRecords, SaysHowManyWereAcceptedBeforeTheBodyBroke) {
  std::string text;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) text += "{\"n\":" + std::to_string(random()) + "}\n";
  std::string bytes = gzip(text);
  Reply reply = records(bytes.substr(0, bytes.size() / 2), "Content-Encoding: gzip\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_TRUE(message(reply).contains("cut off")) << reply.body;
  EXPECT_GT(json(reply).at("accepted").as_int64(), 0);
  EXPECT_EQ(static_cast<size_t>(json(reply).at("accepted").as_int64()), events()->records().size());
}

TEST_F(NativeApiRecords, ListsRecordsThatAreTooLong) {
  Reply reply = records("{\"a\":1}\n\n" + std::string(6000, 'x') + "\n{\"a\":2}\n");
  EXPECT_EQ(reply.status, 200);
  auto answer = json(reply);
  EXPECT_EQ(answer.at("accepted"), 2);
  EXPECT_EQ(answer.at("errors_total"), 1);
  EXPECT_EQ(answer.at("errors").at(0).at("index"), 1);
  EXPECT_EQ(answer.at("errors").at(0).at("code"), "too_large");
  EXPECT_EQ(events()->records(), (Records{"{\"a\":1}", "{\"a\":2}"}));
  Reply none = records(std::string(6000, 'x'));
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(json(none).at("errors_total"), 1);
}

TEST_F(NativeApiRecords, ListsAtMostAThousandErrors) {
  std::string body = "{\"a\":1}\n";
  for (int i = 0; i < 150; ++i) body += std::string(5001, 'x') + "\n";
  limits_.record_bytes_max = 3;
  body = "1\n";
  for (int i = 0; i < 1500; ++i) body += "1234\n";
  auto answer = json(records(body));
  EXPECT_EQ(answer.at("accepted"), 1);
  EXPECT_EQ(answer.at("errors_total"), 1500);
  EXPECT_EQ(answer.at("errors").as_array().size(), 1000u);
}

TEST_F(NativeApiRecords, RefusesViolationsOfStrictStreams) {
  flow::StreamSpec spec;
  spec.name = "strict";
  spec.on_violation = columns::OnViolation::kStrict;
  spec.infer = false;
  columns::Field field;
  field.name = "id";
  field.type = columns::parse_type("BIGINT").value();
  field.required = true;
  spec.columns.push_back(field);
  ASSERT_TRUE(streams_.put(spec));
  Reply reply = post("/v1/streams/strict/records", "{\"id\":1}\n{\"id\":\"x\"}\n{}\n{\"id\":2}\n");
  EXPECT_EQ(reply.status, 200) << reply.body;
  auto answer = json(reply);
  EXPECT_EQ(answer.at("accepted"), 2);
  EXPECT_EQ(answer.at("errors").at(0).at("index"), 1);
  EXPECT_EQ(answer.at("errors").at(1).at("index"), 2);
  EXPECT_EQ(streams_.fake("strict").value()->records(), (Records{"{\"id\":1}", "{\"id\":2}"}));
  EXPECT_EQ(post("/v1/streams/strict/records", "{}\n").status, 400);
}

TEST_F(NativeApiRecords, RefusesEmptyBatches) {
  for (std::string_view body : {"", "\n \n"}) {
    Reply reply = records(body);
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(message(reply).contains("empty batch")) << reply.body;
  }
  EXPECT_EQ(records("[]", kJsonHeader).status, 400);
  EXPECT_EQ(records("a,b\n", "Content-Type: text/csv\r\n").status, 400);
}

TEST_F(NativeApiRecords, NamesTheTypesAndEncodingsThatExist) {
  Reply type = records("x", "Content-Type: application/xml\r\n");
  EXPECT_EQ(type.status, 415);
  EXPECT_TRUE(message(type).contains("application/x-ndjson")) << type.body;
  Reply encoding = records("x", "Content-Encoding: br\r\n");
  EXPECT_EQ(encoding.status, 415);
  EXPECT_TRUE(message(encoding).contains("zstd")) << encoding.body;
}

TEST_F(NativeApiRecords, GivesKeysToTheStream) {
  records("{}", "Tarn-Key: k1\r\n");
  post("/v1/streams/events/records?key=k%202", "{}");
  EXPECT_EQ(events()->batches()[0].key, "k1");
  EXPECT_EQ(events()->batches()[1].key, "k 2");
}

TEST_F(NativeApiRecords, CountsAProducersBatchOnce) {
  std::string body;
  for (int i = 0; i < 300; ++i)
    body += "{\"n\":" + std::to_string(i) + "}\n";  // over frame_bytes: one frame all the same
  constexpr std::string_view kHeaders = "Tarn-Producer: p\r\nTarn-Batch: 18446744073709551615\r\n";
  auto first = json(records(body, kHeaders));
  EXPECT_EQ(first.at("accepted"), 300);
  EXPECT_FALSE(first.contains("duplicate"));
  auto again = json(records(body, kHeaders));
  EXPECT_EQ(again.at("duplicate"), true);
  ASSERT_EQ(events()->batches().size(), 1u);
  EXPECT_EQ(events()->batches()[0].number, UINT64_MAX);
  EXPECT_EQ(events()->records().size(), 300u);
}

TEST_F(NativeApiRecords, KeepsAProducersBatchWhole) {
  std::string body;
  while (body.size() < 30'000) body += "{\"n\":1}\n";
  for (std::string_view more : {"", "Content-Encoding: identity\r\n", "Content-Type: text/csv\r\n",
                                "Content-Type: application/json\r\n"}) {
    Reply reply = records(body, "Tarn-Producer: p\r\nTarn-Batch: 1\r\n" + std::string(more));
    EXPECT_EQ(reply.status, 413) << more << reply.body;
  }
  EXPECT_TRUE(events()->batches().empty());
}

TEST_F(NativeApiRecords, WantsBothHeadersOfAProducer) {
  EXPECT_EQ(records("{}", "Tarn-Producer: p\r\n").status, 400);
  EXPECT_EQ(records("{}", "Tarn-Batch: 1\r\n").status, 400);
  EXPECT_EQ(records("{}", "Tarn-Producer: p\r\nTarn-Batch: -1\r\n").status, 400);
  EXPECT_EQ(records("{}", "Tarn-Producer: p\r\nTarn-Batch: 18446744073709551616\r\n").status, 400);
  EXPECT_EQ(records("{}", "Tarn-Producer: " + std::string(257, 'p') + "\r\nTarn-Batch: 1\r\n").status, 400);
  EXPECT_TRUE(events()->batches().empty());
}

TEST_F(NativeApiRecords, TellsErrorsOfTheStreamInHttpsWords) {
  struct Case {
    Error error;
    int status;
    std::string code;
    std::string retry_after;
  };
  for (const Case& c :
       {Case{{Code::kBusy, "slow", 1500}, 429, "busy", "2"}, Case{{Code::kBusy, "slow", 0}, 429, "busy", "1"},
        Case{{Code::kFull, "disk", 0}, 507, "full", ""},
        Case{{Code::kUnavailable, "stopping", 0}, 503, "unavailable", "1"},
        Case{{Code::kTooLarge, "large", 0}, 413, "too_large", ""},
        Case{{Code::kUnknownOutcome, "sync", 0}, 500, "unknown_outcome", ""},
        Case{{Code::kIo, "disk", 0}, 500, "io", ""}}) {
    events()->then(c.error);
    Reply reply = records("{}");
    EXPECT_EQ(reply.status, c.status);
    EXPECT_EQ(code(reply), c.code);
    EXPECT_EQ(reply.headers["retry-after"], c.retry_after);
    EXPECT_EQ(json(reply).at("accepted"), 0);
    if (c.error.retry_after_ms > 0) {
      EXPECT_EQ(json(reply).at("error").at("retry_after_ms"), c.error.retry_after_ms);
    }
  }
}

TEST_F(NativeApiRecords, SaysWhatWasAcceptedBeforeTheStreamFailed) {
  std::string body;
  for (int i = 0; i < 300; ++i) body += "{\"n\":1}\n";
  events()->then(std::nullopt);
  events()->then(Error{Code::kFull, "the disk is full", 0});
  Reply reply = records(body);
  EXPECT_EQ(reply.status, 507);
  ASSERT_EQ(events()->batches().size(), 1u);
  EXPECT_EQ(static_cast<size_t>(json(reply).at("accepted").as_int64()), events()->records().size());
}

TEST_F(NativeApiRecords, WaitsALittleInTheMiddleOfABody) {
  limits_.busy_wait = std::chrono::seconds(10);
  std::string body;
  for (int i = 0; i < 300; ++i) body += "{\"n\":1}\n";
  events()->then(std::nullopt);
  events()->then(Error{Code::kBusy, "slow", 1});
  events()->then(Error{Code::kBusy, "slow", 1});
  EXPECT_EQ(json(records(body)).at("accepted"), 300);
  events()->then(Error{Code::kBusy, "slow", 1});
  EXPECT_EQ(records(body).status, 429) << "at the start there is nothing to lose: the client waits";
}

TEST_F(NativeApiRecords, NamesTheNearestStream) {
  Reply near = post("/v1/streams/event/records", "{}");
  EXPECT_EQ(near.status, 404);
  EXPECT_TRUE(message(near).contains("'events'")) << near.body;
  EXPECT_TRUE(message(post("/v1/streams/something/records", "{}")).contains("PUT /v1/streams/something"));
}

TEST_F(NativeApiRecords, RefusesBodiesOverTheLimitBeforeReadingThem) {
  TestClient client(port());
  client.send(
      "POST /v1/streams/events/records HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 2000000\r\n\r\n");
  EXPECT_EQ(client.read().status, 413);
}

}  // namespace
}  // namespace tarn::http
