#include "doors/http/record_splitter.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

namespace tarn::http {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool blank(std::string_view line) {
  return line.find_first_not_of(kBlank) == std::string_view::npos;
}

}  // namespace

LineSplitter::LineSplitter(RecordSink& sink, size_t buffer_bytes, size_t record_bytes_max)
    : sink_(sink), record_bytes_max_(record_bytes_max) {
  resize(std::max<size_t>(buffer_bytes, 16));
}

void LineSplitter::resize(size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity + kPaddingBytes);
  if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
  std::memset(larger.get() + capacity, 0, kPaddingBytes);
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

Status LineSplitter::line(size_t begin, size_t end) {
  std::string_view text(buffer_.get() + begin, end - begin);
  if (first_line_ && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty() || (static_cast<unsigned char>(text.front()) <= ' ' && blank(text))) return {};
  if (text.size() > record_bytes_max_) return sink_.oversized();
  return sink_.record(text);
}

Status LineSplitter::added(size_t bytes) {
  end_ += bytes;
  while (scanned_ < end_) {
    auto* found = static_cast<const char*>(std::memchr(buffer_.get() + scanned_, '\n', end_ - scanned_));
    if (found == nullptr) {
      scanned_ = end_;
      break;
    }
    size_t at = static_cast<size_t>(found - buffer_.get());
    if (skipping_) {
      skipping_ = false;
    } else {
      TARN_TRY(line(begin_, at));
    }
    begin_ = scanned_ = at + 1;
  }
  return end_ == capacity_ ? make_room() : Status{};
}

Status LineSplitter::make_room() {
  TARN_TRY(sink_.flush());
  size_t partial = end_ - begin_;
  // One byte more than the limit may be the CR of a line that is within it, three the byte order mark.
  if (!skipping_ && partial > record_bytes_max_ + 1 + kByteOrderMark.size()) {
    skipping_ = true;
    first_line_ = false;
    TARN_TRY(sink_.oversized());
  }
  if (skipping_) {
    partial = 0;
  } else if (partial > capacity_ / 2) {
    resize(capacity_ * 2);
  }
  if (partial > 0) std::memmove(buffer_.get(), buffer_.get() + begin_, partial);
  begin_ = 0;
  scanned_ = end_ = partial;
  return {};
}

Status LineSplitter::finish() {
  if (!skipping_ && begin_ < end_) TARN_TRY(line(begin_, end_));
  begin_ = end_;
  return {};
}

namespace {

Error json_error(std::string_view what, simdjson::error_code code) {
  return {Code::kInvalid,
          fmt::format("{}: {}. NDJSON, one record a line, has the content type application/x-ndjson", what,
                      simdjson::error_message(code)),
          0};
}

Result<std::vector<std::string_view>> split_lines(std::string_view body) {
  std::vector<std::string_view> out;
  while (!body.empty()) {
    size_t end = body.find('\n');
    std::string_view record = trimmed(body.substr(0, end));
    if (!record.empty()) out.push_back(record);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
  }
  return out;
}

Result<std::vector<std::string_view>> split_array(simdjson::ondemand::document& document) {
  std::vector<std::string_view> out;
  simdjson::ondemand::array array;
  if (auto code = document.get_array().get(array)) return fail(json_error("the body is no JSON array", code));
  for (auto item : array) {
    simdjson::ondemand::value value;
    std::string_view raw;
    auto code = item.get(value);
    if (!code) code = simdjson::to_json_string(value).get(raw);
    if (code)
      return fail(json_error(fmt::format("the JSON array is broken at element {}", out.size()), code));
    out.push_back(trimmed(raw));
  }
  if (!document.current_location().error())
    return fail(Code::kInvalid, "after the end of the JSON array there must be nothing more");
  return out;
}

// The object that `text` begins with, as it was written.
Result<std::string_view> first_object(simdjson::ondemand::parser& parser, std::string_view text) {
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  std::string_view raw;
  auto code = parser.iterate(text.data(), text.size(), text.size() + kPaddingBytes).get(document);
  if (!code) code = document.get_object().get(object);
  if (!code) code = object.raw_json().get(raw);
  if (code) return fail(json_error("the body is no JSON object", code));
  return trimmed(raw);
}

}  // namespace

Result<std::vector<std::string_view>> split_json(std::string_view body) {
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  std::string_view text = trimmed(body);
  if (text.empty()) return std::vector<std::string_view>{};
  simdjson::ondemand::parser parser;
  if (text.front() == '[') {
    simdjson::ondemand::document document;
    if (auto code = parser.iterate(text.data(), text.size(), text.size() + kPaddingBytes).get(document))
      return fail(json_error("the body is no JSON", code));
    return split_array(document);
  }
  if (text.front() != '{')
    return fail(Code::kInvalid, "the body is neither a JSON array of records nor one record, a JSON object");

  std::string_view line = trimmed(text.substr(0, text.find('\n')));
  if (line.size() < text.size()) {
    auto first = first_object(parser, line);
    if (first && first->size() == line.size()) return split_lines(text);
  }
  TARN_ASSIGN(std::string_view object, first_object(parser, text));
  if (object.size() < text.size())
    return fail(Code::kInvalid,
                "after the end of the JSON object there must be nothing more: send many records as "
                "an array, or as NDJSON, one a line");
  return std::vector<std::string_view>{object};
}

}  // namespace tarn::http
