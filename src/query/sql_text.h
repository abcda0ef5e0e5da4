// Places in the text of a statement: where a table's name ends, where the statement does.
//
// Statements run as they were written, but for names of tables that DuckDB can't resolve by itself; those are
// replaced in the text. (DuckDB can print a syntax tree, but doesn't quote all that it prints: a checked tree can
// become text that is another statement.) What was replaced is parsed and checked again by who replaces.
// Threads: pure functions.
// Source: DuckDB's lexer, which is PostgreSQL's: comments nest, '' within quotes, $tag$ strings, E'' escapes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::query {

// With plain blanks in place of Unicode's, but for quotes and comments to the end of a line, as DuckDB sees to before
// all else: so that its places in a statement are places of this text.
std::string plain_blanks(std::string_view sql);

// A reference to a table: its name, of one part or two, from `begin` to `end`; maybe an alias; maybe AT (…).
struct TableText {
  size_t begin = 0;
  size_t end = 0;
  size_t at_begin = 0;  // of the AT clause; == at_end: there is none
  size_t at_end = 0;
};
// The one that begins at `begin`; nothing if there is no such thing.
std::optional<TableText> table_text(std::string_view sql, size_t begin);

// Are these two words next to each other, outside of quotes and comments? In lower case.
bool has_words(std::string_view sql, std::string_view first, std::string_view second);

// Without the semicolons at its end, and what stands behind them.
std::string_view without_end(std::string_view sql);

}  // namespace tarn::query
