// One SQL value brought to the shape of a column: cast, and rebuilt where a cast can't do it.
//
// DuckDB casts structs by name and refuses when no name agrees; fields that were renamed are found by their
// ids, so structs, lists and maps whose names moved are taken apart and put together again.
// Threads: pure functions.
#pragma once

#include <string>

#include "columns/type.h"

namespace tarn::lake {

enum class MatchBy { kName, kId };

// `expression` is SQL of the type `source`; the result is SQL of `target`'s type. Fields that the source
// lacks are null. Nested values for a JSON text column become JSON.
std::string reshape_sql(const std::string& expression, const columns::Type& source,
                        const columns::Field& target, MatchBy by);

}  // namespace tarn::lake
