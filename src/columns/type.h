// The types of columns: Iceberg's, which is what tables are kept in.
//
// Shapes: a Schema is an ordered list of fields; every field, nested ones too, has an id that never changes
// and is never reused, so that a column can be renamed. Text that holds JSON is a string whose Field::doc
// is kJsonDoc.
// Source: https://iceberg.apache.org/spec/#schemas-and-data-types
// Threads: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tarn::columns {

enum class Kind {
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kDate,
  kTime,
  kTimestamp,    // without a zone
  kTimestampTz,  // UTC
  kString,
  kUuid,
  kFixed,
  kBinary,
  kStruct,
  kList,
  kMap,
};

struct Field;

struct Type {
  Kind kind = Kind::kString;
  int precision = 0;          // of a decimal; the length of a fixed
  int scale = 0;              // of a decimal
  std::vector<Field> fields;  // of a struct; a list has one, "element"; a map two, "key" and "value"

  bool nested() const { return kind == Kind::kStruct || kind == Kind::kList || kind == Kind::kMap; }
  bool operator==(const Type&) const;
};

struct Field {
  int id = 0;
  std::string name;
  Type type;
  bool required = false;
  std::string doc;

  bool operator==(const Field&) const = default;
};

inline constexpr std::string_view kJsonDoc = "json";
inline constexpr std::string_view kRescuedColumn =
    "_rescued";  // a JSON object: field → value that had no place

struct Schema {
  int id = 0;
  std::vector<Field> fields;

  // Names are compared without regard to ASCII case, as SQL does. Null when there is none.
  const Field* find(std::string_view name) const;
  const Field* find(int id) const;  // at any depth
  int highest_id() const;           // at any depth; 0 for an empty schema
  bool operator==(const Schema&) const = default;
};

// A type as a user writes it in a lake file, and as SQL shows it: BIGINT, DOUBLE, DECIMAL(10,2), VARCHAR,
// TIMESTAMP WITH TIME ZONE, STRUCT("a" BIGINT, "b" VARCHAR), BIGINT[], JSON, MAP(VARCHAR, BIGINT). DuckDB's
// names; parse_type also takes Iceberg's (long, string, timestamptz, list<…>, struct<a: long>). What sql_type
// prints, parse_type reads back as the same type.
inline constexpr int kTypeDepthMax = 32;  // types inside one another, as text
inline constexpr int kDecimalDigitsMax = 38;
std::string sql_type(const Type& type);
Result<Type> parse_type(std::string_view text);  // ids are 0: assign_ids() gives them

// As parse_type and sql_type, but a field's: JSON, here and nested, is a string whose doc is kJsonDoc.
Result<Field> parse_field_type(std::string_view name, std::string_view text);
std::string field_sql_type(const Field& field);

// As sql_type, for SQL that DuckDB runs: FIXED[16], which it doesn't know, is BLOB.
std::string duckdb_sql_type(const Type& type);

// Gives every field with id 0, at any depth, the next id after `last_id`; returns the highest id in use.
int assign_ids(Schema& schema, int last_id);

// An identifier and a string literal, quoted for SQL.
std::string quote_name(std::string_view name);
std::string quote_text(std::string_view text);

}  // namespace tarn::columns
