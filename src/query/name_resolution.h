// What the names of a statement mean: tables of the lake, CTEs, functions.
//
// The rule that keeps a statement inside its principal's rights (I5): by a name that the user wrote DuckDB finds a
// CTE of the statement, or a view that was made for this statement, and nothing else. Every reference that by SQL's
// scopes isn't one to a CTE is listed in tables(), and becomes a view after the guard was asked. The names of CTEs are
// listed, too: for each that isn't also a table, a view is made that only fails. So that, if a scope is taken
// wrongly here, DuckDB finds that one, and no file, view or table of DuckDB's own that has the name.
// Also bounded here is how much there is to plan, which costs DuckDB the square of it.
// Owns: nothing. Borrows the connection, for the constants of AT.
// Threads: one.
// Fails: kDenied for functions that aren't for statements, kNotFound for a name of three parts, kTooLarge.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "columns/duck.h"
#include "query/sql_text.h"
#include "query/statement.h"

namespace tarn::query {

// SELECTs of a statement. Where a CTE may be NOT MATERIALIZED, which DuckDB's tree leaves out, those of each CTE
// count at each of its uses.
inline constexpr size_t kSelectsMax = 1000;

inline constexpr size_t kExpressionsMax = 10'000;  // of a column that uses the aliases of those before it
inline constexpr int kBoundedMax = 4;              // calls of bounded functions within each other

class NameResolution {
 public:
  // `sql`: what the tree is of.
  NameResolution(duck::Connection& connection, std::string_view sql)
      : connection_(connection), repeats_ctes_(has_words(sql, "not", "materialized")) {}

  // Once.
  Status resolve(const boost::json::value& tree);

  std::vector<TableUse>& tables() { return tables_; }
  std::set<std::string>& ctes() { return ctes_; }  // in lower case

 private:
  struct Cte {
    std::string name;    // lower case
    size_t selects = 0;  // that one use adds
  };

  Status visit(const boost::json::value& value);
  Status visit(const boost::json::object& object);
  Status define(const boost::json::array& ctes);
  Status count(size_t selects);
  static Status check_aliases(const boost::json::object& select);
  Status base_table(const boost::json::object& object);
  Status table_function(const boost::json::object& object);
  Status function(const boost::json::object& object) const;

  duck::Connection& connection_;
  std::vector<TableUse> tables_;
  std::set<std::string> ctes_;
  const bool repeats_ctes_;
  std::vector<Cte> scope_;  // innermost last
  size_t selects_ = 0;
  int bounded_ = 0;
  const boost::json::object* in_from_ = nullptr;  // a function that was found to be allowed there
};

}  // namespace tarn::query
