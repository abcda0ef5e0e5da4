#include "columns/inference.h"

#include <algorithm>

#include <simdjson.h>

#include "columns/inference_node.h"
#include "columns/name.h"
#include "columns/scalar.h"

namespace tarn::columns {
namespace {

using Node = Inference::Node;
namespace dom = simdjson::dom;

bool in_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

// What it takes to look at records: simdjson's parser, and the bookkeeping that all nodes share.
struct Inference::Parser {
  explicit Parser(const RecordLimits& record_limits) : limits(record_limits) {}

  RecordLimits limits;
  dom::parser json;
  dom::parser number_json;  // of one number: json's document is still read meanwhile
  std::string quoted;       // a record whose numbers out of range are texts
  std::string number;
  uint64_t objects = 0;  // so far: gives each its number
  uint32_t fields = 1;   // nodes in all

  bool parse(std::string_view record, dom::object& object);
  void quote_numbers(std::string_view record);
  bool is_out_of_range(std::string_view text);

  void see(Node& node, const dom::element& value, int depth);
  void see_object(Node& node, const dom::object& object, int depth);
  void see_array(Node& node, const dom::array& array, int depth);
  void merge(Node& into, const Node& from, bool root);

  Node* field(Node& node, std::string_view name, bool root);
  Node* add_field(Node& node, std::string_view name, bool root);
  Node* element(Node& node);
  void crowd(Node& node);
};

bool Inference::Parser::parse(std::string_view record, dom::object& object) {
  // simdjson refuses the level that its limit names; and it keeps its limit when it grows.
  size_t depth_max = static_cast<size_t>(limits.depth_max) + 1;
  constexpr size_t kRecordBytesFirst = 4096;
  if (json.max_depth() != depth_max && json.allocate(std::max(record.size(), kRecordBytesFirst), depth_max))
    return false;
  dom::element root;
  auto error = json.parse(record.data(), record.size(), false).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    quote_numbers(record);
    error = json.parse(quoted.data(), quoted.size() - simdjson::SIMDJSON_PADDING, false).get(root);
  }
  return !error && !root.get_object().get(object);
}

// simdjson's document holds no number beyond uint64 or double. Rare, so that it's worth a second parse: such
// numbers are to be text, and here they become it.
void Inference::Parser::quote_numbers(std::string_view record) {
  quoted.clear();
  bool in_text = false;
  for (size_t i = 0; i < record.size();) {
    char c = record[i];
    if (!in_text && (c == '-' || (c >= '0' && c <= '9'))) {
      size_t end = i;
      while (end < record.size() && in_number(record[end])) ++end;
      std::string_view text = record.substr(i, end - i);
      bool quote = is_out_of_range(text);
      if (quote) quoted += '"';
      quoted += text;
      if (quote) quoted += '"';
      i = end;
      continue;
    }
    if (c == '"') in_text = !in_text;
    quoted += c;
    ++i;
    if (in_text && c == '\\' && i < record.size()) quoted += record[i++];
  }
  quoted.append(simdjson::SIMDJSON_PADDING, ' ');
}

bool Inference::Parser::is_out_of_range(std::string_view text) {
  constexpr size_t kAlwaysFits = 18;  // so many digits fit long
  if (text.size() <= kAlwaysFits && text.find_first_of("eE") == std::string_view::npos) return false;
  if (!is_json_number(text)) return false;
  number = text;
  number.append(simdjson::SIMDJSON_PADDING, ' ');
  dom::element value;
  return number_json.parse(number.data(), text.size(), false).get(value) != simdjson::SUCCESS;
}

// `depth`: structs and lists that stand around the value.
void Inference::Parser::see(Node& node, const dom::element& value, int depth) {
  switch (value.type()) {
    case dom::element_type::INT64:
      node.see_integer(value.get_int64().value_unsafe());
      break;
    case dom::element_type::UINT64:
      // Beyond long: text, exactly; or a double where a column is one already.
      node.see_double(static_cast<double>(value.get_uint64().value_unsafe()));
      node.seen |= kSeenText;
      break;
    case dom::element_type::DOUBLE:
      node.see_double(value.get_double().value_unsafe());
      break;
    case dom::element_type::STRING:
      node.see_text(value.get_string().value_unsafe());
      break;
    case dom::element_type::BOOL:
      node.seen |= kSeenBoolean;
      break;
    case dom::element_type::NULL_VALUE:
      break;
    case dom::element_type::OBJECT:
      see_object(node, value.get_object().value_unsafe(), depth);
      break;
    case dom::element_type::ARRAY:
      see_array(node, value.get_array().value_unsafe(), depth);
      break;
  }
}

void Inference::Parser::see_object(Node& node, const dom::object& object, int depth) {
  bool root = depth < 0;
  uint64_t number_of_object = ++objects;
  size_t next = 0;  // records of a stream mostly have their fields in the same order
  for (auto [name, value] : object) {
    node.seen |= kSeenObject;
    if (node.crowded || depth >= limits.nested_depth_max) return;
    Node* child = nullptr;
    if (next < node.children.size() && node.children[next].name == name) {
      child = &node.children[next];
    } else {
      child = field(node, name, root);
      if (!child) continue;
    }
    next = static_cast<size_t>(child - node.children.data()) + 1;
    if (child->object == number_of_object) continue;  // a repeat
    child->object = number_of_object;
    see(*child, value, depth + 1);
  }
}

void Inference::Parser::see_array(Node& node, const dom::array& array, int depth) {
  if (array.begin() == array.end()) return;
  node.seen |= kSeenArray;
  if (depth >= limits.nested_depth_max) return;
  Node* items = element(node);
  if (!items) return;
  for (const dom::element& value : array) see(*items, value, depth + 1);
}

// The child of that name, made when there is none; null when it can't be.
Node* Inference::Parser::field(Node& node, std::string_view name, bool root) {
  uint32_t place = node.find(name);
  return place != Node::kNone ? &node.children[place] : add_field(node, name, root);
}

Node* Inference::Parser::add_field(Node& node, std::string_view name, bool root) {
  if (!can_be_field_name(name, static_cast<size_t>(limits.column_name_bytes_max))) return nullptr;
  if (root && is_reserved_column(name)) return nullptr;
  int children_max = root ? limits.columns_max : limits.struct_fields_max;
  if (node.children.size() >= static_cast<size_t>(children_max)) {
    if (!root) crowd(node);
    return nullptr;
  }
  if (fields >= kInferenceFieldsMax) return nullptr;
  ++fields;
  return &node.children[node.add(name)];
}

Node* Inference::Parser::element(Node& node) {
  if (node.element.empty()) {
    if (fields >= kInferenceFieldsMax) return nullptr;
    ++fields;
    node.element.emplace_back().name = "element";
  }
  return &node.element.front();
}

void Inference::Parser::crowd(Node& node) {
  for (const Node& child : node.children) fields -= child.count();
  node.forget_children();
  node.crowded = true;
}

void Inference::Parser::merge(Node& into, const Node& from, bool root) {
  into.merge_own(from);
  if (from.crowded && !into.crowded) crowd(into);
  for (const Node& child : from.children) {
    if (into.crowded) break;
    if (Node* same = field(into, child.name, root)) merge(*same, child, false);
  }
  if (from.element.empty()) return;
  if (Node* items = element(into)) merge(*items, from.element.front(), false);
}

Inference::Inference(const RecordLimits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>(limits)), root_(std::make_unique<Node>()) {}

Inference::Inference(Inference&&) noexcept = default;
Inference& Inference::operator=(Inference&&) noexcept = default;
Inference::~Inference() = default;

void Inference::observe(std::string_view record) {
  dom::object object;
  if (parser_->parse(record, object)) parser_->see_object(*root_, object, -1);
}

void Inference::merge(const Inference& other) {
  parser_->merge(*root_, *other.root_, true);
}

bool Inference::empty() const {
  return std::none_of(root_->children.begin(), root_->children.end(),
                      [](const Node& child) { return child.seen != 0; });
}

const Inference::Node& Inference::root() const {
  return *root_;
}
Inference::Node& Inference::root() {
  return *root_;
}

}  // namespace tarn::columns
