// tarn sql: one statement, a file of them from standard input, or a conversation.

#include <cstdlib>
#include <iostream>
#include <ostream>

#include <fmt/core.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/line_editor.h"
#include "app/sql_session.h"
#include "app/statement_splitter.h"

namespace tarn::app {
namespace {

void show_error(Context& context, const Error& error) {
  context.err << paint(context.err_terminal, Colour::kRed, "error: ") << error.message << "\n";
}

Status run_all(SqlSession& session, const std::string& text) {
  StatementSplitter splitter;
  std::vector<std::string> statements = splitter.feed(text);
  if (std::string rest = splitter.take_rest(); !rest.empty()) statements.push_back(rest);
  if (statements.empty()) return fail(Code::kInvalid, "there is no statement");
  for (const std::string& statement : statements) TARN_TRY(session.run(statement));
  return {};
}

// From a pipe: statement by statement, as they come.
Status run_input(SqlSession& session, std::istream& in) {
  StatementSplitter splitter;
  std::string line;
  while (std::getline(in, line)) {
    if (!splitter.pending() && line.starts_with('\\')) {
      bool quit = false;
      TARN_TRY(session.meta(line, quit));
      if (quit) return {};
      continue;
    }
    for (const std::string& statement : splitter.feed(line)) TARN_TRY(session.run(statement));
  }
  if (std::string rest = splitter.take_rest(); !rest.empty()) TARN_TRY(session.run(rest));
  return {};
}

std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.tarn_history";
}

std::string one_line(std::string text) {
  // A line comment would swallow the rest once the lines are joined.
  if (text.find("--") != std::string::npos) return "";
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

Status converse(Context& context, SqlSession& session) {
  context.err << fmt::format("Connected to {}. \\? for help, \\q to leave.\n", context.endpoint.url);
  LineEditor editor(history_file());
  StatementSplitter splitter;
  std::string typed;  // since the statement began, for the history
  std::string line;
  for (bool quit = false; !quit;) {
    LineEditor::Outcome outcome = editor.read(splitter.pending() ? "  ..> " : "tarn> ", line);
    if (outcome == LineEditor::Outcome::kEnd) break;
    if (outcome == LineEditor::Outcome::kInterrupted) {
      splitter.clear();
      typed.clear();
      continue;
    }
    if (!splitter.pending() && line.starts_with('\\')) {
      editor.remember(line);
      if (Status status = session.meta(line, quit); !status) show_error(context, status.error());
      continue;
    }
    typed += typed.empty() ? line : "\n" + line;
    std::vector<std::string> statements = splitter.feed(line);
    if (splitter.pending()) continue;
    std::string joined = one_line(typed);
    editor.remember(joined.empty() ? line : joined);
    typed.clear();
    for (const std::string& statement : statements) {
      if (Status status = session.run(statement); !status) show_error(context, status.error());
    }
  }
  context.err << "\n";
  return {};
}

}  // namespace

Result<int> command_sql(Context& context, const SqlOptions& options) {
  SqlOptions chosen = options;
  if (context.json) chosen.format = "json";
  SqlSession session(context, chosen);
  if (options.statement && *options.statement != "-") {
    TARN_TRY(run_all(session, *options.statement));
    return kDone;
  }
  if (!options.statement && isatty(STDIN_FILENO) == 1) {
    // A lake that isn't there is told before anything is typed.
    HttpClient client(context.endpoint);
    TARN_TRY(client.send({.target = "/v1/health"}));
    TARN_TRY(converse(context, session));
    return kDone;
  }
  TARN_TRY(run_input(session, std::cin));
  return kDone;
}

}  // namespace tarn::app
