// POST /v1/sql: a statement in, its result streamed out.
#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/file.h"
#include "base/nearest.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "doors/http/url.h"
#include "query/result_format.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

// So much is collected before the answer begins: an error until then has its own status, and a small result
// goes out in one piece. Also the size of the pieces after that.
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kFilePieceBytes = 256 * 1024;
constexpr int64_t kTimeoutMsMax = 1000ll * 60 * 60 * 24 * 365;

struct OutputForm {
  std::string_view name;
  std::string_view type;
  std::optional<query::Format> format;  // none: Parquet, which is written to a file first
};

constexpr std::string_view kParquetType = "application/vnd.apache.parquet";
const OutputForm kForms[] = {{"json", kJsonType, query::Format::kJson},
                             {"ndjson", "application/x-ndjson", query::Format::kNdjson},
                             {"csv", "text/csv", query::Format::kCsv},
                             {"parquet", kParquetType, std::nullopt}};

struct Statement {
  std::string sql;
  std::optional<Duration> timeout;
  std::string format;  // empty: Accept decides
};

Status take_timeout(const json::value& value, Statement& out) {
  json::error_code error;
  auto ms = value.to_number<int64_t>(error);
  if (error || ms < 1 || ms > kTimeoutMsMax)
    return fail(Code::kInvalid, "timeout_ms must be a whole number of milliseconds, 1 or more");
  out.timeout = std::chrono::milliseconds(ms);
  return {};
}

Result<Statement> statement_from_json(std::string_view text) {
  TARN_ASSIGN(json::object object, parse_object(text, "the query"));
  const std::vector<std::string> keys = {"sql", "timeout_ms", "format"};
  Statement out;
  for (const auto& [key, value] : object) {
    if (key == "timeout_ms") {
      TARN_TRY(take_timeout(value, out));
    } else if (std::ranges::find(keys, std::string_view(key)) == keys.end()) {
      return fail(Code::kInvalid,
                  fmt::format("a query has no '{}'{}", std::string_view(key), did_you_mean(key, keys)));
    } else if (!value.is_string()) {
      return fail(Code::kInvalid, fmt::format("'{}' must be text", std::string_view(key)));
    } else {
      (key == "sql" ? out.sql : out.format) = std::string_view(value.get_string());
    }
  }
  return out;
}

Result<Statement> read_statement(const Request& request, std::string text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  Statement out;
  // No statement begins with a brace, so JSON is known also when the client gave it no content type.
  if (media_type(request) == kJsonType || (begin != std::string::npos && text[begin] == '{')) {
    TARN_ASSIGN(out, statement_from_json(text));
  } else {
    out.sql = std::move(text);
  }
  if (out.sql.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(Code::kInvalid, R"(there is no SQL: send it as text, or as JSON {"sql": "SELECT …"})");
  if (!out.timeout) {
    if (auto ms = request.query("timeout_ms")) TARN_TRY(take_timeout(json::value(*ms), out));
  }
  if (out.format.empty()) out.format = request.query("format").value_or("");
  return out;
}

// The wanted form with the highest q of an Accept header; the first of kForms for */* and for no header.
const OutputForm* accepted_form(std::string_view accept) {
  if (accept.empty()) return &kForms[0];
  const OutputForm* best = nullptr;
  double best_q = 0;
  while (!accept.empty()) {
    std::string_view item = accept.substr(0, accept.find(','));
    accept.remove_prefix(std::min(item.size() + 1, accept.size()));
    double q = 1;
    if (size_t at = item.find("q="); at != std::string_view::npos)
      std::from_chars(item.data() + at + 2, item.data() + item.size(), q);
    item = item.substr(0, item.find(';'));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    for (const OutputForm& form : kForms) {
      bool matches = item == form.type || item == "*/*" ||
                     (item.ends_with("/*") && form.type.starts_with(item.substr(0, item.size() - 1)));
      if (!matches || q <= best_q) continue;
      best = &form;
      best_q = q;
    }
  }
  return best;
}

Result<const OutputForm*> choose_form(const Request& request, const std::string& name) {
  if (name.empty()) {
    const OutputForm* form = accepted_form(request.header("Accept").value_or(""));
    if (form == nullptr)
      return fail(Code::kUnsupported,
                  "Accept names no form that there is: application/json, application/x-ndjson, "
                  "text/csv, application/vnd.apache.parquet");
    return form;
  }
  for (const OutputForm& form : kForms)
    if (form.name == name) return &form;
  return fail(Code::kInvalid, fmt::format("there is no format '{}': json, ndjson, csv, parquet", name));
}

std::vector<Header> headers_of(const OutputForm& form) {
  return {{"Content-Type", std::string(form.type)}};
}

query::Asker asker_of(const Call& call) {
  return {call.principal, call.source_ip, {}, &call.context};
}

Status send_rows(Api& api, Call& call, const Statement& statement, const OutputForm& form) {
  TARN_ASSIGN(auto running, api.parts.engine.start(statement.sql, asker_of(call), statement.timeout,
                                                   [&call] { return call.responder.client_gone(); }));
  auto writer = query::ResultWriter::make(*form.format);
  std::string out;
  writer->begin(running->rows(), out);
  for (;;) {
    auto chunk = running->next();
    if (!chunk && !call.responder.begun()) return fail(std::move(chunk).error());
    if (!chunk) {
      // Rows are out already: the error is the last line, and the answer is left without its end.
      if (form.format != query::Format::kCsv) out += "\n" + json::serialize(error_json(chunk.error())) + "\n";
      return call.responder.write(out);
    }
    if (!*chunk) break;
    writer->chunk(**chunk, out);
    if (out.size() < kPieceBytes) continue;
    if (!call.responder.begun()) TARN_TRY(call.responder.begin(200, headers_of(form)));
    TARN_TRY(call.responder.write(out));
    out.clear();
  }
  writer->end(out);
  if (!call.responder.begun()) return call.responder.send(200, headers_of(form), out);
  TARN_TRY(call.responder.write(out));
  return call.responder.end();
}

Status send_parquet(Api& api, Call& call, const Statement& statement, const OutputForm& form) {
  TARN_ASSIGN(auto temporary,
              api.parts.engine.export_parquet(statement.sql, asker_of(call), statement.timeout,
                                              [&call] { return call.responder.client_gone(); }));
  TARN_ASSIGN(auto file, FileSystem::real().open(temporary->path, OpenMode::kRead));
  temporary.reset();  // its name; the bytes stay as long as the file is open
  TARN_ASSIGN(uint64_t size, file->size());
  auto headers = headers_of(form);
  headers.push_back({"Content-Disposition", "attachment; filename=\"result.parquet\""});
  TARN_TRY(call.responder.begin(200, std::move(headers)));
  std::vector<char> piece(static_cast<size_t>(std::min<uint64_t>(size, kFilePieceBytes)));
  for (uint64_t at = 0; at < size;) {
    auto part = std::span(piece).first(static_cast<size_t>(std::min<uint64_t>(piece.size(), size - at)));
    TARN_TRY(file->read_at(at, part));
    TARN_TRY(call.responder.write({part.data(), part.size()}));
    at += part.size();
  }
  return call.responder.end();
}

}  // namespace

Status post_sql(Api& api, Call& call) {
  TARN_ASSIGN(std::string text,
              read_text(call.request, api.parts.limits.statement_bytes_max, "the statement"));
  TARN_ASSIGN(Statement statement, read_statement(call.request, std::move(text)));
  auto form = choose_form(call.request, statement.format);
  if (!form)
    return send_error(call.responder, form.error(), form.error().code == Code::kUnsupported ? 406 : 0);
  return (*form)->format ? send_rows(api, call, statement, **form)
                         : send_parquet(api, call, statement, **form);
}

}  // namespace tarn::http
