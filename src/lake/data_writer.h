// Rows of a query to data files of a table: COPY … TO Parquet, then into the store, with statistics.
//
// Files are written in the store's staging folder by DuckDB (zstd, the table's field ids in every file,
// partitioned by the table's current spec), synced and adopted. They belong to no snapshot until a commit
// names them.
// Threads: one connection, one thread; DuckDB uses its own threads inside.
// Fails: as DuckDB does; files that were staged are removed.
#pragma once

#include <string>
#include <vector>

#include "columns/duck.h"
#include "lake/table.h"
#include "store/store.h"

namespace tarn::lake {

struct WriteOptions {
  std::string compression = "zstd";
  // Columns with more different values than this in a row group get no dictionary; 0: DuckDB's own choice.
  // Small makes writing faster: what deliveries want; compaction writes the files that stay.
  int dictionary_values_max = 0;
  uint64_t file_bytes = 256ull * 1024 * 1024;  // about; a new file is begun past it
};

// `select` gives the rows; its columns are matched to the schema's by name (case aside), cast where they
// differ, and columns that it lacks are null. A query with no rows gives no files. REQUIRES: `schema` is the
// table's current one or its evolution, with ids; register_transforms() was called.
Result<std::vector<DataFile>> write_data(duck::Connection& connection, store::Store& store,
                                         const TableMetadata& table, const columns::Schema& schema,
                                         const std::string& select, const WriteOptions& options);

// Registers the SQL functions that partitioning needs (Iceberg's bucket hash, truncate) with the database.
Status register_transforms(duck::Connection& connection);

}  // namespace tarn::lake
