// What the names of a statement mean: tables of the lake, CTEs, functions.
//
// The rule that keeps a statement inside its principal's rights (I5): after resolve(), DuckDB can find nothing by a
// name that the user wrote but a view that was made for this statement. A reference to a CTE, by SQL's scopes, gets
// a name that we made up, as the CTE itself does; every other reference is listed in tables(), and a view of that
// name is made after the guard was asked. Were a scope taken wrongly, DuckDB would find no such table, and no other.
// Also bounded here is how much there is to plan, which costs DuckDB the square of it.
// Owns: nothing. Borrows the connection, for the constants of AT.
// Threads: one.
// Fails: kDenied for functions that aren't for statements, kNotFound for a name of three parts, kTooLarge.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "columns/duck.h"
#include "query/statement.h"

namespace tarn::query {

// SELECTs of a statement. DuckDB's tree leaves out whether a CTE is to be MATERIALIZED, so that one which is used
// often is planned once.
inline constexpr size_t kSelectsMax = 1000;

class NameResolution {
 public:
  explicit NameResolution(duck::Connection& connection) : connection_(connection) {}

  // Changes the tree. Once.
  Status resolve(boost::json::value& tree);

  std::vector<TableUse>& tables() { return tables_; }
  bool changed() const { return changed_; }  // the tree is no longer the statement's text

 private:
  struct Cte {
    std::string name;  // lower case
    std::string our_name;
  };

  Status visit(boost::json::value& value);
  Status visit(boost::json::object& object);
  Status define(boost::json::array& ctes);
  Status base_table(boost::json::object& object);
  Status table_function(boost::json::object& object);
  Status function(const boost::json::object& object) const;
  const Cte* find(std::string_view name) const;

  duck::Connection& connection_;
  std::vector<TableUse> tables_;
  bool changed_ = false;
  std::vector<Cte> scope_;  // innermost last
  size_t ctes_ = 0;
  size_t selects_ = 0;
  const boost::json::object* in_from_ = nullptr;  // a function that was found to be allowed there
};

}  // namespace tarn::query
