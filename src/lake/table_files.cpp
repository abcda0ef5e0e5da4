#include <charconv>

#include <fmt/format.h>

#include "base/id.h"
#include "base/logging.h"
#include "lake/metadata_json.h"
#include "lake/table_files_internal.h"

namespace tarn::lake {
namespace {

size_t memory_of(const std::vector<ManifestEntry>& entries) {
  constexpr size_t kNodeBytes = 48;  // of a std::map's node, besides what it holds
  size_t out = entries.capacity() * sizeof(ManifestEntry);
  for (const ManifestEntry& e : entries) {
    out += e.file.path.capacity() + e.file.columns.size() * (sizeof(ColumnStats) + kNodeBytes);
    out += e.file.partition.capacity() * sizeof(Single) + e.file.split_offsets.capacity() * sizeof(int64_t);
  }
  return out;
}

size_t memory_of(const std::vector<ManifestFile>& manifests) {
  size_t out = manifests.capacity() * sizeof(ManifestFile);
  for (const ManifestFile& m : manifests)
    out += m.path.capacity() + m.partitions.capacity() * sizeof(PartitionSummary);
  return out;
}

// Partition values are decoded as the table's types say, and those may be widened: entries decoded before are
// others.
std::string entries_key(const TableMetadata& table, const ManifestFile& manifest) {
  std::string key = manifest.path;
  if (const PartitionSpec* spec = table.spec(manifest.spec_id))
    for (const PartitionField& f : spec->fields) key += "\n" + columns::sql_type(table.partition_type(f));
  return key;
}

// "00012" of ".../metadata/00012-<uuid>.metadata.json", plus one; files of other names count as 0.
int64_t next_version(const std::string& file) {
  std::string_view name = std::string_view(file).substr(file.rfind('/') + 1);
  int64_t version = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  bool ours = error == std::errc() && end != name.data() + name.size() && *end == '-';
  return ours && version >= 0 && version < INT64_MAX ? version + 1 : 1;
}

}  // namespace

Result<std::string> TableFiles::metadata_file_of(const TableName& name) {
  std::string file;
  TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
    meta::Value parameters[] = {name.database, name.name};
    TARN_ASSIGN(auto rows,
                t.query("SELECT metadata_file FROM tables WHERE database = ? AND name = ?", parameters));
    if (rows.empty()) return fail(Code::kNotFound, "no table " + name.str());
    TARN_ASSIGN(file, meta::text(rows[0], 0));
    return {};
  }));
  return file;
}

Result<Table> TableFiles::load(const TableName& name) {
  std::string missing;
  for (int i = 0; i < kLoadTriesMax; ++i) {
    TARN_ASSIGN(std::string file, metadata_file_of(name));
    auto table = read_metadata(file);
    // Between the two reads the version may have become old enough to be removed: then there is a newer
    // pointer.
    if (table || table.error().code != Code::kNotFound || file == missing) {
      if (!table && table.error().code == Code::kNotFound)
        return fail(Code::kCorrupt, "table " + name.str() + " points to " + file + ", which is gone");
      return table;
    }
    missing = file;
  }
  return fail(Code::kConflict, "table " + name.str() + " changes faster than it can be read: try again");
}

Result<Table> TableFiles::read_metadata(const std::string& file) {
  if (Table cached = metadata_.get(file)) return cached;
  TARN_ASSIGN(store::Uri uri, store::Uri::parse(file));
  TARN_ASSIGN(std::string text, store_.get(uri));
  auto parsed = metadata_from_json(text);
  if (!parsed) return fail(std::move(parsed).error().in(file));
  parsed->metadata_file = file;
  auto table = std::make_shared<const TableMetadata>(std::move(*parsed));
  metadata_.put(file, table, text.size());
  return table;
}

Result<TableFiles::Manifests> TableFiles::manifests(const Snapshot& snapshot) {
  if (Manifests cached = manifests_.get(snapshot.manifest_list)) return cached;
  TARN_ASSIGN(store::Uri uri, store::Uri::parse(snapshot.manifest_list));
  TARN_ASSIGN(std::string bytes, store_.get(uri));
  auto decoded = decode_manifest_list(bytes);
  if (!decoded) return fail(std::move(decoded).error().in(snapshot.manifest_list));
  auto list = std::make_shared<const std::vector<ManifestFile>>(std::move(*decoded));
  manifests_.put(snapshot.manifest_list, list, memory_of(*list));
  return list;
}

Result<TableFiles::Entries> TableFiles::entries(const TableMetadata& table, const ManifestFile& manifest) {
  std::string key = entries_key(table, manifest);
  if (Entries cached = entries_.get(key)) return cached;
  TARN_ASSIGN(store::Uri uri, store::Uri::parse(manifest.path));
  TARN_ASSIGN(std::string bytes, store_.get(uri));
  TARN_ASSIGN(auto decoded, decode_manifest(bytes, manifest, table));
  auto list = std::make_shared<const std::vector<ManifestEntry>>(std::move(decoded));
  entries_.put(key, list, memory_of(*list));
  return list;
}

Status TableFiles::put(const std::string& path, std::string_view bytes) {
  TARN_ASSIGN(store::Uri uri, store::Uri::parse(path));
  return store_.put(uri, bytes);
}

void TableFiles::remove(const std::string& path) {
  Status status = [&]() -> Status {
    TARN_ASSIGN(store::Uri uri, store::Uri::parse(path));
    return store_.remove(uri);
  }();
  if (!status)
    TARN_LOG(debug, "{} could not be removed, and will be swept later: {}", path, status.error().message);
}

Status TableFiles::put_metadata(TableMetadata& next, const std::string& base_file) {
  int64_t version = base_file.empty() ? 0 : next_version(base_file);
  next.metadata_file = fmt::format("{}/metadata/{:05}-{}.metadata.json", next.location, version, uuid_v4());
  return put(next.metadata_file, metadata_to_json(next));
}

Result<TableFiles::Swap> TableFiles::swap(const TableName& name, const std::string& from,
                                          const std::string& to) {
  int64_t changed = 0;
  bool there = true;
  TARN_TRY(metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value parameters[] = {to, name.database, name.name, from};
    TARN_ASSIGN(
        changed,
        t.execute("UPDATE tables SET metadata_file = ? WHERE database = ? AND name = ? AND metadata_file = ?",
                  parameters));
    if (changed == 1) return {};
    meta::Value key[] = {name.database, name.name};
    TARN_ASSIGN(auto rows, t.query("SELECT 1 FROM tables WHERE database = ? AND name = ?", key));
    there = !rows.empty();
    return {};
  }));
  if (changed == 1) return Swap::kDone;
  if (!there) return fail(Code::kNotFound, "table " + name.str() + " was dropped");
  return Swap::kLost;
}

Table TableFiles::remember(TableMetadata&& next, const std::string& replaced) {
  // About what its JSON takes, without writing it again.
  size_t bytes = 4096 + next.schemas.size() * 200 * next.schema().fields.size();
  for (const Snapshot& s : next.snapshots) bytes += 600 + 60 * s.summary.size();
  std::string file = next.metadata_file;
  auto table = std::make_shared<const TableMetadata>(std::move(next));
  metadata_.erase(replaced);
  metadata_.put(file, table, bytes);
  return table;
}

Mutex& TableFiles::commit_lock(const TableName& name) {
  return commit_locks_[std::hash<std::string>()(name.str()) % commit_locks_.size()];
}

}  // namespace tarn::lake
