// What a snapshot's summary says: Iceberg's counts, and the keys of ours that go from snapshot to snapshot.
#include <charconv>
#include <optional>
#include <set>

#include "lake/snapshot_builder_internal.h"

namespace tarn::lake {
namespace {

std::optional<int64_t> number_in(const Snapshot* snapshot, const std::string& key) {
  if (!snapshot) return 0;
  auto found = snapshot->summary.find(key);
  if (found == snapshot->summary.end()) return std::nullopt;
  int64_t value = 0;
  const std::string& text = found->second;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void put_count(Snapshot& snapshot, const char* key, int64_t value) {
  if (value != 0) snapshot.summary[key] = std::to_string(value);
}

}  // namespace

void SnapshotBuilder::carry_keys(const Snapshot* parent, Snapshot& snapshot) const {
  if (parent)
    for (auto& [key, value] : parent->summary)
      if (key.starts_with(kPositionKey) || key == kStreamKey) snapshot.summary[key] = value;
  for (auto& [key, value] : change_.summary) snapshot.summary[key] = value;
}

void SnapshotBuilder::summarize_change(const TableMetadata& base, Snapshot& snapshot,
                                       const std::vector<ManifestFile>& manifests) const {
  const Snapshot* parent = base.snapshot();
  Counts added, removed, added_deletes, removed_deletes;
  Counts by_content[2][3];  // added or removed; data, position deletes, equality deletes
  std::set<std::pair<int, std::vector<Single>>> partitions;
  for (auto* list : {&change_.added, static_cast<const std::vector<DataFile>*>(&removed_)}) {
    bool is_added = list == &change_.added;
    for (const DataFile& file : *list) {
      bool data = file.content == FileContent::kData;
      (data ? is_added ? added : removed : is_added ? added_deletes : removed_deletes).add(file);
      by_content[is_added ? 0 : 1][static_cast<int>(file.content)].add(file);
      partitions.emplace(file.spec_id, file.partition);
    }
  }
  put_count(snapshot, "added-data-files", added.files);
  put_count(snapshot, "added-records", added.records);
  put_count(snapshot, "added-files-size", added.bytes + added_deletes.bytes);
  put_count(snapshot, "added-delete-files", added_deletes.files);
  put_count(snapshot, "added-position-deletes", by_content[0][1].records);
  put_count(snapshot, "added-equality-deletes", by_content[0][2].records);
  put_count(snapshot, "deleted-data-files", removed.files);
  put_count(snapshot, "deleted-records", removed.records);
  put_count(snapshot, "removed-files-size", removed.bytes + removed_deletes.bytes);
  put_count(snapshot, "removed-delete-files", removed_deletes.files);
  put_count(snapshot, "removed-position-deletes", by_content[1][1].records);
  put_count(snapshot, "removed-equality-deletes", by_content[1][2].records);
  put_count(snapshot, "changed-partition-count", static_cast<int64_t>(partitions.size()));

  // Counts of files and rows are in the manifest list; bytes and kinds of deletes only in the entries.
  Counts totals, total_deletes;
  for (const ManifestFile& m : manifests) {
    Counts& t = m.content == ManifestContent::kData ? totals : total_deletes;
    t.files += m.live_files();
    t.records += m.added_rows + m.existing_rows;
  }
  auto total = [&](const char* key, int64_t plus, int64_t minus) {
    if (auto before = number_in(parent, key)) snapshot.summary[key] = std::to_string(*before + plus - minus);
  };
  snapshot.summary["total-data-files"] = std::to_string(totals.files);
  snapshot.summary["total-records"] = std::to_string(totals.records);
  snapshot.summary["total-delete-files"] = std::to_string(total_deletes.files);
  total("total-files-size", added.bytes + added_deletes.bytes, removed.bytes + removed_deletes.bytes);
  total("total-position-deletes", by_content[0][1].records, by_content[1][1].records);
  total("total-equality-deletes", by_content[0][2].records, by_content[1][2].records);
  carry_keys(parent, snapshot);
}

}  // namespace tarn::lake
