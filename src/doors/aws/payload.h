// The ways a payload travels, each behind Payload (auth.h): as it is, hashed beforehand, in aws-chunks.
//
// Whoever reads exactly as many bytes as were announced is safe too: with the last of them everything has been
// checked, and a payload that is wrong doesn't give its last bytes.
// Owns: nothing but a whole body; borrows the request.
// Threads: one worker's.
// Fails: as Payload says; once failed, it stays so.
// Source: AWS's documentation of Signature Version 4 for chunked uploads, with and without trailers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doors/aws/auth.h"
#include "doors/aws/signature.h"

namespace tarn::aws {

inline constexpr std::string_view kStreamingTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr std::string_view kSignedStreaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kSignedStreamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

inline constexpr size_t kChunkLineBytesMax = 4096;
inline constexpr size_t kTrailerBytesMax = 16 * 1024;

// `hash`: the SHA-256 that the bytes must have, in lower-case hexadecimal; empty: nobody said.
std::unique_ptr<Payload> plain_payload(http::Request& request, std::string hash);

// A body that was read and checked already.
std::unique_ptr<Payload> whole_payload(std::string bytes);

struct ChunkSigning {
  std::string key;   // signing key
  std::string time;  // of the head
  Scope scope;
  std::string seed;  // the head's signature
  bool with_trailer = false;
};
struct Chunked {
  std::optional<ChunkSigning> signing;  // nothing: signatures of chunks, if there are any, are not looked at
  std::optional<uint64_t> decoded_length;
  std::vector<std::string> announced;  // trailing headers, in lower case
};
std::unique_ptr<Payload> chunked_payload(http::Request& request, Chunked chunked);

// SHA-256, piece by piece. hex() ends it; restart() begins anew.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void restart();
  void update(std::span<const char> bytes);
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What all payloads share: how they fail.
class CheckedPayload : public Payload {
 public:
  const std::vector<http::Header>& trailers() const override { return trailers_; }
  Problem problem() const override { return problem_; }
  std::string expected() const override { return expected_; }
  std::string actual() const override { return actual_; }

 protected:
  std::unexpected<Error> wrong(Problem problem, std::string message);
  std::unexpected<Error> broken(Error error);  // a failed read of the request
  std::unexpected<Error> again() const { return fail(*error_); }
  bool failed() const { return error_.has_value(); }

  std::vector<http::Header> trailers_;
  std::string expected_;
  std::string actual_;

 private:
  Problem problem_ = Problem::kNone;
  std::optional<Error> error_;
};

}  // namespace tarn::aws
