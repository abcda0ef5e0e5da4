#include <boost/json.hpp>

#include "lake/manifest_schema_internal.h"

namespace tarn::lake {
namespace {

namespace json = boost::json;
using columns::Kind;
using columns::Type;

json::object field(std::string_view name, int id, json::value type) {
  return json::object{{"name", name}, {"type", std::move(type)}, {"field-id", id}};
}

json::object optional(std::string_view name, int id, json::value type) {
  json::array either{"null"};
  either.push_back(std::move(type));
  return json::object{{"name", name}, {"type", std::move(either)}, {"default", nullptr}, {"field-id", id}};
}

json::object record(std::string_view name, json::array fields) {
  return json::object{{"type", "record"}, {"name", name}, {"fields", std::move(fields)}};
}

// Avro's maps have text keys only: Iceberg writes a map with number keys as an array of pairs.
json::object int_map(int key_id, int value_id, std::string_view value_type) {
  std::string name = "k" + std::to_string(key_id) + "_v" + std::to_string(value_id);
  return json::object{{"type", "array"},
                      {"items", record(name, {field("key", key_id, "int"),
                                              field("value", value_id, json::value(value_type))})},
                      {"logicalType", "map"}};
}

json::object list(int element_id, json::value type) {
  return json::object{{"type", "array"}, {"items", std::move(type)}, {"element-id", element_id}};
}

// Avro's names have letters, digits and _ only: the rest is spelled as Iceberg's libraries do.
std::string avro_name(std::string_view name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out += '_';
    if (letter || digit) {
      out += static_cast<char>(c);
    } else {
      out += "_x";
      if (c >= 16) out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}

// `id` makes the names of fixed types unique within the file.
Result<json::value> partition_value(const Type& type, int id) {
  auto fixed = [&](std::string_view name, int bytes) {
    return json::object{
        {"type", "fixed"}, {"name", std::string(name) + "_" + std::to_string(id)}, {"size", bytes}};
  };
  auto logical = [](std::string_view base, std::string_view name) {
    return json::object{{"type", base}, {"logicalType", name}};
  };
  switch (type.kind) {
    case Kind::kBoolean:
      return json::value("boolean");
    case Kind::kInt:
      return json::value("int");
    case Kind::kLong:
      return json::value("long");
    case Kind::kFloat:
      return json::value("float");
    case Kind::kDouble:
      return json::value("double");
    case Kind::kString:
      return json::value("string");
    case Kind::kBinary:
      return json::value("bytes");
    case Kind::kDate:
      return json::value(logical("int", "date"));
    case Kind::kTime:
      return json::value(logical("long", "time-micros"));
    case Kind::kTimestamp:
    case Kind::kTimestampTz: {
      json::object out = logical("long", "timestamp-micros");
      out["adjust-to-utc"] = type.kind == Kind::kTimestampTz;
      return json::value(std::move(out));
    }
    case Kind::kUuid: {
      json::object out = fixed("uuid_fixed", 16);
      out["logicalType"] = "uuid";
      return json::value(std::move(out));
    }
    case Kind::kFixed:
      return json::value(fixed("fixed_" + std::to_string(type.precision), type.precision));
    case Kind::kDecimal: {
      json::object out = fixed("decimal_" + std::to_string(type.precision) + "_" + std::to_string(type.scale),
                               decimal_bytes(type.precision));
      out["logicalType"] = "decimal";
      out["precision"] = type.precision;
      out["scale"] = type.scale;
      return json::value(std::move(out));
    }
    case Kind::kStruct:
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return fail(Code::kInvalid, "a table can't be partitioned by " + columns::sql_type(type));
}

}  // namespace

int decimal_bytes(int precision) {
  // The fewest bytes whose two's complement holds 10^precision - 1.
  __extension__ typedef unsigned __int128 Unsigned;
  Unsigned largest = 0;
  for (int i = 0; i < precision; ++i) largest = largest * 10 + 9;
  int bits = 1;
  for (; largest; largest >>= 1) ++bits;
  return (bits + 7) / 8;
}

Result<std::string> manifest_schema(const TableMetadata& table, const PartitionSpec& spec) {
  json::array partition;
  for (const PartitionField& f : spec.fields) {
    TARN_ASSIGN(json::value type, partition_value(table.partition_type(f), f.field_id));
    std::string name = avro_name(f.name);
    json::object item = optional(name, f.field_id, std::move(type));
    if (name != f.name) item["iceberg-field-name"] = f.name;
    partition.push_back(std::move(item));
  }
  json::array file{
      field("content", 134, "int"),
      field("file_path", 100, "string"),
      field("file_format", 101, "string"),
      field("partition", 102, record("r102", std::move(partition))),
      field("record_count", 103, "long"),
      field("file_size_in_bytes", 104, "long"),
      optional("column_sizes", 108, int_map(117, 118, "long")),
      optional("value_counts", 109, int_map(119, 120, "long")),
      optional("null_value_counts", 110, int_map(121, 122, "long")),
      optional("nan_value_counts", 137, int_map(138, 139, "long")),
      optional("lower_bounds", 125, int_map(126, 127, "bytes")),
      optional("upper_bounds", 128, int_map(129, 130, "bytes")),
      optional("key_metadata", 131, "bytes"),
      optional("split_offsets", 132, list(133, "long")),
      optional("equality_ids", 135, list(136, "int")),
      optional("sort_order_id", 140, "int"),
  };
  json::array entry{
      field("status", 0, "int"),
      optional("snapshot_id", 1, "long"),
      optional("sequence_number", 3, "long"),
      optional("file_sequence_number", 4, "long"),
      field("data_file", 2, record("r2", std::move(file))),
  };
  return json::serialize(record("manifest_entry", std::move(entry)));
}

std::string manifest_list_schema() {
  json::array summary{
      field("contains_null", 509, "boolean"),
      optional("contains_nan", 518, "boolean"),
      optional("lower_bound", 510, "bytes"),
      optional("upper_bound", 511, "bytes"),
  };
  json::array fields{
      field("manifest_path", 500, "string"),
      field("manifest_length", 501, "long"),
      field("partition_spec_id", 502, "int"),
      field("content", 517, "int"),
      field("sequence_number", 515, "long"),
      field("min_sequence_number", 516, "long"),
      field("added_snapshot_id", 503, "long"),
      field("added_files_count", 504, "int"),
      field("existing_files_count", 505, "int"),
      field("deleted_files_count", 506, "int"),
      field("added_rows_count", 512, "long"),
      field("existing_rows_count", 513, "long"),
      field("deleted_rows_count", 514, "long"),
      optional("partitions", 507, list(508, record("r508", std::move(summary)))),
      optional("key_metadata", 519, "bytes"),
  };
  return json::serialize(record("manifest_file", std::move(fields)));
}

}  // namespace tarn::lake
