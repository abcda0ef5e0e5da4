// Does a stored table agree with itself: metadata, manifests, Parquet footers.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "lake/field_ids.h"
#include "lake/maintenance.h"
#include "lake/manifest.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

using columns::Field;
using columns::Kind;
using columns::Type;

constexpr size_t kFootersAtOnce = 500;  // files in one query

template <typename T>
bool below(const Single& a, const Single& b) {
  return std::get<T>(a) < std::get<T>(b);
}

// True when `upper` is surely less than `lower`. Orders that engines disagree on are not judged.
bool upside_down(const Type& type, const Single& lower, const Single& upper) {
  switch (type.kind) {
    case Kind::kInt:
    case Kind::kDate:
      return below<int32_t>(upper, lower);
    case Kind::kLong:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return below<int64_t>(upper, lower);
    case Kind::kFloat:
      return below<float>(upper, lower);
    case Kind::kDouble:
      return below<double>(upper, lower);
    case Kind::kString:
      return below<std::string>(upper, lower);
    case Kind::kDecimal: {
      auto a = decode_unscaled(std::get<std::string>(lower)),
           b = decode_unscaled(std::get<std::string>(upper));
      return a && b && *b < *a;
    }
    default:
      return false;
  }
}

class Verification {
 public:
  Verification(Catalog& catalog, const TableMetadata& table, duck::Connection& connection)
      : store_(catalog.store()), table_(table), connection_(connection) {
    for (const columns::Schema& schema : table.schemas)
      for (const auto& [id, field] : fields_by_id(schema.fields)) fields_[id] = field;
  }

  Result<std::vector<std::string>> run() {
    check_metadata();
    for (const Snapshot& snapshot : table_.snapshots) check_snapshot(snapshot);
    std::vector<const DataFile*> readable;
    for (const auto& [path, file] : files_)
      if (check_object(file)) readable.push_back(&file);
    for (size_t i = 0; i < readable.size(); i += kFootersAtOnce) {
      size_t end = std::min(readable.size(), i + kFootersAtOnce);
      check_footers(
          {readable.begin() + static_cast<ptrdiff_t>(i), readable.begin() + static_cast<ptrdiff_t>(end)});
    }
    return std::move(problems_);
  }

 private:
  void problem(const std::string& file, const std::string& text) { problems_.push_back(file + ": " + text); }

  void check_metadata() {
    check_there(table_.metadata_file, "metadata file");
    for (const auto& entry : table_.metadata_log) check_there(entry.file, "metadata file of the log");
    if (table_.current_snapshot && table_.snapshot() == nullptr)
      problem(table_.metadata_file,
              fmt::format("the current snapshot {} is not in the history", *table_.current_snapshot));
    if (table_.schema(table_.current_schema) == nullptr)
      problem(table_.metadata_file, fmt::format("the current schema {} is missing", table_.current_schema));
    if (table_.spec(table_.default_spec) == nullptr)
      problem(table_.metadata_file,
              fmt::format("the default partition spec {} is missing", table_.default_spec));
    for (const auto& [id, field] : fields_)
      if (id > table_.last_column_id)
        problem(table_.metadata_file, fmt::format("field {} has id {}, above last-column-id {}", field->name,
                                                  id, table_.last_column_id));
  }

  void check_there(const std::string& address, const std::string& what) {
    auto uri = store::Uri::parse(address);
    auto info = uri ? store_.head(*uri) : Result<store::ObjectInfo>(fail(uri.error()));
    if (!info) problem(address, what + " is missing: " + info.error().message);
  }

  // Straight from the store: what the catalog holds in memory proves nothing.
  std::optional<std::string> read(const std::string& address, const std::string& what) {
    auto uri = store::Uri::parse(address);
    auto bytes = uri ? store_.get(*uri) : Result<std::string>(fail(uri.error()));
    if (bytes) return std::move(*bytes);
    problem(address, what + " can't be read: " + bytes.error().message);
    return std::nullopt;
  }

  struct Totals {
    int64_t files = 0;
    int64_t records = 0;
    int64_t bytes = 0;
    int64_t delete_files = 0;
  };

  void check_snapshot(const Snapshot& snapshot) {
    std::optional<std::string> bytes =
        read(snapshot.manifest_list, fmt::format("manifest list of snapshot {}", snapshot.id));
    if (!bytes) return;
    auto manifests = decode_manifest_list(*bytes);
    if (!manifests) return problem(snapshot.manifest_list, manifests.error().message);
    Totals totals;
    for (const ManifestFile& manifest : *manifests)
      if (!add_manifest(manifest, totals)) return;
    check_total(snapshot, "total-data-files", totals.files);
    check_total(snapshot, "total-records", totals.records);
    check_total(snapshot, "total-files-size", totals.bytes);
    check_total(snapshot, "total-delete-files", totals.delete_files);
  }

  void check_total(const Snapshot& snapshot, const std::string& key, int64_t actual) {
    auto said = snapshot.summary.find(key);
    if (said != snapshot.summary.end() && said->second != std::to_string(actual))
      problem(table_.metadata_file, fmt::format("snapshot {} says {} = {}, its manifests have {}",
                                                snapshot.id, key, said->second, actual));
  }

  bool add_manifest(const ManifestFile& manifest, Totals& totals) {
    auto known = manifests_.find(manifest.path);
    if (known == manifests_.end()) known = manifests_.emplace(manifest.path, read_manifest(manifest)).first;
    if (!known->second) return false;
    totals.files += known->second->files;
    totals.records += known->second->records;
    totals.bytes += known->second->bytes;
    totals.delete_files += known->second->delete_files;
    return true;
  }

  std::optional<Totals> read_manifest(const ManifestFile& manifest) {
    std::optional<std::string> bytes = read(manifest.path, "manifest");
    if (!bytes) return std::nullopt;
    if (static_cast<int64_t>(bytes->size()) != manifest.bytes)
      problem(manifest.path,
              fmt::format("has {} bytes, the manifest list says {}", bytes->size(), manifest.bytes));
    auto entries = decode_manifest(*bytes, manifest, table_);
    if (!entries) {
      problem(manifest.path, entries.error().message);
      return std::nullopt;
    }
    Totals totals;
    int64_t rows = 0;
    for (const ManifestEntry& entry : *entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      const DataFile& file = entry.file;
      rows += file.records;
      totals.bytes += file.bytes;
      if (file.content == FileContent::kData) {
        ++totals.files;
        totals.records += file.records;
      } else {
        ++totals.delete_files;
      }
      if (files_.emplace(file.path, file).second) check_entry(file);
    }
    if (totals.files + totals.delete_files != manifest.live_files() ||
        rows != manifest.added_rows + manifest.existing_rows)
      problem(manifest.path, fmt::format("has {} live files with {} rows, the manifest list says {} with {}",
                                         totals.files + totals.delete_files, rows, manifest.live_files(),
                                         manifest.added_rows + manifest.existing_rows));
    return totals;
  }

  void check_entry(const DataFile& file) {
    const PartitionSpec* spec = table_.spec(file.spec_id);
    if (spec == nullptr)
      problem(file.path, fmt::format("belongs to partition spec {}, which the table hasn't", file.spec_id));
    else if (spec->fields.size() != file.partition.size())
      problem(file.path, fmt::format("has {} partition values, its spec {} fields", file.partition.size(),
                                     spec->fields.size()));
    if (file.content == FileContent::kData)
      for (const auto& [id, stats] : file.columns) check_stats(file, id, stats);
  }

  void check_stats(const DataFile& file, int id, const ColumnStats& stats) {
    auto field = fields_.find(id);
    if (field == fields_.end())
      return problem(file.path, fmt::format("has statistics of the unknown field {}", id));
    const std::string name = fmt::format("column {} ({})", field->second->name, id);
    if (stats.nulls < 0 || stats.nulls > stats.values || stats.nans.value_or(0) > stats.values)
      problem(file.path, fmt::format("{} has {} nulls among {} values", name, stats.nulls, stats.values));
    auto decode = [&](const std::optional<std::string>& bytes) -> std::optional<Single> {
      if (!bytes) return std::nullopt;
      auto value = decode_single(field->second->type, *bytes);
      if (!value) problem(file.path, "a bound of " + name + " can't be read: " + value.error().message);
      return value ? std::optional(*value) : std::nullopt;
    };
    std::optional<Single> lower = decode(stats.lower), upper = decode(stats.upper);
    if (lower && upper && upside_down(field->second->type, *lower, *upper))
      problem(file.path, "the bounds of " + name +
                             " are upside down: " + single_to_text(field->second->type, *lower) + " to " +
                             single_to_text(field->second->type, *upper));
  }

  bool check_object(const DataFile& file) {
    auto uri = store::Uri::parse(file.path);
    auto info = uri ? store_.head(*uri) : Result<store::ObjectInfo>(fail(uri.error()));
    if (!info) {
      problem(file.path, "data file is missing: " + info.error().message);
      return false;
    }
    if (static_cast<int64_t>(info->bytes) != file.bytes)
      problem(file.path, fmt::format("has {} bytes, its manifest says {}", info->bytes, file.bytes));
    return file.format == "PARQUET";
  }

  std::string list_of(const std::vector<const DataFile*>& files) const {
    std::string out;
    for (const DataFile* file : files) {
      auto uri = store::Uri::parse(file->path);
      if (uri) out += (out.empty() ? "" : ", ") + columns::quote_text(store_.readable(*uri));
    }
    return "[" + out + "]";
  }

  void check_footers(const std::vector<const DataFile*>& files) {
    auto rows =
        connection_.text("SELECT file_name, num_rows FROM parquet_file_metadata(" + list_of(files) + ")");
    auto ids = connection_.text("SELECT file_name, field_id, name, num_children FROM parquet_schema(" +
                                list_of(files) + ") WHERE coalesce(column_id, 1) > 0");
    if (!rows || !ids) {
      if (files.size() == 1)
        return problem(files[0]->path,
                       "the Parquet footer can't be read: " + (rows ? ids : rows).error().message);
      for (const DataFile* file : files) check_footers({file});  // one by one, to name the damaged one
      return;
    }
    std::map<std::string, const DataFile*> by_name;
    for (const DataFile* file : files)
      if (auto uri = store::Uri::parse(file->path)) by_name[store_.readable(*uri)] = file;
    for (const auto& row : *rows) {
      auto file = by_name.find(row.at(0).value_or(""));
      if (file == by_name.end()) continue;
      if (row.at(1).value_or("") != std::to_string(file->second->records))
        problem(file->second->path, fmt::format("the Parquet footer has {} rows, the manifest {}",
                                                row.at(1).value_or("no"), file->second->records));
    }
    std::map<const DataFile*, std::set<int>> seen;
    for (const auto& row : *ids) {
      auto file = by_name.find(row.at(0).value_or(""));
      if (file != by_name.end() && file->second->content == FileContent::kData)
        check_field(*file->second, row, seen[file->second]);
    }
  }

  // Groups inside of lists and maps have no id; every leaf has one.
  void check_field(const DataFile& file, const std::vector<std::optional<std::string>>& row,
                   std::set<int>& seen) {
    const std::string name = row.at(2).value_or("");
    if (!row.at(1)) {
      if (row.at(3).value_or("0") == "0") problem(file.path, "column " + name + " has no field id");
      return;
    }
    int id = std::stoi(*row.at(1));
    if (!fields_.contains(id))
      problem(file.path, fmt::format("column {} has the unknown field id {}", name, id));
    if (!seen.insert(id).second) problem(file.path, fmt::format("field id {} is there twice", id));
  }

  const store::Store& store_;
  const TableMetadata& table_;
  duck::Connection& connection_;
  std::map<int, const Field*> fields_;  // of every schema; the newest where they differ
  std::map<std::string, std::optional<Totals>> manifests_;
  std::map<std::string, DataFile> files_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<std::vector<std::string>> verify_table(Catalog& catalog, const TableName& name,
                                              duck::Connection& connection) {
  TARN_ASSIGN(Table table, catalog.load(name));
  return Verification(catalog, *table, connection).run();
}

}  // namespace tarn::lake
