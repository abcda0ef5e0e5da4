// The client side against a door: a real lake in this process, and one that misbehaves.

#include "app/lake_process.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/commands.h"
#include "app/uploader.h"
#include "app/verify.h"
#include "base/file.h"
#include "doors/http/server.h"

namespace tarn::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

class LakeProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tarn_lake_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    ::setenv("TARN_DATA", (folder_ / "data").c_str(), 1);  // where the commands find the root's key
  }
  void TearDown() override {
    lake_.reset();
    fs::remove_all(folder_);
  }

  void start(std::string_view yaml) {
    auto file = parse_lake_file(yaml, "lake.yaml");
    ASSERT_TRUE(file) << file.error().message;
    file->http = "127.0.0.1:0";
    auto lake = LakeProcess::start(folder_ / "data", *file);
    ASSERT_TRUE(lake) << lake.error().message;
    lake_ = std::move(*lake);
  }
  Outcome tarn(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "tarn");
    arguments.insert(arguments.end(), {"--url", "http://" + lake_->address()});
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out;
    std::ostringstream err;
    int status = run(static_cast<int>(argv.size()), argv.data(), out, err);
    return {status, out.str(), err.str()};
  }
  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }

  fs::path folder_;
  std::unique_ptr<LakeProcess> lake_;
};

TEST_F(LakeProcessTest, TakesRecordsAndAnswersSqlAndIsFoundWholeByVerify) {
  start("streams: { clicks: { deliver: { every: { age: 1h } } } }");
  std::string text;
  for (int i = 0; i < 1234; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  Outcome put = tarn({"put", "clicks", write("a.ndjson", text), "--batch", "100", "--gzip"});
  EXPECT_EQ(put.status, kDone) << put.err;
  EXPECT_THAT(put.err, HasSubstr("1,234 records into clicks"));

  Outcome sql =
      tarn({"sql", "SELECT count(*) AS records, sum(n) AS total FROM raw.clicks", "--format", "csv"});
  EXPECT_EQ(sql.out, "records,total\r\n1234,760761\r\n") << sql.err;
  EXPECT_THAT(tarn({"sql", "SELECT 1 AS one; SELECT 'x' AS two"}).out, HasSubstr("│ x   │"));
  EXPECT_EQ(tarn({"sql", "SELECT * FROM raw.click"}).status, kFailed);
  EXPECT_THAT(tarn({"sql", "FROM raw.clicks", "--rows", "5"}).out, HasSubstr("(the first 5 rows;"));
  EXPECT_THAT(tarn({"sql", "--chart", "SELECT 'a', 3"}).out, HasSubstr("a │█"));

  EXPECT_EQ(tarn({"flush"}).out, "clicks is delivered.\n");
  EXPECT_THAT(tarn({"status"}).out, HasSubstr("1,234"));
  EXPECT_THAT(tarn({"describe", "raw.clicks"}).out, HasSubstr("0: 0-1234"));
  EXPECT_EQ(tarn({"describe", "clcks"}).status, kFailed);
  EXPECT_EQ(tarn({"maintain"}).status, kDone);

  auto running = verify_lake(folder_ / "data");
  ASSERT_TRUE(running) << running.error().message;
  EXPECT_TRUE(running->running);
  EXPECT_THAT(running->problems, ElementsAre());
  ASSERT_TRUE(lake_->stop(Deadline::after(std::chrono::seconds(30))));
  auto stopped = verify_lake(folder_ / "data");
  ASSERT_TRUE(stopped);
  EXPECT_FALSE(stopped->running);
  EXPECT_THAT(stopped->problems, ElementsAre());
}

TEST_F(LakeProcessTest, VerifyFindsADamagedLogAndAMissingFile) {
  start("streams: { clicks: { keep: { age: 1d } } }");
  tarn({"put", "clicks", write("a.ndjson", "{\"n\":1}\n")});
  tarn({"flush"});
  tarn({"put", "clicks", write("b.ndjson", "{\"n\":2}\n")});
  ASSERT_TRUE(lake_->stop(Deadline::after(std::chrono::seconds(30))));
  int removed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "data" / "objects")) {
    if (entry.path().extension() == ".parquet" && removed++ == 0) fs::resize_file(entry.path(), 10);
  }
  ASSERT_GT(removed, 0);
  auto report = verify_lake(folder_ / "data");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->problems.empty());
}

TEST_F(LakeProcessTest, ASecondProcessIsToldWhoHasTheFolder) {
  start("lake: a");
  auto second = LakeProcess::start(folder_ / "data", LakeFile{});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(getpid())));
}

TEST_F(LakeProcessTest, APortThatIsTakenIsSaid) {
  start("lake: a");
  LakeFile file;
  file.http = lake_->address();
  auto second = LakeProcess::start(folder_ / "other", file);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kExists);
  EXPECT_THAT(second.error().message, HasSubstr(lake_->address()));
}

TEST_F(LakeProcessTest, NotesWhereItListensWhileItDoes) {
  start("lake: a");
  EXPECT_EQ(read_file(folder_ / "data" / "http.address").value_or(""), lake_->address() + "\n");
  ASSERT_TRUE(lake_->stop(Deadline::never()));
  EXPECT_FALSE(fs::exists(folder_ / "data" / "http.address"));
}

TEST_F(LakeProcessTest, AppliesAFileAndThenFindsNothingToChange) {
  start("lake: a");
  std::string file =
      write("lake.yaml",
            "streams: { clicks: { shards: 2, columns: { id: long, at: { type: timestamptz, required: "
            "true }, more: JSON } } }\n"
            "databases: { gold: { tables: { t: { columns: { a: long, d: { type: 'decimal(10,2)' } }, "
            "partition: [ 'bucket(4, a)' ], keep: { snapshots: 3, age: 48h } } } },\n"
            "             raw: { tables: { clicks: { compact: { files: 4, small: 1024KiB } } } } }\n");
  EXPECT_THAT(tarn({"plan", "-f", file}).out, HasSubstr("to create"));
  Outcome applied = tarn({"apply", "-f", file});
  EXPECT_EQ(applied.status, kDone) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("+ stream clicks"));
  Outcome again = tarn({"plan", "-f", file});
  EXPECT_THAT(again.out, HasSubstr("Nothing to change.")) << again.out;

  Outcome changed = tarn({"apply", "-f", write("b.yaml", "streams: { clicks: { shards: 1 } }")});
  EXPECT_EQ(changed.status, kFailed);
  EXPECT_THAT(changed.err, HasSubstr("change stream clicks"));
  EXPECT_THAT(tarn({"plan", "-f", write("c.yaml", "lake: a")}).out, HasSubstr("unmanaged"));
  EXPECT_EQ(tarn({"apply", "--prune", "-f", write("c.yaml", "lake: a")}).status, kDone);
  EXPECT_THAT(tarn({"status"}).out, HasSubstr("No streams."));
}

TEST_F(LakeProcessTest, AStepThatFailsDoesNotKeepTheLakeFromServing) {
  start("streams: { a: { shards: 2 } }");
  lake_.reset();
  start("streams: { a: { shards: 1 }, b: {} }");  // shards can't shrink
  EXPECT_EQ(tarn({"put", "a", write("a.ndjson", "{\"n\":1}\n")}).status, kDone);
  EXPECT_EQ(tarn({"put", "b", write("b.ndjson", "{\"n\":1}\n")}).status, kDone);
  EXPECT_THAT(tarn({"plan", "-f", write("c.yaml", "streams: { a: { shards: 1 }, b: {} }")}).out,
              HasSubstr("~ stream a"));
}

TEST_F(LakeProcessTest, WithoutAFileTheLakeIsAsItWasLeft) {
  start("{ roles: { public: [ { select: raw.* } ] }, principals: { anonymous: { roles: [ public ] } } }");
  lake_.reset();
  auto again = LakeProcess::start(folder_ / "data", [] {
    LakeFile none;
    none.http = "127.0.0.1:0";
    return none;
  }());
  ASSERT_TRUE(again) << again.error().message;
  lake_ = std::move(*again);
  EXPECT_THAT(tarn({"user", "list"}).out, HasSubstr("anonymous"));
  lake_.reset();
  start("lake: a");
  EXPECT_THAT(tarn({"user", "list"}).out, Not(HasSubstr("anonymous")));
}

TEST_F(LakeProcessTest, PruningTwiceLeavesTheRowsOfAStreamThatIsGone) {
  start("streams: { clicks: {} }");
  tarn({"put", "clicks", write("a.ndjson", "{\"n\":1}\n")});
  std::string file = write("b.yaml", "lake: a");
  EXPECT_THAT(tarn({"apply", "--prune", "-f", file}).out, HasSubstr("- stream clicks"));
  EXPECT_EQ(tarn({"apply", "--prune", "-f", file}).out, "Nothing to change.\n");
  EXPECT_THAT(tarn({"plan", "--prune", "-f", file}).out, HasSubstr("of a stream that is gone"));
  EXPECT_EQ(tarn({"sql", "SELECT count(*) AS n FROM raw.clicks", "--format", "csv"}).out, "n\r\n1\r\n");
  EXPECT_EQ(tarn({"destroy", "raw.clicks", "--yes"}).status, kDone);
}

TEST_F(LakeProcessTest, DestroyDeletesWhatIsNamed) {
  start("{ streams: { clicks: {} }, databases: { g: { tables: { t: { columns: { a: int } } } } } }");
  EXPECT_EQ(tarn({"destroy", "nobody", "--yes"}).status, kFailed);
  EXPECT_THAT(tarn({"destroy", "g.t", "--yes"}).out, HasSubstr("Deleted table g.t."));
  EXPECT_THAT(tarn({"destroy", "clicks", "--yes"}).out, HasSubstr("Deleted stream clicks."));
  EXPECT_EQ(tarn({"destroy", "clicks", "--yes"}).status, kFailed);
}

TEST_F(LakeProcessTest, PutListsWhatWasRefusedByItsPlaceInTheFile) {
  start("streams: { strict: { columns: { n: BIGINT }, on_violation: strict } }");
  std::string file = write("a.ndjson", "{\"n\":1}\n{\"n\":\"x\"}\n{\"n\":3}\n{\"n\":\"y\"}\n");
  Outcome put = tarn({"put", "strict", file, "--batch", "3"});
  EXPECT_EQ(put.status, kFailed);
  EXPECT_THAT(put.err, HasSubstr("record 2: "));
  EXPECT_THAT(put.err, HasSubstr("record 4: "));
  EXPECT_THAT(put.err, HasSubstr("2 records into strict"));
  EXPECT_THAT(put.err, HasSubstr("2 records were refused"));
}

TEST_F(LakeProcessTest, TheSameProducerCountsOnce) {
  start("streams: { clicks: {} }");
  std::string file = write("a.ndjson", "{\"n\":1}\n{\"n\":2}\n");
  std::string more = write("b.ndjson", "{\"n\":3}\n");
  EXPECT_THAT(tarn({"put", "clicks", file, more, "--producer", "p"}).err, HasSubstr("3 records into"));
  EXPECT_THAT(tarn({"put", "clicks", file, more, "--producer", "p"}).err, HasSubstr("3 were there before"));
  EXPECT_EQ(tarn({"sql", "SELECT count(*) AS n FROM raw.clicks", "--format", "csv"}).out, "n\r\n3\r\n");
  EXPECT_EQ(tarn({"put", "nobody", file}).status, kFailed);
}

// A door that answers 429, then cuts the connection off, then takes what comes.
TEST(Uploader, SendsABatchAgainUntilItIsAcknowledged) {
  std::atomic<int> requests = 0;
  Mutex mu;
  std::vector<std::string> taken;
  auto handler = [&](http::Request& request, http::Responder& responder) {
    std::string body(1024, '\0');
    size_t size = 0;
    while (auto got = request.read(std::span(body).subspan(size))) {
      if (*got == 0) break;
      size += *got;
    }
    int number = requests++;
    if (number == 0) {
      (void)responder.send(429, {{"Retry-After", "0"}}, R"({"error":{"code":"busy","message":"wait"}})");
    } else if (number == 1) {
      (void)responder.begin(200, {});  // and no end: the connection is cut
    } else {
      Lock lock(mu);
      taken.push_back(std::string(*request.header("Tarn-Producer")) + "/" +
                      std::string(*request.header("Tarn-Batch")) + " " + body.substr(0, size));
      (void)responder.send(200, {}, R"({"accepted":1})");
    }
  };
  Metrics metrics;
  http::Options options;
  options.port = 0;
  auto server = http::Server::listen(options, handler, metrics);
  ASSERT_TRUE(server) << server.error().message;
  UploadOptions upload;
  upload.endpoint.url = "http://127.0.0.1:" + std::to_string((*server)->port());
  upload.stream = "s";
  upload.connections = 1;
  upload.batch_records = 1;
  Uploader uploader(upload);
  ASSERT_TRUE(uploader.next_producer("p", "f"));
  ASSERT_TRUE(uploader.add("{}"));
  ASSERT_TRUE(uploader.add("{\"a\":1}"));
  auto summary = uploader.finish();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->accepted, 2u);
  EXPECT_EQ(summary->retries, 2u);
  EXPECT_THAT(taken, ElementsAre("p/0 {}\n", "p/1 {\"a\":1}\n"));
  (*server)->stop(Deadline::never());
}

TEST(Uploader, GivesUpAtOnceOnWhatSendingAgainCannotMend) {
  auto handler = [&](http::Request&, http::Responder& responder) {
    (void)responder.send(404, {}, R"({"error":{"code":"not_found","message":"no stream s"}})");
  };
  Metrics metrics;
  http::Options options;
  options.port = 0;
  auto server = http::Server::listen(options, handler, metrics);
  ASSERT_TRUE(server);
  UploadOptions upload;
  upload.endpoint.url = "http://127.0.0.1:" + std::to_string((*server)->port());
  upload.stream = "s";
  upload.batch_records = 1;
  Uploader uploader(upload);
  ASSERT_TRUE(uploader.next_producer("p", "f"));
  // Sooner or later add() says it too; a thousand records don't fit into the queue.
  Status added;
  for (int i = 0; i < 1000 && added; ++i) added = uploader.add("{}");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Code::kNotFound);
  EXPECT_EQ(added.error().message, "no stream s");
  EXPECT_FALSE(uploader.finish());
  (*server)->stop(Deadline::never());
}

}  // namespace
}  // namespace tarn::app
