#include "columns/type.h"

namespace tarn::columns {
namespace {

struct Style {
  bool json = false;    // JSON for strings that hold it
  bool duckdb = false;  // only names that DuckDB has
};

void print(const Type& type, Style style, std::string& out);

void print_field(const Field& field, Style style, std::string& out) {
  if (style.json && field.type.kind == Kind::kString && field.doc == kJsonDoc) {
    out += "JSON";
  } else {
    print(field.type, style, out);
  }
}

void print_struct(const Type& type, Style style, std::string& out) {
  out += "STRUCT(";
  for (size_t i = 0; i < type.fields.size(); ++i) {
    if (i > 0) out += ", ";
    out += quote_name(type.fields[i].name) + ' ';
    print_field(type.fields[i], style, out);
  }
  out += ')';
}

std::string_view scalar_name(Kind kind) {
  switch (kind) {
    case Kind::kBoolean:
      return "BOOLEAN";
    case Kind::kInt:
      return "INTEGER";
    case Kind::kLong:
      return "BIGINT";
    case Kind::kFloat:
      return "FLOAT";
    case Kind::kDouble:
      return "DOUBLE";
    case Kind::kDate:
      return "DATE";
    case Kind::kTime:
      return "TIME";
    case Kind::kTimestamp:
      return "TIMESTAMP";
    case Kind::kTimestampTz:
      return "TIMESTAMP WITH TIME ZONE";
    case Kind::kString:
      return "VARCHAR";
    case Kind::kUuid:
      return "UUID";
    default:
      return "BLOB";
  }
}

void print(const Type& type, Style style, std::string& out) {
  switch (type.kind) {
    case Kind::kDecimal:
      out += "DECIMAL(" + std::to_string(type.precision) + ',' + std::to_string(type.scale) + ')';
      break;
    case Kind::kFixed:
      out += style.duckdb ? "BLOB" : "FIXED[" + std::to_string(type.precision) + ']';
      break;
    case Kind::kStruct:
      print_struct(type, style, out);
      break;
    case Kind::kList:
      TARN_CHECK(type.fields.size() == 1);
      print_field(type.fields[0], style, out);
      out += "[]";
      break;
    case Kind::kMap:
      TARN_CHECK(type.fields.size() == 2);
      out += "MAP(";
      print_field(type.fields[0], style, out);
      out += ", ";
      print_field(type.fields[1], style, out);
      out += ')';
      break;
    default:
      out += scalar_name(type.kind);
  }
}

}  // namespace

std::string sql_type(const Type& type) {
  std::string out;
  print(type, {}, out);
  return out;
}

std::string duckdb_sql_type(const Type& type) {
  std::string out;
  print(type, {.duckdb = true}, out);
  return out;
}

std::string field_sql_type(const Field& field) {
  std::string out;
  print_field(field, {.json = true}, out);
  return out;
}

}  // namespace tarn::columns
