// DuckDB's functions that make much out of little, with a bound: macros of a session that hide those of the library.
//
// What one call of them allocates counts for no memory limit, and what it computes can't be interrupted: repeat(),
// ranges as lists, distances between long texts. A statement can't name the library's own (name_resolution.h refuses
// other schemas).
// Threads: a constant.
#pragma once

#include <string>

namespace tarn::query {

// Statements that make the macros in the current schema.
std::string bounded_functions_sql();

}  // namespace tarn::query
