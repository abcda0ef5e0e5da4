// What keeps tables fast and small: compaction, snapshot expiry, removal of files that nothing names.
//
// Every step is a commit like any other, made file by file, that gives way: a writer never waits for it, and
// when it loses the race it starts again from the new version or leaves it for the next time. Properties of a
// table say how much is kept:
//   tarn.compact.small-bytes   files below it are joined (default 64 MiB)
//   tarn.compact.target-bytes  into files of about this size (default 256 MiB)
//   tarn.compact.min-files     when a partition has at least so many small files (default 8)
//   tarn.keep.snapshots        at least so many (default 10)
//   tarn.keep.age              and all younger than this (default 7d)
//   tarn.orphan.age            files that no snapshot names are removed when older (default 1d)
// Threads: any; one run at a time for a table is the caller's to see to.
#pragma once

#include <cstdint>

#include "columns/duck.h"
#include "lake/catalog.h"

namespace tarn::lake {

struct Maintained {
  uint64_t files_before = 0;  // that were joined
  uint64_t files_after = 0;
  uint64_t snapshots_expired = 0;
  uint64_t files_removed = 0;
  uint64_t bytes_removed = 0;
};

// Joins small data files of the same partition and spec. The rows and the position stay what they were.
Result<Maintained> compact(Catalog& catalog, const TableName& name, duck::Connection& connection);
// Takes old snapshots out of the history, then removes the files that only they named.
Result<Maintained> expire(Catalog& catalog, const TableName& name);
// Removes files under the table's location that no snapshot names and that are older than tarn.orphan.age.
Result<Maintained> sweep_orphans(Catalog& catalog, const TableName& name);
// Removes the files of tables that were dropped a day ago or earlier.
Result<Maintained> sweep_dropped(Catalog& catalog);

// For `tarn verify`: metadata, manifests and every Parquet footer agree (records, bytes, field ids); each
// problem is one line. `connection` reads the footers.
Result<std::vector<std::string>> verify_table(Catalog& catalog, const TableName& name,
                                              duck::Connection& connection);

}  // namespace tarn::lake
