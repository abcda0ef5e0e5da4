// The objects of tables and the rows that point to them: reading with a cache, writing, and the swap of a
// pointer.
//
// What the catalog does is decided elsewhere (snapshot_builder_internal.h, catalog_commit.cpp); this is
// its I/O.
// Owns: the caches. Borrows the metastore and the store.
// Threads: any.
// Fails: kNotFound for a table that isn't there; kCorrupt names the file; as the store and the metastore
// do.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lake/bounded_cache_internal.h"
#include "lake/catalog.h"
#include "lake/manifest.h"

namespace tarn::lake {

class TableFiles {
 public:
  using Entries = std::shared_ptr<const std::vector<ManifestEntry>>;   // shared by the cache and its readers
  using Manifests = std::shared_ptr<const std::vector<ManifestFile>>;  // shared by the cache and its readers

  TableFiles(meta::Metastore& metastore, store::Store& store) : metastore_(metastore), store_(store) {}

  Result<Table> load(const TableName& name);
  Result<std::string> metadata_file_of(const TableName& name);
  Result<Table> read_metadata(const std::string& file);
  Result<Manifests> manifests(const Snapshot& snapshot);
  Result<Entries> entries(const TableMetadata& table, const ManifestFile& manifest);

  Status put(const std::string& path, std::string_view bytes);
  // Best effort: what stays is swept later.
  void remove(const std::string& path);
  // Writes `next` as the version after `base_file` ("": the first), and says where in next.metadata_file.
  Status put_metadata(TableMetadata& next, const std::string& base_file);

  enum class Swap { kDone, kLost };
  // Points the table from one metadata file to another. kUnknownOutcome as the metastore says it.
  Result<Swap> swap(const TableName& name, const std::string& from, const std::string& to);
  // Makes `next` known as the table's newest version, in place of the one that it replaced.
  Table remember(TableMetadata&& next, const std::string& replaced);

  // Commits to one table by this process go one after the other: they would only make each other start again.
  Mutex& commit_lock(const TableName& name);

 private:
  static constexpr size_t kMetadataBytesMax = 64 << 20;   // of JSON text; in memory about three times as much
  static constexpr size_t kManifestsBytesMax = 32 << 20;  // of manifest lists
  static constexpr size_t kEntriesBytesMax = 256ul << 20;  // of manifests' entries
  static constexpr int kLoadTriesMax = 5;

  meta::Metastore& metastore_;
  store::Store& store_;
  BoundedCache<TableMetadata> metadata_{kMetadataBytesMax};
  BoundedCache<std::vector<ManifestFile>> manifests_{kManifestsBytesMax};
  BoundedCache<std::vector<ManifestEntry>> entries_{kEntriesBytesMax};
  std::array<Mutex, 64> commit_locks_;
};

}  // namespace tarn::lake
