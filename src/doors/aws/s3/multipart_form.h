// A multipart/form-data body, read part by part as it arrives, as browsers send forms with files.
//
// Owns: one buffer. Borrows the source.
// Threads: one thread.
// Fails: kInvalid for what is no such body or ends too early; kTooLarge for heads past the limit; what the source
// fails with.
// Shapes: RFC 7578; names in Content-Disposition may be quoted, with \" and \\ in them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::aws::s3 {

struct FormPart {
  std::string name;
  std::optional<std::string> filename;  // of a file
  std::string content_type;             // empty: none
};

class MultipartForm {
 public:
  using Source = std::function<Result<size_t>(std::span<char>)>;  // 0 at the end
  static constexpr size_t kHeadBytesMax = 8 * 1024;               // of one part
  static constexpr size_t kBoundaryBytesMax = 200;
  static constexpr size_t kBufferBytes = 64 * 1024;

  // The boundary in a Content-Type; nothing when it is no multipart/form-data.
  static std::optional<std::string> boundary_of(std::string_view content_type);

  MultipartForm(Source source, std::string_view boundary);
  // The next part; what was not read of the one before is skipped. Nothing: the body has ended as it should.
  Result<std::optional<FormPart>> next();
  // The part's bytes; 0 at its end.
  Result<size_t> read(std::span<char> out);

 private:
  std::string_view held() const { return {buffer_.get() + begin_, end_ - begin_}; }
  Result<bool> more();                           // false: the source has ended
  Result<size_t> available();                    // bytes of this part in the buffer; 0: it has ended
  Result<std::string> line(size_t& bytes_left);  // of a head, without its end
  Result<FormPart> head(size_t bytes_left);

  Source source_;
  const std::string delimiter_;  // "\r\n--boundary"
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t searched_ = 0;  // so many bytes of held() are known to have no delimiter
  bool in_part_ = true;  // before the first delimiter there is a preamble, which is a part nobody sees
  bool finished_ = false;
  bool source_ended_ = false;
};

}  // namespace tarn::aws::s3
