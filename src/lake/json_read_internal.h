// Members of a JSON object, checked: what is missing or of another type is kCorrupt and named.
//
// Threads: pure functions.
// Fails: kCorrupt with the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/error.h"

namespace tarn::lake {

inline std::unexpected<Error> wrong_member(std::string_view key, std::string_view wanted) {
  return fail(Code::kCorrupt, "\"" + std::string(key) + "\" is missing or is no " + std::string(wanted));
}

inline Result<int64_t> int64_member(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  if (!value || !value->is_int64()) return wrong_member(key, "integer");
  return value->get_int64();
}

inline Result<int> int_member(const boost::json::object& object, std::string_view key) {
  TARN_ASSIGN(int64_t value, int64_member(object, key));
  if (value < INT32_MIN || value > INT32_MAX) return wrong_member(key, "32-bit integer");
  return static_cast<int>(value);
}

inline Result<std::string> text_member(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  if (!value || !value->is_string()) return wrong_member(key, "string");
  return std::string(value->get_string());
}

inline Result<const boost::json::array*> array_member(const boost::json::object& object,
                                                      std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  if (!value || !value->is_array()) return wrong_member(key, "array");
  return &value->get_array();
}

inline Result<const boost::json::object*> object_item(const boost::json::value& value,
                                                      std::string_view what) {
  if (!value.is_object()) return wrong_member(what, "object");
  return &value.get_object();
}

// Absent and null are the same to Iceberg.
inline bool has_member(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value && !value->is_null();
}

}  // namespace tarn::lake
