// TableMetadata to and from the JSON of Iceberg's table metadata, format version 2.
//
// Threads: pure functions.
// Fails: kCorrupt names the field that is missing or wrong; kUnsupported for another format version.
// Shapes: https://iceberg.apache.org/spec/ (Table Metadata; Appendix C: JSON serialization). Top-level
// fields that we don't interpret are kept in TableMetadata::others; unknown fields deeper down are dropped.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "lake/table.h"

namespace tarn::lake {

std::string metadata_to_json(const TableMetadata& table);
Result<TableMetadata> metadata_from_json(std::string_view text);

// Parts of it, which manifests' headers and the REST catalog need too.
boost::json::object schema_to_json(const columns::Schema& schema,
                                   const std::vector<int>& identifier_fields = {});
Result<columns::Schema> schema_from_json(const boost::json::object& json);
boost::json::object spec_to_json(const PartitionSpec& spec);
Result<PartitionSpec> spec_from_json(const boost::json::object& json);
boost::json::object snapshot_to_json(const Snapshot& snapshot);

}  // namespace tarn::lake
