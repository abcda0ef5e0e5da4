// The policy of an HTML form that puts an object: what its fields and its file may be.
//
// Threads: values.
// Fails: InvalidPolicyDocument for what is no policy; AccessDenied, EntityTooSmall, EntityTooLarge for a form that
// breaks it.
// Shapes: {"expiration": "2026-12-01T12:00:00.000Z", "conditions": [{"acl": "private"}, ["eq", "$key", "a"],
// ["starts-with", "$key", "user/"], ["content-length-range", 1, 1000]]}.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

struct PostCondition {
  bool starts_with = false;
  std::string field;  // lower case, without '$'
  std::string value;
  std::string text;  // as the policy has it, for the message
};

struct PostPolicy {
  Timestamp expiration;
  std::vector<PostCondition> conditions;
  std::optional<uint64_t> bytes_min;
  std::optional<uint64_t> bytes_max;
};

S3Result<PostPolicy> parse_post_policy(std::string_view json);
// `fields` by lower-case name, with the final key; each must be named by a condition, but for the signature's own
// and x-ignore-…; so must the bucket.
S3Status check_post_policy(const PostPolicy& policy, const Fields& fields, std::string_view bucket,
                           Timestamp now);

}  // namespace tarn::aws::s3
