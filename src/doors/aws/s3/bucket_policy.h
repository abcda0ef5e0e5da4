// Policies of buckets: what S3 refuses in them, and whether one lets anybody in.
//
// Threads: pure functions.
// Fails: MalformedPolicy in S3's words.
#pragma once

#include <string>
#include <string_view>

#include "access/policy.h"
#include "doors/aws/s3/errors.h"

namespace tarn::aws::s3 {

inline constexpr std::string_view kPolicyDocument = "policy";  // the bucket's document

// The document, if `bucket` may have it.
S3Result<std::shared_ptr<const access::Policy>> parse_bucket_policy(std::string_view text,
                                                                    std::string_view bucket);

// AWS's meaning of public: a statement allows everybody, and no condition narrows who that is.
bool is_public_policy(const access::Policy& policy);

}  // namespace tarn::aws::s3
