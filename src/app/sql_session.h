// SQL statements sent to a lake, and their results shown in the form that was asked for.
//
// Owns: one connection to the lake.
// Threads: one thread. While a statement runs, Ctrl-C cancels it (the connection is dropped, so the lake
// stops it).
// Fails: as the lake answers; kCancelled after Ctrl-C.
#pragma once

#include <string>

#include "app/commands.h"
#include "app/http_client.h"
#include "app/text_table.h"

namespace tarn::app {

class SqlSession {
 public:
  SqlSession(Context& context, SqlOptions options)
      : context_(context), options_(std::move(options)), client_(context.endpoint) {}

  Status run(const std::string& statement);
  // A command of the REPL: "\\d raw.flights". kInvalid names those that exist. `quit` is set by \q.
  Status meta(const std::string& line, bool& quit);

 private:
  Status show_table(const std::string& statement);
  Status pass_through(const std::string& statement);
  Status describe(const std::string& table);
  HttpRequest request(const std::string& body, std::string_view format) const;

  Context& context_;
  SqlOptions options_;
  bool timing_ = false;
  HttpClient client_;
};

// {"sql": …}: the body of POST /v1/sql.
std::string sql_body(const std::string& statement);

// Runs a statement and gives all its rows; for small results of our own.
struct SmallResult {
  std::vector<TableColumn> columns;
  std::vector<TableRow> rows;
};
Result<SmallResult> query_rows(HttpClient& client, const std::string& statement);

}  // namespace tarn::app
