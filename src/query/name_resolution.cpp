#include "query/name_resolution.h"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "query/functions.h"
#include "query/syntax_tree.h"

namespace tarn::query {

namespace json = boost::json;

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
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

json::object* object_at(json::object& object, std::string_view key) {
  json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

json::array* ctes_of(json::object& query) {
  json::object* map = object_at(query, "cte_map");
  json::value* entries = map == nullptr ? nullptr : map->if_contains("map");
  return entries == nullptr ? nullptr : entries->if_array();
}

// The query of a WITH RECURSIVE that refers to itself; null for others.
json::object* recursive_query(json::object& cte) {
  json::object* query = object_at(cte, "query");
  json::object* node = query == nullptr ? nullptr : object_at(*query, "node");
  return node != nullptr && text_of(*node, "type") == "RECURSIVE_CTE_NODE" ? node : nullptr;
}

// A view in place of the table, which keeps the name that the statement knows it by.
void rename_table(json::object& object, const std::string& name) {
  if (text_of(object, "alias").empty()) object["alias"] = text_of(object, "table_name");
  object.erase("schema_name");
  object["table_name"] = name;
}

}  // namespace

Status NameResolution::resolve(json::value& tree) {
  return visit(tree);
}

Status NameResolution::visit(json::value& value) {
  if (json::object* object = value.if_object()) return visit(*object);
  if (json::array* array = value.if_array()) {
    for (json::value& child : *array) TARN_TRY(visit(child));
  }
  return {};
}

Status NameResolution::visit(json::object& object) {
  std::string type = text_of(object, "type");
  std::string kind = text_of(object, "class");
  if (type == "BASE_TABLE") TARN_TRY(base_table(object));
  if (type == "TABLE_FUNCTION") TARN_TRY(table_function(object));
  if (type == "SHOW_REF" && object_at(object, "query") == nullptr)
    return fail(Code::kDenied,
                "SHOW can't stand in a FROM: select from system.tables or system.columns instead");
  if (kind == "FUNCTION" || kind == "WINDOW") TARN_TRY(function(object));
  if (type != "RECURSIVE_CTE_NODE" && !text_of(object, "cte_name").empty())
    return fail(Code::kUnsupported, "this form of WITH can't be used here");
  size_t outside = scope_.size();
  if (type == "SELECT_NODE" && ++selects_ > kSelectsMax)
    return fail(Code::kTooLarge,
                fmt::format("the statement has more than {} SELECTs: split it", kSelectsMax));
  if (json::array* ctes = ctes_of(object)) TARN_TRY(define(*ctes));
  for (auto& member : object) {
    if (member.key() != "cte_map") TARN_TRY(visit(member.value()));
  }
  scope_.resize(outside);
  return {};
}

// Each may use those before it, and itself when it is recursive.
Status NameResolution::define(json::array& ctes) {
  for (json::value& entry : ctes) {
    json::object& definition = entry.as_object();
    json::object* cte = object_at(definition, "value");
    if (cte == nullptr) return fail(Code::kInternal, "a WITH without its query");
    Cte known{lower(text_of(definition, "key")), fmt::format("$c{}", ctes_++)};
    definition["key"] = known.our_name;
    changed_ = true;
    json::object* recursive = recursive_query(*cte);
    if (recursive != nullptr) {
      (*recursive)["cte_name"] = known.our_name;
      scope_.push_back(known);
    }
    TARN_TRY(visit(*cte));
    if (recursive != nullptr) scope_.pop_back();
    scope_.push_back(std::move(known));
  }
  return {};
}

const NameResolution::Cte* NameResolution::find(std::string_view name) const {
  auto found = std::find_if(scope_.rbegin(), scope_.rend(), [&](const Cte& cte) { return cte.name == name; });
  return found == scope_.rend() ? nullptr : &*found;
}

Status NameResolution::base_table(json::object& object) {
  TableUse use;
  use.database = lower(text_of(object, "schema_name"));
  use.table = lower(text_of(object, "table_name"));
  if (std::string catalog = text_of(object, "catalog_name"); !catalog.empty())
    return fail(Code::kNotFound, fmt::format("there is no database '{}.{}': tables are named database.table",
                                             catalog, use.database));
  if (const Cte* cte = use.database.empty() ? find(use.table) : nullptr) {
    rename_table(object, cte->our_name);
    return {};
  }
  TARN_ASSIGN(use.at, take_at(connection_, object));
  bool virtual_table = use.database == "system" || use.database == "information_schema";
  if (virtual_table || !std::holds_alternative<std::monostate>(use.at)) {
    use.view_name = fmt::format("${}", tables_.size());
    rename_table(object, use.view_name);
    changed_ = true;
  } else {
    use.view_schema = use.database;
    use.view_name = use.table;
  }
  tables_.push_back(std::move(use));
  return {};
}

Status NameResolution::table_function(json::object& object) {
  const json::object* function = object_at(object, "function");
  std::string name = function == nullptr ? "" : lower(text_of(*function, "function_name"));
  auto allowed = allowed_table_functions();
  if (std::ranges::find(allowed, name) == allowed.end())
    return fail(Code::kDenied,
                fmt::format("the table function {}() can't be used here: files, settings and other "
                            "databases are out of reach; allowed are range, generate_series, "
                            "unnest, json_each, json_tree and repeat",
                            name));
  in_from_ = function;
  return {};
}

Status NameResolution::function(const json::object& object) const {
  std::string name = lower(text_of(object, "function_name"));
  if (&object == in_from_ || is_allowed_function(name)) return {};
  return fail(Code::kDenied, fmt::format("the function {}() can't be used here{}", name,
                                         is_refused_function(name) ? "" : ": there is none of that name"));
}

}  // namespace tarn::query
