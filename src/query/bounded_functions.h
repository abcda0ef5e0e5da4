// DuckDB's functions that make much out of little, with a bound: macros of a session that hide those of the library.
//
// What one call of them allocates counts for no memory limit, and what it computes can't be interrupted: repeat(),
// ranges as lists, distances between long texts. A statement can't name the library's own (name_resolution.h refuses
// other schemas).
// Threads: a constant.
#pragma once

#include <string>
#include <string_view>

namespace tarn::query {

// A macro names its arguments more than once: calls in calls of them make a text that doubles each time. In lower case.
bool is_bounded_function(std::string_view name);

// Statements that make the macros in the current schema.
std::string bounded_functions_sql();

}  // namespace tarn::query
