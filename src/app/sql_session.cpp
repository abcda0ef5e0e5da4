#include "app/sql_session.h"

#include <chrono>
#include <csignal>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/bar_chart.h"
#include "app/interrupts.h"
#include "app/result_reader.h"
#include "columns/type.h"

namespace tarn::app {
namespace {

constexpr std::string_view kHelp =
    R"(Statements end with ; and may go over several lines. Ctrl-C cancels a running one.
  \d              tables
  \d TABLE        columns of a table
  \x              one line a value, on or off
  \timing         how long statements take, on or off
  \chart          two columns as bars, on or off
  \o FORMAT       output: table, csv, json, ndjson
  \q              leave (also Ctrl-D)
)";

constexpr std::string_view kTablesSql =
    "SELECT database || '.' || name AS \"table\", records, files, bytes, snapshots, updated "
    "FROM system.tables ORDER BY 1";

std::string columns_sql(const std::string& table) {
  size_t dot = table.find('.');
  std::string where;
  if (dot == std::string::npos) {
    where = fmt::format("\"table\" = lower({})", columns::quote_text(table));
  } else {
    where =
        fmt::format("database = lower({}) AND \"table\" = lower({})",
                    columns::quote_text(table.substr(0, dot)), columns::quote_text(table.substr(dot + 1)));
  }
  return fmt::format(
      "SELECT name AS \"column\", type, required FROM system.columns WHERE {} ORDER BY database, position",
      where);
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin);
}

}  // namespace

std::string sql_body(const std::string& statement) {
  return boost::json::serialize(boost::json::object{{"sql", statement}});
}

HttpRequest SqlSession::request(const std::string& body, std::string_view format) const {
  HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/v1/sql?format={}", format);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  return request;
}

Status SqlSession::run(const std::string& statement) {
  auto began = std::chrono::steady_clock::now();
  Interrupts interrupts({SIGINT});
  client_.set_cancelled([&] { return interrupts.take().has_value(); });
  bool table = options_.format == "table" || options_.chart;
  Status status = table ? show_table(statement) : pass_through(statement);
  client_.set_cancelled({});
  context_.out.flush();
  if (timing_ && status) {
    auto spent = std::chrono::steady_clock::now() - began;
    context_.err << fmt::format("Time: {:.1f} ms\n",
                                std::chrono::duration<double, std::milli>(spent).count());
  }
  return status;
}

Status SqlSession::pass_through(const std::string& statement) {
  std::string body = sql_body(statement);
  auto piece = [&](std::string_view bytes) -> Status {
    context_.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (context_.out.good()) return {};
    return fail(Code::kIo, "the output can't be written");
  };
  TARN_TRY(client_.stream(request(body, options_.format), piece));
  return {};
}

Status SqlSession::show_table(const std::string& statement) {
  std::string body = sql_body(statement);
  std::vector<TableColumn> columns;
  std::vector<TableRow> rows;
  bool more = false;
  ResultReader reader(
      [&](const std::vector<TableColumn>& read) -> Status {
        columns = read;
        return {};
      },
      [&](TableRow row) -> Status {
        if (options_.rows_max > 0 && rows.size() >= options_.rows_max) {
          more = true;  // nobody wants the rest: the connection is dropped and the query stops
          return fail(Code::kCancelled, "enough rows");
        }
        rows.push_back(std::move(row));
        return {};
      });
  auto streamed =
      client_.stream(request(body, "json"), [&](std::string_view bytes) { return reader.feed(bytes); });
  if (!streamed && !more) return fail(std::move(streamed).error());
  if (!more) TARN_TRY(reader.finish());
  if (options_.chart) {
    TARN_ASSIGN(std::vector<Bar> bars, bars_of(columns, rows));
    context_.out << render_bars(bars, context_.out_terminal);
  } else {
    context_.out << render_table(columns, rows, {context_.out_terminal, false, options_.expanded});
  }
  std::string note = more ? fmt::format("(the first {} rows; --rows, LIMIT or --format csv show more)",
                                        with_commas(rows.size()))
                          : fmt::format("({} row{})", with_commas(rows.size()), rows.size() == 1 ? "" : "s");
  if (!options_.chart || more) context_.out << paint(context_.out_terminal, Colour::kGrey, note) << "\n";
  return {};
}

Status SqlSession::describe(const std::string& table) {
  if (table.empty()) return run(std::string(kTablesSql));
  TARN_ASSIGN(SmallResult found, query_rows(client_, columns_sql(table)));
  if (found.rows.empty())
    return fail(Code::kNotFound, fmt::format("there is no table {}; \\d lists them", table));
  context_.out << render_table(found.columns, found.rows, {context_.out_terminal});
  return {};
}

Status SqlSession::meta(const std::string& line, bool& quit) {
  std::string text = trimmed(line);
  if (text.ends_with(';')) text = trimmed(text.substr(0, text.size() - 1));
  size_t blank = text.find_first_of(" \t");
  std::string name = text.substr(0, blank);
  std::string argument = blank == std::string::npos ? "" : trimmed(text.substr(blank));
  auto toggle = [&](bool& flag, const char* what) -> Status {
    flag = !flag;
    context_.err << fmt::format("{} is {}.\n", what, flag ? "on" : "off");
    return {};
  };
  if (name == "\\q") {
    quit = true;
    return {};
  }
  if (name == "\\d" || name == "\\dt") return describe(argument);
  if (name == "\\x") return toggle(options_.expanded, "Expanded display");
  if (name == "\\timing") return toggle(timing_, "Timing");
  if (name == "\\chart") return toggle(options_.chart, "The chart");
  if (name == "\\?" || name == "\\h") {
    context_.err << kHelp;
    return {};
  }
  if (name == "\\o") {
    for (const char* format : {"table", "csv", "json", "ndjson"}) {
      if (argument == format) {
        options_.format = argument;
        context_.err << fmt::format("Output is {}.\n", argument);
        return {};
      }
    }
    return fail(Code::kInvalid, "\\o takes table, csv, json or ndjson");
  }
  return fail(Code::kInvalid, fmt::format("there is no command {}; \\? lists them", name));
}

Result<SmallResult> query_rows(HttpClient& client, const std::string& statement) {
  SmallResult result;
  ResultReader reader(
      [&](const std::vector<TableColumn>& columns) -> Status {
        result.columns = columns;
        return {};
      },
      [&](TableRow row) -> Status {
        result.rows.push_back(std::move(row));
        return {};
      });
  std::string body = sql_body(statement);
  HttpRequest request;
  request.method = "POST";
  request.target = "/v1/sql";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  TARN_TRY(client.stream(request, [&](std::string_view bytes) { return reader.feed(bytes); }));
  TARN_TRY(reader.finish());
  return result;
}

}  // namespace tarn::app
