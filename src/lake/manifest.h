// Manifests and manifest lists: which data files a snapshot has, with the statistics that let a reader
// skip them.
//
// Owns: nothing.
// Threads: pure functions.
// Fails: kCorrupt when bytes are no manifest; kUnsupported for what we can't read; kInvalid when a file to
// be written doesn't match the partition spec.
// Durable: these files never change once written.
// Shapes: Avro (avro_file.h) with the schemas and field ids of https://iceberg.apache.org/spec/#manifests,
// version 2. Read by field id, and by name where a file has none; unknown fields are passed over, absent
// ones are their default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "lake/avro_file.h"
#include "lake/table.h"

namespace tarn::lake {

enum class EntryStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };

struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  // Not there in a manifest that was written for a commit whose number wasn't known: inherited from the list.
  std::optional<int64_t> snapshot_id;
  std::optional<int64_t> sequence_number;
  std::optional<int64_t> file_sequence_number;
  DataFile file;
  std::optional<std::string> key_metadata;  // of others: kept when a manifest is rewritten
  std::optional<int> sort_order_id;
};

enum class ManifestContent { kData = 0, kDeletes = 1 };

struct PartitionSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan;
  std::optional<std::string> lower;
  std::optional<std::string> upper;
  bool operator==(const PartitionSummary&) const = default;
};

struct ManifestFile {
  std::string path;
  int64_t bytes = 0;
  int spec_id = 0;
  ManifestContent content = ManifestContent::kData;
  int64_t sequence_number = 0;
  int64_t min_sequence_number = 0;
  int64_t added_snapshot_id = 0;
  int64_t added_files = 0;
  int64_t existing_files = 0;
  int64_t deleted_files = 0;
  int64_t added_rows = 0;
  int64_t existing_rows = 0;
  int64_t deleted_rows = 0;
  std::vector<PartitionSummary> partitions;
  std::optional<std::string> key_metadata;
  bool operator==(const ManifestFile&) const = default;

  int64_t live_files() const { return added_files + existing_files; }
};

// The bytes of a manifest of `spec`'s files.
Result<std::string> encode_manifest(const TableMetadata& table, const PartitionSpec& spec,
                                    ManifestContent content, const std::vector<ManifestEntry>& entries);
// What a manifest list says about a manifest with these entries; `path`, `bytes` and the sequence number are
// the caller's to fill in. `min_sequence_number` is of the live entries that have one; INT64_MAX when all
// inherit it.
Result<ManifestFile> summarize(const TableMetadata& table, const PartitionSpec& spec, ManifestContent content,
                               const std::vector<ManifestEntry>& entries);

// The entries, with ids and numbers inherited from `manifest`. `table` gives the types of partition values.
Result<std::vector<ManifestEntry>> decode_manifest(std::string_view bytes, const ManifestFile& manifest,
                                                   const TableMetadata& table, const AvroLimits& limits = {});

Result<std::string> encode_manifest_list(const Snapshot& snapshot,
                                         const std::vector<ManifestFile>& manifests);
Result<std::vector<ManifestFile>> decode_manifest_list(std::string_view bytes, const AvroLimits& limits = {});

}  // namespace tarn::lake
