// A table as its owner declares it: `databases.<db>.tables.<table>` in a lake file and the body of the API.
//
// Shapes: {"columns": {"id": "BIGINT", "at": {"type": "TIMESTAMP WITH TIME ZONE", "required": true}},
//          "partition": ["day(at)"], "keep": {"snapshots": 10, "age": "7d"},
//          "compact": {"small": "64MiB", "files": 8}, "properties": {"owner": "data-team"}}
// keep and compact are the properties of maintenance.h under readable names.
// Threads: pure functions.
// Fails: kInvalid names the key.
#pragma once

#include <boost/json/fwd.hpp>

#include "base/error.h"
#include "lake/catalog.h"

namespace tarn::lake {

Result<TableSpec> table_spec_from_json(const boost::json::object& json);
boost::json::object to_json(const TableMetadata& table);  // the same shape, from what the table is now

// Brings an existing table to `spec`: new columns, widened types, partition, properties. A column that is
// gone from `spec`, or whose type can't become the new one, is kInvalid: dropping and renaming are asked for
// by name. A spec without columns leaves them as they are (a stream's records say what they are).
Result<Table> alter_to(Catalog& catalog, const TableName& name, const TableSpec& spec);

}  // namespace tarn::lake
