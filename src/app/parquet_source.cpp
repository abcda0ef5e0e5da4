// Parquet files as records: DuckDB reads them and writes each row as JSON.

#include <atomic>
#include <charconv>
#include <filesystem>

#include <duckdb.h>
#include <fmt/core.h>

#include "app/record_source.h"
#include "columns/duck.h"
#include "columns/type.h"

namespace tarn::app {
namespace {

using columns::Kind;
using columns::quote_name;
using columns::quote_text;

bool has_time(const columns::Type& type) {
  if (type.kind == Kind::kTimestamp || type.kind == Kind::kTimestampTz) return true;
  if (type.kind != Kind::kStruct && type.kind != Kind::kList) return false;
  for (const columns::Field& field : type.fields) {
    if (has_time(field.type)) return true;
  }
  return false;
}

std::string time_text(const std::string& value) {
  return fmt::format("strftime(make_timestamp(epoch_us({})), '%Y-%m-%dT%H:%M:%S.%fZ')", value);
}

// `value` with every timestamp in it, at any depth, as RFC 3339 text.
std::string with_time_text(const columns::Type& type, const std::string& value, int depth) {
  if (!has_time(type)) return value;
  if (type.kind == Kind::kList) {
    std::string item = fmt::format("x{}", depth);
    return fmt::format("list_transform({}, lambda {}: {})", value, item,
                       with_time_text(type.fields[0].type, item, depth + 1));
  }
  if (type.kind == Kind::kStruct) {
    std::string fields;
    for (const columns::Field& field : type.fields) {
      std::string inner = fmt::format("struct_extract({}, {})", value, quote_text(field.name));
      fields += fmt::format("{}{}: {}", fields.empty() ? "" : ", ", quote_text(field.name),
                            with_time_text(field.type, inner, depth + 1));
    }
    return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE {{{}}} END", value, fields);
  }
  return time_text(value);
}

std::string column_sql(const std::string& name, const std::string& type_name) {
  std::string column = quote_name(name);
  // TIMESTAMP_NS, _MS and _S are DuckDB's alone.
  if (type_name.starts_with("TIMESTAMP") && !type_name.ends_with("]"))
    return time_text(column) + " AS " + column;
  auto type = columns::parse_type(type_name);
  if (!type || !has_time(*type)) return column;
  return with_time_text(*type, column, 0) + " AS " + column;
}

class ParquetSource : public RecordSource {
 public:
  ParquetSource(std::unique_ptr<duck::Database> database, duck::Connection connection, std::string path,
                std::string sql, uint64_t total)
      : database_(std::move(database)),
        connection_(std::move(connection)),
        path_(std::move(path)),
        sql_(std::move(sql)),
        total_(total) {}

  Status read(const Sink& sink) override {
    auto rows = connection_.stream(sql_);
    if (!rows) return fail(std::move(rows).error().in(path_));
    for (;;) {
      auto chunk = rows->next();
      if (!chunk) return fail(std::move(chunk).error().in(path_));
      if (!*chunk) return {};
      size_t count = (*chunk)->rows();
      auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data((*chunk)->column(0)));
      for (size_t i = 0; i < count; ++i) {
        duckdb_string_t& text = texts[i];
        TARN_TRY(sink.record(std::string_view(duckdb_string_t_data(&text), duckdb_string_t_length(text))));
        ++done_;
      }
    }
  }
  uint64_t total() const override { return total_; }
  uint64_t done() const override { return done_; }

 private:
  std::unique_ptr<duck::Database> database_;
  duck::Connection connection_;
  std::string path_;
  std::string sql_;
  uint64_t total_;
  std::atomic<uint64_t> done_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> open_parquet_source(const std::string& path) {
  if (path == "-") return fail(Code::kInvalid, "Parquet can't be read from standard input: name the file");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail(Code::kNotFound, "open " + path + ": no such file");
  // In order, so that the numbers of batches mean the same when the file is sent again.
  TARN_ASSIGN(auto database, duck::Database::open({{"preserve_insertion_order", "true"},
                                                   {"autoinstall_known_extensions", "false"},
                                                   {"autoload_known_extensions", "false"}}));
  TARN_ASSIGN(duck::Connection connection, database->connect());
  std::string from = fmt::format("read_parquet({})", quote_text(path));
  auto described = connection.text("DESCRIBE SELECT * FROM " + from);
  if (!described) return fail(std::move(described).error().in(path));
  std::string list;
  std::string alias = "row";  // to_json(x) means the column x where there is one
  for (const auto& row : *described) {
    if (row.size() < 2 || !row[0] || !row[1]) continue;
    if (row[0]->size() >= alias.size()) alias = std::string(row[0]->size() + 1, 'r');
    list += (list.empty() ? "" : ", ") + column_sql(*row[0], *row[1]);
  }
  TARN_ASSIGN(auto counted, connection.text("SELECT count(*) FROM " + from));
  uint64_t total = 0;
  if (!counted.empty() && counted[0][0]) {
    const std::string& text = *counted[0][0];
    std::from_chars(text.data(), text.data() + text.size(), total);
  }
  std::string sql =
      fmt::format("SELECT to_json({0})::VARCHAR FROM (SELECT {1} FROM {2}) AS {0}", alias, list, from);
  return std::make_unique<ParquetSource>(std::move(database), std::move(connection), path, std::move(sql),
                                         total);
}

}  // namespace tarn::app
