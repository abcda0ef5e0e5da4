// Cutting text: statements, JSON records, results, files.

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "app/json_splitter.h"
#include "app/record_source.h"
#include "app/result_reader.h"
#include "app/statement_splitter.h"
#include "columns/duck.h"

namespace tarn::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(StatementSplitter, CutsAtSemicolonsOnly) {
  StatementSplitter splitter;
  EXPECT_THAT(splitter.feed("SELECT 1; SELECT 2;"), ElementsAre("SELECT 1", " SELECT 2"));
  EXPECT_FALSE(splitter.pending());
}

TEST(StatementSplitter, WaitsForTheEndOverLines) {
  StatementSplitter splitter;
  EXPECT_THAT(splitter.feed("SELECT"), IsEmpty());
  EXPECT_TRUE(splitter.pending());
  EXPECT_THAT(splitter.feed("1;"), ElementsAre("SELECT\n1"));
}

TEST(StatementSplitter, LeavesSemicolonsInTextNamesAndComments) {
  for (const char* statement :
       {"SELECT 'a;b'", "SELECT 'it''s; fine'", "SELECT \"a;b\"", "SELECT 1 /* ; /* ; */ ; */",
        "SELECT $$ ; $$", "SELECT $tag$ ; $$ ; $tag$", "SELECT e'\\'; '", "SELECT 1 -- ;\n"}) {
    StatementSplitter splitter;
    std::vector<std::string> found = splitter.feed(std::string(statement) + ";");
    ASSERT_EQ(found.size(), 1u) << statement;
    EXPECT_EQ(found[0], statement);
  }
}

TEST(StatementSplitter, IgnoresCommentsAndBlanksAlone) {
  StatementSplitter splitter;
  EXPECT_THAT(splitter.feed("  -- nothing; here"), IsEmpty());
  EXPECT_FALSE(splitter.pending());
  EXPECT_THAT(splitter.feed(" ; ;"), IsEmpty());
  EXPECT_EQ(splitter.take_rest(), "");
  (void)splitter.feed("SELECT 5");
  EXPECT_EQ(splitter.take_rest(), "SELECT 5\n");
  EXPECT_FALSE(splitter.pending());
}

Result<std::vector<std::string>> split_json(std::string_view text, size_t piece, size_t limit = 1 << 20) {
  std::vector<std::string> records;
  JsonSplitter splitter(
      [&](std::string_view record) -> Status {
        records.emplace_back(record);
        return {};
      },
      limit);
  for (size_t at = 0; at < text.size(); at += piece) TARN_TRY(splitter.feed(text.substr(at, piece)));
  TARN_TRY(splitter.finish());
  return records;
}

TEST(JsonSplitter, GivesTheValuesOfAnArrayHoweverItIsCut) {
  std::string_view text = "[ {\"a\": [1,2],\n \"b\":\"],[\\\"\"} ,{\"c\":{}}, 5, \"x\" ]\n";
  for (size_t piece = 1; piece < 8; ++piece) {
    auto records = split_json(text, piece);
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_THAT(*records, ElementsAre("{\"a\": [1,2],  \"b\":\"],[\\\"\"}", "{\"c\":{}}", "5", "\"x\""));
  }
}

TEST(JsonSplitter, GivesValuesOneAfterTheOther) {
  EXPECT_THAT(*split_json("{\"a\":1}{\"a\":2}\n{\"a\":3}", 3),
              ElementsAre("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"));
  EXPECT_THAT(*split_json("", 1), IsEmpty());
  EXPECT_THAT(*split_json(" [ ] ", 1), IsEmpty());
}

TEST(JsonSplitter, NamesTheLineOfWhatCannotBeCut) {
  for (const char* text : {"[{}", "[{} {", "{\"a\":1", "[1,,2]", "[1] 2", "}", "{\"a\":\"x\ny\"}", "{},{}"}) {
    auto records = split_json(text, 1);
    ASSERT_FALSE(records) << text;
    EXPECT_EQ(records.error().code, Code::kInvalid);
    EXPECT_THAT(records.error().message, HasSubstr("line ")) << text;
  }
  EXPECT_EQ(split_json("[\"0123456789\"]", 1, 5).error().code, Code::kTooLarge);
}

TEST(ResultReader, ReadsColumnsAndRowsHoweverTheyAreCut) {
  std::string_view text =
      R"({"columns":[{"name":"a\"rows\":[","type":"BIGINT"},{"name":"b","type":"VARCHAR"}],"rows":[
[12345678901234567890.123,"x,\"]"],
[null,{"k":[1,"é"]}]
]}
)";
  for (size_t piece : {size_t{1}, size_t{3}, size_t{7}, text.size()}) {
    std::vector<TableColumn> columns;
    std::vector<TableRow> rows;
    ResultReader reader(
        [&](const auto& c) {
          columns = c;
          return Status();
        },
        [&](TableRow row) {
          rows.push_back(std::move(row));
          return Status();
        });
    for (size_t at = 0; at < text.size(); at += piece) ASSERT_TRUE(reader.feed(text.substr(at, piece)));
    ASSERT_TRUE(reader.finish());
    ASSERT_EQ(columns.size(), 2u);
    EXPECT_EQ(columns[0].name, "a\"rows\":[");
    EXPECT_EQ(columns[1].type, "VARCHAR");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_THAT(rows[0], ElementsAre("12345678901234567890.123", "x,\"]"));
    EXPECT_THAT(rows[1], ElementsAre(std::nullopt, R"({"k":[1,"é"]})"));
  }
}

TEST(ResultReader, RefusesAnAnswerThatIsNoneOrNotWhole) {
  auto nothing = [](const auto&) { return Status(); };
  ResultReader cut(nothing, [](const TableRow&) { return Status(); });
  ASSERT_TRUE(cut.feed(R"({"columns":[{"name":"a","type":"BIGINT"}],"rows":[[1],)"));
  EXPECT_FALSE(cut.finish());
  ResultReader other(nothing, [](const TableRow&) { return Status(); });
  ASSERT_TRUE(other.feed("<html>"));
  EXPECT_FALSE(other.finish());
  ResultReader uneven(nothing, [](const TableRow&) { return Status(); });
  EXPECT_FALSE(uneven.feed(R"({"columns":[{"name":"a","type":"BIGINT"}],"rows":[[1,2]]})"));
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("tarn_app_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view bytes) {
    std::string path = (folder_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  Result<std::vector<std::string>> read(const std::string& path) {
    TARN_ASSIGN(auto source, RecordSource::open(path, record_format_of(path)));
    std::vector<std::string> records;
    RecordSource::Sink sink;
    sink.record = [&](std::string_view record) -> Status {
      records.emplace_back(record);
      return {};
    };
    sink.bad = [&](std::string message) -> Status {
      bad_.push_back(std::move(message));
      return {};
    };
    TARN_TRY(source->read(sink));
    EXPECT_EQ(source->done(), source->total());
    return records;
  }

  std::filesystem::path folder_;
  std::vector<std::string> bad_;
};

std::string gzipped(std::string_view text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Files, ReadsNdjson) {
  EXPECT_THAT(*read(write("a.ndjson", "{\"a\":1}\r\n\n{\"a\":2}")), ElementsAre("{\"a\":1}", "{\"a\":2}"));
}

TEST_F(Files, ReadsCsv) {
  EXPECT_THAT(*read(write("a.csv", "a,b\n1,x\n2\n")), ElementsAre(R"({"a":1,"b":"x"})"));
  ASSERT_EQ(bad_.size(), 1u);
  EXPECT_THAT(bad_[0], HasSubstr("a.csv:3: "));
}

TEST_F(Files, ReadsAJsonArray) {
  EXPECT_THAT(*read(write("a.json", "[{\"a\":1},\n{\"a\":2}]")), ElementsAre("{\"a\":1}", "{\"a\":2}"));
  auto broken = read(write("b.json", "[{\"a\":1}"));
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("b.json: line 1: the array is not closed"));
}

TEST_F(Files, UnpacksGzipAlsoInSeveralMembers) {
  std::string packed = gzipped("{\"a\":1}\n") + gzipped("{\"a\":2}\n");
  EXPECT_THAT(*read(write("a.ndjson.gz", packed)), ElementsAre("{\"a\":1}", "{\"a\":2}"));
  auto torn = read(write("b.ndjson.gz", packed.substr(0, packed.size() - 6)));
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, Code::kCorrupt);
}

TEST_F(Files, UnpacksZstd) {
  std::string text = "{\"a\":1}\n{\"a\":2}\n";
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  EXPECT_THAT(*read(write("a.ndjson.zst", packed)), ElementsAre("{\"a\":1}", "{\"a\":2}"));
  EXPECT_EQ(read(write("b.ndjson.zst", packed.substr(0, packed.size() - 3))).error().code, Code::kCorrupt);
}

TEST_F(Files, ReadsParquetWithTimesAsText) {
  std::string path = (folder_ / "t.parquet").string();
  auto database = duck::Database::open({});
  ASSERT_TRUE(database);
  auto connection = (*database)->connect();
  ASSERT_TRUE(connection);
  ASSERT_TRUE(
      connection->run("COPY (SELECT 1 AS a, TIMESTAMP '2020-01-02 03:04:05.6' AS t, 'x' AS row, "
                      "{'at': TIMESTAMP '2021-01-01', 'l': [TIMESTAMP '2022-01-01']} AS s, "
                      "NULL::STRUCT(q TIMESTAMP) AS n) TO '" +
                      path + "'"));
  auto records = read(path);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_THAT(*records,
              ElementsAre(R"({"a":1,"t":"2020-01-02T03:04:05.600000Z","row":"x",)"
                          R"("s":{"at":"2021-01-01T00:00:00.000000Z","l":["2022-01-01T00:00:00.000000Z"]},)"
                          R"("n":null})"));
}

TEST_F(Files, NamesAFileThatCannotBeRead) {
  EXPECT_EQ(read((folder_ / "none.ndjson").string()).error().code, Code::kNotFound);
  EXPECT_EQ(read((folder_ / "none.parquet").string()).error().code, Code::kNotFound);
  EXPECT_EQ(read(folder_.string()).error().code, Code::kInvalid);
  auto wrong = read(write("wrong.parquet", "not parquet at all"));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("wrong.parquet"));
}

}  // namespace
}  // namespace tarn::app
