// For tests and fuzzing: the metadata of a table as other engines write it, with fields that we don't know.
//
// Threads: constants.
#pragma once

#include <string_view>

namespace tarn::lake::testing {

inline constexpr std::string_view kForeignMetadata = R"json({
  "format-version": 2,
  "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
  "location": "s3://bucket/test/location",
  "last-sequence-number": 34,
  "last-updated-ms": 1602638573590,
  "last-column-id": 12,
  "current-schema-id": 1,
  "schemas": [
    {"type": "struct", "schema-id": 0,
     "fields": [{"id": 1, "name": "x", "required": true, "type": "long"}]},
    {"type": "struct", "schema-id": 1, "identifier-field-ids": [1, 2],
     "fields": [
       {"id": 1, "name": "x", "required": true, "type": "long"},
       {"id": 2, "name": "y", "required": true, "type": "long", "doc": "comment"},
       {"id": 3, "name": "z", "required": false, "type": "timestamptz"},
       {"id": 4, "name": "d", "required": false, "type": "decimal(9, 2)"},
       {"id": 5, "name": "s", "required": false, "type": {"type": "struct", "fields": [
         {"id": 6, "name": "m", "required": false, "type": {"type": "map", "key-id": 7, "key": "string",
           "value-id": 8, "value-required": true, "value": {"type": "list", "element-id": 9,
           "element-required": false, "element": "double"}}},
         {"id": 10, "name": "u", "required": true, "type": "uuid"},
         {"id": 12, "name": "f", "required": false, "type": "fixed[16]"}]}}
     ]}
  ],
  "default-spec-id": 1,
  "partition-specs": [
    {"spec-id": 0, "fields": []},
    {"spec-id": 1, "fields": [
      {"name": "x", "transform": "identity", "source-id": 1, "field-id": 1000},
      {"name": "y_bucket", "transform": "bucket[16]", "source-id": 2, "field-id": 1001}]}
  ],
  "last-partition-id": 1001,
  "default-sort-order-id": 3,
  "sort-orders": [
    {"order-id": 3, "fields": [
      {"transform": "identity", "source-id": 2, "direction": "asc", "null-order": "nulls-first"}]}
  ],
  "properties": {"read.split.target.size": "134217728"},
  "current-snapshot-id": 3055729675574597004,
  "snapshots": [
    {"snapshot-id": 3051729675574597004, "timestamp-ms": 1515100955770, "sequence-number": 0,
     "summary": {"operation": "append"}, "manifest-list": "s3://a/b/1.avro", "schema-id": 0},
    {"snapshot-id": 3055729675574597004, "parent-snapshot-id": 3051729675574597004,
     "timestamp-ms": 1555100955770, "sequence-number": 1,
     "summary": {"operation": "append", "tarn.position.0": "17"},
     "manifest-list": "s3://a/b/2.avro", "schema-id": 1}
  ],
  "snapshot-log": [
    {"snapshot-id": 3051729675574597004, "timestamp-ms": 1515100955770},
    {"snapshot-id": 3055729675574597004, "timestamp-ms": 1555100955770}
  ],
  "metadata-log": [{"metadata-file": "s3://bucket/.../v1.json", "timestamp-ms": 1515100}],
  "refs": {
    "main": {"snapshot-id": 3055729675574597004, "type": "branch", "max-ref-age-ms": 7},
    "best": {"snapshot-id": 3051729675574597004, "type": "tag"}
  },
  "statistics": [{"snapshot-id": 3055729675574597004, "statistics-path": "s3://a/b/stats.puffin"}],
  "x-of-another-engine": {"kept": [1, 2.5, null]}
})json";

}  // namespace tarn::lake::testing
