// The rows of a stream that are acknowledged and not yet in its table, as a query sees them beside the
// table's files.
//
// query/ asks; flow/ answers (flow stands above query, so the question is an interface here).
// Threads: tail() may be called from any thread; a Tail is one query's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "columns/type.h"
#include "lake/catalog.h"

namespace tarn::query {

struct Tail {
  lake::Table table;       // the version of the table that the tail continues, without gap or double (I3)
  columns::Schema schema;  // the table's, evolved by what the tail holds
  std::string sql;  // a SELECT of the undelivered rows, with columns named as in `schema`; empty: no rows
  std::vector<uint64_t> scans;  // numbers in Scans, to be removed when the query is done
};

class Tails {
 public:
  virtual ~Tails() = default;
  // For a stream's table or its error table; nothing for any other table.
  virtual Result<std::optional<Tail>> tail(const lake::TableName& table) = 0;
};

}  // namespace tarn::query
