// Forms as browsers send them, in pieces of every size.
#include "doors/aws/s3/multipart_form.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace tarn::aws::s3 {
namespace {

struct Got {
  std::vector<std::pair<std::string, std::string>> parts;
  std::optional<Code> error;
  bool operator==(const Got&) const = default;
};

Got read_all(std::string_view body, std::string_view boundary, size_t piece, size_t step = 1000) {
  size_t at = 0;
  MultipartForm form(
      [&](std::span<char> out) -> Result<size_t> {
        size_t n = std::min({out.size(), body.size() - at, piece});
        std::memcpy(out.data(), body.data() + at, n);
        at += n;
        return n;
      },
      boundary);
  Got got;
  std::vector<char> buffer(step);
  while (true) {
    auto part = form.next();
    if (!part) {
      got.error = part.error().code;
      return got;
    }
    if (!*part) return got;
    got.parts.emplace_back((*part)->name + ((*part)->filename ? "|" + *(*part)->filename : ""), "");
    while (true) {
      auto n = form.read(buffer);
      if (!n) {
        got.error = n.error().code;
        return got;
      }
      if (*n == 0) break;
      got.parts.back().second.append(buffer.data(), *n);
    }
  }
}

constexpr std::string_view kBody =
    "preamble\r\n--XX\r\n"
    "Content-Disposition: form-data; name=\"key\"\r\n\r\n"
    "user/${filename}\r\n--XX\r\n"
    "content-disposition: form-data; name=empty\r\n\r\n"
    "\r\n--XX\r\n"
    "Content-Disposition: form-data; filename=\"C:\\dir\\a \\\"b\\\".txt\"; name=\"file\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "one\r\n-\r\n--X\r\n--\r\ntwo\r\n--XX--\r\nepilogue";

TEST(MultipartForm, IsTheSameInPiecesOfEverySize) {
  Got expected{{{"key", "user/${filename}"},
                {"empty", ""},
                {"file|C:\\dir\\a \"b\".txt", "one\r\n-\r\n--X\r\n--\r\ntwo"}},
               std::nullopt};
  for (size_t piece = 1; piece <= kBody.size(); ++piece) {
    EXPECT_EQ(read_all(kBody, "XX", piece), expected) << piece;
    EXPECT_EQ(read_all(kBody, "XX", piece, 1), expected) << piece;
  }
}

TEST(MultipartForm, StreamsFilesLargerThanItsBuffer) {
  std::string file(3 * MultipartForm::kBufferBytes + 17, 'x');
  for (size_t i = 0; i < file.size(); i += 97)
    std::memcpy(file.data() + i, "\r\n--B", std::min<size_t>(5, file.size() - i));
  std::string body =
      "--BB\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n" + file + "\r\n--BB--\r\n";
  for (size_t piece : {1000ul, 65'536ul, 1'000'000ul}) {
    Got got = read_all(body, "BB", piece, 5000);
    ASSERT_EQ(got.parts.size(), 1u);
    EXPECT_TRUE(got.parts[0].second == file) << piece;
    EXPECT_FALSE(got.error);
  }
}

TEST(MultipartForm, RefusesWhatIsNone) {
  const std::string head = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  struct Case {
    std::string body;
    Code code;
  };
  const Case cases[] = {
      {"", Code::kInvalid},
      {"--XX", Code::kInvalid},
      {"--XX\r\n", Code::kInvalid},
      {head + "text", Code::kInvalid},
      {head + "text\r\n--XX", Code::kInvalid},
      {head + "text\r\n--XXY--", Code::kInvalid},
      {"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--", Code::kInvalid},
      {"--XX\r\nContent-Disposition: form-data; name=\"open\r\n\r\n\r\n--XX--", Code::kInvalid},
      {"--XX\r\nnothing\r\n\r\n\r\n--XX--", Code::kInvalid},
      {"--XX\r\nContent-Type: text/plain\r\n\r\n\r\n--XX--", Code::kInvalid},
      {"--XX\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n\r\n--XX--", Code::kTooLarge},
  };
  for (const Case& c : cases) {
    Got got = read_all(c.body, "XX", 7);
    ASSERT_TRUE(got.error) << c.body.substr(0, 80);
    EXPECT_EQ(*got.error, c.code) << c.body.substr(0, 80);
  }
}

TEST(MultipartForm, FindsItsBoundary) {
  EXPECT_EQ(MultipartForm::boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(MultipartForm::boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b;c\""), "a b;c");
  EXPECT_FALSE(MultipartForm::boundary_of("multipart/form-data"));
  EXPECT_FALSE(MultipartForm::boundary_of("multipart/form-data; boundary="));
  EXPECT_FALSE(MultipartForm::boundary_of("multipart/mixed; boundary=abc"));
  EXPECT_FALSE(MultipartForm::boundary_of("multipart/form-data; boundary=" + std::string(300, 'x')));
  EXPECT_FALSE(MultipartForm::boundary_of(""));
}

}  // namespace
}  // namespace tarn::aws::s3
