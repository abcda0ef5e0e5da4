#include "app/statement_splitter.h"

#include <cctype>

namespace tarn::app {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// "$$" or "$tag$" at `at`; empty when it is neither.
std::string_view dollar_tag(std::string_view line, size_t at) {
  size_t end = at + 1;
  while (end < line.size() && is_word(line[end])) ++end;
  bool parameter = end > at + 1 && std::isdigit(static_cast<unsigned char>(line[at + 1])) != 0;
  if (end >= line.size() || line[end] != '$' || parameter) return {};
  return line.substr(at, end + 1 - at);
}

}  // namespace

void StatementSplitter::take(std::string_view line, size_t at, size_t bytes) {
  text_ += line.substr(at, bytes);
}

size_t StatementSplitter::step_plain(std::string_view line, size_t at) {
  char c = line[at];
  char next = at + 1 < line.size() ? line[at + 1] : '\0';
  if (c == ';') {
    complete_ = true;
    return at + 1;
  }
  size_t bytes = 1;
  if (c == '-' && next == '-') {
    state_ = State::kLineComment;
  } else if (c == '/' && next == '*') {
    state_ = State::kBlockComment;
    comment_depth_ = 1;
    bytes = 2;
  } else {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) has_content_ = true;
    if (c == '\'') {
      bool escapes = !text_.empty() && (text_.back() == 'e' || text_.back() == 'E') &&
                     (text_.size() == 1 || !is_word(text_[text_.size() - 2]));
      state_ = escapes ? State::kEscapedText : State::kText;
    } else if (c == '"') {
      state_ = State::kName;
    } else if (c == '$' && (text_.empty() || !is_word(text_.back()))) {
      if (std::string_view tag = dollar_tag(line, at); !tag.empty()) {
        state_ = State::kDollar;
        dollar_ = tag;
        bytes = tag.size();
      }
    }
  }
  take(line, at, bytes);
  return at + bytes;
}

size_t StatementSplitter::step(std::string_view line, size_t at) {
  char c = line[at];
  std::string_view two = line.substr(at, 2);
  size_t bytes = 1;
  switch (state_) {
    case State::kPlain:
      return step_plain(line, at);
    case State::kText:
      if (c == '\'') state_ = State::kPlain;  // a doubled quote opens it again at once
      break;
    case State::kEscapedText:
      if ((c == '\\' && two.size() == 2) || two == "''") {
        bytes = 2;
      } else if (c == '\'') {
        state_ = State::kPlain;
      }
      break;
    case State::kName:
      if (c == '"') state_ = State::kPlain;
      break;
    case State::kLineComment:
      if (c == '\n') state_ = State::kPlain;
      break;
    case State::kBlockComment:
      if (two == "/*" || two == "*/") {
        comment_depth_ += two == "/*" ? 1 : -1;
        bytes = 2;
        if (comment_depth_ == 0) state_ = State::kPlain;
      }
      break;
    case State::kDollar:
      if (line.substr(at, dollar_.size()) == dollar_) {
        bytes = dollar_.size();
        state_ = State::kPlain;
      }
      break;
  }
  take(line, at, bytes);
  return at + bytes;
}

std::vector<std::string> StatementSplitter::feed(std::string_view line) {
  std::string with_newline = std::string(line) + "\n";
  std::vector<std::string> statements;
  for (size_t at = 0; at < with_newline.size();) {
    at = step(with_newline, at);
    if (!complete_) continue;
    if (has_content_) statements.push_back(text_);
    clear();
  }
  if (!has_content_ && state_ == State::kPlain) text_.clear();
  return statements;
}

std::string StatementSplitter::take_rest() {
  std::string rest = has_content_ ? text_ : "";
  clear();
  return rest;
}

void StatementSplitter::clear() {
  state_ = State::kPlain;
  comment_depth_ = 0;
  dollar_.clear();
  text_.clear();
  has_content_ = false;
  complete_ = false;
}

}  // namespace tarn::app
