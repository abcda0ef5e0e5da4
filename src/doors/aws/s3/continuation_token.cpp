#include "doors/aws/s3/continuation_token.h"

#include <cstdint>

#include "access/base64.h"
#include "base/crc32c.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kCheckBytes = 4;

std::string check_of(std::string_view key) {
  uint32_t crc = crc32c(key.data(), key.size());
  std::string out;
  for (size_t i = 0; i < kCheckBytes; ++i) out += static_cast<char>(crc >> (8 * i) & 0xFF);
  return out;
}

}  // namespace

std::string make_token(std::string_view key) {
  return access::base64url(check_of(key) + std::string(key));
}

std::optional<std::string> read_token(std::string_view token) {
  auto bytes = access::from_base64url(token);
  if (!bytes || bytes->size() <= kCheckBytes) return std::nullopt;
  std::string key = bytes->substr(kCheckBytes);
  if (bytes->substr(0, kCheckBytes) != check_of(key)) return std::nullopt;
  return key;
}

}  // namespace tarn::aws::s3
