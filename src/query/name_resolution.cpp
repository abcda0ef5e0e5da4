#include "query/name_resolution.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "query/bounded_functions.h"
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

Result<At> at_of(duck::Connection& connection, const json::object& node) {
  const json::value* clause = node.if_contains("at_clause");
  if (clause == nullptr || !clause->is_object()) return At{};
  json::object at = clause->as_object();
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

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

const json::array* ctes_of(const json::object& query) {
  const json::object* map = object_at(query, "cte_map");
  return map == nullptr ? nullptr : array_at(*map, "map");
}

// A WITH RECURSIVE that refers to itself.
bool is_recursive(const json::object& cte) {
  const json::object* query = object_at(cte, "query");
  const json::object* node = query == nullptr ? nullptr : object_at(*query, "node");
  return node != nullptr && text_of(*node, "type") == "RECURSIVE_CTE_NODE";
}

// Its width is how much is made of a value.
bool has_modest_format(const json::object& function) {
  constexpr int kDigitsMax = 3;
  const json::array* arguments = array_at(function, "children");
  if (arguments == nullptr || arguments->empty() || !arguments->at(0).is_object()) return false;
  const json::object* value = object_at(arguments->at(0).as_object(), "value");
  if (value == nullptr || text_of(arguments->at(0).as_object(), "class") != "CONSTANT") return false;
  int digits = 0;
  for (char c : text_of(*value, "value")) {
    bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    digits = digit ? digits + 1 : 0;
    if (digits > kDigitsMax || c == '*') return false;
  }
  return true;
}

// Schemas that DuckDB has itself, in a session's database or beside it.
bool is_duckdbs(std::string_view database) {
  constexpr std::string_view kNames[] = {"system", "information_schema", "main", "temp",
                                         "memory", "pg_catalog"};
  return std::ranges::find(kNames, database) != std::end(kNames);
}

// DuckDB goes down a JSON value's structure on its stack, however deep it is.
bool has_shallow_structure(const json::object& function) {
  constexpr int kDepthMax = 100;
  const json::array* arguments = array_at(function, "children");
  if (arguments == nullptr || arguments->size() != 2 || !arguments->at(1).is_object()) return false;
  const json::object* value = object_at(arguments->at(1).as_object(), "value");
  if (value == nullptr || text_of(arguments->at(1).as_object(), "class") != "CONSTANT") return false;
  std::string structure = lower(text_of(*value, "value"));
  // An escape could spell a type; VARIANT's casts go as deep as the value.
  if (structure.contains('\\') || structure.contains("variant")) return false;
  int depth = 0;
  int deepest = 0;
  for (char c : structure) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if (c == ']' || c == '}') --depth;
  }
  return deepest <= kDepthMax;
}

}  // namespace

namespace {

// Expressions in an expression, those of aliases before it counted at each of their uses.
size_t expanded(const json::value& value, const std::map<std::string, size_t>& aliases) {
  size_t out = 0;
  if (const json::array* array = value.if_array()) {
    for (const json::value& child : *array) out += expanded(child, aliases);
  } else if (const json::object* object = value.if_object()) {
    const json::array* names = array_at(*object, "column_names");
    if (names != nullptr && names->size() == 1 && names->at(0).is_string()) {
      auto alias = aliases.find(lower(std::string(names->at(0).get_string())));
      if (alias != aliases.end()) out += alias->second;
    }
    if (object->contains("class")) ++out;
    for (const auto& member : *object) out += expanded(member.value(), aliases);
  }
  return std::min(out, kExpressionsMax + 1);
}

}  // namespace

// A column may use the aliases of those before it, and is planned with all that they are.
Status NameResolution::check_aliases(const json::object& select) {
  const json::array* list = array_at(select, "select_list");
  if (list == nullptr) return {};
  std::map<std::string, size_t> aliases;
  for (const json::value& item : *list) {
    size_t size = expanded(item, aliases);
    if (size > kExpressionsMax && !aliases.empty())
      return fail(Code::kTooLarge,
                  fmt::format("a column has more than {} expressions, those of the aliases that it "
                              "uses counted in: split the SELECT",
                              kExpressionsMax));
    std::string alias = item.is_object() ? lower(text_of(item.as_object(), "alias")) : std::string();
    if (!alias.empty()) aliases[alias] = size;
  }
  return {};
}

Status NameResolution::resolve(const json::value& tree) {
  return visit(tree);
}

Status NameResolution::visit(const json::value& value) {
  if (const json::object* object = value.if_object()) return visit(*object);
  if (const json::array* array = value.if_array()) {
    for (const json::value& child : *array) TARN_TRY(visit(child));
  }
  return {};
}

Status NameResolution::visit(const json::object& object) {
  std::string type = text_of(object, "type");
  std::string kind = text_of(object, "class");
  if (type == "BASE_TABLE") TARN_TRY(base_table(object));
  if (type == "TABLE_FUNCTION") TARN_TRY(table_function(object));
  if (type == "SHOW_REF" && object_at(object, "query") == nullptr)
    return fail(Code::kDenied,
                "SHOW can't stand in a FROM: select from system.tables or system.columns instead");
  if (kind == "FUNCTION" || kind == "WINDOW") TARN_TRY(function(object));
  if (kind == "PARAMETER") return fail(Code::kInvalid, "a statement can't have parameters here");
  if (text_of(object, "id") == "VARIANT")  // whose casts go as deep as the value, on the stack
    return fail(Code::kDenied, "the type VARIANT can't be used here; JSON can");
  if (type != "RECURSIVE_CTE_NODE" && !text_of(object, "cte_name").empty())
    return fail(Code::kUnsupported, "this form of WITH can't be used here");
  size_t outside = scope_.size();
  bool bounded = kind == "FUNCTION" && is_bounded_function(lower(text_of(object, "function_name")));
  if (bounded && ++bounded_ > kBoundedMax)
    return fail(Code::kTooLarge,
                "the statement has too many calls of such as repeat() or LIKE within each other");
  if (type == "SELECT_NODE") {
    TARN_TRY(count(1));
    TARN_TRY(check_aliases(object));
  }
  if (const json::array* ctes = ctes_of(object)) TARN_TRY(define(*ctes));
  for (const auto& member : object) {
    if (member.key() != "cte_map") TARN_TRY(visit(member.value()));
  }
  scope_.resize(outside);
  if (bounded) --bounded_;
  return {};
}

// Each may use those before it, and itself when it is recursive.
Status NameResolution::define(const json::array& ctes) {
  for (const json::value& entry : ctes) {
    const json::object* cte = object_at(entry.as_object(), "value");
    if (cte == nullptr) return fail(Code::kInternal, "a WITH without its query");
    std::string name = lower(text_of(entry.as_object(), "key"));
    ctes_.insert(name);
    bool recursive = is_recursive(*cte);
    if (recursive) scope_.push_back({name});
    size_t before = selects_;
    TARN_TRY(visit(*cte));
    if (recursive) scope_.pop_back();
    scope_.push_back({std::move(name), repeats_ctes_ ? selects_ - before : 0});
  }
  return {};
}

Status NameResolution::count(size_t selects) {
  selects_ += selects;
  if (selects_ <= kSelectsMax) return {};
  return fail(Code::kTooLarge,
              fmt::format("the statement has more than {} SELECTs{}: split it", kSelectsMax,
                          repeats_ctes_ ? ", those of each CTE counted at each of its uses" : ""));
}

Status NameResolution::base_table(const json::object& object) {
  TableUse use;
  use.database = lower(text_of(object, "schema_name"));
  use.table = lower(text_of(object, "table_name"));
  if (std::string catalog = text_of(object, "catalog_name"); !catalog.empty())
    return fail(Code::kNotFound, fmt::format("there is no database '{}.{}': tables are named database.table",
                                             catalog, use.database));
  if (use.database.empty()) {
    auto cte = std::ranges::find(scope_.rbegin(), scope_.rend(), use.table, &Cte::name);
    if (cte != scope_.rend()) return count(cte->selects);
  }
  TARN_ASSIGN(use.at, at_of(connection_, object));
  if (is_duckdbs(use.database) || !std::holds_alternative<std::monostate>(use.at)) {
    use.view_name = fmt::format("${}", tables_.size());
    const json::value* place = object.if_contains("query_location");
    if (place == nullptr || !place->is_number()) return fail(Code::kInternal, "a table without its place");
    use.replaced = Replaced{place->to_number<size_t>(),
                            text_of(object, "alias").empty() ? text_of(object, "table_name") : std::string()};
  } else {
    use.view_schema = use.database;
    use.view_name = use.table;
  }
  tables_.push_back(std::move(use));
  return {};
}

Status NameResolution::table_function(const json::object& object) {
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
  constexpr std::string_view kStructured[] = {"from_json", "from_json_strict", "json_transform",
                                              "json_transform_strict"};
  std::string name = lower(text_of(object, "function_name"));
  if (&object == in_from_) return {};
  if (!is_allowed_function(name))
    return fail(Code::kDenied, fmt::format("the function {}() can't be used here{}", name,
                                           is_refused_function(name) ? "" : ": there is none of that name"));
  std::string schema = lower(text_of(object, "schema"));
  if (!text_of(object, "catalog").empty() || (!schema.empty() && schema != "main"))
    return fail(Code::kDenied, fmt::format("write {}() without its schema", name));
  if ((name == "format" || name == "printf") && !has_modest_format(object))
    return fail(Code::kDenied,
                fmt::format("the format that {}() takes must be a text, with widths up to 999", name));
  if (std::ranges::find(kStructured, name) != std::end(kStructured) && !has_shallow_structure(object))
    return fail(Code::kDenied,
                fmt::format("the structure that {}() takes must be a text, at most 100 deep", name));
  return {};
}

}  // namespace tarn::query
