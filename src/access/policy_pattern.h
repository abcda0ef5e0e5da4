// Texts of policies with wildcards and variables, held against texts of requests.
//
// '*' is any run of characters, '?' one character; ${key} stands for the request's value of a condition key, as
// literal text: a '*' in it is no wildcard. ${key, 'default'} has a value where the key is absent; ${*}, ${?} and
// ${$} are the characters themselves. A text whose variable has no value (or several) is like nothing.
// Threads: pure functions.
// Fails: check_variables: kInvalid.
// Shapes: `facts` null: ${ means nothing (Version 2008-10-17).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::access {

class Facts;

std::string to_lower(std::string_view text);  // of ASCII letters
bool equal_ignoring_case(std::string_view a, std::string_view b);

// With wildcards.
bool like(std::string_view pattern, std::string_view text, const Facts* facts);
bool like_ignoring_case(std::string_view pattern, std::string_view text);
// Part by part, the six that a ':' divides, so that a '*' stays within its own. A pattern of fewer parts is held
// against the whole.
bool like_arn(std::string_view pattern, std::string_view arn, const Facts* facts);
// Without wildcards: the text with its variables filled in. Nothing: one has no value.
std::optional<std::string> filled_in(std::string_view text, const Facts& facts);

Status check_variables(std::string_view text);
// Where the variable that begins at `from` ends: behind its '}'. npos: nowhere.
size_t variable_end(std::string_view text, size_t from);

}  // namespace tarn::access
