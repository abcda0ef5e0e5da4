// Partition transforms as SQL, and their results as values.
//
// DuckDB partitions by a text key for each partition field; the key holds the transform's result exactly, in
// a form that is also a good folder name (never empty, never too long). Iceberg's years, months, days and
// hours are counts since 1970.
// Source: https://iceberg.apache.org/spec/#partition-transforms
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include "lake/table.h"

namespace tarn::lake {

// SQL of the key. `row` is the alias of a relation with the schema's columns. A source column that the schema
// lacks gives null, as Iceberg wants of a dropped one.
std::string partition_key_sql(const PartitionField& field, const columns::Schema& schema,
                              const std::string& row);

// The value that a key stands for. Nothing: the key is only a digest of a long value, which has to be read
// from a row of the file with partition_value_sql().
Result<std::optional<Single>> partition_value(const PartitionField& field, const columns::Schema& schema,
                                              const std::optional<std::string>& key);
// For text and binary: SQL whose text partition_value() reads when it is put behind kWholeValue.
std::string partition_value_sql(const PartitionField& field, const columns::Schema& schema,
                                const std::string& row);
inline constexpr char kWholeValue = 's';
inline constexpr char kDigest = 'h';

// "day=2026-11-21" for the folder of a partition; for people only, so long values are cut.
std::string partition_folder(const PartitionField& field, const columns::Schema& schema, const Single& value);

}  // namespace tarn::lake
