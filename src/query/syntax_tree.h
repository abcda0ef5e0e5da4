// DuckDB's syntax tree as JSON, there and back.
//
// Threads: pure, on the connection given.
// Fails: kInvalid with DuckDB's message and the place in the text; kDenied when it is no SELECT.
#pragma once

#include <functional>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "columns/duck.h"

namespace tarn::query {

// The tree of exactly one SELECT statement: {"statements":[{"node":…}]}.
Result<boost::json::value> parse_tree(duck::Connection& connection, const std::string& sql);
Result<std::string> tree_sql(duck::Connection& connection, const boost::json::value& tree);

// Calls `visit` for every object of the tree, parents first.
void walk(boost::json::value& tree, const std::function<void(boost::json::object&)>& visit);

// A text member, or empty.
std::string text_of(const boost::json::object& object, std::string_view key);

}  // namespace tarn::query
