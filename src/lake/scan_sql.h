// A snapshot of a table as SQL that DuckDB can run: read_parquet over its files, columns found by field id.
//
// Columns that were renamed, added or widened since a file was written come out as `schema` says; deletes
// that other engines wrote (by position, by equality) are applied. Fields inside structs are found by id too:
// DuckDB matches them by name, so where a nested name ever moved the files' footers are asked
// (nested_history.h).
// Threads: pure, but for reading manifests through the catalog and, as said, footers.
// Fails: as the catalog does; kUnsupported for files that are not Parquet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lake/catalog.h"

namespace tarn::lake {

// A SELECT with exactly the schema's columns, in its order. No snapshot: a SELECT with no rows.
Result<std::string> scan_sql(const Catalog& catalog, const TableMetadata& table, const Snapshot* snapshot,
                             const columns::Schema& schema);

// The same of given files; delete files among them are applied to the data files that they concern.
Result<std::string> scan_files_sql(const store::Store& store, const TableMetadata& table,
                                   const std::vector<DataFile>& files, const columns::Schema& schema);

}  // namespace tarn::lake
