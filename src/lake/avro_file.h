// Avro object container files, as Iceberg's manifests are: rows of one schema behind a header of metadata.
//
// libavro encodes and decodes the rows. The container is ours: libavro's own writer takes no further
// metadata, and its schema printer drops the field ids that Iceberg's readers need. Files that others
// wrote are not trusted: the schema is parsed and bounded here and rebuilt for libavro, and every length
// and count of a row is checked before libavro decodes it, as libavro would allocate whatever a length
// says.
// Owns: nothing.
// Threads: pure functions.
// Fails: kCorrupt for bytes that are no such file, kUnsupported for a codec that we don't have (null and
// deflate are read, null is written), kTooLarge over a limit.
// Shapes: https://avro.apache.org/docs/1.11.1/specification/
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace tarn::lake {

struct AvroField;

struct AvroType {
  enum class Kind {
    kNull,
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kEnum,
    kArray,
    kMap,
    kRecord,
    kUnion,
  };
  Kind kind = Kind::kNull;
  int64_t bytes = 0;             // of a fixed
  std::vector<AvroField> parts;  // a record's fields, a union's branches; an array and a map have one
};

struct AvroField {
  std::string name;
  int id = -1;  // Iceberg's field-id (element-id of an array); -1: the file has none
  AvroType type;
};

// A decoded value. A union is the value of its branch; a record its fields in order; an array its elements; a
// map its keys and values in turn. Strings, bytes and fixed are std::string; int, long and enum int64_t.
struct Datum {
  using List = std::vector<Datum>;
  std::variant<std::monostate, bool, int64_t, double, std::string, List> value;

  bool null() const { return std::holds_alternative<std::monostate>(value); }
};

struct AvroLimits {
  uint64_t row_bytes_max = kGiB;  // of all rows, decompressed
  int schema_depth_max = 32;
  int schema_nodes_max = 20000;  // a name used again counts again
};

using AvroMetadata = std::map<std::string, std::string>;

// The type that a schema's JSON says.
Result<AvroType> parse_avro_schema(std::string_view json, const AvroLimits& limits = {});

// Calls `row` for each row. Returns the header's metadata.
Result<AvroMetadata> read_avro(std::string_view file, const AvroLimits& limits,
                               const std::function<Status(const AvroType&, Datum&&)>& row);

// The whole file. `metadata` is written besides avro.schema and avro.codec.
// REQUIRES: each row is of the schema.
Result<std::string> write_avro(std::string_view schema_json, const AvroMetadata& metadata,
                               const std::vector<Datum>& rows);

// Raw deflate, as Avro's codec has it; kTooLarge when more than `bytes_max` come out.
Result<std::string> inflate_block(std::string_view block, uint64_t bytes_max);

}  // namespace tarn::lake
