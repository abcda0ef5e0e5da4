#include <algorithm>
#include <set>

#include "base/fault_point.h"
#include "base/id.h"
#include "lake/snapshot_builder_internal.h"

namespace tarn::lake {
namespace {

ManifestContent content_of(const DataFile& file) {
  return file.content == FileContent::kData ? ManifestContent::kData : ManifestContent::kDeletes;
}

std::string show(const std::string& value) {
  return value.empty() ? "none" : "\"" + value + "\"";
}

// Another branch or tag of the table may need a snapshot that our history doesn't.
bool referenced(const TableMetadata& table, int64_t snapshot) {
  std::string needle = "\"snapshot-id\":" + std::to_string(snapshot);
  return std::ranges::any_of(table.refs, [&](auto& ref) {
    size_t at = ref.second.find(needle);
    if (ref.first == "main" || at == std::string::npos) return false;
    char after = at + needle.size() < ref.second.size() ? ref.second[at + needle.size()] : '}';
    return after == ',' || after == '}';
  });
}

Result<bool> expire_snapshots(TableMetadata& table, const std::vector<std::string>& ids) {
  std::set<std::string> gone;
  for (const std::string& id : ids) {
    if (table.current_snapshot && std::to_string(*table.current_snapshot) == id)
      return fail(Code::kInvalid, "snapshot " + id + " is the current one and can't expire");
    gone.insert(id);
  }
  size_t before = table.snapshots.size();
  std::erase_if(table.snapshots, [&](const Snapshot& s) {
    return gone.contains(std::to_string(s.id)) && !referenced(table, s.id);
  });
  if (table.snapshots.size() == before) return false;
  // The log must have no holes, or a time in a hole would be answered with an older snapshot: it begins anew
  // there.
  std::vector<TableMetadata::SnapshotLogEntry> log;
  for (auto& entry : table.snapshot_log) {
    if (table.snapshot(entry.snapshot))
      log.push_back(entry);
    else
      log.clear();
  }
  table.snapshot_log = std::move(log);
  return true;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(TableFiles& files, const Change& change)
    : files_(files), change_(change), snapshot_id_(random_positive_i64()), uuid_(uuid_v4()) {}

void SnapshotBuilder::Counts::add(const DataFile& file) {
  ++files;
  records += file.records;
  bytes += file.bytes;
}

Status SnapshotBuilder::check_expected(const TableMetadata& base) const {
  const Snapshot* current = base.snapshot();
  for (auto& [key, wanted] : change_.expect) {
    std::string value;
    if (current)
      if (auto found = current->summary.find(key); found != current->summary.end()) value = found->second;
    if (value != wanted)
      return fail(Code::kConflict,
                  "the table's snapshot has " + key + " " + show(value) + ", and not " + show(wanted));
  }
  return {};
}

Result<std::optional<TableMetadata>> SnapshotBuilder::build(const TableMetadata& base, Timestamp at) {
  TARN_TRY(check_expected(base));
  TableMetadata next = base;
  next.updated = at;
  bool changed = false;
  if (change_.schema) {
    columns::Schema schema = *change_.schema;
    columns::assign_ids(schema, std::max(base.last_column_id, schema.highest_id()));
    TARN_ASSIGN(bool evolved, evolve_schema(next, schema));
    changed |= evolved;
  }
  for (const std::string& key : change_.remove_properties) changed |= next.properties.erase(key) > 0;
  for (auto& [key, value] : change_.set_properties) {
    auto old = base.properties.find(key);
    changed |= old == base.properties.end() || old->second != value;
    next.properties[key] = value;
  }
  if (!change_.expire_snapshots_ids.empty()) {
    TARN_ASSIGN(bool expired, expire_snapshots(next, change_.expire_snapshots_ids));
    changed |= expired;
  }
  if (!change_.keep_snapshot) {
    TARN_TRY(make_snapshot(base, next));
    changed = true;
  } else if (!change_.added.empty() || !change_.removed.empty()) {
    return fail(Code::kInvalid,
                "a change that adds or removes files makes a snapshot: keep_snapshot must be false");
  }
  if (!changed) return std::optional<TableMetadata>();
  return std::optional(std::move(next));
}

Status SnapshotBuilder::make_snapshot(const TableMetadata& base, TableMetadata& next) {
  while (base.snapshot(snapshot_id_) && added_.empty()) snapshot_id_ = random_positive_i64();
  Snapshot snapshot;
  snapshot.id = snapshot_id_;
  snapshot.parent = base.current_snapshot;
  snapshot.sequence_number = next.last_sequence_number = base.last_sequence_number + 1;
  snapshot.at = next.updated;
  snapshot.operation = change_.operation;
  snapshot.schema_id = next.current_schema;

  if (added_.empty() && !change_.added.empty()) TARN_TRY(write_added(next));
  std::vector<ManifestFile> manifests = added_;
  for (ManifestFile& m : manifests) {
    m.sequence_number = snapshot.sequence_number;
    m.min_sequence_number = std::min(m.min_sequence_number, snapshot.sequence_number);
  }
  TARN_TRY(carry_over(base, next, manifests));
  summarize_change(base, snapshot, manifests);
  fault_point("catalog.manifest_written");

  snapshot.manifest_list =
      next.location + "/metadata/snap-" + std::to_string(snapshot.id) + "-1-" + uuid_v4() + ".avro";
  TARN_ASSIGN(std::string list, encode_manifest_list(snapshot, manifests));
  written_.push_back(snapshot.manifest_list);
  TARN_TRY(files_.put(snapshot.manifest_list, list));
  next.current_snapshot = snapshot.id;
  next.snapshot_log.push_back({snapshot.at, snapshot.id});
  next.snapshots.push_back(std::move(snapshot));
  return {};
}

Result<ManifestFile> SnapshotBuilder::write_manifest(const TableMetadata& next, int spec_id,
                                                     ManifestContent content,
                                                     const std::vector<ManifestEntry>& entries,
                                                     std::vector<std::string>& written) {
  const PartitionSpec* spec = next.spec(spec_id);
  if (!spec) return fail(Code::kInvalid, "the table has no partition spec " + std::to_string(spec_id));
  TARN_ASSIGN(std::string bytes, encode_manifest(next, *spec, content, entries));
  TARN_ASSIGN(ManifestFile out, summarize(next, *spec, content, entries));
  out.path = next.location + "/metadata/" + uuid_ + "-m" + std::to_string(manifest_number_++) + ".avro";
  out.bytes = static_cast<int64_t>(bytes.size());
  out.added_snapshot_id = snapshot_id_;
  written.push_back(out.path);
  TARN_TRY(files_.put(out.path, bytes));
  return out;
}

Status SnapshotBuilder::write_added(const TableMetadata& next) {
  std::map<std::pair<int, ManifestContent>, std::vector<ManifestEntry>> groups;
  std::set<std::string_view> paths;
  for (const DataFile& file : change_.added) {
    if (!paths.insert(file.path).second)
      return fail(Code::kInvalid, "data file " + file.path + " is added twice");
    ManifestEntry entry;
    entry.snapshot_id = snapshot_id_;
    if (file.sequence_number > 0) entry.sequence_number = file.sequence_number;
    entry.file = file;
    groups[{file.spec_id, content_of(file)}].push_back(std::move(entry));
  }
  for (auto& [key, entries] : groups) {
    TARN_ASSIGN(ManifestFile manifest, write_manifest(next, key.first, key.second, entries, written_shared_));
    added_.push_back(std::move(manifest));
  }
  return {};
}

// The manifests of the version before: as they are, rewritten where a file is removed, or joined with others.
Status SnapshotBuilder::carry_over(const TableMetadata& base, const TableMetadata& next,
                                   std::vector<ManifestFile>& out) {
  removed_.clear();
  std::set<std::string_view> left(change_.removed.begin(), change_.removed.end());
  std::vector<ManifestFile> kept, rewritten;
  if (const Snapshot* parent = base.snapshot()) {
    TARN_ASSIGN(TableFiles::Manifests manifests, files_.manifests(*parent));
    for (const ManifestFile& manifest : *manifests) {
      if (manifest.live_files() == 0) continue;  // it only told what its own snapshot removed
      std::vector<bool> removed;
      TableFiles::Entries entries;
      bool any = false;
      if (!left.empty()) {
        TARN_ASSIGN(entries, files_.entries(base, manifest));
        for (const ManifestEntry& entry : *entries) {
          removed.push_back(entry.status != EntryStatus::kDeleted && left.erase(entry.file.path) > 0);
          any |= removed.back();
        }
      }
      if (!any) {
        kept.push_back(manifest);
        continue;
      }
      TARN_ASSIGN(ManifestFile without, rewrite(next, manifest, *entries, removed));
      rewritten.push_back(std::move(without));
    }
  }
  if (!left.empty())
    return fail(Code::kConflict, "data file " + std::string(*left.begin()) + " is not in the table any more");
  TARN_TRY(merge(next, kept));
  for (auto* list : {&rewritten, &kept}) std::ranges::move(*list, std::back_inserter(out));
  return {};
}

Result<ManifestFile> SnapshotBuilder::rewrite(const TableMetadata& next, const ManifestFile& manifest,
                                              const std::vector<ManifestEntry>& entries,
                                              const std::vector<bool>& removed) {
  std::vector<ManifestEntry> out;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].status == EntryStatus::kDeleted) continue;  // removed by an older snapshot
    ManifestEntry entry = entries[i];
    entry.status = removed[i] ? EntryStatus::kDeleted : EntryStatus::kExisting;
    if (removed[i]) {
      entry.snapshot_id = snapshot_id_;
      removed_.push_back(entry.file);
    }
    out.push_back(std::move(entry));
  }
  TARN_ASSIGN(ManifestFile rewritten,
              write_manifest(next, manifest.spec_id, manifest.content, out, written_));
  rewritten.sequence_number = next.last_sequence_number;
  rewritten.min_sequence_number = std::min(rewritten.min_sequence_number, next.last_sequence_number);
  rewritten.key_metadata = manifest.key_metadata;
  return rewritten;
}

void SnapshotBuilder::discard_try() {
  for (const std::string& path : written_) files_.remove(path);
  written_.clear();
}

void SnapshotBuilder::discard_all() {
  discard_try();
  for (const std::string& path : written_shared_) files_.remove(path);
  written_shared_.clear();
  added_.clear();
}

}  // namespace tarn::lake
