#include "app/json_text.h"

#include <boost/json.hpp>
#include <fmt/core.h>

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr size_t kLineMax = 100;

bool flat(const json::value& value) {
  auto simple = [](const json::value& v) { return !v.is_object() && !v.is_array(); };
  if (const auto* array = value.if_array()) return std::ranges::all_of(*array, simple);
  if (const auto* object = value.if_object()) {
    return object->size() <= 1 &&
           std::ranges::all_of(*object, [&](const auto& kv) { return simple(kv.value()); });
  }
  return true;
}

std::string one_line(const json::value& value) {
  std::string out;
  if (const auto* array = value.if_array()) {
    for (const json::value& item : *array) out += (out.empty() ? "" : ", ") + one_line(item);
    return "[" + out + "]";
  }
  if (const auto* object = value.if_object()) {
    if (object->empty()) return "{}";
    for (const auto& [key, item] : *object) {
      out += (out.empty() ? "" : ", ") + json::serialize(json::value(key)) + ": " + one_line(item);
    }
    return "{ " + out + " }";
  }
  return json::serialize(value);
}

void write(const json::value& value, size_t indent, std::string& out) {
  if (flat(value)) {
    std::string line = one_line(value);
    if (line.size() + indent <= kLineMax || (!value.is_array() && !value.is_object())) {
      out += line;
      return;
    }
  }
  std::string blanks(indent + 2, ' ');
  bool first = true;
  auto next = [&] {
    out += first ? "\n" : ",\n";
    out += blanks;
    first = false;
  };
  if (const auto* array = value.if_array()) {
    out += "[";
    for (const json::value& item : *array) {
      next();
      write(item, indent + 2, out);
    }
    out += "\n" + std::string(indent, ' ') + "]";
  } else {
    out += "{";
    for (const auto& [key, item] : value.get_object()) {
      next();
      out += json::serialize(json::value(key)) + ": ";
      write(item, indent + 2, out);
    }
    out += "\n" + std::string(indent, ' ') + "}";
  }
}

}  // namespace

std::string pretty_json(const json::value& value) {
  std::string out;
  write(value, 0, out);
  return out;
}

Result<json::value> parse_json(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error) return fail(Code::kInvalid, fmt::format("this is no JSON: {}", error.message()));
  return value;
}

std::string text_at(const json::object& object, std::string_view key, std::string_view otherwise) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::string(otherwise);
  return std::string(value->get_string());
}

int64_t integer_at(const json::object& object, std::string_view key, int64_t otherwise) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return otherwise;
  if (const auto* i = value->if_int64()) return *i;
  if (const auto* u = value->if_uint64()) return static_cast<int64_t>(*u);
  if (const auto* d = value->if_double()) return static_cast<int64_t>(*d);
  return otherwise;
}

double number_at(const json::object& object, std::string_view key, double otherwise) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return otherwise;
  if (const auto* d = value->if_double()) return *d;
  if (const auto* i = value->if_int64()) return static_cast<double>(*i);
  if (const auto* u = value->if_uint64()) return static_cast<double>(*u);
  return otherwise;
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace tarn::app
