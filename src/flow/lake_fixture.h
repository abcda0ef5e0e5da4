// A whole small lake in a temporary folder, for tests of flow/: store, metastore, catalog, DuckDB, streams,
// SQL.
//
// Owns: the folder, which goes with it. reopen() stops everything and starts it again on the same folder.
// Threads: one test.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flow/streams.h"
#include "query/engine.h"
#include "query/result_format.h"

namespace tarn::flow {

class LakeFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("tarn-flow-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "spill");
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    store_ = store::open_directory_store(folder_ / "objects").value();
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    catalog_ = lake::Catalog::open(*metastore_, *store_, "lake").value();
    query::DatabaseOptions options;
    options.memory_bytes = 512 << 20;
    options.threads = 2;
    options.spill_folder = (folder_ / "spill").string();
    options.folders = {(folder_ / "objects").string(), store_->staging().string(), options.spill_folder};
    database_ = query::open_database(options, scans_).value();
    streams_ = Streams::open(
                   {folder_ / "log", *metastore_, *catalog_, *database_, scans_, metrics_, clock_, limits_})
                   .value();
    engine_ = query::Engine::open(
                  {*database_, *catalog_, *streams_, scans_, guard_, metrics_, {}, folder_ / "spill"})
                  .value();
  }
  void close() {
    engine_.reset();
    streams_.reset();
    database_.reset();
    catalog_.reset();
    metastore_.reset();
    store_.reset();
  }
  void reopen() {
    close();
    open();
  }

  Status put(const std::string& name, const std::string& json) {
    TARN_ASSIGN(StreamSpec spec, stream_spec_from_json(name, boost::json::parse(json).as_object()));
    return streams_->put(spec);
  }
  // One record a line; all one batch.
  Result<Accepted> send(const std::string& stream, std::string_view lines,
                        std::optional<log::Producer> producer = std::nullopt) {
    TARN_ASSIGN(auto found, streams_->find(stream));
    std::vector<log::Record> records;
    while (!lines.empty()) {
      size_t end = std::min(lines.find('\n'), lines.size());
      records.push_back({lines.substr(0, end)});
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return found->append(records, producer);
  }
  Status flush(const std::string& stream) { return streams_->find(stream).value()->flush(Deadline::never()); }

  // Rows as CSV without the header; an error's text when it fails.
  std::string sql(const std::string& text) {
    auto running = engine_->start(text, {principal_}, std::nullopt);
    if (!running) return "error: " + running.error().message;
    auto writer = query::ResultWriter::make(query::Format::kCsv);
    std::string out;
    writer->begin((*running)->rows(), out);
    out.clear();
    while (true) {
      auto chunk = (*running)->next();
      if (!chunk) return "error: " + chunk.error().message;
      if (!*chunk) break;
      writer->chunk(**chunk, out);
    }
    std::erase(out, '\r');
    return out;
  }
  lake::Table table(const std::string& name) {
    return catalog_->load(lake::TableName::parse(name).value()).value();
  }

  std::filesystem::path folder_;
  Metrics metrics_;
  ManualClock clock_{Timestamp{1'800'000'000'000'000}};
  Limits limits_;
  columns::Scans scans_;
  std::unique_ptr<access::Audit> audit_ =
      access::Audit::start([](std::span<const std::string>) { return Status(); }, metrics_);
  access::Guard guard_{*audit_, clock_};
  access::Principal principal_ = access::Principal::system();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<duck::Database> database_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<query::Engine> engine_;
};

}  // namespace tarn::flow
