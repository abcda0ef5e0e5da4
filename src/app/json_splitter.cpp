#include "app/json_splitter.h"

#include <fmt/core.h>

namespace tarn::app {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

Status JsonSplitter::feed(std::string_view bytes) {
  for (char c : bytes) {
    TARN_TRY(byte(c));
    if (c == '\n') ++line_;
  }
  return {};
}

Status JsonSplitter::byte(char c) {
  if (!in_record_) return between(c);
  if (quoted_) {
    if (c == '\n' || c == '\r') {
      return fail(Code::kInvalid, fmt::format("line {}: a string goes over the end of the line", line_));
    }
    text_ += c;
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      quoted_ = false;
      if (depth_ == 0) return end_record();
    }
  } else if (depth_ == 0 && (is_blank(c) || c == ',' || c == ']')) {
    TARN_TRY(end_record());
    return between(c);
  } else {
    text_ += c == '\n' || c == '\r' ? ' ' : c;
    quoted_ = c == '"';
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') --depth_;
    if (depth_ == 0 && (c == '}' || c == ']')) return end_record();
    if (depth_ < 0) return fail(Code::kInvalid, fmt::format("line {}: `{}` closes nothing", line_, c));
  }
  if (text_.size() > record_bytes_max_) {
    return fail(Code::kTooLarge,
                fmt::format("line {}: a record is larger than {} bytes", line_, record_bytes_max_));
  }
  return {};
}

Status JsonSplitter::between(char c) {
  if (is_blank(c)) return {};
  if (closed_)
    return fail(Code::kInvalid, fmt::format("line {}: there is text after the array's end", line_));
  if (!begun_ && c == '[') {
    begun_ = in_array_ = true;
    return {};
  }
  begun_ = true;
  if (in_array_ && c == ']') {
    closed_ = true;
    return {};
  }
  if (c == ',') {
    if (!in_array_ || comma_) return fail(Code::kInvalid, fmt::format("line {}: a comma too many", line_));
    comma_ = true;
    return {};
  }
  if (c == ']' || c == '}')
    return fail(Code::kInvalid, fmt::format("line {}: `{}` closes nothing", line_, c));
  comma_ = false;
  in_record_ = true;
  depth_ = 0;
  quoted_ = escaped_ = false;
  text_.clear();
  return byte(c);
}

Status JsonSplitter::end_record() {
  in_record_ = false;
  Status status = record_(text_);
  text_.clear();
  return status;
}

Status JsonSplitter::finish() {
  if (in_record_ && depth_ == 0 && !quoted_) TARN_TRY(end_record());
  if (in_record_)
    return fail(Code::kInvalid, fmt::format("line {}: the text ends inside of a record", line_));
  if (in_array_ && !closed_)
    return fail(Code::kInvalid, fmt::format("line {}: the array is not closed", line_));
  return {};
}

}  // namespace tarn::app
