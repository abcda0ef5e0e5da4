// A lake with one table, raw.t(a BIGINT, b VARCHAR), of two snapshots, and who asks it: for tests of query/.
//
// Owns: a temporary folder, which goes with it.
// Threads: the test's.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "access/grants.h"
#include "lake/data_writer.h"
#include "query/engine.h"
#include "query/result_format.h"

namespace tarn::query {

class NoTails : public Tails {
 public:
  Result<std::optional<Tail>> tail(const lake::TableName&) override { return std::optional<Tail>(); }
};

// A lake with one table, raw.t(a BIGINT, b VARCHAR), of two snapshots: one row, then two.
class QueryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("tarn-query-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "spill");
    store_ = store::open_directory_store(folder_ / "objects").value();
    metastore_ = meta::open_sqlite(folder_ / "meta.db").value();
    catalog_ = lake::Catalog::open(*metastore_, *store_, "lake").value();
    DatabaseOptions options;
    options.memory_bytes = 256 << 20;
    options.threads = 2;
    options.spill_folder = (folder_ / "spill").string();
    options.folders = {(folder_ / "objects").string(), store_->staging().string(),
                       (folder_ / "spill").string()};
    database_ = open_database(options, scans_).value();
    engine_ =
        Engine::open({*database_, *catalog_, tails_, scans_, guard_, metrics_, limits_, folder_ / "spill"})
            .value();
    using columns::Field;
    using columns::Kind;
    columns::Schema schema{0,
                           {Field{0, "a", {Kind::kLong, 0, 0, {}}, false, ""},
                            Field{0, "b", {Kind::kString, 0, 0, {}}, false, ""}}};
    ASSERT_TRUE(catalog_->create({"raw", "t"}, {schema, {}, {}}));
    add("SELECT 1 AS a, 'x' AS b");
    first_ = catalog_->load({"raw", "t"}).value()->snapshot()->id;
    add("SELECT 2 AS a, 'y' AS b");
  }
  void TearDown() override {
    engine_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void add(const std::string& select) {
    auto connection = database_->connect().value();
    auto table = catalog_->load({"raw", "t"}).value();
    lake::Change change;
    change.added = lake::write_data(connection, *store_, *table, table->schema(), select, {}).value();
    ASSERT_TRUE(catalog_->commit({"raw", "t"}, change));
  }

  Result<std::string> run(const std::string& sql, Format format = Format::kCsv,
                          std::optional<Duration> timeout = std::nullopt) {
    TARN_ASSIGN(auto running, engine_->start(sql, {principal_}, timeout));
    auto writer = ResultWriter::make(format);
    std::string out;
    writer->begin(running->rows(), out);
    while (true) {
      TARN_ASSIGN(auto chunk, running->next());
      if (!chunk) break;
      writer->chunk(*chunk, out);
    }
    writer->end(out);
    std::erase(out, '\r');
    return out;
  }
  Code code(const std::string& sql) {
    auto result = run(sql);
    return result ? Code::kInternal : result.error().code;
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<meta::Metastore> metastore_;
  std::unique_ptr<lake::Catalog> catalog_;
  columns::Scans scans_;
  NoTails tails_;
  Metrics metrics_;
  std::mutex asked_mu_;
  std::vector<std::string> asked_;  // the audit trail
  std::unique_ptr<access::Audit> audit_ = access::Audit::start(
      [this](std::span<const std::string> entries) {
        std::lock_guard lock(asked_mu_);
        asked_.insert(asked_.end(), entries.begin(), entries.end());
        return Status();
      },
      metrics_);
  access::Guard guard_{*audit_, Clock::system()};
  access::Principal principal_ = access::Principal::system();  // who asks
  // From now on a user asks who has these grants.
  void ask_as(const std::string& grants) {
    principal_ = access::Principal::anonymous();
    principal_.kind = access::PrincipalKind::kUser;
    principal_.name = "ann";
    principal_.arn = access::user_arn("ann");
    principal_.policies = {access::grants_policy(access::grants_from_json(grants).value(), "role test")};
  }
  Limits limits_;
  std::unique_ptr<duck::Database> database_;
  std::unique_ptr<Engine> engine_;
  int64_t first_ = 0;
};

}  // namespace tarn::query
