#include "columns/csv.h"

#include <algorithm>

#include "columns/scalar.h"

namespace tarn::columns {
namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";

void append_json_text(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t written = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, written, i - written);
    written = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, written);
  out += '"';
}

bool is_bare_json(std::string_view text) {
  char c = text[0];
  if (c == '-' || (c >= '0' && c <= '9')) return is_json_number(text);
  return text == "true" || text == "false";
}

std::string at_line(uint64_t line) {
  return "CSV line " + std::to_string(line) + ": ";
}

}  // namespace

CsvReader::CsvReader(Sink sink, size_t row_bytes_max, char separator)
    : sink_(std::move(sink)), row_bytes_max_(row_bytes_max), separator_(separator) {
  TARN_CHECK(separator != '"' && separator != '\n' && separator != '\r');
  row_.emplace_back();
}

Status CsvReader::feed(std::string_view bytes) {
  if (!marked_) TARN_TRY(skip_mark(bytes));
  return rows(bytes);
}

// Holds the first bytes back until they are known to be a byte order mark or not one.
Status CsvReader::skip_mark(std::string_view& bytes) {
  while (!bytes.empty() && mark_.size() < kUtf8Mark.size()) {
    mark_ += bytes.front();
    bytes.remove_prefix(1);
    if (mark_ == "\xff\xfe" || mark_ == "\xfe\xff")
      return fail(Code::kInvalid, "CSV in UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
    bool may_be_utf16 = mark_ == "\xff" || mark_ == "\xfe";
    if (!may_be_utf16 && !kUtf8Mark.starts_with(mark_)) break;
  }
  if (mark_.size() < kUtf8Mark.size() && bytes.empty() &&
      (kUtf8Mark.starts_with(mark_) || mark_ == "\xff" || mark_ == "\xfe"))
    return {};
  marked_ = true;
  std::string first = std::move(mark_);
  return first == kUtf8Mark ? Status() : rows(first);
}

Status CsvReader::rows(std::string_view bytes) {
  size_t kept = 0;  // bytes before it are in raw_
  for (size_t i = 0; i < bytes.size();) {
    if (state_ == State::kAfterCr) {
      state_ = State::kStart;
      if (bytes[i] == '\n') {
        kept = ++i;
        continue;
      }
    }
    if (size_t plain = run(bytes.substr(i)); plain > 0) {
      i += plain;
      continue;
    }
    char c = bytes[i++];
    bool ends_row = (c == '\n' || c == '\r') && state_ != State::kQuoted;
    if (ends_row) {
      TARN_TRY(keep_raw(bytes.substr(kept, i - 1 - kept)));
      kept = i;
    }
    TARN_TRY(step(c));
  }
  return keep_raw(bytes.substr(kept));
}

// The usual bytes of a value, many at once.
size_t CsvReader::run(std::string_view bytes) {
  size_t n = 0;
  if (state_ != State::kPlain && state_ != State::kQuoted) return 0;
  if (state_ == State::kPlain) {
    while (n < bytes.size() && bytes[n] != separator_ && bytes[n] != '\n' && bytes[n] != '\r') ++n;
  } else {
    while (n < bytes.size() && bytes[n] != '"') {
      if (bytes[n] == '\n') ++line_;
      ++n;
    }
  }
  value().text.append(bytes, 0, n);
  return n;
}

Status CsvReader::step(char c) {
  bool ends_value = c == separator_ || c == '\n' || c == '\r';
  switch (state_) {
    case State::kAfterCr:
    case State::kStart:
      if (ends_value) return end_value(c);
      if (c == '"') {
        value().quoted = true;
        state_ = State::kQuoted;
        return {};
      }
      value().text += c;
      state_ = State::kPlain;
      return {};
    case State::kPlain:
      return end_value(c);  // run() took all others
    case State::kQuoted:
      state_ = State::kQuoteInQuoted;
      return {};
    case State::kQuoteInQuoted:
      if (ends_value) return end_value(c);
      value().text += c;
      state_ = c == '"' ? State::kQuoted : State::kPlain;
      text_behind_quote_ |= c != '"';
      return {};
  }
  return {};
}

Status CsvReader::end_value(char c) {
  ++values_;
  if (c == separator_) {
    if (header_.empty() && values_ > kCsvColumnsMax)
      return fail(Code::kTooLarge, at_line(row_line_) + "the header has more than " +
                                       std::to_string(kCsvColumnsMax) + " columns");
    if (values_ <= slots_max_ && values_ == row_.size()) row_.emplace_back();
    if (values_ > slots_max_) value() = {};
    state_ = State::kStart;
    return {};
  }
  state_ = c == '\r' ? State::kAfterCr : State::kStart;
  TARN_TRY(end_row());
  row_line_ = ++line_;
  return {};
}

Status CsvReader::end_row() {
  bool empty_line = values_ == 1 && row_[0].text.empty() && !row_[0].quoted;
  Status status;
  if (!empty_line) status = header_.empty() ? take_header() : take_row();
  for (size_t i = 0; i < std::min(values_, row_.size()); ++i) {
    row_[i].text.clear();
    row_[i].quoted = false;
  }
  values_ = 0;
  raw_.clear();
  text_behind_quote_ = false;
  return status;
}

Status CsvReader::take_header() {
  if (text_behind_quote_)
    return fail(Code::kInvalid, at_line(row_line_) + "text behind a closing quote in the header");
  std::vector<std::string_view> names;
  for (size_t i = 0; i < values_; ++i) {
    std::string_view name = row_[i].text;
    if (name.empty())
      return fail(Code::kInvalid, at_line(row_line_) + "column " + std::to_string(i + 1) +
                                      " has no name: the first line is the header, and names every column");
    names.push_back(name);
    append_json_text(name, header_.emplace_back());
    header_.back() += ':';
  }
  slots_max_ = values_;
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return fail(Code::kInvalid, at_line(row_line_) + "the column \"" + std::string(*twice) +
                                  "\" is in the header twice: give each its own name");
}

Status CsvReader::take_row() {
  if (text_behind_quote_) return bad_row("text behind a closing quote (quotes in quotes are doubled)");
  if (values_ != header_.size())
    return bad_row("the row has " + std::to_string(values_) + (values_ == 1 ? " value" : " values") +
                   ", the header " + std::to_string(header_.size()));
  write_json();
  return sink_.record(json_);
}

void CsvReader::write_json() {
  json_.assign(1, '{');
  for (size_t i = 0; i < values_; ++i) {
    const Value& value = row_[i];
    if (value.text.empty() && !value.quoted) continue;
    if (json_.size() > 1) json_ += ',';
    json_ += header_[i];
    if (!value.text.empty() && is_bare_json(value.text)) {
      json_ += value.text;
    } else {
      append_json_text(value.text, json_);
    }
  }
  json_ += '}';
}

Status CsvReader::bad_row(std::string_view reason) {
  return sink_.bad_row(row_line_, raw_, reason);
}

Status CsvReader::keep_raw(std::string_view bytes) {
  if (bytes.size() > row_bytes_max_ - std::min(raw_.size(), row_bytes_max_))
    return fail(Code::kTooLarge, at_line(row_line_) + "the row is larger than " +
                                     std::to_string(row_bytes_max_) +
                                     " bytes: split it, or look for a quote that is not closed");
  raw_ += bytes;
  return {};
}

Status CsvReader::finish() {
  if (!marked_) {
    marked_ = true;
    TARN_TRY(rows(std::exchange(mark_, {})));
  }
  if (state_ == State::kQuoted)
    return fail(Code::kInvalid, at_line(row_line_) + "a quote is opened in this row and never closed");
  if (raw_.empty()) return {};
  ++values_;
  state_ = State::kStart;
  return end_row();
}

}  // namespace tarn::columns
