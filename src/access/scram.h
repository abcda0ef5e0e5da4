// SCRAM-SHA-256's keys of a password (RFC 5802, RFC 7677) and their stored form (RFC 5803).
//
// Threads: pure functions, but for random salts.
// Fails: check_password: kInvalid. scram_from_text: kCorrupt.
// Shapes: "SCRAM-SHA-256$4096:<base64 salt>$<base64 stored key>:<base64 server key>".
// Source: RFC 5802 section 3, RFC 7677, RFC 5803 section 3.
#pragma once

#include <string>
#include <string_view>

#include "access/identities.h"
#include "base/error.h"

namespace tarn::access {

inline constexpr int kScramIterations = 4096;
inline constexpr int kScramIterationsMax = 1'000'000;
inline constexpr size_t kScramSaltBytes = 16;
inline constexpr size_t kPasswordBytesMax = 256;

ScramVerifier make_verifier_with(std::string_view password, std::string salt, int iterations);
// Not empty, UTF-8, no control characters (SASLprep refuses them), at most kPasswordBytesMax.
Status check_password(std::string_view password);
std::string scram_to_text(const ScramVerifier& verifier);
Result<ScramVerifier> scram_from_text(std::string_view text);
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace tarn::access
