// A data file's column statistics, from what DuckDB says of it as text.
//
// Bounds are given only where they are surely right: not for binary, uuid (engines disagree on its order) and
// what lists and maps hold, nor for dates that Iceberg's readers can't show (before year 1, infinity).
// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lake/copy_result.h"
#include "lake/table.h"

namespace tarn::lake {

// By field id. NaN counts are exact where there are none; where there are some they are left open.
std::map<int, ColumnStats> column_stats(const columns::Schema& schema,
                                        const std::vector<CopiedColumn>& columns);

// A smallest or greatest value as DuckDB writes it; nothing when it is no sure bound.
std::optional<Single> bound_from_text(const columns::Type& type, const std::string& text);

}  // namespace tarn::lake
