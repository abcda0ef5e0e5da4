// A request's body with its Content-Encoding undone, piece by piece: identity, gzip, zstd.
//
// Members of gzip and frames of zstd that follow one another are one body. Nothing is held but a window and
// one piece of input.
// Threads: one thread.
// Fails: kUnsupported names the encodings that exist; kInvalid for bytes that are not of the encoding or
// end too early; kTooLarge past a limit (a gzip bomb ends here); what the source fails with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"

namespace tarn::http {

// Bytes of a body: the next of them, at least one; 0 at the end.
using Source = std::function<Result<size_t>(std::span<char>)>;

struct DecodeLimits {
  uint64_t encoded_bytes_max = 1ull << 30;
  uint64_t decoded_bytes_max = 8ull << 30;
  // Past so many decoded bytes, a body may be at most so many times larger than it was sent.
  uint64_t ratio_from_bytes = 64ull << 20;
  uint64_t ratio_max = 200;
  uint32_t window_log_max = 27;  // of zstd: 128 MiB of memory at most
};

class BodyDecoder {
 public:
  // `encoding` as the header has it; absent is identity.
  static Result<std::unique_ptr<BodyDecoder>> make(std::optional<std::string_view> encoding, Source source,
                                                   const DecodeLimits& limits);
  virtual ~BodyDecoder() = default;
  Result<size_t> read(std::span<char> out);

 protected:
  BodyDecoder(Source source, const DecodeLimits& limits) : source_(std::move(source)), limits_(limits) {}
  virtual Result<size_t> decode(std::span<char> out) = 0;
  Result<size_t> pull(std::span<char> out);  // from the source, counted

  const DecodeLimits& limits() const { return limits_; }

 private:
  Source source_;
  const DecodeLimits limits_;
  uint64_t encoded_bytes_ = 0;
  uint64_t decoded_bytes_ = 0;
};

}  // namespace tarn::http
