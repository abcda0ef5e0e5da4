// The digests that S3 gives objects: MD5 for the ETag, and the five checksums; all taken in one pass.
//
// Threads: a Digests is one thread's; the functions are pure.
// Shapes: a digest is its raw bytes; CRCs are big-endian, as S3 encodes them before base64.
// Source: CRC-64/NVME is the reflected polynomial 0x9A6C9329AC4BC9B5 with initial value and final xor all
// ones; CRC-32C is Castagnoli's, CRC-32 zlib's. Hashes are OpenSSL's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tarn::store {

enum class Algorithm { kCrc32, kCrc32c, kSha1, kSha256, kCrc64nvme };

std::string_view algorithm_name(Algorithm algorithm);  // "CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"
std::optional<Algorithm> algorithm_of(std::string_view name);  // any case
size_t digest_bytes(Algorithm algorithm);
inline bool is_crc(Algorithm algorithm) {
  return algorithm != Algorithm::kSha1 && algorithm != Algorithm::kSha256;
}

// A checksum that is kept with an object or a part.
struct Checksum {
  Algorithm algorithm = Algorithm::kCrc64nvme;
  std::string value;        // raw
  bool full_object = true;  // false: COMPOSITE, the digest of the parts' digests
  bool operator==(const Checksum&) const = default;
};

// MD5 and, if asked for, checksums of a stream of bytes.
class Digests {
 public:
  explicit Digests(std::span<const Algorithm> algorithms, bool md5 = true);
  Digests(Digests&&) noexcept;
  Digests& operator=(Digests&&) noexcept;
  ~Digests();
  void update(std::span<const char> bytes);
  void finish();                                        // once; update() is over
  void finish_with(std::string md5);                    // MD5 was taken elsewhere (md5.h)
  const std::string& md5() const;                       // 16 bytes; after finish()
  const std::string& value(Algorithm algorithm) const;  // REQUIRES: it was asked for; after finish()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string md5_of(std::string_view bytes);
std::string digest_of(Algorithm algorithm, std::string_view bytes);

// The CRC of two pieces put together, from the CRC of each and the length of the second.
std::string combine_crc(Algorithm algorithm, std::string_view first, std::string_view second,
                        uint64_t second_bytes);

}  // namespace tarn::store
