// What a commit makes of a table: the next metadata, and the manifests to be written for it.
//
// One builder serves all tries of one commit: the manifest of added files is written once, as sequence
// numbers are inherited; what depends on the version that the try began from is written anew, and removed
// when the try is lost.
// Owns: the paths that it wrote in this try.
// Threads: one.
// Fails: kConflict when a condition doesn't hold or a removed file is gone; kInvalid for a change that
// can't be.
#pragma once

#include <string>
#include <vector>

#include "lake/table_files_internal.h"

namespace tarn::lake {

class SnapshotBuilder {
 public:
  SnapshotBuilder(TableFiles& files, const Change& change);

  // The version of the table after the change, with its manifests and manifest list written; nothing when
  // there is nothing to do. `at` is the new version's time.
  Result<std::optional<TableMetadata>> build(const TableMetadata& base, Timestamp at);
  // Removes what the last build() wrote and no later one can use.
  void discard_try();
  // And what all of them share. Only when no version names it.
  void discard_all();

 private:
  struct Counts {
    int64_t files = 0;
    int64_t records = 0;
    int64_t bytes = 0;
    void add(const DataFile& file);
  };
  Status check_expected(const TableMetadata& base) const;
  Status make_snapshot(const TableMetadata& base, TableMetadata& next);
  Status write_added(const TableMetadata& next);
  Status carry_over(const TableMetadata& base, const TableMetadata& next, std::vector<ManifestFile>& out);
  Result<ManifestFile> rewrite(const TableMetadata& next, const ManifestFile& manifest,
                               const std::vector<ManifestEntry>& entries, const std::vector<bool>& removed);
  Status merge(const TableMetadata& next, std::vector<ManifestFile>& manifests);
  Result<ManifestFile> merge_group(const TableMetadata& next, const std::vector<ManifestFile>& group);
  Result<ManifestFile> write_manifest(const TableMetadata& next, int spec_id, ManifestContent content,
                                      const std::vector<ManifestEntry>& entries,
                                      std::vector<std::string>& written);
  void summarize_change(const TableMetadata& base, Snapshot& snapshot,
                        const std::vector<ManifestFile>& manifests) const;
  void carry_keys(const Snapshot* parent, Snapshot& snapshot) const;

  TableFiles& files_;
  const Change& change_;
  int64_t snapshot_id_ = 0;
  std::string uuid_;
  int manifest_number_ = 0;
  std::vector<ManifestFile> added_;  // manifests of change_.added, the same for every try
  std::vector<std::string> written_shared_;
  std::vector<std::string> written_;
  std::vector<DataFile> removed_;  // found in this try
};

// `current` becomes `wanted`, or why it can't: kConflict when the schema went another way since `wanted` was
// made. REQUIRES: every id of `wanted` is set. True when something changed.
Result<bool> evolve_schema(TableMetadata& table, const columns::Schema& wanted);
// Makes `schema` current under a new id, or under the id of an old one that is equal.
void use_schema(TableMetadata& table, columns::Schema schema);
// kInvalid names a field that is there twice, by id or by name without regard to case.
Status check_schema(const columns::Schema& schema);
// True when Iceberg lets a column of type `from` become `to`.
bool can_widen(const columns::Type& from, const columns::Type& to);

}  // namespace tarn::lake
