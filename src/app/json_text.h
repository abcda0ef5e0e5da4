// JSON for people: indented, keys in their order; and small helpers to read answers of the API.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/error.h"

namespace tarn::app {

// Indented by two blanks; short lists and objects without nesting stay on one line. Ends without a newline.
std::string pretty_json(const boost::json::value& value);

// kInvalid with the place when it is no JSON.
Result<boost::json::value> parse_json(std::string_view text);

// What an answer holds under a key; `otherwise` when it isn't there or is of another type.
std::string text_at(const boost::json::object& object, std::string_view key, std::string_view otherwise = "");
int64_t integer_at(const boost::json::object& object, std::string_view key, int64_t otherwise = 0);
double number_at(const boost::json::object& object, std::string_view key, double otherwise = 0);
// Null when it isn't there or is of another type.
const boost::json::object* object_at(const boost::json::object& object, std::string_view key);
const boost::json::array* array_at(const boost::json::object& object, std::string_view key);

}  // namespace tarn::app
