#include "query/statement.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "columns/type.h"
#include "query/name_resolution.h"
#include "query/sql_text.h"
#include "query/syntax_tree.h"

namespace tarn::query {

namespace json = boost::json;

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// EXPLAIN and EXPLAIN ANALYZE can't be serialized: they are taken off here and put back.
std::string take_explain(std::string& sql) {
  auto word = [&](std::string_view wanted, size_t from) -> size_t {
    size_t at = sql.find_first_not_of(" \t\r\n", from);
    if (at == std::string::npos || lower(sql.substr(at, wanted.size())) != wanted) return std::string::npos;
    size_t end = at + wanted.size();
    if (end < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[end])) != 0 || sql[end] == '_'))
      return std::string::npos;
    return end;
  };
  size_t end = word("explain", 0);
  if (end == std::string::npos) return {};
  if (size_t analyze = word("analyze", end); analyze != std::string::npos) end = analyze;
  std::string prefix = sql.substr(0, end);
  sql.erase(0, end);
  return prefix + " ";
}

// SHOW TABLES and its kin become a query over system.tables.
std::string show_replacement(json::value& tree) {
  json::object* node = tree.as_object()["statements"].as_array()[0].as_object()["node"].if_object();
  json::value* from = node == nullptr ? nullptr : node->if_contains("from_table");
  if (from == nullptr || !from->is_object() || text_of(from->as_object(), "type") != "SHOW_REF") return {};
  if (json::value* query = from->as_object().if_contains("query"); query != nullptr && query->is_object())
    return {};
  std::string what = text_of(from->as_object(), "table_name");
  if (what.find("databases") != std::string::npos || what.find("schemas") != std::string::npos)
    return "SELECT DISTINCT database FROM system.tables ORDER BY ALL";
  return "SELECT database, name FROM system.tables ORDER BY ALL";
}

bool reads_records(const json::value& from) {
  if (!from.is_object()) return false;
  const json::object& object = from.as_object();
  if (text_of(object, "type") == "BASE_TABLE") return lower(text_of(object, "table_name")) == "records";
  const json::value* left = object.if_contains("left");
  const json::value* right = object.if_contains("right");
  return (left != nullptr && reads_records(*left)) || (right != nullptr && reads_records(*right));
}

// Adds the record's own columns to what a bare * leaves out, unless the star names them itself.
void hide_own_columns(json::object& select) {
  json::value* from = select.if_contains("from_table");
  json::value* list = select.if_contains("select_list");
  if (from == nullptr || list == nullptr || !list->is_array() || !reads_records(*from)) return;
  for (json::value& item : list->as_array()) {
    if (!item.is_object() || text_of(item.as_object(), "class") != "STAR") continue;
    json::value& excluded = item.as_object()["exclude_list"];
    if (!excluded.is_array()) excluded = json::array();
    for (const char* name : {"_seq", "_arrived", "_key"}) {
      if (std::find(excluded.as_array().begin(), excluded.as_array().end(), json::value(name)) ==
          excluded.as_array().end())
        excluded.as_array().emplace_back(name);
    }
  }
}

// The references that are to be replaced, from the last to the first.
// `aliases`: DESCRIBE and its kin take none.
Result<std::string> replace_tables(std::string sql, const std::vector<TableUse>& tables, bool aliases) {
  std::vector<const TableUse*> replaced;
  for (const TableUse& use : tables) {
    if (use.replaced) replaced.push_back(&use);
  }
  std::ranges::sort(replaced, std::greater(), [](const TableUse* use) { return use->replaced->at; });
  for (const TableUse* use : replaced) {
    auto place = table_text(sql, use->replaced->at);
    if (!place)
      return fail(Code::kUnsupported, fmt::format("{}.{} can't stand there", use->database, use->table));
    std::string name = columns::quote_name(use->view_name);
    if (aliases && !use->replaced->alias.empty()) name += " AS " + columns::quote_name(use->replaced->alias);
    bool at_once = std::holds_alternative<std::monostate>(use->at);  // then AT is somebody else's
    if (!at_once) sql.replace(place->at_begin, place->at_end - place->at_begin, " ");
    sql.replace(place->begin, place->end - place->begin, name);
  }
  return sql;
}

bool is_same(const TableUse& before, const TableUse& after) {
  if (!std::holds_alternative<std::monostate>(after.at) || after.replaced) return false;
  if (before.replaced) return after.database.empty() && after.table == before.view_name;
  return after.database == before.database && after.table == before.table;
}

// What was replaced in a text is believed only when the new text says the same.
Status check_replaced(duck::Connection& connection, const std::string& sql,
                      const std::vector<TableUse>& tables) {
  TARN_ASSIGN(json::value tree, parse_tree(connection, sql));
  NameResolution names(connection, sql);
  TARN_TRY(names.resolve(tree));
  if (std::ranges::equal(tables, names.tables(), is_same)) return {};
  return fail(
      Code::kUnsupported,
      "the statement's tables of system, or AT (…), can't be read where they stand: put each into a subquery "
      "of its own");
}

// DuckDB prints what it doesn't quote, and a CROSS JOIN as a comma, which binds otherwise.
void make_printable(json::object& object) {
  if (text_of(object, "class") == "STAR") {
    std::string name = text_of(object, "relation_name");
    if (!name.empty()) object["relation_name"] = columns::quote_name(name);
  }
  if (text_of(object, "ref_type") == "CROSS") {
    object["ref_type"] = "REGULAR";
    object["condition"] = json::parse(
        R"({"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "query_location": 0, "child": {"class": "CONSTANT",
            "type": "VALUE_CONSTANT", "alias": "", "query_location": 0, "value": {"type": {"id": "INTEGER",
            "type_info": null}, "is_null": false, "value": 1}}, "cast_type": {"id": "BOOLEAN", "type_info": null},
            "try_cast": false})");
  }
}

// The relation `records` and no other table.
Status check_transform(NameResolution& names) {
  if (names.ctes().contains("records"))
    return fail(Code::kInvalid, "records is the relation that a transform reads: call the CTE otherwise");
  for (const TableUse& use : names.tables()) {
    if (use.database.empty() && use.table == "records" && !use.replaced) continue;
    return fail(Code::kInvalid,
                fmt::format("a transform reads the relation records and nothing else, not '{}{}{}'",
                            use.database, use.database.empty() ? "" : ".", use.table));
  }
  if (names.tables().empty()) return fail(Code::kInvalid, "a transform selects from the relation records");
  return {};
}

}  // namespace

Result<Statement> parse_statement(duck::Connection& connection, const std::string& sql) {
  Statement statement;
  std::string body = plain_blanks(sql);
  std::string explain = take_explain(body);
  TARN_ASSIGN(json::value tree, parse_tree(connection, body));
  if (std::string replacement = show_replacement(tree); !replacement.empty()) {
    body = replacement;
    TARN_ASSIGN(tree, parse_tree(connection, body));
  }
  NameResolution names(connection, body);
  TARN_TRY(names.resolve(tree));
  statement.as_written =
      std::ranges::none_of(names.tables(), [](const TableUse& use) { return use.replaced.has_value(); });
  if (!statement.as_written) {
    const std::string written = body;
    TARN_ASSIGN(body, replace_tables(written, names.tables(), true));
    if (!check_replaced(connection, body, names.tables())) {
      TARN_ASSIGN(body, replace_tables(written, names.tables(), false));
      TARN_TRY(check_replaced(connection, body, names.tables()));
    }
  }
  statement.sql = explain + body;
  statement.explains = !explain.empty();
  statement.tables = std::move(names.tables());
  statement.ctes = std::move(names.ctes());
  return statement;
}

Result<std::string> transform_sql(duck::Connection& connection, const std::string& transform,
                                  const std::string& source) {
  const std::string text = plain_blanks(transform);
  TARN_ASSIGN(json::value tree, parse_tree(connection, text));
  NameResolution names(connection, text);
  TARN_TRY(names.resolve(tree));
  TARN_TRY(check_transform(names));
  walk(tree, [](json::object& object) {
    if (text_of(object, "type") == "SELECT_NODE") hide_own_columns(object);
    make_printable(object);
  });
  TARN_ASSIGN(std::string sql, tree_sql(connection, tree));
  // What was printed is believed only after it was read again.
  TARN_ASSIGN(json::value printed, parse_tree(connection, sql));
  NameResolution printed_names(connection, sql);
  TARN_TRY(printed_names.resolve(printed));
  TARN_TRY(check_transform(printed_names));
  return "WITH records AS NOT MATERIALIZED (" + source + ") SELECT * FROM (" + sql + ")";
}

}  // namespace tarn::query
