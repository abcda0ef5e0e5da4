// For tests: a catalog over a temporary folder and SQLite, with a store and a metastore that can be made to
// fail.
//
// Owns: the folder, removed at the end.
// Threads: any, as a Catalog.
#pragma once

#include <atomic>
#include <functional>

#include <gtest/gtest.h>

#include "base/id.h"
#include "lake/catalog.h"
#include "lake/written_table_internal.h"

namespace tarn::lake::testing {

// Passes everything on; from the n-th write on it fails, as a full disk or a killed process would.
class FaultyStore : public store::Store {
 public:
  explicit FaultyStore(store::Store& inner) : inner_(inner) {}
  // -1: never. 0: the next write fails, and all after it.
  std::atomic<int> writes_left = -1;
  std::atomic<int> writes = 0;

  Status create_bucket(std::string_view bucket) override { return inner_.create_bucket(bucket); }
  Result<std::vector<std::string>> buckets() const override { return inner_.buckets(); }
  Status put(const store::Uri& uri, std::string_view bytes) override {
    ++writes;
    if (writes_left == 0) return fail(Code::kFull, "no space left for " + uri.str());
    if (writes_left > 0) --writes_left;
    return inner_.put(uri, bytes);
  }
  Status adopt(const std::filesystem::path& file, const store::Uri& uri) override {
    return inner_.adopt(file, uri);
  }
  Result<std::string> get(const store::Uri& uri) const override { return inner_.get(uri); }
  Result<store::ObjectInfo> head(const store::Uri& uri) const override { return inner_.head(uri); }
  Status remove(const store::Uri& uri) override {
    if (writes_left == 0) return fail(Code::kIo, "can't remove " + uri.str());
    return inner_.remove(uri);
  }
  Result<store::Listing> list(std::string_view bucket, std::string_view prefix, std::string_view start_after,
                              size_t limit) const override {
    return inner_.list(bucket, prefix, start_after, limit);
  }
  std::string readable(const store::Uri& uri) const override { return inner_.readable(uri); }
  std::filesystem::path staging() const override { return inner_.staging(); }

 private:
  store::Store& inner_;
};

class FaultyMetastore : public meta::Metastore {
 public:
  enum class Fault { kNone, kFailBefore, kUnknownNotDone, kUnknownButDone };
  explicit FaultyMetastore(meta::Metastore& inner) : inner_(inner) {}
  std::atomic<Fault> next = Fault::kNone;  // of the next transaction that writes
  std::function<void()> after_unknown;     // runs before a kUnknown… fault is reported

  Status migrate(std::span<const meta::Migration> migrations) override { return inner_.migrate(migrations); }
  Status transact(const std::function<Status(meta::Transaction&)>& body) override {
    Fault fault = next.exchange(Fault::kNone);
    if (fault == Fault::kFailBefore) return fail(Code::kIo, "the metastore can't be written");
    if (fault == Fault::kNone) return inner_.transact(body);
    if (fault == Fault::kUnknownButDone) {
      if (Status status = inner_.transact(body); !status) return status;
    }
    if (after_unknown) after_unknown();
    return fail(Code::kUnknownOutcome, "the connection was lost during the commit");
  }
  Status read(const std::function<Status(meta::Transaction&)>& body) const override {
    return inner_.read(body);
  }

 private:
  meta::Metastore& inner_;
};

class World {
 public:
  World() : catalog_(another()) {}
  // As a second process would have it: the same lake, no cache in common.
  std::unique_ptr<Catalog> another() { return must(Catalog::open(metastore_, store_, "lake", clock_)); }

  Catalog& catalog() { return *catalog_; }
  FaultyStore& store() { return store_; }
  FaultyMetastore& metastore() { return metastore_; }
  ManualClock& clock() { return clock_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  Table create(const std::vector<std::string>& partition = {},
               std::map<std::string, std::string> properties = {}) {
    TableSpec spec;
    spec.schema = schema_of({{"id", "BIGINT"},
                             {"time", "TIMESTAMP WITH TIME ZONE"},
                             {"country", "VARCHAR"},
                             {"detail", "STRUCT(amount DOUBLE, place STRUCT(city VARCHAR, zip VARCHAR))"}});
    spec.partition = partition;
    spec.properties = std::move(properties);
    return must(catalog().create(name, spec));
  }

  // A file that exists in name only: the catalog never opens data files.
  static DataFile file(int number, std::vector<Single> partition = {}) {
    DataFile f;
    f.path = "s3://lake/raw/t/data/" + std::to_string(number) + ".parquet";
    f.partition = std::move(partition);
    f.records = 10;
    f.bytes = 1000;
    f.columns[1] = {80, 10, 0, std::nullopt, std::string(8, '\0'), std::string(8, '\1')};
    return f;
  }

  static std::vector<std::string> paths(Catalog& catalog, const Table& table) {
    std::vector<std::string> out;
    if (!table->snapshot()) return out;
    for (const DataFile& f : must(catalog.files(*table, *table->snapshot()))) out.push_back(f.path);
    std::ranges::sort(out);
    return out;
  }

  // All objects of the lake, by path.
  std::vector<std::string> objects() {
    std::vector<std::string> out;
    auto listing = must(store_.list("lake", "", "", 100000));
    for (const store::ObjectInfo& o : listing.objects) out.push_back("s3://lake/" + o.key);
    return out;
  }

  const TableName name{"raw", "t"};

 private:
  TempFolder folder_;
  std::unique_ptr<store::Store> inner_store_ = must(store::open_directory_store(folder_.path() / "store"));
  std::unique_ptr<meta::Metastore> inner_metastore_ = must(meta::open_sqlite(folder_.path() / "meta.sqlite"));
  FaultyStore store_{*inner_store_};
  FaultyMetastore metastore_{*inner_metastore_};
  ManualClock clock_{{1'700'000'000'123'456}};
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace tarn::lake::testing
