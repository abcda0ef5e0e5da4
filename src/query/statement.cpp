#include "query/statement.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "columns/type.h"
#include "query/syntax_tree.h"

namespace tarn::query {

namespace json = boost::json;

namespace {

// Table functions that read nothing but their arguments.
constexpr std::array<std::string_view, 8> kTableFunctions = {"range",      "generate_series",    "unnest",
                                                             "json_each",  "json_tree",          "repeat",
                                                             "repeat_row", "generate_subscripts"};

// Scalar functions that would show the machine, the settings or other sessions.
constexpr std::array<std::string_view, 16> kHiddenFunctions = {"current_setting",
                                                               "getenv",
                                                               "getvariable",
                                                               "nextval",
                                                               "currval",
                                                               "write_log",
                                                               "current_database",
                                                               "current_schemas",
                                                               "current_query",
                                                               "current_connection_id",
                                                               "current_query_id",
                                                               "current_transaction_id",
                                                               "txid_current",
                                                               "in_search_path",
                                                               "parse_duckdb_log_message",
                                                               "query_location"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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

std::set<std::string> cte_names(json::value& tree) {
  std::set<std::string> names;
  walk(tree, [&](json::object& object) {
    if (json::value* map = object.if_contains("cte_map"); map != nullptr && map->is_object()) {
      if (json::value* entries = map->as_object().if_contains("map");
          entries != nullptr && entries->is_array()) {
        for (json::value& entry : entries->as_array())
          if (entry.is_object()) names.insert(lower(text_of(entry.as_object(), "key")));
      }
    }
    if (std::string name = text_of(object, "cte_name"); !name.empty()) names.insert(lower(name));
  });
  return names;
}

// The value of an AT (TIMESTAMP => …) expression, evaluated as a statement of its own.
Result<Timestamp> evaluate_timestamp(duck::Connection& connection, const json::value& expression) {
  TARN_ASSIGN(json::value tree, parse_tree(connection, "SELECT 1"));
  json::object& node = tree.as_object()["statements"].as_array()[0].as_object()["node"].as_object();
  node["select_list"] = json::array{expression};
  TARN_ASSIGN(std::string sql, tree_sql(connection, tree));
  TARN_ASSIGN(auto rows, connection.text("SELECT epoch_us((" + sql + ")::TIMESTAMPTZ)"));
  if (rows.size() != 1 || !rows[0][0])
    return fail(Code::kInvalid, "AT (TIMESTAMP => …) needs a time, not NULL");
  return Timestamp{std::stoll(*rows[0][0])};
}

Result<At> take_at(duck::Connection& connection, json::object& node) {
  json::value* clause = node.if_contains("at_clause");
  if (clause == nullptr || !clause->is_object()) return At{};
  json::object at = clause->as_object();
  node.erase("at_clause");
  json::value expression = at["expr"];
  bool constant = true;  // a subquery or a function there could read what is not checked
  walk(expression, [&](json::object& object) {
    std::string kind = text_of(object, "class");
    constant = constant && (kind.empty() || kind == "CONSTANT" || kind == "CAST");
  });
  if (!constant)
    return fail(Code::kInvalid,
                "AT takes a constant: AT (VERSION => 123) or AT (TIMESTAMP => '2026-01-31 12:00:00Z')");
  if (text_of(at, "unit") == "VERSION") {
    json::object* value = expression.as_object().if_contains("value") != nullptr
                              ? expression.as_object()["value"].if_object()
                              : nullptr;
    json::value* number = value == nullptr ? nullptr : value->if_contains("value");
    if (number == nullptr || !number->is_number())
      return fail(Code::kInvalid,
                  "AT (VERSION => …) takes a snapshot id: see `tarn describe` or system.snapshots");
    return At{AtVersion{number->to_number<int64_t>()}};
  }
  TARN_ASSIGN(Timestamp t, evaluate_timestamp(connection, expression));
  return At{t};
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

struct Rewriter {
  duck::Connection& connection;
  std::set<std::string> ctes;
  Statement statement;
  bool changed = false;
  Status status;

  void visit(json::object& object) {
    if (!status) return;
    std::string type = text_of(object, "type");
    if (type == "BASE_TABLE") base_table(object);
    if (type == "TABLE_FUNCTION") table_function(object);
    if (text_of(object, "class") == "FUNCTION") {
      std::string name = lower(text_of(object, "function_name"));
      if (contains(kHiddenFunctions, name))
        status = fail(Code::kDenied, fmt::format("the function {}() can't be used here", name));
    }
  }

  void table_function(json::object& object) {
    json::value* function = object.if_contains("function");
    std::string name = function != nullptr && function->is_object()
                           ? lower(text_of(function->as_object(), "function_name"))
                           : "";
    if (!contains(kTableFunctions, name))
      status = fail(Code::kDenied,
                    fmt::format("the table function {}() can't be used here: files, settings and other "
                                "databases are out of reach; allowed are range, generate_series, "
                                "unnest, json_each, json_tree and repeat",
                                name));
  }

  void base_table(json::object& object) {
    TableUse use;
    use.database = lower(text_of(object, "schema_name"));
    use.table = lower(text_of(object, "table_name"));
    if (std::string catalog = text_of(object, "catalog_name"); !catalog.empty()) {
      status =
          fail(Code::kNotFound, fmt::format("there is no database '{}.{}': tables are named database.table",
                                            catalog, use.database));
      return;
    }
    if (use.database.empty() && ctes.contains(use.table)) return;
    auto at = take_at(connection, object);
    if (!at) {
      status = std::unexpected(std::move(at).error());
      return;
    }
    use.at = *at;
    bool virtual_table = use.database == "system" || use.database == "information_schema";
    if (virtual_table || !std::holds_alternative<std::monostate>(use.at)) {
      if (text_of(object, "alias").empty()) object["alias"] = text_of(object, "table_name");
      use.view_name = fmt::format("${}", statement.tables.size());
      object.erase("schema_name");
      object["table_name"] = use.view_name;
      changed = true;
    } else {
      use.view_schema = use.database;
      use.view_name = use.table;
    }
    statement.tables.push_back(std::move(use));
  }
};

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

}  // namespace

Result<Statement> parse_statement(duck::Connection& connection, const std::string& sql) {
  std::string body = sql;
  std::string explain = take_explain(body);
  TARN_ASSIGN(json::value tree, parse_tree(connection, body));
  if (std::string replacement = show_replacement(tree); !replacement.empty()) {
    body = replacement;
    TARN_ASSIGN(tree, parse_tree(connection, body));
  }
  Rewriter rewriter{connection, cte_names(tree), {}, false, {}};
  walk(tree, [&](json::object& object) { rewriter.visit(object); });
  if (!rewriter.status) return std::unexpected(std::move(rewriter.status).error());
  if (rewriter.changed) {
    TARN_ASSIGN(body, tree_sql(connection, tree));
  }
  rewriter.statement.sql = explain + body;
  return std::move(rewriter.statement);
}

Result<std::string> transform_sql(duck::Connection& connection, const std::string& transform,
                                  const std::string& source) {
  TARN_ASSIGN(json::value tree, parse_tree(connection, transform));
  Rewriter rewriter{connection, cte_names(tree), {}, false, {}};
  walk(tree, [&](json::object& object) {
    if (text_of(object, "type") == "SELECT_NODE") hide_own_columns(object);
    rewriter.visit(object);
  });
  if (!rewriter.status) return std::unexpected(std::move(rewriter.status).error());
  for (const TableUse& use : rewriter.statement.tables) {
    if (use.database.empty() && use.table == "records" && use.view_name == "records") continue;
    return fail(Code::kInvalid,
                fmt::format("a transform reads the relation records and nothing else, not '{}{}{}'",
                            use.database, use.database.empty() ? "" : ".", use.table));
  }
  if (rewriter.statement.tables.empty())
    return fail(Code::kInvalid, "a transform selects from the relation records");
  TARN_ASSIGN(std::string sql, tree_sql(connection, tree));
  return "WITH records AS NOT MATERIALIZED (" + source + ") SELECT * FROM (" + sql + ")";
}

}  // namespace tarn::query
