// A user's SQL statement, parsed by DuckDB itself and checked: what it reads, and that it only reads.
//
// json_serialize_sql gives the syntax tree, in which names are resolved (name_resolution.h): every table is listed,
// functions that aren't for statements (functions.h) are refused. References that DuckDB can't resolve by itself (AT
// (…), system.*, information_schema.*) are replaced in the text (sql_text.h) by names of views: $0, $1 …; all else
// runs exactly as it was written.
// Threads: pure, on the connection given.
// Fails: kInvalid with DuckDB's message (syntax), kDenied for what may not be used, kTooLarge.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "columns/duck.h"

namespace tarn::query {

struct AtVersion {
  int64_t snapshot = 0;
};
using At = std::variant<std::monostate, AtVersion, Timestamp>;  // monostate: now

struct Replaced {
  size_t at = 0;      // where the reference begins in the statement's text
  std::string alias;  // that it needs, so as to be called what it was; empty: it has one
};

struct TableUse {
  std::string database;  // as written, lower case; empty when not given
  std::string table;
  At at;
  std::string view_schema;  // where DuckDB will look: the view to be made. Empty: the default schema
  std::string view_name;
  std::optional<Replaced> replaced = {};  // the text names view_name instead
};

struct Statement {
  std::string sql;         // to be run
  bool as_written = true;  // else places in DuckDB's messages are none of the user's text
  bool explains = false;   // EXPLAIN: not itself a relation
  std::vector<TableUse> tables;
  std::set<std::string> ctes;  // names; those that are no tables must mean nothing else (name_resolution.h)
};

Result<Statement> parse_statement(duck::Connection& connection, const std::string& sql);

// A stream's transform: one SELECT over the relation `records`, with `*` not showing _seq, _arrived and _key.
// `source` replaces `records`; the result can be used as a subquery.
Result<std::string> transform_sql(duck::Connection& connection, const std::string& transform,
                                  const std::string& source);

}  // namespace tarn::query
