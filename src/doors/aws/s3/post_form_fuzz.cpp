// HTML forms as a hostile browser sends them: however the bytes arrive, the parts are the same; and the policies
// in them.
//
// Input: a byte that seeds the sizes of the pieces, then the body with the boundary "XX"; or, after a byte of 255,
// a policy document.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "doors/aws/s3/multipart_form.h"
#include "doors/aws/s3/post_policy.h"

namespace {

using namespace tarn;
using aws::s3::MultipartForm;

struct Outcome {
  bool failed = false;
  std::vector<std::string> parts;
};

Outcome take(std::string_view body, uint32_t seed) {
  uint32_t state = seed * 2654435761u + 1;
  auto next_size = [&]() -> size_t {
    if (seed == 0) return 1 << 20;
    state = state * 1103515245u + 12345u;
    return (state >> 16) % 50 + 1;
  };
  MultipartForm form(
      [&](std::span<char> out) -> Result<size_t> {
        size_t n = std::min({out.size(), body.size(), next_size()});
        if (n > 0) std::memcpy(out.data(), body.data(), n);
        body.remove_prefix(n);
        return n;
      },
      "XX");
  Outcome out;
  std::vector<char> buffer(1000);
  while (true) {
    auto part = form.next();
    if (!part || !*part) {
      out.failed = !part;
      return out;
    }
    std::string bytes = (*part)->name + "=";
    while (true) {
      auto n = form.read(std::span(buffer).first(std::min(next_size(), buffer.size())));
      if (!n) {
        out.failed = true;
        return out;
      }
      if (*n == 0) break;
      bytes.append(buffer.data(), *n);
    }
    TARN_CHECK(bytes.find("\r\n--XX") == std::string::npos ||
               (*part)->name.find("--XX") != std::string::npos);
    out.parts.push_back(std::move(bytes));
  }
}

void take_policy(std::string_view text) {
  auto policy = aws::s3::parse_post_policy(text);
  if (!policy) return;
  aws::s3::Fields fields = {{"key", "a"}, {"content-type", "text/plain,image/png"}};
  auto verdict = aws::s3::check_post_policy(*policy, fields, "bucket", Timestamp{0});
  if (!verdict) return;
  // Whatever passes names the bucket and each field.
  TARN_CHECK(policy->conditions.size() >= 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 255) {
    take_policy(bytes);
    return 0;
  }
  Outcome whole = take(bytes, 0);
  Outcome pieces = take(bytes, data[0] + 1u);
  TARN_CHECK(whole.failed == pieces.failed);
  TARN_CHECK(whole.parts == pieces.parts);
  return 0;
}
