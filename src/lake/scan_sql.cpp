#include "lake/scan_sql.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "lake/delete_files.h"
#include "lake/nested_history.h"
#include "lake/reshape.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Schema;

// Files that are read the same way: the same names inside structs, the same deletes.
struct Group {
  std::vector<const DataFile*> files;
  std::vector<size_t> deletes;  // indexes into all files
  FileNames names;              // only when some nested name moved
  bool by_name = false;         // each file has every column under its name
};

class Scan {
 public:
  Scan(const store::Store& store, const TableMetadata& table, const std::vector<DataFile>& files,
       const Schema& schema)
      : store_(store), table_(table), files_(files), schema_(schema) {
    for (const Field& field : schema.fields)
      if (names_moved(table, field)) moved_.insert(field.id);
    // DuckDB reads single fields of a struct only when it finds the struct by name.
    bool nested = std::ranges::any_of(schema.fields, [](const Field& field) { return field.type.nested(); });
    if (nested && always_so_named(table, schema)) collect_leaves(schema.fields);
  }

  Result<std::string> sql() {
    TARN_TRY(check_formats());
    TARN_ASSIGN(std::vector<Group> groups, group());
    if (groups.empty()) return nothing();
    std::string out;
    for (const Group& group : groups) {
      TARN_ASSIGN(std::string part, group_sql(group));
      out += (out.empty() ? "" : " UNION ALL ") + part;
    }
    return out;
  }

 private:
  void collect_leaves(const std::vector<Field>& fields) {
    for (const Field& field : fields) {
      if (!field.type.nested()) leaves_.push_back(field.id);
      collect_leaves(field.type.fields);
    }
  }

  bool has_all_columns(const DataFile& file) const {
    return !leaves_.empty() &&
           std::ranges::all_of(leaves_, [&](int id) { return file.columns.contains(id); });
  }

  Status check_formats() const {
    for (const DataFile& file : files_) {
      if (file.format != "PARQUET" && file.format != "parquet")
        return fail(Code::kUnsupported,
                    file.path + " is " + file.format + ": only Parquet files can be read");
    }
    return {};
  }

  std::string nothing() const {
    std::string list;
    for (const Field& field : schema_.fields) {
      list += (list.empty() ? "" : ", ") +
              ("CAST(NULL AS " + columns::duckdb_sql_type(field.type) + ") AS ") +
              columns::quote_name(field.name);
    }
    return "SELECT " + list + " WHERE false";
  }

  Result<std::string> readable(const std::string& path) const {
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(path));
    return store_.readable(uri);
  }

  Result<std::vector<Group>> group() {
    std::vector<const DataFile*> data;
    std::vector<std::string> paths;
    bool deletes = false;
    for (const DataFile& file : files_) {
      deletes = deletes || file.content != FileContent::kData;
      if (file.content != FileContent::kData) continue;
      data.push_back(&file);
      if (moved_.empty()) continue;
      TARN_ASSIGN(std::string path, readable(file.path));
      paths.push_back(std::move(path));
    }
    std::vector<FileNames> names;
    if (!moved_.empty()) {
      TARN_ASSIGN(names, read_file_names(paths));
    }
    std::map<std::tuple<FileNames, std::vector<size_t>, bool>, size_t> places;
    std::vector<Group> groups;
    for (size_t i = 0; i < data.size(); ++i) {
      Group group;
      if (!moved_.empty()) group.names = names[i];
      if (deletes) group.deletes = deletes_for(table_, *data[i], files_);
      group.by_name = group.deletes.empty() && has_all_columns(*data[i]);
      auto [place, fresh] = places.try_emplace({group.names, group.deletes, group.by_name}, groups.size());
      if (fresh) groups.push_back(std::move(group));
      groups[place->second].files.push_back(data[i]);
    }
    return groups;
  }

  static std::string inner_name(int id) { return "c" + std::to_string(id); }

  Result<std::string> paths(const std::vector<const DataFile*>& files) const {
    std::string list;
    for (const DataFile* file : files) {
      TARN_ASSIGN(std::string path, readable(file->path));
      list += (list.empty() ? "" : ", ") + columns::quote_text(path);
    }
    return list;
  }

  // read_parquet(…) whose columns have the given names and types, found by id.
  Result<std::string> read(const std::vector<const DataFile*>& files, const std::string& columns) const {
    TARN_ASSIGN(std::string list, paths(files));
    return "read_parquet([" + list + "], hive_partitioning=false, schema=MAP {" + columns + "})";
  }

  static std::string column(int id, const std::string& name, const columns::Type& type) {
    return std::to_string(id) + ": {name: " + columns::quote_text(name) +
           ", type: " + columns::quote_text(columns::duckdb_sql_type(type)) + ", default_value: NULL}";
  }

  // A cast to the type that a column has already costs nothing; a file of another engine may have its own.
  Result<std::string> by_name_sql(const Group& group) const {
    std::string list;
    for (const Field& field : schema_.fields) {
      const std::string name = columns::quote_name(field.name);
      list += (list.empty() ? "CAST(" : ", CAST(") + name + " AS " + columns::duckdb_sql_type(field.type) +
              ") AS " + name;
    }
    TARN_ASSIGN(std::string files, paths(group.files));
    return "SELECT " + list + " FROM read_parquet([" + files + "], hive_partitioning=false)";
  }

  // The usual case: all columns under their own names.
  Result<std::string> plain_sql(const Group& group) const {
    std::string columns, list;
    for (const Field& field : schema_.fields) {
      columns += (columns.empty() ? "" : ", ") + column(field.id, field.name, field.type);
      list += (list.empty() ? "" : ", ") + columns::quote_name(field.name);
    }
    TARN_ASSIGN(std::string from, read(group.files, columns));
    return "SELECT " + list + " FROM " + from;
  }

  // With deletes or moved names: columns are called c<id> inside, so that file_row_number and filename can't
  // be mistaken for a column.
  Result<std::string> group_sql(const Group& group) const {
    if (group.by_name) return by_name_sql(group);
    if (group.deletes.empty() && moved_.empty()) return plain_sql(group);
    std::map<int, std::string> columns;
    std::string list;
    for (const Field& field : schema_.fields) {
      std::optional<columns::Type> type = field.type;
      if (moved_.contains(field.id)) type = physical_type(table_, field, group.names);
      const std::string inner = "tarn_file." + inner_name(field.id);
      if (type) columns[field.id] = column(field.id, inner_name(field.id), *type);
      std::string value = !type ? "CAST(NULL AS " + columns::duckdb_sql_type(field.type) + ")"
                          : moved_.contains(field.id) ? reshape_sql(inner, *type, field, MatchBy::kId)
                                                      : inner;
      list += (list.empty() ? "" : ", ") + value + " AS " + columns::quote_name(field.name);
    }
    TARN_ASSIGN(std::string where, deletes_sql(group, columns));
    if (columns.empty()) {  // a schema that the file has nothing of: its rows still count
      const Field& any = schema_.fields.front();
      columns[any.id] = column(any.id, inner_name(any.id), columns::Type{columns::Kind::kBoolean, 0, 0, {}});
    }
    std::string all;
    for (const auto& [id, text] : columns) all += (all.empty() ? "" : ", ") + text;
    TARN_ASSIGN(std::string from, read(group.files, all));
    return "SELECT " + list + " FROM " + from + " AS tarn_file" + where;
  }

  // WHERE NOT EXISTS for each kind of delete. Equality columns that the query hasn't are added to `columns`.
  Result<std::string> deletes_sql(const Group& group, std::map<int, std::string>& columns) const {
    std::vector<const DataFile*> positions;
    std::map<std::vector<int>, std::vector<const DataFile*>> equalities;
    for (size_t i : group.deletes) {
      if (files_[i].content == FileContent::kPositionDeletes) positions.push_back(&files_[i]);
      if (files_[i].content == FileContent::kEqualityDeletes)
        equalities[files_[i].equality_ids].push_back(&files_[i]);
    }
    std::vector<std::string> conditions;
    if (!positions.empty()) {
      TARN_ASSIGN(std::string condition, position_condition(group, positions));
      conditions.push_back(std::move(condition));
    }
    for (const auto& [ids, files] : equalities) {
      TARN_ASSIGN(std::string condition, equality_condition(ids, files, columns));
      conditions.push_back(std::move(condition));
    }
    std::string out;
    for (const std::string& condition : conditions) out += (out.empty() ? " WHERE " : " AND ") + condition;
    return out;
  }

  // Position deletes name files by their address; DuckDB knows them by what it opened.
  Result<std::string> position_condition(const Group& group,
                                         const std::vector<const DataFile*>& deletes) const {
    std::string names;
    for (const DataFile* file : group.files) {
      TARN_ASSIGN(std::string path, readable(file->path));
      names += (names.empty() ? "(" : ", (") + columns::quote_text(file->path) + ", " +
               columns::quote_text(path) + ")";
    }
    TARN_ASSIGN(std::string list, paths(deletes));
    return "NOT EXISTS (SELECT 1 FROM read_parquet([" + list +
           "], hive_partitioning=false, union_by_name=true) AS tarn_deletes JOIN (VALUES " + names +
           ") AS tarn_names(address, opened) ON tarn_deletes.file_path = tarn_names.address"
           " WHERE tarn_names.opened = tarn_file.filename AND tarn_deletes.pos = tarn_file.file_row_number)";
  }

  Result<std::string> equality_condition(const std::vector<int>& ids,
                                         const std::vector<const DataFile*>& deletes,
                                         std::map<int, std::string>& columns) const {
    std::string conditions, read_columns;
    for (int id : ids) {
      const Field* field = equality_field(id);
      if (field == nullptr)
        return fail(Code::kUnsupported, deletes.front()->path + " deletes by field " + std::to_string(id) +
                                            ", which is no top-level column of single values");
      const std::string spec = column(id, inner_name(id), field->type);
      read_columns += (read_columns.empty() ? "" : ", ") + spec;
      columns.try_emplace(id, spec);
      conditions += (conditions.empty() ? "" : " AND ") + ("tarn_deletes." + inner_name(id)) +
                    " IS NOT DISTINCT FROM tarn_file." + inner_name(id);
    }
    if (ids.empty())
      return fail(Code::kCorrupt, deletes.front()->path + " is an equality delete without columns");
    TARN_ASSIGN(std::string from, read(deletes, read_columns));
    return "NOT EXISTS (SELECT 1 FROM " + from + " AS tarn_deletes WHERE " + conditions + ")";
  }

  // The column may have been dropped since.
  const Field* equality_field(int id) const {
    auto top_level = [id](const Schema& schema) -> const Field* {
      for (const Field& field : schema.fields)
        if (field.id == id && !field.type.nested()) return &field;
      return nullptr;
    };
    if (const Field* field = top_level(schema_)) return field;
    for (auto schema = table_.schemas.rbegin(); schema != table_.schemas.rend(); ++schema)
      if (const Field* field = top_level(*schema)) return field;
    return nullptr;
  }

  const store::Store& store_;
  const TableMetadata& table_;
  const std::vector<DataFile>& files_;
  const Schema& schema_;
  std::set<int> moved_;      // top-level columns with nested names that moved
  std::vector<int> leaves_;  // what a file must have to be read by name; empty: none is
};

}  // namespace

Result<std::string> scan_files_sql(const store::Store& store, const TableMetadata& table,
                                   const std::vector<DataFile>& files, const Schema& schema) {
  return Scan(store, table, files, schema).sql();
}

Result<std::string> scan_sql(const Catalog& catalog, const TableMetadata& table, const Snapshot* snapshot,
                             const Schema& schema) {
  std::vector<DataFile> files;
  if (snapshot != nullptr) {
    TARN_ASSIGN(files, catalog.files(table, *snapshot));
  }
  return scan_files_sql(catalog.store(), table, files, schema);
}

}  // namespace tarn::lake
