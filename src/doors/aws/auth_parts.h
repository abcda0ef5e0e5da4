// The ways to authenticate, one function each; auth.cpp chooses between them.
//
// Threads: pure functions, but for reading identities.
// Fails: a Refusal, as auth.h says.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "access/identities.h"
#include "doors/aws/auth.h"
#include "doors/aws/auth_claim.h"

namespace tarn::aws {

using Verdict = std::expected<Authenticated, Refusal>;

Verdict authenticate_v4(http::Request& request, const Claim& claim, bool s3,
                        const AuthOptions& options);  // auth_v4.cpp
// V2, of S3 only. `word` is what follows "AWS" in the Authorization header.
Verdict authenticate_v2_header(http::Request& request, std::string_view word, const AuthOptions& options);
Verdict authenticate_v2_query(http::Request& request, const AuthOptions& options);
// Basic and Bearer: the secret itself. `word` is what follows the scheme's name.
Verdict authenticate_secret(http::Request& request, Scheme scheme, std::string_view word, bool s3,
                            const AuthOptions& options);  // auth_secret.cpp

std::expected<access::Credential, Refusal> find_credential(const AuthOptions& options,
                                                           std::string_view key_id, std::string_view token);

// Is the scope one for here? `s3`: the service must be S3.
std::expected<void, Refusal> check_scope(const Scope& scope, bool s3, bool in_header,
                                         const AuthOptions& options);

// SignatureDoesNotMatch with all that S3 tells. `canonical_request` empty: there is none (V2).
std::unexpected<Refusal> refuse_signature(std::string_view key_id, std::string_view given,
                                          std::string_view string_to_sign,
                                          std::string_view canonical_request);

// A clock that is off by more than skew_max. `request_time`: as the request has it.
std::unexpected<Refusal> refuse_skewed(std::string_view request_time, const AuthOptions& options);
std::unexpected<Refusal> refuse_expired_url(Timestamp expired, Timestamp now,
                                            std::string_view expires_seconds);

// The payload of a request to S3, by x-amz-content-sha256 (a header, or signed in the URL) and the content encoding.
// `claim` null: the head has no V4 signature, so that chunks can't carry any.
std::expected<std::unique_ptr<Payload>, Refusal> s3_payload(http::Request& request, const Claim* claim,
                                                            const std::string& key, bool& aws_chunked);

}  // namespace tarn::aws
