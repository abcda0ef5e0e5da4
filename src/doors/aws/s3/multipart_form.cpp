#include "doors/aws/s3/multipart_form.h"

#include <algorithm>
#include <cstring>

#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

// The value of `; name="value"` in a header's value.
std::optional<std::string> parameter(std::string_view text, std::string_view wanted) {
  size_t at = text.find(';');
  while (at != std::string_view::npos && at < text.size()) {
    ++at;
    size_t equals = text.find_first_of("=;", at);
    if (equals == std::string_view::npos) return std::nullopt;
    std::string name = lower(trim(text.substr(at, equals - at)));
    at = equals;
    if (text[equals] == ';') continue;
    std::string value;
    size_t begin = text.find_first_not_of(" \t", equals + 1);
    if (begin != std::string_view::npos && text[begin] == '"') {
      for (at = begin + 1; at < text.size() && text[at] != '"'; ++at) {
        // Browsers escape quotes only, and send "C:\dir\file" as it is.
        bool escape =
            text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
        if (escape) ++at;
        value += text[at];
      }
      if (at >= text.size()) return std::nullopt;  // the quote isn't closed
      at = text.find(';', at);
    } else {
      at = text.find(';', equals);
      value = trim(text.substr(equals + 1, at == std::string_view::npos ? at : at - equals - 1));
    }
    if (name == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> MultipartForm::boundary_of(std::string_view content_type) {
  if (lower(trim(content_type.substr(0, content_type.find(';')))) != "multipart/form-data")
    return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryBytesMax) return std::nullopt;
  return boundary;
}

// The buffer begins with a line's end, so that the first delimiter is like the others.
MultipartForm::MultipartForm(Source source, std::string_view boundary)
    : source_(std::move(source)),
      delimiter_("\r\n--" + std::string(boundary)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {
  std::memcpy(buffer_.get(), "\r\n", 2);
  end_ = 2;
}

Result<bool> MultipartForm::more() {
  if (source_ended_) return false;
  if (begin_ > 0 && (begin_ == end_ || end_ == kBufferBytes)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  TARN_CHECK(end_ < kBufferBytes);  // whoever asks for more has at most a head or a delimiter in hand
  TARN_ASSIGN(size_t got, source_({buffer_.get() + end_, kBufferBytes - end_}));
  end_ += got;
  source_ended_ = got == 0;
  return !source_ended_;
}

Result<size_t> MultipartForm::available() {
  while (in_part_) {
    std::string_view data = held();
    size_t from = searched_ >= delimiter_.size() ? searched_ - delimiter_.size() + 1 : 0;
    size_t found = data.find(delimiter_, from);
    if (found == 0) {
      begin_ += delimiter_.size();
      searched_ = 0;
      in_part_ = false;
      break;
    }
    if (found != std::string_view::npos) {
      searched_ = found;
      return found;
    }
    searched_ = data.size();
    // The last bytes may be the beginning of a delimiter.
    if (data.size() >= delimiter_.size()) return data.size() - delimiter_.size() + 1;
    TARN_ASSIGN(bool came, more());
    if (!came) return fail(Code::kInvalid, "the form ends before its last boundary");
  }
  return 0;
}

Result<size_t> MultipartForm::read(std::span<char> out) {
  if (finished_ || !in_part_ || out.empty()) return 0;
  TARN_ASSIGN(size_t there, available());
  size_t n = std::min(there, out.size());
  if (n > 0) std::memcpy(out.data(), buffer_.get() + begin_, n);
  begin_ += n;
  searched_ -= std::min(searched_, n);
  return n;
}

Result<std::string> MultipartForm::line(size_t& bytes_left) {
  size_t searched = 0;
  while (true) {
    std::string_view data = held();
    size_t found = data.find("\r\n", searched > 0 ? searched - 1 : 0);
    if (std::min(found, data.size()) > bytes_left) {
      return fail(Code::kTooLarge, "the head of a form's part is too long");
    }
    if (found != std::string_view::npos) {
      std::string out(data.substr(0, found));
      bytes_left -= found;
      begin_ += found + 2;
      return out;
    }
    searched = data.size();
    TARN_ASSIGN(bool came, more());
    if (!came) return fail(Code::kInvalid, "the form ends in the head of a part");
  }
}

Result<FormPart> MultipartForm::head(size_t bytes_left) {
  FormPart part;
  bool named = false;
  while (true) {
    TARN_ASSIGN(std::string header, line(bytes_left));
    if (header.empty()) break;
    size_t colon = header.find(':');
    if (colon == std::string::npos) return fail(Code::kInvalid, "a header of the form's part has no colon");
    std::string name = lower(trim(std::string_view(header).substr(0, colon)));
    std::string_view value = trim(std::string_view(header).substr(colon + 1));
    if (name == "content-type") part.content_type = value;
    if (name != "content-disposition") continue;
    auto field = parameter(value, "name");
    if (!field) return fail(Code::kInvalid, "a part of the form has no name");
    part.name = *field;
    part.filename = parameter(value, "filename");
    named = true;
  }
  if (!named) return fail(Code::kInvalid, "a part of the form has no Content-Disposition");
  return part;
}

Result<std::optional<FormPart>> MultipartForm::next() {
  if (finished_) return std::nullopt;
  while (in_part_) {  // what is left of the part before
    TARN_ASSIGN(size_t there, available());
    begin_ += there;
    searched_ -= std::min(searched_, there);
  }
  size_t bytes_left = kHeadBytesMax;
  while (held().size() < 2) {
    TARN_ASSIGN(bool came, more());
    if (!came) return fail(Code::kInvalid, "the form ends at a boundary");
  }
  if (held().starts_with("--")) {
    finished_ = true;
    return std::nullopt;
  }
  TARN_ASSIGN(std::string rest, line(bytes_left));
  if (!trim(rest).empty()) return fail(Code::kInvalid, "a boundary of the form has more behind it");
  TARN_ASSIGN(FormPart part, head(bytes_left));
  in_part_ = true;
  searched_ = 0;
  return part;
}

}  // namespace tarn::aws::s3
