#include "lake/data_writer.h"

#include <algorithm>

#include "base/fault_point.h"
#include "base/id.h"
#include "columns/duck_json.h"
#include "columns/name.h"
#include "lake/copy_result.h"
#include "lake/field_ids.h"
#include "lake/file_stats.h"
#include "lake/reshape.h"
#include "lake/staged_files.h"
#include "lake/transforms.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Schema;

constexpr size_t kFolderBytesMax =
    512;  // a key has at most 1024: the rest is for the location and the file's name
constexpr std::string_view kCodecs[] = {"zstd", "snappy", "gzip", "lz4_raw", "uncompressed"};

struct SourceColumn {
  std::string name;
  columns::Type type;
};

// The columns of a query, without running it.
Result<std::vector<SourceColumn>> columns_of(duck::Connection& connection, const std::string& select) {
  duckdb_prepared_statement statement = nullptr;
  std::vector<SourceColumn> out;
  if (duckdb_prepare(connection.handle(), select.c_str(), &statement) == DuckDBError) {
    const char* message = duckdb_prepare_error(statement);
    Error error = duck::to_error(message == nullptr ? "the query can't be prepared" : message,
                                 DUCKDB_ERROR_INVALID_INPUT);
    duckdb_destroy_prepare(&statement);
    return fail(std::move(error));
  }
  for (idx_t i = 0; i < duckdb_prepared_statement_column_count(statement); ++i) {
    char* name = const_cast<char*>(duckdb_prepared_statement_column_name(statement, i));
    duck::LogicalType type(duckdb_prepared_statement_column_logical_type(statement, i));
    out.push_back({name, duck::column_type(type.get())});
    duckdb_free(name);
  }
  duckdb_destroy_prepare(&statement);
  return out;
}

const SourceColumn* find_source(const std::vector<SourceColumn>& source, const std::string& name) {
  for (const SourceColumn& column : source)
    if (column.name == name) return &column;
  for (const SourceColumn& column : source)
    if (columns::same_name(column.name, name)) return &column;
  return nullptr;
}

std::string rows_sql(const Schema& schema, const std::vector<SourceColumn>& source,
                     const std::string& select) {
  std::string list;
  for (const Field& field : schema.fields) {
    if (!list.empty()) list += ", ";
    const SourceColumn* column = find_source(source, field.name);
    list += column == nullptr ? "CAST(NULL AS " + columns::duckdb_sql_type(field.type) + ")"
                              : reshape_sql("tarn_source." + columns::quote_name(column->name), column->type,
                                            field, MatchBy::kName);
    list += " AS " + columns::quote_name(field.name);
  }
  return "SELECT " + list + " FROM (" + select + "\n) AS tarn_source";
}

// A name for the helper column that no column of the table has.
std::string key_column(const Schema& schema, size_t i) {
  std::string name = "_tarn_p" + std::to_string(i);
  while (schema.find(name) != nullptr) name += '_';
  return name;
}

std::string copy_sql(const Schema& schema, const PartitionSpec& spec, std::string rows,
                     const std::string& folder, const WriteOptions& options) {
  // No bloom filters: with them DuckDB 1.5.5 itself misses rows (x = 0.0 for a stored -0.0, binary values).
  std::string options_sql =
      "FORMAT parquet, RETURN_STATS, PRESERVE_ORDER false, WRITE_BLOOM_FILTER false, COMPRESSION " +
      options.compression + ", FIELD_IDS " + field_ids_sql(schema);
  if (options.dictionary_values_max > 0)
    options_sql += ", DICTIONARY_SIZE_LIMIT " + std::to_string(options.dictionary_values_max);
  if (spec.fields.empty()) {
    // One file at a time, whose row groups all threads make: as fast as a file for each thread.
    options_sql += ", FILE_SIZE_BYTES " + std::to_string(options.file_bytes);
  } else {
    std::string keys, names;
    for (size_t i = 0; i < spec.fields.size(); ++i) {
      std::string name = columns::quote_name(key_column(schema, i));
      keys += ", " + partition_key_sql(spec.fields[i], schema, "tarn_row") + " AS " + name;
      names += (i == 0 ? "" : ", ") + name;
    }
    rows = "SELECT tarn_row.*" + keys + " FROM (" + rows + ") AS tarn_row";
    options_sql +=
        ", PARTITION_BY (" + names + "), WRITE_PARTITION_COLUMNS false, FILENAME_PATTERN 'f_{uuid}'";
  }
  return "COPY (" + rows + ") TO " + columns::quote_text(folder) + " (" + options_sql + ")";
}

// A long text or binary is in the key only as a digest: a row of the file has it whole.
Result<std::optional<std::string>> key_from_row(duck::Connection& connection, const PartitionField& field,
                                                const Schema& schema, const std::string& file) {
  std::string sql = "SELECT " + partition_value_sql(field, schema, "tarn_row") + " FROM read_parquet(" +
                    columns::quote_text(file) + ", hive_partitioning=false) AS tarn_row LIMIT 1";
  TARN_ASSIGN(auto rows, connection.text(sql));
  if (rows.empty() || rows[0].empty() || !rows[0][0])
    return fail(Code::kInternal, "partition field " + field.name + " has no value in " + file);
  return std::optional(kWholeValue + *rows[0][0]);
}

Result<std::vector<Single>> partition_of(duck::Connection& connection, const PartitionSpec& spec,
                                         const Schema& schema, const CopiedFile& file) {
  std::vector<Single> out;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    auto key = file.keys.find(key_column(schema, i));
    if (key == file.keys.end())
      return fail(Code::kInternal, "DuckDB names no value of partition field " + spec.fields[i].name);
    TARN_ASSIGN(std::optional<Single> value, partition_value(spec.fields[i], schema, key->second));
    if (!value) {
      TARN_ASSIGN(auto whole, key_from_row(connection, spec.fields[i], schema, file.path));
      TARN_ASSIGN(value, partition_value(spec.fields[i], schema, whole));
    }
    out.push_back(*value);
  }
  return out;
}

std::string final_uri(const TableMetadata& table, const PartitionSpec& spec, const Schema& schema,
                      const std::vector<Single>& partition) {
  std::string folder;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    std::string part = partition_folder(spec.fields[i], schema, partition[i]) + "/";
    if (folder.size() + part.size() <= kFolderBytesMax) folder += part;
  }
  return table.location + "/data/" + folder + uuid_v7() + ".parquet";
}

// How many values of each column that has some are NaN: DuckDB only says that there are.
Status count_nans(duck::Connection& connection, const Schema& schema, const CopiedFile& file, DataFile& out) {
  std::vector<int> ids;
  std::string counts;
  for (const CopiedColumn& column : file.columns) {
    Leaf leaf = find_leaf(schema, column.path);
    if (leaf.field == nullptr || leaf.repeated || column.has_nan != true) continue;
    std::string path = "tarn_row";
    for (const std::string& part : column.path) path += "." + columns::quote_name(part);
    counts += (ids.empty() ? "" : ", ") + ("count(*) FILTER (isnan(" + path + "))");
    ids.push_back(leaf.field->id);
  }
  if (ids.empty()) return {};
  TARN_ASSIGN(auto rows,
              connection.text("SELECT " + counts + " FROM read_parquet(" + columns::quote_text(file.path) +
                              ", hive_partitioning=false) AS tarn_row"));
  for (size_t i = 0; i < ids.size(); ++i)
    out.columns[ids[i]].nans = std::stoll(rows.at(0).at(i).value_or("0"));
  return {};
}

// Other engines trust that a required column has no nulls.
Status check_required(const Schema& schema, const DataFile& file) {
  for (const Field& field : schema.fields) {
    auto stats = file.columns.find(field.id);
    if (!field.required || stats == file.columns.end() || stats->second.nulls == 0) continue;
    return fail(Code::kInvalid, "column " + field.name + " is required, and " +
                                    std::to_string(stats->second.nulls) + " rows have no value for it");
  }
  return {};
}

Result<DataFile> describe(duck::Connection& connection, const TableMetadata& table, const Schema& schema,
                          const CopiedFile& file) {
  const PartitionSpec& spec = table.spec();
  DataFile out;
  out.spec_id = spec.id;
  out.records = file.rows;
  out.bytes = file.bytes;
  out.columns = column_stats(schema, file.columns);
  TARN_TRY(check_required(schema, out));
  TARN_TRY(count_nans(connection, schema, file, out));
  TARN_ASSIGN(out.partition, partition_of(connection, spec, schema, file));
  out.path = final_uri(table, spec, schema, out.partition);
  return out;
}

}  // namespace

Result<std::vector<DataFile>> write_data(duck::Connection& connection, store::Store& store,
                                         const TableMetadata& table, const Schema& schema,
                                         const std::string& select, const WriteOptions& options) {
  TARN_CHECK(!schema.fields.empty());
  if (std::ranges::find(kCodecs, options.compression) == std::end(kCodecs))
    return fail(Code::kInvalid, "compression \"" + options.compression +
                                    "\" is not one of zstd, snappy, gzip, lz4_raw, uncompressed");
  TARN_ASSIGN(std::vector<SourceColumn> source, columns_of(connection, select));
  StagedFiles staged(store);
  std::string sql =
      copy_sql(schema, table.spec(), rows_sql(schema, source, select), staged.folder().string(), options);
  TARN_ASSIGN(std::vector<CopiedFile> copied, run_copy(connection, sql));
  std::erase_if(copied, [](const CopiedFile& file) { return file.rows == 0; });
  std::vector<DataFile> files;
  for (const CopiedFile& file : copied) {
    TARN_ASSIGN(DataFile described, describe(connection, table, schema, file));
    files.push_back(std::move(described));
  }
  if (!files.empty()) fault_point("writer.files_staged");
  std::vector<StagedFiles::Move> moves;
  for (size_t i = 0; i < files.size(); ++i) moves.push_back({copied[i].path, files[i].path});
  TARN_TRY(staged.adopt(moves));
  staged.keep();
  if (!files.empty()) fault_point("writer.files_adopted");
  return files;
}

}  // namespace tarn::lake
