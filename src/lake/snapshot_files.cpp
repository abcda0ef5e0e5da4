// Which objects a snapshot, and a table, is made of.
#include "lake/catalog.h"
#include "lake/table_files_internal.h"

namespace tarn::lake {

Result<std::vector<DataFile>> Catalog::files(const TableMetadata& table, const Snapshot& snapshot) const {
  std::vector<DataFile> out;
  TARN_ASSIGN(TableFiles::Manifests manifests, files_->manifests(snapshot));
  size_t count = 0;
  for (const ManifestFile& m : *manifests) count += static_cast<size_t>(std::max<int64_t>(0, m.live_files()));
  constexpr size_t kReserveMax = 1 << 20;  // the list's own counts are not to be trusted with memory
  out.reserve(std::min(count, kReserveMax));
  for (const ManifestFile& m : *manifests) {
    TARN_ASSIGN(TableFiles::Entries entries, files_->entries(table, m));
    for (const ManifestEntry& entry : *entries)
      if (entry.status != EntryStatus::kDeleted) out.push_back(entry.file);
  }
  return out;
}

Result<std::set<std::string>> Catalog::reachable(const TableMetadata& table) const {
  std::set<std::string> out{table.metadata_file};
  for (auto& entry : table.metadata_log) out.insert(entry.file);
  for (const Snapshot& snapshot : table.snapshots) {
    out.insert(snapshot.manifest_list);
    TARN_ASSIGN(TableFiles::Manifests manifests, files_->manifests(snapshot));
    for (const ManifestFile& m : *manifests) {
      // A manifest that an earlier snapshot had too names the same files.
      if (!out.insert(m.path).second) continue;
      TARN_ASSIGN(TableFiles::Entries entries, files_->entries(table, m));
      for (const ManifestEntry& entry : *entries)
        if (entry.status != EntryStatus::kDeleted) out.insert(entry.file.path);
    }
  }
  return out;
}

}  // namespace tarn::lake
