// A table as Iceberg v2 describes it: schemas, partition specs, snapshots, properties.
//
// Plain data; encoded by metadata_json.h (the metadata file) and manifest.h (Avro). docs/formats/tables.md
// shows what is Iceberg's and which properties and summary keys are ours.
// Source: https://iceberg.apache.org/spec/ (format version 2)
// Threads: values; a loaded TableMetadata is shared as const.
// Fails: TableName::parse, parse_partition and parse_transform say what is wrong and what would be right.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "columns/type.h"

namespace tarn::lake {

struct TableName {
  std::string database;
  std::string name;
  // "raw.transactions". Names are 1 to 128 characters: ASCII letters, digits, _ and -; databases no "system"
  // or "information_schema". Compared and kept in lower case.
  static Result<TableName> parse(std::string_view text);
  std::string str() const { return database + "." + name; }
  auto operator<=>(const TableName&) const = default;
};

enum class Transform { kIdentity, kBucket, kTruncate, kYear, kMonth, kDay, kHour, kVoid };

struct PartitionField {
  int source_id = 0;
  int field_id = 0;  // from 1000 on
  Transform transform = Transform::kIdentity;
  int argument = 0;  // of bucket and truncate
  std::string name;
  bool operator==(const PartitionField&) const = default;
};

struct PartitionSpec {
  int id = 0;
  std::vector<PartitionField> fields;
  bool operator==(const PartitionSpec&) const = default;
};

// "day(time)", "bucket(16, id)", "country" as in a lake file, bound to the schema's fields. The name of the
// partition field is <column>_<transform>, as Spark names it; of identity, the column's.
// [ bucket(4, id) ] in YAML is a list of two texts, as it is split at the comma: what belongs together is joined again.
std::vector<std::string> join_partition(std::vector<std::string> fields);
Result<PartitionSpec> parse_partition(const std::vector<std::string>& fields, const columns::Schema& schema);
std::string partition_text(const PartitionField& field, const columns::Schema& schema);

// The type of a transform's results. A day is a date, as every engine writes it.
columns::Type transform_result(Transform transform, const columns::Type& source);
// "day", "bucket[16]": how metadata files spell a transform; kUnsupported for one that we don't know.
std::string transform_name(Transform transform, int argument);
Result<PartitionField> parse_transform(std::string_view name);
// The full name of a field at any depth, "detail.amount.value"; "" when the schema has no such id.
std::string column_path(const columns::Schema& schema, int field_id);
// The field at a path as column_path() gives it. A whole name with dots in it comes before a path. Null:
// none.
const columns::Field* find_path(const columns::Schema& schema, std::string_view path);

// Iceberg's single values: how partition values and bounds are held. Dates are days, times and timestamps
// microseconds; a decimal is its unscaled value in big-endian two's complement, like binary, in the string.
using Single = std::variant<std::monostate, bool, int32_t, int64_t, float, double, std::string>;

// A count of -1 is not known: an engine that wrote the file left it out.
struct ColumnStats {
  int64_t bytes = 0;
  int64_t values = 0;
  int64_t nulls = 0;
  std::optional<int64_t> nans;
  std::optional<std::string> lower;  // in Iceberg's single-value binary form; text truncated to 16 characters
  std::optional<std::string> upper;
};

enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

struct DataFile {
  FileContent content = FileContent::kData;
  std::string path;  // s3://bucket/key
  std::string format = "PARQUET";
  int spec_id = 0;
  std::vector<Single> partition;  // one value for each field of the spec
  int64_t records = 0;
  int64_t bytes = 0;
  std::map<int, ColumnStats> columns;  // by field id
  std::vector<int64_t> split_offsets;
  std::vector<int> equality_ids;
  int64_t sequence_number = 0;  // of the data; inherited from the manifest when it was written
  int64_t added_by = 0;         // snapshot id
};

struct Snapshot {
  int64_t id = 0;
  std::optional<int64_t> parent;
  int64_t sequence_number = 0;
  Timestamp at;
  std::string operation;  // append, replace, overwrite, delete
  std::string manifest_list;
  std::map<std::string, std::string> summary;
  int schema_id = 0;
};

struct TableMetadata {
  std::string uuid;
  std::string location;  // s3://bucket/prefix, without a slash at the end
  int64_t last_sequence_number = 0;
  Timestamp updated;
  int last_column_id = 0;
  std::vector<columns::Schema> schemas;
  int current_schema = 0;
  std::vector<PartitionSpec> specs;
  int default_spec = 0;
  int last_partition_id = 999;
  std::map<std::string, std::string> properties;
  std::optional<int64_t> current_snapshot;
  std::vector<Snapshot> snapshots;
  struct SnapshotLogEntry {
    Timestamp at;
    int64_t snapshot = 0;
  };
  std::vector<SnapshotLogEntry> snapshot_log;
  struct MetadataLogEntry {
    Timestamp at;
    std::string file;
  };
  std::vector<MetadataLogEntry> metadata_log;
  std::map<std::string, std::string> refs;  // name → JSON of the reference; "main" follows current_snapshot
  std::map<int, std::vector<int>>
      identifier_fields;  // by schema id: the ids of its row key, which others set
  // Top-level fields that we don't interpret (sort-orders, statistics …), as JSON text: written again as they
  // were.
  std::map<std::string, std::string> others;
  std::string metadata_file;  // where this was read from; not part of the JSON

  const columns::Schema& schema() const;
  const columns::Schema* schema(int id) const;
  const PartitionSpec& spec() const;
  const PartitionSpec* spec(int id) const;
  const Snapshot* snapshot() const;  // the current one; null for an empty table
  const Snapshot* snapshot(int64_t id) const;
  const Snapshot* snapshot_at(Timestamp t) const;  // the one that was current then; null before the first
  // A column of the current schema, or of the newest older one that had it; null when none ever did.
  const columns::Field* field(int id) const;
  // The type of a partition value; a void one of string when its column was never known.
  columns::Type partition_type(const PartitionField& field) const;
};

// Summary keys of ours. The position is carried from snapshot to snapshot, whatever made them.
//   tarn.stream        the stream that is delivered here
//   tarn.position.<s>  of shard s: the sequence number of the first record that is not in the table yet
//   tarn.range.<s>     "from-to" that this snapshot delivered
//   tarn.rejected / tarn.filtered / tarn.lost   records of that range which are elsewhere, and why
inline constexpr std::string_view kPositionKey = "tarn.position.";
inline constexpr std::string_view kRangeKey = "tarn.range.";
inline constexpr std::string_view kStreamKey = "tarn.stream";

}  // namespace tarn::lake
