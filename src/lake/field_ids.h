// A schema's field ids, for COPY's FIELD_IDS and for the leaves that statistics and footers name.
//
// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "columns/type.h"

namespace tarn::lake {

// {"a": 1, "s": {__duckdb_field_id: 2, "x": 3}, "l": {__duckdb_field_id: 5, element: 6}}
std::string field_ids_sql(const columns::Schema& schema);

struct Leaf {
  const columns::Field* field = nullptr;
  bool repeated = false;  // inside a list or a map: a row has any number of its values
  bool nested = false;    // inside a struct, list or map
};

// Where DuckDB's path ("s", "x" / "l", "element" / "m", "key") leads. No field: there is none.
Leaf find_leaf(const columns::Schema& schema, const std::vector<std::string>& path);

// Every field that has an id, at any depth.
std::map<int, const columns::Field*> fields_by_id(const std::vector<columns::Field>& fields);

}  // namespace tarn::lake
