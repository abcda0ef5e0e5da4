#include "lake/copy_result.h"

#include <charconv>

#include <duckdb.h>

namespace tarn::lake {
namespace {

using Entries =
    std::vector<std::pair<std::string, idx_t>>;  // key → row of the value in the map's value vector

bool valid(duckdb_vector vector, idx_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity == nullptr || duckdb_validity_row_is_valid(validity, row);
}

std::string text_at(duckdb_vector vector, idx_t row) {
  auto& value = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return std::string(duckdb_string_t_data(&value), duckdb_string_t_length(value));
}

// A map is a list of (key, value) structs.
Entries entries(duckdb_vector map, idx_t row) {
  Entries out;
  if (!valid(map, row)) return out;
  duckdb_list_entry range = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(map))[row];
  duckdb_vector keys = duckdb_struct_vector_get_child(duckdb_list_vector_get_child(map), 0);
  for (idx_t i = range.offset; i < range.offset + range.length; ++i) out.emplace_back(text_at(keys, i), i);
  return out;
}

duckdb_vector values_of(duckdb_vector map) {
  return duckdb_struct_vector_get_child(duckdb_list_vector_get_child(map), 1);
}

int64_t number(const std::string& text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

CopiedColumn column_at(const std::string& name, duckdb_vector statistics, idx_t row) {
  CopiedColumn column;
  column.path = split_column_path(name);
  duckdb_vector values = values_of(statistics);
  for (const auto& [key, at] : entries(statistics, row)) {
    if (!valid(values, at)) continue;
    std::string value = text_at(values, at);
    if (key == "min") column.min = value;
    if (key == "max") column.max = value;
    if (key == "column_size_bytes") column.bytes = number(value);
    if (key == "null_count") column.nulls = number(value);
    if (key == "num_values") column.values = number(value);
    if (key == "has_nan") column.has_nan = value == "true";
  }
  return column;
}

CopiedFile file_at(const duck::Chunk& chunk, idx_t row) {
  CopiedFile file;
  file.path = text_at(chunk.column(0), row);
  file.rows = static_cast<int64_t>(static_cast<uint64_t*>(duckdb_vector_get_data(chunk.column(1)))[row]);
  file.bytes = static_cast<int64_t>(static_cast<uint64_t*>(duckdb_vector_get_data(chunk.column(2)))[row]);
  duckdb_vector statistics = chunk.column(4);
  for (const auto& [name, at] : entries(statistics, row))
    file.columns.push_back(column_at(name, values_of(statistics), at));
  duckdb_vector keys = chunk.column(5);
  duckdb_vector key_values = values_of(keys);
  for (const auto& [name, at] : entries(keys, row)) {
    file.keys[name] =
        valid(key_values, at) ? std::optional<std::string>(text_at(key_values, at)) : std::nullopt;
  }
  return file;
}

}  // namespace

std::vector<std::string> split_column_path(std::string_view quoted) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '"') continue;  // the dot between two parts
    std::string part;
    for (++i; i < quoted.size(); ++i) {
      if (quoted[i] == '"') {
        if (i + 1 == quoted.size() || quoted[i + 1] != '"') break;
        ++i;
      }
      part += quoted[i];
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::vector<CopiedFile>> run_copy(duck::Connection& connection, const std::string& sql) {
  TARN_ASSIGN(duck::Rows rows, connection.stream(sql));
  const duckdb_type wanted[] = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_UBIGINT,
                                DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_MAP,     DUCKDB_TYPE_MAP};
  bool known = rows.columns() == std::size(wanted);
  for (size_t i = 0; known && i < std::size(wanted); ++i) known = rows.type(i) == wanted[i];
  if (!known) return fail(Code::kInternal, "DuckDB's COPY gives statistics in a form that we don't know");
  std::vector<CopiedFile> files;
  while (true) {
    TARN_ASSIGN(std::optional<duck::Chunk> chunk, rows.next());
    if (!chunk) return files;
    for (idx_t row = 0; row < chunk->rows(); ++row) files.push_back(file_at(*chunk, row));
  }
}

}  // namespace tarn::lake
