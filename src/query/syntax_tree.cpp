#include "query/syntax_tree.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "columns/type.h"

namespace tarn::query {

namespace json = boost::json;
using columns::quote_text;

namespace {

// Of the JSON: some 250 expressions in each other. What DuckDB allows, it plans for minutes, and can't be interrupted.
constexpr size_t kDepthMax = 500;
constexpr size_t kTreeBytesMax = 32u << 20;  // as JSON: some 200,000 constants

Result<json::value> parse_json(const std::string& text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error == json::error::too_deep)
    return fail(Code::kInvalid, "the statement is nested too deeply, or has too long a chain of + or JOIN");
  if (error)
    return fail(Code::kUnsupported,
                "a constant of the statement can't be read; a number beyond DOUBLE can't be written");
  return value;
}

// DuckDB's message with the line and a caret below the place, as it shows for a statement that it runs
// itself.
std::string with_place(std::string message, const std::string& sql, const std::string& position) {
  if (position.empty()) return message;
  size_t at = std::min(std::stoul(position), sql.size());
  size_t begin = sql.rfind('\n', at == 0 ? 0 : at - 1);
  begin = begin == std::string::npos ? 0 : begin + 1;
  size_t end = std::min(sql.find('\n', at), sql.size());
  auto line = 1 + std::count(sql.begin(), sql.begin() + static_cast<ptrdiff_t>(begin), '\n');
  std::string prefix = fmt::format("LINE {}: ", line);
  return fmt::format("{}\n{}{}\n{}^", message, prefix, sql.substr(begin, end - begin),
                     std::string(prefix.size() + at - begin, ' '));
}

}  // namespace

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<json::value> parse_tree(duck::Connection& connection, const std::string& sql) {
  if (sql.find('\0') != std::string::npos) return fail(Code::kInvalid, "the statement holds a NUL byte");
  TARN_ASSIGN(auto rows, connection.text("SELECT json_serialize_sql(" + quote_text(sql) + ")"));
  std::string text = rows.at(0).at(0).value_or("{}");
  if (text.size() > kTreeBytesMax)
    return fail(Code::kTooLarge,
                "the statement is too long: put its list into a table, or into one text such as "
                "from_json('[1, 2, 3]', '[\"BIGINT\"]')");
  TARN_ASSIGN(json::value tree, parse_json(text));
  json::object& object = tree.as_object();
  if (object["error"].is_bool() && object["error"].as_bool()) {
    std::string message = text_of(object, "error_message");
    if (text_of(object, "error_type") == "not implemented")
      return fail(Code::kDenied,
                  "only queries can be run here: SELECT, WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW "
                  "TABLES and EXPLAIN");
    return fail(Code::kInvalid, with_place("Parser Error: " + message, sql, text_of(object, "position")));
  }
  size_t statements = object["statements"].as_array().size();
  if (statements != 1)
    return fail(Code::kInvalid,
                statements == 0 ? "there is no statement" : "one statement at a time, please");
  return tree;
}

Result<std::string> tree_sql(duck::Connection& connection, const json::value& tree) {
  TARN_ASSIGN(auto rows, connection.text("SELECT json_deserialize_sql(" + quote_text(json::serialize(tree)) +
                                         "::JSON)"));
  return rows.at(0).at(0).value_or("");
}

void walk(json::value& tree, const std::function<void(json::object&)>& visit) {
  if (json::array* array = tree.if_array()) {
    for (json::value& child : *array) walk(child, visit);
  } else if (json::object* object = tree.if_object()) {
    visit(*object);
    for (auto& member : *object) walk(member.value(), visit);
  }
}

}  // namespace tarn::query
