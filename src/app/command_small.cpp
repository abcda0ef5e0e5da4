// The commands that are one request, or none: flush, maintain, redrive, env, schema, version.

#include <ostream>

#include <boost/json.hpp>
#include <duckdb.h>
#include <fmt/core.h>

#include "access/identities.h"
#include "app/commands.h"
#include "app/json_text.h"
#include "app/lake_keys.h"
#include "app/version.h"
#include "base/bytes.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kFlushTimeout = "10m";

// One name, or all that the lake lists under `what`.
Result<std::vector<std::string>> names_or_all(HttpClient& client, const std::string& name,
                                              std::string_view what) {
  if (!name.empty()) return std::vector<std::string>{name};
  TARN_ASSIGN(json::value answer, client.call({.target = fmt::format("/v1/{}", what)}));
  std::vector<std::string> names;
  const json::array* list = answer.is_object() ? array_at(answer.get_object(), what) : nullptr;
  if (list == nullptr) {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", client.url()));
  }
  for (const json::value& item : *list) {
    if (item.is_object()) names.push_back(text_at(item.get_object(), "name"));
  }
  return names;
}

std::string maintained_text(const std::string& table, const json::object& done) {
  auto number = [&](const char* step, const char* key) {
    const json::object* part = object_at(done, step);
    return part == nullptr ? uint64_t{0} : static_cast<uint64_t>(integer_at(*part, key));
  };
  uint64_t removed = number("expire", "files_removed") + number("sweep", "files_removed");
  uint64_t bytes = number("expire", "bytes_removed") + number("sweep", "bytes_removed");
  return fmt::format("{}: {} files joined to {}, {} snapshots expired, {} files removed ({})\n", table,
                     number("compact", "files_before"), number("compact", "files_after"),
                     number("expire", "snapshots_expired"), removed, human_bytes(bytes));
}

}  // namespace

Result<int> command_flush(Context& context, const std::string& stream) {
  HttpClient client(context.endpoint);
  TARN_ASSIGN(std::vector<std::string> names, names_or_all(client, stream, "streams"));
  json::array answers;
  for (const std::string& name : names) {
    HttpRequest request;
    request.method = "POST";
    request.target = fmt::format("/v1/streams/{}/flush?timeout={}", encode_url(name), kFlushTimeout);
    TARN_ASSIGN(json::value answer, client.call(request));
    answers.push_back(std::move(answer));
    if (!context.json) context.out << fmt::format("{} is delivered.\n", name);
  }
  if (context.json) context.out << pretty_json(answers) << "\n";
  if (!context.json && names.empty()) context.out << "No streams.\n";
  return kDone;
}

Result<int> command_maintain(Context& context, const std::string& table) {
  HttpClient client(context.endpoint);
  TARN_ASSIGN(std::vector<std::string> names, names_or_all(client, table, "tables"));
  json::object answers;
  for (const std::string& name : names) {
    HttpRequest request;
    request.method = "POST";
    request.target = fmt::format("/v1/tables/{}/maintain", encode_url(name));
    TARN_ASSIGN(json::value answer, client.call(request));
    if (!context.json && answer.is_object()) context.out << maintained_text(name, answer.get_object());
    answers[name] = std::move(answer);
  }
  if (context.json) context.out << pretty_json(answers) << "\n";
  if (!context.json && names.empty()) context.out << "No tables.\n";
  return kDone;
}

Result<int> command_redrive(Context& context, const std::string& stream) {
  HttpClient client(context.endpoint);
  HttpRequest request;
  request.method = "POST";
  request.target = fmt::format("/v1/streams/{}/redrive", encode_url(stream));
  TARN_ASSIGN(json::value answer, client.call(request));
  if (context.json) {
    context.out << pretty_json(answer) << "\n";
  } else if (answer.is_object()) {
    context.out << fmt::format(
        "{} records of {} were sent through again, {} remain.\n",
        with_commas(static_cast<uint64_t>(integer_at(answer.get_object(), "records"))), stream,
        with_commas(static_cast<uint64_t>(integer_at(answer.get_object(), "remaining"))));
  }
  return kDone;
}

Result<int> command_env(Context& context, const std::filesystem::path& data) {
  // A lake that runs on this folder has noted where it listens, and keeps its root key.
  std::string here = running_url(data);
  std::string url = here.empty() ? context.endpoint.url : here;
  Credentials credentials = context.endpoint.credentials;
  if (auto key = access::read_key_file(data / "root.key"); key && !here.empty()) {
    credentials = {key->id, key->secret, ""};
  } else if (!key && key.error().code == Code::kDenied) {
    return fail(std::move(key).error());
  }
  json::object out{{"TARN_URL", url},
                   {"AWS_ENDPOINT_URL", url},
                   {"AWS_REGION", "us-east-1"},
                   {"AWS_DEFAULT_REGION", "us-east-1"}};
  if (!credentials.key_id.empty()) {
    out["AWS_ACCESS_KEY_ID"] = credentials.key_id;
    out["AWS_SECRET_ACCESS_KEY"] = credentials.secret;
    if (!credentials.token.empty()) out["AWS_SESSION_TOKEN"] = credentials.token;
  }
  if (context.json) {
    context.out << pretty_json(out) << "\n";
    return kDone;
  }
  for (const auto& member : out)
    context.out << fmt::format("export {}='{}'\n", std::string_view(member.key()),
                               std::string_view(member.value().get_string()));
  if (credentials.key_id.empty())
    context.err << "no key: there is no lake's folder " << data.string()
                << " here; name it with --data, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n";
  return kDone;
}

Result<int> command_schema(Context& context, bool table) {
  context.out << (table ? key_table_markdown() : lake_json_schema());
  return kDone;
}

Result<int> command_version(Context& context) {
  if (context.json) {
    context.out << pretty_json(json::object{{"tarn", kVersion}, {"duckdb", duckdb_library_version()}})
                << "\n";
  } else {
    context.out << fmt::format("tarn {} (DuckDB {})\n", kVersion, duckdb_library_version());
  }
  return kDone;
}

}  // namespace tarn::app
