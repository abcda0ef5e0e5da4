// Which of DuckDB's functions a statement may call.
//
// What isn't listed is refused, so that a function that a newer DuckDB brings can't be called before somebody has
// looked at it: sandbox_test.cpp holds these lists against those of the library. Listed are functions that know
// nothing but their arguments. Not listed: what shows settings, the environment, other sessions or their views
// (pg_get_viewdef), runs SQL of its own (json_serialize_plan), sleeps, changes the session for who comes next
// (setseed), or recurses on the stack as deep as a value is (json_structure); and what could only answer wrongly here
// (has_table_privilege, current_user).
// Threads: pure functions.
#pragma once

#include <span>
#include <string_view>

namespace tarn::query {

// Scalar, aggregate, window and macro functions; the name in lower case.
bool is_allowed_function(std::string_view name);
// Those that were looked at, and are not for statements.
bool is_refused_function(std::string_view name);
// Functions that stand in FROM.
std::span<const std::string_view> allowed_table_functions();

}  // namespace tarn::query
