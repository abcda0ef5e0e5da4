// The catalog as tables: system.tables, system.columns, system.snapshots, and information_schema's tables and
// columns.
//
// Each is a SELECT over VALUES made for one query, from the metadata as it is then.
// Threads: pure, but for reading the catalog.
// Fails: kNotFound with the names that exist.
#pragma once

#include <string>

#include "base/error.h"
#include "lake/catalog.h"

namespace tarn::query {

Result<std::string> system_table_sql(const lake::Catalog& catalog, const std::string& schema,
                                     const std::string& table);

}  // namespace tarn::query
