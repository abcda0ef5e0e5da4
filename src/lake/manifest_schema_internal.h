// The Avro schemas of manifests and manifest lists, as JSON with Iceberg's field ids.
//
// Threads: pure functions.
// Fails: never; kInvalid for a partition of a nested type.
#pragma once

#include <string>

#include "base/error.h"
#include "lake/table.h"

namespace tarn::lake {

Result<std::string> manifest_schema(const TableMetadata& table, const PartitionSpec& spec);
std::string manifest_list_schema();

// Bytes of the fixed that holds a decimal of so many digits.
int decimal_bytes(int precision);

}  // namespace tarn::lake
