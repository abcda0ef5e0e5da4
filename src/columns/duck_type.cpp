// Column types to DuckDB's logical types and back: see duck.h.
#include <vector>

#include "columns/duck.h"
#include "columns/duck_json.h"

namespace tarn::duck {

using columns::Field;
using columns::Kind;
using columns::Type;

duckdb_logical_type logical_type(const Type& type) {
  switch (type.kind) {
    case Kind::kBoolean:
      return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case Kind::kInt:
      return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case Kind::kLong:
      return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case Kind::kFloat:
      return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
    case Kind::kDouble:
      return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case Kind::kDecimal:
      return duckdb_create_decimal_type(static_cast<uint8_t>(type.precision),
                                        static_cast<uint8_t>(type.scale));
    case Kind::kDate:
      return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case Kind::kTime:
      return duckdb_create_logical_type(DUCKDB_TYPE_TIME);
    case Kind::kTimestamp:
      return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    case Kind::kTimestampTz:
      return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ);
    case Kind::kString:
      return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case Kind::kUuid:
      return duckdb_create_logical_type(DUCKDB_TYPE_UUID);
    case Kind::kFixed:
    case Kind::kBinary:
      return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
    case Kind::kList: {
      LogicalType element(logical_type(type.fields.at(0).type));
      return duckdb_create_list_type(element.get());
    }
    case Kind::kMap: {
      LogicalType key(logical_type(type.fields.at(0).type));
      LogicalType value(logical_type(type.fields.at(1).type));
      return duckdb_create_map_type(key.get(), value.get());
    }
    case Kind::kStruct:
      break;
  }
  std::vector<LogicalType> owned;
  std::vector<duckdb_logical_type> types;
  std::vector<const char*> names;
  for (const Field& field : type.fields) {
    types.push_back(owned.emplace_back(logical_type(field.type)).get());
    names.push_back(field.name.c_str());
  }
  return duckdb_create_struct_type(types.data(), names.data(), types.size());
}

namespace {

Type of(Kind kind) {
  return Type{kind, 0, 0, {}};
}

Type nested_type(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_LIST: {
      LogicalType element(duckdb_list_type_child_type(type));
      return Type{Kind::kList, 0, 0, {Field{0, "element", column_type(element.get()), false, ""}}};
    }
    case DUCKDB_TYPE_ARRAY: {
      LogicalType element(duckdb_array_type_child_type(type));
      return Type{Kind::kList, 0, 0, {Field{0, "element", column_type(element.get()), false, ""}}};
    }
    case DUCKDB_TYPE_MAP: {
      LogicalType key(duckdb_map_type_key_type(type));
      LogicalType value(duckdb_map_type_value_type(type));
      return Type{Kind::kMap,
                  0,
                  0,
                  {Field{0, "key", column_type(key.get()), true, ""},
                   Field{0, "value", column_type(value.get()), false, ""}}};
    }
    default:
      break;
  }
  Type result = of(Kind::kStruct);
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    char* name = duckdb_struct_type_child_name(type, i);
    LogicalType child(duckdb_struct_type_child_type(type, i));
    result.fields.push_back(Field{0, name, column_type(child.get()), false, ""});
    duckdb_free(name);
  }
  return result;
}

}  // namespace

Type column_type(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return of(Kind::kBoolean);
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
      return of(Kind::kInt);
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_BIGINT:
      return of(Kind::kLong);
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return Type{Kind::kDecimal, 38, 0, {}};
    case DUCKDB_TYPE_FLOAT:
      return of(Kind::kFloat);
    case DUCKDB_TYPE_DOUBLE:
      return of(Kind::kDouble);
    case DUCKDB_TYPE_DECIMAL:
      return Type{Kind::kDecimal, duckdb_decimal_width(type), duckdb_decimal_scale(type), {}};
    case DUCKDB_TYPE_DATE:
      return of(Kind::kDate);
    case DUCKDB_TYPE_TIME:
      return of(Kind::kTime);
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return of(Kind::kTimestamp);
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return of(Kind::kTimestampTz);
    case DUCKDB_TYPE_UUID:
      return of(Kind::kUuid);
    case DUCKDB_TYPE_BLOB:
      return of(Kind::kBinary);
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_STRUCT:
      return nested_type(type);
    default:
      return of(Kind::kString);
  }
}

}  // namespace tarn::duck
