// The catalog as tables: system.tables, system.columns, system.snapshots, and information_schema's tables and
// columns.
//
// Each is a SELECT over VALUES made for one query, from the metadata as it is then.
// Threads: pure, but for reading the catalog.
// Fails: kNotFound with the names that exist.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "lake/catalog.h"

namespace tarn::query {

// Is it one of these? Other tables of the database `system` are ordinary ones: the audit trail, events.
bool is_system_table(const std::string& schema, const std::string& table);

// Shows the tables for which `visible` is true.
Result<std::string> system_table_sql(const lake::Catalog& catalog, const std::string& schema,
                                     const std::string& table,
                                     const std::function<bool(const lake::TableName&)>& visible);

}  // namespace tarn::query
