// For tests: a store in a temporary folder, DuckDB, and a table held in memory, so that writing and scanning
// can be tried without a catalog.
//
// Owns: the folder, removed at the end.
// Threads: one thread.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/id.h"
#include "lake/data_writer.h"
#include "lake/scan_sql.h"

namespace tarn::lake::testing {

using TextRows = std::vector<std::vector<std::optional<std::string>>>;

template <typename T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

inline void must(const Status& status) {
  if (!status) {
    ADD_FAILURE() << status.error().message;
    throw std::runtime_error(status.error().message);
  }
}

class TempFolder {
 public:
  TempFolder() : path_(std::filesystem::temp_directory_path() / ("tarn-lake-" + uuid_v4())) {
    std::filesystem::create_directories(path_);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Every value as JSON text, so that nested rows compare too; rows sorted.
inline TextRows rows_of(duck::Connection& connection, const std::string& sql) {
  auto rows = must(connection.text(sql));
  std::ranges::sort(rows);
  return rows;
}

inline columns::Schema schema_of(const std::vector<std::pair<std::string, std::string>>& columns,
                                 int last_id = 0) {
  columns::Schema schema;
  for (const auto& [name, type] : columns) {
    columns::Field field;
    field.name = name;
    field.type = must(columns::parse_type(type));
    schema.fields.push_back(std::move(field));
  }
  columns::assign_ids(schema, last_id);
  return schema;
}

class WrittenTable {
 public:
  explicit WrittenTable(const columns::Schema& schema, const std::vector<std::string>& partition = {}) {
    store_ = must(store::open_directory_store(folder_.path()));
    must(store_->create_bucket("lake"));
    database_ = must(duck::Database::open({{"threads", "2"}, {"autoinstall_known_extensions", "false"}}));
    connection_ = std::make_unique<duck::Connection>(must(database_->connect()));
    must(connection_->run("SET TimeZone = 'UTC'"));
    must(register_transforms(*connection_));
    table_.location = "s3://lake/db/t-00000001";
    table_.schemas = {schema};
    PartitionSpec spec = must(parse_partition(partition, schema));
    table_.specs = {spec};
  }

  // The next schema of the table, which becomes current.
  void evolve(columns::Schema schema) {
    schema.id = static_cast<int>(table_.schemas.size());
    table_.current_schema = schema.id;
    table_.schemas.push_back(std::move(schema));
  }

  Result<std::vector<DataFile>> try_write(const std::string& select, const WriteOptions& options = {}) {
    return write_data(*connection_, *store_, table_, table_.schema(), select, options);
  }
  std::vector<DataFile> write(const std::string& select, const WriteOptions& options = {}) {
    auto files = must(try_write(select, options));
    ++sequence_;
    for (DataFile& file : files) file.sequence_number = sequence_;
    files_.insert(files_.end(), files.begin(), files.end());
    return files;
  }
  // A file that another engine wrote: `copy_options` are COPY's.
  DataFile foreign(const std::string& select, const std::string& copy_options, FileContent content) {
    std::filesystem::path file = store_->staging() / uuid_v4();
    must(connection_->run("COPY (" + select + ") TO '" + file.string() + "' (FORMAT parquet" + copy_options +
                          ")"));
    DataFile out;
    out.content = content;
    out.path = table_.location + "/data/" + uuid_v4() + ".parquet";
    must(store_->adopt(file, must(store::Uri::parse(out.path))));
    out.sequence_number = ++sequence_;
    files_.push_back(out);
    return out;
  }

  std::string scan() { return must(scan_files_sql(*store_, table_, files_, table_.schema())); }
  TextRows rows(const std::string& list = "*", const std::string& rest = "") {
    return rows_of(*connection_, "SELECT " + list + " FROM (" + scan() + ") AS t " + rest);
  }
  std::string readable(const DataFile& file) { return store_->readable(must(store::Uri::parse(file.path))); }

  store::Store& store() { return *store_; }
  duck::Connection& connection() { return *connection_; }
  TableMetadata& table() { return table_; }
  std::vector<DataFile>& files() { return files_; }

 private:
  TempFolder folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<duck::Database> database_;
  std::unique_ptr<duck::Connection> connection_;
  TableMetadata table_;
  std::vector<DataFile> files_;
  int64_t sequence_ = 0;
};

}  // namespace tarn::lake::testing
