// JSON text that was checked, as text again: strings without their escapes, values without white space.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tarn::columns {

// What a checked JSON string says, given what stands between its quotes.
std::string unescaped(std::string_view raw);

// The text of the value between two tokens, without white space between its own: a view of the text itself
// when there is none, else of `scratch`, which is overwritten. REQUIRES: checked text; `after` is the token
// after the value.
std::string_view compact(const char* base, const uint32_t* value, const uint32_t* after,
                         std::string& scratch);

// UTF-8 text as it must stand in a JSON string, and the same with its quotes.
void append_escaped(std::string_view text, std::string& out);
void append_quoted(std::string_view text, std::string& out);

}  // namespace tarn::columns
