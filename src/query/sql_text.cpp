#include "query/sql_text.h"

#include <algorithm>
#include <cctype>

namespace tarn::query {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_blank(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

// Behind the closing quote; the end of the text when there is none.
size_t end_of_quoted(std::string_view sql, size_t at, bool backslashes) {
  char quote = sql[at];
  for (size_t i = at + 1; i < sql.size(); ++i) {
    if (backslashes && sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      if (i + 1 >= sql.size() || sql[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return sql.size();
}

size_t end_of_comment(std::string_view sql, size_t at) {
  int depth = 0;
  for (size_t i = at; i + 1 < sql.size(); ++i) {
    if (sql[i] == '/' && sql[i + 1] == '*') {
      ++depth;
      ++i;
    } else if (sql[i] == '*' && sql[i + 1] == '/') {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return sql.size();
}

// $tag$…$tag$; a $ that begins none is a character of its own.
size_t end_of_dollar(std::string_view sql, size_t at) {
  size_t tag_end = at + 1;
  while (tag_end < sql.size() && is_word(sql[tag_end])) ++tag_end;
  bool number = at + 1 < sql.size() && std::isdigit(static_cast<unsigned char>(sql[at + 1])) != 0;
  if (tag_end >= sql.size() || sql[tag_end] != '$' || number) return at + 1;
  std::string_view tag = sql.substr(at, tag_end + 1 - at);
  size_t close = sql.find(tag, tag_end + 1);
  return close == std::string_view::npos ? sql.size() : close + tag.size();
}

// Behind the quoted text, string or comment that begins here; `at` itself when none does.
size_t end_of_opaque(std::string_view sql, size_t at) {
  char c = sql[at];
  if (c == '\'') {
    bool escapes = at > 0 && (sql[at - 1] == 'e' || sql[at - 1] == 'E') && (at < 2 || !is_word(sql[at - 2]));
    return end_of_quoted(sql, at, escapes);
  }
  if (c == '"') return end_of_quoted(sql, at, false);
  if (sql.substr(at).starts_with("--")) return std::min(sql.find_first_of("\r\n", at), sql.size());
  if (sql.substr(at).starts_with("/*")) return end_of_comment(sql, at);
  if (c != '$' || (at > 0 && is_word(sql[at - 1]))) return at;
  size_t end = end_of_dollar(sql, at);
  return end == at + 1 ? at : end;
}

// The bytes of a blank of Unicode's, as UTF-8, that begins the text; 0: none does.
size_t unicode_blank(std::string_view text) {
  if (text.starts_with("\xC2\xA0")) return 2;
  if (text.starts_with("\xE2\x80") && text.size() > 2) {
    auto last = static_cast<unsigned char>(text[2]);
    return (last >= 0x80 && last <= 0x8F) || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3 : 0;
  }
  bool other = text.starts_with("\xE2\x81\x9F") || text.starts_with("\xE2\x81\xA0") ||
               text.starts_with("\xE3\x80\x80") || text.starts_with("\xEF\xBB\xBF") ||
               text.starts_with("\xE1\x9A\x80");
  return other ? 3 : 0;
}

struct Token {
  size_t begin = 0;
  size_t end = 0;  // == begin: the end of the text
};

size_t skip_blanks(std::string_view sql, size_t at) {
  while (at < sql.size()) {
    if (is_blank(sql[at])) {
      ++at;
    } else if (sql.substr(at).starts_with("--")) {
      at = std::min(sql.find_first_of("\r\n", at), sql.size());
    } else if (sql.substr(at).starts_with("/*")) {
      at = end_of_comment(sql, at);
    } else {
      return at;
    }
  }
  return sql.size();
}

Token next_token(std::string_view sql, size_t from) {
  size_t at = skip_blanks(sql, from);
  if (at >= sql.size()) return {sql.size(), sql.size()};
  char c = sql[at];
  if (c == '\'' || c == '"') return {at, end_of_quoted(sql, at, false)};
  if (c == '$') return {at, end_of_dollar(sql, at)};
  if (!is_word(c)) return {at, at + 1};
  size_t end = at;
  while (end < sql.size() && (is_word(sql[end]) || sql[end] == '$')) ++end;
  bool escapes = end == at + 1 && (c == 'e' || c == 'E') && end < sql.size() && sql[end] == '\'';
  return {at, escapes ? end_of_quoted(sql, end, true) : end};
}

bool is_name(std::string_view token) {
  return !token.empty() && (token[0] == '"' || is_word(token[0]));
}

bool is(std::string_view token, std::string_view word) {
  return std::ranges::equal(token, word, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
  });
}

// Behind the parenthesis that closes the one at `open`.
std::optional<size_t> end_of_parentheses(std::string_view sql, size_t open) {
  int depth = 0;
  for (Token token = next_token(sql, open); token.begin < token.end; token = next_token(sql, token.end)) {
    if (sql[token.begin] == '(') ++depth;
    if (sql[token.begin] == ')' && --depth == 0) return token.end;
  }
  return std::nullopt;
}

}  // namespace

std::string plain_blanks(std::string_view sql) {
  std::string out;
  out.reserve(sql.size());
  size_t opaque_end = 0;  // up to here nothing is read as SQL
  bool kept = false;      // and is copied as it is: but for comments of the one kind
  for (size_t at = 0; at < sql.size();) {
    if (at >= opaque_end) {
      opaque_end = end_of_opaque(sql, at);
      kept = opaque_end > at && !sql.substr(at).starts_with("/*");
    }
    size_t blank = kept && at < opaque_end ? 0 : unicode_blank(sql.substr(at));
    out += blank == 0 ? sql[at] : ' ';
    at += std::max<size_t>(blank, 1);
  }
  return out;
}

std::optional<TableText> table_text(std::string_view sql, size_t begin) {
  auto text = [&](const Token& token) { return sql.substr(token.begin, token.end - token.begin); };
  Token name = next_token(sql, begin);
  if (begin >= sql.size() || name.begin != begin || !is_name(text(name))) return std::nullopt;
  Token dot = next_token(sql, name.end);
  if (text(dot) == ".") {
    name = next_token(sql, dot.end);
    if (!is_name(text(name))) return std::nullopt;
  }
  TableText out{begin, name.end, name.end, name.end};
  // [AS] [alias] [(columns)] AT (…)
  Token token = next_token(sql, name.end);
  auto is_clause = [&] { return is(text(token), "at") && text(next_token(sql, token.end)) == "("; };
  if (is(text(token), "as")) token = next_token(sql, token.end);
  if (!is_clause() && is_name(text(token))) token = next_token(sql, token.end);
  if (text(token) == "(") {
    auto end = end_of_parentheses(sql, token.begin);
    if (!end) return std::nullopt;
    token = next_token(sql, *end);
  }
  if (!is_clause()) return out;
  auto end = end_of_parentheses(sql, next_token(sql, token.end).begin);
  if (!end) return std::nullopt;
  out.at_begin = token.begin;
  out.at_end = *end;
  return out;
}

bool has_words(std::string_view sql, std::string_view first, std::string_view second) {
  bool after_first = false;
  for (Token token = next_token(sql, 0); token.begin < token.end; token = next_token(sql, token.end)) {
    std::string_view text = sql.substr(token.begin, token.end - token.begin);
    if (after_first && is(text, second)) return true;
    after_first = is(text, first);
  }
  return false;
}

std::string_view without_end(std::string_view sql) {
  size_t end = 0;  // behind the last token that isn't a semicolon
  for (Token token = next_token(sql, 0); token.begin < token.end; token = next_token(sql, token.end)) {
    if (sql[token.begin] != ';') end = token.end;
  }
  return sql.substr(0, end);
}

}  // namespace tarn::query
