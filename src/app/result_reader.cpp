#include "app/result_reader.h"

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/json_text.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

constexpr size_t kHeadBytesMax = 16u << 20;

std::unexpected<Error> no_result() {
  return fail(Code::kInternal, "the answer is no result of a query: is that the address of a lake?");
}

// "[1,\"a\",[2,3]]" → the text of each value at the top.
std::vector<std::string_view> split_values(std::string_view row) {
  std::vector<std::string_view> values;
  row = row.substr(1, row.size() - 2);
  size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < row.size(); ++at) {
    char c = row[at];
    if (quoted) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      values.push_back(row.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  if (!row.empty()) values.push_back(row.substr(begin));
  return values;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::optional<std::string> value_text(std::string_view raw) {
  raw = trim(raw);
  if (raw == "null") return std::nullopt;
  if (raw.starts_with('"')) {
    if (auto parsed = parse_json(raw); parsed && parsed->is_string())
      return std::string(parsed->get_string());
  }
  return std::string(raw);
}

}  // namespace

// Follows quotes; true while inside of a string, its closing quote included.
bool ResultReader::in_text(char c) {
  if (!quoted_) {
    quoted_ = c == '"';
    return quoted_;
  }
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    quoted_ = false;
  }
  return true;
}

Status ResultReader::feed(std::string_view bytes) {
  for (char c : bytes) {
    if (state_ == State::kDone) return {};
    TARN_TRY(state_ == State::kHead ? head_byte(c) : row_byte(c));
  }
  return {};
}

Status ResultReader::head_byte(char c) {
  if (text_.size() >= kHeadBytesMax) return no_result();
  text_ += c;
  if (in_text(c)) return {};
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  // The head ends with `"rows":[`: the second bracket that is open at depth 2 and follows that key.
  if (c != '[' || depth_ != 2) return {};
  std::string_view before = trim(std::string_view(text_).substr(0, text_.size() - 1));
  if (!before.ends_with(':')) return {};
  before = trim(before.substr(0, before.size() - 1));
  if (!before.ends_with("\"rows\"")) return {};
  TARN_TRY(read_columns());
  state_ = State::kRows;
  text_.clear();
  depth_ = 0;
  return {};
}

Status ResultReader::read_columns() {
  auto head = parse_json(text_ + "]}");
  if (!head || !head->is_object()) return no_result();
  const json::array* columns = array_at(head->get_object(), "columns");
  if (columns == nullptr) return no_result();
  std::vector<TableColumn> read;
  for (const json::value& column : *columns) {
    if (!column.is_object()) return no_result();
    read.push_back({text_at(column.get_object(), "name"), text_at(column.get_object(), "type")});
  }
  columns_ = read.size();
  return on_columns_(read);
}

Status ResultReader::row_byte(char c) {
  if (depth_ > 0) text_ += c;
  if (in_text(c)) return {};
  if (c == '[' || c == '{') {
    if (depth_ == 0) text_ = c;
    ++depth_;
  } else if (c == ']' || c == '}') {
    if (depth_ == 0) {
      state_ = State::kDone;
      return {};
    }
    if (--depth_ == 0) return end_row();
  }
  return {};
}

Status ResultReader::end_row() {
  if (!text_.starts_with('[')) return no_result();
  std::vector<std::string_view> values = split_values(text_);
  if (values.size() != columns_) return no_result();
  TableRow row;
  row.reserve(values.size());
  for (std::string_view value : values) row.push_back(value_text(value));
  text_.clear();
  return on_row_(std::move(row));
}

Status ResultReader::finish() const {
  if (state_ == State::kDone) return {};
  return no_result();
}

}  // namespace tarn::app
